"""The accounts of a unit on the desk. A password or a token is shown once, on the page that answers the form."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after, show
from registry.tables import UnitRow
from registry.units.accounts import PASSWORD, TOKEN, add_account, get_account, renew_account, retire_account
from registry.units.units import get_unit
from registry.units.words import UnitError

_ID = "<int(max=2147483647):unit_id>"
_ACCOUNT = "<int(max=2147483647):account_id>"
ShowUnit = Callable[[Desk, int, str | None], str]

DONE["account-retired"] = "账户已经停用，用它登录的已经退出。"


def add_account_pages(pages: Blueprint, desk: Desk, show_unit: ShowUnit) -> None:
    """`/units/<id>/accounts`."""

    @acts(pages, f"/units/{_ID}/accounts", Access.DECIDE)
    def unit_account_add(unit_id: int) -> ResponseValue | str:
        def make(session: Session, row: UnitRow) -> str:
            kind = TOKEN if request.form.get("kind") == TOKEN else PASSWORD
            return add_account(session, row, request.form.get("name", ""), kind, desk.random, desk.acting)

        return _show_secret(desk, unit_id, make, show_unit)

    @acts(pages, f"/units/{_ID}/accounts/{_ACCOUNT}/renew", Access.DECIDE)
    def unit_account_renew(unit_id: int, account_id: int) -> ResponseValue | str:
        def make(session: Session, row: UnitRow) -> str:
            return renew_account(session, get_account(session, row.id, account_id), desk.random, desk.acting)

        return _show_secret(desk, unit_id, make, show_unit)

    @acts(pages, f"/units/{_ID}/accounts/{_ACCOUNT}/retire", Access.DECIDE)
    def unit_account_retire(unit_id: int, account_id: int) -> ResponseValue:
        def carry() -> str:
            with desk.court.session() as session:
                retire_account(session, get_account(session, unit_id, account_id), desk.acting)
            return after("desk.unit", "account-retired", unit_id=unit_id)

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
    return show("unit_secret", secret=made[0], unit_id=unit_id, is_token=made[0].startswith("gsu_"))


def _find(session: Session, unit_id: int) -> UnitRow:
    try:
        return get_unit(session, unit_id, lock=True)
    except UnitError:
        abort(404, "没有这个单位")
