"""A clause cut into ordinary words and names, as is the likeliest. Pure.

Chinese writes no spaces: where a name begins and ends is told by the words around it as well as by what it is made of.
So all readings of a clause are compared. Each word and each name costs the more the rarer it is, and a name costs
little behind what takes a person, much behind anything else.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

from registry.redaction.called import cost_as_name
from registry.redaction.court_words import ORDINARY
from registry.redaction.lexicon import Lexicon
from registry.redaction.name_costs import end_names
from registry.redaction.word_costs import (
    JOIN,
    LISTED,
    MARK,
    NAME,
    OTHER,
    PEOPLE,
    ROLE,
    START,
    SURE,
    TAKER,
    Place,
    Word,
    is_end,
    weigh_word,
)

# What it costs behind each place to name somebody; not to; and not to, with a word that is none of courts:
#          role agentive paying taker join people start listed mark other name
_TO_NAME = (0.3, 0.6, 1.2, 1.2, 0.3, 1.5, 2.5, 1.4, 3.5, 3.8, 6.0)
_TO_WORD = (2.5, 0.8, 0.5, 0.4, 2.3, 0.3, 0.2, 0.2, 0.0, 0.0, 0.0)
_TO_STRANGE = (4.8, 3.8, 3.3, 1.9, 4.5, 1.3, 0.9, 0.9, 0.0, 0.8, 0.3)
_KNOWN, _KNOWN_ON = 4.0, 4.0
_BEFORE_KNOWN = SURE | {START, LISTED, PEOPLE, MARK}
_JOINED = frozenset({NAME, MARK})
# No name begins inside a word of courts of so many characters.
_LONG_WORD = 4


@dataclass(frozen=True, slots=True)
class Read:
    """A name in a clause: where it stands, behind what, and by how much it is likelier than ordinary words."""

    start: int
    end: int
    place: Place
    margin: float


@dataclass(frozen=True, slots=True)
class Clause:
    """Chinese characters without a break, what stands before them, and where in them a role ends.

    It is open where what was decided before, a figure or a letter follows, so that it is no sentence's end.
    """

    run: str
    first: Place
    roles: frozenset[int] = frozenset()
    open: bool = False


# The cost of the best reading up to a place that ends so, where its last piece began, and behind what.
_Step = tuple[float, int, Place]
_Steps = list[dict[Place, _Step]]


# What it costs to come to a place other than behind a name and to go on there with a word, with a strange one; to come to
# any and go on with a name; and behind what.
_Cheapest = tuple[float, Place, float, Place, float, Place]


def read_clause(clause: Clause, lexicon: Lexicon, known: Collection[str] = ()) -> tuple[Read, ...]:
    """The names in `clause`; those in `known` are names wherever one may stand."""
    run = clause.run
    if run in ORDINARY and not known:
        return ()
    words = [[weigh_word(word, lexicon) for word in found or run[at]] for at, found in enumerate(lexicon.words_at(run))]
    best: _Steps = [{} for _ in range(len(run) + 1)]
    best[0][clause.first] = (0.0, -1, clause.first)
    for at, here in enumerate(best[:-1]):
        if here:
            if at in clause.roles:
                here = best[at] = {ROLE: min(here.values())}
            cheapest = _find_cheapest(here)
            longest = words[at][-1]
            if len(longest.text) >= _LONG_WORD and not longest.strange:
                _step_over_words(best, at, cheapest, [longest], closed=False)
            else:
                _step_over_words(best, at, cheapest, words[at], closed=not clause.open and at + 1 == len(run))
                _step_over_names(best, at, cheapest, clause, words[at], known)
    return _trace(best, words)


def _find_cheapest(here: dict[Place, _Step]) -> _Cheapest:
    plain = strange = name = math.inf
    behind_plain = behind_strange = behind_name = OTHER
    for place, (cost, _, _) in here.items():
        if place != NAME and (to_word := cost + _TO_WORD[place]) < plain:
            plain, behind_plain = to_word, place
        if place != NAME and (to_strange := cost + _TO_STRANGE[place]) < strange:
            strange, behind_strange = to_strange, place
        if (to_name := cost + _TO_NAME[place]) < name:
            name, behind_name = to_name, place
    return plain, behind_plain, strange, behind_strange, name, behind_name


def _step_over_words(best: _Steps, at: int, cheapest: _Cheapest, words: list[Word], *, closed: bool) -> None:
    plain, behind_plain, strange, behind_strange, *_ = cheapest
    named = best[at].get(NAME)
    for word in words:
        if word.strange:
            cost, place = strange + word.cost, behind_strange
        else:
            cost, place = plain + word.cost, behind_plain
        if named is not None:
            end = word.behind_name + (word.last_behind_name if closed else 0.0)
            behind = named[0] + (_TO_STRANGE if word.strange else _TO_WORD)[NAME] + word.cost + end
            cost, place = (behind, NAME) if behind < cost else (cost, place)
        # 张三与李四, but 被告与挂靠单位.
        then = TAKER if word.place == JOIN and place not in _JOINED else word.place
        _keep(best[at + len(word.text)], then, cost, at, place)


def _step_over_names(
    best: _Steps,
    at: int,
    cheapest: _Cheapest,
    clause: Clause,
    words: list[Word],
    known: Collection[str],
) -> None:
    run, (before, place) = clause.run, cheapest[4:]
    for end, cost in end_names(run, at, strong=place in SURE):
        _keep(best[end], NAME, before + cost, at, place)
    for word in words:
        if word.as_name is not None:
            end = at + len(word.text)
            own = cost_as_name(word, place, run, end)
            if own is not None:
                _keep(best[end], NAME, before + own, at, place)
    for name in known if place in _BEFORE_KNOWN else ():
        if run.startswith(name, at):
            end = at + len(name)
            _keep(best[end], NAME, before + _KNOWN + (0.0 if is_end(run, end) else _KNOWN_ON), at, place)


def _keep(then: dict[Place, _Step], behind: Place, cost: float, at: int, place: Place) -> None:
    other = then.get(behind)
    if other is None or cost < other[0]:
        then[behind] = (cost, at, place)


def _trace(best: _Steps, words: list[list[Word]]) -> tuple[Read, ...]:
    end = len(words)
    place = min(best[end], key=lambda one: best[end][one][0])
    found = []
    while end > 0:
        cost, start, before = best[end][place]
        if place == NAME:
            margin = _cost_of_words(start, end, words, before) - (cost - best[start][before][0])
            found.append(Read(start, end, before, margin))
        end, place = start, before
    return tuple(found[::-1])


def _cost_of_words(start: int, end: int, words: list[list[Word]], before: Place) -> float:
    """What the characters from `start` to `end` cost when they are read as ordinary words."""
    costs = [0.0] + [math.inf] * (end - start)
    for at in range(start, end):
        for word in words[at]:
            to = at + len(word.text) - start
            if to < len(costs):
                extra = (_TO_STRANGE if word.strange else _TO_WORD)[before] if at == start else 0.0
                costs[to] = min(costs[to], costs[at - start] + word.cost + extra)
    return costs[-1]
