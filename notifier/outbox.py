"""The outbox: everything that is to leave the house, each message once, by its key."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random, SystemRandom
from typing import Any

from sqlalchemy import Engine, Select, func, select
from sqlalchemy.orm import Session

from notifier.channels import ChatMessage, Content, Letter, MassMessage, ShortMessage
from notifier.states import SENDABLE, MessageState, Purpose
from notifier.stops import AddressDigest, insert_new
from notifier.tables import AttemptRow, MessageRow, RecipientRow

# Where nobody gives another source: what providers are given must not be guessed.
SYSTEM_RANDOM = SystemRandom()
URGENT, ORDINARY = 0, 1
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
_DISPATCH_LENGTH = 20
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message to be queued. `key` makes it once: queueing it again changes nothing.

    A message to a recipient has no address: it goes to the one that the recipient has then. `record` is the entry that
    must still be public when it goes out. A citizen is left in peace outside the hours of sending. It does not go before
    `not_before`, nor from `expires_at` on.
    """

    key: str
    purpose: Purpose
    channel: str
    content: Content | None
    run_id: int | None = None
    recipient_id: int | None = None
    recall_id: int | None = None
    address: str | None = None
    record: str | None = None
    citizen: bool = False
    urgent: bool = False
    not_before: datetime | None = None
    expires_at: datetime | None = None


def enqueue(
    session: Session,
    drafts: Iterable[Draft],
    *,
    now: datetime,
    digest: AddressDigest,
    random: Random = SYSTEM_RANDOM,
) -> None:
    """Queue messages with the caller's transaction; those whose key is known are left as they are."""
    rows = [_to_row(draft, now, digest, random) for draft in drafts]
    statement = insert_new(session, MessageRow, "key")
    for start in range(0, len(rows), _CHUNK):
        session.execute(statement, rows[start : start + _CHUNK])


def encode_content(content: Content) -> str:
    """Content as text, for every kind but a parcel, which is made when it is sent."""
    match content:
        case Letter(subject=subject, text=text, files=files, facts=facts):
            packed = {name: b64encode(data).decode("ascii") for name, data in files.items()}
            body: dict[str, Any] = {"kind": "letter", "subject": subject, "text": text, "files": packed}
            body["facts"] = dict(facts)
        case ShortMessage(text=text, template=template, version=version, fields=fields):
            body = {"kind": "short", "text": text, "template": template, "version": version, "fields": dict(fields)}
        case ChatMessage(template=template, version=version, fields=fields, url=url):
            body = {"kind": "chat", "template": template, "version": version, "fields": dict(fields), "url": url}
        case MassMessage(text=text):
            body = {"kind": "mass", "text": text}
        case _:
            raise TypeError("a parcel is not kept in the outbox")
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def decode_content(text: str) -> Content:
    """What `encode_content` made of it."""
    body = json.loads(text)
    match body.pop("kind"):
        case "letter":
            return Letter(**{**body, "files": {name: b64decode(data) for name, data in body["files"].items()}})
        case "short":
            return ShortMessage(**body)
        case "chat":
            return ChatMessage(**body)
        case "mass":
            return MassMessage(**body)
        case kind:
            raise ValueError(f"no content of kind {kind}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A message as the desk lists it: without its address. `attempt` is how the last one went."""

    id: int
    purpose: Purpose
    recipient: str | None
    channel: str
    state: MessageState
    reason: str | None
    attempt: str | None
    next_attempt_at: datetime
    changed_at: datetime


def count_states(engine: Engine) -> Mapping[tuple[Purpose, MessageState], int]:
    """How many messages of each purpose are in each state."""
    query = select(MessageRow.purpose, MessageRow.state, func.count()).group_by(MessageRow.purpose, MessageRow.state)
    with Session(engine) as session:
        return {(Purpose(purpose), MessageState(state)): count for purpose, state, count in session.execute(query)}


def list_messages(engine: Engine, state: MessageState, limit: int = 200) -> list[Queued]:
    """The messages in `state`, those that changed last first."""
    query = _listed().where(MessageRow.state == state).order_by(MessageRow.changed_at.desc(), MessageRow.id.desc())
    with Session(engine) as session:
        return [_to_queued(*found) for found in session.execute(query.limit(limit))]


def list_due(engine: Engine, now: datetime, limit: int = 200) -> list[Queued]:
    """What would go out now, were it not a dry run or a channel at rest; what goes first is first."""
    query = (
        _listed()
        .where(MessageRow.state.in_(SENDABLE), MessageRow.next_attempt_at <= now)
        .order_by(MessageRow.priority, MessageRow.next_attempt_at, MessageRow.id)
    )
    with Session(engine) as session:
        return [_to_queued(*found) for found in session.execute(query.limit(limit))]


def _listed() -> Select[MessageRow, str, str | None]:
    last = (AttemptRow.message_id == MessageRow.id) & (AttemptRow.number == MessageRow.attempts)
    return (
        select(MessageRow, RecipientRow.name, AttemptRow.detail)
        .outerjoin(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .outerjoin(AttemptRow, last)
    )


def _to_queued(row: MessageRow, recipient: str | None, detail: str | None) -> Queued:
    return Queued(
        id=row.id,
        purpose=Purpose(row.purpose),
        recipient=recipient,
        channel=row.channel,
        state=MessageState(row.state),
        reason=row.reason,
        attempt=detail,
        next_attempt_at=row.next_attempt_at,
        changed_at=row.changed_at,
    )


def _to_row(draft: Draft, now: datetime, digest: AddressDigest, random: Random) -> dict[str, Any]:
    return {
        "key": draft.key,
        "dispatch": "".join(random.choices(_ALPHABET, k=_DISPATCH_LENGTH)),
        "purpose": draft.purpose.value,
        "run_id": draft.run_id,
        "recipient_id": draft.recipient_id,
        "recall_id": draft.recall_id,
        "channel": draft.channel,
        "address": draft.address,
        "address_hash": digest(draft.address) if draft.address is not None else None,
        "content": encode_content(draft.content) if draft.content is not None else None,
        "record": draft.record,
        "citizen": draft.citizen,
        "priority": URGENT if draft.urgent else ORDINARY,
        "revision": 0,
        "state": MessageState.QUEUED.value,
        "attempts": 0,
        "failures": 0,
        "lookups": 0,
        "next_attempt_at": max(now, draft.not_before or now),
        "expires_at": draft.expires_at,
        "queued_at": now,
        "changed_at": now,
    }
