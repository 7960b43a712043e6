"""The accounts of a unit on the desk. A password or a token is shown once, on the page that answers the form."""

from __future__ import annotations

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after
from registry.desk.unit_secrets import UNIT_ID, ShowUnit, show_secret
from registry.tables import UnitRow
from registry.units.accounts import PASSWORD, TOKEN, add_account, get_account, renew_account, retire_account

_ACCOUNT = "<int(max=2147483647):account_id>"

DONE["account-retired"] = "账户已经停用，用它登录的已经退出。"


def add_account_pages(pages: Blueprint, desk: Desk, show_unit: ShowUnit) -> None:
    """`/units/<id>/accounts`."""

    @acts(pages, f"/units/{UNIT_ID}/accounts", Access.DECIDE)
    def unit_account_add(unit_id: int) -> ResponseValue | str:
        def make(session: Session, row: UnitRow) -> str:
            kind = TOKEN if request.form.get("kind") == TOKEN else PASSWORD
            return add_account(session, row, request.form.get("name", ""), kind, desk.random, desk.acting)

        return show_secret(desk, unit_id, "unit_secret", make, show_unit)

    @acts(pages, f"/units/{UNIT_ID}/accounts/{_ACCOUNT}/renew", Access.DECIDE)
    def unit_account_renew(unit_id: int, account_id: int) -> ResponseValue | str:
        def make(session: Session, row: UnitRow) -> str:
            return renew_account(session, get_account(session, row.id, account_id), desk.random, desk.acting)

        return show_secret(desk, unit_id, "unit_secret", make, show_unit)

    @acts(pages, f"/units/{UNIT_ID}/accounts/{_ACCOUNT}/retire", Access.DECIDE)
    def unit_account_retire(unit_id: int, account_id: int) -> ResponseValue:
        def carry() -> str:
            with desk.court.session() as session:
                retire_account(session, get_account(session, unit_id, account_id), desk.acting)
            return after("desk.unit", "account-retired", unit_id=unit_id)

        return act(lambda problem: show_unit(desk, unit_id, problem), carry)
