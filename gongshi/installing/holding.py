"""Who has a home open, and keeping everybody else out of it while it is upgraded.

Processes of this version hold a shared lock on `registry/upgrade.lock`; those of earlier ones are found by the files they
have open, and kept out by the databases' own locks.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from gongshi.installing.release import UpgradeRefused
from gongshi.settings import Settings
from search_index.database import sqlite_file
from search_index.modes import open_lock

LOCK = "upgrade.lock"
_PATIENCE = 2.0  # seconds for a reader to finish
_SHOWN = 5


def hold_open(settings: Settings) -> Callable[[], None]:
    """Be known to have a home open until what is returned is called. Raises UpgradeRefused while it is upgraded."""
    try:
        lock = open_lock(settings.private / LOCK)
    except OSError:
        # A full disk keeps no departure back: an upgrade finds this process by the files it has open.
        return lambda: None
    try:
        fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise UpgradeRefused("数据目录正在升级，请等 gongshi upgrade 结束后再试") from None
    return lock.close


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Be the only process of this version that has a home open. Raises UpgradeRefused, naming those that have."""
    with open_lock(settings.private / LOCK) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UpgradeRefused(f"数据目录正被使用：{_tell(list_holders(settings))}请先停止再升级") from None
        yield


def list_holders(settings: Settings) -> list[str]:
    """Other processes that have a database of a home open, as far as this user may see."""
    urls = (settings.registry_database, settings.notifier_database, settings.disclosed_database)
    files = [path for url in urls if (path := sqlite_file(url)) is not None]
    known = {_identify(path) for path in (*files, settings.private / LOCK)} - {None}
    found = []
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid() and known & set(_open_files(process)):
            found.append(f"进程 {process.name}（{_command(process)}）")
    return sorted(found)


def refuse_holders(settings: Settings) -> None:
    """Raises UpgradeRefused where another process, of whichever version, has a database of the home open."""
    if holders := list_holders(settings):
        raise UpgradeRefused(f"数据目录正被使用：{_tell(holders)}请先停止再升级")


@contextmanager
def locked(paths: Sequence[Path]) -> Iterator[list[sqlite3.Connection]]:
    """SQLite files that nobody else can write or read until the end, each whole in its one file, with a connection to copy
    it by. They must not be opened otherwise meanwhile: closing a file lets go of its locks. Raises UpgradeRefused."""
    with ExitStack() as opened:
        connections = []
        for path in paths:
            connection = sqlite3.connect(path, isolation_level=None, timeout=_PATIENCE)
            opened.callback(connection.close)
            try:
                connection.execute("PRAGMA locking_mode=EXCLUSIVE")
                connection.execute("PRAGMA journal_mode=DELETE")
                connection.execute("BEGIN EXCLUSIVE")
                connection.execute("COMMIT")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error):
                    raise
                raise UpgradeRefused(f"{path.name} 正被其他程序使用：请停止全部服务和命令后再试") from None
            connections.append(connection)
        yield connections


def _tell(holders: Sequence[str]) -> str:
    if not holders:
        return "有其他程序正在运行，"
    more = f"等 {len(holders)} 个进程" if len(holders) > _SHOWN else ""
    return f"{'、'.join(holders[:_SHOWN])}{more}，"


def _open_files(process: Path) -> Iterator[tuple[int, int] | None]:
    try:
        links = list((process / "fd").iterdir())
    except OSError:
        return  # It has ended, or is another user's.
    yield from (_identify(link) for link in links)


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _command(process: Path) -> str:
    # Its options may name people.
    try:
        words = (process / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return "已结束"
    names = [Path(word).name for word in words[:1]] + [word for word in words[1:6] if word in _OURS]
    return " ".join(dict.fromkeys(names)) or "未知"


_OURS = frozenset({"gongshi", "worker", "serve", "portal", "desk", "gateway", "units", "metrics"})
