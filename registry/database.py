"""Opening the registry."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from search_index.database import BUSY_MS, sqlite_file, upgrade, without_transaction, writing_engine
from search_index.modes import make_private

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


def migrate(url: str) -> None:
    """Bring the registry's tables to this version; safe to repeat. Raises NewerDatabase."""
    if path := sqlite_file(url):
        make_private(path.parent, parents=True)
    upgrade(url, Path(__file__).with_name("migrations"), "登记库")
