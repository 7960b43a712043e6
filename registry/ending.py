"""Ending what has reached its end (art. 10 ¶2): whoever's term is over leaves, whether the public sees the entry or not.

What the public sees ends by itself in every reader, by its `visible_until`; here the books follow. What it does not see
(approved, restricted, held) ends by its term, and nothing is told outside that was not told before.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from registry import journal
from registry.acting import SYSTEM, Acting
from registry.gate import find_end, find_last_start
from registry.lifecycle import Action
from registry.moving import PLAIN, Exit, Line, follow_departures, move
from registry.policy import Policy
from registry.record import State
from registry.tables import DecisionRow, RecordRow
from search_index.day import day_of
from search_index.journal import ChangeType

CHUNK = 500
_TERM_ENDED = "纳入期限届满（法释〔2017〕7号第十条第二款）"
# Listed, and not seen by the public. A draft lists nobody, and approval refuses it once its term is over.
_UNSEEN = (State.APPROVED.value, State.RESTRICTED.value, State.HELD.value)


def expire_some(session: Session, policy: Policy, acting: Acting) -> tuple[int, Sequence[str]]:
    """End what has reached its end (art. 10 ¶2), at most one chunk.

    Returns how many were looked at (none when nothing is left) and the numbers of those that were public.
    """
    acting = Acting(actor=SYSTEM, now=acting.now, clockwork=acting.clockwork)
    rows = _lock_some(session, _is_over_in_public(acting.now))
    rows = rows or _lock_some(session, _is_over_inside(policy, acting.today))
    changes = []
    for row in rows:
        change = end_record(session, row, policy, acting)
        if change and row.number:
            changes.append(journal.Change(type=change, record=row.number))
    session.flush()
    follow_departures(session, journal.append_changes(session, acting.now, changes), acting)
    return len(rows), [change.record for change in changes]


def end_record(
    session: Session, row: RecordRow, policy: Policy, acting: Acting, line: Line = PLAIN
) -> ChangeType | None:
    """End a record whose term is over, as of the day it ended however late the machine is; what the public is told."""
    ended = _day_of_end(row, policy, acting.today)
    basis = _basis_of(row, policy, ended)
    session.add(
        DecisionRow(
            record_id=row.id,
            action=Action.EXPIRE.value,
            ground="term_ended",
            basis=basis,
            arose_on=ended,
            known_on=ended,
            decided_at=acting.now,
            decided_by=SYSTEM,
        )
    )
    leaving = Exit(ground="expired", on=ended, evidence=basis)
    return move(session, row, Action.EXPIRE, acting, line, leaving=leaving).change


def is_over(row: RecordRow, policy: Policy, now: datetime) -> bool:
    """Whether a record that is on the list has reached its end, though nobody may have noted it yet (art. 10 ¶2)."""
    if row.state == State.PUBLISHED.value:
        over = row.visible_until
    elif row.state in _UNSEEN:
        over = find_end(_term_of(row), row.published_on or day_of(now), policy)
    else:
        over = None
    return over is not None and over <= now


def count_over(session: Session, policy: Policy, now: datetime) -> int:
    """How many have reached their end by `now` and are still on the list."""
    query = select(func.count()).select_from(RecordRow)
    which = (_is_over_in_public(now), _is_over_inside(policy, day_of(now)))
    return sum(session.scalar(query.where(one)) or 0 for one in which)


def _lock_some(session: Session, which: ColumnElement[bool]) -> Sequence[RecordRow]:
    query = select(RecordRow).where(which).order_by(RecordRow.id).limit(CHUNK).with_for_update()
    return session.scalars(query).all()


def _is_over_in_public(now: datetime) -> ColumnElement[bool]:
    over = RecordRow.visible_until <= now
    # Found by the index of ends, and not by looking at all that is public; asked once more of what was waited for.
    return and_(RecordRow.id.in_(select(RecordRow.id).where(over)), RecordRow.state == State.PUBLISHED.value, over)


def _is_over_inside(policy: Policy, today: date) -> ColumnElement[bool]:
    """Of a record that the public does not see: that it is over by what is written in it now. `visible_until` says what
    it was when it was shown last, and is empty where it never was."""
    term = RecordRow.facts["term_ends_on"].as_string()
    over = [term < today.isoformat()]
    if policy.display:
        over.append(and_(term.is_not(None), RecordRow.published_on <= find_last_start(policy.display.max_years, today)))
    return and_(RecordRow.state.in_(_UNSEEN), or_(*over))


def _day_of_end(row: RecordRow, policy: Policy, today: date) -> date:
    """The first day on which it was on the list no more."""
    days = [today]
    if term := _term_of(row):
        days.append(term + timedelta(days=1))
    if row.state != State.PUBLISHED.value:
        over = find_end(term, row.published_on or today, policy)
    else:
        over = row.visible_until
    if over:
        days.append(day_of(over))
    return min(days)


def _basis_of(row: RecordRow, policy: Policy, ended: date) -> str:
    term = _term_of(row)
    if policy.display and term is not None and ended <= term:
        return f"公布时间已满{policy.display.max_years}年（{policy.display.basis}）"
    return _TERM_ENDED


def _term_of(row: RecordRow) -> date | None:
    """The last day of the term."""
    ends = row.facts.get("term_ends_on")
    return date.fromisoformat(ends) if ends else None
