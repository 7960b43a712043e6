"""Reading from the decisions how fast entries were taken down, and telling the public what may be told of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import journal
from registry.acting import SYSTEM, Acting
from registry.clocks import find_start
from registry.deadlines import EARLIEST_START, Rule
from registry.lifecycle import Action
from registry.record import Disclosure
from registry.speed import Gone, build_figures
from registry.tables import DecisionRow, JournalRow, RecordRow
from search_index.day import day_of

SUBJECT, KEY, PUSHES = "figures", "departures", "pushes"
_READ = 1000
_DEPARTS = (Action.WITHDRAW.value, Action.REMOVE.value)
# Of these people had to decide; a term that runs out does so by itself.
_TELLS = (*_DEPARTS, Action.HOLD.value, Action.LIFT.value)


def append_figures(session: Session, acting: Acting) -> bool:
    """Journal the figures where they are not those the public knows already. True when they were new."""
    return _append(session, acting, KEY, build_figures(list_departures(session, acting), acting.today))


def append_pushes(session: Session, acting: Acting, body: Mapping[str, Any] | None) -> bool:
    """Journal the figures of pushes and acknowledgements, which the notifier counts (None: too little to tell), where they
    are not those the public knows already. True when they were new."""
    return _append(session, acting, PUSHES, body)


def _append(session: Session, acting: Acting, key: str, body: Mapping[str, Any] | None) -> bool:
    query = (
        select(JournalRow.body)
        .where(JournalRow.subject == SUBJECT, JournalRow.key == key)
        .order_by(JournalRow.position.desc())
        .limit(1)
    )
    known = session.scalar(query)
    if body is None or (known is not None and json.loads(known) == body):
        return False
    journal.append_subject(session, acting.now, SUBJECT, key, body)
    return True


def list_departures(session: Session, acting: Acting) -> Iterator[Gone]:
    """How every entry that was public, and is not restricted, was withdrawn or removed."""
    departed = select(DecisionRow.record_id).where(DecisionRow.action.in_(_DEPARTS))
    query = (
        select(DecisionRow)
        .join(RecordRow, RecordRow.id == DecisionRow.record_id)
        .where(
            DecisionRow.record_id.in_(departed),
            DecisionRow.action.in_(_TELLS),
            RecordRow.number.is_not(None),
            RecordRow.facts["disclosure"].as_string() == Disclosure.PUBLIC.value,
        )
        .order_by(DecisionRow.record_id, DecisionRow.id)
    )
    rows = session.scalars(query.execution_options(yield_per=_READ))
    for _, decisions in groupby(rows, key=lambda row: row.record_id):
        gone = _find_gone(list(decisions), acting)
        if gone is not None:
            yield gone


def _find_gone(decisions: Sequence[DecisionRow], acting: Acting) -> Gone | None:
    """Of the decisions on one record, in their order: since when it could not be seen when it departed. What the product
    had to hide by itself was not decided in time."""
    hidden: DecisionRow | None = None
    for decision in decisions:
        if decision.action == Action.HOLD.value:
            hidden = hidden or decision
        elif decision.action == Action.LIFT.value:
            hidden = None if decision.confirmed_at is not None else hidden
        else:
            return _measure(decision, hidden, acting)
    return None


def _measure(decision: DecisionRow, hidden: DecisionRow | None, acting: Acting) -> Gone:
    since = decision.decided_at if hidden is None else hidden.decided_at
    start = max(EARLIEST_START, find_start(decision.ground or "", decision.arose_on, decision.known_on))
    due = acting.clockwork.due(Rule.EXIT, start).due
    by_itself = hidden is not None and hidden.decided_by == SYSTEM
    return Gone(
        on=day_of(decision.decided_at),
        days=max(0, (day_of(since) - decision.known_on).days),
        in_time=since <= acting.clockwork.due_at(due) and not by_itself,
    )
