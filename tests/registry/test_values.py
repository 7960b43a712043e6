"""Values parse everything that is written for them, and refuse the rest with a reason that does not repeat it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gongshi.synthetic import build_citizen_number, build_uscc
from registry.values import (
    CaseNumber,
    CitizenNumber,
    InvalidValue,
    MaskedNumber,
    OrganisationCode,
    OtherNumber,
    Uscc,
    has_private_use,
    parse_date,
    parse_id_number,
    parse_latin_name,
    parse_name,
    parse_phone,
    parse_text,
    parse_uscc,
)
from search_index.casenumber import CaseStyle, find_case_number

SHANGHAI = timezone(timedelta(hours=8))
births = st.dates(date(1880, 1, 1), date(2025, 12, 31))
citizen_numbers = st.builds(
    build_citizen_number, st.sampled_from(["990101", "999999", "000000"]), births, st.integers(0, 999)
)
usccs = st.builds(
    build_uscc, st.sampled_from(["91", "92", "N2", "53", "Y1", "A1"]), st.just("990101"), st.integers(0, 10**8 - 1)
)
FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}


def reason_of(parse: Callable[[str], Any], text: str) -> str:
    with pytest.raises(InvalidValue) as caught:
        parse(text)
    return str(caught.value)


# Citizen numbers --------------------------------------------------------------------------------------------------


@given(citizen_numbers)
def test_a_citizen_number_says_when_born_and_which_gender(number: str) -> None:
    parsed = CitizenNumber.parse(number)
    assert parsed.text == number
    assert parsed.birth_date.strftime("%Y%m%d").rjust(8, "0") == number[6:14]
    assert parsed.gender == ("男" if number[16] in "13579" else "女")


@given(
    citizen_numbers,
    st.sampled_from([str.lower, lambda n: n.translate(FULL_WIDTH), lambda n: f" {n[:6]} {n[6:]}\u3000"]),
)
def test_a_citizen_number_is_read_in_any_width_case_and_spacing(number: str, write: Callable[[str], str]) -> None:
    assert parse_id_number(write(number)) == CitizenNumber(number)


@given(citizen_numbers, st.integers(0, 17), st.sampled_from("0123456789X"))
def test_one_wrong_character_is_always_found_and_never_repeated(number: str, place: int, wrong: str) -> None:
    assume(number[place] != wrong)
    spoiled = number[:place] + wrong + number[place + 1 :]
    reason = reason_of(parse_id_number, spoiled)
    assert not re.search(r"\d{3}", reason)


@given(citizen_numbers.filter(lambda n: n[6:8] == "19"))
def test_an_old_number_of_15_digits_becomes_the_new_one(number: str) -> None:
    assert CitizenNumber.parse(number[:6] + number[8:17]).text == number


def test_the_published_vector_of_the_standard() -> None:
    assert CitizenNumber.parse("11010519491231002x").text == "11010519491231002X"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "为空"),
        ("99010119900101", "18位"),
        ("9901011990010100170", "18位"),
        ("990101199013010012", "出生日期"),
        ("990101190002290012", "出生日期"),
        ("990101110001010012", "出生日期"),
        ("9.90101E+17", "科学计数法"),
        ("99010119900101O012", "只能由数字"),
        ("99010X199001010012", "末位"),
    ],
)
def test_a_wrong_number_is_refused_with_what_is_wrong(text: str, says: str) -> None:
    assert says in reason_of(parse_id_number, text)


# Masked numbers ---------------------------------------------------------------------------------------------------

MASKS: dict[str, Callable[[str], str]] = {
    "10+4+4": lambda n: f"{n[:10]}****{n[14:]}",
    "11+4+4 hides three": lambda n: f"{n[:11]}****{n[14:]}",
    "6+8+4": lambda n: f"{n[:6]}********{n[14:]}",
    "6+8+blank+4": lambda n: f"{n[:6]}******** {n[14:]}",
    "6+10+2": lambda n: f"{n[:6]}**********{n[16:]}",
    "old 8+4+3": lambda n: f"{n[:6]}{n[8:10]}****{n[14:17]}",
}
SIGNS = {"*": "*", "full width": "＊", "cross": "×", "X": "X", "x": "x"}


@pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)
@pytest.mark.parametrize("sign", SIGNS.values(), ids=SIGNS)
@given(number=citizen_numbers)
def test_a_mask_shows_what_it_shows_and_hides_the_rest(mask: Callable[[str], str], sign: str, number: str) -> None:
    whole = number if len(mask(number)) >= 18 else number[:6] + number[8:17]
    parsed = parse_id_number(mask(number).replace("*", sign))
    assert isinstance(parsed, MaskedNumber)
    assert len(parsed.text) == len(whole)
    assert all(shown in ("*", real) for shown, real in zip(parsed.text, whole, strict=True))
    assert parsed.text.count("*") == (3 if mask is MASKS["11+4+4 hides three"] else mask(number).count("*"))
    assert MaskedNumber.parse(parsed.text) == parsed


@pytest.mark.parametrize(
    ("text", "year", "gender"),
    [
        ("9901011990****0017", 1990, "男"),
        ("99010119901****0027", 1990, "女"),
        ("990101********0017", None, "男"),
        ("990101**********17", None, "男"),
        ("99010190****001", 1990, "男"),
        ("9901011990********", 1990, None),
        ("990101199*****0017", None, "男"),
    ],
)
def test_only_visible_digits_say_anything(text: str, year: int | None, gender: str | None) -> None:
    parsed = MaskedNumber.parse(text)
    assert (parsed.visible_year, parsed.visible_gender) == (year, gender)


def test_a_check_character_x_is_told_from_an_x_that_hides() -> None:
    assert parse_id_number("9901011990XXXX001X") == MaskedNumber("9901011990****001X")
    assert parse_id_number("9901011990****00XX") == MaskedNumber("9901011990****00**")
    assert parse_id_number("990101***********X") == MaskedNumber("990101***********X")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("990101****0017", "14位"),
        ("9901011990*****0017", "19位"),
        ("9901011990130**0017*", "位"),
        ("9901011990139*0017", "出生日期"),
        ("9901013990****0017", "出生年份"),
        ("******************", "太少"),
        ("99010119A0****0017", "只能由"),
    ],
)
def test_a_mask_that_cannot_be_placed_is_refused(text: str, says: str) -> None:
    assert says in reason_of(parse_id_number, text)


# Other numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("E12345678", "E12345678"),
        ("ea 1234567", "EA1234567"),
        ("H0123456789", "H0123456789"),
        ("Ｋ1234567", "K1234567"),
    ],
)
def test_passports_and_permits(written: str, kept: str) -> None:
    assert parse_id_number(written) == OtherNumber(kept)


@pytest.mark.parametrize("text", ["E123", "ABCDEFGH", "E1234567890123", "E12345*78", "G990101199001010017", "é1234567"])
def test_what_is_no_passport(text: str) -> None:
    reason_of(parse_id_number, text)


# Organisations ----------------------------------------------------------------------------------------------------


@given(usccs)
def test_a_uscc_is_read_in_any_writing_and_letters_may_lead(code: str) -> None:
    assert parse_uscc(f" {code.lower()[:9]}-{code.lower()[9:]} ") == Uscc(code)
    assert parse_uscc(code.translate(FULL_WIDTH)) == Uscc(code)
    assert OrganisationCode.parse(code[8:17]).text == f"{code[8:16]}-{code[16]}"


@given(usccs, st.integers(0, 17), st.sampled_from("0123456789ABCDEFGHJKLMNPQRTUWXY"))
def test_one_wrong_character_of_a_uscc_is_always_found(code: str, place: int, wrong: str) -> None:
    assume(code[place] != wrong)
    reason = reason_of(parse_uscc, code[:place] + wrong + code[place + 1 :])
    assert code[2:] not in reason


def test_the_published_vectors_of_the_codes() -> None:
    assert parse_uscc("91350100M000100Y43") == Uscc("91350100M000100Y43")
    assert parse_uscc("d2143569x") == OrganisationCode("D2143569-X")
    assert parse_uscc("M000100Y-4") == OrganisationCode("M000100Y-4")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "为空"),
        ("91990101", "18位"),
        ("919901010000000I0O", "I、O、S、V、Z"),
        ("91A9010100000000XX", "第3至8位"),
        ("D2143569-1", "校验码"),
        ("D214356九X", "组织机构代码"),
        ("9199010100****000X", "遮盖"),
        ("9.1990101E+17", "科学计数法"),
    ],
)
def test_a_wrong_code_is_refused_with_what_is_wrong(text: str, says: str) -> None:
    assert says in reason_of(parse_uscc, text)


# Case numbers -----------------------------------------------------------------------------------------------------

BRACKETS = ["()", "（）", "〔〕", "【】", "[]", "［］"]
cases = st.tuples(
    st.integers(1990, 2030),
    st.sampled_from(["豫9901执", "云99执恢", "豫执", "最高法执监", "召执字第", "漯民一初字第", "某某仲裁", "测0101执"]),
    st.integers(1, 99999),
    st.sampled_from(["", "之一", "之十二", "-1"]),
)


@given(cases, st.sampled_from(BRACKETS), st.integers(0, 4), st.booleans(), st.booleans())
def test_a_case_is_the_same_however_it_is_written(
    case: tuple[int, str, int, str], brackets: str, zeros: int, wide: bool, spaced: bool
) -> None:
    year, body, serial, suffix = case
    plain = CaseNumber.parse(f"（{year}）{body}{serial}号{suffix}")
    digits = f"{serial:0{zeros}d}"
    written = f"{brackets[0]}{year}{brackets[1]}{body}{digits}号{suffix}"
    if wide:
        written = written.translate({code: code + 0xFEE0 for code in range(0x30, 0x3A)})
    if spaced:
        written = "\u3000" + " ".join(written) + " "
    parsed = CaseNumber.parse(written)
    assert parsed == plain
    assert hash(parsed) == hash(plain)
    assert parsed.key == plain.key
    assert parsed.original == written.strip()
    assert CaseNumber.parse(parsed.text) == parsed
    assert CaseNumber.parse(parsed.text).text == parsed.text == parsed.canonical
    assert (parsed.year, int(parsed.serial)) == (year, serial)


@given(cases, cases)
def test_different_cases_have_different_keys(one: tuple[int, str, int, str], other: tuple[int, str, int, str]) -> None:
    assume(one != other)
    first, second = (CaseNumber.parse(f"（{y}）{b}{s}号{x}") for y, b, s, x in (one, other))
    assert first != second


@pytest.mark.parametrize(
    ("written", "text", "style", "court", "type_"),
    [
        ("(2017)云9921执12号", "（2017）云9921执12号", CaseStyle.NEW, "云9921", "执"),
        ("2017云9921执12", "（2017）云9921执12号", CaseStyle.NEW, "云9921", "执"),
        ("（2017）云9921执恢0012号之1", "（2017）云9921执恢12号之一", CaseStyle.NEW, "云9921", "执恢"),
        ("（2020）最高法执监3号", "（2020）最高法执监3号", CaseStyle.NEW, "最高法", "执监"),
        ("（2013）召执字第00123号", "（2013）召执字第00123号", CaseStyle.OLD, "召", "执"),
        ("(2013)召执字第 123-1 号", "（2013）召执字第123-1号", CaseStyle.OLD, "召", "执"),
        ("2015年阿执字第00123号", "（2015）阿执字第00123号", CaseStyle.OLD, "阿", "执"),
        ("2003州刑初字第5号", "（2003）州刑初字第5号", CaseStyle.OLD, "州", "刑初"),
        ("（2009）召民一初字第7号", "（2009）召民一初字第7号", CaseStyle.OLD, "召", "民一初"),
        ("2016津仲裁字第7号", "（2016）津仲裁字第7号", CaseStyle.OTHER, "", ""),
        ("（2016）云9921民初9034号民事判决书", "（2016）云9921民初9034号", CaseStyle.NEW, "云9921", "民初"),
        ("（2025）测0101执5号", "（2025）测0101执5号", CaseStyle.OTHER, "", ""),
    ],
)
def test_case_numbers_as_they_are_seen(written: str, text: str, style: CaseStyle, court: str, type_: str) -> None:
    parsed = CaseNumber.parse(written)
    assert (parsed.text, parsed.style, parsed.court, parsed.type) == (text, style, court, type_)
    assert parsed.original == written


def test_a_case_without_its_zeros_or_its_ordinal_is_the_same() -> None:
    assert CaseNumber.parse("（2013）召执字第00123号") == CaseNumber.parse("(2013)召执字第123号")
    assert CaseNumber.parse("（2013）召执字第123号") == CaseNumber.parse("（2013）召执字123号")
    assert CaseNumber.parse("（2013）召执字第123号") != CaseNumber.parse("（2013）召执恢字第123号")


@pytest.mark.parametrize(
    "text",
    ["", "你好", "执12号", "(2017)执号", "（9999）云99执1号", "（2017）云9901执0号", "2013年10月15日第5号", "（2017）号5号",
     "（2009）召民一初字第×××号", "（2017云9901执12号", "2017）云9901执12号", "（2017）测测测12", "12345", "（2017）云9901执12号之零"],
)  # fmt: skip
def test_what_is_no_case_number(text: str) -> None:
    assert find_case_number(text) is None
    assert reason_of(CaseNumber.parse, text)


# Names and text ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dot", "·•・･．.‧∙⋅●\u0387\u2027")
def test_every_dot_between_han_characters_becomes_one(dot: str) -> None:
    assert parse_name(f"扎西{dot}测试") == "扎西·测试"
    assert parse_name(f"扎西 {dot} 𠮷测{dot}试") == "扎西·𠮷测·试"


@pytest.mark.parametrize(
    "name",
    ["J. R. Smith", "测试（云南）商贸有限公司", "测试(云南)有限公司", "𠮷▀", "测试A.B公司", "▀", "欧阳 测试", "䶮" * 64, "\U00031350" * 64],
    ids=range(9),
)  # fmt: skip
def test_a_name_is_kept_exactly(name: str) -> None:
    assert parse_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", " \u3000", "测\n试", "测\u200b试", "测\u202e试", "测\ufeff试", "测\u2066试", "测\u3164试", "测\ufe0f试", "测\ufffd试", "测" + chr(0xD800) + "试", "测\x7f试",
     "测" * 65, "𠮷" * 65, "·", "——"],
    ids=range(16),
)  # fmt: skip
def test_what_is_no_name(name: str) -> None:
    reason = reason_of(parse_name, name)
    assert "测" not in reason


@given(st.text(st.characters(codec="utf-8"), max_size=70))
def test_a_name_that_was_parsed_stays_as_it_is(text: str) -> None:
    try:
        name = parse_name(text)
    except InvalidValue:
        return
    assert parse_name(name) == name
    assert unicodedata.is_normalized("NFC", name)
    assert 1 <= len(name) <= 64
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in name)


# Names in Latin letters


@pytest.mark.parametrize(
    "name",
    ["Tashi Tsering", "Gülbahar Ömer", "Al-Ma'mun", "J. R. Smith", "Ng", "T\u0323\u0306ashi", "Ⱪurban Ǝli", "A" * 100],
    ids=range(8),
)
def test_a_latin_name_is_kept_exactly(name: str) -> None:
    assert parse_latin_name(name) == unicodedata.normalize("NFC", name)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("  Tashi \u3000 Tsering ", "Tashi Tsering"),
        ("Ｔａｓｈｉ　Ｔｓｅｒｉｎｇ", "Tashi Tsering"),
        ("Gu\u0308lbahar", "Gülbahar"),
        ("Ma’mun‐Ali", "Ma'mun-Ali"),
        ("Eli·Ömer", "Eli Ömer"),
    ],
)
def test_a_latin_name_is_written_in_one_way(written: str, name: str) -> None:
    assert parse_latin_name(written) == name


@pytest.mark.parametrize(
    "name",
    ["", "  ", "T", "T" * 101, "Tashi 2", "Tashi２", "扎西", "Tashi 扎西", "Таши", "Tashi\nTsering", "Tashi\u200bTsering", "'Tashi",
     "-Tashi", "Tashi, T", "Tashi/T", "Tashi(T)", "=Tashi", "Tashi×", "Tashi ²", "Tashi ª", "Tashi\u0301\u0301\u0301\u0301"],
    ids=range(21),
)  # fmt: skip
def test_what_is_no_latin_name(name: str) -> None:
    reason = reason_of(parse_latin_name, name)
    assert "Tashi" not in reason
    assert "2" not in reason.replace("2至100", "")


@given(st.text(st.characters(codec="utf-8", max_codepoint=0x24F) | st.sampled_from("aZ ü·'’-.̈１ａ"), max_size=105))
def test_a_latin_name_that_was_parsed_stays_as_it_is_and_has_no_digit(text: str) -> None:
    try:
        name = parse_latin_name(text)
    except InvalidValue:
        return
    assert parse_latin_name(name) == name
    assert 2 <= len(name) <= 100
    assert not any(map(str.isdigit, name))


def test_private_use_characters_are_kept_and_noticed() -> None:
    assert has_private_use(parse_name("王\ue863"))
    assert not has_private_use(parse_name("王䶮"))


def test_text_made_to_be_slow_is_not() -> None:
    for text in ('<a b="' * 30_000, "<a " * 60_000, "&amp;" * 40_000, "<a" + " b" * 90_000, "&" + "amp;" * 40_000):
        with pytest.raises(InvalidValue):
            parse_text(text, 100)


def test_text_loses_its_html_and_keeps_its_lines() -> None:
    written = "<p>一、支付1&nbsp;000元，利率&lt;5%；\r\n二、<b>驳回</b><br/>其余&amp;amp;请求。</p>\x00\u200b"
    assert parse_text(written, 100) == "一、支付1 000元，利率<5%；\n二、驳回\n其余&请求。"


@pytest.mark.parametrize("text", ["利率<5%且>3%", "a<b", "A&B公司", "3<x && y>2", "第一行\n  第二行"])
def test_text_that_only_looks_like_html_is_kept(text: str) -> None:
    assert parse_text(text, 100) == text


def test_an_invisible_character_cannot_split_a_number_or_a_tag() -> None:
    assert parse_text("卡号6222\u200b0000<\u200bscript>", 100) == "卡号62220000"


@pytest.mark.parametrize(
    ("text", "says"), [("", "为空"), ("<br>\u200b", "为空"), ("字" * 11, "超过10个字"), ("乱\ufffd码", "乱码")]
)
def test_what_is_no_text(text: str, says: str) -> None:
    assert says in reason_of(lambda value: parse_text(value, 10), text)


@given(st.text(st.characters(codec="utf-8"), max_size=60))
def test_text_has_no_control_characters_but_line_ends(text: str) -> None:
    try:
        plain = parse_text(text, 60)
    except InvalidValue:
        return
    assert not any(unicodedata.category(c) in ("Cc", "Cf", "Zl", "Zp") and c != "\n" for c in plain)
    assert plain == plain.strip()


# Dates ------------------------------------------------------------------------------------------------------------

days = st.dates(date(1900, 1, 2), date(2150, 1, 1))
WRITINGS: dict[str, Callable[[date], Any]] = {
    "iso": date.isoformat,
    "slashes": lambda d: f"{d.year}/{d.month}/{d.day}",
    "dots": lambda d: f"{d.year}.{d.month:02}.{d.day:02}",
    "han": lambda d: f"{d.year}年{d.month}月{d.day}日",
    "padded han": lambda d: f" {d.year}年{d.month:02}月{d.day:02}日 ",
    "full width": lambda d: f"{d.year}年{d.month}月{d.day}日".translate(FULL_WIDTH),
    "plain": lambda d: d.strftime("%Y%m%d"),
    "plain number": lambda d: int(d.strftime("%Y%m%d")),
    "midnight": lambda d: f"{d.isoformat()} 00:00:00",
    "with zone": lambda d: f"{d.isoformat()}T00:00:00+08:00",
    "english": lambda d: f"{d:%b} {d.day}, {d.year}",
    "english with time": lambda d: f"{d:%b} {d.day}, {d.year} 12:00:00 AM",
    "datetime": lambda d: datetime(d.year, d.month, d.day, 23, 59),
    "utc": lambda d: datetime(d.year, d.month, d.day, tzinfo=SHANGHAI).astimezone(UTC),
    "utc text": lambda d: datetime(d.year, d.month, d.day, tzinfo=SHANGHAI).astimezone(UTC).isoformat(),
    "date": lambda d: d,
    "java": lambda d: {"year": d.year - 1900, "month": d.month - 1, "date": d.day, "hours": 0},
}


@pytest.mark.parametrize("write", WRITINGS.values(), ids=WRITINGS)
@given(day=days)
def test_every_writing_of_a_date_is_the_same_day(write: Callable[[date], Any], day: date) -> None:
    assert parse_date(write(day)) == day


@given(st.dates(date(1974, 1, 1), date(2150, 1, 1)))
def test_milliseconds_since_1970_are_a_day_in_shanghai(day: date) -> None:
    milliseconds = int(datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).timestamp()) * 1000
    assert parse_date(milliseconds) == parse_date(str(milliseconds)) == day
    assert parse_date(milliseconds + 86_399_999) == day
    assert parse_date({"time": milliseconds, "year": 0}) == day


@given(days)
def test_a_day_of_excels_calendar(day: date) -> None:
    serial = (day - date(1899, 12, 30)).days
    assume(serial >= 61)
    assert parse_date(serial) == day
    assert parse_date(serial + 0.5) == day


def test_dates_in_chinese_numerals() -> None:
    assert parse_date("二〇一三年十月十五日") == date(2013, 10, 15)
    assert parse_date("二○二四年元月二十日") == date(2024, 1, 20)
    assert parse_date("二零二四年十二月三十一日") == date(2024, 12, 31)


@pytest.mark.parametrize(
    "value",
    ["", "2013-02-30", "2013-13-01", "20130230", "2013-10", "13-10-15", "2013-10/15", "昨天", "0001-01-01", "1700-01-01", "2300-01-01",
     "Foo 15, 2011", "二〇一三年十三月一日", "2013-10-15 25:00:00+08:00", True, None, [], 0, 5_000_000, float("nan"), float("inf"), 10**30,
     {"year": 113}, {"year": "113", "month": 1, "date": 1}, "9" * 4000, date(9999, 1, 1)],
)  # fmt: skip
def test_what_is_no_date(value: Any) -> None:
    reason_of(parse_date, value)


# Telephone --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("13900000000", "13900000000"),
        ("+86 139-0000-0000", "13900000000"),
        ("8613900000000", "13900000000"),
        ("１３９００００００００", "13900000000"),
        ("0395-2612345", "0395-2612345"),
        ("(0395) 2612345转12", "0395-2612345转12"),
        ("+86 395 2612345", "0395-2612345"),
        ("01062345678", "010-62345678"),
        ("2612345", "2612345"),
        ("400-000-0000", "4000000000"),
        ("12368", "12368"),
        ("+852 2123 4567", "+85221234567"),
    ],
)
def test_telephone_numbers(written: str, number: str) -> None:
    assert parse_phone(written) == number
    assert parse_phone(number) == number


@pytest.mark.parametrize("text", ["", "139****0000", "12345678901", "13900000000/13800000000", "电话", "0395", "+1"])
def test_what_is_no_telephone_number(text: str) -> None:
    reason_of(parse_phone, text)
