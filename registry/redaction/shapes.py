"""Runs of figures and letters that tell what they are by their shape, and those too long to be anything harmless. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.finding import Confidence
from registry.redaction.vocabulary import Named

_SEP = r"[\s\-.·_/]"
_MONTH_DAY = rf"(?:0[1-9]|1[0-2]){_SEP}{{0,2}}(?:0[1-9]|[12]\d|3[01])"
# Both begin with one figure or letter, so that a search skips to the next; the looks behind come after it.
_STRICT = re.compile(
    rf"""[0-9A-Z](?<![A-Za-z0-9].)(?:
    (?P<id_number>(?<=[1-9])\d{{5}}{_SEP}{{0,2}}(?:18|19|20)\d{{2}}{_SEP}{{0,2}}{_MONTH_DAY}{_SEP}{{0,2}}\d{{3}}{_SEP}{{0,2}}[\dXx](?![A-Za-z0-9])
        |(?<=\d)\d{{16}}[Xx](?![A-Za-z0-9])
        |(?<=[1-9])\d{{7}}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{{3}}(?!\d|\.\d|\s?[余多]?[元万亿])
        |(?<=[1-9])(?:\s\d){{16}}\s[\dXx](?![A-Za-z0-9]))
    |(?P<other_id>(?<=[EGDSPHMKC])(?:\d{{8}}|(?<=[EPHMKC])[A-Z]\d{{7}})(?:\d{{2}})?(?![A-Za-z0-9\-])|(?<=[A-Z])[A-Z]?\d{{6}}\s?[(]\s?[\dA]\s?[)]|(?<=[157])\d{{6}}\s?[(]\d[)])
    |(?P<credit_code>(?<![IOSVZ])[0-9A-HJ-NP-RTUWXY]\d{{6}}(?!\d{{9}}[\dX])[0-9A-HJ-NP-RTUWXY]{{10}}(?![A-Za-z0-9]))
    |(?P<vehicle_number>(?<![IOQ])(?=[A-Z]{{0,15}}\d)[A-HJ-NPR-Z0-9]{{16}}(?![A-Za-z0-9])(?<!\d{{17}}))
    |(?P<card>(?<=\d)(?:\d{{3}}(?:{_SEP}{{1,2}}\d{{4}}){{3,4}}(?:{_SEP}{{1,2}}\d{{1,3}})?(?!\d|[\s\-]\d)
        |\d{{3}}(?:{_SEP}{{1,2}}\d{{4}}){{2}}{_SEP}{{1,2}}\d{{5,7}}(?!\d)
        |\d{{5}}{_SEP}{{1,2}}\d{{10,13}}(?!\d)
        |\d{{3,5}}(?:{_SEP}{{1,2}}\d{{2,6}}){{2,4}}{_SEP}{{1,2}}\d{{5,7}}(?!\d)
        |\d{{15,}}(?:[A-Z](?![A-Za-z0-9]))?))
    |(?P<mobile>(?:(?<=8)6|(?<=0)086)[\s\-]{{0,2}}1[3-9]\d(?:[\s\-.·]?\d){{8}}(?!\d)|(?<=1)[3-9]\d\s?[(]\d{{4}}[)]\s?\d{{4}}(?!\d))
    |(?P<masked>(?<=\d)\d{{1,13}}(?:\s?(?:[*•●■□…]{{1,14}}|\.{{3,8}}(?=\d)|[xX×]{{2,14}}(?=\d)|[xX×]{{1,12}}(?:\s[xX×]{{2,12}}){{1,4}}\s?(?=\d))\s?){{1,4}}\d{{0,8}}[Xx]?(?![\d*A-Za-z])
        |[A-Za-z0-9]{{2,12}}(?:[*•●■□]{{2,14}}|…{{1,3}})[A-Za-z0-9]{{2,10}}(?![\d*A-Za-z]))
    )""",
    re.VERBOSE,
)
_LOOSE = re.compile(
    rf"""[0-9A-Za-z+(](?<![A-Za-z0-9].)(?:
    (?P<mobile>(?:(?<=\+)|(?<=00))\s?\d{{1,3}}(?:[\s\-.()]{{0,2}}\d){{6,13}}(?!\d)
        |(?<=1)[\s.]?[3-9][\s.]?\d(?:[\s\-.·]{{0,2}}\d){{8}}(?!\d))
    |(?P<landline>(?<=[(])(?:852|853|886|65|81|82|1)[)]\s?\d{{3,4}}[\s\-]?\d{{3,4}}(?:[\s\-]\d{{3,4}})?(?!\d)|(?<!第0)(?:(?<=0)|(?<=[(])\s?0)(?:10|2\d|[3-9]\d{{2}})\s?[)]?\s{{0,2}}[\-—]{{0,2}}\s{{0,2}}(?:[2-9]\d{{2,3}}[\s\-]?\d{{4}}|[2-9]\d{{3}}[\s\-]\d{{3}})(?:\s?[(]?(?:转|分机|-)\s?\d{{1,6}}[)]?)?(?!\d)
        |(?<=[48])00[\s\-]?\d{{3}}[\s\-]?\d{{4}}(?!\d)|(?<=[48])00[\s\-]\d{{4}}[\s\-]\d{{3}}(?!\d)|(?<=0)0\d{{1,3}}[\s\-]\d[\d\s\-]{{6,12}}\d(?!\d))
    |(?P<id_low>(?<=[1-9])(?<!\.\d)(?:{_SEP}{{0,2}}\d){{16}}{_SEP}{{0,2}}[\dXx](?!{_SEP}?\d))
    |(?P<card_low>(?<=\d)(?<!\.\d)(?:{_SEP}{{0,2}}\d){{13,18}}(?!{_SEP}?\d))
    |(?P<paired>(?<=\d)\d(?:\s\d\d){{3,8}}(?!\d|\s\d))
    |(?P<long>(?=[A-Za-z]{{0,20}}\d)[A-Za-z\d]{{19,79}}(?![A-Za-z\d]))
    |(?P<number>(?<=[A-Za-z0-9])(?<!\.\w)[A-Za-z]{{0,3}}\d[\d\-]{{0,3}}(?:[\-_/]?[A-Za-z\d]){{4,40}}(?![\d.]))
    |(?P<mixed>(?<=[A-Za-z])(?<!\.\w)[A-Za-z_\-]{{0,20}}\d[A-Za-z\d_\-]{{2,40}})
    )""",
    re.VERBOSE,
)
_SPELLED = re.compile(
    r"[〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两](?:[\s\-、]?[〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺]){6,}(?![〇零○一二三四五六七八九壹贰叁肆伍陆柒捌玖幺两十百千万亿元年月拾佰仟圆])"
)
# Behind any word for a number, whatever it numbers; letters of papers, goods and ways are nobody's.
_NUMBERED = re.compile(
    r"[一-龥](?:编号|编码|号码|代码|序号|[号码尾]|ID)[:：为是]{0,2}\s?(?P<x>[A-Z]{0,4}\d[\dA-Z\-]{2,24})(?![\dA-Za-z.,]|\s?[元万亿年月日%])"
)
_NOBODYS = re.compile(
    r"(?:合同|协议书?|[借收欠]据|[借欠]条|保函|信用证|[型案文图令期款批货]|规格|商品|标准|标段|项目|工程|订单|邮政|[房楼室栋幢铺摊座间层]|车位|门牌|[路街巷弄]|公交|地铁|高速|[国省县]道|车次|航班|[第\d一二三四五六七八九十])"
    r"的?(?:编号|编码|号码|代码|序号|[号码尾]|ID)[:：为是]{0,2}\s?$"
)
_RULES: dict[str, tuple[str, Confidence]] = {
    "masked": ("id_number", "high"),
    "id_low": ("id_number", "low"),
    "card_low": ("card", "low"),
    "number": ("number", "low"),
    "mixed": ("number", "low"),
    "paired": ("number", "low"),
    "long": ("number", "high"),
}


def find_strict(text: str) -> Iterator[Named]:
    """Runs that can be nothing but an identifier, whatever stands behind them."""
    for match in _STRICT.finditer(text):
        if (
            match.lastgroup != "masked"
            or "…" in match[0]
            or sum(not c.isalnum() or c in "xX×" for c in match[0] if c != " ") > 1
        ):
            yield _named(match)


def find_loose(text: str) -> Iterator[Named]:
    """Runs that are no amount and no date (those were taken off), and long enough to lead to somebody."""
    for match in _LOOSE.finditer(text):
        if match.lastgroup not in ("mixed", "number") or _is_long(match):
            yield _named(match)
    for match in _NUMBERED.finditer(text):
        if sum(c.isdigit() for c in match["x"]) > 2 and not _NOBODYS.search(
            text, max(0, match.start() - 6), match.start("x")
        ):
            yield Named("number", *match.span("x"), "low")
    yield from (Named("spelled_number", *match.span(), "high") for match in _SPELLED.finditer(text))


def _is_long(match: re.Match[str]) -> bool:
    figures = sum(c.isdigit() for c in match[0])
    if match.lastgroup == "mixed":
        return figures >= _FEWEST_AMONG_LETTERS and len(match[0]) >= _FEWEST
    if figures < _FEWEST or _ROOMS.match(match.string, match.start(), match.end() + 1):
        return False
    return not (
        match[0].isdigit()
        and len(match[0]) <= _LONGEST_AMOUNT
        and _SUM_BEFORE.search(match.string, max(0, match.start() - 10), match.start())
    )


_ROOMS = re.compile(r"\d{1,4}(?:-\d{1,4})+[室号户房]|(?<=[一-龥])(?<![号码机话为是])\d{1,3}-\d{1,2}-\d{3,4}(?![\d\-])")
# 本金人民币 1350000, 合计（小写）1350000: an amount without a unit.
_SUM_BEFORE = re.compile(
    r"(?:金额|本金|利息|罚息|合计|共计|总计|人民币|小写|总额|数额|余额|[价货借欠罚赔]款|违约金|共|[￥¥])[^\d\0\1。；]{0,5}$|(?:^|[。\n])\s?$"
)
_FEWEST, _FEWEST_AMONG_LETTERS, _LONGEST_AMOUNT = 7, 4, 10


_GROUP = re.compile(r"\d+\D+")
_LONGEST_CARD = 19
_ACCOUNT_IN_FOURS = re.compile(rf"\d{{4}}(?:{_SEP}{{1,2}}\d{{4}}){{4}}")


def _shorten(text: str, start: int, end: int) -> int:
    """Where a card in groups begins: a column of a table before it is none of its groups."""
    if _ACCOUNT_IN_FOURS.fullmatch(text, start, end):
        return start
    while sum(c.isdigit() for c in text[start:end]) > _LONGEST_CARD and (group := _GROUP.match(text, start, end)):
        start = group.end()
    return start


def _named(match: re.Match[str]) -> Named:
    group = str(match.lastgroup)
    rule, confidence = _RULES.get(group, (group, "high"))
    start, end = match.span()
    if rule == "card":
        start = _shorten(match.string, start, end)
    return Named(rule, start, end, confidence)
