"""Which provider an SMS goes by: pure. Mainland China needs a route that the court chose; there is no default.

Twilio is one-way there, adds registrations of its own and keeps the data abroad (PIPL 36: in China), so it is never
taken silently, not even as the second of another.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from notifier.sms.numbers import is_mainland
from notifier.sms.outcomes import Verdict

# What Twilio advises for the mainland; others cut at about the same.
MOST_CHARACTERS = 500
_ADDRESS = re.compile(r"://|www\.", re.IGNORECASE)
# Two channels of the outbox, so that what stops the one (a balance, a route that is not chosen) leaves the other alone.
MAINLAND_CHANNEL = "sms_cn"
ABROAD_CHANNEL = "sms"
SMS_CHANNELS = (MAINLAND_CHANNEL, ABROAD_CHANNEL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Routes:
    """Providers by name, in the order they are tried, for numbers of mainland China and for all others."""

    mainland: tuple[str, ...] = ()
    abroad: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Waits:
    """No provider for this number as things are set up; `reason` says in Chinese what to do."""

    reason: str


NO_MAINLAND_ROUTE = Waits("境内号码尚未选择短信路由：请设置 GONGSHI_SMS_ROUTE_CN")
NO_ROUTE_ABROAD = Waits("境外号码只能经 Twilio 发送，Twilio 尚未设置")


def choose_route(number: str, routes: Routes) -> tuple[str, ...] | Waits:
    """The providers to try for an E.164 number, in order; or why the message waits."""
    if is_mainland(number):
        return routes.mainland or NO_MAINLAND_ROUTE
    return routes.abroad or NO_ROUTE_ABROAD


def channel_for(number: str) -> str:
    """The channel of the outbox that messages to this E.164 number are queued on."""
    return MAINLAND_CHANNEL if is_mainland(number) else ABROAD_CHANNEL


def links_allowed(number: str) -> bool:
    """Whether a text to this number may show an address: providers refuse them in mainland China."""
    return not is_mainland(number)


def find_unfit(number: str, text: str) -> str | None:
    """Why no provider takes this text to this number, in Chinese; None when it is fit."""
    if links_allowed(number):
        return None
    if _ADDRESS.search(text):
        return "发往境内的短信不得含网址"
    return f"发往境内的短信不得超过 {MOST_CHARACTERS} 字" if len(text) > MOST_CHARACTERS else None


def may_fail_over(verdict: Verdict) -> bool:
    """Whether the next provider may be tried: only when this one clearly did not accept the message, and not because of
    the number or the words."""
    return verdict.elsewhere
