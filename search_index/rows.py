"""How the disclosed store keeps its rows: instants as text that sorts, and rows put in or replaced."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from sqlalchemy import Connection, Table

from search_index.day import SHANGHAI


def utc(at: datetime) -> str:
    """An aware instant as UTC text of one width, which sorts as time does."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def local(text: str) -> datetime:
    """What `utc` wrote, at the court's offset: readers are shown it."""
    return datetime.fromisoformat(text).astimezone(SHANGHAI)


def upsert(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Put rows in, each in place of the one with its primary key."""
    if not rows:
        return
    insert = import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert
    keys = [column.name for column in table.primary_key]
    statement = insert(table)
    others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    connection.execute(statement.on_conflict_do_update(index_elements=keys, set_=others), rows)
