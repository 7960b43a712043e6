"""When a message may go and how long to wait: decided from what is given, and from nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshi.calendar import StateCouncilCalendar
from notifier.calendar import Period
from notifier.policy import (
    LONGEST_RETRY_AFTER,
    Bucket,
    Candidate,
    ChannelLimits,
    Drop,
    Go,
    Rules,
    Wait,
    hold_after,
    is_open,
    is_workday,
    judge,
    look_up_after,
    next_opening,
    periods_to_announce,
    recall_due,
    reminders_due,
    wait_after,
)
from notifier.states import MessageState
from search_index.day import SHANGHAI, day_of

WORKDAYS = StateCouncilCalendar()
RULES = Rules()
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))
DAYS = st.dates(date(2024, 1, 1), date(2028, 12, 31))
LIMITS = st.builds(
    ChannelLimits,
    first_wait=st.timedeltas(timedelta(seconds=1), timedelta(hours=1)),
    most_failures=st.integers(1, 20),
)
NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)


def candidate(**changes: object) -> Candidate:
    values: dict[str, object] = {
        "citizen": True,
        "must_be_told": False,
        "recipient": None,
        "address": "+8613800000000",
        "expires_at": None,
        "suppressed": None,
        "sent_today": 0,
    }
    return Candidate(**{**values, **changes})  # type: ignore[arg-type]


@given(MOMENTS)
def test_citizens_are_written_to_on_workdays_from_eight_to_eight(moment: datetime) -> None:
    local = moment.astimezone(SHANGHAI)
    wanted = 8 <= local.hour < 20 and WORKDAYS.is_workday(local.date())
    assert is_open(moment, RULES, WORKDAYS) == wanted
    assert isinstance(judge(candidate(), RULES, moment, WORKDAYS), Go if wanted else Wait)
    assert judge(candidate(citizen=False), RULES, moment, WORKDAYS) == Go()


@given(MOMENTS)
def test_the_next_opening_is_open_and_the_first(moment: datetime) -> None:
    opening = next_opening(moment, RULES, WORKDAYS)
    assert opening >= moment
    assert is_open(opening, RULES, WORKDAYS)
    if opening > moment:
        assert opening.astimezone(SHANGHAI).time() == time(8)
        between = moment
        while between < opening:
            assert not is_open(between, RULES, WORKDAYS)
            between += timedelta(hours=1)


def test_the_edges_of_the_day() -> None:
    for local, wanted in (("07:59", False), ("08:00", True), ("19:59", True), ("20:00", False)):
        moment = datetime.combine(date(2026, 10, 8), time.fromisoformat(local), SHANGHAI)
        assert is_open(moment, RULES, WORKDAYS) is wanted
    # A Saturday that is worked, and the holiday that it is worked for.
    assert is_open(datetime(2026, 10, 10, 9, tzinfo=SHANGHAI), RULES, WORKDAYS)
    assert next_opening(datetime(2026, 9, 30, 21, tzinfo=SHANGHAI), RULES, WORKDAYS) == datetime(
        2026, 10, 8, 8, tzinfo=SHANGHAI
    )


@given(DAYS)
def test_a_day_is_worked_when_the_calendar_says_so(day: date) -> None:
    assert is_workday(day, WORKDAYS) == WORKDAYS.is_workday(day)


def test_a_full_day_waits_for_the_next_working_morning() -> None:
    assert judge(candidate(sent_today=2), RULES, NOW, WORKDAYS) == Go()
    verdict = judge(candidate(sent_today=3), RULES, NOW, WORKDAYS)
    assert verdict == Wait(datetime(2026, 10, 9, 8, tzinfo=SHANGHAI), "该地址当日发送数量已达上限")
    assert judge(candidate(sent_today=99, citizen=False), RULES, NOW, WORKDAYS) == Go()


def test_a_demonstration_knows_no_night() -> None:
    night = datetime(2026, 10, 11, 23, tzinfo=SHANGHAI)
    assert isinstance(judge(candidate(), RULES, night, WORKDAYS), Wait)
    awake = replace(RULES, quiet=False)
    assert judge(candidate(), awake, night, WORKDAYS) == Go()
    assert isinstance(judge(candidate(sent_today=3), awake, night, WORKDAYS), Wait)


def test_what_may_never_go_is_dropped_with_its_reason() -> None:
    for changes, state in (
        ({"expires_at": NOW}, MessageState.EXPIRED),
        ({"suppressed": "空号"}, MessageState.CANCELLED),
        ({"suppressed": "空号", "citizen": False}, MessageState.CANCELLED),
        ({"suppressed": "空号", "citizen": False, "must_be_told": True}, MessageState.FAILED_PERMANENT),
    ):
        verdict = judge(candidate(**changes), RULES, NOW, WORKDAYS)  # type: ignore[arg-type]
        assert isinstance(verdict, Drop)
        assert verdict.state is state
    assert judge(candidate(expires_at=NOW + timedelta(seconds=1)), RULES, NOW, WORKDAYS) == Go()


def test_a_trial_goes_to_those_on_its_list_and_to_nobody_else() -> None:
    trial = Rules(trial=frozenset({"tv", "+8613800000000"}))
    assert judge(candidate(), trial, NOW, WORKDAYS) == Go()
    assert judge(candidate(citizen=False, recipient="tv", address=None), trial, NOW, WORKDAYS) == Go()
    for other in (candidate(address="+8613800000001"), candidate(citizen=False, recipient="egov", address=None)):
        assert isinstance(judge(other, trial, NOW, WORKDAYS), Drop)
    assert isinstance(judge(candidate(), Rules(trial=frozenset()), NOW, WORKDAYS), Drop)


def test_a_trial_keeps_no_recall_from_who_has_the_entry() -> None:
    told = candidate(citizen=False, recipient="egov", address=None, must_be_told=True)
    assert judge(told, Rules(trial=frozenset()), NOW, WORKDAYS) == Go()


@given(st.integers(1, 25), LIMITS, st.randoms(use_true_random=False))
def test_waits_grow_within_their_jitter_and_end(failures: int, limits: ChannelLimits, random: Random) -> None:
    wait = wait_after(failures, limits, random, None)
    if failures >= limits.most_failures:
        assert wait is None
        return
    factor = (1, 5, 15, 60, 180, 360, 720)[min(failures, 7) - 1]
    assert wait is not None
    assert limits.first_wait * factor * 0.79 <= wait <= limits.first_wait * factor * 1.21


@given(st.timedeltas(timedelta(), timedelta(days=400)), LIMITS, st.randoms(use_true_random=False))
def test_a_provider_is_left_alone_as_long_as_it_asks_but_not_for_ever(
    asked: timedelta, limits: ChannelLimits, random: Random
) -> None:
    wait = wait_after(1, limits, random, asked)
    if wait is not None:
        assert wait >= min(asked, LONGEST_RETRY_AFTER)
        assert wait <= max(limits.first_wait * 1.21, LONGEST_RETRY_AFTER * 1.21)


def test_those_turned_away_together_do_not_come_back_together() -> None:
    random = Random(1)
    waits = {wait_after(1, ChannelLimits(), random, timedelta(minutes=10)) for _ in range(50)}
    assert len(waits) == 50


@pytest.mark.parametrize(
    ("asked", "in_a_row", "hold"),
    [(None, 9, None), (1, 1, None), (1, 2, None), (1, 3, 1), (59, 1, None), (60, 1, 60), (10**7, 1, 86400)],
)
def test_a_whole_channel_rests_for_long_or_repeated_requests(
    asked: int | None, in_a_row: int, hold: int | None
) -> None:
    found = hold_after(None if asked is None else timedelta(seconds=asked), in_a_row)
    assert found == (None if hold is None else timedelta(seconds=hold))


def test_providers_are_asked_a_few_times_for_what_is_not_known_and_for_nothing_else() -> None:
    for state in MessageState:
        waits = [look_up_after(state, n) for n in range(8)]
        asked = [wait for wait in waits if wait is not None]
        assert len(asked) == {MessageState.UNKNOWN: 6, MessageState.ACCEPTED: 3}.get(state, 0)
        assert asked == sorted(asked)
        assert waits[len(asked) :] == [None] * (8 - len(asked))


@given(st.floats(0.1, 500), st.lists(st.tuples(st.floats(0, 3), st.integers(0, 50)), max_size=40))
def test_no_more_calls_begin_than_the_rate_allows(per_second: float, steps: list[tuple[float, int]]) -> None:
    bucket, now, calls = Bucket(0.0, 0.0), 0.0, 0
    for pause, wanted in steps:
        now += pause
        bucket = bucket.refill(per_second, now)
        granted = max(0, min(wanted, int(bucket.left)))
        bucket = bucket.spend(granted)
        calls += granted
        assert calls <= now * per_second + 1e-6
        assert bucket.left <= max(per_second, 1.0)
    wait = bucket.seconds_to_next(per_second)
    assert bucket.refill(per_second, now + wait + 1e-6).left >= 1 - 1e-6


def test_a_clock_that_goes_back_gives_no_calls_away() -> None:
    bucket = Bucket(0.0, 100.0).refill(10, 50.0)
    assert bucket.left == 0.0
    assert bucket.refill(10, 100.0).left == 0.0


def test_a_run_is_announced_two_working_days_ahead() -> None:
    first = Period(2026, 1)
    announced = [
        day
        for day in (date(2026, 9, 20) + timedelta(days=n) for n in range(20))
        if periods_to_announce(day, first, set(), WORKDAYS)
    ]
    # 29 and 30 September are the last two working days before the holiday; the run itself is on 8 October.
    assert announced == [date(2026, 9, 29) + timedelta(days=n) for n in range(9)]
    (one,) = periods_to_announce(date(2026, 9, 30), first, set(), WORKDAYS)
    assert (one.period, one.due_on, one.days_late) == (Period(2026, 3), date(2026, 10, 8), 0)
    assert periods_to_announce(date(2026, 9, 30), first, {Period(2026, 3)}, WORKDAYS) == []
    assert periods_to_announce(date(2026, 9, 30), Period(2026, 4), set(), WORKDAYS) == []


@given(DAYS)
def test_what_a_recall_asks_has_three_working_days(day: date) -> None:
    due = recall_due(day, WORKDAYS)
    between = [day + timedelta(days=n) for n in range(1, (due - day).days + 1)]
    assert sum(WORKDAYS.is_workday(one) for one in between) == 3
    assert WORKDAYS.is_workday(due)


@given(DAYS, st.integers(0, 60))
def test_reminders_come_one_after_the_other_and_end(since: date, days: int) -> None:
    ladder = (1, 2, 5)
    today = since + timedelta(days=days)
    due = reminders_due(since, today, ladder, WORKDAYS)
    assert reminders_due(since, since, ladder, WORKDAYS) == 0
    assert due <= reminders_due(since, today + timedelta(days=1), ladder, WORKDAYS) <= 3
    worked = sum(WORKDAYS.is_workday(since + timedelta(days=n)) for n in range(1, days + 1))
    assert due == sum(steps <= worked for steps in ladder)
    assert day_of(NOW) == date(2026, 10, 8)
