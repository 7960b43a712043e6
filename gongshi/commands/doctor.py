"""Is everything as it should be? One line a matter, and what to do."""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import click
from sqlalchemy import func, select

from gongshi.calendar import load_calendar
from gongshi.checkup import Finding, check_sending
from gongshi.commands.common import as_json, command, open_court, report
from gongshi.court import Court
from registry import journal
from registry.acting import SYSTEM
from registry.alarms import count_clocks
from registry.ending import count_over
from registry.masks import MaskProfile, count_possible
from registry.papers import UNKNOWN_FOLDER
from registry.reader_acks import list_owed
from registry.sources.book import list_sources
from registry.staff import find_gaps
from registry.tables import JournalRow
from registry.watch import list_due
from search_index.index import Index
from search_index.sync import verify

# A made-up number with the right check digit; how many numbers a mask leaves possible depends little on which it is.
_SAMPLE = {MaskProfile.NATIONAL: "9901011980****0015", MaskProfile.STRICT: "990101********0015"}
_LABEL = {"ok": "正常", "warn": "提醒", "fail": "故障"}


@click.command(short_help="检查设置、数据库、时钟、日历、权限和发送。")
@as_json
@command
def doctor(as_json: bool) -> int:
    """逐项检查；有故障时退出码为 1。"""
    court = open_court()
    findings = [finding for check in CHECKS for finding in check(court)]
    lines = [f"[{_LABEL[finding.grade]}] {finding.matter}：{finding.text}" for finding in findings]
    report(as_json, {"findings": [asdict(finding) for finding in findings]}, "\n".join(lines))
    return 1 if any(finding.grade == "fail" for finding in findings) else 0


def _settings(court: Court) -> Iterator[Finding]:
    profile = court.profile()
    missing = [label for key, label in _PROFILE_NEEDS.items() if not getattr(profile, key)]
    if profile.court == type(profile)().court:
        missing.insert(0, "法院名称（court）")
    if missing:
        yield Finding("法院信息", "warn", f"尚未设置：{'、'.join(missing)}；用 gongshi profile --set 设置")
    else:
        yield Finding("法院信息", "ok", profile.court)
    for mask, sample in _SAMPLE.items():
        used = "（现用）" if mask.value == profile.id_mask else ""
        text = f"{sample} 一类的掩码{used}，每个公布的号码仍有约 {count_possible(sample)} 个可能的真号"
        yield Finding(f"号码掩码 {mask.value}", "ok", text)


_PROFILE_NEEDS = {
    "telephone": "联系电话（telephone）",
    "address": "地址（address）",
    "privacy_contact": "个人信息保护联系方式（privacy_contact）",
    "emblem": "国徽图案（--emblem；国徽法第七条）",
}


def _key(court: Court) -> Iterator[Finding]:
    court.vault.digest("")
    yield Finding("密钥", "ok", f"{court.settings.key_file} 可用；请确认已另存备份")


def _clock(court: Court) -> Iterator[Finding]:
    with court.reading() as session:
        newest = session.scalar(select(func.max(JournalRow.at)))
    if newest and court.now < newest:
        text = f"系统时间早于最近一次公布（{newest.astimezone(court.now.tzinfo):%Y-%m-%d %H:%M:%S}）：请校正时钟"
        yield Finding("时钟", "fail", text)
    else:
        yield Finding("时钟", "ok", f"{court.now:%Y-%m-%d %H:%M:%S %z}")


def _calendar(court: Court) -> Iterator[Finding]:
    calendar, year = load_calendar(court.settings.calendar_file), court.today.year
    if not calendar.is_known(year):
        yield Finding(
            "节假日",
            "fail",
            f"没有 {year} 年的节假日安排，期限均为暂定：请用 gongshi calendar import 导入国务院办公厅通知",
        )
    elif not calendar.is_known(year + 1):
        yield Finding(
            "节假日",
            "warn",
            f"没有 {year + 1} 年的节假日安排，跨年的期限为暂定：通知公布后请用 gongshi calendar import 导入",
        )
    else:
        yield Finding("节假日", "ok", f"{year}、{year + 1} 年已知")


def _clocks(court: Court) -> Iterator[Finding]:
    acting = court.acting(SYSTEM)
    with court.reading() as session:
        tally, waiting = count_clocks(session, acting), list_due(session, acting)
    if waiting:
        text = "有到期未决定的事由，而条目还没有屏蔽：请确认后台工作进程在运行，或立即运行 gongshi publish"
        yield Finding("期限", "fail", text)
    if tally.hidden:
        yield Finding("期限", "warn", f"{tally.hidden} 项到期没有决定，条目已自行屏蔽：请尽快撤下，或者驳回事由")
    if tally.over:
        yield Finding("期限", "fail", f"{tally.over} 项已经逾期：请在内部页面查看并办理")
    if tally.unseen:
        yield Finding("期限", "warn", f"{tally.unseen} 项逾期或者自行屏蔽的提醒还没有人看")
    uncertain = f"，{tally.provisional} 项为暂定" if tally.provisional else ""
    yield Finding("期限", "ok", f"今天到期 {tally.today} 项{uncertain}")


def _ends(court: Court) -> Iterator[Finding]:
    """What has reached its end and has not left (art. 10 ¶2). What ended today the worker may just be about to end."""
    policy = court.policy()
    with court.reading() as session:
        over, since_yesterday = (count_over(session, policy, at) for at in (court.now, court.now - timedelta(days=1)))
    if over:
        text = (
            f"{over} 条期限已经届满，还没有退出（法释〔2017〕7号第十条第二款：届满后三个工作日内删除；公众已经看不到）："
            "请确认后台工作进程在运行，或立即运行 gongshi publish"
        )
        yield Finding("届满", "fail" if since_yesterday else "warn", text)


def _staff(court: Court) -> Iterator[Finding]:
    with court.reading() as session:
        for gap in find_gaps(session, court.today):
            yield Finding("人员", "warn", gap)


def _readers(court: Court) -> Iterator[Finding]:
    with court.reading() as session:
        late = [one for one in list_owed(session, court.acting(SYSTEM)).values() if one.since is not None]
    if late:
        text = f"{len(late)} 个读取者逾期没有确认退出的条目：请在内部页面“批量读取”查看，并联系对方删去"
        yield Finding("批量读取", "warn", text)


def _sources(court: Court) -> Iterator[Finding]:
    """A list that was taken over and is not kept up outlives that of its court (art. 7)."""
    with court.reading() as session:
        lines = list_sources(session)
    for one in lines:
        listed = f"最近的完整名单是 {one.listed_on.isoformat()} 的" if one.listed_on else "还没有导入完整名单"
        if one.is_stale(court.today):
            text = f"{one.court}：{listed}，请取得最新的名单，用 gongshi source import {one.slug} 文件 --full 导入"
            yield Finding("转载的名单", "warn", text)
        elif not one.active and one.shown + one.waiting:
            text = f"{one.court}：已停止转载，还有 {one.shown + one.waiting} 条没有撤下，请再运行 gongshi source end {one.slug}"
            yield Finding("转载的名单", "fail", text)
        elif one.active:
            yield Finding("转载的名单", "ok", f"{one.court}：{listed}")


def _papers(court: Court) -> Iterator[Finding]:
    aside = court.private / UNKNOWN_FOLDER
    count = sum(1 for _ in aside.iterdir()) if aside.is_dir() else 0
    if count:
        text = (
            f"{aside} 中有 {count} 份登记库里没有的材料（密封，放满一天后移出）：登记库是从备份恢复的，请先找回；"
            "确认无用后可以删去"
        )
        yield Finding("来件材料", "warn", text)


def _store(court: Court) -> Iterator[Finding]:
    with court.reading() as session:
        head = journal.head(session)[0]
    behind = head - court.store_writer.position()
    if behind:
        yield Finding("公示库", "warn", f"落后日志 {behind} 条：请确认后台工作进程在运行，或运行 gongshi publish")
    else:
        yield Finding("公示库", "ok", f"与日志一致，位置 {head}")
    differences = verify(court.store, Index(court.settings.index_folder), court.now)
    if differences:
        yield Finding("检索索引", "fail", f"与公示库有 {len(differences)} 处不一致：请运行 gongshi index rebuild")
    else:
        yield Finding("检索索引", "ok", "与公示库一致")


def _permissions(court: Court) -> Iterator[Finding]:
    for folder in (court.settings.private, court.settings.notifier):
        loose = [path for path in (folder, *folder.rglob("*")) if _others_can(path)]
        if loose:
            text = f"{len(loose)} 个文件其他账户可以读取，例如 {loose[0]}：请改为仅本账户可读"
            yield Finding(f"权限 {folder.name}", "fail", text)
        else:
            yield Finding(f"权限 {folder.name}", "ok", "仅本账户可读")


def _others_can(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)) and path.parent.stat().st_mode & stat.S_IXOTH != 0


CHECKS: tuple[Callable[[Court], Iterator[Finding]], ...] = (
    _settings,
    _key,
    _clock,
    _calendar,
    _clocks,
    _ends,
    _staff,
    _readers,
    _sources,
    _papers,
    _store,
    _permissions,
    check_sending,
)
