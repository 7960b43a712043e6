"""A pattern of many words that is as fast as one of few: what begins alike is looked at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby


def any_of(words: Iterable[str]) -> str:
    """A pattern that matches the longest of `words`."""
    return _branch(sorted(set(words)))


def any_found(words: Iterable[str]) -> str:
    """The same for a search of hundreds of words: first letters are tried in groups and not one by one."""
    tails = [
        (first, _branch([word[1:] for word in alike]))
        for first, alike in groupby(sorted(set(words)), key=lambda word: word[0])
    ]
    groups = []
    for at in range(0, len(tails), _GROUP):
        group = tails[at : at + _GROUP]
        ways = "|".join(f"(?<={re.escape(first)}){tail}" for first, tail in group)
        groups.append(f"(?<={_one_of(first for first, _ in group)})(?:{ways})")
    return f"{_one_of(first for first, _ in tails)}(?:{'|'.join(groups)})"


def listed(words: str) -> list[str]:
    """The words of a long list as it is written in a text, so that it takes a few lines."""
    return words.split()


_GROUP = 20


def _one_of(letters: Iterable[str]) -> str:
    return f"[{''.join(map(re.escape, letters))}]"


def _branch(words: list[str]) -> str:
    tails = [
        re.escape(first) + _branch([word[1:] for word in alike])
        for first, alike in groupby((word for word in words if word), key=lambda word: word[0])
    ]
    if not tails:
        return ""
    body = tails[0] if len(tails) == 1 else f"(?:{'|'.join(tails)})"
    return f"(?:{body})?" if "" in words else body
