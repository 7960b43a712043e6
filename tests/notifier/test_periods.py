"""Which quarter is due: asked of the calendar, never of a scheduler."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshi.calendar import StateCouncilCalendar
from notifier.calendar import InvalidPeriod, Period, due_periods, find_first_period, last_day_of_use

WORKDAYS = StateCouncilCalendar()
PERIODS = st.builds(Period, st.integers(2005, 2099), st.integers(1, 4))
DAYS = st.dates(date(2010, 1, 1), date(2040, 12, 31))


@given(PERIODS)
def test_a_period_is_read_back_from_its_text(period: Period) -> None:
    assert Period.parse(str(period)) == period
    assert Period.parse(f" {str(period).lower()} ") == period
    assert Period.of(period.start) == Period.of(period.end) == period


@given(PERIODS)
def test_quarters_follow_each_other_without_a_gap(period: Period) -> None:
    assert period.next.start == period.end + timedelta(days=1)
    assert period.next > period
    assert period.start.day == 1
    assert 89 <= (period.end - period.start).days <= 91


@pytest.mark.parametrize(
    "text", ["", "2026", "2026Q0", "2026Q5", "26Q3", "2026-Q3", "2026年第三季度", "1999Q1", "٢٠٢٦Q3"]
)
def test_what_is_no_quarter_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidPeriod, match="例如2026Q3"):
        Period.parse(text)


def test_a_list_is_due_on_the_first_working_day_after_its_quarter() -> None:
    assert Period(2026, 3).due_on(WORKDAYS) == date(2026, 10, 8)
    assert Period(2026, 2).due_on(WORKDAYS) == date(2026, 7, 1)
    assert Period(2025, 4).due_on(WORKDAYS) == date(2026, 1, 4)
    assert Period(2026, 3).label == "2026年第三季度"


def test_nothing_is_due_before_its_day_and_late_ones_wait_for_a_person() -> None:
    first = Period(2026, 3)
    assert due_periods(date(2026, 10, 7), first, set(), WORKDAYS) == []
    (on_time,) = due_periods(date(2026, 10, 8), first, set(), WORKDAYS)
    assert (on_time.period, on_time.days_late, on_time.waits_for_person) == (first, 0, False)
    (a_week,) = due_periods(date(2026, 10, 15), first, set(), WORKDAYS)
    assert (a_week.days_late, a_week.waits_for_person) == (7, False)
    (too_late,) = due_periods(date(2026, 10, 16), first, set(), WORKDAYS)
    assert (too_late.days_late, too_late.waits_for_person) == (8, True)
    assert due_periods(date(2026, 10, 8), first, {first}, WORKDAYS) == []


def test_a_worker_that_was_down_across_a_quarters_end_finds_all_it_owes() -> None:
    due = due_periods(date(2026, 10, 9), Period(2020, 1), {Period(2026, 1)}, WORKDAYS)
    assert [str(one.period) for one in due] == ["2025Q4", "2026Q2", "2026Q3"]


@given(DAYS, PERIODS, st.sets(PERIODS, max_size=4))
def test_due_periods_are_over_undone_and_of_the_last_year(day: date, first: Period, done: set[Period]) -> None:
    due = due_periods(day, first, done, WORKDAYS)
    assert len(due) <= 5
    assert [one.period for one in due] == sorted(one.period for one in due)
    for one in due:
        assert one.period >= first
        assert one.period not in done
        assert one.period.end < one.due_on <= day
        assert one.days_late == (day - one.due_on).days


@given(DAYS)
def test_a_new_home_owes_nothing_of_the_time_before_it(day: date) -> None:
    first = find_first_period(day, WORKDAYS)
    assert all(one.due_on == day for one in due_periods(day, first, set(), WORKDAYS))
    assert first.due_on(WORKDAYS) >= day


@given(DAYS)
def test_a_list_may_be_used_until_the_next_one_comes(day: date) -> None:
    last = last_day_of_use(day, WORKDAYS)
    assert last > day
    this = Period.of(day)
    before = Period.of(this.start - timedelta(days=1))
    assert last in {period.due_on(WORKDAYS) for period in (this, before)}
