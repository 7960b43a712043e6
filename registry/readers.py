"""Readers of the list in bulk (批量读取者): who was given a key, for what purpose, and how they stand.

Who a reader is, is sealed; everywhere else it is known by its watermark. A key is shown once and kept as its digest. What
the portal knows of a reader (search_index.readers.Standing) is journalled in the transaction of what changed it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit, journal
from registry.acting import Acting
from registry.staff import StaffError
from registry.tables import ReaderRow
from registry.units.words import check_line, check_text
from registry.vault import Vault
from search_index.day import day_of
from search_index.number import ALPHABET
from search_index.reader_terms import VERSION
from search_index.readers import READER, Standing, digest_key, draw_key

LASTS = timedelta(days=365)
# For so long the key before the newest one stays good, so that a machine can change over without a gap.
CHANGE_OVER = timedelta(days=7)
LONGEST_PURPOSE = 200
_START = "R-"
_LENGTH = 8


class ReaderError(StaffError):
    """What was asked of a reader cannot be done. The message is for whoever asked."""


class ReaderState(StrEnum):
    """How a reader stands."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    ENDED = "ended"
    REVOKED = "revoked"

    @property
    def label(self) -> str:
        return _STATE_LABEL[self]


_STATE_LABEL: Mapping[ReaderState, str] = {
    ReaderState.ACTIVE: "有效",
    ReaderState.SUSPENDED: "已暂停",
    ReaderState.ENDED: "已到期",
    ReaderState.REVOKED: "已停用",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Who:
    """Who a reader is and how to reach them: what is sealed."""

    name: str
    contact: str

    def __repr__(self) -> str:
        return "Who()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A key that was given: `key` is shown once. `former_until`: how long the one before stays good; None: there is none."""

    watermark: str
    key: str
    ends_at: datetime
    former_until: datetime | None = None

    def __repr__(self) -> str:
        return f"Given({self.watermark})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A reader as it is listed, without who it is. `acked` is the sequence up to which it confirmed departures."""

    watermark: str
    state: ReaderState
    purpose: str
    terms: str
    issued_at: datetime
    issued_by: str
    ends_at: datetime
    former_until: datetime | None
    revoked_at: datetime | None
    suspended_at: datetime | None
    acked: int
    acked_at: datetime | None


def add_reader(session: Session, vault: Vault, who: Who, purpose: str, *, random: Random, acting: Acting) -> Given:
    """Register a reader that has accepted the terms, and give it a key for a year. The key is good for the portal as soon
    as the store is fed. Raises ReaderError or UnitError."""
    kept = Who(name=check_line(who.name, "名称"), contact=check_line(who.contact, "联系方式", most=120))
    stated = check_text(purpose, "用途", most=LONGEST_PURPOSE)
    watermark, key = _draw_watermark(session, random), draw_key(random)
    head = journal.head(session)[1]
    row = ReaderRow(
        watermark=watermark,
        sealed=vault.seal({"name": kept.name, "contact": kept.contact}, _context(watermark)),
        purpose=stated,
        terms=VERSION,
        digest=_digest(key),
        former=None,
        former_until=None,
        issued_at=acting.now,
        issued_by=acting.actor,
        ends_at=acting.now + LASTS,
        revoked_at=None,
        # It has taken nothing yet: of what left before, it has nothing to take down.
        since=head,
        acked=head,
        acked_at=None,
        suspended_at=None,
    )
    session.add(row)
    session.flush()
    tell(session, row, acting.now)
    _note(session, row, "reader_add", acting, terms=VERSION)
    return Given(watermark=watermark, key=key, ends_at=row.ends_at)


def renew_reader(session: Session, watermark: str, *, random: Random, acting: Acting, at_once: bool = False) -> Given:
    """A new key for another year, under the terms of today. The one before stays good for CHANGE_OVER, or, `at_once`, not
    at all (it was lost, or somebody else has it); the one before that ends now. What the reader has not confirmed it owes
    still, and where it is suspended it stays so. Raises ReaderError."""
    row = get_row(session, watermark, lock=True)
    if row.revoked_at is not None:
        raise ReaderError("该密钥已经停用，不能续期：请重新登记")
    key, now = draw_key(random), acting.now
    _end_former(session, row, now)
    if row.ends_at > now:
        row.former, row.former_until = row.digest, now if at_once else min(now + CHANGE_OVER, row.ends_at)
        if at_once:
            _end_former(session, row, now)
    row.digest, row.ends_at, row.terms = _digest(key), now + LASTS, VERSION
    session.flush()
    tell(session, row, now)
    _note(session, row, "reader_renew", acting, terms=VERSION, until=_day_of(row.former_until))
    return Given(watermark=row.watermark, key=key, ends_at=row.ends_at, former_until=row.former_until)


def revoke_reader(session: Session, watermark: str, acting: Acting) -> None:
    """End every key of a reader now. Raises ReaderError."""
    row = get_row(session, watermark, lock=True)
    if row.revoked_at is not None:
        raise ReaderError("该密钥已经停用")
    row.revoked_at = acting.now
    tell(session, row, acting.now)
    _note(session, row, "reader_revoke", acting)


def tell(session: Session, row: ReaderRow, now: datetime) -> None:
    """Journal how a reader stands, under each of its keys, or that a key is none any more."""
    standing = Standing(watermark=row.watermark, acked=row.acked, suspended=row.suspended_at is not None).as_json()
    for digest, end in ((row.digest, row.ends_at), (row.former, row.former_until)):
        if digest is not None and end is not None:
            is_good = row.revoked_at is None and now < end
            body = {**standing, "visible_until": end.isoformat()} if is_good else None
            journal.append_subject(session, now, READER, digest, body)


def get_row(session: Session, watermark: str, *, lock: bool = False) -> ReaderRow:
    """The reader with this watermark, however it was typed. Raises ReaderError."""
    query = select(ReaderRow).where(ReaderRow.watermark == watermark.strip().upper()[:16])
    row = session.scalars(query.with_for_update() if lock else query).first()
    if row is None:
        raise ReaderError("没有这个水印的批量读取者")
    return row


def list_readers(session: Session, now: datetime) -> list[Reader]:
    """Every reader there was, those with a good key first, the newest of each first."""
    found = [_read(row, now) for row in session.scalars(select(ReaderRow).order_by(ReaderRow.id.desc()))]
    return sorted(found, key=lambda one: one.state in (ReaderState.ENDED, ReaderState.REVOKED))


def read_who(session: Session, vault: Vault, watermark: str) -> Who:
    """Who a reader is. Whoever calls writes down that somebody looked. Raises ReaderError or VaultError."""
    row = get_row(session, watermark)
    values = vault.open(row.sealed, _context(row.watermark))
    return Who(name=values["name"], contact=values["contact"])


def find_state(row: ReaderRow, now: datetime) -> ReaderState:
    if row.revoked_at is not None:
        return ReaderState.REVOKED
    if now >= row.ends_at:
        return ReaderState.ENDED
    return ReaderState.ACTIVE if row.suspended_at is None else ReaderState.SUSPENDED


def _read(row: ReaderRow, now: datetime) -> Reader:
    is_changing = row.former_until is not None and now < row.former_until
    return Reader(
        watermark=row.watermark,
        state=find_state(row, now),
        purpose=row.purpose,
        terms=row.terms,
        issued_at=row.issued_at,
        issued_by=row.issued_by,
        ends_at=row.ends_at,
        former_until=row.former_until if is_changing else None,
        revoked_at=row.revoked_at,
        suspended_at=row.suspended_at,
        acked=row.acked,
        acked_at=row.acked_at,
    )


def _end_former(session: Session, row: ReaderRow, now: datetime) -> None:
    if row.former is not None:
        journal.append_subject(session, now, READER, row.former, None)
    row.former, row.former_until = None, None


def _draw_watermark(session: Session, random: Random) -> str:
    while True:
        drawn = _START + "".join(random.choice(ALPHABET) for _ in range(_LENGTH))
        if session.scalar(select(ReaderRow.id).where(ReaderRow.watermark == drawn)) is None:
            return drawn


def _digest(key: str) -> str:
    digest = digest_key(key)
    if digest is None:
        raise ValueError("a key that was drawn has a digest")
    return digest


def _context(watermark: str) -> str:
    return f"reader {watermark}"


def _day_of(moment: datetime | None) -> str | None:
    return None if moment is None else day_of(moment).isoformat()


def _note(session: Session, row: ReaderRow, action: str, acting: Acting, **detail: str | None) -> None:
    kept = {name: value for name, value in detail.items() if value is not None}
    audit.note(session, acting.now, acting.actor, action, detail={"watermark": row.watermark, **kept})
