"""What is still to be decided of a record, and keeps it from being shown, or shown again, until it is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.clockbook import About, end_clocks
from registry.clocks import AT_ONCE, HIDES
from registry.deadlines import Rule
from registry.tables import ClockRow, MatterRow, RecordRow

GROUND = "ground"
# What somebody brings in their own cause may be that the person listed is a child, or dead.
_MAY_HIDE = (GROUND, "objection")
OPEN, DEPARTED, DISMISSED = "open", "departed", "dismissed"
WRONGLY_LISTED = "wrongly_listed"
# The remedy of an objection that was found right, and what one says in its own words.
_WITHDRAW = "withdraw"
_SAYS = {"not_me": WRONGLY_LISTED, "says_minor": "minor", "says_deceased": "deceased"}


def find_undecided(session: Session, records: Collection[int]) -> frozenset[int]:
    """Of these records, those with a ground to take them down, or a correction found right, that nobody has decided or
    carried out: they are not published, and not shown again, before that is done (法释〔2017〕7号 arts. 4, 9, 10)."""
    if not records:
        return frozenset()
    rules = [rule.value for rule in HIDES]
    running = select(ClockRow.record_id).where(
        ClockRow.record_id.in_(records), ClockRow.ended.is_(None), ClockRow.rule.in_(rules)
    )
    at_once = select(MatterRow.record_id).where(MatterRow.record_id.in_(records), *is_at_once())
    found = {*session.scalars(running), *session.scalars(at_once)}
    return frozenset(record for record in found if record is not None)


def is_at_once() -> tuple[ColumnElement[bool], ...]:
    """Of a matter: that it says of the person listed that it is a child, or dead, and is not decided."""
    return (
        MatterRow.kind.in_(_MAY_HIDE),
        MatterRow.closed_at.is_(None),
        MatterRow.decided_at.is_(None),
        MatterRow.ground.in_(sorted(AT_ONCE)),
    )


def find_spared(session: Session, record: int) -> frozenset[str]:
    """What is said of a person, and not refused, because of which they are not pointed at once more when the entry goes:
    minor, deceased, wrongly_listed (法释〔2017〕7号 arts. 4, 9; 民诉法 268 (3)). To be asked before what is open is closed."""
    query = select(MatterRow.ground, MatterRow.outcome).where(
        MatterRow.record_id == record, MatterRow.kind.in_(_MAY_HIDE), MatterRow.closed_at.is_(None)
    )
    said = set()
    for ground, outcome in session.execute(query):
        if outcome == _WITHDRAW:
            said.add(WRONGLY_LISTED)
        elif outcome is None and ground is not None:
            said.add(_SAYS.get(ground, ground))
    if audit.find_details(session, record, "withhold", "reason") & {"minor", "age_unknown"}:
        said.add("minor")
    return frozenset(said & {*AT_ONCE, WRONGLY_LISTED})


def list_open_grounds(session: Session, record: int) -> list[MatterRow]:
    """The recorded grounds of a record that nobody has decided, the oldest first, locked for the transaction."""
    query = (
        select(MatterRow)
        .where(MatterRow.record_id == record, MatterRow.kind == GROUND, MatterRow.closed_at.is_(None))
        .order_by(MatterRow.id)
        .with_for_update()
    )
    return list(session.scalars(query))


def close_grounds(session: Session, row: RecordRow, acting: Acting) -> list[MatterRow]:
    """End the open grounds of a record that has departed, and the clocks that asked for it."""
    matters = list_open_grounds(session, row.id)
    for matter in matters:
        close_matter(matter, DEPARTED, acting.actor, acting.now)
        detail = {"matter": matter.id, "ground": matter.ground, "article": "法释〔2017〕7号第九条、第十条"}
        audit.note(session, acting.now, acting.actor, "ground_closed", record=row.id, detail=detail)
    # Of a correction, or a withdrawal, that was found right the matter itself says whether it is done (matters/fulfilling.py).
    ends = (HIDES - {Rule.CORRECTION_FIX}) | {Rule.HOLD_CONFIRM, Rule.TERM_END, Rule.GRACE}
    end_clocks(session, acting, ends, About(record=row.id))
    return matters


def close_matter(matter: MatterRow, outcome: str, by: str, at: datetime) -> None:
    """A ground is decided: by a departure, or because it was found not to be there."""
    matter.state = matter.outcome = outcome
    matter.decided_at = matter.closed_at = at
    matter.decided_by = by
