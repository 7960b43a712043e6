"""Doing what an objection that is right asks for (法释〔2017〕7号 art. 9, 12 ¶1): withdrawing, removing, or having corrected."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.departing import Departure, Grounds, take_down
from registry.lifecycle import Action
from registry.matters.book import take_step
from registry.matters.content import read_notes
from registry.matters.states import REMEDY_LABEL, MatterRefused, MatterState, Remedy, Step
from registry.record import State
from registry.tables import AuditRow, MatterRow, RecordRow
from registry.vault import Vault

_DEPARTS = {Remedy.WITHDRAW: Action.WITHDRAW, Remedy.REMOVE: Action.REMOVE}
_WAITING = (MatterState.UPHELD, MatterState.UPHELD_ABOVE)


def carry_out(session: Session, matter: MatterRow, record: RecordRow, grounds: Grounds, acting: Acting) -> Departure:
    """Withdraw or remove the entry as the matter was decided; that closes the matter (fulfilling.py).

    For court.take_down. Raises MatterRefused, NotAllowed or NotPermitted.
    """
    remedy = _read_remedy(matter)
    if remedy not in _DEPARTS:
        raise MatterRefused(f"该办件决定的是“{REMEDY_LABEL[remedy]}”，请在失信信息页面更正后登记")
    if matter.record_id != record.id:
        raise MatterRefused("该办件关联的不是这条失信信息")
    return take_down(session, record, _DEPARTS[remedy], grounds, acting, matter=matter.id)


def settle(session: Session, vault: Vault, matter: MatterRow, record: RecordRow, acting: Acting) -> None:
    """Close a matter of which what was decided has been done on the record's own page. Raises MatterRefused where nothing
    shows that it was."""
    remedy = _read_remedy(matter)
    if not State(record.state).has_departed:
        if remedy is not Remedy.CORRECT:
            raise MatterRefused(f"该失信信息还没有{REMEDY_LABEL[remedy]}")
        if not _was_corrected(session, vault, matter):
            raise MatterRefused("决定以后该失信信息还没有更正：请先在失信信息页面更正")
    take_step(session, vault, matter, Step.CARRY_OUT, acting)


def _read_remedy(matter: MatterRow) -> Remedy:
    if MatterState(matter.state) not in _WAITING or matter.outcome not in set(Remedy):
        raise MatterRefused("该办件没有等待办理的决定")
    return Remedy(matter.outcome)


def _was_corrected(session: Session, vault: Vault, matter: MatterRow) -> bool:
    decided = [note.at for note in read_notes(matter, vault) if note.step in (Step.UPHOLD, Step.UPHOLD_ABOVE)]
    query = select(AuditRow.id).where(
        AuditRow.record_id == matter.record_id,
        AuditRow.action == Action.CORRECT.value,
        AuditRow.at >= max(decided, default=matter.registered_at),
    )
    return session.scalar(query.limit(1)) is not None
