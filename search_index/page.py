"""What is asked of the register, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from search_index.document import Document, Kind

PAGE_SIZE = 20

Sort = Literal["relevance", "newest"]
Match = Literal["exact", "near"]
FoundIn = Literal["record", "name", "legal_representative", "case_number", "uscc", "obligation", "filters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """One question: the words typed into the box, the filters beside it, the order, and the page (from 1)."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A document that answers, how well, and where the words were found. `reason` (Chinese) is set when near."""

    document: Document
    match: Match
    found_in: FoundIn
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of the answer. `total` counts exact hits and `near` near ones, over all pages.

    `reading` says in Chinese how the words were understood; `sequence` and `updated_at` are of the list that answered.
    """

    hits: tuple[Hit, ...]
    total: int
    near: int
    page: int
    pages: int
    reading: str
    sequence: int
    updated_at: datetime | None


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
