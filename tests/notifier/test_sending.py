"""Sending: each message once, of the list as it is then, whatever is killed and when."""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from posts import open_channels
from sqlalchemy import select
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Channel, Dispatch, Outcome, Parcel
from notifier.channels.sandbox import SandboxChannel
from notifier.claiming import LEASE, Begun, Claim, Terms, begin_package, claim_due
from notifier.context import PublicList, open_notifier
from notifier.outbox import Draft, enqueue
from notifier.packages import ensure_package
from notifier.policy import ChannelLimits, Rules
from notifier.recall import ensure_watermark
from notifier.runs import Run, find_run, push
from notifier.sending import send_due
from notifier.settling import close_calls
from notifier.states import MessageState, Purpose
from notifier.tables import MessageRow
from notifier.worker import notifier_tick
from search_index.document import Document
from search_index.profile import Profile

pytestmark = pytest.mark.long

Town = Any
MOST = ChannelLimits().most_failures
DELIVERED = Outcome(state=MessageState.DELIVERED, detail="好")


def get_run(town: Town, period: Period) -> Run:
    run = find_run(town.notifier.engine, period)
    assert run is not None
    return run


def inbox(town: Town) -> dict[str, list[str]]:
    sandbox = town.settings.folder / "sandbox"
    return {slug: sorted(p.name for p in (sandbox / slug).iterdir()) for slug in ("egov", "tv")}


def records_in(folder: Path) -> set[str]:
    return {entry["record"] for entry in json.loads((folder / "list.json").read_bytes())["entries"]}


def send(town: Town, channels: dict[str, Channel] | None = None) -> int:
    return send_due(town.notifier, channels or open_channels(town.notifier), clock=town.clock, worker="测试")


def terms(town: Town, rules: Rules | None = None) -> Terms:
    return Terms(rules=rules or Rules(), workdays=town.notifier.workdays, digest=str, random=Random(1), worker="甲")


def claim_one(town: Town) -> Claim:
    with Session(town.notifier.engine) as session, session.begin():
        (claim,), _ = claim_due(session, "sandbox", 1, terms(town), town.clock())
    return claim


def begin(town: Town, claim: Claim, period: Period, run: int | None) -> None:
    assert run is not None
    engine = town.notifier.engine
    ensure_watermark(engine)
    revision = ensure_package(town.notifier, run, period, town.clock())
    begun = begin_package(engine, claim, revision, followed=0, rules=Rules(), now=town.clock())
    assert begun is Begun.YES


def close(town: Town, claim: Claim, outcome: Outcome) -> list[Claim]:
    with Session(town.notifier.engine) as session, session.begin():
        return close_calls(session, [(claim, outcome)], terms(town), town.clock())


@dataclass
class Post:
    """A channel of the test: it keeps every parcel it was given, and answers as it is told."""

    answers: list[Outcome] = field(default_factory=list)
    repeatable: bool = False
    dispatches: list[Dispatch] = field(default_factory=list)
    known: Outcome | None = None

    def deliver(self, dispatch: Dispatch) -> Outcome:
        self.dispatches.append(dispatch)
        return self.answers.pop(0) if self.answers else DELIVERED

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        return self.known

    @property
    def parcels(self) -> list[Parcel]:
        return [dispatch.content for dispatch in self.dispatches if isinstance(dispatch.content, Parcel)]


def test_each_recipient_gets_the_package_once(town: Town, period: Period, person: Document) -> None:
    listed = town.publish(person)
    made = push(town.notifier, period, now=town.clock(), made_by="甲")
    assert send(town) == 2
    assert send(town) == 0
    assert inbox(town) == {"tv": ["2026Q3-r1"], "egov": ["2026Q3-r1"]}
    assert made.package is not None
    for slug in ("tv", "egov"):
        arrived = town.settings.folder / "sandbox" / slug / "2026Q3-r1"
        assert records_in(arrived) == {listed.record}
        assert {p.name: p.read_bytes() for p in arrived.iterdir()} == {
            p.name: p.read_bytes() for p in made.package.iterdir()
        }
    for message in get_run(town, period).messages:
        assert (message.state, message.revision) == (MessageState.DELIVERED, 1)
        assert [(a.number, a.outcome) for a in message.attempts] == [(1, "delivered")]


def test_who_left_between_queueing_and_sending_is_in_no_package_that_is_sent(
    town: Town, period: Period, person: Document
) -> None:
    stays, leaves = town.publish(person), town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    town.depart(leaves)
    send(town)
    assert inbox(town) == {"tv": ["2026Q3-r2"], "egov": ["2026Q3-r2"]}
    assert records_in(town.settings.folder / "sandbox" / "tv" / "2026Q3-r2") == {stays.record}


def test_who_leaves_between_two_recipients_is_in_the_first_package_only(
    town: Town, period: Period, person: Document
) -> None:
    stays, leaves = town.publish(person), town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")

    class Departing(Post):
        def deliver(self, dispatch: Dispatch) -> Outcome:
            if not self.parcels:
                town.depart(leaves)
            return super().deliver(dispatch)

    post = Departing()
    send(town, {"sandbox": post})
    assert [parcel.name for parcel in post.parcels] == ["2026Q3-r1", "2026Q3-r2"]
    assert [records_in(parcel.folder) for parcel in post.parcels] == [
        {stays.record, leaves.record},
        {stays.record},
    ]


def test_a_failure_is_tried_again_later_and_in_the_end_given_up(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="甲")
    failed = Outcome(state=MessageState.FAILED_TEMPORARY, detail="线路忙")
    post = Post(answers=[failed] * (2 * MOST))
    assert send(town, {"sandbox": post}) == 2
    assert send(town, {"sandbox": post}) == 0
    (message, _) = get_run(town, period).messages
    assert message.state is MessageState.FAILED_TEMPORARY
    assert timedelta(seconds=48) <= message.next_attempt_at - town.clock() <= timedelta(seconds=72)
    for _ in range(2 * MOST):
        town.clock.pass_time(hours=15)
        send(town, {"sandbox": post})
    assert len(post.parcels) == 2 * MOST
    for message in get_run(town, period).messages:
        assert message.state is MessageState.FAILED_PERMANENT
        assert [a.number for a in message.attempts] == list(range(1, MOST + 1))
        assert {a.detail for a in message.attempts} == {"线路忙"}


def test_a_retry_carries_the_list_as_it_is_then(town: Town, period: Period, person: Document) -> None:
    leaves = town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    post = Post(answers=[Outcome(state=MessageState.FAILED_TEMPORARY, detail="线路忙")] * 2)
    send(town, {"sandbox": post})
    town.depart(leaves)
    town.clock.pass_time(minutes=2)
    send(town, {"sandbox": post})
    assert [parcel.name for parcel in post.parcels] == ["2026Q3-r1"] * 2 + ["2026Q3-r2"] * 2
    assert records_in(post.parcels[-1].folder) == set()


def test_a_message_on_a_channel_that_is_off_waits(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="甲")
    assert send(town, {"mail": Post()}) == 0
    assert send(town) == 2


@pytest.mark.parametrize(("repeatable", "state"), [(True, MessageState.QUEUED), (False, MessageState.UNKNOWN)])
def test_a_worker_that_dies_in_a_call_leaves_what_its_channel_allows(
    town: Town, period: Period, repeatable: bool, state: MessageState
) -> None:
    run = push(town.notifier, period, now=town.clock(), made_by="甲").run
    channels = {"sandbox": Post(repeatable=repeatable)}
    claim = claim_one(town)
    begin(town, claim, period, run)
    # Within the lease the message is the first worker's; the other one takes the second message only.
    assert send(town, channels) == 1
    town.clock.pass_time(seconds=LEASE.total_seconds() + 1)
    send(town, channels)
    (first, _) = get_run(town, period).messages
    assert first.attempts[0].detail == "发送进程中断，未能得知结果"
    if repeatable:
        assert [a.outcome for a in first.attempts] == ["queued", "delivered"]
        assert first.state is MessageState.DELIVERED
        # The dead worker comes back after all: its attempt is not the last one, and changes nothing.
        assert close(town, claim, Outcome(state=MessageState.FAILED_PERMANENT, detail="号码错误")) == []
        assert get_run(town, period).messages[0].state is MessageState.DELIVERED
    else:
        assert first.state is state
        assert send(town, channels) == 0
        # It comes back and says how its own attempt ended: that settles it.
        assert close(town, claim, DELIVERED) == [claim]
        assert get_run(town, period).messages[0].state is MessageState.DELIVERED


def test_a_worker_that_dies_before_its_call_leaves_the_message_in_the_queue(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="甲")
    claim_one(town)
    town.clock.pass_time(seconds=LEASE.total_seconds() + 1)
    post = Post(repeatable=False)
    assert send(town, {"sandbox": post}) == 2
    (first, _) = get_run(town, period).messages
    assert [(a.outcome, a.detail) for a in first.attempts] == [
        ("queued", "发送进程在发出之前中断"),
        ("delivered", "好"),
    ]


def test_only_one_worker_gets_a_message(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="甲")
    first, second = claim_one(town), claim_one(town)
    assert first.message_id != second.message_id
    with Session(town.notifier.engine) as session, session.begin():
        assert claim_due(session, "sandbox", 1, terms(town), town.clock()) == ([], 0)


def test_the_same_revision_never_goes_twice_to_one_recipient(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="甲")
    post = Post()
    send(town, {"sandbox": post})
    with Session(town.notifier.engine) as session, session.begin():
        sent = session.scalars(select(MessageRow).order_by(MessageRow.id)).first()
        assert sent is not None
        again = Draft(
            key="again",
            purpose=Purpose.PACKAGE,
            channel=sent.channel,
            content=None,
            run_id=sent.run_id,
            recipient_id=sent.recipient_id,
        )
        enqueue(session, [again], now=town.clock(), digest=str)
    assert send(town, {"sandbox": post}) == 0
    assert len(post.parcels) == 2
    assert get_run(town, period).messages[-1].state is MessageState.SUPERSEDED


def test_workers_side_by_side_send_each_message_once(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    post = Post()

    def work(name: str) -> int:
        apart = open_notifier(town.settings, town.notifier.register, town.notifier.workdays)
        attempts = send_due(apart, {"sandbox": post}, clock=town.clock, worker=name)
        apart.engine.dispose()
        return attempts

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, "甲乙丙丁")) == 2
    assert sorted(dispatch.recipient for dispatch in post.dispatches) == ["egov", "tv"]


def test_a_disk_that_refuses_is_a_failure_to_try_again(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="甲")
    (town.settings.folder / "sandbox").write_text("in the way")
    assert send(town) == 2
    for message in get_run(town, period).messages:
        assert message.state is MessageState.FAILED_TEMPORARY
        detail = message.attempts[0].detail or ""
        assert detail.startswith("写入演练收件箱失败")
        assert str(town.settings.folder) not in detail
    (town.settings.folder / "sandbox").unlink()
    town.clock.pass_time(minutes=2)
    assert send(town) == 2
    assert {message.state for message in get_run(town, period).messages} == {MessageState.DELIVERED}


def test_the_sandbox_delivers_again_without_harm_and_over_what_was_left(tmp_path: Path) -> None:
    package = tmp_path / "r1"
    package.mkdir()
    (package / "list.csv").write_bytes(b"x")
    parcel = Parcel(name="2026Q3-r1", folder=package)
    sent = Dispatch(id="a", attempt=1, recipient="tv", address=None, content=parcel)
    channel = SandboxChannel(tmp_path / "sandbox")
    assert [channel.deliver(sent).state for _ in range(2)] == [MessageState.DELIVERED] * 2
    assert [p.name for p in (tmp_path / "sandbox" / "tv").iterdir()] == ["2026Q3-r1"]
    other = replace(sent, id="b", content=replace(parcel, name="2026Q3-r2"))
    assert channel.look_up(other, None) is None
    assert channel.deliver(other).state is MessageState.DELIVERED


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class DyingList:
    """The town's list, whose reader is killed at the given reading."""

    town: Town
    dies_at: int
    readings: int = 0

    def mark(self, now: datetime) -> object:
        """A list that never says it is as before."""
        return object()

    def everything(self, now: datetime) -> tuple[int, list[Document]]:
        self.readings += 1
        if self.readings == self.dies_at:
            die()
        answer: tuple[int, list[Document]] = self.town.notifier.register.everything(now)
        return answer

    def profile(self, now: datetime) -> Profile:
        profile: Profile = self.town.notifier.register.profile(now)
        return profile


@dataclass
class DyingChannel:
    """The sandbox, whose sender is killed at the given call, before or after it was made."""

    town: Town
    dies_at: int
    after: bool
    calls: int = 0
    repeatable: bool = True

    def deliver(self, dispatch: Dispatch) -> Outcome:
        self.calls += 1
        if self.calls == self.dies_at and not self.after:
            die()
        outcome = open_channels(self.town.notifier)["sandbox"].deliver(dispatch)
        if self.calls == self.dies_at and self.after:
            die()
        return outcome


def tick_with(town: Town, register: PublicList, channel: Channel) -> None:
    apart = open_notifier(town.settings, register, town.notifier.workdays)
    notifier_tick(apart, {"sandbox": channel}, clock=town.clock)


@pytest.mark.parametrize("reading", [1, 2, 3])
def test_killed_while_making_a_package_nothing_is_lost_or_doubled(
    town: Town, period: Period, person: Document, reading: int
) -> None:
    town.publish(person)
    channel = open_channels(town.notifier)["sandbox"]
    assert run_apart(town, tick_with, DyingList(town, dies_at=reading), channel) == -signal.SIGKILL
    assert_all_delivered_once(town, period)


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("call", [1, 2])
def test_killed_in_a_call_nothing_is_lost_or_doubled(
    town: Town, period: Period, person: Document, call: int, after: bool
) -> None:
    town.publish(person)
    channel = DyingChannel(town, dies_at=call, after=after)
    assert run_apart(town, tick_with, town.notifier.register, channel) == -signal.SIGKILL
    assert_all_delivered_once(town, period)


def work_until_killed(town: Town) -> None:
    while True:
        tick_with(town, town.notifier.register, open_channels(town.notifier)["sandbox"])


def test_killed_at_any_instant_it_ends_with_one_run_and_each_package_once(
    town: Town, period: Period, person: Document
) -> None:
    for _ in range(60):
        town.publish(person)
    random = Random(3)
    for _ in range(8):
        run_apart(town, work_until_killed, kill_after=random.uniform(0.02, 0.4))
        town.clock.pass_time(seconds=LEASE.total_seconds() + 1)
    assert_all_delivered_once(town, period)


def run_apart(town: Town, work: Callable[..., None], *arguments: object, kill_after: float | None = None) -> int:
    """Run `work` in a process of its own, killed after so many seconds; how it ended."""
    # A connection must not be shared with the child.
    town.notifier.engine.dispose()
    process = multiprocessing.get_context("fork").Process(target=work, args=(town, *arguments))
    process.start()
    if kill_after is not None:
        time.sleep(kill_after)
        process.kill()
    process.join(timeout=30)
    assert process.exitcode is not None
    return process.exitcode


def assert_all_delivered_once(town: Town, period: Period) -> None:
    town.clock.pass_time(seconds=LEASE.total_seconds() + 1)
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock)
    run = get_run(town, period)
    assert [message.state for message in run.messages] == [MessageState.DELIVERED] * 2
    assert len(run.revisions) == 1
    listed = {document.record for document in town.notifier.register.everything(town.clock())[1]}
    for slug, names in inbox(town).items():
        assert [name for name in names if not name.startswith(".")] == ["2026Q3-r1"]
        assert records_in(town.settings.folder / "sandbox" / slug / "2026Q3-r1") == listed
