"""Folding: what is one name or one text however it was typed, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_index.confusable import MOST_NAMES, list_confusable
from search_index.folding import fold_code, fold_name, fold_text
from search_index.tables import read_table

TYPED_TEXT = st.text(st.characters(), max_size=20)
NAME_TEXT = st.text(st.sampled_from("扎西次仁𠮷田䶮\ue863（）()·•．・ ＡＢab测试〔〕“”　陳峯"), max_size=12)
VARIANTS = {form: standard for standard, forms in read_table("variants.txt") for form in forms}
EVERYDAY_TEXT = st.text(st.sampled_from("张贷貸峯，。、（）()〔〕【】“”Ａa１1 \u3000\n·•：；5.《》—…"), max_size=20)


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
        ("陳測", "陈测"),
        ("顏測偉", "颜测伟"),
        ("閻測", "阎测"),
        ("閆測", "闫测"),
        ("張測峯", "张测峰"),
        ("羣勳珎濶喫敍", "群勋珍阔吃叙"),
        ("葉範後瀋餘薑穀鬱闇", "叶范后沈余姜谷郁暗"),
        ("鍾測", "锺测"),
        ("鐘表", "钟表"),
        ("有限合夥企業", "有限合伙企业"),
        ("魏徵", "魏徵"),
        ("趙測頫", "赵测𫖯"),
        ("雲南測試商貿有限責任公司", "云南测试商贸有限责任公司"),
        ("產業", "产业"),
        ("産業", "产业"),
        ("靑眞淸戶說溫黃吳呂敎", "青真清户说温黄吴吕教"),
    ],
)
def test_one_name(one: str, other: str) -> None:
    assert fold_name(one) == fold_name(other)


@pytest.mark.parametrize(("one", "other"), [("闫测", "颜测"), ("张测", "张侧"), ("甲商贸", "乙商贸")])
def test_two_names(one: str, other: str) -> None:
    assert fold_name(one) != fold_name(other)
    assert fold_name(other) not in dict(list_confusable(fold_name(one)))


@pytest.mark.parametrize(
    "pair",
    [
        "闫阎",
        "𠮷吉",
        "肖萧",
        "付傅",
        "代戴",
        "兰蓝",
        "邱丘",
        "于於",
        "钟锺",
        "升昇",
        "升陞",
        "昇陞",
        "哲喆",
        "坤堃",
        "苏甦",
        "涂凃",
        "村邨",
        "和龢",
        "宁甯",
        "奔犇",
        "秘祕",
        "修脩",
        "溪谿",
        "澄澂",
        "渺淼",
        "征徵",
        "着著",
        "干乾",
        "佩珮",
        "蒙濛",
        "晰皙",
        "戮勠",
        "绩𪟝",
        "熔镕",
        "烨晔",
        "欣䜣",
    ],
)
def test_two_registered_characters_are_two_names_that_are_taken_for_one_another(pair: str) -> None:
    one, other = f"张{pair[0]}测", f"张{pair[1]}测"
    assert fold_name(one) == one
    assert fold_name(other) == other
    assert dict(list_confusable(one))[other] == ((pair[0], pair[1]),)
    assert dict(list_confusable(other))[one] == ((pair[1], pair[0]),)


def test_confusable_names_with_fewest_differences_come_first() -> None:
    names = list_confusable("闫昇测")
    assert [len(pairs) for _, pairs in names] == [1, 1, 1, 2, 2]
    assert list_confusable("测试") == ()


@given(st.text(st.sampled_from("闫昇付肖陞钟吉测试"), max_size=10))
def test_a_confusable_name_differs_by_its_pairs_and_nothing_else(name: str) -> None:
    found = list_confusable(name)
    assert len(found) <= MOST_NAMES
    assert len(dict(found)) == len(found)
    for other, pairs in found:
        assert len(other) == len(name)
        assert tuple((one, two) for one, two in zip(name, other, strict=True) if one != two) == pairs != ()
        assert fold_name(other) == other


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("支付 １２，０００元", "支付12,000元"),
        ("償還貸款本金", "偿还贷款本金"),
        ("執字第", "执字第"),
        ("〔2017〕", "（2017）"),
        ("一、支付\r\n货款", "一、支付货款"),
    ],
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


@given(st.sampled_from(sorted(VARIANTS)))
def test_a_form_folds_to_one_standard_character(form: str) -> None:
    assert fold_name(form) == fold_text(form) == VARIANTS[form]
    assert len(VARIANTS[form]) == 1


@given(EVERYDAY_TEXT)
def test_everyday_text_folds_as_it_does_beside_a_rare_character(text: str) -> None:
    assert fold_name(text) + "𠮷" == fold_name(text + "𠮷")
    assert fold_text(text) + "𠮷" == fold_text(text + "𠮷")


def test_no_confusable_character_folds() -> None:
    for (group,) in read_table("confusable.txt"):
        assert fold_name(group) == group
        assert len(set(group)) == len(group) > 1
