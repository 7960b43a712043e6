"""The worker process: a pulse every minute. What is due is asked of the calendar and the database each time, so a
missed pulse, a second worker or a week without power changes nothing but the hour."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Event
from types import FrameType

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.calendar import DuePeriod, Period, due_periods, find_first_period
from notifier.channels import Channel
from notifier.channels.sandbox import SandboxChannel, TaskChannel
from notifier.context import Notifier
from notifier.files import sweep
from notifier.followups import queue_reminders
from notifier.policy import Rules, periods_to_announce
from notifier.recall import follow_changes
from notifier.recipients import SANDBOX, TASKS
from notifier.runs import BY_CALENDAR, find_approvals, find_periods_done, push
from notifier.sending import NOTHING_ELSE, Clock, Given, send_due
from notifier.tables import SettingRow
from search_index.day import SHANGHAI, day_of

_STARTED_ON = "started_on"
# No step takes nearly as long.
_LEFT_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What one pulse did: the periods whose runs it made, those that wait for a person, and attempts to send."""

    made: tuple[Period, ...]
    waiting: tuple[DuePeriod, ...]
    attempts: int
    followed: int = 0


def open_channels(notifier: Notifier) -> Mapping[str, Channel]:
    """The channels of this home, by name."""
    return {SANDBOX: SandboxChannel(notifier.folder / "sandbox"), TASKS: TaskChannel()}


def notifier_tick(
    notifier: Notifier,
    channels: Mapping[str, Channel],
    *,
    clock: Clock,
    worker: str = "worker",
    given: Given = NOTHING_ELSE,
) -> Tick:
    """Tell who has what left the list, make the runs that are due and not too late, remind who owes an answer, and send
    what is queued. Safe to repeat at any moment."""
    now = clock()
    sweep(notifier.folder, now - _LEFT_FOR)
    engine, workdays = notifier.engine, notifier.workdays
    followed = follow_changes(engine, given.store, workdays, now=now, random=given.random) if given.store else 0
    due = find_due_periods(notifier, now)
    waiting = find_waiting(engine, due, given.rules)
    on_time = [one.period for one in due if one not in waiting]
    for period in on_time:
        push(notifier, period, now=now, made_by=BY_CALENDAR, random=given.random)
    queue_reminders(engine, workdays, notifier.register.profile(now), now=now, random=given.random)
    attempts = send_due(notifier, channels, clock=clock, worker=worker, given=given)
    return Tick(made=tuple(on_time), waiting=tuple(waiting), attempts=attempts, followed=followed)


def find_waiting(engine: Engine, due: Sequence[DuePeriod], rules: Rules) -> list[DuePeriod]:
    """Those of the due periods whose run a person has to make or to approve."""
    approved = find_approvals(engine)
    needs_approval = [one for one in due if rules.approval_required and one.period not in approved]
    return [one for one in due if one.waits_for_person or one in needs_approval]


def find_announced_periods(notifier: Notifier, now: datetime) -> list[DuePeriod]:
    """The periods whose run comes within two working days: the desk shows what it will be."""
    today = day_of(now)
    first = find_first_period(_started_on(notifier.engine, today), notifier.workdays)
    return periods_to_announce(today, first, find_periods_done(notifier.engine), notifier.workdays)


def find_due_periods(notifier: Notifier, now: datetime) -> list[DuePeriod]:
    """The periods that are due at `now` and have no run. A new home owes nothing for the time before it."""
    today = day_of(now)
    first = find_first_period(_started_on(notifier.engine, today), notifier.workdays)
    return due_periods(today, first, find_periods_done(notifier.engine), notifier.workdays)


def run_worker(tick: Callable[[], object], stop: Event, every: int = 60) -> None:
    """Call `tick` now and every `every` seconds, never twice at a time, until `stop`; the last call is let finish.

    An error in a tick is logged, and the next one tries again.
    """
    # Only the pulse: no job store, so nothing to lose, and no decision that a missed run could spoil.
    scheduler = BackgroundScheduler(timezone=SHANGHAI)
    scheduler.add_job(
        tick,
        "interval",
        seconds=every,
        next_run_time=datetime.now(SHANGHAI),
        coalesce=True,
        max_instances=1,
        misfire_grace_time=None,
    )
    scheduler.start()
    try:
        stop.wait()
    finally:
        scheduler.shutdown(wait=True)


def stop_on_signals(stop: Event) -> None:
    """Let SIGTERM and SIGINT set `stop`, so that a worker ends between two steps. Only in the main thread."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)


def _started_on(engine: Engine, today: date) -> date:
    with Session(engine) as session:
        row = session.get(SettingRow, _STARTED_ON)
        if row is not None:
            return date.fromisoformat(row.value)
    try:
        with Session(engine) as session, session.begin():
            session.add(SettingRow(name=_STARTED_ON, value=today.isoformat()))
    except IntegrityError:
        return _started_on(engine, today)
    return today
