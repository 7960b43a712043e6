"""The keys with which machines of units ask: giving, listing, renewing and ending them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from gongshi.commands.common import acting, as_json, command, open_court, report, sign
from gongshi.court import Court
from registry.acting import Acting
from registry.staff import Role
from registry.tables import UnitRow
from registry.units.keys import KeyLine, Scope, add_key, end_key, list_keys, renew_key
from registry.units.units import get_unit

Found = TypeVar("Found")
_SCOPES = "、".join(f"“{scope.value}”{scope.label}" for scope in Scope)
slug_argument = click.argument("slug", metavar="代号")
name_argument = click.argument("name", metavar="名称")


@click.group("key", short_help="单位接口的密钥。")
def key() -> None:
    """单位的系统使用接口（/units/v1）的密钥：发放、更换、停用。密钥一年有效。"""


@key.command("add", short_help="发放密钥。")
@slug_argument
@name_argument
@click.option("--scope", "scopes", multiple=True, metavar="权限", help=f"可以写几次：{_SCOPES}；不写的，为全部。")
@click.option(
    "--from", "networks", default="", metavar="地址", help="只能从这些地址或者网段使用，逗号分隔；不写的，不限。"
)
@acting
@as_json
@command
def add(slug: str, name: str, scopes: tuple[str, ...], networks: str, actor: str, as_json: bool) -> int:
    """为单位发放密钥，只显示这一次。名称发放后不能另作他用。"""
    court = _open(actor)

    def decide(session: Session, row: UnitRow, who: Acting) -> str:
        wanted = scopes or tuple(Scope)
        return add_key(session, row, name, scopes=wanted, networks=networks, random=court.world.random, acting=who)

    return _show_secret(slug, name, _work(court, actor, slug, decide), as_json)


@key.command("renew", short_help="更换密钥。")
@slug_argument
@name_argument
@acting
@as_json
@command
def renew(slug: str, name: str, actor: str, as_json: bool) -> int:
    """更换密钥：权限和地址不变，新密钥只显示这一次；旧密钥还可以使用 7 日。"""
    court = _open(actor)

    def decide(session: Session, row: UnitRow, who: Acting) -> str:
        return renew_key(session, row, name, court.world.random, who)

    return _show_secret(slug, name, _work(court, actor, slug, decide), as_json)


@key.command("end", short_help="停用密钥。")
@slug_argument
@name_argument
@acting
@as_json
@command
def end(slug: str, name: str, actor: str, as_json: bool) -> int:
    """停用密钥，更换前的旧密钥也一并停用，立即生效。"""
    court = _open(actor)
    _work(court, actor, slug, lambda session, row, who: end_key(session, row, name, who))
    report(as_json, {"slug": slug, "key": name}, f"密钥“{name}”已停用")
    return 0


@key.command("list", short_help="列出密钥。")
@slug_argument
@as_json
@command
def list_(slug: str, as_json: bool) -> int:
    """列出单位的密钥、权限、地址和期限。不显示密钥本身。"""
    court = open_court()
    with court.reading() as session:
        found = list_keys(session, get_unit(session, slug).id)
    lines = [_to_line(one, court) for one in found] or ["没有密钥"]
    report(as_json, {"keys": [_describe(one, court) for one in found]}, "\n".join(lines))
    return 0


def _open(actor: str) -> Court:
    court = open_court()
    sign(court, actor, Role.REVIEWER, Role.ADMIN)
    return court


def _work(court: Court, actor: str, slug: str, decide: Callable[[Session, UnitRow, Acting], Found]) -> Found:
    with court.turns.go_ahead(), court.session() as session:
        return decide(session, get_unit(session, slug, lock=True), court.acting(actor))


def _show_secret(slug: str, name: str, secret: str, machine: bool) -> int:
    text = f"密钥“{name}”（只显示这一次，请当面或者加密交给对方）：{secret}"
    report(machine, {"slug": slug, "key": name, "secret": secret}, text)
    return 0


def _describe(one: KeyLine, court: Court) -> dict[str, Any]:
    return {
        "name": one.name,
        "scopes": [scope.value for scope in one.scopes],
        "addresses": list(one.networks),
        "created_at": one.created_at.isoformat(),
        "ends_at": one.ends_at.isoformat(),
        "used_at": one.used_at.isoformat() if one.used_at else None,
        "good": one.is_good(court.now),
    }


def _to_line(one: KeyLine, court: Court) -> str:
    scopes = "、".join(scope.label for scope in one.scopes)
    state = "" if one.is_good(court.now) else "；已失效"
    where = f"，限 {'、'.join(one.networks)}" if one.networks else ""
    return f"{one.name}（{scopes}{where}）有效至 {one.ends_at:%Y-%m-%d %H:%M}{state}"
