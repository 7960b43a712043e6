"""The newest public changes, each record once: what feeds are made from.

The words of an entry are given at its newest change, and only while it may be seen; of what left nothing is given but the
record number and the time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, case, func, select

from search_index.changes import read_entry
from search_index.document import Document
from search_index.journal import ChangeType
from search_index.rows import local
from search_index.snapshot import Snapshot
from search_index.store_queries import VISIBLE
from search_index.store_tables import change_table, document_table

BLOCK = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The newest change of a record: `entry` is None where it left, or where its end has come."""

    record: str
    type: ChangeType
    at: datetime
    entry: Document | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """The entries that may be seen and whose newest change is one of the BLOCK sequences of a block, the newest first;
    and the numbers of the nearest blocks before and after it that hold any, None where there is none."""

    entries: tuple[News, ...]
    before: int | None
    after: int | None


_later = change_table.alias("later")
_IS_NEWEST = (
    change_table.c.sequence
    == select(func.max(_later.c.sequence)).where(_later.c.record == change_table.c.record).scalar_subquery()
)
_JOINED = change_table.outerjoin(
    document_table,
    (document_table.c.record == change_table.c.record) & (document_table.c.sequence == change_table.c.sequence),
)
_COLUMNS = (
    change_table.c.type,
    change_table.c.record,
    change_table.c.at,
    # Of an entry whose end has come nothing is read but when.
    case((VISIBLE, document_table.c.body)),
    document_table.c.visible_until,
)
_NEWS = (
    select(*_COLUMNS)
    .select_from(_JOINED)
    .where(_IS_NEWEST)
    .order_by(change_table.c.sequence.desc())
    .limit(bindparam("limit"))
)
_BETWEEN: Select[Any] = (
    select(*_COLUMNS)
    .select_from(_JOINED)
    .where(
        VISIBLE,
        document_table.c.record.is_not(None),
        change_table.c.sequence > bindparam("start"),
        change_table.c.sequence <= bindparam("end"),
    )
    .order_by(change_table.c.sequence.desc())
)
# Along the list of changes, whose key is the sequence: that of a document has no index.
_HELD = (
    select(change_table.c.sequence).select_from(_JOINED).where(VISIBLE, document_table.c.record.is_not(None)).limit(1)
)
_LAST = _HELD.order_by(change_table.c.sequence.desc())
_BEFORE = _HELD.where(change_table.c.sequence <= bindparam("sequence")).order_by(change_table.c.sequence.desc())
_AFTER = _HELD.where(change_table.c.sequence > bindparam("sequence")).order_by(change_table.c.sequence)


def read_news(snapshot: Snapshot, limit: int) -> tuple[News, ...]:
    """The newest change of each of the `limit` records that changed last, the newest first. A departure that was applied
    ahead of its turn is among them at once."""
    return _build(snapshot.ask(_NEWS, {"limit": limit}), snapshot.covered())


def read_block(snapshot: Snapshot, number: int) -> Block:
    """The block `number`, from 1: the sequences up to `number` times BLOCK."""
    start, end = (number - 1) * BLOCK, number * BLOCK
    before, after = snapshot.ask(_BEFORE, {"sequence": start}), snapshot.ask(_AFTER, {"sequence": end})
    return Block(
        entries=_build(snapshot.ask(_BETWEEN, {"start": start, "end": end}), {}),
        before=block_of(before[0][0]) if before else None,
        after=block_of(after[0][0]) if after else None,
    )


def find_last_block(snapshot: Snapshot) -> int | None:
    """The block of the newest entry that may be seen; None where there is none."""
    found = snapshot.ask(_LAST, {})
    return block_of(found[0][0]) if found else None


def block_of(sequence: int) -> int:
    """The number of the block that a sequence lies in."""
    return -(-sequence // BLOCK)


def _build(rows: Sequence[Sequence[Any]], covered: Mapping[str, datetime]) -> tuple[News, ...]:
    """`covered` are the entries that were hidden in an emergency, and when: they are told of as departed."""
    found = (_build_covered(row[1], covered[row[1]]) if row[1] in covered else _build_one(*row) for row in rows)
    return tuple(one for one in found if one is not None)


def _build_covered(record: str, at: datetime) -> News:
    return News(record=record, type=ChangeType.GONE, at=at, entry=None)


def _build_one(type_: str, record: str, at: str, body: str | None, end: str | None) -> News | None:
    entry: Mapping[str, Any] | None = read_entry(body)
    if entry is not None:
        return News(record=record, type=ChangeType(type_), at=local(at), entry=Document.from_json(entry))
    if end is not None:
        return News(record=record, type=ChangeType.GONE, at=local(end), entry=None)
    if type_ == ChangeType.GONE:
        return News(record=record, type=ChangeType.GONE, at=local(at), entry=None)
    # The words belong to a change that another was applied ahead of: nothing can be said of it now.
    return None
