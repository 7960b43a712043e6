"""What a spreadsheet must not be given to run. Pure; one rule for every table that leaves the product."""

from __future__ import annotations

# What a spreadsheet may take for the start of a formula, now or after it is saved anew: also behind a tab or a line break.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def guard_formula(cell: str) -> str:
    """`cell` with an apostrophe before it where a spreadsheet could run it as a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell
