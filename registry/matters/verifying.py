"""While an objection is being looked into (核实期间) the units leave measures undone: whom that is told, when it is told, and
the clock of the mark (异议标注) where the local rules set one.

香格里拉市 四（二）3 (暂不执行); 《河南省社会信用条例》第四十一条 (three working days to mark an objection).
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.clockbook import About, end_clocks, set_clock
from registry.deadlines import Profile, Rule
from registry.matters.states import Channel, MatterKind, MatterState, is_under_verification
from registry.record import State
from registry.tables import MatterRow, RecordRow
from registry.units.ledger import UNDER_VERIFICATION, VERIFIED, note_verification

_MARKED_BY = frozenset({Profile.HENAN})
_BEFORE_DECISION = frozenset({MatterState.RECEIVED, MatterState.REVIEWING, MatterState.NEED_MORE})


def set_mark(session: Session, row: MatterRow, acting: Acting, evidence: str) -> None:
    """Start the time within which an objection is to be marked, where the court's local rules set one."""
    if row.kind == MatterKind.OBJECTION.value and acting.clockwork.profile in _MARKED_BY:
        about = About(record=row.record_id, matter=row.id)
        set_clock(session, acting, Rule.OBJECTION_MARK, about, started_on=row.received_on, evidence=evidence)


def tell_units(session: Session, row: MatterRow, acting: Acting, was_verifying: bool) -> None:
    """Tell the units that the entry is being verified or, when the last matter about it is decided, no longer is
    (香格里拉市 四（二）3); with the first the objection is marked."""
    session.flush()
    verifying = is_verifying(row)
    if row.record_id is not None and verifying != was_verifying:
        number = session.scalar(select(RecordRow.number).where(RecordRow.id == row.record_id))
        if number is not None and (verifying or not count_verifying(session, row.record_id)):
            note_verification(session, number, UNDER_VERIFICATION if verifying else VERIFIED, acting)
    _end_mark(session, row, acting)


def tell_missed(session: Session, acting: Acting, records: Collection[int] | None = None) -> int:
    """Tell the units of every verification that they were not told of, of these records or of all that are public: it began
    before the entry was published, or before they were sent it. How many lines were added. Safe to repeat."""
    public = select(RecordRow.id).where(RecordRow.state == State.PUBLISHED.value)
    query = (
        select(MatterRow)
        .where(MatterRow.kind == MatterKind.OBJECTION.value, MatterRow.closed_at.is_(None))
        .where(MatterRow.record_id.in_(public if records is None else sorted(records)))
        .order_by(MatterRow.id)
        # Whoever decides one of them meanwhile is waited for: what has ended is not told as begun.
        .with_for_update()
    )
    about = {row.record_id for row in session.scalars(query) if is_verifying(row)}
    numbers = select(RecordRow.number).where(RecordRow.id.in_(about), RecordRow.number.is_not(None))
    found = session.scalars(numbers.order_by(RecordRow.id)).all()
    return sum(note_verification(session, number, UNDER_VERIFICATION, acting) for number in found if number)


def is_verifying(row: MatterRow) -> bool:
    """Whether this matter keeps measures from being carried out."""
    return is_under_verification(MatterKind(row.kind), MatterState(row.state), Channel(row.channel))


def count_verifying(session: Session, record_id: int) -> int:
    """How many matters keep measures against this entry from being carried out."""
    query = select(MatterRow).where(MatterRow.record_id == record_id, MatterRow.closed_at.is_(None))
    open_objections = query.where(MatterRow.kind == MatterKind.OBJECTION.value)
    return sum(is_verifying(row) for row in session.scalars(open_objections))


def _end_mark(session: Session, row: MatterRow, acting: Acting) -> None:
    """The objection is marked as soon as the units are told of it. Where it was given up, or decided without an entry, there
    was nothing to mark; what was late by then stays so."""
    if row.kind != MatterKind.OBJECTION.value:
        return
    marked = row.record_id is not None and count_verifying(session, row.record_id) > 0
    if not marked and MatterState(row.state) in _BEFORE_DECISION:
        return
    for clock in end_clocks(session, acting, [Rule.OBJECTION_MARK], About(matter=row.id)):
        if not marked and clock.ended == "met":
            clock.ended = "void"
