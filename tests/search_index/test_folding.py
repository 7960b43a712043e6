"""Folding: what is one name or one text however it was typed, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_index.folding import fold_code, fold_name, fold_text

TYPED_TEXT = st.text(st.characters(), max_size=20)
NAME_TEXT = st.text(st.sampled_from("扎西次仁𠮷田䶮\ue863（）()·•．・ ＡＢab测试〔〕“”　"), max_size=12)


@pytest.mark.parametrize("dot", "·•・･．.‧∙⋅●\u0387 　")
def test_a_name_is_one_with_any_dot_or_none(dot: str) -> None:
    assert fold_name(f"扎西{dot}次仁") == fold_name("扎西次仁") == "扎西次仁"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("云南测试（集团）有限公司", "云南测试(集团)有限公司"),
        ("云南测试（集团）有限公司", "云南测试集团有限公司"),
        ("ＡＢＣ测试", "abc测试"),
        ("王\ue863", "王䶮"),
        ("王\ue816", "王\U00020087"),
        ("张\u200b测\ufeff试", "张测试"),
        ("李𠮷\U000e0100", "李𠮷"),
        ("\uf914", "樂"),
        ("“虚构”餐饮", "虚构餐饮"),
    ],
)
def test_one_name(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize(("one", "other"), [("闫测", "颜测"), ("张测", "张侧"), ("李𠮷", "李吉"), ("甲商贸", "乙商贸")])
def test_two_names(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("支付 １２，０００元", "支付12,000元"), ("〔2017〕", "（2017）"), ("一、支付\r\n货款", "一、支付货款")],
)
def test_one_text(one: str, other: str) -> None:
    assert fold_text(one) == fold_text(other)


def test_a_point_in_an_amount_counts() -> None:
    assert fold_text("5.5万元") != fold_text("55万元")


@pytest.mark.parametrize("typed", ["91999999MA 0000000U", "９１９９９９９９ma0000000u", "91999999-MA0000000U"])
def test_a_code_is_bare_capitals(typed: str) -> None:
    assert fold_code(typed) == "91999999MA0000000U"


@given(TYPED_TEXT)
def test_what_is_folded_stays_as_it_is(text: str) -> None:
    assert fold_name(fold_name(text)) == fold_name(text)
    assert fold_text(fold_text(text)) == fold_text(text)


@given(NAME_TEXT, st.data())
def test_a_part_of_a_name_folds_to_a_part_of_its_key(name: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(name)))
    end = data.draw(st.integers(start, len(name)))
    assert fold_name(name[start:end]) in fold_name(name)


@given(st.sampled_from([chr(code) for code in range(0xE815, 0xE865)]))
def test_no_private_code_point_is_left(character: str) -> None:
    assert not any("\ue000" <= c <= "\uf8ff" for c in fold_name(character))
