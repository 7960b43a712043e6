"""Reading the list in bulk: who may, what is given, and that nothing is given of what is not public any more."""

from __future__ import annotations

import csv
import io
import json
import threading
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from bulk_follower import Incomplete, read_snapshot
from flask.testing import FlaskClient
from portal_world import COMPANY, PERSON, World
from structlog.testing import capture_logs

from portal.site import KEY
from search_index.changes import KEPT
from search_index.document import Document
from search_index.readers import READER, Standing, digest_key, draw_key
from search_index.register import RegisterUnavailable

API = "/api/v1"
BULK = (f"{API}/changes?since=0", f"{API}/snapshot", f"{API}/entries.csv")
OTHER = {"name": "央金样例", "id_number": "9901011980****0025"}


def grant(world: World, serial: int = 1, **standing: Any) -> dict[str, str]:
    """Give a key, as the journal tells of it; the header of who has it."""
    key = draw_key(Random(serial))
    change_standing(world, key, **standing)
    return {"Authorization": f"Bearer {key}"}


def change_standing(world: World, key: str, *, until: Any = None, **standing: Any) -> None:
    body = Standing(**{"watermark": "R-TEST0001", "acked": 0, **standing}).as_json()
    if until is not None:
        body["visible_until"] = until.isoformat()
    digest = digest_key(key)
    assert digest
    world.tell(READER, digest, body)


@pytest.fixture(autouse=True)
def unindexed(world: World) -> None:
    world.is_indexed = False


@pytest.fixture
def key(world: World) -> dict[str, str]:
    return grant(world)


@pytest.fixture
def listed(world: World, key: dict[str, str]) -> list[Document]:
    person, company, departed = world.publish(PERSON, COMPANY, replace(PERSON, **OTHER))
    world.withdraw(departed.record)
    return [person, company, departed]


def without_number(document: Document) -> dict[str, Any]:
    return {name: value for name, value in document.as_json().items() if name != "id_number"}


def test_without_a_good_key_every_answer_is_the_same(world: World, client: FlaskClient, listed: list[Document]) -> None:
    good = draw_key(Random(1))
    ended = draw_key(Random(2))
    change_standing(world, ended, until=world.now - timedelta(seconds=1))
    revoked = draw_key(Random(3))
    change_standing(world, revoked)
    world.tell(READER, digest_key(revoked) or "", None)
    untold = draw_key(Random(6))
    world.tell(READER, digest_key(untold) or "", {"of": "a version to come"})
    wrong = (
        "", good, f"Basic {good}", f"Token {good}", "Bearer", "Bearer ", f"Bearer {good.upper()}", f"Bearer {good}x",
        f"Bearer {good[:-1]}", f"Bearer {good[:20]} {good[20:]}", f"Bearer,{good}", f"Bearer {good}, Bearer {good}",
        f"Bearer {draw_key(Random(4))}", f"Bearer {ended}", f"Bearer {revoked}", f"Bearer {untold}", f"Bearer {digest_key(good)}",
        "Bearer gsr_" + "a" * 9000, "Bearer gsr_\u00e9", "Bearer \u5bc6\u94a5".encode().decode("latin-1"),
    )  # fmt: skip
    answers = set()
    for path in BULK:
        for header in wrong:
            answer = client.get(path, headers={"Authorization": header})
            assert answer.status_code == 401, header
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="gongshi"'
            assert answer.headers["Cache-Control"] == "no-store"
            answers.add((answer.content_type, answer.data))
    assert client.post(f"{API}/acks", json={"sequence": 1}).status_code == 401
    ((media, body),) = answers
    assert media == "application/problem+json"
    problem = json.loads(body)
    assert problem["type"].endswith("/about#problem-unauthorized")
    assert "0000-0000000" in problem["detail"]
    assert "免费" in problem["detail"]
    for header in (f"bearer {good}", f"BEARER  {good} "):
        assert client.get(BULK[0], headers={"Authorization": header}).status_code == 200


def test_a_key_of_another_court_and_one_in_the_address_are_no_keys(
    world: World, client: FlaskClient, tmp_path: Path
) -> None:
    other = World(tmp_path / "other")
    other.is_indexed = False
    header = grant(other, 9)
    assert other.client().get(BULK[0], headers=header).status_code == 200
    assert client.get(BULK[0], headers=header).status_code == 401
    key = header["Authorization"].removeprefix("Bearer ")
    assert other.client().get(f"{BULK[0]}&key={key}").status_code == 401


def test_a_key_stops_at_its_end(world: World, client: FlaskClient) -> None:
    key = draw_key(Random(5))
    change_standing(world, key, until=world.now + timedelta(seconds=1))
    header = {"Authorization": f"Bearer {key}"}
    assert client.get(BULK[0], headers=header).status_code == 200
    world.now += timedelta(seconds=1)
    assert client.get(BULK[0], headers=header).status_code == 401


def test_no_key_and_no_watermark_reaches_the_log(world: World, client: FlaskClient, key: dict[str, str]) -> None:
    with capture_logs() as lines:
        for path in BULK:
            client.get(path, headers=key)
        client.post(f"{API}/acks", json={"sequence": 1}, headers=key)
    assert lines
    secret = key["Authorization"].removeprefix("Bearer ")
    for told in (secret, digest_key(secret), "R-TEST0001"):
        assert str(told) not in str(lines)


def test_changes_give_words_only_of_what_may_be_seen(
    world: World, client: FlaskClient, key: dict[str, str], listed: list[Document]
) -> None:
    person, company, departed = listed
    world.correct(replace(person, performance="全部已履行"))
    answer = client.get(f"{API}/changes?since=0", headers=key)
    body = answer.json
    meta = body["meta"]
    assert (meta["head"], meta["next"], meta["watermark"], meta["acked"]) == (5, 5, "R-TEST0001", 0)
    assert meta["license"] == "https://example.invalid/about#terms"
    assert [(one["sequence"], one["type"], one["record"], bool(one["entry"])) for one in body["changes"]] == [
        (1, "published", person.record, False),
        (2, "published", company.record, True),
        (3, "published", departed.record, False),
        (4, "gone", departed.record, False),
        (5, "corrected", person.record, True),
    ]
    assert body["changes"][1]["entry"] == without_number(company)
    assert "id_number" not in answer.text
    assert "****" not in answer.text
    assert OTHER["name"] not in answer.text
    assert "ETag" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert "Access-Control-Allow-Origin" not in answer.headers
    page = client.get(f"{API}/changes?since=2&limit=2", headers=key).json
    assert (page["meta"]["head"], page["meta"]["next"], len(page["changes"])) == (5, 4, 2)


def test_who_stayed_away_too_long_or_knows_more_than_the_list_starts_again(
    world: World, client: FlaskClient, key: dict[str, str], listed: list[Document]
) -> None:
    for since in ("5", "999999999999999"):
        answer = client.get(f"{API}/changes?since={since}&wait=30", headers=key)
        assert (answer.status_code, answer.content_type) == (410, "application/problem+json")
        assert answer.json["snapshot"] == "https://example.invalid/api/v1/snapshot"
        assert answer.json["type"].endswith("#problem-start-again")
    world.now += KEPT + timedelta(seconds=1)
    assert client.get(f"{API}/changes?since=0", headers=key).status_code == 410
    assert client.get(f"{API}/changes?since=4", headers=key).json["changes"] == []


@pytest.mark.parametrize(
    "query",
    [
        "", "since=", "since=-1", "since=+1", "since=1.0", "since=1e3", "since=٣", "since=x", "since=1&since=1",
        "since=1000000000000000", f"since={'9' * 400}", "since=0&limit=0", "since=0&limit=1001", "since=0&wait=31",
        "since=0&wait=-1", "since=0&mode=elder", "since=0&colour=red", "since=0%00",
    ],
)  # fmt: skip
def test_parameters_are_refused_not_ignored(client: FlaskClient, key: dict[str, str], query: str) -> None:
    answer = client.get(f"{API}/changes?{query}", headers=key)
    assert answer.status_code == 400
    assert answer.json["errors"]
    assert client.get(f"{API}/snapshot?since=0", headers=key).status_code == 400


def test_a_snapshot_is_the_list_without_identity_numbers(
    client: FlaskClient, key: dict[str, str], listed: list[Document]
) -> None:
    answer = client.get(f"{API}/snapshot", headers=key)
    sequence, copy = read_snapshot(answer.data)
    assert sequence == 4
    assert copy == {one.record: without_number(one) for one in listed[:2]}
    head = json.loads(answer.data.splitlines()[0])
    assert (head["entries_without"], head["watermark"]) == ("id_number", "R-TEST0001")
    assert "****" not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers
    for cut in (answer.data[:-1], answer.data[:-40], b"\n".join(answer.data.splitlines()[:-1])):
        if cut != answer.data[:-1]:
            with pytest.raises(Incomplete):
                read_snapshot(cut)


def test_a_line_of_a_snapshot_is_one_however_lines_are_told_apart(
    world: World, client: FlaskClient, key: dict[str, str]
) -> None:
    (document,) = world.publish(replace(PERSON, obligation="一\u2028二\u2029三\x85四\x0b五\n六\x1e七"))
    text = client.get(f"{API}/snapshot", headers=key).text
    lines = text.splitlines()
    assert len(lines) == 3
    assert json.loads(lines[1])["entry"]["obligation"] == document.obligation
    read_snapshot(text.encode())


def test_the_csv_opens_as_a_table_and_says_how_it_ends(
    world: World, client: FlaskClient, key: dict[str, str], listed: list[Document]
) -> None:
    texts = ("=1+1", " ＝1", "@a", "\t=1", "-1", '说"=1"', "一行\n=二行", '逗号,引号"')
    world.publish(*(replace(PERSON, name="甲测试𠮷", obligation=text) for text in texts))
    content = client.get(f"{API}/entries.csv", headers=key).data
    assert content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))
    heading, *entries, end = rows
    assert {len(row) for row in rows} == {len(heading)}
    assert heading[:4] == ["序号", "公开编号", "类型", "姓名或者名称"]
    assert heading[-5:] == ["名单序号", "取得时间", "水印", "使用条款", "核对时间"]
    last = content[content.rindex(b"#END") :]
    assert last.endswith(b"\r\n")
    assert end[:3] == ["#END", str(len(entries)), sha256(content.removesuffix(last)).hexdigest()]
    assert len(entries) == 2 + len(texts)
    assert not any(cell.lstrip(" ").startswith(tuple("=+-@\t\r\n＝＋－＠")) for row in rows for cell in row)
    column = heading.index("生效法律文书确定的义务")
    found = {row[column].removeprefix("'") for row in entries}
    assert set(texts) <= found
    assert "****" not in content.decode()
    assert {row[-3] for row in entries} == {"R-TEST0001"}


def test_who_leaves_while_it_is_sent_is_not_sent(world: World, key: dict[str, str], monkeypatch: Any) -> None:
    monkeypatch.setattr("search_index.register._AT_ONCE", 2)
    listed = world.publish(*(replace(PERSON, name=f"样例{n}") for n in range(8)))
    by_number = sorted(listed, key=lambda one: one.record)
    early, late, ending = by_number[0], by_number[-1], by_number[-2]
    world.correct(replace(ending, visible_until=world.now + timedelta(minutes=1)))
    for path in BULK[1:]:
        answer = world.build_app().test_client().get(path, headers=key, buffered=False)
        parts = iter(answer.response)
        sent = next(parts) + next(parts)
        assert early.record.encode() in sent
        if late.record in {one.record for one in listed}:
            world.withdraw(late.record)
            world.now += timedelta(minutes=2)
            listed = [one for one in listed if one.record != late.record]
        rest = b"".join(parts)
        answer.close()
        for gone in (late, ending):
            assert gone.record.encode() not in rest
        assert b'"entries":6' in rest or b"#END,6," in rest


def test_a_failure_on_the_way_breaks_off_and_writes_nothing(
    world: World, key: dict[str, str], monkeypatch: Any
) -> None:
    monkeypatch.setattr("search_index.register._AT_ONCE", 2)
    world.publish(*(replace(PERSON, name=f"样例{n}") for n in range(6)))
    for path in BULK[1:]:
        app = world.build_app()
        answer = app.test_client().get(path, headers=key, buffered=False)
        parts = iter(answer.response)
        next(parts), next(parts)
        broken = world.folder / "disclosed.db"
        broken.rename(broken.with_suffix(".away"))
        with pytest.raises(RegisterUnavailable):
            next(parts)
        answer.close()
        broken.with_suffix(".away").rename(broken)
        # The turn was given back.
        assert app.test_client().get(path, headers=key).status_code == 200


def test_head_sends_no_list_and_waits_for_nothing(world: World, client: FlaskClient, key: dict[str, str]) -> None:
    client.application.extensions[KEY] = replace(client.application.extensions[KEY], pause=pytest.fail)
    for path in (f"{BULK[0]}&wait=30", *BULK[1:]):
        answer = client.head(path, headers=key)
        assert (answer.status_code, answer.data) == (200, b"")
        assert "ETag" not in answer.headers


def test_one_list_at_a_time_and_a_long_poll_steps_aside(world: World, key: dict[str, str]) -> None:
    app = world.build_app()
    slow = app.extensions[KEY].slow
    streaming = app.test_client().get(BULK[1], headers=key, buffered=False)
    next(iter(streaming.response))
    busy = app.test_client().get(BULK[2], headers=key)
    assert (busy.status_code, busy.headers["Retry-After"]) == (503, "30")
    # A long poll beside it answers at once.
    app.extensions[KEY] = replace(app.extensions[KEY], pause=pytest.fail)
    assert app.test_client().get(f"{API}/changes?since=0&wait=30", headers=key).json["changes"] == []
    streaming.close()
    pauses: list[float] = []
    asked: list[int] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 3:
            other = threading.Thread(
                target=lambda: asked.append(app.test_client().get(BULK[1], headers=key).status_code)
            )
            other.start()
            while not slow.is_wanted:
                other.join(0.001)
            others.append(other)

    others: list[threading.Thread] = []
    app.extensions[KEY] = replace(app.extensions[KEY], pause=pause)
    assert app.test_client().get(f"{API}/changes?since=0&wait=30", headers=key).json["changes"] == []
    others[0].join(5)
    assert (len(pauses), asked) == (3, [200])


def test_a_long_poll_ends_with_the_change_or_with_its_time(
    world: World, client: FlaskClient, key: dict[str, str]
) -> None:
    world.publish(PERSON)
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 7:
            world.publish(COMPANY)

    client.application.extensions[KEY] = replace(client.application.extensions[KEY], pause=pause)
    answer = client.get(f"{API}/changes?since=1&wait=30", headers=key).json
    assert [one["sequence"] for one in answer["changes"]] == [2]
    assert sum(pauses) == 7 / 4
    answer = client.get(f"{API}/changes?since=2&wait=30", headers=key).json
    assert (answer["changes"], answer["meta"]["next"]) == ([], 2)
    assert sum(pauses) == 7 / 4 + 30


def test_an_acknowledgement_is_sealed_for_the_court(
    world: World, client: FlaskClient, key: dict[str, str], listed: list[Document]
) -> None:
    for _ in range(3):
        answer = client.post(f"{API}/acks", json={"sequence": 4}, headers=key)
        assert answer.status_code == 202
        assert (answer.json["acknowledged"], answer.json["counted"]) == (4, "within minutes")
        assert answer.json["meta"]["head"] == 4
    (submission,) = world.collect()
    digest = digest_key(key["Authorization"].removeprefix("Bearer "))
    assert (submission.kind, submission.fields) == ("ack", {"reader": digest, "sequence": "4"})
    assert submission.received_at == world.now
    # Where nothing left the list there is nothing to confirm.
    for body, acked in (('{"sequence": 3}', 0), ('{"sequence": 4.0}', 4), ('{"sequence":1}', 4)):
        grant(world, acked=acked)
        answer = client.post(f"{API}/acks", data=body, content_type="application/json", headers=key)
        assert (answer.status_code, answer.json["counted"]) == (202, "already")
    assert len(world.list_sealed()) == 1


BODIES = (
    "", "x", "1", "null", "[]", "{}", '[["sequence", 3]]', '{"sequence": "3"}', '{"sequence": true}', '{"sequence": 0}',
    '{"sequence": -1}', '{"sequence": 1.5}', '{"sequence": NaN}', '{"sequence": 1e999}', '{"sequence": null}',
    '{"sequence": 1, "sequence": 2}', '{"sequence": 1, "more": 2}', '{"sequence": ' + "9" * 5000 + "}", "[" * 9000,
    '{"sequence": {"sequence": 1}}',
)  # fmt: skip


def test_an_acknowledgement_that_says_something_else_is_refused(
    world: World, client: FlaskClient, key: dict[str, str], listed: list[Document]
) -> None:
    for body in BODIES:
        answer = client.post(f"{API}/acks", data=body, content_type="application/json", headers=key)
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json"), body[:40]
    assert client.post(f"{API}/acks", data=b"\xff\xfe", content_type="application/json", headers=key).status_code == 400
    assert client.post(f"{API}/acks", data={"sequence": 3}, headers=key).status_code == 415
    assert client.post(f"{API}/acks", json={"sequence": 5}, headers=key).status_code == 409
    assert client.post(f"{API}/acks?x=1", json={"sequence": 3}, headers=key).status_code == 400
    assert (
        client.post(f"{API}/acks", data=b"1" * 20_000, content_type="application/json", headers=key).status_code == 413
    )
    assert client.get(f"{API}/acks", headers=key).status_code == 405
    assert world.list_sealed() == []


def test_where_nothing_can_be_taken_in_the_reader_is_told(
    world: World, key: dict[str, str], listed: list[Document]
) -> None:
    answer = world.client(drop_folder=None).post(f"{API}/acks", json={"sequence": 4}, headers=key)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "600")


def test_a_suspended_reader_is_told_what_to_take_down_and_nothing_else(
    world: World, client: FlaskClient, listed: list[Document], key: dict[str, str]
) -> None:
    grant(world, suspended=True)
    for path in BULK:
        answer = client.get(path, headers=key)
        assert answer.status_code == 403
        body = answer.json
        assert body["type"].endswith("#problem-suspended")
        assert body["acked"] == 0
        assert [(one["sequence"], one["record"]) for one in body["departures"]] == [(4, listed[2].record)]
        assert body["acks"] == "https://example.invalid/api/v1/acks"
        assert OTHER["name"] not in answer.text
    assert client.post(f"{API}/acks", json={"sequence": 4}, headers=key).status_code == 202
    assert world.collect()[0].fields["sequence"] == "4"
    grant(world, acked=4)
    assert client.get(BULK[0], headers=key).status_code == 200


def test_limits_count_each_key_and_the_address_of_whoever_guesses(world: World) -> None:
    client = world.client(rate_limit=True)
    first, second = grant(world, 1), grant(world, 2, watermark="R-TEST0002")
    statuses = [client.get(BULK[n % 2 + 1], headers=first).status_code for n in range(13)]
    assert statuses == [200] * 12 + [429]
    refused = client.get(BULK[1], headers=first)
    assert int(refused.headers["Retry-After"]) <= 3600
    assert client.get(BULK[1], headers=second).status_code == 200
    assert client.get(BULK[0], headers=first).headers["RateLimit-Limit"] == "60"
    guesses = [client.get(BULK[0]).status_code for _ in range(130)]
    assert set(guesses[:100]) == {401}
    assert guesses[-1] == 429


def test_every_answer_of_the_api_leads_to_the_terms(client: FlaskClient, key: dict[str, str]) -> None:
    for path in (*BULK, f"{API}/entries", f"{API}/entries/SX-00000000", f"{API}/openapi.json"):
        assert client.get(path, headers=key).headers["Link"].startswith("<https://example.invalid/about#terms>; rel=")
    about = client.get("/about").text
    assert 'id="terms"' in about
    assert 'id="bulk-terms"' in about


@pytest.fixture
def description(client: FlaskClient) -> dict[str, Any]:
    return client.get(f"{API}/openapi.json").json


def test_answers_are_as_they_are_described(
    world: World, client: FlaskClient, key: dict[str, str], listed: list[Document], description: dict[str, Any]
) -> None:
    check = Checker(description)
    check("ChangeList", client.get(BULK[0], headers=key).json)
    check("Problem", client.get(BULK[0]).json)
    check("StartAgain", client.get(f"{API}/changes?since=9", headers=key).json)
    check("Acknowledged", client.post(f"{API}/acks", json={"sequence": 1}, headers=key).json)
    check("Ack", {"sequence": 1})
    head, *entries, end = [json.loads(line) for line in client.get(BULK[1], headers=key).data.splitlines()]
    check("SnapshotHead", head)
    check("SnapshotEnd", end)
    for entry in entries:
        check("SnapshotEntry", entry)
    grant(world, suspended=True)
    check("Suspended", client.get(BULK[0], headers=key).json)
    for path in ("/changes", "/snapshot", "/entries.csv", "/acks"):
        (operation,) = description["paths"][f"{API}{path}"].values()
        assert operation["security"] == [{"readerKey": []}]
    with pytest.raises(Exception, match="id_number"):
        check("BulkEntry", listed[0].as_json())


class Checker:
    """Checks a value against a schema of the description, with a validator of JSON Schema 2020-12."""

    def __init__(self, description: dict[str, Any]) -> None:
        self._components = description["components"]

    def __call__(self, name: str, value: Any) -> None:
        import jsonschema_rs

        schema = {"$ref": f"#/components/schemas/{name}", "components": self._components}
        jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(value)
