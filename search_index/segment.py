"""A segment: the part of the index that one commit wrote, and never changes.

Documents are numbered from 0 in the order in which they are shown: the newest publication first, then by record
number. So the first page of any answer is its lowest numbers.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from search_index.codec import Blocks, Numbers, TermTable, TextColumn, iterate_bits, write_column, write_terms
from search_index.document import Document
from search_index.entry import build_entry
from search_index.grams import Table, build_name_table, build_runs, build_text_table, no_documents

# The runs of characters of names and texts; keys are kept beside them under the names of condition.Field.
NAME_RUNS = "name"
TEXT_RUNS = "text"
RECORD = "record"
# Values as published, for counting them; the keys for finding them are folded.
COURT_SHOWN = "court_shown"
REGION_SHOWN = "region_shown"

# The fields whose values are counted. Of all but the conduct a document has one value at most.
_COUNTED = ("kind", COURT_SHOWN, REGION_SHOWN, "conduct", "performance")
_SINGLE = ("kind", COURT_SHOWN, REGION_SHOWN, "performance")
_NONE = 0xFFFF_FFFF
_READ_FOR_EACH = 4  # documents that are read in the time in which the holders of one value are compared


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Row:
    """All that the index keeps of a document. `day` is the ordinal of its publication, `keys` are pairs of field
    and key in order."""

    record: str
    name: str
    text: str
    code: str
    day: int
    keys: tuple[tuple[str, str], ...]


def build_row(document: Document) -> Row:
    """What the index keeps of the document."""
    entry = build_entry(document)
    keys = [(field.value, key) for field, values in entry.keys.items() for key in values]
    keys.append((COURT_SHOWN, document.court))
    if document.region:
        keys.append((REGION_SHOWN, document.region))
    return Row(
        record=entry.record,
        name=entry.name,
        text=entry.text,
        code=entry.code,
        day=entry.published_on.toordinal(),
        keys=tuple(sorted(keys)),
    )


class Segment:
    """A committed segment. Safe to share between threads."""

    def __init__(self, blocks: Blocks, size: int) -> None:
        self._blocks = blocks
        self.size = size
        self.days = blocks.get("days").cast("I")
        self._records = TextColumn(blocks, RECORD)
        self.names = TextColumn(blocks, NAME_RUNS)
        self.texts = TextColumn(blocks, TEXT_RUNS)
        self.codes = TextColumn(blocks, "code")
        self._tables: dict[str, TermTable] = {}
        self._fields = {name.removesuffix(".keys") for name in blocks.names() if name.endswith(".keys")} - {""}
        self._nothing = TermTable(blocks, "", size)

    def table(self, field: str) -> TermTable:
        """The terms of a field; an empty table where no document has any."""
        known = self._tables.get(field)
        if known is None:
            known = TermTable(self._blocks, field, self.size) if field in self._fields else self._nothing
            self._tables[field] = known
        return known

    def numbers(self, field: str, term: str) -> Numbers:
        """The documents that hold the term, ascending; deleted ones among them."""
        return self.table(field).numbers(term)

    def record(self, number: int) -> str:
        return self._records.get(number)

    def column(self, field: str) -> Callable[[int], bytes]:
        """Gives the folded name or text of a document in UTF-8."""
        return self.names.raw if field == NAME_RUNS else self.texts.raw

    def count_newer(self, day: int) -> int:
        """How many documents were published after the day; they are the first."""
        return bisect_left(range(self.size), True, key=lambda number: self.days[number] <= day)

    def count_values(self, bits: int) -> Iterator[tuple[str, str, int]]:
        """Of the documents, a bit for each: the fields that are counted, their values as published, and how many have
        each; 0 for some that none has."""
        values_to_count = sum([len(values) for values, _, places in self._counted.values() if places is not None])
        reads = bits.bit_count() <= _READ_FOR_EACH * values_to_count
        numbers = list(iterate_bits(bits)) if reads else []
        for field, (values, holders, places) in self._counted.items():
            if reads and places is not None:
                for place, number in Counter(map(places.__getitem__, numbers)).items():
                    if place != _NONE:
                        yield field, values[place], number
            else:
                for value, held in zip(values, holders, strict=True):
                    yield field, value, (bits & held).bit_count()

    @cached_property
    def _counted(self) -> dict[str, tuple[list[str], list[int], memoryview | None]]:
        """For each field that is counted: its values, a bit for every document that has each, and the place of each
        document's value among them."""
        counted: dict[str, tuple[list[str], list[int], memoryview | None]] = {}
        for field in _COUNTED:
            values = list(self.table(field).terms())
            places = self._blocks.get(f"{field}.places").cast("I") if field in _SINGLE else None
            counted[field] = values, [self.table(field).bits(value) for value in values], places
        return counted

    def rows(self) -> list[Row]:
        """Every document, in order; deleted ones among them."""
        keys: list[list[tuple[str, str]]] = [[] for _ in range(self.size)]
        for field in sorted(self._fields - {NAME_RUNS, TEXT_RUNS}):
            table = self.table(field)
            for term in table.terms():
                pair = (field, term)
                for number in table.numbers(term):
                    keys[number].append(pair)
        return [self._row(number, keys[number]) for number in range(self.size)]

    def _row(self, number: int, keys: Iterable[tuple[str, str]]) -> Row:
        return Row(
            record=self._records.get(number),
            name=self.names.get(number),
            text=self.texts.get(number),
            code=self.codes.get(number),
            day=self.days[number],
            keys=tuple(pair for pair in keys if pair[0] != RECORD),
        )

    def is_whole(self) -> bool:
        """Whether the runs of characters are those of the names and texts, and what is read of each document is what its
        terms say; for checking an index."""
        names = [self.names.get(number) for number in range(self.size)]
        texts = [self.texts.get(number) for number in range(self.size)]
        expected = {NAME_RUNS: build_name_runs(names), TEXT_RUNS: build_text_runs(texts)}
        return all(self._holds(field, runs) for field, runs in expected.items()) and all(map(self._has_places, _SINGLE))

    def _has_places(self, field: str) -> bool:
        table = self.table(field)
        known = {term: array("H", table.numbers(term)) for term in table.terms()}
        return bytes(self._blocks.get(f"{field}.places")) == _build_places(known, self.size).tobytes()

    def _holds(self, field: str, runs: Table) -> bool:
        table = self.table(field)
        if field not in self._fields:
            return not runs
        return list(table.terms()) == sorted(runs, key=str.encode) and all(
            list(table.numbers(term)) == list(numbers) for term, numbers in runs.items()
        )


def build_name_runs(names: Sequence[str]) -> Table:
    """The runs under which names are found."""
    pairs = build_name_table(names)
    return pairs | build_runs(pairs, names)


def build_text_runs(texts: Sequence[str]) -> Table:
    """The runs under which texts are found."""
    pairs = build_text_table(texts)
    return pairs | build_runs(pairs, texts)


class Draft:
    """The rows of a segment that is being written. Whoosh takes it for its pool of postings."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def iter_postings(self) -> Iterator[tuple[str, Any]]:
        """The blocks of the segment."""
        rows = sorted(self.rows, key=lambda row: (-row.day, row.record))
        self.rows = []
        size = len(rows)
        names, texts = [row.name for row in rows], [row.text for row in rows]
        yield "days", array("I", [row.day for row in rows])
        yield from write_column(RECORD, (row.record for row in rows))
        yield from write_column(NAME_RUNS, names)
        yield from write_column(TEXT_RUNS, texts)
        yield from write_column("code", (row.code for row in rows))
        tables = {**_build_key_tables(rows), NAME_RUNS: build_name_runs(names), TEXT_RUNS: build_text_runs(texts)}
        for field, table in [*tables.items(), ("", {})]:
            yield from write_terms(field, table, size)
        for field in _SINGLE:
            yield f"{field}.places", _build_places(tables.get(field, {}), size)

    def cleanup(self) -> None:
        self.rows.clear()


def _build_key_tables(rows: Sequence[Row]) -> dict[str, Table]:
    tables: dict[str, Table] = defaultdict(lambda: defaultdict(no_documents))
    tables[RECORD] = {row.record: array("H", [number]) for number, row in enumerate(rows)}
    for number, row in enumerate(rows):
        for field, key in row.keys:
            tables[field][key].append(number)
    return tables


def _build_places(table: Table, size: int) -> array[int]:
    """For each document the place of its value among all, in the order in which they are written."""
    places = array("I", [_NONE]) * size
    for place, value in enumerate(sorted(table, key=lambda value: value.encode(errors="replace"))):
        for number in table[value]:
            places[number] = place
    return places
