"""Folders of files that are there whole or not at all, whatever is killed and when."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

from notifier.database import make_private_folder
from search_index.modes import make_aside, open_private

_ASIDE = ".making-"
_AT_A_TIME = 16


def write_aside(parent: Path, files: Mapping[str, bytes]) -> Path:
    """A new folder in `parent` with `files`, safe on the disk, under a name nobody reads. Private."""
    make_private_folder(parent)
    aside = make_aside(_ASIDE, parent)
    for name, content in files.items():
        descriptor = open_private(aside / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
    # First all is written, then many are waited for at a time: the disk takes hundreds of slides in a few turns.
    with ThreadPoolExecutor(min(_AT_A_TIME, len(files) or 1), thread_name_prefix="sync") as pool:
        for _ in pool.map(_sync, [aside / name for name in files]):
            pass
    _sync(aside)
    return aside


def put_in_place(aside: Path, target: Path) -> None:
    """Give the folder `aside` its name. What stands there, left by a step that never ended, is replaced."""
    if target.exists():
        discard(target)
    aside.rename(target)
    _sync(target.parent)


def put_new(aside: Path, target: Path) -> None:
    """Give the folder `aside` its name, where nothing stands. Raises FileExistsError."""
    if os.path.lexists(target):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
    aside.rename(target)
    _sync(target.parent)


def discard(folder: Path) -> None:
    """Remove `folder`: first its name, so that nobody finds half of it."""
    dying = make_aside(_ASIDE, folder.parent)
    folder.rename(dying / folder.name)
    shutil.rmtree(dying)


def sweep(root: Path, older_than: datetime) -> None:
    """Remove what steps that never ended left aside two folders below `root`: it may name people who have left."""
    for left in root.glob(f"*/*/{_ASIDE}*"):
        if left.stat().st_mtime < older_than.timestamp():
            shutil.rmtree(left)


def sweep_here(folder: Path, older_than: datetime) -> None:
    """Remove what steps that never ended left aside in `folder` itself."""
    for left in folder.glob(f"{_ASIDE}*"):
        if left.is_dir() and not left.is_symlink() and left.stat().st_mtime < older_than.timestamp():
            shutil.rmtree(left)


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are safe on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
