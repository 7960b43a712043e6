"""The index under SIGKILL: at every phase of a commit it opens, shows nothing that has left, and becomes equal to the
store again."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from forking import FORKING
from synthetic_list import NOW, PublishedList, build_document

from search_index.document import Document
from search_index.index import Index, IndexWriter
from search_index.page import Query
from search_index.register import Register
from search_index.store import Store, StoreWriter
from search_index.sync import rebuild, sync, verify

pytestmark = pytest.mark.long

# What a commit does to the folder, beside writing: each is a phase that a kill may come before.
PHASES = frozenset({"open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "mmap.__new__"})
WORK = ("sync", "compact", "rebuild")


def work(folder: str, task: str) -> None:
    writer, store, index = open_parts(Path(folder))
    if task == "rebuild":
        rebuild(writer, store, index, NOW)
        return
    sync(writer, store, index, NOW)
    if task == "compact":
        index.compact()


def open_parts(folder: Path) -> tuple[StoreWriter, Store, IndexWriter]:
    url = f"sqlite:///{folder / 'disclosed.sqlite'}"
    return StoreWriter(url), Store(url), IndexWriter(folder / "index")


def die_at(phase: int, folder: str, task: str) -> None:
    """Do the task, and die before its `phase`-th change to a file. Ends by itself where there are fewer."""
    from sqlalchemy import Engine, event

    passed = count(1)

    def pass_one(*_: object) -> None:
        if next(passed) == phase:
            os.kill(os.getpid(), signal.SIGKILL)

    def pass_event(name: str, arguments: tuple[Any, ...]) -> None:
        if name in PHASES and (name == "mmap.__new__" or str(arguments[0]).startswith(folder)):
            pass_one()

    def pass_around(call: Callable[..., None]) -> Callable[..., None]:
        def passing(*arguments: Any) -> None:
            pass_one()
            call(*arguments)
            pass_one()

        return passing

    os.fsync = pass_around(os.fsync)
    event.listen(Engine, "commit", pass_one)
    sys.addaudithook(pass_event)
    work(folder, task)
    os._exit(0)


def is_killed(folder: Path, task: str, phase: int) -> bool:
    process = FORKING.Process(target=die_at, args=(phase, str(folder), task))
    process.start()
    process.join(120)
    assert process.exitcode in (0, -signal.SIGKILL), (task, phase, process.exitcode)
    return process.exitcode == -signal.SIGKILL


class Torment:
    """A list that changes, and whose index is killed while it follows."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.random = Random(folder.name)
        self.listed = {document.record: document for document in map(build_document, range(40))}
        self.published = PublishedList(folder, self.listed.values())
        self.gone: list[Document] = []
        self.number = 1_000
        self.kills = 0

    def change(self) -> None:
        fresh = [build_document(self.number + n) for n in range(self.random.randint(1, 8))]
        self.number += 10
        self.published.publish(fresh)
        self.listed |= {document.record: document for document in fresh}
        for old in self.random.sample(list(self.listed.values()), 3):
            if self.random.random() < 0.5:
                self.published.depart(old)
                self.gone.append(self.listed.pop(old.record))
            else:
                changed = build_document(self.number, record=old.record, name=f"更正{self.random.randrange(99)}")
                self.published.correct(changed)
                self.listed[old.record] = changed

    def kill(self, task: str, phase: int) -> bool:
        killed = is_killed(self.folder, task, phase)
        self.kills += killed
        self.look()
        return killed

    def look(self) -> None:
        """What a reader sees at every moment, whatever was killed."""
        register = Register(Store(f"sqlite:///{self.folder / 'disclosed.sqlite'}"), self.folder / "index")
        assert register.search(Query(), NOW).total == len(self.listed)
        for document in [*self.gone[-3:], *self.random.sample(list(self.listed.values()), 3)]:
            text = f"“{document.name}”"
            hits = register.search(Query(text=text), NOW)
            alike = [one for one in self.listed.values() if one.name == document.name]
            assert sum(hit.document.name == document.name for hit in hits.hits) == min(len(alike), len(hits.hits))
            assert document.record in self.listed or all(hit.document.record != document.record for hit in hits.hits)
        register.close()

    def prove_equal(self) -> None:
        writer, store, index = open_parts(self.folder)
        sync(writer, store, index, NOW)
        assert verify(store, Index(self.folder / "index"), NOW) == []
        index.compact()
        held = b"".join(path.read_bytes() for path in (self.folder / "index").rglob("*") if path.is_file())
        assert not any(document.record.encode() in held for document in self.gone)


@pytest.mark.parametrize("task", WORK)
def test_whole_after_a_kill_at_every_few_phases(tmp_path: Path, task: str) -> None:
    torment = Torment(tmp_path)
    torment.change()
    phase = 1
    while torment.kill(task, phase):
        phase += torment.random.randint(2, 9)
    assert torment.kills > 2
    torment.prove_equal()


@pytest.mark.soak
@pytest.mark.parametrize("task", WORK)
def test_whole_after_a_hundred_kills_at_every_phase(tmp_path: Path, task: str) -> None:
    torment = Torment(tmp_path)
    while torment.kills < 100:
        torment.change()
        phase = 1
        while torment.kill(task, phase):
            phase += 1
        torment.prove_equal()


def give_back_room(folder: str, seconds: float) -> None:
    """Give back the room of what left the store, and die after so many seconds of it."""
    import threading

    writer, _, _ = open_parts(Path(folder))
    threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGKILL)).start()
    writer.compact()
    os._exit(0)


@pytest.mark.parametrize("kills", [5, pytest.param(60, marks=pytest.mark.soak)])
@pytest.mark.long
def test_the_store_is_whole_after_a_kill_while_its_file_is_written_anew(tmp_path: Path, kills: int) -> None:
    documents = [build_document(number, obligation="支付货款。" * 400) for number in range(600)]
    published = PublishedList(tmp_path, documents)
    published.depart(*documents[200:])
    file, random = tmp_path / "disclosed.sqlite", Random(3)
    half_done = 0
    for _ in range(40 * kills):
        copy = tmp_path / "copy"
        copy.mkdir()
        shutil.copy(file, copy / file.name)
        process = FORKING.Process(target=give_back_room, args=(str(copy), random.uniform(0, 0.03)))
        process.start()
        process.join(120)
        journal = copy / f"{file.name}-journal"
        half_done += process.exitcode == -signal.SIGKILL and journal.exists() and journal.stat().st_size > 0
        assert listed_in(copy) == {document.record for document in documents[:200]}
        shutil.rmtree(copy)
        if half_done == kills:
            return
    pytest.fail(f"only {half_done} kills left it half done in {40 * kills} tries")


def listed_in(folder: Path) -> set[str]:
    """What the store holds after the next writer has opened it, as it does before anything else is done."""
    writer, store, _ = open_parts(folder)
    assert writer.position() == 1_000
    with sqlite3.connect(folder / "disclosed.sqlite") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()
    with store.snapshot(NOW) as snapshot:
        found = {document.record for document in snapshot.all()}
    store.close()
    writer.close()
    return found
