"""Screens and printed notices: what they show, until when, and that they show it of documents only."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlencode

import html5lib
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from portal_world import COMPANY, PERSON, START, World

from portal.display_words import (
    MOST_ROWS,
    PER_NOTICE,
    SHORT_CONDUCT,
    Line,
    build_lines,
    count_pages,
    find_end,
)
from portal.limits import API_RULES, NOTICE_RULES, SLIDE_RULES
from portal.parameters import CONDUCT
from search_index.page import PAGE_SIZE

MANY = 47


def parse(html: str):
    return html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(html)


@pytest.fixture
def many(world: World) -> list[str]:
    """The case numbers of a list of several slides, the newest first."""
    found = world.publish(*(replace(PERSON, case_number=f"（2026）测9901执{n}号") for n in range(MANY)))
    return [str(one.case_number) for one in sorted(found, key=lambda one: one.record)]


def read_cases(client: FlaskClient, page: int, **asked: str) -> list[str]:
    answer = client.get(f"/display/led.json?{urlencode({**asked, 'page': page})}")
    return [line["case_number"] for line in answer.json["lines"]]


@pytest.mark.parametrize("rows", [3, 8, 10])
def test_slides_go_through_the_whole_list_once_and_begin_again(client: FlaskClient, many: list[str], rows: int) -> None:
    pages = count_pages(MANY, rows)
    slides = [read_cases(client, page, rows=str(rows)) for page in range(1, pages + 1)]
    assert [len(slide) for slide in slides[:-1]] == [rows] * (pages - 1)
    assert [case for slide in slides for case in slide] == many
    after = client.get(f"/display/led.json?rows={rows}&page={pages + 1}").json
    assert (after["page"], [line["case_number"] for line in after["lines"]]) == (1, slides[0])


def test_the_page_of_a_screen_names_nobody_until_its_script_asks(world: World, client: FlaskClient) -> None:
    world.publish(PERSON, COMPANY)
    page = client.get("/display/led?rows=4&seconds=20")
    for secret in (PERSON.name, COMPANY.name, PERSON.id_number, PERSON.case_number):
        assert str(secret) not in page.text
    tree = parse(page.text)
    (script,) = tree.findall(".//script")
    assert script.get("src").startswith("/static/led.js?v=")
    assert not script.text
    still = client.get("/display/led/still?rows=4")
    assert PERSON.name in still.text
    assert not parse(still.text).findall(".//script")
    assert "script-src" not in still.headers["Content-Security-Policy"]
    refresh = parse(still.text).find(".//meta[@http-equiv='refresh']").get("content")
    assert 0 < int(refresh.split(";")[0]) < 5


def test_a_slide_is_made_of_what_is_public_and_names_no_representative(world: World, client: FlaskClient) -> None:
    world.publish(replace(COMPANY, legal_representative="未列入的人"))
    (line,) = client.get("/display/led.json").json["lines"]
    assert line == {
        "name": COMPANY.name,
        "number": COMPANY.uscc,
        "case_number": COMPANY.case_number,
        "conduct": "有履行能力而拒不履行",
        "court": COMPANY.court,
        "sizes": [1, 0, 0],
        "left": None,
    }
    for path in ("/display/led/still", "/display/notice"):
        page = client.get(path).text
        assert COMPANY.name in page
        assert "未列入的人" not in page


def test_short_words_are_of_the_six_kinds() -> None:
    assert SHORT_CONDUCT.keys() == CONDUCT.keys()
    assert all(len(short) <= len(CONDUCT[code]) for code, short in SHORT_CONDUCT.items())


def test_a_departure_changes_the_mark_and_leaves_every_display_at_once(world: World, client: FlaskClient) -> None:
    person, _ = world.publish(PERSON, COMPANY)
    paths = ("/display/led.json", "/display/led/still", "/display/notice")
    before = client.get("/display/mark.json").json
    assert client.get("/display/led.json").json["mark"] == before["mark"]
    assert all(person.name in client.get(path).text for path in paths)
    world.is_indexed = False  # the index comes later; nobody waits for it
    world.withdraw(person.record)
    after = client.get("/display/mark.json").json
    assert before != after
    assert before.keys() == after.keys() == {"mark"}
    for path in paths:
        answer = client.get(path)
        assert person.name not in answer.text
        assert COMPANY.name in answer.text


def test_an_end_that_is_known_is_told_as_time_that_is_left(
    world: World, client: FlaskClient, later: Callable[[float], None]
) -> None:
    world.publish(replace(PERSON, visible_until=START + timedelta(seconds=90)), COMPANY)
    mark = client.get("/display/mark.json").json
    assert sorted(str(line["left"]) for line in client.get("/display/led.json").json["lines"]) == ["90000", "None"]
    later(89.5)
    assert {line["left"] for line in client.get("/display/led.json").json["lines"]} == {None, 500}
    later(0.5)
    assert [line["left"] for line in client.get("/display/led.json").json["lines"]] == [None]
    assert client.get("/display/mark.json").json != mark


@pytest.mark.parametrize(
    "path", ["/display/led", "/display/led/still", "/display/led.json", "/display/mark.json", "/display/notice"]
)
def test_displays_are_never_kept(world: World, client: FlaskClient, path: str) -> None:
    world.publish(PERSON)
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    assert "noindex" in answer.headers["X-Robots-Tag"]


def test_a_display_shows_those_who_are_asked_for(world: World, client: FlaskClient) -> None:
    world.publish(PERSON, COMPANY, replace(PERSON, name="别院样", court="样例县人民法院", region="样例县"))
    for asked, names in (
        ({"kind": "organisation"}, {COMPANY.name}),
        ({"court": "样例县人民法院"}, {"别院样"}),
        ({"conduct": "breaks_property_reporting", "region": "测试市"}, {PERSON.name}),
        ({"from": "2027-01-01"}, set()),
    ):
        lines = client.get(f"/display/led.json?{urlencode(asked)}").json["lines"]
        assert {line["name"] for line in lines} == names
        notice = client.get(f"/display/notice?{urlencode(asked)}").text
        assert {name for name in (PERSON.name, COMPANY.name, "别院样") if name in notice} == names
    assert "现在没有公示的信息" in client.get("/display/led/still?from=2027-01-01").text
    assert "不需要张贴公告" in client.get("/display/notice?from=2027-01-01").text


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/display/led?rows=11", "每屏行数（rows）"),
        ("/display/led?rows=2", "3 到 10 的整数"),
        ("/display/led.json?seconds=1", "4 到 120 的整数"),
        ("/display/led.json?page=0", "页码（page）"),
        (f"/display/led.json?q={quote('张')}", "没有这个参数"),
        ("/display/led/still?kind=x", "对象（kind）"),
        ("/display/mark.json?rows=4", "没有这个参数"),
        ("/display/notice?size=a5", "a4、a3"),
        (f"/display/notice?q={quote('张')}", "没有这个参数"),
        ("/display/notice?from=2026-02-02&to=2026-02-01", "早于起始日期"),
        ("/display/notice?page=９", "页码（page）"),
    ],
)
def test_a_display_that_cannot_be_made_says_why(client: FlaskClient, path: str, told: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 400
    assert told in answer.text


def test_a_notice_holds_sixty_and_the_next_goes_on(world: World, client: FlaskClient) -> None:
    world.publish(*(replace(PERSON, case_number=f"（2026）测9901执{n}号") for n in range(PER_NOTICE + 5)))
    found = []
    for page, (first, last) in ((1, (1, 60)), (2, (61, 65))):
        tree = parse(client.get(f"/display/notice?page={page}").text)
        rows = tree.findall(".//tbody/tr")
        assert [row[0].text for row in rows] == [str(n) for n in range(first, last + 1)]
        found += [row[3].text for row in rows]
    assert len(set(found)) == PER_NOTICE + 5
    assert "没有第 3 份公告" in client.get("/display/notice?page=3").text


def test_a_notice_says_until_when_and_where_the_list_is(
    world: World, client: FlaskClient, later: Callable[[float], None]
) -> None:
    world.publish(PERSON)
    page = client.get("/display/notice").text
    assert "有效期至 2026年8月10日 10:00" in page
    for words in ("过期作废，请撕下", "最新名单以网上公示为准", "法释〔2017〕7号）第七条", "十五日内审查", "（盖章）"):
        assert words in re.sub(r"<[^>]+>", "", page)
    world.publish(replace(PERSON, name="将满样", visible_until=datetime(2026, 8, 5, 16, tzinfo=UTC)))
    assert "有效期至 2026年8月6日 00:00" in client.get("/display/notice").text
    later(3 * 86_400)
    page = client.get("/display/notice").text
    assert "将满样" not in page
    assert "有效期至 2026年8月13日 10:00" in page


def test_a_training_list_says_so_on_every_display(world: World, client: FlaskClient) -> None:
    world.set_profile(replace(world.profile, training=True))
    world.publish(PERSON)
    for path in ("/display/led", "/display/led/still", "/display/notice"):
        assert "【演练】" in client.get(path).text


def test_names_that_would_break_a_page_are_shown_as_they_are(world: World, client: FlaskClient) -> None:
    world.publish(replace(PERSON, name='𠮷·<b>"样&'))
    assert client.get("/display/led.json").json["lines"][0]["name"] == '𠮷·<b>"样&'
    for path in ("/display/led/still", "/display/notice"):
        page = client.get(path).text
        assert "𠮷·&lt;b&gt;" in page
        assert "<b>&#34;" not in page


def test_displays_give_no_more_entries_in_a_minute_than_the_api(world: World) -> None:
    (api,), (slides,), (notices,) = API_RULES, SLIDE_RULES, NOTICE_RULES
    assert slides.limit.amount * MOST_ROWS <= api.limit.amount * PAGE_SIZE
    assert notices.limit.amount * PER_NOTICE <= api.limit.amount * PAGE_SIZE
    client = world.client(rate_limit=True)
    # Four screens of one court look for a minute: each once in two seconds, and at a slide in ten.
    assert {client.get("/display/mark.json").status_code for _ in range(4 * 30)} == {200}
    assert {client.get("/display/led.json").status_code for _ in range(4 * 6)} == {200}


def test_a_list_that_cannot_be_read_is_no_slide(world: World) -> None:
    app = world.build_app()
    (world.folder / "disclosed.db").unlink()
    for path in ("/display/led.json", "/display/mark.json", "/display/led/still", "/display/notice"):
        assert app.test_client().get(path).status_code == 503
    app.close()


_ENDS = st.none() | st.timedeltas(timedelta(seconds=1), timedelta(days=400))


@given(st.lists(_ENDS, max_size=8))
def test_a_notice_never_hangs_longer_than_its_first_entry(ends: list[timedelta | None]) -> None:
    documents = [replace(PERSON, visible_until=end and START + end) for end in ends]
    lines = build_lines(documents)
    found = find_end(lines, START)
    assert START < found <= START + timedelta(days=7)
    assert all(line.ends_at is None or found <= line.ends_at for line in lines)
    assert isinstance(lines, list)
    assert all(isinstance(line, Line) for line in lines)
