"""The calendar quarter that feedback is given for (policy B7 “每季度”). Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from registry.units.words import UnitError

_SHAPE = re.compile(r"(20\d{2}|2100)Q([1-4])", re.ASCII)


@dataclass(frozen=True, slots=True, order=True)
class Quarter:
    """A calendar quarter; as text 2026Q3. In order of time."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Quarter:
        """The quarter that `text` (2026Q3, case and outer blanks free) names. Raises UnitError."""
        match = _SHAPE.fullmatch(text.strip().upper())
        if match is None:
            raise UnitError("期次不正确：应写成年份加季度，例如2026Q3表示2026年第三季度")
        return cls(int(match[1]), int(match[2]))

    @classmethod
    def of(cls, day: date) -> Quarter:
        """The quarter that `day` lies in."""
        return cls(day.year, (day.month + 2) // 3)

    @classmethod
    def before(cls, day: date) -> Quarter:
        """The last quarter that was over before `day`."""
        return cls.of(cls.of(day).start - timedelta(days=1))

    def __str__(self) -> str:
        return f"{self.year}Q{self.number}"

    @property
    def label(self) -> str:
        return f"{self.year}年第{'一二三四'[self.number - 1]}季度"

    @property
    def start(self) -> date:
        return date(self.year, 3 * self.number - 2, 1)

    @property
    def end(self) -> date:
        """The last day of the quarter."""
        return self.next.start - timedelta(days=1)

    @property
    def next(self) -> Quarter:
        return Quarter(self.year + self.number // 4, self.number % 4 + 1)
