"""The keys of a unit's machines on the desk. A key is shown once, on the page that answers the form."""

from __future__ import annotations

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after
from registry.desk.unit_secrets import UNIT_ID, ShowUnit, find_unit, show_secret
from registry.tables import UnitKeyRow, UnitRow
from registry.units.keys import Scope, add_key, end_key, renew_key
from registry.units.words import UnitError

_KEY = "<int(max=2147483647):key_id>"

DONE["key-ended"] = "密钥已经停用，立即生效。"


def add_key_pages(pages: Blueprint, desk: Desk, show_unit: ShowUnit) -> None:
    """`/units/<id>/keys`."""

    @acts(pages, f"/units/{UNIT_ID}/keys", Access.DECIDE)
    def unit_key_add(unit_id: int) -> ResponseValue | str:
        def make(session: Session, row: UnitRow) -> str:
            form = request.form
            wanted = [scope for scope in Scope if form.get(f"scope.{scope.value}") == "yes"]
            return add_key(
                session,
                row,
                form.get("name", ""),
                scopes=wanted,
                networks=form.get("networks", "")[:2000],
                random=desk.random,
                acting=desk.acting,
            )

        return show_secret(desk, unit_id, "unit_key_secret", make, show_unit)

    @acts(pages, f"/units/{UNIT_ID}/keys/{_KEY}/renew", Access.DECIDE)
    def unit_key_renew(unit_id: int, key_id: int) -> ResponseValue | str:
        def make(session: Session, row: UnitRow) -> str:
            return renew_key(session, row, _find_name(session, row.id, key_id), desk.random, desk.acting)

        return show_secret(desk, unit_id, "unit_key_secret", make, show_unit)

    @acts(pages, f"/units/{UNIT_ID}/keys/{_KEY}/end", Access.DECIDE)
    def unit_key_end(unit_id: int, key_id: int) -> ResponseValue:
        def carry() -> str:
            with desk.court.session() as session:
                row = find_unit(session, unit_id)
                end_key(session, row, _find_name(session, row.id, key_id), desk.acting)
            return after("desk.unit", "key-ended", unit_id=unit_id)

        return act(lambda problem: show_unit(desk, unit_id, problem), carry)


def _find_name(session: Session, unit_id: int, key_id: int) -> str:
    row = session.get(UnitKeyRow, key_id)
    if row is None or row.unit_id != unit_id:
        raise UnitError("该单位没有这个密钥")
    return row.name
