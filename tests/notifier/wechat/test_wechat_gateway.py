"""The gateway as WeChat meets it: both modes, once only, always in time, and never an error of its own."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import httpx
import pytest
import structlog
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError
from standins.wechat_phone import Heard, Phone
from standins.wechat_server import WeChatServer
from wechat_world import (
    AES_KEY,
    NOW,
    OPENID,
    PREVIOUS_AES_KEY,
    PREVIOUS_TOKEN,
    SETTINGS,
    SITE,
    TOKEN,
    Build,
    Clock,
    Office,
    PublishedList,
    a_document,
    create_tables,
)
from werkzeug.serving import WSGIRequestHandler, make_server

from notifier.gateway_wechat import WITHIN, GatewayHooks, wechat_gateway
from notifier.wechat import wording
from notifier.wechat.client import HardenedClient
from notifier.wechat.conversation import DIGEST, Conversation, Follow, Unfollow
from notifier.wechat.messages import SubscriptionAnswered
from notifier.wechat.pace import Pace
from notifier.wechat.receipts import ReceiptArrived
from notifier.wechat.tokens import DatabaseTokenStore
from search_index.page import Page, Query
from search_index.register import RegisterUnavailable

AT_MOST = 1.0  # seconds, whatever happens


@pytest.fixture
def address(tmp_path: Path) -> str:
    """The database makes no difference here."""
    return create_tables(f"sqlite:///{tmp_path}/notifier.db")


def test_the_echo(office: Office) -> None:
    app = Flask(__name__)
    app.register_blueprint(wechat_gateway(SETTINGS, office.conversation, office.hooks()))
    query, _ = office.phone().close("")
    answer = app.test_client().get("/wechat", query_string=query | {"echostr": "8801293"})
    assert (answer.status_code, answer.data, answer.mimetype) == (200, b"8801293", "text/plain")
    assert app.test_client().get("/wechat", query_string={"echostr": "8801293"}).status_code == 403


@pytest.mark.parametrize(
    "secrets",
    [
        {"aes_key": None},
        {"aes_key": AES_KEY},
        {"aes_key": PREVIOUS_AES_KEY},
        {"token": PREVIOUS_TOKEN},
        {"aes_key": AES_KEY, "token": PREVIOUS_TOKEN},
    ],
)
def test_a_question_is_answered_in_every_mode(office: Office, secrets: dict[str, Any]) -> None:
    text = office.phone(**secrets).say("王䶮").text
    assert text is not None
    assert "共 1 条" in text
    assert a_document(21).record in text


def test_a_text_that_tries_to_break_out_is_only_a_text(office: Office) -> None:
    breaking = "]]]]><![CDATA[></Content><MsgType>news</MsgType>"
    text = office.phone(aes_key=AES_KEY).say(breaking).text
    assert text is not None
    assert "没有查到" in text


def test_a_phone_over_the_wire(office: Office) -> None:
    app = Flask(__name__)
    app.register_blueprint(wechat_gateway(SETTINGS, office.conversation, office.hooks()))
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()

    def post(query: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
        address = f"http://127.0.0.1:{server.server_port}/wechat"
        answer = httpx.post(address, params=dict(query), content=body, headers={"Content-Type": "text/xml"})
        return answer.status_code, answer.content

    try:
        phone = Phone(post=post, clock=office.clock, token=TOKEN, aes_key=AES_KEY)
        with ThreadPoolExecutor(8) as pool:
            heard = list(pool.map(phone.say, ["王䶮"] * 8))
        assert {one.text and one.text[:10] for one in heard} == {"“王䶮”：共 1 条。"[:10]}
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


_FORKED = """
import os, sys
from datetime import UTC, datetime
sys.path[:0] = sys.argv[1:]
from flask import Flask
from standins.wechat_phone import Phone
from wechat_world import SETTINGS, TOKEN, Clock
from notifier.gateway_wechat import WITHIN, GatewayHooks, wechat_gateway
from notifier.wechat.conversation import Conversation

app = Flask("gateway")
hooks = GatewayHooks(seen_before=lambda key, now: False, apply_events=print, clock=Clock())
app.register_blueprint(wechat_gateway(SETTINGS, Conversation(listing=None, public_url=""), hooks))

def post(query, body):
    answer = app.test_client().post("/wechat", query_string=query, data=body)
    return answer.status_code, answer.data

phone = Phone(post=post, clock=Clock(), token=TOKEN)
before = phone.say("帮助").text
child = os.fork()
after = phone.say("帮助").text
if child == 0:
    os._exit(0 if after == before else 1)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) or after != before)
"""


def test_a_server_that_forks_after_its_first_answer_goes_on_answering() -> None:
    here = Path(__file__).parent
    command = [sys.executable, "-W", "ignore", "-c", _FORKED, str(here), str(here.parents[1])]
    assert subprocess.run(command, cwd=here.parents[2], check=False, timeout=60).returncode == 0


# Once ---------------------------------------------------------------------------------------------------------------


def test_a_message_is_answered_once_however_often_it_arrives(office: Office) -> None:
    phone = office.phone(aes_key=AES_KEY)
    first = phone.say("张测", number=7)
    assert first.text is not None
    assert [phone.say("张测", number=7) for _ in range(2)] == [Heard(status=200, text=None)] * 2
    assert phone.say("张测", number=8).text == first.text


def test_of_three_deliveries_at_once_one_is_answered(office: Office) -> None:
    phone = office.phone()
    with ThreadPoolExecutor(3) as pool:
        heard = list(pool.map(lambda _: phone.say("订阅", number=9), range(3)))
    assert sorted(one.text is not None for one in heard) == [False, False, True]
    assert [event for event in office.events if isinstance(event, Follow)] == office.events
    assert len(office.events) == 1


def test_two_gateways_know_of_one_another(office: Office) -> None:
    assert office.phone().say("张测", number=7).text is not None
    assert office.phone().say("张测", number=7).text is None


# Followers ----------------------------------------------------------------------------------------------------------


def test_following_and_leaving(office: Office) -> None:
    phone = office.phone(aes_key=AES_KEY)
    welcome = phone.follow().text
    assert welcome is not None
    assert "欢迎关注测试市人民法院" in welcome
    assert office.book.count_followers() == {}, "following the account is no wish for the digest"
    assert phone.say("订阅").text == wording.FOLLOWED
    assert phone.say("订阅 香格里拉市").text is not None
    assert office.book.list_followers(DIGEST) == [phone.openid]
    assert phone.leave() == Heard(status=200, text=None)
    assert office.book.count_followers() == {}


def test_a_departure_that_arrives_again_after_they_came_back_is_one(office: Office) -> None:
    phone = office.phone()
    phone.say("订阅")
    office.clock.pass_time(seconds=5)
    gone = phone.event("unsubscribe", EventKey="")
    assert phone.send(gone).status == 200
    assert office.book.count_followers() == {}
    office.clock.pass_time(seconds=5)
    phone.follow()
    phone.say("订阅")
    for _ in range(2):
        assert phone.send(gone).status == 200
    assert office.book.list_followers(DIGEST) == [phone.openid]


def test_menu_scan_and_voice(office: Office) -> None:
    phone = office.phone()
    assert "最近公布的信息" in (phone.press("newest").text or "")
    assert "香格里拉市：共 1 条" in (phone.scan("district:香格里拉市").text or "")
    assert "香格里拉市：共 1 条" in (phone.follow("district:香格里拉市").text or "")
    assert "“王䶮”：共 1 条" in (phone.speak("王䶮。").text or "")
    assert phone.send(phone.message("image", "<PicUrl>u</PicUrl><MediaId>m</MediaId>")).text == wording.NOT_READ
    assert phone.send(phone.event("VIEW", EventKey="https://x")) == Heard(status=200, text=None)


def test_reports_are_handed_on(office: Office) -> None:
    phone = office.phone(aes_key=AES_KEY)
    phone.send(phone.event("TEMPLATESENDJOBFINISH", MsgID=12, Status="success"))
    counts = {"TotalCount": 3, "FilterCount": 3, "SentCount": 3, "ErrorCount": 0}
    phone.send(phone.event("MASSSENDJOBFINISH", MsgID=13, Status="send success", **counts))
    item = "<List><TemplateId>T1</TemplateId><SubscribeStatusString>reject</SubscribeStatusString></List>"
    phone.send(phone.event("subscribe_msg_change_event", f"<SubscribeMsgChangeEvent>{item}</SubscribeMsgChangeEvent>"))
    first, second, third = office.events
    assert isinstance(first, ReceiptArrived)
    assert isinstance(second, ReceiptArrived)
    assert (first.reference, second.reference) == ("12", "13")
    assert isinstance(third, SubscriptionAnswered)


def test_reports_that_arrive_twice_and_in_another_order_are_each_one(
    office: Office, server: WeChatServer, build: Build
) -> None:
    server.templates = {"T1": {"thing1"}}
    client = build()
    numbers = [
        client.post_template(OPENID, "T1", {"thing1": {"value": "x"}}, url=None, client_msg_id=f"d-{number}")
        for number in range(3)
    ]
    heard = server.call_back(office.phone(aes_key=AES_KEY), times=2, reverse=True)
    assert heard == [Heard(status=200, text=None)] * 6
    receipts = [event for event in office.events if isinstance(event, ReceiptArrived)]
    assert [one.reference for one in receipts] == numbers[::-1] * 2
    assert len({one.key for one in receipts}) == 3, "by the key, each is applied once"


# In time ------------------------------------------------------------------------------------------------------------


class SlowList:
    """A list whose answer waits until a test lets it go."""

    def __init__(self, conversation: Conversation) -> None:
        self._listing = conversation.listing
        self.go = Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listing, name)

    def search(self, query: Query, now: datetime) -> Page:
        self.go.wait(20)
        return self._listing.search(query, now)


def timed(call: Callable[[], Heard]) -> Heard:
    began = monotonic()
    heard = call()
    assert monotonic() - began < AT_MOST
    return heard


def test_what_takes_longer_is_success_now_and_said_later(office: Office, server: WeChatServer) -> None:
    slow = SlowList(office.conversation)
    office.conversation = replace(office.conversation, listing=slow)
    phone, arrived = office.phone(), Event()
    client = HardenedClient(
        SETTINGS.model_copy(update={"base_url": server.address}), DatabaseTokenStore(office.book._engine, office.clock)
    )
    server.followers.add(phone.openid)

    def answer_later(openid: str, compose: Callable[[], str]) -> None:
        client.post_answer(openid, compose)
        arrived.set()

    assert WITHIN < AT_MOST
    # On a busy machine the rest of a second may not be enough for the way there and back.
    phone = office.phone(office.hooks(answer_later=answer_later), within=0.3)
    assert timed(lambda: phone.say("王䶮", number=1)) == Heard(status=200, text=None)
    assert timed(lambda: phone.say("王䶮", number=1)) == Heard(status=200, text=None), (
        "and WeChat asking again is no second"
    )
    slow.go.set()
    assert arrived.wait(10)
    (sent,) = server.of_kind("custom")
    assert "共 1 条" in sent.body["text"]["content"]


def test_who_leaves_while_a_late_answer_waits_is_not_named_in_it(office: Office, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    leaves = a_document(21, name="王䶮")
    own = PublishedList(folder, [leaves, a_document(22)])
    slow = SlowList(Conversation(listing=own.register, public_url=SITE))
    office.conversation = Conversation(listing=slow, public_url=SITE)
    said: list[str] = []
    sent = Event()

    def answer_later(_openid: str, compose: Callable[[], str]) -> None:
        own.depart(leaves)  # while a token is fetched
        said.append(compose())
        sent.set()

    phone = office.phone(office.hooks(answer_later=answer_later), within=0.1)
    assert phone.say("王䶮").text is None
    slow.go.set()
    assert sent.wait(10)
    assert "没有查到" in said[0]
    assert leaves.record not in said[0]


def test_many_slow_questions_are_all_answered_in_time(office: Office) -> None:
    slow = SlowList(office.conversation)
    office.conversation = replace(office.conversation, listing=slow)
    phone = office.phone(pace=Pace(burst=1000), within=0.2)
    try:
        with ThreadPoolExecutor(90) as pool:
            heard = list(pool.map(lambda _: phone.say("王䶮"), range(90)))
        assert {one.status for one in heard} == {200}
        assert {one.text for one in heard} == {None, wording.BUSY}
    finally:
        slow.go.set()


def test_an_event_that_takes_longer_is_written_down_all_the_same(office: Office) -> None:
    go, done = Event(), Event()

    def apply(events: Any) -> None:
        go.wait(20)
        office.apply(events)
        done.set()

    phone = office.phone(office.hooks(apply_events=apply), within=0.1)
    assert timed(phone.leave) == Heard(status=200, text=None)
    go.set()
    assert done.wait(10)
    assert office.events == [Unfollow(follower=phone.openid, at=NOW, has_left=True)]


def test_a_late_event_that_fails_is_tried_again(office: Office) -> None:
    go, done, tries = Event(), Event(), []

    def apply(events: Any) -> None:
        go.wait(20)
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("", {}, Exception("locked"))
        office.apply(events)
        done.set()

    phone = office.phone(office.hooks(apply_events=apply), within=0.1)
    phone.leave()
    go.set()
    assert done.wait(10)
    assert len(office.events) == 1


# Never an error of its own ------------------------------------------------------------------------------------------


def fail(*_: Any) -> Any:
    raise OperationalError("SELECT 张测", {}, Exception("oTESTfollower"))


def test_an_event_that_cannot_be_written_down_is_asked_for_again(office: Office) -> None:
    phone = office.phone(office.hooks(apply_events=fail))
    assert phone.leave().status == 503
    # It comes again, and by then it can be.
    assert office.phone().leave().status == 200
    assert len(office.events) == 1


@pytest.mark.parametrize("broken", [{"seen_before": fail}, {"apply_events": fail}])
def test_a_wish_that_cannot_be_written_down_is_said_to_be_undone(office: Office, broken: dict[str, Any]) -> None:
    assert office.phone(office.hooks(**broken)).say("订阅") == Heard(status=200, text=wording.NOT_DONE)


def test_a_list_that_cannot_be_read_is_said_to_be(office: Office) -> None:
    class Unreadable:
        def search(self, query: Query, now: datetime) -> Page:
            raise RegisterUnavailable("名单暂时不能读取，请稍后再试")

    office.conversation = replace(office.conversation, listing=Unreadable())  # type: ignore[arg-type]
    assert office.phone().say("张测") == Heard(status=200, text="名单暂时不能读取，请稍后再试。")


def test_no_log_names_anybody(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with structlog.testing.capture_logs() as logs:
        phone = office.phone(office.hooks(apply_events=fail, seen_before=fail), aes_key=AES_KEY)
        phone.say("张测")
        phone.leave()
        phone.post({}, b"<xml>")
        phone.post(phone.close("")[0], b"<xml>oTESTfollower</xml>")
    assert {log["event"] for log in logs} == {"wechat_not_answered", "wechat_event_not_applied", "wechat_refused"}
    for word in ("张测", phone.openid, "oTESTfollower", TOKEN, AES_KEY):
        assert word not in str(logs)
        assert word not in caplog.text


@pytest.mark.parametrize("content", [b"", b"<xml/>", b"x" * 70_000, b"\xff" * 70_000])
def test_no_body_is_an_error(office: Office, content: bytes) -> None:
    phone = office.phone()
    assert phone.post({}, content)[0] == 403
    assert phone.post(phone.close("")[0], content)[0] == 400
    assert phone.post(phone.close("")[0] | {"encrypt_type": "aes"}, content)[0] == 400


def test_a_body_that_is_too_long_is_not_even_read(office: Office) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise AssertionError("read")

    app = Flask(__name__)
    app.register_blueprint(wechat_gateway(SETTINGS, office.conversation, office.hooks()))
    query, _ = office.phone().close("")
    endless = {"wsgi.input": Endless(), "CONTENT_LENGTH": str(10**10)}
    answer = app.test_client().post("/wechat", query_string=query, environ_overrides=endless)
    assert answer.status_code == 400


@settings(max_examples=40)
@given(raw=st.binary(max_size=300), query=st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=3))
def test_nothing_that_arrives_is_an_error(conversation: Conversation, raw: bytes, query: dict[str, str]) -> None:
    def refuse(*_: Any) -> Any:
        raise AssertionError("nothing was proved")

    app = Flask(__name__)
    hooks = GatewayHooks(seen_before=refuse, apply_events=refuse, clock=Clock())
    app.register_blueprint(wechat_gateway(SETTINGS, conversation, hooks))
    phone = Phone(post=lambda _q, _b: (0, b""), clock=Clock(), token=TOKEN)
    signed, _ = phone.close("")
    client = app.test_client()
    assert client.post("/wechat", query_string=query, data=raw).status_code == 403
    assert client.post("/wechat", query_string=query | signed, data=raw).status_code == 400
    assert client.get("/wechat", query_string=query).status_code == 403


def test_one_follower_cannot_ask_without_end(office: Office) -> None:
    phone = office.phone(pace=Pace(burst=3, every=timedelta(seconds=10)))
    other = replace(phone, openid="oTESTfollower0000000000000002")
    assert [phone.say("帮助").text for _ in range(4)] == [wording.HELP] * 3 + [wording.TOO_FAST]
    assert other.say("帮助").text == wording.HELP
    office.clock.pass_time(seconds=10)
    assert phone.say("帮助").text == wording.HELP
    assert phone.leave().status == 200, "events are no questions"
