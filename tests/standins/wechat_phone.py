"""WeChat's side of the callback, with one follower's phone in front of it: signs, encrypts and reads as WeChat does, with
cryptography of its own."""

from __future__ import annotations

import base64
import hashlib
import os
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from xml.etree import ElementTree

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

APPID = "wx00000000000000aa"
ACCOUNT = "gh_0123456789ab"
Post = Callable[[Mapping[str, str], bytes], tuple[int, bytes]]


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What came back: the status, and the text that the follower reads; None for `success` or nothing."""

    status: int
    text: str | None


@dataclass
class Phone:
    """WeChat's side of the callback, with one follower's phone in front of it. `post` brings a request to the gateway.
    Without an `aes_key` it speaks plain mode. Answers are checked as WeChat checks them."""

    post: Post
    clock: Callable[[], datetime]
    token: str
    openid: str = "oTESTfollower0000000000000001"
    aes_key: str | None = None
    appid: str = APPID
    numbers: Iterator[int] = field(default_factory=lambda: count(23_000_000_000_000_001))

    def say(self, text: str, number: int | None = None) -> Heard:
        return self.send(self.message("text", f"<Content><![CDATA[{text}]]></Content>", number))

    def speak(self, recognition: str) -> Heard:
        inner = (
            f"<MediaId><![CDATA[m]]></MediaId><Format>amr</Format><Recognition><![CDATA[{recognition}]]></Recognition>"
        )
        return self.send(self.message("voice", inner))

    def press(self, key: str) -> Heard:
        return self.send(self.event("CLICK", EventKey=key))

    def follow(self, scene: str | None = None) -> Heard:
        return self.send(self.event("subscribe", EventKey=f"qrscene_{scene}" if scene else ""))

    def scan(self, scene: str) -> Heard:
        return self.send(self.event("SCAN", EventKey=scene, Ticket="t"))

    def leave(self) -> Heard:
        return self.send(self.event("unsubscribe", EventKey=""))

    def message(self, kind: str, inner: str, number: int | None = None) -> str:
        number = next(self.numbers) if number is None else number
        return _message_xml(
            self.openid, self.clock(), f"<MsgType><![CDATA[{kind}]]></MsgType>{inner}<MsgId>{number}</MsgId>"
        )

    def event(self, name: str, inner: str = "", **values: object) -> str:
        return event_xml(self.openid, self.clock(), name, inner, **values)

    def send(self, xml: str) -> Heard:
        """One delivery of a message or event, signed now."""
        query, body = self.close(xml)
        status, answer = self.post(query, body)
        return Heard(status=status, text=self.read(answer) if status == 200 else None)

    def close(self, xml: str) -> tuple[dict[str, str], bytes]:
        """The query and body of a request."""
        timestamp, nonce = str(int(self.clock().timestamp())), str(int.from_bytes(os.urandom(4)))
        query = {"signature": sign(self.token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce}
        query["openid"] = self.openid
        if self.aes_key is None:
            return query, xml.encode()
        encrypted = encrypt(xml, self.aes_key, self.appid)
        query |= {"encrypt_type": "aes", "msg_signature": sign(self.token, timestamp, nonce, encrypted)}
        inner = f"<ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt>"
        return query, f"<xml>{inner}</xml>".encode()

    def read(self, answer: bytes) -> str | None:
        """The text in an answer. Raises AssertionError where WeChat would say that the account is out of order."""
        if answer in (b"", b"success"):
            return None
        root = ElementTree.fromstring(answer)
        if self.aes_key is not None:
            encrypted = _child(root, "Encrypt")
            signed = sign(self.token, _child(root, "TimeStamp"), _child(root, "Nonce"), encrypted)
            assert _child(root, "MsgSignature") == signed
            root = ElementTree.fromstring(decrypt(encrypted, self.aes_key, self.appid))
        assert sorted(child.tag for child in root) == ["Content", "CreateTime", "FromUserName", "MsgType", "ToUserName"]
        assert (_child(root, "ToUserName"), _child(root, "FromUserName")) == (self.openid, ACCOUNT)
        assert _child(root, "MsgType") == "text"
        assert _child(root, "CreateTime").isdigit()
        text = _child(root, "Content")
        assert 0 < len(text.encode()) < 2048
        return text


def encrypt(text: str, aes_key: str, appid: str) -> str:
    """WeChat's encryption: 16 random bytes, the length, the text, the AppID; AES-256-CBC, padded to 32 bytes."""
    key, raw = base64.b64decode(aes_key + "="), text.encode()
    plain = os.urandom(16) + struct.pack(">I", len(raw)) + raw + appid.encode()
    padding = 32 - len(plain) % 32
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).encryptor()
    return base64.b64encode(cipher.update(plain + bytes([padding]) * padding) + cipher.finalize()).decode()


def decrypt(encrypted: str, aes_key: str, appid: str) -> str:
    """The text inside; the AppID behind it must be right."""
    key = base64.b64decode(aes_key + "=")
    cipher = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    plain = cipher.update(base64.b64decode(encrypted)) + cipher.finalize()
    plain = plain[16 : -plain[-1]]
    (size,) = struct.unpack(">I", plain[:4])
    assert plain[4 + size :].decode() == appid
    return plain[4 : 4 + size].decode()


def sign(*parts: str) -> str:
    """WeChat's signature of a request."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def _child(root: ElementTree.Element, name: str) -> str:
    (found,) = root.findall(name)
    return found.text or ""


def event_xml(openid: str, now: datetime, name: str, inner: str = "", **values: object) -> str:
    parts = "".join(f"<{key}><![CDATA[{value}]]></{key}>" for key, value in values.items())
    return _message_xml(
        openid, now, f"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[{name}]]></Event>{parts}{inner}"
    )


def _message_xml(openid: str, now: datetime, inner: str) -> str:
    return (
        f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
        f"<CreateTime>{int(now.timestamp())}</CreateTime>{inner}</xml>"
    )
