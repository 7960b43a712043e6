"""PostgreSQL with pg_trgm.

Trigrams cannot find a word of two characters, as half of all names are. So a letter is put between the characters:
张x伟 is a trigram, and LIKE stays exact. One column holds name and text, so that a word in either is one condition.
The server is given by --postgres; its memory is not measured, and its cache cannot be emptied for a cold start.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any
from zlib import crc32

import psycopg

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
    to_plain,
)
from search_index.casenumber import CaseNumber
from search_index.document import Document
from search_index.folding import fold_name, fold_text

URL_VARIABLE = "GONGSHI_BENCHMARK_POSTGRES"
_BETWEEN = "x"
_SCHEMA = """
DROP SCHEMA IF EXISTS {0} CASCADE;
CREATE SCHEMA {0};
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;
SET search_path TO {0}, public;
CREATE TABLE entry (
    place bigint NOT NULL, kind text, name text, name_spaced text, words_spaced text, representative text,
    case_key text, region text
);
"""
_INDEXES = """
ALTER TABLE entry ADD PRIMARY KEY (place);
CREATE INDEX ON entry USING gin (words_spaced gin_trgm_ops);
CREATE INDEX ON entry USING gin (name_spaced gin_trgm_ops);
CREATE INDEX ON entry (representative);
CREATE INDEX ON entry (case_key);
CREATE INDEX ON entry (region, place);
"""
_COLUMNS = "place, kind, name, name_spaced, words_spaced, representative, case_key, region"
_AT_ONCE = 10_000


class PostgresTrigrams(Engine):
    def build(self, folder: Path, documents: Iterable[Document]) -> None:
        self._connection = _connect()
        self._check_locale()
        self._connection.execute(_SCHEMA.format(_name(folder)))
        remaining = iter(documents)
        while chunk := list(islice(remaining, _AT_ONCE)):
            with self._connection.cursor().copy(f"COPY entry ({_COLUMNS}) FROM STDIN") as copy:
                for document in chunk:
                    copy.write_row(_to_row(to_plain(document)))
        self._connection.execute("SET maintenance_work_mem = '512MB'")
        self._connection.execute(_INDEXES)
        self._connection.execute("VACUUM ANALYZE entry")
        self._connection.execute("CHECKPOINT")
        self._connection.close()

    def _check_locale(self) -> None:
        self._connection.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public")
        row = self._connection.execute("SELECT cardinality(public.show_trgm('张伟强'))").fetchone()
        if not row or not row[0]:
            raise SystemExit("the database takes Chinese characters for punctuation: make it with LOCALE 'C.UTF-8'")

    def open(self, folder: Path) -> None:
        self._connection = _connect()
        self._connection.execute(f"SET search_path TO {_name(folder)}, public")
        # A plan made for no pattern in particular would be a bad one.
        self._connection.execute("SET plan_cache_mode = force_custom_plan")

    def ask(self, asked: Asked) -> Found:
        if asked.kind is Kind.CASE:
            return self._first_page("case_key = %s", [CaseNumber.parse(asked.text).key])
        condition, values = _ask_words(asked)
        if asked.kind is Kind.TYPO:
            exact = self._rows(f"SELECT place FROM entry WHERE {condition} ORDER BY place", values)
            return finish_typo([row[0] for row in exact], self._find_close(fold_name(asked.text)))
        return self._first_page(condition, values)

    def _find_close(self, typed: str) -> list[int]:
        # Three parts: one wrong, missing or superfluous character leaves two of them as they are.
        third = len(typed) // 3
        parts = [typed[:third], typed[third : 2 * third], typed[2 * third :]]
        two = [pattern for pair in combine_probes(parts) for pattern in map(_like, pair)]
        either = " OR ".join(["(name_spaced LIKE %s AND name_spaced LIKE %s)"] * 3)
        rows = self._rows(f"SELECT place, name FROM entry WHERE kind = 'organisation' AND ({either})", two)
        return keep_close(typed, rows)

    def _first_page(self, condition: str, values: list[str]) -> Found:
        query = f"SELECT place, count(*) OVER () FROM entry WHERE {condition} ORDER BY place LIMIT {PAGE}"
        rows = self._rows(query, values)
        return Found(rows[0][1] if rows else 0, 0, find_records(row[0] for row in rows))

    def _rows(self, query: str, values: list[str]) -> list[tuple[Any, ...]]:
        return self._connection.execute(query.encode(), values).fetchall()

    def update(self, document: Document) -> None:
        marks = ", ".join(["%s"] * len(_COLUMNS.split(",")))
        with self._connection.transaction():
            self._forget(document)
            self._connection.execute(f"INSERT INTO entry ({_COLUMNS}) VALUES ({marks})", _to_row(to_plain(document)))

    def remove(self, document: Document) -> None:
        with self._connection.transaction():
            self._forget(document)

    def _forget(self, document: Document) -> None:
        self._connection.execute("DELETE FROM entry WHERE place = %s", [find_order(document)])

    def measure_bytes(self, folder: Path) -> int:
        with _connect() as connection:
            row = connection.execute(
                "SELECT pg_total_relation_size(%s::regclass)", [f"{_name(folder)}.entry"]
            ).fetchone()
            return int(row[0]) if row else 0

    def discard(self, folder: Path) -> None:
        super().discard(folder)
        with _connect() as connection:
            connection.execute(f"DROP SCHEMA {_name(folder)} CASCADE")

    def close(self) -> None:
        self._connection.close()


def _connect() -> psycopg.Connection[Any]:
    return psycopg.connect(os.environ[URL_VARIABLE], autocommit=True)


def _name(folder: Path) -> str:
    return f"search_benchmark_{crc32(str(folder).encode()):08x}"


def _to_row(plain: Plain) -> tuple[int | str, ...]:
    words = f"{plain.name}\n{plain.text}"
    spaced = "\n".join(map(_space, words.split("\n")))
    name = _space(plain.name)
    return plain.order, plain.kind, plain.name, name, spaced, plain.representative, plain.case_key, plain.region


def _space(text: str) -> str:
    return _BETWEEN.join(text)


def _like(word: str) -> str:
    escaped = (f"\\{character}" if character in "\\%_" else character for character in word)
    return f"%{_BETWEEN.join(escaped)}%"


def _ask_words(asked: Asked) -> tuple[str, list[str]]:
    conditions, values = [], []
    for word in asked.text.split():
        in_name, in_text = fold_name(word), fold_text(word)
        if in_name == in_text:
            conditions.append("words_spaced LIKE %s")
            values.append(_like(in_name))
        else:
            conditions.append("(name_spaced LIKE %s OR words_spaced LIKE %s)")
            values.extend((_like(in_name), _like(in_text)))
    condition = f"({' AND '.join(conditions)} OR representative = %s)"
    values.append(fold_name(asked.text))
    if asked.region:
        return f"{condition} AND region = %s", [*values, asked.region]
    return condition, values
