"""Databases that nobody else has."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text

PARTS = ("registry", "disclosed", "notifier")


@contextmanager
def fresh_databases(
    kind: str,
    password: str | None = None,
    parts: Sequence[str] = PARTS,
    like: Mapping[str, str] | None = None,
) -> Iterator[dict[str, str]]:
    """The settings that choose the databases: none for SQLite in the home, three fresh ones on PostgreSQL, or copies of
    those that the settings `like` name, to which nobody is connected.

    `password` stands in their addresses where the server that tests are given has none: a server that trusts who asks
    does not look at it, and every message that shows it can be told.
    """
    if kind == "sqlite":
        yield {}
        return
    server = make_url(os.environ["GONGSHI_TEST_POSTGRES"])
    given = server if server.password or password is None else server.set(password=password)
    names = {part: f"gongshi_{part}_{uuid4().hex[:12]}" for part in parts}
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for part, name in names.items():
            template = f" TEMPLATE {make_url(like[_setting(part)]).database}" if like else ""
            connection.execute(text(f"CREATE DATABASE {name}{template}"))
    yield {
        _setting(part): given.set(database=name).render_as_string(hide_password=False) for part, name in names.items()
    }
    with admin.connect() as connection:
        for name in names.values():
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


def _setting(part: str) -> str:
    return f"GONGSHI_{part.upper()}_URL"
