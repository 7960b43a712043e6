"""An objection that was found right is closed by what it asked for being done, whichever way it was done."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.matters.book import finish
from registry.matters.checking import Given
from registry.matters.content import read_faults
from registry.matters.corrections import find_uncorrected
from registry.matters.states import MatterKind, MatterState, Remedy
from registry.record import Facts, State
from registry.tables import MatterRow, RecordRow
from registry.vault import Vault

_WAITING = (MatterState.UPHELD, MatterState.UPHELD_ABOVE)


def close_fulfilled(session: Session, row: RecordRow, acting: Acting) -> int:
    """Close the objections that were found right about an entry that has departed (art. 9, 12 ¶1); returns how many.

    Those still under review stay open, and those by which it is to be withdrawn until it is, whatever else it left for:
    whether it ought ever to have been listed is another question than whether it is listed now.
    """
    is_withdrawn = State(row.state) is State.WITHDRAWN
    matters = [one for one in _find_waiting(session, row) if is_withdrawn or one.outcome != Remedy.WITHDRAW.value]
    for matter in matters:
        finish(session, matter, acting)
    return len(matters)


def close_corrected(session: Session, vault: Vault, row: RecordRow, facts: Facts, acting: Acting) -> int:
    """Close the objections that were found right of which every field that was to be corrected now says something else in
    `facts`, whatever state the entry is in (art. 9 ¶2, 12 ¶1); returns how many."""
    done = 0
    for matter in _find_waiting(session, row):
        faults = read_faults(matter, vault) if matter.outcome == Remedy.CORRECT.value else {}
        if faults and not find_uncorrected(faults, facts):
            finish(session, matter, acting, given=Given(fields=tuple(faults)))
            done += 1
    return done


def _find_waiting(session: Session, row: RecordRow) -> Sequence[MatterRow]:
    """The objections about an entry that were found right and are not carried out, locked for the transaction."""
    query = (
        select(MatterRow)
        .where(
            MatterRow.record_id == row.id,
            MatterRow.kind == MatterKind.OBJECTION.value,
            MatterRow.closed_at.is_(None),
            MatterRow.state.in_([state.value for state in _WAITING]),
        )
        .order_by(MatterRow.id)
        .with_for_update()
    )
    return session.scalars(query).all()
