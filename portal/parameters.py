"""What a request may say: each parameter has a rule, and what no rule names is refused, never ignored."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from search_index.codes import has_citizen_number
from search_index.page import Query

CONDUCT: Mapping[str, str] = {
    "refuses_though_able": "有履行能力而拒不履行生效法律文书确定义务",
    "obstructs_enforcement": "以伪造证据、暴力、威胁等方法妨碍、抗拒执行",
    "evades_enforcement": "以虚假诉讼、虚假仲裁或者以隐匿、转移财产等方法规避执行",
    "breaks_property_reporting": "违反财产报告制度",
    "breaks_consumption_limit": "违反限制消费令",
    "breaks_settlement": "无正当理由拒不履行执行和解协议",
}
PERFORMANCE: Mapping[str, str] = {text: text for text in ("全部未履行", "部分未履行", "全部已履行")}
KINDS: Mapping[str, str] = {"person": "自然人", "organisation": "法人或者其他组织"}
SORTS: Mapping[str, str] = {"relevance": "按相关程度", "newest": "按公布时间，新的在前"}
LABELS: Mapping[str, str] = {
    "q": "查询内容",
    "kind": "对象（kind）",
    "court": "执行法院（court）",
    "region": "地区（region）",
    "conduct": "失信行为（conduct）",
    "performance": "履行情况（performance）",
    "from": "公布时间，从（from）",
    "to": "公布时间，到（to）",
    "sort": "排序（sort）",
    "page": "页码（page）",
    "facets": "按筛选项计数（facets）",
    "mode": "显示方式（mode）",
    "rows": "每屏行数（rows）",
    "seconds": "每屏秒数（seconds）",
    "size": "纸张（size）",
}
MODE = "mode"
ELDER = "elder"

_MOST_CHARACTERS = 100
_MOST_PAGE_DIGITS = 6
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_FULL_ID = "为保护您的身份信息，请不要输入完整的公民身份号码；请用姓名查询，再用“是不是我”核对公开的号码位"

Values = Mapping[str, Sequence[str]]
Fields = Mapping[str, tuple[str, Callable[[str], Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One parameter that cannot be used, and why (Chinese)."""

    parameter: str
    reason: str


class BadParameters(Exception):
    """The request's parameters were refused; `refusals` has one line for each."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__()
        self.refusals = tuple(refusals)


def read_query(values: Values) -> Query:
    """The question that the parameters of a search ask. An empty value is the same as none.

    Raises BadParameters naming every parameter that cannot be used.
    """
    return _read(values, _FIELDS)


def read_api_query(values: Values) -> Query:
    """The same of the API, which counts by the values of the filters only where that is asked for."""
    return _read(values, _API_FIELDS)


def read_display(values: Values, own: Fields) -> tuple[Query, dict[str, Any]]:
    """The filters that a screen or a notice asks for, and what it has of its `own` besides, where that is given.

    No words are typed here: nothing is shown of whoever somebody names. Raises BadParameters.
    """
    filters = {name: _FIELDS[name] for name in FILTERS}
    found = _read_fields(values, {**filters, **own})
    chosen = {field: found.pop(field) for field, _ in filters.values() if field in found}
    return Query(**chosen, sort="newest"), found


def number_between(least: int, most: int) -> Callable[[str], int]:
    """Reads a whole number."""

    def read(text: str) -> int:
        if not (text.isascii() and text.isdigit() and len(text) <= _MOST_PAGE_DIGITS and least <= int(text) <= most):
            raise ValueError(f"只能是 {least} 到 {most} 的整数")
        return int(text)

    return read


def _read(values: Values, fields: Fields) -> Query:
    return Query(**_read_fields(values, fields))


def _read_fields(values: Values, fields: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    refusals = refuse_unknown(values, {*fields, MODE})
    for name, (field, read) in fields.items():
        text = values.get(name, [""])[0]
        if not text.strip():
            continue
        try:
            found[field] = read(text)
        except ValueError as error:
            refusals.append(Refusal(parameter=name, reason=str(error)))
    if not refusals and _is_reversed(found):
        refusals.append(Refusal(parameter="to", reason="截止日期早于起始日期，请对调或改正"))
    if refusals:
        raise BadParameters(refusals)
    return found


def read_page(values: Values) -> int:
    """The page that is asked for, from 1. Raises BadParameters."""
    text = values.get("page", [""])[0]
    try:
        return _page(text) if text.strip() else 1
    except ValueError as error:
        raise BadParameters([Refusal(parameter="page", reason=str(error))]) from None


def refuse_unknown(values: Values, known: set[str]) -> list[Refusal]:
    """A refusal for each parameter that is not `known`, is given twice, or is a mode that does not exist."""
    refusals = [
        Refusal(parameter=name[:40], reason="本页面没有这个参数，请删去后重试") for name in values if name not in known
    ]
    refusals += [
        Refusal(parameter=name, reason="同一个参数只能填写一次")
        for name in values
        if name in known and len(values[name]) > 1
    ]
    if any(mode not in ("", ELDER) for mode in values.get(MODE, [])) and MODE in known:
        refusals.append(Refusal(parameter=MODE, reason="只能是 elder（长者模式），或者不填"))
    return refusals


def read_words(text: str) -> str:
    """Words as typed, on one line.

    Raises ValueError (Chinese) for what cannot be text, is too long, or holds a citizen number.
    """
    words = " ".join(unicodedata.normalize("NFC", text).split())
    if len(words) > _MOST_CHARACTERS:
        raise ValueError(f"最多 {_MOST_CHARACTERS} 个字，现有 {len(words)} 个，请缩短")
    if "\ufffd" in words or any(unicodedata.category(character) in ("Cc", "Cs") for character in words):
        raise ValueError("含有无法识别的字符，请删去后重新输入")
    if has_citizen_number(words):
        raise ValueError(_FULL_ID)
    return words


def fold_digits(text: str) -> str:
    """Full-width digits and letters to half width, x to X, without spaces and hyphens."""
    return re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()


def _is_reversed(found: Mapping[str, Any]) -> bool:
    first, last = found.get("published_from"), found.get("published_to")
    return first is not None and last is not None and last < first


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    """Reads one of some words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"只能是下列之一：{'、'.join(choices)}")
        return text

    return read


def _day(text: str) -> date:
    if _DATE.fullmatch(text.strip()):
        try:
            return date.fromisoformat(text.strip())
        except ValueError:
            pass
    raise ValueError("不是有效的日期，请按 2026-03-05 的形式填写")


def _page(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_PAGE_DIGITS and int(text) > 0):
        raise ValueError("页码是从 1 开始的整数")
    return int(text)


def _facets(text: str) -> bool:
    return one_of(("1",))(text) == "1"


_FIELDS: Fields = {
    "q": ("text", read_words),
    "kind": ("kind", one_of(tuple(KINDS))),
    "court": ("court", read_words),
    "region": ("region", read_words),
    "conduct": ("conduct", one_of(tuple(CONDUCT))),
    "performance": ("performance", one_of(tuple(PERFORMANCE))),
    "from": ("published_from", _day),
    "to": ("published_to", _day),
    "sort": ("sort", one_of(tuple(SORTS))),
    "page": ("page", _page),
}
_API_FIELDS: Fields = {**_FIELDS, "facets": ("facets", _facets)}
FILTERS = ("kind", "court", "region", "conduct", "performance", "from", "to")
PARAMETERS = tuple(_FIELDS)
API_PARAMETERS = tuple(_API_FIELDS)
