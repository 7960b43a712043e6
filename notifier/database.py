"""Opening the notifier's database and folder, both private."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

from notifier.settings import NotifierSettings
from search_index.database import sqlite_file, upgrade, writing_engine
from search_index.modes import make_private


def open_engine(url: str) -> Engine:
    return writing_engine(url, journal_mode="WAL", secure_delete=True)


def migrate(settings: NotifierSettings) -> None:
    """Make the folder and bring the tables to this version; safe to repeat. Raises NewerDatabase."""
    make_private_folder(settings.folder)
    if path := sqlite_file(settings.url):
        make_private_folder(path.parent)
    upgrade(settings.url, Path(__file__).with_name("migrations"), "通知库")


def make_private_folder(folder: Path) -> None:
    """`folder` and what is missing above it, each private."""
    make_private(folder, parents=True)
