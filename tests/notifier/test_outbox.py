"""What is queued is queued once, goes out when it may, and comes back as it was put in."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event, Lock
from typing import Any

import pytest
from alembic import command
from hypothesis import given
from hypothesis import strategies as st
from posts import BUSY, WORDS, Post, add_recipient, attempts, message, queue, send, terms
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from test_migrations import config

from notifier.channels import ChatMessage, Dispatch, Letter, MassMessage, Outcome, Parcel, ShortMessage
from notifier.claiming import LEASE, begin_calls, claim_due
from notifier.context import open_notifier
from notifier.database import migrate, open_engine
from notifier.outbox import (
    Draft,
    count_states,
    decode_content,
    encode_content,
    enqueue,
    list_due,
    list_messages,
)
from notifier.policy import ChannelLimits, Rules
from notifier.sending import Given, send_due
from notifier.settings import NotifierSettings
from notifier.settling import recover_lost
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import AttemptRow, ChannelDayRow, MessageRow
from search_index.document import Document

Town = Any
TEXT = st.text(max_size=30)
FIELDS = st.dictionaries(TEXT, TEXT, max_size=4)
CONTENTS = st.one_of(
    st.builds(Letter, subject=TEXT, text=TEXT, files=st.dictionaries(TEXT, st.binary(max_size=20), max_size=3)),
    st.builds(ShortMessage, text=TEXT, template=TEXT, version=st.integers(1, 9), fields=FIELDS),
    st.builds(ChatMessage, template=TEXT, version=st.integers(1, 9), fields=FIELDS, url=st.none() | TEXT),
    st.builds(MassMessage, text=TEXT),
)


@given(CONTENTS)
def test_what_is_queued_comes_back_as_it_was(content: Any) -> None:
    assert decode_content(encode_content(content)) == content


def test_a_parcel_is_never_kept_in_the_outbox() -> None:
    with pytest.raises(TypeError):
        encode_content(Parcel(name="2026Q3-r1", folder=Path("x")))


def test_a_key_is_queued_once_however_often_and_by_whomever(town: Town) -> None:
    digest = open_digest(town.notifier.engine)

    def put(seed: int) -> None:
        apart = open_notifier(town.settings, town.notifier.register, town.notifier.workdays)
        drafts = [
            Draft(key=f"k{n}", purpose=Purpose.NOTICE, channel="post", content=WORDS, address=f"{seed}")
            for n in range(20)
        ]
        with Session(apart.engine) as session, session.begin():
            enqueue(session, drafts, now=town.clock(), digest=digest, random=Random(seed))
        apart.engine.dispose()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(put, range(4)))
    post = Post()
    assert send(town, {"post": post}) == 20
    ids = [dispatch.id for dispatch in post.dispatches]
    assert len(set(ids)) == 20
    assert all(1 <= len(name) <= 32 and name.isalnum() for name in ids)


def test_a_message_is_never_lost_to_an_id_that_was_drawn_twice(town: Town) -> None:
    digest = open_digest(town.notifier.engine)
    for key in "ab":
        draft = Draft(key=key, purpose=Purpose.NOTICE, channel="post", content=WORDS, address=key)
        with Session(town.notifier.engine) as session, session.begin():
            if key == "a":
                enqueue(session, [draft], now=town.clock(), digest=digest, random=Random(1))
                continue
            with pytest.raises(IntegrityError):
                enqueue(session, [draft], now=town.clock(), digest=digest, random=Random(1))
            session.rollback()
            break


def test_the_id_of_a_message_is_the_same_for_every_attempt(town: Town) -> None:
    queue(town, "a")
    post = Post(answers=[BUSY, BUSY])
    for _ in range(3):
        send(town, {"post": post})
        town.clock.pass_time(minutes=10)
    assert [(dispatch.id, dispatch.attempt) for dispatch in post.dispatches] == [
        (message(town, "a").dispatch, n) for n in (1, 2, 3)
    ]
    assert [dispatch.begun_at for dispatch in post.dispatches] == [row.called_at for row in attempts(town, "a")]


# When it goes ------------------------------------------------------------------------------------------------------


def test_it_goes_neither_before_nor_after_its_time(town: Town) -> None:
    queue(town, "later", not_before=town.clock() + timedelta(hours=2))
    queue(town, "never", expires_at=town.clock() + timedelta(hours=1))
    town.clock.pass_time(hours=1)
    post = Post()
    assert send(town, {"post": post}) == 0
    assert message(town, "never").state == MessageState.EXPIRED
    town.clock.pass_time(hours=1)
    assert send(town, {"post": post}) == 1


def test_a_citizen_is_left_in_peace_at_night_and_on_holidays(town: Town) -> None:
    town.clock.now = datetime(2026, 9, 30, 13, tzinfo=UTC)  # nine in the evening before a week of holidays
    queue(town, "citizen", citizen=True)
    queue(town, "office")
    post = Post()
    assert send(town, {"post": post}) == 1
    waiting = message(town, "citizen")
    assert (waiting.next_attempt_at, waiting.reason) == (datetime(2026, 10, 8, tzinfo=UTC), "等待可发送时段")
    town.clock.now = datetime(2026, 10, 7, 23, 59, tzinfo=UTC)
    assert send(town, {"post": post}) == 0
    town.clock.now = datetime(2026, 10, 8, 0, 0, tzinfo=UTC)
    assert send(town, {"post": post}) == 1


def test_an_address_gets_so_many_a_day_and_the_rest_the_next(town: Town) -> None:
    queue(town, *"abcde", address="one", citizen=True)
    queue(town, "other", citizen=True)
    queue(town, *"fghij", address="office")
    post = Post()
    assert send(town, {"post": post}) == 3 + 1 + 5
    town.clock.pass_time(days=1)
    assert send(town, {"post": post}) == 2


def test_a_retry_is_no_second_message_of_the_day(town: Town) -> None:
    queue(town, *"abc", address="one", citizen=True)
    post = Post(answers=[BUSY, BUSY, BUSY])
    assert send(town, {"post": post}) == 3
    town.clock.pass_time(minutes=2)
    assert send(town, {"post": post}) == 3


def test_a_channel_gets_so_many_a_day_from_all_senders(town: Town) -> None:
    rules = Rules(channels={"post": ChannelLimits(concurrency=3, per_day=5)})
    queue(town, *"abcdefgh")
    post = Post()
    assert send(town, {"post": post}, rules) == 5
    assert send(town, {"post": post}, rules) == 0
    with Session(town.notifier.engine) as session:
        assert session.scalars(select(ChannelDayRow.calls)).all() == [5]
    town.clock.pass_time(days=1)
    assert send(town, {"post": post}, rules) == 3


def test_what_was_claimed_beyond_the_days_limit_is_not_called(town: Town) -> None:
    rules = Rules(channels={"post": ChannelLimits(per_day=3)})
    queue(town, *"abcde")
    going_by = terms(town, rules)
    with Session(town.notifier.engine) as session, session.begin():
        # Two senders at once, each of which sees nothing sent yet.
        first, _ = claim_due(session, "post", 2, going_by, town.clock())
        second, _ = claim_due(session, "post", 3, going_by, town.clock())
    with Session(town.notifier.engine) as session, session.begin():
        assert [one.message_id for one in begin_calls(session, first, rules, town.clock())] == [1, 2]
        assert [one.message_id for one in begin_calls(session, second, rules, town.clock())] == [3]
    waiting = message(town, "e")
    assert (waiting.state, waiting.reason) == (MessageState.QUEUED, "通道当日发送数量已达上限")
    assert waiting.next_attempt_at == datetime(2026, 10, 8, 16, tzinfo=UTC)


def test_a_trial_reaches_nobody_else_and_a_dry_run_nobody_at_all(town: Town) -> None:
    queue(town, "a", "b")
    post = Post()
    assert send(town, {"post": post}, Rules(dry_run=True)) == 0
    assert [one.id for one in list_due(town.notifier.engine, town.clock())] == [1, 2]
    assert send(town, {"post": post}, Rules(trial=frozenset({"b"}))) == 1
    assert [dispatch.address for dispatch in post.dispatches] == ["b"]
    assert message(town, "a").reason == "试运行期间只发给名单内的接收人"
    assert list_due(town.notifier.engine, town.clock()) == []


def test_what_names_a_record_is_dropped_when_the_record_has_left(town: Town, person: Document) -> None:
    stays, leaves = town.publish(person), town.publish(person)
    queue(town, "stays", record=stays.record)
    queue(town, "leaves", record=leaves.record)
    town.depart(leaves)
    post = Post()
    assert send(town, {"post": post}) == 1
    assert [dispatch.address for dispatch in post.dispatches] == ["stays"]
    assert (message(town, "leaves").state, message(town, "leaves").reason) == (
        MessageState.CANCELLED,
        "所涉条目已退出公布",
    )


def test_what_names_a_record_waits_where_the_list_cannot_be_asked(town: Town, person: Document) -> None:
    listed = town.publish(person)
    queue(town, "a", record=listed.record)
    post = Post()
    assert send_due(town.notifier, {"post": post}, clock=town.clock, worker="甲") == 0
    assert message(town, "a").reason == "公示库暂不可读"
    town.clock.pass_time(minutes=2)
    assert send(town, {"post": post}) == 1


def test_a_recipients_message_goes_to_the_address_it_has_then(town: Town) -> None:
    from notifier.tables import RecipientRow

    recipient = add_recipient(town, "tv2", "post")
    queue(town, "a", recipient_id=recipient, address=None)
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).where(RecipientRow.id == recipient).values(address="new"))
    post = Post()
    send(town, {"post": post})
    assert [(dispatch.recipient, dispatch.address) for dispatch in post.dispatches] == [("tv2", "new")]


# How it goes -------------------------------------------------------------------------------------------------------


class Crowd(Post):
    """A channel that counts how many call it at a time; each caller waits for the others, or until it is enough."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.lock, self.together, self.most_together, self.full = Lock(), 0, 0, Event()
        self.most = most

    def deliver(self, dispatch: Dispatch) -> Outcome:
        with self.lock:
            self.together += 1
            self.most_together = max(self.most_together, self.together)
            if self.together == self.most:
                self.full.set()
        assert self.full.wait(10)
        with self.lock:
            self.together -= 1
            return super().deliver(dispatch)


def test_each_channel_is_called_as_often_at_a_time_as_it_bears(town: Town) -> None:
    queue(town, *(f"a{n}" for n in range(12)), channel="wide")
    queue(town, *(f"b{n}" for n in range(3)), channel="narrow")
    rules = Rules(channels={"wide": ChannelLimits(concurrency=4)})
    wide, narrow = Crowd(4), Crowd(1)
    assert send(town, {"wide": wide, "narrow": narrow}, rules) == 15
    assert (wide.most_together, narrow.most_together) == (4, 1)


def test_a_slow_channel_does_not_hold_up_another(town: Town) -> None:
    queue(town, "slow", channel="slow")
    queue(town, *(f"b{n}" for n in range(9)), channel="quick")
    quick = Post()

    class Slow(Post):
        def deliver(self, dispatch: Dispatch) -> Outcome:
            while len(quick.dispatches) < 9:
                assert not waited.wait(0.001)
            return super().deliver(dispatch)

    waited = Event()
    assert send(town, {"slow": Slow(), "quick": quick}) == 10


def test_no_transaction_is_open_during_a_call_and_every_call_is_on_record_before_it(town: Town) -> None:
    class Looking(Post):
        def deliver(self, dispatch: Dispatch) -> Outcome:
            # On SQLite this would wait in vain for a sender's transaction, and on both it sees what is committed.
            with Session(town.notifier.engine) as session, session.begin():
                row = session.scalars(select(MessageRow).where(MessageRow.dispatch == dispatch.id)).one()
                attempt = session.scalars(select(AttemptRow).where(AttemptRow.message_id == row.id)).one()
                seen.append((row.state, attempt.number, attempt.called_at, attempt.ended_at))
                row.changed_at = row.changed_at
            return super().deliver(dispatch)

    seen: list[Any] = []
    queue(town, "a")
    send(town, {"post": Looking()})
    assert seen == [("sending", 1, town.clock(), None)]


def test_told_to_stop_it_ends_between_two_calls_and_keeps_nothing(town: Town) -> None:
    queue(town, *(f"a{n}" for n in range(9)))
    post = Post()
    given = Given(stop=lambda: len(post.dispatches) >= 2)
    sent = send_due(town.notifier, {"post": post}, clock=town.clock, worker="甲", given=given)
    assert sent == len(post.dispatches) <= 3
    with Session(town.notifier.engine) as session:
        assert session.scalar(select(func.count()).where(MessageRow.state == MessageState.SENDING)) == 0
    assert send(town, {"post": post}) == 9 - sent


def test_a_lease_is_kept_alive_while_its_call_goes_on(town: Town) -> None:
    class Long(Post):
        def deliver(self, dispatch: Dispatch) -> Outcome:
            if dispatch.address == "long":
                # The other lane's call comes back later, so the sender takes a turn in between.
                town.clock.pass_time(seconds=LEASE.total_seconds() * 0.6)
                went_on.set()
                assert renewed.wait(10)
                town.clock.pass_time(seconds=LEASE.total_seconds() * 0.6)
                apart = open_notifier(town.settings, town.notifier.register, town.notifier.workdays)
                assert send_due(apart, {"post": other}, clock=town.clock, worker="乙") == 0
                apart.engine.dispose()
            else:
                assert went_on.wait(10)
                if dispatch.address == "last":
                    renewed.set()
            return super().deliver(dispatch)

    went_on, renewed, other = Event(), Event(), Post(repeatable=True)
    queue(town, "long")
    queue(town, "short", "shorter", "last", channel="side")
    post = Long(repeatable=True)
    assert send(town, {"post": post, "side": post}) == 4
    assert other.dispatches == []
    assert message(town, "long").state == MessageState.DELIVERED


def test_who_lost_a_claim_may_no_longer_call(town: Town) -> None:
    queue(town, "a")
    with Session(town.notifier.engine) as session, session.begin():
        (late,), _ = claim_due(session, "post", 1, terms(town), town.clock())
    town.clock.pass_time(seconds=LEASE.total_seconds() + 1)
    recover_lost(town.notifier.engine, {"post": Post()}, terms(town), town.clock())
    with Session(town.notifier.engine) as session, session.begin():
        (claim,), _ = claim_due(session, "post", 1, terms(town), town.clock())
        assert begin_calls(session, [late], Rules(), town.clock()) == []
        (begun,) = begin_calls(session, [claim], Rules(), town.clock())
        assert begun.called_at == town.clock()
    assert [row.called_at for row in attempts(town, "a")] == [None, town.clock()]


def test_a_claim_holds_what_it_may_and_no_more(town: Town) -> None:
    queue(town, *(f"a{n}" for n in range(9)))
    with Session(town.notifier.engine) as session, session.begin():
        claims, looked = claim_due(session, "post", 4, terms(town), town.clock())
    assert (len(claims), looked) == (4, 4)
    assert len(attempts(town, "a0")) == 1
    assert attempts(town, "a0")[0].called_at is None


# What the desk asks ------------------------------------------------------------------------------------------------


def test_the_desk_sees_counts_and_lists_without_addresses(town: Town) -> None:
    queue(town, "+8613800000000", "b")
    send(town, {"post": Post(answers=[BUSY])})
    counts = count_states(town.notifier.engine)
    assert counts == {
        (Purpose.NOTICE, MessageState.FAILED_TEMPORARY): 1,
        (Purpose.NOTICE, MessageState.DELIVERED): 1,
    }
    (failed,) = list_messages(town.notifier.engine, MessageState.FAILED_TEMPORARY)
    assert (failed.attempt, failed.recipient) == ("线路忙", None)
    assert "138" not in repr(failed)


def test_a_database_of_the_first_version_keeps_its_messages_and_attempts(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/notifier.db"
    command.upgrade(config("notifier", url), "0001")
    at = "2026-10-08 02:00:00.000000"
    old = sqlite3.connect(tmp_path / "notifier.db")
    old.executescript(f"""
        INSERT INTO push_run VALUES (1, '2026Q3', 'quarterly', '2026-10-08', 0, '甲', '{at}');
        INSERT INTO recipient VALUES (1, 'tv', '测试电视台', 'television', 'sandbox', NULL, 1, '{at}');
        INSERT INTO package VALUES (1, 1, 1, 1, 'a', 'b', 1, '2027-01-04', '{at}');
        INSERT INTO message VALUES (7, 1, 1, 'sandbox', 1, 'delivered', 1, '{at}', NULL, '{at}', '{at}');
        INSERT INTO message VALUES (8, 1, 1, 'sandbox', 0, 'queued', 0, '{at}', NULL, '{at}', '{at}');
        INSERT INTO attempt VALUES (3, 7, 1, 1, '甲', '{at}', '{at}', 'delivered', '好');
    """)
    old.close()
    migrate(NotifierSettings(url=url, folder=tmp_path))
    engine = open_engine(url)
    with Session(engine) as session:
        rows = session.scalars(select(MessageRow).order_by(MessageRow.id)).all()
        assert [(row.key, row.purpose, row.state) for row in rows] == [
            ("package/1/1/sandbox", "package", "delivered"),
            ("package/1/1/sandbox/8", "package", "queued"),
        ]
        assert len({row.dispatch for row in rows}) == 2
        (attempt,) = session.scalars(select(AttemptRow)).all()
        assert (attempt.id, attempt.message_id, attempt.called_at) == (3, 7, datetime(2026, 10, 8, 2, tzinfo=UTC))
    engine.dispose()
