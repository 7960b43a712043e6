"""What the portal is told of a matter, by the digest of its receipt; what units are told is in verifying.py."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import journal
from registry.acting import Acting
from registry.deadlines import Rule
from registry.matters.states import MatterState, find_public_state
from registry.tables import ClockRow, MatterRow

_SUBMISSION = "submission"
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


def find_due(session: Session, matter_id: int) -> ClockRow | None:
    """The running clock of a matter that is due first and that an answer is waited for by: the mark of an objection is the
    units' concern."""
    query = select(ClockRow).where(
        ClockRow.matter_id == matter_id, ClockRow.ended.is_(None), ClockRow.rule != Rule.OBJECTION_MARK.value
    )
    return session.scalar(query.order_by(ClockRow.due, ClockRow.id).limit(1))
