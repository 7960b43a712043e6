"""The accounts of the staff, for administrators. A name stands in forms and never in an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import staff
from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after, current, reads, show
from registry.desk.forms import Refused, read_choice, read_line, read_optional, read_optional_date
from registry.staff import ROLE_LABEL, Role

DONE.update(
    {
        "staff-added": "账户已经建立。请把初始口令当面告诉本人；本人登录后须先修改口令。",
        "staff-changed": "账户已经更改，该用户须重新登录。",
        "staff-deputy": "代理人已经登记。",
    }
)
_MOST_NAME = 64


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/staff` and what an administrator changes there."""

    @reads(pages, "/staff", Access.ADMIN, endpoint="staff")
    def list_accounts() -> str:
        return _show(desk, None)

    @acts(pages, "/staff/add", Access.ADMIN)
    def add_staff() -> ResponseValue:
        def carry_out() -> str:
            name = read_line(request.form, "name", "用户名", most=_MOST_NAME)
            role = read_choice(request.form, "role", Role, "角色")
            with desk.court.session() as session:
                staff.add(session, name, role, request.form.get("password", ""), desk.now, current().name)
            return after("desk.staff", "staff-added")

        return act(lambda problem: _show(desk, problem), carry_out)

    @acts(pages, "/staff/change", Access.ADMIN)
    def change_staff() -> ResponseValue:
        def carry_out() -> str:
            name = read_line(request.form, "name", "用户名", most=_MOST_NAME)
            change = _CHANGES.get(request.form.get("what", ""))
            if change is None:
                raise Refused("请选择要办理的事项")
            with desk.court.session() as session:
                change(session, desk, name)
            return after("desk.staff", "staff-changed")

        return act(lambda problem: _show(desk, problem), carry_out)

    @acts(pages, "/staff/deputy", Access.ADMIN)
    def assign_deputy() -> ResponseValue:
        def carry_out() -> str:
            name = read_line(request.form, "name", "用户名", most=_MOST_NAME)
            deputy = read_optional(request.form, "deputy", "代理人", most=_MOST_NAME)
            until = read_optional_date(request.form, "away_until", "外出至", earliest=desk.today)
            with desk.court.session() as session:
                staff.set_deputy(session, name, deputy, until, desk.now, current().name)
            return after("desk.staff", "staff-deputy")

        return act(lambda problem: _show(desk, problem), carry_out)


def _show(desk: Desk, problem: str | None) -> str:
    with desk.court.reading() as session:
        lines = staff.list_staff(session, desk.now)
    return show("staff", problem, lines=lines, roles=[(role.value, label) for role, label in ROLE_LABEL.items()])


def _set_role(session: Session, desk: Desk, name: str) -> None:
    staff.set_role(session, name, read_choice(request.form, "role", Role, "角色"), desk.now, current().name)


def _set_password(session: Session, desk: Desk, name: str) -> None:
    if name == current().name:
        raise Refused("自己的口令在“我的账户”中修改")
    staff.set_password(session, name, request.form.get("password", ""), desk.now, current().name)


_CHANGES: Mapping[str, Callable[[Session, Desk, str], None]] = {
    "role": _set_role,
    "password": _set_password,
    "second_factor": lambda session, desk, name: _forget_second_factor(session, desk, name),
    "unlock": lambda session, desk, name: staff.unlock(session, name, desk.now, current().name),
    "disable": lambda session, desk, name: staff.disable(session, name, desk.now, current().name),
    "enable": lambda session, desk, name: staff.enable(session, name, desk.now, current().name),
}


def _forget_second_factor(session: Session, desk: Desk, name: str) -> None:
    if name == current().name:
        raise Refused("自己的两步验证由另一名系统管理员重置")
    staff.reset_second_factor(session, name, desk.now, current().name)
