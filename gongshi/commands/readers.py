"""Readers of the list in bulk: giving, renewing and ending their keys, and who has not confirmed a departure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from gongshi.commands.common import acting, as_json, command, open_court, report, sign
from gongshi.court import Court
from registry import audit
from registry.acting import SYSTEM, Acting
from registry.reader_acks import Owed, list_owed
from registry.readers import (
    Given,
    Reader,
    ReaderState,
    Who,
    add_reader,
    list_readers,
    read_who,
    renew_reader,
    revoke_reader,
)
from registry.staff import Role
from search_index.day import SHANGHAI
from search_index.journal import EntryChange
from search_index.reader_terms import TERMS, VERSION

Found = TypeVar("Found")
_GIVES = (Role.REVIEWER, Role.ADMIN)
_OWES_NOTHING = Owed(departures=0, since=None)
watermark_argument = click.argument("watermark", metavar="水印")


@click.group(short_help="管理批量读取名单的密钥。")
def reader() -> None:
    """管理批量读取名单的密钥（开放数据的变更、全量和表格）。免费，由审核人或者系统管理员发给；逐条查询不需要密钥。"""


@reader.command("terms", short_help="显示批量读取的条款。")
@as_json
@command
def terms(as_json: bool) -> int:
    """显示现行的批量读取条款，发给密钥以前交对方阅读并接受。"""
    lines = [f"批量读取条款（版本 {VERSION}）", *(f"{number}. {text}" for number, text in enumerate(TERMS, start=1))]
    report(as_json, {"version": VERSION, "terms": list(TERMS)}, "\n".join(lines))
    return 0


@reader.command("add", short_help="登记批量读取者，发给密钥。")
@click.option("--name", required=True, metavar="名称", help="对方的名称，密封保存。")
@click.option("--contact", required=True, metavar="联系方式", help="怎样联系对方，密封保存。")
@click.option("--purpose", required=True, metavar="用途", help="取得名单用来做什么，不写个人的号码。")
@acting
@as_json
@command
def add(name: str, contact: str, purpose: str, actor: str, as_json: bool) -> int:
    """登记已经接受条款（gongshi reader terms）的批量读取者，发给一年有效的密钥。密钥只显示这一次。"""
    court = open_court()
    sign(court, actor, *_GIVES)
    who = Who(name=name, contact=contact)

    def decide(session: Session, by: Acting) -> Given:
        return add_reader(session, court.vault, who, purpose, random=court.world.random, acting=by)

    return _show_given(_work(court, actor, decide), as_json)


@reader.command("renew", short_help="换发密钥，再用一年。")
@watermark_argument
@click.option("--at-once", is_flag=True, help="旧密钥立即失效：已经遗失或者泄露。不写的，旧密钥再用 7 天。")
@acting
@as_json
@command
def renew(watermark: str, at_once: bool, actor: str, as_json: bool) -> int:
    """换发密钥，自今天起再用一年，只显示这一次。没有确认的退出仍须确认；已经暂停的仍然暂停。"""
    court = open_court()
    sign(court, actor, *_GIVES)

    def decide(session: Session, by: Acting) -> Given:
        return renew_reader(session, watermark, random=court.world.random, acting=by, at_once=at_once)

    return _show_given(_work(court, actor, decide), as_json)


@reader.command("revoke", short_help="停用密钥。")
@watermark_argument
@acting
@as_json
@command
def revoke(watermark: str, actor: str, as_json: bool) -> int:
    """停用一个批量读取者的全部密钥，立即生效，不能恢复。"""
    court = open_court()
    sign(court, actor, *_GIVES)

    def decide(session: Session, by: Acting) -> None:
        revoke_reader(session, watermark, by)

    _work(court, actor, decide)
    report(as_json, {"watermark": watermark.strip().upper(), "revoked": True}, f"{watermark}的密钥已停用")
    return 0


@reader.command("list", short_help="列出批量读取者，以及谁没有按时确认退出。")
@click.option("--as", "actor", metavar="姓名", help="同时显示名称和联系方式，记入审计记录。")
@as_json
@command
def list_(actor: str | None, as_json: bool) -> int:
    """列出批量读取者和没有按时确认的退出。名称和联系方式只在写明 --as 时显示。从不显示密钥。"""
    court = open_court()
    names: dict[str, Who] = {}
    if actor is not None:
        sign(court, actor, *_GIVES, Role.AUDITOR)
    with court.reading() as session:
        found = list_readers(session, court.now)
        owed = list_owed(session, court.acting(SYSTEM))
        if actor is not None:
            names = {one.watermark: read_who(session, court.vault, one.watermark) for one in found}
    if actor is not None:
        with court.session() as session:
            audit.note(session, court.now, actor, "read", detail={"page": "readers"})
    rows = [_describe(one, owed.get(one.watermark, _OWES_NOTHING), names.get(one.watermark)) for one in found]
    lines = [_to_line(row) for row in rows] or ["没有批量读取者"]
    report(as_json, {"readers": rows}, "\n".join(lines))
    return 0


def _work(court: Court, actor: str, decide: Callable[[Session, Acting], Found]) -> Found:
    """Carry out what `decide` does in one transaction, ahead of bulk work, and have the portal learn of it."""
    made: list[Found] = []

    def carry(session: Session) -> Sequence[EntryChange]:
        made.append(decide(session, court.acting(actor)))
        return ()

    # What fails once it is decided is a warning: a key that was given must be shown, for nobody can see it again.
    court.amend(carry)
    return made[0]


def _show_given(given: Given, machine: bool) -> int:
    former = given.former_until
    text = f"水印 {given.watermark}，密钥（只显示这一次，请当面或者加密交给对方）：{given.key}"
    if former is not None:
        text += f"\n旧密钥用到 {former.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
    found = {
        "watermark": given.watermark,
        "key": given.key,
        "ends_at": _moment(given.ends_at),
        "former_until": _moment(former) if former else None,
        "terms": VERSION,
    }
    report(machine, found, text)
    return 0


def _moment(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).isoformat()


def _describe(one: Reader, owed: Owed, who: Who | None) -> dict[str, Any]:
    return {
        "watermark": one.watermark,
        "state": one.state.value,
        "purpose": one.purpose,
        "terms": one.terms,
        "issued_at": _moment(one.issued_at),
        "issued_by": one.issued_by,
        "ends_at": _moment(one.ends_at),
        "acked": one.acked,
        "unconfirmed": owed.departures,
        "overdue_since": _moment(owed.since) if owed.since else None,
        **({"name": who.name, "contact": who.contact} if who else {}),
    }


def _to_line(row: dict[str, Any]) -> str:
    late = f"；{row['unconfirmed']} 条退出没有确认" if row["unconfirmed"] else ""
    late += f"，自 {row['overdue_since'][:10]} 起逾期" if row["overdue_since"] else ""
    who = f"　{row['name']}（{row['contact']}）" if "name" in row else ""
    return f"{row['watermark']}　{ReaderState(row['state']).label}，至 {row['ends_at'][:10]}{who}　用途：{row['purpose']}{late}"
