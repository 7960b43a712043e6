"""How the brackets of a text stand. Pure."""

from __future__ import annotations


def find_open_bracket(text: str) -> int:
    """Where the last bracket that stays open in `text` is over, 0 if none does."""
    depth = 0
    for position in range(len(text) - 1, -1, -1):
        depth += (text[position] == ")") - (text[position] == "(")
        if depth < 0:
            return position + 1
    return 0
