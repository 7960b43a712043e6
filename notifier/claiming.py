"""Claiming: which sender has which message, from the claim until the moment before the call.

A claim is a lease with a number: the message's count of attempts. Whoever comes back after the lease ended, and another
attempt was begun, changes nothing. Nothing has left the house before `called_at` of the attempt is on the disk, so what
was claimed and not called goes back into the queue when its sender dies.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from random import Random

from sqlalchemy import Engine, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.calendar import Period, Workdays
from notifier.packages import Revision
from notifier.policy import Candidate, Drop, Rules, Verdict, Wait, judge, midnight_after
from notifier.recall import Standing, find_standing, is_outdated, lock_watermark
from notifier.states import SENDABLE, MessageState, Purpose, move
from notifier.stops import AddressDigest, find_suppressed, insert_new
from notifier.tables import AttemptRow, ChannelDayRow, MessageRow, RecallRow, RecipientRow, RunRow
from search_index.day import day_of

LEASE = timedelta(minutes=10)
# How soon it is looked again whether a package that is on its way has arrived, so that its recall may follow.
_BEHIND_PACKAGE = timedelta(seconds=15)
_STATES = sorted(SENDABLE)
# What the session has loaded of these rows is not looked at again in the same transaction.
_UNWATCHED = {"synchronize_session": False}


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
    """Attempt `number` at a message, and what it carries. `content` is None for a package: it is made from the list."""

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
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class _Found:
    """A message that is due, with what it belongs to."""

    message: MessageRow
    recipient: RecipientRow | None
    period: str | None
    recall: RecallRow | None
    address_hash: str | None

    @property
    def address(self) -> str | None:
        return self.message.address or (self.recipient.address if self.recipient else None)


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
    left = min(room, _left_today(session, channel, terms.rules, now))
    if left <= 0:
        return [], 0
    found = _find_due(session, channel, left, terms.digest, now)
    suppressed = find_suppressed(session, {one.address_hash for one in found if one.address_hash})
    sent = _count_sent(session, {one.address_hash for one in found if one.message.citizen and one.address_hash}, now)
    going = []
    for one in found:
        verdict = _judge(session, one, terms, now, suppressed=suppressed, sent=sent)
        if isinstance(verdict, Wait | Drop):
            _put_off(one.message, verdict, now)
            continue
        if one.message.citizen and one.address_hash and one.message.called_on != day_of(now):
            sent[one.address_hash] = sent.get(one.address_hash, 0) + 1
        going.append((one, _begin_attempt(one.message, terms.worker, now)))
    session.add_all(attempt for _, attempt in going)
    session.flush()
    return [to_claim(one.message, attempt, one.recipient, one.period) for one, attempt in going], len(found)


def begin_calls(session: Session, claims: Sequence[Claim], rules: Rules, now: datetime) -> list[Claim]:
    """Those of `claims` that are still this sender's, each with its call on record: after the commit they may be made."""
    held = _count_calls(session, _still_held(session, claims), rules, now)
    if held:
        _record_calls(session, held, None, now)
    return held


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
            _record_calls(session, held, revision.id, now)
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
    for claim in claims:
        held = update(MessageRow).where(
            MessageRow.id == claim.message_id,
            MessageRow.attempts == claim.number,
            MessageRow.state == MessageState.SENDING,
        )
        session.execute(held.values(lease_until=now + LEASE))


def find_attempt(session: Session, message_id: int, number: int) -> AttemptRow:
    query = select(AttemptRow).where(AttemptRow.message_id == message_id, AttemptRow.number == number)
    return session.scalars(query).one()


def _find_due(session: Session, channel: str, room: int, digest: AddressDigest, now: datetime) -> list[_Found]:
    found: list[tuple[MessageRow, RecipientRow | None, str | None, RecallRow | None]] = []
    for state in _STATES:
        query = (
            select(MessageRow, RecipientRow, RunRow.period, RecallRow)
            .outerjoin(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
            .outerjoin(RunRow, RunRow.id == MessageRow.run_id)
            .outerjoin(RecallRow, RecallRow.id == MessageRow.recall_id)
            .where(MessageRow.state == state, MessageRow.channel == channel, MessageRow.next_attempt_at <= now)
            .order_by(MessageRow.priority, MessageRow.next_attempt_at, MessageRow.id)
            .limit(room)
            # SQLite has one writer at a time, and the transaction is it.
            .with_for_update(skip_locked=True, of=MessageRow)
        )
        found += session.execute(query).all()
    found.sort(key=lambda row: (row[0].priority, row[0].next_attempt_at, row[0].id))
    return [_Found(*row, _digest_of(row[0], row[1], digest)) for row in found[:room]]


def _digest_of(message: MessageRow, recipient: RecipientRow | None, digest: AddressDigest) -> str | None:
    if message.address_hash is not None:
        return message.address_hash
    return digest(recipient.address) if recipient is not None and recipient.address is not None else None


def _judge(
    session: Session,
    one: _Found,
    terms: Terms,
    now: datetime,
    *,
    suppressed: Mapping[str, str],
    sent: Mapping[str, int],
) -> Verdict:
    if (verdict := _judge_belonging(session, one, now)) is not None:
        return verdict
    candidate = Candidate(
        citizen=one.message.citizen,
        must_be_told=one.recall is not None,
        recipient=one.recipient.slug if one.recipient else None,
        address=one.address,
        expires_at=one.message.expires_at,
        suppressed=suppressed.get(one.address_hash or ""),
        sent_today=sent.get(one.address_hash or "", 0) - (one.message.called_on == day_of(now)),
    )
    return judge(candidate, terms.rules, now, terms.workdays)


def _judge_belonging(session: Session, one: _Found, now: datetime) -> Verdict | None:
    """What the recipient, and the package before it, say of a message; None: nothing against it."""
    purpose = Purpose(one.message.purpose)
    if one.recipient is not None and not one.recipient.active and purpose is Purpose.PACKAGE:
        return Drop(MessageState.CANCELLED, "接收单位已停用")
    if one.recall is None or one.recipient is None or purpose is Purpose.REMINDER:
        return None
    if purpose is Purpose.CORRECTION and is_outdated(session, one.recipient.id, one.recall):
        return Drop(MessageState.SUPERSEDED, "该条目此后又有变动，以后一次通知为准")
    match find_standing(session, one.recipient.id, one.recall):
        case Standing.ON_ITS_WAY:
            return Wait(now + _BEHIND_PACKAGE, "等待名单包的发送结果")
        case Standing.NEVER:
            return Drop(MessageState.CANCELLED, "该单位没有收到过这一条目")
        case Standing.HAS_IT:
            return None


def _put_off(row: MessageRow, verdict: Wait | Drop, now: datetime) -> None:
    row.reason = verdict.reason
    row.changed_at = now
    if isinstance(verdict, Wait):
        row.next_attempt_at = verdict.until
    else:
        row.state = move(MessageState(row.state), verdict.state)


def _begin_attempt(row: MessageRow, worker: str, now: datetime) -> AttemptRow:
    row.state = move(MessageState(row.state), MessageState.SENDING)
    row.attempts += 1
    row.lease_until = now + LEASE
    row.called_on = day_of(now)
    row.reason = None
    row.changed_at = now
    return AttemptRow(message_id=row.id, number=row.attempts, worker=worker, begun_at=now)


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
        begun_at=attempt.begun_at,
    )


def _still_held(session: Session, claims: Sequence[Claim]) -> list[Claim]:
    if not claims:
        return []
    numbers = {claim.message_id: claim for claim in claims}
    query = (
        select(MessageRow.id, MessageRow.attempts)
        .where(MessageRow.id.in_(list(numbers)), MessageRow.state == MessageState.SENDING)
        .order_by(MessageRow.id)
        .with_for_update()
    )
    rows = dict(session.execute(query).all())
    return [claim for claim in claims if rows.get(claim.message_id) == claim.number]


def _record_calls(session: Session, claims: Sequence[Claim], package_id: int | None, now: datetime) -> None:
    begun = update(AttemptRow).where(AttemptRow.id.in_([claim.attempt_id for claim in claims]))
    session.execute(begun.values(called_at=now, package_id=package_id), execution_options=_UNWATCHED)


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


def _count_sent(session: Session, hashes: Collection[str], now: datetime) -> dict[str, int]:
    """How many messages each address got today, by its digest."""
    if not hashes:
        return {}
    query = (
        select(MessageRow.address_hash, func.count())
        .where(MessageRow.address_hash.in_(hashes), MessageRow.called_on == day_of(now))
        .group_by(MessageRow.address_hash)
    )
    return {address_hash: count for address_hash, count in session.execute(query) if address_hash is not None}


def _left_today(session: Session, channel: str, rules: Rules, now: datetime) -> int:
    """How many calls a channel has left today."""
    most = rules.limits(channel).per_day
    if most is None:
        return 1 << 30
    row = session.get(ChannelDayRow, (channel, day_of(now)))
    return most - (row.calls if row else 0)


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
