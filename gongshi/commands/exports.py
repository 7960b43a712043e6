"""`gongshi export`: the list in the form that a credit platform takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal, cast

import click

from gongshi.cli import fail
from gongshi.commands.common import acting, as_json, command, open_court, report, sign
from gongshi.exports import export
from notifier.exports.exporting import LAST, Done, ExportRefused
from notifier.exports.profile import FORMATS, Format, Profile, ProfileError, open_profile
from registry.staff import Role

_SEQUENCE = re.compile(r"[0-9]{1,15}")
_SHOWN = 20


@click.command("export", short_help="按信用平台要求的栏目导出名单（全量或者增量）。")
@click.argument("profile", metavar="方案")
@click.option(
    "--since",
    metavar="序号",
    help="只导出这个公开序号之后的变动（增量），写“last”的，从上一次导出起。不给的，导出全量。",
)
@click.option("--format", "form", type=click.Choice(FORMATS), help="文件格式；不给的，用方案中的第一种。")
@click.option("--out", "folder", required=True, type=click.Path(path_type=Path), metavar="目录", help="新建的目录。")
@acting
@as_json
@command
def export_(profile: str, since: str | None, form: str | None, folder: Path, actor: str, as_json: bool) -> int:
    """按方案导出名单。方案是下列之一，或者自己写的方案文件（TOML）的路径：

    \b
    credit_platform  公共信用信息平台
    credit_bureau    金融信用信息基础数据库
    social_file      社会信用档案

    导出的只有公示信息。增量带有新增、更正的条目和已经退出的编号；有条目退出的，三日内应当再导出一次增量并送达。
    收到的单位可以用 gongshi package verify 核对。
    """
    try:
        after = _read_since(since)
        found = open_profile(profile)
    except (ProfileError, ExportRefused) as error:
        return fail(str(error), "export", as_json, end="未导出")
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER, Role.ADMIN)
    try:
        done = export(court, found, cast("Format | None", form), after, folder, actor)
    except ExportRefused as error:
        return fail(str(error), "export", as_json, end="未导出")
    report(as_json, done.as_json(), _describe(found, done))
    return 1 if done.refused else 0


def _read_since(given: str | None) -> int | Literal["last"] | None:
    if given is None:
        return None
    if given == LAST:
        return LAST
    if not _SEQUENCE.fullmatch(given):
        raise ExportRefused("--since 应为公开序号（整数）或者 last")
    return int(given)


def _describe(profile: Profile, done: Done) -> str:
    counts = done.counts
    which = "全量" if done.since is None else f"增量（公开序号 {done.since} 之后）"
    parts = [f"{counts['entries']} 条"]
    if done.since is not None:
        parts.append(f"退出 {counts['departures']} 条")
    if profile.has_repairs:
        parts.append(f"信用修复 {counts['repairs']} 件")
    lines = [
        f"已导出给{profile.title}：{which}，{'，'.join(parts)}，截至公开序号 {done.sequence}",
        f"文件在 {done.folder}",
    ]
    lines += [f"未导出：{one.record} 的“{one.heading}”{one.why}：请更正后再导出" for one in done.refused[:_SHOWN]]
    if len(done.refused) > _SHOWN:
        lines.append(f"未导出的共 {len(done.refused)} 条，全部列在 manifest.json 中")
    return "\n".join(lines)
