"""Names of organisations: what decides in them, and when two are close."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_index.condition import Close
from search_index.folding import fold_name
from search_index.organisation import find_core, find_difference, has_trade_name, is_close
from search_index.places import find_renamings
from search_index.query import read_question
from search_index.tables import read_table


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("云南测试商贸有限公司", "测试商贸"),
        ("测试商贸有限责任公司", "测试商贸"),
        ("测试商贸", "测试商贸"),
        ("香格里拉县测试商贸有限公司", "测试商贸"),
        ("香格里拉市测试商贸有限公司昆明分公司", "测试商贸"),
        ("中甸县测试商贸经营部", "测试商贸"),
        ("恒测（云南）商贸有限公司", "恒测商贸"),
        ("恒测（昆明市）商贸有限公司", "恒测商贸"),
        ("测试（香格里拉）有限公司", "测试"),
        ("测试市甲商贸有限公司", "甲商贸"),
        ("云南省西双版纳傣族自治州景洪市测试橡胶有限公司", "测试橡胶"),
        ("迪庆州测试农民专业合作社", "测试"),
        ("测试省虚构市示例区甲乙餐饮服务部（个体工商户）", "甲乙餐饮"),
        ("昆明市盘龙区测试镇虚构建材经营部", "虚构建材"),
        ("云南测试（集团）有限公司", "测试"),
        ("云南测试集团股份有限公司", "测试"),
        ("虚构合伙企业（有限合伙）", "虚构"),
        ("测试超市第二分店", "测试超市"),
        ("测试银行股份有限公司昆明支行", "测试银行"),
        # No places, no forms.
        ("昆明市政工程测试有限公司", "市政工程测试"),
        ("区块链测试有限公司", "区块链测试"),
        ("惠测超市有限公司", "惠测超市"),
        ("测试酒店", "测试酒店"),
        ("神州测试有限公司", "神州测试"),
        # The good wish that is also a town stays where there is nothing else.
        ("安康贸易有限公司", "安康贸易"),
        ("商贸有限公司", ""),
    ],
)
def test_the_core_of_a_name(name: str, core: str) -> None:
    assert find_core(fold_name(name)) == core


@pytest.mark.parametrize(
    ("typed", "name", "difference"),
    [
        ("云南恒秦商贸有限公司", "云南恒泰商贸有限公司", ("秦", "泰")),
        ("恒秦商贸有限公司", "云南恒泰商贸有限公司", ("秦", "泰")),
        ("云南测试商有限公司", "云南测试商贸有限公司", ("", "贸")),
        ("云南测试商商贸有限公司", "云南测试商贸有限公司", ("商", "")),
        ("测试商贸有限公同", "云南测试商贸有限公司", ("同", "司")),
        ("abcd测试商贸", "abce测试商贸有限公司", ("d", "e")),
        ("湖南测试商贸有限公司", "湖北测试商贸有限公司", ("南", "北")),
        # Two characters, none, or too little to tell.
        ("恒秦商货有限公司", "云南恒泰商贸有限公司", None),
        ("恒泰商贸有限公司", "云南恒泰商贸有限公司", None),
        ("恒秦商贸有", "恒泰商贸有", None),
        # Ordinals, numbers, directions, a letter by itself.
        ("云南甲商贸有限公司", "云南乙商贸有限公司", None),
        ("测试第一建筑公司", "测试第二建筑公司", None),
        ("测试建筑2有限公司", "测试建筑3有限公司", None),
        ("测试东商贸有限公司", "测试商贸有限公司", None),
        ("测试商贸有限公司", "测试西商贸有限公司", None),
        ("测试a商贸有限", "测试b商贸有限公司", None),
        ("金测试商贸有限公司", "甲测试商贸有限公司", None),
        # A character more or less in a short trade name, but for one that was typed twice.
        ("虚构县秦泰建材", "虚构县秦建材有限公司", None),
        ("虚构县秦建材", "虚构县秦泰建材有限公司", None),
        ("云南恒泰兴商贸有限公司", "云南恒泰商贸有限公司", None),
        ("云南恒泰泰商贸有限公司", "云南恒泰商贸有限公司", ("泰", "")),
        ("云南恒泰兴隆商贸有限公司", "云南恒泰兴商贸有限公司", ("隆", "")),
        # A trade name of one character.
        ("颜记测试面馆", "阎记测试面馆", None),
        ("虚构县李氏测试面馆", "虚构县阎氏测试面馆", None),
        ("云南金商贸有限公司", "云南银商贸有限公司", None),
        ("金商贸有限公司", "云南银商贸有限公司", None),
        ("云南商贸有限公司", "云南金商贸有限公司", None),
    ],
)
def test_one_character_off(typed: str, name: str, difference: tuple[str, str] | None) -> None:
    assert find_difference(typed, name) == difference
    assert is_close(typed, name) is (difference is not None)


def count_edits(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for number, character in enumerate(one, 1):
        before, row = row, [number]
        for place, against in enumerate(other, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (character != against)))
    return row[-1]


letters = st.sampled_from("测试虚构")


@given(st.text(letters, min_size=6, max_size=9), st.text(letters, min_size=4, max_size=14))
def test_close_is_what_counting_edits_says(typed: str, name: str) -> None:
    parts = [name[start:end] for start in range(len(name)) for end in range(start + 1, len(name) + 1)]
    assert is_close(typed, name) is (min(count_edits(typed, part) for part in parts) == 1)


@pytest.mark.parametrize(
    ("text", "others"),
    [
        ("香格里拉县测试商贸", ["香格里拉市", "中甸县"]),
        ("中甸县", ["香格里拉市", "香格里拉县"]),
        ("香格里拉市", ["香格里拉县", "中甸县"]),
        ("郾城县测试", ["郾城区"]),
        ("测试郾城区", ["郾城县"]),
        ("武昌县测试", ["江夏区"]),
        ("路南彝族自治县", ["石林彝族自治县"]),
        ("襄樊市", ["襄阳市"]),
        ("潞西县", ["芒市", "潞西市"]),
        ("达县地区", ["达州市", "达川地区"]),
        ("达县", ["达川区"]),
        ("怀化县", ["怀化市"]),
        ("怀化地区", ["怀化市"]),
        ("怀化市", ["怀化地区", "怀化县"]),
        ("通县", ["通州区"]),
        ("通州市", ["通州区", "南通县"]),
        ("南通县", ["通州区", "通州市"]),
        ("香格里拉", []),
        ("张伟", []),
        ("县", []),
    ],
)
def test_what_a_place_was_or_is_called(text: str, others: list[str]) -> None:
    assert [renaming.other for renaming in find_renamings(text)] == others


def test_the_reason_names_both_and_which_is_of_today() -> None:
    now = "“香格里拉县”现为“香格里拉市”"
    assert find_renamings("香格里拉县")[0].reason == now
    assert find_renamings("香格里拉市")[0].reason == now


def test_each_old_name_has_one_next_name_and_none_leads_back() -> None:
    rows = read_table("places.txt")
    following = {old: new for _, old, new, _ in rows}
    assert len(following) == len(rows)
    for start in following:
        name, steps = start, 0
        while name in following:
            name, steps = following[name], steps + 1
            assert steps < 10, start


def test_what_a_place_was_or_is_called_goes_both_ways() -> None:
    rows = read_table("places.txt")
    for name in {fold_name(name) for _, old, new, _ in rows for name in (old, new)}:
        for renaming in find_renamings(name):
            others = [back.other for back in find_renamings(renaming.other)]
            assert name in others or len(others) == 4


def test_no_old_name_is_a_name_of_today() -> None:
    today = {name for _, *names in read_table("divisions.txt") for name in names}
    rows = read_table("places.txt")
    former = {old for _, old, _, _ in rows}
    assert not former & today
    assert {new for _, _, new, _ in rows} <= former | today


@pytest.mark.parametrize("text", ["股份有限公司", "有限责任公司", "建筑工程有限公司", "商贸有限责任公司", "个体工商户"])
def test_what_every_other_company_is_called_is_no_trade_name(text: str) -> None:
    assert not has_trade_name(fold_name(text))
    assert all(not isinstance(way.condition, Close) for way in read_question(text).ways)


@pytest.mark.parametrize(
    "text", ["云杉恒泰商贸", "测试市云杉恒泰建筑工程有限公司", "恒泰有限公司", "恒泰（测试县）商贸有限公司"]
)
def test_a_trade_name_is_left_when_the_rest_is_taken_off(text: str) -> None:
    assert has_trade_name(fold_name(text))
    assert any(isinstance(way.condition, Close) for way in read_question(text).ways)
