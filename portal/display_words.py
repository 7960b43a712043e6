"""What a screen and a notice board show of documents, decided before any template. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from portal.narrowing import read_filters
from portal.parameters import Fields, Values, number_between, one_of, read_display
from search_index.document import Document
from search_index.page import Query

ROWS, MOST_ROWS = 8, 10
SECONDS = 10
PER_NOTICE = 60
NOTICE_DAYS = 7
SIZES = ("a4", "a3")

# What stands on a wall is read in passing; the words of the article are on the entry's page.
SHORT_CONDUCT: Mapping[str, str] = {
    "refuses_though_able": "有履行能力而拒不履行",
    "obstructs_enforcement": "妨碍、抗拒执行",
    "evades_enforcement": "规避执行",
    "breaks_property_reporting": "违反财产报告制度",
    "breaks_consumption_limit": "违反限制消费令",
    "breaks_settlement": "无正当理由不履行和解协议",
}

_MOST_PAGES = 999_999
_PAGE = ("page", number_between(1, _MOST_PAGES))
_SCREEN: Fields = {
    "rows": ("rows", number_between(3, MOST_ROWS)),
    "seconds": ("seconds", number_between(4, 120)),
    "page": _PAGE,
}
_NOTICE: Fields = {"size": ("size", one_of(SIZES)), "page": _PAGE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """What a screen asks for: whose entries, how many at a time, how long they stay, and which slide (from 1)."""

    query: Query
    rows: int = ROWS
    seconds: int = SECONDS
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What a printed notice asks for: whose entries, the paper, and which notice (from 1)."""

    query: Query
    size: str = "a4"
    page: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One entry on a wall. `number` is as published: masked, or a code. A representative, who is not listed, is not
    named. `ends_at` is the first instant at which the entry must not be seen any more."""

    name: str
    number: str
    case_number: str
    conduct: str
    court: str
    ends_at: datetime | None

    @property
    def sizes(self) -> tuple[int, int, int]:
        """How small name, case and conduct must be written on a screen, from 0, so that nothing of them is cut off."""
        case = max(_shrink(self.case_number, 22), _shrink(self.court, 15))
        return _shrink(self.name, 8, 26), case, _shrink(self.conduct, 18, 36)

    def as_json(self, now: datetime) -> dict[str, Any]:
        """The line for the script, with what is left of it in milliseconds: a screen's own clock may be wrong."""
        left = None if self.ends_at is None else max(0, int((self.ends_at - now) / timedelta(milliseconds=1)))
        return {
            "name": self.name,
            "number": self.number,
            "case_number": self.case_number,
            "conduct": self.conduct,
            "court": self.court,
            "sizes": self.sizes,
            "left": left,
        }


def read_screen(values: Values) -> Screen:
    """The parameters of a screen. Raises BadParameters."""
    query, own = read_display(values, _SCREEN)
    return Screen(query=query, **own)


def read_sheet(values: Values) -> Sheet:
    """The parameters of a notice. Raises BadParameters."""
    query, own = read_display(values, _NOTICE)
    return Sheet(query=query, **own)


def build_lines(documents: Iterable[Document]) -> list[Line]:
    """The lines of documents, in their order."""
    return [
        Line(
            name=document.name,
            number=(document.id_number if document.kind == "person" else document.uscc) or "",
            case_number=document.case_number or "",
            conduct="；".join(SHORT_CONDUCT.get(item.code, item.text) for item in document.conduct),
            court=document.court,
            ends_at=document.visible_until,
        )
        for document in documents
    ]


def _shrink(text: str, *longest: int) -> int:
    return sum(len(text) > length for length in longest)


def count_pages(total: int, size: int) -> int:
    """How many slides or notices `total` entries make; one where there are none."""
    return max(1, ceil(total / size))


def find_end(lines: Sequence[Line], now: datetime) -> datetime:
    """Until when a notice printed at `now` may hang: seven days, or until the first of its entries ends."""
    ends = [line.ends_at for line in lines if line.ends_at is not None]
    return min([now + timedelta(days=NOTICE_DAYS), *ends])


def describe(query: Query) -> str:
    """Whose entries these are, in words; nothing where they are all."""
    return "，".join(words for _, words in read_filters(query))
