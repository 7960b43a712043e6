"""The clocks that run: set when a period begins, ended when what it is for was done, counted anew when the calendar changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, delete, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.clocks import AlarmKind
from registry.clockwork import Clockwork
from registry.deadlines import RULE_LABEL, Deadline, Profile, Rule, due
from registry.record import Disclosure
from registry.tables import AlarmRow, ClockRow, MatterRow, RecordRow, UnitRow

CHUNK = 500
# Its last day is named by the decision that grants it, and not counted.
_NAMED_BY_DECISION = frozenset({Rule.GRACE})


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a clock runs for: a record, a matter, a unit, by their rows."""

    record: int | None = None
    matter: int | None = None
    unit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockLine:
    """A clock as a page shows it. `record` is the public number, or the case number where there is none; `ended` is met,
    missed or void, and None while it runs. Names no person. `is_restricted`: its evidence is for those who may see why the
    record is not public."""

    id: int
    rule: Rule
    article: str
    started_on: date
    due: date
    due_at: datetime
    provisional: bool
    evidence: str
    set_at: datetime
    set_by: str
    ended: str | None
    ended_at: datetime | None
    ended_by: str | None
    acted_at: datetime | None
    record_id: int | None
    record: str | None
    matter_id: int | None
    matter_kind: str | None
    ground: str | None
    unit_id: int | None
    unit: str | None
    is_restricted: bool = False

    @property
    def label(self) -> str:
        return RULE_LABEL[self.rule]

    @property
    def due_text(self) -> str:
        """The last day, marked where the notice for a year it depends on is still to come."""
        return show_day(self.due, provisional=self.provisional)

    def is_over(self, now: datetime) -> bool:
        """Whether it runs still though its time is over."""
        return self.ended is None and now > self.due_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A clock that a change of the calendar moved, or made certain."""

    id: int
    rule: Rule
    old: date
    new: date
    provisional: bool


def show_day(day: date, *, provisional: bool) -> str:
    """A due day for people: 暂定 wherever it may still change."""
    return f"{day.isoformat()}（暂定）" if provisional else day.isoformat()


def set_clock(
    session: Session,
    acting: Acting,
    rule: Rule,
    about: About,
    *,
    started_on: date,
    evidence: str,
    until: date | None = None,
) -> ClockRow:
    """Start a clock. It runs from the day the law says, with the evidence for it, and never from the click.

    `until` where the decision itself names the last day (宽限期), which is then not counted. Raises StartOutOfRange.
    """
    deadline = acting.clockwork.due(rule, started_on)
    row = ClockRow(
        rule=rule.value,
        record_id=about.record,
        matter_id=about.matter,
        unit_id=about.unit,
        started_on=started_on,
        evidence=evidence,
        profile=acting.clockwork.profile.value,
        due=until or deadline.due,
        provisional=until is None and deadline.provisional,
        article=deadline.article,
        set_at=acting.now,
        set_by=acting.actor,
    )
    session.add(row)
    session.flush()
    return row


def end_clocks(
    session: Session,
    acting: Acting,
    rules: Collection[Rule],
    about: About,
    *,
    void: bool = False,
    started_on: date | None = None,
) -> list[ClockRow]:
    """End the running clocks of these rules: met or missed by now, or void where nothing was to be done any more.

    `started_on` picks those that run from that day. Raises ValueError where `about` names nothing.
    """
    which = _which(about)
    if not which:
        raise ValueError("clocks are ended for a record, a matter or a unit")
    which += [ClockRow.rule.in_([rule.value for rule in rules]), ClockRow.ended.is_(None)]
    if started_on is not None:
        which.append(ClockRow.started_on == started_on)
    rows = list(session.scalars(select(ClockRow).where(*which).order_by(ClockRow.id).with_for_update()))
    for row in rows:
        in_time = acting.now <= acting.clockwork.ends_at(Rule(row.rule), row.due)
        row.ended = "void" if void else "met" if in_time else "missed"
        row.ended_at, row.ended_by = acting.now, acting.actor
    return rows


def list_clocks(
    session: Session,
    clockwork: Clockwork,
    *,
    ended: bool | None = False,
    until: date | None = None,
    record: int | None = None,
    matter: int | None = None,
    limit: int = 200,
) -> list[ClockLine]:
    """The clocks that run (`ended` False), that have ended (True), or all (None), the soonest due first; those that are
    due by `until`, and those of one record or matter."""
    query = _lines()
    if ended is not None:
        query = query.where(ClockRow.ended.is_not(None) if ended else ClockRow.ended.is_(None))
    if until is not None:
        query = query.where(ClockRow.due <= until)
    query = query.where(*_which(About(record=record, matter=matter)))
    rows = session.execute(query.order_by(ClockRow.due, ClockRow.id).limit(limit))
    return [_line(clockwork, *row) for row in rows]


def read_lines(
    session: Session, clockwork: Clockwork, which: Sequence[ColumnElement[bool]], *, limit: int
) -> list[ClockLine]:
    """The clocks of which `which` is true, the soonest due first."""
    rows = session.execute(_lines().where(*which).order_by(ClockRow.due, ClockRow.id).limit(limit))
    return [_line(clockwork, *row) for row in rows]


def recompute(session: Session, acting: Acting, *, after: int = 0) -> tuple[int | None, Sequence[Moved]]:
    """Count the next running clocks anew with the calendar of `acting`, at most one chunk of those with a higher id than
    `after`. What moved, or became certain, is noted in the audit trail with its old and new day.

    Each is counted by the profile under which it was set. Returns the id to go on after, None when none is left.
    """
    counted = [rule.value for rule in Rule if rule not in _NAMED_BY_DECISION]
    query = (
        select(ClockRow)
        .where(ClockRow.ended.is_(None), ClockRow.id > after, ClockRow.rule.in_(counted))
        .order_by(ClockRow.id)
        .limit(CHUNK)
        .with_for_update()
    )
    rows = list(session.scalars(query))
    moved = []
    for row in rows:
        deadline = due(Rule(row.rule), row.started_on, Profile(row.profile), acting.clockwork.calendar)
        if (deadline.due, deadline.provisional) != (row.due, row.provisional):
            moved.append(_move(session, acting, row, deadline))
    return (rows[-1].id if len(rows) == CHUNK else None), moved


def _move(session: Session, acting: Acting, row: ClockRow, deadline: Deadline) -> Moved:
    moved = Moved(id=row.id, rule=Rule(row.rule), old=row.due, new=deadline.due, provisional=deadline.provisional)
    detail = {
        "clock": row.id,
        "rule": row.rule,
        "old": str(row.due),
        "new": str(deadline.due),
        "provisional": deadline.provisional,
        "article": deadline.article,
    }
    row.due, row.provisional, row.article = deadline.due, deadline.provisional, deadline.article
    # What is due on another day is told of again, at its time.
    if moved.old != moved.new:
        row.alarmed_at = None
        session.execute(delete(AlarmRow).where(AlarmRow.clock_id == row.id, AlarmRow.kind != AlarmKind.ACTED.value))
    audit.note(session, acting.now, acting.actor, "clock_moved", record=row.record_id, detail=detail)
    return moved


def _which(about: About) -> list[ColumnElement[bool]]:
    named = ((ClockRow.record_id, about.record), (ClockRow.matter_id, about.matter), (ClockRow.unit_id, about.unit))
    return [column == value for column, value in named if value is not None]


def _lines() -> Select[ClockRow, RecordRow, MatterRow, UnitRow]:
    return (
        select(ClockRow, RecordRow, MatterRow, UnitRow)
        .outerjoin(RecordRow, RecordRow.id == ClockRow.record_id)
        .outerjoin(MatterRow, MatterRow.id == ClockRow.matter_id)
        .outerjoin(UnitRow, UnitRow.id == ClockRow.unit_id)
    )


def _line(
    clockwork: Clockwork, row: ClockRow, record: RecordRow | None, matter: MatterRow | None, unit: UnitRow | None
) -> ClockLine:
    rule = Rule(row.rule)
    return ClockLine(
        id=row.id,
        rule=rule,
        article=row.article,
        started_on=row.started_on,
        due=row.due,
        due_at=clockwork.ends_at(rule, row.due),
        provisional=row.provisional,
        evidence=row.evidence,
        set_at=row.set_at,
        set_by=row.set_by,
        ended=row.ended,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        acted_at=row.acted_at,
        record_id=row.record_id,
        record=None if record is None else name_record(record),
        matter_id=row.matter_id,
        matter_kind=None if matter is None else matter.kind,
        ground=None if matter is None else matter.ground,
        unit_id=row.unit_id,
        unit=None if unit is None else unit.name,
        is_restricted=record is not None and record.facts.get("disclosure") == Disclosure.RESTRICTED.value,
    )


def name_record(row: RecordRow) -> str:
    """How a record is named where no person may be: by its public number, else by its case."""
    return row.number or str(row.facts["case_number"])
