"""The home: making it, and the court's profile."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click

from gongshi.commands.common import as_json, command, make_court, open_court, report, sign
from gongshi.court import rules_of
from gongshi.installing.release import note_release, refuse_older_home
from gongshi.office import init_office
from registry import sealbox
from registry.staff import Role
from search_index.profile import Profile

MAX_EMBLEM = 512 * 1024
EMBLEM_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}


@click.command(short_help="建立数据目录和数据库，可重复运行。")
@as_json
@command
def init(as_json: bool) -> int:
    """建立数据目录和数据库。可以重复运行；旧版本的数据目录用 gongshi upgrade 升级。"""
    court = make_court()
    refuse_older_home(court.settings)
    new, home = court.init(), court.settings.home
    init_office(court)
    note_release(court.settings)
    text = f"数据目录 {home} 已建立" if new else f"数据目录 {home} 已是最新"
    report(as_json, {"home": str(home), "new": new}, text)
    return 0


@click.command(short_help="查看或设置法院信息。")
@click.option("--set", "settings", multiple=True, metavar="项=值", help="设置一项，可重复。")
@click.option("--emblem", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="国徽图案（SVG 或 PNG）。")
@click.option("--new-sealing-key", is_flag=True, help="更换公众来件的加密钥匙；以前收到的仍能打开。")
@click.option("--as", "actor", metavar="姓名", help="以哪个账户办理。")
@as_json
@command
def profile(
    settings: tuple[str, ...], emblem: Path | None, new_sealing_key: bool, actor: str | None, as_json: bool
) -> int:
    """查看法院信息；用 --set、--emblem 或 --new-sealing-key 设置（须用 --as 指明系统管理员或审核人）。"""
    court = open_court()
    current = court.profile()
    if settings or emblem or new_sealing_key:
        if not actor:
            raise click.UsageError("设置法院信息须用 --as 指明账户")
        sign(court, actor, Role.ADMIN, Role.REVIEWER)
        current = _changed(current, settings, emblem)
        rules_of(current)
        if new_sealing_key:
            current = replace(current, sealing_key=sealbox.renew_key(court.private / "keys" / "submissions.key"))
        court.set_profile(current, actor)
    shown = {**asdict(current), "emblem": f"{len(current.emblem)} 字节" if current.emblem else ""}
    report(as_json, shown, "\n".join(f"{key} = {value}" for key, value in shown.items()))
    return 0


def _changed(current: Profile, settings: tuple[str, ...], emblem: Path | None) -> Profile:
    values: dict[str, Any] = {}
    known = asdict(current).keys() - {"emblem", "emblem_type", "sealing_key"}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or key not in known:
            raise click.UsageError(f"“{setting}”应为 项=值，可设置的项：{'、'.join(sorted(known))}")
        values[key] = value.strip() in ("是", "true", "1") if key == "training" else value.strip()
    if emblem:
        kind = EMBLEM_TYPES.get(emblem.suffix.lower())
        data = emblem.read_bytes()
        if kind is None or len(data) > MAX_EMBLEM:
            raise click.UsageError("国徽图案应为 SVG 或 PNG，不超过 512 KB")
        values |= {"emblem": data, "emblem_type": kind}
    return replace(current, **values)
