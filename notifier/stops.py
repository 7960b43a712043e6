"""What must not be sent for now: addresses that want or can get nothing more, and channels that pause or rest."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import cast

from sqlalchemy import Engine, Insert, Table, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from notifier.lasting import ADDRESS_KEY, keep_secret
from notifier.tables import Base, ChannelRow, SuppressionRow

AddressDigest = Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """A channel that waits for a person, and why."""

    channel: str
    since: datetime
    reason: str


def open_digest(engine: Engine) -> AddressDigest:
    """What makes of an address the name under which this home counts and suppresses it."""
    key = keep_secret(engine, ADDRESS_KEY).encode("ascii")
    return lambda address: hmac.new(key, address.encode("utf-8"), sha256).hexdigest()


def suppress(session: Session, address_hash: str, *, reason: str, opted_out: bool, now: datetime) -> None:
    """Send nothing more to an address. What is known of it stays; an opt-out is not forgotten for a failure."""
    known = session.get(SuppressionRow, address_hash)
    if known is None:
        values = {"address_hash": address_hash, "reason": reason, "opted_out": opted_out, "since": now}
        session.execute(insert_new(session, SuppressionRow, "address_hash"), [values])
    elif opted_out and not known.opted_out:
        known.reason, known.opted_out, known.since = reason, True, now


def opt_out(engine: Engine, address: str, *, reason: str, now: datetime) -> None:
    """The holder of an address wants nothing more."""
    address_hash = open_digest(engine)(address)
    with Session(engine) as session, session.begin():
        suppress(session, address_hash, reason=reason, opted_out=True, now=now)


def allow(engine: Engine, address: str) -> bool:
    """Send to an address again: its holder asked for it, or a person has seen to it. False if it was not suppressed."""
    address_hash = open_digest(engine)(address)
    with Session(engine) as session, session.begin():
        known = session.get(SuppressionRow, address_hash)
        if known is not None:
            session.delete(known)
        return known is not None


def find_suppressed(session: Session, hashes: Collection[str]) -> Mapping[str, str]:
    """Those of `hashes` that get nothing, and why."""
    if not hashes:
        return {}
    query = select(SuppressionRow.address_hash, SuppressionRow.reason).where(SuppressionRow.address_hash.in_(hashes))
    return dict(session.execute(query).all())


def pause_channel(session: Session, name: str, *, reason: str, now: datetime) -> None:
    """Stop a channel until a person resumes it. A channel that pauses keeps its first reason."""
    row = _channel(session, name)
    if row.paused_at is None:
        row.paused_at, row.reason = now, reason


def resume_channel(engine: Engine, name: str) -> bool:
    """A person has seen to it. False if the channel did not pause."""
    with Session(engine) as session, session.begin():
        row = session.get(ChannelRow, name)
        if row is None or row.paused_at is None:
            return False
        row.paused_at = row.reason = row.held_until = None
        return True


def resume_if(engine: Engine, name: str, reason: str) -> bool:
    """Resume a channel that pauses for this reason, which is gone."""
    with Session(engine) as session, session.begin():
        row = session.get(ChannelRow, name)
        if row is None or row.paused_at is None or row.reason != reason:
            return False
        row.paused_at = row.reason = row.held_until = None
        return True


def hold_channel(session: Session, name: str, until: datetime) -> None:
    """Leave a provider alone until then."""
    row = _channel(session, name)
    row.held_until = max(until, row.held_until or until)


def list_pauses(engine: Engine) -> list[Pause]:
    query = select(ChannelRow).where(ChannelRow.paused_at.is_not(None)).order_by(ChannelRow.name)
    with Session(engine) as session:
        rows = session.scalars(query).all()
        return [Pause(channel=row.name, since=row.paused_at, reason=row.reason or "") for row in rows if row.paused_at]


def find_stopped(session: Session, channels: Collection[str], now: datetime) -> set[str]:
    """Those of `channels` that pause or rest at `now`."""
    rows = session.scalars(select(ChannelRow).where(ChannelRow.name.in_(list(channels))))
    return {row.name for row in rows if row.paused_at is not None or (row.held_until or now) > now}


def insert_new(session: Session, row: type[Base], *key: str) -> Insert:
    """An insert that leaves alone what is there under the same key."""
    table = cast("Table", row.__table__)
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert(table).on_conflict_do_nothing(index_elements=key)
    return postgresql.insert(table).on_conflict_do_nothing(index_elements=key)


def _channel(session: Session, name: str) -> ChannelRow:
    session.execute(insert_new(session, ChannelRow, "name"), [{"name": name}])
    return session.scalars(select(ChannelRow).where(ChannelRow.name == name).with_for_update()).one()
