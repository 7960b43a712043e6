"""Which figures of a text lead to somebody and go, and which a reader needs and stay. Pure.

What can be nothing but an identifier goes first, by its word or its shape; then dates and amounts are set aside; what is
left and long goes, for no obligation needs it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from registry.redaction.births import find_births
from registry.redaction.figures import find_amounts, find_references
from registry.redaction.identifiers import find_account_tails, find_keyworded, find_plates
from registry.redaction.online import find_addresses_online, find_nicknames
from registry.redaction.shapes import find_loose, find_strict
from registry.redaction.sheet import fold
from registry.redaction.titles import find_coded, find_titles
from registry.redaction.vocabulary import Named

# No published text may hold one of these, whatever the context.
IDENTIFIER_RULES = frozenset(
    {
        "id_number", "card", "number", "mobile", "landline", "plate", "title_number", "email", "url",
        "social_account", "other_id", "vehicle_number", "credit_code", "spelled_number", "birth_date",
    }
)  # fmt: skip
_DECIDED = "\1"


@dataclass(frozen=True, slots=True)
class Numbers:
    """What stays of a text, and what goes; no two overlap."""

    kept: tuple[tuple[int, int], ...]
    taken: tuple[Named, ...]


def find_numbers(text: str) -> Numbers:
    """The figures of `text` (folded, with blanks where something is decided)."""
    sheet = _Figures(text)
    sheet.keep(find_references(sheet.text))
    for find in (
        find_addresses_online,
        find_titles,
        find_births,
        find_keyworded,
        find_coded,
        find_plates,
        find_strict,
        find_account_tails,
    ):
        sheet.take(find)
    sheet.take(find_nicknames)
    sheet.keep(find_amounts(sheet.text))
    sheet.take(find_loose)
    return Numbers(tuple(sheet.kept), tuple(sheet.taken))


_SURE = frozenset({"id_number", "card", "mobile", "landline", "other_id", "spelled_number"})


def find_sure_numbers(text: str) -> list[tuple[int, int]]:
    """Where somebody's number stands beyond doubt, in a text of any kind: what a command prints has none of them."""
    taken = find_numbers(fold(text)).taken
    return sorted((n.start, n.end) for n in taken if n.rule in _SURE and n.confidence == "high")


class _Figures:
    """The text, on which what was decided is blanked out."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kept: list[tuple[int, int]] = []
        self.taken: list[Named] = []

    def keep(self, spans: Iterable[tuple[int, int]]) -> None:
        own, end = [], 0
        for span in sorted(spans):
            if end <= span[0] < span[1]:
                own.append(span)
                end = span[1]
        self.kept += own
        self._blank(own)

    def take(self, find: Callable[[str], Iterable[Named]]) -> None:
        end = 0
        spans = []
        for span in sorted(find(self.text), key=lambda span: span.start):
            if span.start >= end and span.start < span.end and not _BLANK.search(self.text, span.start, span.end):
                spans.append(span)
                end = span.end
        self.taken += spans
        self._blank([(span.start, span.end) for span in spans])

    def _blank(self, spans: list[tuple[int, int]]) -> None:
        if not spans:
            return
        parts: list[str] = []
        position = 0
        for start, end in spans:
            parts += (self.text[position:start], _DECIDED * (end - start))
            position = end
        self.text = "".join((*parts, self.text[position:]))


_BLANK = re.compile(r"[\0\1]")
