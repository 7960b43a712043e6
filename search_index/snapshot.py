"""One moment of the disclosed list, as it may be shown."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import takewhile
from typing import Any

from sqlalchemy import Select

from search_index import store_queries as queries
from search_index.changes import KEPT, Change, Changes, Departure, SinceTooOld, SinceUnknown, read_entry
from search_index.database import Reading
from search_index.document import Document
from search_index.emergency import CODES, SUBJECT, Mark, find_hidden, is_genuine, read_codes, read_told
from search_index.freshness import USUAL, Cause, Freshness, Limits, Standing, judge
from search_index.journal import ChangeType, EntryChange
from search_index.marks import MarkFolder, MarksUnreadable
from search_index.page import Departed
from search_index.profile import Profile
from search_index.rows import local, utc
from search_index.store_queries import take_in_turns, where_any
from search_index.store_tables import document_table, tombstone_table
from search_index.subjects import (
    LastTold,
    Some,
    is_known,
    list_records,
    read_all,
    read_last,
    read_subject,
    read_subjects,
)


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


class Snapshot:
    """One moment of the list. Everything read from it belongs together, and is what may be seen at `now`."""

    def __init__(self, reading: Reading, now: datetime, guard: Guard | None = None) -> None:
        self._always = reading
        self._moment = {"now": utc(now), "hidden": ""}
        (state,) = reading.ask(queries.STATE, {})
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
        for some in take_in_turns(sorted(self.marked)):
            query = where_any(queries.COVERED, document_table.c.record, len(some))
            found |= {record: self.marked[record] for (record,) in self._reading.ask(query, {**some, **self._moment})}
        return found

    def document(self, record: str) -> Document | None:
        return self.documents([record]).get(record)

    def documents(self, records: Iterable[str]) -> dict[str, Document]:
        found: dict[str, Document] = {}
        self.refuse_hidden()
        for some in take_in_turns(list(records)):
            query = where_any(queries.BODIES, document_table.c.record, len(some))
            found.update((d.record, d) for d in self._read(query, some))
        return found

    def departed(self, record: str) -> Departed | None:
        """The tombstone of a record that was public; also of one whose end has come and that nobody removed yet, and of one
        that was hidden in an emergency."""
        if covered := self.covered().get(record) if record in self.marked else None:
            return Departed(record=record, at=covered)
        asked = {"record": record, **self._moment}
        rows = self._reading.ask(queries.TOMBSTONE, asked) or self._reading.ask(queries.END, asked)
        return Departed(record=record, at=local(rows[0][0])) if rows else None

    def changed_since(self, sequence: int) -> set[str]:
        if self._last_change <= sequence:
            return set()
        return {record for (record,) in self._reading.ask(queries.CHANGED, {"sequence": sequence})}

    def ended(self) -> set[str]:
        """Whose end has come, and who was hidden in an emergency: the index does not know it."""
        covered = set(self.covered())
        if self._first_end is None or self._first_end > self._moment["now"]:
            return covered
        return covered | {record for (record,) in self._reading.ask(queries.ENDED, self._moment)}

    def count(self) -> int:
        ((count,),) = self._reading.ask(queries.COUNT, self._moment)
        return int(count) - len(self.covered())

    def by_name_key(self, key: str, limit: int = 100) -> list[Document]:
        return self._read(queries.NAMED, {"key": key, "limit": limit})

    def count_changes(self) -> tuple[int, int, str | None]:
        """How many public changes were applied ahead of their turn, and the highest sequence and the latest time of all that
        the store knows. Those that were applied in turn are as many as the sequence says."""
        ((count, latest),) = self._reading.ask(queries.COUNT_AHEAD, {"sequence": self.sequence})
        return int(count), self._last_change, None if latest is None else str(latest)

    def count_name_key(self, key: str) -> int:
        return self.count_name_keys([key]).get(key, 0)

    def count_name_keys(self, keys: Iterable[str]) -> dict[str, int]:
        """How many entries have each of `keys`; a key that none has is left out."""
        found: dict[str, int] = {}
        self.refuse_hidden()
        for some in take_in_turns(sorted(set(keys))):
            query = where_any(queries.COUNT_NAMED, document_table.c.name_key, len(some))
            found.update(self._reading.ask(query, {**some, **self._moment}))
        return found

    def newest(self, limit: int) -> list[Document]:
        return self._read(queries.NEWEST, {"limit": limit})

    def changes(self, since: int, limit: int) -> list[EntryChange]:
        """Public changes after `since`, in order and without a gap; at most `limit`. Bodies are not kept here."""
        asked = {"since": since, "until": self.sequence, "limit": limit}
        return [
            EntryChange(
                position=position, at=local(at), sequence=sequence, type=ChangeType(type_), record=record, body=None
            )
            for sequence, position, type_, record, at in self._reading.ask(queries.CHANGES, asked)
        ]

    def follow(self, since: int, limit: int) -> Changes:
        """Public changes after `since`, in order and without a gap, at most `limit`, for whoever follows the list.

        Raises SinceTooOld or SinceUnknown.
        """
        if since > self.sequence:
            raise SinceUnknown
        self._refuse_too_old(since)
        asked = {"since": since, "until": self.sequence, "limit": limit, **self._moment}
        rows = enumerate(self._reading.ask(queries.FOLLOWED, asked), start=since + 1)
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
            for sequence, record, at in self._reading.ask(queries.DEPARTED, asked)
        ]

    def _refuse_too_old(self, since: int) -> None:
        if since == self.sequence:
            return
        rows = self._reading.ask(queries.CHANGE_AT, {"sequence": since + 1})
        if not rows or local(rows[0][0]) < local(self._moment["now"]) - KEPT:
            raise SinceTooOld

    def rows(self, after: str = "", limit: int = 1000) -> list[tuple[str, str]]:
        """Record number and document (the JSON text of Document.as_json) of entries by number, those after `after`."""
        found: list[tuple[str, str]] = self._reading.ask(queries.ROWS, {"after": after, "limit": limit, **self._moment})
        return found

    def departed_among(self, records: Sequence[str]) -> dict[str, datetime]:
        """Of `records` those that departed, with the time; an end that came without anybody removing it is not told."""
        found: dict[str, datetime] = {}
        for some in take_in_turns(records):
            query = where_any(queries.GONE_AMONG, tombstone_table.c.record, len(some))
            found.update((record, local(at)) for record, at in self._reading.ask(query, some))
        return found

    def all(self, after: str = "", limit: int = 1000) -> list[Document]:
        return self._read(queries.ALL, {"after": after, "limit": limit})

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


@lru_cache(maxsize=4)
def _read_profile(body: str | None) -> Profile:
    # Asked for at every request, and it holds a picture.
    return Profile.from_json(json.loads(body)) if body else Profile()


def _read(body: str) -> Document:
    try:
        return Document.from_json(json.loads(body))
    except (ValueError, LookupError, TypeError) as error:
        raise StoreUnavailable(type(error).__name__) from None
