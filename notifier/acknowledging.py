"""Acknowledging: what recipients confirm of what they were sent, by whichever way the answer comes.

An answer names a dispatch. It counts for the message of that dispatch; an answer to a reminder counts for what was
reminded of. The same answer again changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Protocol

import structlog
from sqlalchemy import ColumnElement, Engine, Select, exists, or_, select, update
from sqlalchemy.orm import Session

from notifier.answers import AckKind, Answer, BadAnswer, read_kept
from notifier.calendar import Period
from notifier.recall import Recall, note_late, to_recall
from notifier.recipients import Recipient, to_recipient
from notifier.states import FAILED, SENDABLE, MessageState, Purpose, may_move, move
from notifier.stops import insert_new
from notifier.tables import (
    AcknowledgementRow,
    AttemptRow,
    GatewayEventRow,
    MessageRecallRow,
    MessageRow,
    RecallRow,
    RecipientRow,
    RunRow,
)
from search_index.database import for_reading

# What ends the matter of a message.
CLOSES = {
    Purpose.PACKAGE: AckKind.AIRED,
    Purpose.RECALL: AckKind.TAKEN_DOWN,
    Purpose.CORRECTION: AckKind.TAKEN_DOWN,
    # Shown where the entry was shown.
    Purpose.CLARIFICATION: AckKind.AIRED,
}
_CLARIFIED = (Purpose.CLARIFICATION, AckKind.AIRED)
BY_PAGE, BY_SIGNATURE, BY_PULL, BY_FILE = "网页回执", "签名回执", "接口回执", "文件回执"
_REMINDER = re.compile(r"reminder/([0-9]{1,18})/[0-9]+")
_REPEAT = re.compile(r"repeat/[0-9]+/[0-9]+")
_AT_ONCE = 1000
_PARCEL = re.compile(r"([0-9]{4}Q[1-4])-r[0-9]{1,6}")

_log = structlog.get_logger("notifier")


class WrongAcknowledgement(ValueError):
    """What cannot be confirmed of this message. The message (Chinese) says why."""


class UnknownDispatch(LookupError):
    """Nothing with this number was sent to this recipient, or nothing that is answered."""

    def __init__(self) -> None:
        super().__init__("没有这一编号的通知，或者它不需要回执")


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What was confirmed, by whom at the recipient's and when; `place` says where, or in which slot; `noted_by` who of
    the court took it in, or by which way it came."""

    kind: AckKind
    given_by: str
    given_at: datetime
    noted_by: str
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A message that is to be answered: a package (`period` and `revision`, where one was fixed), or a letter about one
    recall or several."""

    message_id: int
    purpose: Purpose
    period: Period | None
    revision: int | None
    recalls: tuple[Recall, ...]
    given: tuple[Acknowledgement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """What an answer to a dispatch is about: one message, or several that one letter repeated."""

    recipient: Recipient
    asked: tuple[Asked, ...]

    @property
    def kinds(self) -> tuple[AckKind, ...]:
        """What may be confirmed, in the order of the ladder."""
        return answers_to(self.asked[0].purpose)


class FileAnswer(Protocol):
    """An answer in a file that a recipient left on its own server. `name` is that of a parcel or a dispatch, a `kind` of
    None says that it was received, and `refused` why it was not taken."""

    @property
    def slug(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str | None: ...
    @property
    def given_by(self) -> str | None: ...
    @property
    def given_at(self) -> datetime | None: ...
    @property
    def place(self) -> str | None: ...
    @property
    def refused(self) -> str | None: ...


def answers_to(purpose: Purpose) -> tuple[AckKind, ...]:
    """What may be confirmed of a message, in the order of the ladder; the last ends the matter."""
    closing = CLOSES.get(purpose)
    return () if closing is None else (AckKind.RECEIVED, closing)


def name_answer(purpose: Purpose, kind: AckKind) -> str:
    """How an answer to a message is called: who never showed an entry has nothing to clarify, and says so."""
    return "已公布，或者没有播出、发布过" if (purpose, kind) == _CLARIFIED else kind.label


def find_matter(engine: Engine, dispatch: str) -> Matter | None:
    """What an answer to `dispatch` would be about; None where nothing of it has left the house. Reads only."""
    with Session(for_reading(engine)) as session:
        row = session.scalars(select(MessageRow).where(MessageRow.dispatch == dispatch)).first()
        return _load_matter(session, row) if row is not None else None


def find_secret(engine: Engine, dispatch: str) -> str | None:
    """The signing secret of the recipient that a dispatch went to."""
    query = (
        select(RecipientRow.secret)
        .join(MessageRow, MessageRow.recipient_id == RecipientRow.id)
        .where(MessageRow.dispatch == dispatch)
    )
    with Session(for_reading(engine)) as session:
        return session.scalar(query)


def apply_answer(
    engine: Engine,
    dispatch: str,
    answer: Answer,
    *,
    noted_by: str,
    now: datetime,
    slug: str | None = None,
    once: str | None = None,
) -> bool:
    """Take in an answer; False when it says nothing new. `slug`: it counts only if the dispatch went to this recipient.
    `once`: an answer with this key was not taken in before. Raises UnknownDispatch and WrongAcknowledgement."""
    with Session(engine) as session, session.begin():
        row = session.scalars(select(MessageRow).where(MessageRow.dispatch == dispatch)).first()
        matter = _load_matter(session, row) if row is not None else None
        if matter is None or slug not in (None, matter.recipient.slug):
            raise UnknownDispatch
        if once is not None and not _is_new(session, f"{matter.recipient.slug}\n{once}", now):
            return False
        return _apply(session, [one.message_id for one in matter.asked], answer, noted_by, now)


def apply_file_acks(engine: Engine, found: Iterable[FileAnswer], now: datetime) -> int:
    """Take in the answers that recipients left as files; how many said something new. One that cannot be taken in is
    passed over: the desk still waits for it."""
    new = 0
    for one in found:
        try:
            new += _apply_file(engine, one, now)
        except (BadAnswer, UnknownDispatch, WrongAcknowledgement) as error:
            _log.warning("file_answer_passed_over", recipient=one.slug, error=type(error).__name__)
    return new


def acknowledge(engine: Engine, message_id: int, given: Acknowledgement, *, now: datetime) -> bool:
    """Take in what a recipient confirms of a message; False when it has confirmed it before.

    Who confirms a message has received it. Raises WrongAcknowledgement.
    """
    with Session(engine) as session, session.begin():
        return note_acknowledgement(session, message_id, given, now=now)


def note_acknowledgement(session: Session, message_id: int, given: Acknowledgement, *, now: datetime) -> bool:
    """The same within the caller's transaction."""
    found = session.scalars(select(MessageRow).where(MessageRow.id == message_id).with_for_update()).first()
    row = _require_answerable(found, given.kind)
    known = select(AcknowledgementRow.id).where(
        AcknowledgementRow.message_id == message_id, AcknowledgementRow.kind == given.kind
    )
    if session.scalar(known) is not None:
        return False
    session.add(
        AcknowledgementRow(
            message_id=message_id,
            kind=given.kind,
            given_by=given.given_by,
            given_at=given.given_at,
            place=given.place,
            noted_by=given.noted_by,
            noted_at=now,
        )
    )
    _note_arrival(session, row, now)
    if given.kind is CLOSES[Purpose(row.purpose)]:
        _cancel_reminders(session, row.id, now)
    return True


def find_acknowledgements(session: Session, ids: Sequence[int]) -> Mapping[int, list[Acknowledgement]]:
    """What was confirmed of each of the messages, in the order it came."""
    found: dict[int, list[Acknowledgement]] = {}
    query = select(AcknowledgementRow).order_by(AcknowledgementRow.id)
    for part in in_parts(ids):
        for row in session.scalars(query.where(AcknowledgementRow.message_id.in_(part))):
            found.setdefault(row.message_id, []).append(_to_acknowledgement(row))
    return found


def find_recalls(session: Session, messages: Sequence[MessageRow]) -> Mapping[int, tuple[Recall, ...]]:
    """What each of the letters is about, in the order of the changes; nothing for what is no recall."""
    query = (
        select(MessageRow.id, RecallRow)
        .outerjoin(MessageRecallRow, MessageRecallRow.message_id == MessageRow.id)
        .join(RecallRow, or_(RecallRow.id == MessageRow.recall_id, RecallRow.id == MessageRecallRow.recall_id))
        .order_by(RecallRow.sequence)
    )
    found: dict[int, dict[int, Recall]] = {}
    for part in in_parts([message.id for message in messages if message.recall_id is not None]):
        for message_id, recall in session.execute(query.where(MessageRow.id.in_(part))):
            found.setdefault(message_id, {})[recall.id] = to_recall(recall)
    return {message_id: tuple(recalls.values()) for message_id, recalls in found.items()}


def in_parts(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    """Ids in as many pieces as a database takes in one question."""
    return (ids[start : start + _AT_ONCE] for start in range(0, len(ids), _AT_ONCE))


def _to_acknowledgement(row: AcknowledgementRow) -> Acknowledgement:
    return Acknowledgement(
        kind=AckKind(row.kind),
        given_by=row.given_by,
        given_at=row.given_at,
        place=row.place,
        noted_by=row.noted_by,
    )


def _load_matter(session: Session, row: MessageRow) -> Matter | None:
    query = (
        select(MessageRow, RecipientRow, RunRow.period)
        .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .outerjoin(RunRow, RunRow.id == MessageRow.run_id)
        .where(_answered_by(row), MessageRow.purpose.in_(CLOSES))
        .order_by(MessageRow.id)
    )
    found = [one for one in session.execute(query).all() if _has_left(one[0])]
    if not found:
        return None
    given = find_acknowledgements(session, [message.id for message, *_ in found])
    recalls = find_recalls(session, [message for message, *_ in found])
    asked = tuple(
        Asked(
            message_id=message.id,
            purpose=Purpose(message.purpose),
            period=Period.parse(period) if period is not None else None,
            revision=message.revision or None,
            recalls=recalls.get(message.id, ()),
            given=tuple(given.get(message.id, ())),
        )
        for message, _, period in found
    )
    return Matter(recipient=to_recipient(found[0][1]), asked=asked)


def _answered_by(row: MessageRow) -> ColumnElement[bool]:
    """Which messages an answer to this one answers."""
    if reminded := _REMINDER.fullmatch(row.key):
        return MessageRow.id == int(reminded[1])
    if _REPEAT.fullmatch(row.key):
        closed_before = exists().where(
            AcknowledgementRow.message_id == MessageRow.id,
            AcknowledgementRow.kind == AckKind.TAKEN_DOWN,
            AcknowledgementRow.noted_at < row.queued_at,
        )
        return (
            (MessageRow.recipient_id == row.recipient_id)
            & MessageRow.purpose.in_((Purpose.RECALL, Purpose.CORRECTION))
            & (MessageRow.queued_at <= row.queued_at)
            & ~closed_before
        )
    return MessageRow.id == row.id


def _has_left(row: MessageRow) -> bool:
    return bool(row.attempts) or row.state == MessageState.DELIVERED


def _named(slug: str, name: str) -> Select[int]:
    """The message that a file is named after: its parcel, or its dispatch."""
    query = select(MessageRow.id).join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
    query = query.where(RecipientRow.slug == slug)
    parcel = _PARCEL.fullmatch(name)
    if parcel is None:
        return query.where(MessageRow.dispatch == name)
    query = query.join(RunRow, RunRow.id == MessageRow.run_id)
    return query.where(RunRow.period == parcel[1], MessageRow.purpose == Purpose.PACKAGE).order_by(MessageRow.id)


def _apply_file(engine: Engine, one: FileAnswer, now: datetime) -> bool:
    with Session(engine) as session, session.begin():
        row = session.get(MessageRow, session.scalar(_named(one.slug, one.name)) or 0)
        matter = _load_matter(session, row) if row is not None else None
        if row is None or matter is None:
            raise UnknownDispatch
        if one.refused is not None:
            return _note_refusal(session, row, one, now)
        # The other side's clock is not ours.
        at = min(one.given_at, now) if one.given_at is not None else None
        answer = read_kept(one.kind, one.given_by or matter.recipient.name, at, one.place, now=now)
        return _apply(session, [asked.message_id for asked in matter.asked], answer, BY_FILE, now)


def _note_refusal(session: Session, row: MessageRow, one: FileAnswer, now: datetime) -> bool:
    """A package or letter that was not taken stays without an answer, and says why."""
    if not _is_new(session, f"{one.slug}\n{one.name}\nrefused\n{one.refused}", now):
        return False
    row.reason = f"对方拒收：{one.refused}"
    row.changed_at = now
    return True


def _apply(session: Session, ids: Sequence[int], answer: Answer, noted_by: str, now: datetime) -> bool:
    given = Acknowledgement(
        kind=answer.kind,
        given_by=answer.given_by,
        given_at=answer.given_at,
        place=answer.place,
        noted_by=noted_by,
    )
    new = [note_acknowledgement(session, message_id, given, now=now) for message_id in ids]
    return any(new)


def _is_new(session: Session, key: str, now: datetime) -> bool:
    token = sha256(f"answer\n{key}".encode("utf-8", "replace")).hexdigest()
    statement = insert_new(session, GatewayEventRow, "token").returning(GatewayEventRow.token)
    return session.execute(statement, [{"token": token, "received_at": now}]).first() is not None


def _require_answerable(row: MessageRow | None, kind: AckKind) -> MessageRow:
    if row is None:
        raise WrongAcknowledgement("没有这一条消息")
    purpose = Purpose(row.purpose)
    if kind not in answers_to(purpose):
        raise WrongAcknowledgement(f"{purpose.label}不能回执“{kind.label}”")
    if not _has_left(row):
        raise WrongAcknowledgement(f"{purpose.label}尚未发出，不能回执")
    return row


def _note_arrival(session: Session, row: MessageRow, now: datetime) -> None:
    """Who answers has it, whatever the channel said: it is not sent again, and what it held is recalled from there."""
    state = MessageState(row.state)
    if state is MessageState.SENDING:
        # The call goes on, and its outcome is written down when it returns.
        return
    last = select(AttemptRow).where(AttemptRow.message_id == row.id, AttemptRow.number == row.attempts)
    attempt = session.scalars(last).first()
    if attempt is not None and attempt.outcome in FAILED:
        attempt.outcome, attempt.detail = MessageState.DELIVERED.value, f"{attempt.detail}；但对方已回执"
        # What was followed while it counted as failed has not been told there.
        note_late(session, attempt)
    if may_move(state, MessageState.DELIVERED):
        row.state = move(state, MessageState.DELIVERED)
        row.changed_at = now


def _cancel_reminders(session: Session, message_id: int, now: datetime) -> None:
    # The table allows it from every state that can still be sent.
    cancelled = update(MessageRow).where(
        MessageRow.key.startswith(f"reminder/{message_id}/", autoescape=True), MessageRow.state.in_(SENDABLE)
    )
    session.execute(cancelled.values(state=MessageState.CANCELLED.value, reason="已回执", changed_at=now))
