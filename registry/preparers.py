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
from registry.staff import Role
from registry.tables import BatchRow, RecordRow, StaffRow

_APPROVE, _CORRECT = Action.APPROVE.value, Action.CORRECT.value
# By a person, or by the gate.
_HOLDS = (Action.HOLD.value, "withhold")


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
    """Everybody who imported a record or a second version of it, prepared it for an approval, or approved it: none of them
    decides whether its listing was right (香格里拉市 四（二）2 审核纠错机制).

    Who has corrected a field of it since (第九条第二款) listed nobody by that, and may: a small court has two reviewers.
    """
    acts = _list_acts(session, [row])
    done = acts.get(row.id, [])
    listed = [act for act in done if act.action == _APPROVE or act.batch_id is not None]
    last = max((place for place, act in enumerate(done) if act.action == _APPROVE), default=len(done))
    names = {*_find_importers(session, [row], acts).values(), *(act.actor for act in (*listed, *done[:last]))}
    # A draft waits for whoever approves it; of anything else the trail knows who did.
    return frozenset(names | {row.imported_by})


def find_menders(session: Session, row: RecordRow) -> frozenset[str]:
    """Everybody who has changed a held record since it was held: none of them is the second person that agrees to show it
    (第五条第三款、第十三条). What was changed before was approved by another, or already seen by everybody."""
    since: list[Act] = []
    for act in audit.list_acts(session, [row.id], (*_HOLDS, _CORRECT)):
        since = [] if act.action in _HOLDS else [*since, act]
    importers = _find_importers(session, [row], {row.id: since})
    return frozenset(act.actor if act.batch_id is None else importers[act.batch_id] for act in since)


def say_who_may(session: Session, barred: Collection[str]) -> str:
    """In Chinese: the reviewers who are left, or what to do where nobody is."""
    reviewers = select(StaffRow.name).where(StaffRow.role == Role.REVIEWER.value, StaffRow.active)
    left = sorted(set(session.scalars(reviewers)) - set(barred))
    if left:
        return f"可以办理的有：{'、'.join(left)}"
    return "现有的审核人都参与过：须由另外一名审核人办理，请系统管理员增设账户"


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
