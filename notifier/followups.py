"""Following up: what recipients confirm, who is reminded of what, and what is overdue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from random import Random
from typing import Any

from sqlalchemy import Engine, Select, select, update
from sqlalchemy.orm import Session

from notifier.calendar import Period, Workdays
from notifier.channels import Letter
from notifier.outbox import SYSTEM_RANDOM, Draft, enqueue
from notifier.policy import PACKAGE_LADDER, RECALL_LADDER, reminders_due
from notifier.recall import Recall, name_entry, sign, to_recall
from notifier.recipients import TASKS, Recipient, to_recipient
from notifier.states import SENDABLE, MessageState, Purpose, may_move, move
from notifier.stops import AddressDigest, open_digest
from notifier.tables import AcknowledgementRow, MessageRow, RecallRow, RecipientRow, RunRow
from search_index.day import day_of
from search_index.profile import Profile


class AckKind(StrEnum):
    RECEIVED = "received"
    AIRED = "aired"
    TAKEN_DOWN = "taken_down"

    @property
    def label(self) -> str:
        return _LABEL[self]


_LABEL = {AckKind.RECEIVED: "已收到", AckKind.AIRED: "已播出或者发布", AckKind.TAKEN_DOWN: "已撤下或者更正"}
# What ends the matter of a message, and what else may be said of it.
_CLOSES = {
    Purpose.PACKAGE: AckKind.AIRED,
    Purpose.RECALL: AckKind.TAKEN_DOWN,
    Purpose.CORRECTION: AckKind.TAKEN_DOWN,
}
_LADDER = {
    Purpose.PACKAGE: PACKAGE_LADDER,
    Purpose.RECALL: RECALL_LADDER,
    Purpose.CORRECTION: RECALL_LADDER,
}
_OUT = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN)
_DROPPED = (MessageState.CANCELLED, MessageState.SUPERSEDED, MessageState.EXPIRED)


class WrongAcknowledgement(ValueError):
    """What cannot be confirmed of this message. The message (Chinese) says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """What was confirmed, by whom at the recipient's and when; `place` says where, or in which slot; `noted_by` who of
    the court took it in."""

    kind: AckKind
    given_by: str
    given_at: datetime
    noted_by: str
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A message that a recipient has to answer. `recall` is None for a package, `period` for a recall; `sent_on` is
    None until it has left the house; `due_on` is the last day for the answer of a recall."""

    message_id: int
    purpose: Purpose
    recipient: Recipient
    state: MessageState
    recall: Recall | None
    period: Period | None
    sent_on: date | None
    acknowledgements: tuple[Acknowledgement, ...]

    @property
    def due_on(self) -> date | None:
        return self.recall.due_on if self.recall else None

    @property
    def is_closed(self) -> bool:
        closing = _CLOSES[self.purpose]
        return any(acknowledgement.kind is closing for acknowledgement in self.acknowledgements)

    def is_overdue(self, today: date) -> bool:
        return not self.is_closed and self.due_on is not None and self.due_on < today


def acknowledge(engine: Engine, message_id: int, given: Acknowledgement, *, now: datetime) -> bool:
    """Take in what a recipient confirms of a message; False when it has confirmed it before.

    Who confirms a message has received it. Raises WrongAcknowledgement.
    """
    kind = given.kind
    with Session(engine) as session, session.begin():
        row = session.scalars(select(MessageRow).where(MessageRow.id == message_id).with_for_update()).first()
        row = _require_answerable(row, kind)
        known = select(AcknowledgementRow.id).where(
            AcknowledgementRow.message_id == message_id, AcknowledgementRow.kind == kind
        )
        if session.scalar(known) is not None:
            return False
        session.add(
            AcknowledgementRow(
                message_id=message_id,
                kind=kind,
                given_by=given.given_by,
                given_at=given.given_at,
                place=given.place,
                noted_by=given.noted_by,
                noted_at=now,
            )
        )
        if row.state in _OUT and may_move(MessageState(row.state), MessageState.DELIVERED):
            row.state = move(MessageState(row.state), MessageState.DELIVERED)
            row.changed_at = now
        if kind is _CLOSES[Purpose(row.purpose)]:
            _cancel_reminders(session, row.id, now)
        return True


def list_follow_ups(
    engine: Engine, purposes: Iterable[Purpose] = (Purpose.RECALL, Purpose.CORRECTION)
) -> list[FollowUp]:
    """Every message of these purposes that was not dropped, the latest first: the report of what became of recalls."""
    query = _followed(tuple(purposes)).order_by(MessageRow.id.desc())
    with Session(engine) as session:
        found = session.execute(query).all()
        return _to_follow_ups(session, found)


def list_overdue(engine: Engine, today: date) -> list[FollowUp]:
    """The recalls whose last day has passed without an answer that ends the matter, the oldest first."""
    return [one for one in reversed(list_follow_ups(engine)) if one.is_overdue(today)]


def queue_reminders(
    engine: Engine, workdays: Workdays, profile: Profile, *, now: datetime, random: Random = SYSTEM_RANDOM
) -> int:
    """Remind those who have not answered, by the working days since the message went; how many reminders are due.
    Safe to repeat: each step of the ladder goes once. After a time without power only the latest goes."""
    digest, today = open_digest(engine), day_of(now)
    drafts = []
    for one in list_follow_ups(engine, _CLOSES):
        if one.is_closed or one.sent_on is None or one.state not in _OUT or one.recipient.channel == TASKS:
            continue
        step = reminders_due(one.sent_on, today, _LADDER[one.purpose], workdays)
        if step:
            drafts.append(_remind(one, step, profile, today))
    with Session(engine) as session, session.begin():
        enqueue(session, drafts, now=now, digest=digest, random=random)
    return len(drafts)


def queue_repeats(
    session: Session, run_id: int, profile: Profile, *, now: datetime, digest: AddressDigest, random: Random
) -> None:
    """With the next package, repeat to each recipient the recalls that it has not answered."""
    waiting: dict[int, list[FollowUp]] = {}
    found = session.execute(_followed((Purpose.RECALL, Purpose.CORRECTION)).order_by(MessageRow.id)).all()
    for one in _to_follow_ups(session, found):
        if not one.is_closed and one.recipient.channel != TASKS:
            waiting.setdefault(one.recipient.id, []).append(one)
    drafts = [_repeat(run_id, recalls, profile) for recalls in waiting.values()]
    enqueue(session, drafts, now=now, digest=digest, random=random)


def _require_answerable(row: MessageRow | None, kind: AckKind) -> MessageRow:
    if row is None:
        raise WrongAcknowledgement("没有这一条消息")
    purpose = Purpose(row.purpose)
    if purpose not in _CLOSES or kind not in (AckKind.RECEIVED, _CLOSES[purpose]):
        raise WrongAcknowledgement(f"{purpose.label}不能回执“{kind.label}”")
    if not row.attempts:
        raise WrongAcknowledgement(f"{purpose.label}尚未发出，不能回执")
    return row


def _followed(purposes: tuple[Purpose, ...]) -> Select[MessageRow, RecipientRow, RecallRow, str]:
    return (
        select(MessageRow, RecipientRow, RecallRow, RunRow.period)
        .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .outerjoin(RecallRow, RecallRow.id == MessageRow.recall_id)
        .outerjoin(RunRow, RunRow.id == MessageRow.run_id)
        .where(MessageRow.purpose.in_(purposes), MessageRow.state.not_in(_DROPPED))
    )


def _to_follow_ups(session: Session, found: Sequence[Any]) -> list[FollowUp]:
    given = _find_acknowledgements(session, [row.id for row, *_ in found])
    return [
        FollowUp(
            message_id=row.id,
            purpose=Purpose(row.purpose),
            recipient=to_recipient(recipient),
            state=MessageState(row.state),
            recall=to_recall(recall) if recall is not None else None,
            period=Period.parse(period) if period is not None else None,
            sent_on=row.called_on if row.state in _OUT else None,
            acknowledgements=tuple(given.get(row.id, ())),
        )
        for row, recipient, recall, period in found
    ]


def _find_acknowledgements(session: Session, ids: Sequence[int]) -> Mapping[int, list[Acknowledgement]]:
    found: dict[int, list[Acknowledgement]] = {}
    query = select(AcknowledgementRow).where(AcknowledgementRow.message_id.in_(ids)).order_by(AcknowledgementRow.id)
    for row in session.scalars(query):
        one = Acknowledgement(
            kind=AckKind(row.kind),
            given_by=row.given_by,
            given_at=row.given_at,
            place=row.place,
            noted_by=row.noted_by,
        )
        found.setdefault(row.message_id, []).append(one)
    return found


def _cancel_reminders(session: Session, message_id: int, now: datetime) -> None:
    # The table allows it from every state that can still be sent.
    cancelled = update(MessageRow).where(
        MessageRow.key.startswith(f"reminder/{message_id}/", autoescape=True), MessageRow.state.in_(SENDABLE)
    )
    session.execute(cancelled.values(state=MessageState.CANCELLED.value, reason="已回执", changed_at=now))


def _remind(one: FollowUp, step: int, profile: Profile, today: date) -> Draft:
    return Draft(
        key=f"reminder/{one.message_id}/{step}",
        purpose=Purpose.REMINDER,
        channel=one.recipient.channel,
        content=_compose_reminder(one, profile, today),
        recipient_id=one.recipient.id,
    )


def _compose_reminder(one: FollowUp, profile: Profile, today: date) -> Letter:
    if one.recall is None:
        label = one.period.label if one.period is not None else ""
        return Letter(
            subject=f"【请回执】{label}失信被执行人名单",
            text=f"{label}失信被执行人名单已发送，尚未收到播出或者发布的回执。请回执说明播出时段或者发布位置；"
            f"未播出、发布的，请说明原因。\n{sign(profile)}",
        )
    late = f"，已超过办理期限{(today - one.recall.due_on).days}天" if one.is_overdue(today) else ""
    return Letter(
        subject=f"【催办】{one.purpose.label}：{name_entry(one.recall)}",
        text=f"下列条目的{one.purpose.label}尚未收到办理完毕的回执{late}：\n\n{name_entry(one.recall)}\n\n"
        f"请停止使用旧内容，撤下或者更正各处已发布的内容，并回执说明办理时间和位置。\n{sign(profile)}",
    )


def _repeat(run_id: int, recalls: Sequence[FollowUp], profile: Profile) -> Draft:
    recipient = recalls[0].recipient
    lines = [f"{one.purpose.label}：{name_entry(one.recall)}" for one in recalls if one.recall is not None]
    text = "随本期名单重申，下列条目的办理尚未收到回执，旧内容不得再使用：\n\n" + "\n".join(lines) + "\n"
    return Draft(
        key=f"repeat/{run_id}/{recipient.id}",
        purpose=Purpose.REMINDER,
        channel=recipient.channel,
        content=Letter(subject=f"【重申】尚未回执的撤回和更正，共{len(lines)}件", text=text + sign(profile)),
        recipient_id=recipient.id,
    )
