"""A witness log on the disk: lines are only added, by several processes, and are safe there when `append` returns."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import structlog

from gongshi.errorlog import log_error
from gongshi.safety.witness_lines import Contents, Log, read_log, read_number, write_line
from registry.vault import Vault
from search_index.durable import sync_folder
from search_index.modes import open_private

PATIENCE = 5.0
_BLOCK = 1 << 16
_MOST_OWED = 10_000

Entry = tuple[Mapping[str, Any], Mapping[str, Any]]
"""What may be read in clear, and what is sealed."""


class WitnessFile:
    """One copy of a log. `begin` gives the first line of a file that is new. With `patience` no call waits longer than so
    many seconds: a disk of another machine may not answer for as long as it likes."""

    def __init__(self, path: Path, log: Log, begin: Callable[[], Entry], patience: float | None = None) -> None:
        self.path, self.log = path, log
        self._begin, self._patience = begin, patience
        self._known: tuple[int, int, int] | None = None
        self._at_work: Thread | None = None
        self._owed: Sequence[Entry] = ()

    def append(self, vault: Vault, entries: Sequence[Entry]) -> None:
        """Add lines, and return when they are on the disk. Raises OSError, and then none of them counts; TimeoutError where
        that took too long, and then they may. Both times they go before the next ones: a line that is there twice does no
        harm, and one that is missing from the only copy that is left has something sent again."""
        entries = [*self._owed, *entries]
        # Taken first: what is lost of more than this, the daily mending finds in the other copy.
        self._owed = entries[-_MOST_OWED:]
        self._take(vault, entries)
        self._owed = ()

    def _take(self, vault: Vault, entries: Sequence[Entry]) -> None:
        if self._patience is None:
            self._append(vault, entries)
            return
        if self._at_work is not None and self._at_work.is_alive():
            raise TimeoutError("the disk has not answered the call before")
        failed: list[Exception] = []

        def work() -> None:
            try:
                self._append(vault, entries)
            except Exception as error:
                failed.append(error)

        self._at_work = Thread(target=work, name="witness", daemon=True)
        self._at_work.start()
        self._at_work.join(self._patience)
        if self._at_work.is_alive():
            raise TimeoutError("the disk does not answer")
        if failed:
            raise failed[0]

    def _append(self, vault: Vault, entries: Sequence[Entry]) -> None:
        new = not self.path.exists()
        descriptor = open_private(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            size, number, is_whole = self._find_end(descriptor)
            # A line that was cut short by a fault of the disk must not swallow the next one.
            written = [] if is_whole else [b"\n"]
            for line, rest in entries if size else [self._begin(), *entries]:
                number += 1
                written.append(write_line(self.log, vault, number, line, rest))
            _write(descriptor, b"".join(written))
            os.fsync(descriptor)
            found = os.fstat(descriptor)
            self._known = (found.st_ino, found.st_size, number)
        finally:
            os.close(descriptor)
        if new:
            sync_folder(self.path.parent)

    def has_begun(self) -> bool:
        """Whether it has a first line: an installation may lay an empty file."""
        try:
            return self.path.stat().st_size > 0
        except OSError:
            return False

    def read(self, vault: Vault) -> Contents:
        """All that is in it; nothing where there is no file. Raises OSError."""
        with suppress(FileNotFoundError):
            return read_log(self.log, vault, self.path.read_bytes())
        return Contents()

    def _find_end(self, descriptor: int) -> tuple[int, int, bool]:
        """The size of the file, the number of its last whole line, and whether it ends with a whole line."""
        found = os.fstat(descriptor)
        if found.st_size == 0:
            return 0, 0, True
        if self._known is not None and self._known[:2] == (found.st_ino, found.st_size):
            return found.st_size, self._known[2], True
        is_whole = os.pread(descriptor, 1, found.st_size - 1) == b"\n"
        length = _BLOCK
        while True:
            start = max(0, found.st_size - length)
            *whole, _ = os.pread(descriptor, found.st_size - start, start).split(b"\n")
            # The first piece may lack its beginning.
            for text in reversed(whole if start == 0 else whole[1:]):
                if (number := read_number(text)) is not None:
                    return found.st_size, number, is_whole
            if start == 0:
                return found.st_size, 0, is_whole
            length *= 4


def open_copies(log: Log, own: Path, second: Path | None, begin: Callable[[], Entry]) -> tuple[WitnessFile, ...]:
    """The copy of a log in the home, and the one elsewhere where there is to be one."""
    copies = [WitnessFile(own / log, log, begin)]
    if second is not None:
        copies.append(WitnessFile(second / log, log, begin, PATIENCE))
    return tuple(copies)


def note_failure(error: Exception) -> None:
    """Write down that a log could not be written, where there is a log of the process; a command's output is its answer."""
    if structlog.is_configured():
        log_error(error)


def _write(descriptor: int, content: bytes) -> None:
    left = memoryview(content)
    while left:
        left = left[os.write(descriptor, left) :]
