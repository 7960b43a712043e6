"""The voice line (电话语音系统, 香格里拉市 四（一）3): `POST /twilio/voice`. Who calls types a record number, and hears whether
it is public; no name is ever said. Read-only: a call that comes twice hears the same twice.

Of a request only what was typed is read: the caller's number is in it, and is neither kept nor logged.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import parse_qsl

from flask import Blueprint, Response, request
from twilio.twiml.voice_response import Gather, VoiceResponse  # type: ignore[import-untyped]

from notifier.sms.receipts import LARGEST_BODY, Refused, TwilioRequest, read_signed
from notifier.sms.settings import SmsSettings
from search_index.freshness import Freshness
from search_index.keypad import LENGTH, is_keys
from search_index.profile import Profile
from search_index.register import RegisterUnavailable

VOICE_PATH = "/twilio/voice"
MOST_TRIES = 3
_WAIT = 15  # seconds between two keys
_LANGUAGE = "zh-CN"
_CALL = re.compile(r"CA[0-9a-f]{32}")
_TRY = re.compile(r"[1-9]")
_HOW = (
    "请按失信信息编号输入横线后面的八位，前面的 S、X 两个字母不用输入。数字按数字键，字母按它所在的数字键，"
    "例如字母 A、B、C 都按 2。输完请按井号键。"
)
_GOODBYE = "感谢来电，再见。"
_SILENT = "名单最近没有与法院核对，此后的变动可能没有显示，请以法院答复为准。"
_SITE = "请到本院的公示网站用完整的编号查询，或者在工作时间向本院电话询问。"


class Listing(Protocol):
    """The public list, as search_index.register.Register answers."""

    def find_by_keys(self, keys: str, now: datetime) -> Mapping[str, bool]:
        """The records that were typed as these keys, each with whether it is public."""

    def frame(self, now: datetime) -> tuple[Profile, Freshness]:
        """The court's profile, and how the list may be shown."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the line says; `asks` where it waits for keys after it."""

    words: str
    asks: bool = False


def voice_gateway(
    settings: SmsSettings, listing: Listing, clock: Callable[[], datetime], *, name: str = "voice"
) -> Blueprint:
    """The address; without settings for Twilio there is none."""
    pages = Blueprint(name, __name__)
    if settings.twilio is None:
        return pages
    url, token = settings.gateway_url, settings.twilio.auth_token.get_secret_value()

    @pages.post(VOICE_PATH)
    def voice() -> Response:
        # A longer body is refused with 413 while it is read.
        request.max_content_length = LARGEST_BODY
        called = TwilioRequest(
            path=request.path,
            query=request.query_string,
            body=request.get_data(cache=False, parse_form_data=False),
            signature=request.headers.get("X-Twilio-Signature", ""),
        )
        form = read_signed(called, url, token)
        if isinstance(form, Refused):
            return Response(status=form.status)
        if not _CALL.fullmatch(form.get("CallSid", "")):
            return Response(status=400)
        tries = _read_tries(called.query)
        try:
            said = answer(form.get("Digits", ""), tries, listing, clock())
        except RegisterUnavailable:
            said = Said(f"名单暂时不能查询，请稍后再拨。{_GOODBYE}")
        twiml = _write(said, f"{url.rstrip('/')}{VOICE_PATH}?try={tries + 1}")
        return Response(twiml, mimetype="text/xml", headers={"Cache-Control": "no-store"})

    return pages


def answer(typed: str, tries: int, listing: Listing, now: datetime) -> Said:
    """What is said after `typed` was typed at the try of this number; 0: the call has just begun. Raises
    RegisterUnavailable."""
    if tries == 0:
        return Said(f"{_welcome(listing.frame(now)[0])}{_HOW}", asks=True)
    if not is_keys(typed):
        return _again(f"应当输入{LENGTH}位。", tries)
    found = listing.find_by_keys(typed, now)
    if not found:
        return _again("没有这个编号。", tries)
    if len(found) > 1:
        return Said(f"有不止一个编号是这样按的，电话里不能区分。{_SITE}{_GOODBYE}")
    ((record, is_public),) = found.items()
    state = "正在公示" if is_public else "已经不再公示"
    silent = _SILENT if listing.frame(now)[1].is_silent else ""
    return Said(f"编号 {_spell(record)}，{state}。{silent}请核对编号是否相符。{_GOODBYE}")


def _welcome(profile: Profile) -> str:
    training = "这是演练，内容都是虚构的。" if profile.training else ""
    return f"您好，这里是{profile.court}失信被执行人名单电话查询。{training}"


def _again(why: str, tries: int) -> Said:
    if tries >= MOST_TRIES:
        return Said(f"{why}{_SITE}{_GOODBYE}")
    return Said(f"{why}请重新输入。{_HOW}", asks=True)


def _spell(record: str) -> str:
    """Character by character: keys may be those of another number than was meant, which the caller is to notice."""
    return "、".join(record.replace("-", ""))


def _read_tries(query: bytes) -> int:
    # The query is part of what Twilio signs, so it is what this line wrote into its last answer.
    tries = dict(parse_qsl(query.decode("ascii", "replace"))).get("try", "")
    return int(tries) if _TRY.fullmatch(tries) else 0


def _write(said: Said, action: str) -> str:
    response = VoiceResponse()
    if not said.asks:
        response.say(said.words, language=_LANGUAGE)
        response.hangup()
        return str(response)
    gather = Gather(
        input="dtmf",
        num_digits=LENGTH,
        finish_on_key="#",
        timeout=_WAIT,
        action=action,
        method="POST",
        action_on_empty_result=True,
    )
    gather.say(said.words, language=_LANGUAGE)
    response.append(gather)
    return str(response)
