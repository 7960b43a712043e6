"""An upgrade from the first version that is killed (SIGKILL) at its steps: the home is wholly old or wholly new, and the same
command completes it."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import pytest
from homes import Clock
from instants import Order, Outcome, run_apart
from keptness import FIRST, hour_after, read_held, unpack

from gongshi.installing.release import this_release

pytestmark = pytest.mark.long
COMMAND = ("upgrade", "--own-backup")
# The steps that decide: the record, and each file that changes places.
DECIDING = re.compile(
    r"(rename|before fsync of|after fsync of) (registry/upgrade\.json|\S+\.(new|db|old)$|public/index)"
)
AT_ONCE = 3


@dataclass
class Killed:
    """A home of the first version, and the command that is killed in it."""

    folder: Path
    clock: Clock
    held: dict[str, Any]

    @property
    def home(self) -> Path:
        return self.folder / FIRST

    def renew(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
        unpack(FIRST, self.folder)

    def run(self, *arguments: str, phase: str = "", time: int = 1) -> Outcome:
        order = Order(
            arguments=arguments,
            environ={"GONGSHI_HOME": str(self.home)},
            moment=self.clock(),
            seed=5,
            blow="kill" if phase else "none",
            phase=phase,
            time=time,
        )
        return run_apart(order, self.folder)

    def heads(self) -> tuple[str, str]:
        files = (("registry/registry.db", "alembic_version"), ("notifier/notifier.db", "notifier_version"))
        found = []
        for file, table in files:
            with closing(sqlite3.connect(f"file:{self.home / file}?mode=ro", uri=True)) as connection:
                assert connection.execute("PRAGMA quick_check").fetchall() == [("ok",)]
                found.append(connection.execute(f"SELECT version_num FROM {table}").fetchone()[0])
        return found[0], found[1]

    def shown(self) -> set[str]:
        with closing(sqlite3.connect(self.home / "public/disclosed.db")) as connection:
            return {record for (record,) in connection.execute("SELECT record FROM document")}


@pytest.fixture
def killed(tmp_path: Path) -> Killed:
    held = read_held(FIRST)
    return Killed(tmp_path, Clock(hour_after(held)), held)


def find_phases(killed: Killed) -> Counter[str]:
    killed.renew()
    outcome = killed.run(*COMMAND)
    assert outcome.code == 0, outcome.err
    return Counter(outcome.passed)


def strike(killed: Killed, phase: str, time: int) -> str:
    """Kill it there; whether the home was old or new when it was opened next."""
    killed.renew()
    assert killed.run(*COMMAND, phase=phase, time=time).code is None, phase
    # The next process of the new version that opens the home finishes what was begun, or throws it away.
    said = killed.run("profile")
    ours = this_release()
    old = tuple(killed.held["heads"].values())
    assert killed.heads() in (old, (ours.registry, ours.notifier)), phase
    is_old = killed.heads() == old
    assert said.code == (2 if is_old else 0), (phase, said.err)
    assert "gongshi upgrade" in said.err or not is_old
    left = [
        path.name
        for path in killed.home.rglob("*")
        if path.name.endswith((".db.new", ".old", ".trial", ".trial.new", "index.new"))
    ]
    assert left == [], phase
    assert not (killed.home / "registry" / "upgrade.json").exists(), phase
    assert killed.shown() == {body["record"] for body in killed.held["documents"]}, phase
    outcome = killed.run(*COMMAND)
    assert outcome.code == 0, (phase, outcome.err)
    assert killed.heads() == (ours.registry, ours.notifier)
    assert killed.shown() == {body["record"] for body in killed.held["documents"]}
    return "old" if is_old else "new"


def test_a_killed_upgrade_leaves_the_old_home_or_the_new(killed: Killed) -> None:
    phases, random = find_phases(killed), Random(8)
    deciding = sorted(phase for phase in phases if DECIDING.match(phase))
    assert len(deciding) >= AT_ONCE
    chosen = random.sample(deciding, AT_ONCE - 1) + random.sample(sorted(phases), 1)
    assert len([strike(killed, phase, random.randint(1, phases[phase])) for phase in chosen]) == AT_ONCE


def test_before_the_record_it_is_old_and_after_it_new(killed: Killed) -> None:
    # The record is written three times: staging, committed, checked; a rename that did not happen does not count.
    for time, found in ((2, "old"), (3, "new")):
        assert strike(killed, "rename registry/upgrade.json.new", time) == found


@pytest.mark.soak
def test_a_killed_upgrade_at_every_step(killed: Killed) -> None:
    phases, found = find_phases(killed), Counter[str]()
    for phase, times in sorted(phases.items()):
        for time in sorted({1, (times + 1) // 2, times}):
            found[strike(killed, phase, time)] += 1
    assert min(found["old"], found["new"]) > 10


def test_what_is_written_after_the_copy_is_kept(killed: Killed) -> None:
    """Somebody of the old version decides something between a kill at the record and the next start: it is not lost."""
    killed.renew()
    outcome = killed.run(*COMMAND, phase="rename registry/registry.db")
    assert outcome.code is None
    with closing(sqlite3.connect(killed.home / "registry/registry.db")) as connection, connection:
        connection.execute("UPDATE staff SET role = 'auditor' WHERE name = '管理员'")
    assert killed.run("profile").code == 2
    assert killed.heads() == tuple(killed.held["heads"].values())
    assert killed.run(*COMMAND).code == 0
    with closing(sqlite3.connect(killed.home / "registry/registry.db")) as connection:
        assert connection.execute("SELECT role FROM staff WHERE name = '管理员'").fetchall() == [("auditor",)]
