"""A registry that came back from a backup: nobody who followed the lost history takes another for its continuation."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from entries import a_person
from homes import Home

from search_index.changes import SinceTooOld, SinceUnknown


@pytest.fixture
def databases() -> dict[str, str]:
    """A backup is a copied file here."""
    return {}


def test_numbers_of_a_lost_history_are_not_used_again(home: Home) -> None:
    home.publish(*(a_person(serial) for serial in (1, 2, 3)))
    file = home.folder / "registry" / "registry.db"
    copy = home.folder / "backup.db"
    with closing(sqlite3.connect(file)) as live, closing(sqlite3.connect(copy)) as kept:
        live.backup(kept)
    head = sequence_of(home)
    for serial in (1, 2):
        withdraw(home, serial)
    seen = sequence_of(home)
    assert seen == head + 2
    restore(copy, file)
    # Decided before anybody noticed.
    withdraw(home, 3)
    home.ask("index", "rebuild", "--replay")
    court = home.court
    with court.store.snapshot(court.now) as snapshot:
        for since in range(snapshot.sequence + 1, seen + 1):
            with pytest.raises(SinceUnknown):
                snapshot.follow(since, 10)
    for serial in (1, 2):
        withdraw(home, serial)
    assert court.sequence() > seen + 1
    with court.store.snapshot(court.now) as snapshot:
        assert snapshot.count() == 0
        # Whoever had followed the lost history to any point of it takes the list anew.
        for since in range(head + 1, seen + 1):
            with pytest.raises((SinceTooOld, SinceUnknown)):
                snapshot.follow(since, 10)
        before = snapshot.follow(0, 100)
        assert before.has_more, "a follower stops before the leap"
        with pytest.raises(SinceTooOld):
            snapshot.follow(before.next, 100)
        assert not snapshot.follow(snapshot.sequence, 10).changes
    court.close()


def sequence_of(home: Home) -> int:
    court = home.court
    sequence = court.sequence()
    court.close()
    return sequence


def withdraw(home: Home, serial: int) -> None:
    case = f"（2025）测0101执{serial}号"
    home.ask("withdraw", case, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer")


def restore(copy: Path, file: Path) -> None:
    for part in file.parent.glob(f"{file.name}*"):
        part.unlink()
    shutil.copy(copy, file)
