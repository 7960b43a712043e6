"""Opening the registry."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from search_index.database import sqlite_file, upgrade, writing_engine


def open_engine(url: str) -> Engine:
    return writing_engine(url, journal_mode="WAL", secure_delete=True)


def migrate(url: str) -> None:
    """Bring the registry's tables to this version; safe to repeat."""
    if path := sqlite_file(url):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    upgrade(url, Path(__file__).with_name("migrations"))
