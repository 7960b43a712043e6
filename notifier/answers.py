"""What a recipient answers, as it arrives: from the form of a page, signed by a machine, or in a file. Pure."""

from __future__ import annotations

import hmac
import json
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Any

from notifier.enrolling import is_line
from search_index.day import SHANGHAI, day_of

# How far the clocks of the two sides may be apart (Standard Webhooks 1.0.0).
WINDOW = timedelta(minutes=5)
MOST_BYTES = 16_384
LONGEST_PLACE = 200
_MOST_SIGNATURES = 8
_SECRET = "whsec_"  # noqa: S105  # what a signing secret begins with
_SECONDS = re.compile(r"[0-9]{1,12}")
_DISPATCH = re.compile(r"[A-Za-z0-9-]{1,32}")
# A dot would let what is signed be cut in another place.
_MESSAGE_ID = re.compile(r"[!-\-/-~]{1,128}")
_KEYS = frozenset(("dispatch", "kind", "by", "at", "place"))


class AckKind(StrEnum):
    """What is confirmed: the ladder of a package ends with AIRED, that of a recall with TAKEN_DOWN."""

    RECEIVED = "received"
    AIRED = "aired"
    TAKEN_DOWN = "taken_down"

    @property
    def label(self) -> str:
        return _LABEL[self]


_LABEL = {AckKind.RECEIVED: "已收到", AckKind.AIRED: "已播出或者发布", AckKind.TAKEN_DOWN: "已撤下或者更正"}
_WHERE = {AckKind.AIRED: "播出时段或者发布网址", AckKind.TAKEN_DOWN: "撤下或者更正的位置"}


class BadAnswer(ValueError):
    """What was sent is no answer. `reasons` gives a Chinese sentence by field, and never repeats what was sent."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        super().__init__("；".join(reasons.values()))
        self.reasons = dict(reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a recipient confirms: by whom there, when it was done (aware), and where or in which slot."""

    kind: AckKind
    given_by: str
    given_at: datetime
    place: str | None = None


def read_form(form: Mapping[str, str], now: datetime) -> Answer:
    """The answer that a person filled in: `kind`, `by`, and for what was done `day` (ISO), `time` (or none) and `place`.

    Raises BadAnswer, with every reason at once.
    """
    given = {name: form.get(name, "").strip() for name in ("kind", "by", "day", "time", "place")}
    reasons: dict[str, str] = {}
    kind = _read_kind(given["kind"], reasons)
    if kind is None:
        reasons["kind"] = "请选择回执内容"
    if not is_line(given["by"]):
        reasons["by"] = "请填写姓名或者岗位，最多60个字"
    if kind is None or kind is AckKind.RECEIVED:
        return _build(reasons, kind, given["by"], now, None)
    given_at = _read_moment(given["day"], given["time"], now, reasons)
    if not is_line(given["place"], LONGEST_PLACE):
        reasons["place"] = f"请填写{_WHERE[kind]}，最多{LONGEST_PLACE}个字"
    return _build(reasons, kind, given["by"], given_at, given["place"])


def read_json(body: bytes, now: datetime) -> tuple[str, Answer]:
    """The dispatch and the answer that a machine sent: {"dispatch", "kind", "by", "at", "place"}; `at` is an ISO date or
    a time with its offset, and now where it is missing. Raises BadAnswer."""
    given = parse_object(body)
    reasons: dict[str, str] = {}
    unknown = sorted(given.keys() - _KEYS)
    if unknown:
        reasons["body"] = "只能有 dispatch、kind、by、at、place 这几项"
    dispatch = given.get("dispatch")
    if not isinstance(dispatch, str) or not _DISPATCH.fullmatch(dispatch):
        reasons["dispatch"] = "dispatch 应为通知中给出的编号"
    kind = _read_kind(given.get("kind"), reasons)
    by = given.get("by")
    if not isinstance(by, str) or not is_line(by):
        reasons["by"] = "by 应为办理人的姓名或者岗位，最多60个字"
    given_at = _read_at(given.get("at"), now, reasons)
    place = given.get("place")
    if place is not None and not (isinstance(place, str) and is_line(place, LONGEST_PLACE)):
        reasons["place"] = f"place 应为一行文字，最多{LONGEST_PLACE}个字"
    elif place is None and kind in _WHERE:
        reasons["place"] = f"place 应为{_WHERE[kind]}"
    return str(dispatch), _build(reasons, kind, str(by), given_at, place)


def find_dispatch(body: bytes) -> str | None:
    """The dispatch that a body says it is about, whatever else is wrong with it. Raises BadAnswer for what is no object."""
    dispatch = parse_object(body).get("dispatch")
    return dispatch if isinstance(dispatch, str) and _DISPATCH.fullmatch(dispatch) else None


def parse_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises BadAnswer for anything else, however it is broken."""
    try:
        found = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise BadAnswer({"body": "应为一个 JSON 对象（UTF-8）"})
    return found


def read_kept(kind: str | None, by: str | None, at: datetime | None, place: str | None, *, now: datetime) -> Answer:
    """The answer in a file that a recipient left: what it does not say is that it was received, now. `by` must be given
    by the caller where the file has none. Raises BadAnswer."""
    reasons: dict[str, str] = {}
    found = _read_kind(kind or AckKind.RECEIVED.value, reasons)
    if by is None or not is_line(by):
        reasons["by"] = "by 应为办理人的姓名或者岗位，最多60个字"
    if place is not None and not is_line(place, LONGEST_PLACE):
        reasons["place"] = f"place 应为一行文字，最多{LONGEST_PLACE}个字"
    return _build(reasons, found, by or "", _not_ahead(at or now, now, reasons, "at"), place)


def check_signature(secrets: str | None, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether `headers` sign the body with one of the recipient's secrets (`whsec_…`, apart by blanks), within the
    window of time. Standard Webhooks 1.0.0: HMAC-SHA256 of `id.timestamp.body`. A broken header is a wrong one."""
    # A password of another channel is no signing secret; where there is none, the answer takes as long.
    known = [secret for secret in (secrets or "").split() if secret.startswith(_SECRET)]
    keys = [_decode(secret.removeprefix(_SECRET)) for secret in known or [f"{_SECRET}AAAA"]]
    found = {name.lower(): value for name, value in headers.items()}
    message_id, stamp = found.get("webhook-id", ""), found.get("webhook-timestamp", "")
    if not _MESSAGE_ID.fullmatch(message_id) or not _SECONDS.fullmatch(stamp):
        return False
    if abs(int(stamp) - now.timestamp()) > WINDOW.total_seconds():
        return False
    signed = f"{message_id}.{stamp}.".encode("utf-8", "replace") + body
    expected = [hmac.digest(key, signed, sha256) for key in keys if key]
    given = [_decode(one.removeprefix("v1,")) for one in found.get("webhook-signature", "").split() if one[:3] == "v1,"]
    matches = [hmac.compare_digest(right, one) for right in expected for one in given[:_MOST_SIGNATURES]]
    return bool(known) and any(matches)


def _decode(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError):
        return b""


def _build(
    reasons: Mapping[str, str], kind: AckKind | None, by: str, given_at: datetime | None, place: str | None
) -> Answer:
    if reasons or kind is None or given_at is None:
        raise BadAnswer(reasons)
    return Answer(kind=kind, given_by=by, given_at=given_at, place=place)


def _read_kind(given: object, reasons: dict[str, str]) -> AckKind | None:
    try:
        return AckKind(str(given))
    except ValueError:
        reasons["kind"] = "kind 应为 received（已收到）、aired（已播出、发布）或者 taken_down（已撤下、更正）"
        return None


def _read_moment(day: str, clock: str, now: datetime, reasons: dict[str, str]) -> datetime | None:
    try:
        found = datetime.combine(date.fromisoformat(day), time.fromisoformat(clock or "00:00"), SHANGHAI)
    except ValueError:
        reasons["day"] = "请填写日期，例如2026-10-09"
        return None
    return _not_ahead(found, now, reasons, "day")


def _read_at(given: object, now: datetime, reasons: dict[str, str]) -> datetime | None:
    if given is None:
        return now
    try:
        if len(str(given)) == len("2026-10-09"):
            found = datetime.combine(date.fromisoformat(str(given)), time(), SHANGHAI)
        else:
            found = datetime.fromisoformat(str(given))
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        reasons["at"] = "at 应为日期（2026-10-09）或者带时区的时间（2026-10-09T18:00:00+08:00）"
        return None
    return _not_ahead(found, now, reasons, "at")


def _not_ahead(moment: datetime, now: datetime, reasons: dict[str, str], name: str) -> datetime | None:
    try:
        ahead, long_ago = moment - now > WINDOW, day_of(now) - day_of(moment) > timedelta(days=366)
    except (OverflowError, TypeError):
        # At the ends of the calendar, or without an offset.
        ahead = long_ago = True
    if not ahead and not long_ago:
        return moment
    reasons[name] = "办理时间应当在今天或者此前一年之内"
    return None
