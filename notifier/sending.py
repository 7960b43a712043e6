"""Sending: claim one message, make sure its package says what the store says now, call the channel, write it down.

No transaction is open during a call. An attempt is written before the call, and only the last attempt may close
its message, so a worker that comes back late changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Channel, Outcome, Parcel
from notifier.context import Notifier
from notifier.packages import Revision, ensure_package, package_folder
from notifier.states import SENDABLE, MessageState, move, wait_after
from notifier.tables import AttemptRow, MessageRow, RecipientRow, RunRow

LEASE = timedelta(minutes=10)
_LOST = "发送进程中断，未能得知结果"

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True, kw_only=True)
class DueMessage:
    """A message whose time has come, and where it goes."""

    id: int
    run_id: int
    period: Period
    channel: str
    recipient: str
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """An attempt that was begun: attempt `number` at `message`, with this revision."""

    message: DueMessage
    number: int
    revision: Revision


def send_due(notifier: Notifier, channels: Mapping[str, Channel], *, clock: Clock, worker: str) -> int:
    """Send everything that is due on `channels`; the number of attempts made. Others may be sending at the same time.

    A message on a channel that is not given waits.
    """
    recover_lost(notifier.engine, channels, clock())
    attempts = 0
    while (message := find_due(notifier.engine, channels, clock())) is not None:
        revision = ensure_package(notifier, message.run_id, message.period, clock())
        claim = claim_message(notifier.engine, message, revision, now=clock(), worker=worker)
        if claim is not None:
            outcome = deliver(notifier, channels, claim)
            close_attempt(notifier.engine, claim, outcome, clock())
            attempts += 1
    return attempts


def find_due(engine: Engine, channels: Mapping[str, Channel], now: datetime) -> DueMessage | None:
    """The message that has been due the longest, or None."""
    query = (
        select(MessageRow, RunRow, RecipientRow)
        .join(RunRow, RunRow.id == MessageRow.run_id)
        .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .where(MessageRow.state.in_(SENDABLE), MessageRow.next_attempt_at <= now)
        .where(MessageRow.channel.in_(list(channels)))
        .order_by(MessageRow.next_attempt_at, MessageRow.id)
        .limit(1)
    )
    with Session(engine) as session:
        found = session.execute(query).first()
        return found and _to_due(*found)


def claim_message(
    engine: Engine, message: DueMessage, revision: Revision, *, now: datetime, worker: str
) -> Claim | None:
    """Begin an attempt at `message`; None when another worker did, or when this revision went out before."""
    try:
        with Session(engine) as session, session.begin():
            row = session.scalars(_locked(message.id)).first()
            if row is None or row.state not in SENDABLE or row.next_attempt_at > now:
                return None
            number = _begin(row, revision, now)
            session.add(_attempt(row, revision, now, worker))
            return Claim(message=message, number=number, revision=revision)
    except IntegrityError:
        _supersede(engine, message.id, now)
        return None


def deliver(notifier: Notifier, channels: Mapping[str, Channel], claim: Claim) -> Outcome:
    """Call the channel."""
    message = claim.message
    parcel = Parcel(
        name=f"{message.period}-r{claim.revision.revision}",
        folder=package_folder(notifier.folder, message.period, claim.revision),
        recipient=message.recipient,
        address=message.address,
    )
    return channels[message.channel].deliver(parcel)


def close_attempt(engine: Engine, claim: Claim, outcome: Outcome, now: datetime) -> bool:
    """Write down what became of the attempt. False when it is no longer the last one: then the message stays."""
    with Session(engine) as session, session.begin():
        row = session.scalars(_locked(claim.message.id)).first()
        if row is None or row.attempts != claim.number or row.state != MessageState.SENDING:
            return False
        _settle(session, row, outcome, now)
        return True


def recover_lost(engine: Engine, channels: Mapping[str, Channel], now: datetime) -> None:
    """Settle attempts whose worker never came back: queued again where repeating does no harm, else unknown."""
    query = (
        select(MessageRow)
        .where(MessageRow.state == MessageState.SENDING, MessageRow.lease_until < now)
        .with_for_update(skip_locked=True)
    )
    with Session(engine) as session, session.begin():
        for row in session.scalars(query).all():
            channel = channels.get(row.channel)
            repeatable = channel is not None and channel.repeatable
            state = MessageState.QUEUED if repeatable else MessageState.UNKNOWN
            _settle(session, row, Outcome(state=state, detail=_LOST), now)


def _to_due(message: MessageRow, run: RunRow, recipient: RecipientRow) -> DueMessage:
    return DueMessage(
        id=message.id,
        run_id=run.id,
        period=Period.parse(run.period),
        channel=message.channel,
        recipient=recipient.slug,
        address=recipient.address,
    )


def _locked(message_id: int) -> Select[MessageRow]:
    return select(MessageRow).where(MessageRow.id == message_id).with_for_update(skip_locked=True)


def _begin(row: MessageRow, revision: Revision, now: datetime) -> int:
    row.state = move(MessageState(row.state), MessageState.SENDING)
    row.revision = revision.revision
    row.attempts += 1
    row.lease_until = now + LEASE
    row.changed_at = now
    return row.attempts


def _attempt(row: MessageRow, revision: Revision, now: datetime, worker: str) -> AttemptRow:
    return AttemptRow(
        message_id=row.id,
        package_id=revision.id,
        number=row.attempts,
        worker=worker,
        begun_at=now,
        ended_at=None,
        outcome=None,
        detail=None,
    )


def _settle(session: Session, row: MessageRow, outcome: Outcome, now: datetime) -> None:
    state, wait = outcome.state, timedelta()
    if state is MessageState.FAILED_TEMPORARY:
        next_wait = wait_after(row.attempts)
        state = state if next_wait else MessageState.FAILED_PERMANENT
        wait = next_wait or wait
    row.state = move(MessageState(row.state), state)
    row.next_attempt_at = now + wait
    row.lease_until = None
    row.changed_at = now
    attempt = session.scalars(
        select(AttemptRow).where(AttemptRow.message_id == row.id, AttemptRow.number == row.attempts)
    ).one()
    attempt.ended_at = now
    attempt.outcome = outcome.state
    attempt.detail = outcome.detail


def _supersede(engine: Engine, message_id: int, now: datetime) -> None:
    with Session(engine) as session, session.begin():
        row = session.scalars(_locked(message_id)).first()
        if row is not None and row.state in SENDABLE:
            row.state = move(MessageState(row.state), MessageState.SUPERSEDED)
            row.changed_at = now
