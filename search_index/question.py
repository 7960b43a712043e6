"""A question as it was understood: ways of answering it, the best first."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from search_index.condition import Condition
from search_index.page import FoundIn, Match


class Meaning(StrEnum):
    """What the words in the box are."""

    RECORD = "record"
    CASE_NUMBER = "case_number"
    CODE = "code"
    WORDS = "words"
    FILTERS = "filters"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How an entry answers, and in what. A smaller `rank` is a better answer; near ranks follow all exact ones."""

    rank: int
    found_in: FoundIn
    match: Match


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way of answering: what an entry must meet. `reason` (Chinese) is set where it is the same for every entry."""

    answer: Answer
    condition: Condition
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The typed text, understood. `reading` says in Chinese how.

    `value` is the record number, case key or code that was typed; `whole` is all of the text as one folded name,
    `words` are its folded words, `syllables` its readings as pinyin. An entry answers in the first of the `ways` that
    it meets.
    """

    meaning: Meaning
    reading: str
    value: str = ""
    whole: str = ""
    words: tuple[str, ...] = ()
    syllables: tuple[tuple[str, ...], ...] = ()
    ways: tuple[Way, ...] = ()


# Every question has the same few answers.
@cache
def exact(rank: int, found_in: FoundIn) -> Answer:
    """An exact answer of that rank."""
    return Answer(rank=rank, found_in=found_in, match="exact")


@cache
def near(rank: int, found_in: FoundIn) -> Answer:
    """A near answer of that rank."""
    return Answer(rank=rank, found_in=found_in, match="near")
