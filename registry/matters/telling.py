"""Whom a change of a matter is told: the portal, by the digest of its receipt, and the units that hold the entry."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import journal
from registry.acting import Acting
from registry.matters.states import Channel, MatterKind, MatterState, find_public_state, is_under_verification
from registry.tables import ClockRow, MatterRow, RecordRow
from registry.units.ledger import note_verification

_SUBMISSION = "submission"
_UNDER_VERIFICATION, _VERIFIED = "UNDER_VERIFICATION", "VERIFIED"
# How long the person can still look up how it ended.
_SHOWN_AFTER_END = timedelta(days=365)


def tell_portal(session: Session, row: MatterRow, acting: Acting) -> None:
    """Journal where the matter stands, if the person has a receipt to look it up with: one word and two days, no more."""
    if row.token is None:
        return
    state = MatterState(row.state)
    public = find_public_state(state)
    until = find_due(session, row.id)
    body: dict[str, str | None] = {
        "state": public.value,
        "on": acting.today.isoformat(),
        "until": until.due.isoformat() if until is not None else None,
    }
    if state.is_closed:
        body["visible_until"] = (acting.now + _SHOWN_AFTER_END).isoformat()
    journal.append_subject(session, acting.now, _SUBMISSION, row.token, body)
    row.told = public.value


def tell_units(session: Session, row: MatterRow, acting: Acting, was_verifying: bool) -> None:
    """Tell the units that the entry is being verified or, when the last matter about it is decided, no longer is
    (香格里拉市 四（二）3)."""
    verifying = is_verifying(row)
    if row.record_id is None or verifying == was_verifying:
        return
    session.flush()
    number = session.scalar(select(RecordRow.number).where(RecordRow.id == row.record_id))
    if number is None or (not verifying and count_verifying(session, row.record_id)):
        return
    note_verification(session, number, _UNDER_VERIFICATION if verifying else _VERIFIED, acting)


def is_verifying(row: MatterRow) -> bool:
    """Whether this matter keeps measures from being carried out."""
    return is_under_verification(MatterKind(row.kind), MatterState(row.state), Channel(row.channel))


def find_due(session: Session, matter_id: int) -> ClockRow | None:
    """The running clock of a matter that is due first."""
    query = select(ClockRow).where(ClockRow.matter_id == matter_id, ClockRow.ended.is_(None))
    return session.scalar(query.order_by(ClockRow.due, ClockRow.id).limit(1))


def count_verifying(session: Session, record_id: int) -> int:
    """How many matters keep measures against this entry from being carried out."""
    query = select(MatterRow).where(MatterRow.record_id == record_id, MatterRow.closed_at.is_(None))
    open_objections = query.where(MatterRow.kind == MatterKind.OBJECTION.value)
    return sum(is_verifying(row) for row in session.scalars(open_objections))
