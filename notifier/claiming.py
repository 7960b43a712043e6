"""Claiming: which sender has which message, from the claim until the moment before the call.

A claim is a lease with a number: the message's count of attempts. Whoever comes back after the lease ended, and another
attempt was begun, changes nothing. Nothing has left the house before `called_at` of the attempt is on the disk, so what
was claimed and not called goes back into the queue when its sender dies.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from random import Random
from typing import Any, cast

from sqlalchemy import BindParameter, Engine, Table, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.calendar import Period, Workdays
from notifier.clarifying import TAKEN_BACK
from notifier.due import Due, count_sent, find_due, find_left_today
from notifier.holding import Standing, find_parts, find_standing, is_outdated, is_recall_under_way, keep_parts
from notifier.institutions import PULL, WEBHOOK
from notifier.packages import Revision
from notifier.policy import Candidate, Drop, Rules, Verdict, Wait, judge, midnight_after
from notifier.recall_letters import RecallKind
from notifier.states import MessageState, Purpose, move
from notifier.stops import AddressDigest, find_suppressed, insert_new
from notifier.tables import AttemptRow, ChannelDayRow, MessageRow, RecallRow, RecipientRow
from notifier.watermark import lock_watermark
from search_index.day import day_of

LEASE = timedelta(minutes=10)
# How soon it is looked again whether a package that is on its way has arrived, so that its recall may follow.
_BEHIND_PACKAGE = timedelta(seconds=15)
_AFTER_PACKAGE, _NEVER_SENT = "等待名单包的发送结果", "该单位没有收到过这一条目"
_AFTER_RECALL = "等待撤回通知先行发出"
_ANNOUNCED = frozenset({PULL, WEBHOOK})
_MESSAGE, _ATTEMPT = cast("Table", MessageRow.__table__), cast("Table", AttemptRow.__table__)
_IDS: BindParameter[int] = bindparam("ids", expanding=True)
# Made once: SQLAlchemy takes longer to put them together than the databases take to answer.
_BEGIN = (
    update(_MESSAGE)
    .where(_MESSAGE.c.id.in_(_IDS))
    .values(
        state=MessageState.SENDING.value,
        attempts=_MESSAGE.c.attempts + 1,
        lease_until=bindparam("new_lease"),
        called_on=bindparam("new_day"),
        reason=None,
        changed_at=bindparam("new_change"),
    )
)
_ATTEMPTS = insert(_ATTEMPT).returning(_ATTEMPT.c.message_id, _ATTEMPT.c.id)
_HELD = (
    select(_MESSAGE.c.id, _MESSAGE.c.attempts)
    .where(_MESSAGE.c.id.in_(_IDS), _MESSAGE.c.state == MessageState.SENDING.value)
    .order_by(_MESSAGE.c.id)
    .with_for_update()
)
_CALLED = (
    update(_ATTEMPT)
    .where(_ATTEMPT.c.id.in_(_IDS))
    .values(called_at=bindparam("new_call"), package_id=bindparam("new_package"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a sender goes by, and its name."""

    rules: Rules
    workdays: Workdays
    digest: AddressDigest
    random: Random
    worker: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Attempt `number` at a message, and what it carries. `content` is None for a package: it is made from the list.
    `called_at` is when its call was put on record; None: it was not."""

    message_id: int
    attempt_id: int
    number: int
    purpose: Purpose
    dispatch: str
    channel: str
    recipient: str
    address: str | None
    content: str | None
    record: str | None
    run_id: int | None
    period: Period | None
    revision: int
    called_at: datetime | None


class Begun(Enum):
    """What became of the last step before a call."""

    YES = "yes"
    # Another sender has it by now, or its channel has had enough for today.
    LOST = "lost"
    # Changes of the list were followed since the package was made: whoever has left may still be in it.
    OUTDATED = "outdated"
    # This revision went to this recipient before.
    REPEATED = "repeated"


def claim_due(session: Session, channel: str, room: int, terms: Terms, now: datetime) -> tuple[list[Claim], int]:
    """Claim up to `room` messages of a channel, and how many were looked at: 0 when nothing is due.

    Those that may not go now are put off, those that may never go are dropped, each with its reason.
    """
    left = min(room, find_left_today(session, channel, terms.rules, now))
    if left <= 0:
        return [], 0
    found = find_due(session, channel, left, terms.digest, now)
    suppressed = find_suppressed(session, {one.address_hash for one in found if one.address_hash})
    sent = count_sent(session, {one.address_hash for one in found if one.citizen and one.address_hash}, now)
    going: list[Due] = []
    kept: dict[Wait | Drop, list[Due]] = {}
    for one in found:
        verdict = _judge(session, one, terms, now, suppressed=suppressed, sent=sent)
        if isinstance(verdict, Wait | Drop):
            kept.setdefault(verdict, []).append(one)
            continue
        if one.citizen and one.address_hash and one.called_on != day_of(now):
            sent[one.address_hash] = sent.get(one.address_hash, 0) + 1
        going.append(one)
    for verdict, those in kept.items():
        _put_off(session, those, verdict, now)
    return _begin_attempts(session, channel, going, terms.worker, now), len(found)


def begin_calls(session: Session, claims: Sequence[Claim], rules: Rules, now: datetime) -> list[Claim]:
    """Those of `claims` that are still this sender's, each with its call on record: after the commit they may be made."""
    held = _count_calls(session, _still_held(session, claims), rules, now)
    if held:
        _record_calls(session, held, None, now)
    return [replace(claim, called_at=now) for claim in held]


def begin_package(
    engine: Engine, claim: Claim, revision: Revision, *, followed: int, rules: Rules, now: datetime
) -> Begun:
    """Put on record that `revision` is about to be delivered. `followed` is how far the changes of the list were
    followed before the revision was made: from here on, whoever leaves is told to whom this goes."""
    try:
        with Session(engine) as session, session.begin():
            if lock_watermark(session) != followed:
                return Begun.OUTDATED
            held = _count_calls(session, _still_held(session, [claim]), rules, now)
            if not held:
                return Begun.LOST
            session.execute(
                update(MessageRow).where(MessageRow.id == claim.message_id).values(revision=revision.revision)
            )
            # Who is only told where the package lies has it when it fetches it.
            _record_calls(session, held, None if claim.channel in _ANNOUNCED else revision.id, now)
            return Begun.YES
    except IntegrityError:
        return Begun.REPEATED


def drop_claim(session: Session, claim: Claim, state: MessageState, reason: str, now: datetime) -> None:
    """End a message that was claimed and not called: it will never go."""
    _give_back(session, claim, state, reason, now, now)


def release_claim(session: Session, claim: Claim, reason: str, now: datetime, until: datetime) -> None:
    """Put a message that was claimed and not called back into the queue, not to be looked at before `until`."""
    _give_back(session, claim, MessageState.QUEUED, reason, now, until)


def renew_leases(session: Session, claims: Iterable[Claim], now: datetime) -> None:
    """Keep what is still being worked on."""
    ids = [claim.message_id for claim in _still_held(session, list(claims))]
    session.connection().execute(update(_MESSAGE).where(_MESSAGE.c.id.in_(ids)).values(lease_until=now + LEASE))


def find_attempt(session: Session, message_id: int, number: int) -> AttemptRow:
    query = select(AttemptRow).where(AttemptRow.message_id == message_id, AttemptRow.number == number)
    return session.scalars(query).one()


def _judge(
    session: Session,
    one: Due,
    terms: Terms,
    now: datetime,
    *,
    suppressed: Mapping[str, str],
    sent: Mapping[str, int],
) -> Verdict:
    if (verdict := _judge_belonging(session, one, now)) is not None:
        return verdict
    candidate = Candidate(
        citizen=one.citizen,
        must_be_told=one.recalled is not None,
        recipient=one.slug,
        address=one.address,
        expires_at=one.expires_at,
        suppressed=suppressed.get(one.address_hash or ""),
        sent_today=sent.get(one.address_hash or "", 0) - (one.called_on == day_of(now)),
    )
    return judge(candidate, terms.rules, now, terms.workdays)


def _judge_belonging(session: Session, one: Due, now: datetime) -> Verdict | None:
    """What the recipient, and the package before it, say of a message; None: nothing against it."""
    purpose = Purpose(one.purpose)
    if purpose is Purpose.PACKAGE and one.active is False:
        return Drop(MessageState.CANCELLED, "接收单位已停用")
    if one.recalled is None or one.recipient_id is None or purpose is Purpose.REMINDER:
        return None
    parts = find_parts(session, one.id)
    is_clarification = purpose is Purpose.CLARIFICATION
    if purpose is Purpose.CORRECTION:
        return _judge_corrections(session, one, one.recipient_id, parts, now)
    match find_standing(session, one.recipient_id, parts[0]):
        case Standing.ON_ITS_WAY:
            return Wait(now + _BEHIND_PACKAGE, _AFTER_PACKAGE)
        case Standing.NEVER:
            return Drop(MessageState.CANCELLED, _NEVER_SENT)
        case Standing.HAS_IT:
            return _judge_clarification(session, one.recipient_id, parts[0], now) if is_clarification else None


def _judge_clarification(session: Session, recipient_id: int, part: RecallRow, now: datetime) -> Verdict | None:
    """That an entry was wrong is said behind its recall, and not where the court has taken that word back."""
    if part.type == RecallKind.RETRACTED:
        return Drop(MessageState.CANCELLED, TAKEN_BACK)
    if is_recall_under_way(session, recipient_id, part.record):
        return Wait(now + _BEHIND_PACKAGE, _AFTER_RECALL)
    return None


def _judge_corrections(
    session: Session, one: Due, recipient_id: int, parts: Sequence[RecallRow], now: datetime
) -> Verdict | None:
    """What is to be said of a letter about one correction or many. What need not be said any more is left out of it."""
    current = [part for part in parts if not is_outdated(session, recipient_id, part)]
    if not current:
        return Drop(MessageState.SUPERSEDED, "该条目此后又有变动，以后一次通知为准")
    standings = [find_standing(session, recipient_id, part) for part in current]
    if Standing.ON_ITS_WAY in standings:
        return Wait(now + _BEHIND_PACKAGE, _AFTER_PACKAGE)
    held = [part for part, standing in zip(current, standings, strict=True) if standing is Standing.HAS_IT]
    if not held:
        return Drop(MessageState.CANCELLED, _NEVER_SENT)
    if len(held) == len(parts):
        return None
    keep_parts(session, one.id, held)
    # It goes as it is now the next time it is looked at.
    return Wait(now, "其中部分条目无须再通知")


def _put_off(session: Session, those: Sequence[Due], verdict: Wait | Drop, now: datetime) -> None:
    """Write down for messages with the same verdict when they are looked at again, or that they never go."""
    written: dict[str, Any] = {"reason": verdict.reason, "changed_at": now}
    if isinstance(verdict, Wait):
        written["next_attempt_at"] = verdict.until
    else:
        written["state"] = verdict.state.value
        for one in those:
            move(MessageState(one.state), verdict.state)
    ids = [one.id for one in those]
    session.connection().execute(update(_MESSAGE).where(_MESSAGE.c.id.in_(ids)).values(written))


def _begin_attempts(session: Session, channel: str, going: Sequence[Due], worker: str, now: datetime) -> list[Claim]:
    if not going:
        return []
    for one in going:
        move(MessageState(one.state), MessageState.SENDING)
    ids = [one.id for one in going]
    begun = {"ids": ids, "new_lease": now + LEASE, "new_day": day_of(now), "new_change": now}
    session.connection().execute(_BEGIN, begun)
    rows = [{"message_id": one.id, "number": one.attempts + 1, "worker": worker, "begun_at": now} for one in going]
    attempts: dict[int, int] = dict(session.connection().execute(_ATTEMPTS, rows).all())
    return [_claim(one, channel, attempts[one.id]) for one in going]


def _claim(one: Due, channel: str, attempt_id: int) -> Claim:
    return Claim(
        message_id=one.id,
        attempt_id=attempt_id,
        number=one.attempts + 1,
        purpose=Purpose(one.purpose),
        dispatch=one.dispatch,
        channel=channel,
        recipient=one.slug or "",
        address=one.address,
        content=one.content,
        record=one.record,
        run_id=one.run_id,
        period=Period.parse(one.period) if one.period else None,
        revision=one.revision,
        called_at=None,
    )


def to_claim(row: MessageRow, attempt: AttemptRow, recipient: RecipientRow | None, period: str | None) -> Claim:
    """The last attempt at a message, whose run is of `period`."""
    return Claim(
        message_id=row.id,
        attempt_id=attempt.id,
        number=row.attempts,
        purpose=Purpose(row.purpose),
        dispatch=row.dispatch,
        channel=row.channel,
        recipient=recipient.slug if recipient else "",
        address=row.address or (recipient.address if recipient else None),
        content=row.content,
        record=row.record,
        run_id=row.run_id,
        period=Period.parse(period) if period else None,
        revision=row.revision,
        called_at=attempt.called_at,
    )


def _still_held(session: Session, claims: Sequence[Claim]) -> list[Claim]:
    if not claims:
        return []
    ids = [claim.message_id for claim in claims]
    numbers = dict(session.connection().execute(_HELD, {"ids": ids}).all())
    return [claim for claim in claims if numbers.get(claim.message_id) == claim.number]


def _record_calls(session: Session, claims: Sequence[Claim], package_id: int | None, now: datetime) -> None:
    called = {"ids": [claim.attempt_id for claim in claims], "new_call": now, "new_package": package_id}
    session.connection().execute(_CALLED, called)


def _give_back(
    session: Session, claim: Claim, state: MessageState, reason: str, now: datetime, until: datetime
) -> None:
    if not _still_held(session, [claim]):
        return
    row = session.get_one(MessageRow, claim.message_id)
    row.state = move(MessageState.SENDING, state)
    row.reason = reason
    row.next_attempt_at = until
    row.lease_until = None
    row.changed_at = now
    attempt = find_attempt(session, claim.message_id, claim.number)
    attempt.ended_at, attempt.outcome, attempt.detail = now, state, reason


def _count_calls(session: Session, claims: Sequence[Claim], rules: Rules, now: datetime) -> list[Claim]:
    """Count calls against the daily limits of their channels. Those beyond go back into the queue until tomorrow."""
    going: list[Claim] = []
    days: dict[str, ChannelDayRow] = {}
    for claim in claims:
        most = rules.limits(claim.channel).per_day
        if most is not None:
            if claim.channel not in days:
                days[claim.channel] = _lock_day(session, claim.channel, now)
            day = days[claim.channel]
            if day.calls >= most:
                release_claim(session, claim, "通道当日发送数量已达上限", now, midnight_after(now))
                continue
            day.calls += 1
        going.append(claim)
    return going


def _lock_day(session: Session, channel: str, now: datetime) -> ChannelDayRow:
    values = {"channel": channel, "day": day_of(now), "calls": 0}
    found = session.get(ChannelDayRow, (channel, day_of(now)), with_for_update=True)
    if found is None:
        session.execute(insert_new(session, ChannelDayRow, "channel", "day"), [values])
        found = session.get_one(ChannelDayRow, (channel, day_of(now)), with_for_update=True)
    return found
