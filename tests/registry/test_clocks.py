"""What each clock runs for: from which day, when it is told of, and to whom."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshi.calendar import StateCouncilCalendar
from registry.clocks import (
    AT_ONCE,
    AlarmKind,
    Colleague,
    choose_kinds,
    find_alarm_day,
    find_concerned,
    find_run,
    find_start,
)
from registry.clockwork import Clockwork
from registry.deadlines import RULES, Bearer, Profile, Reading, Rule
from registry.departing import REMOVAL_GROUNDS, WITHDRAWAL_GROUNDS
from search_index.day import SHANGHAI

CALENDAR = StateCouncilCalendar()
CLOCKWORK = Clockwork(calendar=CALENDAR, profile=Profile.NATIONAL)
DAYS = st.dates(date(2010, 1, 1), date(2040, 12, 31))
GROUNDS = [*WITHDRAWAL_GROUNDS, *REMOVAL_GROUNDS]
NAMES = ["甲", "乙", "丙", "丁", "戊"]


@given(st.sampled_from([*GROUNDS, "a ground of a later version"]), DAYS, st.integers(0, 400))
def test_a_ground_runs_from_its_arising_or_its_knowing_and_from_no_other_day(
    ground: str, arose_on: date, days: int
) -> None:
    known_on = arose_on + timedelta(days=days)
    start = find_start(ground, arose_on, known_on)
    assert start == {"arose": arose_on, "known": known_on}[find_run(ground).of]


def test_what_the_court_orders_runs_from_the_order_and_what_it_learns_from_the_learning() -> None:
    arose_on, known_on = date(2026, 3, 2), date(2026, 3, 20)
    assert find_start("closed", arose_on, known_on) == arose_on
    assert find_start("stayed", arose_on, known_on) == arose_on
    assert find_start("no_property_found", arose_on, known_on) == arose_on
    assert find_start("performed", arose_on, known_on) == known_on
    assert find_start("deceased", arose_on, known_on) == known_on
    # What nobody has thought about runs from the earlier day.
    assert find_start("a ground of a later version", arose_on, known_on) == arose_on


def test_a_child_and_the_dead_are_hidden_before_anything_is_looked_into() -> None:
    assert {"minor", "deceased"} == AT_ONCE
    assert set(GROUNDS) >= AT_ONCE


@given(DAYS)
def test_the_alarm_is_on_the_last_working_day_before(due: date) -> None:
    day = find_alarm_day(due, CALENDAR)
    assert day < due
    assert CALENDAR.is_workday(day, Reading.LATEST)
    between = (day + timedelta(days=n) for n in range(1, (due - day).days))
    assert not any(CALENDAR.is_workday(one, Reading.LATEST) for one in between)


@given(DAYS, st.sampled_from(Rule))
def test_a_duty_is_due_when_the_court_closes_and_a_right_when_the_day_is_over(day: date, rule: Rule) -> None:
    ends = CLOCKWORK.ends_at(rule, day)
    if RULES[rule].bearer is Bearer.PARTY:
        assert ends == datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
    else:
        assert ends == datetime.combine(day, time(18), SHANGHAI) == CLOCKWORK.due_at(day)


@pytest.mark.parametrize(
    ("near", "over", "acted", "told"),
    [
        (False, False, False, []),
        (True, False, False, [AlarmKind.NEAR]),
        (True, True, False, [AlarmKind.OVER]),
        (True, True, True, [AlarmKind.ACTED]),
        (False, False, True, [AlarmKind.ACTED]),
    ],
)
def test_a_clock_is_told_of_in_one_way_at_a_time(near: bool, over: bool, acted: bool, told: list[AlarmKind]) -> None:
    assert list(choose_kinds(near=near, over=over, acted=acted)) == told


@st.composite
def offices(draw: st.DrawFn) -> dict[str, Colleague]:
    """A handful of colleagues, some away, some gone, who stand in for one another in any way, round and round."""
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, min_size=1))
    return {name: _draw_colleague(draw, name) for name in names}


def _draw_colleague(draw: st.DrawFn, name: str) -> Colleague:
    role = draw(st.sampled_from(["clerk", "reviewer", "reviewer", "auditor", "admin"]))
    return Colleague(
        name=name,
        active=draw(st.booleans()),
        away=draw(st.booleans()),
        decides=role in ("clerk", "reviewer"),
        reviews=role == "reviewer",
        deputy=draw(st.none() | st.sampled_from(NAMES)),
    )


@given(offices(), st.lists(st.sampled_from([*NAMES, "gongshi", "nobody"]), max_size=4))
def test_somebody_who_is_there_is_told_whenever_there_is_one(office: dict[str, Colleague], involved: list[str]) -> None:
    told = find_concerned(involved, office)
    # Nobody who could not act on it is told, and never somebody who is no colleague.
    assert all(office[name].active and office[name].decides for name in told)
    assert {name for name in involved if name in office and office[name].active and office[name].decides} <= told
    if any(one.is_there and one.reviews for one in office.values()):
        assert any(office[name].is_there for name in told)
    elif any(one.active and one.decides for one in office.values()):
        assert told


@given(offices(), st.lists(st.sampled_from(NAMES), max_size=3))
def test_the_deputy_of_each_is_told_too(office: dict[str, Colleague], involved: list[str]) -> None:
    told = find_concerned(involved, office)
    for name in involved:
        deputy = office[name].deputy if name in office else None
        if deputy in office and office[deputy].active and office[deputy].decides:
            assert deputy in told


def test_a_person_away_whose_deputy_is_away_is_followed_to_who_is_there() -> None:
    def colleague(name: str, *, away: bool, deputy: str | None) -> Colleague:
        return Colleague(name=name, active=True, away=away, decides=True, reviews=True, deputy=deputy)

    office = {
        "甲": colleague("甲", away=True, deputy="乙"),
        "乙": colleague("乙", away=True, deputy="丙"),
        "丙": colleague("丙", away=False, deputy="甲"),
        "丁": colleague("丁", away=False, deputy=None),
    }
    assert find_concerned(["甲"], office) == {"甲", "乙", "丙"}
    # Nobody of those involved works here: every reviewer who is there.
    assert find_concerned(["gongshi"], office) == {"丙", "丁"}
