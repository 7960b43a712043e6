"""Each message once, with many senders at a time, and with senders that are killed at any instant."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from instants import Order, Watch
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from standins.count_server import Count, CountChannel, counting

from notifier.calendar import Period
from notifier.channels import ShortMessage
from notifier.claiming import LEASE
from notifier.context import open_notifier
from notifier.outbox import Draft, enqueue
from notifier.policy import ChannelLimits, Rules
from notifier.sending import Given
from notifier.settling import LOST_IN_CALL
from notifier.states import SENDABLE, MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import AttemptRow, MessageRow, RecipientRow, RunRow
from notifier.worker import notifier_tick
from search_index.document import Document

Town = Any
WORDS = ShortMessage(text="测试", template="test", version=1, fields={})
FORK = multiprocessing.get_context("fork")
MONTH = Period(2026, 3)


def stock(town: Town, *, recipients: int, notices: int) -> None:
    """So many recipients of the quarter's run, and so many notices that wait, all on the channel that counts."""
    digest = open_digest(town.notifier.engine)
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
        session.add_all(
            RecipientRow(
                slug=f"unit{serial}",
                name=f"测试单位{serial}",
                kind="television",
                channel="count",
                address=f"unit{serial}",
                active=True,
                created_at=town.clock(),
            )
            for serial in range(recipients)
        )
        drafts = [
            Draft(key=f"notice/{n}", purpose=Purpose.NOTICE, channel="count", content=WORDS, address=f"a{n}")
            for n in range(notices)
        ]
        enqueue(session, drafts, now=town.clock(), digest=digest, random=Random("stock"))


def given(town: Town, concurrency: int, seed: int = 1) -> Given:
    limits = ChannelLimits(concurrency=concurrency)
    return Given(rules=Rules(channels={"count": limits}), random=Random(seed), store=town.store)


def tick(town: Town, channel: CountChannel, concurrency: int, seed: int = 1) -> None:
    """The work of a process: whatever is due, with a connection of its own."""
    apart = open_notifier(town.settings, town.notifier.register, town.notifier.workdays)
    now = town.clock()
    notifier_tick(apart, {"count": channel}, clock=lambda: now, worker=str(seed), given=given(town, concurrency, seed))
    apart.engine.dispose()
    channel.close()


class Doom(Watch):
    """Kills this process at a given instant, and leaves a word on which it was."""

    def __init__(self, town: Town, dies_at: int, told: Path) -> None:
        super().__init__(Order(arguments=(), environ={}, moment=town.clock(), seed=0))
        self._dies_at, self._told = dies_at, told

    def pass_one(self, phase: str, connection: Any = None) -> None:
        super().pass_one(phase, connection)
        if len(self.passed) == self._dies_at:
            self._watching = False
            self._told.write_text(phase, encoding="utf-8")
            os.kill(os.getpid(), signal.SIGKILL)


def doomed(town: Town, port: int, concurrency: int, dies_at: int, told: Path) -> None:
    doom = Doom(town, dies_at, told)
    doom.begin(town.settings.folder)
    tick(town, CountChannel(port, doom.pass_one), concurrency, seed=dies_at)
    doom.end()
    told.write_text("")
    os._exit(0)


def run_apart(town: Town, work: Callable[..., None], *arguments: object) -> Any:
    # A connection must not be shared with the child.
    town.notifier.engine.dispose()
    process = FORK.Process(target=work, args=(town, *arguments))
    process.start()
    return process


def read_states(town: Town) -> Counter[str]:
    with Session(town.notifier.engine) as session:
        return Counter(session.scalars(select(MessageRow.state)))


def count_attempts(town: Town, *conditions: Any) -> int:
    with Session(town.notifier.engine) as session:
        return session.scalar(select(func.count()).select_from(AttemptRow).where(*conditions)) or 0


def find_open_calls(town: Town) -> set[int]:
    """The attempts whose calls had begun when their sender died, and that nobody has settled yet."""
    query = select(AttemptRow.id).where(AttemptRow.called_at.is_not(None), AttemptRow.ended_at.is_(None))
    with Session(town.notifier.engine) as session:
        return set(session.scalars(query))


def finish(town: Town, count: Count) -> None:
    """Undisturbed, until everything is settled; each step is later than the last."""
    for _ in range(40):
        town.clock.pass_time(seconds=LEASE.total_seconds() + 1)
        tick(town, CountChannel(count.port), 4)
        if set(read_states(town)) == {MessageState.DELIVERED}:
            return
    raise AssertionError(read_states(town))


def assert_each_once(town: Town, count: Count, messages: int) -> None:
    received = count.tell()["received"]
    with Session(town.notifier.engine) as session:
        queued = set(session.scalars(select(MessageRow.dispatch)))
        runs = session.scalars(select(RunRow.period)).all()
    assert len(queued) == messages
    assert set(received) == queued, "lost"
    assert set(received.values()) == {1}, "doubled"
    assert len(runs) <= 1


def count_left(town: Town) -> int:
    with Session(town.notifier.engine) as session:
        return session.scalar(select(func.count()).where(MessageRow.state.in_(SENDABLE | {MessageState.SENDING}))) or 0


def torment(town: Town, count: Count, *, kills: int, concurrency: int, folder: Path) -> Counter[str]:
    """Kill so many senders, each at an instant by lot; the phases they died in. Nothing may be lost or doubled by it,
    and no more be unknown than calls were open when a sender died."""
    random, told = Random(kills), folder / "told.txt"
    died: Counter[str] = Counter()
    lost: set[int] = set()
    while died.total() < kills:
        # On average each leaves the next ones their share: about nine instants a message with one call at a time, and
        # four where calls share their transactions.
        share = (count_left(town) or 1) / (kills - died.total())
        furthest = max(12, int(2 * share * (9 if concurrency == 1 else 4)))
        process = run_apart(town, doomed, count.port, concurrency, random.randint(1, furthest), told)
        process.join(120)
        if process.exitcode == 0:
            break
        assert process.exitcode == -signal.SIGKILL
        died[told.read_text(encoding="utf-8")] += 1
        open_calls = find_open_calls(town)
        assert len(open_calls - lost) <= concurrency
        lost |= open_calls
        town.clock.pass_time(seconds=LEASE.total_seconds() + 1)
    finish(town, count)
    assert count_attempts(town, AttemptRow.detail.startswith(LOST_IN_CALL)) == len(lost)
    return died


@pytest.mark.long
@pytest.mark.parametrize(("kills", "notices"), [(40, 300), pytest.param(500, 1980, marks=pytest.mark.soak)])
def test_nothing_is_lost_or_doubled_by_senders_that_are_killed(
    town: Town, person: Document, tmp_path: Path, kills: int, notices: int
) -> None:
    town.publish(person)
    with counting(lose=0.02, busy=0.02) as count:
        stock(town, recipients=20, notices=notices)
        died = torment(town, count, kills=kills, concurrency=8, folder=tmp_path)
        assert_each_once(town, count, notices + 20)
        assert count.tell()["lost"] > 0
    assert died.total() >= kills * 0.9
    assert any(phase.startswith("call") for phase in died)
    assert any("commit" in phase for phase in died)


@pytest.mark.long
@pytest.mark.parametrize(("kills", "notices"), [(15, 47), pytest.param(200, 397, marks=pytest.mark.soak)])
def test_one_call_at_a_time_leaves_at_most_one_unknown_a_kill(
    town: Town, person: Document, tmp_path: Path, kills: int, notices: int
) -> None:
    town.publish(person)
    stock(town, recipients=3, notices=notices)
    with counting(busy=0.05) as count:
        died = torment(town, count, kills=kills, concurrency=1, folder=tmp_path)
        assert_each_once(town, count, notices + 3)
    assert died.total() >= kills * 0.9


def ticking(town: Town, port: int, seed: int, ready: Any) -> None:
    ready.wait()
    tick(town, CountChannel(port), 4, seed)
    os._exit(0)


@pytest.mark.parametrize("notices", [300, pytest.param(1992, marks=pytest.mark.soak)])
def test_eight_schedulers_that_send_make_one_run_and_send_each_message_once(
    town: Town, person: Document, notices: int
) -> None:
    town.publish(person)
    stock(town, recipients=8, notices=notices)
    ready = FORK.Barrier(8)
    with counting(delay=0.02) as count:
        processes = [run_apart(town, ticking, count.port, seed, ready) for seed in range(8)]
        for process in processes:
            process.join(120)
        assert [process.exitcode for process in processes] == [0] * 8
        assert_each_once(town, count, notices + 8)
    assert read_states(town) == {MessageState.DELIVERED: notices + 8}
    with Session(town.notifier.engine) as session:
        assert session.scalars(select(RunRow.period)).all() == [str(MONTH)]
        senders = set(session.scalars(select(AttemptRow.worker)))
    assert len(senders) > 1, "one sender did it all: nothing was proven"
