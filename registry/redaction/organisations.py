"""Which organisations a text names: companies, banks, cooperatives, committees, schools, shops, authorities. Pure.

A name ends with a word of its kind and begins after the last word that no name holds. What such a name is called for
short is known by the name itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

from registry.redaction.firms import find_firms, find_numbered, find_regional, find_signs, find_villages
from registry.redaction.organisation_start import find_start, has_cut
from registry.redaction.organisation_words import (
    BANKS,
    DOUBTFUL_KINDS,
    GENERAL,
    KNOWN,
    MADE_KINDS,
    PAPERS,
    SURE_KINDS,
    TRADES,
)
from registry.redaction.regions import FULL, skip_regions
from registry.redaction.short_names import find_declared, find_short
from registry.redaction.trie import any_of
from registry.redaction.vocabulary import HAN, ROLES, Named, words

_DOUBTFUL = DOUBTFUL_KINDS | MADE_KINDS | PAPERS
_KINDS = SURE_KINDS | _DOUBTFUL
# By the last letter, how long the kinds are that end with it.
_LENGTHS = {
    letter: sorted({len(kind) for kind in alike}, reverse=True)
    for letter, alike in groupby(sorted(_KINDS, key=itemgetter(-1)), key=itemgetter(-1))
}
_LAST_LETTER = re.compile(f"[{''.join(sorted({re.escape(kind[-1]) for kind in _KINDS}))}]")
_LONGEST = 44
_RUN = re.compile(rf"(?:(?!某)[{HAN}A-Za-z0-9&()·“”\"-])+")
# 建材公司 is nobody either.
_GENERAL = re.compile(rf"(?:{words(GENERAL + ' '.join(TRADES))}|\d+|[()])*")
# 到厂, 由店: nothing but the kind stands behind the word.
_NO_WORD = re.compile(r"[到由向的被把给将]$")
_PUBLIC_BODY = re.compile(
    r"中国人民银行|使领馆|领事馆|使馆|宅基地|法院|店堂|课堂|礼堂|同业拆借中心|(?:^|[省市县区])人民银行"
)
# 商店, 银行, 学校 and the like are words themselves; with one more word they are somebody.
_ROLE_BEFORE = re.compile(rf"(?:{ROLES})[\s:：]{{0,2}}$")
_AFTER_NAME = re.compile(r"(?:\((?:普通合伙|有限合伙|特殊普通合伙|个体工商户|集团|个人独资|[^()\0\1，。；]{2,4}店)\))")
_LATIN_COMPANY = re.compile(
    r"(?:[A-ZÀ-Þ][A-Za-zÀ-ÿ0-9&.'-]*,?[ ]{1,2}(?:(?:of|and|the|de|du|für|&)[ ]|\([A-Z][A-Za-z. ]{1,16}\)[ ]?)?){1,7}"
    r"(?:Co(?:\.|mpany)?,?[ ]?(?:Ltd|Limited|LTD)?|Ltd|LTD|Limited|LLC|L\.L\.C|Inc|INC|Corp|Corporation|GmbH|AG|KG|S\.?A\.?|S\.?A\.?R\.?L|B\.?V|N\.?V|Pte\.? ?Ltd|Pty\.? ?Ltd|PLC|plc|LLP|Holdings|Group|Bank|Sdn\.? ?Bhd|S\.?p\.?A|S\.?r\.?l|ApS|AB|Oy|K\.K|JSC|OOO)(?![A-Za-z])\.?"
)
_CYRILLIC_COMPANY = re.compile(r"(?:ООО|ОАО|ЗАО|ПАО|АО|ТОО|ИП)\s?[«\"“][^«»\"“”，。；]{2,40}[»\"”]")
_KNOWN = re.compile(any_of(KNOWN))
_HAS_LATIN = re.compile(r"[A-Z][A-Za-zÀ-ÿ.,]{1,20} [A-Z&]")


@dataclass(frozen=True, slots=True)
class _Span:
    start: int
    end: int


# Kinds that name nothing but an organisation, even behind a short name.
_UNMISTAKEN = (
    "公司",
    "银行",
    "支行",
    "分行",
    "信用社",
    "联社",
    "合作社",
    "事务所",
    "村委会",
    "委员会",
    "医院",
    "商行",
    "经营部",
)


def find_organisations(text: str) -> Iterator[Named]:
    """Organisations named in `text`, and where they are named for short."""
    spans = list(_find_full(text))
    if _HAS_LATIN.search(text):
        spans += [_Span(*match.span()) for match in _LATIN_COMPANY.finditer(text)]
    spans += [_Span(*match.span()) for match in _CYRILLIC_COMPANY.finditer(text)]
    spans += [_Span(*match.span()) for match in _KNOWN.finditer(text)]
    spans += (
        _Span(*place)
        for find in (find_numbered, find_firms, find_villages, find_signs, find_regional)
        for place in find(text)
    )
    full = [text[span.start : span.end] for span in spans]
    for span in (*spans, *(_Span(*place) for place in find_short(text, full))):
        yield _name(text, span)
    for start, end in find_declared(text, [(span.start, span.end) for span in spans]):
        yield Named("organisation_name", start, end, "high")


def is_organisation(name: str) -> bool:
    """Whether `name` ends as only an organisation's does: 驾校, 家具城, 车队; not 张子轩."""
    return bool(name) and name[-1] in _LENGTHS and _kind_at(name, len(name)) in SURE_KINDS | MADE_KINDS


def _name(text: str, span: _Span) -> Named:
    in_role = bool(_ROLE_BEFORE.search(text, max(0, span.start - 12), span.start))
    length = span.end - span.start
    sure = in_role or length >= 8 or (length >= 5 and text.endswith(_UNMISTAKEN, span.start, span.end))
    return Named("organisation_name", span.start, span.end, "high" if sure else "low")


def _find_full(text: str) -> Iterator[_Span]:
    """Names with their kind at the end; what goes on without a cut (a branch, a second kind) is one name."""
    last: _Span | None = None
    for letter in _LAST_LETTER.finditer(text):
        kind = _kind_at(text, letter.end())
        if not kind or (kind != ")" and _goes_on_as_word(text, letter.end(), kind)):
            continue
        end = letter.end()
        if last and end <= last.end:
            continue
        if last and end - last.end <= 16 and end - last.start <= _LONGEST + 20 and _is_continued(text, last.end, end):
            last = _Span(last.start, end)
            continue
        span = _read_back(text, end, kind, last.end if last else 0)
        if span:
            if last:
                yield last
            last = span
    if last:
        yield last


def _kind_at(text: str, end: int) -> str:
    for length in _LENGTHS[text[end - 1]]:
        if length <= end and text[end - length : end] in _KINDS:
            return text[end - length : end]
    return ""


_WORD_GOES_ON = re.compile(
    r"(?:公司|集团|银行)(?=法)|(?:村委会|村民委员会|居委会|村委|小组|生产队|村民组)(?=[^\W\d_]{1,5}(?:自然村|村民小组|组|屯|庄)?第?[\d一二三四五六七八九十]{1,4}[组号队])"
    r"|(?:村委会|村民委员会|居委会|村委)(?=[^\W\d_]{1,6}(?:自然村|组|屯|小组|庄|寨|湾|村|工业区|工业园|片区|老屋|新村)(?![村民委]))|(?:村委会|村民委员会|居委会|居民委员会|村委)(?=院内|门口|门前|[东西南北]{1,2}[侧边面]|旁|对面|后面|附近|隔壁)|村民?小?组(?=\d+号)|(?:街道办事处|街道办|办事处|管委会|管理委员会)(?=[^\W\d_的所]{1,8}?(?:社区|村|小区|路|街|巷|组)(?!居民?委|村?民?委|卫生|服务|党|经济|股份|合作|管理))|行(?=[为使动政业程驶走李])|店(?=[铺面员主长家招])|中心(?=字第)|厂(?=[房区家里长方址])|所(?=有(?!限)|[在得欠借述需持做致写建])|社(?=[区会保员])|部(?=[分位门队])|站(?=[在点])|场(?=[地所内])|城(?=[区市镇关])|园(?=[区内])|队(?=[长员伍列友])|[窑寺庙堂阁庵](?=[湾镇乡村家子沟岭坡塬湖岛路街巷坪山河])|协(?=[议助商调定同作])|组(?=[成织合长员])|局(?=[面部限势])|馆(?=子)|铺(?=[面位设])|堂(?=[屋哥弟妹姐])|办公室(?=[的里内])"
)


_REGION_LETTERS = frozenset("区县市旗")


def _goes_on_as_word(text: str, end: int, kind: str) -> bool:
    if not _LEGAL.search(kind) and _PLACE_GOES_ON.match(text, end):
        return True
    if kind == "门市" and text[end - 3 : end] in FULL:
        return True
    if text[end : end + 1] in _REGION_LETTERS and any(text[end - n : end + 1] in FULL for n in (2, 3)):
        return True
    return bool(_WORD_GOES_ON.match(text, end - len(kind)) or _WORD_GOES_ON.match(text, end - 1))


# A shop, a market or a bureau before the number of a house is where something stands.
_PLACE_GOES_ON = re.compile(
    r"(?:号|第)?-?[A-Z]?\d{1,4}[-A-Z\d]*(?:号|楼|巷|弄|路|街|层|栋|幢|座|区|排|室|单元)|[A-Z][区座栋馆塔]|[一二三四五六七八九十]{1,3}(?:层|楼|区|号|排|巷|期|栋|幢)"
    r"|[一二三四五六七八九十\d]{1,3}(?:队|连|分场|组|小队|作业|分队)|家属[院楼区房]|旧址|原址|遗址|教?职工|教工|宿舍|生活区|住宅|(?:出|入)口|门口|门前|院内|院墙|[东西南北]{1,2}[侧门边]|对面|对过|旁|附近|隔壁|地下|负[一二三\d]层|\d{1,3}#|小区|村|屯|养殖小区|路|街|乡|镇|[^\W\d_]{0,2}(?:街道|社区|大街|胡同)|[^\W\d_位在于的与和对向将由应给返支偿归]{1,6}?(?:路|街|巷|道|村|镇|市场|商城|广场|工业区)[A-Z]?\d|[^\W\d_位在于的与和对向将由应给返支偿归]{1,5}?(?:市场|商城)"
)
_PLACED = re.compile(
    r"(?:[住居现寄]住[于在]?|住|位于|[坐座]落[于在]?|地处|(?:地址|住址|住所地?|户籍地?|所在地|住处|处所|旧址|存放地|停放地|交割地|位置在|地点)[是为在]?|(?:扣押|停放?|存放?|堆放|建|设|开设|送货|运|送|寄|安装|搭建|种植)[于在至到]|件寄)[\s:：(]{0,2}$"
)
# 某区某路某中心 is where something stands.
_BY_ROAD = re.compile(
    rf"[区县市镇乡][{HAN}]{{1,6}}(?:路|街(?!道)|大道|巷)[{HAN}]{{0,6}}(?<!服务)(?<!管理)(?:中心|货场|堆场|庙|公馆|陵园|公墓|商城|广场)$"
    rf"|[区县市镇乡][{HAN}]{{1,12}}停车场$"
)
_LEGAL = re.compile(r"(?:公司|集团|银行|支行|分行|委员会|委会|政府|合作社|联社|信用社|事务所|办事处)$")
_NOT_BETWEEN = re.compile(r"[^\w()·]|[\0\1某]|\d{4}")


def _is_continued(text: str, start: int, end: int) -> bool:
    between = text[start:end]
    return not _NOT_BETWEEN.search(between) and not has_cut(between)


def _read_back(text: str, end: int, kind: str, floor: int) -> _Span | None:
    before = text[max(floor, end - _LONGEST) : end]
    run = _RUN.match(before[::-1])
    start = end - (run.end() if run else len(kind))
    start += find_start(text[start:end])
    # 店招“念想小馆: what stands before a quotation that is still open is another word.
    opened = text.rfind("“", start, end)
    if opened >= 0 and text.find("”", opened, end) < 0:
        start = opened + 1
    name = text[start:end]
    if not _is_named(name, kind):
        return None
    # 住某县某乡某村村民小组: who lives there lives in the county.
    placed = _PLACED.search(text, max(0, start - 10), start) or _BY_ROAD.search(name)
    if not _LEGAL.search(kind) and placed:
        start += skip_regions(name)
        if end - start < 3:
            return None
    tail = _AFTER_NAME.match(text, end)
    return _Span(start, tail.end() if tail else end)


def _is_named(name: str, kind: str) -> bool:
    """Whether there is more than words that would fit anybody."""
    if name in BANKS:
        return True
    if len(name) < 3 or _PUBLIC_BODY.search(name) or _NO_WORD.search(name[:-1]):
        return False
    head = name[: len(name) - len(kind)]
    if kind in _DOUBTFUL and kind not in SURE_KINDS and len(head) < 2:
        return False
    return not _GENERAL.fullmatch(head)
