"""Names that are not the same, and are taken for one another: 闫 for 阎, 付 for 傅. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import combinations, islice, product

from search_index.tables import read_table

MOST_NAMES = 16


def list_confusable(name: str) -> tuple[tuple[str, tuple[tuple[str, str], ...]], ...]:
    """The folded names that differ from a folded name in confusable characters only, each with its pairs (typed,
    other), those with fewest differences first; at most sixteen."""
    return tuple(islice(_differing(name), MOST_NAMES))


def _differing(name: str) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
    others = _others()
    if others.keys().isdisjoint(name):
        return
    places = [place for place, character in enumerate(name) if character in others]
    for size in range(1, len(places) + 1):
        for chosen in combinations(places, size):
            for characters in product(*(others[name[place]] for place in chosen)):
                other = list(name)
                for place, character in zip(chosen, characters, strict=True):
                    other[place] = character
                yield "".join(other), tuple((name[place], other[place]) for place in chosen)


@cache
def _others() -> dict[str, tuple[str, ...]]:
    """What each character may be taken for."""
    others: dict[str, tuple[str, ...]] = {}
    for (group,) in read_table("confusable.txt"):
        for character in group:
            others[character] = others.get(character, ()) + tuple(c for c in group if c != character)
    return others
