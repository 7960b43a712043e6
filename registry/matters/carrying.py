"""Taking down what an objection that is right asks to be taken down (法释〔2017〕7号 art. 9, 12 ¶1). What is to be corrected is
corrected on the page of the entry, which closes the matter (fulfilling.py)."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.deadlines import Rule
from registry.departing import Departure, Grounds, take_down
from registry.lifecycle import Action
from registry.matters.states import REMEDY_LABEL, MatterRefused, MatterState, Remedy
from registry.tables import ClockRow, MatterRow, RecordRow

_DEPARTS = {Remedy.WITHDRAW: Action.WITHDRAW, Remedy.REMOVE: Action.REMOVE}
_WAITING = (MatterState.UPHELD, MatterState.UPHELD_ABOVE)


def carry_out(session: Session, matter: MatterRow, record: RecordRow, grounds: Grounds, acting: Acting) -> Departure:
    """Withdraw or remove the entry as the matter was decided; that closes the matter (fulfilling.py).

    For court.take_down. Raises MatterRefused, NotAllowed or NotPermitted.
    """
    remedy = _read_remedy(matter)
    if remedy not in _DEPARTS:
        raise MatterRefused(f"该办件决定的是“{REMEDY_LABEL[remedy]}”，请在失信信息页面更正：更正以后自动办结")
    if matter.record_id != record.id:
        raise MatterRefused("该办件关联的不是这条失信信息")
    found_on = find_found_on(session, matter)
    if found_on is not None and grounds.known_on > found_on:
        raise MatterRefused(
            f"知悉的日期不能晚于认定理由成立之日（{found_on.isoformat()}）：请核对（法释〔2017〕7号第十二条第一款）"
        )
    return take_down(session, record, _DEPARTS[remedy], grounds, acting, matter=matter.id)


def find_found_on(session: Session, matter: MatterRow) -> date | None:
    """The day on which the objection was found right: from it what has to be done is counted (art. 12 ¶1)."""
    query = select(ClockRow.started_on).where(
        ClockRow.matter_id == matter.id, ClockRow.rule == Rule.CORRECTION_FIX.value
    )
    return session.scalar(query.order_by(ClockRow.id.desc()).limit(1))


def _read_remedy(matter: MatterRow) -> Remedy:
    if MatterState(matter.state) not in _WAITING or matter.outcome not in set(Remedy):
        raise MatterRefused("该办件没有等待办理的决定")
    return Remedy(matter.outcome)
