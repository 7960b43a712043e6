"""What the commands share: opening the court, reporting, and turning refusals into one clear line and an exit code."""

from __future__ import annotations

import functools
import getpass
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any, ParamSpec

import click
from sqlalchemy.exc import DBAPIError

from gongshi.calendar import CalendarFileError
from gongshi.clock import World
from gongshi.court import Court, NotInitialised, quiet
from gongshi.settings import BadSetting, read_settings
from registry import audit
from registry.approving import BatchNotFound
from registry.correcting import CorrectionRefused
from registry.deadlines import StartOutOfRange
from registry.departing import NotPermitted
from registry.intake import UnrecognisedFile
from registry.lifecycle import NotAllowed
from registry.policy import PolicyError
from registry.records import RecordNotFound
from registry.staff import Role, StaffError, require
from registry.turns import Busy
from registry.vault import VaultError
from search_index.register import RegisterUnavailable
from search_index.store import StoreUnavailable

P = ParamSpec("P")

EXPECTED = (
    BadSetting,
    BatchNotFound,
    Busy,
    CalendarFileError,
    CorrectionRefused,
    NotAllowed,
    NotInitialised,
    NotPermitted,
    PolicyError,
    RecordNotFound,
    RegisterUnavailable,
    StaffError,
    StartOutOfRange,
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
        try:
            return work(*args, **kwargs) or 0
        except EXPECTED as error:
            return fail(str(error), getattr(error, "rule", None), bool(kwargs.get("as_json")))
        except StoreUnavailable:
            return fail("公示库暂时不能读取：请先运行 gongshi init，或稍后再试", None, bool(kwargs.get("as_json")))
        except DBAPIError as error:
            return fail(f"数据库不能使用（{_database_reason(error)}）", None, bool(kwargs.get("as_json")))
        except OSError as error:
            where = f"：{error.filename}" if error.filename else ""
            return fail(
                f"文件或磁盘出错（{error.strerror or type(error).__name__}）{where}", None, bool(kwargs.get("as_json"))
            )

    return wrapped


def fail(reason: str, rule: str | None, machine: bool) -> int:
    """Say why nothing was done; exit code 2."""
    if machine:
        click.echo(json.dumps({"error": reason, "rule": rule}, ensure_ascii=False))
    click.echo(f"未办理：{reason}", err=True)
    return 2


def open_court() -> Court:
    """The court of this home. Raises BadSetting or NotInitialised."""
    court = make_court()
    court.require_home()
    return court


def make_court() -> Court:
    """The court of this home, which need not be there yet; closed when the command ends. Raises BadSetting."""
    court = Court(read_settings(), world())
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
        detail = {"command": name, "os_account": getpass.getuser()}
        audit.note(session, court.now, actor, "command", detail=detail)
    return actor


def report(machine: bool, found: Mapping[str, Any], text: str) -> None:
    """Print one JSON object, or the sentence for people."""
    click.echo(json.dumps(found, ensure_ascii=False) if machine else text)


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


def _database_reason(error: DBAPIError) -> str:
    text = str(error.orig)
    known = {
        "disk is full": "磁盘已满，请腾出空间后重试",
        "readonly": "数据库文件只读，请检查权限",
        "locked": "正被其他程序占用，请稍后重试",
        "no such table": "还没有建表，请先运行 gongshi init",
        "malformed": "数据库文件已损坏，请从备份恢复",
        "not a database": "数据库文件已损坏，请从备份恢复",
        "unable to open": "打不开数据库文件，请检查路径和权限",
        "connection": "连接不上数据库服务器",
    }
    return next((line for key, line in known.items() if key in text), type(error.orig).__name__)
