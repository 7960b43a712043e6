"""Answers on their way back to WeChat: XML that no text can break out of, cut where WeChat would refuse it."""

from __future__ import annotations

from datetime import datetime

from wechatpy.crypto import PrpCrypto  # type: ignore[import-untyped]
from wechatpy.replies import TextReply  # type: ignore[import-untyped]

from notifier.wechat.inbound import Envelope, raw_key, sign
from notifier.wechat.messages import Arrived
from notifier.wechat.texts import cut_text

# Nothing is said now: WeChat does not ask again.
SUCCESS = "success"


def render_text(text: str, message: Arrived, now: datetime) -> str:
    """The XML that answers `message` with `text`, cut if it is too long; SUCCESS for an empty text."""
    if not text:
        return SUCCESS
    content = _within_cdata(cut_text(text))
    reply = TextReply(
        source=_within_cdata(message.account),
        target=_within_cdata(message.follower),
        time=int(now.timestamp()),
        content=content,
    )
    return str(reply.render())


def close_envelope(xml: str, envelope: Envelope, now: datetime) -> str:
    """`xml` encrypted with the key and signed with the token of the request it answers."""
    encrypted = PrpCrypto(raw_key(envelope.aes_key)).encrypt(xml, envelope.appid).decode()
    timestamp = str(int(now.timestamp()))
    signature = sign(envelope.token, timestamp, envelope.nonce, encrypted)
    return (
        f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt><MsgSignature><![CDATA[{signature}]]></MsgSignature>"
        f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{envelope.nonce}]]></Nonce></xml>"
    )


def _within_cdata(text: str) -> str:
    # wechatpy puts the text between <![CDATA[ and ]]> as it is.
    return text.replace("]]>", "]]]]><![CDATA[>")
