"""Figures of a home for a monitoring system: numbers only, read from the databases; no name, address or record.

Each group is read by itself, so that a broken database hides its own figures and no others. `gongshi_up` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.watching.machine import Unreadable, days_left, measure_room, read_certificate
from gongshi.watching.machine_checks import list_places
from gongshi.watching.store_checks import list_sent_in
from notifier.context import Notifier
from notifier.followups import list_overdue
from notifier.tables import MessageRow
from notifier.watchdogs import count_unknown, read_beat
from registry import journal
from registry.acting import SYSTEM
from registry.alarms import count_clocks
from registry.running import list_open
from registry.tables import BackupRow, EmergencyRow, JournalRow
from search_index.database import for_reading
from search_index.journal import ChangeType

# What the folders of `doctor` are called in a label.
PLACES = {"登记库": "registry", "发送库": "notifier", "公示库": "public", "备份": "backup", "见证记录": "witness"}


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric: its name without the prefix, what it is, and its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ()
    is_counter: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of a figure, by its name, with the values of its labels."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


FIGURES: tuple[Figure, ...] = (
    Figure("up", "Whether this part of the home could be read (1) or not (0).", ("part",)),
    Figure("entries_public", "Entries that the public can see now."),
    Figure("departures", "Entries that have left the list since the home was founded.", is_counter=True),
    Figure("clocks_due_today", "Legal duties of the court that are due today."),
    Figure("clocks_over", "Legal duties of the court that are over and undone."),
    Figure("clocks_hidden", "Duties left undecided, for which the product hid the entry by itself."),
    Figure("emergency_marks", "Emergency hides that wait for a decision."),
    Figure("journal_position", "The newest line of the journal."),
    Figure("store_behind", "Lines of the journal that the disclosed store has not applied."),
    Figure("store_waiting_seconds", "Age of the oldest line of the journal that the disclosed store has not applied."),
    Figure(
        "index_behind", "Public changes that the full-text index does not hold yet; answers are right all the same."
    ),
    Figure("store_shut", "Whether the disclosed store is shut (1)."),
    Figure("pulse_age_seconds", "Since when the disclosed store was last known to be up to date."),
    Figure("worker_beat_age_seconds", "Since when the worker last beat."),
    Figure("worker_failed_steps", "Steps that failed in the worker's last beat."),
    Figure("messages", "Messages of the outbox.", ("channel", "state")),
    Figure("messages_unknown_overdue", "Messages of which nobody has known for half an hour whether they arrived."),
    Figure("recalls_overdue", "Recalls that nobody has acknowledged in time."),
    Figure("submissions_waiting", "Sealed submissions of the public that were not collected yet."),
    Figure("submissions_oldest_seconds", "Age of the oldest submission that was not collected yet."),
    Figure("findings", "Open findings of doctor, as its last hourly round left them.", ("grade",)),
    Figure("backup_age_seconds", "Age of the newest verified backup."),
    Figure("certificate_days", "Days until a TLS certificate ends, by its place in GONGSHI_CERTIFICATES.", ("number",)),
    Figure("disk_free_ratio", "Free share of the file system of a folder.", ("place",)),
    Figure("disk_free_bytes", "Free bytes of the file system of a folder.", ("place",)),
)


def read_samples(court: Court, office: Notifier) -> Iterator[Sample]:
    """Every figure that can be read now."""
    for part, read in _PARTS.items():
        try:
            samples = list(read(court, office))
        except Exception:  # whatever keeps one part from being read, the others are
            yield Sample("up", 0, (part,))
        else:
            yield Sample("up", 1, (part,))
            yield from samples


def _registry(court: Court, _office: Notifier) -> Iterator[Sample]:
    acting = court.acting(SYSTEM)
    with court.reading() as session:
        tally, findings = count_clocks(session, acting), list_open(session)
        backup = session.scalar(select(func.max(BackupRow.made_at)).where(BackupRow.verified_at.is_not(None)))
        gone = select(func.count()).select_from(JournalRow).where(JournalRow.type == ChangeType.GONE.value)
        departures = session.scalar(gone) or 0
        marks = select(func.count()).select_from(EmergencyRow).where(EmergencyRow.lifted_at.is_(None))
        emergencies = session.scalar(marks) or 0
    yield Sample("departures", departures)
    yield Sample("clocks_due_today", tally.today)
    yield Sample("clocks_over", tally.over)
    yield Sample("clocks_hidden", tally.hidden)
    yield Sample("emergency_marks", emergencies)
    yield Sample("findings", sum(one.is_fault for one in findings), ("fail",))
    yield Sample("findings", sum(not one.is_fault for one in findings), ("warn",))
    if backup is not None:
        yield Sample("backup_age_seconds", _age(backup, court.now))


def _store(court: Court, _office: Notifier) -> Iterator[Sample]:
    link, applied = court.store_writer.link(), court.store_writer.position()
    with court.store.snapshot(court.now) as snapshot:
        yield Sample("entries_public", snapshot.count())
        yield Sample("index_behind", max(snapshot.sequence - snapshot.indexed, 0))
    yield Sample("store_shut", link.is_shut)
    if link.pulse_at is not None:
        yield Sample("pulse_age_seconds", _age(link.pulse_at, court.now))
    with court.reading() as session:
        head = journal.head(session)[0]
        oldest = session.scalar(select(func.min(JournalRow.at)).where(JournalRow.position > applied))
    yield Sample("journal_position", head)
    yield Sample("store_behind", head - applied)
    yield Sample("store_waiting_seconds", _age(oldest, court.now) if oldest is not None else 0)


def _notifier(court: Court, office: Notifier) -> Iterator[Sample]:
    beat = read_beat(office.engine)
    if beat is not None:
        yield Sample("worker_beat_age_seconds", _age(beat.at, court.now))
        yield Sample("worker_failed_steps", len(beat.failed))
    query = select(MessageRow.channel, MessageRow.state, func.count()).group_by(MessageRow.channel, MessageRow.state)
    with Session(for_reading(office.engine)) as session:
        for channel, state, count in session.execute(query):
            yield Sample("messages", count, (channel, state))
    yield Sample("messages_unknown_overdue", count_unknown(office.engine, court.now))
    yield Sample("recalls_overdue", len(list_overdue(office.engine, court.today)))


def _drop(court: Court, _office: Notifier) -> Iterator[Sample]:
    times = [path.stat().st_mtime for path in list_sent_in(court.drop)]
    yield Sample("submissions_waiting", len(times))
    yield Sample("submissions_oldest_seconds", max(court.now.timestamp() - min(times), 0) if times else 0)


def _machine(court: Court, _office: Notifier) -> Iterator[Sample]:
    for label, folder in list_places(court.settings).items():
        _device, room = measure_room(folder)
        yield Sample("disk_free_ratio", room.share, (PLACES[label],))
        yield Sample("disk_free_bytes", room.free, (PLACES[label],))


def read_certificates(places: Sequence[str], now: datetime) -> Iterator[Sample]:
    """The days of the certificates. Asking a server takes long: not for every scrape."""
    for number, place in enumerate(places, start=1):
        try:
            yield Sample("certificate_days", days_left(read_certificate(place), now), (str(number),))
        except Unreadable:
            continue


def _age(moment: datetime, now: datetime) -> float:
    return max((now - moment).total_seconds(), 0.0)


_PARTS: Mapping[str, Callable[[Court, Notifier], Iterator[Sample]]] = {
    "registry": _registry,
    "store": _store,
    "notifier": _notifier,
    "drop": _drop,
    "machine": _machine,
}
