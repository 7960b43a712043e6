"""The one place where a record changes its state: what `lifecycle` decides, carried out in the caller's transaction.

Here and nowhere else are written, together: the state, the work list, the audit line, the clocks that begin and end, the
private notices, and the notice of exit. Lines of the journal are the caller's, who numbers them in chunks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from registry import audit, notices
from registry.acting import Acting
from registry.articles import take_down_naming
from registry.clockbook import About, end_clocks, set_clock
from registry.clocks import AT_ONCE
from registry.deadlines import EARLIEST_START, Rule
from registry.exit_notices import note_exit, take_back
from registry.lifecycle import ACTION_LABEL, Action, Transition, find_later_stage, find_stage, transition
from registry.matters.fulfilling import close_fulfilled
from registry.policy import Policy
from registry.record import Facts, State
from registry.tables import ClockRow, RecordRow
from registry.undecided import close_grounds, find_spared
from registry.units.ledger import note_release
from registry.units.releases import note_withdrawn
from registry.witnessing import note_move
from search_index.journal import ChangeType, EntryChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the work list of a draft is found by: its facts, and the policy that says what approval asks for."""

    facts: Facts
    policy: Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """Why a record departs, and on which day it did: the first on which it is on the list no more. `evidence` names a
    document."""

    ground: str | None
    on: date
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What the audit line says beyond the action: another word for it, the batch, the details, and the article where it
    is not the action's own. Names nobody."""

    word: str | None = None
    batch: int | None = None
    detail: Mapping[str, Any] | None = None
    article: str | None = None


_KEEP_BACK = frozenset({Action.CORRECT, Action.HOLD, Action.RESTRICT})
_SHOWS = frozenset({Action.APPROVE, Action.PUBLISH})

PLAIN = Line()
"""Nothing beyond the action."""


def move(
    session: Session,
    row: RecordRow,
    action: Action,
    acting: Acting,
    line: Line = PLAIN,
    *,
    leaving: Exit | None = None,
    draft: Draft | None = None,
) -> Transition:
    """Take `row` to where `action` leads, with all that follows. Raises NotAllowed, before anything is changed.

    `leaving` is needed for what departs, `draft` for what becomes or stays a draft (ValueError: a mistake in the program).
    """
    before = State(row.state)
    step = transition(before, action)
    if (leaving is not None) != action.ends:
        raise ValueError("a departure needs its ground, and nothing else has one")
    row.state, row.changed_at = step.state.value, acting.now
    if leaving is not None:
        row.departed_on, row.departed_ground = leaving.on, leaving.ground
    # What leaves the facts of a draft alone leaves it on its list.
    if step.state is not State.DRAFT or draft is not None or before is not State.DRAFT:
        keep_stage(row, acting.today, draft)
    detail = {**(line.detail or {}), "article": line.article or step.article}
    audit.note(
        session, acting.now, acting.actor, line.word or step.audited, record=row.id, batch=line.batch, detail=detail
    )
    if action not in _SHOWS:
        hides = before is not State.PUBLISHED and _keeps_back(before, action)
        note_move(session, row, action=action.value, actor=acting.actor, at=acting.now, detail=detail, hides=hides)
    if leaving is not None and Rule.TERM_END in step.sets:
        last = max(leaving.on - timedelta(days=1), EARLIEST_START)
        set_clock(session, acting, Rule.TERM_END, About(record=row.id), started_on=last, evidence=leaving.evidence)
    _end_clocks(session, row, step, acting)
    if leaving is not None:
        _leave(session, row, action, step, leaving, acting)
    return step


def follow_departures(session: Session, changes: Sequence[EntryChange], acting: Acting) -> None:
    """What follows from lines of the journal that say that entries have gone: articles that name them are taken down, and
    the units are told (香格里拉市 四（二）4、5). In the transaction of the lines, after them."""
    for change in changes:
        if change.type is ChangeType.GONE:
            take_down_naming(session, change.record, acting)
            note_release(session, change.record, acting)


def keep_stage(row: RecordRow, today: date, draft: Draft | None = None) -> None:
    """Put a record on the work list where it belongs; a draft by its facts and by what approval asks for."""
    state = State(row.state)
    if state is not State.DRAFT:
        row.stage = find_later_stage(state, row.grace_until, today).value
    elif draft is None:
        raise ValueError("the work list of a draft follows from its facts")
    else:
        is_own = row.source is None
        row.stage = find_stage(state, draft.facts, row.grace_until, draft.policy, today, is_own=is_own).value


def await_confirmation(session: Session, row: RecordRow, acting: Acting, basis: str) -> ClockRow:
    """Set the clock within which a second person confirms a hold."""
    return set_clock(session, acting, Rule.HOLD_CONFIRM, About(record=row.id), started_on=acting.today, evidence=basis)


def _keeps_back(before: State, action: Action) -> bool:
    """Whether by this a record that the public does not see is kept from being shown, where it would otherwise be."""
    return action.ends or (before is not State.DRAFT and action in _KEEP_BACK) or action is Action.GRACE


def _end_clocks(session: Session, row: RecordRow, step: Transition, acting: Acting) -> None:
    ends = step.ends
    if row.grace_until is None:
        ends -= {Rule.GRACE}
    # Nothing to look for, as a rule, when thousands are published.
    if ends:
        end_clocks(session, acting, ends, About(record=row.id))


def _leave(session: Session, row: RecordRow, action: Action, step: Transition, leaving: Exit, acting: Acting) -> None:
    was_public = step.change is not None
    if Rule.UNITS_TOLD in step.sets and row.number is not None:
        evidence = f"{ACTION_LABEL[action]}：{leaving.evidence}"
        set_clock(session, acting, Rule.UNITS_TOLD, About(record=row.id), started_on=acting.today, evidence=evidence)
    session.flush()
    spared = find_spared(session, row.id)
    if step.settles_grounds:
        close_grounds(session, row, acting)
        close_fulfilled(session, row, acting)
    # Of what another court listed, that court makes known and tells in private that it has left.
    is_own = row.source is None
    if step.exit_notice and not spared and is_own:
        note_exit(session, row, acting)
    if step.state is State.WITHDRAWN:
        take_back(session, row, acting)
        if not was_public and row.number is not None:
            note_withdrawn(session, row.number, acting)
    # Neither a child nor the dead are written to.
    if step.tells and not spared & AT_ONCE and is_own:
        notices.note_departure(session, row, acting.now, was_public=was_public)
