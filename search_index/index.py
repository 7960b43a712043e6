"""The full-text index over the disclosed documents: a folder that one process writes and any number read.

The folder holds `current`, which names the subfolder of the index in use, and that subfolder, a Whoosh index. A
rebuild makes another subfolder and then replaces `current`. Readers open files for reading only, make none, and so
may be another Unix user.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import re
import shutil
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from pickle import PickleError
from typing import IO, Any

from whoosh.fields import Schema
from whoosh.filedb.filestore import FileStorage, StorageError
from whoosh.filedb.filetables import FileFormatError
from whoosh.filedb.structfile import StructFile
from whoosh.index import TOC, EmptyIndexError, FileIndex
from whoosh.index import IndexError as WhooshIndexError
from whoosh.writing import NO_MERGE, SegmentWriter

from search_index.codec import MOST, Blocks, SetCodec, Terms
from search_index.document import Document
from search_index.durable import sync_folder
from search_index.modes import make_public, open_to_all, settle_public
from search_index.segment import Draft, Row, Segment, build_row

Progress = Callable[[int], None]

# Raised when a change makes an index of before unusable: its folder is then not opened, but rebuilt.
_FORMAT = "3"
_NAME = "MAIN"
_TAIL = 1_024  # documents that an update may write again, to keep segments few: a fifth of a second
_SMALL = MOST // 2
_FEW = 8
_ATTEMPTS = 20

_CODEC = SetCodec()
_SCHEMA = Schema(entry=Terms())


class IndexUnavailable(Exception):
    """The index is missing, was made by another release, or cannot be read."""


@contextmanager
def readable() -> Iterator[None]:
    """What cannot be read of an open index, because its files are damaged, is IndexUnavailable."""
    try:
        yield
    except _GARBLED as error:
        raise IndexUnavailable(type(error).__name__) from error


@dataclass(frozen=True)
class Slice:
    """A segment as one generation sees it: without what has been deleted since it was written."""

    segment: Segment
    deleted: frozenset[int]

    def find(self, record: str) -> int | None:
        """The number of a record's document, or None."""
        numbers = self.segment.numbers("record", record)
        return next((number for number in numbers if number not in self.deleted), None)

    def rows(self) -> list[Row]:
        """All that the segment keeps of the documents that have not been deleted."""
        return [row for number, row in enumerate(self.segment.rows()) if number not in self.deleted]

    @cached_property
    def living(self) -> int:
        """A bit for each document that has not been deleted."""
        return (1 << self.segment.size) - 1 ^ sum(1 << number for number in self.deleted)


@dataclass(frozen=True, slots=True)
class Generation:
    """One committed state of the index. It stays readable, whatever is written after it."""

    id: tuple[str, int]
    slices: tuple[Slice, ...]

    def count(self) -> int:
        return sum(part.segment.size - len(part.deleted) for part in self.slices)


class Index:
    """The reading side. It makes no file, and opens anew only what changed since it last looked."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._segments: dict[tuple[str, str], Segment] = {}
        self._generation: Generation | None = None

    def find_newest(self) -> tuple[str, int] | None:
        """What identifies the newest committed state, or None where there is none to be read."""
        try:
            current = _read_current(self._folder)
            return current, _newest_generation(f"{self._folder}/{current}")
        except (OSError, IndexUnavailable):
            return None

    def open(self) -> Generation:
        """The newest committed state. Raises IndexUnavailable."""
        fault: Exception | None = None
        for _ in range(_ATTEMPTS):
            try:
                return self._open()
            except (FileNotFoundError, EmptyIndexError) as error:
                # The writer replaced what was being opened; the next look sees the newer state.
                fault = error
                time.sleep(0.01)
            except _UNREADABLE as error:
                raise IndexUnavailable(type(error).__name__) from error
        raise IndexUnavailable("no index") from fault

    def _open(self) -> Generation:
        try:
            current = _read_current(self._folder)
        except FileNotFoundError as error:
            # It is replaced in one step, and never away once there is an index.
            raise IndexUnavailable("no index") from error
        number = _newest_generation(f"{self._folder}/{current}")
        known = self._generation
        if known and known.id == (current, number):
            return known
        with self._lock:
            known = self._generation
            if known and known.id == (current, number):
                return known
            return self._load(current, number)

    def _load(self, current: str, number: int) -> Generation:
        opened: dict[tuple[str, str], Segment] = {}
        slices = []
        with _ReadingStorage(self._folder / current) as storage:
            for segment in TOC.read(storage, _NAME, gen=number, schema=_SCHEMA).segments:
                key = (current, segment.segment_id())
                opened[key] = self._segments.get(key) or _open_segment(self._folder / current, segment)
                slices.append(Slice(opened[key], frozenset(segment.deleted_docs())))
        self._segments = opened
        self._generation = Generation((current, number), tuple(slices))
        return self._generation


class IndexWriter:
    """The writing side: one process at a time, the next one waits. What a killed process left behind is cleared.

    Every commit is on the disk before the call returns, and can be read by any user of the machine.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._index = Index(folder)
        self._holders = 0

    def exists(self) -> bool:
        """Whether there is an index that this release can read. One that is damaged is none."""
        try:
            self._index.open()
        except IndexUnavailable:
            return False
        return True

    def update(self, documents: Iterable[Document], gone: Iterable[str] = (), progress: Progress | None = None) -> None:
        """Take out the records in `gone`, then put in the documents, each in place of an earlier version.

        Documents go in by chunks, each one commit; `progress` is told how many have been committed.
        Raises IndexUnavailable where there is no index yet.
        """
        with self.locked():
            folder = self._current()
            departed = list(gone)
            if departed:
                self._commit(folder, {}, departed)
            for done, chunk in _count_chunks(documents):
                newest = {document.record: document for document in chunk}
                self._commit(folder, newest, newest)
                if progress:
                    progress(done)

    def rebuild(self, documents: Iterable[Document], progress: Progress | None = None) -> None:
        """Make the index anew from the documents, which come once each.

        Readers see the old index until the new one is complete.
        """
        with self.locked():
            folder = self._make_folder()
            for done, chunk in _count_chunks(documents):
                _write(folder, chunk, (), NO_MERGE)
                if progress:
                    progress(done)
            _write_current(self._folder, folder.name)
            _remove_others(self._folder)

    def compact(self) -> int:
        """Rewrite the parts that still hold bytes of deleted documents, and return how many documents that were."""
        with self.locked():
            folder = self._current()
            _clear(folder)
            dead: int = sum(segment.deleted_count() for segment in _read_segments(folder))
            while any(segment.has_deletions() for segment in _read_segments(folder)):
                _write(folder, (), (), _merge_deleted)
            while self.tidy():
                pass
            return dead

    def tidy(self) -> bool:
        """Join small parts, where there are many, into one; whether any were. Each call is one commit."""
        with self.locked():
            folder = self._current()
            if len(_list_small(_read_segments(folder))) <= _FEW:
                return False
            _write(folder, (), (), _merge_small)
            return True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the index against other writers, over several calls. May be nested; not to be shared by threads."""
        if self._holders:
            yield
            return
        make_public(self._folder, parents=True)
        # Not each time: whoever may read the folder would see when work was done of which nothing is public.
        open_to_all(self._folder)
        with (self._folder / "lock").open("ab") as lock:
            settle_public(lock.fileno(), self._folder)
            # The kernel gives the lock back when its holder dies, however it dies.
            fcntl.flock(lock, fcntl.LOCK_EX)
            self._holders += 1
            try:
                _remove_others(self._folder)
                yield
            finally:
                self._holders -= 1

    def _current(self) -> Path:
        try:
            return self._folder / _read_current(self._folder)
        except OSError as error:
            raise IndexUnavailable(type(error).__name__) from error

    def _commit(self, folder: Path, documents: Mapping[str, Document], replaced: Iterable[str]) -> None:
        numbers = _find_numbers(self._index.open().slices, replaced)
        if documents or numbers:
            _write(folder, documents.values(), numbers, _merge_tail)

    def _make_folder(self) -> Path:
        folder = self._folder / _next_name(self._folder)
        make_public(folder)
        TOC.create(_DurableStorage(folder), _SCHEMA, _NAME)
        return folder


def _count_chunks(documents: Iterable[Document]) -> Iterator[tuple[int, list[Document]]]:
    done = 0
    remaining = iter(documents)
    while chunk := list(islice(remaining, MOST)):
        done += len(chunk)
        yield done, chunk


def _write(
    folder: Path, documents: Iterable[Document], deleted: Iterable[int], merge: Callable[..., list[Any]]
) -> None:
    """One commit."""
    _clear(folder)
    writer = _SetWriter(folder)
    for number in deleted:
        writer.delete_document(number)
    writer.add_rows(build_row(document) for document in documents)
    writer.commit(mergetype=merge)


class _SetWriter(SegmentWriter):  # type: ignore[misc]  # Whoosh has no types
    """Whoosh's writer, which takes whole rows."""

    def __init__(self, folder: Path) -> None:
        super().__init__(_open_index(folder), codec=_CODEC, _lk=False)
        self.folder = folder
        self.pool = Draft()

    def add_rows(self, rows: Iterable[Row]) -> None:
        self.pool.rows.extend(rows)
        self.docnum = len(self.pool.rows)
        self._added = self.docnum > 0

    def absorb(self, segment: Any) -> None:
        """Take over the living documents of a segment, which is then left out."""
        self.add_rows(_open_slice(self.folder, segment).rows())


class _ReadingStorage(FileStorage):  # type: ignore[misc]  # Whoosh has no types
    """Makes no file, and closes those that Whoosh leaves open when it cannot make sense of them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder), readonly=True)
        self._opened: list[StructFile] = []

    def __enter__(self) -> _ReadingStorage:
        return self

    def __exit__(self, *_exception: object) -> None:
        for file in self._opened:
            if not file.is_closed:
                file.close()

    def open_file(self, name: str, **options: Any) -> StructFile:
        self._opened.append(super().open_file(name, **options))
        return self._opened[-1]


class _DurableStorage(FileStorage):  # type: ignore[misc]  # Whoosh has no types
    """Files that any user may read, on the disk before the table of contents names them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))

    def create_file(self, name: str, mode: str = "wb", **_options: Any) -> StructFile:
        file: IO[bytes] = open(self._fpath(name), mode)  # noqa: PTH123, SIM115
        settle_public(file.fileno(), Path(self.folder))
        lasting = name.endswith(".seg") or ".toc" in name
        return StructFile(file, name=name, onclose=_sync_file if lasting else None)

    def rename_file(self, oldname: str, newname: str, safe: bool = False) -> None:
        sync_folder(Path(self.folder))
        super().rename_file(oldname, newname, safe=safe)
        sync_folder(Path(self.folder))


def _read_segments(folder: Path) -> list[Any]:
    with _ReadingStorage(folder) as storage:
        segments: list[Any] = TOC.read(storage, _NAME, schema=_SCHEMA).segments
    return segments


def _open_index(folder: Path) -> FileIndex:
    return FileIndex(_DurableStorage(folder), schema=_SCHEMA, indexname=_NAME)


def _find_numbers(slices: Sequence[Slice], records: Iterable[str]) -> list[int]:
    bases = [0]
    for part in slices:
        bases.append(bases[-1] + part.segment.size)
    found = []
    for record in records:
        for base, part in zip(bases, slices, strict=False):
            if (number := part.find(record)) is not None:
                found.append(base + number)
    return found


def _merge_tail(writer: _SetWriter, segments: list[Any]) -> list[Any]:
    """Take over the small segments at the end, so that each one left is more than twice all those after it.

    Large ones stay as they are: an update never rewrites the index.
    """
    living = _find_living(segments)
    size, kept = writer.docnum, len(living)
    for place in range(len(living) - 1, -1, -1):
        count = living[place].doc_count()
        if size + count > _TAIL:
            break
        if count <= 2 * size:
            kept = place
        size += count
    return _keep(writer, living, living[kept:])


def _merge_deleted(writer: _SetWriter, segments: list[Any]) -> list[Any]:
    """Rewrite segments that hold deleted documents."""
    living = _find_living(segments)
    return _keep(writer, living, _fill(segment for segment in living if segment.has_deletions()))


def _merge_small(writer: _SetWriter, segments: list[Any]) -> list[Any]:
    living = _find_living(segments)
    return _keep(writer, living, _fill(_list_small(living)))


def _list_small(segments: Iterable[Any]) -> list[Any]:
    return [segment for segment in segments if segment.doc_count() < _SMALL]


def _fill(segments: Iterable[Any]) -> list[Any]:
    """The first of the segments that fit into one."""
    chosen: list[Any] = []
    room = MOST
    for segment in segments:
        room -= segment.doc_count()
        if room < 0:
            break
        chosen.append(segment)
    return chosen


def _keep(writer: _SetWriter, segments: list[Any], absorbed: list[Any]) -> list[Any]:
    for segment in absorbed:
        writer.absorb(segment)
    return [segment for segment in segments if segment not in absorbed]


def _find_living(segments: Iterable[Any]) -> list[Any]:
    return [segment for segment in segments if segment.doc_count()]


def _open_slice(folder: Path, segment: Any) -> Slice:
    return Slice(_open_segment(folder, segment), frozenset(segment.deleted_docs()))


def _open_segment(folder: Path, segment: Any) -> Segment:
    """Maps the file, and keeps it mapped for as long as anything of it is in use."""
    path = folder / segment.make_filename(segment.COMPOUND_EXT)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return Segment(Blocks(memoryview(mapped)), segment.doc_count_all())


def _clear(folder: Path) -> None:
    """Remove what a killed writer left: its temporary files, and the parts that it had not committed."""
    wanted = {segment.segment_id() for segment in _read_segments(folder)}
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif not _TOC_NAME.fullmatch(path.name) and path.name.partition(".")[0] not in wanted:
            path.unlink()


_LONGEST_NAME = 64  # bytes
_CURRENT_NAME = re.compile(r"v([0-9]+)-([0-9]+)")
_TOC_NAME = re.compile(rf"_{_NAME}_([0-9]+)\.toc")

# What reading the blocks of a segment raises where their bytes are not those that were written.
_GARBLED = (ValueError, LookupError, TypeError, OverflowError, struct.error)

# What Whoosh and pickle raise on files that are not as they wrote them, beside what the system raises.
_UNREADABLE = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    AttributeError,
    AssertionError,
    TypeError,
    struct.error,
    PickleError,
    WhooshIndexError,
    StorageError,
    FileFormatError,
)


def _read_current(folder: Path) -> str:
    # Asked twice in every search: without the ceremony of opening a text file.
    descriptor = os.open(f"{folder}/current", os.O_RDONLY)
    try:
        name = os.read(descriptor, _LONGEST_NAME).decode("ascii", "replace").strip()
    finally:
        os.close(descriptor)
    match = _CURRENT_NAME.fullmatch(name)
    if match is None or match[1] != _FORMAT:
        raise IndexUnavailable("made by another release")
    return name


def _newest_generation(folder: str) -> int:
    numbers = [int(match[1]) for name in os.listdir(folder) if (match := _TOC_NAME.fullmatch(name))]  # noqa: PTH208
    if not numbers:
        raise FileNotFoundError(folder)
    return max(numbers)


def _next_name(folder: Path) -> str:
    numbers = [int(match[2]) for path in folder.iterdir() if (match := _CURRENT_NAME.fullmatch(path.name))]
    return f"v{_FORMAT}-{max(numbers, default=0) + 1}"


def _remove_others(folder: Path) -> None:
    """Remove what a killed rebuild left, and the index that a rebuild replaced."""
    try:
        current = _read_current(folder)
    except (OSError, IndexUnavailable):
        return
    for path in folder.glob("v*"):
        if path.name != current:
            shutil.rmtree(path, ignore_errors=True)


def _write_current(folder: Path, name: str) -> None:
    fresh = folder / "current.new"
    # What another user began and never finished could not be made readable.
    fresh.unlink(missing_ok=True)
    with fresh.open("w", encoding="ascii") as file:
        file.write(name)
        file.flush()
        settle_public(file.fileno(), folder)
        os.fsync(file.fileno())
    fresh.replace(folder / "current")
    sync_folder(folder)


def _sync_file(file: StructFile) -> None:
    file.flush()
    os.fsync(file.fileno())
