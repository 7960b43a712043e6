"""Lists of matters as the work goes through them: in pages, on an index, without opening what is sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session

from registry.matters.states import GROUND_STATE_LABEL, KIND_LABEL, STATE_LABEL, MatterKind, MatterState
from registry.tables import ClockRow, MatterRow, RecordRow, UnitRow

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterLine:
    """One matter in a list. `due` is the first day that something of it is due, `provisional` (暂定) whether that day
    may still move; `record` the public number of the entry, `case_number` its case."""

    id: int
    kind: MatterKind
    state: str
    state_label: str
    claim: str | None
    channel: str
    receipt: str | None
    received_on: date
    record_id: int | None
    record: str | None
    case_number: str | None
    unit: str | None
    outcome: str | None
    summary: str | None
    due: date | None
    provisional: bool
    article: str | None
    closed_at: datetime | None

    @property
    def kind_label(self) -> str:
        return KIND_LABEL[self.kind]


def list_open(
    session: Session, kind: MatterKind, *, state: MatterState | None = None, after: int = 0, limit: int = PAGE
) -> list[MatterLine]:
    """Open matters of a kind, oldest first, those behind the one with the id `after`."""
    query = open_query(kind, state=state, after=after, limit=limit)
    return _lines(session, session.scalars(query).all())


def open_query(
    kind: MatterKind, *, state: MatterState | None = None, after: int = 0, limit: int = PAGE
) -> Select[MatterRow]:
    """What list_open asks."""
    query = select(MatterRow).where(MatterRow.kind == kind.value, MatterRow.closed_at.is_(None), MatterRow.id > after)
    if state is not None:
        query = query.where(MatterRow.state == state.value)
    return query.order_by(MatterRow.id).limit(limit)


def list_closed(
    session: Session, kind: MatterKind, *, before: int | None = None, limit: int = PAGE
) -> list[MatterLine]:
    """Closed matters of a kind, newest first, those behind the one with the id `before`."""
    last = session.get(MatterRow, before) if before is not None else None
    position = (last.closed_at, last.id) if last is not None and last.closed_at is not None else None
    query = closed_query(kind, behind=position, limit=limit)
    return _lines(session, session.scalars(query).all())


def closed_query(
    kind: MatterKind, *, behind: tuple[datetime, int] | None = None, limit: int = PAGE
) -> Select[MatterRow]:
    """What list_closed asks."""
    query = select(MatterRow).where(MatterRow.kind == kind.value, MatterRow.closed_at.is_not(None))
    if behind is not None:
        at, matter_id = behind
        earlier = or_(MatterRow.closed_at < at, and_(MatterRow.closed_at == at, MatterRow.id < matter_id))
        query = query.where(MatterRow.closed_at <= at, earlier)
    return query.order_by(MatterRow.closed_at.desc(), MatterRow.id.desc()).limit(limit)


def list_of_record(session: Session, record_id: int) -> list[MatterLine]:
    """The matters about one entry, newest first."""
    query = select(MatterRow).where(MatterRow.record_id == record_id).order_by(MatterRow.id.desc()).limit(PAGE)
    return _lines(session, session.scalars(query).all())


def list_routed(session: Session, unit_id: int) -> list[MatterLine]:
    """The open complaints that are before a unit, oldest first."""
    query = select(MatterRow).where(
        MatterRow.unit_id == unit_id,
        MatterRow.kind == MatterKind.COMPLAINT.value,
        MatterRow.closed_at.is_(None),
    )
    return _lines(session, session.scalars(query.order_by(MatterRow.id).limit(PAGE)).all())


def count_open(session: Session) -> Mapping[MatterKind, int]:
    """How many matters of each kind are open."""
    query = select(MatterRow.kind, func.count()).where(MatterRow.closed_at.is_(None)).group_by(MatterRow.kind)
    counts = {row[0]: row[1] for row in session.execute(query)}
    return {kind: counts.get(kind.value, 0) for kind in MatterKind}


def _lines(session: Session, rows: Sequence[MatterRow]) -> list[MatterLine]:
    record_ids = {row.record_id for row in rows if row.record_id is not None}
    unit_ids = {row.unit_id for row in rows if row.unit_id is not None}
    records = {one.id: one for one in session.scalars(select(RecordRow).where(RecordRow.id.in_(record_ids)))}
    units = {one.id: one.name for one in session.scalars(select(UnitRow).where(UnitRow.id.in_(unit_ids)))}
    clocks = _first_due(session, [row.id for row in rows])
    return [
        _line(row, records.get(row.record_id or 0), units.get(row.unit_id or 0), clocks.get(row.id)) for row in rows
    ]


def _first_due(session: Session, ids: Sequence[int]) -> dict[int, ClockRow]:
    if not ids:
        return {}
    query = select(ClockRow).where(ClockRow.matter_id.in_(ids), ClockRow.ended.is_(None))
    # The last one that is put in under a key is the first one due.
    latest_first = session.scalars(query.order_by(ClockRow.due.desc(), ClockRow.id.desc()))
    return {clock.matter_id: clock for clock in latest_first if clock.matter_id is not None}


def _line(row: MatterRow, record: RecordRow | None, unit: str | None, clock: ClockRow | None) -> MatterLine:
    return MatterLine(
        id=row.id,
        kind=MatterKind(row.kind),
        state=row.state,
        state_label=_state_label(row.state),
        claim=row.ground,
        channel=row.channel,
        receipt=row.receipt,
        received_on=row.received_on,
        record_id=row.record_id,
        record=record.number if record is not None else None,
        case_number=record.facts.get("case_number") if record is not None else None,
        unit=unit,
        outcome=row.outcome,
        summary=row.summary,
        due=clock.due if clock is not None else None,
        provisional=clock.provisional if clock is not None else False,
        article=clock.article if clock is not None else None,
        closed_at=row.closed_at,
    )


def _state_label(state: str) -> str:
    return STATE_LABEL[MatterState(state)] if state in set(MatterState) else GROUND_STATE_LABEL.get(state, state)
