"""Bringing the index up to the store, and comparing the two. Runs on the private side, which alone writes both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from search_index.document import Document
from search_index.index import Index, IndexWriter, Progress, readable
from search_index.segment import build_row
from search_index.store import Store, StoreWriter

_CHUNK = 5_000
_AT_ONCE = 1_000


class DifferenceKind(StrEnum):
    MISSING = "missing"
    LEFT_OVER = "left_over"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A record that the index does not hold as the store does. `str()` says so in Chinese."""

    record: str
    kind: DifferenceKind

    def __str__(self) -> str:
        return f"{self.record}：{_TEXT[self.kind]}"


_TEXT = {
    DifferenceKind.MISSING: "名单中有，索引中没有",
    DifferenceKind.LEFT_OVER: "名单中没有，索引中还有",
    DifferenceKind.DIFFERENT: "索引内容与名单不一致",
}


def sync(
    writer_store: StoreWriter,
    store: Store,
    index: IndexWriter,
    now: datetime,
    progress: Progress | None = None,
) -> int:
    """Bring the index up to the store, and return the sequence it now includes.

    May be killed at any moment and repeated: it goes on where the store says the index is. What departed leaves
    the index first. An index that is missing or of another release is made anew. `progress` is told the sequence
    after each commit. Raises StoreUnavailable.
    """
    if not index.exists():
        rebuild(writer_store, store, index, now)
    _remove_departed(store, index, now)
    while True:
        with index.locked():
            sequence, is_done = _take_chunk(writer_store, store, index, now)
        if is_done:
            while index.tidy():
                pass
            return sequence
        if progress:
            progress(sequence)


def rebuild(
    writer_store: StoreWriter,
    store: Store,
    index: IndexWriter,
    now: datetime,
    progress: Progress | None = None,
) -> int:
    """Make the index anew from the store, and return the sequence it includes.

    Readers use the old index meanwhile. What changes meanwhile is left to the next `sync`. `progress` is told
    how many documents have been written. Raises StoreUnavailable.
    """
    with index.locked():
        with store.snapshot(now) as snapshot:
            sequence = snapshot.sequence
        index.rebuild(_read_all(store, now), progress)
        writer_store.set_indexed(sequence)
    return sequence


def verify(store: Store, index: Index, now: datetime) -> list[Difference]:
    """What the index holds otherwise than the store, ordered by record.

    What the index has still to be brought up to is no difference. Raises StoreUnavailable and IndexUnavailable.
    """
    with store.snapshot(now) as snapshot:
        start = min(snapshot.indexed, snapshot.sequence)
    held = _read_index(index)
    differences = {}
    for document in _read_all(store, now):
        if document.record not in held:
            differences[document.record] = DifferenceKind.MISSING
        elif held.pop(document.record) != hash(build_row(document)):
            differences[document.record] = DifferenceKind.DIFFERENT
    differences.update(dict.fromkeys(held, DifferenceKind.LEFT_OVER))
    with store.snapshot(now) as snapshot:
        pending = snapshot.changed_since(start) | snapshot.ended()
    return [
        Difference(record=record, kind=kind) for record, kind in sorted(differences.items()) if record not in pending
    ]


def _remove_departed(store: Store, index: IndexWriter, now: datetime) -> None:
    with index.locked():
        with store.snapshot(now) as snapshot:
            changed = sorted(snapshot.changed_since(snapshot.indexed))
        gone: list[str] = []
        for start in range(0, len(changed), _AT_ONCE):
            chunk = changed[start : start + _AT_ONCE]
            with store.snapshot(now) as snapshot:
                visible = snapshot.documents(chunk)
            gone.extend(record for record in chunk if record not in visible)
        index.update((), gone)


def _take_chunk(writer_store: StoreWriter, store: Store, index: IndexWriter, now: datetime) -> tuple[int, bool]:
    with store.snapshot(now) as snapshot:
        changes = snapshot.changes(snapshot.indexed, _CHUNK)
        records = {change.record for change in changes}
        documents = snapshot.documents(records)
        indexed, last = snapshot.indexed, snapshot.sequence
    if not changes:
        return indexed, True
    index.update(documents.values(), records - documents.keys())
    sequence = changes[-1].sequence
    writer_store.set_indexed(sequence)
    return sequence, sequence >= last


def _read_all(store: Store, now: datetime) -> Iterator[Document]:
    # In short turns: on SQLite an open one keeps a departure from being committed.
    after = ""
    while True:
        with store.snapshot(now) as snapshot:
            documents = snapshot.all(after, _AT_ONCE)
        if not documents:
            return
        yield from documents
        after = documents[-1].record


def _read_index(index: Index) -> dict[str, int | None]:
    """The fingerprint of every document that the index holds, by record. A part whose terms are not those of its
    documents says nothing that could be relied on."""
    held: dict[str, int | None] = {}
    with readable():
        for part in index.open().slices:
            is_whole = part.segment.is_whole()
            held.update((row.record, hash(row) if is_whole else None) for row in part.rows())
    return held
