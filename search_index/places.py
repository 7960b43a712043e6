"""Names of places: which there are, and which are names of one place at different times. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice

from search_index.folding import fold_name
from search_index.tables import read_table


@dataclass(frozen=True, slots=True)
class Renaming:
    """A place is named `typed` in a text and had or has the name `other`; `reason` says so in Chinese."""

    typed: str
    other: str
    reason: str


def find_end(text: str, start: int, *, stems: bool = False) -> int:
    """Where the longest name of a place ends that a folded text has at `start`; 0 where it has none there.

    Known are provinces, prefectures and counties of today and since 1982 by their full names, provinces and prefectures
    also by their short names; with `stems` also counties by what is before 县 or 市, if it has three characters or more:
    shorter ones are often mere good words.
    """
    for name in (_read_stems() if stems else _read_names()).get(text[start : start + 2], ()):
        if text.startswith(name, start):
            return start + len(name)
    return 0


def find_renamings(text: str) -> tuple[Renaming, ...]:
    """What places in a folded text were or are called otherwise; today's name first, four at most."""
    if _ENDINGS.isdisjoint(text):
        return ()
    renamings = (renaming for place in _find_places(text) for renaming in _list_renamings(place))
    return tuple(islice(renamings, _MOST))


_MOST = 4
_ENDINGS = frozenset("县市区州盟旗")


def _find_places(text: str) -> Iterator[str]:
    # Only what ends like a place is looked up, the longest first, so that 襄阳县 is not 阳县 nor 达县地区 达县.
    known, tails, longest = _list_chains(), _list_tails(), _find_longest()
    ends = [n + 1 for n, c in enumerate(text) if c in _ENDINGS and text[n - 1 : n + 1] in tails]
    place = 0
    for end in ends:
        starts = range(max(place, end - longest), end - 1)
        start = next((start for start in starts if text[start:end] in known), None)
        if start is not None:
            place = max(later for later in ends if later >= end and text[start:later] in known)
            yield text[start:place]


def _list_renamings(place: str) -> Iterator[Renaming]:
    today, others = _list_chains()[place]
    if place != today:
        yield Renaming(place, today, f"“{place}”现为“{today}”")
    for other in others:
        if other not in (place, today):
            yield Renaming(place, other, _explain(place, other, today))


def _explain(place: str, other: str, today: str) -> str:
    if place == today:
        return f"“{other}”现为“{today}”"
    return f"“{place}”和“{other}”是同一地方先后的名称，现为“{today}”"


@cache
def _list_chains() -> dict[str, tuple[str, tuple[str, ...]]]:
    """Each name that changed, with today's name of the place and the names that it followed or that followed it, the
    latest first.

    What merely ended in the same name is not of one place: 怀化县 and 怀化地区 both became 怀化市.
    """
    next_name = {fold_name(old): fold_name(new) for _, old, new, _ in read_table("places.txt")}
    later = {name: _follow(name, next_name) for name in next_name}
    earlier: defaultdict[str, list[str]] = defaultdict(list)
    for old in reversed(next_name):
        for name in later[old]:
            earlier[name].append(old)
    chains: dict[str, tuple[str, tuple[str, ...]]] = {}
    for name in (*next_name, *next_name.values()):
        onwards = (name, *later.get(name, ()))
        chains[name] = onwards[-1], (*reversed(onwards), *earlier[name])
    return chains


@cache
def _list_tails() -> frozenset[str]:
    return frozenset(name[-2:] for name in _list_chains())


@cache
def _find_longest() -> int:
    return max(map(len, _list_chains()))


def _follow(name: str, next_name: dict[str, str]) -> tuple[str, ...]:
    """The names that followed a name, the earliest first."""
    following: list[str] = []
    while (later := next_name.get(name)) and later not in following:
        name = later
        following.append(name)
    return tuple(following)


@cache
def _read_names() -> dict[str, tuple[str, ...]]:
    return _by_head(_list_full_names() | _list_short_names())


@cache
def _read_stems() -> dict[str, tuple[str, ...]]:
    stems = (name[:-1] for name in _list_full_names() if name[-1] in "县市" and "自治" not in name)
    return _by_head(_list_full_names() | _list_short_names() | {stem for stem in stems if len(stem) > 2})


def _by_head(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    heads: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(names, key=len, reverse=True):
        heads[name[:2]].append(name)
    return {head: tuple(listed) for head, listed in heads.items()}


def _list_full_names() -> frozenset[str]:
    divisions = read_table("divisions.txt")
    # A county's line has nothing but full names.
    today = {name for kind, *names in divisions for name in (names if kind == "county" else names[:1])}
    former = {name for _, old, new, _ in read_table("places.txt") for name in (old, new)}
    return frozenset(map(fold_name, today | former))


def _list_short_names() -> frozenset[str]:
    return frozenset(
        fold_name(name) for kind, _, *names in read_table("divisions.txt") if kind != "county" for name in names
    )
