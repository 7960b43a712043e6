"""What the desk shows of messages and of what became of recalls: read from the database, decided here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from notifier.channels import ChatMessage, Letter, MassMessage, ShortMessage
from notifier.followups import FollowUp
from notifier.outbox import decode_content
from notifier.recall import Recall
from notifier.sms.numbers import is_e164, mask_number
from notifier.states import MessageState, Purpose
from notifier.tables import AttemptRow, MessageRow, ReceiptRow, RecipientRow
from search_index.journal import ChangeType, EntryChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """An attempt at a message: when it began, whether the provider was called, and how it ended."""

    number: int
    begun_at: datetime
    was_called: bool
    ended_at: datetime | None
    outcome: str | None
    detail: str | None
    reference: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """A receipt of a provider."""

    state: MessageState
    detail: str
    received_at: datetime
    applied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageDetail:
    """All that is known of a message. `address` is hidden but for what tells it from others; `words` is what it says."""

    id: int
    dispatch: str
    purpose: Purpose
    channel: str
    recipient: str | None
    address: str | None
    state: MessageState
    reason: str | None
    words: str | None
    queued_at: datetime
    changed_at: datetime
    next_attempt_at: datetime
    attempts: tuple[Try, ...]
    receipts: tuple[Reported, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallCase:
    """One departure or correction, and everyone who was told of it."""

    recall: Recall
    follow_ups: tuple[FollowUp, ...]
    overdue: int
    open: int


def find_message(engine: Engine, message_id: int) -> MessageDetail | None:
    """The message with this number, or None."""
    query = (
        select(MessageRow, RecipientRow.name)
        .outerjoin(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .where(MessageRow.id == message_id)
    )
    with Session(engine) as session:
        found = session.execute(query).first()
        return _to_detail(session, *found) if found else None


def group_recalls(follow_ups: Iterable[FollowUp], today: date) -> list[RecallCase]:
    """A case an entry and change: those with an answer overdue first, then those still open, the latest first."""
    groups: dict[int, list[FollowUp]] = {}
    recalls: dict[int, Recall] = {}
    for one in follow_ups:
        # A letter may be about several.
        for recall in one.recalls:
            recalls[recall.id] = recall
            groups.setdefault(recall.id, []).append(one)
    cases = [
        RecallCase(
            recall=recalls[number],
            follow_ups=tuple(sorted(members, key=lambda one: one.message_id)),
            overdue=sum(one.is_overdue(today) for one in members),
            open=sum(not one.is_closed for one in members),
        )
        for number, members in groups.items()
    ]
    return sorted(cases, key=lambda case: (not case.overdue, not case.open, -case.recall.id))


def find_changed(changes: Iterable[EntryChange], printed_at: datetime) -> list[str]:
    """The records that were public at `printed_at`, and have left or were corrected since. `changes` are all there ever
    were, in order."""
    public_since: dict[str, datetime] = {}
    changed: dict[str, None] = {}
    for change in changes:
        if change.type is ChangeType.PUBLISHED:
            public_since.setdefault(change.record, change.at)
            continue
        if change.at > printed_at and public_since.get(change.record, change.at) <= printed_at:
            changed[change.record] = None
        if change.type is ChangeType.GONE:
            public_since.pop(change.record, None)
    return list(changed)


def hide_address(address: str | None) -> str | None:
    """An address for display: enough to tell it from another, not enough to use it."""
    if address is None or not address:
        return None
    if is_e164(address):
        return mask_number(address)
    name, at, domain = address.partition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"{address[:2]}…{address[-2:]}" if len(address) > 8 else "****"


def _to_detail(session: Session, row: MessageRow, recipient: str | None) -> MessageDetail:
    attempts = select(AttemptRow).where(AttemptRow.message_id == row.id).order_by(AttemptRow.number)
    receipts = select(ReceiptRow).where(ReceiptRow.message_id == row.id).order_by(ReceiptRow.id)
    return MessageDetail(
        id=row.id,
        dispatch=row.dispatch,
        purpose=Purpose(row.purpose),
        channel=row.channel,
        recipient=recipient,
        address=hide_address(row.address),
        state=MessageState(row.state),
        reason=row.reason,
        words=_read_words(row.content),
        queued_at=row.queued_at,
        changed_at=row.changed_at,
        next_attempt_at=row.next_attempt_at,
        attempts=_to_tries(session.scalars(attempts).all()),
        receipts=tuple(
            Reported(
                state=MessageState(receipt.state),
                detail=receipt.detail,
                received_at=receipt.received_at,
                applied=receipt.applied,
            )
            for receipt in session.scalars(receipts)
        ),
    )


def _to_tries(rows: Sequence[AttemptRow]) -> tuple[Try, ...]:
    return tuple(
        Try(
            number=row.number,
            begun_at=row.begun_at,
            was_called=row.called_at is not None,
            ended_at=row.ended_at,
            outcome=MessageState(row.outcome).label if row.outcome is not None else None,
            detail=row.detail,
            reference=row.reference,
        )
        for row in rows
    )


def _read_words(content: str | None) -> str | None:
    """What a message says. The content of who has left the account is blank."""
    if not content:
        return None
    match decode_content(content):
        case Letter(subject=subject, text=text):
            return f"{subject}\n\n{text}"
        case ShortMessage(text=text) | MassMessage(text=text):
            return text
        case ChatMessage(fields=fields):
            return "\n".join(f"{name}：{value}" for name, value in fields.items())
        case _:
            return None
