"""The worker process: a pulse every minute. What is due is asked of the calendar and the database each time, so a
missed pulse, a second worker or a week without power changes nothing but the hour."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from threading import Event
from types import FrameType
from typing import TypeVar

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from notifier.calendar import DuePeriod, Period, due_periods, find_first_period
from notifier.channels import Channel
from notifier.clarifying import follow_clarifications
from notifier.context import Notifier
from notifier.files import sweep
from notifier.followups import queue_reminders
from notifier.policy import Rules, periods_to_announce
from notifier.recall import follow_changes
from notifier.runs import BY_CALENDAR, find_approvals, find_periods_done, push
from notifier.sending import NOTHING_ELSE, Clock, Given, send_due
from notifier.stops import insert_new
from notifier.tables import SettingRow
from search_index.database import for_reading
from search_index.day import SHANGHAI, day_of

T = TypeVar("T")
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


class Steps:
    """Carries out steps, none of which keeps the others from being carried out."""

    def __init__(self) -> None:
        self.errors: dict[str, Exception] = {}

    def take(self, name: str, work: Callable[[], T], otherwise: T) -> T:
        """What `work` gives, or `otherwise` where it fails."""
        try:
            return work()
        except Exception as error:
            self.errors[name] = error
            return otherwise

    def finish(self) -> None:
        """Raises what went wrong: the error itself, or an ExceptionGroup of several."""
        errors = list(self.errors.values())
        if errors:
            raise errors[0] if len(errors) == 1 else ExceptionGroup("several steps failed", errors)


def notifier_tick(
    notifier: Notifier,
    channels: Mapping[str, Channel],
    *,
    clock: Clock,
    worker: str = "worker",
    given: Given = NOTHING_ELSE,
) -> Tick:
    """Everything that is due: prepare, and send what is queued. Safe to repeat at any moment. What fails is raised when
    the rest is done."""
    steps = Steps()
    prepared = prepare(notifier, steps, now=clock(), given=given)
    attempts = steps.take(
        "send", lambda: send_due(notifier, channels, clock=clock, worker=worker, given=given), otherwise=0
    )
    steps.finish()
    return replace(prepared, attempts=attempts)


def prepare(notifier: Notifier, steps: Steps, *, now: datetime, given: Given) -> Tick:
    """Queue what is due: tell who has what left the list, make the runs that are due and not too late, and remind who
    owes an answer. Safe to repeat at any moment."""
    steps.take("sweep", lambda: sweep(notifier.folder, now - _LEFT_FOR), None)
    followed = steps.take("follow", lambda: follow(notifier, now=now, given=given), 0)
    steps.take("start", lambda: _note_start(notifier.engine, day_of(now)), None)
    due: list[DuePeriod] = steps.take("calendar", lambda: find_due_periods(notifier, now), [])
    waiting = steps.take("calendar", lambda: find_waiting(notifier.engine, due, given.rules), due)
    on_time = [one.period for one in due if one not in waiting]
    made = [one for one in on_time if steps.take(f"run {one}", partial(_make, notifier, one, now, given), False)]
    steps.take("reminders", lambda: _remind(notifier, now, given), 0)
    return Tick(made=tuple(made), waiting=tuple(waiting), attempts=0, followed=followed)


def follow(notifier: Notifier, *, now: datetime, given: Given) -> int:
    """Queue a recall for everyone who has what has left the list or was corrected, and a clarification where the court has
    published one; how many changes were followed."""
    if given.store is None:
        return 0
    followed = follow_changes(notifier.engine, given.store, notifier.workdays, now=now, random=given.random)
    # Behind the recalls: nobody is told that an entry was wrong before being told that it is gone.
    follow_clarifications(notifier.engine, given.store, notifier.workdays, now=now, random=given.random)
    return followed


def _make(notifier: Notifier, period: Period, now: datetime, given: Given) -> bool:
    push(notifier, period, now=now, made_by=BY_CALENDAR, random=given.random)
    return True


def _remind(notifier: Notifier, now: datetime, given: Given) -> int:
    profile = notifier.register.profile(now)
    return queue_reminders(notifier.engine, notifier.workdays, profile, now=now, random=given.random)


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


def run_worker(
    tick: Callable[[], object], stop: Event, every: int = 60, others: Sequence[tuple[Callable[[], object], int]] = ()
) -> None:
    """Call `tick` now and every `every` seconds, never twice at a time, until `stop`; the last call is let finish. The
    same for each of `others` and its seconds, whatever else is being called.

    An error in a tick is logged, and the next one tries again.
    """
    # That a beat falls into the one before is no matter for anyone.
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)
    # Only the pulse: no job store, so nothing to lose, and no decision that a missed run could spoil.
    scheduler = BackgroundScheduler(timezone=SHANGHAI)
    for work, seconds in ((tick, every), *others):
        scheduler.add_job(
            work,
            "interval",
            seconds=seconds,
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
    """The day on which the worker was first at work; where it never was, it would be today."""
    with Session(for_reading(engine)) as session:
        row = session.get(SettingRow, _STARTED_ON)
        return date.fromisoformat(row.value) if row is not None else today


def _note_start(engine: Engine, today: date) -> None:
    # Only by the worker: what looks must not decide which runs are owed.
    values = {"name": _STARTED_ON, "value": today.isoformat()}
    with Session(engine) as session, session.begin():
        session.execute(insert_new(session, SettingRow, "name"), [values])
