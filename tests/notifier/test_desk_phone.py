"""What stands on the sandbox phone, and that a gateway which answers nonsense is a sentence and no more."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from notifier.channels.sandbox import PHONE_OPENID
from notifier.desk_line import GatewayLine, LineBroken
from notifier.desk_phone import MOST_KEPT, Bubble, Memory, build_chat, build_threads
from notifier.wechat.inbound import Envelope
from notifier.wechat.replies import close_envelope
from notifier.wechat.settings import WeChatSettings

NOW = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
SETTINGS = WeChatSettings(
    appid="wx0123456789",
    secret=SecretStr("0123456789abcdef"),
    token=SecretStr("token1"),
    aes_key=SecretStr(b64encode(bytes(range(32))).decode().rstrip("=")),
)


def after(**span: float) -> datetime:
    return NOW + timedelta(**span)


def arrived(kind: str, at: datetime, address: str | None = None, **values: Any) -> dict[str, Any]:
    return {"id": "x", "at": at, "kind": kind, "address": address, **values}


def test_only_the_last_hundred_are_kept_and_forgetting_leaves_nothing(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    for number in range(MOST_KEPT + 5):
        memory.add("conversation", {"text": str(number)})
    assert [one["text"] for one in memory.read("conversation")] == [str(n) for n in range(5, MOST_KEPT + 5)]
    memory.forget("conversation")
    memory.forget("conversation")
    assert memory.read("conversation") == []
    assert list(tmp_path.iterdir()) == []


def test_the_conversation_is_what_was_said_and_what_came_since_the_account_is_followed() -> None:
    kept = [{"mine": True, "text": "帮助", "at": after(minutes=2).isoformat()}]
    came = [
        arrived("mass", after(minutes=3), text="新一期"),
        arrived("chat", after(minutes=1), PHONE_OPENID, fields={"total": "3"}, url=None),
        arrived("chat", after(minutes=4), "oSOMEBODYELSE", fields={}, url=None),
        arrived("mass", after(minutes=-1), text="关注以前的"),
        arrived("short", after(minutes=1), "+15005550006", text="短信"),
    ]
    shown = build_chat(kept, came, NOW)
    assert [(one.mine, one.text, one.fields) for one in shown] == [
        (False, "", {"total": "3"}),
        (True, "帮助", None),
        (False, "新一期", None),
    ]
    assert build_chat([], came, None) == []


def test_a_thread_is_of_one_number_in_order_and_its_name_does_not_hold_it() -> None:
    came = [
        arrived("short", after(minutes=3), "+15005550006", text="三"),
        arrived("short", after(minutes=2), "+8615400000000", text="二"),
        arrived("short", after(minutes=0), "+15005550006", text="一"),
        arrived("mass", after(minutes=0), text="不是短信"),
    ]
    replies = [
        {"number": "+15005550006", "text": "退订", "at": after(minutes=1).isoformat()},
        {"number": "+15005550007", "text": "无关", "at": after(minutes=1).isoformat()},
    ]
    first, second = build_threads(came, replies)
    assert [one.text for one in first.bubbles] == ["一", "退订", "三"]
    assert (first.mainland, second.mainland) == (False, True)
    assert first.id == build_threads(came[:1], [])[0].id
    assert "5005550006" not in first.id


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("全部：https://court.example.invalid/search?q=%E5%BC%A0。请看", ["https://court.example.invalid/search?q=%E5%BC%A0"]),
        ("http://a.invalid/x http://b.invalid", ["http://a.invalid/x", "http://b.invalid"]),
        ("javascript:alert(1) 没有", []),
        ("", []),
    ],
)  # fmt: skip
def test_addresses_in_an_answer_can_be_touched_and_nothing_else(text: str, links: list[str]) -> None:
    pieces = Bubble(mine=False, text=text, at=NOW).pieces
    assert "".join(piece for piece, _ in pieces) == text
    assert [piece for piece, is_link in pieces if is_link] == links


def line_to(answer: bytes, status: str = "200 OK") -> GatewayLine:
    def gateway(_environ: Any, start: Callable[..., Any]) -> Iterable[bytes]:
        start(status, [("Content-Type", "text/xml")])
        return [answer]

    return GatewayLine(
        gateway=gateway,
        wechat=SETTINGS,
        twilio_token="t",
        gateway_url="http://127.0.0.1:8002",
        clock=lambda: NOW,
        random=Random(4),
    )


def closed(text: str, settings: WeChatSettings = SETTINGS, appid: str = SETTINGS.appid) -> bytes:
    envelope = Envelope(appid=appid, token=settings.tokens[0], aes_key=settings.aes_keys[0], nonce="1")
    return close_envelope(f"<xml><Content><![CDATA[{text}]]></Content></xml>", envelope, NOW).encode()


def test_an_answer_is_read_and_silence_is_none() -> None:
    assert line_to(closed("您好")).say(PHONE_OPENID, "帮助") == "您好"
    for silence in (b"", b"success"):
        assert line_to(silence).say(PHONE_OPENID, "帮助") is None


OTHER_TOKEN = SETTINGS.model_copy(update={"token": SecretStr("token2")})
OTHER_KEY = SETTINGS.model_copy(update={"aes_key": SecretStr(b64encode(bytes(32)).decode().rstrip("="))})
NONSENSE = [
    b"not xml",
    b"<xml>",
    b"<xml><Encrypt>x</Encrypt></xml>",
    closed("您好", OTHER_TOKEN),
    closed("您好", OTHER_KEY),
    closed("您好", appid="wx_of_another"),
]


@pytest.mark.parametrize("answer", NONSENSE)
def test_an_answer_that_proves_nothing_is_a_sentence(answer: bytes) -> None:
    with pytest.raises(LineBroken, match=r"公众号的答复(不能识别|签名不符)"):
        line_to(answer).say(PHONE_OPENID, "帮助")


def test_a_gateway_that_refuses_is_a_sentence_with_its_status() -> None:
    broken = line_to(b"", "503 SERVICE UNAVAILABLE")
    with pytest.raises(LineBroken, match="503"):
        broken.say(PHONE_OPENID, "帮助")
    with pytest.raises(LineBroken, match="503"):
        broken.text("+15005550006", "STOP")
    assert "token1" not in repr(replace(broken, twilio_token="hidden"))
    assert "hidden" not in repr(replace(broken, twilio_token="hidden"))
