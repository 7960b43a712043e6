"""What the worker does. Every part of it is a command first, or safe to repeat; none keeps the others from being done.

In the worker's process the parts beat apart: a broken provider, a long digest or a large import delays no recall.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from threading import Event, Lock

import structlog

from gongshi.channels import open_channels, read_providers, read_rules, resume_what_is_set
from gongshi.court import Court
from gongshi.emergency import collect_marks
from gongshi.errorlog import log_error
from gongshi.legal_clock import LegalClock
from gongshi.link.exporting import export_if_due
from gongshi.notices import pump_notices
from gongshi.office import open_office, open_register
from gongshi.pump import Progress, quiet
from gongshi.readers import suspend_readers
from gongshi.retention import erase_daily
from gongshi.unit_events import pump_unit_events
from gongshi.units import bring_over
from gongshi.watching.telling import tell
from notifier.acknowledging import apply_file_acks
from notifier.digests import queue_due_digests
from notifier.gateway_events import EventBook
from notifier.institutions import SFTP
from notifier.institutions.sftp import Seen, collect_acks
from notifier.keeping import clear_old_packages
from notifier.recipients import list_endpoints
from notifier.sending import Given, send_due
from notifier.sms.routing import SMS_CHANNELS
from notifier.watchdogs import note_beat
from notifier.wechat.followers import FollowerBook
from notifier.worker import Steps, follow, prepare
from registry.acting import SYSTEM
from registry.collecting import collect_submissions
from registry.papers import open_scanner

# Seconds between two beats.
PREPARE_EVERY, FOLLOW_EVERY, SEND_EVERY, COLLECT_EVERY, ALARM_EVERY = 60, 10, 10, 300, 60
_SWEEP_EVERY = timedelta(hours=1)

_log = structlog.get_logger("gongshi")


class Duty:
    """One home's work. `stop` is asked between two calls of a provider. Raises BadSetting when it is made."""

    def __init__(self, court: Court, stop: Callable[[], bool] = lambda: False) -> None:
        self._court = court
        # Opened before there are several threads.
        self._opened = (court.engine, court.store, court.store_writer)
        self._office = open_office(court)
        self._providers = read_providers(court, self._office)
        rules = read_rules(court.settings, training=self._providers.training)
        self._given = Given(rules=rules, random=court.world.random, store=court.store, stop=stop)
        self._channels = open_channels(court, self._office, self._providers)
        resume_what_is_set(self._office, self._providers)
        self._followers = FollowerBook(self._office.engine)
        self._events = EventBook(self._office, self._given, court.world.now)
        self._clock = LegalClock(court)
        self._begun = Event()
        self._pumping = Lock()
        # The files of recipients that have been read.
        self._seen: Seen = {}
        self._compacted_on: date | None = None
        self._kept_on: date | None = None
        self._swept_at: datetime | None = None
        self._alive_at: datetime | None = None

    @property
    def beats(self) -> tuple[tuple[Callable[[], None], int], ...]:
        """The parts, each with the seconds after which it is called again."""
        return (
            (self.beat, PREPARE_EVERY),
            (self.follow, FOLLOW_EVERY),
            (self.send, SEND_EVERY),
            (self.collect, COLLECT_EVERY),
            (self.alarm, ALARM_EVERY),
        )

    def tick(self) -> None:
        """Everything that is due now. What fails is raised when the rest is done."""
        steps = Steps()
        for name, part in (
            ("collect", self.collect),
            ("prepare", self.prepare),
            ("send", self.send),
            ("export", self.export),
        ):
            steps.take(name, part, None)
        _finish(steps)

    def beat(self) -> None:
        """Prepare, and leave a sign of life: only who beats has one to leave."""
        steps = self._take_steps(self._say_alive)
        steps.take("beat", lambda: note_beat(self._office.engine, self._court.now, tuple(steps.errors)), None)
        _finish(steps)

    def prepare(self) -> None:
        """Publish and end what is due, feed the store, queue what is to be said of it, and once a day give back freed
        room."""
        _finish(self._take_steps(quiet))

    def _take_steps(self, progress: Progress) -> Steps:
        court, office, steps = self._court, self._office, Steps()
        steps.take("recount", self._clock.recount, 0)
        steps.take("hold", self._clock.hold, 0)
        steps.take("emergency", lambda: collect_marks(court), 0)
        steps.take("publish", lambda: court.publish(progress), None)
        if self._compacted_on != court.today:
            steps.take("compact", self._compact, None)
        if self._kept_on != court.today:
            self._keep_day(steps)
        steps.take("alarms", self._clock.tell, 0)
        steps.take("notices", self._pump, False)
        prepare(office, steps, now=court.now, given=self._given)
        steps.take("units", lambda: bring_over(court, office), None)
        steps.take("events", self._pump_events, 0)
        steps.take("digests", self._queue_digests, 0)
        if self._swept_at is None or court.now - self._swept_at >= _SWEEP_EVERY:
            self._sweep(steps)
        self._begun.set()
        return steps

    def follow(self) -> None:
        """Hide what nobody has decided in time, and queue the recalls of what has left the list. It waits for no
        publication, however large."""
        steps = Steps()
        steps.take("emergency", lambda: collect_marks(self._court), 0)
        steps.take("hold", self._clock.hold, 0)
        if not self._begun.is_set():
            # What was decided when the last worker was killed, and has not reached the store.
            steps.take("spread", self._court.spread, None)
        steps.take("follow", lambda: follow(self._office, now=self._court.now, given=self._given), 0)
        self._begun.set()
        steps.take("notices", self._pump, False)
        steps.take("events", self._pump_events, 0)
        _finish(steps)

    def send(self) -> None:
        """Send what is queued, once it is known who has left the list, and which private notices still hold: while that
        cannot be found out, no SMS goes."""
        if not self._begun.is_set():
            return
        steps, clock = Steps(), self._court.world.now
        sure = steps.take("notices", self._pump, False)
        channels = {name: one for name, one in self._channels.items() if sure or name not in SMS_CHANNELS}
        steps.take("send", lambda: send_due(self._office, channels, clock=clock, worker="worker", given=self._given), 0)
        _finish(steps)

    def collect(self) -> None:
        """Take in what the public has sent in, see which readers have confirmed nothing in time, and fetch what recipients
        have answered by SFTP."""
        steps = Steps()
        steps.take("submissions", self._collect_submissions, None)
        # Behind them: what was confirmed in time and had to be collected is no omission.
        steps.take("readers", lambda: suspend_readers(self._court, self._clock.acting()), 0)
        steps.take("answers", self._collect_answers, None)
        _finish(steps)

    def alarm(self) -> None:
        """Mail at once that something is over, or was hidden by the product, and what of the findings is still to be told.
        With no mail server it waits for nobody: it beats by itself."""
        tell(self._court, None)

    def export(self) -> None:
        """Write the journal as files for a portal that no network reaches: what has departed at once, and every ten minutes
        that nothing has changed, which is what tells that portal that its list is new."""
        folder = self._court.settings.journal_export_folder
        if folder is not None and self._begun.is_set():
            export_if_due(self._court, folder)

    def _collect_submissions(self) -> None:
        court = self._court
        scan = open_scanner(court.settings.scan_command or "")
        collect_submissions(court, court.acting(SYSTEM), scan=scan)

    def _collect_answers(self) -> None:
        engine = self._office.engine
        endpoints = list_endpoints(engine, SFTP)
        if not endpoints:
            return
        collected = collect_acks(endpoints, self._providers.institutions, seen=self._seen)
        for problem in collected.problems:
            _log.warning("ack_not_read", recipient=problem.slug, reason=problem.reason)
        try:
            apply_file_acks(engine, collected.acks, self._court.now)
        except Exception:
            # What could not be written down is read once more.
            self._seen.clear()
            raise

    def _pump(self) -> bool:
        """Hand over the private notices that are due, and take back those that no longer hold."""
        with self._pumping:
            pump_notices(self._court, self._office, self._court.now)
        return True

    def _pump_events(self) -> int:
        """Tell the units' own systems what they are to know."""
        with self._pumping:
            return pump_unit_events(self._court, self._office, self._court.now)

    def _say_alive(self, _done: int, _total: int | None) -> None:
        """A large import is published for longer than a worker may be silent."""
        now = self._court.now
        if self._alive_at is None or now - self._alive_at >= timedelta(minutes=1):
            note_beat(self._office.engine, now, ())
            self._alive_at = now

    def _compact(self) -> None:
        self._court.pump.compact()
        self._compacted_on = self._court.today

    def _keep_day(self, steps: Steps) -> None:
        """What is done once a day; what fails is tried again at the next beat."""
        failed = len(steps.errors)
        steps.take("quarter", self._clock.open_quarter, 0)
        steps.take("figures", self._clock.count_departures, False)
        steps.take("push figures", lambda: self._clock.count_pushes(self._office), False)
        steps.take("audit", self._court.record_audit_head, None)
        steps.take("witness", self._court.witness.mend, None)
        steps.take("retention", self._erase, None)
        if len(steps.errors) == failed:
            self._kept_on = self._court.today

    def _erase(self) -> None:
        erase_daily(self._court, self._office)

    def _queue_digests(self) -> int:
        court = self._court
        register = open_register(court)
        return queue_due_digests(
            self._office,
            register,
            register.profile(court.now),
            now=court.now,
            public_url=court.settings.public_url,
            to_everyone=court.settings.wechat_digest == "everyone",
            random=court.world.random,
        )

    def _sweep(self, steps: Steps) -> None:
        now = self._court.now
        steps.take("sweep messages", lambda: self._followers.sweep(now), 0)
        steps.take("sweep events", self._events.sweep, 0)
        steps.take("sweep packages", lambda: clear_old_packages(self._office, now), 0)
        self._swept_at = now


def _finish(steps: Steps) -> None:
    """Write down all that went wrong but the first, which is raised."""
    errors = [error for one in steps.errors.values() for error in _unpack(one)]
    for error in errors[1:]:
        log_error(error)
    if errors:
        raise errors[0]


def _unpack(error: Exception) -> list[Exception]:
    if not isinstance(error, ExceptionGroup):
        return [error]
    return [one for part in error.exceptions for one in _unpack(part)]
