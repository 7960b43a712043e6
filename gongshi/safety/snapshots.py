"""Copies of the two private databases of one moment each, while everything runs."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.engine import URL

from gongshi.safety.refusal import SafetyRefused
from search_index.database import BUSY_MS, sqlite_file
from search_index.modes import touch_private

_PATIENCE = 3600  # seconds


class SnapshotFailed(SafetyRefused):
    """A database could not be copied, or the copy is not whole. The message is for the administrator."""


def name_of(url: str, part: str) -> str:
    """What the copy of the database of `part` (registry, notifier) is called in a backup."""
    return f"{part}/{part}.db" if sqlite_file(url) else f"{part}/{part}.dump"


def copy_database(url: str, target: Path) -> None:
    """Copy a database into the new file `target`. Raises SnapshotFailed or OSError."""
    touch_private(target)
    path = sqlite_file(url)
    if path is None:
        _dump(make_url(url), target)
        return
    try:
        with closing(sqlite3.connect(path, timeout=BUSY_MS / 1000, isolation_level=None)) as source:
            # One read transaction, for which no writer waits. What was erased is not in the copy.
            source.execute("VACUUM INTO ?", [str(target)])
    except sqlite3.Error as error:
        raise SnapshotFailed(_explain(error, path.name)) from None


def measure_database(url: str) -> int:
    """About how large a copy will be."""
    path = sqlite_file(url)
    if path is not None:
        return sum(one.stat().st_size for one in (path, Path(f"{path}-wal")) if one.exists())
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return int(connection.scalar(text("SELECT pg_database_size(current_database())")) or 0)
    finally:
        engine.dispose()


def check_copy(copy: Path) -> None:
    """Whether the copy of a database is whole. Raises SnapshotFailed."""
    if copy.suffix == ".dump":
        _run([_tool("pg_restore"), "--list", str(copy)], {}, "备份中的数据库转储不完整")
        return
    try:
        with closing(sqlite3.connect(f"{copy.as_uri()}?mode=ro&immutable=1", uri=True)) as opened:
            found = [row[0] for row in opened.execute("PRAGMA integrity_check(5)")]
    except sqlite3.Error as error:
        raise SnapshotFailed(_explain(error, copy.name)) from None
    if found != ["ok"]:
        raise SnapshotFailed(f"{copy.name} 没有通过完整性检查：原来的数据库可能已经损坏，请运行 gongshi doctor")


def _dump(url: URL, target: Path) -> None:
    options = dict(url.query)
    address = [
        *(["--host", str(host)] if (host := url.host or options.get("host")) else []),
        *(["--port", str(url.port)] if url.port else []),
        *(["--username", url.username] if url.username else []),
        "--dbname",
        url.database or "",
    ]
    secret = {"PGPASSWORD": str(url.password)} if url.password else {}
    arguments = [_tool("pg_dump"), "--format=custom", "--no-owner", "--no-password", f"--file={target}", *address]
    _run(arguments, secret, "数据库服务器没有完成转储（pg_dump）")


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SnapshotFailed(f"没有 {name}：请安装 postgresql-client，其版本不低于数据库服务器")
    return found


def _run(arguments: list[str], secret: dict[str, str], failed: str) -> None:
    try:
        ended = subprocess.run(  # noqa: S603  # a tool of the system, its arguments from the settings
            arguments,
            env={**os.environ, **secret},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SnapshotFailed(f"{failed}：一小时还没有结束") from None
    if ended.returncode:
        # What it says may hold an address; only what helps is taken from it.
        mismatch = b"version mismatch" in ended.stderr
        hint = "其版本低于数据库服务器，请安装相同版本的 postgresql-client" if mismatch else "请检查连接和磁盘"
        raise SnapshotFailed(f"{failed}：{hint}")


def _explain(error: sqlite3.Error, name: str) -> str:
    said = str(error)
    if "full" in said:
        return f"复制 {name} 时磁盘已满，请腾出空间后重试"
    if "locked" in said:
        return f"{name} 正被其他程序占用，请稍后重试"
    return f"{name} 不能复制：文件可能已经损坏，请运行 gongshi doctor"
