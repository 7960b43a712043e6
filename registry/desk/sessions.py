"""Who is signed in. A session is known by its cookie's digest only; it ends by itself, and is ended by whoever must."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from registry.tables import FormRow, SessionRow

DESK = "desk"
UNITS = "units"
IDLE = timedelta(minutes=30)
LONGEST = timedelta(hours=10)
# How often it is written down that a session is in use: once a minute is enough to know that it is idle.
_TOUCH = timedelta(minutes=1)
_FORMS_KEPT = timedelta(days=2)
_LONGEST_COOKIE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLine:
    """A session as its owner sees it. `id` says which it is and cannot be used as the cookie."""

    id: str
    account: str
    form_key: bytes
    second_factor: bool
    created_at: datetime
    seen_at: datetime


def start_session(
    session: Session, *, realm: str, account: str, second_factor: bool, now: datetime, random: Random
) -> str:
    """Begin a session and return its cookie, which nobody has seen before. What is over is swept."""
    session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
    session.execute(delete(FormRow).where(FormRow.at <= now - _FORMS_KEPT))
    cookie = f"{random.getrandbits(256):064x}"
    session.add(
        SessionRow(
            token=_digest(cookie),
            realm=realm,
            account=account,
            form_key=f"{random.getrandbits(256):064x}",
            second_factor=second_factor,
            created_at=now,
            seen_at=now,
            expires_at=now + LONGEST,
        )
    )
    return cookie


def find_session(session: Session, realm: str, cookie: str, now: datetime) -> SessionLine | None:
    """The session of a cookie; None where it is over: idle too long, too old, or ended."""
    if not cookie or len(cookie) > _LONGEST_COOKIE:
        return None
    row = session.get(SessionRow, _digest(cookie))
    if row is None or row.realm != realm or row.expires_at <= now or row.seen_at <= now - IDLE:
        return None
    return _line(row)


def find_by_id(session: Session, realm: str, identity: str) -> SessionLine | None:
    """The session with an id, whether or not it is idle."""
    row = session.get(SessionRow, identity)
    return _line(row) if row is not None and row.realm == realm else None


def needs_touch(line: SessionLine, now: datetime) -> bool:
    """Whether it is time to write down that the session is in use."""
    return line.seen_at <= now - _TOUCH


def touch_session(session: Session, line: SessionLine, now: datetime) -> None:
    """Write down that the session is in use."""
    session.execute(update(SessionRow).where(SessionRow.token == line.id).values(seen_at=now))


def confirm_second_factor(session: Session, line: SessionLine) -> None:
    """Write down that a code was given in this session."""
    session.execute(update(SessionRow).where(SessionRow.token == line.id).values(second_factor=True))


def end_session(session: Session, realm: str, account: str, identity: str) -> bool:
    """End one session of an account, by its id; false where it was over already."""
    found = delete(SessionRow).where(
        SessionRow.token == identity, SessionRow.realm == realm, SessionRow.account == account
    )
    return session.execute(found.returning(SessionRow.token)).first() is not None


def end_sessions(session: Session, realm: str, account: str, *, but: str | None = None) -> None:
    """End all sessions of an account, except the one with the id `but`."""
    found = delete(SessionRow).where(SessionRow.realm == realm, SessionRow.account == account)
    session.execute(found if but is None else found.where(SessionRow.token != but))


def list_sessions(session: Session, realm: str, account: str, now: datetime) -> list[SessionLine]:
    """The sessions of an account that are not over, the newest first."""
    query = select(SessionRow).where(
        SessionRow.realm == realm,
        SessionRow.account == account,
        SessionRow.expires_at > now,
        SessionRow.seen_at > now - IDLE,
    )
    return [_line(row) for row in session.scalars(query.order_by(SessionRow.created_at.desc(), SessionRow.token))]


def _line(row: SessionRow) -> SessionLine:
    return SessionLine(
        id=row.token,
        account=row.account,
        form_key=bytes.fromhex(row.form_key),
        second_factor=row.second_factor,
        created_at=row.created_at,
        seen_at=row.seen_at,
    )


def _digest(cookie: str) -> str:
    return sha256(f"session/{cookie}".encode("utf-8", "replace")).hexdigest()
