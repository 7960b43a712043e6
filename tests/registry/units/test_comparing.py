"""What a number or a name proves of who somebody is: the golden pairs, and properties over every pair of numbers."""

from __future__ import annotations

import tomllib
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gongshi.synthetic import build_citizen_number
from registry.masks import MaskProfile, mask_id
from registry.record import Kind
from registry.units.compare_rows import Fault, read_either, read_row
from registry.units.comparing import Applicant, Listed, Verdict, compare, is_guess, list_name_keys, strongest
from registry.values import CitizenNumber, InvalidValue, parse_id_number, parse_uscc
from search_index.folding import fold_name

GOLDEN = tomllib.loads((Path(__file__).parent / "golden_compare.toml").read_text(encoding="utf-8"))["pair"]
NUMBERS = st.builds(
    lambda day, serial: build_citizen_number("990101", day, serial),
    st.dates(date(1930, 1, 1), date(2008, 12, 31)),
    st.integers(0, 999),
)


def to_listed(pair: dict[str, str]) -> Listed:
    person, code = pair.get("listed_id_number"), pair.get("listed_uscc")
    number = parse_id_number(person) if person else parse_uscc(code) if code else None
    return Listed(kind=Kind(pair["kind"]), key=fold_name(pair["listed"]), number=number)


def to_applicant(pair: dict[str, Any]) -> Applicant:
    row = read_row({key: pair[key] for key in ("name", "id_number", "uscc") if key in pair})
    assert isinstance(row, Applicant), row
    return row


def judge(pair: dict[str, str]) -> Verdict:
    """As the database does: an entry is looked up by each name that the applicant's may have had."""
    applicant, listed = to_applicant(pair), to_listed(pair)
    alike = listed.key in list_name_keys(applicant) and applicant.number is None
    found = Listed(kind=listed.kind, key=applicant.key, number=listed.number) if alike else listed
    return compare(applicant, found)


@pytest.mark.parametrize("pair", GOLDEN, ids=lambda pair: pair["why"])
def test_golden(pair: dict[str, str]) -> None:
    assert judge(pair) == pair["truth"]


def test_the_golden_pairs_are_many_and_of_every_kind() -> None:
    assert len(GOLDEN) >= 60
    assert {pair["truth"] for pair in GOLDEN} == {"exact", "masked_agree", "name_only", "none"}


@given(NUMBERS, NUMBERS, st.booleans())
def test_two_whole_numbers_are_one_person_or_two_and_never_maybe(ours: str, theirs: str, same_name: bool) -> None:
    applicant = to_applicant({"name": "甲测试", "id_number": ours})
    listed = Listed(kind=Kind.PERSON, key="甲测试" if same_name else "乙测试", number=CitizenNumber.parse(theirs))
    assert compare(applicant, listed) is (Verdict.EXACT if ours == theirs else Verdict.NONE)


@given(NUMBERS, NUMBERS, st.sampled_from(MaskProfile), st.booleans())
def test_a_masked_number_is_never_exact_and_agrees_with_what_it_was_made_from(
    number: str, other: str, profile: MaskProfile, listed_is_masked: bool
) -> None:
    masked = mask_id(CitizenNumber.parse(number), profile)
    for whole in (number, other):
        ours, theirs = (whole, masked) if listed_is_masked else (masked, whole)
        listed = Listed(kind=Kind.PERSON, key="甲测试", number=parse_id_number(theirs))
        found = compare(to_applicant({"name": "甲测试", "id_number": ours}), listed)
        agrees = all("*" in (a, b) or a == b for a, b in zip(whole, masked, strict=True))
        assert found is (Verdict.MASKED_AGREE if agrees else Verdict.NONE)


@given(NUMBERS)
def test_an_organisation_is_no_person_whatever_the_numbers_hold(number: str) -> None:
    listed = Listed(kind=Kind.ORGANISATION, key="甲测试", number=None)
    assert compare(to_applicant({"name": "甲测试", "id_number": number}), listed) is Verdict.NONE


def test_the_strongest_says_most() -> None:
    assert strongest([Verdict.NONE, Verdict.MASKED_AGREE, Verdict.NAME_ONLY]) is Verdict.MASKED_AGREE
    assert strongest([]) is Verdict.NONE


WRONG = build_citizen_number("990101", date(1980, 1, 2), 11)
WRONG = WRONG[:-1] + ("0" if WRONG[-1] != "0" else "1")


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        ({"name": "甲测试", "id_number": WRONG}, "id_number", "校验码不符"),
        ({"name": "甲测试", "id_number": "9901"}, "id_number", "应为18位"),
        ({"name": "甲测试", "id_number": 5}, "id_number", "应为文字"),
        ({"name": "甲测试", "uscc": "91*********"}, "uscc", "不应遮盖"),
        ({"name": "甲测试", "id_number": "E12345678", "uscc": "MA0010002"}, "uscc", "只能填写"),
        ({"name": ""}, "name", "请填写"),
        ({"name": "\ud800甲"}, "name", "乱码"),
        ({"name": "甲" * 65}, "name", "超过"),
        ({"name": "甲" * 100_000}, "name", "过长"),
        ({"id_number": WRONG}, "name", "请填写"),
        ({"name": "甲测试", "birthday": "1980"}, "", "不认识的项"),
        ({"name": "甲测试", "ref": "x" * 65}, "ref", "不超过"),
        ({"name": "甲测试", "ref": 10**500}, "ref", "不超过"),
        ({"name": "甲测试", "role": "甲\n乙"}, "role", "一行文字"),
        ({"name": ["甲"]}, "name", "应为文字"),
        ("甲测试", "", "对象"),
        (None, "", "对象"),
    ],
)
def test_what_cannot_be_read_is_said_and_not_repeated(row: Any, field: str, says: str) -> None:
    fault = read_row(row)
    assert isinstance(fault, Fault)
    assert fault.field == field
    assert says in fault.reason
    assert WRONG not in fault.reason


def test_what_is_the_units_own_comes_back_as_it_came() -> None:
    row = read_row({"name": "甲测试", "ref": 7, "role": "法定代表人", "application": "房-2026-1", "id_number": None})
    assert isinstance(row, Applicant)
    assert (row.ref, row.role, row.application, row.number) == ("7", "法定代表人", "房-2026-1", None)


def test_a_column_for_both_numbers_tells_them_apart() -> None:
    for pair in GOLDEN:
        for field in ("id_number", "uscc"):
            if field in pair:
                assert read_either(pair[field], pair["name"]) == {field: pair[field]}
    assert read_either("nonsense", "测试公司") == {"id_number": "nonsense"}
    # Numbers that can be either: the name tells.
    for both in ("MA0010002", find_both()):
        assert read_either(both, "扎西次仁旺堆") == {"id_number": both}
        assert read_either(both, "测试（集团）有限公司") == {"uscc": both}


def find_both() -> str:
    """Eighteen characters that are a right citizen number and a right credit code."""
    for year in range(1940, 2000):
        for serial in range(1000):
            number = build_citizen_number("990101", date(year, 1, 2), serial)
            try:
                parse_uscc(number)
            except InvalidValue:
                continue
            return number
    raise AssertionError


def listed_as(name: str, number: str) -> Listed:
    return Listed(kind=Kind.PERSON, key=fold_name(name), number=CitizenNumber(number), name=name)


@given(NUMBERS, NUMBERS)
def test_only_what_the_public_sees_under_the_same_name_is_taken_for_a_guess(asked: str, known: str) -> None:
    applicant = Applicant(name="甲测试", key=fold_name("甲测试"), number=CitizenNumber(asked))
    alike = mask_id(CitizenNumber(asked), MaskProfile.NATIONAL) == mask_id(CitizenNumber(known), MaskProfile.NATIONAL)
    assert is_guess(applicant, [listed_as("甲测试", known)], MaskProfile.NATIONAL) is (alike and asked != known)
    assert is_guess(applicant, [listed_as("乙测试", known)], MaskProfile.NATIONAL) is (asked == known)


@given(NUMBERS, NUMBERS)
def test_whoever_names_an_entry_and_its_whole_number_guesses_nothing(asked: str, other: str) -> None:
    applicant = Applicant(name="甲测试", key=fold_name("甲测试"), number=CitizenNumber(asked))
    also = [listed_as("乙测试", asked), listed_as("甲测试", other)]
    assert not is_guess(applicant, [*also, listed_as("甲测试", asked)], MaskProfile.NATIONAL)
    assert is_guess(applicant, also[:1], MaskProfile.NATIONAL)


def test_a_number_that_differs_in_the_hidden_digits_alone_is_a_guess() -> None:
    real = build_citizen_number("990101", date(1980, 1, 2), 11)
    days = [date(1980, 1, 3) + timedelta(days=n) for n in range(300)]
    tried = next(n for n in (build_citizen_number("990101", day, 11) for day in days) if n[-1] == real[-1])
    applicant = Applicant(name="甲测试", key=fold_name("甲测试"), number=CitizenNumber(tried))
    assert is_guess(applicant, [listed_as("甲测试", real)], MaskProfile.NATIONAL)
