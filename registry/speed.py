"""How fast departures were carried out, as figures: no record, no name, and no number so small that it tells of somebody.

Months are given once they are over; neighbouring months are joined until there are at least three departures, and what
is still too few is told with the months that follow. So no two states of the figures differ by fewer than three.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median
from typing import Any

from registry.deadlines import add_months

FEWEST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """One departure: on which day it was decided, how many days lay between the knowing of its ground and the hour when
    nobody could see the entry any more, and whether that was in time."""

    on: date
    days: int
    in_time: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The figures of some whole months. Days are calendar days."""

    first: date
    last: date
    departures: int
    on_time: int
    median_days: float
    worst_days: int

    def as_json(self) -> dict[str, Any]:
        return {
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "departures": self.departures,
            "on_time": self.on_time,
            "late": self.departures - self.on_time,
            "median_days": self.median_days,
            "worst_days": self.worst_days,
        }


def build_figures(gone: Iterable[Gone], today: date) -> dict[str, Any] | None:
    """The figures of all whole months before `today`, in all and by month; None where there is too little to tell."""
    this_month = today.replace(day=1)
    periods = _join(list(gone), this_month)
    if not periods:
        return None
    whole = _count([one for period in periods for one in period[2]], periods[0][0], periods[-1][1])
    return {**whole.as_json(), "periods": [_count(some, first, last).as_json() for first, last, some in periods]}


def _join(gone: Sequence[Gone], end: date) -> list[tuple[date, date, list[Gone]]]:
    """Whole months from the first departure until `end`, neighbours joined until each has enough; what is left over at
    the end is too little, and left out."""
    if not gone:
        return []
    periods: list[tuple[date, date, list[Gone]]] = []
    start = month = min(one.on for one in gone).replace(day=1)
    some: list[Gone] = []
    while month < end:
        following = add_months(month, 1)
        some += [one for one in gone if month <= one.on < following]
        if len(some) >= FEWEST:
            periods.append((start, following - timedelta(days=1), some))
            start, some = following, []
        month = following
    return periods


def _count(gone: Sequence[Gone], first: date, last: date) -> Figures:
    return Figures(
        first=first,
        last=last,
        departures=len(gone),
        on_time=sum(one.in_time for one in gone),
        median_days=float(median(one.days for one in gone)),
        worst_days=max(one.days for one in gone),
    )
