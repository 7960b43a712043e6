"""Counting the list: how many entries of what kind there are, and how many came and left in each month.

A count is of one moment, and kept for as long as the list is the same. Whatever cannot be seen is in none of them.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from threading import Lock
from typing import Any, Literal

from sqlalchemy import Text, bindparam, func, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from search_index.day import SHANGHAI, day_of
from search_index.rows import local, utc
from search_index.snapshot import Snapshot
from search_index.store_queries import VISIBLE
from search_index.store_tables import change_table, document_table

CountedField = Literal["kind", "court", "region", "performance", "year", "conduct"]
MONTHS = 24
_AT_ONCE = 1_000
_TO_THE_HOUR = 13  # characters of a time in the store
_MOST_AGAIN = 2_000  # entries that are read again in one turn
_ANEW = timedelta(hours=1)
_READ = ("kind", "court", "region", "performance", "published_on", "conduct")
_OPEN = Callable[[datetime], AbstractContextManager[Snapshot]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """What changed in one month of Asia/Shanghai: `first` is its first day. An entry that was hidden and is shown again
    left once and was published twice."""

    first: date
    published: int
    corrected: int
    departed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The list in numbers, at one moment. `values` counts the entries by what a field says, the most frequent first; an
    entry without a value counts under the empty one, and one with several kinds of conduct under each. `months` are the
    last MONTHS at most, the oldest first, without those before the first change."""

    sequence: int
    updated_at: datetime | None
    entries: int
    values: Mapping[CountedField, tuple[tuple[str, int], ...]]
    months: tuple[Month, ...]


class _ReadTogether(FunctionElement[str]):
    """Several values of a document as one JSON array: it is parsed once, by the database."""

    type = Text()
    name = "read_together"
    inherit_cache = True


@compiles(_ReadTogether, "sqlite")
def _on_sqlite(element: _ReadTogether, compiler: SQLCompiler, **given: Any) -> str:
    paths = ", ".join(f"'$.{name}'" for name in _READ)
    return f"json_extract({compiler.process(element.clauses, **given)}, {paths})"


@compiles(_ReadTogether, "postgresql")
def _on_postgresql(element: _ReadTogether, compiler: SQLCompiler, **given: Any) -> str:
    body = f"CAST({compiler.process(element.clauses, **given)} AS json)"
    values = ", ".join(f"{body} -> '{name}'" for name in _READ)
    return f"CAST(json_build_array({values}) AS text)"


_VALUES = select(document_table.c.record, _ReadTogether(document_table.c.body)).where(VISIBLE)
_SOME_VALUES = (
    _VALUES.where(document_table.c.record > bindparam("after"))
    .order_by(document_table.c.record)
    .limit(bindparam("limit"))
)
_ONE = _VALUES.where(document_table.c.record == bindparam("record"))
_HOUR = func.substr(change_table.c.at, 1, _TO_THE_HOUR)
_HOURS = (
    select(_HOUR, change_table.c.type, func.count())
    .where(change_table.c.at >= bindparam("since"))
    .group_by(_HOUR, change_table.c.type)
)
_FIRST = select(func.min(change_table.c.at))
_TOLD = select(change_table.c.record, change_table.c.at).where(change_table.c.sequence == bindparam("sequence"))


def read_mark(snapshot: Snapshot) -> tuple[int, int, int, str | None, int, str]:
    """Equal marks mean equal lists: no public change was applied in between, none ahead of its turn either, no end has
    come, and the same entries are hidden in an emergency."""
    return snapshot.sequence, *snapshot.count_changes(), snapshot.count(), snapshot.hidden_key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kept:
    """What was counted: the counts and the state that they are of, what each entry counts as, which had ended, the change
    that was the last, and when the whole list was read."""

    state: object
    counts: Counts
    values: dict[str, str]
    ended: frozenset[str]
    last: list[Any]
    read_at: datetime


class Tally:
    """Counts a list that `open_snapshot` reads, and keeps the counts until it is another. Safe to share between threads.

    Of a list that has changed only what changed is read again: while many entries come or go, whoever asks for figures
    would keep the others waiting otherwise.
    """

    def __init__(self, open_snapshot: _OPEN) -> None:
        self._open = open_snapshot
        self._lock = Lock()
        self._kept: _Kept | None = None

    def count(self, now: datetime) -> Counts:
        """The list at `now`. Whoever asks while it is being counted waits, and is given the same."""
        with self._lock:
            with self._open(now) as snapshot:
                if self._kept is not None and self._kept.state == _read_state(snapshot, now):
                    return self._kept.counts
                # What fails half-way is not gone on from.
                kept, self._kept = self._kept, None
                if kept is not None:
                    self._kept = _go_on(kept, snapshot, now)
            if self._kept is None:
                self._kept = self._count(now)
            return self._kept.counts

    def _count(self, now: datetime) -> _Kept:
        """Read in short turns, because on SQLite an open one keeps a departure from being committed; what changed
        meanwhile is read again in the last."""
        with self._open(now) as snapshot:
            start = snapshot.sequence
        known: dict[str, str] = {}
        found = {record: known.setdefault(values, values) for record, values in self._read(now)}
        with self._open(now) as snapshot:
            _read_again(snapshot, found, snapshot.changed_since(start))
            return _keep(snapshot, found, now, read_at=now)

    def _read(self, now: datetime) -> Iterator[tuple[str, str]]:
        after = ""
        while True:
            with self._open(now) as snapshot:
                rows = snapshot.ask(_SOME_VALUES, {"after": after, "limit": _AT_ONCE})
            if not rows:
                return
            yield from rows
            after = rows[-1][0]


def _go_on(kept: _Kept, snapshot: Snapshot, now: datetime) -> _Kept | None:
    """The counts of the list as it is now, from those that were kept; None where it is to be read as a whole: it is another
    list (restored, made anew), too much of it has changed, or it was read too long ago."""
    sequence = kept.counts.sequence
    if abs(now - kept.read_at) > _ANEW or snapshot.ask(_TOLD, {"sequence": sequence}) != kept.last:
        return None
    again = snapshot.changed_since(sequence) | (snapshot.ended() ^ kept.ended)
    if len(again) > _MOST_AGAIN:
        return None
    _read_again(snapshot, kept.values, again)
    if len(kept.values) != snapshot.count():
        return None
    return _keep(snapshot, kept.values, now, read_at=kept.read_at)


def _read_again(snapshot: Snapshot, values: dict[str, str], records: set[str]) -> None:
    for record in records:
        values.pop(record, None)
        values.update(snapshot.ask(_ONE, {"record": record}))


def _keep(snapshot: Snapshot, values: dict[str, str], now: datetime, *, read_at: datetime) -> _Kept:
    counts = Counts(
        sequence=snapshot.sequence,
        updated_at=snapshot.updated_at,
        entries=len(values),
        values=_count_values(Counter(values.values())),
        months=_read_months(snapshot, day_of(now)),
    )
    return _Kept(
        state=_read_state(snapshot, now),
        counts=counts,
        values=values,
        ended=frozenset(snapshot.ended()),
        last=snapshot.ask(_TOLD, {"sequence": snapshot.sequence}),
        read_at=read_at,
    )


def list_months(first: date, last: date) -> list[date]:
    """The first days of the months from that of `first` to that of `last`."""
    numbers = range(_number(first), _number(last) + 1)
    return [date(number // 12, number % 12 + 1, 1) for number in numbers]


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _read_state(snapshot: Snapshot, now: datetime) -> object:
    return read_mark(snapshot), snapshot.updated_at, _number(day_of(now))


def _count_values(found: Counter[str]) -> dict[CountedField, tuple[tuple[str, int], ...]]:
    counters: dict[CountedField, Counter[str]] = {
        name: Counter() for name in ("kind", "court", "region", "performance", "year", "conduct")
    }
    for values, count in found.items():
        kind, court, region, performance, published_on, conduct = json.loads(values)
        counters["kind"][kind] += count
        counters["court"][court] += count
        counters["region"][region or ""] += count
        counters["performance"][performance] += count
        counters["year"][published_on[:4]] += count
        for code in {item["code"] for item in conduct}:
            counters["conduct"][code] += count
    return {
        name: tuple(sorted(counter.items(), key=lambda item: (-item[1], item[0]))) for name, counter in counters.items()
    }


def _read_months(snapshot: Snapshot, today: date) -> tuple[Month, ...]:
    ((first,),) = snapshot.ask(_FIRST, {})
    if first is None:
        return ()
    # A change after `today` would be told by a clock that runs ahead: it counts once its month has come.
    months = list_months(min(day_of(local(first)), today), today)[-MONTHS:]
    since = datetime.combine(months[0], time(), SHANGHAI)
    counts: Counter[tuple[date, str]] = Counter()
    for hour, type_, count in snapshot.ask(_HOURS, {"since": utc(since)}):
        counts[_month_of(hour), type_] += count
    return tuple(
        Month(
            first=month,
            published=counts[month, "published"],
            corrected=counts[month, "corrected"],
            departed=counts[month, "gone"],
        )
        for month in months
    )


def _month_of(hour: str) -> date:
    """The month of Asia/Shanghai, eight whole hours ahead, that an hour of UTC lies in."""
    return (datetime.fromisoformat(f"{hour}:00") + timedelta(hours=8)).date().replace(day=1)
