"""Whoever's term is over leaves (art. 10 ¶2), whether the public sees the entry or not; and the books say whether the
machine was in time."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from entries import a_person, with_term
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from gongshi.legal_clock import LegalClock
from registry.ending import count_over
from registry.gate import add_years, find_last_start
from registry.tables import (
    ArticleRow,
    AuditRow,
    ClockRow,
    DecisionRow,
    JournalRow,
    LedgerRow,
    MatterRow,
    NoticeRow,
    RecordRow,
)
from search_index.day import SHANGHAI

CASE = "（2025）测0101执1号"
BOTH = ("--confirm", "art3", "--confirm", "redactions")
RESTRICTED = {"disclosure": "restricted", "restricted_ground": "privacy"}
RESTRICTS = ("--set", "disclosure=restricted", "--set", "restricted_ground=privacy")
PERFORMED = ("--ground", "performed", "--basis", "结案通知书")
# A Tuesday; three working days after it end on Friday.
LAST_DAY = "2026-12-01"


def move_to(home: Home, day: str, hour: int = 0) -> None:
    home.clock.moment = datetime.combine(date.fromisoformat(day), datetime.min.time(), SHANGHAI).replace(hour=hour)


def prepare(home: Home, *entries: dict[str, Any]) -> None:
    """Import and approve, and publish nothing."""
    batch = home.ask("import", home.write("entries.jsonl", entries), "--as", "clerk")["batch"]
    home.ask("approve", batch, "--as", "reviewer", *BOTH)


def read(home: Home, table: Any, *which: Any) -> list[Any]:
    court = home.court
    with court.reading() as session:
        rows = list(session.scalars(select(table).where(*which).order_by(table.id)))
        session.expunge_all()
    return rows


def count(home: Home, table: Any) -> int:
    with home.court.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def the_record(home: Home) -> RecordRow:
    (row,) = read(home, RecordRow)
    return row  # type: ignore[no-any-return]


def term_clocks(home: Home) -> list[tuple[date, date, str | None]]:
    clocks = read(home, ClockRow, ClockRow.rule == "term_end")
    return [(clock.started_on, clock.due, clock.ended) for clock in clocks]


# What the public does not see -------------------------------------------------------------------------------------


def restrict_unseen(home: Home) -> None:
    home.publish(with_term(a_person(1, **RESTRICTED), LAST_DAY))


def restrict_seen(home: Home) -> None:
    home.publish(with_term(a_person(1), LAST_DAY))
    home.ask("correct", CASE, *RESTRICTS, *BOTH, "--as", "reviewer")


def hold_unseen(home: Home) -> None:
    prepare(home, with_term(a_person(1), LAST_DAY))
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")


def hold_restricted(home: Home) -> None:
    restrict_unseen(home)
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")


def give_grace(home: Home) -> None:
    prepare(home, with_term(a_person(1), LAST_DAY))
    home.ask("grace", CASE, "--months", 1, "--basis", "宽限决定书1号", "--as", "reviewer")


def leave_undecided(home: Home) -> None:
    prepare(home, with_term(a_person(1), LAST_DAY))
    move_to(home, LAST_DAY, 10)
    home.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")


UNSEEN = {
    "restricted": restrict_unseen,
    "approved": give_grace,
    "held": hold_unseen,
}


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "begin", [restrict_unseen, restrict_seen, hold_unseen, hold_restricted, give_grace, leave_undecided]
)
def test_what_the_public_does_not_see_leaves_with_its_term_and_nothing_is_told_of_it(home: Home, begin: Any) -> None:
    """Henan asks for notices of exit: of what is not fit to be known, or never was, there is none."""
    home.ask("profile", "--set", "policy=henan", "--as", "reviewer")
    home.ask("unit", "add", "bureau", "--name", "测试市某某局", "--releases", "--basis", "办法", "--as", "reviewer")
    begin(home)
    move_to(home, LAST_DAY, 23)
    home.ask("publish")
    assert the_record(home).stage != "departed"
    told = [count(home, table) for table in (JournalRow, ArticleRow, NoticeRow, LedgerRow)]
    sequence = home.court.sequence()
    move_to(home, "2026-12-02")
    assert home.ask("publish") == {"published": 0, "expired": 0, "sequence": sequence}
    row = the_record(home)
    assert (row.state, row.stage) == ("expired", "departed")
    assert (row.departed_on, row.departed_ground) == (date(2026, 12, 2), "expired")
    assert [count(home, table) for table in (JournalRow, ArticleRow, NoticeRow, LedgerRow)] == told
    assert term_clocks(home) == [(date(2026, 12, 1), date(2026, 12, 4), "met")]
    (decision,) = read(home, DecisionRow, DecisionRow.action == "expire")
    assert (decision.arose_on, decision.decided_by) == (date(2026, 12, 2), "gongshi")
    (line,) = read(home, AuditRow, AuditRow.action == "expire")
    assert line.detail["article"] == "法释〔2017〕7号第十条第二款"
    assert all(clock.ended for clock in read(home, ClockRow) if clock.rule != "units_told")
    assert all(matter.outcome == "departed" for matter in read(home, MatterRow))
    assert home.ask("publish")["expired"] == 0
    assert term_clocks(home) == [(date(2026, 12, 1), date(2026, 12, 4), "met")]


@pytest.mark.parametrize(("changes", "ends"), [("2026-11-25", "2026-11-26"), ("2027-03-01", "2027-03-02")])
def test_what_is_held_ends_by_the_term_that_was_corrected_since(home: Home, changes: str, ends: str) -> None:
    home.publish(with_term(a_person(1), LAST_DAY))
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")
    home.ask("correct", CASE, "--set", f"term_ends_on={changes}", *BOTH, "--as", "reviewer")
    move_to(home, ends)
    home.clock.advance(seconds=-1)
    home.ask("publish")
    assert the_record(home).state == "held"
    home.clock.advance(seconds=1)
    home.ask("publish")
    assert (the_record(home).state, the_record(home).departed_on) == ("expired", date.fromisoformat(ends))


@pytest.mark.parametrize("state", UNSEEN)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_is_over_is_not_corrected_back_onto_the_list(home: Home, state: str) -> None:
    UNSEEN[state](home)
    assert the_record(home).state == state
    move_to(home, "2026-12-02")
    said = home.run("correct", CASE, "--set", "term_ends_on=2027-05-01", *BOTH, "--as", "reviewer", "--json")
    assert said.code == 2
    assert "届满" in said.json["error"]


# Whether the machine was in time ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "hour", "ended"), [("2026-12-02", 0, "met"), ("2026-12-04", 18, "met"), ("2026-12-04", 19, "missed")]
)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_book_shows_whether_an_end_was_carried_out_in_time(home: Home, day: str, hour: int, ended: str) -> None:
    home.publish(with_term(a_person(1), LAST_DAY), a_person(2))
    move_to(home, day, hour)
    assert home.ask("publish")["expired"] == 1
    assert term_clocks(home) == [(date(2026, 12, 1), date(2026, 12, 4), ended)]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_an_end_that_came_by_itself_is_no_decision_whose_speed_is_told(home: Home) -> None:
    home.publish(*(with_term(a_person(serial), LAST_DAY) for serial in (1, 2, 3)))
    move_to(home, "2027-01-10")
    home.ask("publish")
    assert not LegalClock(home.court).count_departures()


@pytest.mark.parametrize(
    "begin", [restrict_unseen, hold_unseen, lambda home: home.publish(with_term(a_person(1), LAST_DAY))]
)
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_doctor_says_what_has_ended_and_is_still_there(home: Home, begin: Any) -> None:
    begin(home)

    def findings() -> list[tuple[str, str]]:
        said = home.run("doctor", "--json").json["findings"]
        return [(one["grade"], one["text"]) for one in said if one["matter"] == "届满"]

    assert findings() == []
    move_to(home, "2026-12-02")
    assert [grade for grade, _ in findings()] == ["warn"]
    move_to(home, "2026-12-03")
    ((grade, text),) = findings()
    assert grade == "fail"
    assert "1 条" in text
    assert "第十条第二款" in text
    assert CASE not in text
    home.ask("publish")
    assert findings() == []


def test_what_is_over_ends_and_what_is_not_or_has_no_term_stays(home: Home) -> None:
    home.publish(
        with_term(a_person(1), LAST_DAY),
        with_term(a_person(2, **RESTRICTED), LAST_DAY),
        with_term(a_person(3, **RESTRICTED), "2026-12-02"),
        a_person(4, **RESTRICTED),
        a_person(5),
    )
    court = home.court
    move_to(home, "2026-12-02")
    with court.reading() as session:
        assert count_over(session, court.policy(), court.now) == 2
    home.ask("publish")
    with court.reading() as session:
        assert count_over(session, court.policy(), court.now) == 0
    states = [row.state for row in read(home, RecordRow)]
    assert states == ["expired", "expired", "restricted", "restricted", "published"]


@given(years=st.integers(1, 9), today=st.dates(date(2000, 1, 1), date(2060, 1, 1)), days=st.integers(-3, 3))
def test_the_last_day_from_which_years_are_over(years: int, today: date, days: int) -> None:
    last = find_last_start(years, today)
    day = date.fromordinal(last.toordinal() + days)
    assert (add_years(day, years) <= today) == (day <= last)
