"""Addresses below the county (法释〔2016〕19号 art. 10, 11); the county itself stays. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.vocabulary import HAN, ROLES, Named

_AREA = rf"[{HAN}]"
_SETTLEMENT = rf"{_AREA}{{1,8}}?(?:街道办事处|街道办|街道|镇|乡|苏木|嘎查|行政村|自然村|村|社区|屯|寨|农场)"
_ROAD = rf"{_AREA}{{1,10}}?(?:大道|大街|路|街|巷|弄|胡同|国道|省道)(?:[东西南北中]段|[东西南北]侧|[东西南北])?"
_ESTATE = rf"[{HAN}A-Za-z0-9]{{2,12}}?(?:小区|花园|家园|花苑|新村|公寓|大厦|家属院|嘉园|名苑|雅苑|华庭|豪庭|安置区|新城|广场|商城|市场)"
_HOUSE = (
    r"(?:附|第)?(?:[A-Za-z]?\d{1,5}|[一二三四五六七八九十百零]{1,5}|[甲乙丙丁东西南北])(?:[\-—]\d{1,4})*\s?"
    r"(?:号院|号楼|号房|号|栋|幢|座|单元|楼|层|室|组|队|社|户|弄|铺|村民组|村民小组)(?:附\d{1,3}号)?"
)
_PLACE = rf"(?:{_SETTLEMENT}|{_ROAD}|{_ESTATE})"
_VILLAGE = rf"(?:(?![的在于向由与和及将对等支付偿还归])[{HAN}]){{1,5}}?(?:村|社区|屯|寨)(?![民委])"
_TAIL = rf"(?:[\s,，]?(?:{_HOUSE}|{_VILLAGE}|{_PLACE}(?={_HOUSE}|{_PLACE}))|\d{{1,4}}(?:-\d{{1,4}}){{1,3}}(?:号|室)?)*"
_PLACE_END = re.compile(
    r"(?:街道办事处|街道办|街道|镇|乡|苏木|嘎查|村|社区|屯|寨|农场|大道|街|路|巷|弄|胡同|国道|省道|段|侧|小区|花园|家园|花苑"
    rf"|公寓|大厦|家属院|嘉园|名苑|雅苑|华庭|豪庭|安置区|新城|广场|商城|市场)(?:[东西南北])?{_HOUSE}{_TAIL}"
)
_PLACE_RUN = re.compile(rf"[{HAN}]{{1,10}}")
_ADDRESS_AT = r"住址|住所地|住所|地址|户籍所在地|户籍地|户籍|现住|家住|居住于|居住在|住在|住于|住|位于|坐落于|坐落在|坐落|座落于|座落在|座落|地处|收件地"
_REGION = rf"(?:{_AREA}{{2,8}}?(?:省|自治区|自治州|地区|市|州|盟|县|区|旗))"
_ADDRESSES = (
    re.compile(rf"(?:{_ADDRESS_AT})\s*[:：为是在于]?\s*{_REGION}{{0,4}}(?P<x>(?:{_PLACE}|{_HOUSE}(?={_HOUSE})){_TAIL})"),
    re.compile(rf"(?<=[省市州盟县区旗])(?P<x>{_PLACE}{_TAIL})"),
    re.compile(rf"(?P<x>{_AREA}{{1,5}}?[镇乡]{_AREA}{{1,6}}?(?:村|社区|街){_TAIL})"),
    re.compile(rf"(?P<x>{_HOUSE}(?:{_HOUSE})+)"),
)  # fmt: skip
# The pattern that cannot match without the number of a house.
_HOUSED = 3
_HAS_HOUSE = re.compile(
    r"[\dA-Za-z一二三四五六七八九十甲乙丙丁东西南北]\s?(?:号|栋|幢|座|单元|楼|层|室|组|队|社|户|弄|铺|村民)"
)
_ADDRESS_CUT = re.compile(
    rf"""{_ADDRESS_AT}|(?:{ROLES})|[省市州盟县旗](?!场)|(?<![小园矿库社])区|支付|偿还|返还|归还|交付|腾退|将(?!军)|被(?!告)|的|在|与(?!路)|及|和(?!平|谐|顺|睦|兴|美)|由|至|从|于(?!庄|家|洪)|向(?!阳|前)|对|所有|名下|其"""
)
_NO_PLACE = re.compile(
    r"""(?:该|本|此|各|同|全|外|某|农|乡|集|城|小|新|上述|原告|被告|涉案|一条|沿|住宅|所在|\d+米)*(?:道路|公路|铁路|线路|网络|电路|管路|水路|思路|出路|套路|半路|马路|村|镇|乡|街|路|小区
    |乡镇|城镇|集镇|农村|乡村|街道|社区|广场|市场|商城|大厦|公寓|楼)|.*(?:线路|电路|管路|网络|思路|铁路|公路|道路|生路|销路|贷款市场|股票市场|建材市场|农贸市场)""",
    re.VERBOSE,
)
_WHOLE_CLAUSE = re.compile(r"第[一二三四五六七八九十\d]+(?:项|条|款|号|期|组)")


def find_addresses(text: str) -> Iterator[Named]:
    """Addresses below the county or district (法释〔2016〕19号 art. 10, 11); the county itself stays."""
    for index, pattern in enumerate(_ADDRESSES):
        if index == _HOUSED and not _HAS_HOUSE.search(text):
            continue
        for match in pattern.finditer(text):
            yield from _address(text, *match.span("x"), keyword=index == 0)

    for match in _PLACE_END.finditer(text) if _HAS_HOUSE.search(text) else ():
        run = _PLACE_RUN.match(text[max(0, match.start() - 10) : match.start()][::-1])
        if run:
            yield from _address(text, match.start() - run.end(), match.end(), keyword=False)


def _address(text: str, start: int, end: int, *, keyword: bool) -> Iterator[Named]:
    head = re.split(r"[\d]", text[start:end], maxsplit=1)[0]
    start += max((m.end() for m in _ADDRESS_CUT.finditer(head) if m.end() < len(head)), default=0)
    place = text[start:end]
    if len(place) < 2 or _NO_PLACE.fullmatch(place) or _WHOLE_CLAUSE.match(place) or text[end : end + 1] == "\0":
        return
    yield Named("address", start, end, "high" if keyword or any(c.isdigit() for c in place) else "low")
