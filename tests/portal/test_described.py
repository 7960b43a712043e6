"""The description of the open API is true and complete: Schemathesis finds nothing, and nothing is left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from described import CHECKS, Looked, look, operations_of, routes_of
from portal_world import COMPANY, PERSON, World
from schemathesis import Case, Response
from test_bulk import grant

from portal.openapi import build_openapi
from portal.site import KEY

URL = "https://example.invalid"
# What machines read; the rest are pages, pictures and forms.
MACHINES = ("/api/", "/feed", "/opensearch.xml", "/healthz", "/readyz")


def is_for_machines(rule: str) -> bool:
    return rule.startswith(MACHINES) or (rule.startswith("/display/") and rule.endswith(".json"))


def fill(world: World) -> dict[str, str]:
    """A list with a departure; the header of a reader that has confirmed it."""
    *_, departed = world.publish(PERSON, replace(COMPANY, latin_name="Ceshi"), replace(PERSON, name="央金样例"))
    world.withdraw(departed.record)
    return grant(world, acked=world.sequence)


def is_reversed(case: Case, response: Response) -> bool:
    """Refused because the last day is before the first: no schema can compare the two."""
    query = case.query or {}
    first, last = query.get("from"), query.get("to")
    told = "截止日期早于起始日期" in response.text
    return response.status_code == 400 and bool(first and last) and last < first and told


def look_at(world: World, examples: int) -> Looked:
    headers, app = fill(world), world.build_app()
    # Who asks for the next change is not kept waiting.
    app.extensions[KEY] = replace(app.extensions[KEY], pause=lambda _seconds: None)
    return look(app, build_openapi(URL), "", headers, examples, is_reversed)


def test_every_route_for_machines_is_described_and_no_other(world: World) -> None:
    assert set(operations_of(build_openapi(URL))) == routes_of(world.build_app(), is_for_machines)


@pytest.mark.long
@pytest.mark.parametrize("examples", [25])
def test_schemathesis_finds_nothing(world: World, examples: int) -> None:
    found = look_at(world, examples)
    assert not found.faults, "\n\n".join(found.faults)
    assert found.checks >= CHECKS
    assert set(found.statuses) == set(operations_of(build_openapi(URL)))
    assert found.phases >= {"coverage", "fuzzing", "stateful"}
    # Every operation was carried out, too, and not refused alone; the archive has no block, whose address is drawn.
    done = {name for name, statuses in found.statuses.items() if statuses & {200, 202}}
    assert set(found.statuses) - done <= {"GET /feed/archive/{block}.atom"}
