"""The interface for machines: following the list, acknowledging, feedback, the own ledger; and what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest
from entries import a_person
from flask import Flask
from homes import Home
from jsonschema_rs import Draft202012Validator
from sqlalchemy import select
from unit_machine import Machine, add_key, clashes, faults, problem
from unit_world import add_unit, import_measures, open_units, published

from gongshi.court import Court
from registry.tables import LedgerRow, UnitUseRow
from registry.unit_api.openapi import build_openapi
from registry.units.ledger import LedgerKind, note_verification
from registry.units.releases import list_releases
from registry.units.units import get_unit

WHO = {"purpose": "购房资格审查", "operator": "𠮷工号0017"}


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what the interface rests on is tested on both databases where it lives."""
    return {}


@dataclass
class Town:
    """A court with three entries, a unit that is sent the list, and one that is told of departures only."""

    home: Home
    court: Court
    app: Flask
    records: list[str]
    housing: Machine
    bank: Machine

    def withdraw(self, record: str) -> None:
        basis = "（2026）测0101执监1号"
        self.home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", basis, "--as", "reviewer")

    def uses(self) -> list[tuple[str, str, str | None, str | None, int]]:
        with self.court.reading() as session:
            rows = session.scalars(select(UnitUseRow).order_by(UnitUseRow.id)).all()
            return [(row.by, row.action, row.purpose, row.operator, row.rows) for row in rows]

    def lines(self, kind: LedgerKind) -> list[LedgerRow]:
        with self.court.reading() as session:
            query = select(LedgerRow).where(LedgerRow.kind == kind.value)
            rows = list(session.scalars(query.order_by(LedgerRow.id)))
            session.expunge_all()
            return rows


@pytest.fixture
def town(home: Home) -> Iterator[Town]:
    add_unit(home, "housing", "--push", "--releases", "--feedback")
    add_unit(home, "bank", "--releases")
    home.publish(*(a_person(serial) for serial in (1, 2, 3)))
    court = home.court
    app = open_units(home)
    keys = {slug: Machine(app, add_key(home, slug, f"{slug}-office")) for slug in ("housing", "bank")}
    yield Town(home, court, app, published(court), keys["housing"], keys["bank"])
    court.close()


def fits(name: str, body: Any) -> None:
    """The answer of an operation is as the description says."""
    described = build_openapi()
    path, method = {
        "changes": ("/changes", "get"),
        "entry": ("/entries/{record}", "get"),
        "acks": ("/acks", "post"),
        "feedback": ("/feedback", "post"),
        "ledger": ("/ledger", "get"),
    }[name]
    schema = described["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
    Draft202012Validator({**schema, "components": described["components"]}).validate(body)


def test_changes_are_told_with_entries_to_whom_the_list_is_sent_and_without_to_others(town: Town) -> None:
    full = town.housing.good(town.housing.get("/changes?since=0"))
    thin = town.bank.good(town.bank.get("/changes?since=0"))
    for body in (full, thin):
        fits("changes", body)
    assert [one["record"] for one in full["changes"]] == [one["record"] for one in thin["changes"]]
    assert all(one["entry"]["name"] and "*" in one["entry"]["id_number"] for one in full["changes"])
    assert all(one["entry"] is None for one in thin["changes"])
    gone = town.records[0]
    town.withdraw(gone)
    since = full["meta"]["next"]
    for machine in (town.housing, town.bank):
        news = machine.good(machine.get(f"/changes?since={since}"))
        (change,) = news["changes"]
        assert (change["type"], change["record"], change["entry"]) == ("gone", gone, None)
        assert news["meta"] == {
            "head": since + 1, "next": since + 1, "checked_at": news["meta"]["checked_at"], "under_verification": [],
            "open_releases": 1,
        }  # fmt: skip
    again = town.housing.good(town.housing.get("/changes?since=0"))
    assert [one["entry"] for one in again["changes"] if one["record"] == gone] == [None, None]
    paged = town.housing.good(town.housing.get("/changes?since=0&limit=2"))
    assert (len(paged["changes"]), paged["meta"]["next"], paged["meta"]["head"]) == (2, 2, since + 1)


def test_an_entry_says_how_it_stands(town: Town) -> None:
    first, second = town.records[:2]
    found = town.bank.good(town.bank.get(f"/entries/{first}"))
    fits("entry", found)
    assert (found["status"], found["entry"]["record"]) == ("LISTED", first)
    with town.court.session() as session:
        note_verification(session, first, "UNDER_VERIFICATION", town.court.acting("reviewer"))
    assert town.bank.good(town.bank.get(f"/entries/{first}"))["status"] == "UNDER_VERIFICATION"
    assert town.bank.good(town.bank.get("/changes?since=0"))["meta"]["under_verification"] == [first]
    town.withdraw(second)
    said = problem(town.bank.get(f"/entries/{second}"), 410, "gone")
    assert said["record"] == second
    for unknown in ("SX-00000000", "nobody", "SX-%F0%A0%AE%B7"):
        problem(town.bank.get(f"/entries/{unknown}"), 404, "not-found")


def test_a_sequence_that_is_not_told_any_more_says_where_to_begin(town: Town) -> None:
    said = problem(town.housing.get("/changes?since=4000"), 410, "since-unknown")
    assert said["snapshot"] == "/units/v1/snapshot"
    town.home.clock.moment += timedelta(days=370)
    key = town.home.ask("unit", "key", "renew", "housing", "housing-office", "--as", "reviewer")["secret"]
    problem(Machine(town.app, key).get("/changes?since=0"), 410, "since-too-old")


def test_the_whole_list_ends_with_its_digest_and_is_for_whom_it_is_sent_to(town: Town) -> None:
    answer = town.housing.get("/snapshot", X_Purpose="首次取用", X_Operator="𠮷科员")
    first, *lines, last = answer.data.splitlines(keepends=True)
    assert json.loads(first)["sequence"] == 3
    assert json.loads(last) == {"rows": 3, "sha256": sha256(b"".join(lines)).hexdigest()}
    assert sorted(json.loads(line)["record"] for line in lines) == town.records
    problem(town.bank.get("/snapshot"), 403, "no-list")
    assert town.uses() == [("unit:key:housing-office", "snapshot", "首次取用", "𠮷科员", 3)]


def test_asking_in_vain_is_one_use_an_hour(town: Town) -> None:
    for _ in range(3):
        town.bank.good(town.bank.get("/changes?since=3"))
    town.bank.good(town.bank.get("/changes?since=1"))
    town.bank.good(town.bank.get("/changes?since=3", X_Operator="另一人"))
    town.home.clock.advance(hours=1)
    town.bank.good(town.bank.get("/changes?since=3"))
    assert [(rows, operator) for _, _, _, operator, rows in town.uses()] == [
        (0, None), (2, None), (0, "另一人"), (0, None)
    ]  # fmt: skip


@pytest.mark.long
def test_whoever_waits_is_told_of_a_departure_at_once(town: Town) -> None:
    with ThreadPoolExecutor(1) as pool:
        began = time.monotonic()
        waiting = pool.submit(town.bank.get, "/changes?since=3&wait=20")
        time.sleep(0.5)
        assert not waiting.done()
        town.withdraw(town.records[0])
        found = town.bank.good(waiting.result())
    assert [change["type"] for change in found["changes"]] == ["gone"]
    assert time.monotonic() - began < 10


def test_an_ack_comes_once_and_lifts_what_this_unit_was_told_of(town: Town) -> None:
    gone, kept = town.records[:2]
    town.withdraw(gone)
    body = {"sequence": 4, "released": [gone, gone], "operator": "𠮷科员"}
    first = town.bank.good(town.bank.post("/acks", body))
    fits("acks", first)
    assert first == {"sequence": 4, "new": True, "released": [gone], "before": []}
    again = town.bank.good(town.bank.post("/acks", body))
    assert again == {"sequence": 4, "new": False, "released": [], "before": [gone]}
    assert [(line.by, line.key) for line in town.lines(LedgerKind.ACK)] == [
        ("unit:key:bank-office", f"ack/api/{town.lines(LedgerKind.ACK)[0].unit_id}/4")
    ]
    assert len(town.lines(LedgerKind.RELEASED)) == 1
    with town.court.reading() as session:
        assert list_releases(session, get_unit(session, "bank").id, open_only=True)[1] == 0
        assert list_releases(session, get_unit(session, "housing").id, open_only=True)[1] == 1
    # Of what nobody told this unit, and of what does not exist, the same is said, and nothing is done.
    said = clashes(town.bank.post("/acks", {"sequence": 4, "released": [kept, "SX-00000000", gone]}))
    assert set(said) == {"released[0]", "released[1]"}
    refused = clashes(town.bank.post("/acks", {"sequence": 5, "released": [kept]}))
    assert set(refused) == {"sequence", "released[0]"}
    assert len(town.lines(LedgerKind.ACK)) == 1


def test_another_units_releases_are_unknown(town: Town) -> None:
    add_unit(town.home, "late")
    key = add_key(town.home, "late", "late-office")
    gone = town.records[0]
    town.withdraw(gone)
    assert list(clashes(Machine(town.app, key).post("/acks", {"sequence": 4, "released": [gone]}))) == ["released[0]"]
    assert town.lines(LedgerKind.RELEASED) == []


def test_feedback_goes_by_the_rules_of_the_page(town: Town) -> None:
    import_measures(town.home, "B10,限制购房,housing", "B11,限制贷款,bank")
    town.home.clock.advance(days=60)
    machine = town.housing
    draft = {"quarter": "2026Q4", "measures": {"B10": {"checked": 5, "applied": 2}}, **WHO}
    saved = machine.good(machine.post("/feedback", draft))
    fits("feedback", saved)
    assert (saved["submitted_at"], saved["measures"]) == (None, {"B10": {"checked": 5, "applied": 2, "lifted": 0}})
    sent = machine.good(machine.post("/feedback", {**draft, "submit": True}))
    assert sent["submitted_at"] is not None
    again = machine.good(machine.post("/feedback", {**draft, "submit": True}))
    assert again["corrections"] == 0
    corrected = machine.good(machine.post("/feedback", {**draft, "remarks": "补报一件", "submit": True}))
    assert corrected["corrections"] == 1
    assert len(town.lines(LedgerKind.FEEDBACK)) == 2
    bad = {
        "quarter": "2026Q9", "measures": {"B10": {"applied": -1, "lifted": True}, "B11": {}, "110101199003070000": {}},
        "remarks": 7, "submit": "yes", "extra": 1, "purpose": "购房", "operator": "110105194912310021",
    }  # fmt: skip
    said = faults(machine.post("/feedback", bad))
    assert set(said) == {
        "quarter", "measures.B10.applied", "measures.B10.lifted", "measures[0]", "measures[2]", "remarks", "submit",
        "extra", "operator",
    }  # fmt: skip
    assert set(faults(machine.post("/feedback", {"quarter": "2026Q4", "measures": {}}))) == {"purpose", "operator"}
    early = machine.post("/feedback", {"quarter": "2027Q1", "measures": {}, "submit": True, **WHO})
    assert "还没有结束" in problem(early, 409, "refused")["detail"]


def test_a_ledger_is_the_units_own(town: Town) -> None:
    town.withdraw(town.records[0])
    town.bank.good(town.bank.post("/acks", {"sequence": 4}))
    found = town.bank.good(town.bank.get("/ledger"))
    fits("ledger", found)
    assert [(line["kind"], line["by"]) for line in found["lines"]] == [
        ("ack", "单位密钥bank-office"), ("release", "法院")
    ]  # fmt: skip
    assert [line["kind"] for line in town.housing.good(town.housing.get("/ledger"))["lines"]] == ["release"]
    assert town.bank.good(town.bank.get("/ledger?kind=ack"))["meta"] == {"total": 1, "page": 1, "pages": 1}
    assert set(faults(town.bank.get("/ledger?kind=all&page=0&more=1"))) == {"kind", "page", "more"}


UNREADABLE: tuple[tuple[bytes, int, str], ...] = (
    (b"{", 400, "bad-json"),
    (b"[]", 400, "bad-json"),
    (b"null", 400, "bad-json"),
    (b'{"sequence": 1, "sequence": 2}', 400, "bad-json"),
    (b'{"sequence": NaN}', 400, "bad-json"),
    (b'{"operator": "\\ud842"}', 400, "bad-json"),
    (b"\xff\xfe", 400, "bad-json"),
    (b"[" * 100_000, 400, "bad-json"),
    (b'{"sequence": 1.5}', 400, "bad-parameter"),
    (b'{"sequence": true}', 400, "bad-parameter"),
    (b'{"sequence": "1"}', 400, "bad-parameter"),
    (b'{"sequence": 1, "released": {"a": 1}}', 400, "bad-parameter"),
    (b'{"sequence": 1, "released": [1, null, "x"]}', 400, "bad-parameter"),
    (b'{"sequence": 1, "purpose": 5}', 400, "bad-parameter"),
    (b'{"sequence": 1, "\\u0000": 5}', 400, "bad-parameter"),
    (b'{"sequence": 99999999999999999999999999}', 400, "bad-parameter"),
    (b'{"x": "' + b"a" * 300_000 + b'"}', 413, "too-large"),
)


def test_a_body_that_cannot_be_read_is_a_problem(town: Town) -> None:
    for body, status, slug in UNREADABLE:
        problem(town.bank.ask("POST", "/acks", data=body, content_type="application/json"), status, slug)
    assert town.lines(LedgerKind.ACK) == []
    assert town.uses() == []


def test_everything_else_is_a_problem_too_and_never_a_page(town: Town) -> None:
    machine = town.bank
    problem(machine.ask("POST", "/acks", data={"sequence": "1"}), 415, "not-json")
    problem(machine.ask("POST", "/acks", data=b"{}", content_type="application/json; charset=gbk"), 415, "not-json")
    problem(machine.get("/nothing"), 404, "not-found")
    problem(machine.get(""), 404, "not-found")
    answer = machine.ask("DELETE", "/acks")
    problem(answer, 405, "method-not-allowed")
    assert "POST" in answer.headers["Allow"]
    problem(machine.ask("GET", "/ledger", {"Host": "elsewhere.example"}), 400, "bad-request")
    assert set(faults(machine.get("/changes"))) == {"since"}
    assert set(faults(machine.get("/changes?since=-1&limit=0&wait=99&x=1"))) == {"since", "limit", "wait", "x"}
    for header in ("%FF", "é", "a\tb"):
        assert list(faults(machine.ask("GET", "/ledger", {"X-Operator": header}))) == ["operator"]
    assert town.app.test_client().get("/").status_code == 302
    assert machine.ask("GET", "/openapi.json").json["openapi"] == "3.1.0"
    assert Machine(town.app, "").get("/openapi.json").status_code == 200


@pytest.mark.long
def test_a_key_that_asks_too_often_is_told_when_to_come_again(town: Town) -> None:
    first = town.bank.get("/ledger")
    assert (first.headers["RateLimit-Limit"], first.headers["RateLimit-Remaining"]) == ("600", "599")
    for _ in range(599):
        last = town.bank.get("/changes?since=3")
    assert last.status_code == 200
    refused = town.bank.get("/ledger")
    problem(refused, 429, "too-many-requests")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert town.housing.get("/ledger").status_code == 200
    town.home.clock.advance(minutes=1)
    assert town.bank.get("/ledger").status_code == 200


@pytest.mark.parametrize("way", ["/snapshot", "/changes?since=0", "/entries/{record}"])
def test_whoever_took_an_entry_by_machine_is_told_that_it_left(home: Home, way: str) -> None:
    add_unit(home, "tax", "--push")
    home.publish(a_person(1), a_person(2))
    court, app = home.court, open_units(home)
    first, second = published(court)
    machine = Machine(app, add_key(home, "tax", "tax-office"))
    assert machine.get(way.format(record=first)).status_code == 200
    for record in (first, second):
        basis = "（2026）测0101执监1号"
        home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", basis, "--as", "reviewer")
    with court.reading() as session:
        told, _ = list_releases(session, get_unit(session, "tax").id, open_only=True)
    assert {one.record for one in told} == ({first} if "entries" in way else {first, second})
    assert {line["kind"] for line in machine.good(machine.get("/ledger"))["lines"]} == {"read", "release"}
    court.close()
