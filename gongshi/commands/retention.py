"""How long data is kept: the schedule, and erasing what is over."""

from __future__ import annotations

from datetime import datetime

import click

from gongshi.cli import fail
from gongshi.commands.common import DAY, as_json, command, open_court, report
from gongshi.office import open_office
from gongshi.retention import erase_due, is_time_certain, list_due


@click.command(short_help="保存期限：查看，或抹除到期的数据。")
@click.option("--run", "is_run", is_flag=True, help="立即抹除到期的数据；后台工作进程每天也做一次。")
@click.option("--today", type=DAY, metavar="日期", help="与 --run 一起：由人核对的今天日期；时钟近日不连续时必须写。")
@as_json
@command
def retention(is_run: bool, today: datetime | None, as_json: bool) -> int:
    """逐类列出保存期限、法律依据和已经到期的数量；不带 --run 时只看不动。

    法院可以在 registry/retention.toml 的 [terms] 一节另定天数，不得少于该类的最低天数。
    """
    court = open_court()
    office = open_office(court)
    if today is not None and today.date() != court.today:
        return fail(f"本机时钟是 {court.today}，不是 {today.date()}：没有抹除；请先校正时钟", "clock", as_json)
    if is_run and today is None and not is_time_certain(court):
        # What a clock that is years ahead takes for over cannot be brought back.
        return fail(
            f"本机时钟是 {court.today}，近日没有逐日走过来，可能设错了：没有抹除；请核对，无误的加 --today {court.today}",
            "clock",
            as_json,
        )
    if is_run:
        erased = erase_due(court, office)
        titles = {one.of.key: one.of.title for one in list_due(court, office)}
        lines = [f"{titles[key]}：抹除 {count} 项" for key, count in erased.items()] or ["没有到期的数据"]
        report(as_json, {"erased": dict(erased)}, "\n".join(lines))
        return 0
    due = list_due(court, office)
    shown = [
        {
            "class": one.of.key,
            "title": one.of.title,
            "since": one.of.since,
            "days": one.of.days,
            "becomes": one.of.becomes,
            "basis": one.of.basis,
            "over": one.count,
        }
        for one in due
    ]
    text = "\n".join(
        f"{one.of.title}（{one.of.key}）：自{one.of.since}起 {one.of.days} 天，{one.of.becomes}；"
        f"到期 {one.count} 项\n    依据：{one.of.basis}"
        for one in due
    )
    report(as_json, {"classes": shown}, text)
    return 0
