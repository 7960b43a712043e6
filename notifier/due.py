"""What is due: the messages that a sender may claim next, with what decides on them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from notifier.policy import Rules
from notifier.states import SENDABLE
from notifier.stops import AddressDigest
from notifier.tables import ChannelDayRow, MessageRow, RecallRow, RecipientRow, RunRow
from search_index.day import day_of

_STATES = sorted(SENDABLE)
_NO_LIMIT = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A message that is due, and what is asked of its recipient, its run and its recall before it goes. `recalled` is
    the record that it recalls."""

    id: int
    state: str
    purpose: str
    dispatch: str
    recipient_id: int | None
    slug: str | None
    active: bool | None
    address: str | None
    address_hash: str | None
    content: str | None
    record: str | None
    citizen: bool
    run_id: int | None
    period: str | None
    recalled: str | None
    revision: int
    attempts: int
    priority: int
    next_attempt_at: datetime
    expires_at: datetime | None
    called_on: date | None

    @property
    def order(self) -> tuple[int, datetime, int]:
        return self.priority, self.next_attempt_at, self.id


# Made once: SQLAlchemy takes longer to put them together than the databases take to answer.
_DUE = (
    select(
        MessageRow.id,
        MessageRow.state,
        MessageRow.purpose,
        MessageRow.dispatch,
        MessageRow.recipient_id,
        RecipientRow.slug,
        RecipientRow.active,
        # A recipient's message goes to the address that the recipient has now.
        func.coalesce(MessageRow.address, RecipientRow.address).label("address"),
        MessageRow.address_hash,
        MessageRow.content,
        MessageRow.record,
        MessageRow.citizen,
        MessageRow.run_id,
        RunRow.period,
        RecallRow.record.label("recalled"),
        MessageRow.revision,
        MessageRow.attempts,
        MessageRow.priority,
        MessageRow.next_attempt_at,
        MessageRow.expires_at,
        MessageRow.called_on,
    )
    .outerjoin(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
    .outerjoin(RunRow, RunRow.id == MessageRow.run_id)
    .outerjoin(RecallRow, RecallRow.id == MessageRow.recall_id)
    .where(MessageRow.state == bindparam("state"), MessageRow.channel == bindparam("channel"))
    .where(MessageRow.next_attempt_at <= bindparam("now"))
    .order_by(MessageRow.priority, MessageRow.next_attempt_at, MessageRow.id)
    .limit(bindparam("room"))
    # SQLite has one writer at a time, and the transaction is it.
    .with_for_update(skip_locked=True, of=MessageRow)
)
_SENT = (
    select(MessageRow.address_hash, func.count())
    .where(MessageRow.address_hash.in_(bindparam("hashes", expanding=True)), MessageRow.called_on == bindparam("day"))
    .group_by(MessageRow.address_hash)
)


def find_due(session: Session, channel: str, room: int, digest: AddressDigest, now: datetime) -> list[Due]:
    """Up to `room` messages of a channel that are due, what goes first is first; held until the transaction ends."""
    found: list[Due] = []
    connection = session.connection()
    for state in _STATES:
        asked = {"state": state, "channel": channel, "now": now, "room": room}
        found += [Due(**row) for row in connection.execute(_DUE, asked).mappings()]
    found.sort(key=lambda one: one.order)
    return [
        one if one.address_hash or one.address is None else replace(one, address_hash=digest(one.address))
        for one in found[:room]
    ]


def count_sent(session: Session, hashes: Collection[str], now: datetime) -> dict[str, int]:
    """How many messages each address got today, by its digest."""
    if not hashes:
        return {}
    found = session.connection().execute(_SENT, {"hashes": list(hashes), "day": day_of(now)})
    return {address_hash: count for address_hash, count in found if address_hash is not None}


def find_left_today(session: Session, channel: str, rules: Rules, now: datetime) -> int:
    """How many calls a channel has left today."""
    most = rules.limits(channel).per_day
    if most is None:
        return _NO_LIMIT
    row = session.get(ChannelDayRow, (channel, day_of(now)))
    return most - (row.calls if row else 0)
