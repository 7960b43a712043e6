"""Forms of the desk: that a form is our own and comes once, and what was filled in.

There is no sign-in to lean on yet. A form carries a token that only a page of ours can have given it (a MAC over its own
address, the time and a number), a request that the browser says to come from elsewhere is refused, and each token is
taken once, so that a double touch of a button is one action.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from random import Random
from typing import TypeVar
from urllib.parse import urlsplit

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from notifier.stops import insert_new, keep_secret
from notifier.tables import GatewayEventRow
from search_index.day import SHANGHAI

LIFETIME = timedelta(hours=12)
_KEY = "desk_form_key"
_LONGEST_TOKEN = 200
_MOST_NAME = 30
Choice = TypeVar("Choice", bound=StrEnum)


class FormRefused(ValueError):
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FormKeeper:
    """Gives tokens to forms and takes them back, each once."""

    engine: Engine
    key: bytes = field(repr=False)
    clock: Callable[[], datetime]
    random: Random

    def issue(self, address: str) -> str:
        """A token for a form that is sent to `address` (a path)."""
        number = f"{self.random.getrandbits(96):024x}"
        return build_token(self.key, address, self.clock(), number)

    def take(self, sent: Sent) -> None:
        """Raises FormRefused unless `sent` is a form of ours, not older than LIFETIME, and was not sent before."""
        if is_foreign(sent):
            raise FormRefused("请求来自其他网站，没有办理", 403)
        number = read_token(self.key, sent.address, sent.token, self.clock())
        digest = sha256(f"desk/{number}".encode()).hexdigest()
        values = {"token": digest, "received_at": self.clock()}
        with Session(self.engine) as session, session.begin():
            statement = insert_new(session, GatewayEventRow, "token").returning(GatewayEventRow.token)
            if session.execute(statement, [values]).first() is None:
                raise FormRefused("这份表单已经提交过，没有重复办理，请查看下面的结果", 409)


def open_forms(engine: Engine, *, clock: Callable[[], datetime], random: Random) -> FormKeeper:
    """The forms of this home: every process of it gives and takes the same tokens."""
    return FormKeeper(engine=engine, key=bytes.fromhex(keep_secret(engine, _KEY)), clock=clock, random=random)


def build_token(key: bytes, address: str, now: datetime, number: str) -> str:
    """`<seconds>.<number>.<mac>`; `number` is what makes it unlike any other."""
    head = f"{int(now.timestamp())}.{number}"
    return f"{head}.{_mac(key, address, head)}"


def read_token(key: bytes, address: str, token: str, now: datetime) -> str:
    """The number of a token for `address` that is not too old. Raises FormRefused."""
    head, _, mac = token[:_LONGEST_TOKEN].rpartition(".")
    # Compared before anything is read of it, in constant time.
    if not hmac.compare_digest(_mac(key, address, head).encode(), mac.encode("utf-8", "replace")):
        raise FormRefused("表单不完整，没有办理，请重新填写后提交", 403)
    seconds, _, number = head.partition(".")
    age = now.timestamp() - int(seconds)
    if not -60 <= age <= LIFETIME.total_seconds():
        raise FormRefused("页面打开的时间太长，没有办理，请核对后重新提交")
    return number


def is_foreign(sent: Sent) -> bool:
    """Whether the browser says that the request does not come from a page of this site. Old browsers say nothing."""
    if sent.site not in (None, "same-origin"):
        return True
    return sent.origin is not None and urlsplit(sent.origin).netloc != sent.host


def read_line(form: Mapping[str, str], name: str, label: str, *, most: int = 60) -> str:
    """A line of text that must be filled in. Raises FormRefused, naming it by `label`."""
    line = read_optional(form, name, label, most=most)
    if line is None:
        raise FormRefused(f"请填写{label}")
    return line


def read_optional(form: Mapping[str, str], name: str, label: str, *, most: int = 60) -> str | None:
    """A line of text; None where nothing was filled in. Raises FormRefused."""
    line = " ".join(form.get(name, "").split())
    if len(line) > most:
        raise FormRefused(f"{label}不能超过{most}个字")
    if not line.isprintable():
        raise FormRefused(f"{label}含有不能识别的字符")
    return line or None


def read_by(form: Mapping[str, str]) -> str:
    """Who does it: answerable for it by name. Raises FormRefused."""
    return read_line(form, "by", "经办人", most=_MOST_NAME)


def read_choice(form: Mapping[str, str], name: str, kind: type[Choice], label: str) -> Choice:
    """One of a closed set. Raises FormRefused."""
    try:
        return kind(form.get(name, ""))
    except ValueError:
        raise FormRefused(f"请选择{label}") from None


def read_moment(form: Mapping[str, str], name: str, label: str, now: datetime) -> datetime:
    """A moment that has come, as `<input type="datetime-local">` writes it (Beijing time). Raises FormRefused."""
    try:
        moment = datetime.fromisoformat(form.get(name, "").strip())
    except ValueError:
        raise FormRefused(f"请填写{label}，例如 2026-10-08T10:30") from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=SHANGHAI)
    if moment > now:
        raise FormRefused(f"{label}不能晚于现在")
    return moment


def _mac(key: bytes, address: str, head: str) -> str:
    return hmac.new(key, f"desk form\n{address}\n{head}".encode("utf-8", "replace"), sha256).hexdigest()
