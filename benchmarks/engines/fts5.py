"""SQLite FTS5 over pairs of characters, asked with phrase queries.

A rowid says both day and record, so that rows come newest first without being sorted, and records need not be read.
The full-text table keeps no second copy of what it indexes; the region is a word in it, so that it is intersected there.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from engines.base import (
    PAGE,
    Asked,
    Engine,
    Found,
    Kind,
    Plain,
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

_SCHEMA = """
CREATE TABLE entry (
    id INTEGER PRIMARY KEY, kind TEXT, name TEXT, text TEXT, representative TEXT, case_key TEXT, region TEXT
);
CREATE TABLE pair (pair TEXT PRIMARY KEY, entries INTEGER) WITHOUT ROWID;
"""
# Every character but the space is part of a word: the words are pairs, some of which hold punctuation.
_SEARCH = """
CREATE VIRTUAL TABLE search USING fts5(
    name, text, region, content='', columnsize=0,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* C*'"
)
"""
_INDEXES = """
CREATE INDEX entry_representative ON entry (representative);
CREATE INDEX entry_case ON entry (case_key);
"""


class Fts5(Engine):
    def build(self, folder: Path, documents: Iterable[Document]) -> None:
        connection = _connect(folder)
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(_SCHEMA + _SEARCH)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)", map(_to_row, map(to_plain, documents)))
        connection.create_function("pairs", 1, _join_pairs, deterministic=True)
        # In the order of the rowid, in which FTS5 wants them.
        connection.execute(
            "INSERT INTO search (rowid, name, text, region) SELECT id, pairs(name), pairs(text), region FROM entry ORDER BY id"
        )
        counts: Counter[str] = Counter()
        for (name,) in connection.execute("SELECT name FROM entry WHERE kind = 'organisation'"):
            counts.update(set(list_pairs(name)))
        connection.executemany("INSERT INTO pair VALUES (?, ?)", counts.items())
        connection.execute("COMMIT")
        connection.executescript(_INDEXES + "INSERT INTO search (search) VALUES ('optimize'); ANALYZE")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()

    def open(self, folder: Path) -> None:
        self._connection = _connect(folder)
        self._connection.execute("SELECT count(*) FROM pair WHERE pair = ''").fetchone()

    def ask(self, asked: Asked) -> Found:
        if asked.kind is Kind.CASE:
            return _to_found(self._list("SELECT id FROM entry WHERE case_key = ?", CaseNumber.parse(asked.text).key))
        exact = self._find_words(asked)
        if asked.kind is Kind.TYPO:
            return finish_typo(exact, self._find_close(fold_name(asked.text)))
        return _to_found(exact)

    def _find_words(self, asked: Asked) -> list[int]:
        wanted = [_ask_word(word) for word in asked.text.split()]
        if asked.region:
            wanted.append(f"region:{_quote(asked.region)}")
        found = self._list("SELECT rowid FROM search WHERE search MATCH ? ORDER BY rowid", " AND ".join(wanted))
        also = self._list("SELECT id FROM entry WHERE representative = ?", fold_name(asked.text))
        if asked.region and also:
            marks = ",".join("?" * len(also))
            also = self._list(f"SELECT id FROM entry WHERE id IN ({marks}) AND region = ?", *also, asked.region)
        return sorted({*found, *also}) if also else found

    def _find_close(self, typed: str) -> list[int]:
        pairs = list_pairs(typed)
        marks = ",".join("?" * len(pairs))
        rows = self._connection.execute(f"SELECT pair, entries FROM pair WHERE pair IN ({marks})", pairs)
        counts: dict[str, int] = dict(rows.fetchall())
        probes = pick_probes(typed, lambda pair: counts.get(pair, 0))
        wanted = " OR ".join(f"(name:{_quote(a)} AND name:{_quote(b)})" for a, b in combine_probes(probes))
        candidates = self._connection.execute(
            "SELECT entry.id, entry.name FROM search JOIN entry ON entry.id = search.rowid"
            " WHERE search MATCH ? AND entry.kind = 'organisation'",
            (wanted,),
        )
        return keep_close(typed, candidates)

    def _list(self, query: str, *values: object) -> list[int]:
        return [row[0] for row in self._connection.execute(query, values)]

    def update(self, document: Document) -> None:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._forget(document)
            plain = to_plain(document)
            self._connection.execute("INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?)", _to_row(plain))
            self._connection.execute(
                "INSERT INTO search (rowid, name, text, region) VALUES (?, ?, ?, ?)",
                (plain.order, _join_pairs(plain.name), _join_pairs(plain.text), plain.region),
            )

    def remove(self, document: Document) -> None:
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            self._forget(document)

    def _forget(self, document: Document) -> None:
        order = find_order(document)
        query = "SELECT name, text, region FROM entry WHERE id = ?"
        for name, text, region in self._connection.execute(query, (order,)).fetchall():
            self._connection.execute(
                "INSERT INTO search (search, rowid, name, text, region) VALUES ('delete', ?, ?, ?, ?)",
                (order, _join_pairs(name), _join_pairs(text), region),
            )
        self._connection.execute("DELETE FROM entry WHERE id = ?", (order,))

    def close(self) -> None:
        self._connection.close()


def _connect(folder: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(folder / "search.sqlite", isolation_level=None)
    for setting in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -65536", "mmap_size = 4294967296"):
        connection.execute(f"PRAGMA {setting}")
    return connection


def _to_row(plain: Plain) -> tuple[int | str, ...]:
    return plain.order, plain.kind, plain.name, plain.text, plain.representative, plain.case_key, plain.region


def _join_pairs(text: str) -> str:
    # Pairs with a line break in them are never asked for: no phrase reaches over one.
    return " ".join(list_pairs(text))


def _ask_word(word: str) -> str:
    in_name, in_text = fold_name(word), fold_text(word)
    if in_name == in_text:
        return f"{{name text}}:{_quote(_join_pairs(in_name))}"
    return f"(name:{_quote(_join_pairs(in_name))} OR text:{_quote(_join_pairs(in_text))})"


def _quote(words: str) -> str:
    return '"' + words.replace('"', '""') + '"'


def _to_found(orders: list[int]) -> Found:
    return Found(len(orders), 0, find_records(orders[:PAGE]))
