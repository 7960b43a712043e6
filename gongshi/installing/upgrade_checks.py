"""What must be so before an upgrade touches anything, each told in one Chinese line."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from gongshi.court import Court
from gongshi.installing.parts import Part, list_parts, measure
from gongshi.installing.release import Release, read_release, this_release
from gongshi.settings import Settings
from registry.tables import BackupRow
from registry.vault import VaultError, open_vault

BACKUP_WITHIN = timedelta(hours=24)
OLDEST_PYTHON = (3, 11)
_SPARE = 64 * 1024 * 1024
# Copies of the databases, and a store that is made for comparing.
_COPIES = 2
_HAS_BACKUPS = "0007"


@dataclass(frozen=True, slots=True)
class Look:
    """One check: what it is about, whether it passed, and what was found or has to be done."""

    matter: str
    passed: bool
    text: str


def check(court: Court, *, own_backup: bool) -> Iterator[Look]:
    """Everything that is checked before. `own_backup`: somebody says that a backup was made in another way."""
    home, ours = read_release(court.settings), this_release()
    yield check_python(sys.version_info[:2])
    yield check_version(home, ours)
    yield _check_key(court.settings)
    yield from _check_room(court.settings)
    yield check_backup(home, _newest_backup(court), court.now, own_backup=own_backup)


def check_python(version: tuple[int, int]) -> Look:
    passed = version >= OLDEST_PYTHON
    return Look("Python", passed, f"{platform.python_version()}{'' if passed else '，需要 3.11 或更新的版本'}")


def check_version(home: Release, ours: Release) -> Look:
    """An upgrade goes from older to newer only."""
    order = ours.compare(home)
    said = {
        "newer": f"由 {_name(home)} 升级到 {_name(ours)}",
        "same": f"已是本版本（{_name(ours)}），不需要升级",
        "older": f"数据目录是更新的版本（{_name(home)}），不能用 {_name(ours)} 打开：请运行那个版本",
    }
    return Look("版本", order != "older", said[order])


def check_room(rooms: Mapping[str, tuple[int, int]]) -> Iterator[Look]:
    """`rooms`: by file system what is needed and what is free, in bytes."""
    for name, (needed, free) in rooms.items():
        passed = free >= needed
        told = f"{name} 需要 {_megabytes(needed)}，可用 {_megabytes(free)}"
        yield Look("磁盘空间", passed, told if passed else f"{told}：请腾出空间后再试")


def check_backup(home: Release, newest: datetime | None, now: datetime, *, own_backup: bool) -> Look:
    """There is a backup that was read again, of the last day. Releases that had no backups of their own are left to what
    the administrator says."""
    if own_backup:
        return Look("备份", True, "按您所说，已用其他办法备份")
    if (home.registry or "") < _HAS_BACKUPS:
        told = "旧版本没有 gongshi backup：请按旧版的说明备份整个数据目录，再加 --own-backup 运行"
        return Look("备份", False, told)
    if newest is None or now - newest > BACKUP_WITHIN:
        when = "没有核对过的备份" if newest is None else f"最近一次核对过的备份在 {newest:%Y-%m-%d %H:%M}"
        return Look("备份", False, f"{when}，须在 24 小时以内：请加 --backup 运行，由旧版本先做备份")
    return Look("备份", True, f"最近一次核对过的备份在 {newest:%Y-%m-%d %H:%M}")


def refusals(looks: Sequence[Look]) -> list[str]:
    """What did not pass, as lines."""
    return [f"{look.matter}：{look.text}" for look in looks if not look.passed]


def _check_key(settings: Settings) -> Look:
    try:
        open_vault(settings.key_file)
    except VaultError as error:
        return Look("密钥", False, str(error))
    return Look("密钥", True, "可以读取")


def _check_room(settings: Settings) -> Iterator[Look]:
    rooms: dict[int, tuple[str, int, int]] = {}
    for part in list_parts(settings):
        if not part.live.exists():
            continue
        device = part.live.stat().st_dev
        name, needed, free = rooms.get(device) or (
            str(part.live.parent),
            _SPARE,
            shutil.disk_usage(part.live.parent).free,
        )
        rooms[device] = name, needed + measure(part) * _copies_of(part), free
    yield from check_room({name: (needed, free) for name, needed, free in rooms.values()})


def _copies_of(part: Part) -> int:
    return 1 if part.live.is_dir() else _COPIES


def _newest_backup(court: Court) -> datetime | None:
    try:
        with court.reading() as session:
            return session.scalar(select(func.max(BackupRow.made_at)).where(BackupRow.verified_at.is_not(None)))
    except DBAPIError:
        return None  # A home of before there were backups has no table of them.


def _name(release: Release) -> str:
    shown = release.version if release.version != "0" else "未登记版本的旧版"
    return f"{shown}（登记库 {release.registry or '无'}，通知库 {release.notifier or '无'}）"


def _megabytes(number: int) -> str:
    return f"{number / 1_000_000:.0f} MB"


def program_of(link: Path) -> Path:
    """The program of the release that a link leads to."""
    return link / "venv" / "bin" / "gongshi"
