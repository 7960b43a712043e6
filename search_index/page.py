"""What is asked of the register, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from search_index.document import Document, Kind
from search_index.freshness import FRESH, Freshness
from search_index.profile import Profile

PAGE_SIZE = 20

Sort = Literal["relevance", "newest"]
Match = Literal["exact", "near"]
FoundIn = Literal[
    "record", "name", "latin_name", "legal_representative", "case_number", "uscc", "obligation", "filters"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question: the words typed into the box, the filters beside it, the order, and the page (from 1).

    With `facets` the answer counts the exact hits by the values of each filter; with `namesakes` it says of every
    person how many entries bear the name.
    """

    text: str = ""
    kind: Kind | None = None
    court: str | None = None
    region: str | None = None
    conduct: str | None = None
    performance: str | None = None
    published_from: date | None = None
    published_to: date | None = None
    sort: Sort = "relevance"
    page: int = 1
    facets: bool = False
    namesakes: bool = False


# The characters of a text from the first to before the second.
Span = tuple[int, int]
FacetField = Literal["kind", "court", "region", "conduct", "performance"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A document that answers, how well, and where the words were found. `reason` (Chinese) is set when near.

    The marks are what was found in the name as published, and in the obligation where the answer was found there, in
    order and apart. `namesakes` is how many entries bear a person's whole name, where that was asked for.
    """

    document: Document
    match: Match
    found_in: FoundIn
    reason: str | None = None
    name_marks: tuple[Span, ...] = ()
    obligation_marks: tuple[Span, ...] = ()
    namesakes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """How many exact hits have each value of one filter, the most frequent first; values as published."""

    field: FacetField
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Another question that has exact hits, where this one has none: `text` with or without the same filters."""

    text: str
    keeps_filters: bool
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the answer. `total` counts exact hits and `near` near ones, over all pages.

    `reading` says in Chinese how the words were understood; `sequence` and `updated_at` are of the list that answered.
    `facets` is empty unless they were asked for; `suggestions` unless nothing is exact. `profile` is the court's, of
    the same moment, and so is `freshness`.
    """

    hits: tuple[Hit, ...]
    total: int
    near: int
    page: int
    pages: int
    reading: str
    sequence: int
    updated_at: datetime | None
    profile: Profile
    facets: tuple[Facet, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()
    freshness: Freshness = FRESH


@dataclass(frozen=True, slots=True, kw_only=True)
class Departed:
    """The tombstone of an entry that was public and is not any more: nothing about the person, not even why."""

    record: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The state of the list: the last sequence applied, when, and how many entries can be seen now."""

    sequence: int
    updated_at: datetime | None
    entries: int
    freshness: Freshness = FRESH
