"""What arrives from WeChat, typed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """What every message and event has. `follower` is the openid of who sent it, `account` our own name there, and
    `key` the same for every delivery of this one and unlike any other's; it tells nothing of the follower."""

    follower: str
    account: str
    key: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Said(Arrived):
    """Words, typed or spoken. `text` is empty where WeChat understood no word of a voice message."""

    text: str
    is_voice: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed(Arrived):
    """A button of the menu."""

    button: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned(Arrived):
    """One of our QR codes, by somebody who follows the account already."""

    scene: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined(Arrived):
    """A new follower of the account; `scene` is that of the QR code that led there, if one did."""

    scene: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Left(Arrived):
    """Somebody follows the account no longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateReported(Arrived):
    """What became of a template message. `number` is WeChat's, or None where it says 0."""

    number: str | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MassReported(Arrived):
    """What became of a mass message; the counts are of followers."""

    number: str | None
    status: str
    total: int
    sent: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionReported(Arrived):
    """What became of a subscription message of that registered template; code 0 is success."""

    number: str | None
    template: str
    code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionAnswered(Arrived):
    """Whether a follower wants subscription messages of that registered template."""

    template: str
    is_wanted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unhandled(Arrived):
    """What needs no answer of ours, or cannot have one: pictures, places, events that are nobody's. `is_spoken` where
    a person sent it and waits."""

    kind: str
    is_spoken: bool


Message = (
    Said
    | Pressed
    | Scanned
    | Joined
    | Left
    | TemplateReported
    | MassReported
    | SubscriptionReported
    | SubscriptionAnswered
    | Unhandled
)
