"""What an upgrade replaces: the SQLite files of a home and its index, each prepared beside the one in use.

`registry.db` is prepared as `registry.db.new`, and kept as `registry.db.old` until the new one has been looked at. Every
step may be repeated, and goes on from where a killed one stopped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from gongshi.settings import Settings
from search_index.database import sqlite_file
from search_index.durable import sync_folder

_BESIDE = ("-wal", "-shm", "-journal")
# Inode, size and time of change of a file: who writes it changes them.
Print = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """A file or folder that is replaced."""

    live: Path

    @property
    def new(self) -> Path:
        return self.live.with_name(f"{self.live.name}.new")

    @property
    def old(self) -> Path:
        return self.live.with_name(f"{self.live.name}.old")

    @property
    def trial(self) -> Path:
        return self.live.with_name(f"{self.live.name}.trial")


def list_parts(settings: Settings) -> list[Part]:
    """What is replaced, in the order in which it is: the registry first, since its name decides what a home is."""
    files = (settings.registry_database, settings.notifier_database, settings.disclosed_database)
    databases = [Part(path.absolute()) for url in files if (path := sqlite_file(url)) is not None]
    return [*databases, Part(settings.index_folder.absolute())]


def take_print(path: Path) -> Print:
    """What shows later whether anybody has written a file. The file itself is not opened: closing it would let go of the
    locks that this process holds on it."""
    found = path.stat()
    return found.st_ino, found.st_size, found.st_mtime_ns


def move_forward(parts: Sequence[Part]) -> None:
    """Put what was prepared into use. Raises OSError."""
    for part in parts:
        if not part.new.exists():
            continue
        if not part.old.exists() and part.live.exists():
            part.live.rename(part.old)
            sync_folder(part.live.parent)
        part.new.rename(part.live)
        sync_folder(part.live.parent)


def move_back(parts: Sequence[Part]) -> None:
    """Put back what was in use before; what was prepared is left beside it. Raises OSError."""
    for part in reversed(parts):
        if not part.old.exists():
            continue
        if part.live.exists():
            _remove_beside(part.live)
            part.live.rename(part.new)
        part.old.rename(part.live)
        sync_folder(part.live.parent)


def discard(parts: Sequence[Part]) -> None:
    """Remove what was prepared. Raises OSError."""
    for part in parts:
        # A store that is made anew is written beside its name first.
        for path in (part.new, part.trial, part.trial.with_name(f"{part.trial.name}.new")):
            _remove(path)


def drop_old(parts: Sequence[Part]) -> None:
    """Remove what was in use before. Whoever still waits to write a file of it finds an empty one, and says so instead of
    writing where nobody will read. Raises OSError."""
    for part in parts:
        if part.old.is_file():
            os.truncate(part.old, 0)
        _remove(part.old)


def own_alike(settings: Settings) -> None:
    """Where root works in another user's home: give what root has made to the owner of the folder it lies in."""
    if os.geteuid() != 0:
        return
    for folder in (settings.private, settings.notifier, settings.public):
        for path in (folder, *folder.rglob("*")):
            above = path.parent.stat()
            if path != folder and path.lstat().st_uid == 0 and above.st_uid != 0:
                os.chown(path, above.st_uid, above.st_gid, follow_symlinks=False)


def measure(part: Part) -> int:
    """The bytes of a part."""
    if part.live.is_dir():
        return sum(path.stat().st_size for path in part.live.rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in _with_beside(part.live) if path.exists())


def _with_beside(path: Path) -> Iterator[Path]:
    yield path
    yield from (path.with_name(path.name + end) for end in _BESIDE)


def _remove_beside(path: Path) -> None:
    for end in _BESIDE:
        path.with_name(path.name + end).unlink(missing_ok=True)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
        _remove_beside(path)
