"""A home, a backup of it, and its loss."""

from __future__ import annotations

import shutil
from pathlib import Path

from homes import Home

from gongshi.commands.recovery import open_book
from gongshi.safety.recovery_keys import RecoveryKey, Shares

KEY = RecoveryKey(bytes(range(32)))
WORDS = KEY.to_words(Shares())[0]


def back_up(home: Home, folder: Path) -> Path:
    """A backup of a home, made by its own command."""
    book = open_book(home.court)
    if book.find() is None:
        book.add(KEY, Shares(), by="admin", now=home.clock())
    return Path(home.ask("backup", "--to", folder)["file"])


def lose(home: Home) -> None:
    """The machine is gone, with all that lay in its home."""
    home.close()
    for part in home.folder.iterdir():
        shutil.rmtree(part)
