"""Names of minority languages, in Chinese characters and in Latin letters. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import islice, product
from operator import concat, getitem
from typing import NamedTuple

from search_index.tables import read_table

Pair = tuple[str, str]


def list_transliterations(name: str) -> tuple[tuple[str, tuple[Pair, ...]], ...]:
    """The whole folded names that write the same parts with other characters, each with its (typed, other) parts.

    Empty where no part of the name is known, or where one character would be left over: 张泽仁 is a surname and a
    given name, not a part of two characters. A whole name of two characters that begins with a common surname may be
    a Han name: 曲培 is neither written otherwise nor another way of writing 群培.
    """
    parts = _split(name)
    return tuple(
        ("".join(chosen), tuple(pair for pair in zip(parts, chosen, strict=True) if pair[0] != pair[1]))
        for chosen in _list_others(parts)
    )


def list_spellings(name: str) -> tuple[str, ...]:
    """The names of `list_transliterations` by themselves."""
    return tuple(map("".join, _list_others(_split(name))))


def list_latin_names(words: Sequence[str]) -> tuple[str, ...]:
    """The folded names in characters that the words, as `fold_latin` gives them, usually are the Latin spelling of."""
    latin = _read_parts().latin
    if not all(word in latin for word in words):
        return ()
    return tuple("".join(chosen) for chosen in _combine([latin[word] for word in words]))


def fold_latin(text: str) -> tuple[str, ...]:
    """The words of a Latin spelling: lower case, without accents and apostrophes, parted at anything else."""
    if text.isascii():
        return tuple(_ASCII_WORD.findall(text.lower().replace("'", "").replace("`", "")))
    plain = (c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    letters = "".join(c if c.isalpha() else "" if c in _APOSTROPHES else " " for c in plain)
    return tuple(letters.translate(_LETTERS).split())


def list_latin_keys(text: str) -> frozenset[str]:
    """The words of a Latin spelling, and all of it as one word."""
    words = fold_latin(text)
    return frozenset((*words, "".join(words))) if words else frozenset()


# Of 次仁多吉 with seven and five spellings, every one.
_MOST = 40
_APOSTROPHES = frozenset("'’‘`´ʼʻ")
_ASCII_WORD = re.compile("[a-z]+")
_LETTERS = str.maketrans({"ı": "i", "ø": "o", "đ": "d", "ł": "l", "æ": "ae", "œ": "oe", "ə": "e"})


class _Parts(NamedTuple):
    spellings: dict[str, tuple[str, ...]]  # the other ways of writing the same part, and itself
    latin: dict[str, tuple[str, ...]]
    heads: frozenset[str]  # the first two characters of each


@cache
def _read_parts() -> _Parts:
    spellings: defaultdict[str, list[str]] = defaultdict(list)
    latin: defaultdict[str, list[str]] = defaultdict(list)
    for line in read_table("transliterations.txt"):
        written, spelled = line[0].split(","), line[1].split(",")
        for part in written:
            spellings[part] += [other for other in written if other not in spellings[part]]
        for word in spelled:
            latin[word] += [part for part in written if part not in latin[word]]
    return _Parts(
        {part: tuple(others) for part, others in spellings.items()},
        {word: tuple(parts) for word, parts in latin.items()},
        frozenset(part[:2] for part in spellings),
    )


def _list_others(parts: Sequence[str]) -> list[tuple[str, ...]]:
    """The parts with at least one of them in another spelling."""
    if not parts:
        return []
    spellings = _read_parts().spellings
    others = _combine([(part, *(other for other in spellings.get(part, ()) if other != part)) for part in parts])[1:]
    if len(parts) > 1:
        return others
    return [] if _may_be_han(parts[0]) else [other for other in others if not _may_be_han(other[0])]


def _may_be_han(name: str) -> bool:
    """Whether a whole name of two characters begins with a common surname."""
    return len(name) == 2 and name[0] in _read_surnames()


@cache
def _read_surnames() -> frozenset[str]:
    return frozenset("".join(characters for line in read_table("common_surnames.txt") for characters in line))


def _combine(choices: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """A choice from each, the usual ones first."""
    return [tuple(map(getitem, choices, chosen)) for chosen in _list_choices(*map(len, choices))]


@lru_cache(maxsize=256)
def _list_choices(*sizes: int) -> list[tuple[int, ...]]:
    if not sizes:
        return []
    return sorted(islice(product(*map(range, sizes)), _MOST * _MOST), key=sum)[: _MOST + 1]


def _split(name: str) -> tuple[str, ...]:
    """The name in parts, as much of it as possible known; empty where nothing is, or where one character is left."""
    size = len(name)
    if size > _LONGEST_NAME or _read_parts().heads.isdisjoint(map(concat, name, name[1:])):
        return ()
    known = _read_parts().spellings
    # The best way up to each place: most characters known, then fewest parts.
    best: list[tuple[int, int, tuple[str, ...]] | None] = [(0, 0, ())] + [None] * size
    for end in range(2, size + 1):
        ways = []
        for start in range(end - 1):
            before, part = best[start], name[start:end]
            if before is not None and (part in known or not (before[2] and before[2][-1] not in known)):
                ways.append((before[0] + len(part) * (part in known), before[1] - 1, (*before[2], part)))
        best[end] = max(ways, default=None)
    whole = best[size]
    return whole[2] if whole is not None and whole[0] else ()


_LONGEST_NAME = 24
