"""The figures of departures: true, and never about so few that they tell of somebody."""

from __future__ import annotations

from datetime import date, timedelta
from statistics import median

from hypothesis import given
from hypothesis import strategies as st

from registry.speed import FEWEST, Gone, build_figures

GONE = st.builds(Gone, on=st.dates(date(2026, 1, 1), date(2027, 3, 1)), days=st.integers(0, 90), in_time=st.booleans())
TODAY = st.dates(date(2026, 1, 1), date(2027, 4, 1))


@given(st.lists(GONE, max_size=40), TODAY)
def test_the_figures_are_those_of_the_months_they_name(gone: list[Gone], today: date) -> None:
    figures = build_figures(gone, today)
    if figures is None:
        assert sum(one.on < today.replace(day=1) for one in gone) < FEWEST
        return
    for part in (figures, *figures["periods"]):
        first, last = date.fromisoformat(part["from"]), date.fromisoformat(part["to"])
        told = [one for one in gone if first <= one.on <= last]
        assert part["departures"] == len(told) >= FEWEST
        assert part["on_time"] + part["late"] == len(told)
        assert part["on_time"] == sum(one.in_time for one in told)
        assert part["median_days"] == median(one.days for one in told)
        assert part["worst_days"] == max(one.days for one in told)
        # Whole months that are over.
        assert first.day == 1
        assert (last + timedelta(days=1)).day == 1
        assert last < today


@given(st.lists(GONE, max_size=40), TODAY, st.integers(0, 200))
def test_two_states_of_the_figures_never_differ_by_fewer_than_three(gone: list[Gone], today: date, days: int) -> None:
    before = build_figures([one for one in gone if one.on <= today], today)
    after = build_figures(gone, today + timedelta(days=days))
    if before is None:
        return
    assert after is not None
    assert after["periods"][: len(before["periods"])] == before["periods"]
    more = after["departures"] - before["departures"]
    assert more == 0 or more >= FEWEST


def test_months_with_too_few_are_told_with_the_next() -> None:
    gone = [
        Gone(on=date(2026, month, 9), days=days, in_time=days < 4) for month, days in ((1, 1), (2, 2), (3, 9), (3, 3))
    ]
    figures = build_figures(gone, date(2026, 4, 1))
    assert figures == {
        "from": "2026-01-01",
        "to": "2026-03-31",
        "departures": 4,
        "on_time": 3,
        "late": 1,
        "median_days": 2.5,
        "worst_days": 9,
        "periods": [
            {
                "from": "2026-01-01",
                "to": "2026-03-31",
                "departures": 4,
                "on_time": 3,
                "late": 1,
                "median_days": 2.5,
                "worst_days": 9,
            }
        ],
    }
    assert build_figures(gone, date(2026, 3, 31)) is None
