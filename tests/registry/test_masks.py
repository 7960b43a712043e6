from __future__ import annotations

from datetime import date

import pytest
from builders_gate import citizen
from hypothesis import given, settings
from hypothesis import strategies as st

from registry.masks import MaskProfile, count_possible, mask_id, mask_name, mask_organisation
from registry.values import CitizenNumber, MaskedNumber, OtherNumber

PROFILES = st.sampled_from(MaskProfile)
BIRTHS = st.dates(date(1900, 1, 1), date(2099, 12, 31))
CITIZENS = st.builds(citizen, BIRTHS, st.integers(0, 999))
MASKED = st.one_of(
    st.text("0123456789*", min_size=18, max_size=18), st.text("0123456789*", min_size=15, max_size=15)
).map(MaskedNumber)
OTHERS = st.from_regex(r"[A-Z][A-Z0-9]{5,11}", fullmatch=True).map(OtherNumber)


def test_national_mask_shows_the_first_ten_and_the_last_four() -> None:
    number = citizen(date(1980, 5, 6))
    assert mask_id(number, "national") == f"9901011980****{number.text[-4:]}"


def test_strict_mask_shows_the_first_six_and_the_last_four() -> None:
    number = citizen(date(1980, 5, 6))
    assert mask_id(number, "strict") == f"990101********{number.text[-4:]}"


@pytest.mark.parametrize(("profile", "expected"), [("national", "99010180****001"), ("strict", "990101******001")])
def test_an_old_number_keeps_fifteen_characters(profile: str, expected: str) -> None:
    assert mask_id(MaskedNumber("9901018005**001"), profile) == expected


@pytest.mark.parametrize(
    ("came_in", "national"),
    [
        ("99010119800***0017", "9901011980****0017"),
        ("990101********0017", "990101********0017"),
        ("990101**********17", "990101**********17"),
        ("**************0017", "**************0017"),
    ],
)
def test_what_came_in_masked_is_masked_again_and_never_opened(came_in: str, national: str) -> None:
    assert mask_id(MaskedNumber(came_in), "national") == national


@pytest.mark.parametrize(
    ("text", "national", "strict"), [("E12345678", "E******78", "*******78"), ("A12345", "******", "******")]
)
def test_a_passport_shows_three_characters_or_none(text: str, national: str, strict: str) -> None:
    assert mask_id(OtherNumber(text), "national") == national
    assert mask_id(OtherNumber(text), "strict") == strict


@given(st.one_of(CITIZENS, MASKED, OTHERS), PROFILES)
def test_a_mask_keeps_the_length_and_shows_only_what_was_there(
    number: CitizenNumber | MaskedNumber | OtherNumber, profile: MaskProfile
) -> None:
    masked = mask_id(number, profile)
    assert len(masked) == len(number.text)
    assert all(c in ("*", source) for c, source in zip(masked, number.text, strict=True))
    assert "*" * 4 in masked
    assert mask_id(number, MaskProfile.STRICT).count("*") >= mask_id(number, MaskProfile.NATIONAL).count("*")


@given(st.one_of(CITIZENS, MASKED), PROFILES)
def test_masking_a_masked_number_changes_nothing(number: CitizenNumber | MaskedNumber, profile: MaskProfile) -> None:
    once = mask_id(number, profile)
    assert mask_id(MaskedNumber(once), profile) == once


@given(OTHERS, PROFILES)
def test_masking_a_masked_passport_changes_nothing(number: OtherNumber, profile: MaskProfile) -> None:
    once = mask_id(number, profile)
    assert mask_id(OtherNumber(once), profile) == once


@settings(deadline=None)
@given(st.builds(citizen, st.dates(date(1950, 1, 1), date(2007, 12, 31)), st.integers(0, 999)))
def test_the_national_mask_leaves_some_thirty_numbers_and_the_strict_one_far_more(number: CitizenNumber) -> None:
    national = count_possible(mask_id(number, "national"))
    assert 30 <= national <= 36
    assert count_possible(mask_id(number, "strict")) > 100 * national


@given(CITIZENS)
def test_a_number_that_hides_nothing_leaves_itself(number: CitizenNumber) -> None:
    assert count_possible(number.text) == 1


def test_possible_numbers_are_those_that_trying_all_would_find() -> None:
    mask = mask_id(citizen(date(1980, 5, 6)), "national")
    tried = [f"{mask[:10]}{rest:04}{mask[14:]}" for rest in range(10000)]
    assert count_possible(mask) == sum(1 for text in tried if _is_valid(text))


def _is_valid(text: str) -> bool:
    try:
        return bool(CitizenNumber.parse(text))
    except ValueError:
        return False


def test_an_old_mask_has_no_check_character_to_narrow_it() -> None:
    assert count_possible("99010181****001") == 365
    assert count_possible("99010180****001") == 366


@pytest.mark.parametrize("text", ["", "990101", "99010119800506001A", "X90101198005060017"])
def test_what_is_no_mask_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="掩码应为") as caught:
        count_possible(text)
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("张三", "张某某"),
        ("张三丰", "张某某"),
        ("欧阳样例", "欧阳某某"),
        ("扎西·样例", "扎某某"),
        ("扎西样例", "扎某某"),
        ("john sample", "J"),
        ("𠮷样例", "𠮷某某"),
        ("", ""),
    ],
)
def test_names_keep_the_surname_or_the_first_character(name: str, masked: str) -> None:
    assert mask_name(name) == masked
    assert mask_name(masked) == masked


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        ("测试市虚构商贸有限公司", "某公司"),
        ("虚构银行股份有限公司测试支行", "某银行"),
        ("测试县虚构种植专业合作社", "某合作社"),
        ("虚构", "某单位"),
    ],
)
def test_organisations_keep_only_their_kind(name: str, masked: str) -> None:
    assert mask_organisation(name) == masked
