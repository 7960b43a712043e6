"""Erasing what is over: rows and files of the registry, in small transactions. Safe to repeat, and to be killed in.

A record goes with everything that hangs on it. Its public number stays in the journal, which holds no words of it, and who did
what when stays in the audit trail, which names nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import SYSTEM
from registry.audit_chain import HEAD_NOTED
from registry.record import State
from registry.retention.schedule import Class
from registry.tables import (
    AlarmRow,
    ArticleRow,
    AuditRow,
    ChecklistRow,
    ClockRow,
    DecisionRow,
    LetterRow,
    LiaisonRow,
    MatterRow,
    NoticeRow,
    OpeningRow,
    PaperRow,
    ProposalRow,
    ReaderRow,
    RecordRow,
    ResolutionRow,
    SampleRow,
    SubmissionRow,
    UnitEventRow,
    UnitUseRow,
)
from search_index.day import SHANGHAI

Open = Callable[[], AbstractContextManager[Session]]
_GONE = [state.value for state in State if state.has_departed]
_CHUNK = 200
# The end of the audit trail is kept once a day. A court's machine may be off over a long holiday.
_DAYS_SEEN = 8
_SEEN_WITHIN = timedelta(days=45)
_FOLDERS = {"quarantine": "quarantine", "refused": "drop-refused"}


class _Over(NamedTuple):
    """What of a table is over, and the class that it belongs to."""

    key: str
    table: type[Any]
    condition: ColumnElement[bool]


def count_over(session: Session, private: Path, schedule: Mapping[str, Class], today: date) -> dict[str, int]:
    """How much of each class of the registry is over: records, rows, or files."""
    counted = dict.fromkeys(_FOLDERS, 0)
    for one in _list_over(schedule, today):
        found = session.scalars(select(func.count()).select_from(one.table).where(one.condition)).one()
        counted[one.key] = counted.get(one.key, 0) + found
    for key, name in _FOLDERS.items():
        counted[key] = len(_list_old_files(private / name, schedule[key].cutoff(today)))
    return counted


def is_time_certain(session: Session, now: datetime) -> bool:
    """Whether the clock has been seen to go on day by day up to now: a clock that is set years ahead by mistake would make
    everything be over. What is erased cannot be brought back, so days must first have passed under the new time."""
    heads = select(AuditRow.at).where(AuditRow.action == HEAD_NOTED).order_by(AuditRow.id.desc()).limit(_DAYS_SEEN)
    seen = session.scalars(heads).all()
    return len(seen) == _DAYS_SEEN and now - seen[-1] <= _SEEN_WITHIN


def erase_over(
    open_session: Open, private: Path, schedule: Mapping[str, Class], now: datetime, today: date
) -> dict[str, int]:
    """Erase what is over, with an audit line of how much of each class; how much of each was erased."""
    erased: dict[str, int] = {}
    for one in _list_over(schedule, today):
        while count := _erase_some(open_session, private, one, now):
            erased[one.key] = erased.get(one.key, 0) + count
    for key, name in _FOLDERS.items():
        old = _list_old_files(private / name, schedule[key].cutoff(today))
        for path in old:
            path.unlink(missing_ok=True)
        if old:
            erased[key] = len(old)
            with open_session() as session:
                _note(session, key, len(old), now)
    return erased


def _list_over(schedule: Mapping[str, Class], today: date) -> list[_Over]:
    def begins(key: str) -> datetime:
        return datetime.combine(schedule[key].cutoff(today) + timedelta(days=1), time(), SHANGHAI)

    return [
        _Over("records", RecordRow, _is_over(schedule["records"].cutoff(today), begins("records"))),
        _Over("matters", MatterRow, _stands_alone(begins("matters"))),
        *(_Over("reviews", one, one.at < begins("reviews")) for one in (OpeningRow, ChecklistRow, ResolutionRow)),
        _Over("uses", UnitUseRow, UnitUseRow.at < begins("uses")),
        _Over("events", UnitEventRow, UnitEventRow.pumped_at < begins("events")),
        _Over("liaisons", LiaisonRow, LiaisonRow.until <= schedule["liaisons"].cutoff(today)),
        _Over(
            "readers",
            ReaderRow,
            or_(ReaderRow.revoked_at < begins("readers"), ReaderRow.ends_at < begins("readers")),
        ),
        _Over("submissions", SubmissionRow, SubmissionRow.collected_at < begins("submissions")),
    ]


def _is_over(day: date, begins: datetime) -> ColumnElement[bool]:
    """A record that departed on `day` or before, and to which nothing is still to be done or was done since."""
    busy = select(MatterRow.record_id).where(
        MatterRow.record_id.is_not(None), or_(MatterRow.closed_at.is_(None), MatterRow.closed_at >= begins)
    )
    running = select(ClockRow.record_id).where(ClockRow.record_id.is_not(None), ClockRow.ended.is_(None))
    return and_(
        RecordRow.state.in_(_GONE),
        or_(RecordRow.departed_on <= day, RecordRow.departed_on.is_(None)),
        RecordRow.changed_at < begins,
        RecordRow.id.not_in(busy),
        RecordRow.id.not_in(running),
        # SQLite would give the number of the last row away again, and the audit trail tells of records by it.
        RecordRow.id < select(func.max(RecordRow.id)).scalar_subquery(),
    )


def _stands_alone(begins: datetime) -> ColumnElement[bool]:
    running = select(ClockRow.matter_id).where(ClockRow.matter_id.is_not(None), ClockRow.ended.is_(None))
    return and_(
        MatterRow.record_id.is_(None),
        MatterRow.closed_at < begins,
        MatterRow.id.not_in(running),
        MatterRow.id < select(func.max(MatterRow.id)).scalar_subquery(),
    )


def _erase_some(open_session: Open, private: Path, over: _Over, now: datetime) -> int:
    (key,) = over.table.__table__.primary_key.columns
    with open_session() as session:
        ids = list(session.scalars(select(key).where(over.condition).order_by(key).limit(_CHUNK)))
        if not ids:
            return 0
        if over.table is RecordRow:
            _erase_what_hangs(session, private, ids)
        elif over.table is MatterRow:
            _erase_matters(session, private, MatterRow.id.in_(ids))
        session.execute(delete(over.table).where(key.in_(ids)))
        _note(session, over.key, len(ids), now)
    return len(ids)


def _erase_what_hangs(session: Session, private: Path, records: Sequence[int]) -> None:
    """All that is kept of records beside themselves."""
    _erase_matters(session, private, MatterRow.record_id.in_(records))
    _erase_papers(session, private, PaperRow.record_id.in_(records))
    _erase_clocks(session, select(ClockRow.id).where(ClockRow.record_id.in_(records)))
    session.execute(update(ArticleRow).where(ArticleRow.record_id.in_(records)).values(record_id=None))
    for table in (ProposalRow, DecisionRow, NoticeRow, LetterRow, SampleRow):
        session.execute(delete(table).where(table.record_id.in_(records)))


def _erase_matters(session: Session, private: Path, chosen: ColumnElement[bool]) -> None:
    matters = list(session.scalars(select(MatterRow.id).where(chosen)))
    for start in range(0, len(matters), _CHUNK):
        some = matters[start : start + _CHUNK]
        _erase_papers(session, private, PaperRow.matter_id.in_(some))
        _erase_clocks(session, select(ClockRow.id).where(ClockRow.matter_id.in_(some)))
        session.execute(delete(LetterRow).where(LetterRow.matter_id.in_(some)))
        session.execute(delete(MatterRow).where(MatterRow.id.in_(some)))


def _erase_clocks(session: Session, clocks: Select[int]) -> None:
    session.execute(delete(AlarmRow).where(AlarmRow.clock_id.in_(clocks)))
    session.execute(delete(ClockRow).where(ClockRow.id.in_(clocks)))


def _erase_papers(session: Session, private: Path, chosen: ColumnElement[bool]) -> None:
    # Before the commit: a file that outlived its row would be taken for that of another registry, and kept.
    for file in session.scalars(select(PaperRow.file).where(chosen)):
        (private / "papers" / file).unlink(missing_ok=True)
    session.execute(delete(PaperRow).where(chosen))


def _note(session: Session, key: str, count: int, now: datetime) -> None:
    audit.note(session, now, SYSTEM, "erase", detail={"class": key, "count": count})


def _list_old_files(folder: Path, cutoff: date) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.is_file() and _day_of_file(path) <= cutoff]


def _day_of_file(path: Path) -> date:
    return datetime.fromtimestamp(path.stat().st_mtime, SHANGHAI).date()
