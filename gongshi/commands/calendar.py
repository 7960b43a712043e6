"""The holidays of the State Council: taking in the notice for a year, and reading what is known."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import click

from gongshi.calendar import StateCouncilCalendar, load_calendar, read_calendar_file, replace_calendar
from gongshi.commands.common import acting, as_json, command, open_court, report, sign
from gongshi.legal_clock import hold_what_is_due, recount
from gongshi.settings import CALENDAR, read_settings
from registry import audit
from registry.clockbook import Moved, show_day
from registry.deadlines import EARLIEST_START, LATEST_START, RULE_LABEL, Reading
from registry.staff import Role

_WEEKDAYS = "一二三四五六日"
_SHOWN = 20


@click.group(short_help="节假日安排：导入国务院办公厅通知，查看各年。")
def calendar() -> None:
    """节假日安排决定工作日，工作日决定期限。"""


@calendar.command("import", short_help="导入节假日安排，并重新计算正在进行的期限。")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="文件")
@acting
@as_json
@command
def import_(file: Path, actor: str, as_json: bool) -> int:
    """导入节假日文件（UTF-8 CSV，表头 date,type），整份替换原有的文件；暂定的期限随即重新计算，每一项变动都有记录。"""
    court = open_court()
    sign(court, actor, Role.ADMIN, Role.REVIEWER)
    text, old = read_calendar_file(file), load_calendar(court.settings.calendar_file)
    new = replace_calendar(court.settings.private / CALENDAR, text, old)
    # The gateway's user cannot see the registry's.
    replace_calendar(court.settings.notifier / CALENDAR, text, StateCouncilCalendar())
    years = sorted(new.imported_years | {day.year for day in new.overrides})
    with court.session() as session:
        audit.note(session, court.now, actor, "calendar_import", detail={"years": years, "days": len(new.overrides)})
    moved = recount(court, court.acting(actor))
    hidden = hold_what_is_due(court)
    found = {"years": years, "days": len(new.overrides), "moved": [_as_json(one) for one in moved], "hidden": hidden}
    report(as_json, found, _text(years, moved, hidden))
    return 0


@calendar.command("show", short_help="查看一年的节假日和调休上班日。")
@click.argument("year", type=click.IntRange(EARLIEST_START.year, LATEST_START.year), metavar="年份")
@as_json
@command
def show(year: int, as_json: bool) -> int:
    """列出一年中放假的工作日和上班的周末；尚未公布的年份只列法定节假日，并注明暂定。"""
    known = load_calendar(read_settings().calendar_file)
    off, on = list_exceptions(known, year)
    found = {
        "year": year,
        "provisional": not known.is_known(year),
        "holidays": [day.isoformat() for day in off],
        "workdays": [day.isoformat() for day in on],
    }
    head = f"{year}年" + ("" if known.is_known(year) else "（暂定：国务院办公厅通知尚未导入，调休不推测）")
    lines = [*(f"  休 {_show(day)}" for day in off), *(f"  班 {_show(day)}" for day in on)]
    report(as_json, found, "\n".join([head, *lines]))
    return 0


def list_exceptions(calendar: StateCouncilCalendar, year: int) -> tuple[list[date], list[date]]:
    """The weekdays of a year that are off, and the days of its weekends that are worked."""
    first = date(year, 1, 1)
    days = [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]
    weekend = {5, 6}
    off = [day for day in days if day.weekday() not in weekend and not calendar.is_workday(day, Reading.LATEST)]
    on = [day for day in days if day.weekday() in weekend and calendar.is_workday(day, Reading.LATEST)]
    return off, on


def _show(day: date) -> str:
    return f"{day.isoformat()}（星期{_WEEKDAYS[day.weekday()]}）"


def _as_json(moved: Moved) -> dict[str, Any]:
    return {
        "clock": moved.id,
        "rule": moved.rule.value,
        "old": moved.old.isoformat(),
        "new": moved.new.isoformat(),
        "provisional": moved.provisional,
    }


def _text(years: Sequence[int], moved: Sequence[Moved], hidden: int) -> str:
    told = f"已导入{'、'.join(map(str, years))}年的安排" if years else "已导入"
    lines = [f"{told}；重新计算后有 {len(moved)} 项期限变动"]
    lines += [
        f"  {RULE_LABEL[one.rule]}：{one.old.isoformat()} → {show_day(one.new, provisional=one.provisional)}"
        for one in moved[:_SHOWN]
    ]
    if len(moved) > _SHOWN:
        lines.append(f"  其余 {len(moved) - _SHOWN} 项见审计记录")
    if hidden:
        lines.append(f"其中已经到期而没有决定的 {hidden} 条已自行屏蔽")
    return "\n".join(lines)
