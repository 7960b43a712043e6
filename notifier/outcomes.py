"""What an outcome, or a report on it, makes of a message and its attempt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifier.channels import Outcome, Stop
from notifier.claiming import Terms
from notifier.policy import look_up_after, wait_after
from notifier.recall import note_late
from notifier.states import FAILED, REPORTED, MessageState, may_move, move
from notifier.stops import pause_channel, suppress
from notifier.tables import AttemptRow, MessageRow, RecipientRow

# When nobody is to be asked any more.
NEVER = datetime(9000, 1, 1, tzinfo=UTC)
LOOKED_UP = (MessageState.UNKNOWN, MessageState.ACCEPTED)


def settle(row: MessageRow, attempt: AttemptRow, outcome: Outcome, terms: Terms, now: datetime) -> None:
    """Give a message the state that an attempt, or a report on it, has led to."""
    state, wait = outcome.state, timedelta()
    if state in FAILED and outcome.stop is Stop.CHANNEL:
        # It is not the message that is at fault: it goes when a person has seen to the channel.
        state, wait = MessageState.FAILED_TEMPORARY, terms.rules.limits(row.channel).first_wait
    elif state is MessageState.FAILED_TEMPORARY:
        row.failures += 1
        found = wait_after(row.failures, terms.rules.limits(row.channel), terms.random, outcome.retry_after)
        state, wait = (state, found) if found is not None else (MessageState.FAILED_PERMANENT, wait)
    row.state = move(MessageState(row.state), state)
    row.lookups = 0
    row.next_attempt_at = next_look_up(row, now) if state in LOOKED_UP else now + wait
    row.lease_until = None
    row.changed_at = now
    attempt.ended_at = attempt.ended_at or now
    # What may lie with the recipient is recalled from there.
    attempt.outcome = MessageState.UNKNOWN if outcome.may_have_arrived and outcome.state in FAILED else outcome.state
    attempt.detail = outcome.detail


def report(
    session: Session, row: MessageRow, attempt: AttemptRow, outcome: Outcome, terms: Terms, now: datetime
) -> bool:
    """Add a report to what is known of a message; False when it adds nothing."""
    if outcome.state not in REPORTED or not may_move(MessageState(row.state), outcome.state):
        return False
    if attempt.outcome in FAILED and outcome.state not in FAILED:
        note_late(session, attempt)
    before = attempt.detail
    settle(row, attempt, outcome, terms, now)
    if before is not None:
        # What was known first stays on record.
        attempt.detail = f"{before}；{outcome.detail}"
    return True


def obey_stop(session: Session, row: MessageRow, stop: Stop, detail: str, terms: Terms, now: datetime) -> None:
    """Stop what else must stop when a message met this."""
    if stop is Stop.CHANNEL:
        pause_channel(session, row.channel, reason=detail, now=now)
    elif stop is Stop.ADDRESS and (address_hash := _address_hash(session, row, terms)) is not None:
        suppress(session, address_hash, reason=detail, opted_out=False, now=now)


def _address_hash(session: Session, row: MessageRow, terms: Terms) -> str | None:
    if row.address_hash is not None or row.recipient_id is None:
        return row.address_hash
    address = session.get_one(RecipientRow, row.recipient_id).address
    return terms.digest(address) if address is not None else None


def lock_messages(session: Session, ids: Sequence[int]) -> dict[int, MessageRow]:
    """The messages, by id, held until the transaction ends."""
    query = select(MessageRow).where(MessageRow.id.in_(ids)).order_by(MessageRow.id).with_for_update()
    return {row.id: row for row in session.scalars(query)}


def next_look_up(row: MessageRow, now: datetime) -> datetime:
    """When the provider is asked once more what became of a message."""
    wait = look_up_after(MessageState(row.state), row.lookups)
    return now + wait if wait is not None else NEVER
