"""What of a home goes into a backup: everything of its private folders but what is made anew by itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from gongshi.safety.closed import MARK, NOTIFIER_MARK
from gongshi.settings import PREFIX, Settings
from search_index.database import sqlite_file

WORK = "backup-work"
"""The folder in which databases are copied; it lies in registry/, and goes when the backup ends."""
SETTINGS = "settings.env"
_LEFT_OUT_FOLDERS = frozenset({WORK, "restored", "sandbox"})
_LEFT_OUT_FILES = frozenset({MARK, NOTIFIER_MARK, "upgrade.json"})
_LEFT_OUT_ENDS = (".lock", ".new", ".old", ".trial", ".part", "-wal", "-shm", "-journal")
# What the public has sent in, and who has hidden an entry on the portal: nowhere else until it is collected.
_PUBLIC = ("drop", "emergency")


def list_files(settings: Settings) -> Iterator[tuple[str, Path]]:
    """Every file that goes in beside the databases, with its name in the backup, in order. The keys come last: what is sealed
    with a new one lies before it."""
    keys: list[tuple[str, Path]] = []
    databases = {sqlite_file(url) for url in (settings.registry_database, settings.notifier_database)}
    for folder in (settings.private, settings.notifier):
        for path in _walk(folder):
            if path in databases or not _belongs(path.relative_to(folder)):
                continue
            name = f"{folder.name}/{path.relative_to(folder).as_posix()}"
            if path.parent == settings.key_file.parent or path.suffix in (".key", ".pem"):
                keys.append((name, path))
            else:
                yield name, path
    for part in _PUBLIC:
        folder = settings.public / part
        yield from ((f"public/{part}/{path.name}", path) for path in _walk(folder))
    yield from keys


def write_settings(environment: Mapping[str, str]) -> bytes:
    """The settings of this process, as a file: with its passwords, under the seal of the backup."""
    lines = [f"{name}={value}" for name, value in sorted(environment.items()) if name.startswith(PREFIX)]
    return "".join(f"{line}\n" for line in lines if "\n" not in line).encode("utf-8", "surrogateescape")


def _belongs(path: Path) -> bool:
    parts = path.parts
    if parts[0] in _LEFT_OUT_FOLDERS:
        return False
    return not (path.name.endswith(_LEFT_OUT_ENDS) or (len(parts) == 1 and path.name in _LEFT_OUT_FILES))


def _walk(folder: Path) -> Iterator[Path]:
    """The plain files below a folder, in order; what may not be listed is passed over."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        yield from (path for name in sorted(names) if (path := Path(place, name)).is_file() and not path.is_symlink())
