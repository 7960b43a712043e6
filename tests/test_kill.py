"""Commands that are killed (SIGKILL) at every phase and at random, and what is there afterwards.

What is acknowledged is there, what is not is there wholly or not at all, the store is what the journal makes of it, the
index what the store makes of it, and a departure that anybody was told of is seen by no reader again.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
from homes import Home
from instants import Blow, Outcome
from invariants import find_faults, find_faults_at_rest
from life import TASKS, Life, report, watching
from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.orm import Session

from registry.record import State
from registry.tables import AuditRow, BatchRow, JournalRow, RecordRow
from search_index.store_tables import document_table, tombstone_table

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
ENTRIES = 600  # more than one chunk of an import and of a publication
LISTED = 20
EVERY_PHASE = 5
# The phases in which a command holds a session of a database that the server can end.
IN_A_SESSION = re.compile(
    r"(insert into|update|delete from|vacuum|before the commit).* of (registry|disclosed|notifier)"
)


@pytest.fixture
def life(home: Home) -> Iterator[Life]:
    made = Life(home)
    yield made
    made.close()


@dataclass
class Tormentor:
    """Strikes one task after the other, in chosen phases, and counts."""

    life: Life
    task: str
    blow: Blow
    struck: Counter[str] = field(default_factory=Counter)

    def find_phases(self) -> Counter[str]:
        """The phases of the task when nothing disturbs it, and how often each comes."""
        passed = undisturbed(self.life, self.task).passed
        return Counter(phase for phase in passed if self.blow == "kill" or IN_A_SESSION.match(phase))

    def strike(self, phase: str, time: int) -> None:
        attempt = TASKS[self.task](self.life)
        outcome = self.life.run(attempt, self.blow, phase, time)
        self.struck[phase] += outcome.struck
        self._judge(outcome)
        self.life.look()
        attempt.settle(outcome)

    def _judge(self, outcome: Outcome) -> None:
        if self.blow == "disconnect":
            assert_told_in_one_line(outcome)

    def strike_some(self, number: int) -> None:
        """So many blows, each in another phase while there are others."""
        phases = self.find_phases()
        for phase in self.life.random.sample(sorted(phases), min(3 * number, len(phases))):
            if self.struck.total() < number:
                self.strike(phase, self.life.random.randint(1, phases[phase]))

    def strike_all(self, number: int) -> None:
        """So many blows in every phase; a phase that comes rarely is waited for."""
        undisturbed(self.life, self.task)  # what is done only the first time in a home is no phase to be met again
        phases = self.find_phases()
        for _ in range(3 * number):
            for phase in (phase for phase in sorted(phases) if self.struck[phase] < number):
                self.strike(phase, self.life.random.randint(1, phases[phase]))
        assert {phase for phase in phases if self.struck[phase] < number} == set()


def assert_told_in_one_line(outcome: Outcome) -> None:
    """A command that could not do it says so in one Chinese line, and nothing else."""
    assert outcome.code in (0, 1, 2), outcome
    assert "Traceback" not in outcome.err
    if outcome.code == 2:
        lines = outcome.err.strip().splitlines()
        assert len(lines) == 1, outcome.err
        assert lines[0].startswith(("未办理：", "未办完：")), lines


def torment(life: Life, blow: Blow, tasks: list[str], strike: Callable[[Tormentor], None]) -> int:
    """Strike every task, with a reader watching; how many blows fell."""
    total = 0
    undisturbed(life, "withdraw")  # so that the reader has something to watch for
    with watching(life) as answered:
        for task in tasks:
            tormentor = Tormentor(life, task, blow)
            strike(tormentor)
            total += tormentor.struck.total()
            for phase, number in sorted(tormentor.struck.items()):
                report({"proof": blow, "database": life.database, "task": task, "phase": phase, "times": number})
    life.rest()
    report({"proof": blow, "database": life.database, "blows": total, "reader": dict(answered), "gone": len(life.gone)})
    assert answered["gone"] > 0, "nobody was reading: nothing was proven"
    sys.stderr.write(f"\n{blow}, {life.database}: {total} blows, a reader was answered {dict(answered)}\n")
    return total


def undisturbed(life: Life, task: str) -> Outcome:
    attempt = TASKS[task](life)
    outcome = life.run(attempt)
    assert outcome.code in (0, 1), outcome.err
    attempt.settle(outcome)
    return outcome


def test_nothing_is_lost_wherever_a_command_is_killed(life: Life) -> None:
    # Half as often on PostgreSQL: the phases are those of the same code.
    times, fewest = (1, 10) if life.home.databases else (2, 20)
    assert torment(life, "kill", list(TASKS), lambda tormentor: tormentor.strike_some(times)) >= fewest


@pytest.mark.soak
@pytest.mark.parametrize("task", list(TASKS))
def test_nothing_is_lost_in_five_kills_at_every_phase(life: Life, task: str) -> None:
    torment(life, "kill", [task], lambda tormentor: tormentor.strike_all(EVERY_PHASE))


def test_a_kill_is_told_from_an_end(life: Life) -> None:
    """The blow falls where it was sent: before the commit nothing is decided, after it everything is."""
    for phase, state in (("before", 200), ("after", 410)):
        life.home.ask("publish")  # what a killed departure left is not carried out under the eyes of the next one
        attempt = TASKS["withdraw"](life)
        record = attempt.arguments[1]
        assert life.status(record) == 200
        outcome = life.run(attempt, "kill", f"{phase} the commit of disclosed (change, document, tombstone)")
        assert (outcome.code, life.status(record)) == (None, state)
        attempt.settle(outcome)


# The database is cut off -------------------------------------------------------------------------------------------


def on_postgresql(test: Callable[..., None]) -> Callable[..., None]:
    only = pytest.param("postgres", marks=pytest.mark.postgres)
    return pytest.mark.parametrize("databases", [only], indirect=True)(test)


@on_postgresql
def test_a_session_ended_by_the_server_is_one_line_and_nothing_is_lost(life: Life) -> None:
    assert torment(life, "disconnect", list(TASKS)[::2], lambda tormentor: tormentor.strike_some(1)) >= 4


@pytest.mark.soak
@pytest.mark.parametrize("task", list(TASKS))
@on_postgresql
def test_nothing_is_lost_when_the_server_ends_a_session_in_every_phase(life: Life, task: str) -> None:
    torment(life, "disconnect", [task], lambda tormentor: tormentor.strike_all(1))


# Whole trees of processes, by the wall clock -----------------------------------------------------------------------

TREE = """
import subprocess, sys
gongshi = [sys.executable, "-m", "gongshi"]
for_ever = [[*gongshi, "worker"], [*gongshi, "serve", "portal", "--bind", "127.0.0.1:0"]]
running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in for_ever]
for command in sys.argv[1:]:
    subprocess.run([*gongshi, *command.split("|")])
for one in running:
    one.wait()
"""


@dataclass
class Tree:
    """A worker, a portal and commands one after another, in one session of processes that is killed all at once."""

    home: Home
    folder: Path

    def kill_after(self, seconds: float, *commands: tuple[str, ...]) -> str:
        """What the commands had printed until then: what was acknowledged."""
        told = self.folder / "printed.txt"
        environ = {"PATH": os.environ["PATH"], "GONGSHI_HOME": str(self.home.folder), **self.home.databases}
        with told.open("w") as out:
            process = subprocess.Popen(
                [sys.executable, "-c", TREE, *("|".join(command) for command in commands)],
                env=environ, cwd=ROOT, stdout=out, stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            time.sleep(seconds)
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return told.read_text(encoding="utf-8")


@pytest.mark.parametrize("rounds", [1, pytest.param(40, marks=pytest.mark.soak)])
def test_nothing_is_lost_when_all_processes_are_killed_at_random(life: Life, tmp_path: Path, rounds: int) -> None:
    from gongshi.clock import system_now

    life.home.clock.moment = system_now()
    tree, random = Tree(life.home, tmp_path), Random(rounds)
    people = life.new_people(ENTRIES)
    file = str(life.write(people))
    targets = [life.take_listed() for _ in range(min(rounds, LISTED))]
    acknowledged = 0
    for turn in range(rounds):
        record = targets[turn % len(targets)]
        printed = tree.kill_after(
            random.uniform(1, 4),
            ("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer"),
            ("import", file, "--as", "clerk"),
            ("publish",),
        )
        if record in printed:
            acknowledged += 1
            life.gone.add(record)
        life.look()
    said = life.home.ask("import", file, "--as", "clerk")
    assert {said["accepted"], said["unchanged"]} == {0, ENTRIES}
    life.approve(batch_of(life, people[0]["case_number"]))
    for _ in range(rounds):
        tree.kill_after(random.uniform(1, 4), ("publish",))
        life.look()
    life.rest()
    assert len(life.numbers_of(people)) == ENTRIES
    report({"proof": "kill of all processes", "database": life.database, "kills": 2 * rounds, "told": acknowledged})


def batch_of(life: Life, case: str) -> int:
    """The batch that an entry came in with."""
    court = life.home.court
    with court.reading() as session:
        found = session.scalars(select(RecordRow).where(RecordRow.facts["case_number"].as_string() == case)).one()
        batch = found.batch_id
    court.close()
    return batch


# The proof itself --------------------------------------------------------------------------------------------------


def spoil_journal_gap(life: Life) -> None:
    with registry_of(life) as session:
        session.execute(delete(JournalRow).where(JournalRow.position == 3))


def spoil_half_import(life: Life) -> None:
    with registry_of(life) as session:
        session.execute(update(BatchRow).values(ready=False))


def spoil_lost_line(life: Life) -> None:
    with registry_of(life) as session:
        session.execute(update(BatchRow).values(accepted=BatchRow.accepted + 1))


def spoil_lost_approval(life: Life) -> None:
    with registry_of(life) as session:
        session.execute(update(RecordRow).where(RecordRow.state == State.PUBLISHED.value).values(state="draft"))


def spoil_unaudited(life: Life) -> None:
    with registry_of(life) as session:
        session.execute(delete(AuditRow).where(AuditRow.action == "approve"))


def spoil_departure(life: Life) -> None:
    """The store is shown an entry again that has left."""
    with store_of(life) as connection:
        body = connection.execute(select(document_table)).mappings().first()
        connection.execute(insert(document_table).values({**dict(body or {}), "record": sorted(life.gone)[0]}))


def spoil_store_words(life: Life) -> None:
    with store_of(life) as connection:
        connection.execute(update(document_table).values(body=func.replace(document_table.c.body, "甲测试", "乙测试")))


def spoil_store_lost(life: Life) -> None:
    with store_of(life) as connection:
        connection.execute(delete(document_table))


def spoil_tombstones(life: Life) -> None:
    with store_of(life) as connection:
        connection.execute(delete(tombstone_table))


SPOILS = {
    spoil_journal_gap: "positions have a gap",
    spoil_half_import: "of an unfinished import",
    spoil_lost_line: "and holds",
    spoil_lost_approval: "published in the registry and by the journal differ",
    spoil_unaudited: "nobody is on record",
    spoil_departure: "in the store again",
    spoil_store_words: "what the journal never said",
    spoil_store_lost: "is not what the journal makes of it",
    spoil_tombstones: "the tombstones are not those of the journal",
}


def test_the_proof_names_a_fault_that_is_planted(life: Life, tmp_path: Path) -> None:
    undisturbed(life, "withdraw")
    assert find_faults_at_rest(life.home, life.gone) == []
    if life.home.databases:
        spoil_departure(life)
        assert any("in the store again" in fault for fault in find_faults(life.home, life.gone))
        return
    whole = shutil.copytree(life.home.folder, tmp_path / "whole")
    for spoil, words in SPOILS.items():
        spoil(life)
        faults = find_faults_at_rest(life.home, life.gone)
        assert any(words in fault for fault in faults), (spoil.__name__, faults)
        shutil.copytree(whole, life.home.folder, dirs_exist_ok=True)
        assert find_faults_at_rest(life.home, life.gone) == []


@contextmanager
def registry_of(life: Life) -> Iterator[Session]:
    court = life.home.court
    with court.session() as session:
        yield session
    court.close()


@contextmanager
def store_of(life: Life) -> Iterator[Connection]:
    court = life.home.court
    with court.store_writer._engine.begin() as connection:
        yield connection
    court.close()
