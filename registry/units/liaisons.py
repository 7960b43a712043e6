"""The liaisons (联络员) of units (policies A13, B34): one at a time, sealed, and the earlier ones with their days."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.tables import LiaisonRow, UnitRow
from registry.units.words import check_line, check_mail, check_phone
from registry.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Liaison:
    """Whom the court calls. `until` is None for the one of today."""

    name: str
    phone: str
    mail: str
    since: date
    until: date | None


def set_liaison(
    session: Session, vault: Vault, unit: UnitRow, *, name: str, phone: str, mail: str, acting: Acting
) -> None:
    """Name a unit's liaison from today; the one before stays in the history. `phone` and `mail` may be empty.
    Raises UnitError."""
    values = {
        "name": check_line(name, "联络员姓名", most=40),
        "phone": check_phone(phone),
        "mail": check_mail(mail),
    }
    for row in session.scalars(
        select(LiaisonRow).where(LiaisonRow.unit_id == unit.id, LiaisonRow.until.is_(None)).with_for_update()
    ):
        row.until = acting.today
    sealed = vault.seal(values, _context(unit.id))
    session.add(LiaisonRow(unit_id=unit.id, sealed=sealed, since=acting.today, until=None))
    audit.note(session, acting.now, acting.actor, "unit_liaison", detail={"unit": unit.slug})


def list_liaisons(session: Session, vault: Vault, unit_id: int) -> list[Liaison]:
    """The liaison and those before, the newest first. Raises VaultError."""
    query = select(LiaisonRow).where(LiaisonRow.unit_id == unit_id).order_by(LiaisonRow.id.desc())
    return [_open(vault, row) for row in session.scalars(query)]


def _open(vault: Vault, row: LiaisonRow) -> Liaison:
    values = vault.open(row.sealed, _context(row.unit_id))
    return Liaison(name=values["name"], phone=values["phone"], mail=values["mail"], since=row.since, until=row.until)


def _context(unit_id: int) -> str:
    return f"liaison of unit {unit_id}"
