"""Forms of the desk: that each comes once, and what was filled in. What makes a form one of ours is in search_index.forms."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from hashlib import sha256

from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Session

from registry.tables import FormRow
from search_index.forms import (
    LIFETIME,
    Refused,
    Sent,
    build_token,
    is_foreign,
    read_choice,
    read_line,
    read_optional,
    read_token,
)

__all__ = [
    "LIFETIME",
    "Refused",
    "Sent",
    "build_token",
    "is_foreign",
    "read_choice",
    "read_date",
    "read_line",
    "read_optional",
    "read_optional_date",
    "read_text",
    "read_token",
    "take_once",
]

_EARLIEST = date(1900, 1, 1)


def take_once(session: Session, number: str, now: datetime) -> None:
    """Remember that the form with this number was sent. Raises Refused where it was sent before, by whatever process."""
    insert = insert_on_postgresql if session.get_bind().dialect.name == "postgresql" else insert_on_sqlite
    values = {"token": sha256(f"form/{number}".encode()).hexdigest(), "at": now}
    statement = insert(FormRow).values(values).on_conflict_do_nothing().returning(FormRow.token)
    if session.execute(statement).first() is None:
        raise Refused("这份表单已经提交过，没有重复办理，请查看办理结果", 409)


def read_text(form: Mapping[str, str], name: str, label: str, *, most: int = 2000, optional: bool = False) -> str:
    """A text of several lines, ends of lines as "\\n". Raises Refused; empty only where it is `optional`."""
    text = form.get(name, "").replace("\r\n", "\n").replace("\r", "\n").strip()
    if not text and not optional:
        raise Refused(f"请填写{label}")
    if len(text) > most:
        raise Refused(f"{label}不能超过{most}个字")
    if not text.replace("\n", "").replace("\t", "").isprintable():
        raise Refused(f"{label}含有不能识别的字符")
    return text


def read_date(
    form: Mapping[str, str], name: str, label: str, *, latest: date | None = None, earliest: date = _EARLIEST
) -> date:
    """A day as `<input type="date">` writes it, not before `earliest` and not after `latest`. Raises Refused."""
    day = read_optional_date(form, name, label, latest=latest, earliest=earliest)
    if day is None:
        raise Refused(f"请填写{label}")
    return day


def read_optional_date(
    form: Mapping[str, str], name: str, label: str, *, latest: date | None = None, earliest: date = _EARLIEST
) -> date | None:
    """A day as `<input type="date">` writes it; None where nothing was filled in. Raises Refused."""
    typed = form.get(name, "").strip()
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        raise Refused(f"{label}应为日期，例如 2026-10-08") from None
    if latest is not None and day > latest:
        raise Refused(f"{label}不能晚于{latest.isoformat()}")
    if day < earliest:
        raise Refused(f"{label}不能早于{earliest.isoformat()}")
    return day
