"""What shows that an address stands in a text: the end of a region, a word such as 住所地, a part that only addresses have. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.place_parts import WAY_ON, D, L
from registry.redaction.place_words import LANDMARK_WORDS, PROPERTY
from registry.redaction.regions import FULL
from registry.redaction.trie import any_of
from registry.redaction.vocabulary import HAN

# Where a region ends: what stays. 区 of a housing estate, of an industrial zone or of a campus is none.
_NO_COUNTY = "户牧渔小社园库校片街厂宅活置属舍墅能作税工验理假景贸心聚业发范新开漠湖禁灾疫两各本该原辖地全跨一二三四五六七八九十A-Za-z0-9"
_REGION_ENDS = rf"""
省(?<=[{HAN}]省)(?![道府委级内外略力去])
(?:区|州|县|旗)(?<=自治.)
区(?<=特别行政区)
区(?<=[{HAN}]地区)(?<![本该全各两]地区)
区(?:(?<=浦东新区)|(?<=滨海新区)|(?<=神农架林区))
盟(?<=[{HAN}]{{2}}盟)(?![友主约员])
州(?<=(?:甘孜|阿坝|凉山|红河|文山|大理|德宏|怒江|迪庆|楚雄|临夏|甘南|海北|海南|海西|黄南|果洛|玉树|昌吉|伊犁|恩施|湘西|黔南|延边|东南|西南|版纳)州)
市(?<=[{HAN}]市)(?<![门超夜上股菜闹楼全本该我药花鸟牛马猪羊米鱼粮布集早晚书墟圩黑街楼]市)(?<![^{HAN}]城市)(?<![路街号村镇][城都]市)(?![场政府委值容级内价面区]|民(?![族乐权生主])|镇(?![雄坪康安宁赉远原源巴沅平海江]))
县(?<=[{HAN}]县)(?<![各本该全两]县)(?![镇乡道府委医前直衙域级政]|城(?![关厢东西南北中郊]))
区(?<=[{HAN}]区)(?<![^{HAN}][东西南北中]区)(?<![小生][{HAN}]区)(?<![{_NO_COUNTY}]区)(?<![号路段栋楼期苑园城里坊村庄门街寓院厂校矿场队站馆公][东西南北中]区)(?![间域别分块位)])
旗(?<=[{HAN}]{{2}}旗)(?<![红国军]旗)(?![舰袍帜下])
兵团(?=第)
"""


def _listed_ends() -> Iterator[str]:
    """For the counties whose names look like something else, by letter and length: 西湖区, 小店区."""
    known = re.compile("|".join(_REGION_ENDS.split()))
    odd = {name for name in FULL if all(match.end() < len(name) for match in known.finditer(name))}
    for letter, length in sorted({(name[-1], len(name)) for name in odd}):
        alike = [name for name in odd if name[-1] == letter and len(name) == length]
        yield f"{letter}(?<={any_of(alike)})"


_ENDS = [*_REGION_ENDS.split(), *_listed_ends()]
REGION_END = f"(?:{'|'.join(_ENDS)})"

_SURE_ANCHOR = """
住址 住所地 住所 地址 户籍所在地 户籍地址 户籍地 户籍 现住址 现住 现居住地 居住地 经常居住地 常住地 住地 家住 居住于 居住在 暂住 租住 租住于 寄住 住在 住于 住处 坐落位置
位于 位於 坐落于 坐落在 坐落 座落于 座落在 座落 地处 处于 收件地 收货地 收货地址 送货地址 交货地点 交货地 交付地点 安装地点 装修地点 施工地点 工程地点 服务地点 经营地址 经营场所 经营地
办公地址 办公地 注册地 注册地址 通讯地址 通信地址 邮寄地址 联系地址 房屋地址 房产地址 不动产坐落 土地坐落 停放于 停放在 存放于 存放在 安装于 安装在 旧址 原址 新址 现址 存放地 停放地 安葬地 迁入地 安置地 存于 位置在 位置为 暂存于 扣押于 停于 栖居于 安葬于 安葬在 埋葬于 堆放于 堆放在 搭建于 搭建在
店址 厂址 校址 场址 站址 社址 库址 会址 院址 发生于 发生在 停靠在 停靠于 建于 建在 设于 设在 开设于 开设在 种植于 种植在 寄至 寄往 寄到 邮寄至 送至 送到 运至 运到 交至 迁至 迁往 搬至 搬到 迁入 落户
"""
_ANCHORS_BUT = {"地址": "地址(?!确认|变更|栏)", "户籍": "户籍(?!证明|信息|资料|登记|民警|制度|管理|室|底|警|改)"}
# What a form calls the place that stands behind it: 给付处：, 事故点：, 退货仓：.
_LABELS = [
    *(f"{kind}(?<![几两二三四五六七八九十等下以]{kind})[:：]\\s?" for kind in "处点地址居仓库宅所段坟"),
    *(f"{label}[:：]\\s?" for label in ("四至", "四抵", "界址", "围栏线", "界线", "迹地", "原登记", "现场")),
    *(f"{label}\\s" for label in ("通讯处", "收件", "退货仓", "发货仓", "迹地", "交接处", "提货点", "自提点")),
    *(
        "车停(?![放车止])",
        "钥匙放在?",
        "行李存(?!放)",
        "上门到",
        "旧(?<=[，。；、（(:：]旧)[:：]?(?=[一-龥]{2,6}[路街巷]\\d)",
        "新(?<=[，。；、（(:：]新)[:：]?(?=[一-龥]{2,6}(?:[路街巷]|大道)\\d)",
    ),
]
_AFTER_ANCHOR = r"\s{0,2}[:：]?\s{0,2}[是为在于即(（“\"]?\s?"
_ANCHORS = [
    f"{pattern}{_AFTER_ANCHOR}"
    for pattern in (
        *(_ANCHORS_BUT.get(word, word) for word in sorted(_SURE_ANCHOR.split(), key=len, reverse=True)),
        "住(?<![居暂租寄入给让可留常]住)(?![院宅房户宿所])",
        "住宅[:：]",
        "送达地址(?!确认)",
        "土地在",
        "地(?<=[，。；、:：]地)在",
        "房屋在",
        "承包地在",
        "地点",
        "位置[:：]",
        *_LABELS,
    )
]
ANCHOR = f"(?:{'|'.join(_ANCHORS)})"
_COUNTED = r"[\dA-Za-z一二三四五六七八九十]"
_NEAR = rf"(?={PROPERTY}|的{PROPERTY}|的\0|\0)"
_ENDS_OF_SIDES = "(?:[角墙首端沿邻隅麓侧边面岸坡屋院仓门缘楼]|头(?!寸)|厢房|配房|偏房|罩房|大片|围墙|半幅|数第|起第)"
_SPOTS = (
    "坎上 坎下 楼上 对面 对过(?![磅账]) 隔壁 尽头 尽端 脚下 底下 树下 桥下 坝下 墙根 夹角 交汇 汇合 斜对 后罩房 网箱"
)
# What lies in a town or a village.
_IN_TOWN = "(?:村|社区|嘎查|屯|庄|组|路|街|园|队|委会|号|寨|坝|湾|沟|坪|坳|冲|岭|坡|塘|岗|滩|工业园|工业区|产业园|科技园|物流园|市场|广场|大厦|花园|小区|新村|大道)"
_NTH = rf"{D}(?:节制闸|牧点|网格|林班|小班|鱼塘|车间|仓库|宿舍|家属院|生活区|工区|管理区|作业区|生产队|村民)"
_STAKE = r"+(?<=\d\+)\d{1,3}(?:m|M|米|处|段|[上下]行|至|到|[-~])".replace("+", r"\+", 1)
_CORES = rf"""
号(?<={_COUNTED}号)(?:门|梯|库|泊位|码头|棚|井|坑|窑|车间|厅|馆|展|塘|网箱|圈|舍|屋|线|楼|院|房|铺|商铺|门面|门市|车位|车库|厂房|摊|档|柜|仓|地块|地下|储藏|营业|底商|别墅|停车|柱|桩|塔|[\#])
(?:幢|栋|棟)(?<={_COUNTED}.)
单元(?<={_COUNTED}单元)
室(?<=\d室)(?![内外])
座(?<=[A-Z\d]座)
层(?<={_COUNTED}层)[A-Z]?-?\d{{2,4}}
排(?<=\d排)\d{{1,4}}号
-(?<=[\dA-Za-z#]-)[A-Za-z]?\d{{1,3}}-\d{{1,5}}(?![\d-])
-(?:(?<=[{HAN}]\d-)|(?<=[{HAN}]\d\d-))\d{{3,4}}(?![\d-]|[年月日元万亿%.])
-(?<=[A-Z]-)\d{{2,4}}号
-(?<=[A-Z]\d-)\d{{1,4}}(?![\d-])
自编\d{{1,4}}
(?:场|团){D}(?:连|队)
{_STAKE}
丈量约份
东(?=[至临邻靠齐抵接到起][^，。；、,;]{{1,14}}[，、；,;]\s?[东西南北][至临邻靠齐抵接到起])
(?:至|到)(?=(?!付清|实际|履行|清偿|今|期)[{HAN}]{{1,8}}?的{WAY_ON})
(?:路|街|巷|弄|大道|胡同)(?<![线电回管水思网]路)[甲乙丙丁附]?\d{{1,4}}(?=[，。；,;)]|$)
(?:市场|广场|商城|汽配城|建材城|家具城|五金城|服装城|批发城|商贸城|货运站)[A-Z甲乙丙丁]\d{{1,4}}
院内
(?:坎|坡|沟|洼|湾|岭|坳|坪|冲|垅|梁|峁|垄)(?=、[{HAN}]{{1,5}}[坎坡沟洼湾岭坳坪冲垅梁峁垄](?:荒|林|的|[两三四]|旱|水|耕|承))
后院
(?:座|阁|轩|苑|园|府|庭|邸|寓|厦|湾|居|墅|馆)(?<=[{HAN}]{{3}})\d{{3,4}}(?![\d.,，年元万%亿月号㎡平米亩个人名户次])
路[东西南北](?=、|的|[，。；]|$)
之间(?=的?[{HAN}]{{0,2}}(?:通道|隔墙|界墙|巷|路|空地|夹道|院墙|沟|渠))
塔楼
层楼(?<={_COUNTED}层楼)
期(?<=[一二三四五六\d]期)(?:[A-Z商裙底]|{D}[号栋幢座楼])
地块[A-Z]?\d
(?:独栋|联排|叠拼|双拼|洋房)\d
第(?={_NTH})
站(?=[东西南北](?:\d|侧|广场|边))
(?:路|弄|巷|街|里)\d{{1,4}}(?:弄|支弄|巷|院|村)
村(?=[{HAN}]{{1,7}}?[地田洼滩坪嘴坑湾岗池]{_NEAR})
村(?=[{HAN}]{{1,5}}?(?:工业园|工业区|产业园|科技园|物流园|市场|广场|花园|小区|大道))
村(?=[{HAN}]{{1,7}}?[地田洼滩坪嘴坑湾岗池](?:$|[^{HAN}]))
路(?=[{HAN}]{{2,5}}院内)
\#(?<=\d\#)(?:楼|栋|、|-?\d)
(?:路|街|道|巷|弄|里|坊|线|段|条|胡同)(?:[东西南北中]段?)?[甲乙丙丁附]?\d{{1,5}}(?:-\d{{1,3}})?号(?!线)
(?:路|街|胡同)(?:[东西南北中]{{1,2}}[段侧]|[与和]{L}{{1,8}}?(?:路|街|大道|线)|交[叉汇会界]|路口|口{_NEAR})
道(?<=大道)(?:[东西南北中]{{1,2}}[段侧]|[与和]{L}{{1,8}}?(?:路|街|大道)|交[叉汇会界])
(?:国道|省道|县道|乡道)(?:[A-Z]?\d{{2,4}}|[东西南北]侧|(?<=\d..))
镇(?=[{HAN}]{{1,7}}?{_IN_TOWN})
乡(?<![回返下城家老同故离还]乡)(?=[{HAN}]{{1,7}}?{_IN_TOWN})
街道(?=[{HAN}]{{1,7}}?{_IN_TOWN})
苏木(?=[{HAN}]{{1,7}}?{_IN_TOWN})
(?:村|屯|庄|社区|大队|寨)(?:第?{D}(?:村民|组|队|社|号)|[东西南北]{{1,2}}(?:头|边|侧|地|角|[{HAN}]{{1,3}}地)|村[东西南北]|(?=[{HAN}]{{1,5}}(?:组|屯|队|湾|冲|坪|坳)(?!织|成|合)))
(?:路|街|巷|胡同|村|屯|寨|庄|沟|坳|坪|湾|岗|坡|洼|滩|岭|冲|塘|坝|坝子|岩|组|小区|花园|家园|花苑|新村|公寓|大厦|家属院|家属区|嘉园|名苑|雅苑|佳苑|华庭|豪庭|华府|公馆|广场|商城|新城|苑){_NEAR}
(?:组|委|队)(?<={_COUNTED}.)(?:\d{{1,4}}号|第?{D}组)
委(?:第?{D}组)
地下(?:{D}层)?(?:车位|车库)[A-Z\d]
车位[A-Z]?\d
嘎查
(?:小区|市场|广场|花园|家园|新村|公寓|大厦|商场|公园|车站|校区|厂区)(?=[东西南北正后]{{1,2}}门)
区(?<=[A-Z]区)(?=\d{{1,3}}(?:层|排|号|栋|楼|座))
(?:商铺|铺位|摊位|档口|车位|储藏室|门面|展位|柜台)[A-Z]{{1,2}}-?\d{{1,4}}
水库(?=[上下]游|[左右东西南北]岸)
团{D}连
门[东西南北]侧
(?:路|街|河|渠|铁路|大道)以[东西南北]
高速(?:公路)?(?:[东西南北出入]|收费站|服务区)
(?:村|屯|庄|寨)(?=[{HAN}]{{0,6}}?(?:[东西南北]{{1,2}}约?[\d一二三四五六七八九十半两几]|[东西南北前后][侧边面头坡山岸沟洼湾岗地]|后山|前山|甸子|老坟|坟地|门前|门口|附近|旁))
(?:水库|河|渠|沟|湖|塘|堤|山|林|站|校|学|院|场|厂)(?=[东西南北][侧岸边面])
楼(?<=\d楼)[A-Z]?\d
号(?:(?<=[里弄巷路街村组队苑园院][一二三四五六七八九十]号)|(?<=[里弄巷路街村组队苑园院][一二三四五六七八九十百零〇]{{2}}号)|(?<=[里弄巷路街村组队苑园院][一二三四五六七八九十百零〇]{{3}}号)|(?<=[里弄巷路街村组队苑园院][一二三四五六七八九十百零〇]{{4}}号)|(?<=[里弄巷路街村组队苑园院][一二三四五六七八九十百零〇]{{5}}号))
号(?:(?<=[{HAN}]\d号)(?<![第证编字票单同型批序账线]\d号)|(?<=[{HAN}]\d\d号)(?<![第证编字票单同型批序账线]\d\d号)|(?<=[{HAN}]\d{{3}}号)(?<![第证编字票单同型批序账线]\d{{3}}号))(?=的?{PROPERTY}|$|[^{HAN}A-Za-z0-9\0\1]|的|归|交|作|过|变|就|漏|享|内|院)
间(?<={_COUNTED}间)(?:门面|商铺|铺面|临街|店面|门市)
"""
# What is near an address or part of one; a name or another such part must stand with it.
_SITES = [
    "厂(?<=[一-龥]厂)(?<![工本该全原]厂)(?=[东西南北老新一二三四五]?[区院宿家])",
    *(
        f"{word}(?!监督|监管|监察|主体|价|份额|经济|调节|化|化管理|营销|租赁|开发|卫生|管理[部局所处]|行政)"
        for word in LANDMARK_WORDS
    ),
    *(f"{side}[东西南北]?{_ENDS_OF_SIDES}" for side in "东西南北左右"),
    *(f"{word}" for word in _SPOTS.split()),
]
_KINDS = (("region", _ENDS), ("anchor", _ANCHORS), ("core", _CORES.split()), ("site", _SITES))


def _first_letters(pattern: str) -> str:
    """The letters with which a match of one of these patterns begins."""
    group = re.match(r"\(\?:([^()?]+)\)", pattern)
    return "".join(word.lstrip("\\")[0] for word in (group[1].split("|") if group else [pattern]))


def _build_triggers() -> dict[str, re.Pattern[str]]:
    """By its first letter, what shows that an address stands there; a pattern of everything would be tried everywhere."""
    patterns: dict[str, dict[str, list[str]]] = {}
    for kind, alternatives in _KINDS:
        for pattern in alternatives:
            for letter in _first_letters(pattern):
                patterns.setdefault(letter, {}).setdefault(kind, []).append(pattern)
    return {
        letter: re.compile("|".join(f"(?P<{kind}>{'|'.join(those)})" for kind, those in kinds.items()))
        for letter, kinds in patterns.items()
    }


TRIGGERS = _build_triggers()
LETTER = re.compile(f"[{re.escape(''.join(TRIGGERS))}]")
