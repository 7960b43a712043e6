"""Tables of characters and sounds. Each file names its sources and its licence in its head.

A line is a key, then what belongs to it, parted by white space; `#` begins a comment.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def read_table(name: str) -> tuple[tuple[str, ...], ...]:
    """The lines of a table, each cut at white space."""
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return tuple(tuple(line.split()) for line in text.splitlines() if line and not line.startswith("#"))
