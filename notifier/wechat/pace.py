"""How often one follower is answered. The bucket is pure; the shelf of buckets lives in memory and dies with the process."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """`burst` answers at once, and one more each `every`."""

    burst: int = 10
    every: timedelta = timedelta(seconds=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What a follower has left at an instant, in answers."""

    left: float
    at: datetime


def take(bucket: Bucket | None, pace: Pace, now: datetime) -> tuple[Bucket, bool]:
    """The bucket after one more question at `now` (aware), and whether it may be answered. A clock that was set back
    gives nothing and takes nothing."""
    if bucket is None:
        return Bucket(left=pace.burst - 1, at=now), True
    passed = max(timedelta(0), now - bucket.at)
    left = min(float(pace.burst), bucket.left + passed / pace.every)
    if left < 1:
        return Bucket(left=left, at=now), False
    return Bucket(left=left - 1, at=now), True


class PaceKeeper:
    """The buckets of the followers that asked last, at most `most` of them. Safe to share between threads."""

    def __init__(self, pace: Pace, most: int = 50_000) -> None:
        self._pace = pace
        self._most = most
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()
        self._lock = Lock()

    def allows(self, follower: str, now: datetime) -> bool:
        """Whether `follower` is answered now; asking counts."""
        with self._lock:
            self._buckets[follower], is_allowed = take(self._buckets.pop(follower, None), self._pace, now)
            while len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        return is_allowed
