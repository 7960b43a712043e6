"""Forms of pages with a sign-in: that a form is one of ours, and what was filled in.

A form carries a token that only a page of ours can have given it (a MAC over its own address, the time and a number). Whoever
shows the form remembers the numbers that came, so that a double touch of a button is one action.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import TypeVar
from urllib.parse import urlsplit

LIFETIME = timedelta(hours=12)
_LONGEST_TOKEN = 200
Choice = TypeVar("Choice", bound=StrEnum)


class Refused(ValueError):
    """What was sent is not carried out. `str()` is a Chinese sentence for whoever sent it, `status` that of the answer."""

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What tells whether a request is a form of ours: the address that was asked, the host, what the browser says of
    where it comes from, and the token."""

    address: str
    host: str
    origin: str | None
    site: str | None
    token: str


def build_token(key: bytes, address: str, now: datetime, number: str) -> str:
    """`<seconds>.<number>.<mac>`; `number` is what makes it unlike any other."""
    head = f"{int(now.timestamp())}.{number}"
    return f"{head}.{_mac(key, address, head)}"


def read_token(key: bytes, address: str, token: str, now: datetime) -> str:
    """The number of a token for `address` that is not too old. Raises Refused."""
    head, _, mac = token[:_LONGEST_TOKEN].rpartition(".")
    # Compared before anything is read of it, in constant time.
    if not hmac.compare_digest(_mac(key, address, head).encode(), mac.encode("utf-8", "replace")):
        raise Refused("表单不完整，或者不是这次登录打开的，没有办理，请回到原来的页面重新提交", 403)
    seconds, _, number = head.partition(".")
    age = now.timestamp() - int(seconds)
    if not -60 <= age <= LIFETIME.total_seconds():
        raise Refused("页面打开的时间太长，没有办理，请核对后重新提交")
    return number


def is_foreign(sent: Sent) -> bool:
    """Whether the browser says that the request does not come from a page of this site. Old browsers say nothing."""
    if sent.site not in (None, "same-origin"):
        return True
    return sent.origin is not None and urlsplit(sent.origin).netloc != sent.host


def read_line(form: Mapping[str, str], name: str, label: str, *, most: int = 60) -> str:
    """A line of text that must be filled in. Raises Refused, naming it by `label`."""
    line = read_optional(form, name, label, most=most)
    if line is None:
        raise Refused(f"请填写{label}")
    return line


def read_optional(form: Mapping[str, str], name: str, label: str, *, most: int = 60) -> str | None:
    """A line of text; None where nothing was filled in. Raises Refused."""
    line = " ".join(form.get(name, "").split())
    if len(line) > most:
        raise Refused(f"{label}不能超过{most}个字")
    if not line.isprintable():
        raise Refused(f"{label}含有不能识别的字符")
    return line or None


def read_choice(form: Mapping[str, str], name: str, kind: type[Choice], label: str) -> Choice:
    """One of a closed set. Raises Refused."""
    try:
        return kind(form.get(name, ""))
    except ValueError:
        raise Refused(f"请选择{label}") from None


def _mac(key: bytes, address: str, head: str) -> str:
    return hmac.new(key, f"desk form\n{address}\n{head}".encode("utf-8", "replace"), sha256).hexdigest()
