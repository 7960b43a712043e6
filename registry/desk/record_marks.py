"""A free text with what is proposed to be redacted in it marked, for the reviewer's eye. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.findings import Excerpt


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text. `number` is that of its finding among all of the record, from 1; None for what is not marked."""

    text: str
    number: int | None = None
    is_next: bool = False


def mark_text(text: str, field: str, excerpts: Sequence[Excerpt], next_open: int | None) -> list[Piece]:
    """`text` in pieces, those that are found in it with their numbers. `next_open` is the place of the one to decide next."""
    pieces: list[Piece] = []
    position = 0
    for index, item in enumerate(excerpts):
        if item.field != field:
            continue
        finding = item.finding
        pieces.append(Piece(text[position : finding.start]))
        pieces.append(Piece(text[finding.start : finding.end], index + 1, index == next_open))
        position = finding.end
    pieces.append(Piece(text[position:]))
    return [piece for piece in pieces if piece.text]
