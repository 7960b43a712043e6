"""Where the words of a text begin and end, by a dictionary of ordinary Chinese. Pure.

The dictionary is rjieba's (350,000 words, offline). It is asked what is an ordinary word; who is named, the rest decides.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Protocol

from registry.redaction.court_words import ORDINARY
from registry.redaction.trie import any_of

if TYPE_CHECKING:
    from rjieba import Jieba

# More than any word of the dictionary has, so that the words of courts are never cut through.
_OFTEN = 1_000_000


class Lexicon(Protocol):
    """What a text is cut with."""

    def cut(self, text: str) -> list[str]:
        """The words of `text` in their order; together they are the whole text."""

    def has(self, word: str) -> bool:
        """Whether `word` is an ordinary word."""

    def sort_of(self, word: str) -> str:
        """What sort of word `word` is: n, v, a, nr (a person) and others; empty where unknown."""

    def count_of(self, word: str) -> int:
        """How often `word` stands in the texts from which the dictionary was made."""


class Dictionary:
    """The dictionary of ordinary words, and the words of courts."""

    def cut(self, text: str) -> list[str]:
        """The words of `text`; what is no word comes in single characters."""
        return _load().cut(text, False)

    def has(self, word: str) -> bool:
        """Whether the dictionary has `word` as one word."""
        return _load().has_word(word)

    def sort_of(self, word: str) -> str:
        """The dictionary's sort of `word`."""
        return _sort_of(word)

    def count_of(self, word: str) -> int:
        """How often the dictionary's makers met `word`."""
        return _count_of(word)


class CourtWords:
    """The words of courts alone: how much the dictionary helps is measured against it."""

    def cut(self, text: str) -> list[str]:
        """The words of courts in `text`, and single characters."""
        return _COURT_WORD.findall(text)

    def has(self, word: str) -> bool:
        """Whether `word` is a word of courts."""
        return word in ORDINARY

    def sort_of(self, word: str) -> str:
        """Nothing is known of it."""
        return ""

    def count_of(self, word: str) -> int:
        """Nothing is known of it."""
        return 0


@lru_cache(maxsize=20_000)
def _sort_of(word: str) -> str:
    tags = _load().tag(word)
    return tags[0][1] if len(tags) == 1 else ""


_COURT_WORD = re.compile(f"{any_of(word for word in ORDINARY if len(word) > 1)}|[\\s\\S]")


@lru_cache(maxsize=20_000)
def _count_of(word: str) -> int:
    return _load().suggest_freq(word)


@cache
def _load() -> Jieba:
    # Loading it takes longer than most commands.
    from rjieba import Jieba

    dictionary = Jieba()
    for word in ORDINARY:
        if len(word) > 1:
            dictionary.add_word(word, _OFTEN, "n")
    return dictionary
