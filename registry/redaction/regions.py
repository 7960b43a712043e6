"""Provinces, prefectures and counties by their names: where they stand, and what of a name is but its region. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.vocabulary import HAN
from search_index.tables import read_table

DIVISIONS = frozenset(name for _, *names in read_table("divisions.txt") for name in names)
"""Provinces, prefectures and counties by their full names, the first two also for short."""

# 城区, 东区 and the like are counties, but words first.
FULL = frozenset(name for name in DIVISIONS if len(name) > 2 and name[-1] in "省市县区旗州盟")
"""Those by their full names, but for those of two characters."""

_SUFFIX = re.compile(r"(?:(?:回族|满族|土家族|苗族)?自治[区州县旗]|地区|[省市县区旗盟])$")
_SHORT = frozenset(short for name in FULL if len(short := _SUFFIX.sub("", name)) > 1)
_END = re.compile("[省市县区旗州盟]")
_UNLISTED = re.compile(rf"[{HAN}]{{2,12}}?(?:省|市|自治区|自治州|县|区|旗)")
_LONGEST = max(map(len, DIVISIONS))


def find_regions(text: str) -> list[tuple[int, int]]:
    """Where listed divisions are named in full; those that follow one another as one."""
    found: list[tuple[int, int]] = []
    for start, end in _find_full(text):
        if found and found[-1][1] == start:
            found[-1] = found[-1][0], end
        else:
            found.append((start, end))
    return found


def skip_regions(name: str) -> int:
    """How much of the beginning of `name` is but regions, listed or not."""
    at = 0
    while True:
        length = _measure(name, at, DIVISIONS)
        if not length:
            unlisted = _UNLISTED.match(name, at)
            if unlisted is None:
                return at
            length = unlisted.end() - at
        at += length


def skip_listed(name: str) -> int:
    """How much of the beginning of `name` is but listed regions, in full or for short."""
    at = 0
    while length := _measure(name, at, DIVISIONS):
        at += length
    return at


def skip_county(name: str, start: int) -> int:
    """Where the short name of a division at `start` ends; `start` where there is none."""
    return start + _measure(name, start, _SHORT)


def find_first_region(text: str) -> int:
    """Where the first listed division named in full begins; -1 where there is none."""
    return next((start for start, _ in _find_full(text)), -1)


def _measure(text: str, start: int, names: frozenset[str]) -> int:
    """The length of the longest of `names` at `start`; 0 where there is none."""
    return next((n for n in range(min(_LONGEST, len(text) - start), 0, -1) if text[start : start + n] in names), 0)


def _find_full(text: str) -> Iterator[tuple[int, int]]:
    """Where divisions are named in full, from left to right without overlap, the longest first."""
    spans = [
        (match.end() - n, match.end())
        for match in _END.finditer(text)
        for n in range(3, min(_LONGEST, match.end()) + 1)
        if text[match.end() - n : match.end()] in FULL
    ]
    last = 0
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if start >= last:
            yield start, end
            last = end
