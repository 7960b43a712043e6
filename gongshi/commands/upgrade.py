"""Bringing a home to the version of the product that runs."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import click

from gongshi.commands.common import as_json, command, make_court, report, world
from gongshi.court import Court
from gongshi.founding import require_home
from gongshi.installing.in_place import is_of_files, upgrade_in_place
from gongshi.installing.release import UpgradeRefused, find_layout, read_release, this_release
from gongshi.installing.services import Services
from gongshi.installing.upgrade_checks import Look, check, program_of, refusals
from gongshi.installing.upgrade_state import read_state
from gongshi.installing.upgrading import Site, upgrade

_LONG = 6 * 3600  # seconds a backup may take


@click.command("upgrade", short_help="把数据目录升级到本版本。")
@click.option("--check", "only_check", is_flag=True, help="只检查能不能升级，什么都不改。")
@click.option("--backup", is_flag=True, help="先由旧版本做一次备份。")
@click.option("--own-backup", is_flag=True, help="本人已用其他办法备份好整个数据目录。")
@as_json
@command
def upgrade_(only_check: bool, backup: bool, own_backup: bool, as_json: bool) -> int:
    """把数据目录升级到本版本，由新版本运行：先检查，在副本上升级并核对，全部通过才换上；不通过的自动退回，一切照旧。

    由安装包安装的，本命令停止并重新启动各项服务，并把 /opt/gongshi/current 指向新版本。中途断电或被终止的，再运行一次即可。
    """
    court = make_court()
    require_home(court.settings)
    site = Site(
        settings=court.settings,
        world=world(),
        prefix=Path(sys.prefix),
        services=Services(),
        tell=lambda text: click.echo(text, err=True),
    )
    looks = _go_through(court, site, only_check=only_check, backup=backup, own_backup=own_backup)
    shown = [asdict(look) for look in looks]
    lines = [f"[{'通过' if look.passed else '不通过'}] {look.matter}：{look.text}" for look in looks]
    if only_check:
        report(as_json, {"checks": shown}, "\n".join(lines))
        return 2 if refusals(looks) else 0
    if refused := refusals(looks):
        raise UpgradeRefused(f"不能升级。{'；'.join(refused)}")
    court.close()
    done = this_release().compare(read_release(site.settings)) == "newer" or read_state(site.private) is not None
    left = _carry_out(court, site) if done else []
    version = this_release().version
    text = f"数据目录已升级到 {version}" if done else f"数据目录已是本版本（{version}）"
    if left:
        text += f"。没有启动的服务：{'、'.join(left)}，请用 systemctl status 查看"
    report(as_json, {"version": version, "upgraded": done, "not_started": left, "checks": shown}, text)
    return 1 if left else 0


def _go_through(court: Court, site: Site, *, only_check: bool, backup: bool, own_backup: bool) -> list[Look]:
    """The checks, after what they ask for was done. Raises UpgradeRefused."""
    state = read_state(site.private)
    if state is not None:
        # Checked when it began; what came between is the way it goes on.
        if only_check:
            return [Look("上次升级", False, "没有做完：请运行 gongshi upgrade")]
        return []
    if this_release().compare(read_release(site.settings)) == "same":
        return [Look("版本", True, "已是本版本，不需要升级")]
    if backup and not only_check:
        _back_up(site)
    return list(check(court, own_backup=own_backup))


def _carry_out(court: Court, site: Site) -> list[str]:
    if is_of_files(site.settings):
        return upgrade(site)
    return upgrade_in_place(site)


def _back_up(site: Site) -> None:
    """Have the release in use make a backup: it alone knows how its home is to be read. Raises UpgradeRefused."""
    found = find_layout(site.prefix)
    program = program_of(found[0]) if found else None
    if program is None or not program.exists():
        raise UpgradeRefused("找不到正在使用的版本（/opt/gongshi/current）：请先用它运行 gongshi backup，再升级")
    owner = site.private.stat()
    person = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    if person:
        name = pwd.getpwuid(owner.st_uid).pw_name
        person["extra_groups"] = os.getgrouplist(name, owner.st_gid)  # type: ignore[assignment]
    done = subprocess.run(  # noqa: S603  # the program of an installed release
        [str(program), "backup"],
        capture_output=True,
        text=True,
        timeout=_LONG,
        check=False,
        **person,  # type: ignore[call-overload]
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise UpgradeRefused(f"备份没有做成：{lines[-1] if lines else '原因不明'}")
