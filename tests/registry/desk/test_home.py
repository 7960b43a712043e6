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
from seats import Seat, find_token, plain
from sqlalchemy import delete, select

from gongshi.calendar import StateCouncilCalendar
from gongshi.court import Court
from registry import staff
from registry.acting import Acting
from registry.alarms import raise_alarms
from registry.clockbook import About, ClockLine, set_clock
from registry.clockwork import Clockwork
from registry.deadlines import RULES, Bearer, Profile, Rule
from registry.duties import SOON, When, find_span, group_of
from registry.grounds import record_ground
from registry.matters.book import register_matter
from registry.matters.checking import Arrival
from registry.matters.content import Content
from registry.matters.states import Channel, MatterKind
from registry.tables import AlarmRow, RecordRow
from registry.units.units import UnitFacts, add_unit
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
    clockwork = Clockwork(calendar=StateCouncilCalendar(), profile=Profile.NATIONAL)
    acting = Acting(actor="clerk", now=now, clockwork=clockwork)
    for rule, off in made:
        line = make_line(rule, today + timedelta(days=off), ended=False)
        assert (group_of(rule) is None) == (RULES[rule].bearer is Bearer.PARTY)
        spans = [(when, find_span(when, acting)) for when in When]
        places = [when for when, span in spans if span and span.last >= line.due >= (span.first or line.due)]
        if off > SOON.days:
            assert not places
        elif RULES[rule].bearer is not Bearer.PARTY:
            assert places == [When.OVER if line.is_over(now) else When.TODAY if off == 0 else When.SOON]


@pytest.fixture
def flood(listed: Home, court: Court) -> list[int]:
    """Units that owe three hundred reports, and complaints that nobody has answered, all of them older than the two
    departures that are due today. The two matters of these."""
    listed.clock.moment = datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)
    acting = court.acting("clerk")
    long_ago, lately = date(2026, 3, 31), date(2026, 11, 18)
    with court.session() as session:
        facts = [
            UnitFacts(name=f"测试单位{number}", department=None, leading=False, recipient=None) for number in range(12)
        ]
        units = [add_unit(session, f"unit-{number}", one, acting).id for number, one in enumerate(facts)]
        for number in range(310):
            about = About(unit=units[number % len(units)])
            set_clock(session, acting, Rule.FEEDBACK, about, started_on=long_ago, evidence="季度终了")
        for _ in range(60):
            matter = register_matter(
                session,
                court.vault,
                Arrival(
                    kind=MatterKind.COMPLAINT, channel=Channel.PAPER, received_on=date(2026, 9, 1),
                    content=Content(words="投诉"),
                ),
                acting,
            )  # fmt: skip
            assert matter.id
        rows = session.scalars(select(RecordRow).order_by(RecordRow.id)).all()
        made = [
            record_ground(
                session, row, ground="performed", basis="结案通知书", arose_on=lately, known_on=lately, acting=acting
            ).id
            for row in rows
        ]
        raise_alarms(session, acting)
    return made


def test_no_flood_of_late_reports_hides_what_is_due_today_about_an_entry(
    flood: list[int], desk_client: Callable[[str], Seat]
) -> None:
    seat = desk_client("clerk")
    page, words = seat.read("/"), seat.words("/")
    assert "今天到期（2）" in words
    assert all(f'href="/matters/{matter}"' in page for matter in flood)
    assert words.index("今天到期（2）") < words.index("投诉举报：已经逾期（60）") < words.index("测试单位0")
    assert "全部60件" in words, "what is not on the page is said, and led to"
    # Per unit, and not one by one: 310 of them among 12 units, of which ten are shown.
    assert "单位季度反馈" not in words[: words.index("给我的提醒（")]
    assert "这里列出逾期最多的10个单位，共12个" in words
    # The alarms: what concerns an entry before what the units owe.
    alarms = words[words.index("给我的提醒（") :]
    assert alarms.index("决定退出事由") < alarms.index("投诉举报")
    assert "给我的提醒（372）" in words


def test_all_that_is_due_can_be_gone_through_page_by_page(flood: list[int], desk_client: Callable[[str], Seat]) -> None:
    seat = desk_client("auditor")
    for about, total in (("units", 310), ("complaints", 60), ("entries", 0)):
        address: str | None = f"/work/due?about={about}&when=over"
        found = []
        while address is not None:
            page = seat.read(address)
            assert f"共{total}件" in plain(page)
            found += re.findall(r'<li class="desk-due__over">\s*<p>.*?href="([^"]+)"', page, re.DOTALL)
            onward = re.search(r'href="([^"]+)">下一页', page)
            address = onward[1].replace("&amp;", "&") if onward else None
        assert len(found) == total
        if about == "complaints":
            assert len(set(found)) == total, "each once"
    page = seat.read("/work/due?about=entries&when=today")
    assert [page.count(f'href="/matters/{matter}"') for matter in flood] == [1, 1]
    for nonsense in ("about=x", "when=x", "after=x", "after=99999999999999", "about=units&when=over&after=2147483647"):
        assert seat.ask(f"/work/due?{nonsense}").status_code == 200


def test_the_deputy_is_told_of_all_that_waits_even_where_it_is_more_than_a_page(
    flood: list[int], desk_client: Callable[[str], Seat], court: Court
) -> None:
    with court.session() as session:
        staff.set_deputy(session, "clerk", "second", date(2026, 12, 31), court.now, "admin")
        session.execute(delete(AlarmRow).where(AlarmRow.staff == "second"))
    assert "代理clerk的提醒（372）" in desk_client("second").words("/")
    with court.session() as session:
        first = session.scalars(select(AlarmRow).where(AlarmRow.staff == "clerk").limit(70)).all()
        session.add_all(AlarmRow(clock_id=one.clock_id, staff="second", kind=one.kind, at=one.at) for one in first)
    words = desk_client("second").words("/")
    assert "给我的提醒（70）" in words
    assert "代理clerk的提醒（302）" in words, "without what the deputy was told, too"
    clerk = desk_client("clerk")
    page = clerk.read("/")
    shown = re.findall(r'name="alarm" value="(\d+)"', page)
    assert len(shown) == 20
    assert "把这20条标为看过" in page
    assert clerk.post("/alarms/seen", token=find_token(page, "/alarms/seen"), alarm=shown).status_code == 303
    assert "给我的提醒（352）" in clerk.words("/")
