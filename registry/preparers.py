"""Who prepared a record, and who has had a hand in its listing: the one answer for four eyes and for recusal.

The rows keep the last name only. What everybody did stands in the audit trail, and who brought in a file with its batch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.audit import Act
from registry.lifecycle import Action
from registry.tables import BatchRow, RecordRow

_APPROVE, _CORRECT = Action.APPROVE.value, Action.CORRECT.value


def find_preparers(session: Session, rows: Collection[RecordRow]) -> dict[int, frozenset[str]]:
    """By record: everybody who prepared any of it since it was approved last, and who imported it. None of them is the
    second person that approves it (法释〔2017〕7号第五条第三款、第十三条).

    Who agrees to a second version that somebody else brought in has approved that version, and not prepared it.
    """
    acts = _list_acts(session, rows)
    importers = _find_importers(session, rows, acts)
    prepared = {row.id: {row.imported_by, importers[row.batch_id]} for row in rows}
    for row in rows:
        since: set[str] = set()
        for act in acts.get(row.id, ()):
            if act.action == _APPROVE:
                since.clear()
            else:
                since.add(act.actor if act.batch_id is None else importers[act.batch_id])
        prepared[row.id] |= since
    return {record: frozenset(names) for record, names in prepared.items()}


def find_involved(session: Session, row: RecordRow) -> frozenset[str]:
    """Everybody who ever prepared or approved any of a record: none of them decides whether its listing was right
    (香格里拉市 四（二）2 审核纠错机制)."""
    acts = _list_acts(session, [row])
    importers = _find_importers(session, [row], acts)
    names = {*importers.values(), row.imported_by, *(act.actor for act in acts.get(row.id, ()))}
    return frozenset(names | ({row.approved_by} if row.approved_by else set()))


def _list_acts(session: Session, rows: Collection[RecordRow]) -> dict[int, list[Act]]:
    found: dict[int, list[Act]] = {}
    for act in audit.list_acts(session, [row.id for row in rows], (_APPROVE, _CORRECT)):
        found.setdefault(act.record_id, []).append(act)
    return found


def _find_importers(session: Session, rows: Iterable[RecordRow], acts: Mapping[int, Collection[Act]]) -> dict[int, str]:
    """Who imported each batch that these rows, or second versions of them, came with."""
    batches = {row.batch_id for row in rows}
    batches |= {act.batch_id for some in acts.values() for act in some if act.batch_id is not None}
    query = select(BatchRow.id, BatchRow.imported_by).where(BatchRow.id.in_(batches))
    return {row.id: row.imported_by for row in session.execute(query)}
