"""What arrives at the gateway: proof, both modes, and bodies that nobody should have sent."""

from __future__ import annotations

import struct
from datetime import timedelta
from typing import Any
from xml.parsers.expat import ExpatError

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standins.wechat_phone import Phone, encrypt, sign
from wechat_world import AES_KEY, NOW, PREVIOUS_AES_KEY, PREVIOUS_TOKEN, SETTINGS, TOKEN, Clock
from wechatpy import parse_message
from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import WeChatException

from notifier.wechat.inbound import (
    MOST_BYTES,
    Echo,
    Received,
    Refusal,
    raw_key,
    read_echo,
    read_request,
)
from notifier.wechat.messages import (
    Joined,
    Left,
    MassReported,
    Message,
    Pressed,
    Said,
    Scanned,
    SubscriptionAnswered,
    SubscriptionReported,
    TemplateReported,
    Unhandled,
)


def a_phone(aes_key: str | None = None, token: str = TOKEN, **how: Any) -> Phone:
    def post(_query: object, _body: bytes) -> tuple[int, bytes]:
        raise AssertionError("not called")

    return Phone(post=post, clock=Clock(), token=token, aes_key=aes_key, **how)


def read(phone: Phone, xml: str) -> Received:
    received = read_request(*phone.close(xml), SETTINGS, NOW)
    assert isinstance(received, Received), received
    return received


def read_one(xml: str, phone: Phone | None = None) -> Message:
    (message,) = read(phone or a_phone(), xml).messages
    return message


@pytest.mark.parametrize("aes_key", [None, AES_KEY, PREVIOUS_AES_KEY])
@pytest.mark.parametrize("token", [TOKEN, PREVIOUS_TOKEN])
def test_text_arrives_in_both_modes_with_the_current_and_previous_secrets(aes_key: str | None, token: str) -> None:
    phone = a_phone(aes_key, token)
    received = read(phone, phone.message("text", "<Content><![CDATA[ 张测 ]]></Content>"))
    (message,) = received.messages
    assert isinstance(message, Said)
    assert (message.text, message.follower, message.at) == ("张测", phone.openid, NOW)
    envelope = received.envelope and (received.envelope.aes_key, received.envelope.token)
    assert envelope == (None if aes_key is None else (aes_key, token))


def test_the_echo_is_given_to_who_signs_it() -> None:
    query, _ = a_phone().close("")
    assert read_echo(query | {"echostr": "4711"}, SETTINGS, NOW) == Echo(text="4711")
    assert isinstance(read_echo(query, SETTINGS, NOW), Refusal)
    assert refused(read_echo(query | {"echostr": "4711", "nonce": "1"}, SETTINGS, NOW)) == 403


def refused(answer: object) -> int:
    assert isinstance(answer, Refusal), answer
    return answer.status


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"signature": "0" * 40}, 403),
        ({"signature": ""}, 403),
        # compare_digest refuses texts that are not ASCII with an exception.
        ({"signature": "签名"}, 403),
        ({"signature": "\udcff"}, 403),
        ({"timestamp": "0"}, 403),
        ({"nonce": "another"}, 403),
        ({"encrypt_type": "aes"}, 400),
    ],
)
def test_what_is_not_proved_is_refused(change: dict[str, str], status: int) -> None:
    query, body = a_phone().close(a_phone().message("text", "<Content>x</Content>"))
    assert refused(read_request(query | change, body, SETTINGS, NOW)) == status


@pytest.mark.parametrize("missing", ["signature", "timestamp", "nonce"])
def test_a_query_without_a_part_is_refused(missing: str) -> None:
    query, body = a_phone().close(a_phone().message("text", "<Content>x</Content>"))
    del query[missing]
    assert refused(read_request(query, body, SETTINGS, NOW)) == 403


@pytest.mark.parametrize("seconds", [-300, 300])
def test_five_minutes_are_fresh(seconds: int) -> None:
    query, body = a_phone().close(a_phone().message("text", "<Content>x</Content>"))
    assert isinstance(read_request(query, body, SETTINGS, NOW + timedelta(seconds=seconds)), Received)


@pytest.mark.parametrize("seconds", [-301, 301, 86_400])
def test_an_older_or_later_request_is_refused_though_its_signature_is_right(seconds: int) -> None:
    query, body = a_phone().close(a_phone().message("text", "<Content>x</Content>"))
    assert refused(read_request(query, body, SETTINGS, NOW + timedelta(seconds=seconds))) == 403


@pytest.mark.parametrize("timestamp", ["", "x", "-5", "1e9", "１７９１４２４８００", "9" * 400, "12345678901234567890"])
def test_a_timestamp_that_is_none_is_refused(timestamp: str) -> None:
    phone = Phone(post=lambda _q, _b: (0, b""), clock=Clock(), token=TOKEN)
    query, body = phone.close(phone.message("text", "<Content>x</Content>"))
    query |= {"timestamp": timestamp, "signature": sign(TOKEN, timestamp, query["nonce"])}
    assert refused(read_request(query, body, SETTINGS, NOW)) == 403


def test_an_encrypted_body_must_be_signed_itself() -> None:
    phone = a_phone(AES_KEY)
    query, body = phone.close(phone.message("text", "<Content>x</Content>"))
    _, other = phone.close(phone.message("text", "<Content>y</Content>"))
    assert refused(read_request(query, other, SETTINGS, NOW)) == 403
    assert refused(read_request(query | {"msg_signature": "0" * 40}, body, SETTINGS, NOW)) == 403


def test_a_message_for_another_account_is_refused() -> None:
    phone = a_phone(AES_KEY, appid="wx00000000000000bb")
    query, body = phone.close(phone.message("text", "<Content>x</Content>"))
    assert refused(read_request(query, body, SETTINGS, NOW)) == 403


def test_plain_messages_can_be_refused() -> None:
    settings = SETTINGS.model_copy(update={"plain": False})
    phone, closed = a_phone(), a_phone(AES_KEY)
    xml = phone.message("text", "<Content>x</Content>")
    assert refused(read_request(*phone.close(xml), settings, NOW)) == 403
    assert isinstance(read_request(*closed.close(xml), settings, NOW), Received)


# Hostile bodies -----------------------------------------------------------------------------------------------------

HEAD = "<ToUserName>gh_1</ToUserName><FromUserName>oT1</FromUserName><CreateTime>1791424800</CreateTime>"
LAUGHS = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><xml><MsgType>&b;</MsgType></xml>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a SYSTEM "file:///etc/passwd">]><xml><MsgType>&a;</MsgType></xml>'
# What wechatpy makes of a body, where it raises something of its parser's or its own mistakes.
RAISING = [
    ("not xml", ExpatError),
    ("<xml></xml>", TypeError),
    ("<xml><a>1</a></xml>", KeyError),
    ("<html><MsgType>text</MsgType></html>", KeyError),
    ("<xml><MsgType>text</MsgType><MsgType>text</MsgType></xml>", AttributeError),
    ("<xml><MsgType></MsgType></xml>", AttributeError),
    ("<xml><MsgType>event</MsgType><Event>a</Event><Event>b</Event></xml>", AttributeError),
    (LAUGHS, ValueError),
    (OUTSIDE, ValueError),
]
# What it takes, though nothing can be done with it.
TAKEN = [
    f"<xml>{HEAD}<MsgType>text</MsgType><Content>x</Content></xml>",
    f"<xml>{HEAD}<MsgType>event</MsgType></xml>",
    f"<xml>{HEAD}<MsgType>event</MsgType><Event>CLICK</Event></xml>",
    f"<xml>{HEAD}<MsgType>event</MsgType><Event>subscribe_msg_sent_event</Event></xml>",
    f"<xml>{HEAD}<MsgType>event</MsgType><Event>subscribe_msg_sent_event</Event>"
    "<SubscribeMsgSentEvent><List>x</List></SubscribeMsgSentEvent></xml>",
    f"<xml>{HEAD}<MsgType>event</MsgType><Event>TEMPLATESENDJOBFINISH</Event><MsgID>a</MsgID><Status>s</Status></xml>",
    f"<xml>{HEAD}<MsgType>event</MsgType><Event>MASSSENDJOBFINISH</Event><Status>s</Status></xml>",
    f"<xml>{HEAD}<MsgType>te/xt</MsgType><MsgId>1</MsgId></xml>",
    "<xml><MsgType>text</MsgType><MsgId>1</MsgId><Content>x</Content></xml>",
    "<xml><ToUserName>g</ToUserName><FromUserName>o T</FromUserName><CreateTime>1</CreateTime>"
    "<MsgType>text</MsgType><MsgId>1</MsgId><Content>x</Content></xml>",
    "<xml><ToUserName>g</ToUserName><FromUserName>o]]&gt;</FromUserName><CreateTime>1</CreateTime>"
    "<MsgType>text</MsgType><MsgId>1</MsgId><Content>x</Content></xml>",
    f"<xml>{HEAD.replace('1791424800', '9999999999999')}<MsgType>text</MsgType><MsgId>1</MsgId></xml>",
    f"<xml>{HEAD.replace('1791424800', '一')}<MsgType>text</MsgType><MsgId>1</MsgId></xml>",
    f"<xml>{HEAD}<MsgType>text</MsgType><MsgId>1</MsgId><Content><b>x</b></Content></xml>",
    f"<xml>{HEAD}<MsgType>text</MsgType><MsgId>1</MsgId><Content a='1'>x</Content></xml>",
    f"<xml>{HEAD}<MsgType>event</MsgType><Event>subscribe</Event><EventKey><a>1</a></EventKey></xml>",
    f"<xml>{HEAD}<MsgType>event</MsgType><Event>CLICK</Event><EventKey>{'<a>' * 8000}{'</a>' * 8000}</EventKey></xml>",
]


@pytest.mark.parametrize(("body", "error"), RAISING)
def test_the_parser_of_wechatpy_raises_what_is_no_error_of_wechatpy(body: str, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        parse_message(body)
    assert not isinstance(raised.value, WeChatException)


@pytest.mark.parametrize("aes_key", [None, AES_KEY])
@pytest.mark.parametrize("body", [*(body for body, _ in RAISING), *TAKEN])
def test_a_malformed_body_is_refused(body: str, aes_key: str | None) -> None:
    query, raw = a_phone(aes_key).close(body)
    assert refused(read_request(query, raw, SETTINGS, NOW)) == 400


@pytest.mark.parametrize("raw", [b"", b"\xff\xfe<xml>", b"\x00", b"x" * (MOST_BYTES + 1)])
def test_bytes_that_are_no_text_are_refused(raw: bytes) -> None:
    for encrypted in ({}, {"encrypt_type": "aes"}):
        query, _ = a_phone().close("")
        assert refused(read_request(query | encrypted, raw, SETTINGS, NOW)) == 400


def sign_encrypted(encrypted: str) -> tuple[dict[str, str], bytes]:
    query, _ = a_phone().close("")
    signed = sign(TOKEN, query["timestamp"], query["nonce"], encrypted)
    return query | {
        "encrypt_type": "aes",
        "msg_signature": signed,
    }, f"<xml><Encrypt>{encrypted}</Encrypt></xml>".encode()


@pytest.mark.parametrize("junk", ["AAAA", "x", "=", "A" * 64, "é"])
def test_junk_under_a_right_signature_is_refused(junk: str) -> None:
    """The token leaked, or somebody tries: the cipher of wechatpy raises IndexError, struct.error or ValueError."""
    assert refused(read_request(*sign_encrypted(junk), SETTINGS, NOW)) in (400, 403)
    with pytest.raises((IndexError, struct.error, ValueError, TypeError)):
        PrpCrypto(raw_key(AES_KEY)).decrypt(junk, SETTINGS.appid)


def test_what_the_wrong_key_makes_of_a_message_does_not_end_the_search() -> None:
    """One in 256 short messages under the previous key looks under the current one as if it were for another account."""
    inside = [encrypt("", PREVIOUS_AES_KEY, SETTINGS.appid) for _ in range(3_000)]
    assert {refused(read_request(*sign_encrypted(one), SETTINGS, NOW)) for one in inside} == {400}


@given(st.binary(max_size=200))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    query, _ = a_phone().close("")
    for encrypted in ({}, {"encrypt_type": "aes"}):
        assert isinstance(read_request(query | encrypted, raw, SETTINGS, NOW), Refusal)


@given(st.text(max_size=120))
def test_no_text_inside_an_envelope_makes_it_raise(text: str) -> None:
    inside = encrypt(text.encode(errors="replace").decode(), AES_KEY, SETTINGS.appid)
    assert isinstance(read_request(*sign_encrypted(inside), SETTINGS, NOW), Refusal)


@given(st.data())
def test_no_wrong_byte_in_a_message_makes_it_raise(data: st.DataObject) -> None:
    phone = a_phone()
    query, raw = phone.close(phone.event("CLICK", EventKey="newest"))
    place = data.draw(st.integers(0, len(raw) - 1))
    broken = raw[:place] + data.draw(st.binary(max_size=3)) + raw[place + 1 :]
    assert isinstance(read_request(query, broken, SETTINGS, NOW), Received | Refusal)


@given(st.dictionaries(st.sampled_from(["signature", "timestamp", "nonce", "encrypt_type"]), st.text(max_size=60)))
def test_no_query_makes_it_raise(query: dict[str, str]) -> None:
    assert refused(read_request(query, b"<xml/>", SETTINGS, NOW)) == 403


# What is understood -------------------------------------------------------------------------------------------------


def test_a_voice_message_is_its_words() -> None:
    phone = a_phone()
    said = read_one(phone.message("voice", "<Format>amr</Format><Recognition><![CDATA[张测。]]></Recognition>"))
    assert isinstance(said, Said)
    assert (said.text, said.is_voice) == ("张测。", True)
    silent = read_one(phone.message("voice", "<Format>amr</Format><Recognition></Recognition>"))
    assert isinstance(silent, Said)
    assert silent.text == ""


def test_events_of_followers() -> None:
    phone = a_phone()
    assert isinstance(read_one(phone.event("subscribe", EventKey="")), Joined)
    by_code = read_one(phone.event("subscribe", EventKey="qrscene_district:测试市", Ticket="t"))
    assert isinstance(by_code, Joined)
    assert by_code.scene == "district:测试市"
    again = read_one(phone.event("SCAN", EventKey="district:测试市", Ticket="t"))
    assert isinstance(again, Scanned)
    assert again.scene == "district:测试市"
    assert isinstance(read_one(phone.event("subscribe", EventKey="qrscene_")), Joined)
    assert isinstance(read_one(phone.event("unsubscribe", EventKey="")), Left)
    pressed = read_one(phone.event("CLICK", EventKey="newest"))
    assert isinstance(pressed, Pressed)
    assert pressed.button == "newest"


def test_what_nobody_answers() -> None:
    phone = a_phone()
    picture = read_one(phone.message("image", "<PicUrl>u</PicUrl><MediaId>m</MediaId>"))
    assert isinstance(picture, Unhandled)
    assert (picture.kind, picture.is_spoken) == ("image", True)
    place = read_one(phone.event("LOCATION", Latitude="1", Longitude="2"))
    assert isinstance(place, Unhandled)
    assert not place.is_spoken
    assert isinstance(
        read_one(phone.event("PUBLISHJOBFINISH", "<PublishEventInfo><a>1</a></PublishEventInfo>")), Unhandled
    )


def test_reports_of_messages() -> None:
    phone = a_phone()
    done = read_one(phone.event("TEMPLATESENDJOBFINISH", MsgID=200163840, Status="failed:user block"))
    assert isinstance(done, TemplateReported)
    assert (done.number, done.status) == ("200163840", "failed:user block")
    unnumbered = read_one(phone.event("TEMPLATESENDJOBFINISH", MsgID=0, Status="success"))
    assert isinstance(unnumbered, TemplateReported)
    assert unnumbered.number is None
    counts = {"TotalCount": 100, "FilterCount": 80, "SentCount": 75, "ErrorCount": 5}
    mass = read_one(phone.event("MASSSENDJOBFINISH", MsgID=1000001625, Status="send success", **counts))
    assert isinstance(mass, MassReported)
    assert (mass.number, mass.total, mass.sent, mass.failed) == ("1000001625", 100, 75, 5)


def test_events_that_wechatpy_does_not_know() -> None:
    phone = a_phone()
    item = "<List><TemplateId>{}</TemplateId><SubscribeStatusString>{}</SubscribeStatusString></List>"
    both = item.format("T1", "accept") + item.format("T2", "reject")
    xml = phone.event("subscribe_msg_popup_event", f"<SubscribeMsgPopupEvent>{both}</SubscribeMsgPopupEvent>")
    assert parse_message(xml).type == "unknown"
    answered = read(phone, xml).messages
    assert [(one.template, one.is_wanted) for one in answered if isinstance(one, SubscriptionAnswered)] == [
        ("T1", True),
        ("T2", False),
    ]
    one = item.format("T1", "reject")
    xml = phone.event("subscribe_msg_change_event", f"<SubscribeMsgChangeEvent>{one}</SubscribeMsgChangeEvent>")
    changed = read_one(xml)
    assert isinstance(changed, SubscriptionAnswered)
    assert not changed.is_wanted
    sent = "<List><TemplateId>T1</TemplateId><MsgID>12</MsgID><ErrorCode>43101</ErrorCode></List>"
    reported = read_one(
        phone.event("subscribe_msg_sent_event", f"<SubscribeMsgSentEvent>{sent}</SubscribeMsgSentEvent>")
    )
    assert isinstance(reported, SubscriptionReported)
    assert (reported.number, reported.template, reported.code) == ("12", "T1", 43101)


# Once ---------------------------------------------------------------------------------------------------------------


def test_a_message_has_one_key_however_it_arrives() -> None:
    plain, closed = a_phone(), a_phone(AES_KEY)
    xml = plain.message("text", "<Content>x</Content>", number=5)
    assert read_one(xml, plain).key == read_one(xml, closed).key
    assert read_one(xml, plain).key != read_one(plain.message("text", "<Content>x</Content>", number=6), plain).key


def test_an_event_has_one_key_and_two_of_one_second_have_two() -> None:
    phone, other = a_phone(), a_phone(openid="oTESTfollower0000000000000002")
    events = [
        phone.event("CLICK", EventKey="newest"),
        phone.event("CLICK", EventKey="help"),
        other.event("CLICK", EventKey="newest"),
        # Two messages to one follower in one second are reported in one second.
        phone.event("TEMPLATESENDJOBFINISH", MsgID=1, Status="success"),
        phone.event("TEMPLATESENDJOBFINISH", MsgID=2, Status="success"),
        phone.event("subscribe", EventKey=""),
        phone.event("unsubscribe", EventKey=""),
    ]
    keys = [read_one(xml).key for xml in events]
    assert keys == [read_one(xml).key for xml in events]
    assert len(set(keys)) == len(events)
    later = a_phone()
    later.clock = Clock(NOW + timedelta(seconds=1))
    # Signed at the same time, happened a second later.
    xml = later.event("CLICK", EventKey="newest")
    assert read_one(xml).key != keys[0]


def test_a_key_names_nobody() -> None:
    phone = a_phone()
    key = read_one(phone.event("subscribe", EventKey="")).key
    assert phone.openid not in key
    assert len(key) == 64
