"""An objection that was found right is closed by what it asked for being done, whichever way it was done."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.clockbook import About, end_clocks
from registry.matters.book import move_on
from registry.matters.checking import Given
from registry.matters.states import MatterKind, MatterState, Step, find_move
from registry.tables import MatterRow, RecordRow

_WAITING = (MatterState.UPHELD, MatterState.UPHELD_ABOVE)


def close_fulfilled(session: Session, row: RecordRow, acting: Acting) -> int:
    """Close the objections that were found right about an entry that departs (art. 9, 12 ¶1); returns how many.

    Those still under review stay open: whether it ought ever to have been listed is another question than whether it
    is listed now.
    """
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
    matters = list(session.scalars(query))
    for matter in matters:
        move = find_move(MatterKind.OBJECTION, MatterState(matter.state), Step.CARRY_OUT)
        end_clocks(session, acting, move.ends, About(matter=matter.id), void=move.ends_void)
        move_on(session, matter, Step.CARRY_OUT, move, acting, Given())
    return len(matters)
