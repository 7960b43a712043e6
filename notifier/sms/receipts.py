"""What providers send to us: read, checked, and turned into events for the outbox. No web framework here.

Twilio signs the address it calls and the form it sends (HMAC-SHA1 with the account's token); nothing in the signature
says when, so a request can be repeated by whoever has seen it. Every event therefore has a `key` that is the same
however often it arrives, and whoever applies events applies a key once.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from notifier.channels import Outcome
from notifier.sms.numbers import is_e164
from notifier.sms.outcomes import ALIYUN, TWILIO, aliyun_report, twilio_status
from notifier.sms.routing import MAINLAND_CHANNEL, channel_for

STATUS_PATH = "/twilio/status"
INBOUND_PATH = "/twilio/inbound"
LARGEST_BODY = 64 * 1024
_MOST_FIELDS = 200
_DISPATCH = re.compile(r"[A-Za-z0-9-]{1,32}")
_ATTEMPT = re.compile(r"[1-9][0-9]{0,3}")
_SID = re.compile(r"(?:SM|MM)[0-9a-f]{32}")
_BIZ_ID = re.compile(r"[0-9^]{1,64}")
_ERROR_CODE = re.compile(r"[0-9]{5}")
_STOP_WORDS = frozenset(
    {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "TD", "T", "R", "退订", "取消", "取消订阅", "拒收"}
)
_START_WORDS = frozenset({"START", "UNSTOP", "订阅", "恢复订阅"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptArrived:
    """A provider says what became of a message on `channel` of the outbox. `dispatch_id` and `attempt` are ours, where the provider gives them
    back; the outcome has the provider's number of the message and may stop the address."""

    key: str
    channel: str
    dispatch_id: str | None
    attempt: int | None
    reference: str
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class OptOut:
    """Whoever has this number (E.164) wants no more messages."""

    key: str
    number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OptIn:
    """Whoever has this number (E.164) wants messages again."""

    key: str
    number: str


Event = ReceiptArrived | OptOut | OptIn


@dataclass(frozen=True, slots=True)
class Refused:
    """A request that is not what it should be: 403 for a signature that does not fit, else 400."""

    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TwilioRequest:
    """A request as it arrived: the path below the gateway's address, the query and body as bytes, the signature or ""."""

    path: str
    query: bytes
    body: bytes
    signature: str


def read_twilio_status(request: TwilioRequest, *, gateway_url: str, token: str) -> tuple[Event, ...] | Refused:
    """The receipt in a status callback; none for a status that says nothing of a sent message."""
    form = read_signed(request, gateway_url, token)
    if isinstance(form, Refused):
        return form
    own = dict(parse_qsl(request.query.decode("ascii", "replace")))
    dispatch, attempt = own.get("dispatch", ""), own.get("attempt", "")
    sid, status, code = form.get("MessageSid", ""), form.get("MessageStatus", ""), form.get("ErrorCode", "")
    if not _SID.fullmatch(sid):
        return Refused(400)
    number = int(attempt) if _ATTEMPT.fullmatch(attempt) else None
    outcome = twilio_status(status, int(code) if _ERROR_CODE.fullmatch(code) else None, number or 1, sid)
    if outcome is None:
        return ()
    receipt = ReceiptArrived(
        key=f"{TWILIO}:{sid}:{status}",
        channel=channel_for(form.get("To", "")),
        dispatch_id=dispatch if _DISPATCH.fullmatch(dispatch) else None,
        attempt=number,
        reference=sid,
        outcome=outcome,
    )
    return (receipt,)


def read_twilio_inbound(request: TwilioRequest, *, gateway_url: str, token: str) -> tuple[Event, ...] | Refused:
    """What a message to us asks for: out, back in, or nothing that we know (then it is not kept)."""
    form = read_signed(request, gateway_url, token)
    if isinstance(form, Refused):
        return form
    sid, number = form.get("MessageSid", ""), form.get("From", "")
    if not _SID.fullmatch(sid):
        return Refused(400)
    wish = _read_wish(form.get("OptOutType", ""), form.get("Body", ""))
    return (wish(key=f"{TWILIO}:{sid}:inbound", number=number),) if wish and is_e164(number) else ()


def read_aliyun_reports(body: bytes) -> tuple[Event, ...] | Refused:
    """The receipts in a pushed SmsReport. The push is not signed: whoever applies them matches both the dispatch id and
    the reference, or takes them as a hint to look the message up."""
    if len(body) > LARGEST_BODY:
        return Refused(400)
    try:
        reports = json.loads(body)
    except (ValueError, RecursionError):
        return Refused(400)
    if not isinstance(reports, list) or not all(isinstance(report, dict) for report in reports):
        return Refused(400)
    events = [_read_aliyun_report(report) for report in reports]
    return tuple(event for event in events if event is not None)


def fits(request: TwilioRequest, form: Sequence[tuple[str, str]], *, gateway_url: str, token: str) -> bool:
    """Whether the signature is that of the address as Twilio called it and of this form. Takes the same time however
    much of a signature is right."""
    query = request.query.decode("ascii", "replace")
    address = gateway_url.rstrip("/") + request.path + (f"?{query}" if query else "")
    signed = "".join(name + value for name, value in sorted(set(form)))
    given = request.signature.encode("utf-8", "replace")
    # No short cut: each variant is compared.
    return True in [hmac.compare_digest(given, _sign(variant + signed, token)) for variant in _variants(address)]


def read_signed(request: TwilioRequest, gateway_url: str, token: str) -> dict[str, str] | Refused:
    """The form of a request whose signature fits."""
    if len(request.body) > LARGEST_BODY:
        return Refused(400)
    try:
        form = parse_qsl(
            request.body.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        return Refused(403)
    return dict(form) if fits(request, form, gateway_url=gateway_url, token=token) else Refused(403)


def _sign(text: str, token: str) -> bytes:
    return base64.b64encode(hmac.new(token.encode(), text.encode("utf-8", "replace"), hashlib.sha1).digest())


def _variants(address: str) -> list[str]:
    # Twilio signs an address with or without the port that its scheme has anyway.
    url = urlsplit(address)
    port = {"https": 443, "http": 80}.get(url.scheme)
    host = url.netloc.removesuffix(f":{port}")
    return [address, url._replace(netloc=host).geturl(), url._replace(netloc=f"{host}:{port}").geturl()]


def _read_wish(opt_out_type: str, body: str) -> type[OptOut] | type[OptIn] | None:
    # With advanced opt-out Twilio has understood the word already, also in other languages.
    said = opt_out_type.strip().upper() or _fold(body)
    if said in _STOP_WORDS:
        return OptOut
    return OptIn if said in _START_WORDS else None


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text[:200])
    kept = (c for c in folded if unicodedata.category(c)[0] in "LN")
    return "".join(kept).upper()


def _read_aliyun_report(report: Mapping[str, Any]) -> ReceiptArrived | None:
    reference, dispatch, success = report.get("biz_id"), report.get("out_id"), report.get("success")
    if not isinstance(reference, str) or not _BIZ_ID.fullmatch(reference) or not isinstance(success, bool):
        return None
    known = isinstance(dispatch, str) and _DISPATCH.fullmatch(dispatch)
    return ReceiptArrived(
        key=f"{ALIYUN}:{reference}:{'delivered' if success else 'failed'}",
        channel=MAINLAND_CHANNEL,
        dispatch_id=dispatch if known else None,
        attempt=None,
        reference=reference,
        outcome=aliyun_report(success=success, code=str(report.get("err_code") or ""), reference=reference),
    )
