"""The journal: the append-only, numbered log of everything the public side is told."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from registry.tables import JournalHeadRow, JournalRow
from search_index.document import Document
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange
from search_index.number import is_number
from search_index.profile import Profile
from search_index.store import JournalGap

_ENTRY = "entry"
_PROFILE = "profile"


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
    return entries


def append_profile(session: Session, at: datetime, profile: Profile) -> None:
    head = _lock_head(session)
    head.position += 1
    session.add(
        JournalRow(
            position=head.position, subject=_PROFILE, at=at, body=json.dumps(profile.as_json(), ensure_ascii=False)
        )
    )


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


def head(session: Session) -> tuple[int, int]:
    """The last position and the last public sequence."""
    row = session.get_one(JournalHeadRow, 1)
    return row.position, row.sequence


def newest_profile(session: Session) -> Profile:
    query = select(JournalRow.body).where(JournalRow.subject == _PROFILE).order_by(JournalRow.position.desc()).limit(1)
    body = session.scalar(query)
    return Profile.from_json(json.loads(body)) if body else Profile()


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
