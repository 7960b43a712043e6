"""Every home that a released version left is brought to the newest one, and nothing in it is lost, shown again or sent twice."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from homes import Clock, Home
from keptness import NAMES, hour_after, read_held, unpack

from gongshi.installing.release import read_release, this_release
from search_index.document import Document
from search_index.page import Query
from search_index.register import Register

pytestmark = pytest.mark.long


@pytest.fixture(params=NAMES)
def held(request: pytest.FixtureRequest) -> dict[str, Any]:
    return read_held(request.param)


@pytest.fixture
def old_home(
    held: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Home]:
    folder = unpack(held["release"], tmp_path)
    monkeypatch.setenv("GONGSHI_HOME", str(folder))
    made = Home(folder, Clock(hour_after(held)), lambda: tuple(capsys.readouterr()))  # type: ignore[arg-type,return-value]
    yield made
    made.close()


def test_a_kept_home_goes_to_the_newest_version(old_home: Home, held: dict[str, Any]) -> None:
    home = old_home
    refused = home.run("publish")
    assert refused.code == 2
    assert "gongshi upgrade" in refused.err
    before = list_inbox(home)
    assert home.ask("upgrade", "--own-backup")["upgraded"]
    assert read_release(home.court.settings) == this_release()
    assert_nothing_left_over(home)
    assert_same_list(home, held)
    assert_same_books(home, held)
    # The worker of the new version takes up the work, and nobody hears of anything twice.
    home.ask("publish")
    assert home.run("worker", "--once").code == 0
    assert list_shown(home) == {body["record"] for body in held["documents"]}
    assert_sent_once(home, held, before)
    assert home.run("audit", "verify").code == 0
    assert home.run("index", "verify").code == 0
    fails = {one["matter"] for one in home.run("doctor", "--json").json["findings"] if one["grade"] == "fail"}
    assert fails <= set(held["failing"])
    assert home.run("index", "rebuild", "--replay").code == 0
    assert list_shown(home) == {body["record"] for body in held["documents"]}
    assert not home.ask("upgrade")["upgraded"]


def assert_nothing_left_over(home: Home) -> None:
    """No copy of anything private or departed stays beside what is in use."""
    ends = (".new", ".old", ".trial", ".part", "-wal", "upgrade.json")
    assert [path.name for path in home.folder.rglob("*") if path.name.endswith(ends)] == []


def assert_same_list(home: Home, held: dict[str, Any]) -> None:
    court = home.court
    shown = {body["record"]: Document.from_json(body) for body in held["documents"]}
    with court.store.snapshot(court.now) as snapshot:
        found = {document.record: document for document in snapshot.all("")}
        assert found == shown
        assert snapshot.sequence == held["sequence"]
        assert all(snapshot.departed(record) for record in held["gone"] if record not in shown)
    register = Register(court.store, court.settings.index_folder)
    for document in shown.values():
        hits = register.search(Query(text=document.name), court.now).hits
        assert document.record in {hit.document.record for hit in hits}
    assert register.search(Query(), court.now).total == len(shown)
    home.close()


def assert_same_books(home: Home, held: dict[str, Any]) -> None:
    states = [
        list(row) for row in read(home, "registry/registry.db", "SELECT id, state, number FROM record ORDER BY id")
    ]
    assert states == held["states"]
    messages = [list(row) for row in read(home, "notifier/notifier.db", "SELECT id, state FROM message ORDER BY id")]
    assert messages == held["messages"]


def assert_sent_once(home: Home, held: dict[str, Any], before: list[str]) -> None:
    """Of what had been sent nothing is sent again. Versions that could not recall owe it for what had left: that is told now,
    once to each."""
    told = [name for name in list_inbox(home) if name not in before]
    if held["heads"]["notifier"] >= "0002":
        assert told == []
        return
    assert {name.split("/")[0] for name in told} <= {"letters"}
    letters = "SELECT recipient_id, purpose, recall_id FROM message WHERE id > ?"
    sent = read(home, "notifier/notifier.db", letters.replace("?", str(len(held["messages"]))))
    assert len(sent) == len(set(sent)) == len(told)
    assert "package" not in {purpose for _, purpose, _ in sent}


def list_shown(home: Home) -> set[str]:
    court = home.court
    with court.store.snapshot(court.now) as snapshot:
        shown = {document.record for document in snapshot.all("")}
    home.close()
    return shown


def list_inbox(home: Home) -> list[str]:
    """What the sandbox has received."""
    inbox = home.folder / "notifier" / "sandbox"
    return sorted(str(path.relative_to(inbox)) for path in inbox.rglob("*") if path.is_file())


def read(home: Home, file: str, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{home.folder / file}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()
