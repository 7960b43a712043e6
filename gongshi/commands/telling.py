"""How a command tells what it did and what went wrong. Nothing private is loaded here: the public side's commands use it, too."""

from __future__ import annotations

import errno
import json
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from sqlalchemy.exc import DBAPIError

from gongshi.cli import say
from search_index.index import IndexUnavailable
from search_index.snapshot import StoreUnavailable
from search_index.store import StoreDamaged
from search_index.store_applying import JournalGap

as_json = click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象。")


def explain(error: BaseException) -> str:
    """What went wrong, and what to do, in one line. Of what was not foreseen only the kind and the place: its message
    may hold what was typed or what is kept inside."""
    if type(error) in _DAMAGED:
        return _DAMAGED[type(error)]
    # An error of the private side brings its own words: on the public side its class is not installed.
    if isinstance(told := getattr(error, "told", None), str):
        return told
    if isinstance(error, DBAPIError):
        return f"数据库不能使用（{_database_reason(error)}）"
    if isinstance(error, OSError):
        where = f"：{error.filename}" if error.filename else ""
        return f"文件或磁盘出错（{_system_reason(error)}）{where}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"程序出错（{type(error).__name__}，{Path(last.filename).name}:{last.lineno}）：请把这一行告诉维护人员"


_DAMAGED: Mapping[type[BaseException], str] = {
    StoreUnavailable: "公示库不能读取：请稍后再试；一直如此的，请运行 gongshi index rebuild --replay 由公布日志重做",
    StoreDamaged: "公示库已损坏或者是空的：请运行 gongshi index rebuild --replay 由公布日志重做",
    JournalGap: "公布日志缺行或者已损坏：请从备份恢复登记库",
    IndexUnavailable: "检索索引不能读取：请运行 gongshi index rebuild",
}


def report(machine: bool, found: Mapping[str, Any], text: str) -> None:
    """Print one JSON object, or the sentence for people."""
    say(json.dumps(found, ensure_ascii=False) if machine else text)


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on standard error, for long work; silent where nobody watches."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(label, total=None)

        def advance(done: int, total: int | None) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


_SYSTEM_REASONS = {
    errno.EACCES: "没有权限",
    errno.EPERM: "没有权限",
    errno.EROFS: "所在磁盘是只读的",
    errno.ENOSPC: "磁盘已满，请腾出空间后重试",
    errno.EDQUOT: "超出磁盘配额，请腾出空间后重试",
    errno.EFBIG: "文件超出允许的大小",
    errno.ENOENT: "没有这个文件或者目录",
    errno.EEXIST: "已有同名的文件",
    errno.ENOTDIR: "路径中有一段不是目录",
    errno.EISDIR: "是目录，应为文件",
    errno.EIO: "磁盘读写出错，请检查磁盘",
    errno.EMFILE: "打开的文件过多",
}


def _system_reason(error: OSError) -> str:
    return _SYSTEM_REASONS.get(error.errno or 0, f"系统错误 {error.errno}")


def _database_reason(error: DBAPIError) -> str:
    text = str(error.orig)
    known = {
        "disk is full": "磁盘已满，请腾出空间后重试",
        "readonly": "数据库文件只读，请检查权限",
        "locked": "正被其他程序占用，请稍后重试",
        "disk I/O": "磁盘读写出错或者已满，请检查磁盘",
        "no such table": "还没有建表，请先运行 gongshi init",
        "no such column": "数据库不是本版本的，请先运行 gongshi upgrade",
        "relation": "还没有建表，请先运行 gongshi init",
        "malformed": "数据库文件已损坏，请从备份恢复",
        "not a database": "数据库文件已损坏，请从备份恢复",
        "unable to open": "打不开数据库文件，请检查路径和权限",
        "connection": "连接不上数据库服务器",
    }
    return next((line for key, line in known.items() if key in text), type(error.orig).__name__)
