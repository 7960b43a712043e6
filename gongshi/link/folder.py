"""A folder that somebody carries: files are put into it whole or not at all, and read as what anybody may have put there."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISREG

from search_index.modes import open_lock

UNFINISHED = ".new-"
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class LinkRefused(Exception):
    """Nothing can be taken over or handed on. The message is for the administrator (Chinese)."""


def require_folder(folder: Path) -> None:
    """Raises LinkRefused where it is not there: a disk that is not mounted must not be taken for an empty one."""
    if not folder.is_dir():
        raise LinkRefused(f"没有这个目录：{folder}。请先建立目录，用移动存储的，请先插好并挂载")


def put_whole(folder: Path, name: str, content: bytes, *, mode: int = 0o644) -> None:
    """Put a file in place of what has its name, whole and for good. Raises OSError."""
    new = folder / f"{UNFINISHED}{name}"
    with suppress(FileNotFoundError):
        new.unlink()
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        # Whatever the umask; some disks that are carried about know no modes.
        with suppress(OSError):
            os.fchmod(descriptor, mode)
        os.fsync(descriptor)
    new.replace(folder / name)
    settle(folder)


def settle(folder: Path) -> None:
    """Have the names in a folder kept by its disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        # Some file systems of removable disks know no such thing.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_bounded(path: Path, most: int) -> bytes | None:
    """What a plain file holds, up to `most` bytes; None for what is none, or larger. Raises OSError."""
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:
        if path.is_symlink() or not path.exists() or not path.is_file():
            return None
        raise
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not S_ISREG(status.st_mode) or status.st_size > most:
            return None
        content = file.read(most + 1)
    return content if len(content) <= most else None


def clear_unfinished(folder: Path) -> None:
    """Remove what a killed process of ours had begun in a folder."""
    for path in folder.glob(f"{UNFINISHED}*"):
        path.unlink(missing_ok=True)


@contextmanager
def alone(lock: Path, *, wait: bool = False) -> Iterator[None]:
    """One process at a time; a killed one leaves no lock. Raises LinkRefused, unless it is to `wait`."""
    with open_lock(lock) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LinkRefused("另一个进程正在办理同样的事，请等它结束后再试") from None
        yield
