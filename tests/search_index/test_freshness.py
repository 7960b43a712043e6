"""How long a list may be shown that nobody brings up to date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_index.freshness import Cause, Limits, Standing, judge, read_limits, tell_freshness

NOW = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
LIMITS = Limits()
MOMENTS = st.none() | st.integers(-(10**6), 10**6).map(lambda seconds: NOW + timedelta(seconds=seconds))


@given(MOMENTS, MOMENTS, st.booleans())
def test_the_longer_the_silence_the_less_is_shown(
    pulse: datetime | None, updated_at: datetime | None, is_shut: bool
) -> None:
    found = judge(pulse, updated_at, NOW, LIMITS, is_shut=is_shut)
    assert found.checked_at == (pulse or updated_at)
    # A clock that is ahead must not keep a dead registry's list fresh until then.
    silence = abs(NOW - (found.checked_at or NOW))
    if is_shut:
        assert (found.standing, found.cause) == (Standing.HIDDEN, Cause.SHUT)
    elif silence > timedelta(hours=72):
        assert (found.standing, found.cause) == (Standing.HIDDEN, Cause.SILENCE)
    else:
        assert found.standing is (Standing.SILENT if silence > timedelta(hours=24) else Standing.FRESH)
    assert ("stale" in tell_freshness(found)) == found.is_silent
    # Whoever takes names back reads on.
    assert judge(pulse, updated_at, NOW, None, is_shut=is_shut).standing is Standing.FRESH


@pytest.mark.parametrize(("hours", "standing"), [(24, "fresh"), (24.01, "silent"), (72, "silent"), (72.01, "hidden")])
def test_the_limits_themselves(hours: float, standing: str) -> None:
    assert judge(NOW - timedelta(hours=hours), None, NOW, LIMITS).standing == standing


def test_limits_are_whole_hours_and_hide_comes_later() -> None:
    assert read_limits("1", "720") == Limits(timedelta(hours=1), timedelta(hours=720))
    for silent, hide in (("0", "72"), ("24", "721"), ("24", "24"), ("72", "24"), ("1.5", "72"), ("二", "72"), ("", "")):
        with pytest.raises(ValueError, match=r"GONGSHI_(SILENT|HIDE)_HOURS"):
            read_limits(silent, hide)
