"""The first page: what is due, what waits for whom, and that it is one click to the case."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, time, timedelta

import pytest
from entries import a_person
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from seats import Seat, find_token
from sqlalchemy import delete, select

from gongshi.court import Court
from registry import staff
from registry.clockbook import ClockLine
from registry.deadlines import RULES, Bearer, Rule
from registry.desk.home import sort_due
from registry.tables import AlarmRow
from search_index.day import SHANGHAI

CASE = "（2025）测0101执{}号"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def add_ground(home: Home, serial: int, by: str = "clerk") -> None:
    """A ground to take an entry down, which the court knows of since today."""
    today = home.clock().date().isoformat()
    home.ask(
        "ground", "add", CASE.format(serial), "--ground", "performed", "--basis", "结案通知书", "--arose", today,
        "--known", today, "--as", by,
    )  # fmt: skip


@pytest.fixture
def listed(home: Home) -> Home:
    home.publish(a_person(1), a_person(2))
    return home


def test_a_ground_is_announced_then_due_then_overdue_with_its_article_and_one_click_away(
    listed: Home, desk_client: Callable[[str], Seat]
) -> None:
    add_ground(listed, 1)
    page = desk_client("clerk").words("/")
    assert "今天没有到期和逾期的事项" in page
    assert "七日内到期（1）" in page
    # Three working days after 18 November 2026, a Wednesday.
    listed.clock.moment = datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)
    seat = desk_client("clerk")
    page = seat.words("/")
    assert "今天到期（1）" in page
    assert "第十条" in page
    assert "结案通知书" in page
    matter = next(part.split('"')[0] for part in seat.read("/").split('href="')[1:] if part.startswith("/matters/"))
    assert seat.ask(matter).status_code == 200
    listed.clock.moment = datetime(2026, 11, 23, 18, 1, tzinfo=SHANGHAI)
    assert "已经逾期（1）" in desk_client("clerk").words("/")


def test_what_waits_for_a_second_person_is_not_shown_to_the_first(
    listed: Home, desk_client: Callable[[str], Seat]
) -> None:
    listed.ask("hold", CASE.format(1), "--basis", "被执行人提出书面异议", "--as", "reviewer")
    assert "等我确认" not in desk_client("reviewer").words("/")
    assert "等我确认 确认屏蔽" in desk_client("second").words("/")
    listed.ask("hold", CASE.format(1), "--confirm", "--as", "second")
    listed.ask("hold", CASE.format(1), "--lift", "--basis", "复核笔录", "--as", "reviewer")
    assert "同意重新展示" not in desk_client("reviewer").words("/")
    assert "同意重新展示" in desk_client("second").words("/")
    listed.ask("hold", CASE.format(1), "--lift", "--basis", "复核笔录", "--as", "second")
    assert "同意重新展示" not in desk_client("second").words("/")


def test_the_lists_are_counted_and_led_to(listed: Home, desk_client: Callable[[str], Seat]) -> None:
    listed.ask("import", listed.write("more.jsonl", [a_person(3), a_person(4, served_on=None)]), "--as", "clerk")
    seat = desk_client("auditor")
    page = seat.words("/")
    for words in ("已公布 2", "待审核 1", "待送达 1", "已退出 0"):
        assert words in page
    assert seat.ask("/work/published").status_code == 200


def test_an_alarm_is_seen_by_its_own_person_and_shown_to_the_deputy(
    listed: Home, desk_client: Callable[[str], Seat], court: Court
) -> None:
    with court.session() as session:
        staff.set_deputy(session, "clerk", "second", date(2026, 12, 31), court.now, "admin")
    add_ground(listed, 1)
    listed.clock.moment = datetime(2026, 11, 20, 9, 0, tzinfo=SHANGHAI)
    assert listed.run("worker", "--once").code == 0
    with court.session() as session:
        # The deputy is told, too, and does not see the same alarm twice.
        told = set(session.scalars(select(AlarmRow.staff)))
        assert {"clerk", "second"} <= told
        session.execute(delete(AlarmRow).where(AlarmRow.staff == "second"))
    deputy = desk_client("second")
    assert "代理clerk的提醒（1）" in deputy.words("/")
    clerk = desk_client("clerk")
    assert "给我的提醒（1）" in clerk.words("/")
    with court.reading() as session:
        alarm = session.scalars(select(AlarmRow.id).where(AlarmRow.staff == "clerk")).one()
        others = session.scalars(select(AlarmRow.id).where(AlarmRow.staff == "reviewer")).one()
    token = find_token(clerk.read("/"), "/alarms/seen")
    assert clerk.post("/alarms/seen", token=token, alarm=[alarm, others, "x", "9" * 30]).status_code == 303
    assert "给我的提醒" not in clerk.words("/")
    with court.reading() as session:
        seen = {row.id: row.seen_at for row in session.scalars(select(AlarmRow))}
    assert seen[alarm] is not None
    assert seen[others] is None, "nobody sees what was told to somebody else"


def test_an_administrator_is_shown_no_record_and_no_count(listed: Home, desk_client: Callable[[str], Seat]) -> None:
    add_ground(listed, 1)
    page = desk_client("admin").words("/")
    for words in ("测0101执", "SX-", "已公布", "到期", "提醒"):
        assert words not in page


def test_the_keyboard_goes_from_the_skip_link_through_the_navigation_to_what_is_due(
    listed: Home, desk_client: Callable[[str], Seat]
) -> None:
    add_ground(listed, 1)
    page = desk_client("clerk").read("/")
    stops = re.findall(r'<(?:a [^>]*href="([^"]*)"|button[^>]*>([^<]*))', page)
    order = [address or words for address, words in stops]
    assert order[0] == "#main"
    assert order[1:4] == ["/", "/account", "退出登录"]
    assert order[4:6] == ["/", "/work"]
    assert "tabindex" not in page, "the order is that of the page"
    assert page.index('id="main"') > page.index("<nav")


def make_line(rule: Rule, due: date, ended: bool) -> ClockLine:
    closes = datetime.combine(due, time(18), SHANGHAI)
    return ClockLine(
        id=1, rule=rule, article="", started_on=due, due=due, due_at=closes, provisional=False, evidence="",
        set_at=closes, set_by="clerk", ended="met" if ended else None, ended_at=None, ended_by=None, acted_at=None,
        record_id=None, record=None, matter_id=1, matter_kind=None, ground=None, unit_id=None, unit=None,
    )  # fmt: skip


@given(st.lists(st.tuples(st.sampled_from(list(Rule)), st.integers(-5, 8))), st.integers(0, 23))
def test_every_duty_that_runs_is_in_one_place_and_no_right_of_a_party_is_anybodys_omission(
    made: list[tuple[Rule, int]], hour: int
) -> None:
    today = date(2026, 11, 18)
    now = datetime.combine(today, time(hour, 30), SHANGHAI)
    lines = [make_line(rule, today + timedelta(days=off), ended=False) for rule, off in made]
    due = sort_due(lines, now, today)
    placed = [*due.over, *due.today, *due.soon]
    assert sorted(map(id, placed)) == sorted(id(line) for line in lines if RULES[line.rule].bearer is not Bearer.PARTY)
    assert all(line.due_at < now for line in due.over)
    assert all(line.due == today and line.due_at >= now for line in due.today)
    assert all(line.due > today for line in due.soon)
