"""Taking in the notice for a year: what it must hold, and what it moves."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import select

from gongshi.calendar import build_statutory_holidays
from gongshi.legal_clock import LegalClock
from registry.tables import AuditRow, ClockRow
from search_index.day import SHANGHAI

CASE = "（2025）测0101执1号"
pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
# The notice for 2027, as it may come: New Year's Day to Sunday the 3rd, and the Saturday after is worked.
MORE_OFF = (date(2027, 1, 4), date(2027, 1, 5))


def write_notice(folder: Path, *years: int, off: Iterable[date] = MORE_OFF, worked: Iterable[date] = ()) -> Path:
    holidays = {day for year in years for day in build_statutory_holidays(year)} | set(off)
    lines = [f"{day},休\n" for day in sorted(holidays)] + [f"{day},班\n" for day in worked]
    path = folder / "notice.csv"
    path.write_text("date,type\n" + "".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def waiting(home: Home) -> Home:
    """A court at the end of 2026 with a ground that is due in the next year."""
    home.clock.moment = datetime(2026, 12, 30, 10, 0, tzinfo=SHANGHAI)
    home.publish(a_person(1))
    home.ask("ground", "add", CASE, "--ground", "performed", "--basis", "结案通知书", "--as", "clerk")
    return home


def due_of(home: Home) -> tuple[date, bool]:
    court = home.court
    try:
        with court.reading() as session:
            row = session.scalars(select(ClockRow).where(ClockRow.rule == "exit")).one()
            return row.due, row.provisional
    finally:
        court.close()


def moves_of(home: Home) -> list[dict[str, object]]:
    court = home.court
    try:
        with court.reading() as session:
            query = select(AuditRow).where(AuditRow.action == "clock_moved").order_by(AuditRow.id)
            return [row.detail for row in session.scalars(query)]
    finally:
        court.close()


def test_the_notice_makes_provisional_days_certain_and_each_move_is_noted(waiting: Home) -> None:
    # 31 December, and 1 and 4 January read as worked.
    assert due_of(waiting) == (date(2027, 1, 4), True)
    assert "2027-01-04（暂定）" in waiting.run("ground", "list", "--as", "clerk").out
    done = waiting.ask("calendar", "import", write_notice(waiting.folder.parent, 2027), "--as", "reviewer")
    assert due_of(waiting) == (date(2027, 1, 7), False)
    assert done["years"] == [2027]
    assert [(one["old"], one["new"], one["provisional"]) for one in done["moved"]] == [
        ("2027-01-04", "2027-01-07", False)
    ]
    (detail,) = moves_of(waiting)
    assert (detail["old"], detail["new"], detail["rule"]) == ("2027-01-04", "2027-01-07", "exit")
    assert "暂定" not in waiting.run("ground", "list", "--as", "clerk").out
    file = waiting.folder / "registry" / "calendar.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_day_that_moves_back_over_now_hides_at_once(waiting: Home) -> None:
    folder = waiting.folder.parent
    waiting.ask("calendar", "import", write_notice(folder, 2027), "--as", "reviewer")
    waiting.clock.moment = datetime(2027, 1, 6, 10, 0, tzinfo=SHANGHAI)
    assert waiting.ask("publish")["published"] == 0
    done = waiting.ask("calendar", "import", write_notice(folder, 2027, off=()), "--as", "reviewer")
    assert done["hidden"] == 1
    assert due_of(waiting)[0] == date(2027, 1, 5)


def test_a_file_changed_by_hand_is_noticed_by_the_worker(waiting: Home) -> None:
    court = waiting.court
    clock = LegalClock(court)
    assert clock.recount() == 0
    target = waiting.folder / "registry" / "calendar.csv"
    target.write_text(write_notice(waiting.folder.parent, 2027).read_text())
    assert clock.recount() == 1
    assert clock.recount() == 0
    court.close()
    assert due_of(waiting) == (date(2027, 1, 7), False)
    # A worker that starts with the changed file, too: it knows no earlier one.
    target.unlink()
    started = waiting.court
    assert LegalClock(started).recount() == 1
    started.close()
    assert due_of(waiting) == (date(2027, 1, 4), True)


def test_a_spoiled_file_keeps_nothing_from_being_hidden(waiting: Home) -> None:
    (waiting.folder / "registry" / "calendar.csv").write_text("nonsense\n")
    waiting.clock.advance(days=20)
    court = waiting.court
    try:
        assert LegalClock(court).hold() == 1
    finally:
        court.close()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("tag,art\n2027-01-01,休\n", "第1行应为表头"),
        ("date,type\n2027-01-01,休\n", "节假日文件不完整"),
        ("date,type\n2026-13-01,休\n", "第2行"),
        ("date,type\n2026-01-01,maybe\n", "第2行"),
    ],
)
def test_a_file_that_is_no_calendar_changes_nothing(waiting: Home, content: str, told: str) -> None:
    file = waiting.folder.parent / "bad.csv"
    file.write_text(content, encoding="utf-8")
    refused = waiting.run("calendar", "import", file, "--as", "reviewer")
    assert (refused.code, told in refused.err) == (2, True)
    assert not (waiting.folder / "registry" / "calendar.csv").exists()
    assert moves_of(waiting) == []


def test_a_file_that_forgets_a_year_or_is_no_text_is_refused(waiting: Home) -> None:
    folder = waiting.folder.parent
    waiting.ask("calendar", "import", write_notice(folder, 2027), "--as", "reviewer")
    forgets = waiting.run("calendar", "import", write_notice(folder, 2028, off=()), "--as", "reviewer")
    assert (forgets.code, "2027年" in forgets.err) == (2, True)
    for content in (b"\xff\xfe\x00", b"date,type\n" + b"x" * 2_000_000):
        (folder / "raw.csv").write_bytes(content)
        assert waiting.run("calendar", "import", folder / "raw.csv", "--as", "reviewer").code == 2
    assert waiting.run("calendar", "import", write_notice(folder, 2027), "--as", "clerk").code == 2
    assert due_of(waiting) == (date(2027, 1, 7), False)


def test_a_year_is_shown_with_what_is_off_and_what_is_worked(home: Home) -> None:
    shown = home.ask("calendar", "show", "2026")
    assert shown["provisional"] is False
    assert "2026-10-07" in shown["holidays"]
    assert "2026-10-10" in shown["workdays"]
    assert "暂定" in home.run("calendar", "show", "2027").out
    assert home.run("calendar", "show", "1800").code == 2


def test_a_deadline_that_is_not_certain_says_between_which_days_it_lies(home: Home) -> None:
    said = home.run("deadline", "reconsideration_request", "--from", "2027-09-21")
    assert "2027-10-04" in said.out
    assert "暂定：最早 2027-10-01，最迟 2027-10-04" in said.out
    assert home.ask("deadline", "hold_confirm", "--from", "2026-11-18") == {
        "due": "2026-11-19",
        "article": "本院规定（先行屏蔽须由另一人确认）",
        "provisional": False,
    }
