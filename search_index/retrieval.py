"""Finding in one generation of the index. Terms give candidates; each is then judged on its folded text, so that
what is found is exact although positions of terms are not kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from heapq import nsmallest
from typing import NamedTuple

from search_index.folding import WILDCARDS, fold_name
from search_index.index import Generation, Segment, Slice, build_pairs
from search_index.page import Query, Sort
from search_index.query import (
    EQUAL,
    IN_NAME,
    IN_TEXT,
    LISTED,
    REPRESENTATIVE,
    SAME_CASE,
    SAME_CODE,
    SAME_RECORD,
    Answer,
    Meaning,
    Question,
    Word,
    get_organisation_part,
    is_same_organisation,
)

# More than any ordinal of a date: a better rank goes before any newer day.
_RANK = 10_000_000


class Match(NamedTuple):
    """A document that answers: `place` puts it in order before its record number does."""

    place: int
    answer: Answer
    part: Slice | None
    number: int
    record: str

    def get_record(self) -> str:
        return self.part.segment.text("record", self.number) if self.part else self.record


def build_match(record: str, answer: Answer, day: int, sort: Sort) -> Match:
    """A match of a document that is not taken from the index; `day` is the ordinal of its publication."""
    return Match(_place(answer, day, sort), answer, None, 0, record)


def find_matches(generation: Generation, question: Question, query: Query, excluded: Iterable[str]) -> list[Match]:
    """Every document of the index that answers the question and passes the filters, in no order.

    `excluded` are records that the index may know wrongly.
    """
    matches: list[Match] = []
    for part in generation.slices:
        gate = _Gate(part, query, excluded)
        days = part.segment.days
        matches.extend(
            Match(_place(answer, days[number], query.sort), answer, part, number, "")
            for number, answer in _find_answers(part, question, gate).items()
        )
    return matches


def select_first(matches: list[Match], count: int) -> list[tuple[str, Answer]]:
    """The first `count` in order, with their record numbers."""
    if len(matches) > count:
        last = nsmallest(count, (match.place for match in matches))[-1]
        matches = [match for match in matches if match.place <= last]
    ordered = sorted((match.place, match.get_record(), match.answer.rank, match) for match in matches)
    return [(record, match.answer) for _, record, _, match in ordered[:count]]


def _place(answer: Answer, day: int, sort: Sort) -> int:
    return -day if sort == "newest" else answer.rank * _RANK - day


class _Gate:
    """Lets through what the filters allow and what is neither deleted nor excluded."""

    def __init__(self, part: Slice, query: Query, excluded: Iterable[str]) -> None:
        self._part = part
        self._query = query
        numbers = (part.find(record) for record in excluded)
        self._banned = part.deleted.union(number for number in numbers if number is not None)
        sets = [part.segment.holding(field, term) for field, term in _list_filters(query)]
        self._allowed = _intersect(sets) if sets else None

    def keep(self, numbers: Iterable[int]) -> set[int]:
        kept = set(numbers) - self._banned
        if self._allowed is not None:
            kept &= self._allowed
        return {number for number in kept if self._is_in_time(number)} if self._has_period() else kept

    def _has_period(self) -> bool:
        return self._query.published_from is not None or self._query.published_to is not None

    def _is_in_time(self, number: int) -> bool:
        day = self._part.segment.days[number]
        first, last = self._query.published_from, self._query.published_to
        return (first is None or first.toordinal() <= day) and (last is None or day <= last.toordinal())


def _list_filters(query: Query) -> Iterator[tuple[str, str]]:
    filters = {
        "kind": query.kind,
        "court": query.court and fold_name(query.court),
        "region": query.region and fold_name(query.region),
        "conduct": query.conduct,
        "performance": query.performance,
    }
    return ((field, term) for field, term in filters.items() if term is not None)


def _find_answers(part: Slice, question: Question, gate: _Gate) -> dict[int, Answer]:
    segment, value = part.segment, question.value
    match question.meaning:
        case Meaning.FILTERS:
            return dict.fromkeys(gate.keep(part.live()), LISTED)
        case Meaning.RECORD:
            return dict.fromkeys(gate.keep(segment.documents("record", value)), SAME_RECORD)
        case Meaning.CASE_NUMBER:
            return dict.fromkeys(gate.keep(segment.documents("case_number", value)), SAME_CASE)
        case Meaning.CODE:
            numbers = gate.keep(segment.documents("code", get_organisation_part(value)))
            same = (n for n in numbers if is_same_organisation(value, segment.text("code", n)))
            return dict.fromkeys(same, SAME_CODE)
        case Meaning.WORDS:
            return _find_words(segment, question, gate)
        case Meaning.REFUSED:
            return {}


def _find_words(segment: Segment, question: Question, gate: _Gate) -> dict[int, Answer]:
    # The best answer first: a document keeps the first one it is given.
    found = dict.fromkeys(gate.keep(segment.documents("name_key", question.whole)), EQUAL)
    for number in gate.keep(segment.documents("case_number", question.whole)):
        found.setdefault(number, SAME_CASE)
    for number in _find_in_names(segment, question, gate) - found.keys():
        is_whole = question.is_whole_name(segment.text("name", number))
        found[number] = EQUAL if is_whole else IN_NAME
    for number in gate.keep(segment.documents("representative", question.whole)):
        found.setdefault(number, REPRESENTATIVE)
    if any(word.text for word in question.words):
        found.update(dict.fromkeys(_find_in_texts(segment, question, gate, set(found)), IN_TEXT))
    return found


def _find_in_names(segment: Segment, question: Question, gate: _Gate) -> set[int]:
    candidates = gate.keep(_intersect([_hold_name(segment, word) for word in question.words]))
    doubtful = [word for word in question.words if word.pattern or len(word.name) > 2]
    if not doubtful:
        return candidates
    return {n for n in candidates if all(word.is_in_name(segment.text("name", n)) for word in doubtful)}


def _find_in_texts(segment: Segment, question: Question, gate: _Gate, known: set[int]) -> set[int]:
    sets = [_hold_text(segment, word) | _hold_name(segment, word) for word in question.words]
    candidates = gate.keep(_intersect(sets)) - known
    return {n for n in candidates if _is_in_text(segment, question, n)}


def _is_in_text(segment: Segment, question: Question, number: int) -> bool:
    text, name = segment.text("text", number), segment.text("name", number)
    return all(word.is_in_text(text) or word.is_in_name(name) for word in question.words)


def _hold_name(segment: Segment, word: Word) -> frozenset[int]:
    """The documents whose names may hold the word."""
    parts = word.name.translate(dict.fromkeys(map(ord, WILDCARDS), "\n")).split("\n")
    terms = build_pairs("\n".join(parts)) | {part for part in parts if len(part) == 1}
    return _intersect([segment.holding("name", term) for term in terms])


def _hold_text(segment: Segment, word: Word) -> frozenset[int]:
    """The documents whose texts may hold the word."""
    terms = build_pairs(word.text)
    return _intersect([segment.holding("text", term) for term in terms]) if terms else frozenset()


def _intersect(sets: list[frozenset[int]]) -> frozenset[int]:
    return reduce(frozenset.intersection, sorted(sets, key=len))
