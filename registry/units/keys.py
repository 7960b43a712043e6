"""The keys with which machines of a unit ask (`/units/v1`): made by the court, shown once, kept as digests.

A key lasts a year. Renewing it makes another under the same name, and the one before stays good for a week more, so that
a machine can change over without a gap. What a key may ask is fixed when it is made: another key, other scopes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from random import Random

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.tables import UnitKeyRow, UnitRow
from registry.units.words import UnitError
from search_index.codes import has_citizen_number

KEY_START = "gsk_"
KEY_LASTS = timedelta(days=365)
CHANGE_OVER = timedelta(days=7)
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_LENGTH = 40
_LONGEST = 100
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,38}[A-Za-z0-9])?", re.ASCII)
_MOST_NETWORKS = 32


class Scope(StrEnum):
    """What a key may ask."""

    COMPARE = "compare"
    CHANGES = "changes"
    ACKS = "acks"
    FEEDBACK = "feedback"
    LEDGER = "ledger"

    @property
    def label(self) -> str:
        return _LABEL[self]


_LABEL = {
    Scope.COMPARE: "比对",
    Scope.CHANGES: "名单和变更",
    Scope.ACKS: "确认和解除",
    Scope.FEEDBACK: "季度反馈",
    Scope.LEDGER: "本单位台账",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A key that fits, and the unit that it is of."""

    id: int
    name: str
    unit: int
    scopes: frozenset[Scope]
    networks: tuple[str, ...]

    def admits(self, address: str | None) -> bool:
        """Whether the key may be used from an address."""
        if not self.networks:
            return True
        found = _read_address(address)
        return found is not None and any(found in ip_network(network) for network in self.networks)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyLine:
    """A key as the court sees it: never the key itself. `ended_at` is when it was ended before its time."""

    id: int
    name: str
    scopes: tuple[Scope, ...]
    networks: tuple[str, ...]
    created_at: datetime
    ends_at: datetime
    ended_at: datetime | None
    used_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        return self.ended_at is None and now < self.ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class _Terms:
    name: str
    scopes: Mapping[str, bool]
    addresses: Mapping[str, list[str]]


def add_key(
    session: Session,
    unit: UnitRow,
    name: str,
    *,
    scopes: Iterable[str],
    networks: str = "",
    random: Random,
    acting: Acting,
) -> str:
    """A new key, which is shown once. `networks`: the addresses it may be used from, as CIDR, separated by commas or
    blanks; none means any. Raises UnitError."""
    name = name.strip()
    if _NAME.fullmatch(name) is None or has_citizen_number(name):
        raise UnitError("密钥名称应为 1 至 40 个字母、数字、点、横线或者下划线，首尾是字母或者数字")
    if not unit.active:
        raise UnitError("该单位已经停用，不能发放密钥")
    # The name stands in ledgers and in the audit trail: it is one key of one unit for good.
    if session.scalar(select(UnitKeyRow.id).where(func.lower(UnitKeyRow.name) == name.lower()).limit(1)) is not None:
        raise UnitError(f"密钥名称“{name}”已经用过：更换密钥请用更换，另发密钥请换一个名称（不以大小写区分）")
    terms = _Terms(name=name, scopes=_check_scopes(scopes), addresses=_check_networks(networks))
    return _make(session, unit.id, terms, random, acting, "unit_key_add")


def renew_key(session: Session, unit: UnitRow, name: str, random: Random, acting: Acting) -> str:
    """Another key under the same name, with the same scopes and addresses, which is shown once; the one before stays good
    for CHANGE_OVER at most. Raises UnitError."""
    rows = _find_rows(session, unit, name)
    good = [row for row in rows if row.ended_at is None and acting.now < row.ends_at]
    if not unit.active:
        raise UnitError("该单位已经停用，不能发放密钥")
    if rows[-1].ended_at is not None:
        raise UnitError("该密钥已经停用：请另发密钥")
    for row in good:
        row.ends_at = min(row.ends_at, acting.now + CHANGE_OVER)
    kept = rows[-1]
    terms = _Terms(name=kept.name, scopes=kept.scopes, addresses=kept.addresses)
    return _make(session, unit.id, terms, random, acting, "unit_key_renew")


def end_key(session: Session, unit: UnitRow, name: str, acting: Acting) -> None:
    """End a key, and the one before it where that is still good, at once. Raises UnitError."""
    good = [row for row in _find_rows(session, unit, name) if row.ended_at is None]
    if not good:
        raise UnitError("该密钥已经停用")
    for row in good:
        row.ended_at = acting.now
    _note(session, unit.id, good[-1], "unit_key_end", acting)


def find_key(session: Session, typed: str, now: datetime) -> Found | None:
    """The key that fits, of a unit in use; None for any other, whatever the reason."""
    digest = digest_key(typed)
    if digest is None:
        return None
    query = select(UnitKeyRow).join(UnitRow, UnitRow.id == UnitKeyRow.unit_id)
    row = session.scalars(query.where(UnitKeyRow.secret == digest, UnitRow.active)).first()
    if row is None or row.ended_at is not None or now >= row.ends_at:
        return None
    return Found(
        id=row.id, name=row.name, unit=row.unit_id, scopes=frozenset(_read_scopes(row)), networks=_read_networks(row)
    )


def list_keys(session: Session, unit_id: int) -> list[KeyLine]:
    """The keys of a unit, by name, the newest of each first."""
    query = select(UnitKeyRow).where(UnitKeyRow.unit_id == unit_id)
    return [
        KeyLine(
            id=row.id,
            name=row.name,
            scopes=_read_scopes(row),
            networks=_read_networks(row),
            created_at=row.created_at,
            ends_at=row.ends_at,
            ended_at=row.ended_at,
            used_at=row.used_at,
        )
        for row in session.scalars(query.order_by(UnitKeyRow.name, UnitKeyRow.id.desc()))
    ]


def digest_key(typed: str) -> str | None:
    """The digest under which a key is known; None for what can be none."""
    if not typed.startswith(KEY_START) or len(typed) > _LONGEST or not typed.isascii():
        return None
    return sha256(typed.encode()).hexdigest()


def _make(session: Session, unit_id: int, terms: _Terms, random: Random, acting: Acting, action: str) -> str:
    # 198 bits of chance: nobody finds one by trying, so there is nothing to lock.
    key = KEY_START + "".join(random.choice(_LETTERS) for _ in range(_LENGTH))
    row = UnitKeyRow(
        unit_id=unit_id,
        name=terms.name,
        secret=sha256(key.encode()).hexdigest(),
        scopes=dict(terms.scopes),
        addresses=dict(terms.addresses),
        created_at=acting.now,
        created_by=acting.actor,
        ends_at=acting.now + KEY_LASTS,
        ended_at=None,
        used_at=None,
    )
    session.add(row)
    session.flush()
    _note(session, unit_id, row, action, acting)
    return key


def _find_rows(session: Session, unit: UnitRow, name: str) -> list[UnitKeyRow]:
    query = select(UnitKeyRow).where(UnitKeyRow.unit_id == unit.id, UnitKeyRow.name == name.strip())
    rows = list(session.scalars(query.order_by(UnitKeyRow.id).with_for_update()))
    if not rows:
        raise UnitError("该单位没有这个密钥")
    return rows


def _check_scopes(scopes: Iterable[str]) -> dict[str, bool]:
    wanted = {part.strip() for part in scopes if part.strip()}
    if unknown := sorted(wanted - set(Scope)):
        raise UnitError(f"没有“{unknown[0][:20]}”这一权限：可以写 {'、'.join(Scope)}")
    if not wanted:
        raise UnitError(f"请写明密钥的权限：{'、'.join(Scope)}")
    return {scope.value: True for scope in Scope if scope in wanted}


def _check_networks(text: str) -> dict[str, list[str]]:
    found = []
    for part in re.split(r"[\s,，、]+", text.strip()):
        if not part:
            continue
        try:
            network = ip_network(part)
        except ValueError:
            raise UnitError(
                "地址应为 IP 地址或者网段，例如 203.0.113.7 或者 203.0.113.0/24，网段的末位应为 0"
            ) from None
        found.append(str(network))
    if len(found) > _MOST_NETWORKS:
        raise UnitError(f"一个密钥最多写 {_MOST_NETWORKS} 个地址或者网段")
    return {"networks": list(dict.fromkeys(found))}


def _read_scopes(row: UnitKeyRow) -> tuple[Scope, ...]:
    return tuple(scope for scope in Scope if row.scopes.get(scope.value) is True)


def _read_networks(row: UnitKeyRow) -> tuple[str, ...]:
    return tuple(row.addresses.get("networks", ()))


def _read_address(text: str | None) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text or "")
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def _note(session: Session, unit_id: int, row: UnitKeyRow, action: str, acting: Acting) -> None:
    detail = {"key": row.name, "unit": unit_id, "scopes": [scope.value for scope in _read_scopes(row)]}
    audit.note(session, acting.now, acting.actor, action, detail=detail)
