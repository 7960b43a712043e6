"""Whoever calls must prove who they are, and how long the proof is looked at tells nothing of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from standins.twilio_server import ACCOUNT, SENDER
from standins.wechat_phone import APPID, Phone

from notifier.answers import check_signature
from notifier.gateway_twilio import twilio_gateway
from notifier.links import Door, read_link, sign_link
from notifier.sms.receipts import STATUS_PATH, Event, TwilioRequest, fits
from notifier.sms.settings import SmsSettings, TwilioSettings
from notifier.wechat.inbound import Echo, Received, Refusal, read_echo, read_request
from notifier.wechat.settings import WeChatSettings

NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
URL = "https://gateway.example.invalid"
TOKEN = "token-of-the-test"
_WECHAT = WeChatSettings(
    appid=APPID,
    secret=SecretStr("0" * 32),
    token=SecretStr("CurrentToken01"),
    previous_token=SecretStr("PreviousToken01"),
    aes_key=SecretStr("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),
)
_FORM = {"MessageSid": "SM" + "0" * 32, "MessageStatus": "delivered", "To": "+12025550123"}


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[tuple[bytes, bytes]]:
    """What was compared in a time that does not depend on the answer."""
    seen: list[tuple[bytes, bytes]] = []
    compare = hmac.compare_digest

    def watch(one: Any, other: Any) -> bool:
        seen.append((_bytes(one), _bytes(other)))
        return compare(one, other)

    monkeypatch.setattr(hmac, "compare_digest", watch)
    return seen


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else bytes(value)


def a_phone(token: str, moment: datetime = NOW) -> Phone:
    def post(_query: object, _body: bytes) -> tuple[int, bytes]:
        raise AssertionError("not called")

    return Phone(post=post, clock=lambda: moment, token=token)


@pytest.mark.parametrize("token", ["CurrentToken01", "PreviousToken01", "AnotherToken01"])
def test_a_signature_of_wechat_is_compared_with_every_token_in_constant_time(
    compared: list[tuple[bytes, bytes]], token: str
) -> None:
    """wechatpy's check_signature compares with `!=`, which ends at the first wrong byte."""
    query, _ = a_phone(token).close("")
    answer = read_echo(query | {"echostr": "1"}, _WECHAT, NOW)
    assert isinstance(answer, Refusal if token == "AnotherToken01" else Echo)
    given = query["signature"].encode()
    assert [given in pair for pair in compared] == [True, True]
    assert len(set(compared)) == 2, "each token of the account was looked at"


def a_request(signature: str) -> TwilioRequest:
    return TwilioRequest(path=STATUS_PATH, query=b"", body=urlencode(_FORM).encode(), signature=signature)


def sign(algorithm: str = "sha1", token: str = TOKEN) -> str:
    signed = URL + STATUS_PATH + "".join(name + value for name, value in sorted(_FORM.items()))
    return base64.b64encode(hmac.new(token.encode(), signed.encode(), algorithm).digest()).decode()


@pytest.mark.parametrize(("signature", "is_right"), [(sign(), True), ("bm8=", False), ("", False)])
def test_a_signature_of_twilio_is_compared_in_constant_time(
    compared: list[tuple[bytes, bytes]], signature: str, is_right: bool
) -> None:
    assert fits(a_request(signature), list(_FORM.items()), gateway_url=URL, token=TOKEN) is is_right
    # With and without the port of the scheme: each is looked at, whichever is right.
    assert len(compared) == 3
    assert all(signature.encode() in pair for pair in compared)


@pytest.fixture
def applied() -> list[Event]:
    return []


@pytest.fixture
def twilio(applied: list[Event]) -> FlaskClient:
    app = Flask("gateway")
    twilio_settings = TwilioSettings(account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), sender=SENDER)
    app.register_blueprint(
        twilio_gateway(SmsSettings(twilio=twilio_settings, gateway_url=URL), applied.append, within=30)
    )
    return app.test_client()


_NEW_HEADER = "key=SHARED,algorithm=HMAC_SHA256"


@pytest.mark.parametrize(
    ("signature", "status"),
    [
        (sign("sha256"), 403),
        (sign("sha256", "SHARED"), 403),
        (sign("sha1", "SHARED"), 403),
        (sign(), 200),
    ],
)
def test_a_request_cannot_choose_by_what_it_is_proved(
    twilio: FlaskClient, applied: list[Event], signature: str, status: int
) -> None:
    """Twilio's newer header names a key and an algorithm. We agreed on neither, so neither counts: it is refused until
    a person has configured it, and never believed because it says so itself."""
    headers = {"X-Twilio-Signature": signature, "X-Twilio-Webhooks-Signature-Settings": _NEW_HEADER}
    assert twilio.post(STATUS_PATH, data=_FORM, headers=headers).status_code == status
    assert len(applied) == (1 if status == 200 else 0)


def test_a_recorded_request_of_wechat_is_worth_nothing_after_five_minutes() -> None:
    """The signature says nothing of when: wechatpy believes it for ever."""
    phone = a_phone("CurrentToken01")
    recorded = phone.close(phone.message("text", "<Content>x</Content>"))
    statuses = []
    for minutes in (-6, -4, 0, 4, 6, 60 * 24 * 365):
        answer = read_request(*recorded, _WECHAT, NOW + timedelta(minutes=minutes))
        statuses.append(200 if isinstance(answer, Received) else answer.status)
    assert statuses == [403, 200, 200, 200, 403, 403]


def test_a_signature_of_wechat_is_of_its_own_timestamp_and_nonce() -> None:
    query, body = a_phone("CurrentToken01").close("<xml/>")
    fresh = str(int((NOW + timedelta(hours=1)).timestamp()))
    for change in ({"timestamp": fresh}, {"nonce": "1"}, {"signature": hashlib.sha1(b"").hexdigest()}):
        answer = read_request(query | change, body, _WECHAT, NOW + timedelta(hours=1))
        assert isinstance(answer, Refusal)
        assert answer.status == 403


@pytest.mark.parametrize("changes", ["", "a", "é", "-"])
def test_an_address_that_is_its_own_key_is_compared_in_constant_time(
    compared: list[tuple[bytes, bytes]], changes: str
) -> None:
    token = sign_link(b"k" * 32, Door.ACK, "dispatch1") + changes
    assert (read_link(b"k" * 32, Door.ACK, token) == "dispatch1") is (changes == "")
    (pair,) = compared
    assert token.rpartition("-")[2].encode() in pair


def test_a_signed_answer_is_compared_with_every_secret_in_constant_time(compared: list[tuple[bytes, bytes]]) -> None:
    keys = [bytes([number]) * 32 for number in range(2)]
    secrets = " ".join("whsec_" + base64.b64encode(key).decode() for key in keys)
    at, body = str(int(NOW.timestamp())), b"{}"
    right = [hmac.new(key, f"id.{at}.".encode() + body, "sha256").digest() for key in keys]
    for given, is_right in (([right[0]], True), ([right[1]], True), ([b"x" * 32], False), ([], False)):
        compared.clear()
        signature = " ".join("v1," + base64.b64encode(one).decode() for one in given)
        headers = {"webhook-id": "id", "webhook-timestamp": at, "webhook-signature": signature}
        assert check_signature(secrets, headers, body, NOW) is is_right
        assert len(compared) == 2 * len(given)
