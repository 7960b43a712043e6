from __future__ import annotations

import time
from functools import partial

import pytest

from registry.redaction import detect
from registry.redaction.organisations import find_organisations, is_organisation
from registry.redaction.short_names import is_short_for
from registry.redaction.tagger import Nobody

# The rules alone; what the network adds is measured on the corpus.
find = partial(detect.find, tagger=Nobody())
DEBTOR = "测试人甲"


def named(text: str) -> list[str]:
    return [text[f.start : f.end] for f in find(text, DEBTOR) if f.rule == "organisation_name"]


NAMES = [
    "虚构银行股份有限公司测试分行样例支行",
    "虚构银行股份有限公司信用卡中心",
    "测试县农村信用合作联社样例镇信用社",
    "虚构财产保险股份有限公司测试中心支公司",
    "测试市虚构融资租赁有限公司",
    "虚构（测试）餐饮管理有限公司",
    "泰和（测试）家具有限公司",
    "虚构会计师事务所（特殊普通合伙）",
    "测试县样例镇假想村村民委员会",
    "测试县样例镇假想村第四村民小组",
    "样例村股份经济合作社",
    "测试市第二人民医院",
    "测试县第一高级中学",
    "测试一高",
    "测试县样例镇中心小学",
    "测试县人力资源和社会保障局",
    "测试市生态环境局样例分局",
    "测试县样例镇人民政府",
    "测试县假想汽车修理厂",
    "样例家庭农场",
    "虚构网吧",
    "测试县虚构建材经营部",
    "测试自治县虚构纺织有限责任公司",
    "Sample Harbor Trading Co., Ltd.",
    "虚构株式会社",
    "测试县样例镇假想粮油购销部",
    "测试市样例区假想货运信息部",
    "测试市职业病防治所",
    "测试县样例种苗繁育基地",
    "样例村经合社",
    "测试市样例汽配城",
    "测试县假想设备租赁站",
    "测试市样例修车铺",
    "测试县资产经营管理有限公司",
    "测试市样例出租汽车有限公司",
    "测试市职工医院",
    "测试县共同富裕种植专业合作社",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "context", ["支付{}货款5000元", "由{}承担责任", "测试人甲向{}缴纳罚款", "返还{}代管款", "经{}确认"]
)
def test_an_organisation_goes_whole_and_no_word_before_it(name: str, context: str) -> None:
    assert named(context.format(name)) == [name]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("偿还测试市宏虚商贸有限公司货款，宏虚商贸另行开票", ["测试市宏虚商贸有限公司", "宏虚商贸"]),
        ("支付测试宏虚劳务有限公司（以下简称宏虚）工程款", ["测试宏虚劳务有限公司", "宏虚"]),
        ("经测试市第二医院治疗，二院出具票据", ["测试市第二医院", "二院"]),
        ("汇入农业银行账户", ["农业银行"]),
        ("由原告、虚构建材共同负担", ["虚构建材"]),
        (
            "偿还石家庄桥西宏虚口腔门诊部有限公司欠款，宏虚口腔另行开票",
            ["石家庄桥西宏虚口腔门诊部有限公司", "宏虚口腔"],
        ),
        ("从宏虚果蔬、远想水产赊货", ["宏虚果蔬", "远想水产"]),
        ("承包金归九队所有", ["九队"]),
        ("返还给测试县样例镇假想村四组，付清承包金", ["测试县样例镇假想村四组"]),
        ("张记砂锅应付清货款", ["张记砂锅"]),
        ("店招“念想小馆”由测试人甲保留", ["念想小馆"]),
    ],
)
def test_an_organisation_is_known_for_short(text: str, expected: list[str]) -> None:
    assert named(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "加倍支付迟延履行期间的债务利息，申请执行",
        "该公司、保险公司、开户银行、用人单位、村委会、物业公司",
        "经营商铺、门面，住院治疗，出院后",
        "全部未履行，剩余部分未履行",
        "中国人民银行同期贷款基准利率",
        "办理信用卡一张",
        "向建材公司、农业合作社、镇政府查询",
        "到厂催讨，由公司负责，超出宅基地红线",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert named(text) == []


@pytest.mark.parametrize(
    "unit", ["公司", "有限公司", "银行", "分行", "A", "Co., ", "宏虚公司、", "学校", "(", "第三中", "和"]
)
def test_a_long_text_is_read_in_its_own_time(unit: str) -> None:
    started = time.process_time()
    assert sum(1 for _ in find_organisations(unit * (20_000 // len(unit)))) >= 0
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("short", "full", "same"),
    [
        ("样例村委会", "测试县假想镇样例村村民委员会", True),
        ("宏虚纺织公司", "宏虚(测试)纺织有限公司", True),
        ("样例村合作社", "测试县假想镇样例村股份经济合作联合社", True),
        ("天津银行股份有限公司宝坻支行", "天津宝坻宏虚铸造有限公司", False),
        ("家具城", "测试市宏虚家具城", False),
    ],
)
def test_a_short_name_is_the_full_one_with_letters_left_out(short: str, full: str, same: bool) -> None:
    assert is_short_for(short, full) is same


@pytest.mark.parametrize(
    ("name", "is_one"), [("虚构驾校", True), ("假想家具城", True), ("张子轩", False), ("王庄", False)]
)
def test_what_ends_as_only_an_organisation_does(name: str, is_one: bool) -> None:
    assert is_organisation(name) is is_one


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("质押股权所在企业为虚岱港务发展，出质人另付利息", "虚岱港务发展"),
        ("蜂蜜款3000元、虚样蜂业桶钱400元", "虚样蜂业"),
        ("支付给圆通速递站点保管费", "圆通速递站点"),
        ("停止使用“虚样茶语”字样招牌", "虚样茶语"),
        ("归还马虚湾小组集体款", "马虚湾小组"),
        ("向“虚岱渔运”船东合作社赔偿", "“虚岱渔运”船东合作社"),
        ("支付ООО «Пример-Лес»木材款", "ООО «Пример-Лес»"),
        ("支付Sample Crown Shipping (BVI) Ltd.滞期费", "Sample Crown Shipping (BVI) Ltd."),
    ],
)
def test_other_forms_of_names(text: str, name: str) -> None:
    assert name in named(text)


@pytest.mark.parametrize("text", ["庙会摊位费750元", "搬走收音机作坊里的货架", "《区域加盟合作协议》于2021年签订"])
def test_what_names_nobody(text: str) -> None:
    assert named(text) == []
