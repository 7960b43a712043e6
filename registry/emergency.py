"""What was hidden on the portal itself with a sealed code: the codes, the marks that the portal made, and showing again, which
takes two.

A mark that was collected goes into the journal (subject `emergency`), so that every portal hides the entry, and not only the
one it was made on. It is taken away again when two people have said so, or when the entry has left the list by a decision.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit, journal
from registry.acting import SYSTEM, Acting
from registry.record import State
from registry.tables import EmergencyRow, RecordRow
from registry.witnessing import note_emergency
from search_index.emergency import (
    CODES,
    SUBJECT,
    Codes,
    Mark,
    Signed,
    draw_codes,
    is_genuine,
    read_codes,
    read_told,
    tell,
)


class EmergencyError(Exception):
    """What is not done, and why: one line for the person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmergencyLine:
    """A mark as it is shown: `record` None is the whole list. It is open as long as `lifted_at` is None."""

    mark: str
    record: str | None
    code: int
    hidden_at: datetime
    asked_by: str | None
    lifted_at: datetime | None
    lifted_by: str | None


def make_codes(session: Session, acting: Acting, random: Random) -> list[str]:
    """New codes for the envelopes, to be printed once; the old ones end. Their marks go on counting."""
    printed, codes = draw_codes(random, _read_codes(session))
    _tell(session, acting, CODES, codes.as_json())
    audit.note(session, acting.now, acting.actor, "emergency_codes", detail={"count": len(printed)})
    return printed


def collect(session: Session, found: Iterable[Signed], acting: Acting) -> int:
    """Take in the marks of the portal that are not known yet, and let every portal hide what they name. Safe to repeat.
    What was not made with a code means nothing. Returns how many were new."""
    codes = _read_codes(session)
    genuine = [one.mark for one in found if is_genuine(one, codes)]
    known = set(session.scalars(select(EmergencyRow.mark).where(EmergencyRow.mark.in_([one.name for one in genuine]))))
    new = {one.name: one for one in genuine if one.name not in known}
    for mark in new.values():
        _take(session, mark, acting)
    return len(new)


def settle(session: Session, acting: Acting) -> int:
    """Take away the marks of entries that have left the list: what shows them again later takes two anyway. A number that
    this registry does not know stays hidden. Returns how many there were."""
    query = (
        select(EmergencyRow, RecordRow.id)
        .join(RecordRow, RecordRow.number == EmergencyRow.record)
        .where(EmergencyRow.lifted_at.is_(None), RecordRow.state != State.PUBLISHED.value)
    )
    done = session.execute(query).all()
    for row, record in done:
        _lift(session, row, acting)
        audit.note(session, acting.now, SYSTEM, "emergency_settled", record=record, detail={"mark": row.mark})
    return len(done)


def list_marks(session: Session, *, open_only: bool = False) -> Sequence[EmergencyLine]:
    """The marks, the newest first."""
    query = select(EmergencyRow).order_by(EmergencyRow.hidden_at.desc(), EmergencyRow.id.desc())
    if open_only:
        query = query.where(EmergencyRow.lifted_at.is_(None))
    return [_to_line(row) for row in session.scalars(query)]


def lift(session: Session, mark: str, acting: Acting) -> EmergencyLine:
    """Say that what a mark hid may be shown again: the first time it is asked for, the second time, by another person, it is
    done. Raises EmergencyError."""
    row = session.scalar(select(EmergencyRow).where(EmergencyRow.mark == mark).with_for_update())
    if row is None:
        raise EmergencyError(f"没有标记“{mark}”：请用 gongshi emergency list 查看")
    if row.lifted_at is not None:
        raise EmergencyError(f"标记“{mark}”已经解除")
    record = session.scalar(select(RecordRow.id).where(RecordRow.number == row.record)) if row.record else None
    if row.lift_asked_by is None:
        row.lift_asked_at, row.lift_asked_by = acting.now, acting.actor
        audit.note(session, acting.now, acting.actor, "emergency_ask", record=record, detail={"mark": mark})
    elif row.lift_asked_by == acting.actor:
        raise EmergencyError("恢复显示须由两个人分别确认：您已经确认过，请另一人办理")
    else:
        _lift(session, row, acting)
        audit.note(session, acting.now, acting.actor, "emergency_lift", record=record, detail={"mark": mark})
    session.flush()
    return _to_line(row)


def take_again(session: Session, key: str, body: Mapping[str, Any], acting: Acting) -> None:
    """Take in what this registry knew before it came back from a backup: a mark, or the codes. Known, nothing changes."""
    if key == CODES:
        if journal.newest_subject(session, SUBJECT, CODES) != body:
            _tell(session, acting, CODES, body)
        return
    mark = read_told(key, body)
    if mark is not None and session.scalar(select(EmergencyRow.id).where(EmergencyRow.mark == key)) is None:
        _take(session, mark, acting)


def list_removable(session: Session, names: Sequence[str], before: datetime) -> list[str]:
    """Of the marks in the folder those that the journal has told of since before `before`: every portal knows them by now."""
    query = select(EmergencyRow.mark).where(EmergencyRow.mark.in_(names), EmergencyRow.collected_at < before)
    return list(session.scalars(query))


def is_idle(session: Session) -> bool:
    """Whether no mark is open."""
    return session.scalar(select(EmergencyRow.id).where(EmergencyRow.lifted_at.is_(None)).limit(1)) is None


def _read_codes(session: Session) -> Codes:
    return read_codes(journal.newest_subject(session, SUBJECT, CODES))


def _take(session: Session, mark: Mark, acting: Acting) -> None:
    row = EmergencyRow(mark=mark.name, record=mark.record, code=mark.code, hidden_at=mark.at, collected_at=acting.now)
    session.add(row)
    session.flush()
    _tell(session, acting, mark.name, tell(mark))
    record = session.scalar(select(RecordRow.id).where(RecordRow.number == mark.record)) if mark.record else None
    detail = {"mark": mark.name, "code": mark.code, "hidden_at": mark.at.isoformat(), "whole": mark.record is None}
    audit.note(session, acting.now, SYSTEM, "emergency_hide", record=record, detail=detail)


def _tell(session: Session, acting: Acting, key: str, body: Mapping[str, Any]) -> None:
    """Every portal is to know it, and a home that comes back from a backup too."""
    journal.append_subject(session, acting.now, SUBJECT, key, body)
    note_emergency(session, acting.now, key, body)


def _lift(session: Session, row: EmergencyRow, acting: Acting) -> None:
    row.lifted_at, row.lifted_by = acting.now, acting.actor
    journal.append_subject(session, acting.now, SUBJECT, row.mark, None)


def _to_line(row: EmergencyRow) -> EmergencyLine:
    return EmergencyLine(
        mark=row.mark,
        record=row.record,
        code=row.code,
        hidden_at=row.hidden_at,
        asked_by=row.lift_asked_by,
        lifted_at=row.lifted_at,
        lifted_by=row.lifted_by,
    )
