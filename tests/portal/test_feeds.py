"""Feeds: well-formed by their standards, each record once, and what departed is gone from them at once, without a word."""

from __future__ import annotations

import base64
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import pytest
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from portal_world import COMPANY, PERSON, World

from portal.feed_words import ATOM, DELETED, HISTORY, OPENSEARCH, Place, build_atom, build_json_feed
from portal.feeds import NEWEST
from search_index.journal import ChangeType
from search_index.newest import BLOCK, News
from search_index.profile import Profile
from search_index.readers import READER, Standing, digest_key, draw_key

with warnings.catch_warnings():
    # It asks for a module that Python is to lose.
    warnings.simplefilter("ignore", DeprecationWarning)
    import feedparser

KEY = draw_key(Random(3))
A, D, H = f"{{{ATOM}}}", f"{{{DELETED}}}", f"{{{HISTORY}}}"


@pytest.fixture
def world(world: World) -> World:
    world.is_indexed = False
    return world


@pytest.fixture
def keyed(world: World) -> World:
    standing = Standing(watermark="wm-1", acked=0).as_json()
    world.tell(READER, digest_key(KEY) or "", {**standing, "visible_until": None})
    return world


# The structure of Atom, as RFC 4287, RFC 5005 and RFC 6721 lay it down -------------------------------------------------


def check_atom(data: bytes) -> ET.Element:
    """The feed, after a check of what its standards require."""
    feed = ET.fromstring(data)
    assert feed.tag == f"{A}feed"
    for name in ("id", "title", "updated"):
        assert len(feed.findall(A + name)) == 1
    check_person(feed)
    links = [(link.get("rel"), link.get("type")) for link in feed.findall(f"{A}link")]
    assert len(links) == len(set(links))
    assert {"self", "alternate", "license"} <= {rel for rel, _ in links}
    ids = []
    for entry in feed.findall(f"{A}entry"):
        for name in ("id", "title", "updated", "content", "published"):
            assert len(entry.findall(A + name)) == 1, name
        check_person(entry)
        (link,) = entry.findall(f"{A}link")
        assert link.get("rel") == "alternate"
        ids.append(entry.findtext(f"{A}id"))
        read_time(entry.findtext(f"{A}published"))
    for deleted in feed.findall(f"{D}deleted-entry"):
        assert set(deleted.attrib) == {"ref", "when"}
        assert {child.tag for child in deleted} <= {f"{D}comment", f"{D}by", f"{A}link"}
        ids.append(deleted.get("ref"))
    assert len(ids) == len(set(ids))
    for one in (feed.findtext(f"{A}id"), *ids):
        assert one is not None
        assert urlsplit(one).scheme == "tag"
    times = list(list_times(feed))
    assert times == sorted(times, reverse=True)
    assert read_time(feed.findtext(f"{A}updated")) == max(times, default=read_time(feed.findtext(f"{A}updated")))
    known = ("id", "title", "subtitle", "updated", "author", "link", "rights", "generator", "category", "entry")
    assert {child.tag for child in feed} <= {*(A + name for name in known), f"{D}deleted-entry", f"{H}archive"}
    return feed


def check_person(parent: ET.Element) -> None:
    (author,) = parent.findall(f"{A}author")
    assert author.findtext(f"{A}name")


def read_time(text: str | None) -> datetime:
    moment = datetime.fromisoformat(text or "")
    assert moment.tzinfo is not None
    return moment


def list_times(feed: ET.Element) -> Iterator[datetime]:
    for child in feed:
        if child.tag == f"{A}entry":
            yield read_time(child.findtext(f"{A}updated"))
        elif child.tag == f"{D}deleted-entry":
            yield read_time(child.get("when"))


def check_json_feed(body: dict[str, Any]) -> None:
    """JSON Feed 1.1: what it requires of the feed and of every item."""
    assert body["version"] == "https://jsonfeed.org/version/1.1"
    assert body["title"]
    known = {"id", "url", "title", "content_text", "date_published", "date_modified", "authors", "_gongshi"}
    for item in body["items"]:
        assert set(item) <= known
        assert isinstance(item["id"], str)
        assert item["content_text"]
        read_time(item["date_modified"])
    ids = [item["id"] for item in body["items"]]
    assert len(ids) == len(set(ids))


def read_names(client: FlaskClient) -> list[str]:
    """The titles in the Atom feed, which is checked, as a feed reader reads it; they are those of the JSON Feed."""
    data = client.get("/feed.atom").data
    check_atom(data)
    parsed = feedparser.parse(data)
    assert not parsed.bozo
    body = client.get("/feed.json").get_json()
    check_json_feed(body)
    titles: list[str] = [entry.title for entry in parsed.entries]
    assert titles == [item["title"] for item in body["items"] if "title" in item]
    return titles


# ----------------------------------------------------------------------------------------------------------------------


def test_an_entry_is_told_with_its_words_and_no_digits_of_a_number(client: FlaskClient, world: World) -> None:
    name = "扎西·<b>&𠮷"
    person, company = world.publish(replace(PERSON, name=name), COMPANY)
    assert read_names(client) == ["测试雪峰商贸有限公司（测试市人民法院）", f"{name}（测试市人民法院）"]
    parsed = feedparser.parse(client.get("/feed.atom").data, sanitize_html=False)
    entry = parsed.entries[1]
    assert entry.id == f"tag:example.invalid,2026:gongshi/{person.record}"
    assert entry.link == f"https://example.invalid/entries/{person.record}"
    assert entry.author == "测试市人民法院"
    assert parsed.feed.title == "测试市人民法院失信被执行人名单"
    item = client.get("/feed.json").get_json()["items"][1]
    for word in (name, "测试市人民法院", "（2026）测9901执12号", "违反财产报告制度"):
        assert word in item["content_text"]
    for address in ("/feed.atom", "/feed.json"):
        text = client.get(address).text
        for word in ("99010", "0017", "0001C", "45", "李样例", "120000"):
            assert word not in text, word
    assert company.record in client.get("/feed.json").text


def test_what_departs_is_gone_from_both_at_once_and_an_old_tag_is_worth_nothing(
    client: FlaskClient, world: World
) -> None:
    person, _ = world.publish(PERSON, COMPANY)
    addresses = ("/feed.atom", "/feed.json")
    tags = {address: client.get(address).headers["ETag"] for address in addresses}
    for address in addresses:
        answer = client.get(address, headers={"If-None-Match": tags[address]})
        assert (answer.status_code, answer.headers["Cache-Control"]) == (304, "no-cache")
    # Ahead of its turn, as every departure is.
    world.now += timedelta(hours=1)
    world.sequence += 3
    world.writer.apply_ahead([world._change(ChangeType.GONE, person.record, None)])
    for address in addresses:
        answer = client.get(address, headers={"If-None-Match": tags[address]})
        assert answer.status_code == 200
        assert "扎西" not in answer.text
        assert "执12号" not in answer.text
        assert person.record in answer.text
    feed = check_atom(client.get("/feed.atom").data)
    (deleted,) = feed.findall(f"{D}deleted-entry")
    assert deleted.get("ref") == f"tag:example.invalid,2026:gongshi/{person.record}"
    assert read_time(deleted.get("when")) == world.now
    item = client.get("/feed.json").get_json()["items"][0]
    assert item["_gongshi"] == {"type": "gone", "record": person.record}
    assert set(item) == {"id", "content_text", "date_modified", "_gongshi"}


def test_an_end_that_nobody_removed_is_a_departure(client: FlaskClient, world: World) -> None:
    end = world.now + timedelta(minutes=1)
    world.publish(replace(PERSON, visible_until=end))
    assert len(read_names(client)) == 1
    world.now = end
    assert read_names(client) == []
    assert read_time(check_atom(client.get("/feed.atom").data).find(f"{D}deleted-entry").get("when")) == end  # type: ignore[union-attr]


def test_an_entry_that_was_corrected_twice_comes_once(client: FlaskClient, world: World) -> None:
    person, _ = world.publish(PERSON, COMPANY)
    for performance in ("全部未履行", "全部已履行"):
        world.now += timedelta(hours=1)
        world.correct(replace(person, performance=performance))
    assert read_names(client) == ["扎西·测试（测试市人民法院）", "测试雪峰商贸有限公司（测试市人民法院）"]
    item = client.get("/feed.json").get_json()["items"][0]
    assert "全部已履行" in item["content_text"]
    assert item["_gongshi"]["type"] == "corrected"


def test_what_is_shown_again_is_an_entry_again(client: FlaskClient, world: World) -> None:
    (person,) = world.publish(PERSON)
    world.withdraw(person.record)
    assert read_names(client) == []
    world.publish(person)
    assert len(read_names(client)) == 1
    assert check_atom(client.get("/feed.atom").data).findall(f"{D}deleted-entry") == []


def test_an_empty_list_has_empty_feeds(client: FlaskClient) -> None:
    assert read_names(client) == []
    feed = client.get("/feed.atom")
    assert b"prev-archive" not in feed.data
    assert feed.content_type == "application/atom+xml; charset=utf-8"
    assert client.get("/feed.json").content_type == "application/feed+json"
    assert client.get("/feed.atom", headers={"If-None-Match": feed.headers["ETag"]}).status_code == 304
    assert "noindex" in feed.headers["X-Robots-Tag"]


def test_only_the_newest_are_in_a_feed(client: FlaskClient, world: World) -> None:
    world.publish(*(replace(PERSON, case_number=f"（2026）测9901执{n}号") for n in range(100, 100 + NEWEST + 5)))
    assert len(read_names(client)) == NEWEST
    assert client.get("/feed.atom?since=1").status_code == 400


def test_archives_need_a_key(client: FlaskClient, keyed: World) -> None:
    keyed.publish(PERSON)
    for header in ({}, {"Authorization": f"Bearer {draw_key(Random(4))}"}, {"Authorization": "Basic eDp5"}):
        answer = client.get("/feed/archive/1.atom", headers=header)
        assert answer.status_code == 401
        assert "扎西" not in answer.text
    basic = base64.b64encode(f"reader:{KEY}".encode()).decode()
    for value in (f"Bearer {KEY}", f"Basic {basic}"):
        answer = client.get("/feed/archive/1.atom", headers={"Authorization": value})
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "no-store"
        assert "wm-1" in answer.text
    for number in ("0", "999999999999", "x", "-1"):
        assert client.get(f"/feed/archive/{number}.atom", headers={"Authorization": f"Bearer {KEY}"}).status_code == 404


def test_a_reader_that_does_not_confirm_departures_gets_no_archive(client: FlaskClient, keyed: World) -> None:
    keyed.publish(PERSON)
    standing = Standing(watermark="wm-1", acked=0, suspended=True).as_json()
    keyed.tell(READER, digest_key(KEY) or "", {**standing, "visible_until": None})
    answer = client.get("/feed/archive/1.atom", headers={"Authorization": f"Bearer {KEY}"})
    assert answer.status_code == 403
    assert "扎西" not in answer.text


def test_feed_and_archives_together_are_the_list_and_tell_nobody_who_left(client: FlaskClient, keyed: World) -> None:
    count = 2 * BLOCK + 20
    listed = keyed.publish(*(replace(PERSON, name=f"样例{n:03}") for n in range(count)))
    for one in listed[:3]:
        keyed.withdraw(one.record)
    feed = check_atom(client.get("/feed.atom").data)
    ids, pages = collect(feed), 0
    address = find_link(feed, "prev-archive")
    while address:
        answer = client.get(urlsplit(address).path, headers={"Authorization": f"Bearer {KEY}"})
        archive = check_atom(answer.data)
        assert len(archive.findall(f"{H}archive")) == 1
        assert find_link(archive, "current") == find_link(feed, "self")
        assert archive.findall(f"{D}deleted-entry") == []
        for one in listed[:3]:
            assert one.record not in answer.text
        ids |= collect(archive)
        pages += 1
        address = find_link(archive, "prev-archive")
    assert pages == 3
    assert ids == {f"tag:example.invalid,2026:gongshi/{one.record}" for one in listed[3:]}


def collect(feed: ET.Element) -> set[str | None]:
    return {entry.findtext(f"{A}id") for entry in feed.findall(f"{A}entry")}


def find_link(feed: ET.Element, rel: str) -> str:
    return next((link.get("href", "") for link in feed.findall(f"{A}link") if link.get("rel") == rel), "")


def test_feeds_are_limited(world: World) -> None:
    client = world.client(rate_limit=True)
    assert [client.get("/feed.json").status_code for _ in range(61)] == [200] * 60 + [429]


@given(
    st.text(max_size=20),
    st.sampled_from(["https://x.example", "http://127.0.0.1:8000", "http://[::1]:80/a"]),
    st.text(max_size=9),
)
def test_any_name_makes_a_feed_that_can_be_read(name: str, address: str, court: str) -> None:
    entry = replace(PERSON, record="SX-00000000", name=name, court=court or "甲")
    news = (News(record=entry.record, type=ChangeType.PUBLISHED, at=datetime(2026, 1, 1, tzinfo=UTC), entry=entry),)
    place = Place(public_url=address, license=f"{address}/about#terms", profile=Profile(court=court))
    data = build_atom(news, place, 1)
    ET.fromstring(data)
    check_json_feed(build_json_feed(news, place))


def test_a_browser_finds_the_search_and_the_feeds(client: FlaskClient, world: World) -> None:
    answer = client.get("/opensearch.xml")
    assert answer.content_type == "application/opensearchdescription+xml; charset=utf-8"
    root = ET.fromstring(answer.data)
    space = f"{{{OPENSEARCH}}}"
    assert root.tag == f"{space}OpenSearchDescription"
    short = root.findtext(f"{space}ShortName")
    assert short is not None
    assert 0 < len(short) <= 16
    assert len(root.findtext(f"{space}LongName") or "") <= 48
    assert root.findtext(f"{space}InputEncoding") == "UTF-8"
    url = next(one for one in root.findall(f"{space}Url") if one.get("type") == "text/html")
    assert url.get("template") == "https://example.invalid/search?q={searchTerms}"
    assert client.get(urlsplit(root.findtext(f"{space}Image") or "").path).status_code == 200
    page = client.get("/").text
    for rel, path in (("search", "/opensearch.xml"), ("alternate", "/feed.atom"), ("alternate", "/feed.json")):
        assert any(f'rel="{rel}"' in line and f'href="{path}"' in line for line in page.splitlines())
