"""Who may open what is made in a home: said by the folder it goes into.

A home of one user holds files that are its owner's alone. In a home of several users, each process its own, the private
folders are set-gid: what is made in them belongs to their group, and the group may read and write it. What the public may
see anybody may read, in both. SQLite gives the files beside a database the mode of the database.
"""

from __future__ import annotations

import os
import stat
import tempfile
from pathlib import Path
from typing import IO

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def is_shared(folder: Path) -> bool:
    """Whether what is made in `folder` belongs to a group of users. Raises OSError where it is not there."""
    return bool(folder.stat().st_mode & stat.S_ISGID)


def private_mode(folder: Path) -> int:
    """The mode of a private file in `folder`."""
    return 0o660 if is_shared(folder) else 0o600


def public_mode(folder: Path) -> int:
    """The mode of a file in `folder` that anybody may read."""
    return 0o664 if is_shared(folder) else 0o644


def open_private(path: Path, flags: int) -> int:
    """A descriptor of a private file, made where `flags` say so. Raises OSError."""
    mode = private_mode(path.parent)
    descriptor = os.open(path, flags, mode)
    _settle(descriptor, mode)
    return descriptor


def open_lock(path: Path) -> IO[bytes]:
    """A private file to hold a lock on, made where there is none. Raises OSError."""
    return os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")


def touch_private(path: Path) -> None:
    """A private file, empty where there was none; one that is there is left as it is. Raises OSError."""
    try:
        os.close(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        pass


def settle_public(target: int | Path, folder: Path) -> None:
    """Let anybody read a file of `folder` that this process has made, whatever the umask. Raises OSError."""
    _settle(target, public_mode(folder))


def make_private(folder: Path, *, parents: bool = False) -> None:
    """A private folder where there is none. With `parents` what is missing above it is made alike. Raises OSError."""
    _make(folder, 0o770, 0o700, parents=parents)


def make_public(folder: Path, *, parents: bool = False) -> None:
    """A folder that anybody may list, where there is none. Raises OSError."""
    _make(folder, 0o775, 0o755, parents=parents)


def open_to_all(folder: Path) -> None:
    """Let anybody list a folder of this process's user, where that is not so. Raises OSError."""
    _settle(folder, 0o775 if is_shared(folder) else 0o755)


def make_aside(prefix: str, parent: Path) -> Path:
    """A new private folder in `parent` under a name that nothing has. Raises OSError."""
    if not is_shared(parent):
        return Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    while True:
        folder = parent / f"{prefix}{os.urandom(8).hex()}"
        try:
            folder.mkdir(mode=0o770)
        except FileExistsError:
            continue
        _settle(folder, 0o770)
        return folder


def list_loose(folder: Path) -> list[Path]:
    """What of `folder`, and in it, users can open who should not. A set-gid folder is its group's, another its owner's."""
    return [path for path in (folder, *folder.rglob("*")) if _is_loose(path)]


def _is_loose(path: Path) -> bool:
    try:
        mode, above = path.lstat().st_mode, path.parent.stat().st_mode
    except FileNotFoundError:
        return False  # It has gone since it was listed.
    if stat.S_ISLNK(mode):
        return False
    shared = bool((mode if stat.S_ISDIR(mode) else above) & stat.S_ISGID)
    others = mode & (stat.S_IRWXO if shared else _OTHERS)
    return bool(others) and bool(above & stat.S_IXOTH)


def _make(folder: Path, shared: int, alone: int, *, parents: bool) -> None:
    missing = [path for path in (folder, *folder.parents) if not path.exists()] if parents else [folder]
    for path in reversed(missing):
        mode = shared if is_shared(path.parent) else alone
        try:
            path.mkdir(mode=mode)
        except FileExistsError:
            continue
        _settle(path, mode)


def _settle(target: int | Path, mode: int) -> None:
    """Give what this user has made its mode, where the umask took something away. The bit of the group stays: to set it is
    what a sandbox forbids, and a chmod without it takes it away."""
    found = os.stat(target)  # noqa: PTH116  # a descriptor or a path
    if stat.S_IMODE(found.st_mode) & 0o777 != mode and found.st_uid == os.geteuid():
        os.chmod(target, mode | (found.st_mode & stat.S_ISGID))  # noqa: PTH101
