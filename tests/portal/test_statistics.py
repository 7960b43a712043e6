"""The list in figures: as a page, as pictures, for machines, as texts to post; and never a name."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from xml.etree import ElementTree as ET

import html5lib
import jsonschema_rs
import pytest
from flask.testing import FlaskClient
from hypothesis import given, settings
from hypothesis import strategies as st
from portal_world import COMPANY, PERSON, START, World

from portal.charts import Chart, Series, draw
from portal.openapi import build_openapi
from portal.post_words import MOST_IN_WEIBO, build_posts, build_weibo
from portal.stat_words import build_json, build_tables, read_statistics
from search_index.counting import Counts, Month
from search_index.profile import Profile

PARTS = [
    {"from": "2026-01-01", "to": "2026-02-28", "departures": 3, "on_time": 3, "late": 0, "median_days": 1.5},
    {"from": "2026-03-01", "to": "2026-03-31", "departures": 4, "on_time": 3, "late": 1, "median_days": 2.0},
]
DEPARTURES = {
    **PARTS[0],
    "to": "2026-03-31",
    "departures": 7,
    "late": 1,
    "on_time": 6,
    "worst_days": 9,
    "periods": [{**PARTS[0], "worst_days": 2}, {**PARTS[1], "worst_days": 9}],
}
PUSHES = {
    "packages": [
        {"from": "2026Q1", "to": "2026Q2", "told": 4, "confirmed": 3, "median_days": 1.0},
        {"from": "2025Q4", "to": "2025Q4", "told": 5, "confirmed": 2, "median_days": None},
    ],
    "recalls": [{"from": "2026Q2", "to": "2026Q2", "told": 12, "confirmed": 12, "median_days": 2.0}],
}


@pytest.fixture
def world(world: World) -> World:
    world.is_indexed = False
    return world


def fill(world: World) -> None:
    other = replace(PERSON, name="阎样例", court="样例县人民法院", region=None, published_on=date(2025, 12, 31))
    world.publish(PERSON, COMPANY, other)
    world.tell("figures", "departures", DEPARTURES)
    world.tell("figures", "pushes", PUSHES)


def read_tables(text: str) -> dict[str, list[list[str]]]:
    """The rows of each table of a page, by its caption."""
    page = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(text)
    return {
        "".join(table.find("caption").itertext()): [
            ["".join(cell.itertext()) for cell in row if cell.tag in ("th", "td")] for row in table.iter("tr")
        ]
        for table in page.iter("table")
    }


def test_page_pictures_and_json_say_the_same(client: FlaskClient, world: World) -> None:
    fill(world)
    page, told = client.get("/stats"), client.get("/api/v1/stats")
    tables, body = read_tables(page.text), told.get_json()
    assert "现公示 3 条" in page.text
    assert tables["按执行法院的条数"] == [
        ["执行法院", "条数", "占比"],
        ["测试市人民法院", "2", "66.7%"],
        ["样例县人民法院", "1", "33.3%"],
    ]
    assert ["未载明", "1", "33.3%"] in tables["按地区的条数"]
    assert tables["按公布年份的条数"][1:] == [["2026年", "2", "66.7%"], ["2025年", "1", "33.3%"]]
    assert tables["每月公布和撤下"][1:] == [["2026年8月", "3", "0", "0"]]
    assert tables["撤下有多快"][1] == ["2026年1月1日至2026年3月31日", "7", "6", "1", "1.5 天", "9 天"]
    assert tables["推送送达和已回执的单位数"][1:] == [
        ["2026年第1季度至2026年第2季度", "4", "3", "1 天"],
        ["2025年第4季度", "5", "2", "—"],
    ]
    assert tables["撤下后的通知"][1:] == [["2026年第2季度", "12", "12", "2 天"]]
    assert body["entries"] == 3
    assert body["meta"] == {
        "sequence": 3,
        "updated_at": START.astimezone(datetime.fromisoformat(body["meta"]["updated_at"]).tzinfo).isoformat(),
        "checked_at": body["meta"]["updated_at"],
        "license": "https://example.invalid/about#terms",
    }
    assert body["counts"]["region"] == [{"value": "测试市", "count": 2}, {"value": None, "count": 1}]
    assert body["departures"][0]["worst_days"] == 9
    assert (body["packages"], body["recalls"]) == (PUSHES["packages"], PUSHES["recalls"])
    shown = re.findall(r'src="(/stats/[a-z]+\.svg)"', page.text)
    assert shown == [
        f"/stats/{name}.svg"
        for name in ("court", "region", "kind", "conduct", "performance", "year", "departures", "pushes")
    ]
    for address in shown:
        answer = client.get(address)
        assert answer.content_type == "image/svg+xml; charset=utf-8"
        values = {text.text for text in ET.fromstring(answer.data).iter("{http://www.w3.org/2000/svg}text")}
        assert values & {"2", "7", "9", "5"}


def test_the_answer_is_what_the_description_says(client: FlaskClient, world: World) -> None:
    for step in (lambda: None, lambda: fill(world)):
        step()
        described = build_openapi("https://example.invalid")
        schema = described["components"]["schemas"]["Statistics"]
        jsonschema_rs.validate(schema, client.get("/api/v1/stats").get_json())
    assert "/api/v1/stats" in described["paths"]


def test_no_name_and_no_number_of_anybody_is_in_figures(client: FlaskClient, world: World) -> None:
    fill(world)
    addresses = ("/stats", "/api/v1/stats", "/stats/post", "/stats/post?format=text", "/stats/court.svg")
    for address in addresses:
        text = client.get(address).text
        for word in ("扎西", "阎样例", "雪峰", "李样例", "9901", "91990101", "执12号", "SX-"):
            assert word not in text, (address, word)


def test_what_left_or_ended_is_in_no_figure_at_once(client: FlaskClient, world: World) -> None:
    end = world.now + timedelta(minutes=5)
    first, _ = world.publish(PERSON, replace(COMPANY, court="将止法院", visible_until=end))
    tag = client.get("/stats").headers["ETag"]
    assert client.get("/stats", headers={"If-None-Match": tag}).status_code == 304
    picture = client.get("/stats/kind.svg").headers["ETag"]
    world.now = end
    answer = client.get("/stats", headers={"If-None-Match": tag})
    assert answer.status_code == 200
    assert "将止法院" not in answer.text
    assert client.get("/stats/kind.svg", headers={"If-None-Match": picture}).status_code == 404
    world.withdraw(first.record)
    assert client.get("/api/v1/stats").get_json()["counts"]["court"] == []
    assert "现在没有公示的信息" in client.get("/stats").text


def test_an_empty_list_is_told_as_such(client: FlaskClient) -> None:
    page = client.get("/stats")
    assert page.status_code == 200
    assert read_tables(page.text) == {}
    assert client.get("/api/v1/stats").get_json()["months"] == []
    assert "信息0条" in client.get("/stats/post?format=text").text
    assert client.get("/stats/court.svg").status_code == 404


def test_pictures_run_nothing_and_take_nothing_from_elsewhere(client: FlaskClient, world: World) -> None:
    fill(world)
    answer = client.get("/stats/court.svg")
    assert answer.headers.get_all("Content-Security-Policy") == [
        "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
    ]
    assert answer.headers["Cache-Control"] == "no-cache"
    root = ET.fromstring(answer.data)
    assert {one.tag.rpartition("}")[2] for one in root.iter()} <= {
        "svg",
        "g",
        "defs",
        "style",
        "title",
        "rect",
        "text",
        "path",
        "line",
    }
    assert "<!--" not in answer.text
    assert "http" not in answer.text.replace("http://www.w3.org/", "")
    for name in ("no", "meta", "../x", "COURT"):
        assert client.get(f"/stats/{name}.svg").status_code == 404


@settings(max_examples=10)
@given(
    st.lists(st.tuples(st.text("甲<&>\"'·𠮷ab", max_size=30), st.integers(0, 10**7)), min_size=2, max_size=14),
    st.booleans(),
)
def test_a_picture_is_drawn_of_any_figures_and_always_the_same(bars: list[tuple[str, int]], upright: bool) -> None:
    values = tuple(count for _, count in bars)
    series = (Series(title="一", values=values), Series(title="二", values=values[::-1]))
    chart = Chart(name="x", title="t", labels=tuple(label for label, _ in bars), series=series, is_upright=upright)
    picture = draw(chart)
    ET.fromstring(picture)
    draw.cache_clear()
    assert draw(chart) == picture


def test_parameters_that_there_are_not_are_refused(client: FlaskClient) -> None:
    for address in ("/stats?x=1", "/stats/post?format=html", "/api/v1/stats?format=text", "/stats/kind.svg?x=1"):
        assert client.get(address).status_code == 400
    assert client.get("/api/v1/stats?x=1").content_type == "application/problem+json"
    assert client.get("/stats?mode=elder").status_code == 200


def test_statistics_are_limited(world: World) -> None:
    client = world.client(rate_limit=True)
    assert [client.get("/stats").status_code for _ in range(61)] == [200] * 60 + [429]


# Texts to post ---------------------------------------------------------------------------------------------------------


def test_posts_tell_the_month_that_is_over(client: FlaskClient, world: World) -> None:
    world.now = datetime(2026, 7, 31, 15, 59, tzinfo=UTC)  # the last minute of July in Shanghai
    one, *_ = world.publish(PERSON, COMPANY)
    assert "2026年7月至今公布2条" in client.get("/stats/post").text
    world.now += timedelta(minutes=2)
    world.withdraw(one.record)
    text = client.get("/stats/post?format=text").text
    assert "2026年7月公布2条、撤下0条。" in text
    assert "现公示失信被执行人信息1条" in text
    assert client.get("/stats/post?format=text").content_type == "text/plain; charset=utf-8"
    page = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(client.get("/stats/post").text)
    areas = ["".join(area.itertext()) for area in page.iter("textarea")]
    assert len(areas) == 2
    assert all(area.strip() in text for area in areas)


def a_count(entries: int) -> Counts:
    month = Month(first=date(2026, 7, 1), published=entries, corrected=0, departed=entries)
    values: Any = {"kind": (("person", entries),)}
    return Counts(sequence=1, updated_at=None, entries=entries, values=values, months=(month, month))


@given(st.integers(0, 10**7), st.text("测市人民法院", max_size=40), st.integers(0, 60))
def test_a_weibo_fits_and_says_what_it_must(entries: int, court: str, length: int) -> None:
    address = f"https://{'a' * length}.example.invalid"
    text = build_weibo(a_count(entries), Profile(court=court), address)
    assert len(text) <= MOST_IN_WEIBO
    assert f"失信被执行人信息{entries}条" in text
    assert f"{address}/ " in text
    assert "同名不等于同一人" in text
    posts = build_posts(a_count(entries), Profile(court=court), address, START)
    assert [post.key for post in posts] == ["weibo", "wechat"]


# What the journal says ------------------------------------------------------------------------------------------------

JSON = st.sampled_from([None, True, -1, 7, 1.5, "", "2026-01-01", "2026Q1", [], [1], {}])
NAMES = ("told", "confirmed", "median_days", "from", "to", "departures", "late")
PART = st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(NAMES), JSON, max_size=4))
BODIES = st.fixed_dictionaries(
    {"packages": JSON | st.lists(PART, max_size=3), "periods": JSON, "on_time": JSON, "from": JSON, "to": JSON}
)
VALIDATOR = jsonschema_rs.validator_for(build_openapi("x")["components"]["schemas"]["Statistics"])


@settings(max_examples=50)
@given(BODIES, BODIES)
def test_figures_of_another_version_never_break_the_page(departures: dict[str, Any], pushes: dict[str, Any]) -> None:
    empty: Any = dict.fromkeys(("court", "region", "kind", "conduct", "performance", "year"), ())
    counts = Counts(sequence=0, updated_at=None, entries=0, values=empty, months=())
    found = read_statistics(counts, departures, pushes)
    assert all(len(row) == len(table.columns) for table in build_tables(found) for row in table.rows)
    body = {
        "meta": {"sequence": 0, "updated_at": None, "checked_at": None, "license": "https://x"},
        **build_json(found),
    }
    VALIDATOR.validate(body)
