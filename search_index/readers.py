"""Readers of the list in bulk (批量读取者): the key that lets them, and what the portal may know of it. Pure.

The court gives a key and keeps its digest; the digest and how the reader stands reach the portal through the journal
(subject READER, key: the digest). The portal keeps nothing and tells the court what a reader acknowledged in a sealed
envelope (submission.ACK).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from typing import Any

READER = "reader"
KEY_START = "gsr_"
_LENGTH = 40
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LONGEST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a reader stands. `watermark` names the reader in every bulk answer (opaque, nobody's name); `acked` is the last
    sequence whose departures it has confirmed; `suspended`: departures were not confirmed in time, so nothing but the
    departures is given until they are."""

    watermark: str
    acked: int
    suspended: bool = False

    def as_json(self) -> dict[str, Any]:
        """The body that is journalled, to which `visible_until` (the end of the key) is added."""
        return {"watermark": self.watermark, "acked": self.acked, "suspended": self.suspended}

    @classmethod
    def from_json(cls, body: Mapping[str, Any]) -> Standing:
        """Raises LookupError, TypeError or ValueError for what no version of this wrote."""
        return cls(watermark=str(body["watermark"]), acked=int(body["acked"]), suspended=bool(body["suspended"]))


def draw_key(random: Random) -> str:
    """A new key. It has 198 bits of chance: nobody finds one by trying."""
    return KEY_START + "".join(random.choice(_LETTERS) for _ in range(_LENGTH))


def digest_key(key: str) -> str | None:
    """The digest under which a key is known; None for what can be none."""
    tidy = key.strip()
    if not tidy.startswith(KEY_START) or len(tidy) > _LONGEST or not tidy.isascii():
        return None
    return sha256(tidy.encode()).hexdigest()
