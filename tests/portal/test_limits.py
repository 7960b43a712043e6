"""The counters themselves: shared between processes, never too lenient, holding no address."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits import parse

from portal.limits import CHECK_RULES, Gatekeeper, SharedCounters, network_of

MINUTE = parse("5/minute")
DAY = parse("5/day")


class Time:
    """A clock that is moved by hand."""

    def __init__(self, seconds: float = 1_800_000_000.0) -> None:
        self.seconds = seconds

    def __call__(self) -> float:
        return self.seconds

    def clock(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)


def test_processes_that_fork_count_together() -> None:
    counters = SharedCounters(now=Time(), seed=b"seed", slots=64)
    key = MINUTE.key_for("a")
    children = []
    for _ in range(4):
        child = os.fork()
        if child == 0:
            for _ in range(250):
                counters.incr(key, 60)
            os._exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert counters.get(key) == 1000


def test_a_worker_killed_with_the_lock_does_not_stop_the_others() -> None:
    counters = SharedCounters(now=Time(), seed=b"seed", slots=64)
    child = os.fork()
    if child == 0:
        counters._lock.acquire()
        os._exit(0)
    os.waitpid(child, 0)
    assert counters.incr(MINUTE.key_for("a"), 60) == 1
    assert counters.incr(MINUTE.key_for("a"), 60) == 2


# Each event: seconds that pass, which key, and which of two windows.
EVENTS = st.lists(st.tuples(st.integers(0, 90), st.integers(0, 5), st.sampled_from([MINUTE, DAY])), max_size=60)


@given(events=EVENTS, slots=st.sampled_from([1, 2, 7, 4096]))
def test_sharing_a_slot_only_ever_makes_a_limit_stricter(events, slots: int) -> None:
    time = Time()
    counters = SharedCounters(now=time, seed=b"seed", slots=slots)
    truth: Counter[tuple[str, float]] = Counter()
    for seconds, number, limit in events:
        time.seconds += seconds
        key, length = limit.key_for(str(number)), limit.get_expiry()
        window = (key, time.seconds // length)
        truth[window] += 1
        assert counters.incr(key, length) >= truth[window]
        assert counters.get(key) >= truth[window]
        assert time.seconds < counters.get_expiry(key) <= time.seconds + length


@given(events=EVENTS)
def test_with_room_the_count_is_right(events) -> None:
    time = Time()
    counters = SharedCounters(now=time, seed=b"seed")
    truth: Counter[tuple[str, float]] = Counter()
    for seconds, number, limit in events:
        time.seconds += seconds
        key, length = limit.key_for(str(number)), limit.get_expiry()
        truth[key, time.seconds // length] += 1
        assert counters.incr(key, length) == truth[key, time.seconds // length]


def test_a_count_can_be_forgotten() -> None:
    counters = SharedCounters(now=Time(), seed=b"seed")
    counters.incr(MINUTE.key_for("a"), 60)
    counters.incr(MINUTE.key_for("b"), 60)
    counters.clear(MINUTE.key_for("a"))
    assert (counters.get(MINUTE.key_for("a")), counters.get(MINUTE.key_for("b"))) == (0, 1)
    counters.reset()
    assert counters.get(MINUTE.key_for("b")) == 0


def test_no_address_is_in_the_memory() -> None:
    counters = SharedCounters(now=Time(), seed=b"seed", slots=64)
    Gatekeeper(counters, Time().clock).admit(CHECK_RULES, "192.0.2.77")
    memory = bytes(counters._ends) + bytes(counters._counts)
    assert b"192.0.2" not in memory
    assert bytes([192, 0, 2, 77]) not in memory


def test_the_total_is_counted_over_all_addresses() -> None:
    time = Time()
    gatekeeper = Gatekeeper(SharedCounters(now=time, seed=b"seed"), time.clock)
    admitted = [gatekeeper.admit(CHECK_RULES, f"198.51.100.{n % 250}") for n in range(700)]
    assert [one.refused for one in admitted if one].count(False) == 600


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("nonsense", "", True),
    ],
)
def test_what_counts_as_one_address(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same
