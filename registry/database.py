"""Opening the registry."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from search_index.database import sqlite_file, upgrade, writing_engine


def open_engine(url: str) -> Engine:
    return writing_engine(url, journal_mode="WAL", secure_delete=True)


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
