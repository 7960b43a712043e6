"""Where the words of a text begin and end, by a dictionary of ordinary Chinese. Pure.

The dictionary is rjieba's (350,000 words, offline). It is asked what is an ordinary word; who is named, the rest decides.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Protocol

from registry.redaction.court_words import DIVISIONS, ORDINARY
from registry.redaction.trie import any_of

if TYPE_CHECKING:
    from rjieba import Jieba

# More than any word of the dictionary has, so that the words of courts are never cut through.
_OFTEN = 1_000_000


class Lexicon(Protocol):
    """What a text is cut with."""

    def __hash__(self) -> int:
        """What was read with it is kept by it."""

    def cut(self, text: str) -> list[str]:
        """The words of `text` in their order; together they are the whole text."""

    def words_at(self, run: str) -> list[list[str]]:
        """The ordinary words that begin at each character of `run`, which is of Chinese characters alone."""

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

    def words_at(self, run: str) -> list[list[str]]:
        """The words of the dictionary in `run`, by where they begin."""
        found: list[list[str]] = [[] for _ in run]
        at = -1
        # They come in order, and before the longer ones of a place its character, unless that is in no word's list.
        for word in _load().cut_all(run):
            if len(word) == 1 or at < 0 or not run.startswith(word, at):
                at = run.index(word, at + 1)
            found[at].append(word)
        return found

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

    def words_at(self, run: str) -> list[list[str]]:
        """The words of courts in `run`, by where they begin."""
        return [
            [run[start:end] for end in range(start + 1, start + 7) if end == start + 1 or run[start:end] in ORDINARY]
            for start in range(len(run))
        ]

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
    dictionary, counts = _load_with_counts()
    return counts[word] if word in counts else dictionary.suggest_freq(word)


def _load() -> Jieba:
    return _load_with_counts()[0]


@cache
def _load_with_counts() -> tuple[Jieba, dict[str, int]]:
    """The dictionary with the words of courts, and how often its makers met these."""
    # Loading it takes longer than most commands.
    from rjieba import Jieba

    dictionary = Jieba()
    counts = {word: dictionary.suggest_freq(word) if dictionary.has_word(word) else 0 for word in ORDINARY}
    sorts = {word: tags[0][1] if len(tags := dictionary.tag(word)) == 1 else "n" for word in ORDINARY}
    for word in ORDINARY:
        if len(word) > 1:
            dictionary.add_word(word, _OFTEN, sorts[word])
    for place in DIVISIONS:
        if len(place) > 2:
            dictionary.add_word(place, _OFTEN, "ns")
    return dictionary, counts
