"""Our own index; the search box, which understands what was typed; the whole register, as the portal asks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from engines.base import PAGE, Asked, Engine, Found, Kind
from search_index.casenumber import CaseNumber
from search_index.condition import All, AnyOf, Close, Condition, Field, Holds, InName, InText
from search_index.document import Document
from search_index.folding import fold_name, fold_text
from search_index.index import Index, IndexWriter
from search_index.journal import ChangeType, EntryChange
from search_index.organisation import is_close
from search_index.page import Hit, Query
from search_index.query import read_question
from search_index.question import Answer, Meaning, Question, Way
from search_index.register import Register
from search_index.retrieval import find
from search_index.store import Store, StoreWriter
from search_index.sync import sync

_AT_ONCE = 2_000
_NOW = datetime(2026, 7, 1, 4, tzinfo=UTC)


def _to_query(asked: Asked) -> Query:
    sort = "newest" if asked.kind is Kind.NEWEST else "relevance"
    return Query(text=asked.text, region=asked.region, sort=sort)  # type: ignore[arg-type]  # one of the two


class SearchBox(Engine):
    """The index, asked as the search box asks it: what was typed is understood first, and everything is looked for
    that the box looks for, in order of relevance."""

    def build(self, folder: Path, documents: Iterable[Document]) -> None:
        IndexWriter(folder).rebuild(documents)

    def open(self, folder: Path) -> None:
        self._index = Index(folder)
        self._writer = IndexWriter(folder)
        self._generation = self._index.open()

    def ask(self, asked: Asked) -> Found:
        return self._find(read_question(asked.text), asked)

    def audit(self, asked: Asked) -> Found:
        question = read_question(asked.text)
        ways = tuple(way for way in question.ways if way.answer.match == "exact" or _is_typo(way.condition))
        return self._find(replace(question, ways=ways), asked)

    def _find(self, question: Question, asked: Asked) -> Found:
        found = find(self._generation, question, _to_query(asked))
        return Found(found.total, found.near, [record for record, _ in found.select(0, PAGE)])

    def update(self, document: Document) -> None:
        self._writer.update([document])
        self._generation = self._index.open()

    def remove(self, document: Document) -> None:
        self._writer.update((), [document.record])
        self._generation = self._index.open()


class Ours(SearchBox):
    """The index, asked what the rivals are asked: its kind is known, and what is near is looked for in Q7 only."""

    def ask(self, asked: Asked) -> Found:
        return self._find(Question(meaning=Meaning.WORDS, reading="", ways=_to_ways(asked)), asked)

    def audit(self, asked: Asked) -> Found:
        return self.ask(asked)


_EXACT = Answer(rank=0, found_in="name", match="exact")
_NEAR = Answer(rank=11, found_in="name", match="near")


def _to_ways(asked: Asked) -> tuple[Way, ...]:
    if asked.kind is Kind.CASE:
        return (Way(answer=_EXACT, condition=Holds(Field.CASE, f"={CaseNumber.parse(asked.text).key}")),)
    whole = fold_name(asked.text)
    words = [AnyOf((InName(fold_name(word)), InText(fold_text(word)))) for word in asked.text.split()]
    together = All(tuple(words)) if len(words) > 1 else words[0]
    way = Way(answer=_EXACT, condition=AnyOf((together, Holds(Field.REPRESENTATIVE, whole))))
    return (way, Way(answer=_NEAR, condition=Close(whole))) if asked.kind is Kind.TYPO else (way,)


def _is_typo(condition: Condition) -> bool:
    match condition:
        case Close():
            return True
        case All(conditions) | AnyOf(conditions):
            return any(_is_typo(one) for one in conditions)
        case _:
            return False


class WholeRegister(Engine):
    """`Register.search`: the newest state is looked for at every question, and hits are read from the store."""

    def build(self, folder: Path, documents: Iterable[Document]) -> None:
        url = _url(folder)
        writer = StoreWriter(url)
        writer.create()
        remaining, sequence = iter(documents), 0
        while chunk := list(islice(remaining, _AT_ONCE)):
            writer.apply([_to_change(document, sequence + n) for n, document in enumerate(chunk, 1)])
            sequence += len(chunk)
        store = Store(url)
        sync(writer, store, IndexWriter(folder / "index"), _NOW)
        store.close()
        writer.close()

    def open(self, folder: Path) -> None:
        url = _url(folder)
        self._register = Register(Store(url), folder / "index")
        self._register.head(_NOW)
        self._writer, self._store = StoreWriter(url), Store(url)
        self._index = IndexWriter(folder / "index")
        with self._store.snapshot(_NOW) as snapshot:
            self._sequence = snapshot.sequence

    def ask(self, asked: Asked) -> Found:
        page = self._register.search(_to_query(asked), _NOW)
        return Found(page.total, page.near, [hit.document.record for hit in page.hits])

    def audit(self, asked: Asked) -> Found:
        found = self.ask(asked)
        if asked.kind is not Kind.TYPO:
            return found
        typed = fold_name(asked.text)
        close = [hit for hit in self._read_near(asked) if is_close(typed, fold_name(hit.document.name))]
        return Found(found.total, len(close), found.records)

    def _read_near(self, asked: Asked) -> Iterator[Hit]:
        number, pages = 1, 1
        while number <= pages:
            page = self._register.search(replace(_to_query(asked), page=number), _NOW)
            yield from (hit for hit in page.hits if hit.match == "near" and hit.document.kind == "organisation")
            number, pages = number + 1, page.pages

    def update(self, document: Document) -> None:
        self._apply(ChangeType.CORRECTED, document)

    def remove(self, document: Document) -> None:
        self._apply(ChangeType.GONE, document)

    def _apply(self, type_: ChangeType, document: Document) -> None:
        self._sequence += 1
        self._writer.apply([_to_change(document, self._sequence, type_)])
        sync(self._writer, self._store, self._index, _NOW)

    def close(self) -> None:
        self._register.close()
        self._writer.close()
        self._store.close()


def _url(folder: Path) -> str:
    return f"sqlite:///{folder / 'disclosed.sqlite'}"


def _to_change(document: Document, sequence: int, type_: ChangeType = ChangeType.PUBLISHED) -> EntryChange:
    body = None if type_ is ChangeType.GONE else document.as_json()
    return EntryChange(position=sequence, at=_NOW, sequence=sequence, type=type_, record=document.record, body=body)
