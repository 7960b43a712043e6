"""The disclosed store: every entry the public may see now, the list of changes, and the tombstones.

It is a consumer of the journal and holds nothing that was not in it. Applying is idempotent and resumes from the
stored position. A departure or a correction may be applied ahead of its turn (`apply_ahead`): it never waits behind
bulk work, and what is applied later with a lower sequence cannot bring back what it took away.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    MetaData,
    Select,
    String,
    Table,
    Text,
    bindparam,
    delete,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from search_index.changes import KEPT, Change, Changes, Departure, SinceTooOld, SinceUnknown, read_entry
from search_index.containing import contains
from search_index.database import Reading, ReadingSide, for_reading, sqlite_file, without_transaction, writing_engine
from search_index.document import Document
from search_index.emergency import CODES, SUBJECT, Mark, find_hidden, is_genuine, read_codes, read_told
from search_index.folding import fold_name
from search_index.freshness import USUAL, Cause, Freshness, Limits, Standing, judge
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange, SubjectChange
from search_index.marks import MarkFolder, MarksUnreadable
from search_index.modes import settle_public
from search_index.number import is_number
from search_index.page import PAGE_SIZE, Departed
from search_index.profile import Profile
from search_index.rows import local, upsert, utc
from search_index.subjects import (
    LastTold,
    Some,
    apply_subjects,
    is_known,
    list_records,
    read_all,
    read_last,
    read_subject,
    read_subjects,
    subject_table,
)

metadata = MetaData()

# Instants are kept as UTC text of one width, so that they compare as they sort.
document_table = Table(
    "document",
    metadata,
    Column("record", String(11), primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("name_key", Text, nullable=False, index=True),
    Column("published_on", String(10), nullable=False, index=True),
    Column("visible_until", String(32), index=True),
    Column("body", Text, nullable=False),
)
change_table = Table(
    "change",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
    Column("type", String(10), nullable=False),
    Column("record", String(11), nullable=False, index=True),
    Column("at", String(32), nullable=False),
)
# A screen asks for the latest of them every two seconds, and they are never fewer; with the type, months are counted by it.
_change_at = Index("ix_change_at", change_table.c.at, change_table.c.type)
tombstone_table = Table(
    "tombstone",
    metadata,
    Column("record", String(11), primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("at", String(32), nullable=False),
)
state_table = Table(
    "state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("indexed", Integer, nullable=False),
    Column("updated_at", String(32)),
    Column("profile", Text),
)
# How the store is connected with the registry. `pulse_at`: when it was last known to hold everything that the registry had told
# until then; null before that was ever noted. `shut`: 1 while nothing of the list may be shown. On an isolated network
# `file_number` and `file_digest` are those of the last file of the journal that was applied.
link_table = Table(
    "link",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pulse_at", String(32)),
    Column("shut", Integer, nullable=False),
    Column("file_number", Integer, nullable=False),
    Column("file_digest", String(64)),
    Column("file_epoch", String(32)),
)
# What the names in the store were folded by.
folding_table = Table("folding", metadata, Column("version", String(8), primary_key=True))

# Raised with every change of `folding.fold_name`.
FOLDING = "2"
_CHUNK = 500
_AT_ONCE = 1_000
VACUUM_SHARE = 0.25

_SEVERAL = [f"p{number}" for number in range(PAGE_SIZE)]

# The questions of readers, compiled once each.
_UNENDED = document_table.c.visible_until.is_(None) | (document_table.c.visible_until > bindparam("now"))
# `hidden`: the numbers that were hidden in an emergency, one after the other; none is part of another.
VISIBLE = _UNENDED & ~contains(bindparam("hidden"), document_table.c.record)
_BODIES = select(document_table.c.body).where(VISIBLE)
_LATEST_FIRST = _BODIES.order_by(document_table.c.published_on.desc(), document_table.c.record)
_STATE = select(
    state_table.c.sequence,
    state_table.c.indexed,
    state_table.c.updated_at,
    state_table.c.profile,
    select(func.max(change_table.c.sequence)).scalar_subquery(),
    select(func.min(document_table.c.visible_until)).scalar_subquery(),
    select(link_table.c.pulse_at).scalar_subquery(),
    select(link_table.c.shut).scalar_subquery(),
    # Whether anything was ever told of emergencies.
    select(func.max(subject_table.c.position)).where(subject_table.c.subject == SUBJECT).scalar_subquery(),
)
_NAMED = _LATEST_FIRST.where(document_table.c.name_key == bindparam("key")).limit(bindparam("limit"))
_NEWEST = _LATEST_FIRST.limit(bindparam("limit"))
_ALL = (
    _BODIES.where(document_table.c.record > bindparam("after"))
    .order_by(document_table.c.record)
    .limit(bindparam("limit"))
)
# All without those whose end has come: both are read from an index, without the entries.
_COUNT = select(
    select(func.count()).select_from(document_table).scalar_subquery()
    - select(func.count()).where(document_table.c.visible_until <= bindparam("now")).scalar_subquery()
)
_COUNT_NAMED = select(document_table.c.name_key, func.count()).where(VISIBLE).group_by(document_table.c.name_key)
_COUNT_AHEAD = select(
    select(func.count()).where(change_table.c.sequence > bindparam("sequence")).scalar_subquery(),
    select(func.max(change_table.c.at)).scalar_subquery(),
)
_CHANGED = select(change_table.c.record).where(change_table.c.sequence > bindparam("sequence")).distinct()
_CHANGES = (
    select(
        change_table.c.sequence, change_table.c.position, change_table.c.type, change_table.c.record, change_table.c.at
    )
    .where(change_table.c.sequence > bindparam("since"), change_table.c.sequence <= bindparam("until"))
    .order_by(change_table.c.sequence)
    .limit(bindparam("limit"))
)
_FOLLOWED = (
    select(
        change_table.c.sequence, change_table.c.type, change_table.c.record, change_table.c.at, document_table.c.body
    )
    .select_from(
        change_table.outerjoin(
            document_table,
            (document_table.c.record == change_table.c.record)
            & (document_table.c.sequence == change_table.c.sequence)
            & VISIBLE,
        )
    )
    .where(change_table.c.sequence > bindparam("since"), change_table.c.sequence <= bindparam("until"))
    .order_by(change_table.c.sequence)
    .limit(bindparam("limit"))
)
_DEPARTED = (
    select(change_table.c.sequence, change_table.c.record, change_table.c.at)
    .where(
        change_table.c.sequence > bindparam("since"),
        change_table.c.sequence <= bindparam("until"),
        change_table.c.type == ChangeType.GONE.value,
    )
    .order_by(change_table.c.sequence)
    .limit(bindparam("limit"))
)
_CHANGE_AT = select(change_table.c.at).where(change_table.c.sequence == bindparam("sequence"))
_ROWS = (
    select(document_table.c.record, document_table.c.body)
    .where(VISIBLE, document_table.c.record > bindparam("after"))
    .order_by(document_table.c.record)
    .limit(bindparam("limit"))
)
_GONE_AMONG = select(tombstone_table.c.record, tombstone_table.c.at)
_TOMBSTONE = select(tombstone_table.c.at).where(tombstone_table.c.record == bindparam("record"))
_END = select(document_table.c.visible_until).where(document_table.c.record == bindparam("record"), ~_UNENDED)
_COVERED = select(document_table.c.record).where(_UNENDED)
# Not the negation of what is visible: this is what the index on the column answers.
_ENDED = select(document_table.c.record).where(document_table.c.visible_until <= bindparam("now"))


class JournalGap(Exception):
    """The journal entries given do not follow on from what the store has applied, or are not what was once written."""


class StoreDamaged(Exception):
    """The store's file is not what was written to it. The journal can make it anew: see `StoreWriter.replay`."""


class StoreUnavailable(Exception):
    """The store cannot be read now."""


class StoreHidden(StoreUnavailable):
    """Nothing of the list may be shown now; `freshness` says why."""

    def __init__(self, freshness: Freshness) -> None:
        super().__init__(f"hidden: {freshness.cause}")
        self.freshness = freshness


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """What a store that shows entries to people is opened with: how old the list may be, and where marks of entries that were
    hidden in an emergency lie. Without it a store is read as it is, by those who take names back."""

    limits: Limits = USUAL
    marks: MarkFolder | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How a store is connected with the registry: see `link_table`."""

    pulse_at: datetime | None
    is_shut: bool
    file_number: int
    file_digest: str | None
    file_epoch: str | None


class Snapshot:
    """One moment of the list. Everything read from it belongs together, and is what may be seen at `now`."""

    def __init__(self, reading: Reading, now: datetime, guard: Guard | None = None) -> None:
        self._always = reading
        self._moment = {"now": utc(now), "hidden": ""}
        (state,) = reading.ask(_STATE, {})
        self.sequence: int
        self.indexed: int
        self.sequence, self.indexed, updated_at, profile, last_change, first_end, pulse, shut, emergency = state
        self.updated_at = local(updated_at) if updated_at else None
        # When the store was last known to hold all that the registry had told; None before that was ever noted.
        self.pulse: datetime | None = local(pulse) if pulse else None
        # Nothing of the list may be shown: a registry that came back from a backup has not been opened again.
        self.is_shut = bool(shut)
        self._profile: str | None = profile
        self._last_change: int = last_change or 0
        self._first_end: str | None = first_end
        limits = guard.limits if guard else None
        self.freshness = judge(self.pulse, self.updated_at, now, limits, is_shut=self.is_shut)
        # Entries that were hidden in an emergency, and since when.
        self.marked: Mapping[str, datetime] = {}
        if guard is not None:
            self._hide_marked(_read_marks(reading, guard.marks, self._moment) if emergency else [])

    @property
    def _reading(self) -> Reading:
        """What is asked about entries. Raises StoreHidden: whoever shows anything of the list comes by here."""
        self.refuse_hidden()
        return self._always

    def refuse_hidden(self) -> None:
        """Raises StoreHidden where nothing of the list may be shown: also to those who ask for nothing of it."""
        if self.freshness.is_hidden:
            raise StoreHidden(self.freshness)

    def _hide_marked(self, marks: list[Mark]) -> None:
        is_hidden, self.marked = find_hidden(marks)
        if is_hidden:
            checked_at = self.freshness.checked_at
            self.freshness = Freshness(standing=Standing.HIDDEN, checked_at=checked_at, cause=Cause.EMERGENCY)
        self._moment["hidden"] = ",".join(sorted(self.marked))

    @property
    def hidden_key(self) -> str:
        """Equal where the same entries are hidden."""
        return self._moment["hidden"]

    def covered(self) -> dict[str, datetime]:
        """The entries that would be seen, had they not been hidden in an emergency, and since when they are."""
        found: dict[str, datetime] = {}
        for some in _take_in_turns(sorted(self.marked)):
            query = _where_any(_COVERED, document_table.c.record, len(some))
            found |= {record: self.marked[record] for (record,) in self._reading.ask(query, {**some, **self._moment})}
        return found

    def document(self, record: str) -> Document | None:
        return self.documents([record]).get(record)

    def documents(self, records: Iterable[str]) -> dict[str, Document]:
        found: dict[str, Document] = {}
        self.refuse_hidden()
        for some in _take_in_turns(list(records)):
            query = _where_any(_BODIES, document_table.c.record, len(some))
            found.update((d.record, d) for d in self._read(query, some))
        return found

    def departed(self, record: str) -> Departed | None:
        """The tombstone of a record that was public; also of one whose end has come and that nobody removed yet, and of one
        that was hidden in an emergency."""
        if covered := self.covered().get(record) if record in self.marked else None:
            return Departed(record=record, at=covered)
        asked = {"record": record, **self._moment}
        rows = self._reading.ask(_TOMBSTONE, asked) or self._reading.ask(_END, asked)
        return Departed(record=record, at=local(rows[0][0])) if rows else None

    def changed_since(self, sequence: int) -> set[str]:
        if self._last_change <= sequence:
            return set()
        return {record for (record,) in self._reading.ask(_CHANGED, {"sequence": sequence})}

    def ended(self) -> set[str]:
        """Whose end has come, and who was hidden in an emergency: the index does not know it."""
        covered = set(self.covered())
        if self._first_end is None or self._first_end > self._moment["now"]:
            return covered
        return covered | {record for (record,) in self._reading.ask(_ENDED, self._moment)}

    def count(self) -> int:
        ((count,),) = self._reading.ask(_COUNT, self._moment)
        return int(count) - len(self.covered())

    def by_name_key(self, key: str, limit: int = 100) -> list[Document]:
        return self._read(_NAMED, {"key": key, "limit": limit})

    def count_changes(self) -> tuple[int, int, str | None]:
        """How many public changes were applied ahead of their turn, and the highest sequence and the latest time of all that
        the store knows. Those that were applied in turn are as many as the sequence says."""
        ((count, latest),) = self._reading.ask(_COUNT_AHEAD, {"sequence": self.sequence})
        return int(count), self._last_change, None if latest is None else str(latest)

    def count_name_key(self, key: str) -> int:
        return self.count_name_keys([key]).get(key, 0)

    def count_name_keys(self, keys: Iterable[str]) -> dict[str, int]:
        """How many entries have each of `keys`; a key that none has is left out."""
        found: dict[str, int] = {}
        self.refuse_hidden()
        for some in _take_in_turns(sorted(set(keys))):
            query = _where_any(_COUNT_NAMED, document_table.c.name_key, len(some))
            found.update(self._reading.ask(query, {**some, **self._moment}))
        return found

    def newest(self, limit: int) -> list[Document]:
        return self._read(_NEWEST, {"limit": limit})

    def changes(self, since: int, limit: int) -> list[EntryChange]:
        """Public changes after `since`, in order and without a gap; at most `limit`. Bodies are not kept here."""
        asked = {"since": since, "until": self.sequence, "limit": limit}
        return [
            EntryChange(
                position=position, at=local(at), sequence=sequence, type=ChangeType(type_), record=record, body=None
            )
            for sequence, position, type_, record, at in self._reading.ask(_CHANGES, asked)
        ]

    def follow(self, since: int, limit: int) -> Changes:
        """Public changes after `since`, in order and without a gap, at most `limit`, for whoever follows the list.

        Raises SinceTooOld or SinceUnknown.
        """
        if since > self.sequence:
            raise SinceUnknown
        self._refuse_too_old(since)
        asked = {"since": since, "until": self.sequence, "limit": limit, **self._moment}
        rows = enumerate(self._reading.ask(_FOLLOWED, asked), start=since + 1)
        found = tuple(
            Change(sequence=sequence, type=type_, record=record, at=local(at), entry=read_entry(body))
            # Where a restored registry has leapt a follower stops, and is told to take the whole list anew.
            for _, (sequence, type_, record, at, body) in takewhile(lambda one: one[0] == one[1][0], rows)
        )
        last = found[-1].sequence if found else since
        return Changes(
            head=self.sequence,
            next=last,
            changes=found,
            updated_at=self.updated_at,
            freshness=self.freshness,
            withheld=self.covered(),
        )

    def departures(self, since: int, limit: int) -> list[Departure]:
        """The first departures after the sequence `since`, at most `limit`, in order."""
        asked = {"since": since, "until": self.sequence, "limit": limit}
        return [
            Departure(sequence=sequence, record=record, at=local(at))
            for sequence, record, at in self._reading.ask(_DEPARTED, asked)
        ]

    def _refuse_too_old(self, since: int) -> None:
        if since == self.sequence:
            return
        rows = self._reading.ask(_CHANGE_AT, {"sequence": since + 1})
        if not rows or local(rows[0][0]) < local(self._moment["now"]) - KEPT:
            raise SinceTooOld

    def rows(self, after: str = "", limit: int = 1000) -> list[tuple[str, str]]:
        """Record number and document (the JSON text of Document.as_json) of entries by number, those after `after`."""
        found: list[tuple[str, str]] = self._reading.ask(_ROWS, {"after": after, "limit": limit, **self._moment})
        return found

    def departed_among(self, records: Sequence[str]) -> dict[str, datetime]:
        """Of `records` those that departed, with the time; an end that came without anybody removing it is not told."""
        found: dict[str, datetime] = {}
        for some in _take_in_turns(records):
            query = _where_any(_GONE_AMONG, tombstone_table.c.record, len(some))
            found.update((record, local(at)) for record, at in self._reading.ask(query, some))
        return found

    def all(self, after: str = "", limit: int = 1000) -> list[Document]:
        return self._read(_ALL, {"after": after, "limit": limit})

    def subject(self, subject: str, key: str) -> Mapping[str, Any] | None:
        """What may be known of the one `key` of a `subject` (SubjectChange.body); None where there is nothing, or
        nothing any more."""
        body = read_subject(self._always, subject, key, self._moment)
        return body if body is not None and self._may_be_shown(body) else None

    def subjects(
        self, subject: str, limit: int = 100, *, offset: int = 0, kinds: Sequence[str] = ()
    ) -> list[tuple[str, datetime, Mapping[str, Any]]]:
        """Key, time of the last change and body of everything of a `subject`, the newest first; `kinds`: only of these."""
        some = Some(limit=limit, offset=offset, kinds=tuple(kinds))
        found = read_subjects(self._always, subject, some, self._moment)
        if self.freshness.is_hidden:
            return [one for one in found if not list_records(one[2])]
        return [one for one in found if self._may_be_shown(one[2])]

    def knew(self, subject: str, key: str) -> bool:
        """Whether there is, or ever was, the one `key` of a `subject`."""
        return is_known(self._always, subject, key)

    def last_told(self, subject: str, key: str) -> LastTold | None:
        """When the one `key` of a `subject` was last told of or taken away; None where there never was one."""
        return read_last(self._always, subject, key)

    def profile(self) -> Profile:
        return _read_profile(self._profile)

    def ask(self, query: Select[Any], values: Mapping[str, Any]) -> list[Any]:
        """The rows that answer a question of another module. It is given what VISIBLE asks for."""
        return self._reading.ask(query, {**values, **self._moment})

    def _may_be_shown(self, body: Mapping[str, Any]) -> bool:
        """What names entries goes with the first of them, whenever its own line of the journal comes."""
        records = list_records(body)
        return not records or self.documents(records).keys() == records

    def _read(self, query: Select[Any], values: Mapping[str, Any]) -> list[Document]:
        return [_read(body) for (body,) in self._reading.ask(query, {**values, **self._moment})]


def _read_marks(reading: Reading, folder: MarkFolder | None, moment: Mapping[str, str]) -> list[Mark]:
    """What was hidden in an emergency: what the registry tells of, and genuine marks of the folder that it knows nothing of
    yet. What it has taken away counts no more, wherever it still lies."""
    told = read_all(reading, SUBJECT, moment)
    codes = read_codes(told.get(CODES))
    marks = [read_told(key, body) for key, body in told.items() if key != CODES and body is not None]
    try:
        lying = folder.read() if folder else []
    except MarksUnreadable as error:
        raise StoreUnavailable(f"marks: {error}") from None
    new = [one.mark for one in lying if one.mark.name not in told and is_genuine(one, codes)]
    return [*(mark for mark in marks if mark is not None), *new]


def _take_in_turns(values: Sequence[str]) -> Iterator[dict[str, str]]:
    """The parameters of questions that ask for several values at once."""
    for start in range(0, len(values), PAGE_SIZE):
        yield dict(zip(_SEVERAL, values[start : start + PAGE_SIZE], strict=False))


@cache
def _where_any(query: Select[Any], column: Column[str], count: int) -> Select[Any]:
    """The question with as many values to choose from as there are: a list of any length would be compiled each time."""
    return query.where(column.in_([bindparam(name) for name in _SEVERAL[:count]]))


class Store:
    """The reading side. It cannot write, and needs to know nothing but an address. With a `guard` it gives what may be shown."""

    def __init__(self, url: str, guard: Guard | None = None) -> None:
        self._database = ReadingSide(url)
        self._guard = guard

    @contextmanager
    def snapshot(self, now: datetime) -> Iterator[Snapshot]:
        """One short read transaction. An open one keeps a writer on SQLite from committing: do not hold it.

        Raises StoreUnavailable where the store is missing, not readable, or being recovered; what is asked of entries
        raises StoreHidden where a guard hides the list.
        """
        try:
            with self._database.reading() as reading:
                yield Snapshot(reading, now, self._guard)
        except self._database.errors as error:
            raise StoreUnavailable(type(getattr(error, "orig", error)).__name__) from None

    def close(self) -> None:
        self._database.close()


class StoreWriter:
    """The private side's hand on the store: the only thing that writes it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = writing_engine(url, journal_mode="TRUNCATE", secure_delete=True)

    def create(self) -> None:
        """Make the tables and the first state row, and fold the names as they are folded now; safe to repeat."""
        if path := sqlite_file(self.url):
            # Before SQLite makes its journal, which takes its mode from the file: a reader of another user who cannot
            # open the journal takes it for one to be rolled back.
            path.touch()
            settle_public(path, path.parent)
        with _damage_told(), self._engine.begin() as connection:
            metadata.create_all(connection)
            subject_table.create(connection, checkfirst=True)
            # A store made by an earlier version has the table without it.
            _change_at.create(connection, checkfirst=True)
            if connection.execute(select(func.count()).select_from(state_table)).scalar_one() == 0:
                connection.execute(state_table.insert().values(id=1, position=0, sequence=0, indexed=0))
            if connection.execute(select(func.count()).select_from(link_table)).scalar_one() == 0:
                connection.execute(link_table.insert().values(id=1, shut=0, file_number=0))
            if connection.execute(select(folding_table.c.version)).scalar() != FOLDING:
                _fold_again(connection)

    def position(self) -> int:
        """The journal position that has been applied."""
        with _damage_told(), for_reading(self._engine).begin() as connection:
            position: int = connection.execute(select(state_table.c.position)).scalar_one()
            return position

    def apply(self, entries: Sequence[JournalEntry]) -> None:
        """Apply entries in one transaction, in journal order. What was applied before is passed over.

        Raises JournalGap when an entry is missing between the store's position and the first new one.
        """
        with _damage_told(), self._engine.begin() as connection:
            _apply(connection, entries)

    def apply_ahead(self, changes: Iterable[EntryChange], *, last_word: bool = False) -> None:
        """Apply departures and corrections at once, ahead of whatever is still to be applied before them.

        With `last_word` they hold whatever sequence the store knows of their records: for a store that has applied
        more than a restored journal holds.
        """
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(_lock(select(state_table.c.id)))
            _apply_changes(connection, list(changes), last_word=last_word)

    def note_pulse(self, at: datetime) -> None:
        """Record that at the moment `at` the store held everything that the registry had told until then."""
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(link_table.update().values(pulse_at=utc(at)))

    def set_shut(self, *, shut: bool) -> None:
        """Shut the store, so that its readers show nothing of the list, or open it again."""
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(link_table.update().values(shut=int(shut)))

    def link(self) -> Link:
        """How the store is connected with the registry."""
        with _damage_told(), for_reading(self._engine).begin() as connection:
            row = connection.execute(select(link_table)).one()
        return Link(
            pulse_at=local(row.pulse_at) if row.pulse_at else None,
            is_shut=bool(row.shut),
            file_number=row.file_number,
            file_digest=row.file_digest,
            file_epoch=row.file_epoch,
        )

    def note_file(self, number: int, digest: str, epoch: str, pulse: datetime | None) -> None:
        """Record the last file of the journal that was applied (isolated network), and with it the pulse, where it has one."""
        values: dict[str, Any] = {"file_number": number, "file_digest": digest, "file_epoch": epoch}
        if pulse is not None:
            values["pulse_at"] = utc(pulse)
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(link_table.update().values(values))

    def set_indexed(self, sequence: int) -> None:
        """Record that the full-text index holds everything up to `sequence`."""
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(state_table.update().values(indexed=sequence))

    def replay(
        self, chunks: Iterable[Sequence[JournalEntry]], finish: Callable[[Connection], None] = lambda _connection: None
    ) -> None:
        """Make the store anew from the whole journal, given from its first line on. Readers see the old store until
        the new one is complete, and `finish` has had its hand on it. The caller sees to it that nobody else writes when the
        last chunk has been given.

        On SQLite a new file replaces the old one, which may be damaged or gone; on PostgreSQL it is one transaction,
        which departures wait for.
        """
        link: Mapping[str, Any] = {}
        try:
            with _damage_told(), self._engine.begin() as connection:
                # Rolls back what a killed writer left, before its file goes.
                indexed = connection.execute(select(state_table.c.indexed)).scalar_one()
                link = dict(connection.execute(select(link_table)).mappings().one())
        except StoreDamaged:
            indexed = 0
        path = sqlite_file(self.url)
        if path is None:
            self._replay_rows(chunks, finish, indexed)
        else:
            self._replay_file(path, chunks, finish, indexed, link)

    def _replay_rows(
        self, chunks: Iterable[Sequence[JournalEntry]], finish: Callable[[Connection], None], indexed: int
    ) -> None:
        with self._engine.begin() as connection:
            for table in (document_table, change_table, tombstone_table, subject_table):
                connection.execute(delete(table))
            connection.execute(state_table.update().values(position=0, sequence=0, indexed=indexed, profile=None))
            for chunk in chunks:
                _apply(connection, chunk)
            finish(connection)

    def _replay_file(
        self,
        path: Path,
        chunks: Iterable[Sequence[JournalEntry]],
        finish: Callable[[Connection], None],
        indexed: int,
        link: Mapping[str, Any],
    ) -> None:
        new_path = _remove_new(path)
        new = StoreWriter(str(make_url(self.url).set(database=str(new_path))))
        new.create()
        for chunk in chunks:
            new.apply(chunk)
        new.set_indexed(indexed)
        with new._engine.begin() as connection:
            finish(connection)
            if link:
                connection.execute(link_table.update().values(link))
        new_path.replace(path)
        for leftover in (path, new_path):
            leftover.with_name(f"{leftover.name}-journal").unlink(missing_ok=True)

    def compact(self) -> None:
        """Give back the room of what has left, and of a replay that was killed. Not while one is under way.

        On PostgreSQL this is what removes the old row versions. On SQLite `secure_delete` has overwritten the bytes
        already, and the file is rewritten only when much of it is empty, because that keeps readers waiting.
        """
        if path := sqlite_file(self.url):
            _remove_new(path)
        with without_transaction(self._engine).connect() as connection:
            if self._engine.dialect.name == "postgresql":
                # With ANALYZE: what the planner noted of typical values are names and texts of those who have left.
                connection.execute(text("VACUUM (ANALYZE) document"))
                connection.execute(text("VACUUM (ANALYZE) subject"))
                connection.execute(text("VACUUM pg_statistic"))
            elif self._free_share(connection) > VACUUM_SHARE:
                connection.exec_driver_sql("VACUUM")

    @staticmethod
    def _free_share(connection: Connection) -> float:
        free: int = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        pages: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return free / max(pages, 1)

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _damage_told() -> Iterator[None]:
    """A file of SQLite that is damaged, empty or another's is StoreDamaged."""
    try:
        yield
    except DBAPIError as error:
        # SQLITE_ERROR: the statements are always the same, so it is a table that is missing.
        if getattr(error.orig, "sqlite_errorcode", None) in _DAMAGE:
            raise StoreDamaged from error
        raise


_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


def _remove_new(path: Path) -> Path:
    """Where a replay makes the new file, freed of what a killed one left there."""
    new_path = path.with_name(f"{path.name}.new")
    for leftover in (new_path, new_path.with_name(f"{new_path.name}-journal")):
        leftover.unlink(missing_ok=True)
    return new_path


@lru_cache(maxsize=4)
def _read_profile(body: str | None) -> Profile:
    # Asked for at every request, and it holds a picture.
    return Profile.from_json(json.loads(body)) if body else Profile()


def _read(body: str) -> Document:
    try:
        return Document.from_json(json.loads(body))
    except (ValueError, LookupError, TypeError) as error:
        raise StoreUnavailable(type(error).__name__) from None


def _fold_again(connection: Connection) -> None:
    key = (
        document_table.update()
        .where(document_table.c.record == bindparam("of_record"))
        .values(name_key=bindparam("new_key"))
    )
    rows = select(document_table.c.record, document_table.c.body).order_by(document_table.c.record).limit(_AT_ONCE)
    after = ""
    while found := connection.execute(rows.where(document_table.c.record > after)).all():
        keys = [{"of_record": row.record, "new_key": fold_name(json.loads(row.body)["name"])} for row in found]
        connection.execute(key, keys)
        after = found[-1].record
    connection.execute(delete(folding_table))
    connection.execute(folding_table.insert().values(version=FOLDING))


def _lock(query: Any) -> Any:
    # SQLite took the write lock at BEGIN IMMEDIATE and its dialect leaves this out.
    return query.with_for_update()


def _apply(connection: Connection, entries: Sequence[JournalEntry]) -> None:
    state = connection.execute(_lock(select(state_table))).one()
    new = [entry for entry in entries if entry.position > state.position]
    if not new:
        return
    if [entry.position for entry in new] != list(range(state.position + 1, state.position + 1 + len(new))):
        raise JournalGap(f"store is at {state.position}, next entry is {new[0].position}")
    for entry in new:
        if isinstance(entry, ProfileChange):
            connection.execute(state_table.update().values(profile=json.dumps(entry.body, ensure_ascii=False)))
    _apply_changes(connection, [entry for entry in new if isinstance(entry, EntryChange)])
    apply_subjects(connection, [entry for entry in new if isinstance(entry, SubjectChange)])
    sequences = [entry.sequence for entry in new if isinstance(entry, EntryChange)]
    # A subject is no change of the list: what arrives at the court would show in the time that every page tells.
    seen = [utc(entry.at) for entry in new if not isinstance(entry, SubjectChange)]
    connection.execute(
        state_table.update().values(
            position=new[-1].position,
            sequence=max([state.sequence, *sequences]),
            updated_at=seen[-1] if seen else state.updated_at,
        )
    )


def _apply_changes(connection: Connection, changes: Sequence[EntryChange], *, last_word: bool = False) -> None:
    newest = {} if last_word else _newest_known(connection, [change.record for change in changes])
    _note_changes(connection, changes)
    # Documents are put in together at the end: of one that departs again meanwhile nothing is written.
    documents: dict[str, dict[str, Any]] = {}
    for change in changes:
        if change.sequence < newest.get(change.record, 0):
            continue  # something later about this record was applied ahead of its turn
        if change.type is ChangeType.GONE:
            documents.pop(change.record, None)
            _depart(connection, change)
        elif change.body is not None:
            documents[change.record] = _build_row(change)
        newest[change.record] = change.sequence
    _put(connection, documents)


def _newest_known(connection: Connection, records: Sequence[str]) -> dict[str, int]:
    """The sequence of the last change of each record that the store knows."""
    found: dict[str, int] = {}
    for start in range(0, len(records), _CHUNK):
        query = (
            select(change_table.c.record, func.max(change_table.c.sequence).label("last"))
            .where(change_table.c.record.in_(records[start : start + _CHUNK]))
            .group_by(change_table.c.record)
        )
        found.update((row.record, row.last) for row in connection.execute(query))
    return found


def _build_row(entry: EntryChange) -> dict[str, Any]:
    try:
        document = Document.from_json(entry.body or {})
    except (ValueError, LookupError, TypeError) as error:
        raise JournalGap(f"the document at {entry.position} cannot be read: {type(error).__name__}") from None
    if document.record != entry.record or not is_number(document.record):
        raise JournalGap(f"the journal's document at {entry.position} does not carry its record number")
    return {
        "record": document.record,
        "sequence": entry.sequence,
        "name_key": fold_name(document.name),
        "published_on": document.published_on.isoformat(),
        "visible_until": document.visible_until and utc(document.visible_until),
        "body": json.dumps(document.as_json(), ensure_ascii=False, separators=(",", ":")),
    }


def _put(connection: Connection, documents: dict[str, dict[str, Any]]) -> None:
    upsert(connection, document_table, list(documents.values()))
    records = list(documents)
    for start in range(0, len(records), _CHUNK):
        chunk = tombstone_table.c.record.in_(records[start : start + _CHUNK])
        connection.execute(delete(tombstone_table).where(chunk))


def _depart(connection: Connection, entry: EntryChange) -> None:
    connection.execute(delete(document_table).where(document_table.c.record == entry.record))
    upsert(connection, tombstone_table, [{"record": entry.record, "sequence": entry.sequence, "at": utc(entry.at)}])


def _note_changes(connection: Connection, entries: Sequence[EntryChange]) -> None:
    rows = [
        {
            "sequence": entry.sequence,
            "position": entry.position,
            "type": entry.type.value,
            "record": entry.record,
            "at": utc(entry.at),
        }
        for entry in entries
    ]
    upsert(connection, change_table, rows)
