"""Sending: claim what is due, make sure that it still may be said, call the channel, write it down.

One thread has the database, and does everything that waits there in one transaction: it closes the calls that came back,
puts the next ones on record, and claims more. Other threads only call channels, as many at a time as each can bear. No
transaction is open during a call, and no call is made that is not on record.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue
from random import Random
from threading import Lock

from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Channel, Content, Dispatch, Outcome, Parcel
from notifier.claiming import (
    LEASE,
    Begun,
    Claim,
    Terms,
    begin_calls,
    begin_package,
    claim_due,
    drop_claim,
    release_claim,
    renew_leases,
)
from notifier.context import Notifier
from notifier.outbox import SYSTEM_RANDOM, decode_content
from notifier.packages import Revision, ensure_package, package_folder
from notifier.policy import Bucket, ChannelLimits, Rules
from notifier.recall import PublicStore, ensure_watermark, keep_cases_of_package, read_watermark
from notifier.settling import Question, answer_questions, close_calls, hold_if_asked, recover_lost, take_questions
from notifier.states import MessageState, Purpose
from notifier.stops import find_stopped, open_digest

Clock = Callable[[], datetime]

# How often a package is made again because the list changed under it, before it waits for a quieter moment.
_MOST_MAKINGS = 5
_SOON = timedelta(minutes=1)
# How long to wait for a call to come back before looking after the leases.
_TURN = 30.0
# How long those that come back wait for one another.
_GATHER = 0.004


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What else sending goes by: the settings, the random source, the disclosed store, and who says when to stop.

    Without a `store` nothing is recalled, and what names a record waits.
    """

    rules: Rules = field(default_factory=Rules)
    random: Random = SYSTEM_RANDOM
    store: PublicStore | None = None
    stop: Callable[[], bool] = lambda: False


NOTHING_ELSE = Given()


def send_due(
    notifier: Notifier, channels: Mapping[str, Channel], *, clock: Clock, worker: str, given: Given = NOTHING_ELSE
) -> int:
    """Send everything that is due on `channels`, and ask providers for what is not known; the number of calls made.
    Others may be sending at the same time. Ends early, between two calls, when it is told to stop.

    A message on a channel that is not given waits.
    """
    if given.rules.dry_run:
        return 0
    return _Sender(notifier, channels, clock, make_terms(notifier, given, worker), given).run()


def make_terms(notifier: Notifier, given: Given, worker: str) -> Terms:
    """What senders, and those who take in receipts, go by. Not within a transaction of the notifier's database."""
    digest = open_digest(notifier.engine)
    return Terms(rules=given.rules, workdays=notifier.workdays, digest=digest, random=given.random, worker=worker)


@dataclass(slots=True)
class _Lane:
    """A channel at work: what is claimed, what is being called, and how fast it may go on."""

    name: str
    channel: Channel
    limits: ChannelLimits
    ready: deque[Claim] = field(default_factory=deque)
    calling: dict[int, Claim] = field(default_factory=dict)
    asking: int = 0
    bucket: Bucket = field(default_factory=lambda: Bucket(0.0, time.monotonic()))

    @property
    def free(self) -> int:
        return self.limits.concurrency - len(self.calling) - self.asking

    @property
    def room(self) -> int:
        """How many more to claim, so that nobody waits for the database between two calls."""
        return 2 * self.limits.concurrency - len(self.ready) - len(self.calling)

    @property
    def is_low(self) -> bool:
        return len(self.ready) <= self.limits.concurrency // 2

    def allow(self, now: float) -> int:
        """How many calls may begin at this second."""
        if self.limits.per_second is None:
            return self.free
        self.bucket = self.bucket.refill(self.limits.per_second, now)
        return max(0, min(self.free, int(self.bucket.left)))

    def seconds_to_next(self) -> float:
        if self.limits.per_second is None or not self.ready or self.free <= 0:
            return _TURN
        return self.bucket.seconds_to_next(self.limits.per_second)


@dataclass(frozen=True, slots=True)
class _Returned:
    """What a thread brings back: the outcome of a call, or None where none was made."""

    lane: _Lane
    claim: Claim
    outcome: Outcome | None
    question: Question | None = None


class _Sender:
    def __init__(
        self,
        notifier: Notifier,
        channels: Mapping[str, Channel],
        clock: Clock,
        terms: Terms,
        given: Given,
    ) -> None:
        self._notifier, self._clock, self._terms = notifier, clock, terms
        self._store, self._stop = given.store, given.stop
        self._channels = channels
        self._lanes = {name: _Lane(name, channel, terms.rules.limits(name)) for name, channel in channels.items()}
        self._returned: SimpleQueue[_Returned] = SimpleQueue()
        self._finished: list[_Returned] = []
        self._making = Lock()
        self._asked: dict[str, int] = {}
        self._renewed_at = clock()
        self._calls, self._packages = 0, SimpleQueue[int]()
        self._failed: Exception | None = None

    def run(self) -> int:
        ensure_watermark(self._notifier.engine)
        recover_lost(self._notifier.engine, self._channels, self._terms, self._clock())
        at_a_time = sum(lane.limits.concurrency for lane in self._lanes.values())
        pool = ThreadPoolExecutor(max(1, at_a_time), thread_name_prefix="sender")
        try:
            while self._take_turn(pool):
                self._wait()
        finally:
            # What was called is written down, also when the database failed in between.
            pool.shutdown(wait=True)
            self._collect()
            if self._finished:
                self._close_all()
        if self._failed is not None:
            raise self._failed
        return self._calls + self._packages.qsize()

    def _take_turn(self, pool: ThreadPoolExecutor) -> bool:
        """Write down what came back, begin the next calls, and claim more while they go on; False when nothing is left."""
        self._collect()
        now, jobs = self._clock(), []
        with Session(self._notifier.engine) as session, session.begin():
            self._close(session, now)
            stopped = self._give_back_stopped(session, now)
            for lane in self._lanes.values():
                jobs += self._begin(session, lane, now)
        self._finished.clear()
        for lane, claim in jobs:
            pool.submit(self._call, lane, claim)
        low = [lane for name, lane in self._lanes.items() if lane.is_low and name not in stopped and not self._stop()]
        looked = self._fill(pool, low, now) if low or self._is_time_to_renew(now) else 0
        return bool(looked or self._busy)

    def _fill(self, pool: ThreadPoolExecutor, low: list[_Lane], now: datetime) -> int:
        """Claim what the lanes have room for; how many messages were looked at."""
        looked, questions = 0, []
        with Session(self._notifier.engine) as session, session.begin():
            for lane in low:
                claims, seen = claim_due(session, lane.name, lane.room, self._terms, now)
                lane.ready.extend(claims)
                looked += seen
                if not lane.ready and lane.free > 0:
                    found = take_questions(session, [lane.name], lane.free, now)
                    questions += [(lane, question) for question in found]
            if self._is_time_to_renew(now):
                self._renewed_at = now
                for lane in self._lanes.values():
                    renew_leases(session, [*lane.ready, *lane.calling.values()], now)
        for lane, question in questions:
            lane.asking += 1
            pool.submit(self._ask, lane, question)
        return looked

    def _is_time_to_renew(self, now: datetime) -> bool:
        return now - self._renewed_at >= LEASE / 3

    @property
    def _busy(self) -> bool:
        return any(lane.ready or lane.calling or lane.asking for lane in self._lanes.values())

    def _wait(self) -> None:
        """Wait for a call to come back, unless the next ones can begin at once."""
        if any(lane.ready and lane.allow(time.monotonic()) > 0 for lane in self._lanes.values()) or not self._busy:
            return
        patience = min(lane.seconds_to_next() for lane in self._lanes.values())
        try:
            self._take_back(self._returned.get(timeout=max(patience, 0.001)))
        except Empty:
            return
        # Others are about to come back: one transaction is for all of them.
        until = time.monotonic() + _GATHER
        while any(lane.calling for lane in self._lanes.values()) and (left := until - time.monotonic()) > 0:
            try:
                self._take_back(self._returned.get(timeout=left))
            except Empty:
                return

    def _collect(self) -> None:
        while True:
            try:
                self._take_back(self._returned.get_nowait())
            except Empty:
                return

    def _take_back(self, returned: _Returned) -> None:
        if returned.question is not None:
            returned.lane.asking -= 1
        else:
            returned.lane.calling.pop(returned.claim.message_id, None)
        self._finished.append(returned)

    def _close_all(self) -> None:
        with Session(self._notifier.engine) as session, session.begin():
            self._close(session, self._clock())
        self._finished.clear()

    def _close(self, session: Session, now: datetime) -> None:
        calls = [(one.claim, one.outcome) for one in self._finished if one.question is None and one.outcome]
        answers = [(one.question, one.outcome) for one in self._finished if one.question and one.outcome]
        if calls:
            close_calls(session, calls, self._terms, now)
        if answers:
            answer_questions(session, answers, self._terms, now)
        for claim, outcome in calls:
            asked = self._asked.get(claim.channel, 0) + 1 if outcome.retry_after is not None else 0
            self._asked[claim.channel] = asked
            hold_if_asked(session, claim.channel, self._asked, outcome, now)

    def _give_back_stopped(self, session: Session, now: datetime) -> Collection[str]:
        stopped = find_stopped(session, self._lanes, now)
        for lane in self._lanes.values():
            if lane.name in stopped or self._stop():
                for claim in lane.ready:
                    release_claim(session, claim, "通道暂停", now, now)
                lane.ready.clear()
        return stopped

    def _begin(self, session: Session, lane: _Lane, now: datetime) -> list[tuple[_Lane, Claim]]:
        """Put on record the next calls of a lane. A package is put on record by the thread that makes it."""
        allowed = lane.allow(time.monotonic())
        taken = [lane.ready.popleft() for _ in range(min(allowed, len(lane.ready)))]
        lane.bucket = lane.bucket.spend(len(taken))
        words = self._drop_departed(session, [claim for claim in taken if claim.content is not None], now)
        begun = begin_calls(session, words, self._terms.rules, now)
        self._calls += len(begun)
        begun += [claim for claim in taken if claim.content is None]
        lane.calling.update({claim.message_id: claim for claim in begun})
        return [(lane, claim) for claim in begun]

    def _drop_departed(self, session: Session, claims: list[Claim], now: datetime) -> list[Claim]:
        """Those that may still be said: without the messages that name a record which has left the list."""
        named = [claim for claim in claims if claim.record is not None]
        if not named:
            return claims
        public = self._find_public([claim.record for claim in named if claim.record is not None], now)
        for claim in named:
            if public is None:
                release_claim(session, claim, "公示库暂不可读", now, now + _SOON)
            elif claim.record not in public:
                state = MessageState.SUPERSEDED if claim.purpose is Purpose.CORRECTION else MessageState.CANCELLED
                drop_claim(session, claim, state, "所涉条目已退出公布", now)
        return [claim for claim in claims if claim.record is None or (public is not None and claim.record in public)]

    def _find_public(self, records: list[str], now: datetime) -> Collection[str] | None:
        if self._store is None:
            return None
        with self._store.snapshot(now) as moment:
            return set(moment.documents(records))

    # What threads do -----------------------------------------------------------------------------------------------

    def _call(self, lane: _Lane, claim: Claim) -> None:
        outcome: Outcome | None = None
        try:
            if claim.content is None:
                outcome = self._send_package(lane, claim)
            else:
                outcome = _deliver(lane.channel, _to_dispatch(claim, decode_content(claim.content)))
        except Exception as error:
            # Before the call: what is called answers for itself.
            self._failed = self._failed or error
            self._release(claim, "名单包暂时不能制作")
        finally:
            self._returned.put(_Returned(lane, claim, outcome))

    def _ask(self, lane: _Lane, question: Question) -> None:
        outcome: Outcome | None = None
        try:
            claim = question.claim
            content = decode_content(claim.content) if claim.content is not None else self._to_parcel(claim)
            outcome = lane.channel.look_up(_to_dispatch(claim, content), question.reference)
        except Exception as error:
            self._failed = self._failed or error
        finally:
            self._returned.put(_Returned(lane, question.claim, outcome, question))

    def _send_package(self, lane: _Lane, claim: Claim) -> Outcome | None:
        """Deliver the list as it is now; None when no call was made."""
        engine = self._notifier.engine
        for _ in range(_MOST_MAKINGS):
            followed = read_watermark(engine)
            revision = self._make(claim)
            begun = begin_package(
                engine, claim, revision, followed=followed, rules=self._terms.rules, now=self._clock()
            )
            if begun is Begun.YES:
                self._packages.put(claim.message_id)
                sent = replace(claim, revision=revision.revision)
                return _deliver(lane.channel, _to_dispatch(sent, self._to_parcel(sent)))
            if begun is not Begun.OUTDATED:
                if begun is Begun.REPEATED:
                    self._supersede(claim)
                return None
        self._release(claim, "名单正在变动")
        return None

    def _make(self, claim: Claim) -> Revision:
        run_id, period = _run_of(claim)
        # Others wait for the package that is being made: it will be theirs.
        with self._making:
            revision = ensure_package(self._notifier, run_id, period, self._clock())
            keep_cases_of_package(
                self._notifier.engine, revision.id, package_folder(self._notifier.folder, period, revision)
            )
            return revision

    def _to_parcel(self, claim: Claim) -> Parcel:
        _, period = _run_of(claim)
        name = f"{period}-r{claim.revision}"
        return Parcel(name=name, folder=self._notifier.folder / "packages" / str(period) / f"r{claim.revision}")

    def _supersede(self, claim: Claim) -> None:
        with Session(self._notifier.engine) as session, session.begin():
            drop_claim(session, claim, MessageState.SUPERSEDED, "这一次修订已经发送过", self._clock())

    def _release(self, claim: Claim, reason: str) -> None:
        now = self._clock()
        with Session(self._notifier.engine) as session, session.begin():
            release_claim(session, claim, reason, now, now + _SOON)


def _deliver(channel: Channel, dispatch: Dispatch) -> Outcome:
    try:
        return channel.deliver(dispatch)
    except Exception as error:
        # A channel that fails has failed on the way, for all that is known.
        return Outcome(state=MessageState.UNKNOWN, detail=f"发送通道出错（{type(error).__name__}），结果不明")


def _to_dispatch(claim: Claim, content: Content) -> Dispatch:
    return Dispatch(
        id=claim.dispatch,
        attempt=claim.number,
        recipient=claim.recipient,
        address=claim.address,
        content=content,
        begun_at=claim.begun_at,
    )


def _run_of(claim: Claim) -> tuple[int, Period]:
    if claim.run_id is None or claim.period is None:
        raise ValueError("a message without content that is of no run")
    return claim.run_id, claim.period
