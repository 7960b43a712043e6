"""How long data is kept: the schedule, and erasing what is over."""

from __future__ import annotations

import click

from gongshi.commands.common import as_json, command, open_court, report
from gongshi.office import open_office
from gongshi.retention import erase_due, list_due


@click.command(short_help="保存期限：查看，或抹除到期的数据。")
@click.option("--run", "is_run", is_flag=True, help="立即抹除到期的数据；后台工作进程每天也做一次。")
@as_json
@command
def retention(is_run: bool, as_json: bool) -> int:
    """逐类列出保存期限、法律依据和已经到期的数量；不带 --run 时只看不动。

    法院可以在 registry/retention.toml 的 [terms] 一节另定天数，不得少于该类的最低天数。
    """
    court = open_court()
    office = open_office(court)
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
