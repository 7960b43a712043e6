"""Answers: safe, short enough, and closed as the request was."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st
from standins.wechat_phone import Phone
from wechat_world import AES_KEY, NOW, PREVIOUS_AES_KEY, PREVIOUS_TOKEN, SETTINGS, TOKEN, Clock
from wechatpy.replies import TextReply

from notifier.wechat.inbound import Received, read_request
from notifier.wechat.messages import Arrived
from notifier.wechat.replies import SUCCESS, close_envelope, render_text
from notifier.wechat.texts import MOST_BYTES, cut_text, measure

BREAKING = "a]]></Content><MsgType><![CDATA[news]]></MsgType><Content><![CDATA["


def ask(aes_key: str | None = None, token: str = TOKEN) -> tuple[Phone, Received, Arrived]:
    phone = Phone(post=lambda _q, _b: (0, b""), clock=Clock(), token=token, aes_key=aes_key)
    received = read_request(*phone.close(phone.message("text", "<Content>x</Content>")), SETTINGS, NOW)
    assert isinstance(received, Received)
    return phone, received, received.messages[0]


def test_wechatpy_alone_lets_a_text_break_out() -> None:
    root = ElementTree.fromstring(TextReply(content=BREAKING, source="a", target="b").render())
    assert len(root.findall("MsgType")) == 2


def test_a_text_cannot_break_out_of_its_answer() -> None:
    phone, _, message = ask()
    assert phone.read(render_text(BREAKING, message, NOW).encode()) == BREAKING


@given(st.text(min_size=1, max_size=40).filter(lambda text: cut_text(text).strip()))
def test_any_text_arrives_as_it_is(text: str) -> None:
    phone, _, message = ask()
    expected = cut_text(text)
    assert phone.read(render_text(text, message, NOW).encode()) == expected


@given(st.text(), st.integers(3, 60))
def test_a_text_is_cut_between_two_characters(text: str, most: int) -> None:
    cut = cut_text(text, most)
    clean = cut_text(text, 10_000)
    assert measure(cut) <= most
    assert cut == clean or (cut.endswith("…") and clean.startswith(cut[:-1]))
    # No more is lost than must be.
    assert cut == clean or measure(clean[: len(cut)] + "…") > most


def test_long_answers_stay_below_two_thousand_and_forty_eight_bytes() -> None:
    for character in "a张𠮷":
        phone, _, message = ask()
        text = phone.read(render_text(character * 3_000, message, NOW).encode())
        assert text is not None
        assert MOST_BYTES - 6 < len(text.encode()) <= MOST_BYTES


def test_what_xml_cannot_carry_is_left_out() -> None:
    assert cut_text("张\x00\x0b\ud800测\ufffe") == "张测"


def test_nothing_to_say_is_success() -> None:
    _, _, message = ask()
    assert render_text("", message, NOW) == SUCCESS


def test_an_answer_is_closed_with_the_secrets_of_its_request() -> None:
    for aes_key in (AES_KEY, PREVIOUS_AES_KEY):
        for token in (TOKEN, PREVIOUS_TOKEN):
            phone, received, message = ask(aes_key, token)
            assert received.envelope is not None
            closed = close_envelope(render_text("查到𠮷", message, NOW), received.envelope, NOW)
            assert phone.read(closed.encode()) == "查到𠮷"
            assert "查到" not in closed
            assert aes_key not in repr(received)
            assert token not in repr(received)
