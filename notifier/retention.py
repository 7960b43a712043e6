"""What is kept of messages that are over: that they went, when, and how it ended; neither to which number nor in which words."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Engine, and_, func, or_, select, update
from sqlalchemy.orm import Session

from notifier.states import MessageState, Purpose
from notifier.tables import AttemptRow, MessageRow, ReceiptRow
from search_index.database import for_reading

NOTICES, LETTERS = "notices", "letters"
"""The classes: what went to people, and to a unit's own system; what institutions were told."""

_CHUNK = 500
_PURPOSES: Mapping[str, tuple[Purpose, ...]] = {
    NOTICES: (Purpose.NOTICE, Purpose.DIGEST, Purpose.EVENT),
    LETTERS: (Purpose.RECALL, Purpose.CORRECTION, Purpose.CLARIFICATION, Purpose.REMINDER),
}
_OVER = [state.value for state in MessageState if state.is_final or state is MessageState.ACCEPTED]


def count_over(engine: Engine, before: Mapping[str, datetime]) -> dict[str, int]:
    """How many messages of each class ended before the moment given for it, and still have words or a number."""
    with Session(for_reading(engine)) as session:
        return {
            key: session.scalars(select(func.count()).where(_condition(key, moment))).one()
            for key, moment in before.items()
        }


def erase_over(engine: Engine, before: Mapping[str, datetime]) -> dict[str, int]:
    """Take address, words and what providers said from messages that ended before the moment given for their class; how many
    of each class. Safe to repeat."""
    erased: dict[str, int] = {}
    for key, moment in before.items():
        while count := _erase_some(engine, key, moment):
            erased[key] = erased.get(key, 0) + count
    return erased


def _condition(key: str, before: datetime) -> ColumnElement[bool]:
    return and_(
        MessageRow.purpose.in_([one.value for one in _PURPOSES[key]]),
        MessageRow.state.in_(_OVER),
        MessageRow.changed_at < before,
        or_(MessageRow.content.is_not(None), MessageRow.address.is_not(None)),
    )


def _erase_some(engine: Engine, key: str, before: datetime) -> int:
    with Session(engine) as session, session.begin():
        chosen = select(MessageRow.id).where(_condition(key, before)).order_by(MessageRow.id).limit(_CHUNK)
        ids = list(session.scalars(chosen.with_for_update(skip_locked=True)))
        if not ids:
            return 0
        # Without a reference no receipt that comes after all finds the message, and nothing is sent again without words.
        told = update(AttemptRow).where(AttemptRow.message_id.in_(ids))
        session.execute(told.values(detail=None, reference=None))
        session.execute(update(ReceiptRow).where(ReceiptRow.message_id.in_(ids)).values(detail="", reference=None))
        session.execute(update(MessageRow).where(MessageRow.id.in_(ids)).values(content=None, address=None))
        return len(ids)
