"""The account of whoever is signed in: when it ends, and another password in the place of one's own."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from werkzeug import Response as ResponseValue

from registry.unit_pages.base import Site, act, acts, current, own_unit, reads, show
from registry.units.accounts import MIN_PASSWORD, PASSWORD, change_password
from registry.units.units import to_unit
from registry.units.words import UnitError


def add_pages(pages: Blueprint, site: Site) -> None:
    """`/account`."""

    @reads(pages, "/account")
    def account() -> str:
        return _show(site, None)

    @acts(pages, "/account/password")
    def account_password() -> ResponseValue:
        return act(lambda problem: _show(site, problem), lambda: _change(site))


def _change(site: Site) -> str:
    form, me = request.form, current()
    if me.account_kind != PASSWORD:
        raise UnitError("用令牌登录的，没有口令可改；更换令牌请联系法院")
    if form.get("new", "") != form.get("again", ""):
        raise UnitError("两次输入的新口令不一样")
    acting = site.acting
    change_password(
        site.court.session, me.account, form.get("old", ""), form.get("new", ""), make_acting=lambda: acting
    )
    return url_for("units.sign_in", done="changed")


def _show(site: Site, problem: str | None) -> str:
    with site.court.reading() as session:
        unit = to_unit(own_unit(session))
    return show("account", problem, unit=unit, least=MIN_PASSWORD, is_password=current().account_kind == PASSWORD)
