"""The golden file: what the search box answers about an invented list, asked of the register and of the open API.

The list is `golden/documents.toml`, the questions `golden/cases.toml`, which says what its keys mean.
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
import structlog
from flask.testing import FlaskClient
from synthetic_list import NOW, PublishedList, build_document

from portal.app import create_app
from portal.parameters import CONDUCT
from portal.settings import PortalSettings
from search_index.document import DisclosedConduct, Document
from search_index.number import draw_number, is_number
from search_index.page import Hit, Page, Query
from search_index.register import Register

GOLDEN = Path(__file__).parent / "golden"
EVERYTHING = ("*",)
# What the file calls as the address does, and the query otherwise.
QUERY_NAMES = {"from": "published_from", "to": "published_to"}
FILTERS = ("kind", "court", "region", "conduct", "performance", "from", "to", "sort")
FIELDS = {one.name for one in fields(Document)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """An entry of the golden list, under the label that cases call it by."""

    label: str
    document: Document
    departed: bool

    @property
    def is_visible(self) -> bool:
        return not self.departed and self.document.is_visible(NOW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A question and the whole answer to it, by labels."""

    query: str
    filters: Mapping[str, Any]
    why: str
    exact: frozenset[str] = frozenset()
    near: frozenset[str] = frozenset()
    refused: bool = False
    first: str | None = None
    order: tuple[str, ...] = ()
    reading: str = ""
    reasons: Mapping[str, str] = field(default_factory=dict)
    never: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"“{self.query}” {dict(self.filters) or ''}: {self.why}"

    @property
    def labels(self) -> set[str]:
        return {*self.exact, *self.near, *self.never, *self.order, *self.reasons, *filter(None, [self.first])}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One hit of an answer."""

    label: str
    match: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """All pages of an answer, as one."""

    found: tuple[Found, ...]
    total: int
    near: int
    reading: str

    def labels(self, match: str) -> list[str]:
        return [one.label for one in self.found if one.match == match]


def read_golden(name: str) -> list[dict[str, Any]]:
    tables: list[dict[str, Any]] = tomllib.loads((GOLDEN / f"{name}s.toml").read_text(encoding="utf-8"))[name]
    return tables


def read_listed(position: int, values: dict[str, Any]) -> Listed:
    changes: dict[str, Any] = {
        "record": draw_number(Random(position)),
        "basis_number": f"（2016）云9901民初{position}号",
        "case_number": f"（2020）云9999执{1000 + position}号",
        "obligation": "履行生效法律文书确定的义务。",
        "published_on": date.fromordinal(date(2024, 1, 1).toordinal() + position),
        **{key: value for key, value in values.items() if key not in ("label", "departed")},
    }
    codes = values.get("conduct", ["breaks_property_reporting"])
    changes["conduct"] = tuple(DisclosedConduct(code=code, text=CONDUCT[code]) for code in codes)
    if changes.get("kind") == "organisation":
        changes.update(gender=None, age=None, id_number=None)
    document = build_document(position, **changes)
    return Listed(label=values["label"], document=document, departed=values.get("departed", False))


def read_case(values: dict[str, Any], everything: frozenset[str]) -> Case:
    given = {key: value for key, value in values.items() if key not in FILTERS}
    for key in ("exact", "near", "never"):
        given[key] = frozenset(given.get(key, ()))
    if given["exact"] == frozenset(EVERYTHING):
        given["exact"] = everything
    given["order"] = tuple(given.get("order", ()))
    return Case(filters={key: values[key] for key in FILTERS if key in values}, **given)


LIST = [read_listed(position, values) for position, values in enumerate(read_golden("document"))]
VISIBLE = frozenset(one.label for one in LIST if one.is_visible)
CASES = [read_case(values, VISIBLE) for values in read_golden("case")]
LABELS = {one.document.record: one.label for one in LIST}

all_cases = pytest.mark.parametrize("case", CASES, ids=[f"case-{number:03}" for number in range(len(CASES))])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("golden")


@pytest.fixture(scope="module")
def register(folder: Path) -> Register:
    published = PublishedList(folder, [one.document for one in LIST])
    published.depart(*(one.document for one in LIST if one.departed))
    published.sync()
    return published.register


@pytest.fixture(scope="module")
def client(folder: Path, register: Register) -> Iterator[FlaskClient]:
    settings = PortalSettings(
        disclosed_url=f"sqlite:///{folder / 'disclosed.sqlite'}", index_folder=folder / "index", rate_limit=False
    )
    with structlog.testing.capture_logs():
        yield create_app(settings, lambda: NOW).test_client()


def ask_register(register: Register, case: Case) -> Answer:
    filters = {QUERY_NAMES.get(name, name): value for name, value in case.filters.items()}
    query = Query(text=case.query, **filters)
    page = register.search(query, NOW)
    hits = list(page.hits)
    for number in range(2, page.pages + 1):
        following = register.search(replace(query, page=number), NOW)
        assert (following.total, following.near) == (page.total, page.near)
        hits += following.hits
    return build_answer(page, hits)


def build_answer(page: Page, hits: list[Hit]) -> Answer:
    found = tuple(Found(label=LABELS[hit.document.record], match=hit.match, reason=hit.reason) for hit in hits)
    return Answer(found=found, total=page.total, near=page.near, reading=page.reading)


def ask_api(client: FlaskClient, case: Case) -> Answer:
    parameters = {"q": case.query, **{name: str(value) for name, value in case.filters.items()}}
    first = read_page(client, parameters, 1)
    meta, entries = first["meta"], first["entries"]
    for number in range(2, meta["pages"] + 1):
        following = read_page(client, parameters, number)
        assert following["meta"] == {**meta, "page": number}
        entries += following["entries"]
    found = tuple(
        Found(label=LABELS[entry["record"]], match=entry["match"], reason=entry.get("reason")) for entry in entries
    )
    return Answer(found=found, total=meta["total"], near=meta["near"], reading=meta["reading"])


def read_page(client: FlaskClient, parameters: dict[str, str], number: int) -> dict[str, Any]:
    with client.get("/api/v1/entries", query_string={**parameters, "page": str(number)}) as answer:
        assert answer.status_code == 200
        assert answer.json is not None
        return dict(answer.json)


def judge(case: Case, answer: Answer) -> None:
    """Assert that the answer is the case's, whole and in order."""
    exact, near = answer.labels("exact"), answer.labels("near")
    assert sorted(exact) == sorted(case.exact), str(case)
    assert sorted(near) == sorted(case.near), str(case)
    assert not case.never & {*exact, *near}, str(case)
    assert [one.label for one in answer.found] == [*exact, *near], f"an exact hit after a near one: {case}"
    assert len(answer.found) == len({one.label for one in answer.found}), f"a hit twice: {case}"
    assert (answer.total, answer.near) == (len(exact), len(near)), str(case)
    judge_order(case, answer, exact)
    judge_words(case, answer)


def judge_order(case: Case, answer: Answer, exact: list[str]) -> None:
    if case.first is not None:
        assert answer.found[0].label == case.first, str(case)
    if case.order:
        assert exact == list(case.order), str(case)


def judge_words(case: Case, answer: Answer) -> None:
    assert case.reading in answer.reading, str(case)
    for one in answer.found:
        assert bool(one.reason) == (one.match == "near"), str(case)
    reasons = {one.label: one.reason or "" for one in answer.found}
    for label, part in case.reasons.items():
        assert part in reasons[label], str(case)


@all_cases
def test_the_register_answers_as_the_golden_file_says(register: Register, case: Case) -> None:
    answer = ask_register(register, case)
    judge(case, answer)
    if case.refused:
        assert "不能用完整号码查询" in answer.reading


@all_cases
def test_the_api_answers_as_the_golden_file_says(client: FlaskClient, case: Case) -> None:
    if case.refused:
        with client.get("/api/v1/entries", query_string={"q": case.query, **case.filters}) as refusal:
            assert refusal.status_code == 400
            assert [error["parameter"] for error in (refusal.json or {})["errors"]] == ["q"]
        return
    judge(case, ask_api(client, case))


def test_no_exact_hit_is_false_and_none_has_gone(register: Register) -> None:
    false, gone = [], []
    for case in CASES:
        answer = ask_register(register, case)
        false += [(case.query, label) for label in answer.labels("exact") if label not in case.exact]
        gone += [(case.query, one.label) for one in answer.found if one.label not in VISIBLE]
    assert (false, gone) == ([], [])


def test_the_golden_list_is_sound() -> None:
    labels, records = Counter(one.label for one in LIST), Counter(one.document.record for one in LIST)
    numbers = Counter(one.document.case_number for one in LIST)
    for counted in (labels, records, numbers):
        assert set(counted.values()) == {1}
    assert all(map(is_number, records))
    known = FIELDS | {"label", "departed"}
    assert all(values.keys() <= known for values in read_golden("document"))


def test_the_golden_cases_are_sound() -> None:
    questions = Counter((case.query, *sorted(case.filters.items())) for case in CASES)
    assert set(questions.values()) == {1}
    assert len(questions) >= 200
    for case in CASES:
        assert case.labels <= {one.label for one in LIST}, case
        assert not case.exact & case.near, case
        assert not case.never & (case.exact | case.near), case
        assert (case.exact | case.near) <= VISIBLE, case
        assert set(case.reasons) <= case.near, case
        assert case.first is None or case.first in (case.exact or case.near), case
        assert not case.order or set(case.order) == case.exact, case
        assert case.why


def test_every_rule_has_cases_of_its_own() -> None:
    named = {int(number) for case in CASES for number in re.findall(r"\brule (\d+)", case.why)}
    assert named == set(range(15))
