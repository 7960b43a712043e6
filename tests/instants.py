"""The instants of a command at which it may be struck, each with the name of the phase it belongs to.

A command runs in a process of its own. An instant is: before a statement that writes, before the end of a transaction,
after it and before anybody is told, before a change to a file, and before and after a file is forced to the disk. The
phase says which, of which database, and which tables the transaction has written so far, so it changes with the code.
"""

from __future__ import annotations

import io
import json
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any, Literal

from forking import FORKING
from homes import settle

Blow = Literal["none", "kill", "disconnect"]


_WRITES = re.compile(r'\s*(INSERT INTO|UPDATE|DELETE FROM|VACUUM|CREATE TABLE)\s*"?(\w*)', re.IGNORECASE)
_FILE_EVENTS = {
    "os.rename": "rename",
    "os.remove": "remove",
    "os.truncate": "truncate",
    "os.mkdir": "mkdir",
    "os.rmdir": "rmdir",
    "os.chmod": "chmod",
    "mmap.__new__": "map",
}
_CHANGING = os.O_WRONLY | os.O_RDWR
# What tells one file of a kind from another, so that all of a kind are one phase.
_SERIAL = re.compile(r"MAIN_[0-9a-z]{16}|[0-9]{8}T[0-9]{6}|[0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What a process is to run and how it is to be struck: the `time`-th time that it is in `phase`."""

    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    moment: datetime
    seed: int
    blow: Blow = "none"
    phase: str = ""
    time: int = 1
    file_limit: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a command ended: `code` is None where it was killed. `passed`: its phases in order, where it was not."""

    code: int | None
    out: str
    err: str
    passed: tuple[str, ...]
    struck: bool


def run_apart(order: Order, folder: Path) -> Outcome:
    """Run a command in a process of its own, struck as `order` says. `folder` is for what it tells of itself."""
    told = folder / "told.json"
    told.unlink(missing_ok=True)
    process = FORKING.Process(target=_work, args=(order, str(told)))
    process.start()
    process.join(120)
    if process.exitcode == -signal.SIGKILL:
        return Outcome(code=None, out="", err="", passed=(), struck=True)
    assert process.exitcode == 0, (order.arguments, process.exitcode)
    return Outcome(**json.loads(told.read_text(encoding="utf-8")))


def _work(order: Order, told: str) -> None:
    from gongshi.cli import run
    from gongshi.clock import World

    settle(order.environ)
    watch = Watch(order)
    out, err = io.StringIO(), io.StringIO()
    if order.file_limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (order.file_limit, resource.RLIM_INFINITY))
    watch.begin(Path(order.environ["GONGSHI_HOME"]))
    with redirect_stdout(out), redirect_stderr(err):
        code = run(order.arguments, World(now=lambda: order.moment, random=Random(order.seed)))
    watch.end()
    if order.file_limit is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    outcome = {
        "code": code,
        "out": out.getvalue(),
        "err": err.getvalue(),
        "passed": watch.passed,
        "struck": watch.struck,
    }
    Path(told).write_text(json.dumps(outcome, ensure_ascii=False), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)


class Watch:
    """Sees every instant of this process go by, and strikes at the one it was told."""

    def __init__(self, order: Order) -> None:
        self.passed: list[str] = []
        self.struck = False
        self._order = order
        self._times: Counter[str] = Counter()
        self._watching = False
        self._home = Path()

    def begin(self, home: Path) -> None:
        from sqlalchemy import Engine, event
        from sqlalchemy.pool import Pool

        self._home, self._watching = home, True
        event.listen(Engine, "before_cursor_execute", self._on_statement)
        event.listen(Engine, "commit", self._on_commit)
        event.listen(Engine, "rollback", self._on_rollback)
        event.listen(Pool, "checkin", self._on_checkin)
        sys.addaudithook(self._on_event)
        os.fsync = self._around(os.fsync)

    def end(self) -> None:
        self._watching = False

    def pass_one(self, phase: str, connection: Any = None) -> None:
        if not self._watching:
            return
        self.passed.append(phase)
        self._times[phase] += 1
        order = self._order
        if order.blow == "none" or self.struck or phase != order.phase or self._times[phase] != order.time:
            return
        if order.blow == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif connection is not None:
            self.struck = True
            _disconnect(connection)

    def _on_statement(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        found = _WRITES.match(statement)
        if not found:
            return
        written = connection.info.setdefault("written", set())
        name = _database(connection)
        self.pass_one(f"{found[1].lower()} {found[2]} of {name}".replace("  ", " "), connection)
        written.add(found[2])

    def _on_commit(self, connection: Any) -> None:
        written = connection.info.pop("written", set())
        if written:
            named = f"the commit of {_database(connection)} ({', '.join(sorted(written))})"
            self.pass_one(f"before {named}", connection)
            connection.info["committed"] = named

    def _on_rollback(self, connection: Any) -> None:
        if not connection.invalidated:
            connection.info.pop("written", None)

    def _on_checkin(self, _raw: Any, record: Any) -> None:
        named = record.info.pop("committed", None)
        if named:
            self.pass_one(f"after {named}")

    def _on_event(self, name: str, arguments: tuple[Any, ...]) -> None:
        if not self._watching:
            return
        if name == "mmap.__new__":
            self.pass_one("map a part of the index")
        elif name == "open" and isinstance(arguments[2], int) and arguments[2] & _CHANGING:
            self._on_file("open", arguments[0])
        elif name in _FILE_EVENTS:
            self._on_file(_FILE_EVENTS[name], arguments[0])

    def _on_file(self, what: str, path: Any) -> None:
        kind = self._kind(path)
        if kind is not None and not kind.endswith("lock"):
            self.pass_one(f"{what} {kind}")

    def _kind(self, path: Any) -> str | None:
        if isinstance(path, int):
            return None
        try:
            place = Path(os.fsdecode(path)).absolute().relative_to(self._home.absolute())
        except (TypeError, ValueError):
            return None
        return _SERIAL.sub("*", str(place))

    def _around(self, call: Callable[[int], None]) -> Callable[[int], None]:
        def passing(descriptor: int) -> None:
            kind = self._kind(Path(f"/proc/self/fd/{descriptor}").readlink()) if isinstance(descriptor, int) else None
            self.pass_one(f"before fsync of {kind}")
            call(descriptor)
            self.pass_one(f"after fsync of {kind}")

        return passing


def _database(connection: Any) -> str:
    name = Path(connection.engine.url.database or "").name
    return next((part for part in ("registry", "disclosed", "notifier") if part in name), name)


def _disconnect(connection: Any) -> None:
    """Have the server end the session of a connection of PostgreSQL, as an administrator or a failover does."""
    from sqlalchemy import create_engine, text

    other = create_engine(connection.engine.url)
    with other.connect() as admin:
        pid = connection.connection.dbapi_connection.info.backend_pid
        admin.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    other.dispose()
