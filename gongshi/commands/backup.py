"""Making backups, and listing those that were made."""

from __future__ import annotations

import os
from pathlib import Path

import click

from gongshi.commands.common import as_json, command, open_court, os_account, progress_bar, report
from gongshi.safety.backup import KEEP_DAYS, BackupRefused, Order, list_backups, make_backup
from registry.acting import SYSTEM
from registry.tables import BackupRow
from search_index.day import SHANGHAI

_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(invoke_without_command=True, short_help="做加密备份；查看已有的备份。")
@click.option("--to", "folder", type=_FOLDER, metavar="目录", help="放到这个目录；默认为设置 GONGSHI_BACKUP_FOLDER。")
@click.option(
    "--keep",
    type=click.IntRange(1, 3650),
    default=KEEP_DAYS,
    show_default=True,
    metavar="天数",
    help="保留最近多少天的备份（另保留八周，每周一份）。",
)
@as_json
@click.pass_context
def backup(context: click.Context, folder: Path | None, keep: int, as_json: bool) -> int | None:
    """做一份加密备份，写完后整个读回核对，再清理过期的。不用停止任何服务。

    备份用恢复钥匙加密（gongshi recovery make），没有钥匙的人打不开。
    """
    return None if context.invoked_subcommand else _backup(folder=folder, keep=keep, as_json=as_json)


@backup.command("list", short_help="列出做过的备份。")
@as_json
@command
def list_(as_json: bool) -> int:
    """列出做过的备份：时间、大小、文件是否还在、何时试恢复过。"""
    found = list_backups(open_court())
    told = [
        {
            "file": row.file,
            "made_at": row.made_at.astimezone(SHANGHAI).isoformat(),
            "size": row.size,
            "sha256": row.digest,
            "position": row.position,
            "there": there,
            "tried_at": row.tried_at.astimezone(SHANGHAI).isoformat() if row.tried_at else None,
        }
        for row, there in found
    ]
    lines = [_tell(row, there) for row, there in found]
    report(as_json, {"backups": told}, "\n".join(lines) or "还没有备份")
    return 0


@command
def _backup(*, folder: Path | None, keep: int, as_json: bool) -> int:
    court = open_court()
    target = folder or court.settings.backup_folder
    if target is None:
        raise BackupRefused("没有说放在哪里：请用 --to 指定目录，或者设置 GONGSHI_BACKUP_FOLDER")
    order = Order(
        folder=target,
        days=keep,
        actor=SYSTEM,
        detail={"os_account": os_account()},
        environment=dict(os.environ),
    )
    with progress_bar("备份") as progress:
        made = make_backup(court, order, progress)
    found = {
        "file": str(made.path),
        "size": made.size,
        "sha256": made.digest,
        "position": made.position,
        "sequence": made.sequence,
        "recovery": made.fingerprint,
        "removed": list(made.removed),
    }
    removed = f"；清理了 {len(made.removed)} 份过期的" if made.removed else ""
    text = f"已备份到 {made.path}（{_say(made.size)}，{made.members} 个文件），已整个读回核对{removed}"
    report(as_json, found, f"{text}\n恢复时要用指纹 {made.fingerprint} 的恢复钥匙")
    return 0


def _tell(row: BackupRow, there: bool) -> str:
    made = f"{row.made_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    tried = f"试恢复 {row.tried_at.astimezone(SHANGHAI):%Y-%m-%d}" if row.tried_at else "未试恢复"
    return f"{made}　{_say(row.size)}　{row.file}　{'' if there else '文件已不在　'}{tried}"


def _say(size: int) -> str:
    return f"{size / 2**20:.1f} MB"
