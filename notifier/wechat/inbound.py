"""From a raw request of WeChat to a typed message, or to a refusal. Nothing that arrives makes it raise.

The signature of the query proves that WeChat asked, within five minutes; that of an encrypted body proves the body too.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import struct
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.parsers.expat import ExpatError

import xmltodict  # type: ignore[import-untyped]
from wechatpy import parse_message  # type: ignore[import-untyped]
from wechatpy.crypto import PrpCrypto  # type: ignore[import-untyped]
from wechatpy.exceptions import InvalidAppIdException, WeChatException  # type: ignore[import-untyped]

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
from notifier.wechat.settings import WeChatSettings

WINDOW = timedelta(seconds=300)
MOST_BYTES = 64 * 1024
_MOST_ECHO = 256
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COUNT = re.compile(r"[0-9]{1,10}")
_NUMBER = re.compile(r"[0-9]{1,32}")
# What a hostile body makes of the parser, the cipher and the classes of wechatpy: none of it is a WeChatException.
_BROKEN = (
    ExpatError,
    TypeError,
    KeyError,
    AttributeError,
    UnicodeError,
    IndexError,
    struct.error,
    ValueError,
    OverflowError,
    RecursionError,
    WeChatException,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """What is answered with `status`: 403 where the sender did not prove itself, 400 where it makes no sense.
    `reason` is Chinese, for the log; it holds nothing of the request."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """How an encrypted request was closed, so that the answer can be closed in the same way."""

    appid: str
    token: str = field(repr=False)
    aes_key: str = field(repr=False)
    nonce: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Echo:
    """The text that proves to WeChat that the address is ours."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """Messages of one request (one, or one for each template of a subscription event); `envelope` is None in plain
    mode."""

    messages: tuple[Message, ...]
    envelope: Envelope | None


class _Malformed(ValueError):
    """A part is missing or is not what it should be."""


def read_echo(query: Mapping[str, str], settings: WeChatSettings, now: datetime) -> Echo | Refusal:
    """The answer to the question that WeChat asks once when the address is configured."""
    if refusal := _refuse_query(query, settings, now):
        return refusal
    echo = query.get("echostr", "")
    if not 0 < len(echo) <= _MOST_ECHO or not echo.isprintable():
        return Refusal(status=400, reason="缺少 echostr")
    return Echo(text=echo)


def read_request(query: Mapping[str, str], body: bytes, settings: WeChatSettings, now: datetime) -> Received | Refusal:
    """What a POST brings; `now` is aware."""
    if refusal := _refuse_query(query, settings, now):
        return refusal
    if not 0 < len(body) <= MOST_BYTES:
        return Refusal(status=400, reason="正文为空或者过长")
    try:
        return _read_body(query, body, settings)
    except InvalidAppIdException:
        return Refusal(status=403, reason="消息不是发给本公众号的")
    except _BROKEN:
        return Refusal(status=400, reason="正文不能识别")


def _read_body(query: Mapping[str, str], body: bytes, settings: WeChatSettings) -> Received | Refusal:
    if query.get("encrypt_type") == "aes":
        return _read_encrypted(query, body, settings)
    if not settings.plain:
        return Refusal(status=403, reason="只接收加密的消息")
    return Received(messages=_read_messages(body.decode()), envelope=None)


# Proof --------------------------------------------------------------------------------------------------------------


def _refuse_query(query: Mapping[str, str], settings: WeChatSettings, now: datetime) -> Refusal | None:
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    if _find_token(settings.tokens, query.get("signature", ""), timestamp, nonce) is None:
        return Refusal(status=403, reason="签名不符")
    # It comes back in an encrypted answer.
    if not _NAME.fullmatch(nonce):
        return Refusal(status=400, reason="随机串不能识别")
    # An older request may be one that somebody wrote down.
    if not _is_fresh(timestamp, now):
        return Refusal(status=403, reason="时间戳不在五分钟以内")
    return None


def _find_token(tokens: Iterable[str], signature: str, *parts: str) -> str | None:
    """The token under which `signature` is right."""
    given = signature.encode("utf-8", "surrogatepass")
    found = None
    for token in tokens:
        # Each is compared, in constant time, so that how long it takes tells nothing.
        if hmac.compare_digest(sign(token, *parts).encode(), given) and found is None:
            found = token
    return found


def sign(token: str, *parts: str) -> str:
    """WeChat's signature: SHA-1 in hex over the sorted parts."""
    ordered = sorted(part.encode("utf-8", "surrogatepass") for part in (token, *parts))
    return hashlib.sha1(b"".join(ordered), usedforsecurity=False).hexdigest()


def _is_fresh(timestamp: str, now: datetime) -> bool:
    if not _COUNT.fullmatch(timestamp):
        return False
    return abs(now.timestamp() - int(timestamp)) <= WINDOW.total_seconds()


# Encryption ---------------------------------------------------------------------------------------------------------


def _read_encrypted(query: Mapping[str, str], body: bytes, settings: WeChatSettings) -> Received | Refusal:
    encrypted = _text(_root(body.decode()), "Encrypt")
    timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
    token = _find_token(settings.tokens, query.get("msg_signature", ""), timestamp, nonce, encrypted)
    if token is None:
        return Refusal(status=403, reason="消息签名不符")
    aes_key, plain = _decrypt(encrypted, settings.aes_keys, settings.appid)
    envelope = Envelope(appid=settings.appid, token=token, aes_key=aes_key, nonce=nonce)
    return Received(messages=_read_messages(plain), envelope=envelope)


def _decrypt(encrypted: str, keys: Sequence[str], appid: str) -> tuple[str, str]:
    """The key that opens it, and what is inside. Raises InvalidAppIdException, or _Malformed where no key opens it."""
    problem: Exception = _Malformed()
    for key in keys:
        try:
            return key, str(PrpCrypto(raw_key(key)).decrypt(encrypted, appid))
        except InvalidAppIdException as error:
            # Junk of the wrong key can look like this too, so the next one is tried all the same.
            problem = error
        except _BROKEN:
            continue
    raise problem


def raw_key(aes_key: str) -> bytes:
    """The 32 bytes that the platform writes as 43 characters."""
    return b64decode(aes_key + "=")


def _root(text: str) -> Mapping[str, Any]:
    root = xmltodict.parse(text)["xml"]
    if not isinstance(root, dict):
        raise _Malformed
    return root


# Messages -----------------------------------------------------------------------------------------------------------


def _read_messages(text: str) -> tuple[Message, ...]:
    parsed = parse_message(text)
    # The values as they came: wechatpy converts some on reading, and knows the newer events only as "unknown".
    values: Mapping[str, Any] = parsed._data
    kind, event = _text(values, "MsgType").lower(), ""
    if kind == "event":
        event = _text(values, "Event").lower()
        _check_name(event)
    head: dict[str, Any] = {
        "follower": _check_name(_text(values, "FromUserName")),
        "account": _check_name(_text(values, "ToUserName")),
        "at": _read_time(values),
    }
    head["key"] = _build_key(values, kind, head["follower"])
    if kind == "event":
        return _read_event(event, values, head)
    return (_read_spoken(kind, values, head),)


def _read_spoken(kind: str, values: Mapping[str, Any], head: dict[str, Any]) -> Message:
    if kind == "text":
        return Said(**head, text=_text(values, "Content", default=""))
    if kind == "voice":
        return Said(**head, text=_text(values, "Recognition", default=""), is_voice=True)
    return Unhandled(**head, kind=_check_name(kind), is_spoken=not kind.startswith("device_"))


def _read_event(event: str, values: Mapping[str, Any], head: dict[str, Any]) -> tuple[Message, ...]:
    if event in _LISTS:
        return tuple(_read_subscription(event, item, head) for item in _list_items(values, _LISTS[event]))
    return (_read_single_event(event, values, head),)


def _read_single_event(event: str, values: Mapping[str, Any], head: dict[str, Any]) -> Message:
    build = _EVENTS.get(event)
    return build(values, head) if build else Unhandled(**head, kind=event, is_spoken=False)


def _read_joined(values: Mapping[str, Any], head: dict[str, Any]) -> Joined:
    return Joined(**head, scene=values.get("EventKey") and _text(values, "EventKey"))


def _read_mass_report(values: Mapping[str, Any], head: dict[str, Any]) -> MassReported:
    return MassReported(
        **head,
        number=_number(values),
        status=_text(values, "Status").lower(),
        total=_count(values, "TotalCount"),
        sent=_count(values, "SentCount"),
        failed=_count(values, "ErrorCount"),
    )


_EVENTS: Mapping[str, Callable[[Mapping[str, Any], dict[str, Any]], Message]] = {
    "subscribe": lambda _values, head: Joined(**head),
    "subscribe_scan_product": lambda _values, head: Joined(**head),
    # wechatpy's name for `subscribe` by a QR code; it takes the qrscene_ off.
    "subscribe_scan": _read_joined,
    "unsubscribe": lambda _values, head: Left(**head),
    "scan": lambda values, head: Scanned(**head, scene=_text(values, "EventKey")),
    "click": lambda values, head: Pressed(**head, button=_text(values, "EventKey")),
    "templatesendjobfinish": lambda values, head: TemplateReported(
        **head, number=_number(values), status=_text(values, "Status").lower()
    ),
    "masssendjobfinish": _read_mass_report,
}

# Events that wechatpy 1.8.18 does not know, and the element that lists what they say of each template.
_LISTS = {
    "subscribe_msg_popup_event": "SubscribeMsgPopupEvent",
    "subscribe_msg_change_event": "SubscribeMsgChangeEvent",
    "subscribe_msg_sent_event": "SubscribeMsgSentEvent",
}


def _list_items(values: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    listed = values[name]["List"]
    items = listed if isinstance(listed, list) else [listed]
    if not items or not all(isinstance(item, dict) for item in items):
        raise _Malformed
    return items


def _read_subscription(event: str, item: Mapping[str, Any], head: dict[str, Any]) -> Message:
    template = _check_name(_text(item, "TemplateId"))
    if event == "subscribe_msg_sent_event":
        return SubscriptionReported(**head, number=_number(item), template=template, code=_count(item, "ErrorCode"))
    is_wanted = _text(item, "SubscribeStatusString").lower() == "accept"
    return SubscriptionAnswered(**head, template=template, is_wanted=is_wanted)


def _build_key(values: Mapping[str, Any], kind: str, follower: str) -> str:
    """MsgId; for an event FromUserName + CreateTime + Event, and what tells apart two of one second. Digested, so that
    what is remembered for a while names nobody."""
    if kind == "event":
        names = ("CreateTime", "Event", "EventKey", "MsgID", *_LISTS.values())
        parts = ["event", follower, *(json.dumps(values.get(name), sort_keys=True) for name in names)]
    else:
        parts = ["message", _text(values, "MsgId")]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


_REQUIRED = object()


def _text(values: Mapping[str, Any], name: str, default: Any = _REQUIRED) -> str:
    value = values.get(name)
    if value is None and default is not _REQUIRED:
        return str(default)
    if not isinstance(value, str) or not value:
        raise _Malformed
    return value


def _check_name(value: str) -> str:
    """An openid, an account, a template or an event: it is put into answers and compared, so nothing else passes."""
    if not _NAME.fullmatch(value):
        raise _Malformed
    return value


def _read_time(values: Mapping[str, Any]) -> datetime:
    return datetime.fromtimestamp(_count(values, "CreateTime"), UTC)


def _count(values: Mapping[str, Any], name: str) -> int:
    text = _text(values, name)
    if not _COUNT.fullmatch(text):
        raise _Malformed
    return int(text)


def _number(values: Mapping[str, Any]) -> str | None:
    text = _text(values, "MsgID", default="0")
    if not _NUMBER.fullmatch(text):
        raise _Malformed
    return text if int(text) else None
