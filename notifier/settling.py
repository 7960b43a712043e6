"""Settling: what became of a message, as its call, the provider's receipts and answers, or a person have it.

Reports only ever add to what is known: what was delivered or has failed for good stays so, however often and in whatever
order reports come, and also when they come before the call has returned.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from hashlib import sha256

from sqlalchemy import Engine, bindparam, or_, select
from sqlalchemy.orm import Session

from notifier.channels import Channel, Outcome, Stop
from notifier.claiming import Claim, Terms, find_attempt, to_claim
from notifier.institutions import PULL, SFTP, WEBHOOK
from notifier.policy import hold_after, look_up_after, wait_after
from notifier.states import FAILED, REPORTED, MessageState, may_move, move
from notifier.stops import hold_channel, insert_new, pause_channel, suppress
from notifier.tables import AttemptRow, MessageRow, ReceiptRow, RecipientRow, RunRow

# When nobody is to be asked any more.
_NEVER = datetime(9000, 1, 1, tzinfo=UTC)
LOST_IN_CALL = "发送进程中断，未能得知结果"
LOST_BEFORE_CALL = "发送进程在发出之前中断"
_SERVERS_OF_RECIPIENTS = frozenset({PULL, SFTP, WEBHOOK})
_LOOKED_UP = (MessageState.UNKNOWN, MessageState.ACCEPTED)
# Made once: SQLAlchemy takes longer to put them together than the databases take to answer.
_BOTH = (
    select(MessageRow, AttemptRow)
    .join(AttemptRow, AttemptRow.message_id == MessageRow.id)
    .where(AttemptRow.id.in_(bindparam("attempts", expanding=True)))
    .order_by(MessageRow.id)
    .with_for_update(of=MessageRow)
)
_KEPT = (
    select(ReceiptRow)
    .where(
        or_(
            ReceiptRow.message_id.in_(bindparam("ids", expanding=True)),
            ReceiptRow.reference.in_(bindparam("references", expanding=True)),
        ),
        ReceiptRow.applied.is_(False),
    )
    .order_by(ReceiptRow.id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider reports of a message, by our id of it or by its own reference. `retry_after` is how long it wants
    to be left alone before the message is sent again."""

    channel: str
    state: MessageState
    detail: str
    dispatch: str | None = None
    reference: str | None = None
    stop: Stop = Stop.NOTHING
    retry_after: timedelta | None = None


class Applied(Enum):
    """What a receipt came to."""

    NEW = "new"
    # Said before, or less than what is known.
    NOTHING_NEW = "nothing new"
    # Kept until the call that it belongs to has returned.
    KEPT = "kept"


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
        _stop(session, row, outcome.stop, outcome.detail, terms, now)
    _apply_kept(session, rows, attempts, terms, now)
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
                _apply_kept(session, {row.id: row}, {row.id: attempt}, terms, now)


def apply_receipt(engine: Engine, receipt: Receipt, terms: Terms, now: datetime) -> Applied:
    """Take in a receipt; once, however often and in whatever order receipts come. `receipt.state` is ACCEPTED,
    DELIVERED or one of the failures."""
    with Session(engine) as session, session.begin():
        return take_receipt(session, receipt, terms, now)


def take_receipt(session: Session, receipt: Receipt, terms: Terms, now: datetime) -> Applied:
    """The same within the caller's transaction."""
    if receipt.state not in REPORTED:
        raise ValueError(f"no receipt says {receipt.state}")
    kept = _keep(session, receipt, now)
    if kept is None:
        return Applied.NOTHING_NEW
    found = _find_reported(session, receipt)
    if found is None:
        return Applied.KEPT
    row, attempt = found
    kept.message_id = row.id
    outcome = Outcome(
        state=receipt.state,
        detail=receipt.detail,
        reference=receipt.reference,
        retry_after=receipt.retry_after,
        stop=receipt.stop,
    )
    return _apply(session, kept, outcome, row, attempt, terms, now)


def take_questions(session: Session, channels: Collection[str], room: int, now: datetime) -> list[Question]:
    """Up to `room` messages whose provider is to be asked now what became of them. Each is asked a few times, and then
    left to a person."""
    query = (
        select(MessageRow, AttemptRow, RecipientRow, RunRow.period)
        .join(AttemptRow, (AttemptRow.message_id == MessageRow.id) & (AttemptRow.number == MessageRow.attempts))
        .outerjoin(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .outerjoin(RunRow, RunRow.id == MessageRow.run_id)
        .where(MessageRow.state.in_(_LOOKED_UP), MessageRow.channel.in_(list(channels)))
        .where(MessageRow.next_attempt_at <= now)
        .order_by(MessageRow.next_attempt_at, MessageRow.id)
        .limit(room)
        .with_for_update(skip_locked=True, of=MessageRow)
    )
    questions = []
    for row, attempt, recipient, period in session.execute(query).all():
        row.lookups += 1
        row.next_attempt_at = _next_look_up(row, now)
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
            _report(row, attempt, outcome, terms, now)
        _stop(session, row, outcome.stop, outcome.detail, terms, now)


def settle_by_person(engine: Engine, message_id: int, verdict: Verdict, *, by: str, now: datetime) -> bool:
    """A person has found out what became of a message; False if its end was known by then."""
    state = {
        Verdict.ARRIVED: MessageState.DELIVERED,
        Verdict.SEND_AGAIN: MessageState.QUEUED,
        Verdict.GIVE_UP: MessageState.CANCELLED,
    }[verdict]
    with Session(engine) as session, session.begin():
        row = _lock(session, [message_id]).get(message_id)
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
    row.next_attempt_at = now if again else _next_look_up(row, now)
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
        _settle(row, attempt, outcome, terms, now)
        return True
    if state is MessageState.UNKNOWN and outcome.state in REPORTED:
        _report(row, attempt, outcome, terms, now)
        return True
    # A receipt was quicker, or the lease has ended and repeating does no harm.
    attempt.ended_at = attempt.ended_at or now
    return False


def _settle(row: MessageRow, attempt: AttemptRow, outcome: Outcome, terms: Terms, now: datetime) -> None:
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
    row.next_attempt_at = _next_look_up(row, now) if state in _LOOKED_UP else now + wait
    row.lease_until = None
    row.changed_at = now
    attempt.ended_at = attempt.ended_at or now
    attempt.outcome = outcome.state
    attempt.detail = outcome.detail


def _report(row: MessageRow, attempt: AttemptRow, outcome: Outcome, terms: Terms, now: datetime) -> bool:
    """Add a report to what is known of a message; False when it adds nothing."""
    if outcome.state not in REPORTED or not may_move(MessageState(row.state), outcome.state):
        return False
    before = attempt.detail
    _settle(row, attempt, outcome, terms, now)
    if before is not None:
        # What was known first stays on record.
        attempt.detail = f"{before}；{outcome.detail}"
    return True


def _stop(session: Session, row: MessageRow, stop: Stop, detail: str, terms: Terms, now: datetime) -> None:
    if stop is Stop.CHANNEL:
        pause_channel(session, row.channel, reason=detail, now=now)
    elif stop is Stop.ADDRESS and (address_hash := _address_hash(session, row, terms)) is not None:
        suppress(session, address_hash, reason=detail, opted_out=False, now=now)


def _address_hash(session: Session, row: MessageRow, terms: Terms) -> str | None:
    if row.address_hash is not None or row.recipient_id is None:
        return row.address_hash
    address = session.get_one(RecipientRow, row.recipient_id).address
    return terms.digest(address) if address is not None else None


def _keep(session: Session, receipt: Receipt, now: datetime) -> ReceiptRow | None:
    """The receipt's row; None when the same was said before."""
    said = "\x1f".join((receipt.channel, receipt.dispatch or "", receipt.reference or "", receipt.state))
    token = sha256(said.encode("utf-8")).hexdigest()
    values = {
        "token": token,
        "channel": receipt.channel,
        "message_id": None,
        "reference": receipt.reference,
        "state": receipt.state.value,
        "detail": receipt.detail,
        "received_at": now,
        "applied": False,
    }
    made = session.execute(insert_new(session, ReceiptRow, "token").returning(ReceiptRow.id), [values]).first()
    return session.get_one(ReceiptRow, made[0]) if made else None


def _find_reported(session: Session, receipt: Receipt) -> tuple[MessageRow, AttemptRow | None] | None:
    """The message that a receipt is of, and the attempt, where its reference says which."""
    attempt = None
    if receipt.reference is not None:
        of_channel = select(AttemptRow).join(MessageRow, MessageRow.id == AttemptRow.message_id)
        query = of_channel.where(AttemptRow.reference == receipt.reference, MessageRow.channel == receipt.channel)
        attempt = session.scalars(query.order_by(AttemptRow.id.desc()).limit(1)).first()
    known = select(MessageRow.id).where(MessageRow.dispatch == receipt.dispatch, MessageRow.channel == receipt.channel)
    message_id = attempt.message_id if attempt is not None else receipt.dispatch and session.scalar(known)
    if not message_id:
        return None
    return _lock(session, [message_id])[message_id], attempt


def _apply(
    session: Session,
    kept: ReceiptRow,
    outcome: Outcome,
    row: MessageRow,
    attempt: AttemptRow | None,
    terms: Terms,
    now: datetime,
) -> Applied:
    if not row.attempts:
        # Nothing has left the house: it cannot be of this message.
        kept.applied = True
        return Applied.NOTHING_NEW
    last = find_attempt(session, row.id, row.attempts)
    if outcome.state in FAILED:
        # Whichever attempt it is of, the address or the channel is what the provider says it is.
        _stop(session, row, outcome.stop, kept.detail, terms, now)
        if row.state == MessageState.SENDING:
            # It may be of an attempt before this one, until the call returns with its reference.
            return Applied.KEPT
        if not _is_of(kept, attempt, last):
            kept.applied = True
            return Applied.NOTHING_NEW
    kept.applied = True
    if outcome.state is MessageState.ACCEPTED and _has_failed(session, kept, attempt):
        return Applied.NOTHING_NEW
    new = _report(row, attempt or last, outcome, terms, now)
    return Applied.NEW if new else Applied.NOTHING_NEW


def _has_failed(session: Session, kept: ReceiptRow, attempt: AttemptRow | None) -> bool:
    """Whether the provider has said before that what it calls by this reference did not arrive: reports come in any
    order, and "sent" is older than that. What failed for us alone may still turn out to be under way."""
    if kept.reference is None:
        return False
    if attempt is not None and attempt.outcome in FAILED:
        return True
    failed = select(ReceiptRow.id).where(
        ReceiptRow.reference == kept.reference, ReceiptRow.channel == kept.channel, ReceiptRow.state.in_(FAILED)
    )
    return session.scalar(failed.limit(1)) is not None


def _is_of(kept: ReceiptRow, attempt: AttemptRow | None, last: AttemptRow) -> bool:
    """Whether a receipt speaks of the last attempt at its message."""
    if attempt is not None:
        return attempt.number == last.number
    return kept.reference is None or last.reference is None


def _apply_kept(
    session: Session, rows: Mapping[int, MessageRow], attempts: Mapping[int, AttemptRow], terms: Terms, now: datetime
) -> None:
    """Apply the receipts that came before their calls returned."""
    by_reference = {attempt.reference: attempt for attempt in attempts.values() if attempt.reference is not None}
    for kept in session.scalars(_KEPT, {"ids": list(rows), "references": list(by_reference)}).all():
        attempt = by_reference.get(kept.reference) if kept.reference is not None else None
        message_id = attempt.message_id if attempt is not None else kept.message_id
        if message_id is None or rows[message_id].channel != kept.channel:
            continue
        kept.message_id = message_id
        outcome = Outcome(state=MessageState(kept.state), detail=kept.detail, reference=kept.reference)
        _apply(session, kept, outcome, rows[message_id], attempt, terms, now)


def _lock(session: Session, ids: Sequence[int]) -> dict[int, MessageRow]:
    query = select(MessageRow).where(MessageRow.id.in_(ids)).order_by(MessageRow.id).with_for_update()
    return {row.id: row for row in session.scalars(query)}


def _lock_both(session: Session, claims: Sequence[Claim]) -> tuple[dict[int, MessageRow], dict[int, AttemptRow]]:
    """The messages, locked, and the attempts that the claims are of; each by message."""
    rows, attempts = {}, {}
    for row, attempt in session.execute(_BOTH, {"attempts": [claim.attempt_id for claim in claims]}).all():
        rows[row.id], attempts[row.id] = row, attempt
    return rows, attempts


def _next_look_up(row: MessageRow, now: datetime) -> datetime:
    wait = look_up_after(MessageState(row.state), row.lookups)
    return now + wait if wait is not None else _NEVER
