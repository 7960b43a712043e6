from __future__ import annotations

import time

import pytest

from registry.redaction import find
from registry.redaction.places import find_addresses

DEBTOR = "测试人甲"


def hidden(text: str) -> str:
    """What of `text` is proposed as an address, with | between."""
    return "|".join(text[f.start : f.end] for f in find(text, DEBTOR) if f.rule == "address")


FORMS = [
    "样例街道虚构东路88号3号楼2单元501室",
    "虚构路128弄7号602室",
    "假想胡同甲5号院3号楼4门201",
    "样例广场3座15楼A室",
    "虚构门第8幢3单元830号",
    "虚构路中段路南8间临街门面",
    "样例镇假想村第十二村民小组",
    "样例镇假想村二组东洼",
    "虚构南路与样例路交叉口假想名邸18号楼2单元391户",
    "样例御景6-4-1203",
    "样例御景二期27号楼15层4号",
    "样例苑5号楼东单元3层西户",
    "样例批发市场B区3排12号摊位",
    "样例苑地下一层E159号车位",
    "样例苏木假想嘎查二组",
    "样例十二团六连",
    "样例乡假想自然村18号",
    "国道107线西侧",
    "样例河路供销社家属院2单元301",
    "样例工业园区虚构路45号",
    "虚构路12号附3号",
    "虚构路 88 号 5 号楼 2 单元 1203 室",
]


@pytest.mark.parametrize("address", FORMS)
@pytest.mark.parametrize(
    "context", ["住{}，", "位于{}的房屋", "将测试市样例区{}交付", "户籍地虚构省测试市样例县{}。", "送达地址：{}，电话"]
)
def test_an_address_goes_whole_after_a_region_or_a_word_that_says_so(address: str, context: str) -> None:
    text = context.format(address)
    covered = {place for f in find(text, DEBTOR) for place in range(f.start, f.end)}
    start = text.index(address)
    assert [c for i, c in enumerate(address) if c.isalnum() and start + i not in covered] == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("腾退样例名邸6-4-1203", "样例名邸6-4-1203"),
        ("交回安置房10套（样例苑21号楼1单元1061室）", "样例苑21号楼1单元1061室"),
        ("因样例御府9栋1801漏水造成损失", "样例御府9栋1801"),
        ("拆除假想屯东头的围墙", "假想屯东头"),
        ("返还样例镇假想村村西河滩地的34.92亩承包地", "样例镇假想村村西河滩地"),
        ("交付样例镇\n假想村3\n组12号", "样例镇\n假想村3\n组12号"),
        ("位于样例区虚构路5号、样例县假想路6号的房屋", "虚构路5号|假想路6号"),
    ],
)
def test_an_address_begins_after_the_verb(text: str, address: str) -> None:
    assert hidden(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "位于样例区的房屋归测试人甲所有",
        "腾退该房屋，清理道路两侧的农村集体土地",
        "房屋三间、平房两间、商铺一套归测试人甲",
        "第一项、第二条第3款、第六期款",
        "恢复农村道路、排水管路原状",
        "测试市样例区人民法院",
        "测试人甲住院治疗二十天",
    ],
)
def test_what_is_no_address_stays(text: str) -> None:
    assert hidden(text) == ""


@pytest.mark.parametrize(
    "unit", ["住", "区", "路1号", "1-", "小区", "和样例路与", "县", "村", "号楼", "(", "甲", "\n1"]
)
def test_a_long_text_is_read_in_its_own_time(unit: str) -> None:
    started = time.process_time()
    assert sum(1 for _ in find_addresses(unit * (20_000 // len(unit)))) >= 0
    assert time.process_time() - started < 2


def test_an_organisation_in_an_address_leaves_nothing_of_it() -> None:
    text = "位于样例区虚构路5号宏虚酒店的设备"
    covered = {place for f in find(text, DEBTOR) for place in range(f.start, f.end)}
    assert covered == set(range(text.index("虚构路"), text.index("的设备")))
