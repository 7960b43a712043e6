"""The folder where the portal drops what the public sends in, as files: read with care, removed, or put aside.

Whoever runs the portal can put anything there: links, pipes, folders, huge files, times of their choosing.
"""

from __future__ import annotations

import errno
import fcntl
import heapq
import os
import re
import shutil
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import chain, count
from pathlib import Path
from stat import S_ISREG

from registry.sealbox import LARGEST_ENVELOPE
from search_index.modes import make_private, open_lock
from search_index.submission import SUFFIX

BEFORE_ALL = (float("-inf"), "")
_LAST = float("inf")
_LAST_SECOND = 253_402_300_799  # of the year 9999: a file may say anything
_FINISHED = re.compile(rf"[0-9a-f]{{32}}{re.escape(SUFFIX)}")
# Carried by hand from an isolated network it may have been under way for long; longer than this nothing is.
_BELIEVABLE = timedelta(days=400)
# Of what is put aside so many files are kept at most: somebody could fill the disk with what cannot be opened.
_MOST_REFUSED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A file of the drop folder, read once: what is digested is what is opened."""

    path: Path
    content: bytes = field(repr=False)
    at: datetime

    @property
    def digest(self) -> str:
        return sha256(self.content).hexdigest()


class Unfit(Exception):
    """What lies there is no file that could be a submission."""


def find_arrival(said: datetime, file_time: datetime, now: datetime) -> datetime:
    """When a submission truly arrived: what it says of itself, but never later than its file, nor in the future.

    A time that nothing can have been under way since is not believed; then the other one counts, or now.
    """
    earliest = now - _BELIEVABLE
    times = [moment for moment in (said, file_time, now) if earliest <= moment <= now]
    return min(times)


def read_file(path: Path) -> Found:
    """Raises Unfit for what is no plain file of a possible size, and OSError."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise Unfit from None
        raise
    try:
        status = os.fstat(descriptor)
        if not S_ISREG(status.st_mode) or status.st_size > LARGEST_ENVELOPE:
            raise Unfit
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            content = file.read(LARGEST_ENVELOPE + 1)
    finally:
        os.close(descriptor)
    return Found(path=path, content=content, at=datetime.fromtimestamp(min(max(status.st_mtime, 0), _LAST_SECOND), UTC))


def list_oldest(drop: Path, most: int, behind: tuple[float, str]) -> tuple[list[tuple[float, str]], int]:
    """The oldest finished files behind one, and how many more there are; however many there are, few are held at once.

    What is no plain file comes behind all others: it is no submission, and may be something that cannot be moved.
    """
    more = 0

    def finished() -> Iterator[tuple[float, str]]:
        nonlocal more
        with os.scandir(drop) as entries:
            for entry in entries:
                if _FINISHED.fullmatch(entry.name):
                    with suppress(FileNotFoundError):
                        status = entry.stat(follow_symlinks=False)
                        key = (status.st_mtime if S_ISREG(status.st_mode) else _LAST, entry.name)
                        if key > behind:
                            more += 1
                            yield key

    try:
        oldest = heapq.nsmallest(most, finished())
    except FileNotFoundError:
        return [], 0
    return oldest, more - len(oldest)


def remove(path: Path) -> bool:
    """Whether it is gone: known by its digest, what cannot be removed now is met and removed later."""
    with suppress(OSError):
        path.unlink(missing_ok=True)
    return not os.path.lexists(path)


def move_aside(path: Path, folder: Path) -> bool:
    """Whether it is gone from where it was. What is put aside keeps its name, and a number behind it where something else has
    that; what cannot be moved is removed."""
    make_private(folder)
    with suppress(OSError):
        kept = {entry.name for entry in folder.iterdir()}
        if len(kept) >= _MOST_REFUSED or _is_same(path, folder / path.name):
            _discard(path)
        else:
            _move(path, folder / _name_apart(path.name, kept))
    return not os.path.lexists(path)


def _is_same(path: Path, kept: Path) -> bool:
    """Whether two plain files hold the same: it came again, or a killed collector had carried it over."""
    with suppress(OSError):
        one, other = path.lstat(), kept.lstat()
        plain = S_ISREG(one.st_mode) and S_ISREG(other.st_mode)
        if plain and one.st_size == other.st_size <= LARGEST_ENVELOPE:
            return read_file(path).digest == read_file(kept).digest
    return False


def _name_apart(name: str, taken: Set[str]) -> str:
    """`name`, or the first of `name.2`, `name.3` … that nothing has."""
    others = (f"{name}.{number}" for number in count(2))
    return next(one for one in chain([name], others) if one not in taken)


def _move(path: Path, target: Path) -> None:
    try:
        path.rename(target)
    except OSError as error:
        if error.errno == errno.EXDEV:
            _carry_over(path, target)
        else:
            # A folder of somebody else's cannot be moved.
            _discard(path)


def _carry_over(path: Path, target: Path) -> None:
    """The two folders are on different disks: what is no plain file, or too large to be one of ours, is not carried."""
    status = path.lstat()
    if S_ISREG(status.st_mode) and status.st_size <= LARGEST_ENVELOPE:
        shutil.copyfile(path, target, follow_symlinks=False)
    _discard(path)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def alone(path: Path) -> Iterator[bool]:
    """Whether this process is the only one that collects, as long as it does; a killed one leaves no lock."""
    with open_lock(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
