"""Coming back from a backup by what cannot tell: a log that ends before the backup, a home that was never opened, and what
was hidden on the portal in need."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from backed_up import WORDS, back_up, lose
from entries import a_person
from homes import Home
from sqlalchemy import select
from standins.twilio_server import ACCOUNT, SENDER, TOKEN, TwilioServer

from gongshi.emergency import collect_marks
from gongshi.office import open_office
from gongshi.safety.old_store import read_old_store
from gongshi.safety.restored import read_state
from notifier.states import MessageState, Purpose
from notifier.tables import MessageRow
from portal.app import create_app
from registry.tables import RecordRow

pytestmark = [pytest.mark.long, pytest.mark.parametrize("databases", ["sqlite"], indirect=True)]


def numbers(home: Home) -> list[str]:
    with home.court.reading() as session:
        return list(session.scalars(select(RecordRow.number).order_by(RecordRow.id)))


def remove(home: Home, record: str) -> None:
    home.ask("remove", record, "--ground", "performed", "--basis", "结案通知书（2026）1号", "--as", "reviewer")


def test_a_copy_of_the_log_that_ends_before_the_backup_is_not_taken_for_whole(home: Home, tmp_path: Path) -> None:
    home.publish(*[a_person(serial) for serial in (1, 2, 3)])
    first, second, _ = numbers(home)
    # A disk that was taken away before: its copy has no fault and no gap.
    copy = tmp_path / "copy.log"
    shutil.copy(home.folder / "registry" / "departures.log", copy)
    remove(home, first)
    file = back_up(home, tmp_path)
    remove(home, second)
    lose(home)
    found = home.run("restore", file, "--departures", copy, "--json", typed=WORDS).json
    assert found["blind"]
    assert any("departures.log" in fault for fault in found["faults"])


def test_a_home_that_was_never_opened_again_tells_no_more_than_it_was_told(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.publish(*[a_person(serial) for serial in (1, 2)])
    removed, _ = numbers(home)
    file = back_up(home, tmp_path)
    remove(home, removed)
    home.close()
    with monkeypatch.context() as patch:
        patch.setattr("gongshi.commands.restore.settle", lambda *_: None)
        home.run("restore", file, "--aside", typed=WORDS)
    home.close()
    assert read_state(home.court.private) is not None
    home.clock.advance(minutes=1)
    found = home.run("restore", file, "--aside", "--json", typed=WORDS).json
    assert found["departed"] == [removed]
    assert not found["blind"]
    home.close()
    home.clock.advance(minutes=1)
    # Waiting for two people, it is put aside once more.
    found = home.run("restore", file, "--aside", "--json", typed=WORDS).json
    assert found["departed"] == [removed]
    assert not found["blind"]


def test_an_old_store_whose_writer_was_killed_is_read(home: Home, tmp_path: Path) -> None:
    home.publish(*[a_person(serial) for serial in (1, 2)])
    path, killed = home.folder / "public" / "disclosed.db", tmp_path / "killed"
    remove(home, numbers(home)[0])
    killed.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        for statement in ("PRAGMA cache_size=2", "PRAGMA cache_spill=1", "BEGIN IMMEDIATE"):
            writer.execute(statement)
        writer.execute("UPDATE document SET body = body || ?", (" " * 200_000,))
        writer.execute("DELETE FROM tombstone")
        for name in (path.name, f"{path.name}-journal"):
            shutil.copy(path.with_name(name), killed / name)
        writer.execute("ROLLBACK")
    store = read_old_store(killed / path.name)
    assert store is not None
    assert (len(store.shown), len(store.tombstones)) == (1, 1)


def test_what_was_hidden_in_need_stays_hidden(home: Home, tmp_path: Path) -> None:
    home.publish(*[a_person(serial) for serial in (1, 2, 3)])
    hidden, lifted, shown = numbers(home)
    assert home.run("user", "add", "root", "--role", "admin", typed="a-long-password\n").code == 0
    file = back_up(home, tmp_path)
    home.clock.advance(hours=1)
    codes = home.ask("emergency", "codes", "--as", "root")["codes"]
    app = create_app(home.public_settings, home.clock)
    for record in (hidden, lifted):
        answer = app.test_client().post("/emergency", data={"code": codes[0], "record": record})
        assert answer.status_code == 200
    assert collect_marks(home.court) == 2
    home.clock.advance(minutes=5)
    (mark,) = [one for one in home.ask("emergency", "list", "--as", "root")["marks"] if one["record"] == lifted]
    for name in ("reviewer", "second"):
        home.ask("emergency", "lift", mark["mark"], "--as", name)
    home.clock.advance(hours=2)
    # It lies on no portal any more: the registry alone knows of it, and the log.
    collect_marks(home.court)
    app.close()
    log = tmp_path / "departures.log"
    shutil.copy(home.folder / "registry" / "departures.log", log)
    assert hidden not in log.read_text("utf-8")
    lose(home)
    found = home.run("restore", file, "--departures", log, "--json", typed=WORDS).json
    assert not found["blind"]
    for name in ("reviewer", "second"):
        home.ask("restore", "open", "--as", name)
    app = create_app(home.public_settings, home.clock)
    client = app.test_client()
    assert [client.get(f"/entries/{one}").status_code for one in (hidden, lifted, shown)] == [410, 200, 200]
    assert [one["record"] for one in home.ask("emergency", "list", "--as", "root")["marks"]] == [hidden]
    # The envelopes are those that were printed last.
    assert client.post("/emergency", data={"code": codes[1], "record": shown}).status_code == 200
    app.close()


def test_a_database_of_another_name_comes_back_under_it(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.publish(a_person(1))
    home.close()
    elsewhere = tmp_path / "registry" / "list.db"
    elsewhere.parent.mkdir()
    (home.folder / "registry" / "registry.db").rename(elsewhere)
    (home.folder / "notifier" / "notifier.db").rename(home.folder / "notifier" / "post.db")
    monkeypatch.setenv("GONGSHI_REGISTRY_URL", f"sqlite:///{elsewhere}")
    monkeypatch.setenv("GONGSHI_NOTIFIER_URL", f"sqlite:///{home.folder / 'notifier' / 'post.db'}")
    file = back_up(home, tmp_path)
    (record,) = numbers(home)
    lose(home)
    elsewhere.unlink()
    said = home.run("restore", file, "--json", typed=WORDS)
    assert said.code == 0, said.err
    for name in ("reviewer", "second"):
        home.ask("restore", "open", "--as", name, "--show", "all")
    assert numbers(home) == [record]
    assert elsewhere.exists()
    assert not (home.folder / "notifier" / "notifier.db").exists()


def test_a_line_that_a_full_disk_cut_short_still_hides_whom_it_names(home: Home, tmp_path: Path) -> None:
    home.publish(*[a_person(serial) for serial in (1, 2, 3)])
    before, removed, _ = numbers(home)
    remove(home, before)
    file = back_up(home, tmp_path)
    remove(home, removed)
    log = tmp_path / "departures.log"
    whole = (home.folder / "registry" / "departures.log").read_bytes()
    log.write_bytes(whole[: whole.rindex(b'"sealed"')])
    lose(home)
    found = home.run("restore", file, "--departures", log, "--json", typed=WORDS).json
    assert (found["held"], found["departed"]) == ([removed], [])


def test_a_copy_that_lacks_what_another_tells_is_not_taken_for_whole(home: Home, tmp_path: Path) -> None:
    home.publish(*[a_person(serial) for serial in (1, 2, 3)])
    first, second, _ = numbers(home)
    file = back_up(home, tmp_path)
    one, other = tmp_path / "one.log", tmp_path / "other.log"
    # One copy stopped without a sign of it; of the other a line was lost, perhaps that of somebody else.
    shutil.copy(home.folder / "registry" / "departures.log", one)
    remove(home, first)
    remove(home, second)
    lines = (home.folder / "registry" / "departures.log").read_bytes().splitlines(keepends=True)
    other.write_bytes(b"".join(line for line in lines if first.encode() not in line))
    lose(home)
    found = home.run("restore", file, "--departures", one, "--departures", other, "--json", typed=WORDS).json
    assert found["departed"] == [second]
    assert found["blind"]


@pytest.mark.parametrize("given", ["old", "torn out", "another's"])
def test_a_log_of_what_was_sent_that_cannot_know_is_as_good_as_none(home: Home, tmp_path: Path, given: str) -> None:
    home.publish(a_person(1))
    log = home.folder / "notifier" / "sent.log"
    copy, old = tmp_path / "copy.log", log.read_bytes()
    home.ask("push", "--period", "2026Q3")
    home.run("worker", "--once")
    file = back_up(home, tmp_path)
    lines = log.read_bytes().splitlines(keepends=True)
    assert len(lines) > 4
    other = [line.replace(b'"mac":"', b'"mac":"0') for line in lines]
    copy.write_bytes({"old": old, "torn out": b"".join(lines[:2] + lines[3:]), "another's": b"".join(other)}[given])
    lose(home)
    found = home.run("restore", file, "--sent", copy, "--json", typed=WORDS).json
    assert not found["sent_log"]
    assert any("sent.log" in fault for fault in found["faults"])


def test_a_backup_finds_both_copies_begun(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.publish(a_person(1), a_person(2))
    removed, _ = numbers(home)
    home.close()
    second = tmp_path / "second"
    second.mkdir()
    # As an installation lays them.
    for name in ("departures.log", "sent.log"):
        (second / name).touch()
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(second))
    file = back_up(home, tmp_path)
    home.clock.advance(minutes=1)
    remove(home, removed)
    lose(home)
    found = home.run("restore", file, "--json", typed=WORDS).json
    assert (found["departed"], found["blind"], found["sent_log"]) == ([removed], False, True)


@pytest.fixture
def sms(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[TwilioServer]:
    """Twilio, and a court that has what an SMS needs."""
    values = ("court=测试市人民法院", "telephone=0000-1111111", "signature=测试市法院")
    home.ask("profile", *(part for value in values for part in ("--set", value)), "--as", "reviewer")
    with TwilioServer(home.clock) as server:
        for name, value in {
            "GATEWAY_URL": "https://gateway.example.invalid",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FROM": SENDER,
            "TWILIO_BASE_URL": server.url,
            "SMS_ROUTE_CN": "twilio",
        }.items():
            monkeypatch.setenv(f"GONGSHI_{name}", value)
        yield server


def test_whom_a_message_went_to_is_known_by_a_backup_from_before_the_first_message(
    home: Home, sms: TwilioServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages to people are told apart by a digest of their number: its key must be in every backup."""
    second = tmp_path / "second"
    second.mkdir()
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(second))
    home.publish(a_person(1), a_person(2))
    removed, _ = numbers(home)
    file = back_up(home, tmp_path)
    remove(home, removed)
    home.run("worker", "--once")
    sent = list(sms.messages)
    assert sent
    lose(home)
    home.clock.advance(hours=2)
    assert home.run("restore", file, "--json", typed=WORDS).json["sent_log"]
    open_again(home)
    work_for_hours(home)
    assert sms.messages == sent


def test_what_may_have_gone_before_a_blind_restoration_is_never_sent_by_itself(
    home: Home, sms: TwilioServer, tmp_path: Path
) -> None:
    home.publish(a_person(1), a_person(2))
    removed, _ = numbers(home)
    file = back_up(home, tmp_path)
    lose(home)
    assert home.run("restore", file, "--json", typed=WORDS).json["blind"]
    open_again(home, "--show", "all")
    # Whether it was removed before the loss, nothing tells.
    remove(home, removed)
    work_for_hours(home)
    assert sms.messages == []
    with closing(open_office(home.court).engine.connect()) as connection:
        query = select(MessageRow.state).where(MessageRow.purpose == Purpose.NOTICE)
        assert set(connection.scalars(query)) == {MessageState.UNKNOWN}


def open_again(home: Home, *choice: str) -> None:
    for who in ("reviewer", "second"):
        home.ask("restore", "open", "--as", who, *choice)


def work_for_hours(home: Home) -> None:
    """Longer than providers are asked what became of a message."""
    for minutes in (0, 1, 5, 20, 60, 120):
        home.clock.advance(minutes=minutes)
        home.run("worker", "--once")
