"""Backups that are killed, that run out of room, and that are made while everything else goes on."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from homes import Home
from instants import Order, run_apart
from life import Life

from gongshi.safety.container import check_backup, open_backup
from gongshi.safety.recovery_keys import RecoveryKey, read_words
from gongshi.safety.witness_lines import Log

pytestmark = [pytest.mark.long, pytest.mark.parametrize("databases", ["sqlite"], indirect=True)]


@pytest.fixture
def life(home: Home) -> Iterator[Life]:
    made = Life(home)
    yield made
    made.close()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture
def key(home: Home) -> RecoveryKey:
    assert home.run("user", "add", "admin", "--role", "admin", typed="a-long-password\n").code == 0
    return read_words(home.ask("recovery", "make", "--as", "admin")["words"][0])


def order(life: Life, target: Path, **more: object) -> Order:
    life.home.clock.advance(seconds=1)
    arguments = ("backup", "--to", str(target), "--json")
    values = {"arguments": arguments, "environ": life.environ, "moment": life.home.clock(), "seed": 1, **more}
    return Order(**values)  # type: ignore[arg-type]


def leftovers(life: Life, target: Path) -> list[Path]:
    return [*(life.home.folder / "registry").glob("backup-work"), *target.glob("*.part")]


def test_a_backup_that_is_killed_at_any_step_is_none_or_whole(life: Life, target: Path, key: RecoveryKey) -> None:
    life.take_listed()
    passed = run_apart(order(life, target), life.home.folder.parent)
    assert passed.code == 0, passed.err
    phases = list(dict.fromkeys(passed.passed))
    assert len(phases) > 8, phases
    chosen = phases[:: max(1, len(phases) // 5)]
    for phase in chosen:
        killed = run_apart(order(life, target, blow="kill", phase=phase), life.home.folder.parent)
        assert killed.code is None, phase
        for path in target.glob("*.gsb"):
            check_backup(path, key)
    last = run_apart(order(life, target), life.home.folder.parent)
    assert last.code == 0, last.err
    assert leftovers(life, target) == []
    listed = life.home.ask("backup", "list")["backups"]
    assert {Path(one["file"]) for one in listed} >= set(target.iterdir())
    life.rest()


def test_a_file_that_may_not_grow_ends_in_one_line_and_leaves_nothing(
    life: Life, target: Path, key: RecoveryKey
) -> None:
    life.take_listed()
    first = run_apart(order(life, target), life.home.folder.parent)
    assert first.code == 0, first.err
    (kept,) = target.iterdir()
    for limit in (0, 4096, 100_000, kept.stat().st_size - 1):
        ended = run_apart(order(life, target, file_limit=limit), life.home.folder.parent)
        assert ended.code == 2, (limit, ended)
        (line,) = ended.err.strip().splitlines()
        assert line.startswith("未办理："), line
        assert "程序出错" not in line
        assert list(target.iterdir()) == [kept]
        assert leftovers(life, target) == []
    check_backup(kept, key)


def test_a_backup_under_way_holds_what_was_acknowledged_and_keeps_nobody_waiting(
    life: Life, target: Path, key: RecoveryKey, tmp_path: Path
) -> None:
    people = life.new_people(120)
    life.approve(life.bring_in(people))
    life.home.ask("publish")
    numbers = life.numbers_of(people)
    done: list[tuple[str, str]] = []
    gone: list[str] = []
    ended = threading.Event()

    def back_up() -> None:
        try:
            for _ in range(2):
                before = list(gone)
                made = run_apart(order(life, target), life.home.folder.parent)
                assert made.code == 0, made.err
                done.append((max(path.name for path in target.glob("*.gsb")), ",".join(before)))
        finally:
            ended.set()

    making = threading.Thread(target=back_up)
    making.start()
    while not ended.is_set() and numbers:
        number = numbers.pop()
        life.home.ask("withdraw", number, "--ground", "wrongly_listed", "--basis", "决定", "--as", "reviewer")
        gone.append(number)
        if len(gone) % 5 == 0:
            life.bring_in(life.new_people(20))
    making.join()
    assert len(done) == 2
    assert gone
    court = life.home.court
    told = {line.record for line in court.witness.read(Log.DEPARTURES).lines if line.type == "gone"}
    assert set(gone) <= told
    for name, before in done:
        path = target / name
        if path.exists():
            _judge(path, key, [record for record in before.split(",") if record], tmp_path)


def _judge(path: Path, key: RecoveryKey, before: list[str], folder: Path) -> None:
    copy = folder / "registry.db"
    with open_backup(path, key) as opened:
        for member in opened.members:
            if member.name == "registry/registry.db":
                copy.write_bytes(member.read())
    with closing(sqlite3.connect(copy)) as database:
        positions = [row[0] for row in database.execute("SELECT position FROM journal ORDER BY position")]
        assert positions == list(range(1, len(positions) + 1))
        assert len(positions) >= opened.header["position"]
        known = {row[0] for row in database.execute("SELECT record FROM journal WHERE type = 'gone'")}
        assert set(before) <= known


def test_a_departure_that_is_killed_anywhere_is_in_the_log_or_did_not_happen(life: Life, tmp_path: Path) -> None:
    def withdraw(number: str, **more: object) -> Order:
        arguments = ("withdraw", number, "--ground", "wrongly_listed", "--basis", "决定", "--as", "reviewer")
        values = {"arguments": arguments, "environ": life.environ, "moment": life.home.clock(), "seed": 1, **more}
        return Order(**values)  # type: ignore[arg-type]

    passed = run_apart(withdraw(life.take_listed()), tmp_path)
    phases = [
        phase
        for phase in dict.fromkeys(passed.passed)
        if "journal" in phase or "departures" in phase or "decision" in phase or "audit" in phase or "sync" in phase
    ]
    assert any("departures" in phase for phase in phases), passed.passed
    for phase in phases[::2]:
        run_apart(withdraw(life.take_listed(), blow="kill", phase=phase), tmp_path)
    life.rest()
