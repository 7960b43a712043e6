"""What of a home is said in the documents for the law. Nobody is named in it but the court and the institutions that receive
the list. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from registry.retention.schedule import Class
from search_index.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field of the public entry: its name, what happens to it, and the article."""

    label: str
    treatment: str
    basis: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the documents say of this home on `day`. `possible` is how many numbers a masked one leaves possible;
    `entrusted` are providers that handle data for the court, `abroad` those of them outside of China."""

    profile: Profile
    day: date
    rules: str
    fields: Sequence[Field]
    inside: Sequence[str]
    masked: str
    possible: int
    entries: int
    receivers: Sequence[str]
    units: Sequence[str]
    entrusted: Sequence[str]
    abroad: Sequence[str]
    retention: Sequence[Class]
