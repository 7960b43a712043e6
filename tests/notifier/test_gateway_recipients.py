"""What recipients open, sign and fetch at the gateway: only with what they were given, only the newest, and on record
before the first byte goes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import StrictUndefined
from posts import ACCEPTED, Post, message, send
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from notifier.calendar import Period
from notifier.channels import Channel, Outcome
from notifier.context import Notifier
from notifier.enrolling import Enrolment
from notifier.followups import list_follow_ups, queue_reminders
from notifier.gateway_recipients import recipient_gateway
from notifier.institutions.pull import PullChannel
from notifier.links import open_links
from notifier.recall import follow_changes
from notifier.recipients import add_recipient, issue_token, retire_recipient
from notifier.runs import push
from notifier.states import MessageState, Purpose
from notifier.tables import AcknowledgementRow, AttemptRow, GatewayEventRow, MessageRow, RecipientRow
from search_index.document import Document
from search_index.register import Register
from search_index.store import Store

pytestmark = pytest.mark.long

Town = Any
GATEWAY = "https://gateway.example.invalid"
STATIC = Path(__file__).resolve().parents[2] / "static"
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OTHER_SECRET = "whsec_" + base64.b64encode(b"o" * 32).decode()


@dataclass
class Counterpart:
    """The recipients of a town, who open the gateway, and the channels that lead to them."""

    town: Town
    client: FlaskClient
    tokens: dict[str, str]
    channels: dict[str, Channel]

    def push(self, period: Period) -> None:
        push(self.town.notifier, period, now=self.town.clock(), made_by="甲")
        self.send()

    def send(self) -> None:
        notifier = self.town.notifier
        follow_changes(notifier.engine, self.town.store, notifier.workdays, now=self.town.clock())
        send(self.town, self.channels)

    def dispatch(self, slug: str, purpose: Purpose = Purpose.PACKAGE) -> str:
        query = select(MessageRow.dispatch).join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        query = query.where(RecipientRow.slug == slug, MessageRow.purpose == purpose).order_by(MessageRow.id.desc())
        with Session(self.town.notifier.engine) as session:
            found: str = session.scalars(query.limit(1)).one()
            return found

    def links(self, slug: str, purpose: Purpose = Purpose.PACKAGE) -> tuple[str, str]:
        """The paths of the package and of its receipt."""
        links, dispatch = open_links(self.town.notifier.engine, GATEWAY), self.dispatch(slug, purpose)
        package, ack = links.package(dispatch), links.acknowledge(dispatch)
        assert package is not None
        assert ack is not None
        return package.removeprefix(GATEWAY), ack.removeprefix(GATEWAY)

    def get(self, path: str, **headers: str) -> TestResponse:
        return self.client.get(path, headers=headers)

    def json(self, path: str) -> Any:
        return self.get(path, Accept="application/json").json

    def pull(self, path: str = "/pull", slug: str = "pull", **headers: str) -> TestResponse:
        return self.get(path, Authorization=f"Bearer {self.tokens[slug]}", **headers)

    def sign(self, body: dict[str, Any], secret: str = SECRET, number: str = "msg_1", **late: float) -> TestResponse:
        """Post an answer with the signature of the published library."""
        text, at = json.dumps(body), self.town.clock().astimezone(UTC) + timedelta(**late)
        headers = {
            "webhook-id": number,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": Webhook(secret).sign(number, at, text),
        }
        return self.client.post("/acks", data=text, headers=headers)

    def count(self, row: Any, *conditions: Any) -> int:
        with Session(self.town.notifier.engine) as session:
            return session.scalar(select(func.count()).select_from(row).where(*conditions)) or 0

    def handovers(self) -> int:
        return self.count(AttemptRow, AttemptRow.worker == "取件")


@pytest.fixture
def gateway(town: Town) -> Counterpart:
    engine = town.notifier.engine
    with Session(engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    for slug, channel, secret in (("station", "mail", None), ("hook", "webhook", SECRET), ("other", "webhook", OTHER_SECRET), ("pull", "pull", None)):  # fmt: skip
        enrolment = Enrolment(slug=slug, name=f"测试单位{slug}", kind="television", channel=channel, secret=secret)
        add_recipient(engine, enrolment, now=town.clock())
    tokens = {slug: issue_token(engine, slug, random=town.random) for slug in ("pull", "other")}
    channels: dict[str, Channel] = {"mail": Post(), "webhook": Post(), "pull": PullChannel()}
    return Counterpart(town, make_client(town, town.notifier), tokens, channels)


def make_client(town: Town, notifier: Notifier) -> FlaskClient:
    app = Flask("gateway", static_folder=str(STATIC), static_url_path="/static")
    app.jinja_env.undefined = StrictUndefined
    app.register_blueprint(recipient_gateway(notifier, clock=town.clock, gateway_url=GATEWAY))
    return app.test_client()


# Receipts, on a page -------------------------------------------------------------------------------------------------


def test_opening_the_page_changes_nothing_and_says_what_it_is_about(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    leaves = gateway.town.publish(person)
    gateway.push(period)
    gateway.town.depart(leaves)
    gateway.send()
    for purpose, words in ((Purpose.PACKAGE, "2026年第三季度"), (Purpose.RECALL, leaves.record)):
        _, page = gateway.links("station", purpose)
        before = message(gateway.town, f"package/1/{_number(gateway, 'station')}/mail").changed_at
        for _ in range(3):
            answer = gateway.get(page)
            gateway.client.head(page)
        assert answer.status_code == 200
        assert words in answer.text
        assert "测试单位station" in answer.text
        assert leaves.name not in answer.text
        assert "<script" not in answer.text
        assert message(gateway.town, f"package/1/{_number(gateway, 'station')}/mail").changed_at == before
        assert gateway.count(AcknowledgementRow) == 0
    assert leaves.case_number in gateway.get(gateway.links("station", Purpose.RECALL)[1]).text


def test_the_button_confirms_once_and_the_page_shows_what_was_noted(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    _, page = gateway.links("station")
    form = {"kind": "aired", "by": "值班编辑 张", "day": "2026-10-08", "time": "09:30", "place": "新闻频道9:30档"}
    for _ in range(2):
        answer = gateway.client.post(page, data=form)
        assert (answer.status_code, answer.headers["Location"]) == (303, page)
    shown = gateway.get(page).text
    assert "已播出或者发布：值班编辑 张，2026年10月8日 09:30，新闻频道9:30档" in shown
    assert "<form" not in shown
    assert gateway.count(AcknowledgementRow) == 1
    # What was given without a time is shown as a day.
    _, page = gateway.links("hook")
    del form["time"]
    assert gateway.client.post(page, data=form).status_code == 303
    assert "2026年10月8日，新闻频道9:30档" in gateway.get(page).text


def test_received_comes_before_aired_and_both_are_kept(gateway: Counterpart, period: Period, person: Document) -> None:
    gateway.town.publish(person)
    gateway.channels["mail"] = Post(answers=[ACCEPTED])
    gateway.push(period)
    _, page = gateway.links("station")
    assert gateway.client.post(page, data={"kind": "received", "by": "收发室"}).status_code == 303
    assert message(gateway.town, f"package/1/{_number(gateway, 'station')}/mail").state == MessageState.DELIVERED
    shown = gateway.get(page).text
    assert 'value="aired" checked' in shown
    assert 'value="received"' not in shown
    form = {"kind": "aired", "by": "编辑", "day": "2026-10-08", "place": "https://tv.example.invalid/1"}
    assert gateway.client.post(page, data=form).status_code == 303
    assert gateway.count(AcknowledgementRow) == 2


WRONG_FORMS: list[tuple[dict[str, str], str]] = [
    ({"by": ""}, "请填写姓名或者岗位"),
    ({"by": "名" * 61}, "请填写姓名或者岗位"),
    ({"kind": "nothing"}, "请选择回执内容"),
    ({"kind": "taken_down"}, "名单包不能回执"),
    ({"day": "2026-13-01"}, "请填写日期"),
    ({"day": "2026-10-09"}, "办理时间应当在今天或者此前"),
    ({"day": "0001-01-01"}, "办理时间应当在今天或者此前"),
    ({"place": ""}, "请填写播出时段或者发布网址"),
    ({"place": "<b>\u202e" + "x" * 300}, "请填写播出时段或者发布网址"),
]


def test_a_form_that_is_wrong_says_so_and_keeps_what_was_typed(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    _, page = gateway.links("station")
    right = {"kind": "aired", "by": "<i>编辑</i>", "day": "2026-10-08", "time": "09:00", "place": "九点档"}
    for changes, words in WRONG_FORMS:
        answer = gateway.client.post(page, data=right | changes)
        assert (answer.status_code, words in answer.text) == (422, True), changes
        assert "<i>" not in answer.text
        assert ("&lt;i&gt;编辑&lt;/i&gt;" in answer.text) == ("by" not in changes)
    assert gateway.count(AcknowledgementRow) == 0
    assert gateway.client.post(page, data=right).status_code == 303


def test_an_answer_to_a_reminder_answers_what_was_reminded_of(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    leaves = [gateway.town.publish(person) for _ in range(2)]
    gateway.push(period)
    for document in leaves:
        gateway.town.depart(document)
    gateway.send()
    profile = gateway.town.notifier.register.profile(gateway.town.clock())
    gateway.town.clock.pass_time(days=1)
    engine, workdays = gateway.town.notifier.engine, gateway.town.notifier.workdays
    queue_reminders(engine, workdays, profile, now=gateway.town.clock())
    gateway.send()
    _, page = gateway.links("station", Purpose.REMINDER)
    assert leaves[1].record in gateway.get(page).text
    form = {"kind": "taken_down", "by": "编辑", "day": "2026-10-09", "place": "各频道、网站"}
    assert gateway.client.post(page, data=form).status_code == 303
    closed = {
        one.recall.record: one.is_closed
        for one in list_follow_ups(engine)
        if one.recipient.slug == "station" and one.recall
    }
    assert closed == {leaves[0].record: False, leaves[1].record: True}
    # With the next quarter's list, one letter repeats all that is open: answering it answers them all.
    gateway.town.clock.pass_time(days=90)
    gateway.push(Period(2026, 4))
    _, page = gateway.links("station", Purpose.REMINDER)
    assert leaves[0].record in gateway.get(page).text
    form["day"] = "2027-01-07"
    assert gateway.client.post(page, data=form).status_code == 303
    assert all(one.is_closed for one in list_follow_ups(engine) if one.recipient.slug == "station")


def test_one_address_opens_one_door_and_everything_else_is_the_same_404(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    package, page = gateway.links("station")
    token = page.rpartition("/")[2]
    wrong = [
        f"/acks/{package.split('/')[2]}",
        f"/packages/{token}/",
        f"/packages/{token}/r1/list.json",
        f"/acks/{token[:-1]}{'a' if token[-1] != 'a' else 'b'}",
        f"/acks/{gateway.dispatch('station')}",
        "/acks/-",
        "/acks/%00%ff%ED%A0%80",
        f"/acks/{'x' * 5000}",
    ]
    bodies = set()
    for path in wrong:
        for answer in (gateway.get(path), gateway.client.post(path, data={"kind": "received", "by": "x"})):
            assert answer.status_code in (404, 405)
            if answer.status_code == 404:
                bodies.add(answer.text)
    assert len(bodies) == 1
    assert gateway.count(AcknowledgementRow) == 0
    assert gateway.handovers() == 0


def test_every_answer_is_kept_nowhere_sent_nowhere_and_sets_no_cookie(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    package, page = gateway.links("station")
    for path in (page, package, f"{package}r1/list.json", "/acks/wrong", "/pull"):
        headers = gateway.get(path).headers
        assert "no-store" in headers["Cache-Control"]
        assert headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in headers["X-Robots-Tag"]
        assert "Set-Cookie" not in headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]


# Receipts, signed ----------------------------------------------------------------------------------------------------


def test_a_signed_answer_counts_once_and_within_its_window(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    body = {"dispatch": gateway.dispatch("hook"), "kind": "received", "by": "收件程序"}
    for late in (301, -301):
        assert gateway.sign(body, seconds=late).status_code == 401
    assert gateway.sign(body).json == {"dispatch": body["dispatch"], "kind": "received", "noted": True}
    assert gateway.sign(body).json["noted"] is False
    # A replay under another kind would be another signature; under the same number it is taken for the first.
    aired = {**body, "kind": "aired", "at": "2026-10-08", "place": "首页"}
    assert gateway.sign(aired).json["noted"] is False
    assert gateway.count(AcknowledgementRow) == 1
    assert gateway.sign(aired, number="msg_2").json["noted"] is True
    assert gateway.count(GatewayEventRow) == 2


def test_both_secrets_count_while_one_is_being_replaced(gateway: Counterpart, period: Period, person: Document) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    new = "whsec_" + base64.b64encode(b"n" * 32).decode()
    from notifier.recipients import rotate_secret

    body = {"dispatch": gateway.dispatch("hook"), "kind": "received", "by": "收件程序"}
    assert gateway.sign(body, secret=new).status_code == 401
    rotate_secret(gateway.town.notifier.engine, "hook", new)
    assert gateway.sign(body, secret=new).status_code == 200
    assert gateway.sign(body, secret=SECRET, number="msg_2").status_code == 200
    rotate_secret(gateway.town.notifier.engine, "hook", None)
    assert gateway.sign(body, secret=SECRET, number="msg_3").status_code == 401


def test_nobody_answers_for_another(gateway: Counterpart, period: Period, person: Document) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    body = {"dispatch": gateway.dispatch("hook"), "kind": "received", "by": "别人"}
    assert gateway.sign(body, secret=OTHER_SECRET).status_code == 401
    headers = {"Authorization": f"Bearer {gateway.tokens['other']}"}
    assert gateway.client.post("/pull/acks", json=body, headers=headers).status_code == 404
    # One without a secret cannot be signed for, not even with an empty one.
    unsigned = {**body, "dispatch": gateway.dispatch("station")}
    for secret in (OTHER_SECRET, "whsec_" + base64.b64encode(b"\0\0\0").decode()):
        assert gateway.sign(unsigned, secret=secret).status_code == 401
    assert gateway.count(AcknowledgementRow) == 0


BROKEN_SIGNATURES = [
    "", ",", "v1", "v1,", "v1,%%%", "v1,AAAA", "v2,AAAA", "v1,é", "v1 v1", "v1,AAAA,BBBB", " ".join(["v1,AAAA"] * 500),
]  # fmt: skip


def test_a_broken_signature_is_a_wrong_one(gateway: Counterpart, period: Period, person: Document) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    text = json.dumps({"dispatch": gateway.dispatch("hook"), "kind": "received", "by": "x"}).encode()
    right = _sign_bytes(gateway, text)
    broken = [{"webhook-signature": signature} for signature in BROKEN_SIGNATURES]
    broken += [{"webhook-timestamp": "1e9"}, {"webhook-timestamp": "９"}, {"webhook-id": ""}, {"webhook-id": "a.b"}]
    for changes in broken:
        assert gateway.client.post("/acks", data=text, headers=right | changes).status_code == 401, changes
    assert gateway.client.post("/acks", data=text, headers=right).status_code == 200


def _sign_bytes(gateway: Counterpart, body: bytes) -> dict[str, str]:
    stamp = str(int(gateway.town.clock().timestamp()))
    mac = hmac.new(b"s" * 32, f"msg_1.{stamp}.".encode() + body, hashlib.sha256).digest()
    signature = "v1," + base64.b64encode(mac).decode()
    return {"webhook-id": "msg_1", "webhook-timestamp": stamp, "webhook-signature": signature}


BROKEN_BODIES = [
    b"",
    b"null",
    b"[]",
    b"\xff\xfe",
    b'"' + b"[" * 9000,
    b"[" * 9000,
    b'{"dispatch": "\\u0000"}',
    b'{"dispatch": "\\ud800", "kind": "received", "by": "x"}',
    b'{"dispatch": 7}',
]


def test_a_broken_body_is_refused_whatever_is_broken(gateway: Counterpart) -> None:
    headers = {"Authorization": f"Bearer {gateway.tokens['pull']}"}
    for body in BROKEN_BODIES:
        signed = gateway.client.post("/acks", data=body, headers=_sign_bytes(gateway, body))
        assert signed.status_code in (400, 401), body[:40]
        assert gateway.client.post("/pull/acks", data=body, headers=headers).status_code in (400, 422), body[:40]


WRONG_ANSWERS: list[dict[str, Any]] = [
    {"kind": "burnt"},
    {"kind": None},
    {"by": ""},
    {"by": 7},
    {"by": "\ud800"},
    {"at": "tomorrow"},
    {"at": "2026-10-08T09:00:00"},
    {"at": "2026-10-08T12:00:00+08:00"},
    {"at": "0001-01-01T00:00:00+14:00"},
    {"at": 1790000000},
    {"place": "\x07"},
    {"place": None},
    {"more": 1},
    {"kind": "taken_down"},
]


def test_a_signed_answer_that_says_too_little_or_too_much_is_refused_with_its_reason(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    right = {"dispatch": gateway.dispatch("hook"), "kind": "aired", "by": "收件程序", "place": "首页"}
    for changes in WRONG_ANSWERS:
        answer = gateway.sign(right | changes)
        assert answer.status_code in (400, 422), changes
        assert answer.content_type == "application/problem+json"
        assert answer.json["detail"]
    assert gateway.count(AcknowledgementRow) == 0
    assert gateway.sign(right).json["noted"] is True


def test_a_body_beyond_measure_is_not_read(gateway: Counterpart) -> None:
    assert gateway.client.post("/acks", data=b"{" * 20_000).status_code == 413


# Packages ------------------------------------------------------------------------------------------------------------


def test_the_newest_list_is_made_when_it_is_asked_for_and_who_left_is_not_in_it(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    stays, leaves = gateway.town.publish(person), gateway.town.publish(person, name="离开·测试")
    gateway.push(period)
    package, _ = gateway.links("station")
    first = gateway.json(package)
    assert (first["revision"], first["entries"]) == (1, 2)
    assert leaves.record in gateway.get(f"{package}r1/list.json").text
    gateway.town.depart(leaves)
    second = gateway.json(package)
    assert (second["revision"], second["entries"]) == (2, 1)
    outdated = gateway.get(f"{package}r1/list.json", Accept="application/json")
    assert outdated.status_code == 410
    assert outdated.json["newest_revision"] == 2
    assert 'href="../"' in gateway.get(f"{package}r1/list.json", Accept="text/html").text
    for file in second["files"]:
        content = gateway.get(file["address"].removeprefix(GATEWAY)).data
        assert (len(content), hashlib.sha256(content).hexdigest()) == (file["bytes"], file["sha256"])
        assert leaves.name.encode() not in content
        # By its number it is said to be gone: what to stop using.
        assert file["name"] in ("变动.xlsx",) or leaves.record.encode() not in content
    assert stays.record in gateway.get(f"{package}r2/list.json").text
    assert gateway.get(f"{package}r3/list.json").status_code == 404
    archive = zipfile.ZipFile(io.BytesIO(gateway.get(f"{package}r2/2026Q3-r2.zip").data))
    assert {f"2026Q3-r2/{file['name']}" for file in second["files"]} == set(archive.namelist())


def test_a_page_for_people_lists_the_same_files(gateway: Counterpart, period: Period, person: Document) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    package, page = gateway.links("station")
    shown = gateway.get(package, Accept="text/html,application/xhtml+xml").text
    assert "第1次修订，共1条" in shown
    assert "后不得使用" in shown
    assert f"{GATEWAY}{page}" in shown
    assert person.name not in shown
    described = gateway.json(package)
    assert described["manifest_sha256"] in shown
    for file in described["files"]:
        assert f">{file['name']}</a>" in shown
    assert gateway.handovers() == 0


def test_it_is_on_record_before_the_first_byte_goes_and_once_for_all_files(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    first, late = gateway.town.publish(person), None
    gateway.push(period)
    package, _ = gateway.links("station")
    late = gateway.town.publish(person, case_number="（2026）测0101执77号")
    files = gateway.json(package)["files"]
    assert gateway.handovers() == 0
    for file in files[:4]:
        gateway.client.head(file["address"].removeprefix(GATEWAY))
    assert gateway.handovers() == 0
    for file in files:
        assert gateway.get(file["address"].removeprefix(GATEWAY)).status_code == 200
    assert gateway.handovers() == 1
    # It has what it fetched, though no message brought it: so it is told.
    gateway.town.depart(late)
    gateway.send()
    told = [one.recall.record for one in list_follow_ups(gateway.town.notifier.engine) if one.recall]
    assert told == [late.record]
    letter = gateway.channels["mail"].letters[0]  # type: ignore[attr-defined]
    assert "执77号" in letter.subject
    assert first.record not in letter.text


def test_a_departure_that_is_followed_while_a_list_is_fetched_is_recalled_or_not_in_it(
    gateway: Counterpart, period: Period, person: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    import notifier.handing_over

    leaves = gateway.town.publish(person)
    gateway.push(period)
    package, _ = gateway.links("pull")
    note = notifier.handing_over.note_handover
    engine, store, workdays = gateway.town.notifier.engine, gateway.town.store, gateway.town.notifier.workdays

    def depart_first(*arguments: Any, **named: Any) -> bool:
        monkeypatch.setattr(notifier.handing_over, "note_handover", note)
        gateway.town.depart(leaves)
        follow_changes(engine, store, workdays, now=gateway.town.clock())
        return note(*arguments, **named)

    monkeypatch.setattr(notifier.handing_over, "note_handover", depart_first)
    answer = gateway.get(f"{package}r1/list.json", Accept="application/json")
    assert answer.status_code == 410
    assert gateway.handovers() == 0
    assert leaves.record not in gateway.get(f"{package}r2/list.json").text


def test_a_list_that_never_stands_still_is_asked_for_again_later(
    gateway: Counterpart, period: Period, person: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    import notifier.handing_over

    gateway.town.publish(person)
    gateway.push(period)
    package, _ = gateway.links("station")
    monkeypatch.setattr(notifier.handing_over, "note_handover", lambda *_, **__: False)
    answer = gateway.get(f"{package}r1/list.json", Accept="application/json")
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert person.name not in answer.text


def test_a_receiver_fetches_within_the_call_that_told_it(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    leaves = gateway.town.publish(person)

    class Fetching(Post):
        def deliver(self, dispatch: Any) -> Outcome:
            link = open_links(gateway.town.notifier.engine, GATEWAY).package(dispatch.id) or ""
            # A test's client of its own: the call comes from another thread.
            client = make_client(gateway.town, gateway.town.notifier)
            answer = client.get(f"{link.removeprefix(GATEWAY)}r1/list.json")
            self.got = answer.status_code
            super().deliver(dispatch)
            return Outcome(state=MessageState.FAILED_PERMANENT, detail="对方出错")

    gateway.channels["webhook"] = fetching = Fetching()
    gateway.push(period)
    assert fetching.got == 200
    gateway.channels["webhook"] = Post()
    gateway.town.depart(leaves)
    gateway.send()
    # The call failed, but what it fetched it has.
    told = {one.recipient.slug for one in list_follow_ups(gateway.town.notifier.engine)}
    assert {"hook", "other"} <= told


def test_no_other_file_is_served(gateway: Counterpart, period: Period, person: Document) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    package, _ = gateway.links("station")
    for name in ("..%2f..%2fnotifier.db", "signing.pem", "list.json%00", "SHA256SUMS.sig", "%ED%A0%80"):
        assert gateway.get(f"{package}r1/{name}").status_code == 404, name
    assert gateway.handovers() == 0


def test_a_file_proves_itself(gateway: Counterpart, period: Period, person: Document) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    package, _ = gateway.links("station")
    address = f"{package}r1/{'播报稿.docx'}"
    answer = gateway.get(address)
    digest = hashlib.sha256(answer.data)
    assert answer.headers["ETag"] == f'"{digest.hexdigest()}"'
    assert answer.headers["Content-Digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert "filename*=UTF-8''%E6%92%AD%E6%8A%A5%E7%A8%BF.docx" in answer.headers["Content-Disposition"]
    assert 'filename="2026Q3-r1.docx"' in answer.headers["Content-Disposition"]
    assert gateway.get(address, **{"If-None-Match": answer.headers["ETag"]}).status_code == 304


def test_a_list_of_a_quarter_that_is_over_is_not_handed_over(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    old, _ = gateway.links("station")
    gateway.town.clock.pass_time(days=90)
    gateway.push(Period(2026, 4))
    new, _ = gateway.links("station")
    answer = gateway.get(old, Accept="application/json")
    assert (answer.status_code, "2026年第四季度" in answer.json["detail"]) == (410, True)
    assert gateway.get(f"{old}r1/list.json").status_code == 410
    assert gateway.json(new)["period"] == "2026Q4"


def test_what_has_not_gone_out_yet_and_who_is_retired_get_no_list(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    gateway.town.publish(person)
    push(gateway.town.notifier, period, now=gateway.town.clock(), made_by="甲")
    package, _ = gateway.links("station")
    assert gateway.get(package).status_code == 404
    assert gateway.pull().json["runs"] == []
    gateway.send()
    assert gateway.get(package).status_code == 200
    retire_recipient(gateway.town.notifier.engine, "station")
    assert gateway.get(package).status_code == 410
    assert gateway.get(f"{package}r1/list.json").status_code == 410
    assert gateway.handovers() == 0


# Pulling -------------------------------------------------------------------------------------------------------------


def test_one_that_pulls_gets_the_list_the_recalls_and_answers_them(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    leaves = gateway.town.publish(person)
    gateway.push(period)
    found = gateway.pull().json
    (run,) = found["runs"]
    assert (found["recipient"], run["period"], run["revision"], found["letters"]) == ("pull", "2026Q3", 1, [])
    manifest = next(file for file in run["files"] if file["name"] == "manifest.json")
    assert manifest["sha256"] == run["manifest_sha256"]
    assert gateway.pull(manifest["address"].removeprefix(GATEWAY)).status_code == 200
    gateway.town.depart(leaves)
    gateway.send()
    dispatch = gateway.dispatch("pull", Purpose.RECALL)
    assert _state(gateway, dispatch) == MessageState.ACCEPTED
    (letter,) = gateway.pull().json["letters"]
    assert letter["dispatch"] == dispatch
    assert letter["facts"] == {
        "type": "gone",
        "record": leaves.record,
        "case_number": leaves.case_number,
        "due_on": "2026-10-12",
    }
    assert leaves.name not in json.dumps(letter, ensure_ascii=False)
    assert _state(gateway, dispatch) == MessageState.DELIVERED
    # Fetched is not done: it stays until it is answered, and is reminded of.
    gateway.town.clock.pass_time(days=1)
    profile = gateway.town.notifier.register.profile(gateway.town.clock())
    engine, workdays = gateway.town.notifier.engine, gateway.town.notifier.workdays
    queue_reminders(engine, workdays, profile, now=gateway.town.clock())
    gateway.send()
    again, reminder = gateway.pull().json["letters"]
    assert again == letter
    assert reminder["facts"]["type"] == "reminder"
    assert reminder["answers"] == letter["answers"] == ["received", "taken_down"]
    body = {"dispatch": dispatch, "kind": "taken_down", "by": "收件程序", "place": "首页"}
    headers = {"Authorization": f"Bearer {gateway.tokens['pull']}"}
    answer = gateway.client.post("/pull/acks", json=body, headers=headers)
    assert answer.json == {"dispatch": dispatch, "kind": "taken_down", "noted": True}
    # A reminder that was fetched stays for some days, should its answer have been lost.
    assert [one["dispatch"] for one in gateway.pull().json["letters"]] == [reminder["dispatch"]]
    gateway.town.clock.pass_time(days=4)
    assert gateway.pull().json["letters"] == []


def test_what_has_not_changed_is_not_sent_again(gateway: Counterpart, period: Period, person: Document) -> None:
    leaves = gateway.town.publish(person)
    gateway.push(period)
    tag = gateway.pull().headers["ETag"]
    assert gateway.pull(**{"If-None-Match": tag}).status_code == 304
    assert gateway.pull(f"/pull/2026Q3/r1/{'list.json'}").status_code == 200
    gateway.town.depart(leaves)
    gateway.send()
    changed = gateway.pull(**{"If-None-Match": tag})
    assert changed.status_code == 200
    assert len(changed.json["letters"]) == 1


def test_one_that_has_not_fetched_the_list_is_not_told_of_what_left_it(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    leaves = gateway.town.publish(person)
    gateway.push(period)
    assert gateway.pull().json["runs"][0]["entries"] == 1
    gateway.town.depart(leaves)
    gateway.send()
    assert gateway.pull().json["letters"] == []
    assert gateway.pull("/pull/2026Q3/r1/list.json").status_code == 410
    assert gateway.pull("/pull/2026Q3/r2/list.json").json["entries"] == []


def test_what_has_to_be_taken_back_is_told_even_when_no_list_can_be_made(
    gateway: Counterpart, period: Period, person: Document, tmp_path: Path
) -> None:
    leaves = gateway.town.publish(person)
    gateway.push(period)
    assert gateway.pull("/pull/2026Q3/r1/list.json").status_code == 200
    gateway.town.depart(leaves)
    gateway.send()
    _, page = gateway.links("station", Purpose.RECALL)
    keyless = replace(gateway.town.notifier, signing_key=tmp_path / "lost.pem")
    client = make_client(gateway.town, keyless)
    headers = {"Authorization": f"Bearer {gateway.tokens['pull']}"}
    found = client.get("/pull", headers=headers).json
    assert found["runs"] == []
    assert found["reason"]
    assert [letter["facts"]["record"] for letter in found["letters"]] == [leaves.record]
    assert client.get("/pull/2026Q3/r2/list.json", headers=headers).status_code == 503
    # Where the list itself cannot be read, whoever asks is told to come back, and no error says more.
    store = gateway.town.settings.folder.parent / "public" / "disclosed.db"
    store.rename(tmp_path / "away.db")
    listless = replace(keyless, register=Register(Store(f"sqlite:///{store}"), store.parent / "index"))
    client = make_client(gateway.town, listless)
    assert client.get("/pull", headers=headers).json["letters"] == found["letters"]
    for path in (page, "/acks/wrong"):
        assert client.get(path).status_code == 503


def test_a_recall_does_not_hide_behind_letters_that_nobody_answers(
    gateway: Counterpart, period: Period, person: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notifier.handing_over._MOST_LETTERS", 3)
    listed = [gateway.town.publish(person, case_number=f"（2026）测0101执{n}号") for n in range(8)]
    gateway.push(period)
    assert gateway.pull("/pull/2026Q3/r1/list.json").status_code == 200
    seen: set[str] = set()
    for document in listed[:5]:
        gateway.town.depart(document)
    gateway.send()
    for _ in range(2):
        found = gateway.pull().json
        assert (len(found["letters"]), found["more"]) == (3, True)
        seen |= {letter["facts"]["record"] for letter in found["letters"]}
    gateway.town.depart(listed[5])
    gateway.send()
    found = gateway.pull().json
    seen |= {letter["facts"]["record"] for letter in found["letters"]}
    assert seen == {document.record for document in listed[:6]}
    order = [letter["queued_at"] for letter in found["letters"]]
    assert order == sorted(order)


def test_only_its_own_newest_list_is_pulled(gateway: Counterpart, period: Period, person: Document) -> None:
    gateway.town.publish(person)
    gateway.push(period)
    for path, status in (
        ("/pull/2026Q2/r1/list.json", 410),
        ("/pull/nothing/r1/list.json", 410),
        ("/pull/2026Q3/r2/list.json", 404),
        ("/pull/2026Q3/r1/../../x", 404),
        ("/pull/2026Q3/r1/list.json", 200),
    ):
        assert gateway.pull(path).status_code == status


def test_a_retired_one_still_fetches_its_recalls_and_no_list(
    gateway: Counterpart, period: Period, person: Document
) -> None:
    leaves = gateway.town.publish(person)
    gateway.push(period)
    assert gateway.pull("/pull/2026Q3/r1/list.json").status_code == 200
    retire_recipient(gateway.town.notifier.engine, "pull")
    gateway.town.depart(leaves)
    gateway.send()
    found = gateway.pull().json
    assert found["runs"] == []
    assert len(found["letters"]) == 1
    assert gateway.pull("/pull/2026Q3/r2/list.json").status_code == 410


WRONG_TOKENS = ["", "Bearer", "Bearer ", "Basic Z3NwXw==", "Bearer gsp_x", "Bearer \udcff", "Token x", "Bearer " + "a" * 9000]  # fmt: skip


def test_without_the_right_token_there_is_nothing(gateway: Counterpart) -> None:
    for number, header in enumerate(WRONG_TOKENS):
        for method, path in (("GET", "/pull"), ("GET", "/pull/2026Q3/r1/list.json"), ("POST", "/pull/acks")):
            given = {"HTTP_AUTHORIZATION": header, "REMOTE_ADDR": f"192.0.2.{number}"}
            answer = gateway.client.open(path, method=method, environ_overrides=given)
            assert answer.status_code == 401, header
            assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_a_token_that_was_replaced_opens_nothing(gateway: Counterpart, period: Period) -> None:
    assert gateway.pull().status_code == 200
    issue_token(gateway.town.notifier.engine, "pull", rotate=True, random=gateway.town.random)
    assert gateway.pull().status_code == 401


def test_who_guesses_too_often_waits_and_nobody_with_a_right_token_does(gateway: Counterpart) -> None:
    def guess(number: int, address: str) -> int:
        given = {"HTTP_AUTHORIZATION": f"Bearer gsp_{number}", "REMOTE_ADDR": address}
        return gateway.client.get("/pull", environ_overrides=given).status_code

    assert [guess(number, "192.0.2.1") for number in range(25)] == [401] * 20 + [429] * 5
    assert guess(1, "192.0.2.2") == 401
    # Behind the address of the guesses, as everybody is who comes through the same proxy.
    right = {"HTTP_AUTHORIZATION": f"Bearer {gateway.tokens['pull']}", "REMOTE_ADDR": "192.0.2.1"}
    assert gateway.client.get("/pull", environ_overrides=right).status_code == 200
    gateway.town.clock.pass_time(seconds=61)
    assert guess(1, "192.0.2.1") == 401


def _number(gateway: Counterpart, slug: str) -> int:
    with Session(gateway.town.notifier.engine) as session:
        return session.scalars(select(RecipientRow.id).where(RecipientRow.slug == slug)).one()


def _state(gateway: Counterpart, dispatch: str) -> str:
    with Session(gateway.town.notifier.engine) as session:
        return session.scalars(select(MessageRow.state).where(MessageRow.dispatch == dispatch)).one()
