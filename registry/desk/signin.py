"""Signing in and out. The form that signs in is bound to a cookie of its own, so that nobody is signed in as another by
somebody else's page."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug import Response as ResponseValue

from registry import audit
from registry.desk.access import Access
from registry.desk.base import Desk, acts, current, find_current, reads, show
from registry.desk.credentials import Attempt, sign_in
from registry.desk.forms import Refused, build_token, is_foreign, read_token, take_once
from registry.desk.guard import cookie_name, is_secure, read_sent, remote_address
from registry.desk.sessions import DESK, end_session, find_session

_FORM_COOKIE = "gongshi_desk_form"
_LONGEST = 300
# The same for every reason, so that nobody learns which names there are.
_REFUSED = "用户名、口令或者验证码不对，或者失败次数过多。连续失败 5 次，该用户名暂停登录 15 分钟，再失败则加倍"


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/signin` and `/signout`."""

    @reads(pages, "/signin", Access.ANYONE)
    def sign_in() -> ResponseValue:
        if find_current() is not None:
            return redirect(url_for("desk.home"))
        return _show_form(desk, None)

    @acts(pages, "/signin", Access.ANYONE)
    def carry_out_sign_in() -> ResponseValue:
        return _sign_in(desk)

    @acts(pages, "/signout", Access.SIGNED_IN)
    def sign_out() -> ResponseValue:
        me = current()
        with desk.court.session() as session:
            end_session(session, DESK, me.name, me.session)
            audit.note(session, desk.now, me.name, "sign_out")
        response = redirect(url_for("desk.sign_in", done="signed-out"), 303)
        response.delete_cookie(cookie_name(), path="/", secure=is_secure(), httponly=True, samesite="Strict")
        return response


def _sign_in(desk: Desk) -> ResponseValue:
    try:
        _check_form(desk)
    except Refused as error:
        return _show_form(desk, str(error), error.status)
    form = request.form
    attempt = Attempt(
        name=form.get("name", "")[:_LONGEST].strip(),
        password=form.get("password", "")[:_LONGEST],
        code=form.get("code", "")[:_LONGEST],
        address=remote_address(),
    )
    # A cookie of a database is never a name with this byte in it, and PostgreSQL cannot even be asked.
    cookie = sign_in(desk.court, attempt, desk.random) if "\0" not in attempt.name else None
    if cookie is None:
        return _show_form(desk, _REFUSED)
    _end_former(desk)
    response = redirect(_read_next(), 303)
    _set_cookie(response, cookie_name(), cookie)
    response.delete_cookie(_form_cookie(), path="/", secure=is_secure(), httponly=True, samesite="Strict")
    return response


def _show_form(desk: Desk, problem: str | None, status: int = 400) -> ResponseValue:
    cookie = request.cookies.get(_form_cookie(), "")
    if len(cookie) != 64:
        cookie = f"{desk.random.getrandbits(256):064x}"
    number = f"{desk.random.getrandbits(96):024x}"
    address = request.script_root + url_for("desk.carry_out_sign_in").removeprefix(request.script_root)
    token = build_token(_form_key(desk, cookie), address, desk.now, number)
    page = show("signin", problem, token=token, next=_read_next())
    response = make_response(page, 200 if problem is None else status)
    _set_cookie(response, _form_cookie(), cookie)
    return response


def _check_form(desk: Desk) -> None:
    sent = read_sent()
    if is_foreign(sent):
        raise Refused("请求来自其他网站，没有办理", 403)
    key = _form_key(desk, request.cookies.get(_form_cookie(), ""))
    number = read_token(key, sent.address, sent.token, desk.now)
    with desk.court.session() as session:
        take_once(session, number, desk.now)


def _end_former(desk: Desk) -> None:
    """Whoever signs in anew in the same browser leaves no session behind."""
    former = request.cookies.get(cookie_name(), "")
    with desk.court.session() as session:
        line = find_session(session, DESK, former, desk.now)
        if line is not None:
            end_session(session, DESK, line.account, line.id)


def _form_key(desk: Desk, cookie: str) -> bytes:
    return desk.court.vault.digest(f"sign-in form {cookie}").encode()


def _form_cookie() -> str:
    return f"__Host-{_FORM_COOKIE}" if is_secure() else _FORM_COOKIE


def _set_cookie(response: ResponseValue, name: str, value: str) -> None:
    response.set_cookie(name, value, path="/", secure=is_secure(), httponly=True, samesite="Strict")


def _read_next() -> str:
    """The page of this desk to go on to. Anything else leads home: a link must not lead elsewhere."""
    wanted = request.values.get("next", "")
    plain = wanted.startswith("/") and not wanted.startswith("//") and wanted.isascii() and wanted.isprintable()
    if not plain or "\\" in wanted or len(wanted) > _LONGEST or wanted.startswith("/sign"):
        return url_for("desk.home")
    return wanted
