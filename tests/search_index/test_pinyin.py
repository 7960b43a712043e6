"""How names sound: every reading that counts, no reading that does not, and every way to type it."""

from itertools import pairwise, product

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from search_index.pinyin import MOST_SEGMENTATIONS, is_run, list_initials, list_sounds, split_syllables
from search_index.tables import read_table

COMMON = {character: syllable for syllable, characters in read_table("pinyin.txt") for character in characters}
POLYPHONES = {line[0]: line[1:] for line in read_table("polyphones.txt")}
# Not 单, 尉, 万 …: what a character is at the start of a name is tested by example.
HAN = st.sampled_from("张伟测试扎西次仁多吉云南商贸安方案先鹅阿欧乐行长重𠮷䶮㛃吕女略虐")
NAMES = st.text(HAN, min_size=1, max_size=5)


def heard(character: str) -> tuple[str, ...]:
    return POLYPHONES.get(character, (COMMON[character],))


def is_found(typed: str, name: str, *, whole: bool = False) -> bool:
    return any(is_run(syllables, name, whole=whole) for syllables in split_syllables(typed))


@st.composite
def spoken_names(draw: st.DrawFn) -> tuple[str, tuple[str, ...]]:
    name = draw(NAMES)
    return name, tuple(draw(st.sampled_from(heard(character))) for character in name)


@pytest.mark.parametrize(
    ("name", "syllables"),
    [
        *[("曾测", "zeng ce"), ("单测", "shan ce"), ("解测", "xie ce"), ("查测", "zha ce"), ("仇测", "qiu ce")],
        *[("区测", "ou ce"), ("盖测", "ge ce"), ("盖测", "gai ce"), ("缪测", "miao ce"), ("朴测", "piao ce")],
        *[("尉迟测", "yu chi ce"), ("长孙测", "zhang sun ce"), ("万俟测", "mo qi ce"), ("澹台测", "tan tai ce")],
        *[("测乐", "ce le"), ("测乐", "ce yue"), ("银行", "yin hang"), ("测行", "ce xing"), ("测长", "ce chang")],
        *[("长测", "zhang ce"), ("重庆", "chong qing"), ("重测", "zhong ce"), ("成都", "cheng du"), ("都测", "dou ce")],
        *[("茜测", "qian ce"), ("茜测", "xi ce"), ("朝阳", "chao yang"), ("盛测", "sheng ce"), ("盛测", "cheng ce")],
        *[("西藏", "xi zang"), ("翟测", "zhai ce"), ("翟测", "di ce"), ("卜测", "bu ce"), ("会计", "kuai ji")],
        *[("任测", "ren ce"), ("华测", "hua ce"), ("葛测", "ge ce"), ("覃测", "qin ce"), ("褚测", "chu ce")],
        *[("冼测", "xian ce"), ("员测", "yun ce"), ("黑测", "he ce"), ("折测", "she ce"), ("逄测", "pang ce")],
        *[("六安", "lu an"), ("莘县", "shen xian"), ("荥阳", "xing yang"), ("蔚县", "yu xian"), ("厦门", "xia men")],
        *[("测𠮷", "ce ji"), ("测䶮", "ce yan"), ("测㛃", "ce jie"), ("测𬭎", "ce hong"), ("吕测", "lv ce")],
        *[("测晟", "ce sheng"), ("测喆", "ce zhe"), ("测堃", "ce kun"), ("测犇", "ce ben"), ("测焘", "ce tao")],
        *[("谌测", "chen ce"), ("谌测", "shen ce"), ("牟测", "mu ce"), ("牟测", "mou ce"), ("宓测", "fu ce")],
    ],
)
def test_it_is_read_so(name: str, syllables: str) -> None:
    assert is_found(syllables, name, whole=True)
    assert is_found(syllables.replace(" ", ""), name, whole=True)


@pytest.mark.parametrize(
    ("name", "syllables"),
    [
        *[("大测", "dai ce"), ("测仇", "ce qiu"), ("测查", "ce zha"), ("测区", "ce ou"), ("和测", "huo ce")],
        *[("石测", "dan ce"), ("张伟", "zhang"), ("张伟", "wei"), ("张伟", "wei zhang"), ("张伟", "zhan wei")],
        *[("尉测", "yu chi"), ("吕测", "lu ce"), ("闫测", "ya nce")],
    ],
)
def test_it_is_not_read_so(name: str, syllables: str) -> None:
    assert not is_found(syllables, name, whole=True)


@pytest.mark.parametrize(
    ("typed", "ways"),
    [
        ("zhangwei", ["zhang wei"]),
        ("zhang wei", ["zhang wei"]),
        ("ZhāngＷěi", ["zhang wei"]),
        ("zhang1wei3", ["zhang wei"]),
        ("zhang1 wei３", ["zhang wei"]),
        ("fangan", ["fan gan", "fang an"]),
        ("xian", ["xian", "xi an"]),
        ("xi'an", ["xi an"]),
        ("Xī’ān", ["xi an"]),
        ("xi an", ["xi an"]),
        ("lü", ["lv"]),
        ("lǚ", ["lv"]),
        ("LV", ["lv"]),
        ("lu:", ["lv"]),
        ("lyu", ["lv"]),
        ("nyu3", ["nv"]),
        ("lüe", ["lv e", "lve"]),
        ("lu", ["lu"]),
        ("e mao", ["e mao", "e ma o"]),
        ("tashi·tsering", []),
        ("a", []),
        ("o", []),
        ("zw", []),
        ("m", []),
        ("zhang m", []),
        ("zhang_wei", []),
        ("1zhang", []),
        ("zhang33", []),
        ("张wei", []),
        ("'", []),
        ("", []),
        ("a" * 1000, []),
    ],
)
def test_what_is_typed_is_syllables(typed: str, ways: list[str]) -> None:
    assert sorted(map(" ".join, split_syllables(typed))) == sorted(ways)


def test_the_likeliest_way_comes_first() -> None:
    assert split_syllables("fangan")[0] == ("fan", "gan")
    assert split_syllables("xian")[0] == ("xian",)


def test_a_word_of_several_syllables_between_spaces_is_split() -> None:
    assert ("zhang", "wei", "qiang") in split_syllables("zhangwei qiang")


@given(st.text(max_size=30))
def test_anything_can_be_typed(typed: str) -> None:
    ways = split_syllables(typed)
    assert len(set(ways)) == len(ways) <= MOST_SEGMENTATIONS
    assert all(way and all(syllable.isascii() and syllable.isalpha() for syllable in way) for way in ways)


@given(spoken_names())
def test_every_reading_of_a_name_finds_it(spoken: tuple[str, tuple[str, ...]]) -> None:
    name, syllables = spoken
    assume(len("".join(syllables)) > 1)
    assert is_found(" ".join(syllables), name, whole=True)
    run_together = split_syllables("".join(syllables))
    assert syllables in run_together or len(run_together) == MOST_SEGMENTATIONS


@given(spoken_names(), st.data())
def test_any_run_of_a_name_is_found_and_is_among_its_sounds(
    spoken: tuple[str, tuple[str, ...]], data: st.DataObject
) -> None:
    name, syllables = spoken
    start = data.draw(st.integers(0, len(name) - 1))
    run = syllables[start : data.draw(st.integers(start + 1, len(name)))]
    assert is_run(run, name)
    sounds = list_sounds(name)
    assert set(run) <= sounds
    assert {f"{one} {other}" for one, other in pairwise(run)} <= sounds


@given(
    st.text(st.sampled_from("张乐行测a1·"), max_size=6),
    st.lists(st.sampled_from(("zhang", "le", "yue", "xing", "hang", "ce")), max_size=4).map(tuple),
)
def test_a_run_is_what_reading_aloud_says(name: str, syllables: tuple[str, ...]) -> None:
    readings = [heard(character) if character in COMMON else ("-",) for character in name]
    aloud = set(product(*readings))
    parts = {way[start : start + len(syllables)] for way in aloud for start in range(len(name))}
    assert is_run(syllables, name) == (bool(syllables) and syllables in parts)
    assert is_run(syllables, name, whole=True) == (bool(syllables) and syllables in aloud)


def test_a_letter_or_a_digit_breaks_a_run() -> None:
    assert list_sounds("张a伟") == {"zhang", "wei"}
    assert not is_run(("zhang", "wei"), "张a伟")
    assert list_sounds("abc") == frozenset()


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("张伟", {"zw"}),
        ("张伟强", {"zw", "zwq"}),
        ("单乐", {"dl", "dy", "sl", "sy"}),
        ("abc测试", {"ab", "abc", "abcc", "abccs"}),
        ("测3试", {"c3", "c3s"}),
        ("测▀试", set()),
        ("测", set()),
        ("", set()),
    ],
)
def test_initials_are_the_beginnings_of_the_name(name: str, initials: set[str]) -> None:
    assert list_initials(name) == initials


@given(st.text(st.sampled_from("乐行长重单都朝盛张"), max_size=20))
def test_initials_stay_few(name: str) -> None:
    initials = list_initials(name)
    assert all(2 <= len(one) <= 8 for one in initials)
    assert len(initials) <= 7 * 16


def test_no_table_reads_a_character_in_two_ways_as_its_common_one() -> None:
    lines = [character for _, characters in read_table("pinyin.txt") for character in characters]
    assert len(lines) == len(set(lines))
    assert len(POLYPHONES) == len(read_table("polyphones.txt"))
    assert all(len(readings) == len(set(readings)) > 1 for readings in POLYPHONES.values())
    assert all(COMMON[character] in readings for character, readings in POLYPHONES.items())
