"""Names of minority languages in Chinese characters and in Latin letters."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_index.folding import fold_name
from search_index.tables import read_table
from search_index.transliteration import (
    fold_latin,
    list_latin_keys,
    list_latin_names,
    list_spellings,
    list_transliterations,
)

LINES = [tuple(column.split(",") for column in line) for line in read_table("transliterations.txt")]


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("泽仁", ["次仁", "才仁", "茨仁", "才让"]),
        ("扎西泽仁", ["扎西次仁", "扎西茨仁", "扎西才仁"]),
        ("泽仁彭措", ["次仁平措", "泽仁平措", "次仁彭措"]),
        ("测虚多吉", ["测虚多杰"]),
        ("阿不都热合曼吐尔逊", ["阿卜杜热合曼图尔荪"]),
    ],
)
def test_a_name_written_otherwise(name: str, others: list[str]) -> None:
    assert {other for other, _ in list_transliterations(name)} >= set(others)


@pytest.mark.parametrize(
    ("name", "other"),
    [("扎西卓玛", "扎西卓嘎"), ("仁青多吉", "仁增多吉"), ("次仁", "次旦"), ("泽仁", "泽仁")],
)
def test_other_names_are_other_names(name: str, other: str) -> None:
    assert other not in dict(list_transliterations(name))


@pytest.mark.parametrize("name", ["张泽仁", "张测试", "云南测试商贸有限公司", "仁", ""])
def test_what_is_no_name_of_such_parts(name: str) -> None:
    assert list_transliterations(name) == ()


def test_what_differs_is_named() -> None:
    pairs = dict(list_transliterations("泽仁多吉"))
    assert pairs["次仁多吉"] == (("泽仁", "次仁"),)
    assert pairs["次仁多杰"] == (("泽仁", "次仁"), ("多吉", "多杰"))


@given(st.lists(st.sampled_from([one for written, _ in LINES for one in written] + ["张", "测试"]), max_size=3))
def test_the_spellings_are_those_whose_differences_are_named(parts: list[str]) -> None:
    name = "".join(parts)
    assert list_spellings(name) == tuple(other for other, _ in list_transliterations(name))


@pytest.mark.parametrize("written", [written for written, _ in LINES], ids=lambda written: written[0])
def test_every_spelling_of_a_part_finds_every_other(written: list[str]) -> None:
    for one, other in permutations(written, 2):
        assert f"测虚{other}" in dict(list_transliterations(f"测虚{one}"))


@pytest.mark.parametrize(("one", "other"), [("曲培", "群培"), ("罗追", "洛追"), ("单增", "丹增")])
def test_a_whole_name_that_may_be_han_is_left_alone(one: str, other: str) -> None:
    assert list_transliterations(one) == ()
    assert one not in dict(list_transliterations(other))
    assert f"扎西{one}" in dict(list_transliterations(f"扎西{other}"))


def test_spellings_are_folded_and_stand_in_one_line_only() -> None:
    spellings = [spelling for written, _ in LINES for spelling in written]
    assert len(spellings) == len(set(spellings))
    assert [fold_name(spelling) for spelling in spellings] == spellings
    assert [fold_latin(word) for _, spelled in LINES for word in spelled] == [
        (word,) for _, spelled in LINES for word in spelled
    ]


@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=2), st.data())
def test_latin_parts_are_names_in_characters(lines: list[tuple[list[str], list[str]]], data: st.DataObject) -> None:
    typed = " ".join(data.draw(st.sampled_from(spelled)).title() for _, spelled in lines)
    assert "".join(written[0] for written, _ in lines) in list_latin_names(fold_latin(typed))


def test_an_unknown_latin_word_makes_no_name() -> None:
    assert list_latin_names(("tashi", "smith")) == ()


@pytest.mark.parametrize(
    "typed", ["Tashi Tsering", "TASHI  TSERING", "Tāshi-Tséring", "Ｔａｓｈｉ Tser'ing", "tashi·tsering"]
)
def test_latin_spellings_fold(typed: str) -> None:
    assert fold_latin(typed) == ("tashi", "tsering")
    assert list_latin_keys(typed) == {"tashi", "tsering", "tashitsering"}


@given(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=12))
def test_the_width_of_letters_does_not_matter(typed: str) -> None:
    assert fold_latin(typed) == fold_latin("".join(chr(ord(character) + 0xFEE0) for character in typed))
