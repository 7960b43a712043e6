"""The courts, commissions and notaries that decided a case: their names stay, with the places in them. Pure."""

from __future__ import annotations

import re

from registry.redaction.trie import any_of, listed
from search_index.tables import read_table

DIVISIONS = frozenset(name for _, *names in read_table("divisions.txt") for name in names)
"""Provinces, prefectures and counties by their full names, the first two also for short."""

_MOST_DIVISIONS = 5
_LONGEST = max(map(len, DIVISIONS))
_SPECIAL = any_of(
    listed(
        "海事 铁路运输 铁路 知识产权 金融 互联网 军事 林业 林区 农垦 垦区 矿区 油田 开发区 高新区 高新技术产业开发区 经济技术开发区 经济开发区 工业园区 自由贸易试验区 自贸区 跨行政区划 新区 兵团"
    )
)
_WHAT = any_of(
    listed(
        "国际 海事 国际经济贸易 国际商事 劳动 人事 劳动人事 农村土地承包 土地承包 土地承包经营 纠纷 争议 调解 国家 共和国"
    )
)
_HEAD = re.compile(
    r"人民(?:法院|法庭|检察院)|法院|[中高]院|仲裁(?:委员会|院|中心|委(?!托))|公证(?:处|事务所)|检察院|行政复议(?:委员会|局)|中国人民银行|全国银行间同业拆借中心|贷款市场报价利率"
    r"|CIETAC|HKIAC|SHIAC|SCIA|CMAC"
)
_CHAMBER = re.compile(
    r"[一-龥]{0,6}?(?:人民)?法庭|执行局|执行庭|立案庭|诉讼服务中心|[一-龥]{2,6}?(?:分会|仲裁中心|仲裁庭)"
)
_BEFORE_COURT = re.compile(rf"(?:{_SPECIAL})*(?:第[一二三四五六七八九十]{{1,2}})?(?:最高|高级|中级|基层)?$")
_BEFORE_OTHERS = re.compile(rf"(?:{_WHAT})+$")
_UNLISTED = re.compile(r"[^\W省市县区旗州盟A-Za-z0-9_]{2,3}[省市县区旗州盟]$")
_LONGEST_OWN_NAME = 4
_CLOSED = "，。；：、,;:()（）《》“”\n \0\1"
_NAMED_AFTER = re.compile(r"[一-龥]{2,4}$")
_CUT = re.compile(
    r".*[于由向在经至到往赴去对从据照按见以的及与和被将本原该我]|.*(?:起诉|不服|申请|维持|撤销|送交|缴至|交至)"
)


def find_kept_names(text: str) -> list[tuple[int, int]]:
    """Where a court, an arbitration commission, a notary or a procuratorate is named, with the places before it."""
    return [(start, _find_end(text, head)) for head in _HEAD.finditer(text) if (start := _find_start(text, head)) >= 0]


def _find_end(text: str, head: re.Match[str]) -> int:
    chamber = _CHAMBER.match(text, head.end()) if head[0].endswith(("院", "会")) else None
    return chamber.end() if chamber else head.end()


def _find_start(text: str, head: re.Match[str]) -> int:
    """Where the name begins; -1 for a mere 法院, 中院 without a place, which says nothing."""
    end = head.start()
    if head[0].endswith("院") and not head[0].startswith("仲裁"):
        before = _BEFORE_COURT.search(text, max(0, end - 20), end)
        start = _skip_divisions(text, before.start() if before else end)
        return -1 if start == end and not head[0].startswith(("人民", "检")) else start
    if not head[0].startswith(("仲裁", "公证", "行政")):
        return end
    before = _BEFORE_OTHERS.search(text, max(0, end - 14), end)
    inner = before.start() if before else end
    start = _skip_divisions(text, inner)
    if start < inner or text[max(0, inner - 2) : inner] == "中国":
        return start if start < inner else inner - 2
    return _skip_own_name(text, inner)


def _skip_own_name(text: str, end: int) -> int:
    """诚信公证处, 海河仲裁委员会: a word of its own, behind its city, or where nobody's name can stand right before it."""
    name = _NAMED_AFTER.search(text, max(0, end - 4), end)
    if name is None:
        return end
    own = name[0]
    behind = next((n for n in range(2, len(own) + 1) if _ends_with_division(text, end - n)), 0)
    if behind:
        return _skip_divisions(text, end - behind)
    cut = _CUT.match(own)
    if cut is None and len(own) == _LONGEST_OWN_NAME and end > _LONGEST_OWN_NAME and text[end - 5] not in _CLOSED:
        return end - 2 if own[-2:] in DIVISIONS else end
    rest = own[cut.end() :] if cut else own
    return end - len(rest) if len(rest) > 1 else end


def _skip_divisions(text: str, end: int) -> int:
    """Where the chain of places that ends at `end` begins."""
    for _ in range(_MOST_DIVISIONS):
        length = _ends_with_division(text, end)
        if length == 0:
            unlisted = _UNLISTED.search(text, max(0, end - 4), end)
            if unlisted is None:
                return end
            cut = _CUT.match(unlisted[0][:-2])
            length = len(unlisted[0]) - (cut.end() if cut else 0)
        end -= length
    return end


def _ends_with_division(text: str, end: int) -> int:
    """The length of the longest division's name that ends at `end`; 0 if there is none."""
    return next((n for n in range(min(_LONGEST, end), 1, -1) if text[end - n : end] in DIVISIONS), 0)
