"""`gongshi journal`: an isolated network, where the public list and what people send in are carried as files.

`export`, `key` and `receive` are the court's side; `init`, `apply`, `watch` and `submissions` the public side, whose commands load
nothing private. So every command imports what it needs when it is called.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gongshi.cli import fail
from gongshi.commands.telling import as_json, explain, report

if TYPE_CHECKING:
    from gongshi.link.applying import Applied
    from gongshi.link.public_side import PublicSide

_NUMBERS = re.compile(r"([0-9]{1,8})(?:-([0-9]{1,8}))?")
_FOLDER = click.Path(file_okay=False, path_type=Path)


@click.group(short_help="隔离网络：以签名文件向公众一侧传送名单，收回密封的来件。")
def journal() -> None:
    """隔离网络：名单的变动以编号、签名的文件送到公众一侧；公众的来件密封着送回。

    法院一侧：export、key、receive。公众一侧：init、apply、watch、submissions。
    """


@journal.command(short_help="【法院一侧】导出日志文件。")
@click.option("--to", "folder", required=True, type=_FOLDER, metavar="目录", help="写到哪个目录（须已存在）。")
@click.option("--again", metavar="N或N-M", help="重做丢失的文件，编号不变。")
@click.option("--whole", is_flag=True, help="从头导出全部：登记库从备份恢复之后，或者公众一侧要求时。")
@as_json
def export(folder: Path, again: str | None, whole: bool, as_json: bool) -> int:
    """导出上次之后的公布日志，写成编号、签名的文件；没有变动的，也写一个（公众一侧据此知道名单是新的）。"""
    from gongshi.commands.common import command, open_court
    from gongshi.link.exporting import export as export_files
    from gongshi.link.exporting import export_again
    from gongshi.link.folder import LinkRefused

    @command
    def work(as_json: bool) -> int:
        try:
            court = open_court()
            numbers = _read_numbers(again) if again else None
            done = export_again(court, folder, *numbers) if numbers else export_files(court, folder, whole=whole)
        except LinkRefused as error:
            return fail(str(error), "journal", as_json, end="未导出")
        first, last = done.numbers[0], done.numbers[-1]
        which = f"第 {first} 号" if first == last else f"第 {first} 至 {last} 号"
        found = {"files": list(done.numbers), "position": done.position, "folder": str(folder)}
        report(as_json, found, f"已写出{which}日志文件，日志至第 {done.position} 行，在 {folder}")
        return 0

    return work(as_json=as_json)


@journal.command(short_help="【法院一侧】显示签名日志文件的公钥。")
@click.option("--next", "prepare", is_flag=True, help="准备一把新密钥，并显示新旧两个公钥；仍用旧的签名。")
@click.option("--switch", is_flag=True, help="公众一侧写好新公钥以后：改用新密钥签名。")
@as_json
def key(prepare: bool, switch: bool, as_json: bool) -> int:
    """显示签名日志文件的公钥，写进公众一侧的设置“GONGSHI_JOURNAL_KEY”（几个之间用逗号分开）。"""
    from gongshi.commands.common import command, open_court
    from gongshi.link.exporting import open_key, prepare_next_key, switch_key
    from gongshi.link.folder import LinkRefused
    from search_index.journal_file import fingerprint

    @command
    def work(as_json: bool) -> int:
        court = open_court()
        try:
            public = switch_key(court) if switch else open_key(court)[1]
        except LinkRefused as error:
            return fail(str(error), "journal", as_json)
        keys = [public, prepare_next_key(court)] if prepare and not switch else [public]
        found = {"key": keys[0], "next": keys[1] if len(keys) > 1 else None, "fingerprint": fingerprint(public)}
        prints = "、".join(fingerprint(one) for one in keys)
        report(as_json, found, f"GONGSHI_JOURNAL_KEY={','.join(keys)}\n指纹（电话核对用）：{prints}")
        return 0

    return work(as_json=as_json)


@journal.command(short_help="【法院一侧】收取公众一侧送回的来件。")
@click.argument("folder", type=_FOLDER, metavar="目录")
@click.option("--keep", is_flag=True, help="收取后不删除文件。")
@as_json
def receive(folder: Path, keep: bool, as_json: bool) -> int:
    """收取公众一侧送回的来件包，交给后台工作进程办理。重复送来的只收一次。"""
    from gongshi.commands.common import command, open_court
    from gongshi.link.folder import LinkRefused
    from gongshi.link.reading import name_numbers
    from gongshi.link.receiving import receive as receive_bundles

    @command
    def work(as_json: bool) -> int:
        try:
            done = receive_bundles(open_court(), folder, keep=keep)
        except LinkRefused as error:
            return fail(str(error), "journal", as_json, end="未收取")
        problems = [f"{name}：{reason}" for name, reason in done.refused]
        if done.missing:
            numbers = name_numbers(done.missing)
            problems.append(
                f"第 {numbers} 号来件包没有送到：请在公众一侧运行 gongshi journal submissions --again --out 目录"
            )
        found = {"bundles": done.numbers, "new": done.new, "known": done.known, "missing": list(done.missing)}
        found["refused"] = [{"file": name, "reason": reason} for name, reason in done.refused]
        text = f"收取来件包 {len(done.numbers)} 个，来件 {done.new} 件，重复的 {done.known} 件"
        report(as_json, found, "\n".join([text, *problems]))
        return 1 if problems else 0

    return work(as_json=as_json)


@journal.command(short_help="【公众一侧】建立公众一侧的数据目录。")
@click.option("--one-way", is_flag=True, help="只能单向传送（如光闸）：没有来件箱，网站的表单写明不能收件。")
@as_json
def init(one_way: bool, as_json: bool) -> int:
    """建立公众一侧的数据目录：公示库、检索索引和来件箱，不含登记库和任何密钥。可以重复运行。"""

    def work(side: PublicSide) -> int:
        side.prepare(one_way=one_way)
        report(as_json, {"folder": str(side.folder)}, f"公众一侧的数据目录 {side.folder} 已就绪")
        return 0

    return _on_public_side(work, as_json, "未建立")


@journal.command(short_help="【公众一侧】采用送来的日志文件。")
@click.argument("folder", type=_FOLDER, metavar="目录")
@click.option("--keep", is_flag=True, help="采用后不删除文件。")
@as_json
def apply(folder: Path, keep: bool, as_json: bool) -> int:
    """采用送来的日志文件。重复的跳过；签名不属实的不采用；缺号的停在缺号之前并写明缺哪些，但已送到的退出立即执行。"""

    def work(side: PublicSide) -> int:
        from gongshi.link.applying import apply_folder

        done = apply_folder(side, folder, keep=keep)
        problems = done.problems()
        report(as_json, _as_json(done), "\n".join([_describe(done), *problems]))
        return 1 if problems else 0

    return _on_public_side(work, as_json, "未采用")


@journal.command(short_help="【公众一侧】一直运行：日志文件一到就采用。")
@click.argument("folder", type=_FOLDER, metavar="目录")
@click.option("--every", default=10, show_default=True, type=click.IntRange(1, 3600), metavar="秒", help="多久看一次。")
@click.option("--keep", is_flag=True, help="采用后不删除文件。")
@click.option("--submissions", "out", type=_FOLDER, metavar="目录", help="同时把来件打包放进这个目录。")
def watch(folder: Path, every: int, keep: bool, out: Path | None) -> int:
    """一直运行：日志文件一到就采用；给了 --submissions 的，来件一到就打包。问题写进日志，每个只写一次。"""

    def work(side: PublicSide) -> int:
        from gongshi.link.watching import watch_folder
        from gongshi.server import log_to_stderr

        side.require()
        side.require_keys()
        log_to_stderr()
        stop = threading.Event()
        _stop_on_signals(stop)
        click.echo("日志文件的接收已就绪")
        watch_folder(side, folder, stop, every=every, keep=keep, out=out)
        return 0

    return _on_public_side(work, False, "已停止")


@journal.command(short_help="【公众一侧】把公众的来件打包送回法院。")
@click.option("--out", "folder", required=True, type=_FOLDER, metavar="目录", help="放进哪个目录（须已存在）。")
@click.option("--again", is_flag=True, help="把近三十天送过的再打包一次，用于路上丢失的。")
@as_json
def submissions(folder: Path, again: bool, as_json: bool) -> int:
    """把公众的来件打包，密封着送回法院一侧（gongshi journal receive）。这一侧打不开，也不能打开。"""

    def work(side: PublicSide) -> int:
        from gongshi.link.bundles import send, send_again

        numbers = send_again(side, folder) if again else send(side, folder)
        text = f"已打包 {len(numbers)} 个，在 {folder}" if numbers else "没有要送回的来件"
        report(as_json, {"bundles": numbers, "folder": str(folder)}, text)
        return 0

    return _on_public_side(work, as_json, "未打包")


def _on_public_side(work: Callable[[PublicSide], int], machine: bool, end: str) -> int:
    """Do something with the public side of this home; what goes wrong is one line and exit code 2."""
    from gongshi.link.folder import LinkRefused
    from gongshi.link.public_side import open_side
    from portal.settings import SettingsError
    from search_index.snapshot import StoreUnavailable
    from search_index.store import StoreDamaged
    from search_index.store_applying import JournalGap

    side: PublicSide | None = None
    try:
        side = open_side(click.get_current_context().find_root().obj)
        return work(side)
    except (LinkRefused, SettingsError) as error:
        return fail(str(error), "journal", machine, end=end)
    except (StoreDamaged, StoreUnavailable, JournalGap):
        told = (
            "公示库不能读写、已损坏或者还没有建立：请运行 gongshi journal init；仍然如此的，请法院运行 "
            "gongshi journal export --whole，把全部文件送来重做"
        )
        return fail(told, None, machine, end=end)
    except (BrokenPipeError, click.ClickException, click.Abort, click.exceptions.Exit):
        raise
    except Exception as error:
        return fail(explain(error), None, machine, end=end)
    finally:
        if side is not None:
            side.close()


def _read_numbers(typed: str) -> tuple[int, int]:
    from gongshi.link.folder import LinkRefused

    found = _NUMBERS.fullmatch(typed.strip())
    if found is None:
        raise LinkRefused("--again 应为编号 N 或者 N-M，例如 7 或 7-9")
    return int(found[1]), int(found[2] or found[1])


def _as_json(done: Applied) -> dict[str, Any]:
    return {
        "files": done.numbers,
        "passed": done.passed,
        "refused": [{"file": name, "reason": reason} for name, reason in done.refused],
        "missing": list(done.missing),
        "ahead": done.ahead,
        "hidden": done.hidden,
    }


def _describe(done: Applied) -> str:
    text = f"采用日志文件 {len(done.numbers)} 个"
    if done.numbers:
        text += f"，至第 {done.numbers[-1]} 号"
    if done.passed:
        text += f"；跳过以前采用过的 {done.passed} 个"
    return text


def _stop_on_signals(stop: threading.Event) -> None:
    import signal

    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda _number, _frame: stop.set())
