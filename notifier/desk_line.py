"""The line of the sandbox phone: what is typed on it goes to this home's own gateway, as WeChat and Twilio would bring it.

Requests are signed, encrypted and read as the providers do it, with the accounts of the sandbox, so that whatever the
gateway asks of a request (signature, time, once only, pace) is asked of these.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]
from wechatpy.crypto import PrpCrypto  # type: ignore[import-untyped]
from wechatpy.exceptions import WeChatException  # type: ignore[import-untyped]
from werkzeug.test import Client

from notifier.sms.receipts import INBOUND_PATH
from notifier.wechat.inbound import raw_key, sign
from notifier.wechat.replies import SUCCESS
from notifier.wechat.settings import WeChatSettings

ACCOUNT = "gh_sandbox"
_WECHAT_PATH = "/wechat"
# What an answer that is none makes of the parser and the cipher.
_BROKEN = (ElementTree.ParseError, KeyError, ValueError, IndexError, struct.error, WeChatException)
WSGI = Callable[[Any, Any], Iterable[bytes]]


class LineBroken(Exception):
    """The gateway did not take it. `str()` is a Chinese sentence for whoever holds the phone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayLine:
    """Brings what the phone does to `gateway`. `twilio_token` signs for the SMS, over `gateway_url`, the address under
    which the gateway believes to be known."""

    gateway: WSGI
    wechat: WeChatSettings
    twilio_token: str = field(repr=False)
    gateway_url: str
    clock: Callable[[], datetime]
    random: Random

    def say(self, openid: str, text: str) -> str | None:
        """Words of a follower; the answer, or None where there is none. Raises LineBroken."""
        number = self.random.getrandbits(62)
        return self._post(openid, f"{_tag('MsgType', 'text')}{_tag('Content', text)}{_tag('MsgId', str(number))}")

    def press(self, openid: str, button: str) -> str | None:
        """A button of the menu. Raises LineBroken."""
        return self._post(openid, _event("CLICK", button))

    def follow(self, openid: str) -> str | None:
        """Somebody follows the account. Raises LineBroken."""
        return self._post(openid, _event("subscribe", ""))

    def leave(self, openid: str) -> None:
        """Somebody follows it no longer. Raises LineBroken."""
        self._post(openid, _event("unsubscribe", ""))

    def text(self, number: str, body: str) -> None:
        """An SMS from `number` (E.164) to the court. Raises LineBroken."""
        form = {
            "MessageSid": f"SM{self.random.getrandbits(128):032x}",
            "From": number,
            "To": "+10000000000",
            "Body": body,
            "NumMedia": "0",
        }
        address = self.gateway_url.rstrip("/") + INBOUND_PATH
        signature = RequestValidator(self.twilio_token).compute_signature(address, form)
        headers = {"X-Twilio-Signature": signature}
        answer = Client(self.gateway).post(INBOUND_PATH, data=form, headers=headers, base_url=self._base_url)
        if answer.status_code != 200:
            raise LineBroken(f"网关没有接收这条短信（{answer.status_code}）")

    @property
    def _base_url(self) -> str:
        url = urlsplit(self.gateway_url)
        return f"{url.scheme}://{url.netloc}"

    def _post(self, openid: str, inner: str) -> str | None:
        now = str(int(self.clock().timestamp()))
        head = f"{_tag('ToUserName', ACCOUNT)}{_tag('FromUserName', openid)}{_tag('CreateTime', now)}"
        token, key = self.wechat.tokens[0], self.wechat.aes_keys[0]
        encrypted = PrpCrypto(raw_key(key)).encrypt(f"<xml>{head}{inner}</xml>", self.wechat.appid).decode()
        nonce = str(self.random.getrandbits(31))
        query = {
            "signature": sign(token, now, nonce),
            "timestamp": now,
            "nonce": nonce,
            "openid": openid,
            "encrypt_type": "aes",
            "msg_signature": sign(token, now, nonce, encrypted),
        }
        body = f"<xml>{_tag('ToUserName', ACCOUNT)}{_tag('Encrypt', encrypted)}</xml>"
        client = Client(self.gateway)
        answer = client.post(
            _WECHAT_PATH,
            query_string=query,
            data=body.encode(),
            content_type="text/xml",
            base_url=self._base_url,
        )
        if answer.status_code != 200:
            raise LineBroken(f"公众号网关没有接收这条消息（{answer.status_code}）")
        return self._read(answer.get_data(as_text=True), token, key)

    def _read(self, answer: str, token: str, key: str) -> str | None:
        """The text in an answer, proved as WeChat proves it. Raises LineBroken."""
        if answer in ("", SUCCESS):
            return None
        try:
            parts = {part.tag: part.text or "" for part in ElementTree.fromstring(answer)}  # noqa: S314  # our own answer
            signed = sign(token, parts["TimeStamp"], parts["Nonce"], parts["Encrypt"])
            if signed != parts["MsgSignature"]:
                raise LineBroken("公众号的答复签名不符")
            plain = PrpCrypto(raw_key(key)).decrypt(parts["Encrypt"], self.wechat.appid)
            return ElementTree.fromstring(plain).findtext("Content")  # noqa: S314
        except _BROKEN:
            raise LineBroken("公众号的答复不能识别") from None


def _event(name: str, key: str) -> str:
    return f"{_tag('MsgType', 'event')}{_tag('Event', name)}{_tag('EventKey', key)}"


def _tag(name: str, value: str) -> str:
    return f"<{name}>{escape(value)}</{name}>"
