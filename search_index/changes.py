"""The public changes of the list, as whoever follows it reads them: in order, without a gap, and with the words of an entry
only at its newest change, and only while it may be seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from search_index.freshness import FRESH, Freshness

# For so long a follower may stay away before it has to take the whole list anew.
KEPT = timedelta(days=366)


class SinceTooOld(Exception):
    """The changes after this sequence are not given any more: the whole list is to be taken anew."""


class SinceUnknown(Exception):
    """There is no such sequence yet: it was not told by this list, or the list was restored since. Take it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A public change. `type` is published, corrected or gone (journal.ChangeType). `entry` is the document
    (Document.as_json) at the newest change of an entry that may be seen, and None at every other."""

    sequence: int
    type: str
    record: str
    at: datetime
    entry: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """An entry left the list: its change, without a word of it."""

    sequence: int
    record: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Some changes after a sequence: `head` is the last there is, `next` the sequence to ask after next, `updated_at` when
    the list last changed. `withheld` are the entries that were hidden in an emergency, and since when: no change tells of
    them, because the court has not decided yet."""

    head: int
    next: int
    changes: tuple[Change, ...]
    updated_at: datetime | None = None
    freshness: Freshness = FRESH
    withheld: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def has_more(self) -> bool:
        return self.next < self.head


def read_entry(body: str | None) -> Mapping[str, Any] | None:
    """The document of a row of the store."""
    found: Mapping[str, Any] | None = None if body is None else json.loads(body)
    return found
