"""Whoosh as people use it for Chinese: an n-gram tokenizer and phrase queries, with its own codec and analysis; by date, not scored."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from whoosh import index
from whoosh.analysis import NgramTokenizer
from whoosh.fields import ID, NUMERIC, TEXT, Schema
from whoosh.query import And, Or, Phrase, Query, Term
from whoosh.scoring import Frequency

from engines.base import (
    PAGE,
    Asked,
    Engine,
    Found,
    Kind,
    combine_probes,
    find_order,
    find_records,
    finish_typo,
    keep_close,
    list_pairs,
    pick_probes,
    to_plain,
)
from search_index.casenumber import CaseNumber
from search_index.document import Document
from search_index.folding import fold_name, fold_text

_MEMORY_MB = 256


def _make_schema() -> Any:
    pairs = NgramTokenizer(minsize=2, maxsize=2)
    return Schema(
        place=NUMERIC(int, bits=64, sortable=True, stored=True),
        key=ID(unique=True),
        kind=ID,
        name=TEXT(analyzer=pairs, stored=True),
        text=TEXT(analyzer=pairs),
        representative=ID,
        case_key=ID,
        region=ID,
    )


class StockWhoosh(Engine):
    def build(self, folder: Path, documents: Iterable[Document]) -> None:
        writer = index.create_in(str(folder), _make_schema()).writer(limitmb=_MEMORY_MB)
        for document in documents:
            writer.add_document(**_to_fields(document))
        writer.commit()

    def open(self, folder: Path) -> None:
        self._index = index.open_dir(str(folder))
        self._searcher = self._index.searcher(weighting=Frequency())

    def ask(self, asked: Asked) -> Found:
        if asked.kind is Kind.CASE:
            return self._first_page(Term("case_key", CaseNumber.parse(asked.text).key))
        if asked.kind is Kind.TYPO:
            return self._ask_typo(asked)
        return self._first_page(_ask_words(asked))

    def _ask_typo(self, asked: Asked) -> Found:
        typed = fold_name(asked.text)
        reader = self._searcher.reader()
        probes = pick_probes(typed, lambda pair: int(reader.doc_frequency("name", pair)))
        pairs = [And([Term("name", pair) for pair in two]) for two in combine_probes(probes)]
        candidates = self._searcher.search(And([Or(pairs), Term("kind", "organisation")]), limit=None)
        exact = self._searcher.search(_ask_words(asked), limit=None)
        close = keep_close(typed, ((hit["place"], hit["name"]) for hit in candidates))
        return finish_typo(sorted(hit["place"] for hit in exact), close)

    def _first_page(self, query: Query) -> Found:
        found = self._searcher.search(query, limit=PAGE, sortedby="place")
        return Found(len(found), 0, find_records(hit["place"] for hit in found))

    def update(self, document: Document) -> None:
        with self._index.writer() as writer:
            writer.update_document(**_to_fields(document))
        self._searcher = self._searcher.refresh()

    def remove(self, document: Document) -> None:
        with self._index.writer() as writer:
            writer.delete_by_term("key", str(find_order(document)))
        self._searcher = self._searcher.refresh()

    def close(self) -> None:
        self._searcher.close()


def _to_fields(document: Document) -> dict[str, Any]:
    plain = to_plain(document)
    return {
        "place": plain.order,
        "key": str(plain.order),
        "kind": plain.kind,
        "name": plain.name,
        "text": plain.text,
        "representative": plain.representative,
        "case_key": plain.case_key,
        "region": plain.region,
    }


def _ask_words(asked: Asked) -> Query:
    words = [Or([_phrase("name", fold_name(word)), _phrase("text", fold_text(word))]) for word in asked.text.split()]
    wanted = Or([And(words), Term("representative", fold_name(asked.text))])
    return And([wanted, Term("region", asked.region)]) if asked.region else wanted


def _phrase(field: str, word: str) -> Query:
    pairs = list_pairs(word)
    return Term(field, pairs[0]) if len(pairs) == 1 else Phrase(field, pairs)
