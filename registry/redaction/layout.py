"""A text without the blanks and line breaks that fall inside words, and where its characters stood. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from registry.redaction.vocabulary import HAN, Named

_BLANK = re.compile(r"\s")
_BREAK = re.compile(
    rf"(?<=[{HAN}\d#-])\s{{1,3}}(?=[{HAN}\d#-])|(?<=[{HAN}])\s{{1,3}}(?=[A-Za-z])|(?<=[A-Za-z])\s{{1,3}}(?=[{HAN}])"
)


def read_unbroken(find: Callable[[str], Iterable[Named]], text: str) -> Iterator[Named]:
    """What `find` names in `text` when a word may be torn apart by a line break or a blank."""
    breaks = [match.span() for match in _BREAK.finditer(text)] if _BLANK.search(text) else []
    if not breaks:
        yield from find(text)
        return
    torn = {position for start, end in breaks for position in range(start, end)}
    places = [position for position in range(len(text)) if position not in torn]
    for found in find(_BREAK.sub("", text)):
        yield replace(found, start=places[found.start], end=places[found.end - 1] + 1)


def find_open_bracket(text: str) -> int:
    """Where the last bracket that stays open in `text` is over, 0 if none does."""
    depth = 0
    for position in range(len(text) - 1, -1, -1):
        depth += (text[position] == ")") - (text[position] == "(")
        if depth < 0:
            return position + 1
    return 0
