"""Sending: claim what is due, make sure that it still may be said, call the channel, write it down.

One thread has the database, and does everything that waits there in one transaction: it closes the calls that came back,
puts the next ones on record, and claims more. Other threads only call channels, as many at a time as each can bear. No
transaction is open during a call, and no call is made that is not on record.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from queue import Empty
from random import Random

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from notifier.calling import SOON, Caller
from notifier.channels import Channel
from notifier.claiming import (
    LEASE,
    Claim,
    Terms,
    begin_calls,
    claim_due,
    drop_claim,
    release_claim,
    renew_leases,
)
from notifier.clarifying import TAKEN_BACK, Validity, judge_letters
from notifier.context import Notifier
from notifier.fencing import hold_back
from notifier.lanes import Lane, Returned
from notifier.outbox import SYSTEM_RANDOM
from notifier.pacing import take_calls
from notifier.policy import Rules
from notifier.recall import PublicStore, ensure_watermark
from notifier.settling import answer_questions, close_calls, hold_if_asked, recover_lost, take_questions
from notifier.states import MessageState, Purpose
from notifier.stops import find_stopped, open_digest
from notifier.turns import take_turn
from notifier.witness import Call, describe_calls, to_ended

Clock = Callable[[], datetime]

# Seconds to wait for a call to come back before looking after the leases.
_TURN = 30.0
# Seconds that those that come back wait for one another.
_GATHER = 0.002


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


class _Sender:
    """The thread that has the database."""

    def __init__(
        self, notifier: Notifier, channels: Mapping[str, Channel], clock: Clock, terms: Terms, given: Given
    ) -> None:
        self._notifier, self._clock, self._terms = notifier, clock, terms
        self._store, self._stop, self._witness = given.store, given.stop, notifier.witness
        self._channels = channels
        self._lanes = {name: Lane(name, channel, terms.rules.limits(name)) for name, channel in channels.items()}
        self._caller = Caller(notifier, terms.rules, clock)
        self._finished: list[Returned] = []
        self._begun: list[Call] = []
        # How often in a row each channel asked to be left alone.
        self._asked: dict[str, int] = {}
        # Until when, by the steady clock, each channel's pace lets nothing begin.
        self._paced: dict[str, float] = {}
        self._renewed_at = clock()
        self._calls = 0

    def run(self) -> int:
        ensure_watermark(self._notifier.engine)
        recover_lost(self._notifier.engine, self._channels, self._terms, self._clock())
        at_a_time = sum(lane.limits.concurrency for lane in self._lanes.values())
        pool = ThreadPoolExecutor(max(1, at_a_time), thread_name_prefix="sender")
        try:
            # One connection for all turns: the pool would ask the server each time whether it is still there.
            with self._notifier.engine.connect() as connection:
                while self._take_turn(pool, connection):
                    self._wait()
        finally:
            # What was called is written down, also when the database failed in between.
            pool.shutdown(wait=True)
            self._collect()
            if self._finished:
                self._close_all()
        if self._caller.failed is not None:
            raise self._caller.failed
        return self._calls + self._caller.packages.qsize()

    def _take_turn(self, pool: ThreadPoolExecutor, connection: Connection) -> bool:
        """Write down what came back, begin the next calls, and claim more while they go on; False when nothing is left."""
        self._collect()
        now, jobs = self._clock(), []
        with take_turn(connection, self._notifier.folder) as session:
            self._close(session, now)
            stopped = self._give_back_stopped(session, now)
            for lane in self._lanes.values():
                jobs += self._begin(session, lane, now)
        self._tell(now)
        self._finished.clear()
        for lane, claim in jobs:
            pool.submit(self._caller.call, lane, claim)
        low = [lane for name, lane in self._lanes.items() if lane.is_low and name not in stopped and not self._stop()]
        looked = self._fill(pool, connection, low, now) if low or self._is_time_to_renew(now) else 0
        return bool(looked or self._is_busy)

    def _fill(self, pool: ThreadPoolExecutor, connection: Connection, low: list[Lane], now: datetime) -> int:
        """Claim what the lanes have room for; how many messages were looked at."""
        looked, questions = 0, []
        with take_turn(connection, self._notifier.folder) as session:
            for lane in low:
                claims, seen = claim_due(session, lane.name, lane.room, self._terms, now)
                lane.ready.extend(hold_back(session, claims, now))
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
            pool.submit(self._caller.ask, lane, question)
        return looked

    def _is_time_to_renew(self, now: datetime) -> bool:
        return now - self._renewed_at >= LEASE / 3

    @property
    def _is_busy(self) -> bool:
        return any(lane.is_busy for lane in self._lanes.values())

    def _wait(self) -> None:
        """Wait for a call to come back, unless the next ones can begin at once."""
        now = time.monotonic()
        begins_at = [self._paced.get(lane.name, now) for lane in self._lanes.values() if lane.wanted > 0]
        patience = min([_TURN, *(at - now for at in begins_at)])
        if patience <= 0 or not self._is_busy:
            return
        try:
            self._take_back(self._caller.returned.get(timeout=patience))
        except Empty:
            return
        # Others are about to come back: one transaction is for all of them.
        until = time.monotonic() + _GATHER
        while any(lane.calling for lane in self._lanes.values()) and (left := until - time.monotonic()) > 0:
            try:
                self._take_back(self._caller.returned.get(timeout=left))
            except Empty:
                return

    def _collect(self) -> None:
        while True:
            try:
                self._take_back(self._caller.returned.get_nowait())
            except Empty:
                return

    def _take_back(self, returned: Returned) -> None:
        if returned.question is not None:
            returned.lane.asking -= 1
        else:
            returned.lane.calling.pop(returned.claim.message_id, None)
        self._finished.append(returned)

    def _close_all(self) -> None:
        with Session(self._notifier.engine) as session, session.begin():
            self._close(session, now := self._clock())
        self._tell(now)
        self._finished.clear()

    def _tell(self, now: datetime) -> None:
        """Tell the witness, once the database has it, what is about to be called and what came back."""
        begun, self._begun = self._begun, []
        if self._witness is not None:
            ended = [
                to_ended(one.question.claim if one.question else one.claim, one.outcome, now)
                for one in self._finished
                if one.outcome
            ]
            self._witness.note(begun, ended)

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

    def _begin(self, session: Session, lane: Lane, now: datetime) -> list[tuple[Lane, Claim]]:
        """Put on record the next calls of a lane. A package is put on record by the thread that makes it."""
        taken = [lane.ready.popleft() for _ in range(self._pace(session, lane))]
        words = self._drop_departed(session, [claim for claim in taken if claim.content is not None], now)
        words = self._drop_taken_back(session, words, now)
        begun = begin_calls(session, words, self._terms.rules, now)
        self._calls += len(begun)
        if self._witness is not None:
            self._begun += describe_calls(session, begun, now)
        begun += [claim for claim in taken if claim.content is None]
        lane.calling.update({claim.message_id: claim for claim in begun})
        return [(lane, claim) for claim in begun]

    def _pace(self, session: Session, lane: Lane) -> int:
        """How many calls of a lane may begin now."""
        per_second, now = lane.limits.per_second, time.monotonic()
        if per_second is None or lane.wanted <= 0:
            return max(0, lane.wanted)
        if self._paced.get(lane.name, now) > now:
            return 0
        taken, wait = take_calls(session, lane.name, per_second, lane.wanted)
        self._paced[lane.name] = now + wait
        return taken

    def _drop_departed(self, session: Session, claims: list[Claim], now: datetime) -> list[Claim]:
        """Those that may still be said: without the messages that name a record which has left the list."""
        named = [claim for claim in claims if claim.record is not None]
        if not named:
            return claims
        public = self._find_public([claim.record for claim in named if claim.record is not None], now)
        for claim in named:
            if public is None:
                release_claim(session, claim, "公示库暂不可读", now, now + SOON)
            elif claim.record not in public:
                state = MessageState.SUPERSEDED if claim.purpose is Purpose.CORRECTION else MessageState.CANCELLED
                drop_claim(session, claim, state, "所涉条目已退出公布", now)
        return [claim for claim in claims if claim.record is None or (public is not None and claim.record in public)]

    def _drop_taken_back(self, session: Session, claims: list[Claim], now: datetime) -> list[Claim]:
        """Without the clarifications that the court has taken back."""
        letters = {claim.message_id: claim.content or "" for claim in claims if claim.purpose is Purpose.CLARIFICATION}
        if not letters:
            return claims
        judged = self._judge_letters(letters, now)
        for claim in claims:
            match judged.get(claim.message_id):
                case Validity.UNSURE:
                    release_claim(session, claim, "公示库暂不可读", now, now + SOON)
                case Validity.TAKEN_BACK:
                    drop_claim(session, claim, MessageState.CANCELLED, TAKEN_BACK, now)
        return [claim for claim in claims if judged.get(claim.message_id, Validity.STANDS) is Validity.STANDS]

    def _judge_letters(self, letters: Mapping[int, str], now: datetime) -> Mapping[int, Validity]:
        if self._store is None:
            return dict.fromkeys(letters, Validity.UNSURE)
        with self._store.snapshot(now) as moment:
            return judge_letters(moment, letters)

    def _find_public(self, records: list[str], now: datetime) -> Collection[str] | None:
        if self._store is None:
            return None
        with self._store.snapshot(now) as moment:
            return set(moment.documents(records))
