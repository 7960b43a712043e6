"""The numbers of titles to land, houses and woods, of pledges and permits: 不动产权第…号. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.figures import CLOSE, DATE, OPEN, UNIT
from registry.redaction.trie import any_of, listed
from registry.redaction.vocabulary import Named

_AFTER_AMOUNT = re.compile(rf"(?:\.\d+)?{UNIT}|,\d{{3}}")
_TITLE_WORDS = listed("""
    不动产权 不动产证 不动产登记 不动产单元号 不动产单元 房权证 房产证 房产权 房屋所有权 房屋产权 房屋权 房证 房地证 房地权 房地产权 房地字 房地产 房字 产权证 所有权证 国用 集用 集建 土地证 土地使用 土地使用权 土地使用证 土地所有权 宅基地 宅基地使用 集体建设用地 集体土地
    林权证 林证 林木 林字 林地 草原证 草原使用 草原承包 草场 承包经营权 承包经营 承包权证 土地承包 农村土地承包 海域使用 海域 滩涂 水面 采矿 探矿 取水许可 养殖证 他项权 他项 他证 他权 抵押权证 抵押登记 抵押证 预告登记 预告 预购 商品房预售 预售许可 预售证 预售 预字 网签 备案 商品房买卖合同
    合同备案 权属证书 权属证 权利证书 权证 证书 证明书 登记证明 登记证书 登记证 股权证 股金证 出资证明 股权出质 出质登记 质押登记 动产抵押 船舶所有权 船舶登记 船舶国籍 渔船登记 公房 公有住房 公有房屋 租赁证 房改证 规划许可 建设工程规划 用地规划 施工许可 准建证 建房证 使用权证 使用证
    房契 地契 契字 房本 红本 红本本 大红本 小红本 绿本 绿本本 产籍 地证 集土使 国土使 土使 山林证 自留山证 自留山使用证 山权 水权证 塘证 鱼塘证 船证 渔业权 经营权证 流转经营权证 权属登记证 竣工备案 房改房证 集资房证 廉租房证 小产权证 房權證 土地證 产权 权字 房改 契证 宗地号 宗地代码 宗地编号 地籍号 地号 丘号 丘地号
""")
_TITLE = re.compile(any_of(_TITLE_WORDS))
_CERTIFICATES = [word for word in _TITLE_WORDS if word.endswith(("证", "证书", "权证", "证明"))] + listed(
    "不动产权证书 房屋所有权证 土地使用权证 国有土地使用证 集体土地使用证 林权证书 承包经营权证 房屋产权证"
)
_TITLE_TAIL = re.compile(r"[^，。；;,\0\1]{0,64}")
_TITLE_VALUE = re.compile(
    rf"""(?:(?:第|字|证明)\s?(?P<x>(?:[(]?\d{{4}}[)]\s?)?[一-龥A-Za-z]{{0,4}}\s?[\-—]?\s?\d[\dA-Za-z一二三四五六七八九十零〇壹贰叁肆伍陆柒捌玖拾\s\-—.·/*×出()]{{0,40}}?(?:[一-龥]{{1,3}}[\-—]?\d{{2,12}})?)\s?(?=号|[、和及至]\s?第?\d|$)
    |(?:证号|编号|编码|证书号|字号|号码|号|证|代码)\s?[:：为是]?\s?[(“]?\s?(?:[Nn][Oo][.:：]?|№|\#)?\s?(?P<y>(?:[一-龥]{{1,4}}\s?[\-—]\s?){{0,3}}(?:[一-龥]{{2,4}}(?=\d{{1,4}}-\d{{3}}))?(?:[(]\d{{2,4}}[)]\s?)?[A-Za-z]{{0,6}}\s?\d(?:[\dA-Za-z\-—/.*×\s]|-[(]\d{{1,3}}[)]){{3,40}}(?![\dA-Za-z]|\s?[字第]))
    |(?P<z>(?<![\d年{OPEN[1:-1]}])[A-Za-z]{{0,4}}\d[\dA-Za-z\s\-—*×]{{4,32}}(?=\s?号(?![楼院房室厅店门商车])))
    )""",
    re.VERBOSE,
)
_TITLE_NEXT = re.compile(
    r"\s?号?\s?(?:[、,，和及与至~\-—]|以及)\s?(?:第|[^\d，。；;,\0\1元万]{0,20}第)?\s?(?P<x>[A-Za-z]{0,3}\d[\dA-Za-z\-]{2,24})"
    r"(?=\s?号(?![楼院])|[、和及]\s?第?\d|(?<=\d{5})(?:[，。；,;)]|$))"
)
_PLACED = re.compile(r"位于|坐落|座落")
_HOUSED = re.compile(r"[路街巷弄村组镇](?=[^字]*$)|面积|平方|\d亩")
# 第003388号土地证: the number before the word.
_BEFORE_TITLE = re.compile(
    rf"(?P<x>\d(?<![\d.\-].)[\dA-Za-z\-]{{3,24}})\s?号?\s?(?:的|之)?\s?[《“]?(?:{any_of(_CERTIFICATES)})"
)


def find_titles(text: str) -> Iterator[Named]:
    """The numbers of titles to land, houses, woods, of pledges and permits."""
    end = 0
    for title in _TITLE.finditer(text):
        if title.start() < end:
            continue
        tail = _TITLE_TAIL.match(text, title.end())
        match = _TITLE_VALUE.search(text, title.start(), tail.end()) if tail else None
        if match is None or match.end() <= title.end() or _is_elsewhere(text, title.end(), match):
            continue
        start, end = match.span(match.lastgroup or 0)
        value = text[start:end].rstrip(" -\n")
        end = start + len(value)
        if (
            sum(c.isdigit() for c in value) < 2
            or _AFTER_AMOUNT.match(text, end)
            or (not value.isdigit() and DATE.fullmatch(text, start, end))
        ):
            end = 0
            continue
        yield Named("title_number", start, end, "high")
        while following := _TITLE_NEXT.match(text, end):
            start, end = following.span("x")
            yield Named("title_number", start, end, "high")


# 沪房地浦字（2008）第012345号, 苏农集建第…号: whatever reads like a title's code and was not kept as a case's.
_CODED = re.compile(
    rf"""(?:[房地林权国集土宅草海他产证][一-龥]{{0,8}}|字)\s?(?:(?:{OPEN}\s?\d{{2,4}}\s?[一-龥]{{0,2}}{CLOSE}\s?[一-龥]{{0,10}}|\d{{4}}(?:年|出|划)?)?\s?(?:字|第|字第)|(?:(?<=用)|(?<=建)|(?<=证))\s?{OPEN}\s?\d{{2,4}}\s?{CLOSE})\s?
    (?P<x>[A-Za-z]{{0,4}}\d[\dA-Za-z\s\-—.·]{{2,30}})(?=号|$|[，。；、,;)）])""",
    re.VERBOSE,
)


def _is_elsewhere(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether what was found is the number of a house or a size, and not the title's."""
    if _PLACED.search(text, start, match.start()):
        return True
    return match.lastgroup == "z" and bool(_HOUSED.search(text, start, match.start()))


def find_coded(text: str) -> Iterator[Named]:
    """Numbers of titles whose kind no word names."""
    if "证" in text:
        yield from (Named("title_number", *match.span("x"), "high") for match in _BEFORE_TITLE.finditer(text))
    if "字" in text or "第" in text or "号" in text:
        for match in _CODED.finditer(text):
            if not _CONTRACT.search(text[max(0, match.start() - 14) : match.start()]):
                yield Named("title_number", *match.span("x"), "high")


_CONTRACT = re.compile(r"(?:合同|协议|合同书|协议书)(?:编号|号|号码)?\s?[(:：为]{0,2}[一-龥]{0,6}$")
