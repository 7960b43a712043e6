"""Signing in, by account and password or by token, and out. The form is bound to a cookie of its own, so that nobody is
signed in as another by somebody else's page."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import audit
from registry.desk.forms import Refused
from registry.desk.sessions import UNITS, end_session, find_session, start_session
from registry.tables import UnitAccountRow
from registry.unit_pages.base import (
    Site,
    actor_of,
    acts,
    cookie_name,
    current,
    drop_cookie,
    find_current,
    is_secure,
    make_token,
    reads,
    set_cookie,
    show,
    take_form,
)
from registry.units.accounts import SignInRefused, sign_in

_FORM_COOKIE = "gongshi_units_form"
_LONGEST = 300
_COOKIE_LENGTH = 64


def add_pages(pages: Blueprint, site: Site) -> None:
    """`/signin` and `/signout`."""

    @reads(pages, "/signin")
    def sign_in() -> ResponseValue:
        if find_current() is not None:
            return redirect(url_for("units.home"))
        return _show_form(site, None, 200)

    @acts(pages, "/signin")
    def carry_out_sign_in() -> ResponseValue:
        return _sign_in(site)

    @acts(pages, "/signout")
    def sign_out() -> ResponseValue:
        me = current()
        with site.court.session() as session:
            end_session(session, UNITS, me.account, me.session)
            audit.note(session, site.now, actor_of(me.account), "unit_sign_out", detail={"unit": me.unit})
        response = redirect(url_for("units.sign_in", done="signed-out"), 303)
        drop_cookie(response, cookie_name())
        return response


def _sign_in(site: Site) -> ResponseValue:
    name = request.form.get("name", "")[:_LONGEST].strip()
    secret = request.form.get("secret", "")[:_LONGEST]
    if not name:
        # A token is copied, and blanks come along; in a password they are its own.
        secret = secret.strip()
    try:
        take_form(_form_key(site, request.cookies.get(_form_cookie(), "")))
        number = sign_in(
            site.court.session,
            # No account has such a name, and PostgreSQL cannot even be asked.
            name if name.isprintable() else "?",
            secret,
            make_acting=lambda: site.court.acting(actor_of(name[:40] if name.isprintable() else "?")),
        )
    except Refused as error:
        return _show_form(site, str(error), error.status)
    except SignInRefused as error:
        return _show_form(site, str(error), 400)
    former = request.cookies.get(cookie_name(), "")
    with site.court.session() as session:
        _end_former(session, former, site)
        account = session.get_one(UnitAccountRow, number).name
        # Whatever cookie the browser brought, the session is a new one.
        cookie = start_session(
            session, realm=UNITS, account=account, second_factor=False, now=site.now, random=site.random
        )
    response = redirect(url_for("units.home"), 303)
    set_cookie(response, cookie_name(), cookie)
    drop_cookie(response, _form_cookie())
    return response


def _show_form(site: Site, problem: str | None, status: int) -> ResponseValue:
    cookie = request.cookies.get(_form_cookie(), "")
    if len(cookie) != _COOKIE_LENGTH:
        cookie = f"{site.random.getrandbits(256):064x}"
    address = request.script_root + "/signin"
    page = show("signin", problem, token=make_token(_form_key(site, cookie), address), address=address)
    response = make_response(page, status)
    set_cookie(response, _form_cookie(), cookie)
    return response


def _end_former(session: Session, cookie: str, site: Site) -> None:
    """Whoever signs in anew in the same browser leaves no session behind."""
    line = find_session(session, UNITS, cookie, site.now)
    if line is not None:
        end_session(session, UNITS, line.account, line.id)


def _form_key(site: Site, cookie: str) -> bytes:
    return site.court.vault.digest(f"unit sign-in form {cookie}").encode()


def _form_cookie() -> str:
    return f"__Host-{_FORM_COOKIE}" if is_secure() else _FORM_COOKIE
