"""Coming back from a backup: putting it in place, showing what was found, and opening the home on two people's word."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from gongshi.commands.common import (
    acting,
    as_json,
    command,
    make_court,
    open_court,
    progress_bar,
    report,
    world,
)
from gongshi.court import Court
from gongshi.safety.closed import is_closed
from gongshi.safety.opening import agree, describe
from gongshi.safety.opening import take_back as take_back_word
from gongshi.safety.recovery_keys import RecoveryKey, read_words
from gongshi.safety.restored import Step, read_state
from gongshi.safety.restoring import Evidence, move_aside, place, sweep
from gongshi.safety.settling import newest_witnesses, settle
from gongshi.safety.telling import tell_restored
from gongshi.safety.trial import Trial, note_trial, try_backup
from search_index.database import sqlite_file

_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


class _WithFile(click.Group):
    """`restore FILE` beside `restore show` and `restore open`: what is no part of the group is a file."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0] not in self.commands and args[0] not in ("-h", "--help")):
            args = ["from", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_WithFile, short_help="从备份恢复；两人同意后重新开放。")
def restore() -> None:
    """从备份恢复。恢复后数据目录是关闭的：不公示、不发送，直到两人查看并同意开放。

    gongshi restore 备份文件      放入数据目录，补办备份以后的退出，核对备份以后发出的消息

    gongshi restore show          查看恢复的结果

    gongshi restore open --as 甲  第一人同意；再由另一人运行一次，即行开放
    """


@restore.command("from", short_help="把备份放入空的数据目录。")
@click.argument("file", required=False, type=_FILE, metavar="备份文件")
@click.option(
    "--departures", multiple=True, type=_FILE, metavar="文件", help="departures.log：备份以后的退出；可写几次。"
)
@click.option("--sent", multiple=True, type=_FILE, metavar="文件", help="sent.log：备份以后发出的消息；可写几次。")
@click.option("--public", type=_FILE, metavar="文件", help="原来的公示库 disclosed.db。")
@click.option("--aside", is_flag=True, help="先把现有的数据目录整个移到旁边，并采用其中的日志和公示库。")
@click.option("--trial", is_flag=True, help="试恢复：在临时目录中恢复并核对，然后删除；不动数据目录。")
@click.option("--key-from-stdin", is_flag=True, help="恢复钥匙从标准输入读取（不是终端时总是如此）。")
@as_json
@command
def restore_from(
    file: Path | None,
    departures: tuple[Path, ...],
    sent: tuple[Path, ...],
    public: Path | None,
    aside: bool,
    trial: bool,
    key_from_stdin: bool,
    as_json: bool,
) -> int:
    """把备份放入空的数据目录，并做好开放以前的一切。中断的，再运行一次即从中断处继续。"""
    court = make_court()
    if trial:
        return _try(court, file, as_json, ask=not key_from_stdin)
    evidence = Evidence(departures=departures, sent=sent, public=public)
    if read_state(court.private) is None or aside:
        if file is None:
            raise click.UsageError("请写明备份文件")
        key = _read_key(ask=not key_from_stdin)
        if aside and court.settings.home.exists():
            evidence = _move_aside(court, evidence)
        name = f"{court.now:%Y%m%d%H%M%S}-{court.world.random.getrandbits(32):08x}"
        place(court.settings, file, key, evidence, name, court.now, _tell)
    else:
        # Killed between the last step of placing and its own tidying up.
        sweep(court.settings)
        if file is not None:
            _tell("上一次恢复没有做完，从中断处继续")
    settle(court, _tell)
    return _show(court, as_json)


@restore.command("show", short_help="查看恢复的结果。")
@as_json
@command
def show(as_json: bool) -> int:
    """查看恢复的结果：备份和日志的时间，补办的退出，先行屏蔽的条目，结果不明的消息，还不能得知的。"""
    return _show(open_court(), as_json)


@restore.command("open", short_help="同意重新开放；须两人。")
@click.option("--show", "choice", metavar="all|none|批次号", help="没有备份以后的退出记录时：原来公布的条目怎样处理。")
@click.option("--take-back", is_flag=True, help="撤回自己的同意。")
@acting
@as_json
@command
def open_(choice: str | None, take_back: bool, actor: str, as_json: bool) -> int:
    """同意重新开放。须两名审核人或者系统管理员先后各运行一次；第二人运行后，公示库重做，恢复公示和发送。"""
    court = open_court()
    if take_back:
        take_back_word(court, actor)
        report(as_json, {"opened": False, "agreed": None}, "已撤回同意")
        return 0
    with progress_bar("重做公示库和索引") as progress:
        waiting = agree(court, actor, choice, progress)
    if waiting is not None:
        told = f"“{actor}”已同意。还须另一名审核人或者系统管理员同意（gongshi restore open --as 姓名）"
        report(as_json, {"opened": False, "agreed": actor}, told)
        return 0
    with court.store.snapshot(court.now) as snapshot:
        shown = snapshot.count()
    report(as_json, {"opened": True, "shown": shown}, f"已重新开放：公布 {shown} 条；后台工作进程随即继续发送")
    return 0


def _show(court: Court, machine: bool) -> int:
    state = read_state(court.private)
    if state is None:
        report(machine, {"restoring": False}, "没有正在进行的恢复")
        return 0
    found: dict[str, Any] = {"restoring": True, "step": state.step.value}
    if state.step in (Step.WAITING, Step.OPENING):
        found |= describe(court, state)
    report(machine, found, tell_restored(found))
    return 0


def _try(court: Court, file: Path | None, machine: bool, *, ask: bool) -> int:
    if file is None:
        raise click.UsageError("请写明备份文件")
    court.require_home()
    trial = try_backup(court.settings, file, _read_key(ask=ask), world(), _tell)
    known = note_trial(court, file, trial)
    found = {
        "whole": not trial.faults,
        "made_at": trial.made_at,
        "records": trial.records,
        "shown": trial.shown,
        "audit_lines": trial.audit_lines,
        "sequence": trial.sequence,
        "faults": list(trial.faults),
        "noted": known,
    }
    report(machine, found, _describe_trial(trial, known=known))
    return 1 if trial.faults else 0


def _describe_trial(trial: Trial, *, known: bool) -> str:
    if trial.faults:
        return "\n".join(["试恢复发现问题，这个备份不能依靠：", *trial.faults])
    what = (
        "两个数据库的转储齐全，内容逐字节核对无误（装入数据库未试）"
        if trial.is_dump
        else f"记录 {trial.records} 条全部能打开，审计 {trial.audit_lines} 行核对无误，公示库可以重做（{trial.shown} 条）"
    )
    noted = "" if known else "；这个文件不是本机登记过的备份，没有记入试恢复日期"
    return f"试恢复成功：备份制作于 {trial.made_at}，{what}{noted}"


def _move_aside(court: Court, evidence: Evidence) -> Evidence:
    """Move the broken home away, and take from it what tells of the time after the backup."""
    old = move_aside(court.settings, court.now)
    _tell(f"原数据目录已移到 {old}")
    if is_closed(old):
        return _take_on(old, evidence)
    store = old / "public" / "disclosed.db"
    has_own = sqlite_file(court.settings.disclosed_database) is not None
    return Evidence(
        departures=(*evidence.departures, *_existing(old / "registry" / "departures.log")),
        sent=(*evidence.sent, *_existing(old / "notifier" / "sent.log")),
        left=old / "public",
        public=evidence.public or (store if has_own and store.is_file() and store.stat().st_size else None),
    )


def _take_on(old: Path, evidence: Evidence) -> Evidence:
    """A home that was never opened again tells what it was told itself: its own logs are those of its backup, and end there."""
    told = newest_witnesses(old / "registry")
    if told is None:
        return replace(evidence, left=old / "public")
    store = told / "disclosed.db"
    return Evidence(
        departures=(*evidence.departures, *sorted(told.glob("departures-*.log"))),
        sent=(*evidence.sent, *sorted(told.glob("sent-*.log"))),
        left=old / "public",
        public=evidence.public or (store if store.is_file() else None),
    )


def _existing(path: Path) -> tuple[Path, ...]:
    return (path,) if path.is_file() else ()


def _read_key(*, ask: bool) -> RecoveryKey:
    if ask and sys.stdin.isatty():
        click.echo("请输入恢复钥匙：打印件上的单词，分份的逐份输入；输入完按 Ctrl-D", err=True)
    return read_words(sys.stdin.read())


def _tell(text: str) -> None:
    click.echo(f"{text}……", err=True)
