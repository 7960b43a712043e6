"""Which lines of the journal go into which numbered file for a portal on an isolated network (search_index/journal_file.py).

A file is planned in one transaction, written afterwards, and marked as written: what was planned and not written when a process
was killed is written by the next one, with the same lines under the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from registry import journal
from registry.tables import JournalFileRow, JournalHeadRow, JournalRow
from search_index.journal import ChangeType, EntryChange, JournalEntry
from search_index.journal_file import FULL, MOST_LINES, MOST_REPEATED, Header, extend_chain
from search_index.rows import utc

# Departures are told again in every file for so long: a file that is lost delays none that the next one knows.
REPEATED_FOR = timedelta(days=7)
_AT_ONCE = 500
_ENDING_WORDS = (ChangeType.GONE.value, ChangeType.CORRECTED.value)


class HistoryLost(Exception):
    """The journal is not the one that files were made of before. The message is for the administrator (Chinese)."""


class NoSuchFile(Exception):
    """A file that was never made. The message (Chinese) names what there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A file that is to be written: its header, the lines it brings, the departures it repeats."""

    header: Header
    entries: Sequence[JournalEntry]
    repeated: Sequence[EntryChange]


def forget_files(session: Session) -> None:
    """After the registry came back from a backup: the next export begins another epoch and brings the whole journal."""
    session.execute(delete(JournalFileRow))


def plan_next(session: Session, now: datetime, *, whole: bool = False) -> int | None:
    """Plan the file of what no file holds, or of the whole journal under another epoch; its number. None when everything that
    the journal holds at this moment is in files made at it. Raises HistoryLost."""
    # Who is about to append holds the head until it has committed: what is not in the file now was told later.
    head = session.scalars(select(JournalHeadRow).where(JournalHeadRow.id == 1).with_for_update()).one()
    before = _newest(session)
    number = 1 if before is None else before.number + 1
    if before is None or whole:
        epoch = utc(now if before is None else max(now, before.made_at + timedelta(microseconds=1)))
        previous, first = None, 0
    elif before.last > head.position:
        raise HistoryLost(
            f"公布日志到第 {head.position} 行，而已经导出到第 {before.last} 行：登记库像是从备份恢复的，"
            "请运行 gongshi journal export --whole，并把全部文件送到公众一侧"
        )
    elif before.made_at == now and before.last == head.position:
        return None
    else:
        epoch, previous, first = before.epoch, before.digest, before.last
    last = _find_last(session, first)
    digest = extend_chain(previous, epoch, number, _read_lasting(session, first, last))
    session.add(
        JournalFileRow(
            number=number, epoch=epoch, first=first, last=last, end=head.position, digest=digest, made_at=now
        )
    )
    session.flush()
    return number


def list_unwritten(session: Session) -> list[int]:
    """The numbers of files that were planned and not written, in order."""
    query = select(JournalFileRow.number).where(JournalFileRow.written_at.is_(None)).order_by(JournalFileRow.number)
    return list(session.scalars(query))


def list_older_with_departed(session: Session, number: int) -> list[int]:
    """The files of before that hold words of what departs, or is corrected, in the file of `number`: a file made since then
    holds none."""
    row = session.get_one(JournalFileRow, number)
    within = (JournalRow.position > row.first, JournalRow.position <= row.last)
    gone = select(JournalRow.record, JournalRow.position).where(JournalRow.type.in_(_ENDING_WORDS), *within)
    departed = gone.subquery()
    query = (
        select(JournalFileRow.number)
        .join(JournalRow, (JournalRow.position > JournalFileRow.first) & (JournalRow.position <= JournalFileRow.last))
        .join(departed, departed.c.record == JournalRow.record)
        .where(JournalFileRow.number < number, JournalFileRow.end < departed.c.position)
        .where(JournalFileRow.written_at.is_not(None))
        .distinct()
        .order_by(JournalFileRow.number)
    )
    return list(session.scalars(query))


def mark_written(session: Session, number: int, now: datetime) -> None:
    session.get_one(JournalFileRow, number).written_at = now


def read_plan(session: Session, number: int, now: datetime) -> Plan:
    """What the file of a number holds, with the words that the journal has of it now. Raises NoSuchFile."""
    row = session.get(JournalFileRow, number)
    if row is None:
        newest = _newest(session)
        last = newest.number if newest else 0
        raise NoSuchFile(f"没有第 {number} 号日志文件：最近一个是第 {last} 号" if last else "还没有导出过日志文件")
    entries = journal.read_after(session, row.first, row.last - row.first) if row.last > row.first else []
    entries = _without_overtaken(session, entries)
    begin = session.scalar(select(func.min(JournalFileRow.number)).where(JournalFileRow.epoch == row.epoch))
    before = session.get(JournalFileRow, number - 1) if begin != number else None
    header = Header(
        epoch=row.epoch,
        begin=begin or number,
        number=number,
        previous=before.digest if before else None,
        chain=row.digest,
        first=row.first,
        last=row.last,
        end=row.end,
        sequence=session.scalar(select(func.max(JournalRow.sequence)).where(JournalRow.position <= row.last)) or 0,
        made_at=row.made_at,
        court=journal.newest_profile(session).court,
    )
    return Plan(header=header, entries=entries, repeated=_repeated(session, row, entries, now))


def _without_overtaken(session: Session, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
    """The lines without the words of entries that were corrected since: what was mended is not told once more."""
    records = sorted({one.record for one in entries if isinstance(one, EntryChange) and one.body is not None})
    newest: dict[str, int] = {}
    for start in range(0, len(records), _AT_ONCE):
        some = JournalRow.record.in_(records[start : start + _AT_ONCE])
        last = select(JournalRow.record, func.max(JournalRow.position)).where(some).group_by(JournalRow.record)
        newest.update((record, position) for record, position in session.execute(last) if record is not None)
    return [
        replace(one, body=None) if isinstance(one, EntryChange) and one.position < newest.get(one.record, 0) else one
        for one in entries
    ]


def last_made(session: Session) -> tuple[datetime, int] | None:
    """When the newest file was planned, and up to which position; None before any."""
    newest = _newest(session)
    return (newest.made_at, newest.last) if newest else None


def last_number(session: Session) -> int:
    """The number of the newest file; 0 before any."""
    return session.scalar(select(func.max(JournalFileRow.number))) or 0


def list_written(session: Session, before: datetime) -> set[int]:
    """The numbers of files written before an instant."""
    return set(session.scalars(select(JournalFileRow.number).where(JournalFileRow.written_at < before)))


def _newest(session: Session) -> JournalFileRow | None:
    return session.scalars(select(JournalFileRow).order_by(JournalFileRow.number.desc()).limit(1)).first()


def _find_last(session: Session, first: int) -> int:
    """The position after which a file that begins behind `first` is full."""
    query = (
        select(JournalRow.position, func.length(JournalRow.body))
        .where(JournalRow.position > first)
        .order_by(JournalRow.position)
        .limit(MOST_LINES)
    )
    last, size = first, 0
    for position, length in session.execute(query):
        size += length or 0
        if size > FULL and last > first:
            break
        last = position
    return last


def _read_lasting(session: Session, first: int, last: int) -> list[JournalEntry]:
    """The lines without their words, of which the chain is made: while they are read, a departure on SQLite waits."""
    columns = (
        JournalRow.position,
        JournalRow.at,
        JournalRow.subject,
        JournalRow.key,
        JournalRow.sequence,
        JournalRow.type,
        JournalRow.record,
    )
    within = (JournalRow.position > first, JournalRow.position <= last)
    return [journal.without_words(row) for row in session.execute(select(*columns).where(*within).order_by(columns[0]))]


def _repeated(
    session: Session, row: JournalFileRow, entries: Sequence[JournalEntry], now: datetime
) -> list[EntryChange]:
    """The departures of the last days, and all those whose words are missing in the lines of this file."""
    outside = (JournalRow.position <= row.first) | (JournalRow.position > row.last)
    gone = (JournalRow.type == ChangeType.GONE.value, outside)
    recent = select(JournalRow.position).where(*gone, JournalRow.at >= now - REPEATED_FOR)
    found = set(session.scalars(recent.order_by(JournalRow.position.desc()).limit(MOST_REPEATED // 2)))
    erased = sorted({one.record for one in entries if isinstance(one, EntryChange) and one.body is None})
    for start in range(0, len(erased), _AT_ONCE):
        some = JournalRow.record.in_(erased[start : start + _AT_ONCE])
        found.update(session.scalars(select(JournalRow.position).where(*gone, JournalRow.position > row.last, some)))
    return journal.read_departures(session, sorted(found)[-MOST_REPEATED:])
