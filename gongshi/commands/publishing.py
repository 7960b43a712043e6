"""Out to the public: publish, push, and the index."""

from __future__ import annotations

import click

from gongshi.cli import fail
from gongshi.commands.common import as_json, command, open_court, os_account, progress_bar, report
from gongshi.office import open_office
from notifier.calendar import InvalidPeriod, Period
from notifier.runs import PeriodNotBegun, Push
from notifier.runs import push as push_run
from search_index.index import Index
from search_index.sync import verify


@click.command(short_help="公布到期应公布的，撤下期满的。")
@as_json
@command
def publish(as_json: bool) -> int:
    """公布到期应公布的条目，撤下期满的条目，并更新公示库和检索索引。"""
    court = open_court()
    with progress_bar("公布") as progress:
        published, expired, sequence = court.publish(progress)
    found = {"published": published, "expired": expired, "sequence": sequence}
    report(as_json, found, f"公布 {published} 条，期满退出 {expired} 条，序号至 {sequence}")
    return 0


@click.command(short_help="生成并发送一个季度的名单。")
@click.option("--period", required=True, metavar="2026Q3", help="哪个季度。")
@click.option("--dry-run", is_flag=True, help="只显示将要发送的内容，不生成、不发送。")
@as_json
@command
def push(period: str, dry_run: bool, as_json: bool) -> int:
    """生成并发送一个季度的名单。一个季度只有一次推送，重复运行只显示已有的那一次。"""
    court = open_court()
    office = open_office(court)
    try:
        done = push_run(office, Period.parse(period), now=court.now, made_by=os_account(), dry_run=dry_run)
    except (InvalidPeriod, PeriodNotBegun) as error:
        return fail(str(error), None, as_json)
    report(as_json, done.as_json(), _push_text(done, dry_run))
    return 0


def _push_text(done: Push, dry_run: bool) -> str:
    names = "、".join(done.recipients) or "没有接收单位"
    if dry_run:
        return f"演练：{done.period.label}名单共 {done.entries} 条，将发给 {names}；没有生成任何文件"
    made = "已生成并排队" if done.created else "此前已推送过，以下是那一次"
    return (
        f"{done.period.label}名单{made}：第 {done.run} 号推送，{done.entries} 条，发给 {names}\n文件在 {done.package}"
    )


@click.group(short_help="重建或核对检索索引。")
def index() -> None:
    """重建或核对检索索引。"""


@index.command("rebuild", short_help="重建检索索引；--replay 先由日志重放公示库。")
@click.option("--replay", is_flag=True, help="先由公布日志重放出整个公示库。")
@as_json
@command
def rebuild(replay: bool, as_json: bool) -> int:
    """由公示库重建检索索引；加 --replay 则先由公布日志重放出公示库。期间查询不中断。"""
    court = open_court()
    with progress_bar("重建") as progress:
        count = court.pump.rebuild(replay=replay, progress=progress)
    report(as_json, {"documents": count, "replayed": replay}, f"已重建索引，共 {count} 条")
    return 0


@index.command("verify", short_help="核对检索索引与公示库。")
@as_json
@command
def verify_(as_json: bool) -> int:
    """核对检索索引与公示库是否一致。"""
    court = open_court()
    differences = [str(difference) for difference in verify(court.store, Index(court.settings.index_folder), court.now)]
    text = (
        "索引与公示库一致"
        if not differences
        else "\n".join(["索引与公示库不一致，请运行 gongshi index rebuild", *differences])
    )
    report(as_json, {"equal": not differences, "differences": differences}, text)
    return 1 if differences else 0
