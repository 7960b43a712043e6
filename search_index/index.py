"""The full-text index over the disclosed documents: a folder that one process writes and any number read.

The folder holds `current`, which names the subfolder of the index in use, and that subfolder, a Whoosh index. A
rebuild makes another subfolder and then replaces `current`. Readers open files for reading only, make none, and so
may be another Unix user.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import struct
import threading
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import islice, pairwise
from pathlib import Path
from pickle import PickleError
from typing import IO, Any

from whoosh.columns import NumericColumn, VarBytesColumn
from whoosh.fields import Schema
from whoosh.filedb.filestore import FileStorage, StorageError
from whoosh.filedb.filetables import FileFormatError
from whoosh.filedb.structfile import StructFile
from whoosh.index import TOC, EmptyIndexError, FileIndex
from whoosh.index import IndexError as WhooshIndexError
from whoosh.reading import SegmentReader
from whoosh.writing import NO_MERGE, SegmentWriter

from search_index.document import Document
from search_index.postings import BlockCodec, Posting, PostingPool, Terms
from search_index.query import Entry, build_entry, get_organisation_part

Progress = Callable[[int], None]

# Raised when a change makes an index of before unusable: its folder is then not opened, but rebuilt.
_FORMAT = "1"
_NAME = "MAIN"
_CHUNK = 20_000
_TAIL = 50_000
_ATTEMPTS = 20

_CODEC = BlockCodec()
_SCHEMA = Schema(
    record=Terms(VarBytesColumn()),
    name=Terms(VarBytesColumn()),
    name_key=Terms(),
    representative=Terms(VarBytesColumn()),
    text=Terms(VarBytesColumn()),
    case_number=Terms(VarBytesColumn()),
    code=Terms(VarBytesColumn()),
    kind=Terms(),
    court=Terms(),
    region=Terms(),
    conduct=Terms(),
    performance=Terms(),
    published_on=Terms(NumericColumn("I")),
)


class IndexUnavailable(Exception):
    """The index is missing, was made by another release, or cannot be read."""


def build_pairs(text: str) -> set[str]:
    """The overlapping pairs of neighbouring characters in the lines of `text`."""
    pairs: set[str] = set()
    for line in text.split("\n"):
        pairs.update(map("".join, pairwise(line)))
    return pairs


def build_fields(entry: Entry) -> dict[str, Any]:
    """What the index holds of an entry: terms to find it by, and columns to judge and order it by."""
    day = entry.published_on.toordinal()
    return {
        "record": [entry.record],
        "_stored_record": entry.record,
        "name": build_pairs(entry.name) | set(entry.name),
        "_stored_name": entry.name,
        "name_key": _one(entry.name),
        "representative": _one(entry.representative),
        "_stored_representative": entry.representative,
        "text": build_pairs(entry.text),
        "_stored_text": entry.text,
        "case_number": _one(entry.case_number),
        "_stored_case_number": entry.case_number,
        "code": _one(get_organisation_part(entry.code)),
        "_stored_code": entry.code,
        "kind": [entry.kind],
        "court": _one(entry.court),
        "region": _one(entry.region),
        "conduct": set(entry.conduct),
        "performance": [entry.performance],
        "published_on": [],
        "_stored_published_on": day,
    }


def _one(value: str) -> list[str]:
    return [value] if value else []


class Segment:
    """An immutable part of the index. Documents are numbered from 0. Safe to share between threads."""

    def __init__(self, storage: FileStorage, segment: Any) -> None:
        files = segment.open_compound_file(storage)
        self._terms = _CODEC.terms_reader(files, segment)
        self._columns = _CODEC.per_document_reader(files, segment)
        self.size: int = segment.doc_count_all()
        self.holding = lru_cache(maxsize=256)(self._find_holding)

    def documents(self, field: str, term: str | bytes) -> array[int]:
        """The documents that hold the term, ascending; deleted ones among them."""
        return self._terms.documents(field, term)

    def all_documents(self) -> Iterator[Posting]:
        return self._terms.all_documents()

    def text(self, field: str, document: int) -> str:
        """The folded value that the document has in a field with a text column."""
        value: bytes = self._text_columns[field][document]
        return value.decode()

    @cached_property
    def days(self) -> array[int]:
        """The ordinal of each document's day of publication."""
        days = array("I")
        days.extend(self._columns.column_reader("published_on", _SCHEMA["published_on"].column_type))
        return days

    @cached_property
    def _text_columns(self) -> dict[str, Any]:
        fields = ("record", "name", "representative", "text", "case_number", "code")
        return {name: self._columns.column_reader(name, _SCHEMA[name].column_type) for name in fields}

    def _find_holding(self, field: str, term: str) -> frozenset[int]:
        return frozenset(self.documents(field, term))


@dataclass(frozen=True, slots=True)
class Slice:
    """A segment as one generation sees it: without what has been deleted since it was written."""

    segment: Segment
    deleted: frozenset[int]

    def live(self) -> Iterator[int]:
        return (number for number in range(self.segment.size) if number not in self.deleted)

    def find(self, record: str) -> int | None:
        """The number of a record's document, or None."""
        numbers = self.segment.documents("record", record)
        return next((number for number in numbers if number not in self.deleted), None)


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
            return current, _newest_generation(self._folder / current)
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
        current = _read_current(self._folder)
        number = _newest_generation(self._folder / current)
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
                opened[key] = self._segments.get(key) or Segment(storage, segment)
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
        """Whether there is an index that this release can read."""
        return self._index.find_newest() is not None

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
            index = _open_index(folder)
            dead: int = sum(segment.deleted_count() for segment in _read_segments(folder))
            if dead:
                _SetWriter(index).commit(mergetype=_merge_deleted)
            return dead

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the index against other writers, over several calls. May be nested; not to be shared by threads."""
        if self._holders:
            yield
            return
        self._folder.mkdir(parents=True, exist_ok=True)
        self._folder.chmod(0o755)
        with (self._folder / "lock").open("ab") as lock:
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
        folder.mkdir()
        folder.chmod(0o755)
        TOC.create(_DurableStorage(folder), _SCHEMA, _NAME)
        return folder


def _count_chunks(documents: Iterable[Document]) -> Iterator[tuple[int, list[Document]]]:
    done = 0
    remaining = iter(documents)
    while chunk := list(islice(remaining, _CHUNK)):
        done += len(chunk)
        yield done, chunk


def _write(
    folder: Path, documents: Iterable[Document], deleted: Iterable[int], merge: Callable[..., list[Any]]
) -> None:
    """One commit."""
    _clear(folder)
    writer = _SetWriter(_open_index(folder))
    for number in deleted:
        writer.delete_document(number)
    for document in documents:
        writer.add_document(**build_fields(build_entry(document)))
    writer.commit(mergetype=merge)


class _SetWriter(SegmentWriter):  # type: ignore[misc]  # Whoosh has no types
    """Whoosh's writer, with postings kept as sets of documents."""

    def __init__(self, index: FileIndex) -> None:
        super().__init__(index, codec=_CODEC, _lk=False)
        self.pool = PostingPool()

    def add_postings_to_pool(self, reader: SegmentReader, startdoc: int, docmap: dict[int, int] | None) -> None:
        terms = _CODEC.terms_reader(reader.storage(), reader.segment())
        for field, term, documents in terms.all_documents():
            if docmap is None:
                self.pool.extend(field, term, (startdoc + number for number in documents))
            else:
                self.pool.extend(field, term, (docmap[number] for number in documents if number in docmap))


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
        os.fchmod(file.fileno(), 0o644)
        lasting = name.endswith(".seg") or ".toc" in name
        return StructFile(file, name=name, onclose=_sync_file if lasting else None)

    def rename_file(self, oldname: str, newname: str, safe: bool = False) -> None:
        _sync_folder(self.folder)
        super().rename_file(oldname, newname, safe=safe)
        _sync_folder(self.folder)


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
    """Merge the small segments at the end, so that each one left is more than twice all those after it.

    Large ones stay as they are: an update never rewrites the index.
    """
    living = _find_living(segments)
    size, kept = writer.doc_count(), len(living)
    for place in range(len(living) - 1, -1, -1):
        count = living[place].doc_count()
        if count > _TAIL:
            break
        if count <= 2 * size:
            kept = place
        size += count
    _absorb(writer, living[kept:])
    return living[:kept]


def _merge_deleted(writer: _SetWriter, segments: list[Any]) -> list[Any]:
    """Rewrite the segments that hold deleted documents."""
    living = _find_living(segments)
    _absorb(writer, (segment for segment in living if segment.has_deletions()))
    return [segment for segment in living if not segment.has_deletions()]


def _find_living(segments: Iterable[Any]) -> list[Any]:
    return [segment for segment in segments if segment.doc_count()]


def _absorb(writer: _SetWriter, segments: Iterable[Any]) -> None:
    for segment in segments:
        reader = SegmentReader(writer.storage, writer.schema, segment)
        writer.add_reader(reader)
        reader.close()


def _clear(folder: Path) -> None:
    """Remove what a killed writer left: its temporary files, and the parts that it had not committed."""
    wanted = {segment.segment_id() for segment in _read_segments(folder)}
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif not _TOC_NAME.fullmatch(path.name) and path.name.partition(".")[0] not in wanted:
            path.unlink()


_CURRENT_NAME = re.compile(r"v([0-9]+)-([0-9]+)")
_TOC_NAME = re.compile(rf"_{_NAME}_([0-9]+)\.toc")

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
    name = (folder / "current").read_text(encoding="ascii").strip()
    match = _CURRENT_NAME.fullmatch(name)
    if match is None or match[1] != _FORMAT:
        raise IndexUnavailable("made by another release")
    return name


def _newest_generation(folder: Path) -> int:
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
    with fresh.open("w", encoding="ascii") as file:
        file.write(name)
        file.flush()
        os.fchmod(file.fileno(), 0o644)
        os.fsync(file.fileno())
    fresh.replace(folder / "current")
    _sync_folder(folder)


def _sync_file(file: StructFile) -> None:
    file.flush()
    os.fsync(file.fileno())


def _sync_folder(folder: str | Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
