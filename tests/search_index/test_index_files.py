"""The index as files: readable by others, whole after a kill, free of what departed."""

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic_list import NOW, PublishedList, build_document, find_records

from benchmarks.synthetic_documents import build_documents
from search_index.folding import fold_name
from search_index.index import Index, IndexUnavailable, IndexWriter
from search_index.journal import ChangeType, EntryChange
from search_index.page import Query
from search_index.query import read_question
from search_index.register import Register
from search_index.retrieval import find
from search_index.sync import DifferenceKind, rebuild

DOCUMENTS = [build_document(number) for number in range(30)]


@pytest.fixture
def own(tmp_path: Path) -> PublishedList:
    return PublishedList(tmp_path, DOCUMENTS)


@contextmanager
def narrow_umask() -> Iterator[None]:
    before = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(before)


def list_files(folder: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path.relative_to(folder)): (path.stat().st_mode & 0o777, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
    }


def test_all_may_read_whatever_the_umask(tmp_path: Path) -> None:
    with narrow_umask():
        published = PublishedList(tmp_path, DOCUMENTS)
        published.depart(DOCUMENTS[0])
        published.sync()
        published.index.compact()
    assert published.folder.stat().st_mode & 0o777 == 0o755
    modes = {name: mode for name, (mode, _) in list_files(published.folder).items() if name != "lock"}
    folder = (published.folder / "current").read_text()
    assert modes.pop(folder) == 0o755
    assert set(modes.values()) == {0o644}


def test_reading_makes_no_file(own: PublishedList) -> None:
    before = list_files(own.folder)
    register = Register(own.store, own.folder)
    assert register.search(Query(text="测试"), NOW).total > 0
    assert own.verify() == []
    assert list_files(own.folder) == before


@pytest.mark.separation
def test_another_user_reads() -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        with narrow_umask():
            published = PublishedList(folder, DOCUMENTS)
        child = os.fork()
        if child == 0:
            os.setgid(65534)
            os.setuid(65534)
            found = Register(published.store, published.folder).search(Query(text="测试"), NOW).total
            os._exit(found)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == len(find_records(published.register, "测试")) > 0


def test_bytes_of_what_departed_leave_the_folder(tmp_path: Path) -> None:
    secret = build_document(100, name="只此一人测", obligation="搬离无双巷十号。")
    own = PublishedList(tmp_path, [*DOCUMENTS, secret])
    traces = ["只此一人".encode(), "无双".encode(), secret.record.encode()]
    assert all(trace in read(own) for trace in traces)
    own.depart(secret)
    own.sync()
    assert own.index.compact() == 1
    assert own.index.compact() == 0
    assert not any(trace in read(own) for trace in traces)
    assert own.verify() == []


def read(published: PublishedList) -> bytes:
    return b"".join(path.read_bytes() for path in published.folder.rglob("*") if path.is_file())


def test_an_open_generation_stays_whole_while_the_index_is_made_anew(own: PublishedList) -> None:
    generation = Index(own.folder).open()
    assert rebuild(own.writer, own.store, own.index, NOW) == 30
    assert len([path for path in own.folder.iterdir() if path.is_dir()]) == 1
    records = {row.record for part in generation.slices for row in part.rows()}
    assert records == {document.record for document in DOCUMENTS}
    assert own.verify() == []


@given(st.integers(0, 2**32))
@settings(max_examples=5, deadline=None)
def test_many_small_changes_equal_a_rebuild(seed: int) -> None:
    random = Random(seed)
    with TemporaryDirectory() as folder:
        published = PublishedList(Path(folder), DOCUMENTS)
        listed = {document.record: document for document in DOCUMENTS}
        for number in range(16):
            fresh = build_document(100 + number)
            published.publish([fresh])
            listed[fresh.record] = fresh
            old = random.choice(list(listed.values()))
            if random.random() < 0.5:
                published.depart(old)
                del listed[old.record]
            else:
                published.correct(build_document(random.randrange(50), record=old.record))
            if random.random() < 0.6:
                published.sync()
            if random.random() < 0.2:
                published.index.compact()
        assert published.sync() == 62
        assert published.verify() == []
        assert Index(published.folder).open().count() == len(listed)
        # Each segment is more than twice those after it together, but for those that `compact` may add.
        assert len(Index(published.folder).open().slices) <= 8


def test_a_departure_leaves_the_index_ahead_of_what_was_journalled_before_it(own: PublishedList) -> None:
    secret = DOCUMENTS[4]
    ahead = EntryChange(position=35, at=NOW, sequence=35, type=ChangeType.GONE, record=secret.record, body=None)
    own.writer.apply_ahead([ahead])
    assert own.sync() == 30
    assert Index(own.folder).open().count() == 29
    own.index.compact()
    assert secret.record.encode() not in read(own)


def test_what_killed_writers_left_is_removed(own: PublishedList) -> None:
    folder = next(path for path in own.folder.iterdir() if path.is_dir())
    left = [
        folder / "MAIN_0123456789abcdef.seg",
        folder / "_MAIN_9.toc.1700000000.5",
        folder / "MAIN.tmp" / "x.ctmp",
        own.folder / "v2-9" / "_MAIN_0.toc",
    ]
    for path in left:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes("只此一人".encode())
    own.index.compact()
    assert not any(path.exists() for path in left)
    assert own.verify() == []


def test_verify_says_what_differs(own: PublishedList) -> None:
    own.index.update([build_document(3, name="被改的名字"), build_document(99)], [DOCUMENTS[5].record])
    assert {(d.record, d.kind) for d in own.verify()} == {
        (build_document(3).record, DifferenceKind.DIFFERENT),
        (build_document(99).record, DifferenceKind.LEFT_OVER),
        (DOCUMENTS[5].record, DifferenceKind.MISSING),
    }
    assert any(str(d) == f"{DOCUMENTS[5].record}：名单中有，索引中没有" for d in own.verify())
    rebuild(own.writer, own.store, own.index, NOW)
    assert own.verify() == []


def test_verify_reads_what_answers_are_counted_by(own: PublishedList) -> None:
    (path,) = own.folder.glob("*/*.seg")
    content = path.read_bytes()
    start, length = struct.unpack("<QQ", content[-16:])
    place, _ = json.loads(content[start : start + length])["court_shown.places"]
    with path.open("r+b") as file:
        file.seek(place)
        file.write(b"\x07")
    assert {d.kind for d in own.verify()} == {DifferenceKind.DIFFERENT}
    rebuild(own.writer, own.store, own.index, NOW)
    assert own.verify() == []


def test_what_is_still_to_come_is_no_difference(own: PublishedList) -> None:
    own.publish([build_document(99)])
    own.depart(DOCUMENTS[2])
    assert own.verify() == []
    assert own.sync() == 32
    assert own.sync() == 32
    assert own.verify() == []


def test_without_an_index_an_update_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IndexUnavailable):
        IndexWriter(tmp_path / "none").update(DOCUMENTS)


WRITER = """
import sys
from pathlib import Path
from synthetic_list import build_document
from search_index.index import IndexWriter

index = IndexWriter(Path(sys.argv[1]))
print(0, flush=True)
for version in range(1, 10_000):
    documents = [build_document(n, name=f"第{version}版", obligation="货款" * version) for n in range(30)]
    if version % 5 == 0:
        index.rebuild(documents)
    elif version % 7 == 0:
        index.update(documents)
        index.compact()
    else:
        index.update(documents)
    print(version, flush=True)
"""


def kill_writer(folder: Path, delay: float) -> int:
    """Start a writer, kill it `delay` seconds after its second commit, and return the last version it told of."""
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[2])]
    writer = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", WRITER, str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    )
    assert writer.stdout
    with writer:
        for line in writer.stdout:
            if int(line) == 2:
                break
        time.sleep(delay)
        writer.send_signal(signal.SIGKILL)
        told = [int(line) for line in writer.stdout.read().split()]
    return max(told, default=2)


def read_versions(folder: Path) -> list[str]:
    generation = Index(folder).open()
    return sorted(row.name for part in generation.slices for row in part.rows())


def prove_kills(folder: Path, delays: list[float]) -> None:
    IndexWriter(folder).rebuild(DOCUMENTS)
    for delay in delays:
        told = kill_writer(folder, delay)
        whole = [[f"第{version}版"] * 30 for version in (told, told + 1)]
        assert read_versions(folder) in whole
    IndexWriter(folder).update(DOCUMENTS)
    assert read_versions(folder) == sorted(fold_name(document.name) for document in DOCUMENTS)
    IndexWriter(folder).compact()
    assert "版".encode() not in b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())


@pytest.mark.long
def test_whole_after_a_kill(tmp_path: Path) -> None:
    prove_kills(tmp_path / "index", [Random(7).random() * 0.3 for _ in range(4)])


@pytest.mark.soak
def test_whole_after_many_kills(tmp_path: Path) -> None:
    prove_kills(tmp_path / "index", [Random(11).random() * 0.5 for _ in range(100)])


@pytest.mark.long
@pytest.mark.parametrize("wanted", [3_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_thousands_of_changes_equal_a_rebuild(tmp_path: Path, wanted: int) -> None:
    random, fresh = Random(20), build_documents(12_000, 9)
    listed = {document.record: document for document in islice(fresh, 2_000)}
    published = PublishedList(tmp_path, listed.values())
    gone: set[str] = set()
    changes = 0
    while changes < wanted:
        count = random.choice([1, 1, 1, 2, 5, 20, 200])
        changes += count
        match random.choice(["publish", "correct", "depart", "depart"]):
            case "publish":
                documents = list(islice(fresh, count))
                published.publish(documents)
                listed |= {document.record: document for document in documents}
            case "correct":
                documents = [replace(next(fresh), record=record) for record in random.sample(list(listed), count)]
                for document in documents:
                    published.correct(document)
                listed |= {document.record: document for document in documents}
            case _:
                departing = random.sample(list(listed), min(count, len(listed) // 2))
                published.depart(*(listed.pop(record) for record in departing))
                gone.update(departing)
        if random.random() < 0.7:
            published.sync()
        if random.random() < 0.02:
            published.index.compact()
    published.sync()
    assert published.verify() == []
    rebuilt = IndexWriter(tmp_path / "rebuilt")
    rebuilt.rebuild(listed.values())
    changed, anew = Index(published.folder).open(), Index(tmp_path / "rebuilt").open()
    assert changed.count() == anew.count() == len(listed)
    assert len(changed.slices) <= 12
    texts = [document.name for document in random.sample(list(listed.values()), 60)]
    texts += [text[place : place + 4] for text in texts for place in (0, 2)] + [
        "",
        "有限公司",
        "判决 生效",
        "wang",
        "zw",
    ]
    for text in texts:
        question, query = read_question(text), Query(text=text)
        found = find(changed, question, query).select(0, len(listed))
        assert found == find(anew, question, query).select(0, len(listed))
        assert gone.isdisjoint(record for record, _ in found)
