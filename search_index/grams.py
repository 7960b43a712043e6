"""The runs of characters under which a text can be found. Pure.

Every character and every pair of neighbours of a name, and every pair of a text, is a term. Where the pairs of a
word stand in many documents, they say little about where the word stands. So a longer run is a term too, where the
two runs that make it up are both frequent: then a word either holds a run that few documents have, and those few are
read, or it is a term itself. No word, whatever it is, needs more than RARE documents of a segment to be read, up to
LONGEST characters.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import concat
from typing import cast

# Takes half the time of `str.__add__`.
_pair = cast("Callable[[str, str], str]", concat)

RARE = 384
LONGEST = 6

# The documents that hold each term, by number, ascending.
Table = dict[str, "array[int]"]


def no_documents() -> array[int]:
    """An empty list of document numbers, which fit in two bytes."""
    return array("H")


def build_pairs(text: str) -> set[str]:
    """The overlapping pairs of neighbouring characters in the lines of `text`."""
    pairs = set(map(_pair, text, text[1:]))
    return {pair for pair in pairs if "\n" not in pair} if "\n" in text else pairs


def build_text_table(texts: Iterable[str]) -> Table:
    """The pairs of texts, numbered in order from 0."""
    table: Table = defaultdict(no_documents)
    for number, text in enumerate(texts):
        for pair in build_pairs(text):
            table[pair].append(number)
    return table


def build_name_table(names: Iterable[str]) -> Table:
    """The characters and pairs of names, numbered in order from 0."""
    table: Table = defaultdict(no_documents)
    for number, name in enumerate(names):
        for term in build_pairs(name) | set(name):
            table[term].append(number)
    return table


def build_runs(pairs: Mapping[str, Sequence[int]], texts: Sequence[str]) -> Table:
    """The longer runs of the texts whose pairs are given."""
    found: Table = {}
    places: dict[int, list[int]] = {}
    frequent = _find_frequent({pair: numbers for pair, numbers in pairs.items() if len(pair) == 2})
    for length in range(3, LONGEST + 1):
        if not frequent:
            break
        runs, places = _lengthen(texts, frequent, length, places)
        found.update(runs)
        frequent = _find_frequent(runs)
    return found


def _find_frequent(table: Mapping[str, Sequence[int]]) -> frozenset[str]:
    return frozenset(term for term, numbers in table.items() if len(numbers) > RARE)


def _lengthen(
    texts: Sequence[str], frequent: frozenset[str], length: int, places: Mapping[int, list[int]]
) -> tuple[Table, dict[int, list[int]]]:
    """The runs of `length` of which both shorter runs are frequent, and the places where they begin, by text.

    `places` are those of the runs one shorter; none are given for pairs.
    """
    table: Table = defaultdict(no_documents)
    begins: dict[int, list[int]] = {}
    for number in places or range(len(texts)):
        text = texts[number]
        known = places[number] if places else range(len(text) - 1)
        shorter = length - 1
        held = [place for place in known if text[place : place + shorter] in frequent]
        following = set(held)
        starts = [place for place in held if place + 1 in following]
        if starts:
            begins[number] = starts
            for run in {text[place : place + length] for place in starts}:
                table[run].append(number)
    return table, begins


def list_runs(word: str, length: int) -> Iterator[str]:
    """The overlapping runs of `length` of a word, in order."""
    return (word[place : place + length] for place in range(len(word) - length + 1))
