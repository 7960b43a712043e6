"""No entry is shown twice, and none that the court's own record keeps from the public: what the court lists itself takes the
place of what it had taken over from another's list."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.matching import is_same_debtor
from registry.record import State
from registry.records import read_facts
from registry.sources.leaving import leave
from registry.tables import RecordRow
from registry.vault import Vault

_DEPARTED = [state.value for state in State if state.has_departed]


def replace_foreign(session: Session, vault: Vault, rows: Sequence[RecordRow], acting: Acting) -> None:
    """Take down what was taken over of the debtors of `rows`, which are about to be published or may not be seen at all, in
    the same transaction."""
    if not rows:
        return
    query = select(RecordRow).where(
        RecordRow.case_key.in_({row.case_key for row in rows}),
        RecordRow.source.is_not(None),
        RecordRow.state.not_in(_DEPARTED),
    )
    foreign = list(session.scalars(query.order_by(RecordRow.id).with_for_update()))
    for other in foreign:
        facts = read_facts(other, vault, other.identity)
        for row in rows:
            if row.case_key == other.case_key and is_same_debtor(read_facts(row, vault, row.identity), facts):
                leave(session, other, "source_replaced", "本院已有同一案件的该被执行人的记录，以本院的为准", acting)
                break
