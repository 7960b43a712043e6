"""Receipts: what providers report of messages, once however often, in any order, and also before a call has returned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256

from sqlalchemy import Engine, bindparam, or_, select
from sqlalchemy.orm import Session

from notifier.channels import Outcome, Stop
from notifier.claiming import Terms, find_attempt
from notifier.outcomes import lock_messages, obey_stop, report
from notifier.states import FAILED, REPORTED, MessageState
from notifier.stops import insert_new
from notifier.tables import AttemptRow, MessageRow, ReceiptRow

# Made once: SQLAlchemy takes longer to put it together than the databases take to answer.
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
    return lock_messages(session, [message_id])[message_id], attempt


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
        obey_stop(session, row, outcome.stop, kept.detail, terms, now)
        if row.state == MessageState.SENDING:
            # It may be of an attempt before this one, until the call returns with its reference.
            return Applied.KEPT
        if not _is_of(kept, attempt, last):
            kept.applied = True
            return Applied.NOTHING_NEW
    kept.applied = True
    if outcome.state is MessageState.ACCEPTED and _has_failed(session, kept, attempt):
        return Applied.NOTHING_NEW
    new = report(session, row, attempt or last, outcome, terms, now)
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


def apply_kept(
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
