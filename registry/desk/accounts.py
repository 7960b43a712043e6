"""The own account: password, second factor, where one is signed in, and who stands in."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

import segno
from flask import Blueprint, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import staff
from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after, current, reads, show
from registry.desk.credentials import attempt_password, describe_secret, enrol, new_secret
from registry.desk.forms import Refused, read_optional, read_optional_date
from registry.desk.sessions import DESK, confirm_second_factor, end_session, find_by_id, list_sessions
from registry.staff import StaffError, StaffLine
from registry.vault import Vault, VaultError

DONE.update(
    {
        "account-session": "该处登录已经结束。",
        "account-factor": "两步验证已经启用：今后登录须填写验证码。",
        "account-deputy": "代理人已经登记。",
        "account-password": "口令已经修改，请用新口令登录。",
    }
)


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/account` and what is changed there."""
    _add_account(pages, desk)
    _add_second_factor(pages, desk)


def _add_account(pages: Blueprint, desk: Desk) -> None:
    @reads(pages, "/account", Access.SIGNED_IN)
    def account() -> str:
        return _show_account(desk, None)

    @acts(pages, "/account/password", Access.SIGNED_IN)
    def change_password() -> ResponseValue:
        return act(lambda problem: _show_account(desk, problem), lambda: _change_password(desk))

    @acts(pages, "/account/sessions", Access.SIGNED_IN)
    def end_own_session() -> ResponseValue:
        def carry_out() -> str:
            with desk.court.session() as session:
                if not end_session(session, DESK, current().name, request.form.get("session", "")):
                    raise Refused("该处登录已经结束", 409)
            return after("desk.account", "account-session")

        return act(lambda problem: _show_account(desk, problem), carry_out)

    @acts(pages, "/account/deputy", Access.SIGNED_IN)
    def choose_deputy() -> ResponseValue:
        def carry_out() -> str:
            deputy = read_optional(request.form, "deputy", "代理人", most=64)
            until = read_optional_date(request.form, "away_until", "外出至", earliest=desk.today)
            with desk.court.session() as session:
                _refuse_idle_deputy(session, desk, deputy)
                staff.set_deputy(session, current().name, deputy, until, desk.now, current().name)
            return after("desk.account", "account-deputy")

        return act(lambda problem: _show_account(desk, problem), carry_out)


def _add_second_factor(pages: Blueprint, desk: Desk) -> None:
    @reads(pages, "/account/second-factor", Access.SIGNED_IN, endpoint="enrol")
    def begin_enrolling() -> str:
        return _show_enrolling(desk, None)

    @acts(pages, "/account/second-factor", Access.SIGNED_IN)
    def confirm_enrolling() -> ResponseValue:
        return act(lambda problem: _show_enrolling(desk, problem), lambda: _enrol(desk))


def _show_account(desk: Desk, problem: str | None) -> str:
    me = current()
    with desk.court.reading() as session:
        lines = staff.list_staff(session, desk.now)
        sessions = list_sessions(session, DESK, me.name, desk.now)
    return show(
        "account",
        problem,
        me=next(line for line in lines if line.name == me.name),
        colleagues=[line for line in lines if line.active and line.name != me.name and _can_represent(me.role, line)],
        sessions=sessions,
    )


def _can_represent(role: staff.Role, colleague: StaffLine) -> bool:
    """A deputy keeps the own role: only who may do what is to be done is offered."""
    return colleague.role is role or (role is staff.Role.CLERK and colleague.role is staff.Role.REVIEWER)


def _refuse_idle_deputy(session: Session, desk: Desk, deputy: str | None) -> None:
    known = {line.name: line for line in staff.list_staff(session, desk.now)}
    if deputy is not None and (deputy not in known or not _can_represent(current().role, known[deputy])):
        raise StaffError("代理人须能办理您的事项：书记员由书记员或者审核人代理，其他人由同一角色的人代理")


def _change_password(desk: Desk) -> str:
    me, form = current(), request.form
    if form.get("new", "") != form.get("again", ""):
        raise Refused("两次输入的新口令不一致")
    if form.get("new", "") == form.get("password", ""):
        raise Refused("新口令不能与原口令相同")
    if not attempt_password(desk.court, me.name, form.get("password", ""), desk.random):
        raise Refused("原口令不对；连续失败 5 次，暂停登录 15 分钟")
    with desk.court.session() as session:
        staff.set_password(session, me.name, form.get("new", ""), desk.now, me.name)
    return url_for("desk.sign_in", done="account-password")


def _show_enrolling(desk: Desk, problem: str | None) -> str:
    me = current()
    with desk.court.reading() as session:
        line = next(one for one in staff.list_staff(session, desk.now) if one.name == me.name)
    if line.has_second_factor:
        return show("second_factor", problem, has_one=True)
    secret = new_secret(desk.random)
    address = describe_secret(secret, me.name, desk.court.profile().court or "失信名单管理")
    picture = segno.make(address, error="m").svg_inline(scale=5, border=4, dark="#000", light="#fff", omitsize=True)
    return show(
        "second_factor",
        problem,
        has_one=False,
        required=desk.rules.second_factor,
        # Made of black squares; nothing of it was typed.
        picture=Markup(picture),  # noqa: S704
        words=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        kept=_keep(desk.court.vault, secret),
    )


def _enrol(desk: Desk) -> str:
    me, form = current(), request.form
    secret = _read_kept(desk.court.vault, form.get("kept", ""))
    if not attempt_password(desk.court, me.name, form.get("password", ""), desk.random):
        raise Refused("口令不对；连续失败 5 次，暂停登录 15 分钟")
    with desk.court.session() as session:
        if not enrol(session, desk.court.vault, me.name, secret, form.get("code", "")[:20], desk.now):
            raise Refused("验证码不对：请用手机验证器重新扫描下面的图案，填写当时显示的 6 位数字")
        line = find_by_id(session, DESK, me.session)
        staff.end_sessions(session, me.name, but=me.session)
        if line is not None:
            confirm_second_factor(session, line)
    return after("desk.account", "account-factor")


def _keep(vault: Vault, secret: str) -> str:
    """A secret that is not agreed yet, sealed for the form of this session."""
    sealed = vault.seal({"secret": secret}, f"enrolling {current().session}")
    return urlsafe_b64encode(sealed).decode()


def _read_kept(vault: Vault, kept: str) -> str:
    try:
        values = vault.open(urlsafe_b64decode(kept.encode("ascii", "replace")), f"enrolling {current().session}")
    except (VaultError, NotBase64, ValueError):
        raise Refused("页面已经失效，请重新扫描") from None
    return str(values["secret"])
