"""The recovery key: making it, trying it, showing which one is in use."""

from __future__ import annotations

import os
import sys

import click

from gongshi.commands.common import acting, as_json, command, open_court, os_account, report, sign
from gongshi.court import Court
from gongshi.safety.recovery_book import Recovery, RecoveryBook
from gongshi.safety.recovery_keys import SECRET_BYTES, RecoveryKey, RecoveryRefused, Shares, read_words
from gongshi.safety.recovery_page import compose_pages
from registry import audit
from registry.acting import SYSTEM
from registry.staff import Role
from search_index.day import SHANGHAI

_ONCE = "以上内容只显示这一次，系统不留存。请打印或者抄写、分开保管，清除屏幕，然后运行 gongshi recovery confirm 核对。"


@click.group(short_help="备份的恢复钥匙：制作、核对、查看。")
def recovery() -> None:
    """备份的恢复钥匙。备份只能用它打开；它的私密部分只在纸上，系统里没有。"""


@recovery.command("make", short_help="制作恢复钥匙，打印出来。")
@click.option("--shares", default="1/1", metavar="K/N", help="共 N 份，凭任意 K 份恢复，例如 2/3；默认只有完整的一份。")
@acting
@as_json
@command
def make(shares: str, actor: str, as_json: bool) -> int:
    """制作恢复钥匙，以打印件的样子显示一次。以后的备份用新钥匙；以前的备份仍要用以前的钥匙打开，请一并保管。"""
    wanted = Shares.parse(shares)
    court = open_court()
    sign(court, actor, Role.ADMIN)
    key = RecoveryKey(os.urandom(SECRET_BYTES))
    book = open_book(court)
    before = book.find()
    made = book.add(key, wanted, by=actor, now=court.now)
    _note(court, actor, "recovery_make", {"fingerprint": made.fingerprint, "shares": made.shares})
    words = key.to_words(wanted)
    pages = compose_pages(
        words,
        wanted,
        court=court.profile().court,
        made_on=court.today.isoformat(),
        fingerprint=made.fingerprint,
    )
    old = f"\n以前的备份仍须用指纹 {before.fingerprint} 的钥匙打开，请继续保管。" if before else ""
    found = {"fingerprint": made.fingerprint, "shares": made.shares, "words": words}
    report(as_json, found, "\n".join((*pages, _ONCE + old)))
    return 0


@recovery.command("confirm", short_help="输入恢复钥匙，核对能否打开备份。")
@as_json
@command
def confirm(as_json: bool) -> int:
    """从标准输入读取打印件上的单词（分份的，读取所需的几份），核对能否打开，并记下日期。"""
    court = open_court()
    if sys.stdin.isatty():
        click.echo("请输入打印件上的单词，序号可写可不写；输入完另起一行按 Ctrl-D：", err=True)
    confirmed = open_book(court).confirm(read_words(sys.stdin.read()), court.now)
    _note(court, SYSTEM, "recovery_confirm", {"fingerprint": confirmed.fingerprint, "os_account": os_account()})
    report(as_json, _describe(confirmed), f"钥匙 {confirmed.fingerprint} 核对无误，已记下日期")
    return 0


@recovery.command("show", short_help="显示恢复钥匙的指纹和日期。")
@as_json
@command
def show(as_json: bool) -> int:
    """显示现用和以前的恢复钥匙：指纹、制作日期、最近一次核对。没有钥匙的，退出码为 2。"""
    keys = list(reversed(open_book(open_court()).list()))
    if not keys:
        raise RecoveryRefused("还没有恢复钥匙：请运行 gongshi recovery make")
    lines = [_say(key, "现用" if place == 0 else "以前") for place, key in enumerate(keys)]
    report(as_json, {"keys": [_describe(key) for key in keys]}, "\n".join(lines))
    return 0


def open_book(court: Court) -> RecoveryBook:
    return RecoveryBook(court.settings.key_file.parent)


def _note(court: Court, actor: str, action: str, detail: dict[str, object]) -> None:
    with court.turns.go_ahead(), court.session() as session:
        audit.note(session, court.now, actor, action, detail=detail)


def _describe(key: Recovery) -> dict[str, object]:
    return {
        "fingerprint": key.fingerprint,
        "shares": key.shares,
        "made_at": key.made_at,
        "made_by": key.made_by,
        "confirmed_at": key.confirmed_at,
    }


def _say(key: Recovery, standing: str) -> str:
    confirmed = key.last_confirmed
    told = f"最近一次核对 {confirmed.astimezone(SHANGHAI):%Y-%m-%d}" if confirmed else "从未核对"
    return f"[{standing}] {key.fingerprint}　{key.shares} 份　{key.made_at[:10]} 由 {key.made_by} 制作　{told}"
