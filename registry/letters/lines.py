"""Where lines of Chinese end: a mark does not begin a line, an opening one does not end it, a number stays whole. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

_NOT_FIRST = frozenset("，。、；：？！）》”’〕】」』％%…—·,.;:?!)]}")
_NOT_LAST = frozenset("（《“‘〔【「『([{")
# What is not parted: Latin words and numbers, with what joins them.
_PIECE = re.compile(r"[A-Za-z0-9*×.,/:@_+-]+|\s|.", re.DOTALL)

Measure = Callable[[str], float]


def break_lines(text: str, width: float, measure: Measure, first: float = 0) -> list[str]:
    """`text` in lines no wider than `width` by `measure`; the first begins `first` further in. Never empty."""
    lines: list[str] = []
    for part in text.split("\n"):
        lines += _break(part, width, measure, 0 if lines else first)
    return lines


def _break(text: str, width: float, measure: Measure, first: float) -> list[str]:
    lines, line, room = [], "", width - first
    for piece in _pieces(text, width, measure):
        if line and measure(line + piece) > room and not (piece in _NOT_FIRST and measure(line) <= room):
            line, carried = _carry(line)
            lines.append(line)
            line, room = carried, width
            piece = piece if line else piece.lstrip(" ")
        line += piece
    lines.append(line)
    return lines


def _carry(line: str) -> tuple[str, str]:
    """The line without what may not end it, and that."""
    end = len(line)
    while end > 1 and line[end - 1] in _NOT_LAST:
        end -= 1
    return line[:end], line[end:]


def _pieces(text: str, width: float, measure: Measure) -> Iterator[str]:
    for match in _PIECE.finditer(text):
        piece = match[0]
        if measure(piece) > width:
            # Longer than any line: parted after all.
            yield from piece
        else:
            yield piece
