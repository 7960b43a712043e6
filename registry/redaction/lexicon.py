"""Where the words of a text begin and end, and what sort they are, by a dictionary of ordinary Chinese. Pure.

The dictionary is rjieba's (350,000 words, offline). It is asked what is an ordinary word; who is named, the rest decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rjieba import Jieba


@dataclass(frozen=True, slots=True)
class Token:
    """A word at `text[start:end]`. `sort` is the dictionary's: n, v, nr (a person), ns (a place); x where unknown."""

    text: str
    sort: str
    start: int
    end: int


@cache
def _dictionary() -> Jieba:
    # Loading it takes longer than most commands.
    from rjieba import Jieba

    return Jieba()


def read_tokens(text: str) -> Iterator[Token]:
    """The words of `text` in their order; together they are the whole text."""
    position = 0
    for word, sort in _dictionary().tag(text):
        yield Token(word, sort, position, position + len(word))
        position += len(word)


def is_word(text: str) -> bool:
    """Whether the dictionary has `text` as one word."""
    return _dictionary().has_word(text)
