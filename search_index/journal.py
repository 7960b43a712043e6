"""The journal as its readers know it: what an entry of it says, not where it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any


class ChangeType(StrEnum):
    PUBLISHED = "published"
    CORRECTED = "corrected"
    GONE = "gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryChange:
    """A public change of one entry.

    `position` counts every line of the journal and is what an applier resumes from; `sequence` counts public
    changes of entries only, from 1, without a gap. `body` is the document (Document.as_json) for published and
    corrected, and None for gone; it is also None for an earlier change of an entry that has departed since,
    because the journal forgets the words of what left.
    """

    position: int
    at: datetime
    sequence: int
    type: ChangeType
    record: str
    body: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileChange:
    """A new version of the court profile (Profile.as_json)."""

    position: int
    at: datetime
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class SubjectChange:
    """What the public may know of something that is no entry: an article, the state of a submission, figures.

    `subject` names the kind and `key` the one of that kind; neither is derived from personal data that could be guessed.
    `records` of a body names the entries that it tells of: it is seen only while all of them are.
    `body` replaces what was known of it; None takes it away, and is also what the journal keeps of a body that was
    replaced since. A body may carry `visible_until`, an instant (ISO 8601 with offset) from which no reader sees it.
    A subject that this version does not know is stored and asked for by nobody; without a key it is passed over.
    """

    position: int
    at: datetime
    subject: str
    key: str
    body: Mapping[str, Any] | None


JournalEntry = EntryChange | ProfileChange | SubjectChange
