"""Events for units' own systems: each comes once, signed, by webhook and in no other way, and says nothing of anybody."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import event, select
from sqlalchemy.orm import Session
from standins.hook_server import HookServer

from gongshi.court import Court
from gongshi.office import open_office
from gongshi.unit_events import pump_unit_events
from notifier.context import Notifier
from notifier.states import Purpose
from notifier.tables import MessageRow
from registry.tables import UnitEventRow
from registry.units.ledger import UNDER_VERIFICATION, VERIFIED, note_verification

BASIS = "联合惩戒实施意见第三条"


@pytest.fixture
def hook(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[HookServer]:
    """The server of a unit that listens, beside one that is sent packages in the sandbox, and one that has no recipient."""
    monkeypatch.setenv("GONGSHI_WEBHOOK_LOOPBACK", "yes")
    with HookServer(home.clock) as server:
        added = home.ask(
            "recipient", "add", "hook", "--name", "住房局系统", "--kind", "other", "--channel", "webhook",
            "--address", server.url, "--as", "reviewer",
        )  # fmt: skip
        server.secret = added["secret"]
        for slug, recipient in (("housing", "hook"), ("television", "tv"), ("quiet", "")):
            home.ask(
                "unit", "add", slug, "--name", f"{slug}单位", "--recipient", recipient, "--push", "--releases",
                "--basis", BASIS, "--as", "reviewer",
            )  # fmt: skip
        home.publish(*(a_person(serial) for serial in (1, 2)))
        yield server


@pytest.fixture
def court(home: Home, hook: HookServer) -> Iterator[Court]:
    made = home.court
    yield made
    made.close()


def a_record(court: Court) -> str:
    with court.store.snapshot(court.now) as snapshot:
        return snapshot.newest(1)[0].record


def withdraw(home: Home, record: str) -> None:
    home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer")


def messages(office: Notifier) -> list[tuple[str, str, str]]:
    with Session(office.engine) as session:
        query = select(MessageRow).where(MessageRow.purpose == Purpose.EVENT).order_by(MessageRow.id)
        return [(row.channel, row.content or "", row.key) for row in session.scalars(query)]


def told(hook: HookServer) -> list[tuple[str, dict[str, object]]]:
    return [(one["type"], one["data"]) for one in hook.events.values() if one["type"] != "list.published"]


@pytest.mark.long
def test_a_departure_and_a_verification_reach_the_system_once_and_name_nobody(
    home: Home, hook: HookServer, court: Court
) -> None:
    record = a_record(court)
    with court.session() as session:
        note_verification(session, record, UNDER_VERIFICATION, court.acting("reviewer"))
    home.clock.advance(minutes=1)
    with court.session() as session:
        note_verification(session, record, VERIFIED, court.acting("reviewer"))
    withdraw(home, record)
    for _ in range(3):
        home.clock.advance(minutes=2)
        assert home.run("worker", "--once").code == 0
    events = told(hook)
    kinds = [kind for kind, _ in events]
    assert sorted(kinds) == ["entry.gone", "list.changed", "verification.began", "verification.ended"]
    data = dict(events)
    assert (data["entry.gone"]["record"], data["entry.gone"]["sequence"]) == (record, 3)
    assert set(data["entry.gone"]) == {"record", "sequence", "at"}
    assert (data["list.changed"]["sequence"], data["list.changed"]["departures"]) == (3, 0)
    assert hook.refused == []
    everything = json.dumps(hook.events, ensure_ascii=False)
    assert "甲" not in everything
    assert "测试" not in everything
    office = open_office(court)
    assert {channel for channel, _, _ in messages(office)} == {"webhook"}
    assert len(messages(office)) == 4
    home.publish(a_person(3), name="more.jsonl")
    home.clock.advance(minutes=2)
    home.run("worker", "--once")
    (moved,) = [body for kind, body in told(hook)[4:] if kind == "list.changed"]
    assert (moved["sequence"], moved["departures"]) == (4, 0)


class Cut(Exception):
    """The process ends here."""


@pytest.mark.long
def test_killed_before_or_after_any_commit_nothing_is_lost_and_nothing_comes_twice(home: Home, court: Court) -> None:
    office = open_office(court)
    pump_unit_events(court, office, court.now)
    home.clock.advance(minutes=2)
    withdraw(home, a_record(court))
    for instant in count(1):
        passed = count(1)

        def cut(_session: object, passed: Iterator[int] = passed, instant: int = instant) -> None:
            if next(passed) == instant:
                raise Cut

        # After it is on the disk, and before whoever asked for it knows.
        event.listen(Session, "after_commit", cut)
        try:
            pump_unit_events(court, office, court.now)
        except Cut:
            continue
        finally:
            event.remove(Session, "after_commit", cut)
        break
    assert instant > 3
    kinds = [json.loads(content)["facts"]["type"] for _, content, _ in messages(office)]
    assert sorted(kinds) == ["entry.gone", "list.changed", "list.changed"]
    with court.reading() as session:
        rows = session.scalars(select(UnitEventRow)).all()
        assert len(rows) == 3
        assert all(row.pumped_at is not None for row in rows)
    assert pump_unit_events(court, office, court.now) == 0


def test_who_does_not_listen_is_told_nothing_and_what_was_before_is_not_told(home: Home, court: Court) -> None:
    office = open_office(court)
    home.ask("recipient", "retire", "hook", "--as", "reviewer")
    withdraw(home, a_record(court))
    assert pump_unit_events(court, office, court.now) == 0
    assert messages(office) == []
    with court.reading() as session:
        assert session.scalars(select(UnitEventRow)).all() == []
