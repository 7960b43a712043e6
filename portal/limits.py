"""How often one address, or one reader's key, may ask: counters that the worker processes share without a server.

The counters live in memory that is made before the workers fork. A keyed hash finds the slots, its key is drawn at
start and dies with the process, so no address and no key is kept anywhere. Slots may be shared by chance: that can only make a
limit stricter, and taking the least of several rows makes it unlikely.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from ipaddress import IPv6Address, ip_address
from multiprocessing import get_context
from typing import TYPE_CHECKING, Literal

from limits import RateLimitItem, parse
from limits.limits import GRANULARITIES
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROWS = 4
_SLOTS = 1 << 16
_PATIENCE = 0.05  # seconds; a worker killed while it held the lock must not stop the others

Scope = Literal["address", "all", "key"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A limit, counted for each address, for each reader's key or for all together. `name` groups the pages that share it."""

    name: str
    limit: RateLimitItem
    scope: Scope = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What is left of the tightest limit that applies: `reset` is in whole seconds from now."""

    limit: int
    remaining: int
    reset: int
    refused: bool = False

    def headers(self) -> dict[str, str]:
        """RateLimit-* as in draft-ietf-httpapi-ratelimit-headers, and Retry-After when refused."""
        headers = {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
        }
        return {**headers, "Retry-After": str(self.reset)} if self.refused else headers


def _rule(name: str, text: str, scope: Scope = "address") -> Rule:
    return Rule(name=name, limit=parse(text), scope=scope)


CHECK_RULES = (_rule("check", "10/minute"), _rule("check", "60/day"), _rule("check", "600/minute", "all"))
SEARCH_RULES = (_rule("search", "60/minute"),)
API_RULES = (_rule("api", "60/minute"),)
ENTRY_RULES = (_rule("entry", "120/minute"),)
STATS_RULES = (_rule("stats", "60/minute"),)
# A page of statistics shows several.
PICTURE_RULES = (_rule("picture", "600/minute"),)
FEED_RULES = (_rule("feed", "60/minute"),)
# A slide has ten entries at most and a notice sixty: neither gives more entries in a minute than the API does. A screen
# reads six slides a minute, and some thirty marks, which name nobody: there is room for a court with twenty screens.
SLIDE_RULES = (_rule("slide", "120/minute"),)
MARK_RULES = (_rule("mark", "900/minute"),)
NOTICE_RULES = (_rule("notice", "20/minute"),)
# A code has 75 bits, and each try costs the portal a tenth of a second.
EMERGENCY_RULES = (
    _rule("emergency", "5/minute"),
    _rule("emergency", "30/day"),
    _rule("emergency", "300/minute", "all"),
)

SUBMIT_RULES = (_rule("submit", "20/hour"), _rule("submit", "60/day"), _rule("submit", "600/hour", "all"))
STATE_RULES = (_rule("state", "10/minute"), _rule("state", "100/day"), _rule("state", "600/minute", "all"))
# What may be dropped in a day, in MiB: the folder cannot be counted by whoever may not look into it.
DROP_RULE = _rule("drop", "2048/day", "all")
# Reading in bulk, for each key: a follower that catches up asks often, the whole list is taken now and then.
KEY_RULES: Mapping[str, tuple[Rule, ...]] = {
    "bulk.changes": (_rule("changes", "60/minute", "key"),),
    "bulk.snapshot": (_rule("whole", "12/hour", "key"),),
    "bulk.entries_csv": (_rule("whole", "12/hour", "key"),),
    "bulk.acks": (_rule("acks", "200/day", "key"),),
}
# Before a key is looked at.
BULK_RULES = (_rule("bulk", "120/minute"),)
# Acknowledgements that may be dropped in a day, apart from what people send in.
ACK_DROP_RULE = _rule("ack-drop", "10000/day", "all")

RULES: Mapping[tuple[str, str], tuple[Rule, ...]] = {
    ("pages.search", "GET"): SEARCH_RULES,
    ("pages.entry", "GET"): ENTRY_RULES,
    ("pages.answer_check", "POST"): CHECK_RULES,
    ("emergency.hide", "POST"): EMERGENCY_RULES,
    ("submissions.send_objection", "POST"): SUBMIT_RULES,
    ("submissions.send_complaint", "POST"): SUBMIT_RULES,
    ("submissions.tell_state", "POST"): STATE_RULES,
    ("articles.tell_certificate", "POST"): STATE_RULES,
    ("displays.slide", "GET"): SLIDE_RULES,
    ("displays.still", "GET"): SLIDE_RULES,
    ("displays.mark", "GET"): MARK_RULES,
    ("displays.notice", "GET"): NOTICE_RULES,
    ("statistics.stats", "GET"): STATS_RULES,
    ("statistics.post", "GET"): STATS_RULES,
    ("statistics.picture", "GET"): PICTURE_RULES,
    ("statistics.tell", "GET"): API_RULES,
    ("describing.describe", "GET"): STATS_RULES,
    ("feeds.atom", "GET"): FEED_RULES,
    ("feeds.json_feed", "GET"): FEED_RULES,
    ("feeds.archive", "GET"): FEED_RULES,
    ("api.openapi", "GET"): STATS_RULES,
    ("api.entries", "GET"): API_RULES,
    ("api.entry", "GET"): API_RULES,
    ("bulk.changes", "GET"): BULK_RULES,
    ("bulk.snapshot", "GET"): BULK_RULES,
    ("bulk.entries_csv", "GET"): BULK_RULES,
    ("bulk.acks", "POST"): BULK_RULES,
}


class SharedCounters(Storage):
    """A storage for `limits` in shared memory. Make it before the workers fork; every one then counts in it.

    `now` gives seconds since the epoch; `seed` is the secret of the hash, drawn anew at each start.
    """

    STORAGE_SCHEME = None

    def __init__(self, now: Callable[[], float], seed: bytes, slots: int = _SLOTS) -> None:
        super().__init__()
        fork = get_context("fork")
        self._now = now
        self._seed = seed
        self._slots = slots
        self._ends = fork.RawArray(ctypes.c_double, _ROWS * slots)
        self._counts = fork.RawArray(ctypes.c_uint32, _ROWS * slots)
        self._lock = fork.Lock()

    @property
    def base_exceptions(self) -> type[Exception]:
        return OSError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount` for `key` in its present window of `expiry` seconds, and return the count so far."""
        now = self._now()
        end = _window_end(now, expiry)
        with self._held():
            return min(self._add(slot, now, end, amount) for slot in self._find_slots(key, end))

    def get(self, key: str) -> int:
        """The count of `key` in its present window."""
        now = self._now()
        end = _window_end(now, _window_length(key))
        return min(self._read(slot, now) for slot in self._find_slots(key, end))

    def get_expiry(self, key: str) -> float:
        """When the present window of `key` ends, in seconds since the epoch."""
        return _window_end(self._now(), _window_length(key))

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        """Forget every count; how many there were is not known."""
        with self._held():
            ctypes.memset(self._ends, 0, ctypes.sizeof(self._ends))
        return None

    def clear(self, key: str) -> None:
        """Forget the count of `key`, and of what shares its slots."""
        end = _window_end(self._now(), _window_length(key))
        with self._held():
            for slot in self._find_slots(key, end):
                self._ends[slot] = 0

    def _add(self, slot: int, now: float, end: float, amount: int) -> int:
        count = self._read(slot, now) + amount
        self._counts[slot] = min(count, 0xFFFFFFFF)
        # A slot shared with a longer window is kept until both have ended.
        self._ends[slot] = max(self._ends[slot], end)
        return count

    def _read(self, slot: int, now: float) -> int:
        return self._counts[slot] if self._ends[slot] > now else 0

    def _find_slots(self, key: str, end: float) -> list[int]:
        # The window is part of what is hashed: a new window starts from fresh slots.
        digest = blake2b(f"{end}/{key}".encode(), key=self._seed, digest_size=4 * _ROWS).digest()
        numbers = (int.from_bytes(digest[4 * row : 4 * row + 4], "big") for row in range(_ROWS))
        return [row * self._slots + number % self._slots for row, number in enumerate(numbers)]

    @contextmanager
    def _held(self) -> Iterator[None]:
        held = self._lock.acquire(timeout=_PATIENCE)
        try:
            yield
        finally:
            if held:
                self._lock.release()


class Gatekeeper:
    """Counts requests against the rules and says what is left."""

    def __init__(self, counters: SharedCounters, clock: Callable[[], datetime]) -> None:
        self._limiter = FixedWindowRateLimiter(counters)
        self._clock = clock

    def admit(self, rules: tuple[Rule, ...], asker: str) -> Allowance | None:
        """Count one request of `asker`, the address it comes from, or the digest of its key where the rules are of keys;
        None where no rule applies. Stops at the first limit that is used up."""
        tightest: Allowance | None = None
        for rule in rules:
            allowance = self._count(rule, _name_asker(rule.scope, asker))
            if allowance.refused:
                return allowance
            if tightest is None or allowance.remaining < tightest.remaining:
                tightest = allowance
        return tightest

    def spend(self, rule: Rule, cost: int) -> bool:
        """Count `cost` against a rule for all together; False where it does not allow that much any more."""
        return self._limiter.hit(rule.limit, rule.name, "*", cost=cost)

    def _count(self, rule: Rule, key: str) -> Allowance:
        admitted = self._limiter.hit(rule.limit, rule.name, key)
        stats = self._limiter.get_window_stats(rule.limit, rule.name, key)
        return Allowance(
            limit=rule.limit.amount,
            remaining=stats.remaining,
            reset=max(1, math.ceil(stats.reset_time - self._clock().timestamp())),
            refused=not admitted,
        )


def _name_asker(scope: Scope, asker: str) -> str:
    match scope:
        case "address":
            return network_of(asker)
        case "key":
            return asker
        case "all":
            return "*"


def network_of(address: str) -> str:
    """The address that is counted: an IPv4 address, or the /64 of an IPv6 one; anything else counts together."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    if not isinstance(found, IPv6Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return f"{int(found) >> 64:x}"


def _window_length(key: str) -> int:
    *_, multiples, granularity = key.split("/")
    return int(multiples) * GRANULARITIES[granularity].GRANULARITY.seconds


def _window_end(now: float, length: int) -> float:
    return (now // length + 1) * length
