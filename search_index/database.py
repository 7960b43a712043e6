"""Opening the databases: what SQLite must be told so that several processes can share a file, in one place."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    NullPool,
    QueuePool,
    Select,
    TypeDecorator,
    create_engine,
    event,
    make_url,
)
from sqlalchemy.engine import URL, Connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from search_index.modes import touch_private

BUSY_MS = 15_000
_CACHE_KB = 16_384  # of pages, for each kept connection; SQLite lets go of them when the file has changed
_READING = "gongshi_reading"
_ALONE = "gongshi_alone"

Begin = Literal["BEGIN", "BEGIN IMMEDIATE"]
JournalMode = Literal["WAL", "TRUNCATE"]


def writing_engine(url: str, *, journal_mode: JournalMode, secure_delete: bool = False) -> Engine:
    """An engine whose transactions may write. On SQLite each takes the write lock when it begins, so that two
    writers queue up instead of failing half-way."""
    parsed = make_url(url)
    # hide_parameters: the message of an error would otherwise hold what was to be stored.
    if not _is_sqlite(parsed):
        return create_engine(parsed, hide_parameters=True, pool_pre_ping=True)
    pragmas = [
        f"PRAGMA busy_timeout={BUSY_MS}",
        f"PRAGMA journal_mode={journal_mode}",
        "PRAGMA synchronous=FULL",
        "PRAGMA foreign_keys=ON",
        f"PRAGMA secure_delete={'ON' if secure_delete else 'OFF'}",
    ]
    # Without WAL it is the disclosed store, whose file a rebuild replaces: a kept connection would go on writing
    # into the file that nobody reads any more.
    engine = create_engine(parsed, hide_parameters=True, poolclass=NullPool if journal_mode == "TRUNCATE" else None)
    _prepare_sqlite(engine, pragmas, "BEGIN IMMEDIATE")
    return engine


def reading_engine(url: str) -> Engine:
    """An engine that cannot write, for the portal.

    SQLite files are opened `mode=ro`. A connection is kept for the next transaction of the same process, as long as
    its file is the one that the name leads to: a rebuild replaces the file. PostgreSQL transactions are read only
    and see one moment.
    """
    parsed = make_url(url)
    if not _is_sqlite(parsed):
        engine = create_engine(parsed, hide_parameters=True, pool_pre_ping=True, isolation_level="REPEATABLE READ")

        @event.listens_for(engine, "connect")
        def on_connect(connection: Any, _record: ConnectionPoolEntry) -> None:
            connection.read_only = True

        return engine
    path = Path(parsed.database or "").absolute()
    engine = create_engine(
        parsed, hide_parameters=True, creator=lambda: _open_to_read(path), poolclass=QueuePool, max_overflow=-1
    )
    pragmas = [f"PRAGMA busy_timeout={BUSY_MS}", "PRAGMA query_only=ON", f"PRAGMA cache_size=-{_CACHE_KB}"]
    _prepare_sqlite(engine, pragmas, "BEGIN")

    @event.listens_for(engine, "checkout")
    def on_checkout(connection: Any, record: Any, proxy: Any) -> None:
        if connection.process != os.getpid():
            # Inherited over a fork: it is not this process's to use, nor to close.
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError("opened by another process")
        if connection.file != _identify(path):
            raise DisconnectionError("the file was replaced")

    return engine


class _Compiled(NamedTuple):
    """A question in the words of one database; `names` are its parameters in order, where they go by place."""

    text: str
    names: list[str] | None
    constants: dict[str, Any]


class Reading:
    """One short transaction that only reads. Its questions go to the driver as they were compiled the first time:
    SQLAlchemy would take several times as long to ask them as the database takes to answer."""

    def __init__(self, cursor: Any, compile_once: Callable[[Select[Any]], _Compiled]) -> None:
        self._cursor = cursor
        self._compile = compile_once

    def ask(self, query: Select[*tuple[Any, ...]], values: Mapping[str, Any]) -> list[Any]:
        """The rows that answer, as tuples. The question's parameters are plain text or numbers."""
        asked = self._compile(query)
        given = {**asked.constants, **values}
        self._cursor.execute(asked.text, given if asked.names is None else [given[name] for name in asked.names])
        rows: list[Any] = self._cursor.fetchall()
        return rows


class ReadingSide:
    """A database to be read: gives short transactions, each of which sees one moment."""

    def __init__(self, url: str) -> None:
        self._engine = reading_engine(url)
        self._begins = self._engine.dialect.name == "sqlite"
        self._compile = lru_cache(maxsize=128)(self._compile_for_dialect)

    @contextmanager
    def reading(self) -> Iterator[Reading]:
        """Raises what the driver or the pool raises: see `errors`."""
        pooled = self._engine.raw_connection()
        try:
            cursor = pooled.cursor()
            if self._begins:
                cursor.execute("BEGIN")
            yield Reading(cursor, self._compile)
        finally:
            # The pool rolls back, which ends a transaction that only read.
            pooled.close()

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What says that the database cannot be read."""
        driver: Any = self._engine.dialect.loaded_dbapi
        return DBAPIError, driver.Error

    def close(self) -> None:
        self._engine.dispose()

    def _compile_for_dialect(self, query: Select[Any]) -> _Compiled:
        compiled: Any = query.compile(dialect=self._engine.dialect)
        constants = {name: value for name, value in compiled.params.items() if value is not None}
        return _Compiled(compiled.string, compiled.positiontup, constants)


def for_reading(engine: Engine) -> Engine:
    """The same engine for transactions that only read: on SQLite they do not queue up behind writers."""
    return engine.execution_options(**{_READING: True})


def without_transaction(engine: Engine) -> Engine:
    """The same engine for what a database does only outside any transaction, such as VACUUM."""
    if engine.dialect.name == "sqlite":
        # Not AUTOCOMMIT: SQLAlchemy would give the connection back to the pool with transactions of sqlite3's own.
        return engine.execution_options(**{_ALONE: True})
    return engine.execution_options(isolation_level="AUTOCOMMIT")


class NewerDatabase(Exception):
    """The database was made by a later version of the product. The message is for the administrator."""


def upgrade(url: str, migrations: Path, name: str) -> None:
    """Bring a private database to the newest revision of an Alembic folder. A SQLite file is private. `name` is what it
    is called to people. Raises NewerDatabase."""
    # Most commands never migrate, and Alembic takes longer to load than they take to run.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    if path := sqlite_file(url):
        touch_private(path)
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    try:
        command.upgrade(config, "head")
    except CommandError:
        told = f"{name}是由更新的版本建立或升级的，本版本不能使用：请安装那个版本，或从备份恢复"
        raise NewerDatabase(told) from None


def sqlite_file(url: str) -> Path | None:
    """The file behind a SQLite URL; None for any other database."""
    parsed = make_url(url)
    return Path(parsed.database) if _is_sqlite(parsed) and parsed.database else None


def _is_sqlite(url: URL) -> bool:
    return url.get_backend_name() == "sqlite"


class _Reading(sqlite3.Connection):
    """A connection that knows the file it was opened on, and the process that opened it."""

    file: tuple[int, int] | None = None
    process: int = 0

    def __del__(self) -> None:
        # A pool that is dropped drops its connections, of which Python 3.13 warns. One that never opened has no process.
        if self.process:
            self.close()


def _open_to_read(path: Path) -> _Reading:
    # Looked at before it is opened: one replaced in between is taken for the older, and opened again the next time.
    file = _identify(path)
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, check_same_thread=False, factory=_Reading)
    connection.file, connection.process = file, os.getpid()
    return connection


def _identify(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _prepare_sqlite(engine: Engine, pragmas: list[str], begin: Begin) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        # sqlite3 would otherwise begin by itself, and only before the first write: reads of one
        # transaction could then see two states.
        raw: Any = connection
        raw.isolation_level = None
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        if not options.get(_ALONE):
            connection.exec_driver_sql("BEGIN" if options.get(_READING) else begin)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: aware in Python, UTC in the database. A naive one is refused rather than guessed."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs an offset")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value
