"""Quarterly feedback: due by the calendar, submitted once, corrected with a mark; and what is agreed to all the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

import pytest
from entries import a_person
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from unit_world import BASIS, add_unit, import_measures, published

from gongshi.calendar import load_calendar
from gongshi.court import Court
from registry.clockwork import Clockwork
from registry.deadlines import Profile, Rule
from registry.tables import ClockRow
from registry.units.consents import (
    ConsentKind,
    Standing,
    count_unreported,
    list_consents,
    report_consent,
    report_refusal,
)
from registry.units.feedback import (
    Counts,
    Entered,
    FeedbackState,
    judge,
    list_feedback,
    list_owed,
    open_due_quarter,
    open_quarter,
    read_feedback,
    save_draft,
    submit_feedback,
)
from registry.units.ledger import LedgerKind, list_ledger
from registry.units.quarters import Quarter
from registry.units.units import get_unit
from registry.units.words import UnitError
from search_index.day import SHANGHAI
from search_index.number import draw_number

Q3, Q4 = Quarter(2026, 3), Quarter(2026, 4)
SOME = Entered(measures={"M-1": Counts(checked=30, applied=2, lifted=1)}, remarks="核查三十户")


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what is asked here is not asked of the database."""
    return {}


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    """A court whose units were there before the third quarter of 2026 ended; it is the first working day after it."""
    home.clock.moment = datetime(2026, 7, 1, 9, tzinfo=SHANGHAI)
    add_unit(home, "housing", "--feedback")
    add_unit(home, "quiet", "--releases")
    import_measures(home, "M-1,限制甲,housing", "M-2,限制乙,quiet", "M-3,限制丙,")
    home.clock.moment = datetime(2026, 10, 8, 9, tzinfo=SHANGHAI)
    made = home.court
    yield made
    made.close()


def open_it(court: Court) -> int:
    with court.session() as session:
        return open_due_quarter(session, court.acting("gongshi"))


def submit(court: Court, quarter: Quarter = Q3, entered: Entered = SOME) -> FeedbackState:
    with court.session() as session:
        unit = get_unit(session, "housing")
        return submit_feedback(session, unit, quarter, entered, court.acting("unit:housing1")).state


def test_the_clock_of_a_quarter_is_set_once_for_each_unit_that_owes_it(court: Court) -> None:
    assert open_it(court) == 1
    assert open_it(court) == 0
    with court.reading() as session:
        (clock,) = session.scalars(select(ClockRow)).all()
        assert (clock.rule, clock.started_on) == (Rule.FEEDBACK.value, date(2026, 9, 30))
        # Ten working days after a quarter that ends the day before the National Day holidays; the 10th is a working Saturday.
        assert clock.due == date(2026, 10, 20)
        (owed,) = list_owed(session, court.acting("clerk"))
        assert (owed.unit, owed.quarter, owed.is_overdue) == ("housing单位", Q3, False)


def test_feedback_in_time_ends_the_clock_of_its_quarter_alone(home: Home, court: Court) -> None:
    open_it(court)
    home.clock.moment = datetime(2027, 1, 4, 9, tzinfo=SHANGHAI)
    assert open_it(court) == 1
    with court.reading() as session:
        assert [(one.quarter, one.is_overdue) for one in list_owed(session, court.acting("clerk"))] == [
            (Q3, True),
            (Q4, False),
        ]
    assert submit(court, Q4) is FeedbackState.IN_TIME
    with court.reading() as session:
        assert [one.quarter for one in list_owed(session, court.acting("clerk"))] == [Q3]
    assert submit(court, Q3) is FeedbackState.LATE
    with court.reading() as session:
        assert list_owed(session, court.acting("clerk")) == []
        ended = {row.started_on: row.ended for row in session.scalars(select(ClockRow))}
    assert ended == {Q3.end: "missed", Q4.end: "met"}


def test_a_unit_that_came_after_the_quarter_owes_nothing(home: Home, court: Court) -> None:
    add_unit(home, "newer", "--feedback")
    assert open_it(court) == 1
    with court.reading() as session:
        newer = get_unit(session, "newer")
        assert [one.quarter for one in list_feedback(session, newer, court.acting("clerk"))] == [Q4]
    with pytest.raises(UnitError, match="不需要本单位反馈"), court.session() as session:
        submit_feedback(session, get_unit(session, "newer"), Q3, SOME, court.acting("unit:newer1"))


def test_a_quarter_that_is_not_over_can_be_saved_but_not_submitted(court: Court) -> None:
    acting = court.acting("unit:housing1")
    with court.session() as session:
        unit = get_unit(session, "housing")
        save_draft(session, unit, Q4, SOME, acting)
        found = read_feedback(session, unit, Q4, acting)
        assert (found.entered, found.submitted_at, found.state) == (SOME, None, FeedbackState.NOT_DUE)
    with pytest.raises(UnitError, match="还没有结束"):
        submit(court, Q4)
    with pytest.raises(UnitError, match="还没有结束"), court.session() as session:
        open_quarter(session, Q4, acting)


def test_once_submitted_it_is_corrected_with_a_mark(home: Home, court: Court) -> None:
    open_it(court)
    assert submit(court) is FeedbackState.IN_TIME
    home.clock.moment = datetime(2026, 11, 20, 9, tzinfo=SHANGHAI)
    with pytest.raises(UnitError, match="没有更正"):
        submit(court)
    with pytest.raises(UnitError, match="已经提交"), court.session() as session:
        save_draft(session, get_unit(session, "housing"), Q3, SOME, court.acting("unit:housing1"))
    changed = Entered(measures={"M-1": Counts(checked=30, applied=3)}, remarks="核查三十户")
    # What was in time stays in time.
    assert submit(court, Q3, changed) is FeedbackState.IN_TIME
    with court.reading() as session:
        unit = get_unit(session, "housing")
        found = read_feedback(session, unit, Q3, court.acting("clerk"))
        lines, _ = list_ledger(session, unit.id, kind=LedgerKind.FEEDBACK)
    assert (found.entered, found.corrections, found.corrected_at) == (changed, 1, home.clock.moment)
    assert [line.words for line in lines] == ["第1次更正", "首次提交"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("entered", "said"),
    [
        (Entered(measures={"M-2": Counts(checked=1)}), "没有本单位的"),
        (Entered(measures={}, remarks="联系人13900000000"), "号码"),
        (Entered(measures={}, remarks="字" * 2001), "2000"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(court: Court, entered: Entered, said: str) -> None:
    with pytest.raises(UnitError, match=said):
        submit(court, Q3, entered)
    with court.reading() as session:
        found = read_feedback(session, get_unit(session, "housing"), Q3, court.acting("clerk"))
        assert found.submitted_at is None


@pytest.mark.parametrize(
    ("quarter", "due"),
    [
        # After the National Day and Mid-Autumn holidays of 2025 (1 to 8 October), with a working Saturday on the 11th.
        (Quarter(2025, 3), date(2025, 10, 21)),
        # Over New Year: 1 to 3 January 2026 off, the 4th a working Sunday.
        (Quarter(2025, 4), date(2026, 1, 15)),
        (Quarter(2026, 1), date(2026, 4, 15)),
        (Quarter(2026, 2), date(2026, 7, 14)),
    ],
)
def test_ten_working_days_after_the_quarter_by_the_calendar_of_the_state_council(quarter: Quarter, due: date) -> None:
    clockwork = Clockwork(calendar=load_calendar(None), profile=Profile.NATIONAL)
    assert clockwork.due(Rule.FEEDBACK, quarter.end).due == due


def test_the_due_day_of_a_year_not_announced_is_provisional() -> None:
    clockwork = Clockwork(calendar=load_calendar(None), profile=Profile.NATIONAL)
    assert clockwork.due(Rule.FEEDBACK, Quarter(2060, 4).end).provisional


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_every_day_lies_in_one_quarter_and_after_the_one_before(day: date) -> None:
    quarter = Quarter.of(day)
    assert quarter.start <= day <= quarter.end
    assert Quarter.before(day).next == quarter
    assert Quarter.before(day).end + timedelta(days=1) == quarter.start
    assert Quarter.parse(str(quarter)) == quarter


@given(st.datetimes(timezones=st.just(SHANGHAI)), st.integers(0, 10**6), st.one_of(st.none(), st.integers(0, 10**6)))
def test_feedback_is_in_time_up_to_the_last_moment(now: datetime, left: int, since: int | None) -> None:
    assert judge(None, now, now) is FeedbackState.NOT_DUE
    assert judge(now, now, now) is FeedbackState.IN_TIME
    later = datetime(2026, 1, 1, tzinfo=SHANGHAI)
    due = later - timedelta(seconds=left)
    found = judge(None if since is None else later - timedelta(seconds=since), due, later)
    if since is None:
        assert found is (FeedbackState.OVERDUE if left else FeedbackState.NOT_DUE)
    else:
        assert found is (FeedbackState.IN_TIME if since >= left else FeedbackState.LATE)


@pytest.fixture
def listed(home: Home, court: Court) -> str:
    home.publish(a_person(1))
    return published(court)[0]


def test_what_is_agreed_to_all_the_same_needs_a_reason_and_reaches_the_leading_group_at_once(
    home: Home, court: Court, listed: str
) -> None:
    home.ask("unit", "add", "group", "--name", "领导小组办公室", "--leading", "--as", "reviewer")
    home.ask("unit", "account", "group", "group1", "--as", "reviewer")
    acting = court.acting("unit:housing1")
    with pytest.raises(UnitError, match="理由"), court.session() as session:
        report_consent(session, get_unit(session, "housing"), record=listed, measure="M-1", reason=" ", acting=acting)
    with court.session() as session:
        unit, group = get_unit(session, "housing"), get_unit(session, "group")
        # As it is typed: small letters and no hyphen.
        typed = listed.lower().replace("-", "")
        assert report_consent(session, unit, record=typed, measure="M-1", reason="涉及民生", acting=acting)
        (found,), total = list_consents(session, kind=ConsentKind.AGREED)
        assert (total, found.record, found.reason, found.reported_at) == (1, listed, "涉及民生", court.now)
        (line,), _ = list_ledger(session, group.id)
        assert (line.kind, line.record) == (LedgerKind.CONSENT, listed)
        assert count_unreported(session) == 0


def test_without_a_leading_group_the_court_is_to_tell_it(court: Court, listed: str) -> None:
    acting = court.acting("unit:housing1")
    with court.session() as session:
        unit = get_unit(session, "housing")
        assert not report_consent(session, unit, record=listed, measure="M-1", reason="涉及民生", acting=acting)
        assert count_unreported(session) == 1


@pytest.mark.parametrize("account", ["none", "retired", "expired"])
def test_a_leading_group_that_cannot_sign_in_is_told_by_the_court(
    home: Home, court: Court, listed: str, account: str
) -> None:
    home.ask("unit", "add", "group", "--name", "领导小组办公室", "--leading", "--as", "reviewer")
    if account != "none":
        home.ask("unit", "account", "group", "group1", "--as", "reviewer")
    if account == "retired":
        home.ask("unit", "account", "group", "group1", "--retire", "--as", "reviewer")
    if account == "expired":
        home.clock.advance(days=400)
    with court.session() as session:
        unit, acting = get_unit(session, "housing"), court.acting("unit:housing1")
        assert not report_consent(session, unit, record=listed, measure="M-1", reason="涉及民生", acting=acting)
        assert count_unreported(session) == 1
        (line,), _ = list_ledger(session, unit.id)
        assert line.words == "由法院转告领导小组"


def test_a_unit_that_is_retired_owes_no_feedback_any_more(home: Home, court: Court) -> None:
    assert open_it(court) == 1
    home.ask("unit", "retire", "housing", "--basis", "机构改革方案", "--as", "reviewer")
    with court.reading() as session:
        assert session.scalars(select(ClockRow.ended)).all() == ["void"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("record", "measure", "said"),
    [
        ("SX-1", "M-1", "公开编号"),
        (draw_number(Random(1)), "M-1", "没有过"),
        ("", "M-1", "公开编号"),
        (None, "M-2", "本单位负责"),
    ],
)
def test_a_refusal_names_an_entry_that_was_public_and_a_measure_of_the_unit(
    court: Court, listed: str, record: str | None, measure: str, said: str
) -> None:
    with court.session() as session:
        unit, acting = get_unit(session, "housing"), court.acting("unit:housing1")
        with pytest.raises(UnitError, match=said):
            report_refusal(
                session, unit, record=listed if record is None else record, measure=measure, reason="", acting=acting
            )
        assert list_consents(session) == ([], 0)


def test_a_refusal_after_the_departure_is_taken_and_marked(home: Home, court: Court, listed: str) -> None:
    home.ask("withdraw", listed, "--ground", "wrongly_listed", "--basis", BASIS, "--as", "reviewer")
    acting = court.acting("unit:housing1")
    with court.session() as session:
        unit = get_unit(session, "housing")
        standing = report_refusal(session, unit, record=listed, measure="M-3", reason="", acting=acting)
        assert standing is Standing.GONE
        lines, _ = list_ledger(session, unit.id, kind=LedgerKind.REFUSAL)
        assert "不得再据此限制" in lines[0].words
