"""What says that a form was sent from a page of this site, not long ago and not at once. Pure; there is no session.

The key is drawn at every start, before the workers fork, and dies with them.
"""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from random import Random

SOONEST = 3  # seconds; no person reads and fills in a form in less
LATEST = 12 * 3600  # seconds: a form may be filled in over a day
_SHAPE = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})\.([0-9a-f]{64})", re.ASCII)


class TooSoon(Exception):
    """It was sent faster than a person can."""


class NotOurs(Exception):
    """It was not sent from a page of this site, or from one that is too old."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FormKey:
    """What the tokens of forms are made with. Never printed."""

    secret: bytes

    def __repr__(self) -> str:
        return "FormKey()"

    def issue(self, kind: str, now: datetime, random: Random) -> str:
        """A token for one form of a `kind`."""
        issued, nonce = str(int(now.timestamp())), f"{random.getrandbits(128):032x}"
        return f"{issued}.{nonce}.{self._sign(kind, issued, nonce)}"

    def check(self, kind: str, token: str, now: datetime) -> None:
        """Raises NotOurs or TooSoon."""
        found = _SHAPE.fullmatch(token)
        if found is None or not hmac.compare_digest(found[3], self._sign(kind, found[1], found[2])):
            raise NotOurs
        age = now.timestamp() - int(found[1])
        if not 0 <= age + 1 <= LATEST:
            raise NotOurs
        if age < SOONEST:
            raise TooSoon

    def derive(self, *parts: bytes) -> Random:
        """A source of chance that is the same for the same form sent twice, and that nobody else can draw from."""
        digest = hmac.new(self.secret, digestmod=sha256)
        for part in (b"derive", *parts):
            digest.update(len(part).to_bytes(8, "big") + part)
        # As good as its seed, which is a keyed digest of 256 bits that never leaves this process.
        return Random(int.from_bytes(digest.digest(), "big"))  # noqa: S311

    def _sign(self, kind: str, issued: str, nonce: str) -> str:
        return hmac.new(self.secret, f"form/{kind}/{issued}/{nonce}".encode(), sha256).hexdigest()
