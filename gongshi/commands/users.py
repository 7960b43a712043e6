"""The staff's accounts, from the machine itself."""

from __future__ import annotations

import sys
from typing import Any

import click

from gongshi.commands.common import as_json, command, day, open_court, os_account, report
from registry import staff
from registry.staff import ROLE_LABEL, Role, StaffLine

_DAY = click.DateTime(formats=["%Y-%m-%d"])


@click.group(short_help="管理工作人员账户。")
def user() -> None:
    """管理工作人员账户。"""


@user.command("add", short_help="增加账户；口令从终端询问或从标准输入读取。")
@click.argument("name", metavar="姓名")
@click.option("--role", required=True, type=click.Choice([role.value for role in Role]), help="角色。")
@as_json
@command
def user_add(name: str, role: str, as_json: bool) -> int:
    """增加账户。口令从终端询问；标准输入不是终端时，读取其第一行。

    这是初始口令：本人在内部页面登录后，须先修改口令，才能办理其他事项。
    """
    court = open_court()
    password = _read_password()
    with court.session() as session:
        staff.add(session, name, Role(role), password, court.now, _machine())
    report(
        as_json,
        {"name": name, "role": role},
        f"已增加{ROLE_LABEL[Role(role)]}“{name}”，由本人在内部页面登录后先修改口令",
    )
    return 0


@user.command("list", short_help="列出账户。")
@as_json
@command
def user_list(as_json: bool) -> int:
    """列出账户：角色、是否停用、代理人、两步验证、是否暂停登录。"""
    court = open_court()
    with court.reading() as session:
        lines = staff.list_staff(session, court.now)
    report(as_json, {"users": [_as_values(line) for line in lines]}, "\n".join(map(_describe, lines)) or "还没有账户")
    return 0


@user.command("disable", short_help="停用账户，并结束其登录。")
@click.argument("name", metavar="姓名")
@click.option("--enable", is_flag=True, help="改为恢复已经停用的账户。")
@as_json
@command
def user_disable(name: str, enable: bool, as_json: bool) -> int:
    """停用账户，并结束其登录；已经办理的事项仍在其名下。--enable 恢复。"""
    court = open_court()
    with court.session() as session:
        (staff.enable if enable else staff.disable)(session, name, court.now, _machine())
    done = "恢复" if enable else "停用"
    report(as_json, {"name": name, "active": enable}, f"已{done}“{name}”")
    return 0


@user.command("reset", short_help="重置口令或者两步验证，恢复登录。")
@click.argument("name", metavar="姓名")
@click.option("--second-factor", is_flag=True, help="只重置两步验证，不改口令。")
@as_json
@command
def user_reset(name: str, second_factor: bool, as_json: bool) -> int:
    """重置口令（从终端询问，或读取标准输入的第一行），解除暂停登录；用 --second-factor 只重置两步验证。

    该用户正在进行的登录全部结束；本人用重置的口令登录后须先修改口令。
    """
    court = open_court()
    password = "" if second_factor else _read_password()
    with court.session() as session:
        if second_factor:
            staff.reset_second_factor(session, name, court.now, _machine())
        else:
            staff.set_password(session, name, password, court.now, _machine())
    report(as_json, {"name": name}, f"已重置“{name}”的{'两步验证' if second_factor else '口令'}，须重新登录")
    return 0


@user.command("deputy", short_help="登记或者取消代理人。")
@click.argument("name", metavar="姓名")
@click.argument("deputy", metavar="代理人", required=False)
@click.option("--until", "until", type=_DAY, help="外出至哪一天。")
@as_json
@command
def user_deputy(name: str, deputy: str | None, until: Any, as_json: bool) -> int:
    """登记谁代理“姓名”：代理人看到其清单和提醒，以本人的角色办理。不写代理人的，取消代理。"""
    court = open_court()
    away_until = day(until, court.today) if until else None
    with court.session() as session:
        staff.set_deputy(session, name, deputy, away_until, court.now, _machine())
    found = {"name": name, "deputy": deputy, "away_until": away_until.isoformat() if away_until else None}
    report(as_json, found, f"“{name}”由“{deputy}”代理" if deputy else f"“{name}”没有代理人")
    return 0


def _machine() -> str:
    """In whose name the machine's own administrator acts: the operating-system account."""
    return f"os:{os_account()}"


def _as_values(line: StaffLine) -> dict[str, Any]:
    return {
        "name": line.name,
        "role": line.role.value,
        "active": line.active,
        "deputy": line.deputy,
        "away_until": line.away_until.isoformat() if line.away_until else None,
        "second_factor": line.has_second_factor,
        "locked_until": line.locked_until.isoformat() if line.locked_until else None,
    }


def _describe(line: StaffLine) -> str:
    parts = [line.label]
    if not line.active:
        parts.append("已停用")
    if line.deputy:
        parts.append(f"代理人“{line.deputy}”")
    if line.away_until:
        parts.append(f"外出至 {line.away_until.isoformat()}")
    parts.append("已启用两步验证" if line.has_second_factor else "未启用两步验证")
    if line.locked_until:
        parts.append("失败次数过多，暂停登录")
    return f"{line.name}：{'，'.join(parts)}"


def _read_password() -> str:
    if sys.stdin is None:
        return ""
    if sys.stdin.isatty():
        return str(click.prompt("口令", hide_input=True, confirmation_prompt="再输入一次"))
    try:
        password = sys.stdin.readline().rstrip("\r\n")
        password.encode()
    except UnicodeError:
        raise click.UsageError("口令不是有效的 UTF-8 文字") from None
    return password
