"""How often a key of a unit may ask: counted in memory that the worker processes share, and kept nowhere."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import datetime

from limits import parse
from limits.strategies import FixedWindowRateLimiter

from portal.limits import Allowance, SharedCounters

_LIMIT = parse("600/minute")
_NAME = "unit_key"
# Keys are few.
_SLOTS = 1 << 12


class KeyLimits:
    """Made before the workers fork; `seed` is the secret of the hash."""

    def __init__(self, clock: Callable[[], datetime], seed: bytes) -> None:
        self._clock = clock
        self._limiter = FixedWindowRateLimiter(SharedCounters(lambda: clock().timestamp(), seed, _SLOTS))

    def count(self, key: int) -> Allowance:
        """Count one request of a key."""
        admitted = self._limiter.hit(_LIMIT, _NAME, str(key))
        stats = self._limiter.get_window_stats(_LIMIT, _NAME, str(key))
        return Allowance(
            limit=_LIMIT.amount,
            remaining=stats.remaining,
            reset=max(1, math.ceil(stats.reset_time - self._clock().timestamp())),
            refused=not admitted,
        )
