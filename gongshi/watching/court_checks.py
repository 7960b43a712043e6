"""What `doctor` says of the court itself: what the site says of it, its people, its files, and the lists it takes over."""

from __future__ import annotations

from collections.abc import Iterator

from gongshi.handover.facts import SAMPLE
from gongshi.retention import list_due as list_over
from gongshi.watching.finding import Finding
from gongshi.watching.rounds import Check, Round
from registry.acting import SYSTEM
from registry.masks import count_possible
from registry.papers import UNKNOWN_FOLDER
from registry.reader_acks import list_owed
from registry.retention.schedule import RetentionError
from registry.sources.book import list_sources
from registry.staff import find_gaps
from search_index.modes import list_loose

_PROFILE_NEEDS = {
    "telephone": "联系电话（telephone）",
    "address": "地址（address）",
    "privacy_contact": "个人信息保护联系方式（privacy_contact）",
    "emblem": "国徽图案（--emblem；国徽法第七条）",
}


def _settings(look: Round) -> Iterator[Finding]:
    profile = look.court.profile()
    missing = [label for key, label in _PROFILE_NEEDS.items() if not getattr(profile, key)]
    if profile.court == type(profile)().court:
        missing.insert(0, "法院名称（court）")
    if missing:
        yield Finding("法院信息", "warn", f"尚未设置：{'、'.join(missing)}；用 gongshi profile --set 设置")
    else:
        yield Finding("法院信息", "ok", profile.court)
    for mask, sample in SAMPLE.items():
        used = "（现用）" if mask.value == profile.id_mask else ""
        text = f"{sample} 一类的掩码{used}，每个公布的号码仍有约 {count_possible(sample)} 个可能的真号"
        yield Finding(f"号码掩码 {mask.value}", "ok", text)


def _staff(look: Round) -> Iterator[Finding]:
    with look.court.reading() as session:
        for gap in find_gaps(session, look.court.today):
            yield Finding("人员", "warn", gap)


def _readers(look: Round) -> Iterator[Finding]:
    court = look.court
    with court.reading() as session:
        late = [one for one in list_owed(session, court.acting(SYSTEM)).values() if one.since is not None]
    if late:
        text = f"{len(late)} 个读取者逾期没有确认退出的条目：请在内部页面“批量读取”查看，并联系对方删去"
        yield Finding("批量读取", "warn", text)


def _sources(look: Round) -> Iterator[Finding]:
    """A list that was taken over and is not kept up outlives that of its court (art. 7)."""
    court = look.court
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


def _papers(look: Round) -> Iterator[Finding]:
    aside = look.court.private / UNKNOWN_FOLDER
    count = sum(1 for _ in aside.iterdir()) if aside.is_dir() else 0
    if count:
        text = (
            f"{aside} 中有 {count} 份登记库里没有的材料（密封，放满一天后移出）：登记库是从备份恢复的，请先找回；"
            "确认无用后可以删去"
        )
        yield Finding("来件材料", "warn", text)


def _permissions(look: Round) -> Iterator[Finding]:
    for folder in (look.court.settings.private, look.court.settings.notifier):
        loose = list_loose(folder)
        if loose:
            text = f"{len(loose)} 个文件其他账户可以读取，例如 {loose[0]}：请改为仅本系统的账户可读"
            yield Finding(f"权限 {folder.name}", "fail", text)
        else:
            yield Finding(f"权限 {folder.name}", "ok", "仅本系统的账户可读")


def _retention(look: Round) -> Iterator[Finding]:
    try:
        over = sum(one.count for one in list_over(look.court, look.office))
    except RetentionError as error:
        yield Finding("保存期限", "fail", str(error))
        return
    text = f"{over} 项已经到期，等待当日抹除" if over else "没有到期的数据"
    yield Finding("保存期限", "ok", text)


COURT: tuple[Check, ...] = (
    Check("法院信息", _settings, ("号码掩码",)),
    Check("人员", _staff),
    Check("批量读取", _readers),
    Check("转载的名单", _sources),
    Check("来件材料", _papers),
    Check("权限", _permissions),
    Check("保存期限", _retention),
)
