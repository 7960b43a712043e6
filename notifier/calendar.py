"""Which quarter's list is due, decided from the calendar alone.

The scheduler is not asked: it forgets what was due while it was down. The quarter and its first working day are the
assumption of the rulebook (law.md §5.3, policy B4 “每季度”), until a court says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

# A run later than this is not made without a person: the reader would take an old quarter for news.
MOST_DAYS_LATE = 7
LOOK_BACK_DAYS = 366
_SHAPE = re.compile(r"(20\d{2}|2100)Q([1-4])")


class Workdays(Protocol):
    """Who knows the working days."""

    def first_workday_after(self, day: date) -> date:
        """The first working day later than `day`."""


class InvalidPeriod(ValueError):
    """What was typed is not a quarter. The message is for the person who typed it."""

    def __init__(self, text: str) -> None:
        super().__init__(f"期次“{text[:20]}”不正确：应写成年份加季度，例如2026Q3表示2026年第三季度")


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """A calendar quarter; as text 2026Q3. In order of time."""

    year: int
    quarter: int

    @classmethod
    def parse(cls, text: str) -> Period:
        """The period that `text` (2026Q3, case and outer blanks free) names. Raises InvalidPeriod."""
        match = _SHAPE.fullmatch(text.strip().upper())
        if match is None:
            raise InvalidPeriod(text)
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Period:
        """The period that `day` lies in."""
        return cls(day.year, (day.month + 2) // 3)

    def __str__(self) -> str:
        return f"{self.year}Q{self.quarter}"

    @property
    def label(self) -> str:
        return f"{self.year}年第{'一二三四'[self.quarter - 1]}季度"

    @property
    def start(self) -> date:
        return date(self.year, 3 * self.quarter - 2, 1)

    @property
    def end(self) -> date:
        """The last day of the quarter."""
        return self.next.start - timedelta(days=1)

    @property
    def next(self) -> Period:
        return Period(self.year + self.quarter // 4, self.quarter % 4 + 1)

    def due_on(self, workdays: Workdays) -> date:
        """The day its list is pushed: the first working day after the quarter's end."""
        return workdays.first_workday_after(self.end)


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePeriod:
    """A period whose day has come and that has no run. `days_late` counts calendar days after `due_on`."""

    period: Period
    due_on: date
    days_late: int

    @property
    def waits_for_person(self) -> bool:
        return self.days_late > MOST_DAYS_LATE


def due_periods(today: date, first: Period, done: Collection[Period], workdays: Workdays) -> list[DuePeriod]:
    """The periods from `first` on that are due by `today` and not `done`, oldest first, a year back at most."""
    start = max(first, Period.of(today - timedelta(days=LOOK_BACK_DAYS)))
    waiting = (period for period in _from(start, until=today) if period not in done)
    dated = ((period, period.due_on(workdays)) for period in waiting)
    return [
        DuePeriod(period=period, due_on=due_on, days_late=(today - due_on).days)
        for period, due_on in dated
        if due_on <= today
    ]


def find_first_period(started_on: date, workdays: Workdays) -> Period:
    """The first period that a notifier started on `started_on` is to push: the earliest not yet past its day."""
    current = Period.of(started_on)
    before = Period.of(current.start - timedelta(days=1))
    return before if before.due_on(workdays) >= started_on else current


def last_day_of_use(today: date, workdays: Workdays) -> date:
    """The last day on which a list made `today` may be shown: the day the next one is pushed."""
    period = Period.of(today - timedelta(days=LOOK_BACK_DAYS))
    while (due_on := period.due_on(workdays)) <= today:
        period = period.next
    return due_on


def _from(first: Period, *, until: date) -> Iterator[Period]:
    period = first
    while period.end < until:
        yield period
        period = period.next
