"""Alarms: who was told that a clock is near, that it is over, or that the product hid an entry by itself."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, Select, case, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from registry.acting import Acting
from registry.clockbook import name_record, show_day
from registry.clocks import ALARM_LABEL, AlarmKind, Colleague, choose_kinds, find_alarm_day, find_concerned
from registry.deadlines import RULE_LABEL, RULES, Bearer, Rule
from registry.duties import Group, list_rules
from registry.staff import Role
from registry.tables import AlarmRow, ClockRow, MatterRow, RecordRow, StaffRow, UnitRow

CHUNK = 500
# No working day is further from the next than the longest holidays are long.
_HORIZON = timedelta(days=20)
_DECIDES = frozenset({Role.CLERK.value, Role.REVIEWER.value})
_RIGHTS = frozenset(rule for rule in Rule if RULES[rule].bearer is Bearer.PARTY)
# What concerns an entry first, however long the others have been waiting.
_FIRST = case(
    (ClockRow.rule.in_(list_rules(Group.ENTRIES)), 0), (ClockRow.rule.in_(list_rules(Group.UNITS)), 2), else_=1
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlarmLine:
    """An alarm as the desk shows it. `about` is a public number, a case number or a unit; names no person."""

    id: int
    kind: AlarmKind
    rule: Rule
    article: str
    due: date
    provisional: bool
    about: str
    record_id: int | None
    matter_id: int | None
    unit_id: int | None
    at: datetime
    seen_at: datetime | None

    @property
    def label(self) -> str:
        return f"{RULE_LABEL[self.rule]}：{ALARM_LABEL[self.kind]}"

    @property
    def due_text(self) -> str:
        return show_day(self.due, provisional=self.provisional)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How things stand, in numbers: clocks that are over and undone, entries hidden by the product that wait for a
    person, clocks of today, clocks with a day that is not certain, and alarms that nobody has looked at."""

    over: int
    hidden: int
    today: int
    provisional: int
    unseen: int


def raise_alarms(session: Session, acting: Acting) -> int:
    """Tell those concerned of every running clock that is near or over, once each. Safe to repeat: whoever has since come
    to be concerned, because somebody left or is away, is told, too. Returns how many alarms were new."""
    staff = read_colleagues(session, acting.today)
    new, after = 0, 0
    while True:
        query = (
            select(ClockRow)
            .where(ClockRow.ended.is_(None), ClockRow.due <= acting.today + _HORIZON, ClockRow.id > after)
            .order_by(ClockRow.id)
            .limit(CHUNK)
        )
        rows = session.scalars(query).all()
        kinds = {row.id: _kinds(row, acting) for row in rows}
        for kind in AlarmKind:
            new += _tell(session, [row for row in rows if kind in kinds[row.id]], kind, acting, staff)
        if len(rows) < CHUNK:
            return new
        after = rows[-1].id


def tell(session: Session, clocks: Sequence[ClockRow], kind: AlarmKind, acting: Acting) -> int:
    """Tell those concerned something of these clocks now, in the transaction in which it happens."""
    return _tell(session, clocks, kind, acting, read_colleagues(session, acting.today))


def list_alarms(session: Session, staff: str, limit: int = 100, *, but_of: str | None = None) -> list[AlarmLine]:
    """What this person was told of clocks that still run and has not marked as seen: what concerns an entry before
    complaints, and those before what the units owe, the soonest due first. Without what `but_of` was told, too, and has not marked as seen."""
    query = _lines().where(*_unseen(staff, but_of)).order_by(_FIRST, ClockRow.due, AlarmRow.id)
    return [_line(*row) for row in session.execute(query.limit(limit))]


def count_alarms(session: Session, staff: str, *, but_of: str | None = None) -> int:
    """How many `list_alarms` would list if it listed all."""
    query = select(func.count()).select_from(AlarmRow).join(ClockRow, ClockRow.id == AlarmRow.clock_id)
    return session.scalar(query.where(*_unseen(staff, but_of))) or 0


def mark_seen(session: Session, alarms: Collection[int], staff: str, acting: Acting) -> int:
    """That this person has seen these alarms; those of others are left alone. Returns how many."""
    own = (AlarmRow.id.in_(alarms), AlarmRow.staff == staff, AlarmRow.seen_at.is_(None))
    found = session.scalars(select(AlarmRow.id).where(*own)).all()
    session.execute(update(AlarmRow).where(AlarmRow.id.in_(found)).values(seen_at=acting.now))
    return len(found)


def count_clocks(session: Session, acting: Acting) -> Tally:
    """How many clocks are over, of today, or uncertain, and how many alarms nobody has seen: numbers only."""
    running = select(func.count()).select_from(ClockRow).where(ClockRow.ended.is_(None))
    duty = running.where(ClockRow.rule.not_in([rule.value for rule in _RIGHTS]))
    open_alarms = (
        select(func.count(func.distinct(AlarmRow.clock_id)))
        .join(ClockRow, ClockRow.id == AlarmRow.clock_id)
        .where(AlarmRow.seen_at.is_(None), AlarmRow.kind != AlarmKind.NEAR.value, ClockRow.ended.is_(None))
    )

    def number(query: Select[int]) -> int:
        return session.scalar(query) or 0

    last = acting.today if acting.now > acting.clockwork.due_at(acting.today) else acting.today - timedelta(days=1)
    return Tally(
        over=number(duty.where(ClockRow.due <= last, ClockRow.acted_at.is_(None))),
        hidden=number(running.where(ClockRow.acted_at.is_not(None))),
        today=number(duty.where(ClockRow.due == acting.today)),
        provisional=number(running.where(ClockRow.provisional)),
        unseen=number(open_alarms),
    )


def read_colleagues(session: Session, today: date) -> dict[str, Colleague]:
    """The staff, as far as telling them goes."""
    return {
        row.name: Colleague(
            name=row.name,
            active=row.active,
            away=row.away_until is not None and row.away_until >= today,
            decides=row.role in _DECIDES,
            reviews=row.role == Role.REVIEWER.value,
            deputy=row.deputy,
        )
        for row in session.scalars(select(StaffRow))
    }


def _kinds(row: ClockRow, acting: Acting) -> Iterable[AlarmKind]:
    rule = Rule(row.rule)
    # A right that was not used is nobody's omission.
    is_over = rule not in _RIGHTS and acting.now > acting.clockwork.ends_at(rule, row.due)
    near = acting.today >= find_alarm_day(row.due, acting.clockwork.calendar)
    return choose_kinds(near=near, over=is_over, acted=row.acted_at is not None)


def _tell(
    session: Session, clocks: Sequence[ClockRow], kind: AlarmKind, acting: Acting, staff: Mapping[str, Colleague]
) -> int:
    if not clocks:
        return 0
    involved = _find_involved(session, clocks)
    ids = [clock.id for clock in clocks]
    query = select(AlarmRow.clock_id, AlarmRow.staff).where(AlarmRow.clock_id.in_(ids), AlarmRow.kind == kind.value)
    told = {(clock, name) for clock, name in session.execute(query)}
    fresh = [
        (clock.id, name)
        for clock in clocks
        for name in sorted(find_concerned(involved[clock.id], staff))
        if (clock.id, name) not in told
    ]
    session.add_all(AlarmRow(clock_id=clock, staff=name, kind=kind.value, at=acting.now) for clock, name in fresh)
    for clock in clocks:
        clock.alarmed_at = clock.alarmed_at or acting.now
    session.flush()
    return len(fresh)


def _find_involved(session: Session, clocks: Sequence[ClockRow]) -> dict[int, list[str]]:
    """Who set each clock, and who prepared, approved or registered what it runs for."""
    query = (
        select(ClockRow.id, ClockRow.set_by, RecordRow.imported_by, RecordRow.approved_by, MatterRow.registered_by)
        .outerjoin(RecordRow, RecordRow.id == ClockRow.record_id)
        .outerjoin(MatterRow, MatterRow.id == ClockRow.matter_id)
        .where(ClockRow.id.in_([clock.id for clock in clocks]))
    )
    return {row[0]: [name for name in row[1:] if name] for row in session.execute(query)}


def _unseen(staff: str, but_of: str | None) -> list[ColumnElement[bool]]:
    which = [AlarmRow.staff == staff, AlarmRow.seen_at.is_(None), ClockRow.ended.is_(None)]
    if but_of is not None:
        own = aliased(AlarmRow)
        same = (own.clock_id == AlarmRow.clock_id, own.kind == AlarmRow.kind)
        which.append(~exists().where(*same, own.staff == but_of, own.seen_at.is_(None)))
    return which


def _lines() -> Select[AlarmRow, ClockRow, RecordRow, UnitRow]:
    return (
        select(AlarmRow, ClockRow, RecordRow, UnitRow)
        .join(ClockRow, ClockRow.id == AlarmRow.clock_id)
        .outerjoin(RecordRow, RecordRow.id == ClockRow.record_id)
        .outerjoin(UnitRow, UnitRow.id == ClockRow.unit_id)
    )


def _line(alarm: AlarmRow, clock: ClockRow, record: RecordRow | None, unit: UnitRow | None) -> AlarmLine:
    about = name_record(record) if record else unit.name if unit else f"办件 {clock.matter_id}"
    return AlarmLine(
        id=alarm.id,
        kind=AlarmKind(alarm.kind),
        rule=Rule(clock.rule),
        article=clock.article,
        due=clock.due,
        provisional=clock.provisional,
        about=about,
        record_id=clock.record_id,
        matter_id=clock.matter_id,
        unit_id=clock.unit_id,
        at=alarm.at,
        seen_at=alarm.seen_at,
    )
