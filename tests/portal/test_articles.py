"""Short texts of the court, the check of a certificate, and the figures of departures."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import html5lib
import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from portal_world import PERSON, World

from portal.public_words import ARTICLE_KINDS, NOTICE_KINDS, read_article, read_figures, read_state
from search_index.submission import certificate_key, draw_verify

CASE = {
    "kind": "case",
    "title": "以案释法（一）",
    "text": "第一段。\n\n第二段。",
    "published_on": "2026-07-01",
    "visible_until": None,
    "records": [],
}
EXIT = {**CASE, "kind": "exit", "title": "退出公告", "text": "（2026）测9901执12号，扎＊。"}
FIGURES = {
    "from": "2026-04-01",
    "to": "2026-06-30",
    "departures": 12,
    "on_time": 11,
    "late": 1,
    "median_days": 1.5,
    "worst_days": 4,
    "periods": [],
}


def test_articles_and_notices_each_stand_on_their_page(client: FlaskClient, world: World) -> None:
    world.tell("article", "1", CASE)
    world.tell("article", "2", {**CASE, "kind": "reward", "title": "悬赏公告（二）", "published_on": "2026-07-02"})
    world.tell("article", "3", EXIT)
    listed, notices = client.get("/articles"), client.get("/notices")
    assert "以案释法（一）" in listed.text
    assert "悬赏公告（二）" in listed.text
    assert "退出公告</h2>" not in listed.text
    assert "扎＊" in notices.text
    assert "以案释法" not in notices.text
    page = client.get("/articles/1")
    assert '<p class="govuk-body">第一段。</p>' in page.text
    assert page.text.count("第二段。") == 1
    for answer in (listed, notices, page):
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert client.get(answer.request.path, headers={"If-None-Match": answer.headers["ETag"]}).status_code == 304


@pytest.mark.long
def test_many_notices_push_nothing_off_the_pages(client: FlaskClient, world: World) -> None:
    world.tell("article", "0", CASE)
    for number in range(1, 602):
        world.tell("article", str(number), {**EXIT, "title": f"第{number}号", "text": 'x"kind": "case"y'})
    assert "以案释法" in client.get("/articles").text
    address, shown = "/notices", []
    while address:
        page = client.get(address).text
        shown += re.findall(r"第(\d+)号</h2>", page)
        following = re.search(r'href="([^"]+)" rel="next"', page)
        address = following[1] if following else ""
    assert [int(number) for number in shown] == list(range(601, 0, -1))
    assert client.get("/notices?page=0").status_code == 400
    assert client.get("/articles?page=x").status_code == 400
    assert client.get("/articles/0?page=2").status_code == 400


def test_what_was_taken_down_is_gone_and_what_never_was_is_unknown(client: FlaskClient, world: World) -> None:
    world.tell("article", "1", CASE)
    world.tell("article", "2", {**CASE, "visible_until": (world.now + timedelta(days=30)).isoformat()})
    world.tell("article", "3", EXIT)
    tag = client.get("/articles/1").headers["ETag"]
    world.tell("article", "1", None)
    assert client.get("/articles/1", headers={"If-None-Match": tag}).status_code == 410
    assert client.get("/articles/2").status_code == 200
    world.now += timedelta(days=30)
    assert client.get("/articles/2").status_code == 410
    assert [client.get(f"/articles/{key}").status_code for key in ("3", "4", "%2e%2e", "x" * 65, "甲")] == [404] * 5
    assert "以案释法" not in client.get("/articles").text
    assert "现在没有" in client.get("/articles").text


def test_an_article_that_names_an_entry_goes_with_it(client: FlaskClient, world: World) -> None:
    person, other = world.publish(PERSON, replace(PERSON, name="另一人"))
    world.tell("article", "1", {**CASE, "records": [person.record, other.record]})
    assert client.get("/articles/1").status_code == 200
    world.withdraw(person.record)
    assert client.get("/articles/1").status_code == 410
    assert "以案释法" not in client.get("/articles").text


def test_words_of_an_article_are_no_markup(client: FlaskClient, world: World) -> None:
    attack = '<script>alert(1)</script>\n"><img src=x onerror=alert(1)>'
    world.tell("article", "1", {**CASE, "title": attack, "text": attack})
    world.tell("article", "2", {**EXIT, "title": attack, "text": attack})
    for path in ("/articles", "/articles/1", "/notices"):
        page = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False).parse(client.get(path).text)
        assert [one.tag for one in page.iter() if one.tag in ("script", "img")] == []


def test_a_certificate_is_known_by_its_number_alone(client: FlaskClient, world: World) -> None:
    known, unknown = draw_verify(Random(1)), draw_verify(Random(2))
    before = client.post("/certificates", data={"number": known})
    world.tell("certificate", certificate_key(known), {"issued_on": "2026-08-01"})
    answer = client.post("/certificates", data={"number": known.lower().replace("-", " ")})
    assert "证明有效" in answer.text
    assert "2026-08-01" in answer.text
    assert client.post("/certificates", data={"number": unknown}).text == before.text
    world.tell("certificate", certificate_key(known), None)
    assert client.post("/certificates", data={"number": known}).text == before.text
    assert "没有这个验证号" in before.text
    assert known not in answer.text
    for form in ({"number": ["1", "2"]}, {"number": known, "x": "1"}):
        assert client.post("/certificates", data=form).status_code == 400


def test_certificates_are_not_guessed_by_trying(world: World) -> None:
    client = world.client(rate_limit=True)
    form = {"number": draw_verify(Random(1))}
    assert [client.post("/certificates", data=form).status_code for _ in range(11)] == [200] * 10 + [429]


def test_the_figures_of_departures_are_shown_where_there_are_any(client: FlaskClient, world: World) -> None:
    assert "撤下有多快" not in client.get("/about").text
    parts = [{**FIGURES, "to": "2026-05-31", "departures": 5}, {**FIGURES, "from": "2026-06-01", "median_days": None}]
    world.tell("figures", "departures", {**FIGURES, "periods": parts})
    page = client.get("/about").text
    assert "撤下有多快" in page
    assert "2026年4月1日至2026年6月30日" in page
    assert "1.5 天" in page
    assert "2026年4月1日至2026年5月31日" in page


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = ("state", "on", "until", "kind", "title", "text", "published_on", "from", "to", "departures", "on_time", "late")
BODIES = st.dictionaries(st.sampled_from((*NAMES, "median_days", "periods")), JSON, max_size=8)


@given(BODIES)
def test_a_body_of_another_version_never_breaks_a_page(body: dict[str, Any]) -> None:
    state = read_state(body)
    assert state.title
    article = read_article("1", body, {**ARTICLE_KINDS, **NOTICE_KINDS})
    assert article is None or article.label
    assert all(period.first.year and period.last.year for period in read_figures(body))


@pytest.mark.parametrize(
    "state", ["received", "reviewing", "need_more", "upheld", "rejected", "routed", "answered", "closed"]
)
def test_every_state_is_told_in_its_own_words(state: str) -> None:
    words = {read_state({"state": one}).title for one in (state, "never heard of")}
    assert len(words) == 2
