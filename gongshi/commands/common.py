"""What the commands share: opening the court, reporting, and turning refusals into one clear line and an exit code."""

from __future__ import annotations

import errno
import functools
import json
import logging
import os
import pwd
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any, ParamSpec

import click
from sqlalchemy.exc import DBAPIError

from gongshi.calendar import CalendarFileError
from gongshi.cli import fail, say
from gongshi.clock import World
from gongshi.court import Court, NotTold, StoreAhead, quiet
from gongshi.founding import NotInitialised
from gongshi.settings import BadSetting, read_settings
from notifier.signing import SigningKeyError
from registry import audit
from registry.approving import BatchNotFound
from registry.correcting import CorrectionRefused
from registry.database import NewerDatabase
from registry.deadlines import StartOutOfRange
from registry.departing import NotPermitted
from registry.intake import UnrecognisedFile
from registry.lifecycle import NotAllowed
from registry.policy import PolicyError
from registry.records import RecordNotFound
from registry.sealbox import KeyLost
from registry.sources.origin import SourceRefused
from registry.staff import Role, StaffError, require
from registry.turns import Busy
from registry.vault import VaultError
from search_index.index import IndexUnavailable
from search_index.register import RegisterUnavailable
from search_index.store import JournalGap, StoreDamaged, StoreUnavailable

P = ParamSpec("P")
# What goes wrong in a database reaches the person as one line; without a handler the libraries would print their own.
for library in ("sqlalchemy", "psycopg"):
    logging.getLogger(library).addHandler(logging.NullHandler())

EXPECTED = (
    BadSetting,
    BatchNotFound,
    Busy,
    CalendarFileError,
    CorrectionRefused,
    KeyLost,
    NewerDatabase,
    NotAllowed,
    NotInitialised,
    NotPermitted,
    PolicyError,
    RecordNotFound,
    RegisterUnavailable,
    SigningKeyError,
    SourceRefused,
    StaffError,
    StartOutOfRange,
    StoreAhead,
    UnrecognisedFile,
    VaultError,
)

as_json = click.option("--json", "as_json", is_flag=True, help="只输出一个 JSON 对象。")
acting = click.option("--as", "actor", required=True, metavar="姓名", help="以哪个账户办理（信任操作系统账户）。")
DAY = click.DateTime(formats=["%Y-%m-%d"])


def command(work: Callable[P, int | None]) -> Callable[P, int]:
    """A command whose refusals are one line on standard error (and in the JSON object), and exit code 2."""

    @functools.wraps(work)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> int:
        machine = bool(kwargs.get("as_json"))
        try:
            return work(*args, **kwargs) or 0
        except EXPECTED as error:
            return fail(str(error), getattr(error, "rule", None), machine)
        except (BrokenPipeError, click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except NotTold as error:
            reason = _explain(error.__cause__ or error)
            told = f"决定已经登记，但公示库没有更新，公众可能仍能查到。{reason}；排除后请立即运行 gongshi publish"
            return fail(told, "not_told", machine, end="未办完")
        except Exception as error:
            return fail(_explain(error), None, machine)

    return wrapped


def _explain(error: BaseException) -> str:
    """What went wrong, and what to do, in one line. Of what was not foreseen only the kind and the place: its message
    may hold what was typed or what is kept inside."""
    if type(error) in _DAMAGED:
        return _DAMAGED[type(error)]
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


def _warn(error: Exception) -> None:
    click.echo(f"提醒：已经办理，公众看到的已经更新；但检索索引没有跟上。{_explain(error)}", err=True)


def os_account() -> str:
    """The operating-system account of this process, from the system: the environment says what anyone put there."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def open_court() -> Court:
    """The court of this home. Raises BadSetting or NotInitialised."""
    court = make_court()
    court.require_home()
    return court


def make_court() -> Court:
    """The court of this home, which need not be there yet; closed when the command ends. Raises BadSetting."""
    court = Court(read_settings(), world(), _warn)
    click.get_current_context().call_on_close(court.close)
    return court


def world() -> World:
    found: World = click.get_current_context().find_root().obj
    return found


def sign(court: Court, actor: str, *roles: Role) -> str:
    """The account in whose name a command works, with the operating-system account in the audit line. Raises StaffError."""
    with court.turns.go_ahead(), court.session() as session:
        require(session, actor, *roles)
        name = click.get_current_context().command_path
        detail = {"command": name, "os_account": os_account()}
        audit.note(session, court.now, actor, "command", detail=detail)
    return actor


def report(machine: bool, found: Mapping[str, Any], text: str) -> None:
    """Print one JSON object, or the sentence for people."""
    say(json.dumps(found, ensure_ascii=False) if machine else text)


def day(value: Any, default: date) -> date:
    """The day of a click DateTime option."""
    return value.date() if value else default


@contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int | None], None]]:
    """A progress bar on standard error, for long work; silent where nobody watches."""
    if not sys.stderr.isatty():
        yield quiet
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
        "no such column": "数据库不是本版本的，请先运行 gongshi init",
        "relation": "还没有建表，请先运行 gongshi init",
        "malformed": "数据库文件已损坏，请从备份恢复",
        "not a database": "数据库文件已损坏，请从备份恢复",
        "unable to open": "打不开数据库文件，请检查路径和权限",
        "connection": "连接不上数据库服务器",
    }
    return next((line for key, line in known.items() if key in text), type(error.orig).__name__)
