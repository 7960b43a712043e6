"""What of the public list goes into an export: all of it at one moment, or what changed since a sequence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from notifier.context import PublicList
from notifier.exports.fields import Departure, Entry, Repair
from notifier.exports.making import Selection
from notifier.exports.profile import Profile
from search_index.changes import Change, Changes
from search_index.document import Document
from search_index.journal import ChangeType
from search_index.page import Departed

_AT_ONCE = 1_000


class FollowedList(PublicList, Protocol):
    """The disclosed list with its changes, as search_index.register.Register reads it."""

    def follow(self, since: int, limit: int, now: datetime) -> Changes:
        """Public changes after a sequence."""

    def ended(self, now: datetime) -> list[Departed]:
        """The entries whose end has come, and that nobody has removed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """What a platform that has the list of some sequence has to be told: how many of its entries left or were corrected
    since, and when the first did."""

    departed: int
    corrected: int
    first_at: datetime


def select_all(register: FollowedList, profile: Profile, repairs: Sequence[Repair], now: datetime) -> Selection:
    """The whole list at `now`. Raises RegisterUnavailable."""
    sequence, documents = register.everything(now)
    court = register.profile(now)
    own = _keep_own(profile, documents)
    return Selection(
        mode="full",
        since=None,
        sequence=sequence,
        made_at=now,
        court=court,
        entries=[Entry(document=document, operation="published", publisher=court.court) for document in own],
        departures=(),
        repairs=repairs,
    )


def select_since(
    register: FollowedList, profile: Profile, since: int, repairs: Sequence[Repair], now: datetime
) -> Selection:
    """What changed after `since`: what may be seen now of it, and what left. Raises changes.SinceTooOld,
    changes.SinceUnknown or RegisterUnavailable."""
    sequence, documents = register.everything(now)
    court = register.profile(now)
    changes = list(_follow(register, since, sequence, now))
    changed = {change.record for change in changes}
    published = {change.record for change in changes if change.type == ChangeType.PUBLISHED}
    gone = {one.record: one.at for one in register.ended(now)}
    # Also what is public again: whoever has it takes it out before it is put in anew.
    gone |= {change.record: change.at for change in changes if change.type == ChangeType.GONE}
    return Selection(
        mode="increment",
        since=since,
        sequence=sequence,
        made_at=now,
        court=court,
        entries=[
            Entry(
                document=document,
                operation="published" if document.record in published else "corrected",
                publisher=court.court,
            )
            for document in _keep_own(profile, documents)
            if document.record in changed
        ],
        departures=[Departure(record=record, at=at, publisher=court.court) for record, at in sorted(gone.items())],
        repairs=repairs,
    )


def find_owed(register: FollowedList, since: int, now: datetime) -> Owed | None:
    """What must be told to whoever has the list of the sequence `since`; None where nothing that was in it left or was
    corrected. Raises changes.SinceTooOld, changes.SinceUnknown or RegisterUnavailable."""
    firsts: dict[str, str] = {}
    gone: set[str] = set()
    corrected: set[str] = set()
    times: list[datetime] = []
    for change in _follow(register, since, None, now):
        # What was published after the sequence was not in that list.
        if firsts.setdefault(change.record, change.type) == ChangeType.PUBLISHED:
            continue
        times.append(change.at)
        (gone if change.type == ChangeType.GONE else corrected).add(change.record)
    if not times:
        return None
    return Owed(departed=len(gone), corrected=len(corrected - gone), first_at=min(times))


def _follow(register: FollowedList, since: int, until: int | None, now: datetime) -> Iterator[Change]:
    while True:
        page = register.follow(since, _AT_ONCE, now)
        for change in page.changes:
            if until is None or change.sequence <= until:
                yield change
        since = page.next
        if not page.has_more or (until is not None and since >= until):
            return


def _keep_own(profile: Profile, documents: Sequence[Document]) -> list[Document]:
    """What another court listed, that court gives to the platform itself, unless the profile says otherwise."""
    return [document for document in documents if profile.other_courts or document.origin is None]
