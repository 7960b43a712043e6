"""Channels: how a package travels to a recipient. Each is a small module with one class."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from notifier.states import MessageState


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """What is delivered: the package's folder, and a name that is the same for every attempt at this revision."""

    name: str
    folder: Path
    recipient: str
    address: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an attempt: DELIVERED, ACCEPTED, FAILED_TEMPORARY, FAILED_PERMANENT or UNKNOWN, and a Chinese
    word on it for the desk."""

    state: MessageState
    detail: str


class Channel(Protocol):
    """One way to deliver."""

    @property
    def repeatable(self) -> bool:
        """Whether delivering the same parcel twice comes to the same as once."""

    def deliver(self, parcel: Parcel) -> Outcome:
        """Deliver once. What goes wrong on the way is an outcome, not an exception."""
