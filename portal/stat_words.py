"""What the page of statistics shows, decided before any template: tables, and the charts beside them. Pure.

Counts of the list come from the store; the speed of departures, and pushes, come from the journal as they were written, and
what is missing in them or of another shape is left out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeGuard

from portal.charts import Chart, Series
from portal.parameters import CONDUCT, KINDS
from portal.presentation import day
from portal.public_words import Period, read_figures
from search_index.counting import CountedField, Counts, Month

_QUARTER = re.compile(r"[0-9]{4}Q[1-4]", re.ASCII)
_MOST_ROWS = 30
_MOST_BARS = 12
_MOST_PERIODS = 12
_UNSTATED = "未载明"
_NONE = "—"
_TITLES: Mapping[CountedField, tuple[str, str]] = {
    "court": ("按执行法院", "执行法院"),
    "region": ("按地区", "地区"),
    "kind": ("按对象", "对象"),
    "conduct": ("按失信行为", "失信行为"),
    "performance": ("按履行情况", "履行情况"),
    "year": ("按公布年份", "公布年份"),
}
_SHORT_CONDUCT: Mapping[str, str] = {
    "refuses_though_able": "有能力而拒不履行",
    "obstructs_enforcement": "妨碍、抗拒执行",
    "evades_enforcement": "规避执行",
    "breaks_property_reporting": "违反财产报告制度",
    "breaks_consumption_limit": "违反限制消费令",
    "breaks_settlement": "不履行和解协议",
}


class _Words(NamedTuple):
    title: str
    note: str
    told: str
    confirmed: str
    chart: str


_ANSWERED: Mapping[str, _Words] = {
    "pushes": _Words(
        "推送与回执",
        "名单每季度推送给电视台、电子政务等单位，每个单位每季度计一次。用时是送达到首次回执的日历天数；不足三个的季度与"
        "后面的季度合并。",
        "送达",
        "已回执",
        "推送送达和已回执的单位数",
    ),
    "recalls": _Words(
        "撤下后的通知",
        "撤下的信息逐一通知收到过它的单位，每个单位每条计一次。用时是撤下到该单位确认已经撤下的日历天数；不足三件的季度"
        "与后面的季度合并。",
        "已通知",
        "已确认撤下",
        "通知撤下和已确认撤下的件数",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Some figures: `columns` name the first and the other cells of each of the `rows`; `chart` shows the same, where there
    is more than one row to show."""

    name: str
    title: str
    note: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    chart: Chart | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """How many were told in the quarters from `first` to `last` (2026Q3), how many of them confirmed it, and after how many
    days in the median."""

    first: str
    last: str
    told: int
    confirmed: int
    median_days: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Everything that is told in figures, read and checked."""

    counts: Counts
    departures: tuple[Period, ...]
    packages: tuple[Answered, ...]
    recalls: tuple[Answered, ...]


def read_statistics(
    counts: Counts, departures: Mapping[str, Any] | None, pushes: Mapping[str, Any] | None
) -> Statistics:
    """The counts of the list, with the journalled figures of departures and of pushes where there are any."""
    return Statistics(
        counts=counts,
        departures=read_figures(departures),
        packages=read_answered(pushes, "packages"),
        recalls=read_answered(pushes, "recalls"),
    )


def read_answered(body: Mapping[str, Any] | None, name: str) -> tuple[Answered, ...]:
    """The periods that a journalled body tells of under `name`, the newest first."""
    listed = body.get(name) if body is not None else None
    found = (_read_answered(one) for one in listed) if isinstance(listed, list) else ()
    return tuple(one for one in found if one is not None)


def _read_answered(body: Any) -> Answered | None:
    if not isinstance(body, Mapping):
        return None
    first, last, told, confirmed = (body.get(name) for name in ("from", "to", "told", "confirmed"))
    if not (
        isinstance(first, str) and isinstance(last, str) and _QUARTER.fullmatch(first) and _QUARTER.fullmatch(last)
    ):
        return None
    if not _is_count(told) or not _is_count(confirmed):
        return None
    median = body.get("median_days")
    is_number = isinstance(median, int | float) and not isinstance(median, bool)
    return Answered(first=first, last=last, told=told, confirmed=confirmed, median_days=median if is_number else None)


def _is_count(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def build_tables(found: Statistics) -> list[Table]:
    """The tables of the page, in its order; what there is nothing to tell of has none."""
    counts = found.counts
    tables = [_build_counts(name, counts) for name in _TITLES if counts.values[name]]
    if counts.months:
        tables.append(_build_months(counts.months))
    if found.departures:
        tables.append(_build_departures(found.departures))
    tables += [
        _build_answered(name, some) for name, some in (("pushes", found.packages), ("recalls", found.recalls)) if some
    ]
    return tables


def build_json(found: Statistics) -> dict[str, Any]:
    """The same for a machine: nothing is shortened or put together."""
    counts = found.counts
    return {
        "entries": counts.entries,
        "counts": {
            name: [{"value": value or None, "count": count} for value, count in counts.values[name]] for name in _TITLES
        },
        "months": [
            {
                "month": f"{month.first:%Y-%m}",
                "published": month.published,
                "corrected": month.corrected,
                "departed": month.departed,
            }
            for month in counts.months
        ],
        "departures": [
            {
                "from": period.first.isoformat(),
                "to": period.last.isoformat(),
                "departures": period.departures,
                "on_time": period.on_time,
                "late": period.late,
                "median_days": period.median_days,
                "worst_days": period.worst_days,
            }
            for period in found.departures
        ],
        "packages": [_answered_json(one) for one in found.packages],
        "recalls": [_answered_json(one) for one in found.recalls],
    }


def _answered_json(answered: Answered) -> dict[str, Any]:
    return {
        "from": answered.first,
        "to": answered.last,
        "told": answered.told,
        "confirmed": answered.confirmed,
        "median_days": answered.median_days,
    }


def _build_counts(name: CountedField, counts: Counts) -> Table:
    title, column = _TITLES[name]
    values = counts.values[name]
    # Years are a course of time; all others are told by their number.
    ordered = sorted(values, reverse=True) if name == "year" else list(values)
    rows = _join([(_name(name, value), count) for value, count in ordered], _MOST_ROWS)
    bars = _join([(_name(name, value, short=True), count) for value, count in ordered], _MOST_BARS)
    note = "一条信息可以有几项失信行为，各计一次，合计可以大于总数。" if name == "conduct" else ""
    return Table(
        name=name,
        title=title,
        note=note,
        columns=(column, "条数", "占比"),
        rows=tuple((label, _number(count), _share(count, counts.entries)) for label, count in rows),
        chart=_build_bars(name, f"{title}的条数", bars),
    )


def _name(name: CountedField, value: str, *, short: bool = False) -> str:
    if name == "kind":
        return KINDS.get(value, value)
    if name == "conduct":
        return (_SHORT_CONDUCT if short else CONDUCT).get(value, value)
    if name == "year":
        return f"{value}年"
    return value or _UNSTATED


def _join(rows: Sequence[tuple[str, int]], most: int) -> list[tuple[str, int]]:
    """At most so many rows: the last is what the others come to."""
    if len(rows) <= most:
        return list(rows)
    rest = rows[most - 1 :]
    return [*rows[: most - 1], (f"其余 {len(rest)} 项", sum(count for _, count in rest))]


def _build_bars(name: str, title: str, bars: Sequence[tuple[str, int]]) -> Chart | None:
    if len(bars) < 2:
        return None
    series = Series(title="条数", values=tuple(count for _, count in bars))
    return Chart(name=name, title=title, labels=tuple(label for label, _ in bars), series=(series,))


def _build_months(months: Sequence[Month]) -> Table:
    chart = Chart(
        name="months",
        title="每月新公布和撤下的条数",
        labels=tuple(f"{month.first:%Y-%m}" for month in months),
        series=(
            Series(title="公布", values=tuple(month.published for month in months)),
            Series(title="撤下", values=tuple(month.departed for month in months)),
        ),
        is_upright=True,
    )
    return Table(
        name="months",
        title="每月公布和撤下",
        note=f"按北京时间的月份，最近 {len(months)} 个月；最后一个月到现在为止。屏蔽后恢复公示的，再计一次公布。",
        columns=("月份", "公布", "更正", "撤下"),
        rows=tuple(
            (
                f"{month.first.year}年{month.first.month}月",
                _number(month.published),
                _number(month.corrected),
                _number(month.departed),
            )
            for month in reversed(months)
        ),
        chart=chart if len(months) > 1 else None,
    )


def _build_departures(periods: Sequence[Period]) -> Table:
    """The whole time first, then its parts; the chart shows the last parts."""
    parts = [period for period in periods[1:] if period.median_days is not None and period.worst_days is not None]
    shown = parts[-_MOST_PERIODS:]
    chart = Chart(
        name="departures",
        title="撤下用时的中位数和最长的一件（天）",
        labels=tuple(_name_months(period) for period in shown),
        series=(
            Series(title="中位数", values=tuple(period.median_days or 0 for period in shown)),
            Series(title="最长", values=tuple(period.worst_days or 0 for period in shown)),
        ),
    )
    return Table(
        name="departures",
        title="撤下有多快",
        note="有应当撤销、删除的情形的，法院应当在三个工作日内办理（法释〔2017〕7号第九条、第十条）。"
        "用时是从法院知道该情形到公众不再能看到的日历天数；不足三件的月份与后面的月份合并。",
        columns=("期间", "撤下", "按期", "逾期", "用时中位数", "最长用时"),
        rows=tuple(
            (
                f"{day(period.first)}至{day(period.last)}",
                _number(period.departures),
                _number(period.on_time),
                _number(period.late),
                _days(period.median_days),
                _days(period.worst_days),
            )
            for period in periods
        ),
        chart=chart if len(shown) > 1 else None,
    )


def _name_months(period: Period) -> str:
    first, last = f"{period.first:%Y-%m}", f"{period.last:%Y-%m}"
    return first if first == last else f"{first} 至 {last}"


def _build_answered(name: str, answered: Sequence[Answered]) -> Table:
    words = _ANSWERED[name]
    shown = answered[:_MOST_PERIODS][::-1]
    chart = Chart(
        name=name,
        title=words.chart,
        labels=tuple(_name_quarters(one, short=True) for one in shown),
        series=(
            Series(title=words.told, values=tuple(one.told for one in shown)),
            Series(title=words.confirmed, values=tuple(one.confirmed for one in shown)),
        ),
    )
    return Table(
        name=name,
        title=words.title,
        note=words.note,
        columns=("期间", words.told, words.confirmed, "用时中位数"),
        rows=tuple(
            (_name_quarters(one), _number(one.told), _number(one.confirmed), _days(one.median_days)) for one in answered
        ),
        chart=chart if len(shown) > 1 else None,
    )


def _name_quarters(one: Answered, *, short: bool = False) -> str:
    if short:
        return one.first if one.first == one.last else f"{one.first} 至 {one.last}"
    first, last = (f"{period[:4]}年第{period[5:]}季度" for period in (one.first, one.last))
    return first if first == last else f"{first}至{last}"


def _number(count: int) -> str:
    return f"{count:,}"


def _share(count: int, whole: int) -> str:
    return f"{100 * count / whole:.1f}%" if whole else _NONE


def _days(days: float | None) -> str:
    return _NONE if days is None else f"{days:g} 天"
