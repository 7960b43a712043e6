"""Whether somebody is who they say: password, second factor, and what happens to those who guess.

Every attempt is counted as a failure before the password is looked at, and taken back when it was right, so that many
processes at once cannot try more often than one. An unknown name costs the same work as a known one.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from random import Random

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from registry import audit, staff
from registry.desk.base import Court
from registry.desk.sessions import DESK, start_session
from registry.staff import MAX_PASSWORD, NOBODY
from registry.tables import FormRow, StaffRow
from registry.vault import Vault

FAILURES = 5
FIRST_LOCK = timedelta(minutes=15)
LONGEST_LOCK = timedelta(hours=8)
ADDRESS_FAILURES = 20
ADDRESS_WINDOW = timedelta(minutes=15)
STEP = 30  # seconds, as every authenticator has it
_PREFIX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What was typed to sign in, and from which address of the network."""

    name: str
    password: str = field(repr=False)
    code: str = field(repr=False)
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Counted:
    """An attempt that was counted. `hash` is None where nobody has that name, or where it is not to be let in now."""

    hash: str | None
    mark: str


def lock_after(failures: int, now: datetime) -> datetime | None:
    """Until when nobody may try a name after so many failures in a row: 15 minutes after 5, and twice as long after each
    5 more, 8 hours at most. None: at once."""
    rounds, rest = divmod(failures, FAILURES)
    if rest or not rounds:
        return None
    return now + min(FIRST_LOCK * (1 << min(rounds - 1, 10)), LONGEST_LOCK)


def find_step(secret: str, code: str, last: int, now: datetime) -> int | None:
    """The time step of a code of an authenticator: this one or a neighbour, and later than the `last` that was taken.
    None where the code is wrong or was used."""
    typed = "".join(code.split())
    here = int(now.timestamp()) // STEP
    for step in (here, here - 1, here + 1):
        right = pyotp.TOTP(secret).generate_otp(step)
        if hmac.compare_digest(right.encode(), typed.encode("utf-8", "replace")) and step > last:
            return step
    return None


def sign_in(court: Court, attempt: Attempt, random: Random, hasher: PasswordHasher | None = None) -> str | None:
    """The cookie of a new session; None where it is not to be. Why not is told to nobody."""
    hasher = hasher or staff.HASHER
    with court.session() as session:
        counted = _count(session, attempt, court.now, random)
    # Outside of any transaction: it is meant to take long.
    right = _verify(hasher, counted.hash, attempt.password)
    with court.session() as session:
        return _let_in(session, court, attempt, counted, right=right, random=random, hasher=hasher)


def _count(session: Session, attempt: Attempt, now: datetime, random: Random) -> _Counted:
    mark = _mark(attempt.address) + f"{random.getrandbits(128):032x}"
    tries = select(func.count()).where(
        FormRow.token > _mark(attempt.address), FormRow.token < _mark(attempt.address) + "g", FormRow.at > now - ADDRESS_WINDOW
    )  # fmt: skip
    if (session.scalar(tries) or 0) >= ADDRESS_FAILURES:
        return _Counted(hash=None, mark=mark)
    session.add(FormRow(token=mark, at=now))
    counting = (
        update(StaffRow)
        .where(StaffRow.name == attempt.name, StaffRow.active)
        .where(or_(StaffRow.locked_until.is_(None), StaffRow.locked_until <= now))
        .values(failures=StaffRow.failures + 1)
        .returning(StaffRow.failures, StaffRow.password_hash)
    )
    found = session.execute(counting.execution_options(synchronize_session=False)).first()
    if found is None:
        return _Counted(hash=None, mark=mark)
    until = lock_after(found.failures, now)
    if until is not None:
        session.execute(update(StaffRow).where(StaffRow.name == attempt.name).values(locked_until=until))
    return _Counted(hash=found.password_hash, mark=mark)


def _verify(hasher: PasswordHasher, stored: str | None, password: str) -> bool:
    # Somebody who is not there, or is not to be let in, costs the same work.
    against = stored if stored is not None else _nobodys_hash(hasher)
    try:
        hasher.verify(against, password[:MAX_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _nobodys_hash(hasher: PasswordHasher) -> str:
    return hasher.hash("nobody")


def _let_in(
    session: Session, court: Court, attempt: Attempt, counted: _Counted, *, right: bool, random: Random,
    hasher: PasswordHasher,
) -> str | None:  # fmt: skip
    now = court.now
    row = session.get(StaffRow, attempt.name, with_for_update=True) if counted.hash is not None else None
    step = _read_code(court.vault, row, attempt.code, now) if row is not None and right else None
    if row is None or step is None or not row.active or row.password_hash != counted.hash:
        # What was typed as a name may be anything, even a password: only known names are written down.
        audit.note(session, now, row.name if row is not None else NOBODY, "sign_in_refused")
        return None
    row.failures, row.locked_until, row.totp_step = 0, None, max(step, row.totp_step)
    if hasher.check_needs_rehash(row.password_hash):
        row.password_hash = hasher.hash(attempt.password)
    session.execute(delete(FormRow).where(FormRow.token == counted.mark))
    audit.note(session, now, row.name, "sign_in", detail={"second_factor": row.totp is not None})
    return start_session(
        session, realm=DESK, account=row.name, second_factor=row.totp is not None, now=now, random=random
    )


def _read_code(vault: Vault, row: StaffRow, code: str, now: datetime) -> int | None:
    """The step of the code that was given; 0 where none is needed; None where it is wrong."""
    if row.totp is None:
        return 0
    return find_step(vault.open(row.totp, _context(row.name))["secret"], code, row.totp_step, now)


def attempt_password(court: Court, name: str, password: str, random: Random) -> bool:
    """Whether it is still the same person at the keyboard: asked before something is changed that a session alone must
    not change. Counted as signing in is."""
    hasher = staff.HASHER
    with court.session() as session:
        counted = _count(
            session, Attempt(name=name, password="", code="", address=f"account {name}"), court.now, random
        )
    if not _verify(hasher, counted.hash, password):
        return False
    with court.session() as session:
        session.execute(update(StaffRow).where(StaffRow.name == name).values(failures=0, locked_until=None))
        session.execute(delete(FormRow).where(FormRow.token == counted.mark))
    return True


def enrol(session: Session, vault: Vault, name: str, secret: str, code: str, now: datetime) -> bool:
    """Keep the secret of a second factor, once a code shows that the authenticator has it. False where the code is wrong
    or there is one already."""
    row = session.get(StaffRow, name, with_for_update=True)
    step = find_step(secret, code, 0, now)
    if row is None or row.totp is not None or step is None:
        return False
    row.totp, row.totp_step = vault.seal({"secret": secret}, _context(name)), step
    audit.note(session, now, name, "second_factor")
    return True


def new_secret(random: Random) -> str:
    """A new secret for an authenticator: 160 bits in base 32."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    return "".join(letters[random.getrandbits(5)] for _ in range(32))


def describe_secret(secret: str, name: str, court: str) -> str:
    """The address (otpauth:) by which an authenticator learns a secret."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=court)


def _context(name: str) -> str:
    return f"second factor {name}"


def _mark(address: str) -> str:
    """Under what the attempts from an address are counted; the address itself is not kept."""
    return sha256(f"sign in from {address}".encode()).hexdigest()[:_PREFIX]
