"""Before any view runs: who asks, whether the page is theirs, and whether a form is one of this session and comes once.

An endpoint of which nobody said whose it is, is nobody's.
"""

from __future__ import annotations

from flask import g as shared
from flask import make_response, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import SignedIn, access_of, find_current, largest_form, the_desk
from registry.desk.forms import Refused, Sent, is_foreign, read_token, take_once
from registry.desk.sessions import DESK, SessionLine, find_session, needs_touch, touch_session
from registry.staff import Role, list_represented
from registry.tables import StaffRow

SECURE_COOKIE = "__Host-gongshi_desk"
PLAIN_COOKIE = "gongshi_desk"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# What somebody may do whose password is another's work: change it.
_CHANGING = frozenset({"desk.account", "desk.change_password", "desk.sign_out"})
# What somebody who still lacks the second factor may do.
_ENROLLING = frozenset({"desk.account", "desk.enrol", "desk.confirm_enrolling", "desk.sign_out"})


def is_secure() -> bool:
    """Whether the browser talks to us encrypted: under any other name than loopback a TLS proxy stands in front."""
    return request.host.rsplit(":", 1)[0] not in _LOOPBACK and request.host not in _LOOPBACK


def cookie_name() -> str:
    return SECURE_COOKIE if is_secure() else PLAIN_COOKIE


def guard() -> ResponseValue | None:
    """Let a request pass (None), or answer it."""
    endpoint = request.endpoint
    if endpoint == "static":
        return None
    shared.signed_in = _find_signed_in()
    if endpoint is None:
        return None
    access = access_of(endpoint)
    return None if access is Access.ANYONE else _admit(endpoint, access)


def _admit(endpoint: str, access: Access | None) -> ResponseValue | None:
    signed_in = find_current()
    if signed_in is None:
        return _ask_to_sign_in()
    if access is None or not signed_in.may(access):
        return refuse_page("您的角色不能使用这个页面", 403)
    if not signed_in.owns_password and endpoint not in _CHANGING:
        return redirect(url_for("desk.account"), 303)
    if signed_in.owns_password and _must_enrol(signed_in) and endpoint not in _ENROLLING:
        return redirect(url_for("desk.enrol"), 303)
    return _check_form(signed_in, endpoint) if request.method == "POST" else None


def refuse_page(reason: str, status: int) -> ResponseValue:
    """The page of what is not shown or done."""
    return make_response(render_template("desk/error.html", reason=reason, problem=None, done=None), status)


def read_sent() -> Sent:
    return Sent(
        address=request.script_root + request.path,
        host=request.host,
        origin=request.headers.get("Origin"),
        site=request.headers.get("Sec-Fetch-Site"),
        token=request.form.get("token", ""),
    )


def _check_form(signed_in: SignedIn, endpoint: str) -> ResponseValue | None:
    largest = largest_form(endpoint)
    if largest is not None:
        request.max_content_length = largest
    desk = the_desk()
    try:
        sent = read_sent()
        if is_foreign(sent):
            raise Refused("请求来自其他网站，没有办理", 403)
        number = read_token(signed_in.form_key, sent.address, sent.token, desk.now)
        with desk.court.session() as session:
            take_once(session, number, desk.now)
    except Refused as error:
        return refuse_page(str(error), error.status)
    return None


def _must_enrol(signed_in: SignedIn) -> bool:
    required = the_desk().rules.second_factor and signed_in.role in (Role.ADMIN, Role.REVIEWER)
    return required and not signed_in.second_factor


def _ask_to_sign_in() -> ResponseValue:
    if request.method == "GET":
        return redirect(url_for("desk.sign_in", next=request.path), 302)
    return refuse_page("登录已经结束，没有办理：请重新登录后再提交", 403)


def _find_signed_in() -> SignedIn | None:
    cookie = request.cookies.get(cookie_name(), "")
    if not cookie:
        return None
    court = the_desk().court
    now = court.now
    with court.reading() as session:
        line = find_session(session, DESK, cookie, now)
        signed_in = _read_account(session, line) if line is not None else None
    if line is not None and signed_in is not None and needs_touch(line, now):
        with court.session() as session:
            touch_session(session, line, now)
    return signed_in


def _read_account(session: Session, line: SessionLine) -> SignedIn | None:
    row = session.get(StaffRow, line.account)
    if row is None or not row.active:
        return None
    return SignedIn(
        name=row.name,
        role=Role(row.role),
        deputy_for=list_represented(session, row.name),
        session=line.id,
        form_key=line.form_key,
        second_factor=line.second_factor,
        owns_password=row.password_changed_at is not None,
    )


def remote_address() -> str:
    """The address of the network that a request comes from. A proxy on this machine says it last."""
    peer = request.remote_addr or ""
    if not (peer.startswith("127.") or peer in ("", "::1")):
        return peer
    said = request.headers.get("X-Forwarded-For", "").rpartition(",")[2].strip()
    return said[:64] or peer
