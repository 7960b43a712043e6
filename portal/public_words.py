"""What the journal says beside the entries, as pages show it: articles, the state of a submission, figures. Pure.

A body comes from the store as it was journalled; a field of it that is missing or of another shape is left out, and a
state that this version does not know is told in general words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

ARTICLE_KINDS: Mapping[str, str] = {"case": "典型案例", "reward": "悬赏公告", "sanctions": "受惩戒情况"}
NOTICE_KINDS: Mapping[str, str] = {"exit": "退出公告", "clarification": "澄清"}

_STATES: Mapping[str, tuple[str, str]] = {
    "received": ("已收到", "法院已经收到，正在登记。"),
    "reviewing": ("审查中", "法院正在审查。"),
    "need_more": ("需要补充", "法院需要您补充材料或者说明，请与法院联系，或者另行提交并写明原受理号。"),
    "upheld": ("理由成立", "法院认为理由成立，予以纠正。"),
    "rejected": ("已驳回", "法院认为理由不成立，决定驳回。决定书另行送达。"),
    "routed": ("已转有关单位", "已转给有关单位调查、答复，法院督促其按期办理。"),
    "answered": ("已答复", "有关单位已经答复。"),
    "closed": ("已办结", "已经办结。"),
}
_UNKNOWN = ("办理中", "正在办理。具体情况请与法院联系。")
_OPEN = frozenset({"received", "reviewing", "need_more"})


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Where a submission stands: a word, a sentence, since when, and what is to happen until when."""

    title: str
    text: str
    on: date | None
    until: date | None
    until_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """A short text of the court on the portal."""

    key: str
    kind: str
    label: str
    title: str
    paragraphs: tuple[str, ...]
    published_on: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """How fast departures were carried out in a time: how many, in time and late, the median and the most of days."""

    first: date
    last: date
    departures: int
    on_time: int
    late: int
    median_days: float | None
    worst_days: int | None


def read_state(body: Mapping[str, Any]) -> State:
    """The state that a journalled submission tells."""
    word = str(body.get("state"))
    title, text = _STATES.get(word, _UNKNOWN)
    until_text = ""
    if word in _OPEN:
        until_text = "法院应当在这一天以前作出决定或者答复"
    elif word == "rejected":
        until_text = "不服的，可以在这一天以前向上一级人民法院申请复议（法释〔2017〕7号第十二条）"
    elif word == "routed":
        until_text = "有关单位应当在这一天以前答复"
    until = _day(body.get("until")) if until_text else None
    return State(title=title, text=text, on=_day(body.get("on")), until=until, until_text=until_text)


def read_articles(found: Iterable[tuple[str, datetime, Mapping[str, Any]]], kinds: Mapping[str, str]) -> list[Article]:
    """The articles of `kinds` among what the store holds, the latest published first."""
    articles = [article for key, _, body in found if (article := read_article(key, body, kinds)) is not None]
    return sorted(articles, key=lambda article: article.published_on or date.min, reverse=True)


def read_article(key: str, body: Mapping[str, Any], kinds: Mapping[str, str]) -> Article | None:
    """One article; None where it is of another kind or has no words."""
    kind, title, text = body.get("kind"), body.get("title"), body.get("text")
    if not (isinstance(kind, str) and isinstance(title, str) and isinstance(text, str)) or kind not in kinds:
        return None
    lines = tuple(line.strip() for line in text.splitlines() if line.strip())
    published_on = _day(body.get("published_on"))
    return Article(key=key, kind=kind, label=kinds[kind], title=title, paragraphs=lines, published_on=published_on)


def read_figures(body: Mapping[str, Any] | None) -> tuple[Period, ...]:
    """How fast departures were carried out: the whole time first, then its parts; empty where nothing is known."""
    if body is None:
        return ()
    parts = body.get("periods")
    listed = [body, *(parts if isinstance(parts, list) and len(parts) > 1 else [])]
    return tuple(period for one in listed if (period := _read_period(one)) is not None)


def _read_period(body: Any) -> Period | None:
    if not isinstance(body, Mapping):
        return None
    first, last = _day(body.get("from")), _day(body.get("to"))
    counts = [body.get(name) for name in ("departures", "on_time", "late")]
    median, worst = body.get("median_days"), body.get("worst_days")
    if first is None or last is None or not all(isinstance(count, int) for count in counts):
        return None
    return Period(
        first=first,
        last=last,
        departures=counts[0] or 0,
        on_time=counts[1] or 0,
        late=counts[2] or 0,
        median_days=median if isinstance(median, int | float) else None,
        worst_days=worst if isinstance(worst, int) else None,
    )


def _day(value: Any) -> date | None:
    try:
        return date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
