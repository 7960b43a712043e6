"""The log of what was sent: sealed, on the disk before a provider is called, and of no use without the home's key."""

from __future__ import annotations

from pathlib import Path

import pytest
from entries import a_person
from homes import Home

from gongshi.safety.sent_log import read_copy
from gongshi.safety.witness_lines import Log
from notifier.witness import Handed
from registry.vault import VaultError

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)


@pytest.fixture
def second(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the second copy goes."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(folder))
    return folder


def test_a_push_leaves_its_calls_and_their_ends_in_both_copies(home: Home, second: Path, tmp_path: Path) -> None:
    home.publish(a_person(1))
    home.ask("push", "--period", "2026Q3")
    assert home.run("worker", "--once").code == 0
    court = home.court
    lines = court.witness.read(Log.SENT).lines
    calls = [line.rest for line in lines if line.type == "calling"]
    ends = {line.rest["dispatch"]: line.rest["outcome"] for line in lines if line.type == "ended"}
    assert {call["period"] for call in calls} == {"2026Q3"}
    assert {call["dispatch"] for call in calls} == set(ends)
    key = home.folder / "notifier" / "witness.key"
    assert [line.rest for line in read_copy(second / "sent.log", key).lines if line.type == "calling"] == calls
    assert b"2026Q3" not in (second / "sent.log").read_bytes()
    with pytest.raises(VaultError):
        read_copy(second / "sent.log", tmp_path / "none.key")
    assert court.witness.mend().faults == ()


def test_a_copy_that_missed_calls_gets_them_with_the_next_ones(home: Home, second: Path) -> None:
    sent = home.court.witness.sent
    sent.begin()
    (second / "sent.log").rename(second / "aside")
    (second / "sent.log").mkdir()  # A disk that takes nothing.
    for dispatch in ("first", "second"):
        sent.handed(a_handover(home, dispatch))
    (second / "sent.log").rmdir()
    (second / "aside").rename(second / "sent.log")
    sent.handed(a_handover(home, "third"))
    key = home.folder / "notifier" / "witness.key"
    for path in (second / "sent.log", home.folder / "notifier" / "sent.log"):
        found = read_copy(path, key)
        assert [line.rest.get("dispatch") for line in found.lines] == [None, "first", "second", "third"]
        assert found.faults == ()


def a_handover(home: Home, dispatch: str) -> Handed:
    return Handed(
        at=home.clock(), dispatch=dispatch, recipient="tv", period="2026Q3", kind="full", revision=1, sequence=1
    )
