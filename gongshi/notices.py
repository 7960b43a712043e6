"""Private notices from the registry to the notifier: each once, by its number, to the telephone that the record has now.

Nothing of a person goes over but the number and the text, which names nobody. Killed anywhere, it goes on where it was:
a notice is marked only after the notifier has it, and the notifier takes each key once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from gongshi.court import Court
from notifier.context import Notifier
from notifier.notices import NotSendable, Ready, Unset, compose
from notifier.outbox import SYSTEM_RANDOM, Draft, enqueue
from notifier.sms.templates import FieldValue
from notifier.states import SENDABLE, MessageState, Purpose, move
from notifier.stops import AddressDigest, open_digest
from notifier.tables import MessageRow
from registry.notices import (
    Judged,
    Notice,
    NoticeKind,
    NoticeLine,
    NoticeOutcome,
    find_obstacle,
    find_open,
    find_phone,
    read_of_record,
    read_stuck,
    settle,
)
from registry.record import Record
from search_index.day import day_of
from search_index.profile import Profile

CHUNK = 200

TEMPLATES: Mapping[NoticeKind, str] = {
    NoticeKind.RISK: "debtor_risk_notice",
    NoticeKind.SERVED: "debtor_decision_served",
    NoticeKind.DEPARTED: "debtor_departure_confirmed",
    NoticeKind.CONFIRM: "applicant_confirmation_asked",
    NoticeKind.DONE: "applicant_done",
}
_DAY_OF = {
    NoticeKind.SERVED: "served_on",
    NoticeKind.DEPARTED: "gone_on",
    NoticeKind.CONFIRM: "due_on",
    NoticeKind.DONE: "done_on",
}
_MOVED = "登记的号码已经更改，没有发往原来的号码：需要的，请重新办理"

Composed = Ready | NotSendable | Unset


def compose_notice(kind: NoticeKind, record: Record, day: date | None, profile: Profile, today: date) -> Composed:
    """What would go out of a notice as the record and the court's profile stand. Pure."""
    obstacle = find_obstacle(kind, record, today)
    if obstacle is not None:
        return NotSendable(obstacle)
    values: dict[str, FieldValue] = {"case_number": record.facts.case_number.canonical}
    if day is not None and kind in _DAY_OF:
        values[_DAY_OF[kind]] = day
    return compose(TEMPLATES[kind], find_phone(kind, record.facts), values, profile)


def pump_notices(court: Court, office: Notifier, now: datetime, random: Random = SYSTEM_RANDOM) -> int:
    """Hand to the notifier what waits, and take back what no longer holds; how many notices it took over. Safe to repeat,
    and to be killed, at any moment. `random` is not the court's: what is private must not touch the numbers it draws."""
    profile, after, handed = court.profile(), 0, 0
    while True:
        with court.reading() as session:
            notices = _find_open(court, session, after, now)
        if not notices:
            return handed
        composed = [(one, compose_notice(one.kind, one.record, one.day, profile, day_of(now))) for one in notices]
        judged = _hand_over(office, composed, open_digest(office.engine), now, random)
        news = [one for one, notice in zip(judged, notices, strict=True) if _is_news(one, notice)]
        if news:
            # Bulk work: a departure goes ahead.
            court.turns.step_aside()
            with court.session() as session:
                settle(session, news, now)
        handed += sum(_is_handed(one, notice) for one, notice in zip(judged, notices, strict=True))
        after = notices[-1].id


def _find_open(court: Court, session: Session, after: int, now: datetime) -> list[Notice]:
    return find_open(session, court.vault, after, CHUNK, now)


def _is_news(judged: Judged, notice: Notice) -> bool:
    """What still waits for the same is not written down every time."""
    return judged.outcome is not NoticeOutcome.WAITING or judged.reason != notice.reason


def _is_handed(judged: Judged, notice: Notice) -> bool:
    return judged.outcome is NoticeOutcome.QUEUED and notice.outcome is NoticeOutcome.WAITING


def key_of(notice_id: int) -> str:
    """The key of a notice's message in the outbox."""
    return f"notice/{notice_id}"


def _hand_over(
    office: Notifier,
    composed: Sequence[tuple[Notice, Composed]],
    digest: AddressDigest,
    now: datetime,
    random: Random,
) -> list[Judged]:
    drafts = [_to_draft(notice, ready) for notice, ready in composed if isinstance(ready, Ready)]
    keys = [key_of(notice.id) for notice, _ in composed]
    with Session(office.engine) as session, session.begin():
        enqueue(session, drafts, now=now, digest=digest, random=random)
        query = select(MessageRow).where(MessageRow.key.in_(keys)).order_by(MessageRow.id).with_for_update()
        messages = {message.key: message for message in session.scalars(query)}
        return [_judge(notice, one, messages.get(key_of(notice.id)), now) for notice, one in composed]


def _to_draft(notice: Notice, ready: Ready) -> Draft:
    return Draft(
        key=key_of(notice.id),
        purpose=Purpose.NOTICE,
        channel=ready.channel,
        content=ready.content,
        address=ready.address,
        citizen=True,
        expires_at=notice.expires_at,
    )


def _judge(notice: Notice, composed: Composed, message: MessageRow | None, now: datetime) -> Judged:
    """What becomes of a notice, given the message that it has in the outbox; a message that must not go is cancelled."""
    judged = Judged(id=notice.id, outcome=NoticeOutcome.QUEUED, reason=None, seen=notice.seen)
    match composed:
        case Ready(address=address):
            if message is None or message.address == address:
                return judged
            stopped = _cancel(message, _MOVED, now)
            return replace(judged, outcome=NoticeOutcome.STOPPED, reason=_MOVED) if stopped else judged
        case NotSendable(reason=reason):
            if message is None:
                return replace(judged, outcome=NoticeOutcome.NOT_SENT, reason=reason)
            stopped = _cancel(message, reason, now)
            return replace(judged, outcome=NoticeOutcome.STOPPED, reason=reason) if stopped else judged
        case Unset(reason=reason):
            return replace(judged, outcome=NoticeOutcome.WAITING, reason=reason) if message is None else judged


def _cancel(message: MessageRow, reason: str, now: datetime) -> bool:
    """Keep a message from going; False where it has gone, or is on its way."""
    if message.state == MessageState.CANCELLED:
        return True
    if message.state not in SENDABLE:
        return False
    message.state = move(MessageState(message.state), MessageState.CANCELLED).value
    message.reason, message.changed_at = reason, now
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A notice and what has become of its message: `state` is None where the notifier does not have it."""

    line: NoticeLine
    state: MessageState | None
    detail: str | None

    @property
    def words(self) -> str:
        """Where it stands, in Chinese."""
        if self.state is not None and self.line.outcome is NoticeOutcome.QUEUED:
            return self.state.label
        return _OUTCOME_LABEL[self.line.outcome]


_OUTCOME_LABEL = {
    NoticeOutcome.WAITING: "等待交付发送",
    NoticeOutcome.QUEUED: "已交付发送",
    NoticeOutcome.NOT_SENT: "不能发送",
    NoticeOutcome.STOPPED: "已停止，未发送",
}


def list_notices(court: Court, office: Notifier, record_id: int) -> list[Told]:
    """Every notice of a record (by its row), with what has become of it; the oldest first."""
    with court.reading() as session:
        lines = read_of_record(session, record_id)
    states = _find_states(office, [key_of(line.id) for line in lines])
    return [_tell(line, states.get(key_of(line.id))) for line in lines]


def list_stuck(court: Court, limit: int = 200) -> list[NoticeLine]:
    """What could not be sent, or not yet, and why; the newest first. Somebody has to be told in another way."""
    with court.reading() as session:
        return read_stuck(session, limit)


def _find_states(office: Notifier, keys: Sequence[str]) -> Mapping[str, tuple[MessageState, str | None]]:
    query = select(MessageRow.key, MessageRow.state, MessageRow.reason).where(MessageRow.key.in_(list(keys)))
    with Session(office.engine) as session:
        return {key: (MessageState(state), reason) for key, state, reason in session.execute(query)}


def _tell(line: NoticeLine, found: tuple[MessageState, str | None] | None) -> Told:
    state, reason = found or (None, None)
    return Told(line=line, state=state, detail=line.reason or reason)
