"""The list as its readers know it: the one face through which the portal and the notifier read what is public.

The index says where to look; the store says what is there. A record that changed after the index was brought up
to date, or whose end has come, is not taken from the index at all: it is judged on the document in the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from search_index.document import Document
from search_index.folding import fold_name
from search_index.index import Generation, Index, IndexUnavailable
from search_index.page import PAGE_SIZE, Departed, Head, Hit, Page, Query
from search_index.profile import Profile
from search_index.query import Answer, Meaning, Question, build_entry, find_answer, passes, read_question
from search_index.retrieval import Match, build_match, find_matches, select_first
from search_index.store import Snapshot, Store, StoreUnavailable

_LOOKS = 5
_PENDING = 2_000
_AT_ONCE = 1_000


class RegisterUnavailable(Exception):
    """The store or the index cannot be read at this moment. `str()` is a Chinese sentence for the reader."""


class Register:
    """Everything public, at a moment `now` that the caller gives. Safe to share between threads.

    Every method raises RegisterUnavailable where the store, or for a search the index, cannot be read.
    """

    def __init__(self, store: Store, index_folder: Path) -> None:
        self._store = store
        self._index = Index(index_folder)

    def close(self) -> None:
        """Release the store."""
        self._store.close()

    def search(self, query: Query, now: datetime) -> Page:
        """One page of the answer, with the exact total over all pages."""
        question = read_question(query.text)
        if question.meaning in (Meaning.RECORD, Meaning.REFUSED):
            with self._snapshot(now) as snapshot:
                return _answer_directly(snapshot, question, query)
        for _ in range(_LOOKS):
            newest = self._index.find_newest()
            with self._snapshot(now) as snapshot, _readable_index():
                generation = self._index.open()
                # An index that moved on after the snapshot began could know more than the snapshot does.
                if generation.id == newest:
                    return _answer(snapshot, generation, question, query)
        raise RegisterUnavailable("名单正在更新，请稍后再查")

    def find(self, record: str, now: datetime) -> Document | Departed | None:
        """The entry of a record number, the tombstone of one that departed, or None where there never was one."""
        with self._snapshot(now) as snapshot:
            return snapshot.document(record) or snapshot.departed(record)

    def named(self, name: str, now: datetime, limit: int = 100) -> list[Document]:
        """The entries of debtors whose whole name equals, after folding; newest first."""
        key = fold_name(name)
        with self._snapshot(now) as snapshot:
            return snapshot.by_name_key(key, limit) if key else []

    def count_named(self, name: str, now: datetime) -> int:
        """How many entries share the whole name, after folding."""
        key = fold_name(name)
        with self._snapshot(now) as snapshot:
            return snapshot.count_name_key(key) if key else 0

    def count_names(self, names: Iterable[str], now: datetime) -> dict[str, int]:
        """How many entries share each whole name, after folding, all at one moment; 0 for a name that none has."""
        keys = {name: fold_name(name) for name in names}
        with self._snapshot(now) as snapshot:
            counts = snapshot.count_name_keys(key for key in keys.values() if key)
        return {name: counts.get(key, 0) for name, key in keys.items()}

    def newest(self, now: datetime, limit: int) -> list[Document]:
        """The entries published last."""
        with self._snapshot(now) as snapshot:
            return snapshot.newest(limit)

    def head(self, now: datetime) -> Head:
        """The state of the list."""
        with self._snapshot(now) as snapshot:
            return Head(sequence=snapshot.sequence, updated_at=snapshot.updated_at, entries=snapshot.count())

    def profile(self, now: datetime) -> Profile:
        """The court's profile."""
        with self._snapshot(now) as snapshot:
            return snapshot.profile()

    def everything(self, now: datetime) -> tuple[int, list[Document]]:
        """The sequence, and every entry at that one moment, newest publication first, then by record number.

        Read in short turns, because on SQLite an open one keeps a departure from being committed; what changed
        meanwhile is read again in the last.
        """
        with self._snapshot(now) as snapshot:
            start = snapshot.sequence
        documents = {document.record: document for document in self._read_all(now)}
        with self._snapshot(now) as snapshot:
            changed = snapshot.changed_since(start)
            for record in changed:
                documents.pop(record, None)
            documents.update(snapshot.documents(changed))
            return snapshot.sequence, sorted(documents.values(), key=_newest_first)

    def _read_all(self, now: datetime) -> Iterator[Document]:
        after = ""
        while True:
            with self._snapshot(now) as snapshot:
                documents = snapshot.all(after, _AT_ONCE)
            if not documents:
                return
            yield from documents
            after = documents[-1].record

    @contextmanager
    def _snapshot(self, now: datetime) -> Iterator[Snapshot]:
        try:
            with self._store.snapshot(now) as snapshot:
                yield snapshot
        except (StoreUnavailable, SQLAlchemyError) as error:
            raise RegisterUnavailable("名单暂时不能读取，请稍后再试") from error


@contextmanager
def _readable_index() -> Iterator[None]:
    try:
        yield
    except IndexUnavailable as error:
        raise RegisterUnavailable("查询暂时不能使用，请稍后再试") from error


def _newest_first(document: Document) -> tuple[int, str]:
    return -document.published_on.toordinal(), document.record


def _answer_directly(snapshot: Snapshot, question: Question, query: Query) -> Page:
    document = snapshot.document(question.value) if question.meaning is Meaning.RECORD else None
    matches = _judge([document], question, query) if document else []
    return _build_page(snapshot, question, query, _choose(snapshot, matches, query), len(matches))


def _answer(snapshot: Snapshot, generation: Generation, question: Question, query: Query) -> Page:
    pending = snapshot.changed_since(snapshot.indexed)
    excluded = pending | snapshot.ended()
    changed = _judge(_read_pending(snapshot, pending), question, query)
    while True:
        matches = find_matches(generation, question, query, excluded) + changed
        chosen = _choose(snapshot, matches, query)
        unknown = {record for record, _, document in chosen if document is None}
        if not unknown:
            return _build_page(snapshot, question, query, chosen, len(matches))
        # The store has the last word, also where the index is wrong; each turn excludes more, so it ends.
        excluded |= unknown


Chosen = list[tuple[str, Answer, Document | None]]


def _choose(snapshot: Snapshot, matches: list[Match], query: Query) -> Chosen:
    """The matches of the page asked for, with the documents that the store has."""
    first = (max(query.page, 1) - 1) * PAGE_SIZE
    wanted = select_first(matches, first + PAGE_SIZE)[first:] if first < len(matches) else []
    documents = snapshot.documents(record for record, _ in wanted)
    return [(record, answer, documents.get(record)) for record, answer in wanted]


def _read_pending(snapshot: Snapshot, pending: set[str]) -> list[Document]:
    if len(pending) <= _PENDING:
        return list(snapshot.documents(pending).values())
    # While a large list is being indexed, the newest of it can be found already.
    return [document for document in snapshot.newest(_PENDING) if document.record in pending]


def _judge(documents: list[Document], question: Question, query: Query) -> list[Match]:
    matches = []
    for document in documents:
        entry = build_entry(document)
        answer = find_answer(question, entry) if passes(query, entry) else None
        if answer:
            day = document.published_on.toordinal()
            matches.append(build_match(document.record, answer, day, query.sort))
    return matches


def _build_page(snapshot: Snapshot, question: Question, query: Query, chosen: Chosen, total: int) -> Page:
    hits = (
        Hit(document=document, match="exact", found_in=answer.found_in) for _, answer, document in chosen if document
    )
    return Page(
        hits=tuple(hits),
        total=total,
        near=0,
        page=query.page,
        pages=-(-total // PAGE_SIZE),
        reading=question.reading,
        sequence=snapshot.sequence,
        updated_at=snapshot.updated_at,
    )
