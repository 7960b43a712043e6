"""What `doctor` found that is not as it should be, for the desk: since when, and who has marked it as read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.tables import FindingRow

FAULT = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A finding that is open. `text` says what it is and what to do, and names no person."""

    id: int
    matter: str
    is_fault: bool
    text: str
    since: datetime
    seen_at: datetime
    told_at: datetime | None
    read_at: datetime | None
    read_by: str | None


def list_open(session: Session) -> list[Open]:
    """What is open, faults first, the oldest of each first."""
    rows = session.scalars(select(FindingRow).order_by(FindingRow.grade != FAULT, FindingRow.since, FindingRow.id))
    return [
        Open(
            id=row.id,
            matter=row.matter,
            is_fault=row.grade == FAULT,
            text=row.text,
            since=row.since,
            seen_at=row.seen_at,
            told_at=row.told_at,
            read_at=row.read_at,
            read_by=row.read_by,
        )
        for row in rows
    ]


def count_faults(session: Session) -> int:
    """How many faults are open."""
    query = select(func.count()).select_from(FindingRow).where(FindingRow.grade == FAULT)
    return session.scalar(query) or 0


def mark_read(session: Session, findings: Collection[int], acting: Acting) -> int:
    """That somebody has read these findings; who read one before stays its reader. Returns how many were marked."""
    which = (FindingRow.id.in_(findings), FindingRow.read_at.is_(None))
    matters = session.scalars(select(FindingRow.matter).where(*which).order_by(FindingRow.id)).all()
    session.execute(update(FindingRow).where(*which).values(read_at=acting.now, read_by=acting.actor))
    for matter in matters:
        audit.note(session, acting.now, acting.actor, "finding_read", detail={"finding": matter})
    return len(matters)
