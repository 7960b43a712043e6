"""Commands that are killed (SIGKILL) at chosen and at random instants, and what is there afterwards."""

from __future__ import annotations

import io
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from entries import a_person, an_organisation, with_term
from homes import Home
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.record import State
from registry.tables import BatchRow, JournalRow, RecordRow
from search_index.document import Document

ENTRIES = 700
ROOT = Path(__file__).parents[1]
BOTH = ("--confirm", "art3", "--confirm", "redactions")
# What makes a change last: the end of a transaction, a file put in place or taken away.
LASTING = frozenset({"os.rename", "os.remove", "os.truncate"})
SPAWN = multiprocessing.get_context("forkserver")
SPAWN.set_forkserver_preload(["gongshi.commands.intake", "gongshi.commands.departures", "gongshi.commands.publishing"])


def die_at(instant: int, moment: datetime, arguments: tuple[str, ...], env: Mapping[str, str]) -> None:
    """Run a command, and die before its `instant`-th lasting change. Ends by itself where there are fewer."""
    from sqlalchemy import Engine, event

    from gongshi.cli import run
    from gongshi.clock import World

    passed = count(1)

    def pass_one(*_: object) -> None:
        if next(passed) == instant:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "commit", pass_one)
    sys.addaudithook(lambda name, _: pass_one() if name in LASTING else None)
    os.environ.update(env)
    sys.stdout = sys.stderr = io.StringIO()
    os._exit(run(arguments, World(now=lambda: moment)))


def is_killed(home: Home, instant: int, *arguments: str) -> bool:
    env = {"GONGSHI_HOME": str(home.folder), **home.databases}
    process = SPAWN.Process(target=die_at, args=(instant, home.clock(), arguments, env))
    process.start()
    process.join(120)
    # 2: a departure that was killed after it was decided cannot be decided again.
    done = (0, 2) if arguments[0] == "withdraw" else (0,)
    assert process.exitcode in (*done, -signal.SIGKILL), (arguments, process.exitcode)
    return process.exitcode == -signal.SIGKILL


@dataclass
class Killer:
    """A home whose commands are killed over and over, and what must hold all the same."""

    home: Home
    # How far apart the instants are at which a command is killed, at random; 1: every one.
    stride: int
    random: Random = field(default_factory=lambda: Random(11))
    gone: set[str] = field(default_factory=set)
    kills: int = 0

    def torment(self, *arguments: str) -> None:
        """Kill a command at instants ever further on, until it comes to its end by itself."""
        instant = self.random.randint(1, self.stride)
        while is_killed(self.home, instant, *arguments):
            self.kills += 1
            self.look()
            instant += self.random.randint(1, self.stride)
        self.look()

    def look(self) -> None:
        """What holds at every moment, whatever was killed."""
        court = self.home.court
        with court.reading() as session:
            lines = list(session.scalars(select(JournalRow).order_by(JournalRow.position)))
            ready = select(BatchRow.id).where(BatchRow.ready)
            staged = list(session.scalars(select(RecordRow).where(RecordRow.batch_id.not_in(ready))))
            session.expunge_all()
            numbers = set(session.scalars(select(RecordRow.number).where(RecordRow.state == State.PUBLISHED.value)))
        court.close()
        assert [line.position for line in lines] == list(range(1, len(lines) + 1))
        sequences = [line.sequence for line in lines if line.sequence is not None]
        assert sequences == list(range(1, len(sequences) + 1))
        last = {line.record: line for line in lines if line.record}
        assert {record for record, line in last.items() if line.type != "gone"} == numbers
        assert all(row.state == State.DRAFT.value and row.number is None for row in staged)
        shown = documents(self.home)
        assert shown.keys().isdisjoint(self.gone)
        assert shown.keys() <= last.keys()


def documents(home: Home) -> dict[str, Document]:
    court = home.court
    found: dict[str, Document] = {}
    with court.store.snapshot(home.clock()) as snapshot:
        while some := snapshot.all(max(found, default="")):
            found.update((document.record, document) for document in some)
    court.close()
    return found


def many(home: Home) -> Path:
    people = [a_person(serial, name=f"甲测试{serial}") for serial in range(1, ENTRIES - 9)]
    listed = [
        with_term(a_person(serial, name=f"乙测试{serial}"), "2027-01-31") for serial in range(ENTRIES, ENTRIES + 5)
    ]
    return home.write("many.jsonl", [*people, *listed, *(an_organisation(ENTRIES + n) for n in range(5, 10))])


@pytest.mark.parametrize("stride", [9, pytest.param(1, marks=pytest.mark.soak)])
def test_every_step_of_the_spine_survives_being_killed(home: Home, stride: int) -> None:
    killer = Killer(home, stride)
    file = many(home)
    killer.torment("import", str(file), "--as", "clerk")
    again = home.ask("import", file, "--as", "clerk")
    assert again["unchanged"] == ENTRIES
    with registry_of(home) as session:
        (batch,) = session.scalars(select(BatchRow.id))
    killer.torment("approve", str(batch), "--as", "reviewer", *BOTH)
    killer.torment("publish")
    home.ask("publish")
    shown = documents(home)
    assert len(shown) == ENTRIES
    for record in sorted(shown)[:3]:
        killer.torment("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
        killer.gone.add(record)
        assert record not in documents(home)
    killer.torment("index", "rebuild", "--replay")
    assert killer.kills >= 5
    finished(home, shown.keys() - killer.gone)


def finished(home: Home, expected: Any) -> None:
    """The store is what the journal makes of it, and the index what the store makes of it."""
    home.ask("publish")
    before = documents(home)
    assert before.keys() == expected
    assert home.ask("index", "verify")["equal"]
    home.ask("index", "rebuild", "--replay")
    assert documents(home) == before
    assert home.ask("index", "verify")["equal"]


@pytest.mark.parametrize("rounds", [1, pytest.param(15, marks=pytest.mark.soak)])
def test_processes_killed_at_random(home: Home, rounds: int) -> None:
    from gongshi.clock import system_now

    home.clock.moment = system_now()
    file = home.write("many.jsonl", [a_person(serial) for serial in range(1, ENTRIES + 1)])
    killer, random = Killer(home, 1), Random(rounds)
    for _ in range(rounds):
        kill_after(home, random.uniform(0.5, 3), "import", str(file), "--as", "clerk")
        killer.look()
    batch = home.ask("import", file, "--as", "clerk")["batch"]
    if batch is None:
        with registry_of(home) as session:
            (batch,) = session.scalars(select(BatchRow.id))
    home.ask("approve", batch, "--as", "reviewer", *BOTH)
    for _ in range(rounds):
        kill_after(home, random.uniform(0.5, 4), "publish")
        killer.look()
    home.ask("publish")
    finished(home, documents(home).keys())
    assert len(documents(home)) == ENTRIES


def kill_after(home: Home, seconds: float, *arguments: str) -> None:
    env = {"PATH": os.environ["PATH"], "GONGSHI_HOME": str(home.folder), **home.databases}
    command = [sys.executable, "-m", "gongshi", *arguments]
    with subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.kill()


@contextmanager
def registry_of(home: Home) -> Iterator[Session]:
    """One transaction on the registry of a home."""
    court = home.court
    try:
        with court.session() as session:
            yield session
    finally:
        court.close()
