"""Coming back from a backup: nobody who has left is shown again, whatever the backup says."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import pytest
from backed_up import WORDS, back_up, lose
from entries import a_person
from homes import Home
from invariants import find_faults
from seats import Seat
from sqlalchemy import select

from gongshi.desk import create_desk
from gongshi.units import create_units
from portal.app import create_app
from registry.record import State
from registry.tables import AuditRow, DecisionRow, RecordRow
from search_index.journal import ChangeType

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
OPEN = ("restore", "open", "--as")


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "witness"
    folder.mkdir()
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(folder))
    return folder


def numbers(home: Home) -> list[str]:
    with home.court.reading() as session:
        return list(session.scalars(select(RecordRow.number).order_by(RecordRow.id)))


def states(home: Home) -> dict[str, str]:
    with home.court.reading() as session:
        return dict(session.execute(select(RecordRow.number, RecordRow.state)).all())


def remove(home: Home, record: str, ground: str = "performed") -> None:
    home.ask("remove", record, "--ground", ground, "--basis", "结案通知书（2026）1号", "--as", "reviewer")


def ask_portal(home: Home, record: str) -> int:
    with closing(create_app(home.public_settings, home.clock)) as portal:
        return portal.test_client().get(f"/entries/{record}").status_code


@pytest.mark.long
def test_what_left_after_the_backup_never_comes_back(home: Home, witness: Path, tmp_path: Path) -> None:
    home.publish(
        *[a_person(serial, name=name) for serial, name in enumerate(("甲测试", "买·买提", "𠮷田", "丁", "戊"), 1)]
    )
    stays, removed, held, withdrawn, corrected = numbers(home)
    file = back_up(home, tmp_path)
    home.clock.advance(hours=3)
    remove(home, removed)
    home.ask("hold", held, "--basis", "异议申请", "--as", "clerk")
    grounds = ("--ground", "wrongly_listed", "--basis", "纠正决定（2026）2号", "--as", "reviewer")
    home.ask("withdraw", withdrawn, *grounds, "--arose", "2026-11-02", "--known", "2026-11-10")
    home.ask(
        "correct",
        corrected,
        "--set",
        "obligation=支付人民币1元。",
        "--confirm",
        "art3",
        "--confirm",
        "redactions",
        "--as",
        "reviewer",
    )
    seen = home.ask("publish")["sequence"]
    lose(home)
    home.clock.advance(hours=20)

    shown = home.run("restore", file, "--json", typed=WORDS)
    assert shown.code == 0, shown.err
    found = shown.json
    assert found["departed"] == sorted([removed, held, withdrawn])
    assert found["held"] == [corrected]
    assert not found["blind"]
    # Closed: there is no store, and nothing that could make one is done.
    assert not (home.folder / "public" / "disclosed.db").exists()
    assert ask_portal(home, stays) == 503
    for refused in (["publish"], ["push", "--period", "2026Q4"], ["init"], ["worker", "--once"], ["profile"]):
        said = home.run(*refused)
        assert (said.code, "恢复" in said.err) == (2, True), refused
    for reads in (["doctor"], ["audit", "verify"], ["restore", "show"], ["publish", "--help"]):
        said = home.run(*reads)
        assert "程序出错" not in said.out + said.err, reads
        assert stays not in said.out + said.err, reads
    # One word is not enough, nor is the same one twice.
    assert not home.ask(*OPEN, "reviewer")["opened"]
    assert home.run(*OPEN, "reviewer").code == 2
    assert home.run(*OPEN, "clerk").code == 2
    assert ask_portal(home, stays) == 503
    assert home.ask(*OPEN, "second")["opened"]

    assert ask_portal(home, stays) == 200
    assert [ask_portal(home, gone) for gone in (removed, held, withdrawn, corrected)] == [410] * 4
    assert find_faults(home, (removed, held, withdrawn, corrected)) == []
    assert home.ask("audit", "verify")["whole"]
    assert states(home)[removed] == State.REMOVED
    with home.court.reading() as session:
        decision = session.scalars(select(DecisionRow).where(DecisionRow.action == "withdraw")).one()
        assert (decision.ground, decision.decided_by, decision.arose_on.day) == ("wrongly_listed", "reviewer", 2)
        assert len(list(session.scalars(select(AuditRow).where(AuditRow.action == "replayed")))) == 4
    # Nobody who followed the lost history is given another one under its numbers.
    with home.court.store.snapshot(home.clock()) as snapshot:
        gone = [one for one in snapshot.changes(0, 100) if one.type is ChangeType.GONE]
        assert len(gone) == 4
        assert min(one.sequence for one in gone) > 1_000_000 > seen
    # And the home is one like any other.
    assert home.run("restore", "show").out.strip() == "没有正在进行的恢复"
    home.ask("publish")
    assert json.loads(home.run("doctor", "--json").out or "{}") is not None


def inbox(home: Home) -> list[tuple[str, str]]:
    """Everything that arrived at anybody: to whom, and what it says first."""
    folder = home.folder / "notifier" / "sandbox"
    letters = [
        (path.parent.parent.name, json.loads(path.read_text("utf-8"))["subject"])
        for path in folder.glob("letters/*/*/letter.json")
    ]
    words = [json.loads(path.read_text("utf-8")) for path in folder.glob("messages/*/message.json")]
    parcels = [
        (path.parent.name, path.name)
        for path in folder.glob("*/2026*")
        if path.parent.name not in ("letters", "messages")
    ]
    return sorted([*letters, *parcels, *((one["address"], one["text"]) for one in words)])


@pytest.mark.long
def test_nothing_that_was_sent_is_sent_again_and_nobody_who_is_owed_a_word_is_forgotten(
    home: Home, witness: Path, tmp_path: Path
) -> None:
    home.publish(*[a_person(serial) for serial in (1, 2, 3)])
    told, owed, stays = numbers(home)
    file = back_up(home, tmp_path)
    in_backup = inbox(home)
    home.clock.advance(hours=1)
    home.ask("push", "--period", "2026Q3")
    home.run("worker", "--once")
    remove(home, told)
    home.run("worker", "--once")
    before = inbox(home)
    assert [what for _, what in before].count("2026Q3-r1") >= 2
    remove(home, owed)
    lose(home)
    home.clock.advance(hours=2)

    found = home.run("restore", file, "--json", typed=WORDS).json
    assert found["messages"]["lists"] == 1
    assert sorted(found["departed"]) == sorted([told, owed])
    home.ask(*OPEN, "reviewer")
    home.ask(*OPEN, "second")
    for _ in range(3):
        home.run("worker", "--once")
        home.clock.advance(minutes=2)
    after = inbox(home)
    for one in in_backup:
        after.remove(one)
    assert not set(before) & set(after), "sent twice"
    recipients = {who for who, what in before if what == "2026Q3-r1"}
    assert {who for who, what in after if owed in what or "撤回" in what} >= recipients
    assert not [what for _, what in after if told in what]
    assert not [what for _, what in after if what.startswith("2026Q3")]
    assert stays not in str(after)


@pytest.mark.long
def test_without_any_log_nobody_is_shown_before_two_people_have_said_so(home: Home, tmp_path: Path) -> None:
    first = home.publish(a_person(1))
    home.publish(a_person(2), name="more.jsonl")
    shown, hidden = numbers(home)
    file = back_up(home, tmp_path)
    remove(home, hidden)
    lose(home)
    found = home.run("restore", file, "--json", typed=WORDS).json
    assert found["blind"]
    assert [count for _, count in found["batches"]] == [1, 1]
    assert "无从得知" in home.run("restore", "show").out
    for wrong in ((), ("--show", "some"), ("--show", "99")):
        assert home.run(*OPEN, "reviewer", *wrong).code == 2
    home.ask(*OPEN, "reviewer", "--show", first)
    assert home.run(*OPEN, "second", "--show", "all").code == 2
    home.ask(*OPEN, "reviewer", "--take-back")
    home.ask(*OPEN, "second", "--show", first)
    home.ask(*OPEN, "reviewer", "--show", first)
    assert (ask_portal(home, shown), ask_portal(home, hidden)) == (200, 410)
    assert states(home)[hidden] == State.HELD


@pytest.mark.long
def test_a_log_that_was_forged_or_cut_is_not_taken_for_whole(home: Home, witness: Path, tmp_path: Path) -> None:
    home.publish(*[a_person(serial) for serial in (1, 2, 3)])
    one, other, stays = numbers(home)
    file = back_up(home, tmp_path)
    remove(home, one)
    remove(home, other)
    log = witness / "departures.log"
    lines = log.read_bytes().splitlines(keepends=True)
    # A line made up for somebody else, one taken out of the middle, the last one torn.
    first, second = (
        [line for line in lines if record.encode() in line and b'"gone"' in line] for record in (one, other)
    )
    assert len(first) == len(second) == 1
    forged = second[0].replace(other.encode(), stays.encode())
    others = [line for line in lines if line not in first]
    log.write_bytes(b"".join([*others, forged, lines[-1][: len(lines[-1]) // 2]]))
    lose(home)
    found = home.run("restore", file, "--json", typed=WORDS).json
    assert found["departed"] == [other]
    assert found["blind"]
    assert len(found["faults"]) >= 2
    home.ask(*OPEN, "reviewer", "--show", "none")
    home.ask(*OPEN, "second", "--show", "none")
    assert [ask_portal(home, record) for record in (one, other, stays)] == [410] * 3


@pytest.mark.long
def test_what_is_left_of_the_broken_home_tells_what_went(home: Home, tmp_path: Path) -> None:
    home.publish(*[a_person(serial) for serial in (1, 2, 3)])
    removed, held, stays = numbers(home)
    file = back_up(home, tmp_path)
    remove(home, removed)
    home.ask("hold", held, "--basis", "异议申请", "--as", "clerk")
    home.publish(a_person(4), name="more.jsonl")
    lost = numbers(home)[-1]
    home.close()
    (home.folder / "registry" / "departures.log").unlink()
    assert home.run("restore", file, typed=WORDS).code == 2
    said = home.run("restore", file, "--aside", "--json", typed=WORDS)
    assert said.code == 0, said.err
    assert not said.json["blind"]
    assert sorted(said.json["held"]) == sorted([removed, held])
    assert said.json["lost"] == [lost]
    home.ask(*OPEN, "reviewer")
    home.ask(*OPEN, "second")
    assert [ask_portal(home, record) for record in (removed, held, lost, stays)] == [410, 410, 404, 200]


def test_a_trial_looks_at_everything_and_leaves_nothing(home: Home, witness: Path, tmp_path: Path) -> None:
    home.publish(a_person(1), a_person(2))
    remove(home, numbers(home)[1])
    file = back_up(home, tmp_path)
    told = (witness / "departures.log").read_bytes()
    found = home.run("restore", "--trial", file, "--json", typed=WORDS).json
    assert (found["whole"], found["records"], found["shown"], found["noted"]) == (True, 2, 1, True)
    assert (witness / "departures.log").read_bytes() == told
    assert not list(home.folder.glob(".*"))
    assert home.ask("backup", "list")["backups"][0]["tried_at"]
    assert home.run("restore", "--trial", file, typed=WORDS.replace(WORDS.split()[5], "academic")).code == 2
    spoilt = file.read_bytes()
    file.write_bytes(spoilt[: len(spoilt) // 2])
    said = home.run("restore", "--trial", file, typed=WORDS)
    assert (said.code, "不完整" in said.err) == (2, True)
    assert not list(home.folder.glob(".*"))


@pytest.mark.long
def test_the_desk_of_a_closed_home_shows_the_restoration_alone(home: Home, witness: Path, tmp_path: Path) -> None:
    home.publish(a_person(1), a_person(2))
    gone, stays = numbers(home)
    file = back_up(home, tmp_path)
    remove(home, gone)
    lose(home)
    assert home.run("restore", file, typed=WORDS).code == 0
    desk, units = create_desk(home.court), create_units(home.court).test_client()
    first, second = Seat(desk.test_client()), Seat(desk.test_client())
    for seat, name in ((first, "reviewer"), (second, "second")):
        assert seat.sign_in(name).status_code == 303
    assert units.get("/units/v1/openapi.json").status_code == 503
    for page in ("/", "/work", "/records", "/import", "/matters"):
        answer = first.ask(page)
        assert (answer.status_code, answer.location) == (302, "/restoring"), page
    assert first.post("/import").status_code in (403, 503)
    shown = first.words("/restoring")
    assert gone in shown
    assert stays not in shown
    assert "还须另一人同意" in first.done("/restoring", "/restoring")
    assert ask_portal(home, stays) == 503
    assert "已经办理" in second.done("/restoring", "/restoring")
    assert (ask_portal(home, gone), ask_portal(home, stays)) == (410, 200)
    # The same process is the whole desk now.
    assert second.ask("/runs").status_code == 200
