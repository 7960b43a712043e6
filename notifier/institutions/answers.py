"""What mail servers and the recipients' own servers say, in the terms of the outbox. Pure; what they wrote in words is
never repeated, for it may hold an address."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum, auto

from notifier.channels import Outcome, Stop
from notifier.states import MessageState

_S = MessageState
_LONGEST_WAIT = timedelta(days=1)
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}(?=\s|$)")
# Who we are is not accepted (RFC 4954, RFC 3207): of the account, and of no single message.
_OF_THE_ACCOUNT = frozenset({530, 534, 535, 538})
# No such mailbox (RFC 5321 §4.2.3).
_NO_MAILBOX = frozenset({550, 551, 553})


class Phase(Enum):
    """How far a mail got when the server answered."""

    GREETING = auto()
    LOGIN = auto()
    SENDER = auto()
    RECIPIENT = auto()
    CONTENT = auto()


_REFUSED = {
    Phase.GREETING: "邮件服务器拒绝服务",
    Phase.LOGIN: "邮件账号或口令未通过验证",
    Phase.SENDER: "邮件服务器不接受发件地址",
    Phase.RECIPIENT: "邮件服务器不接受收件地址",
    Phase.CONTENT: "邮件服务器不接受这封邮件",
}
_LATER = {
    Phase.GREETING: "邮件服务器暂不可用",
    Phase.LOGIN: "邮件服务器暂时不能验证账号",
    Phase.SENDER: "邮件服务器暂不接受发送",
    Phase.RECIPIENT: "对方邮箱暂不可投递",
    Phase.CONTENT: "邮件服务器暂不接受这封邮件",
}
# What concerns every mail: the server and the account, not the message.
_OF_EVERY_MAIL = frozenset({Phase.GREETING, Phase.LOGIN, Phase.SENDER})


def smtp_refusal(phase: Phase, code: int, reply: bytes) -> Outcome:
    """What a reply that is no success means: 4xx is temporary, 5xx permanent (RFC 5321 §4.2.1).

    What is wrong with the account stops the channel and loses no message; a mailbox that does not exist stops the
    address, unless the reply says that it was a rule of the server (5.7.x).
    """
    if code in _OF_THE_ACCOUNT or (code >= 500 and phase in _OF_EVERY_MAIL):
        detail = _REFUSED[Phase.LOGIN] if code in _OF_THE_ACCOUNT else _REFUSED[phase]
        return Outcome(state=_S.FAILED_TEMPORARY, detail=f"{detail}（SMTP {code}）", stop=Stop.CHANNEL)
    if code < 500:
        return Outcome(state=_S.FAILED_TEMPORARY, detail=f"{_LATER[phase]}（SMTP {code}）")
    enhanced = _ENHANCED.search(reply.decode("ascii", "replace"))
    by_rule = enhanced is not None and enhanced[0].startswith("5.7.")
    gone = phase is Phase.RECIPIENT and code in _NO_MAILBOX and not by_rule
    return Outcome(
        state=_S.FAILED_PERMANENT,
        detail=f"{_REFUSED[phase]}（SMTP {code}）",
        stop=Stop.ADDRESS if gone else Stop.NOTHING,
    )


def mail_not_sent(reason: str) -> Outcome:
    """The connection failed before the end of the content was said: nothing can have been accepted."""
    return Outcome(state=_S.FAILED_TEMPORARY, detail=f"{reason}，邮件没有发出")


def http_outcome(status: int, retry_after: str | None, now: datetime) -> Outcome:
    """What a receiver's status means (Standard Webhooks 1.0.0): any 2xx is success, a redirect is a failure and not
    followed, 410 says that nothing more is wanted, everything else is tried again."""
    if 200 <= status < 300:
        return Outcome(state=_S.DELIVERED, detail=f"对方系统已接收（HTTP {status}）")
    if status == 410:
        return Outcome(state=_S.FAILED_PERMANENT, detail="对方系统表示不再接收（HTTP 410）", stop=Stop.ADDRESS)
    if 300 <= status < 400:
        return failed_for_now(f"对方系统要求转到别的地址（HTTP {status}），不跟随，请登记新地址")
    wait = read_retry_after(retry_after, now)
    busy = status in (429, 502, 503, 504)
    said = "对方系统繁忙" if busy else "对方系统没有接收"
    return Outcome(state=_S.FAILED_TEMPORARY, detail=f"{said}（HTTP {status}）", retry_after=wait)


def failed_for_now(detail: str) -> Outcome:
    return Outcome(state=_S.FAILED_TEMPORARY, detail=detail)


def failed_for_good(detail: str, stop: Stop = Stop.NOTHING) -> Outcome:
    return Outcome(state=_S.FAILED_PERMANENT, detail=detail, stop=stop)


def read_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """A Retry-After header, in seconds or as a date; never negative, and at most a day. None where it says nothing."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=int(text[:9])), _LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # A date without an offset is in UTC (RFC 9110 §5.6.7).
    wait = until.replace(tzinfo=until.tzinfo or UTC) - now
    return max(timedelta(), min(wait, _LONGEST_WAIT))
