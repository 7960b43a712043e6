"""Whose turn it is to write. A departure goes ahead of bulk work, which steps aside between its chunks.

SQLite lets one writer in at a time and is not fair about it: a bulk job that writes without a pause could keep a
departure waiting for as long as it runs. These are locks of the operating system, so a killed process leaves none.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TypeVar

from search_index.modes import open_lock

Item = TypeVar("Item")


class Busy(Exception):
    """Another process holds this and it is not worth waiting for."""


class Turns:
    def __init__(self, folder: Path) -> None:
        self._ahead = folder / "ahead.lock"
        self._import = folder / "import.lock"
        self._store = folder / "store.lock"

    @contextmanager
    def go_ahead(self) -> Iterator[None]:
        """Hold while a departure is carried out."""
        with _locked(self._ahead, fcntl.LOCK_EX):
            yield

    def step_aside(self) -> None:
        """Bulk work calls this before each chunk: it returns when no departure is waiting or under way."""
        with _locked(self._ahead, fcntl.LOCK_EX):
            pass

    @contextmanager
    def importing(self) -> Iterator[None]:
        """One import at a time. Raises Busy."""
        with try_lock(self._import, "另一项导入正在进行，请等它结束后再试"):
            yield

    @contextmanager
    def feeding_store(self, *, wait: bool = True) -> Iterator[bool]:
        """One process at a time feeds the store and its index in order; departures need not wait for it.

        Yields whether the turn is ours, which without `wait` it may not be.
        """
        with open_lock(self._store) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


@contextmanager
def try_lock(path: Path, busy: str) -> Iterator[None]:
    """Hold a lock of the operating system that nobody else holds; a killed process leaves none. Raises Busy, saying `busy`."""
    with open_lock(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Busy(busy) from None
        yield


@contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    with open_lock(path) as file:
        fcntl.flock(file, how)
        yield


def chunks(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Consecutive lists of at most `size`."""
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
