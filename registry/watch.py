"""What the product does by itself when nobody has decided in time: it hides the entry, and says so to those concerned.

It decides nothing: what is hidden is held (屏蔽), which one person can turn into a departure and two can lift.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from registry import departing
from registry.acting import SYSTEM, Acting
from registry.alarms import tell
from registry.clocks import HIDES, AlarmKind
from registry.deadlines import RULES, Bearer, Rule
from registry.departing import Grounds
from registry.lifecycle import Action
from registry.record import State
from registry.tables import ClockRow, LedgerRow, MatterRow, RecordRow
from registry.undecided import is_at_once
from registry.units.ledger import LedgerKind, note_release
from search_index.journal import EntryChange

CHUNK = 200
# A draft is not seen by anybody, and is not published while something is undecided (undecided.find_undecided).
_MAY_BE_SEEN = (State.APPROVED.value, State.RESTRICTED.value, State.PUBLISHED.value)
_RIGHTS = tuple(rule.value for rule in Rule if RULES[rule].bearer is Bearer.PARTY)
_AT_ONCE_BASIS = (
    "登记的事由为未成年人或者被执行人死亡，先行屏蔽（法释〔2017〕7号第四条、民事诉讼法第二百六十八条第三项）"
)


def list_due(session: Session, acting: Acting, but: Collection[int] = ()) -> list[int]:
    """The next records, at most CHUNK, that `act_on_due` would hide, `but` these. Only reads."""
    which = [RecordRow.id.not_in(but)] if but else []
    queries = (_overdue(acting).where(*which), _at_once().where(*which))
    return sorted({found for query in queries for found in session.scalars(query.limit(CHUNK))})[:CHUNK]


def act_on_due(
    session: Session, acting: Acting, *, record: int | None = None, among: Collection[int] | None = None
) -> list[EntryChange]:
    """Hold, at most CHUNK at a time, the entries of which a ground, or a correction found right, was left undecided at
    its due moment (法释〔2017〕7号 arts. 9, 10 and 12 ¶1), and at once those of whom it is said that they are a child (art. 4)
    or dead (民诉法 268 (3)). Only `record`, or only those `among`, where they are given.

    Returns what the public is told. With the caller's transaction; repeat until `list_due` is empty.
    """
    acting = Acting(actor=SYSTEM, now=acting.now, clockwork=acting.clockwork)
    asked = [record] if record is not None else among
    which = [] if asked is None else [RecordRow.id.in_(asked)]
    queries = (_overdue(acting).where(*which), _at_once().where(*which))
    found = {found for query in queries for found in session.scalars(query.limit(CHUNK))}
    rows = select(RecordRow).where(RecordRow.id.in_(found)).order_by(RecordRow.id).with_for_update()
    # As they are once the lock was had, also those that this session has read before.
    locked = session.scalars(rows.execution_options(populate_existing=True)).all()
    return [change for row in locked for change in _hold(session, row, acting)]


def end_lapsed(session: Session, acting: Acting) -> int:
    """End the clocks of rights that were not used while they ran, and of grace that is over. Returns how many."""
    query = (
        select(ClockRow)
        .where(ClockRow.ended.is_(None), ClockRow.due < acting.today, ClockRow.rule.in_(_RIGHTS))
        .order_by(ClockRow.id)
        .limit(CHUNK)
        .with_for_update()
    )
    rows = session.scalars(query).all()
    for row in rows:
        # Grace was had to its end; of a right that was not used nothing is to be done any more.
        row.ended = "met" if row.rule == Rule.GRACE.value else "void"
        row.ended_at, row.ended_by = acting.now, acting.actor
    return len(rows)


def end_told(session: Session, acting: Acting) -> int:
    """End the clocks of telling the units of departures (香格里拉市 四（二）5): they are told when the release stands in their
    ledgers, which is with the departure; whoever was missed is told now. Void where no unit is to hear of it. Returns how
    many, at most CHUNK."""
    query = (
        select(ClockRow, RecordRow.number)
        .join(RecordRow, RecordRow.id == ClockRow.record_id)
        .where(ClockRow.ended.is_(None), ClockRow.rule == Rule.UNITS_TOLD.value)
        .order_by(ClockRow.id)
        .limit(CHUNK)
        .with_for_update(of=ClockRow)
    )
    found = session.execute(query).all()
    for clock, number in found:
        note_release(session, number, acting)
        lines = select(func.max(LedgerRow.at)).where(LedgerRow.record == number, LedgerRow.kind == LedgerKind.RELEASE)
        told_at = session.scalar(lines)
        in_time = told_at is not None and told_at <= acting.clockwork.ends_at(Rule.UNITS_TOLD, clock.due)
        clock.ended = "void" if told_at is None else "met" if in_time else "missed"
        clock.ended_at, clock.ended_by = max(told_at or acting.now, clock.set_at), acting.actor
    return len(found)


def _hold(session: Session, row: RecordRow, acting: Acting) -> Sequence[EntryChange]:
    if row.state not in _MAY_BE_SEEN:
        return []
    clocks = _undecided_clocks(session, row, acting)
    matter = _matter_of(session, row, clocks)
    if not clocks and matter is None:
        # Decided by somebody for whom the lock of the record was waited for: there is nothing left to hide it for.
        return []
    departure = departing.take_down(
        session, row, Action.HOLD, _grounds(acting, clocks, matter), acting, matter=matter.id if matter else None
    )
    for clock in clocks:
        clock.acted_at = acting.now
    tell(session, clocks, AlarmKind.ACTED, acting)
    return [departure.change] if departure.change else []


def _grounds(acting: Acting, clocks: Sequence[ClockRow], matter: MatterRow | None) -> Grounds:
    # A clock that was set back must not make a day of the matter one that is still to come.
    known_on = min(matter.known_on or matter.received_on, acting.today) if matter else acting.today
    arose_on = min(matter.arose_on or known_on, known_on) if matter else known_on
    overdue = [clock for clock in clocks if Rule(clock.rule) in HIDES and clock.due <= _last_due(acting)]
    if overdue:
        first = min(overdue, key=lambda clock: clock.due)
        basis = f"到期（{first.due.isoformat()}）仍未决定，系统自行屏蔽（{first.article}）"
    else:
        basis = _AT_ONCE_BASIS
    return Grounds(ground=matter.ground if matter else None, basis=basis, arose_on=arose_on, known_on=known_on)


def _undecided_clocks(session: Session, row: RecordRow, acting: Acting) -> list[ClockRow]:
    """The clocks on account of which a record is held now: those that are over, and those of matters that hide at once."""
    query = (
        select(ClockRow)
        .outerjoin(MatterRow, MatterRow.id == ClockRow.matter_id)
        .where(ClockRow.record_id == row.id, ClockRow.ended.is_(None))
        .order_by(ClockRow.due, ClockRow.id)
        .with_for_update(of=ClockRow)
    )
    hides = [rule.value for rule in HIDES]
    over = query.where(ClockRow.rule.in_(hides), ClockRow.due <= _last_due(acting))
    return list(
        {clock.id: clock for one in (over, query.where(*is_at_once())) for clock in session.scalars(one)}.values()
    )


def _matter_of(session: Session, row: RecordRow, clocks: Sequence[ClockRow]) -> MatterRow | None:
    for clock in clocks:
        if clock.matter_id is not None:
            return session.get_one(MatterRow, clock.matter_id)
    said = select(MatterRow).where(MatterRow.record_id == row.id, *is_at_once()).order_by(MatterRow.id).limit(1)
    return session.scalar(said)


def _overdue(acting: Acting) -> Select[int]:
    running = (ClockRow.ended.is_(None), ClockRow.due <= _last_due(acting))
    hides = ClockRow.rule.in_([rule.value for rule in HIDES])
    query = select(RecordRow.id).join(ClockRow, ClockRow.record_id == RecordRow.id)
    return query.where(*running, hides, RecordRow.state.in_(_MAY_BE_SEEN)).order_by(RecordRow.id)


def _at_once() -> Select[int]:
    query = select(RecordRow.id).join(MatterRow, MatterRow.record_id == RecordRow.id)
    return query.where(*is_at_once(), RecordRow.state.in_(_MAY_BE_SEEN)).order_by(RecordRow.id)


def _last_due(acting: Acting) -> date:
    """The last day of which the due moment has come."""
    today = acting.today
    return today if acting.now >= acting.clockwork.due_at(today) else today - timedelta(days=1)
