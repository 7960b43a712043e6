"""The list as its readers know it: the one face through which the portal and the notifier read what is public.

The index says where to look; the store says what is there. A record that changed after the index was brought up
to date, or whose end has come, is not taken from the index at all: it is judged on the document in the store.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from search_index.changes import Changes, Departure
from search_index.counting import Counts, Tally, read_mark
from search_index.document import Document
from search_index.entry import build_entry, find_way, passes
from search_index.folding import fold_name
from search_index.freshness import Cause, Freshness
from search_index.highlight import Marker
from search_index.index import Generation, Index, IndexUnavailable, readable
from search_index.keypad import list_candidates
from search_index.near import explain
from search_index.newest import Block, News, find_last_block, read_block, read_news
from search_index.page import PAGE_SIZE, Departed, Facet, FacetField, Head, Hit, Page, Query, Suggestion
from search_index.profile import Profile
from search_index.query import read_question
from search_index.question import Meaning, Question, Way
from search_index.retrieval import Found, Judged, find
from search_index.snapshot import Snapshot, StoreHidden, StoreUnavailable
from search_index.store import Store
from search_index.words import split_words

_LOOKS = 5
_PENDING = 2_000
_AT_ONCE = 1_000
_WORDS_TRIED = 5


class RegisterUnavailable(Exception):
    """The store or the index cannot be read at this moment. `str()` is a Chinese sentence for the reader."""


class ListHidden(RegisterUnavailable):
    """Nothing of the list may be shown now; `freshness` says why. The profile, and what is not tied to entries, can be read."""

    def __init__(self, freshness: Freshness) -> None:
        super().__init__(_HIDDEN[freshness.cause or Cause.SILENCE])
        self.freshness = freshness


_HIDDEN = {
    Cause.SILENCE: "名单很久没有与法院核对，暂停显示；这不表示名单中没有",
    Cause.SHUT: "名单正在恢复，暂停显示；这不表示名单中没有",
    Cause.EMERGENCY: "名单已紧急暂停显示；这不表示名单中没有",
}


class Register:
    """Everything public, at a moment `now` that the caller gives. Safe to share between threads.

    Every method raises RegisterUnavailable where the store, or for a search the index, cannot be read; what shows entries, or
    counts them, raises ListHidden where the store was opened with a guard that hides the list.
    """

    def __init__(self, store: Store, index_folder: Path) -> None:
        self._store = store
        self._index = Index(index_folder)
        self._tally = Tally(self._snapshot)

    def close(self) -> None:
        """Release the store."""
        self._store.close()

    def search(self, query: Query, now: datetime) -> Page:
        """One page of the answer, with the exact totals over all pages."""
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
                    return _Reading(snapshot, generation).answer(question, query)
        raise RegisterUnavailable("名单正在更新，请稍后再查")

    def find(self, record: str, now: datetime) -> Document | Departed | None:
        """The entry of a record number, the tombstone of one that departed, or None where there never was one."""
        with self._snapshot(now) as snapshot:
            return snapshot.document(record) or snapshot.departed(record)

    def find_by_keys(self, keys: str, now: datetime) -> dict[str, bool]:
        """The record numbers that were typed as these keys of a telephone, each with whether it is public or has departed;
        empty where there never was one."""
        found: dict[str, bool] = {}
        # In short turns: an open one keeps a departure from being committed.
        for some in _take_some(list_candidates(keys)):
            with self._snapshot(now) as snapshot:
                gone = {*snapshot.departed_among(some), *(snapshot.ended() & set(some))}
                found.update(dict.fromkeys(gone, False))
                found.update(dict.fromkeys(snapshot.documents(some), True))
        return found

    def ended(self, now: datetime) -> list[Departed]:
        """The entries whose end has come, and that nobody has removed yet."""
        with self._snapshot(now) as snapshot:
            found = (snapshot.departed(record) for record in sorted(snapshot.ended()))
            return [one for one in found if one is not None]

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

    def newest(self, now: datetime, limit: int) -> list[Document]:
        """The entries published last."""
        with self._snapshot(now) as snapshot:
            return snapshot.newest(limit)

    def head(self, now: datetime) -> Head:
        """The state of the list."""
        with self._snapshot(now) as snapshot:
            return Head(
                sequence=snapshot.sequence,
                updated_at=snapshot.updated_at,
                entries=snapshot.count(),
                freshness=snapshot.freshness,
            )

    def sequence(self, now: datetime) -> int:
        """The last sequence applied; also while the list is hidden."""
        with self._snapshot(now) as snapshot:
            return snapshot.sequence

    def profile(self, now: datetime) -> Profile:
        """The court's profile."""
        with self._snapshot(now) as snapshot:
            return snapshot.profile()

    def frame(self, now: datetime) -> tuple[Profile, Freshness]:
        """The court's profile, and how the list may be shown: what is around every page."""
        with self._snapshot(now) as snapshot:
            return snapshot.profile(), snapshot.freshness

    def subject(self, subject: str, key: str, now: datetime) -> Mapping[str, Any] | None:
        """What may be known of the one `key` of a `subject` (journal.SubjectChange); None where there is nothing."""
        with self._snapshot(now) as snapshot:
            return snapshot.subject(subject, key)

    def subjects(
        self, subject: str, now: datetime, limit: int = 100, *, offset: int = 0, kinds: Sequence[str] = ()
    ) -> list[tuple[str, datetime, Mapping[str, Any]]]:
        """Key, time of the last change and body of everything of a `subject`, the newest first; `kinds`: only of these."""
        with self._snapshot(now) as snapshot:
            return snapshot.subjects(subject, limit, offset=offset, kinds=kinds)

    def knew(self, subject: str, key: str, now: datetime) -> bool:
        """Whether there is, or ever was, the one `key` of a `subject`."""
        with self._snapshot(now) as snapshot:
            return snapshot.knew(subject, key)

    def mark(self, now: datetime) -> tuple[int, int, int, str | None, int, str]:
        """Equal marks mean equal lists: no public change was applied in between, none ahead of its turn either, and no
        end has come."""
        with self._snapshot(now) as snapshot:
            return read_mark(snapshot)

    def count(self, now: datetime) -> Counts:
        """The list in numbers. Counted anew only where the list, or the month, is another than it was."""
        return self._tally.count(now)

    def news(self, limit: int, now: datetime) -> tuple[tuple[News, ...], int | None]:
        """The newest change of each of the `limit` records that changed last, the newest first; and the number of the last
        block (newest.BLOCK) that holds an entry."""
        with self._snapshot(now) as snapshot:
            return read_news(snapshot, limit), find_last_block(snapshot)

    def block(self, number: int, now: datetime) -> Block:
        """The entries that may be seen and whose newest change lies in the block `number`, from 1."""
        with self._snapshot(now) as snapshot:
            return read_block(snapshot, number)

    def follow(self, since: int, limit: int, now: datetime) -> Changes:
        """Public changes after the sequence `since`, in order and without a gap, at most `limit`.

        Raises changes.SinceTooOld or changes.SinceUnknown, too: then the whole list is to be taken anew.
        """
        with self._snapshot(now) as snapshot:
            return snapshot.follow(since, limit)

    def departures(self, since: int, limit: int, now: datetime) -> list[Departure]:
        """The first departures after the sequence `since`, at most `limit`, in order: also those of which `follow` would
        say that they are too long ago."""
        with self._snapshot(now) as snapshot:
            return snapshot.departures(since, limit)

    def stream(self, clock: Callable[[], datetime]) -> tuple[int, Iterator[list[tuple[str, str]]]]:
        """A sequence, and all entries in chunks: record number and document (JSON text), by number.

        Every chunk is read in a short turn of its own at the moment that `clock` gives, so no entry is given after it
        left. What changed after the sequence may or may not be in: with the changes since the sequence, it is the list.
        """
        with self._snapshot(clock()) as snapshot:
            # Before anything is sent.
            snapshot.refuse_hidden()
            sequence = snapshot.sequence
        return sequence, self._stream(clock)

    def _stream(self, clock: Callable[[], datetime]) -> Iterator[list[tuple[str, str]]]:
        after = ""
        while True:
            with self._snapshot(clock()) as snapshot:
                rows = snapshot.rows(after, _AT_ONCE)
            if not rows:
                return
            yield rows
            after = rows[-1][0]

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
            # What was hidden in an emergency while the list was read is no public change.
            for record in (*changed, *snapshot.marked):
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
        except StoreHidden as error:
            raise ListHidden(error.freshness) from None
        except (StoreUnavailable, SQLAlchemyError) as error:
            raise RegisterUnavailable("名单暂时不能读取，请稍后再试") from error


def _take_some(records: Iterator[str]) -> Iterator[list[str]]:
    while some := list(islice(records, _AT_ONCE)):
        yield some


@contextmanager
def _readable_index() -> Iterator[None]:
    try:
        with readable():
            yield
    except IndexUnavailable as error:
        raise RegisterUnavailable("查询暂时不能使用，请稍后再试") from error


def _newest_first(document: Document) -> tuple[int, str]:
    return -document.published_on.toordinal(), document.record


def _answer_directly(snapshot: Snapshot, question: Question, query: Query) -> Page:
    """The answer to a record number, or to what was refused: the index is not asked."""
    document = snapshot.document(question.value) if question.meaning is Meaning.RECORD else None
    is_found = document is not None and passes(query, build_entry(document))
    shown = [document] if document and is_found and query.page == 1 else []
    namesakes = _count_namesakes(snapshot, shown) if query.namesakes else {}
    hits = [Hit(document=one, match="exact", found_in="record", namesakes=namesakes.get(one.record)) for one in shown]
    facets = _name_facets([document] if document and is_found else [], None) if query.facets else ()
    return _build_page(snapshot, question, query, hits, _Totals(total=int(is_found), near=0, facets=facets))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Totals:
    total: int
    near: int
    facets: tuple[Facet, ...]
    suggestions: tuple[Suggestion, ...] = ()


class _Reading:
    """One moment of the store and one state of the index, read together for one answer."""

    def __init__(self, snapshot: Snapshot, generation: Generation) -> None:
        self._snapshot = snapshot
        self._generation = generation
        pending = snapshot.changed_since(snapshot.indexed)
        self._excluded = pending | snapshot.ended()
        self._pending = [(document, build_entry(document)) for document in _read_pending(snapshot, pending)]

    def answer(self, question: Question, query: Query) -> Page:
        while True:
            found, judged = self._find(question, query)
            start = (max(query.page, 1) - 1) * PAGE_SIZE
            chosen = found.select(start, start + PAGE_SIZE)
            documents = self._snapshot.documents(record for record, _ in chosen)
            unknown = {record for record, _ in chosen} - documents.keys()
            if not unknown:
                break
            # The store has the last word, also where the index is wrong; each turn excludes more, so it ends.
            self._excluded |= unknown
        namesakes = _count_namesakes(self._snapshot, documents.values()) if query.namesakes else {}
        marker = Marker(question)
        hits = [_build_hit(documents[record], way, question, marker, namesakes) for record, way in chosen]
        return _build_page(self._snapshot, question, query, hits, self._sum_up(found, judged, question, query))

    def _find(self, question: Question, query: Query) -> tuple[Found, list[Document]]:
        """What answers, and which of the exact answers were judged without the index."""
        judged, exact = [], []
        for document, entry in self._pending:
            way = find_way(question, entry) if passes(query, entry) else None
            if way is not None:
                judged.append(Judged(question.ways.index(way), -document.published_on.toordinal(), document.record))
                if way.answer.match == "exact":
                    exact.append(document)
        return find(self._generation, question, query, self._excluded, judged), exact

    def _sum_up(self, found: Found, judged: list[Document], question: Question, query: Query) -> _Totals:
        total = found.total
        facets = _name_facets(judged, found) if query.facets else ()
        suggestions = () if total else self._suggest(question, query)
        return _Totals(total=total, near=found.near, facets=facets, suggestions=suggestions)

    def _suggest(self, question: Question, query: Query) -> tuple[Suggestion, ...]:
        """Other questions, made of what was asked, that have exact answers."""
        if question.meaning is Meaning.REFUSED:
            return ()
        plain = Query(text=query.text, sort=query.sort)
        has_filters = any(_read_filters(query))
        asked = [(query.text, False, plain)] if has_filters else []
        words = split_words(query.text)
        if len(words) > 1:
            asked += [(word, True, replace(query, text=word)) for word in words[:_WORDS_TRIED]]
        found = [
            Suggestion(text=text, keeps_filters=keeps, total=self._find(read_question(text), other)[0].total)
            for text, keeps, other in asked
        ]
        return tuple(one for one in found if one.total)


def _read_filters(query: Query) -> tuple[object, ...]:
    filters = (query.kind, query.court, query.region, query.conduct, query.performance)
    return (*filters, query.published_from, query.published_to)


def _count_namesakes(snapshot: Snapshot, documents: Iterable[Document]) -> dict[str, int]:
    """How many entries bear the name of each of the people, by record."""
    keys = {document.record: fold_name(document.name) for document in documents if document.kind == "person"}
    counts = snapshot.count_name_keys(keys.values())
    return {record: counts.get(key, 0) for record, key in keys.items()}


def _build_hit(document: Document, way: Way, question: Question, marker: Marker, namesakes: Mapping[str, int]) -> Hit:
    found_in = way.answer.found_in
    return Hit(
        document=document,
        match=way.answer.match,
        found_in=found_in,
        reason=explain(way, question, document.name),
        name_marks=marker.find_in_name(document.name),
        obligation_marks=marker.find_in_text(document.obligation or "") if found_in == "obligation" else (),
        namesakes=namesakes.get(document.record),
    )


def _name_facets(judged: list[Document], found: Found | None) -> tuple[Facet, ...]:
    """The facets of what the index found together with what was judged without it."""
    facets = []
    found_counts = found.count_values() if found else {}
    for name, read in _FACETS.items():
        counts = found_counts.get(name, {})
        for document in judged:
            for value in read(document):
                counts[value] = counts.get(value, 0) + 1
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        facets.append(Facet(field=name, counts=tuple(ordered)))
    return tuple(facets)


_FACETS: Mapping[FacetField, Callable[[Document], Iterable[str]]] = {
    "kind": lambda document: (document.kind,),
    "court": lambda document: (document.court,),
    "region": lambda document: (document.region,) if document.region else (),
    "conduct": lambda document: {item.code for item in document.conduct},
    "performance": lambda document: (document.performance,),
}


def _read_pending(snapshot: Snapshot, pending: set[str]) -> list[Document]:
    if len(pending) <= _PENDING:
        return list(snapshot.documents(pending).values())
    # While a large list is being indexed, the newest of it can be found already.
    return [document for document in snapshot.newest(_PENDING) if document.record in pending]


def _build_page(snapshot: Snapshot, question: Question, query: Query, hits: list[Hit], totals: _Totals) -> Page:
    return Page(
        hits=tuple(hits),
        total=totals.total,
        near=totals.near,
        page=query.page,
        pages=-(-(totals.total + totals.near) // PAGE_SIZE),
        reading=question.reading,
        sequence=snapshot.sequence,
        updated_at=snapshot.updated_at,
        profile=snapshot.profile(),
        facets=totals.facets,
        suggestions=totals.suggestions,
        freshness=snapshot.freshness,
    )
