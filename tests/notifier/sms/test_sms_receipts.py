"""What providers send to us: only what is signed, and once whatever is repeated."""

import hashlib
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from notifier.channels import Stop
from notifier.sms.receipts import (
    INBOUND_PATH,
    LARGEST_BODY,
    STATUS_PATH,
    OptIn,
    OptOut,
    ReceiptArrived,
    Refused,
    TwilioRequest,
    read_aliyun_reports,
    read_twilio_inbound,
    read_twilio_status,
)
from notifier.states import MessageState

TOKEN = "token-of-the-test"
URL = "https://gateway.example.invalid/court"
SID = "SM" + "0" * 32
NUMBER = "+12025550123"
S = MessageState


def signed(
    path: str, form: dict[str, Any], *, query: str = "", url: str = URL, token: str = TOKEN, body: bytes | None = None
) -> TwilioRequest:
    """A request as Twilio makes it; the signature is the official library's."""
    address = url + path + (f"?{query}" if query else "")
    signature = RequestValidator(token).compute_signature(address, form)
    content = urlencode(form, doseq=True).encode() if body is None else body
    return TwilioRequest(path=path, query=query.encode(), body=content, signature=signature)


def status(form: dict[str, Any], **more: Any) -> Any:
    request = signed(STATUS_PATH, {"MessageSid": SID, **form}, **more)
    return read_twilio_status(request, gateway_url=URL, token=TOKEN)


def inbound(form: dict[str, Any], **more: Any) -> Any:
    request = signed(INBOUND_PATH, {"MessageSid": SID, "From": NUMBER, **form}, **more)
    return read_twilio_inbound(request, gateway_url=URL, token=TOKEN)


def test_a_receipt_finds_its_message_by_our_own_id() -> None:
    (receipt,) = status({"MessageStatus": "delivered"}, query="dispatch=d-7&attempt=2")
    assert isinstance(receipt, ReceiptArrived)
    assert (receipt.dispatch_id, receipt.attempt, receipt.reference) == ("d-7", 2, SID)
    assert receipt.outcome.state is S.DELIVERED
    assert receipt.key == f"twilio:{SID}:delivered"


@pytest.mark.parametrize(("number", "channel"), [("+8613800000000", "sms_cn"), (NUMBER, "sms"), ("", "sms")])
def test_a_receipt_is_of_the_channel_of_its_country(number: str, channel: str) -> None:
    assert status({"MessageStatus": "sent", "To": number})[0].channel == channel


def test_a_failure_counts_the_attempt() -> None:
    first, second = (
        status({"MessageStatus": "undelivered", "ErrorCode": "30008"}, query=f"dispatch=d-7&attempt={number}")[0]
        for number in (1, 2)
    )
    assert (first.outcome.state, second.outcome.state) == (S.FAILED_TEMPORARY, S.FAILED_PERMANENT)
    (gone,) = status({"MessageStatus": "undelivered", "ErrorCode": "30005"}, query="dispatch=d-7&attempt=1")
    assert gone.outcome.stop is Stop.ADDRESS


@pytest.mark.parametrize(
    "query", ["", "dispatch=&attempt=0", "dispatch=a%20b&attempt=x", "dispatch=" + "a" * 33, "%ff=%fe"]
)
def test_a_receipt_without_our_id_has_its_reference_still(query: str) -> None:
    (receipt,) = status({"MessageStatus": "sent"}, query=query)
    assert (receipt.dispatch_id, receipt.attempt, receipt.reference) == (None, None, SID)


def test_statuses_that_say_nothing_are_taken_and_dropped() -> None:
    assert status({"MessageStatus": "received"}) == ()
    assert status({}) == ()


def test_a_parameter_that_twilio_adds_one_day_does_no_harm() -> None:
    (receipt,) = status({"MessageStatus": "sent", "NewThing": "甲 乙&=?", "Empty": ""})
    assert receipt.outcome.state is S.ACCEPTED


@pytest.mark.parametrize(
    "changes",
    [
        {"token": "another-token"},
        {"url": "http://gateway.example.invalid/court"},
        {"url": "https://elsewhere.example.invalid/court"},
        {"body": b"MessageSid=" + SID.encode() + b"&MessageStatus=failed"},
    ],
)
def test_a_signature_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    assert status({"MessageStatus": "delivered"}, **changes) == Refused(403)


def test_a_receipt_for_another_message_with_the_same_signature_is_refused() -> None:
    request = signed(STATUS_PATH, {"MessageSid": SID, "MessageStatus": "delivered"}, query="dispatch=d-7&attempt=1")
    moved = TwilioRequest(
        path=request.path, query=b"dispatch=d-8&attempt=1", body=request.body, signature=request.signature
    )
    assert read_twilio_status(moved, gateway_url=URL, token=TOKEN) == Refused(403)
    elsewhere = TwilioRequest(path=INBOUND_PATH, query=request.query, body=request.body, signature=request.signature)
    assert read_twilio_inbound(elsewhere, gateway_url=URL, token=TOKEN) == Refused(403)


@pytest.mark.parametrize("signature", ["", "x", "é", "\udc80", "A" * 28])
def test_no_signature_is_a_wrong_one_and_no_crash(signature: str) -> None:
    body = urlencode({"MessageSid": SID, "MessageStatus": "delivered"}).encode()
    request = TwilioRequest(path=STATUS_PATH, query=b"", body=body, signature=signature)
    assert read_twilio_status(request, gateway_url=URL, token=TOKEN) == Refused(403)


@pytest.mark.parametrize(
    ("own", "called"),
    [
        ("https://gateway.example.invalid", "https://gateway.example.invalid:443"),
        ("https://gateway.example.invalid:443", "https://gateway.example.invalid"),
        ("http://127.0.0.1", "http://127.0.0.1:80"),
        ("https://gateway.example.invalid:8443", "https://gateway.example.invalid:8443"),
        ("https://gateway.example.invalid/", "https://gateway.example.invalid"),
    ],
)
def test_the_port_that_a_scheme_has_anyway_may_be_signed_or_not(own: str, called: str) -> None:
    request = signed(STATUS_PATH, {"MessageSid": SID, "MessageStatus": "sent"}, url=called)
    assert not isinstance(read_twilio_status(request, gateway_url=own, token=TOKEN), Refused)


@pytest.mark.parametrize("sid", ["", "SM123", "AC" + "0" * 32, "SM" + "0" * 33, "SM" + "g" * 32])
def test_a_signed_form_without_a_message_is_bad(sid: str) -> None:
    assert status({"MessageSid": sid, "MessageStatus": "sent"}) == Refused(400)
    assert inbound({"MessageSid": sid, "Body": "STOP"}) == Refused(400)


@given(st.binary(max_size=300), st.binary(max_size=60), st.text(max_size=40))
def test_whatever_is_sent_is_refused_and_never_a_crash(body: bytes, query: bytes, signature: str) -> None:
    for path, read in ((STATUS_PATH, read_twilio_status), (INBOUND_PATH, read_twilio_inbound)):
        request = TwilioRequest(path=path, query=query, body=body, signature=signature)
        assert read(request, gateway_url=URL, token=TOKEN) == Refused(403)


@given(st.dictionaries(st.text(max_size=12), st.text(max_size=20), max_size=6))
def test_whatever_is_signed_is_read_and_never_a_crash(form: dict[str, str]) -> None:
    encodable = {n: v for n, v in form.items() if (n + v).isprintable()}
    for result in (status(encodable), inbound(encodable)):
        assert isinstance(result, tuple)


def test_a_body_that_is_too_long_or_has_too_many_fields_is_refused() -> None:
    assert status({"MessageStatus": "sent"}, body=b"a=" + b"x" * LARGEST_BODY) == Refused(400)
    assert status({"MessageStatus": "sent", **{f"a{n}": "1" for n in range(300)}}) == Refused(403)


# What people write


@pytest.mark.parametrize(
    "words",
    [
        "STOP",
        "stop",
        " Stop. ",
        "ＳＴＯＰ",
        "TD",
        "td",
        "T",
        "t",
        "R",
        "退订",
        "退订。",
        "“退订”",
        "【取消】",
        "取消",
        "取消订阅",
        "拒收",
        "Unsubscribe",
        "QUIT\n",
    ],
)
def test_who_wants_out_is_out(words: str) -> None:
    assert inbound({"Body": words}) == (OptOut(key=f"twilio:{SID}:inbound", number=NUMBER),)


@pytest.mark.parametrize("words", ["START", "start!", "订阅", "恢复订阅", "UNSTOP"])
def test_who_wants_back_is_back(words: str) -> None:
    assert inbound({"Body": words}) == (OptIn(key=f"twilio:{SID}:inbound", number=NUMBER),)


@pytest.mark.parametrize(
    "words", ["", "你好", "不要STOP", "请退订张三", "STOP IT NOW", "TDR", "我要订阅", "x" * 5000 + "STOP"]
)
def test_other_words_are_nothing_and_are_not_kept(words: str) -> None:
    assert inbound({"Body": words}) == ()


def test_what_twilio_understood_goes_before_the_words() -> None:
    assert isinstance(inbound({"Body": "arret", "OptOutType": "STOP"})[0], OptOut)
    assert isinstance(inbound({"Body": "STOP", "OptOutType": "START"})[0], OptIn)
    assert inbound({"Body": "HELP", "OptOutType": "HELP"}) == ()


@pytest.mark.parametrize("number", ["", "whatsapp:+12025550123", "COURT", "12368"])
def test_a_sender_without_a_number_changes_nothing(number: str) -> None:
    assert inbound({"Body": "STOP", "From": number}) == ()


# Aliyun


def report(**changes: Any) -> dict[str, Any]:
    return {
        "phone_number": "13800000000",
        "success": True,
        "err_code": "DELIVERED",
        "biz_id": "900^0",
        "out_id": "d-7",
        **changes,
    }


def test_aliyuns_reports_come_many_at_a_time() -> None:
    body = json.dumps([report(), report(biz_id="901^0", out_id="d-8", success=False, err_code="BLACK")]).encode()
    first, second = read_aliyun_reports(body)  # type: ignore[misc]
    assert (first.dispatch_id, first.reference, first.outcome.state) == ("d-7", "900^0", S.DELIVERED)
    assert (second.outcome.state, second.outcome.stop) == (S.FAILED_PERMANENT, Stop.ADDRESS)
    assert first.key != second.key
    assert first.channel == "sms_cn"


@pytest.mark.parametrize(
    "changes", [{"success": "true"}, {"biz_id": None}, {"biz_id": "x' or 1"}, {"biz_id": ["900^0"]}]
)
def test_a_report_that_says_nothing_sure_is_dropped(changes: dict[str, Any]) -> None:
    assert read_aliyun_reports(json.dumps([report(**changes)]).encode()) == ()


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[1]", b"null", b"\xff", b"[" * 30_000, b"[" + b" " * LARGEST_BODY + b"]"]
)
def test_what_is_no_list_of_reports_is_refused(body: bytes) -> None:
    assert read_aliyun_reports(body) == Refused(400)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9),
        lambda x: st.lists(x, max_size=4) | st.dictionaries(st.sampled_from(list(report())), x, max_size=6),
        max_leaves=20,
    )
)
def test_whatever_json_is_pushed_is_no_crash(value: Any) -> None:
    assert isinstance(read_aliyun_reports(json.dumps(value).encode()), tuple | Refused)


def test_a_key_tells_nothing_of_the_number() -> None:
    (event,) = inbound({"Body": "STOP"})
    assert NUMBER not in event.key
    assert hashlib.sha256(NUMBER.encode()).hexdigest() not in event.key
