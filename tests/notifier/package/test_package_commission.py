"""委托函号: one pattern gives every quarter its number, and what could not stand in a letter is refused at the start."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.calendar import Period
from notifier.package import check_pattern, fill_number


@pytest.mark.parametrize(
    ("pattern", "number"),
    [
        ("（{year}）测法推{quarter}号", "（2026）测法推3号"),
        ("测法推〔{year}〕{quarter}号", "测法推〔2026〕3号"),
        ("（2026）测法推17号", "（2026）测法推17号"),
        ("", ""),
        ("{year}{year}-{quarter}", "20262026-3"),
    ],
)
def test_year_and_quarter_are_those_of_the_list(pattern: str, number: str) -> None:
    assert fill_number(check_pattern(pattern), Period(2026, 3)) == number


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("测法推{number}号", r"\{year\}"),
        ("测法推{quarter号", r"\{quarter\}"),
        ("测法推}号", r"\{quarter\}"),
        ("{}", r"\{year\}"),
        ("{year!r}", r"\{year\}"),
        ("{{year}}", r"\{year\}"),
        ("测法推\n1号", "换行"),
        ("测法推\u202e1号", "看不见"),
        ("测" * 61, "60"),
    ],
)
def test_what_cannot_stand_in_a_letter_is_refused_in_a_line(pattern: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as refused:
        check_pattern(pattern)
    assert len(str(refused.value).splitlines()) == 1


@given(st.text(max_size=60), st.integers(2020, 2100), st.integers(1, 4))
def test_what_is_accepted_is_a_line_without_braces(pattern: str, year: int, quarter: int) -> None:
    try:
        number = fill_number(check_pattern(pattern), Period(year, quarter))
    except ValueError:
        return
    assert not set("{}\r\n") & set(number)
    assert number == number.strip()
