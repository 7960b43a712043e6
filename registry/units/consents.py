"""Applications that a unit refused because of the list, and those it agreed to in spite of it (policy B26): refusals go with
the quarter; what is agreed to all the same (仍予以同意) is reported to the leading group at once, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.matters.verifying import count_verifying
from registry.tables import ConsentRow, RecordRow, UnitAccountRow, UnitRow
from registry.units.ledger import LedgerKind, Line, append, has_gone, was_public
from registry.units.measures import find_measure
from registry.units.quarters import Quarter
from registry.units.words import UnitError, check_text
from search_index.number import find_number


class ConsentKind(StrEnum):
    REFUSED = "refused"
    AGREED = "agreed"

    @property
    def label(self) -> str:
        return {"refused": "不予同意", "agreed": "仍予以同意"}[self.value]


class Standing(StrEnum):
    """How the entry stands that a refusal rests on: on the list; gone from it, so that nothing may rest on it any more
    (四（二）5); or with an objection that is being looked into, when measures are to be left undone (四（二）3)."""

    LISTED = "listed"
    GONE = "gone"
    VERIFYING = "verifying"


_WORDS = {
    Standing.LISTED: "",
    Standing.GONE: "该条目已经退出公布，不得再据此限制",
    Standing.VERIFYING: "该条目的异议正在核实，核实期间暂不执行联合惩戒措施",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """One application. `after_departure`: a refusal that came when the entry had left the list, which may not be."""

    id: int
    unit_id: int
    unit: str
    period: str
    record: str
    kind: ConsentKind
    measure: str | None
    reason: str | None
    at: datetime
    by: str
    reported_at: datetime | None


def report_refusal(
    session: Session, unit: UnitRow, *, record: str, measure: str, reason: str, acting: Acting
) -> Standing:
    """Note that an application was refused because of an entry. How that stands: where it is not simply on the list, the
    unit is to be told what follows. Raises UnitError."""
    number = _check_record(session, record)
    found = find_measure(session, measure, unit.id)
    kept = check_text(reason, "说明", most=500) if reason.strip() else None
    standing = _find_standing(session, number)
    _add(session, unit, _Application(number, ConsentKind.REFUSED, found.code, kept), acting, reported_at=None)
    line = Line(
        unit_id=unit.id,
        kind=LedgerKind.REFUSAL,
        at=acting.now,
        by=acting.actor,
        record=number,
        measure=found.code,
        period=str(Quarter.of(acting.today)),
        detail={"words": _WORDS[standing]},
    )
    append(session, [line])
    return standing


def report_consent(session: Session, unit: UnitRow, *, record: str, measure: str, reason: str, acting: Acting) -> bool:
    """Note that an application was agreed to in spite of an entry, and report it to the leading group at once: it is in the
    ledger of each of its members. False where no member can sign in to read it: the court has to tell them. Raises
    UnitError."""
    number = _check_record(session, record)
    found = find_measure(session, measure, unit.id)
    kept = check_text(reason, "仍予以同意的理由", most=1000)
    members = list(session.scalars(select(UnitRow.id).where(UnitRow.leading, UnitRow.active, UnitRow.id != unit.id)))
    application = _Application(number, ConsentKind.AGREED, found.code, kept)
    read = _can_read(session, members, acting.now)
    row = _add(session, unit, application, acting, reported_at=acting.now if read else None)
    lines = [
        Line(
            unit_id=told,
            kind=LedgerKind.CONSENT,
            at=acting.now,
            by=acting.actor,
            key=f"consent/{row.id}/{told}",
            record=number,
            measure=found.code,
            period=row.period,
            detail={
                "consent": row.id,
                "words": f"{unit.name}仍予以同意"
                if told != unit.id
                else "已报告领导小组"
                if read
                else "由法院转告领导小组",
            },
        )
        for told in (unit.id, *members)
    ]
    append(session, lines)
    return read


def _can_read(session: Session, units: Sequence[int], now: datetime) -> bool:
    """Whether anybody of these units can sign in."""
    query = select(UnitAccountRow.id).where(
        UnitAccountRow.unit_id.in_(units),
        UnitAccountRow.active,
        or_(UnitAccountRow.expires_at.is_(None), UnitAccountRow.expires_at > now),
    )
    return session.scalar(query.limit(1)) is not None


def mark_reported(session: Session, consent_id: int, acting: Acting) -> None:
    """The court has told the leading group itself. Raises UnitError."""
    row = session.scalars(select(ConsentRow).where(ConsentRow.id == consent_id).with_for_update()).first()
    if row is None or row.kind != ConsentKind.AGREED.value:
        raise UnitError("没有这一“仍予以同意”的情况")
    if row.reported_at is not None:
        raise UnitError("该情况已经报告领导小组")
    row.reported_at = acting.now
    audit.note(session, acting.now, acting.actor, "consent_reported", detail={"consent": consent_id})


def list_consents(
    session: Session,
    *,
    unit_id: int | None = None,
    kind: ConsentKind | None = None,
    quarter: Quarter | None = None,
    page: int = 1,
    limit: int = 50,
) -> tuple[list[Consent], int]:
    """A page of them, the newest first, and how many there are."""
    which = [
        *([ConsentRow.unit_id == unit_id] if unit_id is not None else []),
        *([ConsentRow.kind == kind.value] if kind is not None else []),
        *([ConsentRow.period == str(quarter)] if quarter is not None else []),
    ]
    total = session.scalar(select(func.count()).select_from(ConsentRow).where(*which)) or 0
    query = select(ConsentRow, UnitRow.name).join(UnitRow, UnitRow.id == ConsentRow.unit_id).where(*which)
    query = query.order_by(ConsentRow.id.desc()).offset((max(page, 1) - 1) * limit).limit(limit)
    return [_to_consent(row, name) for row, name in session.execute(query)], total


def count_unreported(session: Session) -> int:
    """How many agreements the leading group was not told of."""
    query = select(func.count()).select_from(ConsentRow)
    which = (ConsentRow.kind == ConsentKind.AGREED.value, ConsentRow.reported_at.is_(None))
    return session.scalar(query.where(*which)) or 0


def _find_standing(session: Session, number: str) -> Standing:
    if has_gone(session, number):
        return Standing.GONE
    record = session.scalar(select(RecordRow.id).where(RecordRow.number == number))
    verifying = record is not None and count_verifying(session, record) > 0
    return Standing.VERIFYING if verifying else Standing.LISTED


def _check_record(session: Session, typed: str) -> str:
    number = find_number(typed)
    if number is None:
        raise UnitError("公开编号不正确：应为 SX- 加 8 位字母和数字，请照名单填写")
    if not was_public(session, number):
        raise UnitError("名单中没有过这一公开编号：请核对")
    return number


@dataclass(frozen=True, slots=True)
class _Application:
    record: str
    kind: ConsentKind
    measure: str
    reason: str | None


def _add(
    session: Session, unit: UnitRow, one: _Application, acting: Acting, *, reported_at: datetime | None
) -> ConsentRow:
    row = ConsentRow(
        unit_id=unit.id,
        period=str(Quarter.of(acting.today)),
        record=one.record,
        kind=one.kind.value,
        measure=one.measure,
        reason=one.reason,
        at=acting.now,
        by=acting.actor,
        reported_at=reported_at,
    )
    session.add(row)
    session.flush()
    detail = {"unit": unit.slug, "entry": one.record, "measure": one.measure, "consent": row.id}
    audit.note(session, acting.now, acting.actor, f"unit_{one.kind.value}", detail=detail)
    return row


def _to_consent(row: ConsentRow, name: str) -> Consent:
    return Consent(
        id=row.id,
        unit_id=row.unit_id,
        unit=name,
        period=row.period,
        record=row.record,
        kind=ConsentKind(row.kind),
        measure=row.measure,
        reason=row.reason,
        at=row.at,
        by=row.by,
        reported_at=row.reported_at,
    )
