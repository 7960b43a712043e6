"""Channels: how a message travels. Each is a small module with one class that calls one provider.

A channel is handed a `Dispatch` and answers with an `Outcome`. It keeps no state of messages, opens no transaction and
decides nothing about trying again: it says what happened, in the terms of `notifier.states`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from notifier.states import MessageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A package: its folder, and a name that is the same for every attempt at this revision."""

    name: str
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """Words for an institution (a recall, a correction, a reminder), with small files by name. `facts` says the same to
    a machine: `type` (gone, corrected, reminder, test), `record` and `case_number` (of several: `records`), `due_on`; never
    what has left."""

    subject: str
    text: str
    files: Mapping[str, bytes] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortMessage:
    """An SMS, filled in. `template` and `fields` are what a provider wants that sends registered templates only."""

    text: str
    template: str
    version: int
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatMessage:
    """A template or subscription message of WeChat: the name of our template, its fields, and where a touch leads."""

    template: str
    version: int
    fields: Mapping[str, str]
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MassMessage:
    """The digest to all followers: text without names."""

    text: str


Content = Parcel | Letter | ShortMessage | ChatMessage | MassMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One message on its way. `id` is the same for every attempt and unlike any other message's (at most 32 letters,
    digits and hyphens): what a provider that knows such a thing is given so that it sends once. `address` is a slug of
    the sandbox, an E.164 number, an openid, a mail address or a URL, as the channel has it. `begun_at` is when the attempt
    was written down, before the call: a channel that looks the message up knows from when on it can be there, and may say
    that it is not there only if it knows this."""

    id: str
    attempt: int
    recipient: str
    address: str | None
    content: Content
    begun_at: datetime | None = None


class Stop(StrEnum):
    """What else must stop for a while when a message met this."""

    NOTHING = "nothing"
    # Nothing more to this address: it does not exist, or its holder does not want it.
    ADDRESS = "address"
    # Nothing more on this channel until a person has seen to it: credentials, balance, a ban.
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an attempt: DELIVERED, ACCEPTED, FAILED_TEMPORARY, FAILED_PERMANENT or UNKNOWN, and a Chinese word
    on it for the desk, without personal data. `reference` is the provider's number of it. `retry_after` is how long the
    provider wants to be left alone (None where it said nothing). UNKNOWN is for a call that may have been carried out:
    a time-out after the request went out, an answer that cannot be read. `may_have_arrived` says of a failure that what
    was sent may lie with the recipient all the same, so that it will be recalled from there."""

    state: MessageState
    detail: str
    reference: str | None = None
    retry_after: timedelta | None = None
    stop: Stop = Stop.NOTHING
    may_have_arrived: bool = False


class Channel(Protocol):
    """One way to deliver."""

    @property
    def repeatable(self) -> bool:
        """Whether delivering the same dispatch twice comes to the same as once."""

    def deliver(self, dispatch: Dispatch) -> Outcome:
        """Deliver once. What goes wrong on the way is an outcome, not an exception."""

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        """What the provider knows of an attempt whose end is not known; None where it cannot be asked or does not know.

        FAILED_TEMPORARY says that the provider was asked and certainly has no such message: it may be sent again."""
