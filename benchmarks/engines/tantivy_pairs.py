"""Tantivy over pairs of characters, asked with phrase queries.

One field holds the pairs of name and text together, so that a word that may stand in either is one phrase; the pairs of
the name stand a second time in a field without positions for typing errors. One number a document gives the order and
tells the record, so that no stored document need be read. A phrase is asked with as few pairs as cover the word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from engines.base import (
    PAGE,
    Asked,
    Engine,
    Found,
    Kind,
    combine_probes,
    cover,
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

_tantivy: Any = import_module("tantivy")
_HEAP = 256 * 1024 * 1024
_CANDIDATES = 1_000
# Stands between name and text and between lines, so that no phrase reaches over.
_BREAK = "\u0001"


def _make_schema() -> Any:
    builder = _tantivy.SchemaBuilder()
    for name in ("name", "words"):
        builder.add_text_field(name, tokenizer_name="pairs", index_option="position")
    builder.add_text_field("company", tokenizer_name="pairs", index_option="basic")
    for name in ("record", "representative", "case_key", "region"):
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("shown", stored=True, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field("place", fast=True)
    return builder.build()


class TantivyPairs(Engine):
    def build(self, folder: Path, documents: Iterable[Document]) -> None:
        index = self._use(_tantivy.Index(_make_schema(), path=str(folder)))
        writer = index.writer(heap_size=_HEAP)
        for document in documents:
            writer.add_document(_to_document(document))
        writer.commit()
        writer.wait_merging_threads()

    def open(self, folder: Path) -> None:
        self._schema = _make_schema()
        self._index = self._use(_tantivy.Index.open(str(folder)))
        self._index.config_reader("manual")
        self._index.reload()
        self._searcher = self._index.searcher()
        self._writer: Any = None

    @staticmethod
    def _use(index: Any) -> Any:
        index.register_tokenizer("pairs", _tantivy.TextAnalyzerBuilder(_tantivy.Tokenizer.whitespace()).build())
        return index

    def ask(self, asked: Asked) -> Found:
        if asked.kind is Kind.CASE:
            return self._first_page(self._term("case_key", CaseNumber.parse(asked.text).key))
        if asked.kind is Kind.TYPO:
            return self._ask_typo(asked)
        return self._first_page(self._ask_words(asked))

    def _ask_words(self, asked: Asked) -> Any:
        words = _every([self._word(word) for word in asked.text.split()])
        wanted = _any([words, self._term("representative", fold_name(asked.text))])
        return _every([wanted, self._term("region", asked.region)]) if asked.region else wanted

    def _ask_typo(self, asked: Asked) -> Found:
        typed = fold_name(asked.text)
        probes = pick_probes(typed, lambda pair: int(self._searcher.doc_freq("company", pair)))
        pairs = [[self._term("company", pair) for pair in two] for two in combine_probes(probes)]
        close = keep_close(typed, self._read(_any([_every(two) for two in pairs])))
        exact = self._search(self._ask_words(asked), _CANDIDATES)
        return finish_typo([order for order, _ in exact.hits], close)

    def _read(self, query: Any) -> Iterable[tuple[int, str]]:
        found = self._search(query, _CANDIDATES)
        if found.count > _CANDIDATES:
            found = self._search(query, found.count)
        return ((order, self._searcher.doc(address)["shown"][0]) for order, address in found.hits)

    def _word(self, word: str) -> Any:
        in_name, in_text = fold_name(word), fold_text(word)
        if in_name == in_text:
            return self._phrase("words", in_name)
        return _any([self._phrase("name", in_name), self._phrase("words", in_text)])

    def _phrase(self, field: str, word: str) -> Any:
        if len(word) == 2:
            return self._term(field, word)
        return _tantivy.Query.phrase_query(self._schema, field, cover(word))

    def _term(self, field: str, value: str) -> Any:
        return _tantivy.Query.term_query(self._schema, field, value, index_option="basic")

    def _search(self, query: Any, limit: int) -> Any:
        return self._searcher.search(query, limit, order_by_field="place", order=_tantivy.Order.Asc)

    def _first_page(self, query: Any) -> Found:
        found = self._search(query, PAGE)
        return Found(found.count, 0, find_records(order for order, _ in found.hits))

    def update(self, document: Document) -> None:
        self._change(document).add_document(_to_document(document))
        self._commit()

    def remove(self, document: Document) -> None:
        self._change(document)
        self._commit()

    def _change(self, document: Document) -> Any:
        # A writer is kept open, as a service does that changes often.
        self._writer = self._writer or self._index.writer(heap_size=_HEAP, num_threads=1)
        self._writer.delete_documents_by_term("record", document.record)
        return self._writer

    def _commit(self) -> None:
        self._writer.commit()
        self._index.reload()
        self._searcher = self._index.searcher()

    def close(self) -> None:
        if self._writer:
            self._writer.wait_merging_threads()


def _to_document(document: Document) -> Any:
    plain = to_plain(document)
    fields = {
        "place": plain.order,
        "record": document.record,
        "name": " ".join(list_pairs(plain.name)),
        "words": f" {_BREAK} ".join(" ".join(list_pairs(line)) for line in (plain.name, *plain.text.split("\n"))),
        "representative": plain.representative,
        "case_key": plain.case_key,
        "region": plain.region,
    }
    if plain.kind == "organisation":
        fields |= {"company": fields["name"], "shown": plain.name}
    made = _tantivy.Document()
    for name, value in fields.items():
        if name == "place":
            made.add_unsigned(name, value)
        elif value:
            made.add_text(name, value)
    return made


def _every(queries: Sequence[Any]) -> Any:
    if len(queries) == 1:
        return queries[0]
    return _tantivy.Query.boolean_query([(_tantivy.Occur.Must, query) for query in queries])


def _any(queries: Sequence[Any]) -> Any:
    return _tantivy.Query.boolean_query([(_tantivy.Occur.Should, query) for query in queries])
