"""Every use that a unit makes of the list is written down: by which key or account, for what purpose, who (网络数据安全管理
条例 art. 12: kept three years). It names nobody who was asked about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.tables import UnitKeyRow, UnitUseRow
from registry.units.words import check_line

LONGEST_PURPOSE, LONGEST_OPERATOR, LONGEST_REFERENCE = 80, 40, 64
# Asking again and again for what is not there yet is one use an hour.
FOLDED = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What whoever asks says of it: for what, who at the unit, and the unit's own number of the application."""

    purpose: str | None = None
    operator: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Who uses the list: a unit, by a key or an account (`by`, as the ledger writes actors)."""

    unit: int
    by: str
    key: int | None = None


def check_purpose(text: str) -> str:
    """For what the list is used. Raises UnitError."""
    return check_line(text, "用途", most=LONGEST_PURPOSE)


def check_operator(text: str) -> str:
    """Who uses it: a name or a number that the unit knows its people by. Raises UnitError."""
    return check_line(text, "经办人", most=LONGEST_OPERATOR)


def check_reference(text: str) -> str:
    """The unit's own number of an application. Raises UnitError."""
    return check_line(text, "业务编号", most=LONGEST_REFERENCE)


def note_use(
    session: Session, user: User, action: str, given: Given, now: datetime, *, rows: int = 0, hits: int = 0
) -> None:
    """Write down a use, in the transaction of what it tells of."""
    session.add(
        UnitUseRow(
            unit_id=user.unit,
            key_id=user.key,
            by=user.by[:64],
            at=now,
            action=action,
            purpose=given.purpose,
            operator=given.operator,
            reference=given.reference,
            rows=rows,
            hits=hits,
        )
    )
    if user.key is not None:
        session.get_one(UnitKeyRow, user.key).used_at = now


def is_folded(session: Session, user: User, action: str, given: Given, now: datetime) -> bool:
    """Whether the same was asked by the same key, for the same and by the same person, within the last hour, to no avail:
    asking once more is not another use."""
    query = select(UnitUseRow.id).where(
        UnitUseRow.unit_id == user.unit,
        UnitUseRow.key_id == user.key,
        UnitUseRow.at > now - FOLDED,
        UnitUseRow.action == action,
        UnitUseRow.rows == 0,
        UnitUseRow.purpose == given.purpose if given.purpose else UnitUseRow.purpose.is_(None),
        UnitUseRow.operator == given.operator if given.operator else UnitUseRow.operator.is_(None),
        UnitUseRow.reference == given.reference if given.reference else UnitUseRow.reference.is_(None),
    )
    return session.scalar(query.limit(1)) is not None
