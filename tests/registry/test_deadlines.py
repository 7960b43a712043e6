"""The legal clock: every vector of the rulebook, and what must hold on every day of 2010–2026 and beyond."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshi.calendar import StateCouncilCalendar, build_calendar
from registry.deadlines import (
    RULE_LABEL,
    RULES,
    Bearer,
    Deadline,
    Period,
    Profile,
    Reading,
    Rule,
    RuleText,
    StartOutOfRange,
    Unit,
    add_months,
    due,
    find_span,
)

CALENDAR = StateCouncilCalendar()
# Starts whose periods end within the years that have been announced.
KNOWN = st.dates(date(2010, 1, 1), date(2026, 9, 15))
UNKNOWN = st.dates(date(2027, 1, 1), date(2199, 12, 31))
DUTIES = [rule for rule in Rule if RULES[rule].bearer is not Bearer.PARTY]


def day_due(rule: Rule, start: date, profile: Profile = Profile.NATIONAL) -> date:
    return due(rule, start, profile, CALENDAR).due


@pytest.mark.parametrize("rule", [Rule.EXIT, Rule.CORRECTION_FIX, Rule.TERM_END])
@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (date(2026, 9, 30), date(2026, 10, 10)),
        (date(2026, 2, 13), date(2026, 2, 25)),
        (date(2026, 4, 30), date(2026, 5, 8)),
        (date(2025, 12, 31), date(2026, 1, 6)),
        (date(2024, 2, 8), date(2024, 2, 19)),
    ],
)
def test_three_working_days_follow_the_adjusted_calendar(rule: Rule, start: date, expected: date) -> None:
    assert due(rule, start, Profile.NATIONAL, CALENDAR).due == expected
    assert not due(rule, start, Profile.NATIONAL, CALENDAR).provisional


@pytest.mark.parametrize(
    ("rule", "start", "expected"),
    [
        (Rule.RECONSIDERATION_REQUEST, date(2026, 9, 22), date(2026, 10, 8)),
        (Rule.CORRECTION_REVIEW, date(2026, 9, 20), date(2026, 10, 8)),
        (Rule.RECONSIDERATION_DECISION, date(2026, 9, 20), date(2026, 10, 8)),
        (Rule.RECONSIDERATION_REQUEST, date(2026, 2, 5), date(2026, 2, 24)),
        (Rule.CORRECTION_REVIEW, date(2026, 4, 20), date(2026, 5, 6)),
    ],
)
def test_a_last_day_off_moves_to_the_first_working_day(rule: Rule, start: date, expected: date) -> None:
    assert day_due(rule, start) == expected


@pytest.mark.parametrize(
    ("start", "expected"),
    [(date(2026, 9, 30), date(2026, 10, 8)), (date(2024, 2, 8), date(2024, 2, 18))],
)
def test_yunnan_exits_within_three_natural_days(start: date, expected: date) -> None:
    answer = due(Rule.EXIT, start, Profile.YUNNAN, CALENDAR)
    assert answer == Deadline(due=expected, article="香格里拉市失信被执行人联合惩戒文件四（二）4", provisional=False)


def test_where_both_rules_fall_on_one_day_both_are_named() -> None:
    answer = due(Rule.EXIT, date(2026, 3, 2), Profile.YUNNAN, CALENDAR)
    assert answer.due == date(2026, 3, 5)
    assert "第十条第一款" in answer.article
    assert "四（二）4" in answer.article


def test_henan_sets_its_own_periods_for_units_alone() -> None:
    start = date(2026, 9, 30)
    differs = {
        rule
        for rule in Rule
        if due(rule, start, Profile.HENAN, CALENDAR) != due(rule, start, Profile.NATIONAL, CALENDAR)
    }
    assert differs == {Rule.RELEASE, Rule.OBJECTION_MARK, Rule.TAKE_DOWN}
    assert due(Rule.RELEASE, start, Profile.HENAN, CALENDAR).article == "《河南省社会信用条例》第四十二条"
    assert due(Rule.OBJECTION_MARK, start, Profile.HENAN, CALENDAR).article == "《河南省社会信用条例》第四十一条"


@pytest.mark.parametrize(
    ("rule", "profile", "start", "expected"),
    [
        (Rule.HOLD_CONFIRM, Profile.NATIONAL, date(2026, 9, 30), date(2026, 10, 8)),
        (Rule.HOLD_CONFIRM, Profile.NATIONAL, date(2026, 10, 9), date(2026, 10, 10)),
        (Rule.UNITS_TOLD, Profile.NATIONAL, date(2026, 9, 30), date(2026, 10, 10)),
        (Rule.UNITS_TOLD, Profile.YUNNAN, date(2026, 9, 30), date(2026, 10, 8)),
        (Rule.RELEASE, Profile.HENAN, date(2026, 2, 13), date(2026, 2, 14)),
        (Rule.FEEDBACK, Profile.NATIONAL, date(2026, 9, 30), date(2026, 10, 20)),
        (Rule.COMPLAINT, Profile.NATIONAL, date(2026, 9, 1), date(2026, 10, 8)),
        (Rule.OBJECTION_MARK, Profile.HENAN, date(2026, 4, 30), date(2026, 5, 8)),
    ],
)
def test_what_the_desk_has_to_do_is_due_on_its_day(rule: Rule, profile: Profile, start: date, expected: date) -> None:
    assert day_due(rule, start, profile) == expected


def test_what_no_article_sets_is_said_to_be_the_courts_own() -> None:
    own = {rule for rule in Rule if RULES[rule].national.article.startswith("本院规定")}
    assert own == {
        Rule.HOLD_CONFIRM,
        Rule.UNITS_TOLD,
        Rule.RELEASE,
        Rule.FEEDBACK,
        Rule.COMPLAINT,
        Rule.OBJECTION_MARK,
        Rule.TAKE_DOWN,
    }


def test_every_rule_has_a_name_for_people() -> None:
    assert set(RULE_LABEL) == set(Rule) == set(RULES)


@given(
    KNOWN,
    st.sampled_from(Bearer),
    st.tuples(st.integers(1, 40), st.sampled_from([Unit.DAYS, Unit.WORKDAYS])),
    st.tuples(st.integers(1, 40), st.sampled_from([Unit.DAYS, Unit.WORKDAYS])),
)
def test_where_rules_conflict_a_duty_takes_the_earlier_day_and_a_right_the_later(
    start: date, bearer: Bearer, national: tuple[int, Unit], local: tuple[int, Unit]
) -> None:
    one, other = (Period(length=length, unit=unit, article="甲") for length, unit in (national, local))

    def ask(*periods: Period) -> date:
        text = RuleText(bearer=bearer, national=periods[0], local={Profile.YUNNAN: periods[-1]})
        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(RULES, Rule.COMPLAINT, text)  # type: ignore[arg-type]
            return due(Rule.COMPLAINT, start, Profile.YUNNAN, CALENDAR).due

    apart = [ask(one), ask(other)]
    assert ask(one, other) == (max(apart) if bearer is Bearer.PARTY else min(apart))


@given(KNOWN)
def test_the_local_exit_is_never_later_than_the_national_one(start: date) -> None:
    assert day_due(Rule.EXIT, start, Profile.YUNNAN) <= day_due(Rule.EXIT, start)


@given(KNOWN, st.sampled_from(Rule), st.sampled_from(Profile))
def test_a_due_day_is_a_working_day_after_the_start_and_certain(start: date, rule: Rule, profile: Profile) -> None:
    answer = due(rule, start, profile, CALENDAR)
    assert answer.due > start
    assert CALENDAR.is_workday(answer.due, Reading.EARLIEST)
    assert not answer.provisional


@given(KNOWN, st.sampled_from(Rule), st.sampled_from(Profile))
def test_starting_later_is_never_due_earlier(start: date, rule: Rule, profile: Profile) -> None:
    assert day_due(rule, start, profile) <= day_due(rule, start + timedelta(days=1), profile)


@given(KNOWN)
def test_three_working_days_are_three(start: date) -> None:
    last = day_due(Rule.EXIT, start)
    between = (start + timedelta(days=n) for n in range(1, (last - start).days + 1))
    assert sum(CALENDAR.is_workday(day, Reading.EARLIEST) for day in between) == 3


@given(UNKNOWN, st.sampled_from(Rule), st.sampled_from(Profile))
def test_a_year_not_announced_is_answered_and_marked(start: date, rule: Rule, profile: Profile) -> None:
    answer = due(rule, start, profile, CALENDAR)
    assert answer.due > start
    assert answer.provisional


@given(UNKNOWN, st.sampled_from(DUTIES))
def test_an_unannounced_duty_counts_every_weekday(start: date, rule: Rule) -> None:
    class Weekdays:
        def is_known(self, year: int) -> bool:
            return True

        def is_workday(self, day: date, reading: Reading) -> bool:
            return day.weekday() < 5

    assert day_due(rule, start) == due(rule, start, Profile.NATIONAL, Weekdays()).due


def test_an_unannounced_right_leaves_out_the_statutory_holidays() -> None:
    # 2027-10-01, a Friday, is off; the next working day by the late reading is Monday the 4th.
    answer = due(Rule.RECONSIDERATION_REQUEST, date(2027, 9, 21), Profile.NATIONAL, CALENDAR)
    assert (answer.due, answer.provisional) == (date(2027, 10, 4), True)
    duty = due(Rule.CORRECTION_REVIEW, date(2027, 9, 16), Profile.NATIONAL, CALENDAR)
    assert (duty.due, duty.provisional) == (date(2027, 10, 1), True)


def test_a_period_that_runs_into_an_unannounced_year_is_provisional() -> None:
    assert due(Rule.EXIT, date(2026, 12, 28), Profile.NATIONAL, CALENDAR) == Deadline(
        due=date(2026, 12, 31),
        article="《最高人民法院关于公布失信被执行人名单信息的若干规定》第九条、第十条第一款",
        provisional=False,
    )
    into = due(Rule.EXIT, date(2026, 12, 30), Profile.NATIONAL, CALENDAR)
    assert (into.due, into.provisional) == (date(2027, 1, 4), True)
    # The local day alone would be certain, but the national one is not, and could come to be the earlier.
    assert due(Rule.EXIT, date(2026, 12, 29), Profile.YUNNAN, CALENDAR).provisional


def test_the_notice_makes_a_provisional_day_certain() -> None:
    off = [date(2027, 1, 1), *(date(2027, 2, 5) + timedelta(days=n) for n in range(8)), date(2027, 4, 5)]
    off += [date(2027, 5, d) for d in (1, 2, 3)] + [date(2027, 6, 9), date(2027, 9, 15)]
    off += [date(2027, 10, d) for d in range(1, 8)]
    notice = "date,type\n" + "".join(f"{day},休\n" for day in off) + "2027-02-20,班\n"
    answer = due(Rule.EXIT, date(2027, 2, 4), Profile.NATIONAL, build_calendar(notice))
    assert (answer.due, answer.provisional) == (date(2027, 2, 17), False)
    assert day_due(Rule.EXIT, date(2027, 2, 4)) == date(2027, 2, 9)


def test_grace_is_read_as_the_longest_so_that_nobody_is_published_early() -> None:
    assert day_due(Rule.GRACE, date(2026, 3, 16)) == date(2026, 6, 16)
    # The corresponding day is missing: the month's last day (民法典 202), which is a Saturday here.
    assert day_due(Rule.GRACE, date(2025, 11, 30)) == date(2026, 2, 28)


@given(st.dates(date(2000, 1, 1), date(2100, 1, 1)), st.integers(1, 60))
def test_months_end_on_the_corresponding_day_or_the_months_last(day: date, months: int) -> None:
    later = add_months(day, months)
    assert (later.year * 12 + later.month) - (day.year * 12 + day.month) == months
    assert later.day == day.day or (later + timedelta(days=1)).day == 1


@pytest.mark.parametrize("start", [date(1, 1, 1), date(1949, 12, 31), date(2200, 1, 1), date(9999, 12, 31)])
def test_a_start_no_case_can_have_is_refused_in_plain_words(start: date) -> None:
    with pytest.raises(StartOutOfRange, match="请核对年份"):
        due(Rule.EXIT, start, Profile.NATIONAL, CALENDAR)


@given(st.one_of(KNOWN, UNKNOWN), st.sampled_from(Rule), st.sampled_from(Profile))
def test_the_earliest_end_is_never_later_than_the_latest(start: date, rule: Rule, profile: Profile) -> None:
    span = find_span(rule, start, profile, CALENDAR)
    answer = due(rule, start, profile, CALENDAR)
    assert span.earliest <= span.latest
    assert answer.due == (span.latest if RULES[rule].bearer is Bearer.PARTY else span.earliest)
    if not answer.provisional:
        assert span.earliest == span.latest


class Learned:
    """The calendar, each day of which is asked once."""

    def __init__(self) -> None:
        days = (date(2009, 12, 1) + timedelta(days=n) for n in range(18 * 366))
        self._worked = {(day, reading): CALENDAR.is_workday(day, reading) for day in days for reading in Reading}

    def is_known(self, year: int) -> bool:
        return CALENDAR.is_known(year)

    def is_workday(self, day: date, reading: Reading) -> bool:
        return self._worked[day, reading]


def days_of_the_rulebook() -> Iterator[date]:
    return (date(2010, 1, 1) + timedelta(days=n) for n in range((date(2026, 12, 31) - date(2010, 1, 1)).days + 1))


@pytest.mark.long
@pytest.mark.parametrize("profile", Profile)
def test_on_every_day_of_2010_to_2026_every_rule_is_lawful(profile: Profile) -> None:
    calendar, days = Learned(), list(days_of_the_rulebook())
    for rule in Rule:
        answers = [due(rule, day, profile, calendar) for day in days]
        for day, answer in zip(days, answers, strict=True):
            assert answer.due > day
            assert calendar.is_workday(answer.due, RULES[rule].bearer.reading)
            # Certain, unless a day of a year that has not been announced had to be asked.
            assert not answer.provisional or answer.due.year > 2026 or answer.due >= date(2026, 12, 28)
            assert answer.provisional or answer.due.year <= 2026
        assert all(one.due <= later.due for one, later in pairwise(answers))


@pytest.mark.long
def test_on_every_day_no_court_has_longer_for_its_duty_than_the_nation() -> None:
    calendar = Learned()
    for day, rule, profile in product(days_of_the_rulebook(), DUTIES, [Profile.HENAN, Profile.YUNNAN]):
        assert due(rule, day, profile, calendar).due <= due(rule, day, Profile.NATIONAL, calendar).due
