"""Answers that take long: one at a time in each process, so that a thread is always free for those who look something up."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# How long a stream waits for a long poll to step aside; longer than a long poll sleeps between two looks.
_PATIENCE = 1.0


class Slow:
    """The turn of one process. A long poll takes it when it is free, and steps aside for a stream."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._wanted = threading.Event()

    @property
    def is_wanted(self) -> bool:
        """Whether a stream waits for whoever has the turn."""
        return self._wanted.is_set()

    @contextmanager
    def waiting(self) -> Iterator[bool]:
        """The turn for a long poll; False where it is not free."""
        mine = self._turn.acquire(blocking=False)
        try:
            yield mine
        finally:
            if mine:
                self._turn.release()

    def begin_stream(self) -> Callable[[], None] | None:
        """The turn for a stream: what gives it back, once, however often it is called. None where another has it."""
        self._wanted.set()
        try:
            if not self._turn.acquire(timeout=_PATIENCE):
                return None
        finally:
            self._wanted.clear()
        once = threading.Lock()

        def end() -> None:
            if once.acquire(blocking=False):
                self._turn.release()

        return end
