"""What is told, outside the notifier's database, of every call of a provider: before it is made, and when its end is known.

A notifier that comes back from a backup learns from it what has left the house since. `meanings` are the same when a
restored home queues the same thing again under other numbers: its messages must not go twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from notifier.states import Purpose
from notifier.tables import MessageRecallRow, MessageRow, PackageRow, RecallRow, RecipientRow, RunRow
from search_index.day import day_of

if TYPE_CHECKING:
    from notifier.channels import Outcome
    from notifier.claiming import Claim

_IDS: Any = bindparam("ids", expanding=True)
_ABOUT = (
    select(
        MessageRow.id,
        MessageRow.key,
        MessageRow.address_hash,
        MessageRow.recall_id,
        RecipientRow.slug,
        RunRow.kind,
    )
    .outerjoin(RunRow, RunRow.id == MessageRow.run_id)
    .outerjoin(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
    .where(MessageRow.id.in_(_IDS))
)
_PARTS = (
    select(MessageRow.id, RecallRow.record, RecallRow.type, RecallRow.at)
    .outerjoin(MessageRecallRow, MessageRecallRow.message_id == MessageRow.id)
    .join(RecallRow, or_(RecallRow.id == MessageRow.recall_id, RecallRow.id == MessageRecallRow.recall_id))
    .where(MessageRow.id.in_(_IDS))
    .order_by(MessageRow.id, RecallRow.at, RecallRow.record)
    .distinct()
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call that is about to be made. `attempt` counts them for a dispatch; `kind` is that of the run. `address` is a keyed digest, `content` a digest. `records` are those of a recall or a
    correction: number, type, day. `package` is the revision's public sequence, for a list."""

    at: datetime
    key: str
    dispatch: str
    attempt: int
    purpose: str
    channel: str
    recipient: str | None
    address: str | None
    record: str | None
    records: tuple[tuple[str, str, str], ...]
    period: str | None
    kind: str | None
    revision: int
    sequence: int | None
    content: str | None
    meanings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is known of a call: `outcome` is a state of messages, `reference` the provider's."""

    at: datetime
    dispatch: str
    attempt: int
    outcome: str
    reference: str | None
    detail: str | None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """That a recipient fetches a package itself, or is handed it: from then on it is told who leaves the list."""

    at: datetime
    dispatch: str
    recipient: str
    period: str
    kind: str
    revision: int
    sequence: int

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "at": self.at.isoformat()}


class SendingWitness(Protocol):
    """Who is told. Raises nothing: a call is not kept back because nobody took note of it."""

    def note(self, calls: Sequence[Call], ended: Sequence[Ended]) -> None:
        """Calls that are about to be made, and what became of others; safe on the disk when it returns."""

    def handed(self, handed: Handed) -> None:
        """A package is about to be handed over."""


def describe_calls(session: Session, claims: Sequence[Claim], now: datetime) -> list[Call]:
    """What a witness is told of claims whose calls are on record."""
    if not claims:
        return []
    ids = {"ids": [claim.message_id for claim in claims]}
    about = {row.id: row for row in session.connection().execute(_ABOUT, ids)}
    recalls = {"ids": [row.id for row in about.values() if row.recall_id is not None]}
    parts: dict[int, list[tuple[str, str, str]]] = {}
    if recalls["ids"]:
        for row in session.connection().execute(_PARTS, recalls):
            parts.setdefault(row.id, []).append((row.record, row.type, day_of(row.at).isoformat()))
    return [_describe(claim, about[claim.message_id], tuple(parts.get(claim.message_id, ())), now) for claim in claims]


def describe_handover(session: Session, dispatch: str, recipient_id: int, package_id: int, now: datetime) -> Handed:
    """What a witness is told of a package that a recipient is about to have."""
    query = (
        select(RunRow.period, RunRow.kind, PackageRow.revision, PackageRow.sequence)
        .join(PackageRow, PackageRow.run_id == RunRow.id)
        .where(PackageRow.id == package_id)
    )
    found = session.execute(query).one()
    return Handed(
        at=now,
        dispatch=dispatch,
        recipient=session.get_one(RecipientRow, recipient_id).slug,
        period=found.period,
        kind=found.kind,
        revision=found.revision,
        sequence=found.sequence,
    )


def tell_meanings(
    purpose: Purpose,
    channel: str,
    to: str,
    *,
    key: str,
    period: str | None,
    records: Sequence[tuple[str, str, str]],
    content: str | None,
) -> tuple[str, ...]:
    """What a message means, in words that do not depend on the numbers of rows. `to` is a recipient's slug or the digest of
    an address. A recall, a correction or a clarification means one thing for each record;
    a reminder what it says. Pure."""
    if purpose is Purpose.PACKAGE:
        return (f"package/{period}/{to}/{channel}",)
    if records and purpose is not Purpose.REMINDER:
        return tuple(f"{purpose}/{to}/{record}/{kind}/{day}" for record, kind, day in records)
    if purpose in _BY_KEY:
        return (key,)
    return (f"{purpose}/{to}/{channel}/{content}",)


# Their keys are made of words that a restored home finds again.
_BY_KEY = frozenset({Purpose.DIGEST, Purpose.EVENT})


def digest_content(content: str | None) -> str | None:
    """A digest of what a message says; it goes nowhere but under the seal of the log."""
    return sha256(content.encode()).hexdigest()[:32] if content is not None else None


def _describe(claim: Claim, row: Any, records: tuple[tuple[str, str, str], ...], now: datetime) -> Call:
    period = str(claim.period) if claim.period else None
    content = digest_content(claim.content)
    meanings = tell_meanings(
        claim.purpose,
        claim.channel,
        row.slug or row.address_hash or "",
        key=row.key,
        period=period,
        records=records,
        content=content,
    )
    return Call(
        at=now,
        key=row.key,
        dispatch=claim.dispatch,
        attempt=claim.number,
        purpose=claim.purpose.value,
        channel=claim.channel,
        recipient=row.slug,
        address=row.address_hash,
        record=claim.record,
        records=records,
        period=period,
        kind=row.kind,
        revision=claim.revision,
        sequence=None,
        content=content,
        meanings=meanings,
    )


def to_ended(claim: Claim, outcome: Outcome, now: datetime) -> Ended:
    """What came back of a call, or was learnt of it later."""
    return Ended(
        at=now,
        dispatch=claim.dispatch,
        attempt=claim.number,
        outcome=outcome.state.value,
        reference=outcome.reference,
        detail=outcome.detail,
    )
