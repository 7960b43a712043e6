"""When a message may go, and how long to wait when it could not: quiet hours, caps, lists, backoff, rates.

Pure: the moment, the working days and the random source are given.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from notifier.calendar import DuePeriod, Period, Workdays
from notifier.states import MessageState
from search_index.day import SHANGHAI, day_of

# Minutes to wait after the first, second … failed attempt, for a channel whose first wait is a minute; the last one
# repeats. About four days in all.
_WAITS = (1, 5, 15, 60, 180, 360, 720)
_JITTER = 0.2
# No provider's Retry-After is believed beyond this.
LONGEST_RETRY_AFTER = timedelta(days=1)
# A provider that wants to be left alone for so long, or says so so often in a row, means all of the channel.
_HOLD_FROM = timedelta(minutes=1)
_HOLD_AFTER = 3
# When a provider is asked what became of a message: after the call for what is unknown, and for what was accepted.
_LOOK_UPS = {
    MessageState.UNKNOWN: tuple(timedelta(minutes=n) for n in (1, 5, 15, 60, 360, 1440)),
    MessageState.ACCEPTED: tuple(timedelta(hours=n) for n in (1, 24, 72)),
}
ANNOUNCED_WORKDAYS = 2
RECALL_WORKDAYS = 3
# After how many working days without an answer a reminder goes.
RECALL_LADDER = (1, 2, 3, 5, 8, 13)
PACKAGE_LADDER = (3, 8, 15)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelLimits:
    """What a channel can bear: calls at a time in one process, calls a second in one process and calls a day in all
    (None: no limit), how long to wait after the first failure, and after which failure to give up."""

    concurrency: int = 1
    per_second: float | None = None
    per_day: int | None = None
    first_wait: timedelta = timedelta(minutes=1)
    most_failures: int = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings of sending. Between `closes` and `opens`, and on days off, citizens get nothing (unless `quiet` is off,
    which is for demonstrations); in a day at most `citizen_cap` messages an address. `trial` (None: no trial) lists the
    recipients' names and the addresses that anything but a recall goes to. In a dry run nothing leaves the house."""

    channels: Mapping[str, ChannelLimits] = field(default_factory=dict)
    opens: time = time(8)
    closes: time = time(20)
    quiet: bool = True
    citizen_cap: int = 3
    trial: frozenset[str] | None = None
    dry_run: bool = False
    approval_required: bool = False

    def limits(self, channel: str) -> ChannelLimits:
        return self.channels.get(channel, _DEFAULT_LIMITS)


_DEFAULT_LIMITS = ChannelLimits()


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """What is known of a message that is due, and of the address it goes to. Who must be told is told by other means
    where an address gets nothing: such a message fails, and is not just dropped."""

    citizen: bool
    must_be_told: bool
    recipient: str | None
    address: str | None
    expires_at: datetime | None
    suppressed: str | None
    sent_today: int


@dataclass(frozen=True, slots=True)
class Go:
    """It may go now."""


@dataclass(frozen=True, slots=True)
class Wait:
    """It may not go before `until`."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Drop:
    """It will never go."""

    state: MessageState
    reason: str


Verdict = Go | Wait | Drop


def judge(candidate: Candidate, rules: Rules, now: datetime, workdays: Workdays) -> Verdict:
    """Whether a message that is due goes now, later or never."""
    if (dropped := _drop(candidate, rules, now)) is not None:
        return dropped
    if not candidate.citizen:
        return Go()
    if rules.quiet and not is_open(now, rules, workdays):
        return Wait(next_opening(now, rules, workdays), "等待可发送时段")
    if candidate.sent_today >= rules.citizen_cap:
        return Wait(_opening_after(day_of(now), rules, workdays), "该地址当日发送数量已达上限")
    return Go()


def _drop(candidate: Candidate, rules: Rules, now: datetime) -> Drop | None:
    if candidate.expires_at is not None and candidate.expires_at <= now:
        return Drop(MessageState.EXPIRED, "超过有效期，未发送")
    in_trial = rules.trial is None or {candidate.recipient, candidate.address} & rules.trial
    # Whoever was sent an entry is told that it has left, whatever is tried out today.
    if not in_trial and not candidate.must_be_told:
        return Drop(MessageState.CANCELLED, "试运行期间只发给名单内的接收人")
    if candidate.suppressed is not None and candidate.must_be_told:
        return Drop(MessageState.FAILED_PERMANENT, f"该地址已停止发送，请电话通知：{candidate.suppressed}")
    if candidate.suppressed is not None:
        return Drop(MessageState.CANCELLED, f"该地址已停止发送：{candidate.suppressed}")
    return None


def is_workday(day: date, workdays: Workdays) -> bool:
    return workdays.first_workday_after(day - timedelta(days=1)) == day


def is_open(now: datetime, rules: Rules, workdays: Workdays) -> bool:
    """Whether citizens may be written to at `now`."""
    local = now.astimezone(SHANGHAI)
    return rules.opens <= local.time() < rules.closes and is_workday(local.date(), workdays)


def next_opening(now: datetime, rules: Rules, workdays: Workdays) -> datetime:
    """The first moment from `now` on at which citizens may be written to."""
    if is_open(now, rules, workdays):
        return now
    local = now.astimezone(SHANGHAI)
    if local.time() < rules.opens and is_workday(local.date(), workdays):
        return datetime.combine(local.date(), rules.opens, SHANGHAI)
    return _opening_after(local.date(), rules, workdays)


def _opening_after(day: date, rules: Rules, workdays: Workdays) -> datetime:
    return datetime.combine(workdays.first_workday_after(day), rules.opens, SHANGHAI)


def midnight_after(now: datetime) -> datetime:
    """The beginning of the next day in Asia/Shanghai."""
    return datetime.combine(day_of(now) + timedelta(days=1), time(), SHANGHAI)


def wait_after(failures: int, limits: ChannelLimits, random: Random, retry_after: timedelta | None) -> timedelta | None:
    """How long to wait after failure number `failures` (from 1), never shorter than the provider asked for; None when
    it was the last."""
    if failures >= limits.most_failures:
        return None
    wait = limits.first_wait * _WAITS[min(failures, len(_WAITS)) - 1]
    jittered = wait * random.uniform(1 - _JITTER, 1 + _JITTER)
    asked = min(retry_after or timedelta(), LONGEST_RETRY_AFTER)
    # All that were turned away together would come back together.
    return max(jittered, asked * random.uniform(1, 1 + _JITTER))


def hold_after(retry_after: timedelta | None, in_a_row: int) -> timedelta | None:
    """How long a whole channel is left alone after `in_a_row` answers in a row that asked for it; None: it goes on."""
    if retry_after is None or (retry_after < _HOLD_FROM and in_a_row < _HOLD_AFTER):
        return None
    return min(retry_after, LONGEST_RETRY_AFTER)


def look_up_after(state: MessageState, look_ups: int) -> timedelta | None:
    """How long to wait before asking the provider once more, after so many askings; None when it is for a person."""
    ladder = _LOOK_UPS.get(state, ())
    return ladder[look_ups] if look_ups < len(ladder) else None


@dataclass(frozen=True, slots=True)
class Bucket:
    """How many calls a channel has left at a moment (seconds of any steady clock). It holds a second's worth."""

    left: float
    at: float

    def refill(self, per_second: float, now: float) -> Bucket:
        gained = max(0.0, now - self.at) * per_second
        return Bucket(min(max(per_second, 1.0), self.left + gained), max(now, self.at))

    def spend(self, calls: int) -> Bucket:
        return Bucket(self.left - calls, self.at)

    def seconds_to_next(self, per_second: float) -> float:
        return max(0.0, (1.0 - self.left) / per_second)


def periods_to_announce(today: date, first: Period, done: Collection[Period], workdays: Workdays) -> list[DuePeriod]:
    """The periods whose run is not due yet but will be within two working days (`days_late` is 0)."""
    period = Period.of(today - timedelta(days=31))
    found = []
    while (due_on := period.due_on(workdays)) <= _add_workdays(today, ANNOUNCED_WORKDAYS, workdays):
        if due_on > today and period >= first and period not in done:
            found.append(DuePeriod(period=period, due_on=due_on, days_late=0))
        period = period.next
    return found


def recall_due(day: date, workdays: Workdays) -> date:
    """The last day for what a recall of `day` asks: three working days, as the court itself has for withdrawing what
    should not be listed (失信名单规定 art. 9)."""
    return _add_workdays(day, RECALL_WORKDAYS, workdays)


def reminders_due(since: date, today: date, ladder: tuple[int, ...], workdays: Workdays) -> int:
    """How many reminders of `ladder` should have gone by `today` for what was sent on `since`."""
    return sum(_add_workdays(since, steps, workdays) <= today for steps in ladder)


def _add_workdays(day: date, steps: int, workdays: Workdays) -> date:
    for _ in range(steps):
        day = workdays.first_workday_after(day)
    return day
