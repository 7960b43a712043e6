"""A list that nobody brings up to date, and what is hidden on the portal itself: told everywhere, and hidden everywhere."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from flask.testing import FlaskClient
from portal_world import COMPANY, PERSON, World
from sealed_codes import give_codes
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from portal.limits import EMERGENCY_RULES
from search_index.document import Document
from search_index.emergency import SUBJECT
from search_index.number import draw_number
from search_index.readers import READER, Standing, digest_key, draw_key

API = "/api/v1"
KEY = draw_key(Random(5))
UNKNOWN = draw_number(Random(99))
READS = {"Authorization": f"Bearer {KEY}"}
TOLD = "名单最近一次与法院核对是"
PAGES = ("/", "/search?q=扎西", "/stats", "/stats/post", "/display/led/still", "/display/notice")
DATA = (f"{API}/entries", f"{API}/stats", "/feed.atom", "/feed.json", "/display/led.json", "/display/mark.json")
BULK = (f"{API}/changes?since=0", f"{API}/snapshot", f"{API}/entries.csv")
MORE = ("/stats/kind.svg", "/readyz", "/articles/a1")
GOES_ON = ("/rights", "/about", "/privacy", "/objections/new", "/objections/state", "/complaints/new", "/certificates", "/articles", "/notices", "/emergency", "/api", "/display/led", "/healthz", "/opensearch.xml")  # fmt: skip


@pytest.fixture
def listed(world: World) -> tuple[Document, Document]:
    # Not the case number that the forms give as an example.
    person, company = world.publish(replace(PERSON, case_number="（2026）测9901执4711号"), COMPANY)
    article = {
        "kind": "case",
        "title": "以案释法",
        "text": "第一段。",
        "published_on": "2026-07-01",
        "records": [person.record],
    }
    world.tell("article", "a1", article)
    digest = digest_key(KEY)
    assert digest
    world.tell(READER, digest, Standing(watermark="R-TEST0001", acked=0).as_json())
    world.beats = False
    return person, company


def ask_all(client: FlaskClient, *records: str) -> dict[str, TestResponse]:
    """Every address that shows anything of the list."""
    entries = [f"{start}/{one}" for one in records for start in ("/entries", f"{API}/entries")]
    return {path: client.get(path, headers=READS) for path in (*PAGES, *DATA, *BULK, *MORE, *entries)}


def tells(answer: TestResponse, *documents: Document) -> bool:
    words = answer.text + (answer.data.decode("unicode-escape") if answer.is_json else "")
    told = [word for one in documents for word in (one.name, one.case_number, one.id_number, one.uscc) if word]
    return any(word in words for word in told)


def test_a_silent_list_says_so_everywhere(world: World, client: FlaskClient, listed: tuple[Document, Document]) -> None:
    before = ask_all(client, listed[0].record)
    assert not any(TOLD in one.text or "stale" in one.text for one in before.values())
    assert before[f"{API}/entries"].json["meta"]["checked_at"] == "2026-08-03T10:00:00+08:00"  # type: ignore[index]
    world.now += timedelta(hours=25)
    after = ask_all(client, listed[0].record)
    for path in (*PAGES[:4], "/entries/" + listed[0].record, *GOES_ON[:7]):
        page = after.get(path) or client.get(path)
        assert page.status_code == 200
        assert f"{TOLD} 2026年8月3日 10:00；此后的变动可能尚未显示，请以法院答复为准。" in page.text, path
    assert f"{TOLD} 2026年8月3日" in after["/display/notice"].text
    for path in ("/display/led/still", "/display/led.json"):
        assert "核对于 2026年8月3日 10:00，此后变动未显示" in after[path].text
    for path in (f"{API}/entries", f"{API}/stats", f"{API}/changes?since=0"):
        meta: Any = after[path].json["meta"]  # type: ignore[index]
        assert (meta["stale"], meta["checked_at"]) == (True, "2026-08-03T10:00:00+08:00")
    assert json.loads(after[f"{API}/snapshot"].text.splitlines()[0])["stale"] is True
    rows = list(csv.DictReader(io.StringIO(after[f"{API}/entries.csv"].data.decode("utf-8-sig"), newline="")))
    assert rows[0]["核对时间"] == "2026-08-03T10:00:00+08:00 此后的变动可能尚未显示"
    assert "此后的变动可能尚未显示" in after["/feed.atom"].text
    assert json.loads(after["/feed.json"].text)["_gongshi"]["stale"] is True
    # A word from the registry, and all is as it was.
    world.writer.note_pulse(world.now)
    assert TOLD not in client.get("/").text
    # A clock that was put back a little shows no less; one that is days behind cannot know how old the list is.
    pulse = world.now
    world.now = pulse - timedelta(hours=24)
    assert TOLD not in client.get("/").text
    world.now = pulse - timedelta(hours=25)
    assert TOLD in client.get("/").text
    world.now = pulse - timedelta(hours=73)
    assert client.get("/entries/" + listed[0].record).status_code == 503


@pytest.mark.parametrize("cause", ["silence", "shut", "emergency"])
def test_a_hidden_list_shows_nobody_anywhere(
    world: World, client: FlaskClient, listed: tuple[Document, Document], cause: str
) -> None:
    match cause:
        case "silence":
            world.now += timedelta(hours=73)
        case "shut":
            world.writer.set_shut(shut=True)
        case _:
            printed = give_codes(world)
            done = client.post("/emergency", data={"code": printed[0], "record": "", "whole": "yes"})
            assert done.status_code == 200
    for path, answer in ask_all(client, listed[0].record, UNKNOWN).items():
        assert not tells(answer, *listed), path
        if path.startswith("/display/led") or path == "/display/mark.json":
            # A screen takes away what stands there, and goes on asking.
            assert answer.status_code == 200
            assert ("名单暂停显示" in answer.text) == (path != "/display/mark.json")
            continue
        assert answer.status_code == 503, path
        assert answer.headers["Retry-After"] == "600"
        if path.startswith(API):
            assert answer.json["type"].endswith("/about#problem-hidden")  # type: ignore[index]
        elif path != "/readyz":
            assert "名单暂停显示" in answer.text
            assert "0000-0000000" in answer.text
    for path in GOES_ON:
        page = client.get(path)
        assert page.status_code == 200, path
        assert path == "/api" or not tells(page, *listed), path
        assert "现公示 2 条" not in page.text
    asked = client.post("/check", data={"name": PERSON.name, "head": "9901011980", "tail": "0017"})
    assert asked.status_code == 503
    # What readers have carried out is taken in.
    assert client.post(f"{API}/acks", headers=READS, json={"sequence": 1}).status_code == 202
    # HEAD tells no more than GET, and nothing of it is kept by a cache.
    head = client.head(f"/entries/{listed[0].record}")
    assert (head.status_code, head.headers["Cache-Control"]) == (503, "no-store")


def test_one_entry_hidden_is_gone_for_every_portal_at_once(
    world: World, client: FlaskClient, listed: tuple[Document, Document]
) -> None:
    printed, (person, company) = give_codes(world), listed
    other = world.publish(replace(PERSON, name="扎西·测试", case_number="（2026）测9901执77号"))[0]
    second = world.client()
    mark = client.get("/display/mark.json").json
    assert client.get(f"{API}/entries?q=扎西&facets=1").json["meta"]["total"] == 2  # type: ignore[index]
    with capture_logs() as logs:
        done = client.post(
            "/emergency", data={"code": printed[2].lower().replace("-", " "), "record": person.record.lower()}
        )
    assert (done.status_code, person.record in done.text) == (200, True)
    assert not any(person.record in str(line) or printed[2] in str(line) for line in logs)
    restarted = world.client()
    for reader in (client, second, restarted):
        for path in (f"/entries/{person.record}", f"{API}/entries/{person.record}"):
            assert reader.get(path).status_code == 410, path
        answers = ask_all(reader, company.record)
        for path, answer in answers.items():
            if path != "/articles/a1":
                assert answer.status_code == 200, path
            assert str(person.case_number) not in answer.text, path
        meta: Any = reader.get(f"{API}/entries?q=扎西&facets=1").json["meta"]  # type: ignore[index]
        assert (meta["total"], meta["facets"]["kind"]) == (1, [{"value": "person", "count": 1}])
        assert answers["/display/mark.json"].json != mark
        assert answers["/articles/a1"].status_code == 410
        assert "现公示 2 条" in answers["/"].text
        assert answers[f"{API}/stats"].json["entries"] == 2  # type: ignore[index]
        snapshot = [json.loads(line) for line in answers[f"{API}/snapshot"].text.splitlines()]
        assert {one["entry"]["record"] for one in snapshot[1:-1]} == {company.record, other.record}
        changes: Any = answers[f"{API}/changes?since=0"].json
        assert [one["entry"] for one in changes["changes"] if one["record"] == person.record] == [None]
        assert [one["record"] for one in changes["meta"]["withheld"]] == [person.record]
        feed = {one["_gongshi"]["record"]: one for one in json.loads(answers["/feed.json"].text)["items"]}
        assert feed[person.record]["_gongshi"]["type"] == "gone"
    # The namesake is one only now.
    assert (
        "同名" not in client.get(f"/entries/{other.record}").text
        or "2 条" not in client.get(f"/entries/{other.record}").text
    )
    # Lifted by the registry: what still lies in the folder counts no more.
    (name,) = [path.name.removesuffix(".mark") for path in world.marks.iterdir()]
    world.tell(SUBJECT, name, None)
    assert second.get(f"/entries/{person.record}").status_code == 200
    # Told by the registry: what does not lie there counts as well.
    world.tell(SUBJECT, name, {"record": company.record, "code": 1, "at": world.now.isoformat()})
    assert second.get(f"/entries/{company.record}").status_code == 410


def test_a_wrong_code_is_told_nothing(world: World, client: FlaskClient, listed: tuple[Document, Document]) -> None:
    before = client.post("/emergency", data={"code": "x", "record": UNKNOWN})
    printed = give_codes(world)
    changed = printed[0][:-1] + ("0" if printed[0][-1] != "0" else "1")
    wrong = (
        (changed, listed[0].record),
        (changed, UNKNOWN),
        (f"2{printed[0][1:]}", "nonsense"),
        ("", ""),
        ("9" * 60, UNKNOWN),
    )
    for code, record in wrong:
        answer = client.post("/emergency", data={"code": code, "record": record})
        assert (answer.status_code, answer.data) == (403, before.data)
    # What a right code may say.
    assert client.post("/emergency", data={"code": printed[0], "record": UNKNOWN}).status_code == 404
    for record, whole in ((listed[0].record, "yes"), ("nonsense", "")):
        assert client.post("/emergency", data={"code": printed[0], "record": record, "whole": whole}).status_code == 400
    for data in ({"code": "x", "more": "1"}, {"code": ["x", "y"]}):
        assert client.post("/emergency", data=data).status_code == 400
    assert list(world.marks.iterdir()) == []
    page = client.get("/emergency")
    assert "noindex" in page.headers["X-Robots-Tag"]
    assert not any("/emergency" in client.get(path).text for path in ("/", "/rights", "/about", "/robots.txt", "/api"))


def test_guessing_is_slow_for_one_and_bounded_for_all(world: World, listed: tuple[Document, Document]) -> None:
    client = world.client(rate_limit=True, trusted_proxies=1)
    tried = [
        client.post("/emergency", data={"code": "x"}, headers={"X-Forwarded-For": f"203.0.113.{asker}"}).status_code
        for asker in (1, 1, 1, 1, 1, 1, 2)
    ]
    assert tried == [403] * 5 + [429, 403]
    assert [str(rule.limit) for rule in EMERGENCY_RULES if rule.scope == "all"] == ["300 per 1 minute"]


def test_what_could_not_be_marked_is_said_not_to_be_hidden(world: World, listed: tuple[Document, Document]) -> None:
    printed = give_codes(world)
    client = world.client(emergency_folder=world.folder / "nowhere")
    answer = client.post("/emergency", data={"code": printed[0], "record": listed[0].record})
    assert (answer.status_code, "信息仍在显示" in answer.text) == (503, True)
    assert client.get(f"/entries/{listed[0].record}").status_code == 200
