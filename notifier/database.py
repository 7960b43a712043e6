"""Opening the notifier's database and folder, both for their owner alone."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from notifier.settings import NotifierSettings
from search_index.database import sqlite_file, upgrade, writing_engine


def open_engine(url: str) -> Engine:
    return writing_engine(url, journal_mode="WAL", secure_delete=True)


def migrate(settings: NotifierSettings) -> None:
    """Make the folder and bring the tables to this version; safe to repeat."""
    make_private_folder(settings.folder)
    if path := sqlite_file(settings.url):
        make_private_folder(path.parent)
    upgrade(settings.url, Path(__file__).with_name("migrations"))


def make_private_folder(folder: Path) -> None:
    """`folder` and what is missing above it, each readable by its owner alone."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
