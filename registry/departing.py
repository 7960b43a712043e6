"""Taking a name down, and showing it again. Down takes one person; up takes two."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from registry import audit, journal, notices
from registry.lifecycle import Action, transition
from registry.record import State
from registry.tables import AuditRow, DecisionRow, RecordRow
from search_index.journal import EntryChange

REMOVAL_GROUNDS: Mapping[str, str] = {
    "performed": "已履行生效法律文书确定的义务或者人民法院已执行完毕（第十条第一款第一项）",
    "settled": "达成执行和解协议且已履行完毕（第十条第一款第二项）",
    "applicant_request": "申请执行人书面申请删除，人民法院审查同意（第十条第一款第三项）",
    "no_property_found": "终结本次执行程序后两次以上查控未发现可供执行财产，且无有效财产线索（第十条第一款第四项）",
    "stayed": "因审判监督或破产程序，依法裁定中止执行（第十条第一款第五项）",
    "not_enforceable": "依法裁定不予执行（第十条第一款第六项）",
    "closed": "依法裁定终结执行（第十条第一款第七项）",
    "early": "积极履行或者主动纠正失信行为，决定提前删除（第二条第二款）",
}
WITHDRAWAL_GROUNDS: Mapping[str, str] = {
    "wrongly_listed": "不应纳入而纳入（第九条第一款）",
    "minor": "被执行人为未成年人（第四条）",
    "deceased": "被执行人死亡（民事诉讼法第二百六十八条第三项）",
}
_TERM_ENTRY_NOTE = (
    "该记录有纳入期限，第十条第一款不当然适用（第十条第二款）：已按第二条第二款登记为提前删除，请补附决定"
)

# The audit lines that tell whether a request to show an entry again still stands.
_LIFT_REQUEST = "lift_request"
_VOIDS_LIFT_REQUEST = (Action.HOLD.value, Action.CORRECT.value)

# Case and document numbers do not have that many digits in a row.
_LONG_NUMBER = re.compile(r"\d{10}")


class NotPermitted(Exception):
    """A rule of four eyes or of dates stands against it. The message is for the person who tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """Why, on what document, and since when: clocks run from when the ground arose or was known, not from the click."""

    ground: str | None
    basis: str
    arose_on: date
    known_on: date

    def refuse_wrong_dates(self, today: date) -> None:
        """Raises NotPermitted."""
        if self.arose_on > today or self.known_on > today:
            raise NotPermitted("事由发生日和知悉日不能晚于今天：请核对 --arose 和 --known")
        if self.known_on < self.arose_on:
            raise NotPermitted("知悉日不能早于事由发生日：请核对 --arose 和 --known")

    def refuse_unfit_basis(self) -> None:
        """A basis is kept in the clear and read by many: it names a document, and nobody's numbers. Raises NotPermitted."""
        if not self.basis.strip():
            raise NotPermitted("依据不能是空的：请用 --basis 写明文书名称和文号，或者来源")
        if _LONG_NUMBER.search(self.basis):
            raise NotPermitted("依据中有身份证、电话或者账户一类的号码：请改写为文书名称和文号（个人信息保护法第六条）")


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What was done. `change` is None when the public had never seen the entry; `note` is for the clerk."""

    record: str | None
    state: State
    at: datetime
    change: EntryChange | None
    note: str | None = None


def take_down(
    session: Session, row: RecordRow, action: Action, grounds: Grounds, actor: str, now: datetime, today: date
) -> Departure:
    """Hold, withdraw or remove. Raises NotAllowed (wrong state) or NotPermitted (wrong dates, unfit basis)."""
    grounds.refuse_wrong_dates(today)
    grounds.refuse_unfit_basis()
    step = transition(State(row.state), action)
    row.state, row.changed_at = step.state.value, now
    if step.state.has_departed:
        row.departed_on, row.departed_ground = today, grounds.ground
    session.add(_decision(row, action, grounds, actor, now))
    session.flush()
    change = journal.Change(type=step.change, record=row.number) if step.change and row.number else None
    entries = journal.append_changes(session, now, [change] if change else [])
    dates = {"arose_on": str(grounds.arose_on), "known_on": str(grounds.known_on)}
    detail = {"ground": grounds.ground, "basis": grounds.basis, **dates}
    audit.note(session, now, actor, action.value, record=row.id, detail=detail)
    if step.state.has_departed:
        notices.note_departure(session, row, now, was_public=change is not None)
    on_term = action is Action.REMOVE and grounds.ground != "early" and row.facts.get("term_ends_on")
    return Departure(
        record=row.number,
        state=step.state,
        at=now,
        change=entries[0] if entries else None,
        note=_TERM_ENTRY_NOTE if on_term else None,
    )


def confirm_hold(session: Session, row: RecordRow, actor: str, now: datetime) -> None:
    """A second person stands by a hold. Raises NotPermitted."""
    decision = _find_hold(session, row)
    if decision is None or State(row.state) is not State.HELD:
        raise NotPermitted("该记录没有待确认的屏蔽")
    _confirm(decision, actor, now)
    audit.note(session, now, actor, "hold_confirm", record=row.id)


def lift_hold(session: Session, row: RecordRow, basis: str, actor: str, now: datetime, today: date) -> bool:
    """Ask to show a held entry again, or, as a second person, agree to it. True when the hold is lifted.

    Raises NotAllowed or NotPermitted.
    """
    step = transition(State(row.state), Action.LIFT)
    request = _find_lift_request(session, row)
    if request is None:
        grounds = Grounds(ground=None, basis=basis, arose_on=today, known_on=today)
        grounds.refuse_unfit_basis()
        session.add(_decision(row, Action.LIFT, grounds, actor, now))
        audit.note(session, now, actor, _LIFT_REQUEST, record=row.id, detail={"basis": basis})
        return False
    _confirm(request, actor, now)
    row.state, row.changed_at = step.state.value, now
    audit.note(session, now, actor, "lift", record=row.id)
    return True


def lift_is_asked(session: Session, row: RecordRow) -> bool:
    """Whether somebody has asked to show this entry, as it stands, again and nobody has agreed yet."""
    return _find_lift_request(session, row) is not None


def _find_hold(session: Session, row: RecordRow) -> DecisionRow | None:
    """The hold that is in force, where nobody has confirmed it yet."""
    confirmed_lift = and_(DecisionRow.action == Action.LIFT.value, DecisionRow.confirmed_at.is_not(None))
    newest = _newest(session, row, or_(DecisionRow.action == Action.HOLD.value, confirmed_lift))
    is_open = newest is not None and newest.action == Action.HOLD.value and newest.confirmed_at is None
    return newest if is_open else None


def _find_lift_request(session: Session, row: RecordRow) -> DecisionRow | None:
    request = _newest(session, row, DecisionRow.action == Action.LIFT.value)
    if request is None or request.confirmed_at is not None:
        return None
    # Who asked before a correction, or another hold, did not ask to show what it says now. By the order in which things
    # were written down, and not by their times: a clock can be set back.
    after = (
        select(AuditRow.action)
        .where(AuditRow.record_id == row.id, AuditRow.action.in_((_LIFT_REQUEST, *_VOIDS_LIFT_REQUEST)))
        .order_by(AuditRow.id.desc())
        .limit(1)
    )
    return request if session.scalar(after) == _LIFT_REQUEST else None


def _decision(row: RecordRow, action: Action, grounds: Grounds, actor: str, now: datetime) -> DecisionRow:
    return DecisionRow(
        record_id=row.id,
        action=action.value,
        ground=grounds.ground,
        basis=grounds.basis,
        arose_on=grounds.arose_on,
        known_on=grounds.known_on,
        decided_at=now,
        decided_by=actor,
    )


def _newest(session: Session, row: RecordRow, which: ColumnElement[bool]) -> DecisionRow | None:
    query = select(DecisionRow).where(DecisionRow.record_id == row.id, which).order_by(DecisionRow.id.desc()).limit(1)
    return session.scalar(query)


def _confirm(decision: DecisionRow, actor: str, now: datetime) -> None:
    if decision.decided_by == actor:
        raise NotPermitted(f"须由另一人确认：“{actor}”正是提出的人")
    decision.confirmed_at, decision.confirmed_by = now, actor
