"""Opening the registry."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from search_index.database import BUSY_MS, sqlite_file, upgrade, without_transaction, writing_engine

_PATIENCE_MS = 500


def open_engine(url: str) -> Engine:
    return writing_engine(url, journal_mode="WAL", secure_delete=True)


def settle(engine: Engine) -> None:
    """Let go of the bytes of what was erased: on SQLite they stay in the log, and in the file behind it, for as long
    as any process has the database open; on PostgreSQL in old row versions. What is in use now goes the next time."""
    with without_transaction(engine).connect() as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("VACUUM journal")
            return
        # A departure must not wait until somebody has finished reading.
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE_MS}")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_MS}")


class NewerDatabase(Exception):
    """The database was made by a later version of the product. The message is for the administrator."""


def migrate(url: str) -> None:
    """Bring the registry's tables to this version; safe to repeat. Raises NewerDatabase."""
    from alembic.util import CommandError

    if path := sqlite_file(url):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        upgrade(url, Path(__file__).with_name("migrations"))
    except CommandError:
        raise NewerDatabase("登记库是由更新的版本建立或升级的，本版本不能使用：请安装那个版本，或从备份恢复") from None
