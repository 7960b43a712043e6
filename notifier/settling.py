"""Settling: what became of a message, as its call, the provider's receipts and answers, or a person have it.

Reports only ever add to what is known: what was delivered or has failed for good stays so, however often and in whatever
order reports come, and also when they come before the call has returned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine, bindparam, select
from sqlalchemy.orm import Session

from notifier.channels import Channel, Outcome
from notifier.claiming import Claim, Terms, find_attempt, to_claim
from notifier.institutions import PULL, SFTP, WEBHOOK
from notifier.outcomes import LOOKED_UP, lock_messages, next_look_up, obey_stop, report, settle
from notifier.policy import hold_after
from notifier.receipts import Applied as Applied
from notifier.receipts import Receipt as Receipt
from notifier.receipts import apply_kept
from notifier.receipts import apply_receipt as apply_receipt
from notifier.receipts import take_receipt as take_receipt
from notifier.states import FAILED, REPORTED, MessageState, move
from notifier.stops import hold_channel
from notifier.tables import AttemptRow, MessageRow, RecipientRow, RunRow

LOST_IN_CALL = "发送进程中断，未能得知结果"
LOST_BEFORE_CALL = "发送进程在发出之前中断"
_SERVERS_OF_RECIPIENTS = frozenset({PULL, SFTP, WEBHOOK})
# Made once: SQLAlchemy takes longer to put it together than the databases take to answer.
_BOTH = (
    select(MessageRow, AttemptRow)
    .join(AttemptRow, AttemptRow.message_id == MessageRow.id)
    .where(AttemptRow.id.in_(bindparam("attempts", expanding=True)))
    .order_by(MessageRow.id)
    .with_for_update(of=MessageRow)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A message whose end a provider is asked for."""

    claim: Claim
    state: MessageState
    reference: str | None


class Verdict(StrEnum):
    """What a person found out of a message whose end was not known."""

    ARRIVED = "arrived"
    SEND_AGAIN = "send_again"
    GIVE_UP = "give_up"


def close_calls(
    session: Session, finished: Sequence[tuple[Claim, Outcome]], terms: Terms, now: datetime
) -> list[Claim]:
    """Write down what became of calls; those that changed their message. A call whose lease has ended by then still
    counts as a report of its attempt, unless another attempt was begun."""
    rows, attempts = _lock_both(session, [claim for claim, _ in finished])
    settled = []
    for claim, outcome in finished:
        row, attempt = rows[claim.message_id], attempts[claim.message_id]
        if outcome.reference is not None:
            attempt.reference = outcome.reference
        if row.attempts == claim.number and _close(session, row, attempt, outcome, terms, now):
            settled.append(claim)
        obey_stop(session, row, outcome.stop, outcome.detail, terms, now)
    apply_kept(session, rows, attempts, terms, now)
    return settled


def recover_lost(engine: Engine, channels: Mapping[str, Channel], terms: Terms, now: datetime) -> None:
    """Settle attempts whose sender never came back: queued again where nothing was called or repeating does no harm,
    else unknown."""
    query = (
        select(MessageRow)
        .where(MessageRow.state == MessageState.SENDING, MessageRow.lease_until < now)
        .order_by(MessageRow.id)
        .with_for_update(skip_locked=True)
    )
    with Session(engine) as session, session.begin():
        for row in session.scalars(query).all():
            attempt = find_attempt(session, row.id, row.attempts)
            _recover(row, attempt, channels.get(row.channel), now)
            if row.state == MessageState.UNKNOWN:
                apply_kept(session, {row.id: row}, {row.id: attempt}, terms, now)


def take_questions(session: Session, channels: Collection[str], room: int, now: datetime) -> list[Question]:
    """Up to `room` messages whose provider is to be asked now what became of them. Each is asked a few times, and then
    left to a person."""
    query = (
        select(MessageRow, AttemptRow, RecipientRow, RunRow.period)
        .join(AttemptRow, (AttemptRow.message_id == MessageRow.id) & (AttemptRow.number == MessageRow.attempts))
        .outerjoin(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .outerjoin(RunRow, RunRow.id == MessageRow.run_id)
        .where(MessageRow.state.in_(LOOKED_UP), MessageRow.channel.in_(list(channels)))
        .where(MessageRow.next_attempt_at <= now)
        .order_by(MessageRow.next_attempt_at, MessageRow.id)
        .limit(room)
        .with_for_update(skip_locked=True, of=MessageRow)
    )
    questions = []
    for row, attempt, recipient, period in session.execute(query).all():
        row.lookups += 1
        row.next_attempt_at = next_look_up(row, now)
        claim = to_claim(row, attempt, recipient, period)
        questions.append(Question(claim=claim, state=MessageState(row.state), reference=attempt.reference))
    return questions


def answer_questions(
    session: Session, answers: Sequence[tuple[Question, Outcome]], terms: Terms, now: datetime
) -> None:
    """Take in what providers know of messages. FAILED_TEMPORARY: it has certainly not arrived, and may be sent again."""
    rows, attempts = _lock_both(session, [question.claim for question, _ in answers])
    for question, outcome in answers:
        row = rows[question.claim.message_id]
        # Whatever was learnt meanwhile is newer than this answer.
        if row.attempts == question.claim.number and row.state == question.state:
            attempt = attempts[row.id]
            attempt.reference = attempt.reference or outcome.reference
            report(session, row, attempt, outcome, terms, now)
        obey_stop(session, row, outcome.stop, outcome.detail, terms, now)


def settle_by_person(engine: Engine, message_id: int, verdict: Verdict, *, by: str, now: datetime) -> bool:
    """A person has found out what became of a message; False if its end was known by then."""
    state = {
        Verdict.ARRIVED: MessageState.DELIVERED,
        Verdict.SEND_AGAIN: MessageState.QUEUED,
        Verdict.GIVE_UP: MessageState.CANCELLED,
    }[verdict]
    with Session(engine) as session, session.begin():
        row = lock_messages(session, [message_id]).get(message_id)
        if row is None or row.state != MessageState.UNKNOWN:
            return False
        attempt = find_attempt(session, row.id, row.attempts)
        row.state = move(MessageState.UNKNOWN, state)
        row.reason = f"由{by}核实：{_VERDICT_WORDS[verdict]}"
        row.next_attempt_at = row.changed_at = now
        # For a recall, what a person has found not to have arrived has not arrived.
        attempt.outcome = state if verdict is Verdict.ARRIVED else MessageState.FAILED_TEMPORARY
        attempt.detail = row.reason
        return True


_VERDICT_WORDS = {
    Verdict.ARRIVED: "对方已收到",
    Verdict.SEND_AGAIN: "对方未收到，重新发送",
    Verdict.GIVE_UP: "对方未收到，不再发送",
}


def hold_if_asked(session: Session, channel: str, asked: Mapping[str, int], outcome: Outcome, now: datetime) -> None:
    """Leave a provider alone that wants to be; `asked` counts how often in a row each channel's did. What a recipient's
    own server wants holds its message only, and not the recalls of the others."""
    if channel in _SERVERS_OF_RECIPIENTS:
        return
    hold = hold_after(outcome.retry_after, asked.get(channel, 0))
    if hold is not None and outcome.state in FAILED:
        hold_channel(session, channel, now + hold)


def _recover(row: MessageRow, attempt: AttemptRow, channel: Channel | None, now: datetime) -> None:
    called = attempt.called_at is not None
    again = not called or (channel is not None and channel.repeatable)
    state = MessageState.QUEUED if again else MessageState.UNKNOWN
    row.state = move(MessageState.SENDING, state)
    row.lookups = 0
    row.next_attempt_at = now if again else next_look_up(row, now)
    row.lease_until = None
    row.changed_at = now
    attempt.ended_at = now
    attempt.outcome = state
    attempt.detail = LOST_IN_CALL if called else LOST_BEFORE_CALL


def _close(
    session: Session, row: MessageRow, attempt: AttemptRow, outcome: Outcome, terms: Terms, now: datetime
) -> bool:
    state = MessageState(row.state)
    if state is MessageState.SENDING:
        settle(row, attempt, outcome, terms, now)
        return True
    if state is MessageState.UNKNOWN and outcome.state in REPORTED:
        report(session, row, attempt, outcome, terms, now)
        return True
    # A receipt was quicker, or the lease has ended and repeating does no harm.
    attempt.ended_at = attempt.ended_at or now
    return False


def _lock_both(session: Session, claims: Sequence[Claim]) -> tuple[dict[int, MessageRow], dict[int, AttemptRow]]:
    """The messages, locked, and the attempts that the claims are of; each by message."""
    rows, attempts = {}, {}
    for row, attempt in session.execute(_BOTH, {"attempts": [claim.attempt_id for claim in claims]}).all():
        rows[row.id], attempts[row.id] = row, attempt
    return rows, attempts
