"""A paper before it is made: what stands on it, in which look, for whatever writes it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from search_index.day import SHANGHAI

Look = Literal["plain", "bold", "small", "title", "number"]
Alignment = Literal["left", "center", "right"]

_NOT_WRITABLE = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
_DIGITS = "〇一二三四五六七八九"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Words that look alike. `indent`: the first line begins two characters further in. `leads`: on the same page as
    what follows. `drop`: empty lines before it."""

    text: str
    look: Look = "plain"
    alignment: Alignment = "left"
    indent: bool = False
    leads: bool = False
    drop: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text. `widths` are shares of the page; `heading`: the first row says what the columns are."""

    widths: tuple[int, ...]
    rows: tuple[tuple[str, ...], ...]
    heading: bool = False


@dataclass(frozen=True, slots=True)
class PageBreak:
    """What follows begins on a page of its own."""


Block = Paragraph | Table | PageBreak


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A paper of the court. `title` is also that of the file: it names nobody. `head` and `foot` stand on every page;
    `made_on` is the day it bears. `points` is the size of its type."""

    title: str
    court: str
    made_on: date
    blocks: tuple[Block, ...]
    head: str = ""
    foot: str = ""
    points: int = 16

    def texts(self) -> Iterator[str]:
        """Every text on it."""
        yield from (self.head, self.foot)
        for block in self.blocks:
            match block:
                case Paragraph(text=text):
                    yield text
                case Table(rows=rows):
                    yield from (cell for row in rows for cell in row)


def text(words: str, *, indent: bool = True, alignment: Alignment = "left", drop: int = 0) -> Paragraph:
    return Paragraph(text=words, indent=indent, alignment=alignment, drop=drop)


def clean(words: str) -> str:
    """`words` without what no file of a paper can carry."""
    return _NOT_WRITABLE.sub("", words)


def heading(words: str) -> Paragraph:
    return Paragraph(text=words, look="bold", leads=True)


def day_words(day: date | str) -> str:
    """2026年10月8日"""
    day = date.fromisoformat(day) if isinstance(day, str) else day
    return f"{day.year}年{day.month}月{day.day}日"


def moment_words(moment: datetime) -> str:
    """2026年10月8日09:30, in Shanghai."""
    local = moment.astimezone(SHANGHAI)
    return f"{day_words(local.date())}{local:%H:%M}"


def formal_day(day: date) -> str:
    """二〇二六年十月八日, as a document of a court is dated."""
    year = "".join(_DIGITS[int(digit)] for digit in str(day.year))
    return f"{year}年{_count(day.month)}月{_count(day.day)}日"


def _count(number: int) -> str:
    tens, ones = divmod(number, 10)
    return ("" if tens == 0 else "十" if tens == 1 else f"{_DIGITS[tens]}十") + (_DIGITS[ones] if ones else "")
