"""Tables of characters and how they are read. Each file names its sources and its licence in its head.

A line is a key, a tab, then what belongs to it; `#` begins a comment.
"""

from __future__ import annotations

from importlib.resources import files


def read_table(name: str) -> list[tuple[str, str]]:
    """The lines of a table: the key, and what belongs to it."""
    lines = files(__name__).joinpath(name).read_text(encoding="utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return [(key, rest) for key, rest in rows]
