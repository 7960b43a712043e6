"""Which organisations a text names: companies, banks, cooperatives, committees, schools, shops, authorities. Pure.

A name ends with a word of its kind and begins after the last word that no name holds. What such a name is called for
short is known by the name itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from registry.redaction.layout import find_open_bracket, read_unbroken
from registry.redaction.organisation_words import BANKS, DOUBTFUL_KINDS, GENERAL, SURE_KINDS, TRADES, VERBS
from registry.redaction.vocabulary import BOUNDARY, FOLLOWING, HAN, ROLES, Named, words
from search_index.tables import read_table

_KINDS = SURE_KINDS | DOUBTFUL_KINDS
# By the last letter, how long the kinds are that end with it.
_LENGTHS = {kind[-1]: sorted({len(k) for k in _KINDS if k[-1] == kind[-1]}, reverse=True) for kind in _KINDS}
_LAST_LETTER = re.compile(f"[{''.join(sorted({re.escape(kind[-1]) for kind in _KINDS}))}]")
_LONGEST = 44
_RUN = re.compile(rf"(?:(?!某)[{HAN}A-Za-z0-9&()·“”\"-])+")
_TRADE = words(" ".join(TRADES))
_BEFORE_NAME = words(VERBS)
_CUT = re.compile(
    rf"""(?:{ROLES})(?![民数身们师]|委员|小组|组|代表|大会|培训|学校|文化|医院|进修|活动|之家|公寓|服务|维权|创业)(?:[(][^()]{{1,12}}[)])?|{_BEFORE_NAME}|、|^[(\d)]+|\d+(?:号|室|楼|层|栋|幢|单元)(?:楼|房)?
    |(?=[系诉欠给由被的是与及对让从即因将把至向于在到经以为且并或须需应可已均另再先自约共等和其该此无])(?:无(?![锡为极忧限])|其(?!乐)|该|此|系|诉|欠|给|由(?!之)|被|的|是|与(?!时|众|你)|及(?!时)|对|让|从(?!化|江)|即(?!墨)|因|将(?!军|乐|台)|把|至(?!诚|尊|善|臻|信|和|爱|美|正)
    |向(?!阳|荣|前进|日葵|上(?![海诉述级]))|于(?![洪都田庄家集])|在(?!线|水|田)|到|经(?!济|贸|开|纬|典|营|络|销|发)|以(?![诺利琳勒])|为(?!民|康|尔|先)|且|并(?!购)|或|须|需|应(?!城|县|天|急|链|用|昌|力)|可(?!心|可|口|靠|丽|乐|馨|意|人)|已|均|另|再(?!生)|先(?!锋|行者|达|知|导|科)|自(?!然|贡|强|由|动|来水|贸|在|立|治|来)|约|共(?!青|享|赢|和|创|好|建|荣)|等(?!级)
    |和(?<![呼太中人永饱仁平温宽安景天泰祥义信顺福共大协谐]和)(?!社会保障|旅游|体育|信息化|改革|卫生|城乡|草原|规划|计划|运动|退役|科技)(?![平谐顺美睦信众润泰兴合盛丰田义天成园苑硕静煦雅悦瑞县林龙布]))(?!{_TRADE}|[(])
    |会计(?!师)|通知(?!书)""",
    re.VERBOSE,
)
_GENERAL = re.compile(rf"(?:{words(GENERAL)}|\d+|[()])*")
_PUBLIC_BODY = re.compile(r"中国人民银行|同业拆借中心|(?:^|[省市县区])人民银行")
# 商店, 银行, 学校 and the like are words themselves; with one more word they are somebody.
_ROLE_BEFORE = re.compile(rf"(?:{ROLES})[\s:：]{{0,2}}$")
_AFTER_NAME = re.compile(r"(?:\((?:普通合伙|有限合伙|特殊普通合伙|个体工商户|集团|个人独资|[^()\0\1，。；]{2,4}店)\))")
_LATIN_COMPANY = re.compile(
    r"(?:[A-ZÀ-Þ][A-Za-zÀ-ÿ0-9&.'-]*,?[ ]{1,2}(?:(?:of|and|the|de|du|für|&)[ ])?){1,7}"
    r"(?:Co(?:\.|mpany)?,?[ ]?(?:Ltd|Limited|LTD)?|Ltd|LTD|Limited|LLC|L\.L\.C|Inc|INC|Corp|Corporation|GmbH|AG|KG|S\.?A\.?|S\.?A\.?R\.?L|B\.?V|N\.?V|Pte\.? ?Ltd|Pty\.? ?Ltd|PLC|plc|LLP|Holdings|Group|Bank|Sdn\.? ?Bhd|S\.?p\.?A|S\.?r\.?l|ApS|AB|Oy|K\.K|JSC|OOO)(?![A-Za-z])\.?"
)
# A firm that is named by its own word and its trade alone.
_FIRM = re.compile(
    words("""
建材 商贸 贸易 工贸 置业 地产 房地产 物流 货运 食品 科技 实业 纺织 化工 装饰 装潢 劳务 粮油 酒业 茶业 餐饮 药业 传媒 印务 服饰 家居 家纺 电子 机械 建筑 建工 建设 建安 路桥 园林 物业 小贷 医疗器械 花卉 煤业 矿业 农业 农牧 牧业 种业 米业
面业 木业 石业 门业 铝业 钢构 塑业 纸业 电器 电气 能源 新能源 光伏 汽贸 汽修 车业 地产 集团 控股 资本 资产 环保 文旅 影视 广告 网络 通讯 通信 制药 生物 重工 五金 电商 供应链 装饰工程 建筑工程 餐饮管理 物业管理 物业服务 汽车销售 农业发展 文化传媒 房地产开发 机械制造 融资租赁
""")
    + rf"(?={BOUNDARY}|{FOLLOWING}|会计|法定代表人|法人|员工|经理|老板|负责|代付|代偿|应|可|已|未|不)"
)
_FIRM_BEFORE = re.compile(
    rf"(?:^|[^{HAN}A-Za-z0-9·]|向|由|欠|与|和|对|及|支付|偿还|返还|归还|赔偿|退还|给付|原告|被告|申请人|执行人|第三人|驳回|挂靠)(?P<x>[{HAN}]{{2,4}})$"
)
_HAS_LATIN = re.compile(r"[A-Z][A-Za-zÀ-ÿ.,]{1,20} [A-Z&]")
# 漯河三中, 市二院, 宣威一高.
_NUMBERED = re.compile(
    r"[一二三四五六七八九十](?:中|高|小|院|附院|附小|附中|初|幼|职高|实小|医院|建)"
    rf"(?={BOUNDARY}|{FOLLOWING}|学生|就读|老师|教师|课间|操场|校|[的对由在向与和及应可将为因以按未不已承代负主称诉又均处就同赔支缴])"
)
_BEFORE_NUMBER = re.compile(rf"[{HAN}]{{1,4}}(?<![第其])$")
_SHORT_TAIL = re.compile(rf"(?:{words(' '.join(TRADES | SURE_KINDS))}){{1,6}}")
# 第二小学 is called 二小 too.
_NUMBER_OF = re.compile(r"第?([一二三四五六七八九十]{1,3})(小|中|幼|高级中学|高中|医院|人民医院|附属医院)")
_SHORT_NUMBERED = {"高级中学": "高", "高中": "高", "医院": "院", "人民医院": "院", "附属医院": "附院"}
_TOWN = re.compile(rf"[{HAN}]{{1,5}}?(?:镇|乡|街道|苏木)(?=[{HAN}]{{2}})")
_DECLARED = re.compile(rf"\((?:以下|下)?(?:均|统|合)?简?称(?:为|:)?[“\"‘]?(?P<x>[{HAN}]{{2,12}})[”\"’]?\)")
_CALLED = re.compile(r"(?:简称|以下称|下称|又称|合称)(?:为|:|：)?[“\"‘]?$")


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
    return read_unbroken(_find, text)


def _find(text: str) -> Iterator[Named]:
    spans = list(_find_full(text))
    if _HAS_LATIN.search(text):
        spans += [_Span(*match.span()) for match in _LATIN_COMPANY.finditer(text)]
    spans += _find_numbered(text)
    spans += _find_firms(text)
    full = [text[span.start : span.end] for span in spans]
    for span in (*spans, *_find_short(text, full)):
        yield _name(text, span)
    for span in _find_declared(text, spans):
        yield Named("organisation_name", span.start, span.end, "high")


def _find_numbered(text: str) -> Iterator[_Span]:
    for match in _NUMBERED.finditer(text):
        before = _BEFORE_NUMBER.search(text, max(0, match.start() - 4), match.start())
        if before:
            start = before.start() + find_start(text[before.start() : match.end()])
            if start < match.start():
                yield _Span(start, match.end())


def _find_firms(text: str) -> Iterator[_Span]:
    for match in _FIRM.finditer(text):
        before = _FIRM_BEFORE.search(text, max(0, match.start() - 8), match.start())
        if before:
            start = before.start("x") + find_start(before["x"] + match[0])
            if match.start() - start >= 2 and not _GENERAL.fullmatch(text[start : match.start()]):
                yield _Span(start, match.end())


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
    r"|(?:村委会|村民委员会|居委会|村委)(?=[^\W\d_]{1,6}(?:自然村|组|屯|小组|庄|工业区|工业园|片区|老屋|新村)(?!村民))|(?:村委会|村民委员会|居委会|居民委员会|村委)(?=院内|门口|门前|[东西南北]{1,2}[侧边面]|旁|对面|后面|附近|隔壁)|村民?小?组(?=\d+号)|(?:街道办事处|街道办|办事处|管委会|管理委员会)(?=[^\W\d_]{1,8}?(?:社区|村|小区|路|街|巷|组)(?!居民?委|村?民?委|卫生|服务|党|经济|股份|合作|管理))|行(?=[为使动政业程驶走李])|店(?=[铺面员])|厂(?=[房区家里长])|局(?=[面部限势])|馆(?=子)|铺(?=[面位设])|堂(?=[屋哥弟妹姐])|办公室(?=[的里内])"
)


def _goes_on_as_word(text: str, end: int, kind: str) -> bool:
    if not _LEGAL.search(kind) and _PLACE_GOES_ON.match(text, end):
        return True
    return bool(_WORD_GOES_ON.match(text, end - len(kind)) or _WORD_GOES_ON.match(text, end - 1))


# A shop, a market or a bureau before the number of a house is where something stands.
_PLACE_GOES_ON = re.compile(
    r"(?:号|第)?-?[A-Z]?\d{1,4}[-A-Z\d]*(?:号|楼|巷|弄|路|街|层|栋|幢|座|区|排|室|单元)|[A-Z][区座栋馆塔]|[一二三四五六七八九十]{1,3}(?:层|楼|区|号|排|巷|期|栋|幢)"
    r"|[一二三四五六七八九十\d]{1,3}(?:队|连|分场|组|小队|作业|分队)|家属[院楼区]|教?职工|教工|宿舍|生活区|住宅|(?:出|入)口|门口|门前|院内|院墙|[东西南北]{1,2}[侧门边]|对面|对过|旁|附近|隔壁|地下|负[一二三\d]层|\d{1,3}#|小区|村|屯|养殖小区|路|街|乡|镇|[^\W\d_]{0,2}(?:街道|社区|大街|胡同)|[^\W\d_位在于的与和对向将由应给返支偿归]{1,6}?(?:路|街|巷|道|村|镇|市场|商城|广场|工业区)[A-Z]?\d|[^\W\d_位在于的与和对向将由应给返支偿归]{1,5}?(?:市场|商城)"
)
_LEGAL = re.compile(r"(?:公司|集团|银行|支行|分行|委员会|委会|政府|合作社|联社|信用社|事务所|办事处)$")
_NOT_BETWEEN = re.compile(r"[^\w()·]|[\0\1某]|\d{4}")


def _is_continued(text: str, start: int, end: int) -> bool:
    between = text[start:end]
    return not _NOT_BETWEEN.search(between) and not any(m.end() < len(between) for m in _CUT.finditer(between))


def _read_back(text: str, end: int, kind: str, floor: int) -> _Span | None:
    before = text[max(floor, end - _LONGEST) : end]
    run = _RUN.match(before[::-1])
    start = end - (run.end() if run else len(kind))
    start += find_start(text[start:end])
    name = text[start:end]
    if not _is_named(name, kind):
        return None
    tail = _AFTER_NAME.match(text, end)
    return _Span(start, tail.end() if tail else end)


def _is_named(name: str, kind: str) -> bool:
    """Whether there is more than words that would fit anybody."""
    if name in BANKS:
        return True
    if len(name) < 3 or _PUBLIC_BODY.search(name):
        return False
    if kind[0] in "镇乡县区市" and len(kind) < 5:
        return True
    head = name[: len(name) - len(kind)]
    if kind in DOUBTFUL_KINDS and len(head) < 2:
        return False
    return not _GENERAL.fullmatch(head)


def find_start(text: str) -> int:
    """Where the name begins: after the last word that cannot be part of it, or an open bracket."""
    start = 0
    for cut in _CUT.finditer(text):
        if cut.end() < len(text) - 1 and (cut[0] not in _CONJUNCTIONS or _joins(text[start : cut.start()])):
            start = cut.end()
    return max(start, find_open_bracket(text))


_CONJUNCTIONS = frozenset({"和", "与", "及"})


def _joins(before: str) -> bool:
    """Whether somebody or something is named before a conjunction; 和 after a bare region or one letter is in a name."""
    region = _regions().match(before)
    return region is None or len(before) - region.end() >= 2


@cache
def _regions() -> re.Pattern[str]:
    names = {name for row in read_table("divisions.txt") for name in row[1:3] if len(name) > 1}
    return re.compile(rf"(?:{words(' '.join(names))}|[{HAN}]{{2,12}}?(?:省|市|自治区|自治州|县|区|旗))+")


def _core(name: str) -> str:
    """The name without the region before its own word, and without brackets."""
    region = _regions().match(name)
    own = name[region.end() :] if region and len(name) - region.end() >= 3 else name
    return re.sub(r"\([^()]*\)", "", own)


def _find_short(text: str, names: Sequence[str]) -> Iterator[_Span]:
    """Where the first letters of a name's own word stand again, with a trade or a kind behind them."""
    long = [name for name in names if len(name) > 5]
    for core in {core for name in long for core in _cores(name)}:
        head = core[:2]
        position = text.find(head)
        while position >= 0:
            end = _read_short(text, position, core)
            if end:
                yield _Span(position, end)
            position = text.find(head, max(end, position + 2))
    for match in (match for name in long for match in _NUMBER_OF.finditer(name)):
        short = match[1] + _SHORT_NUMBERED.get(match[2], match[2])
        yield from (_Span(*m.span()) for m in re.finditer(rf"(?<![{HAN}]){short}(?![学级心间])", text))


def _cores(name: str) -> Iterator[str]:
    """The own words of a name: its first, that behind its town, and that of its branch."""
    core = _core(name)
    yield core
    town = _TOWN.match(core)
    if town and len(core) - town.end() > 2:
        yield core[town.end() :]
    _, company, branch = core.rpartition("公司") if not core.endswith("公司") else core[:-2].rpartition("公司")
    if company and core.endswith("分公司") and not _regions().match(branch) and len(branch) > 5:
        yield branch


def _find_declared(text: str, spans: Sequence[_Span]) -> Iterator[_Span]:
    """What a name in full is called from then on: 宏虚有限公司（以下简称宏虚）."""
    for match in (_DECLARED.match(text, span.end) for span in spans):
        if match and not _is_common(match["x"]):
            yield from (_Span(*m.span()) for m in re.finditer(re.escape(match["x"]), text))


def _is_common(words: str) -> bool:
    return words[-1] in "村镇乡区组" or bool(
        _SHORT_TAIL.fullmatch(words) or _GENERAL.fullmatch(words) or _regions().fullmatch(words)
    )


def _read_short(text: str, start: int, core: str) -> int:
    """Where the short name at `start` ends, 0 if it is none."""
    same = 0
    while same < min(len(core), 20) and start + same < len(text) and text[start + same] == core[same]:
        same += 1
    tails = (_SHORT_TAIL.match(text, start + length) for length in range(same, 1, -1))
    tail = next((match.end() for match in tails if match), 0)
    if tail:
        return tail
    # Three letters or more of a name and then only its trade and kind: nobody else is called so.
    bare = same >= 3 and bool(_SHORT_TAIL.fullmatch(core, same)) and not _is_common(core[:same])
    return start + same if bare or (same >= 2 and _CALLED.search(text, max(0, start - 8), start)) else 0
