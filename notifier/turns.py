"""Turns of several senders at one SQLite file.

SQLite lets one writer in at a time, and has the others ask again after naps that grow: senders side by side would sleep
more than they work. A lock of the operating system wakes the next one at once, and a killed process leaves none behind.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from search_index.modes import open_lock

_LOCK = "sending.lock"


def take_turn(connection: Connection, folder: Path) -> AbstractContextManager[Session]:
    """A session within a transaction of its own. `folder` is the notifier's."""
    return _turn(connection, _locked(folder / _LOCK) if connection.dialect.name == "sqlite" else nullcontext())


@contextmanager
def _turn(connection: Connection, lock: AbstractContextManager[None]) -> Iterator[Session]:
    with lock, Session(connection) as session, session.begin():
        yield session


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with open_lock(path) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
