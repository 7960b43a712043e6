"""Disks that are full, read-only or damaged: one clear line, exit code 2, and nothing lost once the disk is well again.

The portal never shows what is not so: what it cannot read it answers with 503.
"""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from entries import a_person
from homes import Home
from instants import Outcome
from invariants import find_faults_at_rest
from life import TASKS, Life, report
from sqlalchemy import delete, update

from gongshi.clock import system_now
from portal.app import create_app
from registry.tables import JournalRow

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
WRITING = ("import", "approve", "publish", "correct", "withdraw", "hold", "lift", "expire", "rebuild", "replay")
SMALL_DISK = 48 * 1024 * 1024


@pytest.fixture
def life(home: Home) -> Iterator[Life]:
    made = Life(home)
    yield made
    made.close()


def assert_one_clear_line(outcome: Outcome, *words: str) -> None:
    """A command that was refused by the disk says so in one Chinese line, with what to do."""
    assert outcome.code in (0, 1, 2), outcome
    assert "Traceback" not in outcome.err
    if outcome.code == 2:
        lines = outcome.err.strip().splitlines()
        assert len(lines) == 1, outcome.err
        assert lines[0].startswith(("未办理：", "未办完：")), lines
        assert "程序出错" not in lines[0], lines
        assert any(word in lines[0] for word in words), lines


# A disk that takes no more -----------------------------------------------------------------------------------------


def try_with_limit(life: Life, task: str, limit: int) -> bool:
    """Run a task while no file may grow beyond `limit` bytes; whether that kept it from its end."""
    attempt = TASKS[task](life)
    outcome = life.run(attempt, file_limit=limit)
    assert_one_clear_line(outcome, "磁盘", "超出允许的大小")
    life.look()
    attempt.settle(outcome)
    life.look()
    return outcome.code == 2 or "磁盘" in outcome.err or "超出" in outcome.err


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_file_that_may_not_grow_is_one_line_and_nothing_is_lost(life: Life) -> None:
    for task in ("import", "approve", "publish", "correct", "withdraw", "replay"):
        assert try_with_limit(life, task, 0), task
    life.rest()


@pytest.mark.soak
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("task", WRITING)
def test_nothing_is_lost_wherever_a_file_stops_growing(life: Life, task: str) -> None:
    largest = max(path.stat().st_size for path in life.home.folder.rglob("*") if path.is_file())
    limits = [0, 512, 4_096, *(life.random.randrange(largest * 2) for _ in range(25))]
    refused = sum(try_with_limit(life, task, limit) for limit in limits)
    report({"proof": "file limit", "task": task, "tries": len(limits), "refused": refused})
    assert refused > 0
    life.rest()


@dataclass
class Disk:
    """A small disk of its own, on which the home lies."""

    folder: Path
    filler: Path = field(init=False)

    def __post_init__(self) -> None:
        self.filler = self.folder / "filler"

    def fill(self, *, leave: int = 0) -> None:
        """Leave so many bytes, and no more."""
        with self.filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(65_536)):
                    pass
            except OSError:
                pass
            file.truncate(max(file.tell() - leave, 0))

    def free(self) -> None:
        self.filler.unlink(missing_ok=True)

    def remount(self, how: str) -> None:
        subprocess.run(["mount", "-o", f"remount,bind,{how}", str(self.folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """The home's folder is a disk of its own; needs root."""
    folder = tmp_path / "home"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK},mode=755", "none", str(folder)], check=True)
    yield Disk(folder)
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.separation
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize("rounds", [1, pytest.param(12, marks=pytest.mark.soak)])
def test_a_full_disk_is_one_line_and_nothing_is_lost(disk: Disk, life: Life, rounds: int) -> None:
    refused = dict.fromkeys(WRITING, 0)
    with serving(life.home) as portal:
        shown = life.take_listed()
        for turn in range(rounds):
            for task in WRITING:
                attempt = TASKS[task](life)
                disk.fill(leave=life.random.randrange(300_000) if turn else 0)
                outcome = life.run(attempt)
                assert_one_clear_line(outcome, "磁盘")
                refused[task] += outcome.code == 2 or "磁盘" in outcome.err
                assert portal.status(f"/entries/{shown}") == 200
                disk.free()
                life.look()
                attempt.settle(outcome)
                life.look()
        life.rest()
    report({"proof": "full disk", "tries": rounds, "refused": refused})
    assert all(refused.values()), refused


@pytest.mark.separation
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_disk_that_became_read_only_is_one_line_and_the_portal_goes_on(disk: Disk, life: Life) -> None:
    with serving(life.home) as portal:
        shown = life.take_listed()
        for task in WRITING:
            attempt = TASKS[task](life)
            disk.remount("ro")
            outcome = life.run(attempt)
            statuses = [portal.status(path) for path in (f"/entries/{shown}", "/", f"/search?q={quote('甲测试')}")]
            disk.remount("rw")
            assert outcome.code == 2, (task, outcome)
            assert_one_clear_line(outcome, "只读", "没有权限", "打不开")
            assert statuses == [200, 200, 200]
            life.look()
            attempt.settle(outcome)
        life.rest()


# Damaged files -----------------------------------------------------------------------------------------------------


def cut_to_nothing(path: Path) -> None:
    path.write_bytes(b"")


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def overwrite(path: Path) -> None:
    path.write_bytes(bytes((place * 37 + 11) % 256 for place in range(max(path.stat().st_size, 10))))


def spoil_the_middle(path: Path) -> None:
    content = bytearray(path.read_bytes())
    start, end = len(content) // 3, 2 * len(content) // 3
    content[start:end] = bytes((byte * 7 + 13) % 256 for byte in content[start:end])
    path.write_bytes(content)


DAMAGES = (cut_to_nothing, cut_in_half, overwrite, Path.unlink)
CASE = "（2025）测0101执5号"
BOTH = ("--confirm", "art3", "--confirm", "redactions")
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("publish",),
    ("withdraw", CASE, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer"),
    ("correct", CASE, "--set", "obligation=支付货款3元。", *BOTH, "--as", "reviewer"),
    ("init",),
    ("doctor",),
    ("index", "verify"),
)
# Beside these the portal may say that it cannot answer; it may not say anything else.
QUESTIONS = {
    "/api/v1/entries": 12,
    "/api/v1/entries?q=" + quote("甲测试9"): 1,
    "/api/v1/entries?q=" + quote("甲测试3"): 0,
    "/api/v1/entries?kind=organisation": 0,
}


@dataclass
class Patient:
    """A home with twelve entries and one departure, that is damaged again and again and made whole in between."""

    home: Home
    whole: Path

    def heal(self) -> None:
        shutil.rmtree(self.home.folder)
        shutil.copytree(self.whole, self.home.folder)

    def damage(self, pattern: str, how: Callable[[Path], object]) -> None:
        paths = list(self.home.folder.glob(pattern))
        assert paths, pattern
        for path in paths:
            how(path)

    def ask_portal(self) -> list[int]:
        """The answers of the portal: right, or none."""
        app = create_app(self.home.public_settings, self.home.clock)
        client = app.test_client()
        statuses = []
        for question, total in QUESTIONS.items():
            answer = client.get(question)
            statuses.append(answer.status_code)
            if answer.status_code == 200:
                assert (answer.json or {})["meta"]["total"] == total, question
            else:
                assert answer.status_code == 503, (question, answer.status_code)
                assert "Traceback" not in answer.text
        for page in ("/", "/search?q=" + quote("甲测试9")):
            assert client.get(page).status_code in (200, 503)
        app.close()
        return statuses

    def run(self, *arguments: object) -> str:
        """What a command said that could not be done; empty where it could. `doctor` goes on, and tells what is broken among
        the rest."""
        said = self.home.run(*arguments)
        assert "Traceback" not in said.err
        assert "程序出错" not in said.err, said.err
        if arguments[0] == "doctor" and said.code == 1:
            return said.out
        if said.code != 2:
            return ""
        assert len(said.err.strip().splitlines()) == 1, said.err
        return said.err


@pytest.fixture
def patient(home: Home, tmp_path: Path) -> Patient:
    home.publish(*(a_person(serial, name=f"甲测试{serial}") for serial in range(1, 14)))
    home.ask("withdraw", "（2025）测0101执3号", "--ground", "wrongly_listed", "--basis", "执异", "--as", "reviewer")
    return Patient(home, shutil.copytree(home.folder, tmp_path / "whole"))


on_sqlite = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@on_sqlite
def test_a_damaged_registry_sends_for_the_backup_and_the_public_list_stands(patient: Patient) -> None:
    for how in (*DAMAGES, spoil_the_middle):
        for command in (*COMMANDS[:-1], ("index", "rebuild"), ("index", "rebuild", "--replay")):
            patient.heal()
            patient.damage("registry/registry.db", how)
            assert "请从备份恢复" in patient.run(*command), (how, command)
        assert patient.ask_portal() == [200] * len(QUESTIONS)
    patient.heal()
    assert find_faults_at_rest(patient.home) == []


@on_sqlite
def test_a_damaged_store_is_not_served_and_is_made_anew_from_the_journal(patient: Patient) -> None:
    for how in DAMAGES:
        for command in COMMANDS:
            patient.heal()
            patient.damage("public/disclosed.db", how)
            said = patient.run(*command)
            # An empty file is one that `init` has still to fill, and does.
            assert "gongshi index rebuild --replay" in said or (command == ("init",) and not said), (how, command, said)
        patient.heal()
        patient.damage("public/disclosed.db", how)
        assert patient.ask_portal() == [503] * len(QUESTIONS)
        patient.home.ask("index", "rebuild", "--replay")
        assert patient.ask_portal() == [200] * len(QUESTIONS)
        assert find_faults_at_rest(patient.home) == []


@on_sqlite
@pytest.mark.parametrize("pattern", ["public/index/current", "public/index/*/*.toc", "public/index/*/*.seg"])
def test_a_damaged_index_is_not_believed_and_is_made_anew(patient: Patient, pattern: str) -> None:
    for how in (*DAMAGES, spoil_the_middle):
        patient.heal()
        patient.damage(pattern, how)
        patient.ask_portal()
        assert "gongshi index rebuild" in patient.run("index", "verify")
        assert "gongshi index rebuild" in patient.run("doctor")
        assert patient.home.run(*COMMANDS[1]).code == 0, "a departure waits for no index"
        patient.home.ask("index", "rebuild")
        assert find_faults_at_rest(patient.home) == []


@on_sqlite
def test_a_damaged_key_seals_nothing_and_keeps_no_departure_waiting(patient: Patient) -> None:
    file = patient.home.folder.parent / "entries.jsonl"
    for how in (*DAMAGES, spoil_the_middle):
        patient.heal()
        patient.damage("registry/keys/master.key", how)
        for command in (COMMANDS[0], COMMANDS[2], ("import", file, "--as", "clerk")):
            assert "请从备份恢复" in patient.run(*command)
        assert patient.ask_portal() == [200] * len(QUESTIONS)
        if how is not Path.unlink:
            assert patient.home.run(*COMMANDS[1]).code == 0


@pytest.mark.parametrize("spoil", ["body", "line"])
def test_a_damaged_journal_is_not_taken_for_the_list(life: Life, spoil: str) -> None:
    life.take_listed()
    shown = life.records()
    court = life.home.court
    with court.session() as session:
        last = JournalRow.position == court.sequence() - 1
        session.execute(
            update(JournalRow).where(last).values(body='{"name":')
            if spoil == "body"
            else delete(JournalRow).where(last)
        )
    court.close()
    said = life.home.run("index", "rebuild", "--replay")
    assert said.code == 2
    assert said.err == "未办理：公布日志缺行或者已损坏：请从备份恢复登记库\n"
    assert life.records() == shown


@on_sqlite
def test_a_departure_that_the_store_was_not_told_of_says_so(patient: Patient) -> None:
    store = patient.home.folder / "public/disclosed.db"
    with sqlite3.connect(store) as raw:
        raw.execute("CREATE TRIGGER full BEFORE DELETE ON document BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    raw.close()
    said = patient.home.run(*COMMANDS[1])
    assert said.code == 2
    assert said.err.startswith("未办完：决定已经登记，但公示库没有更新，公众可能仍能查到。")
    assert "gongshi publish" in said.err
    with sqlite3.connect(store) as raw:
        raw.execute("DROP TRIGGER full")
    raw.close()
    patient.home.ask("publish")
    assert find_faults_at_rest(patient.home) == []


@on_sqlite
def test_a_quarantine_file_that_was_cut_short_is_refused_line_by_line(life: Life) -> None:
    people = [{**person, "name": ""} for person in life.new_people(3)]
    said = life.home.run("import", life.write(people), "--as", "clerk", "--json").json
    file = Path(said["quarantine_file"])
    file.write_bytes(file.read_bytes()[:-40])
    again = life.home.run("import", file, "--as", "clerk", "--json")
    assert (again.code, again.json["accepted"]) == (1, 0)
    assert [refused["line"] for refused in again.json["quarantined"]] == [1, 2, 3]


@on_sqlite
def test_a_quarantine_that_cannot_be_written_stops_the_whole_import(life: Life) -> None:
    folder = life.home.folder / "registry/quarantine"
    folder.write_text("not a folder")
    file = life.write([*life.new_people(2), {"kind": "person"}])
    said = life.home.run("import", file, "--as", "clerk")
    assert (said.code, len(said.err.strip().splitlines())) == (2, 1)
    life.look()
    folder.unlink()
    assert life.home.run("import", file, "--as", "clerk", "--json").json["accepted"] == 2


# A portal at work --------------------------------------------------------------------------------------------------


@dataclass
class Served:
    address: str

    def status(self, path: str) -> int:
        try:
            with urlopen(self.address + path, timeout=30) as answer:
                return int(answer.status)
        except HTTPError as error:
            return error.code

    def wait_for(self, path: str, status: int) -> None:
        """A worker that died is replaced: meanwhile nobody is answered."""
        for _ in range(100):
            try:
                if self.status(path) == status:
                    return
            except (URLError, OSError):
                pass
            time.sleep(0.1)
        pytest.fail(f"{path} never answered {status}")


@contextmanager
def serving(home: Home) -> Iterator[Served]:
    """`gongshi serve portal`, as it is run in earnest."""
    # The portal goes by the clock of the machine, and what is published while it runs vouches for the list by the home's.
    home.clock.moment = system_now()
    home.hear()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("GONGSHI_")}
    environ = {**kept, "GONGSHI_HOME": str(home.folder), "GONGSHI_RATE_LIMIT": "off", **home.databases}
    process = subprocess.Popen(
        [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", bind],
        env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"公示网站已就绪：http://{bind}\n"
        yield Served(f"http://{bind}")
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


@on_sqlite
def test_a_running_portal_outlives_an_index_that_is_cut_under_it(life: Life) -> None:
    record = life.take_listed()
    search = f"/api/v1/entries?q={quote('甲测试')}"
    with serving(life.home) as portal:
        assert portal.status(search) == 200
        for part in life.home.folder.glob("public/index/*/*.seg"):
            os.truncate(part, 0)
        portal.wait_for(f"/entries/{record}", 200)
        portal.wait_for(search, 503)
        life.home.ask("index", "rebuild")
        portal.wait_for(search, 200)
