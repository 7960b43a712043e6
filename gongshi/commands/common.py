"""What the commands share: opening the court, reporting, and turning refusals into one clear line and an exit code."""

from __future__ import annotations

import functools
import logging
import os
import pwd
from collections.abc import Callable
from datetime import date
from typing import Any, ParamSpec

import click

from gongshi.calendar import CalendarFileError
from gongshi.cli import fail
from gongshi.clock import World
from gongshi.commands.telling import as_json as as_json
from gongshi.commands.telling import explain as explain
from gongshi.commands.telling import progress_bar as progress_bar
from gongshi.commands.telling import report as report
from gongshi.court import Court
from gongshi.founding import NotInitialised, require_notifier
from gongshi.installing.release import UpgradeRefused
from gongshi.pump import NotTold, StoreAhead
from gongshi.safety.closed import RestoringRefused
from gongshi.safety.refusal import SafetyRefused
from gongshi.settings import BadSetting, read_settings
from gongshi.training import KindFixed
from notifier.signing import SigningKeyError
from registry import audit
from registry.approving import BatchNotFound
from registry.correcting import CorrectionRefused
from registry.deadlines import StartOutOfRange
from registry.departing import NotPermitted
from registry.emergency import EmergencyError
from registry.intake import UnrecognisedFile
from registry.lifecycle import NotAllowed
from registry.policy import PolicyError
from registry.records import RecordNotFound
from registry.retention.schedule import RetentionError
from registry.sealbox import KeyLost
from registry.sources.origin import SourceRefused
from registry.staff import Role, StaffError, require
from registry.turns import Busy
from registry.vault import VaultError
from search_index.database import NewerDatabase
from search_index.register import RegisterUnavailable

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
    EmergencyError,
    KeyLost,
    KindFixed,
    NewerDatabase,
    NotAllowed,
    NotInitialised,
    NotPermitted,
    PolicyError,
    RecordNotFound,
    RegisterUnavailable,
    RestoringRefused,
    RetentionError,
    SafetyRefused,
    SigningKeyError,
    SourceRefused,
    StaffError,
    StartOutOfRange,
    StoreAhead,
    UnrecognisedFile,
    UpgradeRefused,
    VaultError,
)

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
            reason = explain(error.__cause__ or error)
            told = f"决定已经登记，但公示库没有更新，公众可能仍能查到。{reason}；排除后请立即运行 gongshi publish"
            return fail(told, "not_told", machine, end="未办完")
        except Exception as error:
            return fail(explain(error), None, machine)

    return wrapped


def _warn(error: Exception) -> None:
    click.echo(f"提醒：已经办理，公众看到的已经更新；但检索索引没有跟上。{explain(error)}", err=True)


def os_account() -> str:
    """The operating-system account of this process, from the system: the environment says what anyone put there."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def describe(error: BaseException) -> str:
    """What went wrong in one line: in the words of a refusal, else as `explain` has it."""
    return str(error) if isinstance(error, EXPECTED) else explain(error)


def open_court() -> Court:
    """The court of this home. Raises BadSetting or NotInitialised."""
    court = make_court()
    court.require_home()
    return court


def open_notifier_side() -> Court:
    """The court of this home for a process that may see nothing of the registry. Raises BadSetting or NotInitialised."""
    court = make_court()
    require_notifier(court.settings)
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


def day(value: Any, default: date) -> date:
    """The day of a click DateTime option."""
    return value.date() if value else default
