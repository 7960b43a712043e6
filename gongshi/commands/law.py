"""Due dates from the command line."""

from __future__ import annotations

from datetime import datetime

import click

from gongshi.calendar import load_calendar
from gongshi.commands.common import DAY, as_json, command, report
from gongshi.settings import read_settings
from registry.deadlines import RULE_LABEL, Profile, Rule, due, find_span


@click.command(short_help="计算一个法定期限的届满日。")
@click.argument("rule", type=click.Choice([rule.value for rule in Rule]), metavar="期限")
@click.option("--from", "start", type=DAY, required=True, help="起算之日（YYYY-MM-DD）。")
@click.option(
    "--profile", type=click.Choice([profile.value for profile in Profile]), default="national", help="适用的规则。"
)
@as_json
@command
def deadline(rule: str, start: datetime, profile: str, as_json: bool) -> int:
    """计算法定期限的届满日、依据的条文，以及是否暂定（节假日安排尚未公布）。"""
    calendar = load_calendar(read_settings().calendar_file)
    asked = (Rule(rule), start.date(), Profile(profile), calendar)
    found, span = due(*asked), find_span(*asked)
    text = f"{RULE_LABEL[Rule(rule)]}：{found.due.isoformat()}（{found.article}）"
    if found.provisional:
        text += f"，暂定：最早 {span.earliest.isoformat()}，最迟 {span.latest.isoformat()}，节假日安排公布后重新计算"
    report(as_json, {"due": found.due.isoformat(), "article": found.article, "provisional": found.provisional}, text)
    return 0
