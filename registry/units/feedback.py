"""Quarterly feedback (反馈) of the units (policies B7, B26): what they checked and did, by measure, once a quarter; corrected
afterwards with a mark; and what they refused, or agreed to all the same.

“对仍予以同意的情况，应及时向领导小组反馈并说明理由”: an agreement is reported the moment it is put in, and never without a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.clockbook import About, end_clocks, set_clock
from registry.deadlines import Rule
from registry.tables import ClockRow, FeedbackRow, UnitRow
from registry.units.ledger import LedgerKind, Line, append
from registry.units.measures import list_measures
from registry.units.quarters import Quarter
from registry.units.units import list_units, to_unit
from registry.units.words import UnitError, check_text
from search_index.day import day_of

# Quarters that a unit can still write about: two years back.
LOOK_BACK = 8
_MOST_CORRECTIONS = 50


class FeedbackState(StrEnum):
    """How a unit's feedback for a quarter stands."""

    NOT_DUE = "not_due"
    OVERDUE = "overdue"
    IN_TIME = "in_time"
    LATE = "late"

    @property
    def label(self) -> str:
        return _STATE_LABEL[self]


_STATE_LABEL = {
    FeedbackState.NOT_DUE: "待反馈",
    FeedbackState.OVERDUE: "逾期未反馈",
    FeedbackState.IN_TIME: "按时反馈",
    FeedbackState.LATE: "逾期反馈",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Of one measure: whom the unit checked, on whom it laid the measure, from whom it lifted it."""

    checked: int = 0
    applied: int = 0
    lifted: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """What a unit reports: the counts by the code of the measure, and remarks that name nobody."""

    measures: Mapping[str, Counts]
    remarks: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """A unit's feedback for a quarter. `submitted_at` is when it was first submitted, `corrected_at` when it was last
    changed after that. `due` is its last day."""

    quarter: Quarter
    entered: Entered
    due: date
    due_provisional: bool
    submitted_at: datetime | None
    submitted_by: str | None
    corrected_at: datetime | None
    corrections: int
    state: FeedbackState


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A quarter that a unit has not reported on, and by when it had to."""

    unit_id: int
    unit: str
    quarter: Quarter
    due: date
    provisional: bool
    is_overdue: bool


def judge(submitted_at: datetime | None, due_at: datetime, now: datetime) -> FeedbackState:
    """How feedback stands that was due at `due_at`. Pure."""
    if submitted_at is None:
        return FeedbackState.OVERDUE if now > due_at else FeedbackState.NOT_DUE
    return FeedbackState.IN_TIME if submitted_at <= due_at else FeedbackState.LATE


def open_due_quarter(session: Session, acting: Acting) -> int:
    """Open the last quarter that is over. Safe to repeat."""
    return open_quarter(session, Quarter.before(acting.today), acting)


def open_quarter(session: Session, quarter: Quarter, acting: Acting) -> int:
    """Set the clock of a quarter's feedback for every unit in use that gives any; how many clocks are new. A unit that was
    not there yet when the quarter ended, or has reported already, owes nothing. Raises UnitError."""
    if quarter.end >= acting.today:
        raise UnitError(f"{quarter.label}还没有结束")
    having = _find_clocks(session, quarter)
    done = set(
        session.scalars(
            select(FeedbackRow.unit_id).where(FeedbackRow.period == str(quarter), FeedbackRow.submitted_at.is_not(None))
        )
    )
    units = [
        unit
        for unit in list_units(session, active_only=True)
        if unit.receives.feedback
        and unit.id not in having
        and unit.id not in done
        and day_of(unit.created_at) <= quarter.end
    ]
    for unit in units:
        evidence = f"{quarter.label}已经结束"
        set_clock(session, acting, Rule.FEEDBACK, About(unit=unit.id), started_on=quarter.end, evidence=evidence)
    if units:
        detail = {"period": str(quarter), "units": len(units)}
        audit.note(session, acting.now, acting.actor, "quarter_open", detail=detail)
    return len(units)


def read_feedback(session: Session, unit: UnitRow, quarter: Quarter, acting: Acting) -> Feedback:
    """A unit's feedback for a quarter as it stands; an empty one where nothing was put in."""
    query = select(FeedbackRow).where(FeedbackRow.unit_id == unit.id, FeedbackRow.period == str(quarter))
    return _to_feedback(session, session.scalar(query), unit.id, quarter, acting)


def save_draft(session: Session, unit: UnitRow, quarter: Quarter, entered: Entered, acting: Acting) -> None:
    """Keep what was put in, to be submitted later. Raises UnitError where it was submitted already."""
    entered = _check(session, unit, quarter, entered, acting)
    row = _take_row(session, unit, quarter)
    if row.submitted_at is not None:
        raise UnitError("本季度反馈已经提交，请用更正")
    row.figures, row.remarks = _to_json(entered, []), entered.remarks


def submit_feedback(session: Session, unit: UnitRow, quarter: Quarter, entered: Entered, acting: Acting) -> Feedback:
    """Submit a quarter's feedback; late, it is taken and marked. Once more it is a correction: what it said before is kept,
    and the correction is marked. Raises UnitError."""
    if quarter.end >= acting.today:
        raise UnitError(f"{quarter.label}还没有结束，可以先保存，季度终了后提交")
    entered = _check(session, unit, quarter, entered, acting)
    row = _take_row(session, unit, quarter)
    if row.submitted_at is not None:
        _correct(session, unit, row, quarter, entered, acting)
    else:
        row.figures, row.remarks = _to_json(entered, []), entered.remarks
        row.submitted_at, row.submitted_by = acting.now, acting.actor
        end_clocks(session, acting, [Rule.FEEDBACK], About(unit=unit.id), started_on=quarter.end)
        _note(session, unit, quarter, entered, acting, f"feedback/{quarter}/{unit.id}", "首次提交")
        detail = {"unit": unit.slug, "period": str(quarter)}
        audit.note(session, acting.now, acting.actor, "feedback", detail=detail)
    session.flush()
    return read_feedback(session, unit, quarter, acting)


def list_feedback(session: Session, unit: UnitRow, acting: Acting) -> list[Feedback]:
    """The quarters that a unit reports on, the latest first: from the one it began in, LOOK_BACK of them at most, with
    the running one."""
    quarter, found = Quarter.of(acting.today), []
    for _ in range(LOOK_BACK + 1):
        if quarter.end < day_of(unit.created_at):
            break
        found.append(read_feedback(session, unit, quarter, acting))
        quarter = Quarter.before(quarter.start)
    return found


def list_owed(session: Session, acting: Acting, *, unit_id: int | None = None) -> list[Owed]:
    """What the units have not reported, by the clocks that run, the first due first."""
    query = select(ClockRow, UnitRow.name).join(UnitRow, UnitRow.id == ClockRow.unit_id)
    query = query.where(ClockRow.rule == Rule.FEEDBACK.value, ClockRow.ended.is_(None), UnitRow.active)
    if unit_id is not None:
        query = query.where(ClockRow.unit_id == unit_id)
    return [
        Owed(
            unit_id=clock.unit_id or 0,
            unit=name,
            quarter=Quarter.of(clock.started_on),
            due=clock.due,
            provisional=clock.provisional,
            is_overdue=acting.now > acting.clockwork.due_at(clock.due),
        )
        for clock, name in session.execute(query.order_by(ClockRow.due, UnitRow.name, ClockRow.id))
    ]


def _check(session: Session, unit: UnitRow, quarter: Quarter, entered: Entered, acting: Acting) -> Entered:
    if quarter > Quarter.of(acting.today) or quarter.end < day_of(unit.created_at):
        raise UnitError(f"{quarter.label}不需要本单位反馈")
    if not to_unit(unit).active:
        raise UnitError("本单位已经停用")
    known = {one.code for one in list_measures(session, unit_id=unit.id)}
    if unknown := sorted(set(entered.measures) - known):
        raise UnitError(f"措施清单中没有本单位的“{unknown[0]}”：清单可能刚刚更新，请重新打开页面填写")
    remarks = check_text(entered.remarks, "说明", most=2000) if entered.remarks.strip() else ""
    kept = {code: counts for code, counts in sorted(entered.measures.items()) if counts != Counts()}
    return Entered(measures=kept, remarks=remarks)


def _take_row(session: Session, unit: UnitRow, quarter: Quarter) -> FeedbackRow:
    # Whoever writes for this unit at the same time waits here, so that there is one row a quarter.
    session.scalars(select(UnitRow).where(UnitRow.id == unit.id).with_for_update()).one()
    query = select(FeedbackRow).where(FeedbackRow.unit_id == unit.id, FeedbackRow.period == str(quarter))
    row = session.scalars(query.with_for_update()).first()
    if row is None:
        row = FeedbackRow(unit_id=unit.id, period=str(quarter), figures={}, remarks=None)
        session.add(row)
        session.flush()
    return row


def _correct(
    session: Session, unit: UnitRow, row: FeedbackRow, quarter: Quarter, entered: Entered, acting: Acting
) -> None:
    before = _from_json(row)
    if before == entered:
        raise UnitError("和已经提交的内容相同，没有更正")
    corrections = list(row.figures.get("corrections", ()))
    if len(corrections) >= _MOST_CORRECTIONS:
        raise UnitError("更正次数过多，请联系法院")
    corrections.append({"at": acting.now.isoformat(), "by": acting.actor, "before": _to_json(before, None)})
    row.figures, row.remarks = _to_json(entered, corrections), entered.remarks
    number = len(corrections)
    _note(session, unit, quarter, entered, acting, f"feedback/{quarter}/{unit.id}/{number}", f"第{number}次更正")
    detail = {"unit": unit.slug, "period": str(quarter), "number": number}
    audit.note(session, acting.now, acting.actor, "feedback_correct", detail=detail)


def _note(
    session: Session, unit: UnitRow, quarter: Quarter, entered: Entered, acting: Acting, key: str, words: str
) -> None:
    applied = sum(counts.applied for counts in entered.measures.values())
    line = Line(
        unit_id=unit.id,
        kind=LedgerKind.FEEDBACK,
        at=acting.now,
        by=acting.actor,
        key=key,
        period=str(quarter),
        count=applied,
        detail={"words": words},
    )
    append(session, [line])


def _find_clocks(session: Session, quarter: Quarter) -> Mapping[int, ClockRow]:
    query = select(ClockRow).where(ClockRow.rule == Rule.FEEDBACK.value, ClockRow.started_on == quarter.end)
    return {row.unit_id: row for row in session.scalars(query) if row.unit_id is not None}


def _to_feedback(session: Session, row: FeedbackRow | None, unit_id: int, quarter: Quarter, acting: Acting) -> Feedback:
    query = select(ClockRow).where(
        ClockRow.rule == Rule.FEEDBACK.value, ClockRow.unit_id == unit_id, ClockRow.started_on == quarter.end
    )
    clock = session.scalars(query.order_by(ClockRow.id.desc()).limit(1)).first()
    if clock is not None:
        due, provisional = clock.due, clock.provisional
    else:
        deadline = acting.clockwork.due(Rule.FEEDBACK, quarter.end)
        due, provisional = deadline.due, deadline.provisional
    corrections: Sequence[Mapping[str, Any]] = row.figures.get("corrections", ()) if row is not None else ()
    submitted_at = row.submitted_at if row is not None else None
    return Feedback(
        quarter=quarter,
        entered=_from_json(row) if row is not None else Entered(measures={}),
        due=due,
        due_provisional=provisional,
        submitted_at=submitted_at,
        submitted_by=row.submitted_by if row is not None else None,
        corrected_at=datetime.fromisoformat(corrections[-1]["at"]) if corrections else None,
        corrections=len(corrections),
        state=judge(submitted_at, acting.clockwork.due_at(due), acting.now),
    )


def _to_json(entered: Entered, corrections: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    measures = {code: asdict(counts) for code, counts in entered.measures.items()}
    if corrections is None:
        return {"measures": measures, "remarks": entered.remarks}
    return {"measures": measures, "corrections": list(corrections)}


def _from_json(row: FeedbackRow) -> Entered:
    measures = {code: Counts(**counts) for code, counts in row.figures.get("measures", {}).items()}
    return Entered(measures=measures, remarks=row.remarks or "")
