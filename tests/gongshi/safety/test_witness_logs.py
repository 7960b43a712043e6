"""The witness logs: what is taken away is on the disk before it is committed, whichever way it was taken away."""

from __future__ import annotations

import fcntl
import json
import os
import re
import time
from datetime import timedelta
from pathlib import Path

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from gongshi.court import Court
from gongshi.safety.witness_lines import Contents, Log, split_undone
from registry.departing import Departure, Grounds, take_down
from registry.journal import append_subject, end_subjects
from registry.lifecycle import Action
from registry.tables import JournalRow, RecordRow


def departures(court: Court) -> Contents:
    return court.witness.read(Log.DEPARTURES)


def told(contents: Contents) -> list[str]:
    return [line.type for line in contents.lines]


def journalled(court: Court) -> set[tuple[int, str | None]]:
    with court.reading() as session:
        query = select(JournalRow.position, JournalRow.record).where(JournalRow.type == "gone")
        return {(row.position, row.record) for row in session.execute(query)}


def numbers(home: Home) -> list[str]:
    with home.court.reading() as session:
        query = select(RecordRow.number).where(RecordRow.number.is_not(None)).order_by(RecordRow.id)
        return [number for number in session.scalars(query) if number]


def publish(home: Home, count: int) -> list[str]:
    home.publish(*(a_person(number) for number in range(1, count + 1)))
    return numbers(home)


def test_every_departure_is_told_with_its_ground_and_nothing_in_clear(home: Home) -> None:
    first, second, third = publish(home, 3)
    home.ask("withdraw", first, "--ground", "wrongly_listed", "--basis", "（2026）公01决1号", "--as", "reviewer")
    home.ask("hold", second, "--basis", "异议", "--as", "clerk")
    home.ask(
        "correct",
        third,
        "--set",
        "performance=部分未履行",
        "--confirm",
        "art3",
        "--confirm",
        "redactions",
        "--as",
        "reviewer",
    )
    court = home.court
    found = departures(court)
    assert told(found)[0] == "begin"
    assert not found.faults
    gone = {line.record: line for line in found.lines if line.type == "gone"}
    assert set(gone) == {first, second}
    assert (gone[first].position, first) in journalled(court)
    rest = gone[first].rest
    assert (rest["state"], rest["ground"], rest["actor"]) == ("withdrawn", "wrongly_listed", "reviewer")
    assert rest["decisions"][0]["basis"] == "（2026）公01决1号"
    (corrected,) = [line for line in found.lines if line.type == "corrected"]
    assert corrected.record == third
    assert {"document", "facts", "sealed"} <= set(corrected.rest)
    raw = (home.folder / "registry" / "departures.log").read_text(encoding="ascii")
    assert not [word for word in ("wrongly_listed", "reviewer", corrected.rest["identity"]) if word in raw]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_what_keeps_a_record_from_being_shown_is_told(home: Home) -> None:
    batch = home.ask("import", home.write("one.jsonl", [a_person(1)]), "--as", "clerk")["batch"]
    home.ask("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions")
    with home.court.reading() as session:
        row = session.scalars(select(RecordRow)).one()
        record, state = row.id, row.state
    assert state == "approved"
    home.ask(
        "withdraw", a_person(1)["case_number"], "--ground", "wrongly_listed", "--basis", "决定", "--as", "reviewer"
    )
    inside = departures(home.court).lines[-1]
    assert (inside.type, inside.record, inside.position) == ("inside", None, None)
    assert (inside.rest["id"], inside.rest["state"]) == (record, "withdrawn")


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_profiles_are_told_and_ends_by_time_of_subjects_are_not(home: Home) -> None:
    court = home.court
    profile = court.profile()
    court.set_profile(profile, "admin")
    with court.session() as session:
        soon = {"visible_until": (court.now + timedelta(days=1)).isoformat()}
        append_subject(session, court.now, "article", "1", soon)
        append_subject(session, court.now, "article", "2", {"title": "x"})
    with court.session() as session:
        append_subject(session, court.now, "article", "2", None)
    with court.session() as session:
        assert end_subjects(session, court.now + timedelta(days=2)) == 1
    kinds = [(line.type, line.rest.get("key")) for line in departures(court).lines]
    assert kinds[-2:] == [("profile", None), ("subject", "2")]


def test_every_line_of_the_journal_that_takes_away_is_in_the_log_after_bulk_work(home: Home) -> None:
    publish(home, 5)
    home.clock.advance(days=365 * 4)
    home.ask("publish")
    court = home.court
    found = departures(court)
    assert {(line.position, line.record) for line in found.lines if line.type == "gone"} == journalled(court)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_transaction_that_fails_leaves_a_line_that_is_known_for_what_it_is(home: Home) -> None:
    first, second = publish(home, 2)
    court = home.court
    assert court.vault
    acting = court.acting("reviewer")

    def withdraw(session: Session) -> Departure:
        row = session.scalars(select(RecordRow).where(RecordRow.number == first)).one()
        grounds = Grounds(ground="wrongly_listed", basis="决定", arose_on=court.today, known_on=court.today)
        # From here on the disk is full.
        event.listen(court.engine, "commit", fail)
        return take_down(session, row, Action.WITHDRAW, grounds, acting)

    def fail(_connection: object) -> None:
        raise OSError(28, "full")

    with pytest.raises(OSError, match="full"):
        court.take_down(withdraw)
    event.remove(court.engine, "commit", fail)
    home.ask("withdraw", second, "--ground", "wrongly_listed", "--basis", "决定", "--as", "reviewer")
    stand, undone = split_undone(departures(court).lines)
    assert [line.record for line in undone] == [first]
    assert second in {line.record for line in stand}


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_log_that_cannot_be_written_keeps_nothing_back_and_is_mended(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    second = tmp_path / "elsewhere"
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(second))
    first, other = publish(home, 2)
    home.ask("withdraw", first, "--ground", "wrongly_listed", "--basis", "决定", "--as", "reviewer")
    assert any("写不进" in fault or "读不到" in fault for fault in home.court.witness.mend().faults)
    second.mkdir()
    own = home.folder / "registry" / "departures.log"
    # The last line was cut short, as by a loss of power.
    content = own.read_bytes()
    os.truncate(own, len(content) - 20)
    home.ask("withdraw", other, "--ground", "wrongly_listed", "--basis", "决定", "--as", "reviewer")
    court = home.court
    assert {line.record for line in departures(court).lines} >= {other}
    mended = court.witness.mend()
    assert mended.added >= 2
    for folder in (own.parent, second):
        lines = court.witness.departures[0 if folder == own.parent else 1].read(court.vault).lines
        assert {line.record for line in lines if line.type == "gone"} >= {first, other}, folder
    assert court.witness.mend().added == 0


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_forged_altered_and_missing_lines_are_told(home: Home) -> None:
    first, second = publish(home, 2)
    for record in (first, second):
        home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "决定", "--as", "reviewer")
    path, court = home.folder / "registry" / "departures.log", home.court
    lines = path.read_bytes().splitlines(keepends=True)
    forged = json.loads(lines[-1])
    forged["record"] = first
    path.write_bytes(b"".join(lines[:-2]) + lines[-1] + json.dumps(forged).encode() + b"\n")
    found = departures(court)
    assert {line.record for line in found.lines if line.type == "gone"} == {second}
    missing, altered = found.faults
    assert "缺少 1 行" in missing
    assert "不完整、被改动" in altered
    assert oct(path.stat().st_mode & 0o777) == "0o600"


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_second_copy_that_hangs_keeps_no_departure_waiting(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(tmp_path))
    (first,) = publish(home, 1)
    monkeypatch.setattr("gongshi.safety.witness_file.PATIENCE", 0.05)
    court = home.court
    # As a folder of another machine does that no longer answers: whoever writes to it waits.
    with (tmp_path / "held").open("wb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        (tmp_path / "departures.log").unlink(missing_ok=True)
        os.link(tmp_path / "held", tmp_path / "departures.log")
        acting, began = court.acting("reviewer"), time.monotonic()

        def withdraw(session: Session) -> Departure:
            row = session.scalars(select(RecordRow).where(RecordRow.number == first)).one()
            grounds = Grounds(ground="wrongly_listed", basis="决定", arose_on=court.today, known_on=court.today)
            return take_down(session, row, Action.WITHDRAW, grounds, acting)

        court.take_down(withdraw)
        assert time.monotonic() - began < 3
    own = court.witness.departures[0].read(court.vault)
    assert first in {line.record for line in own.lines}


def test_nothing_writes_the_journal_or_opens_the_registry_past_the_witness() -> None:
    """Every line of the journal is added in registry/journal.py, and every engine of the registry is the court's."""
    root = Path(__file__).parents[3]
    sources = {
        path: path.read_text("utf-8") for side in ("registry", "gongshi") for path in (root / side).rglob("*.py")
    }
    adding = {
        path.name for path, text in sources.items() if re.search(r"insert\(JournalRow|\bJournalRow\(\s*\w+=", text)
    }
    opening = {path.name for path, text in sources.items() if re.search(r"(?<!def )\bopen_engine\(", text)}
    assert adding == {"journal.py"}
    # Migrations add no line.
    assert opening == {"court.py", "env.py"}
