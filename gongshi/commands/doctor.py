"""Is everything as it should be? One line a matter, and what to do."""

from __future__ import annotations

from dataclasses import asdict

import click

from gongshi.commands.common import as_json, command, describe, open_court, progress_bar, report
from gongshi.settings import BadSetting
from gongshi.watching.checks import CHECKS
from gongshi.watching.finding import GRADE_LABEL
from gongshi.watching.rounds import Round, go_round


@click.command(short_help="检查设置、数据库、时钟、日历、权限和发送。")
@click.option("--online", is_flag=True, help="也向服务商查询余额。")
@click.option("--alarm", is_flag=True, help="供定时任务使用：把新的和仍未解决的问题以邮件和内部页面告知。")
@as_json
@command
def doctor(online: bool, alarm: bool, as_json: bool) -> int:
    """逐项检查；有故障时退出码为 1。

    加 --alarm 时，没有发现问题退出码为 0，有发现并已告知为 1，不能告知为 2。
    """
    if alarm:
        from gongshi.commands.doctor_alarm import tell_alarms

        return tell_alarms(as_json)
    with progress_bar("检查") as progress:
        progress(0, None)
        seen = go_round(Round(open_court(), online=online), CHECKS, describe, refusals=(BadSetting,))
    lines = [f"[{GRADE_LABEL[one.grade]}] {one.matter}：{one.text}" for one in seen.findings]
    report(as_json, {"findings": [asdict(one) for one in seen.findings]}, "\n".join(lines))
    return 1 if any(one.grade == "fail" for one in seen.findings) else 0
