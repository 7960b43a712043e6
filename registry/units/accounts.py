"""How a unit's people sign in: an account with a password, or a token. Only digests are kept.

Secrets are made here and shown once; the first password ends soon, so that its owner puts another in its place. Each try
is counted, and safe on the disk, before the password is looked at: tries at once do not get round the lockout.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from random import Random

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import SYSTEM, Acting
from registry.tables import SessionRow, UnitAccountRow, UnitRow
from registry.units.words import UnitError
from search_index.codes import has_citizen_number

PASSWORD, TOKEN = "password", "token"  # kinds of accounts
REALM = "units"
TOKEN_START = "gsu_"  # noqa: S105  # what tokens begin with
MIN_PASSWORD = 10
FIRST_PASSWORD_LASTS = timedelta(days=14)
PASSWORD_LASTS = timedelta(days=180)
TOKEN_LASTS = timedelta(days=365)
MOST_FAILURES = 5
LOCKED_FOR = timedelta(minutes=15)
_LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?", re.ASCII)
_LONGEST_SECRET = 200

Transaction = Callable[[], AbstractContextManager[Session]]


def must_change_password(row: UnitAccountRow, now: datetime) -> bool:
    """Whether another password has to come before anything else: the first one, which whoever made it knows, too, and any
    that ends as soon as that one does."""
    return row.kind == PASSWORD and row.expires_at is not None and row.expires_at - now <= FIRST_PASSWORD_LASTS


class SignInRefused(UnitError):
    """Name, password or token do not fit, or the account is locked or over. Which it is, is told only to who knows the
    secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitAccount:
    """An account as the desk shows it."""

    id: int
    name: str
    kind: str
    created_at: datetime
    expires_at: datetime | None
    active: bool
    locked_until: datetime | None


def add_account(session: Session, unit: UnitRow, name: str, kind: str, random: Random, acting: Acting) -> str:
    """A new account of `kind`; its password or token, which is shown once. Raises UnitError."""
    name = name.strip()
    if _NAME.fullmatch(name) is None or has_citizen_number(name):
        raise UnitError("账户名应为 1 至 40 个字母、数字、点、横线或者下划线，首尾是字母或者数字")
    if kind not in (PASSWORD, TOKEN):
        raise UnitError("账户应为口令账户或者令牌")
    if not unit.active:
        raise UnitError("该单位已经停用，不能开立账户")
    same = session.scalar(select(UnitAccountRow.name).where(func.lower(UnitAccountRow.name) == name.lower()))
    if same is not None:
        raise UnitError(f"账户“{same}”已经存在，请换一个名称（不以大小写区分）")
    secret = _make_secret(kind, random)
    row = UnitAccountRow(
        unit_id=unit.id,
        name=name,
        kind=kind,
        secret=_hash(kind, secret),
        created_at=acting.now,
        expires_at=acting.now + (FIRST_PASSWORD_LASTS if kind == PASSWORD else TOKEN_LASTS),
        active=True,
        failures=0,
        locked_until=None,
    )
    session.add(row)
    session.flush()
    _note(session, row, "unit_account_add", acting)
    return secret


def renew_account(session: Session, row: UnitAccountRow, random: Random, acting: Acting) -> str:
    """A new password or token in the place of the old one, which ends at once with every session; it unlocks, too.
    Raises UnitError."""
    if not row.active:
        raise UnitError("该账户已经停用：请另开账户")
    secret = _make_secret(row.kind, random)
    row.secret = _hash(row.kind, secret)
    row.expires_at = acting.now + (FIRST_PASSWORD_LASTS if row.kind == PASSWORD else TOKEN_LASTS)
    row.failures, row.locked_until = 0, None
    _end_sessions(session, row.name)
    _note(session, row, "unit_account_renew", acting)
    return secret


def retire_account(session: Session, row: UnitAccountRow, acting: Acting) -> None:
    """It cannot sign in any more, and whoever is signed in with it is not. Raises UnitError."""
    if not row.active:
        raise UnitError("该账户已经停用")
    row.active = False
    _end_sessions(session, row.name)
    _note(session, row, "unit_account_retire", acting)


def change_password(
    transaction: Transaction, name: str, old: str, new: str, *, make_acting: Callable[[], Acting]
) -> None:
    """Put another password in the place of one's own; every session of the account ends. Raises UnitError."""
    if len(new) < MIN_PASSWORD or len(new) > _LONGEST_SECRET:
        raise UnitError(f"新口令应为 {MIN_PASSWORD} 至 {_LONGEST_SECRET} 个字符")
    if new == old or new.lower() == name.lower():
        raise UnitError("新口令不能和原口令或者账户名相同")
    found = sign_in(transaction, name, old, make_acting=make_acting)
    hashed = PasswordHasher().hash(new)
    with transaction() as session:
        acting = make_acting()
        row = session.scalars(select(UnitAccountRow).where(UnitAccountRow.id == found).with_for_update()).one()
        row.secret, row.expires_at = hashed, acting.now + PASSWORD_LASTS
        _end_sessions(session, row.name)
        _note(session, row, "unit_password", acting)


def sign_in(transaction: Transaction, name: str, secret: str, *, make_acting: Callable[[], Acting]) -> int:
    """The account's id when its password, or, without a name, a token fits. Raises SignInRefused.

    `transaction` opens one: the try is written down in a first, what came of it in a second.
    """
    secret = secret[:_LONGEST_SECRET]
    if secret.startswith(TOKEN_START) and not name.strip():
        return _sign_in_by_token(transaction, secret, make_acting)
    with transaction() as session:
        now = make_acting().now
        query = select(UnitAccountRow).where(UnitAccountRow.name == name.strip()[:64], UnitAccountRow.kind == PASSWORD)
        row = session.scalars(query.with_for_update()).first()
        if row is None or not _count_try(session, row, now):
            kept, number = None, 0
        else:
            kept, number = row.secret, row.id
    # As long as a wrong password takes, so that the answer's time does not tell which names there are.
    if not _fits(kept or _nobodys(), secret) or kept is None:
        raise SignInRefused("账户或者口令不正确，或者账户因多次输错暂时锁定（15 分钟）。请核对后再试，或者联系法院")
    with transaction() as session:
        acting = make_acting()
        row = session.scalars(select(UnitAccountRow).where(UnitAccountRow.id == number).with_for_update()).one()
        _refuse_ended(session, row, acting.now)
        row.failures, row.locked_until = 0, None
        _note(session, row, "unit_sign_in", acting)
        return row.id


def list_accounts(session: Session, unit_id: int) -> list[UnitAccount]:
    """The accounts of a unit, those in use first."""
    query = select(UnitAccountRow).where(UnitAccountRow.unit_id == unit_id)
    return [
        UnitAccount(
            id=row.id,
            name=row.name,
            kind=row.kind,
            created_at=row.created_at,
            expires_at=row.expires_at,
            active=row.active,
            locked_until=row.locked_until,
        )
        for row in session.scalars(query.order_by(UnitAccountRow.active.desc(), UnitAccountRow.id))
    ]


def get_account(session: Session, unit_id: int, account_id: int) -> UnitAccountRow:
    """An account of this unit. Raises UnitError."""
    row = session.get(UnitAccountRow, account_id)
    if row is None or row.unit_id != unit_id:
        raise UnitError("该单位没有这个账户")
    return row


def _sign_in_by_token(transaction: Transaction, token: str, make_acting: Callable[[], Acting]) -> int:
    # A token has 160 bits of chance: nobody finds one by trying, so there is nothing to lock.
    with transaction() as session:
        acting = make_acting()
        query = select(UnitAccountRow).where(UnitAccountRow.kind == TOKEN, UnitAccountRow.secret == _hash(TOKEN, token))
        row = session.scalars(query).first()
        if row is None:
            raise SignInRefused("令牌不正确或者已经更换。请核对后再试，或者联系法院")
        _refuse_ended(session, row, acting.now)
        _note(session, row, "unit_sign_in", acting)
        return row.id


def _count_try(session: Session, row: UnitAccountRow, now: datetime) -> bool:
    """Write down a try; False while the account is locked."""
    if row.locked_until is not None and now < row.locked_until:
        return False
    row.failures += 1
    # The try that comes after the lock is one more: it locks again unless it is right.
    if row.failures >= MOST_FAILURES:
        row.locked_until = now + LOCKED_FOR
        # Nobody is signed in: the system writes it down.
        audit.note(session, now, SYSTEM, "unit_locked", detail={"account": row.name, "unit": row.unit_id})
    return True


def _refuse_ended(session: Session, row: UnitAccountRow, now: datetime) -> None:
    unit = session.get_one(UnitRow, row.unit_id)
    if not row.active or not unit.active:
        raise SignInRefused("该账户已经停用，请联系法院")
    if row.expires_at is not None and now >= row.expires_at:
        raise SignInRefused("口令或者令牌已经过期，请联系法院重新发放")


def _end_sessions(session: Session, name: str) -> None:
    session.execute(delete(SessionRow).where(SessionRow.realm == REALM, SessionRow.account == name))


def _make_secret(kind: str, random: Random) -> str:
    length = 32 if kind == TOKEN else 16
    letters = "".join(random.choice(_LETTERS) for _ in range(length))
    return TOKEN_START + letters if kind == TOKEN else "-".join(letters[i : i + 4] for i in range(0, length, 4))


def _hash(kind: str, secret: str) -> str:
    return sha256(secret.encode()).hexdigest() if kind == TOKEN else PasswordHasher().hash(secret)


def _fits(kept: str, secret: str) -> bool:
    try:
        return PasswordHasher().verify(kept, secret)
    except (VerificationError, InvalidHashError):
        return False


_NOBODYS: list[str] = []


def _nobodys() -> str:
    if not _NOBODYS:
        _NOBODYS.append(PasswordHasher().hash("nobody"))
    return _NOBODYS[0]


def _note(session: Session, row: UnitAccountRow, action: str, acting: Acting) -> None:
    detail = {"account": row.name, "kind": row.kind, "unit": row.unit_id}
    audit.note(session, acting.now, acting.actor, action, detail=detail)
