"""Grounds that became known and are not decided: the clock that runs, the hold that comes by itself, and its way back."""

from __future__ import annotations

import io
import shutil
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from entries import a_person, with_term
from homes import Clock, Home
from sqlalchemy import select, update

from gongshi.duty import Duty
from gongshi.legal_clock import LegalClock
from registry.acting import SYSTEM
from registry.tables import AuditRow, ClockRow, DecisionRow, MatterRow, RecordRow
from search_index.casenumber import CaseNumber
from search_index.day import SHANGHAI

CASE = "（2025）测0101执1号"
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
PERFORMED = ("--ground", "performed", "--basis", "结案通知书")


def seen_by_the_public(home: Home) -> set[str]:
    court = home.court
    try:
        with court.store.snapshot(home.clock()) as snapshot:
            return {document.record for document in snapshot.all()}
    finally:
        court.close()


def rows(home: Home, table: Any) -> list[Any]:
    court = home.court
    try:
        with court.reading() as session:
            found = session.scalars(select(table).order_by(table.id)).all()
            session.expunge_all()
            return list(found)
    finally:
        court.close()


def work_once(home: Home) -> None:
    """One beat of the worker that looks for what has to be hidden."""
    court = home.court
    try:
        Duty(court).follow()
    finally:
        court.close()


@pytest.fixture(scope="session")
def two_listed(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that has published two entries, to be copied."""
    folder = tmp_path_factory.mktemp("two") / "home"
    shutil.copytree(founded, folder)
    out = io.StringIO()

    def capture() -> tuple[str, str]:
        said = out.getvalue()
        out.seek(0)
        out.truncate()
        return said, ""

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out):
        patch.setenv("GONGSHI_HOME", str(folder))
        Home(folder, Clock(), capture).publish(a_person(1), a_person(2))
    structlog.reset_defaults()
    return folder


@pytest.fixture
def listed(home: Home, two_listed: Path) -> Home:
    shutil.rmtree(home.folder)
    shutil.copytree(two_listed, home.folder)
    return home


def test_a_recorded_ground_runs_from_its_knowing_with_its_article(listed: Home) -> None:
    # Wednesday 2026-11-18; known the Friday before.
    added = listed.ask(
        "ground", "add", CASE, *PERFORMED, "--arose", "2026-11-02", "--known", "2026-11-16", "--as", "clerk"
    )
    assert (added["due"], added["provisional"], added["held"]) == ("2026-11-19", False, False)
    assert "第十条第一款" in added["article"]
    assert listed.ask("ground", "list", "--as", "auditor")["grounds"] == [added]
    (clock,) = rows(listed, ClockRow)
    assert (clock.rule, str(clock.started_on), clock.ended) == ("exit", "2026-11-16", None)
    assert len(seen_by_the_public(listed)) == 2


def test_what_is_left_undecided_is_hidden_when_the_court_closes_on_the_last_day(listed: Home) -> None:
    number = listed.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")["record"]
    listed.clock.moment = datetime(2026, 11, 23, 17, 59, 59, tzinfo=SHANGHAI)
    work_once(listed)
    assert number in seen_by_the_public(listed)
    listed.clock.moment = datetime(2026, 11, 23, 18, 0, tzinfo=SHANGHAI)
    work_once(listed)
    assert number not in seen_by_the_public(listed)
    (decision,) = rows(listed, DecisionRow)
    assert (decision.action, decision.decided_by, decision.ground) == ("hold", SYSTEM, "performed")
    assert "第十条第一款" in decision.basis
    (line,) = (row for row in rows(listed, AuditRow) if row.action == "hold")
    assert (line.actor, line.detail["ground"]) == (SYSTEM, "performed")
    exit_clock = next(clock for clock in rows(listed, ClockRow) if clock.rule == "exit")
    assert (exit_clock.ended, exit_clock.acted_at) == (None, listed.clock())


def test_publish_hides_it_too_and_so_does_a_worker_that_was_dead_over_the_moment(listed: Home) -> None:
    number = listed.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")["record"]
    other = listed.ask("ground", "add", "（2025）测0101执2号", *PERFORMED, "--as", "clerk")["record"]
    listed.clock.advance(days=30)
    work_once(listed)
    assert seen_by_the_public(listed) == set()
    assert listed.ask("publish")["published"] == 0
    assert {number, other} & seen_by_the_public(listed) == set()


def test_publish_alone_hides_before_it_publishes(listed: Home) -> None:
    listed.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    listed.clock.advance(days=6)
    listed.ask("publish")
    assert len(seen_by_the_public(listed)) == 1


def test_a_ground_that_was_known_too_long_ago_hides_at_once(listed: Home) -> None:
    added = listed.ask(
        "ground", "add", CASE, *PERFORMED, "--known", "2026-11-02", "--arose", "2026-11-02", "--as", "clerk"
    )
    assert added["held"]
    assert added["record"] not in seen_by_the_public(listed)


@pytest.mark.parametrize("ground", ["minor", "deceased"])
def test_a_child_and_the_dead_are_hidden_before_the_command_returns(listed: Home, ground: str) -> None:
    added = listed.ask("ground", "add", CASE, "--ground", ground, "--basis", "户籍证明", "--as", "clerk")
    assert added["held"]
    assert added["record"] not in seen_by_the_public(listed)


def test_a_departure_ends_the_ground_and_its_clock(listed: Home) -> None:
    number = listed.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")["record"]
    listed.clock.advance(days=1)
    listed.ask("remove", number, *PERFORMED, "--as", "reviewer")
    assert listed.ask("ground", "list", "--as", "clerk")["grounds"] == []
    (matter,) = rows(listed, MatterRow)
    assert (matter.state, matter.outcome, matter.decided_by) == ("departed", "departed", "reviewer")
    assert [clock.ended for clock in rows(listed, ClockRow) if clock.rule == "exit"] == ["met"]


def test_what_the_product_hid_is_turned_into_a_departure_by_one_and_counted_as_missed(listed: Home) -> None:
    number = listed.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")["record"]
    listed.clock.advance(days=8)
    listed.ask("publish")
    removed = listed.ask("remove", number, *PERFORMED, "--as", "reviewer")
    assert removed["state"] == "removed"
    assert [clock.ended for clock in rows(listed, ClockRow) if clock.rule == "exit"] == ["missed"]


def test_to_find_that_there_is_no_ground_takes_another_person(listed: Home) -> None:
    listed.ask("ground", "add", CASE, *PERFORMED, "--as", "reviewer")
    refused = listed.run("ground", "dismiss", CASE, "--reason", "执行笔录", "--as", "reviewer")
    assert (refused.code, "须由另一人驳回" in refused.err) == (2, True)
    assert listed.run("ground", "dismiss", CASE, "--reason", "执行笔录", "--as", "clerk").code == 2
    listed.ask("ground", "dismiss", CASE, "--reason", "执行笔录", "--as", "second")
    listed.clock.advance(days=9)
    listed.ask("publish")
    assert len(seen_by_the_public(listed)) == 2
    assert [clock.ended for clock in rows(listed, ClockRow)] == ["met"]
    assert listed.run("ground", "dismiss", CASE, "--reason", "执行笔录", "--as", "second").code == 2


def test_what_is_hidden_is_shown_again_by_two_and_only_when_the_ground_is_dismissed(listed: Home) -> None:
    number = listed.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")["record"]
    listed.clock.advance(days=8)
    listed.ask("publish")
    listed.ask("hold", number, "--lift", "--basis", "执行笔录", "--as", "reviewer")
    refused = listed.run("hold", number, "--lift", "--basis", "执行笔录", "--as", "second")
    assert (refused.code, "还有没有决定的退出事由" in refused.err) == (2, True)
    listed.ask("ground", "dismiss", CASE, "--reason", "执行笔录", "--as", "second")
    assert number not in seen_by_the_public(listed)
    listed.ask("hold", number, "--lift", "--basis", "执行笔录", "--as", "second")
    work_once(listed)
    assert number in seen_by_the_public(listed)


def test_what_is_approved_with_an_open_ground_is_not_published(home: Home) -> None:
    batch = home.ask("import", home.write("one.jsonl", [a_person(1)]), "--as", "clerk")["batch"]
    home.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    home.ask("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions")
    assert home.ask("publish")["published"] == 0
    home.ask("ground", "dismiss", CASE, "--reason", "执行笔录", "--as", "second")
    assert home.ask("publish")["published"] == 1


def test_a_term_ends_a_ground_with_it(home: Home) -> None:
    home.publish(with_term(a_person(1), "2026-11-19"))
    home.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    home.clock.advance(days=2)
    assert home.ask("publish")["expired"] == 1
    assert home.ask("ground", "list", "--as", "clerk")["grounds"] == []


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--ground", "performed", "--basis", " "), "依据不能是空的"),
        (("--ground", "performed", "--basis", "电话13900000001记录"), "依据中有身份证、电话或者账户一类的号码"),
        (("--ground", "performed", "--basis", "甲", "--arose", "2026-11-19"), "不能晚于今天"),
        (("--ground", "performed", "--basis", "甲", "--arose", "2026-11-10", "--known", "2026-11-09"), "不能早于"),
        (("--ground", "performed", "--basis", "甲", "--arose", "1066-10-14"), "请核对年份"),
        (("--ground", "nothing", "--basis", "甲"), "nothing"),
    ],
)
def test_a_ground_that_cannot_be_is_refused_whole(listed: Home, arguments: tuple[str, ...], told: str) -> None:
    refused = listed.run("ground", "add", CASE, *arguments, "--as", "clerk")
    assert refused.code == 2
    assert told in refused.err
    assert rows(listed, MatterRow) == []
    assert rows(listed, ClockRow) == []


def test_the_same_ground_is_not_recorded_twice_and_a_departed_entry_has_none(listed: Home) -> None:
    listed.ask("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    again = listed.run("ground", "add", CASE, *PERFORMED, "--as", "clerk")
    assert (again.code, "同一事由" in again.err) == (2, True)
    # It was known earlier than was thought: the earlier day counts.
    earlier = listed.ask("ground", "add", CASE, *PERFORMED, "--arose", "2026-11-17", "--as", "clerk")
    assert earlier["due"] == "2026-11-20"
    listed.ask("remove", CASE, *PERFORMED, "--as", "reviewer")
    assert listed.run("ground", "add", CASE, *PERFORMED, "--as", "clerk").code == 2
    assert {clock.ended for clock in rows(listed, ClockRow) if clock.rule == "exit"} == {"met"}


def test_many_that_are_due_at_once_are_all_hidden(home: Home) -> None:
    home.publish(*(a_person(serial) for serial in range(1, 4)))
    for serial in range(1, 4):
        home.ask("ground", "add", f"（2025）测0101执{serial}号", *PERFORMED, "--as", "clerk")
    home.clock.moment += timedelta(days=10)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("registry.watch.CHUNK", 1)
        work_once(home)
    assert seen_by_the_public(home) == set()


def test_one_that_cannot_be_hidden_keeps_no_other_from_being_hidden(listed: Home) -> None:
    for serial in (1, 2):
        listed.ask("ground", "add", f"（2025）测0101执{serial}号", *PERFORMED, "--as", "clerk")
    court = listed.court
    with court.session() as session:
        # A row that was damaged: its public number is none, and nothing can be said of it in the journal.
        session.execute(update(RecordRow).where(RecordRow.case_key == find_key(CASE)).values(number="SX-AAAAAAAA"))
    listed.clock.advance(days=6)
    with pytest.raises(ValueError, match="record number"):
        LegalClock(court).hold()
    with court.reading() as session:
        states = session.scalars(select(RecordRow.state).order_by(RecordRow.id)).all()
    court.close()
    assert states == ["published", "held"]
    assert len(seen_by_the_public(listed)) == 1


def find_key(case: str) -> str:
    return CaseNumber.parse(case).key
