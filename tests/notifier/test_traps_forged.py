"""The whole gateway, attacked with what is forged, repeated, out of order, or somebody else's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from attacked import AES_KEY, GATEWAY, OTHER_SECRET, Gateway, open_gateway
from sqlalchemy import select
from sqlalchemy.orm import Session
from standins.twilio_server import SENDER

from notifier.channels import ShortMessage
from notifier.outbox import Draft, enqueue
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import MessageRow, SuppressionRow
from notifier.wechat.tables import WeChatFollowerRow

pytestmark = pytest.mark.long


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def gateway(
    request: pytest.FixtureRequest, founded: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    with open_gateway(founded, tmp_path_factory.mktemp("attacked") / "home", request.param) as opened:
        yield opened


@pytest.fixture(autouse=True)
def later(gateway: Gateway) -> None:
    """What one test has guessed is forgotten by the next."""
    gateway.home.clock.advance(minutes=2)


def an_answer(gateway: Gateway, slug: str, kind: str = "received", **changes: str) -> bytes:
    return json.dumps({"dispatch": gateway.dispatch(slug), "kind": kind, "by": "值班员", **changes}).encode()


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "v1",
        "v1,",
        "v1,!!",
        "no comma",
        "v1,é",
        ",",
        "v1a,AAAA",
        "v2,AAAA",
        "v1,AAAA " * 3000,
        "v1," + "A" * 43 + "=",
    ],
)
def test_a_signature_that_cannot_be_read_is_a_wrong_one(gateway: Gateway, signature: str) -> None:
    """The library raises ValueError where a header has no comma: a 500."""
    body = an_answer(gateway, "hook-a", "aired", place="x")
    headers = {**gateway.sign(body), "webhook-signature": signature}
    assert gateway.client.post("/acks", data=body, headers=headers).status_code == 401
    assert "aired" not in gateway.acknowledged("hook-a")


def test_an_answer_counts_only_as_it_was_signed_by_whom_it_was_asked_and_in_time(gateway: Gateway) -> None:
    body = an_answer(gateway, "hook-c", "aired", place="新闻频道")
    right = gateway.sign(body)
    wrong = [
        gateway.sign(body, secret=OTHER_SECRET),
        gateway.sign(body, age=301),
        gateway.sign(body, age=-301),
        gateway.sign(body + b" "),
        {**right, "webhook-id": "another"},
        {**right, "webhook-timestamp": str(int(right["webhook-timestamp"]) + 1)},
        {name: value for name, value in right.items() if name != "webhook-id"},
        {name: value for name, value in right.items() if name != "webhook-timestamp"},
        {name: value for name, value in right.items() if name != "webhook-signature"},
        {**right, "webhook-timestamp": "9" * 30},
        {**right, "webhook-timestamp": "-1"},
        {},
    ]
    for headers in wrong:
        assert gateway.client.post("/acks", data=body, headers=headers).status_code == 401, headers
    assert "aired" not in gateway.acknowledged("hook-c")
    # While secrets are changed, one of two signatures is right.
    both = {**right, "webhook-signature": f"v1,AAAA v1a,x {right['webhook-signature']}"}
    assert gateway.client.post("/acks", data=body, headers=both).status_code == 200
    assert gateway.acknowledged("hook-c").count("aired") == 1


def test_an_answer_that_is_sent_again_counts_once_and_later_not_at_all(gateway: Gateway) -> None:
    body = an_answer(gateway, "hook-b", "received")
    recorded = gateway.sign(body, secret=OTHER_SECRET, number="recorded")
    said = [gateway.client.post("/acks", data=body, headers=recorded) for _ in range(3)]
    assert [answer.status_code for answer in said] == [200, 200, 200]
    assert [bool(answer.json and answer.json["noted"]) for answer in said][1:] == [False, False]
    assert gateway.acknowledged("hook-b").count("received") == 1
    gateway.home.clock.advance(minutes=6)
    assert gateway.client.post("/acks", data=body, headers=recorded).status_code == 401


def test_nobody_answers_for_another(gateway: Gateway) -> None:
    """A token, a secret or a link is good for its own recipient, and for its own purpose."""
    before = gateway.written()
    body = an_answer(gateway, "pull-a", "aired", place="x")
    as_b = {"Authorization": f"Bearer {gateway.tokens['pull-b']}"}
    assert gateway.client.post("/pull/acks", data=body, headers=as_b).status_code == 404
    signed_by_b = gateway.sign(an_answer(gateway, "hook-a", "received"), secret=OTHER_SECRET)
    assert gateway.client.post("/acks", data=an_answer(gateway, "hook-a"), headers=signed_by_b).status_code == 401
    # One that has no signing secret cannot be answered for with an empty one.
    for secret in ("whsec_", "whsec_AAAA"):
        headers = gateway.sign(body, secret=secret)
        assert gateway.client.post("/acks", data=body, headers=headers).status_code == 401
    package, acknowledge = gateway.links("hook-a")
    as_package, as_ack = acknowledge.replace("/acks/", "/packages/") + "/", package.replace("/packages/", "/acks/")
    assert gateway.client.get(as_package).status_code == 404
    assert gateway.client.get(as_ack.rstrip("/")).status_code == 404
    mac = acknowledge.rpartition("-")[2]
    moved = f"/acks/{gateway.dispatch('hook-b')}-{mac}"
    assert gateway.client.post(moved, data={"kind": "received", "by": "某人"}).status_code == 404
    assert gateway.client.get(acknowledge[:-1]).status_code == 404
    assert gateway.client.get(acknowledge.upper()).status_code == 404
    assert gateway.written() == before


def test_opening_a_link_changes_nothing(gateway: Gateway) -> None:
    """Scanners of mail open every link before a person does."""
    before = gateway.written()
    package, acknowledge = gateway.links("pull-b")
    for _ in range(3):
        for path in (package, acknowledge):
            for method in ("GET", "HEAD"):
                assert gateway.client.open(path, method=method).status_code == 200
    assert gateway.written() == before
    assert gateway.acknowledged("pull-b") == []


def test_guessing_tokens_does_not_shut_out_who_has_one(gateway: Gateway) -> None:
    """Behind a proxy all callers have one address."""
    guesses = [{"Authorization": f"Bearer gsp_{number}"} for number in range(60)]
    guesses += [{"Authorization": value} for value in ("", "Bearer", "Bearer ", "Basic eDp5", "bearer\tx", "Bearer é")]
    statuses = [gateway.client.get("/pull", headers=headers).status_code for headers in guesses]
    assert set(statuses) == {401, 429}
    # It comes for the first time since the gateway was started.
    right = {"Authorization": f"Bearer {gateway.tokens['pull-c']}"}
    assert gateway.client.get("/pull", headers=right).status_code == 200
    gateway.home.clock.advance(minutes=2)
    assert gateway.client.get("/pull", headers={"Authorization": "Bearer gsp_wrong"}).status_code == 401


def test_receipts_in_disorder_doubled_and_forged_end_where_twilio_said_it_ended(gateway: Gateway) -> None:
    digest = open_digest(gateway.engine)
    words = ShortMessage(text="【测试市法院】测试", template="test", version=1, fields={})
    draft = Draft(key="notice/x", purpose=Purpose.NOTICE, channel="sms", content=words, address="+12025550123")
    with Session(gateway.engine) as session, session.begin():
        enqueue(session, [draft], now=gateway.home.clock(), digest=digest)
    assert gateway.home.run("worker", "--once").code == 0
    (sent,) = gateway.twilio.messages
    query = sent.callback.partition("?")[2].partition("#")[0]
    form = {"MessageSid": sent.sid, "To": sent.to, "From": SENDER}

    def state() -> str:
        with Session(gateway.engine) as session:
            return session.scalars(select(MessageRow.state).where(MessageRow.key == "notice/x")).one()

    assert state() == MessageState.ACCEPTED
    forged = {**form, "MessageStatus": "failed", "ErrorCode": "30005"}
    wrong = {"X-Twilio-Signature": gateway.twilio.sign(f"{GATEWAY}/twilio/status?dispatch=other", forged)}
    answer = gateway.client.post(f"/twilio/status?{query}", data=forged, headers=wrong)
    assert answer.status_code == 403
    for status in ("delivered", "sent", "queued", "delivered", "sending", "failed", "delivered"):
        more = {"ErrorCode": "30005"} if status == "failed" else {}
        assert gateway.call_twilio("/twilio/status", {**form, "MessageStatus": status, **more}, query) == 200
    assert state() == MessageState.DELIVERED


def test_a_recorded_stop_is_not_heard_again_after_a_start(gateway: Gateway) -> None:
    number = "+12025550188"
    stop = {"MessageSid": "SM" + "1" * 32, "From": number, "Body": "退订"}
    start = {"MessageSid": "SM" + "2" * 32, "From": number, "Body": "START"}

    def stopped() -> bool:
        with Session(gateway.engine) as session:
            return session.get(SuppressionRow, open_digest(gateway.engine)(number)) is not None

    heard = []
    for form in (stop, start, stop, stop, start):
        assert gateway.call_twilio("/twilio/inbound", form) == 200
        heard.append(stopped())
    assert heard == [True, False, False, False, False]


def test_a_follower_who_leaves_and_comes_back_is_not_thrown_out_by_the_same_departure(gateway: Gateway) -> None:
    phone = gateway.phone(AES_KEY)

    def topics() -> list[str]:
        with Session(gateway.engine) as session:
            rows = session.scalars(select(WeChatFollowerRow.topic).where(WeChatFollowerRow.openid == phone.openid))
            return list(rows)

    assert phone.say("订阅").text is not None
    gateway.home.clock.advance(seconds=5)
    left = phone.event("unsubscribe", EventKey="")
    assert phone.send(left).status == 200
    assert topics() == []
    gateway.home.clock.advance(seconds=5)
    phone.follow()
    phone.say("订阅")
    for _ in range(3):
        assert phone.send(left).status == 200
    assert len(topics()) == 1


def test_what_was_asked_is_in_no_log(gateway: Gateway, capfd: pytest.CaptureFixture[str]) -> None:
    secret = "whsec_c2VjcmV0LXRoYXQtaXMtbG9nZ2Vk"
    _, acknowledge = gateway.links("hook-a")
    gateway.client.get(f"{acknowledge}?by=张某某")
    gateway.client.get("/pull?token=张某某", headers={"Authorization": f"Bearer {secret}"})
    gateway.client.post("/acks", data="张某某".encode(), headers={"webhook-signature": secret})
    gateway.phone().say("张某某")
    gateway.call_twilio("/twilio/inbound", {"MessageSid": "SM" + "9" * 32, "From": "+12025550177", "Body": "张某某"})
    said = "".join(capfd.readouterr())
    for words in ("张某某", secret, acknowledge.rpartition("/")[2], "2025550177", "oTESTfollower"):
        assert words not in said
