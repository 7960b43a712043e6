from __future__ import annotations

import time
from functools import partial

import pytest

from registry.redaction import detect
from registry.redaction.places import find_addresses
from registry.redaction.tagger import Nobody

# The rules alone; what the network adds is measured on the corpus.
find = partial(detect.find, tagger=Nobody())
DEBTOR = "测试人甲"


def hidden(text: str) -> str:
    """What of `text` is proposed as an address, with | between."""
    return "|".join(text[f.start : f.end] for f in find(text, DEBTOR) if f.rule == "address")


def left_of(address: str, text: str) -> list[str]:
    """The letters and figures of `address` that nothing found in `text` covers."""
    covered = {place for f in find(text, DEBTOR) for place in range(f.start, f.end)}
    start = text.index(address)
    return [c for i, c in enumerate(address) if c.isalnum() and start + i not in covered]


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
    assert left_of(address, text) == []


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


LANDMARKS = [
    "清除假想街旧茶庄后院北屋内的杂物|假想街旧茶庄后院北屋内",
    "将虚构厂二宿舍西单元顶层交还原告|虚构厂二宿舍西单元顶层",
    "停止在假想村小学东墙外堆放秸秆|假想村小学东墙外",
    "占用假想沟水库左坝头的管理房|假想沟水库左坝头",
    "对虚构岭信号塔脚下的蜂箱|虚构岭信号塔脚下",
    "腾退样例批发市场交易大棚4排东11位|样例批发市场交易大棚4排东11位",
    "腾退样例名座2202|样例名座2202",
    "位于虚构路与样例街夹角处的报刊亭|虚构路与样例街夹角处",
    "被告在样例沟与假想沟汇合处采砂|样例沟与假想沟汇合处",
    "交付虚构地块T3塔楼23F|虚构地块T3塔楼23F",
    "户籍地测试市样例县向虚镇假想村|向虚镇假想村",
    "将停放于样例停车场地库B2-A-077的车辆交还|样例停车场地库B2-A-077",
    "交付座落于虚构巷（老名：样例巷）18号的宅院|虚构巷（老名：样例巷）18号",
    "退还假想圩公路坎上的菜地|假想圩公路坎上",
]


@pytest.mark.parametrize("text", LANDMARKS)
def test_a_landmark_with_a_name_a_number_or_another_is_an_address(text: str) -> None:
    written, address = text.split("|")
    assert left_of(address, written) == []


@pytest.mark.parametrize(
    "text",
    [
        "恢复楼道、消防通道原状，拆除院墙西侧的厕所",
        "在工地受伤，出院后在家中休养",
        "鱼塘内的鱼归原告，果园内的看护房由被告拆除",
        "清理房屋内的杂物，将仓库钥匙交给原告",
        "被告在学校门口向原告道歉",
        "由当地派出所协助办理户籍证明",
    ],
)
def test_a_landmark_alone_is_none(text: str) -> None:
    assert hidden(text) == ""


OTHER_FORMS = [
    "退款寄往 Flat 2A, 31 Sample Grove, Exampleton EX1 2AB, UK。|Flat 2A, 31 Sample Grove, Exampleton EX1 2AB, UK",
    "住所 Musterstraße 9, 10999 Musterstadt，担保|Musterstraße 9, 10999 Musterstadt",
    "住所：г. Пример, ул. Образцовая, д. 7|г. Пример, ул. Образцовая, д. 7",
    "寄〒999-0001 样例府虚构市北区5-6-7 201。|样例府虚构市北区5-6-7 201",
    "碰撞地点：北纬30°11′、东经121°22′海面。|北纬30°11′、东经121°22′海面",
    "事故点：S215线K34+500米处。|S215线K34+500米处",
    "修通假想沟至后样湾的生产路|假想沟至后样湾的生产路",
    "腾退假想梁东至大沟、西至崖畔、南至样家地埂、北至小路的旱地|假想梁东至大沟、西至崖畔、南至样家地埂、北至小路",
    "给付处：假想街北路样福源里底商甲5。|假想街北路样福源里底商甲5",
    "（门牌已改：旧假想路41，新样例大道1088）|假想路41",
    "车停虚构广场B3层D区206|虚构广场B3层D区206",
    "交付虚构路8号样例工坊售票亭。|虚构路8号样例工坊售票亭",
    "凡送假想新村10-2-301（收信人写样宅）|假想新村10-2-301（收信人写样宅）",
    "交还假想家园(二期)5#-1102|假想家园(二期)5#-1102",
]


@pytest.mark.parametrize("text", OTHER_FORMS)
def test_other_forms_of_addresses_go_whole(text: str) -> None:
    written, address = text.split("|")
    assert left_of(address, written) == []


@pytest.mark.parametrize(
    "text",
    [
        "交货地点：双方另行约定",
        "住同上",
        "自判决生效之日起至付清之日止",
        "按合同第5条付款，地点另行通知",
        "通过 Alipay 转账，单号 No. 5",
    ],
)
def test_labels_and_letters_alone_are_none(text: str) -> None:
    assert [f for f in find(text, DEBTOR) if f.rule == "address"] == []


@pytest.mark.parametrize(
    "unit", ["东侧", "东至水沟，", "K3+200至", "A 1 Road, ", "处：样", "北纬29°", "旧样例路1", "某墙内"]
)
def test_other_forms_are_read_in_their_own_time(unit: str) -> None:
    started = time.process_time()
    assert sum(1 for _ in find_addresses(unit * (20_000 // len(unit)))) >= 0
    assert time.process_time() - started < 2
