"""The journal: the append-only, numbered log of everything the public side is told."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from registry.tables import JournalHeadRow, JournalRow
from registry.witnessing import ending_by_time, note_changes, note_profile, note_subject
from search_index.document import Document
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange, SubjectChange
from search_index.number import is_number
from search_index.profile import Profile
from search_index.store_applying import JournalGap
from search_index.subjects import read_end

_ENTRY = "entry"
_PROFILE = "profile"
# The few lines that are no entries are found by the index of sequences, and the many that are need not be read.
_NO_ENTRY = JournalRow.sequence.is_(None)
_SUBJECT = re.compile(r"[a-z_]{1,16}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A public change that is to be journalled: `document` for published and corrected, None for gone."""

    type: ChangeType
    record: str
    document: Document | None = None


def append_changes(session: Session, at: datetime, changes: Sequence[Change]) -> list[EntryChange]:
    """Number and append changes. A departure erases the words of the record from the lines before it."""
    if not changes:
        return []
    head = _lock_head(session)
    entries = []
    for offset, change in enumerate(changes, start=1):
        if not is_number(change.record) or (change.document is not None and change.document.record != change.record):
            raise ValueError("a public change needs the record number of its document")
        entries.append(
            EntryChange(
                position=head.position + offset,
                at=at,
                sequence=head.sequence + offset,
                type=change.type,
                record=change.record,
                body=change.document.as_json() if change.document else None,
            )
        )
    gone = [entry.record for entry in entries if entry.type is ChangeType.GONE]
    if gone:
        session.execute(update(JournalRow).where(JournalRow.record.in_(gone)).values(body=None))
    session.execute(insert(JournalRow), [_row(entry) for entry in entries])
    head.position += len(entries)
    head.sequence += len(entries)
    note_changes(session, entries)
    return entries


def append_profile(session: Session, at: datetime, profile: Profile) -> None:
    head = _lock_head(session)
    head.position += 1
    session.add(
        JournalRow(
            position=head.position, subject=_PROFILE, at=at, body=json.dumps(profile.as_json(), ensure_ascii=False)
        )
    )
    note_profile(session, head.position, at, profile.as_json())


def append_subject(session: Session, at: datetime, subject: str, key: str, body: Mapping[str, Any] | None) -> None:
    """Append what the public may know of the one `key` of a `subject` (search_index.journal.SubjectChange) from now on.

    `body` replaces what was known and None takes it away: the lines before it lose their words. It must be JSON; its
    `visible_until`, where it has one, an instant with an offset (ISO 8601). The store learns of it when it is fed.
    Raises ValueError for a subject or a key that is no plain word, and for an end that is no instant.
    """
    if not _SUBJECT.fullmatch(subject) or subject in (_ENTRY, _PROFILE) or not _KEY.fullmatch(key):
        raise ValueError("a journal subject and its key are plain words")
    read_end(body)
    text = None if body is None else json.dumps(dict(body), ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    head = _lock_head(session)
    _forget_subject(session, subject, key)
    head.position += 1
    session.add(JournalRow(position=head.position, subject=subject, at=at, key=key, body=text))
    session.flush()
    if body is None:
        note_subject(session, head.position, at, subject, key)


def end_subjects(session: Session, at: datetime) -> int:
    """Take away every subject whose `visible_until` has come, so that its words leave the journal and, when it is fed,
    the store. Returns how many there were."""
    shown = select(JournalRow.subject, JournalRow.key, JournalRow.body).where(
        _NO_ENTRY, JournalRow.key.is_not(None), JournalRow.body.contains('"visible_until"')
    )
    ended = []
    for row in session.execute(shown):
        end = read_end(json.loads(row.body))
        if row.key is not None and end is not None and end <= at:
            ended.append((row.subject, row.key))
    with ending_by_time(session):
        for subject, key in ended:
            append_subject(session, at, subject, key, None)
    return len(ended)


def read_after(session: Session, position: int, limit: int) -> list[JournalEntry]:
    query = select(JournalRow).where(JournalRow.position > position).order_by(JournalRow.position).limit(limit)
    return [_entry(row) for row in session.scalars(query)]


def departures_after(session: Session, position: int) -> list[EntryChange]:
    """Departures the store may not know of yet: they go ahead of everything else."""
    query = (
        select(JournalRow)
        .where(JournalRow.position > position, JournalRow.type == ChangeType.GONE.value)
        .order_by(JournalRow.position)
    )
    return [entry for row in session.scalars(query) if isinstance(entry := _entry(row), EntryChange)]


def read_departures(session: Session, positions: Sequence[int]) -> list[EntryChange]:
    """The departures at these positions, in order."""
    found: list[EntryChange] = []
    for start in range(0, len(positions), 500):
        some = JournalRow.position.in_(positions[start : start + 500])
        query = select(JournalRow).where(some, JournalRow.type == ChangeType.GONE.value).order_by(JournalRow.position)
        found += [one for row in session.scalars(query) if isinstance(one := _entry(row), EntryChange)]
    return found


def head(session: Session) -> tuple[int, int]:
    """The last position and the last public sequence."""
    row = session.get_one(JournalHeadRow, 1)
    return row.position, row.sequence


def leap(session: Session, told: int) -> bool:
    """After a registry came back from a backup: number what comes beyond `told`, the last public sequence that anybody
    can have seen, with one left out, so that who followed the lost history is not given another under its numbers. False
    where the journal is not behind."""
    row = _lock_head(session)
    if told <= row.sequence:
        return False
    row.sequence = told + 1
    return True


def newest_profile(session: Session) -> Profile:
    query = select(JournalRow.body).where(_NO_ENTRY, JournalRow.subject == _PROFILE)
    query = query.order_by(JournalRow.position.desc()).limit(1)
    body = session.scalar(query)
    return Profile.from_json(json.loads(body)) if body else Profile()


def newest_subject(session: Session, subject: str, key: str) -> Mapping[str, Any] | None:
    """What was last told of the one `key` of a `subject`; None where nothing was, or it was taken away."""
    query = select(JournalRow.body).where(_NO_ENTRY, JournalRow.subject == subject, JournalRow.key == key)
    body = session.scalar(query.order_by(JournalRow.position.desc()).limit(1))
    found: Mapping[str, Any] | None = json.loads(body) if body else None
    return found


def last_documents(session: Session, records: Sequence[str]) -> dict[str, Document]:
    """What the public was last shown of records, by number; those that have departed are left out."""
    newest = (
        select(func.max(JournalRow.position))
        .where(JournalRow.record.in_(records))
        .group_by(JournalRow.record)
        .subquery()
    )
    query = select(JournalRow.record, JournalRow.body).where(JournalRow.position.in_(select(newest)))
    return {row.record: Document.from_json(json.loads(row.body)) for row in session.execute(query) if row.body}


def without_words(row: Any) -> JournalEntry:
    """A line of which only the lasting columns were read. Raises JournalGap."""
    if row.subject == _PROFILE:
        return ProfileChange(position=row.position, at=row.at, body={})
    if row.subject != _ENTRY:
        return SubjectChange(position=row.position, at=row.at, subject=row.subject, key=row.key or "", body=None)
    if row.sequence is None or row.record is None or row.type is None:
        raise JournalGap(f"line {row.position} is not an entry change")
    return EntryChange(
        position=row.position, at=row.at, sequence=row.sequence, type=ChangeType(row.type), record=row.record, body=None
    )


def _forget_subject(session: Session, subject: str, key: str) -> None:
    earlier = (JournalRow.subject == subject, JournalRow.key == key, JournalRow.body.is_not(None))
    session.execute(update(JournalRow).where(*earlier).values(body=None))


def _lock_head(session: Session) -> JournalHeadRow:
    return session.scalars(select(JournalHeadRow).where(JournalHeadRow.id == 1).with_for_update()).one()


def _row(entry: EntryChange) -> dict[str, Any]:
    return {
        "position": entry.position,
        "subject": _ENTRY,
        "at": entry.at,
        "sequence": entry.sequence,
        "type": entry.type.value,
        "record": entry.record,
        "body": None if entry.body is None else json.dumps(entry.body, ensure_ascii=False, separators=(",", ":")),
    }


def _entry(row: JournalRow) -> JournalEntry:
    try:
        body = json.loads(row.body) if row.body else None
    except ValueError:
        raise JournalGap(f"line {row.position} cannot be read") from None
    if row.subject == _PROFILE:
        return ProfileChange(position=row.position, at=row.at, body=body or {})
    if row.subject != _ENTRY:
        known = body if isinstance(body, dict) else None
        return SubjectChange(position=row.position, at=row.at, subject=row.subject, key=row.key or "", body=known)
    if row.sequence is None or row.record is None or row.type is None:
        raise JournalGap(f"line {row.position} is not an entry change")
    return EntryChange(
        position=row.position,
        at=row.at,
        sequence=row.sequence,
        type=ChangeType(row.type),
        record=row.record,
        body=body,
    )
