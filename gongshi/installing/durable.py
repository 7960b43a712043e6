"""Files that are there wholly or not at all, whatever kills the process that writes them."""

from __future__ import annotations

import os
from pathlib import Path

from search_index.modes import open_private


def write_durably(path: Path, text: str) -> None:
    """Put `text` where `path` leads to, in one step and on the disk. Raises OSError."""
    beside = path.with_name(f"{path.name}.part")
    descriptor = open_private(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Have what a file holds on the disk. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
