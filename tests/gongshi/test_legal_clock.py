"""The legal clock at work: who is told and when, what the worker does of it, and what the public learns of its speed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from entries import a_person, an_organisation
from homes import Home
from sqlalchemy import func, select

from gongshi.court import Court
from gongshi.duty import Duty
from gongshi.legal_clock import LegalClock
from registry.acting import SYSTEM
from registry.alarms import list_alarms, mark_seen
from registry.clockbook import About, list_clocks, set_clock
from registry.clocks import AlarmKind
from registry.deadlines import Rule
from registry.matters import Arrival, Channel, Claim, Content, MatterKind, register_matter
from registry.records import get_row
from registry.tables import AlarmRow, ClockRow, JournalRow, StaffRow
from search_index.day import SHANGHAI

CASE = "（2025）测0101执1号"
PERFORMED = ("--ground", "performed", "--basis", "结案通知书")
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    home.publish(a_person(1), a_person(2))
    court = home.court
    yield court
    court.close()


def told(court: Court, *staff: str) -> dict[str, list[AlarmKind]]:
    with court.reading() as session:
        return {name: [line.kind for line in list_alarms(session, name)] for name in staff}


def send_away(court: Court, name: str, **values: Any) -> None:
    with court.session() as session:
        row = session.get_one(StaffRow, name)
        for key, value in values.items():
            setattr(row, key, value)


def move_to(home: Home, day: int, hour: int = 9) -> None:
    home.clock.moment = datetime(2026, 11, day, hour, 0, tzinfo=SHANGHAI)


def test_those_concerned_are_told_a_working_day_before_and_when_it_is_over(home: Home, court: Court) -> None:
    # Wednesday the 18th; due on Monday the 23rd, so the alarm is on Friday the 20th.
    home.ask("ground", "add", CASE, *PERFORMED, "--as", "second")
    clock = LegalClock(court)
    move_to(home, 19)
    assert clock.tell() == 0
    move_to(home, 20)
    # Who recorded it, who imported the record, who approved it; and nobody twice.
    assert clock.tell() == 3
    assert clock.tell() == 0
    near = {name: [AlarmKind.NEAR] for name in ("clerk", "reviewer", "second")}
    assert told(court, "clerk", "reviewer", "second", "auditor") == {**near, "auditor": []}
    with court.reading() as session:
        line = list_alarms(session, "clerk")[0]
        due = list_clocks(session, court.clockwork, record=line.record_id)[0]
    assert (line.due_text, line.label, line.about) == ("2026-11-23", "决定退出事由（撤销、删除）：即将到期", due.record)
    assert not due.is_over(home.clock())


def test_what_is_set_too_late_for_a_warning_is_told_at_once(home: Home, court: Court) -> None:
    number = home.ask("hold", CASE, "--basis", "电话记录", "--as", "clerk")["record"]
    # The hold is to be confirmed within one working day.
    assert LegalClock(court).tell() == 2
    home.ask("hold", number, "--confirm", "--as", "reviewer")
    assert told(court, "clerk", "reviewer") == {"clerk": [], "reviewer": []}
    assert LegalClock(court).tell() == 0


def test_a_hold_nobody_confirms_stays_hidden_and_is_told_as_over(home: Home, court: Court) -> None:
    home.ask("hold", CASE, "--basis", "电话记录", "--as", "clerk")
    move_to(home, 19, 19)
    LegalClock(court).tell()
    assert told(court, "clerk") == {"clerk": [AlarmKind.OVER]}
    with court.store.snapshot(home.clock()) as snapshot:
        assert snapshot.count() == 1
    said = home.run("doctor")
    assert said.code == 1
    assert "1 项已经逾期" in said.out


def test_no_single_absence_leaves_an_alarm_unheard(home: Home, court: Court) -> None:
    home.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    send_away(court, "clerk", away_until=date(2026, 12, 31), deputy="second")
    send_away(court, "reviewer", active=False)
    move_to(home, 20)
    LegalClock(court).tell()
    assert told(court, "clerk", "reviewer", "second") == {
        "clerk": [AlarmKind.NEAR],
        "reviewer": [],
        "second": [AlarmKind.NEAR],
    }


def test_who_comes_to_be_concerned_later_is_told_then(home: Home, court: Court) -> None:
    home.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    move_to(home, 20)
    LegalClock(court).tell()
    assert told(court, "second") == {"second": []}
    send_away(court, "clerk", active=False)
    send_away(court, "reviewer", away_until=date(2026, 12, 31))
    assert LegalClock(court).tell() == 1
    assert told(court, "second") == {"second": [AlarmKind.NEAR]}


def test_an_alarm_is_marked_as_seen_by_whom_it_was_for_alone(home: Home, court: Court) -> None:
    home.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    move_to(home, 20)
    LegalClock(court).tell()
    with court.session() as session:
        ids = [line.id for line in list_alarms(session, "clerk")]
        assert mark_seen(session, ids, "reviewer", court.acting("reviewer")) == 0
        assert mark_seen(session, ids, "clerk", court.acting("clerk")) == 1
    assert told(court, "clerk", "reviewer") == {"clerk": [], "reviewer": [AlarmKind.NEAR]}


def test_what_the_product_hid_is_told_at_once_and_doctor_counts_it(home: Home, court: Court) -> None:
    home.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    home.clock.advance(days=6)
    assert "还没有屏蔽" in home.run("doctor").out
    assert LegalClock(court).hold() == 1
    assert told(court, "clerk", "reviewer") == {"clerk": [AlarmKind.ACTED], "reviewer": [AlarmKind.ACTED]}
    said = home.run("doctor").out
    assert "1 项到期没有决定，条目已自行屏蔽" in said
    assert "还没有屏蔽" not in said
    assert "甲测试" not in said
    assert CASE not in said


def test_an_unused_right_is_nobodys_omission(home: Home, court: Court) -> None:
    with court.session() as session:
        row = get_row(session, CASE)
        set_clock(
            session,
            court.acting(SYSTEM),
            Rule.RECONSIDERATION_REQUEST,
            About(record=row.id),
            started_on=court.today,
            evidence="驳回决定书送达回证",
        )
    # Ten days end on Saturday the 28th, that is on Monday the 30th, at midnight.
    home.clock.moment = datetime(2026, 11, 30, 23, 59, tzinfo=SHANGHAI)
    LegalClock(court).tell()
    assert ended(court) == [None]
    home.clock.advance(minutes=1)
    LegalClock(court).tell()
    assert ended(court) == ["void"]
    with court.reading() as session:
        assert session.scalars(select(AlarmRow.kind).where(AlarmRow.kind == AlarmKind.OVER.value)).all() == []


@pytest.mark.parametrize(("has_unit", "outcome"), [(True, "met"), (False, "void")])
def test_the_units_are_told_of_a_departure_and_nobody_is_alarmed(
    home: Home, court: Court, has_unit: bool, outcome: str
) -> None:
    if has_unit:
        wanted = ("--releases", "--basis", "实施办法第九条", "--as", "reviewer")
        home.ask("unit", "add", "bureau", "--name", "测试市某某局", *wanted)
    home.ask("remove", CASE, *PERFORMED, "--as", "reviewer")
    # However late the worker looks: told is told when it stands in the ledger.
    home.clock.advance(days=20)
    LegalClock(court).tell()
    with court.reading() as session:
        clocks = session.scalars(select(ClockRow.ended).where(ClockRow.rule == Rule.UNITS_TOLD.value)).all()
    assert clocks == [outcome]
    assert told(court, "clerk", "reviewer") == {"clerk": [], "reviewer": []}


def ended(court: Court) -> list[str | None]:
    with court.reading() as session:
        return list(session.scalars(select(ClockRow.ended).order_by(ClockRow.id)))


@pytest.mark.parametrize(("claim", "hidden"), [(Claim.MINOR, 1), (Claim.DECEASED, 1), (Claim.PERFORMED, 0)])
def test_an_objection_hides_only_a_child_and_the_dead(home: Home, court: Court, claim: Claim, hidden: int) -> None:
    with court.session() as session:
        row = get_row(session, CASE)
        arrival = Arrival(
            kind=MatterKind.OBJECTION,
            channel=Channel.PAPER,
            received_on=court.today,
            content=Content(words="请核对。"),
            record=row,
            ground=claim,
        )
        register_matter(session, court.vault, arrival, court.acting("clerk"))
    assert LegalClock(court).hold() == hidden
    # Left without review for as long as one likes, it is only told of (第十二条：不停止执行).
    home.clock.advance(days=40)
    LegalClock(court).tell()
    assert LegalClock(court).hold() == 0
    assert AlarmKind.OVER in told(court, "clerk")["clerk"] or hidden
    with court.store.snapshot(home.clock()) as snapshot:
        assert snapshot.count() == 2 - hidden


def test_a_correction_found_right_and_not_made_hides_the_entry(home: Home, court: Court) -> None:
    with court.session() as session:
        row = get_row(session, CASE)
        about, acting = About(record=row.id), court.acting("reviewer")
        set_clock(session, acting, Rule.CORRECTION_FIX, about, started_on=court.today, evidence="纠正决定书")
    home.clock.advance(days=6)
    assert LegalClock(court).hold() == 1
    with court.store.snapshot(home.clock()) as snapshot:
        assert snapshot.count() == 1


def test_the_worker_does_all_of_it_by_itself(home: Home, court: Court) -> None:
    home.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    move_to(home, 20)
    Duty(court).prepare()
    assert told(court, "clerk") == {"clerk": [AlarmKind.NEAR]}
    assert (home.folder / "registry" / "audit-heads.log").exists()
    home.clock.moment = datetime(2026, 11, 23, 18, 0, tzinfo=SHANGHAI)
    # A worker that has just started begins with what must not wait.
    Duty(court).follow()
    with court.store.snapshot(home.clock()) as snapshot:
        assert snapshot.count() == 1


def test_the_public_learns_how_fast_departures_were_and_of_whom_nothing(home: Home, court: Court) -> None:
    home.publish(a_person(3), an_organisation(4), a_person(5), name="more.jsonl")
    serials = {1: 1, 2: 2, 3: 12}
    for serial, days in serials.items():
        case = f"（2025）测0101执{serial}号"
        known = home.clock() - timedelta(days=days)
        day = known.date().isoformat()
        home.ask("remove", case, *PERFORMED, "--arose", day, "--known", day, "--as", "reviewer")
    clock = LegalClock(court)
    # The month is not over: a single departure could be told from the figures of the day before.
    assert not clock.count_departures()
    home.clock.moment = datetime(2026, 12, 1, 8, 0, tzinfo=SHANGHAI)
    assert clock.count_departures()
    assert not clock.count_departures()
    court.pump.feed()
    with court.store.snapshot(home.clock()) as snapshot:
        figures = dict(snapshot.subject("figures", "departures") or {})
    assert figures.pop("periods") == [figures]
    assert figures == {
        "from": "2026-11-01",
        "to": "2026-11-30",
        "departures": 3,
        "on_time": 2,
        "late": 1,
        "median_days": 2.0,
        "worst_days": 12,
    }
    with court.reading() as session:
        assert session.scalar(select(func.count()).where(JournalRow.subject == "figures")) == 1


def test_what_the_product_had_to_hide_was_not_decided_in_time(home: Home, court: Court) -> None:
    home.publish(a_person(3), a_person(4), name="more.jsonl")
    for serial in (1, 2, 3):
        home.ask("ground", "add", f"（2025）测0101执{serial}号", *PERFORMED, "--as", "clerk")
    # Held by a person in time, and taken down in time, and left to the product.
    home.ask("hold", CASE, "--basis", "电话记录", "--as", "clerk")
    home.ask("remove", "（2025）测0101执2号", *PERFORMED, "--as", "reviewer")
    # At the very moment at which a person would have been in time still.
    move_to(home, 23, 18)
    home.ask("publish")
    for serial in (1, 3):
        home.ask("remove", f"（2025）测0101执{serial}号", *PERFORMED, "--known", "2026-11-18", "--as", "reviewer")
    home.clock.advance(days=9)
    assert LegalClock(court).count_departures()
    court.pump.feed()
    with court.store.snapshot(home.clock()) as snapshot:
        figures = snapshot.subject("figures", "departures") or {}
    assert (figures["departures"], figures["on_time"], figures["worst_days"]) == (3, 2, 5)
