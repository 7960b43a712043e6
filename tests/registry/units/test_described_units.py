"""The description of the units' interface is true and complete: Schemathesis finds nothing, and nothing is left out."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from described import CHECKS, look, operations_of, routes_of
from entries import a_person
from homes import Home
from schemathesis import Case, Response
from unit_machine import PREFIX, add_key
from unit_world import add_unit, import_measures, open_units

from registry.unit_api.openapi import build_openapi


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone."""
    return {}


# No schema tells which characters can be shown, and what is a number of somebody.
UNSAYABLE = ("含有不能识别的字符", "中有身份证、电话或者账户一类的号码")
# What clashes with the state is told beside what cannot be read.
CLASHES = ("没有向本单位发出过", "措施清单中没有本单位的", "名单还没有这个序号")


def is_unsayable(_case: Case, response: Response) -> bool:
    reasons = [error["reason"] for error in response.json().get("errors", [])]
    unsayable = [reason for reason in reasons if any(words in reason for words in UNSAYABLE)]
    others = [reason for reason in reasons if reason not in unsayable]
    return bool(unsayable) and all(reason.startswith(CLASHES) for reason in others)


def test_every_route_of_the_interface_is_described_and_no_other(home: Home) -> None:
    described = set(operations_of(build_openapi()))
    assert described == routes_of(open_units(home), lambda rule: rule.startswith(PREFIX), PREFIX)


@pytest.mark.long
@pytest.mark.parametrize("examples", [25])
def test_schemathesis_finds_nothing(home: Home, monkeypatch: pytest.MonkeyPatch, examples: int) -> None:
    monkeypatch.setenv("GONGSHI_RATE_LIMIT", "off")
    # Who asks for the next change is not kept waiting.
    monkeypatch.setattr("gongshi.units.time", SimpleNamespace(sleep=lambda _seconds: None))
    add_unit(home, "housing", "--push", "--releases", "--feedback")
    import_measures(home, "B10,限制购房,housing")
    home.publish(*(a_person(serial) for serial in (1, 2, 3)))
    key = add_key(home, "housing", "everything")
    headers = {"Authorization": f"Bearer {key}"}
    found = look(open_units(home), build_openapi(), PREFIX, headers, examples, is_unsayable)
    assert not found.faults, "\n\n".join(found.faults)
    assert found.checks >= CHECKS
    assert set(found.statuses) == set(operations_of(build_openapi()))
