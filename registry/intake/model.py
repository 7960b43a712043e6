"""What reading a file gives: one outcome a line, accepted or refused with the reason."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self

from registry.record import Facts

# The bytes of one line, or of one record in a document, that are read at most.
MAX_LINE = 256 * 1024
MAX_COLUMNS = 200

# A line as it came: its text, or its cells.
Raw = str | tuple[str, ...]


class UnrecognisedFile(Exception):
    """The file as a whole cannot be read. `str()` says in Chinese why, and what to do."""


class FieldError(ValueError):
    """A field of a line is refused. `field` is the key of the import format, empty when the line as a whole is meant;
    `reason` is Chinese and never repeats the value."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field = field
        self.reason = reason


class Format(StrEnum):
    JSON_LINES = "jsonl"
    NATIONAL = "national"
    XLSX = "xlsx"
    CSV = "csv"


class RowStatus(StrEnum):
    """The 状态 column of provincial lists: the state of a publication, not of a case."""

    PUBLISHED = "发布"
    HELD = "屏蔽"
    WITHDRAWN = "撤销"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A line that can be imported. `line` counts from 1 in the file; `warnings` are Chinese, for a person to look at."""

    line: int
    facts: Facts
    warnings: tuple[str, ...] = ()
    raw: Raw = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A line that cannot be imported, with its first failing field."""

    line: int
    field: str
    reason: str
    raw: Raw = ""

    def without_raw(self) -> Self:
        """The same without what the line said: what may be shown and logged."""
        return replace(self, raw="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended(Refused):
    """A line whose status says that it is held or withdrawn: no publication, so no import; a comparison reads `facts`.

    `facts` is None when the rest of the line could not be read either.
    """

    status: RowStatus
    facts: Facts | None = None

    def without_raw(self) -> Self:
        return replace(self, raw="", facts=None)


Line = Accepted | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """A file that was recognised. `lines` reads it while it is iterated, once.

    `total` estimates how many lines there are, None when that cannot be told. `header` are the column titles of a
    spreadsheet. `declared` is the number of records that the document itself claims, which a part of a list exceeds.
    Iterating raises UnrecognisedFile when the file turns out to be damaged further on.
    """

    format: Format
    lines: Iterator[Line]
    total: int | None = None
    header: tuple[str, ...] = ()
    declared: int | None = None
