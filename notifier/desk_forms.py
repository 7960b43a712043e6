"""Forms of the desk where nobody has signed in, and so no session gives them their key: each is taken once.

What makes a form one of ours is in search_index.forms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from random import Random

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from notifier.lasting import keep_secret
from notifier.stops import insert_new
from notifier.tables import GatewayEventRow
from search_index.day import SHANGHAI
from search_index.forms import (
    LIFETIME,
    Sent,
    build_token,
    is_foreign,
    read_choice,
    read_line,
    read_optional,
    read_token,
)
from search_index.forms import Refused as FormRefused

__all__ = [
    "LIFETIME",
    "FormKeeper",
    "FormRefused",
    "Sent",
    "build_token",
    "open_forms",
    "read_by",
    "read_choice",
    "read_line",
    "read_moment",
    "read_optional",
    "read_token",
]

_KEY = "desk_form_key"
_MOST_NAME = 30


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


def read_by(form: Mapping[str, str]) -> str:
    """Who does it: answerable for it by name. Raises FormRefused."""
    return read_line(form, "by", "经办人", most=_MOST_NAME)


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
