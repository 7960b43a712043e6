"""Segments: what is paid for, and no pair is torn."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.sms.segments import Alphabet, measure, split

HAN = st.sampled_from("法院公示𠮷𪚥😀👨‍👩‍👧aé\n€")
GSM = st.sampled_from("aZ0 @£é{}[]~€\n^|\\")


def utf16(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


@pytest.mark.parametrize(
    ("text", "units", "segments"),
    [
        ("", 0, 0),
        ("法" * 70, 70, 1),
        ("法" * 71, 71, 2),
        ("法" * 134, 134, 2),
        ("法" * 135, 135, 3),
        # Counting code points says two segments; the pair does not fit behind the sixty-sixth unit.
        ("法" * 66 + "𠮷" + "法" * 66, 134, 3),
        ("😀" * 35, 70, 1),
        ("😀" * 36, 72, 2),
        ("𠮷" * 36, 72, 2),
        ("a" * 160, 160, 1),
        ("a" * 161, 161, 2),
        ("{" * 80, 160, 1),
        ("{" * 81, 162, 2),
        # An escape and its character stay together: 152, then 2 + 151, then 1.
        ("a" * 152 + "{" + "a" * 152, 306, 3),
        ("¥" * 160, 160, 1),
        ("￥" + "a" * 70, 71, 2),
        # The signature counts.
        ("【测试市人民法院】" + "法" * 61, 70, 1),
        ("【测试市人民法院】" + "法" * 62, 71, 2),
    ],
)
def test_units_and_segments(text: str, units: int, segments: int) -> None:
    length = measure(text)
    assert (length.units, length.segments, length.characters) == (units, segments, len(text))


@given(st.text(HAN, max_size=400))
def test_segments_of_han_are_full_and_whole(text: str) -> None:
    parts = split(text)
    assert "".join(parts) == text
    if measure(text).alphabet is Alphabet.UCS2:
        room = 70 if len(parts) <= 1 else 67
        assert all(0 < utf16(part) <= room for part in parts)
        # A segment ends only where its next character has no room.
        assert all(utf16(part + after[0]) > room for part, after in pairwise(parts))
        assert measure(text).units == utf16(text)


@given(st.text(GSM, max_size=500))
def test_segments_of_the_short_alphabet_are_full_and_whole(text: str) -> None:
    parts = split(text)

    def septets(part: str) -> int:
        return sum(2 if character in "^{}\\[~]|€" else 1 for character in part)

    room = 160 if len(parts) <= 1 else 153
    assert measure(text).alphabet is Alphabet.GSM7
    assert "".join(parts) == text
    assert all(0 < septets(part) <= room for part in parts)
    assert all(septets(part + after[0]) > room for part, after in pairwise(parts))


def test_the_cost_is_that_of_the_segments() -> None:
    assert measure("法" * 71).cost(Decimal("0.045")) == Decimal("0.090")
