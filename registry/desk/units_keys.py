"""The keys of a unit's machines on the desk. A key is shown once, on the page that answers the form."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after, show
from registry.tables import UnitKeyRow, UnitRow
from registry.units.keys import Scope, add_key, end_key, renew_key
from registry.units.units import get_unit
from registry.units.words import UnitError

_ID = "<int(max=2147483647):unit_id>"
_KEY = "<int(max=2147483647):key_id>"
ShowUnit = Callable[[Desk, int, str | None], str]

DONE["key-ended"] = "密钥已经停用，立即生效。"


def add_key_pages(pages: Blueprint, desk: Desk, show_unit: ShowUnit) -> None:
    """`/units/<id>/keys`."""

    @acts(pages, f"/units/{_ID}/keys", Access.DECIDE)
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

        return _show_secret(desk, unit_id, make, show_unit)

    @acts(pages, f"/units/{_ID}/keys/{_KEY}/renew", Access.DECIDE)
    def unit_key_renew(unit_id: int, key_id: int) -> ResponseValue | str:
        def make(session: Session, row: UnitRow) -> str:
            return renew_key(session, row, _find_name(session, row.id, key_id), desk.random, desk.acting)

        return _show_secret(desk, unit_id, make, show_unit)

    @acts(pages, f"/units/{_ID}/keys/{_KEY}/end", Access.DECIDE)
    def unit_key_end(unit_id: int, key_id: int) -> ResponseValue:
        def carry() -> str:
            with desk.court.session() as session:
                row = _find(session, unit_id)
                end_key(session, row, _find_name(session, row.id, key_id), desk.acting)
            return after("desk.unit", "key-ended", unit_id=unit_id)

        return act(lambda problem: show_unit(desk, unit_id, problem), carry)


def _show_secret(
    desk: Desk, unit_id: int, make: Callable[[Session, UnitRow], str], show_unit: ShowUnit
) -> ResponseValue | str:
    made: list[str] = []

    def carry() -> str:
        with desk.court.session() as session:
            made.append(make(session, _find(session, unit_id)))
        return url_for("desk.unit", unit_id=unit_id)

    answer = act(lambda problem: show_unit(desk, unit_id, problem), carry)
    if not made or answer.status_code != 303:
        return answer
    # Not by way of another address: it would have to be kept for that, or stand in it.
    return show("unit_key_secret", secret=made[0], unit_id=unit_id)


def _find(session: Session, unit_id: int) -> UnitRow:
    try:
        return get_unit(session, unit_id, lock=True)
    except UnitError:
        abort(404, "没有这个单位")


def _find_name(session: Session, unit_id: int, key_id: int) -> str:
    row = session.get(UnitKeyRow, key_id)
    if row is None or row.unit_id != unit_id:
        raise UnitError("该单位没有这个密钥")
    return row.name
