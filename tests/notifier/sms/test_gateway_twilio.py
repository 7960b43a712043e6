"""The gateway behind a real HTTP server: Twilio's stand-in calls it, with signatures of its own making."""

import http.client
import logging
import time
from threading import Event as Signal
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import structlog
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standins.twilio_server import Fault, TwilioServer

from notifier.gateway_twilio import twilio_gateway
from notifier.sms.receipts import OptIn, OptOut, ReceiptArrived
from notifier.sms.settings import SmsSettings
from notifier.sms.twilio_channel import TwilioChannel
from notifier.states import MessageState

Gateway = Any
S = MessageState


def test_a_receipt_of_a_message_whose_answer_was_lost_arrives(
    by_twilio: TwilioChannel, twilio: TwilioServer, gateway: Gateway, dispatch: Any
) -> None:
    twilio.faults = [Fault.LOST_ANSWER]
    sent = dispatch(id="d-lost", attempt=2)
    assert by_twilio.deliver(sent).state is S.UNKNOWN
    (message,) = twilio.messages
    assert twilio.call_back(message, "delivered").status == 200
    (receipt,) = gateway.applied.events
    assert isinstance(receipt, ReceiptArrived)
    assert (receipt.dispatch_id, receipt.attempt, receipt.reference) == ("d-lost", 2, message.sid)
    assert receipt.outcome.state is S.DELIVERED


def test_receipts_in_disorder_and_doubled_come_to_the_same_and_have_the_same_keys(
    by_twilio: TwilioChannel, twilio: TwilioServer, gateway: Gateway, dispatch: Any
) -> None:
    by_twilio.deliver(dispatch())
    (message,) = twilio.messages
    for status in ("delivered", "sent", "queued", "delivered", "sent"):
        assert twilio.call_back(message, status).status == 200
    events = gateway.applied.events
    assert len({event.key for event in events}) == 3
    assert [event.outcome.state for event in events] == [S.DELIVERED, S.ACCEPTED, S.ACCEPTED, S.DELIVERED, S.ACCEPTED]


def test_a_word_from_a_phone_takes_the_number_out_and_back_in(twilio: TwilioServer, gateway: Gateway) -> None:
    url = f"{gateway.url}/twilio/inbound"
    called = twilio.text_in(url, "+12025550123", "退订")
    assert (called.status, called.content_type.partition(";")[0]) == (200, "text/xml")
    assert called.body.endswith(b"<Response/>")
    twilio.text_in(url, "+12025550123", "START")
    twilio.text_in(url, "+12025550123", "你好")
    out, back = gateway.applied.events
    assert (type(out), type(back)) == (OptOut, OptIn)
    assert out.key != back.key


def test_a_repeated_request_has_the_same_key(twilio: TwilioServer, gateway: Gateway) -> None:
    # Whoever has seen a STOP can send it again after the person came back: the key is what stops it.
    url = f"{gateway.url}/twilio/inbound"
    for _ in range(2):
        twilio.text_in(url, "+12025550123", "STOP", MessageSid="SM" + "a" * 32)
    first, second = gateway.applied.events
    assert first == second


@pytest.mark.parametrize("path", ["/twilio/status", "/twilio/inbound"])
def test_a_wrong_signature_is_403_and_changes_nothing(twilio: TwilioServer, gateway: Gateway, path: str) -> None:
    form = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "delivered", "Body": "STOP", "From": "+12025550123"}
    assert twilio.post(gateway.url + path, form, signature="").status == 403
    assert twilio.post(gateway.url + path, form, signature="bm8=").status == 403
    twilio.token = "another"
    assert twilio.post(gateway.url + path, form).status == 403
    assert gateway.applied.events == []


def test_what_is_applied_slowly_is_answered_in_time(
    by_twilio: TwilioChannel, twilio: TwilioServer, gateway: Gateway, dispatch: Any
) -> None:
    let_go, done = Signal(), Signal()
    gateway.applied.before = lambda: (let_go.wait(), done.set())
    by_twilio.deliver(dispatch())
    begun = time.monotonic()
    try:
        assert twilio.call_back(twilio.messages[0], "delivered").status == 503
        assert time.monotonic() - begun < 4
    finally:
        let_go.set()
    assert done.wait(5)


def test_what_cannot_be_applied_is_asked_for_again_and_tells_no_value(
    by_twilio: TwilioChannel, twilio: TwilioServer, gateway: Gateway, dispatch: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def fail() -> None:
        raise OSError("写入 +12025550123 失败")

    gateway.applied.before = fail
    by_twilio.deliver(dispatch())
    with structlog.testing.capture_logs() as logged:
        assert twilio.call_back(twilio.messages[0], "delivered").status == 503
    assert logged == [{"event": "receipt_not_applied", "error": "OSError", "log_level": "error"}]
    gateway.applied.before = lambda: None
    assert twilio.call_back(twilio.messages[0], "delivered").status == 200


def post_raw(url: str, path: str, body: bytes, headers: dict[str, str]) -> int:
    split = urlsplit(url)
    assert split.hostname is not None
    connection = http.client.HTTPConnection(split.hostname, split.port, timeout=10)
    try:
        connection.request("POST", path, body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


@given(
    st.binary(max_size=200),
    st.sampled_from(
        ["application/x-www-form-urlencoded", "application/json", "multipart/form-data", "text/plain; charset=x", ""]
    ),
    st.sampled_from(["/twilio/status", "/twilio/inbound", "/twilio/status?dispatch=%ff", "/twilio/status?%"]),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_no_body_is_a_500(gateway: Gateway, body: bytes, kind: str, path: str) -> None:
    headers = {"Content-Type": kind, "X-Twilio-Signature": "bm8="}
    assert post_raw(gateway.url, path, body, headers) == 403


def test_the_address_is_the_configured_one_whatever_a_proxy_says(twilio: TwilioServer, gateway: Gateway) -> None:
    form = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "sent"}
    signature = twilio.sign(f"{gateway.url}/twilio/status", form)
    headers = {
        "Host": "inside.example.invalid:8080",
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Host": "elsewhere.example.invalid",
        "X-Twilio-Signature": signature,
    }
    assert post_raw(gateway.url, "/twilio/status", urlencode(form).encode(), headers) == 200
    # An address that somebody else chose is not one that Twilio called.
    forged = twilio.sign("http://inside.example.invalid:8080/twilio/status", form)
    headers["X-Twilio-Signature"] = forged
    assert post_raw(gateway.url, "/twilio/status", urlencode(form).encode(), headers) == 403


@pytest.mark.parametrize("path", ["/twilio/status", "/twilio/inbound"])
def test_no_signature_at_all_is_403(gateway: Gateway, path: str) -> None:
    assert post_raw(gateway.url, path, b"MessageSid=SM", {}) == 403


def test_a_body_without_end_is_refused(gateway: Gateway) -> None:
    assert post_raw(gateway.url, "/twilio/status", b"a" * 100_000, {"X-Twilio-Signature": "x"}) == 413


def test_nothing_else_is_answered(gateway: Gateway) -> None:
    split = urlsplit(gateway.url)
    assert split.hostname is not None
    connection = http.client.HTTPConnection(split.hostname, split.port, timeout=10)
    connection.request("GET", "/twilio/status")
    assert connection.getresponse().status == 405
    connection.close()


def test_without_settings_for_twilio_there_is_nothing() -> None:
    app = Flask("gateway")
    app.register_blueprint(twilio_gateway(SmsSettings(), lambda event: None))
    assert app.test_client().post("/twilio/status").status_code == 404


def test_no_number_is_in_a_log(twilio: TwilioServer, gateway: Gateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    twilio.text_in(f"{gateway.url}/twilio/inbound", "+12025550123", "STOP 张三")
    assert "2025550123" not in caplog.text
    assert "张三" not in caplog.text
