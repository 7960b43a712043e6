"""Numbers: E.164, or a reason that does not repeat them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.sms.numbers import InvalidNumber, is_e164, is_mainland, mask_number, to_e164


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13800000000", "+8613800000000"),
        (" 138 0000 0000 ", "+8613800000000"),
        ("１３８－００００－００００", "+8613800000000"),
        ("138—0000—0000".replace("—", "–"), "+8613800000000"),
        ("+86 138 0000 0000", "+8613800000000"),
        ("0086 13800000000", "+8613800000000"),
        ("＋１ (202) 555-0123", "+12025550123"),
        ("+852 5123 4567", "+85251234567"),
        ("+886 912 345 678", "+886912345678"),
    ],
)
def test_what_people_write_becomes_one_form(written: str, number: str) -> None:
    assert to_e164(written) == number
    assert to_e164(number) == number


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "没有填写"),
        ("   ", "没有填写"),
        ("张三", "只能由数字"),
        ("13800000000转3", "不能带分机号"),
        ("13800000000;ext=3", "不能带分机号"),
        ("1380000", "号段或位数不对"),
        ("13800", "位数太少"),
        ("138000000000000000", "位数"),
        ("010-66660000", "固定电话"),
        ("400-800-0000", "不是可以接收短信"),
        ("12800000000", "号段或位数不对"),
        ("+999 1234567", "国家或地区代码不存在"),
        ("+", "不是电话号码"),
    ],
)
def test_what_cannot_get_an_sms_is_refused_with_a_reason(written: str, reason: str) -> None:
    with pytest.raises(InvalidNumber, match=reason) as refused:
        to_e164(written)
    assert not any(part in str(refused.value) for part in written.split() if len(part) > 3)


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_anything_typed_is_a_number_or_refused(text: str) -> None:
    number = None
    with contextlib.suppress(InvalidNumber):
        number = to_e164(text)
    assert number is None or is_e164(number)


def test_the_mainland_is_only_the_mainland() -> None:
    assert is_mainland("+8613800000000")
    assert not any(map(is_mainland, ("+85251234567", "+85366123456", "+886912345678", "+12025550123")))


def test_a_shown_number_is_masked() -> None:
    assert mask_number("+8613812345678") == "+86 138******78"
    assert mask_number("+12025550123") == "+12*******23"
    assert mask_number("whatsapp:+12025550123") == "****"


@given(st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_no_mask_shows_more_than_five_digits_of_the_subscriber(number: str) -> None:
    shown = mask_number(number)
    assert shown != number
    assert shown.count("*") >= 4
    assert sum(c.isdigit() for c in shown.removeprefix("+86 ")) <= 5


@pytest.mark.parametrize("written", ["15412345678", "+86 154 1234 5678", "0086-15412345678", "１５４１２３４５６７８"])
def test_the_numbers_of_invented_people_are_numbers_in_training_only(written: str) -> None:
    assert to_e164(written, training=True) == "+8615412345678"
    with pytest.raises(InvalidNumber):
        to_e164(written)


@pytest.mark.parametrize("written", ["1541234567", "154123456789", "15412345678转9", "张三"])
def test_training_takes_nothing_else(written: str) -> None:
    with pytest.raises(InvalidNumber):
        to_e164(written, training=True)


@pytest.mark.parametrize("written", ["13800000000", "+1 (202) 555-0123"])
def test_a_real_number_stays_what_it_is_in_training(written: str) -> None:
    assert to_e164(written, training=True) == to_e164(written)
