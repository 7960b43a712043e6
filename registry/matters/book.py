"""The book of matters (办件): what came in is registered, and each step is taken in one transaction.

A step moves the matter by the pure table (states.py), notes its words sealed, sets and ends its clocks, writes the audit
line with the article, and tells the portal and the units. Nothing here takes a name down: see carrying.py. What was found
right closes when it is done (fulfilling.py), and here where by then nothing was left to do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.clockbook import About, end_clocks, set_clock
from registry.deadlines import RULES, Bearer, Rule
from registry.matters.checking import (
    FINDS_RIGHT,
    Arrival,
    Given,
    refuse_foreign,
    refuse_incomplete,
    refuse_listed,
    refuse_unfit,
)
from registry.matters.content import Note, add_note, keep_faults, read_faults, seal_content
from registry.matters.corrections import choose_faults, find_uncorrected
from registry.matters.states import (
    CHANNEL_LABEL,
    FIRST_ARTICLE,
    FIRST_CLOCK,
    STEP_LABEL,
    MatterKind,
    MatterRefused,
    MatterState,
    Move,
    Remedy,
    Step,
    find_move,
)
from registry.matters.telling import tell_portal
from registry.matters.verifying import is_verifying, set_mark, tell_units
from registry.preparers import find_involved, say_who_may
from registry.record import State
from registry.records import read_facts
from registry.tables import ClockRow, MatterRow, RecordRow
from registry.vault import Vault

RECUSED = (
    "“{actor}”是该失信信息的录入人或者审核人，应当由另一名审核人决定；"
    "认为应当立即退出的，可以直接屏蔽、撤销或者删除该失信信息"
)
_DECIDES = frozenset({Step.UPHOLD, Step.REJECT, Step.AMEND})
# The document of service, of telling somebody, of giving up shows that it was done, and is not what was decided on.
_SHOWS_DAY = frozenset({Step.SERVE, Step.TELL, Step.DROP})


def register_matter(session: Session, vault: Vault, arrival: Arrival, acting: Acting) -> MatterRow:
    """Register what came in. Its clock runs from the day it truly arrived, and a late application is registered like any
    other. Raises MatterRefused."""
    refuse_unfit(session, arrival, acting)
    kind, channel, day = arrival.kind, arrival.channel, arrival.received_on.isoformat()
    row = MatterRow(
        kind=kind.value,
        state=MatterState.RECEIVED.value,
        receipt=arrival.receipt,
        token=arrival.token,
        channel=channel.value,
        record_id=arrival.record.id if arrival.record is not None else None,
        unit_id=arrival.unit.id if arrival.unit is not None else None,
        ground=arrival.ground.value if arrival.ground is not None else None,
        received_on=arrival.received_on,
        registered_at=acting.now,
        registered_by=acting.actor,
        sealed=b"",
    )
    session.add(row)
    session.flush()
    seal_content(row, vault, arrival.content)
    rule = FIRST_CLOCK[kind]
    if rule is not None:
        evidence = f"{CHANNEL_LABEL[channel]}，收到日期{day}"
        _set(session, acting, row, rule, arrival.received_on, evidence)
        set_mark(session, row, acting, evidence)
    detail = {"channel": channel.value, "received_on": day, "claim": row.ground}
    _note_audit(session, acting, row, "register", {"article": FIRST_ARTICLE[kind], **detail})
    tell_units(session, row, acting, was_verifying=False)
    tell_portal(session, row, acting)
    return row


def take_step(
    session: Session, vault: Vault, row: MatterRow, step: Step, acting: Acting, given: Given | None = None
) -> None:
    """Take one step of a matter that get_matter has locked. Raises MatterRefused where the step has no place, something
    is missing, or another person must take it."""
    given = given or Given()
    move = find_move(MatterKind(row.kind), MatterState(row.state), step)
    refuse_foreign(session, row, step)
    refuse_incomplete(session, row, step, move, acting, given)
    if step in _DECIDES and find_recused(session, row, acting.actor):
        raise MatterRefused(f"{RECUSED.format(actor=acting.actor)}；{say_who_may_decide(session, row)}")
    day = given.on or acting.today
    _end(session, acting, row, move, given.on)
    if move.sets is not None:
        _set(session, acting, row, move.sets, day, f"{STEP_LABEL[step]}，{day.isoformat()}")
    words, basis = given.words.strip(), given.basis.strip()
    add_note(row, vault, Note(step=step.value, at=acting.now, by=acting.actor, on=given.on, words=words, basis=basis))
    if step in FINDS_RIGHT:
        _keep_faults(session, vault, row, given)
    move_on(session, row, step, move, acting, given)
    if step in FINDS_RIGHT:
        _finish_if_nothing_is_left(session, vault, row, acting)


def finish(session: Session, row: MatterRow, acting: Acting, *, void: bool = False, given: Given | None = None) -> None:
    """Close a matter that was found right because what it asked for is done by now; `void` where there was nothing to do.
    `given` is what the audit line says of it."""
    move = find_move(MatterKind(row.kind), MatterState(row.state), Step.CARRY_OUT)
    end_clocks(session, acting, move.ends, About(matter=row.id), void=void)
    move_on(session, row, Step.CARRY_OUT, move, acting, given or Given())


def move_on(session: Session, row: MatterRow, step: Step, move: Move, acting: Acting, given: Given) -> None:
    """The columns, the audit line and whom it is told, once nothing stands against the step."""
    was, was_verifying = row.state, is_verifying(row)
    row.state = move.state.value
    _set_columns(row, step, move, acting, given)
    detail: dict[str, Any] = {"article": move.article, "from": was, "to": row.state}
    if given.on is not None:
        detail["on"] = given.on.isoformat()
    if given.on not in (None, acting.today):
        detail["entered_on"] = acting.today.isoformat()
    if given.basis:
        detail["basis"] = given.basis.strip()
    if row.outcome is not None:
        detail["outcome"] = row.outcome
    if given.fields:
        detail["fields"] = sorted(set(given.fields))
    if given.unit is not None:
        detail["unit"] = given.unit
    _note_audit(session, acting, row, step.value, detail)
    tell_units(session, row, acting, was_verifying)
    tell_portal(session, row, acting)


def link_record(session: Session, row: MatterRow, record: RecordRow, acting: Acting) -> None:
    """Say which entry an open matter is about; its clocks are that entry's, too. Raises MatterRefused."""
    if MatterState(row.state).is_closed:
        raise MatterRefused("该办件已经办结，不能再改关联的失信信息")
    if MatterState(row.state) is not MatterState.RECEIVED and row.record_id is not None:
        raise MatterRefused("该办件已经开始办理，不能再改关联的失信信息：请另行登记")
    if row.kind == MatterKind.REPAIR.value:
        refuse_listed(session, record)
    was_verifying = row.record_id is not None and is_verifying(row)
    if was_verifying and row.record_id != record.id:
        raise MatterRefused("单位已被告知正在核实另一条失信信息：请先登记撤回，再另行登记")
    row.record_id = record.id
    clocks = select(ClockRow).where(ClockRow.matter_id == row.id, ClockRow.ended.is_(None))
    for clock in session.scalars(clocks):
        clock.record_id = record.id
    _note_audit(session, acting, row, "link", {})
    tell_units(session, row, acting, was_verifying)


def get_matter(session: Session, matter_id: int) -> MatterRow | None:
    """The matter with this id, locked for the transaction; before it the entry it is about, as whatever is done to an entry
    locks them in this order."""
    record = select(MatterRow.record_id).where(MatterRow.id == matter_id).scalar_subquery()
    session.execute(select(RecordRow.id).where(RecordRow.id == record).with_for_update())
    return session.scalar(select(MatterRow).where(MatterRow.id == matter_id).with_for_update())


def find_recused(session: Session, row: MatterRow, actor: str) -> bool:
    """Whether this person ever prepared or approved the listing that an objection is about, and so may not decide
    whether it was right (香格里拉市 四（二）2 审核纠错机制). Such a person may still hold, withdraw or remove the entry at
    once: down takes one."""
    record = session.get(RecordRow, row.record_id) if row.record_id is not None else None
    return record is not None and actor in find_involved(session, record)


def say_who_may_decide(session: Session, row: MatterRow) -> str:
    """In Chinese: who may decide an objection, or what to do where nobody may."""
    record = session.get(RecordRow, row.record_id) if row.record_id is not None else None
    return say_who_may(session, find_involved(session, record) if record is not None else ())


def _set_columns(row: MatterRow, step: Step, move: Move, acting: Acting, given: Given) -> None:
    if step in FINDS_RIGHT and given.remedy is not None:
        row.outcome = given.remedy.value
    elif step in _OUTCOMES and (step is not Step.DROP or row.decided_at is None):
        row.outcome = _OUTCOMES[step]
    if step in (Step.UPHOLD, Step.REJECT, Step.ALLOW, Step.REFUSE):
        row.decided_at, row.decided_by = acting.now, acting.actor
    if given.basis and step not in _SHOWS_DAY:
        row.basis = given.basis.strip()
    if step is Step.SERVE:
        row.served_on = given.on
    if step is Step.ROUTE:
        row.unit_id = given.unit
    row.closed_at = acting.now if move.closes else None


_OUTCOMES: Mapping[Step, str] = MappingProxyType(
    {
        Step.REJECT: "rejected",
        Step.DROP: "dropped",
        Step.TELL: "told",
        Step.REFER: "referred",
        Step.ALLOW: "allowed",
        Step.REFUSE: "refused",
    }
)


def _keep_faults(session: Session, vault: Vault, row: MatterRow, given: Given) -> None:
    record = session.get_one(RecordRow, row.record_id)
    if given.remedy is not Remedy.CORRECT or State(record.state).has_departed:
        keep_faults(row, vault, {})
        return
    facts = read_facts(record, vault, record.identity)
    keep_faults(row, vault, choose_faults(given.fields, facts, read_faults(row, vault)))


def _finish_if_nothing_is_left(session: Session, vault: Vault, row: MatterRow, acting: Acting) -> None:
    """What has departed by the time it is found wrong needs nothing more; nor does what was corrected before it was said
    anew which fields are wrong."""
    record = session.get_one(RecordRow, row.record_id)
    if State(record.state).has_departed:
        # That it ought never to have been listed is more than that it left for another reason (art. 9 ¶1).
        if row.outcome != Remedy.WITHDRAW.value or State(record.state) is State.WITHDRAWN:
            finish(session, row, acting, void=True)
    elif row.outcome == Remedy.CORRECT.value:
        facts = read_facts(record, vault, record.identity)
        if not find_uncorrected(read_faults(row, vault), facts):
            finish(session, row, acting)


def _set(session: Session, acting: Acting, row: MatterRow, rule: Rule, started_on: date, evidence: str) -> None:
    about = About(record=row.record_id, matter=row.id)
    set_clock(session, acting, rule, about, started_on=started_on, evidence=evidence)


def _end(session: Session, acting: Acting, row: MatterRow, move: Move, on: date | None) -> None:
    """End the clocks of a move. Where the act itself was on another day, that day says whether it was in time; a duty that
    was missed by then stays missed, though nothing is to be done any more."""
    if not move.ends:
        return
    for clock in end_clocks(session, acting, move.ends, About(matter=row.id), void=move.ends_void):
        if move.ends_void:
            is_duty = RULES[Rule(clock.rule)].bearer is not Bearer.PARTY
            clock.ended = "missed" if is_duty and (on or acting.today) > clock.due else "void"
        elif on is not None:
            clock.ended = "met" if on <= clock.due else "missed"


def _note_audit(session: Session, acting: Acting, row: MatterRow, what: str, detail: Mapping[str, Any]) -> None:
    action = f"{row.kind}_{what}"
    audit.note(session, acting.now, acting.actor, action, record=row.record_id, detail={"matter": row.id, **detail})
