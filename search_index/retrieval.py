"""Finding in one generation of the index. Terms narrow; where they do not decide, the folded text is read, so that
what is found and what is counted is exact although positions of terms are not kept.

Sets of documents are integers with a bit for each document of a segment: to combine two takes a microsecond.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from heapq import merge, nsmallest
from itertools import islice, pairwise
from math import inf
from operator import and_
from typing import NamedTuple

from search_index.codec import TermTable, iterate_bits, to_bits
from search_index.condition import (
    All,
    AnyOf,
    Close,
    Condition,
    Everything,
    Field,
    Holds,
    InName,
    InText,
    SameCode,
    Sounds,
    WholeName,
    get_organisation_part,
    is_in_name,
    is_same_organisation,
)
from search_index.entry import list_filters
from search_index.folding import WILDCARDS
from search_index.grams import LONGEST, RARE, list_runs
from search_index.index import Generation, Slice
from search_index.organisation import is_close
from search_index.page import FacetField, Match, Query, Sort
from search_index.question import Question, Way
from search_index.segment import COURT_SHOWN, NAME_RUNS, REGION_SHOWN, TEXT_RUNS, Segment

_FACETS: Mapping[str, FacetField] = {
    Field.KIND.value: "kind",
    COURT_SHOWN: "court",
    REGION_SHOWN: "region",
    Field.CONDUCT.value: "conduct",
    Field.PERFORMANCE.value: "performance",
}
_FEW = 24


class Held(NamedTuple):
    """Some documents of a segment, a bit for each, and how many they are: to count them takes longer than to find them."""

    segment: Segment
    bits: int
    total: int


class Judged(NamedTuple):
    """An answer that was not taken from the index: the place of its way, what puts it in order, and its record."""

    way: int
    newest_first: int
    record: str


@dataclass(frozen=True, slots=True)
class Found:
    """The documents that answer: for each way of the question those whose best way it is, in the parts of the index
    that have any; and beside them those that were judged without it."""

    ways: tuple[Way, ...]
    sort: Sort
    held: list[list[Held]]
    judged: tuple[Judged, ...]

    @property
    def total(self) -> int:
        """How many answer exactly."""
        return sum(self._count(place) for place, way in enumerate(self.ways) if way.answer.match == "exact")

    @property
    def near(self) -> int:
        """How many answer nearly."""
        return sum(self._count(place) for place, way in enumerate(self.ways) if way.answer.match == "near")

    def select(self, start: int, stop: int) -> list[tuple[str, Way]]:
        """The records from `start` to before `stop`, in order, each with its way."""
        selected: list[tuple[str, Way]] = []
        for places, count in self._list_turns():
            if start < count:
                selected.extend(self._select(places, start, min(stop, count)))
            start, stop = max(0, start - count), stop - count
            if stop <= 0:
                break
        return selected

    def count_values(self) -> dict[FacetField, dict[str, int]]:
        """For each facet, how many of the exact answers of the index have each value."""
        counts: dict[FacetField, dict[str, int]] = {facet: {} for facet in _FACETS.values()}
        for segment, bits in self._unite_exact():
            for field, value, number in segment.count_values(bits):
                if number:
                    of_facet = counts[_FACETS[field]]
                    of_facet[value] = of_facet.get(value, 0) + number
        return counts

    def _unite_exact(self) -> list[tuple[Segment, int]]:
        united: dict[int, tuple[Segment, int]] = {}
        for way, held in zip(self.ways, self.held, strict=True):
            for segment, bits, _ in held if way.answer.match == "exact" else ():
                united[id(segment)] = (segment, united.get(id(segment), (segment, 0))[1] | bits)
        return list(united.values())

    def _count(self, place: int) -> int:
        count = sum([one.total for one in self.held[place]])
        return count + sum(one.way == place for one in self.judged) if self.judged else count

    def _list_turns(self) -> Iterable[tuple[list[int], int]]:
        """The places of the ways whose answers are put in order together, and how many answers they have."""
        turns: dict[Match | int, tuple[list[int], int]] = {}
        for place, way in enumerate(self.ways):
            if count := self._count(place):
                turn = way.answer.match if self.sort == "newest" else way.answer.rank
                places, sum_ = turns.get(turn, ([], 0))
                turns[turn] = ([*places, place], sum_ + count)
        return turns.values()

    def _select(self, places: Sequence[int], start: int, stop: int) -> Iterator[tuple[str, Way]]:
        sources = [_read_in_order(held, place) for place in places for held in self.held[place]]
        if self.judged:
            judged = sorted((one.newest_first, one.record, one.way) for one in self.judged if one.way in places)
            sources.append(iter(judged))
        ordered = merge(*sources) if len(sources) > 1 else sources[0]
        return ((record, self.ways[place]) for _, record, place in islice(ordered, start, stop))


def _read_in_order(held: Held, place: int) -> Iterator[tuple[int, str, int]]:
    segment = held.segment
    for number in iterate_bits(held.bits):
        yield -segment.days[number], segment.record(number), place


def find(
    generation: Generation,
    question: Question,
    query: Query,
    excluded: Iterable[str] = (),
    judged: Iterable[Judged] = (),
) -> Found:
    """Every document of the index that answers the question and passes the filters.

    `excluded` are records that the index may know wrongly; `judged` are answers found without it.
    """
    left_out, filters = tuple(excluded), tuple(list_filters(query))
    has_period = query.published_from is not None or query.published_to is not None
    held: list[list[Held]] = [[] for _ in question.ways]
    for part in generation.slices:
        segment, remaining = part.segment, _leave_out(part, left_out)
        for field, key in filters:
            remaining &= segment.table(field).bits(key)
        if has_period:
            remaining &= _find_in_time(segment, query)
        for way, holding in zip(question.ways, held, strict=True):
            if not remaining:
                break
            if holders := evaluate(segment, way.condition, remaining):
                remaining ^= holders
                holding.append(Held(segment, holders, holders.bit_count()))
    return Found(question.ways, query.sort, held, tuple(judged))


def _leave_out(part: Slice, excluded: Sequence[str]) -> int:
    """The documents that are neither deleted nor excluded."""
    admitted = part.living
    for record in excluded:
        number = part.find(record)
        if number is not None and admitted >> number & 1:
            admitted ^= 1 << number
    return admitted


def _find_in_time(segment: Segment, query: Query) -> int:
    """The documents published within the period. They are in order of their days, the newest first."""
    first = 0 if query.published_to is None else segment.count_newer(query.published_to.toordinal())
    end = segment.size if query.published_from is None else segment.count_newer(query.published_from.toordinal() - 1)
    return (1 << end) - 1 & ~((1 << first) - 1) if end > first else 0


def evaluate(segment: Segment, condition: Condition, within: int) -> int:
    """The documents of `within` that meet the condition."""
    match condition:
        case Holds(field, key):
            found = segment.table(field).bits(key) & within
        case InName(word, None):
            found = _find_word(segment, NAME_RUNS, word, within)
        case InText(word):
            found = _find_word(segment, TEXT_RUNS, word, within)
        case AnyOf(conditions):
            found = 0
            for one in conditions:
                found |= evaluate(segment, one, within & ~found if found else within)
        case All(conditions):
            found = within
            for one in conditions:
                found = evaluate(segment, one, found) if found else 0
        case Everything():
            found = within
        case _:
            found = _find_by_reading(segment, condition, within)
    return found


def _find_by_reading(segment: Segment, condition: InName | WholeName | Sounds | SameCode | Close, within: int) -> int:
    """What terms narrow down and only the values themselves decide."""
    match condition:
        case InName(word) | WholeName(word):
            candidates = _hold_pieces(segment, word, within)
            return _read(segment, candidates, lambda n: is_in_name(condition, segment.names.get(n)))
        case Sounds(syllables, whole):
            candidates = _hold_sounds(segment, syllables, within)
            if len(syllables) <= 2 and not whole:
                return candidates
            return _read(segment, candidates, lambda n: is_in_name(condition, segment.names.get(n)))
        case SameCode(code):
            candidates = segment.table(Field.CODE).bits(get_organisation_part(code)) & within
            return _read(segment, candidates, lambda n: is_same_organisation(code, segment.codes.get(n)))
        case Close(name):
            candidates = _hold_most(segment, name, within & segment.table(Field.KIND).bits("organisation"))
            return _read(segment, candidates, lambda n: is_close(name, segment.names.get(n)))


def _read(segment: Segment, candidates: int, decide: Callable[[int], bool]) -> int:
    return to_bits(list(filter(decide, iterate_bits(candidates))), segment.size)


def _find_word(segment: Segment, field: str, word: str, within: int) -> int:
    """The documents of `within` whose text holds the word: a term of the index, or read where few may hold it."""
    table = segment.table(field)
    if len(word) <= 2 or (len(word) <= LONGEST and table.find(word) is not None):
        return table.bits(word) & within
    raw, needle = segment.column(field), word.encode()
    found = [number for number in _hold_runs(table, word) if needle in raw(number)]
    return to_bits(found, segment.size) & within if found else 0


def _hold_runs(table: TermTable, word: str) -> Iterable[int]:
    """The documents that hold every run of some length of the word: the shortest length that leaves few of them."""
    posts: list[memoryview] = []
    for length in range(2, min(LONGEST, len(word)) + 1):
        posts = []
        for run in list_runs(word, length):
            post = table.find(run)
            if post is None:
                return ()
            posts.append(post)
        # Arrays are shorter than bits; among bits only the count tells.
        posts.sort(key=len)
        if table.is_dense(posts[0]):
            posts.sort(key=table.count)
        if table.count(posts[0]) <= RARE:
            return _narrow(table, posts)
    return iterate_bits(reduce(and_, map(table.to_bits, posts)))


def _narrow(table: TermTable, posts: list[memoryview]) -> Iterable[int]:
    """The documents of the shortest list, which is short; of those that the others hold where that is quick."""
    numbers = table.to_numbers(posts[0])
    if len(numbers) <= _FEW or table.is_dense(posts[1]):
        return numbers
    return sorted(set(numbers).intersection(table.to_numbers(posts[1])))


def _hold_pieces(segment: Segment, word: str, within: int) -> int:
    """The documents whose names hold every piece of a word with wildcards."""
    pieces = word.translate(dict.fromkeys(map(ord, WILDCARDS), "\n")).split("\n")
    return reduce(lambda left, piece: _find_word(segment, NAME_RUNS, piece, left), filter(None, pieces), within)


def _hold_sounds(segment: Segment, syllables: Sequence[str], within: int) -> int:
    table = segment.table(Field.SOUND)
    if len(syllables) == 1:
        return table.bits(syllables[0]) & within
    return reduce(and_, (table.bits(" ".join(pair)) for pair in pairwise(syllables)), within)


def _hold_most(segment: Segment, name: str, within: int) -> int:
    """The documents that hold two of the three rarest pairs of a name that do not overlap: one wrong character
    can spoil no more than one of them."""
    table = segment.table(NAME_RUNS)
    posts = [table.find(pair) or b"" for pair in list_runs(name, 2)]
    rarest = min((_choose_rarest(posts[0::2]), _choose_rarest(posts[1::2])), key=_measure)
    one, two, three = map(table.to_bits, rarest)
    return (one & two | one & three | two & three) & within


def _choose_rarest(posts: Sequence[memoryview | bytes]) -> list[memoryview | bytes]:
    return nsmallest(3, posts, key=len)


def _measure(posts: Sequence[memoryview | bytes]) -> float:
    # Fewer than three would say nothing: any document may be near.
    return sum(map(len, posts)) if len(posts) == 3 else inf
