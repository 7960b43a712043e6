"""Addresses below the county (法释〔2016〕19号 art. 10, 11); the county itself stays. Pure.

An address is a row of parts (town, road, estate, building, room, plot). It is looked for where a region ends, after words
such as 住所地, and around parts that nothing but an address has; from there it is read to the left and to the right.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from registry.redaction.court_words import ORDINARY
from registry.redaction.foreign_places import find_foreign_addresses
from registry.redaction.layout import find_open_bracket
from registry.redaction.lexicon import Dictionary
from registry.redaction.place_parts import BODY, ORDINAL, STOP, WAY, L
from registry.redaction.place_starts import ANCHOR, LETTER, REGION_END, TRIGGERS
from registry.redaction.place_words import GENERIC, LANDMARKS, PLAIN_PLACES, UNIT
from registry.redaction.plots import find_plots
from registry.redaction.regions import find_regions
from registry.redaction.vocabulary import HAN, ROLES, Named, words

_PLACED = re.compile(
    r"位[于於]|[坐座]落|地处|家住|现住|住址|住所地|户籍|地址|(?:堆放|存放|停放|安葬|埋葬|搭建|种植)[于在]"
)
_UNKNOWN = re.compile(rf"(?!于|在|同|该|本|原|被|一)(?>{L}{{2,10}})(?=的|[^{HAN}A-Za-z0-9\0\1]|$)", re.VERBOSE)
_CHAIN = re.compile(
    rf"(?:(?![路街村号楼巷弄栋幢室住在将的]|位于|坐落|[镇乡][{HAN}]{{2}})[{HAN}\s]){{1,16}}?{REGION_END}", re.VERBOSE
)
_RUN = re.compile(rf"[{HAN}A-Za-zⅠ-ⅻ\d\s〔〕“”\"'·\#()-]{{1,40}}")
_CUT = re.compile(
    rf"(?:{ROLES})(?![民数身们师]|委员|小组|组|镇|乡|村|路|街|巷|楼|户|畔|公寓|宿舍|新村|家属|[院房区]|文化|之家|住宅|大厦|小区)|{ANCHOR}|{REGION_END}|(?![与和及至](?:(?<=[路街道巷][与和及])|(?=[{HAN}\dA-Z]{{1,14}}?(?:之间|交叉|交汇|交会|夹角|汇合|相交|平交|丁字|十字|交口|路口|交界)))){STOP}|[\n]",
    re.VERBOSE,
)
# Where something is, beside something else.
_SPOTS = words(
    "隔壁 尽头 尽端 脚下 底下 树下 桥下 坝下 夹角 交汇 汇合 斜对 对面 对过 旁 边 坎上 坎下 楼上 旁边 附近 中段 后头 前头 背后 之间 上游 下游 左岸 右岸 拐角 转角"
)
# Sorts of words that name no place.
_NO_NAMES = frozenset("vdpcrufmqyoeazst")
_BLANK = re.compile(r"\s+")
# 区 of a market or a village is no county.
_ZONE_BEFORE = re.compile(
    rf"(?:市场|商城|广场|(?<![市省州盟县])(?:[镇乡村街号楼栋幢]|路(?![桥南北])))[{HAN}]{{1,4}}区$"
)


def find_addresses(text: str) -> Iterator[Named]:
    """Addresses below the county or district; the county itself stays."""
    foreign = list(find_foreign_addresses(text))
    found = (
        [*foreign, *(row for row in _find_rows(text) if not _meets(row, foreign))] if foreign else [*_find_rows(text)]
    )
    yield from found
    yield from (plot for plot in find_plots(text) if not _meets(plot, found))


def _meets(span: Named, others: list[Named]) -> bool:
    return any(span.start < other.end and other.start < span.end for other in others)


def is_part(words: str) -> bool:
    """Whether `words`, which stand behind somebody's name, begin with a part of an address: 北侧, 3号楼, no verb."""
    if words.startswith(("有", "无")):
        return False
    # A number, a thing: some parts stand only behind a word.
    body = BODY.match(f"所{words}", 1)
    return body is not None and (body.start("rest") > 2 or not body["rest"])


def _find_rows(text: str) -> Iterator[Named]:
    end = refused = 0
    regions = find_regions(text)
    for letter in LETTER.finditer(text):
        if letter.start() < end:
            continue
        trigger = TRIGGERS[letter[0]].match(text, letter.start())
        if trigger is None or (trigger.lastgroup in ("core", "site") and _is_inside(letter.start(), regions)):
            continue
        if trigger.lastgroup == "site" and letter.start() < refused:
            continue
        span = _read(text, trigger, end)
        if span and span[0] == span[1]:
            refused = span[1]
            continue
        if span and _is_place(text, *span):
            end = span[1]
            sure = trigger.lastgroup != "region" or any(c.isdigit() for c in text[span[0] : end])
            yield Named("address", *span, "high" if sure else "low")


def _is_inside(position: int, spans: list[tuple[int, int]]) -> bool:
    return any(start <= position < end - 1 for start, end in spans)


def _read(text: str, trigger: re.Match[str], floor: int) -> tuple[int, int] | None:
    if trigger.lastgroup in ("core", "site"):
        return _read_around(text, trigger, floor)
    start = trigger.end()
    if trigger.lastgroup == "region" and _ZONE_BEFORE.search(text, max(0, start - 8), start):
        return None
    if _CHAIN.match(text, start):
        return None
    span = _read_from(text, start)
    if span is None and trigger.lastgroup == "anchor" and _PLACED.match(trigger[0]):
        return _read_unknown(text, start)
    return span


def _read_from(text: str, start: int) -> tuple[int, int] | None:
    blank = _BLANK.match(text, start)
    start = blank.end() if blank else start
    body = BODY.match(text, start)
    return body.span() if body else None


def _read_unknown(text: str, start: int) -> tuple[int, int] | None:
    """What stands after 位于 or the like without any part that is known: up to where an address must end."""
    rest = _UNKNOWN.match(text, start)
    return rest.span() if rest else None


def _read_around(text: str, trigger: re.Match[str], floor: int) -> tuple[int, int] | None:
    """From the last word before the core that no address holds, to where the parts end.

    Where a landmark stands with nothing that names it, the span is empty and ends where that reading ended.
    """
    start, end = trigger.span()
    is_site = trigger.lastgroup == "site"
    run = _RUN.match(text[max(floor, start - 40) : start][::-1])
    begin = start - run.end() if run else start
    # A cut looks at what follows it: 工人 of 工人新村 is none.
    ahead = text[begin : start + 6]
    cuts = [m for m in _CUT.finditer(ahead) if m.end() <= start - begin and not _ZONE_BEFORE.search(ahead[: m.end()])]
    if cuts and cuts[-1][0] in ("型号", "规格", "编号"):
        return None
    # 永和 in 永和圩 is a name: nobody is named by one letter before 和.
    ends = [0, *(m.end() for m in cuts)]
    cuts = [m for m, before in zip(cuts, ends, strict=False) if m[0] != "和" or m.start() - before != 1]
    first = begin + max((m.end() for m in cuts), default=0)
    first = max(first, begin + find_open_bracket(text[begin:start]))
    while first < start and text[first].isspace():
        first += 1
    if is_site:
        first = _skip_words(text, first, start)
    body = BODY.match(text, first)
    if body and body.end() >= end:
        last = body.end()
    else:
        body = BODY.match(text, end)
        last = body.end() if body else end
    if is_site:
        bare = body.start("rest") if body and body["rest"] else last
        if bare < end or not _is_specific(text[first:bare]):
            return bare, bare
        return first, bare if _is_deed(text[bare:last]) else last
    return first, last


def _is_deed(words: str) -> bool:
    """Whether `words`, which stand behind a landmark, tell what was done there: 清空, but not 养鸡房."""
    sorts = [_DICTIONARY.sort_of(word)[:1] for word in _DICTIONARY.cut(words)]
    return not words.endswith(_ENDS_OF_THINGS) and any(sort in _NO_NAMES for sort in sorts)


_ENDS_OF_THINGS = tuple("房棚圈舍池坑井屋楼田地路沟院库铺坊亭室厅场园林")


def _skip_words(text: str, first: int, start: int) -> int:
    """Where the verbs and the people before a landmark are over: 取回留在, 韦家化粪池."""
    at = found = first
    for word in _DICTIONARY.cut(text[first:start]):
        at += len(word)
        if (
            at < start
            and len(word) > 1
            and _DICTIONARY.sort_of(word)[:1] in _BEFORE_PLACES
            and text[at] not in _PLACE_LETTERS
        ):
            found = at
    owner = _OWNER.match(text, found, start)
    return owner.end() if owner else found


_BEFORE_PLACES = frozenset("vdr")
_OWNER = re.compile(rf"[{HAN}]{{2,4}}家(?![园居苑属具电常乐乡族委]|[{HAN}]?[村庄屯湾沟坪坡岭坳寨营堡圩塘坝庙岗埠])")
_PLACE_LETTERS = frozenset("路街巷村镇乡里庄园坊桥河塘坝沟坡岭湾屯寨苑小新门东西南北大中")


def _is_place(text: str, start: int, end: int) -> bool:
    place = text[start:end]
    # 城关镇 before what was kept is the head of a court's name.
    if len(place) < 6 and text.startswith("\0", end) and not any(c.isdigit() for c in place):
        return False
    return len(place) > 1 and not GENERIC.fullmatch(place) and not _CLAUSE.match(place)


_CLAUSE = re.compile(r"第?[一二三四五六七八九十\d]+(?:项|条|款|号|期|组)$")


_DICTIONARY = Dictionary()
_SIDE_OF = r"[东西南北左右][东西南北]?(?:角|首|端|沿|邻|隅|麓|侧|边|面|岸|坡|屋|院|楼|仓|门|墙|缘|头|厢房|配房|偏房|罩房|大片|围墙|半幅)"
_PLAIN = words(" ".join(PLAIN_PLACES))
_ATOM = re.compile(
    rf"(?P<number>[A-Za-zⅠ-ⅻ]*\d+[A-Za-z\d#-]*{UNIT}?)|(?P<count>{ORDINAL}|{WAY}|第?[一二三四五六七八九十]+(?:层|单元|号|楼|栋|幢|排|巷|弄|组|队|社|区|期|门|街|路|座|委|连|道))|(?P<side>{_SIDE_OF}|{_SPOTS})|(?P<mark>{LANDMARKS})|(?P<plain>{_PLAIN})|(?P<rest>.)",
    re.VERBOSE | re.DOTALL,
)


def _is_specific(place: str) -> bool:
    """Whether more is said than that something is at a house, a road or a school: a name, a number, or two landmarks."""
    score, rest = 0, ""
    if _BESIDE.match(place):
        return False
    for atom in _ATOM.finditer(place):
        kind = atom.lastgroup
        if kind == "rest":
            rest += atom[0]
            continue
        rest += " "
        score += 2 if kind == "number" else kind != "plain" and atom[0] not in PLAIN_PLACES
    return score + 2 * any(_is_name(part) for part in rest.split()) > 1


# What is beside something that is not said.
_BESIDE = re.compile(r"(?:隔壁|对面|对过|斜对|底下|脚下|旁边|附近|[东西南北]{1,2}(?:侧|边|面|邻))")


def _is_name(rest: str) -> bool:
    """Whether what no word of places says is no ordinary word either."""
    rest = rest.rstrip("内外上下里中处旁边前后")
    return len(rest) > 1 and not all(
        word in ORDINARY or _DICTIONARY.sort_of(word)[:1] in _NO_NAMES for word in _DICTIONARY.cut(rest)
    )
