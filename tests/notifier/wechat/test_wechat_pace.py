"""How often one follower is answered."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from wechat_world import NOW

from notifier.wechat.pace import Bucket, Pace, PaceKeeper, take

PACE = Pace(burst=3, every=timedelta(seconds=10))


@given(st.lists(st.integers(0, 40), max_size=60))
def test_never_more_than_the_burst_and_one_for_each_span(gaps: list[int]) -> None:
    bucket: Bucket | None = None
    now, allowed = NOW, []
    for gap in gaps:
        now += timedelta(seconds=gap)
        bucket, is_allowed = take(bucket, PACE, now)
        if is_allowed:
            allowed.append(now)
    for first in range(len(allowed)):
        for last in range(first, len(allowed)):
            spans = (allowed[last] - allowed[first]) / PACE.every
            assert last - first + 1 <= PACE.burst + spans + 1e-6


@given(st.lists(st.integers(11, 100), min_size=1, max_size=30))
def test_who_asks_slowly_is_always_answered(gaps: list[int]) -> None:
    bucket: Bucket | None = None
    now = NOW
    for gap in gaps:
        now += timedelta(seconds=gap)
        bucket, is_allowed = take(bucket, PACE, now)
        assert is_allowed


def test_a_clock_set_back_gives_nothing() -> None:
    bucket = Bucket(left=0.5, at=NOW)
    assert take(bucket, PACE, NOW - timedelta(days=1)) == (Bucket(left=0.5, at=NOW - timedelta(days=1)), False)


def test_followers_do_not_share_and_the_oldest_are_forgotten() -> None:
    keeper = PaceKeeper(Pace(burst=1, every=timedelta(hours=1)), most=2)
    assert [keeper.allows("a", NOW), keeper.allows("a", NOW), keeper.allows("b", NOW)] == [True, False, True]
    assert keeper.allows("c", NOW)
    assert keeper.allows("a", NOW), "a was forgotten for c"
    assert not keeper.allows("c", NOW)
