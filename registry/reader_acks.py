"""What readers in bulk owe: to take down what has left the list, and to confirm it, within one working day.

What they confirm comes sealed from the portal (search_index.submission.ACK). Whoever lets a day go by is given nothing but
the departures until they are confirmed; the portal learns of both through the journal.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from registry import audit, journal
from registry.acting import SYSTEM, Acting
from registry.deadlines import Rule
from registry.readers import ReaderState, find_state, tell
from registry.tables import JournalRow, ReaderRow
from search_index.day import SHANGHAI, day_of
from search_index.journal import ChangeType

_ONE_DAY = timedelta(days=1)
_LONGEST_NUMBER = 18
_GONE = JournalRow.type == ChangeType.GONE.value


class AckRefused(Exception):
    """It confirms nothing: of a key that is none, or of changes that never were. The message holds nothing of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a reader has not confirmed: `departures` in all; `since` when the first of them was overdue, None: none is."""

    departures: int
    since: datetime | None


def take_ack(session: Session, fields: Mapping[str, str], acting: Acting) -> bool:
    """Take in what the portal says that a reader has confirmed: `reader`, the digest of its key, and `sequence`. A later one
    is never taken back by an earlier. True where it was news. Raises AckRefused."""
    row = _find_reader(session, fields.get("reader", ""), acting.now)
    sequence = _read_sequence(session, fields.get("sequence", ""))
    if sequence <= row.acked:
        return False
    was, row.acked, row.acked_at = row.acked, sequence, acting.now
    is_lifted = row.suspended_at is not None and not _is_overdue(session, row, find_cut_off(acting))
    if is_lifted:
        row.suspended_at = None
        _note(session, row, "reader_resume", acting)
    # A reader may confirm every few minutes: the journal has a line of it where a departure was confirmed.
    if is_lifted or _find_first(session, _GONE, JournalRow.sequence > was, JournalRow.sequence <= sequence):
        tell(session, row, acting.now)
    return True


def list_late(session: Session, acting: Acting) -> list[int]:
    """The readers, by their rows, that are to be suspended now. Only reads."""
    cut_off = find_cut_off(acting)
    good = select(ReaderRow).where(
        ReaderRow.revoked_at.is_(None), ReaderRow.suspended_at.is_(None), ReaderRow.ends_at > acting.now
    )
    return [row.id for row in session.scalars(good.order_by(ReaderRow.id)) if _is_overdue(session, row, cut_off)]


def suspend_late(session: Session, acting: Acting) -> int:
    """Suspend who has not confirmed a departure in its time; how many. With the caller's transaction."""
    cut_off, suspended = find_cut_off(acting), 0
    for number in list_late(session, acting):
        # Whoever has confirmed it meanwhile is left in peace.
        row = session.get_one(ReaderRow, number, with_for_update=True, populate_existing=True)
        if find_state(row, acting.now) is ReaderState.ACTIVE and _is_overdue(session, row, cut_off):
            row.suspended_at = acting.now
            tell(session, row, acting.now)
            _note(session, row, "reader_suspend", acting)
            suspended += 1
    return suspended


def list_owed(session: Session, acting: Acting) -> dict[str, Owed]:
    """What readers with a good key have not confirmed, by watermark; who owes nothing is left out."""
    cut_off, owed = find_cut_off(acting), {}
    good = select(ReaderRow).where(ReaderRow.revoked_at.is_(None), ReaderRow.ends_at > acting.now)
    for row in session.scalars(good.order_by(ReaderRow.id)):
        departures = session.scalar(select(func.count()).where(*_unconfirmed(row))) or 0
        first = _find_first(session, *_unconfirmed(row))
        if first is not None:
            is_over = first < cut_off
            owed[row.watermark] = Owed(departures=departures, since=find_end(first, acting) if is_over else None)
    return owed


def find_end(departed_at: datetime, acting: Acting) -> datetime:
    """Until when what departed then is taken down and confirmed in time."""
    due = acting.clockwork.due(Rule.TAKE_DOWN, day_of(departed_at)).due
    return acting.clockwork.ends_at(Rule.TAKE_DOWN, due)


def find_cut_off(acting: Acting) -> datetime:
    """The moment before which whatever departed should have been taken down and confirmed by now."""
    after = datetime.combine(acting.today + _ONE_DAY, time(), SHANGHAI)
    # The longest holidays are days; each day is asked, as the calendar knows no way back.
    while find_end(after - _ONE_DAY, acting) > acting.now:
        after -= _ONE_DAY
    return after


def _is_overdue(session: Session, row: ReaderRow, cut_off: datetime) -> bool:
    first = _find_first(session, *_unconfirmed(row))
    return first is not None and first < cut_off


def _unconfirmed(row: ReaderRow) -> tuple[ColumnElement[bool], ...]:
    return (_GONE, JournalRow.sequence > max(row.since, row.acked))


def _find_first(session: Session, *which: ColumnElement[bool]) -> datetime | None:
    """When the first of these departures was journalled."""
    return session.scalar(select(JournalRow.at).where(*which).order_by(JournalRow.sequence).limit(1))


def _find_reader(session: Session, digest: str, now: datetime) -> ReaderRow:
    query = select(ReaderRow).where(or_(ReaderRow.digest == digest, ReaderRow.former == digest))
    row = session.scalars(query.with_for_update()).first() if digest else None
    if row is None or row.revoked_at is not None:
        raise AckRefused("of no reader")
    end = row.ends_at if row.digest == digest else row.former_until
    if end is None or now >= end:
        raise AckRefused("of a key that has ended")
    return row


def _read_sequence(session: Session, typed: str) -> int:
    is_number = typed.isascii() and typed.isdigit() and len(typed) <= _LONGEST_NUMBER
    if not is_number or not 1 <= int(typed) <= journal.head(session)[1]:
        raise AckRefused("of changes that are none")
    return int(typed)


def _note(session: Session, row: ReaderRow, action: str, acting: Acting) -> None:
    # Whoever collects or serves the worker decides nothing of it.
    audit.note(session, acting.now, SYSTEM, action, detail={"watermark": row.watermark, "sequence": row.acked})
