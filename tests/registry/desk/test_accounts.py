"""The own account, and what an administrator changes of those of others."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask import Flask
from homes import Home
from seats import PASSWORD, Seat, find_token, plain
from sqlalchemy import select

from gongshi.court import Court
from gongshi.desk import create_desk
from registry import staff
from registry.staff import Role, StaffError, StaffLine
from registry.tables import AuditRow, StaffRow

NEW = "another-long-password"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def line_of(court: Court, name: str) -> StaffLine:
    with court.reading() as session:
        return next(line for line in staff.list_staff(session, court.now) if line.name == name)


def noted(court: Court, action: str) -> list[tuple[str, object]]:
    with court.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.action == action).order_by(AuditRow.id))
        return [(row.actor, row.detail.get("name")) for row in rows]


def test_a_password_is_changed_by_its_owner_who_signs_in_anew_everywhere(
    desk_client: Callable[[str], Seat], desk_app: Flask, court: Court
) -> None:
    seat, elsewhere = desk_client("clerk"), desk_client("clerk")
    words = seat.done("/account", "/account/password", password=PASSWORD, new=NEW, again=NEW)
    assert "请用新口令登录" in words
    assert elsewhere.ask("/").status_code == 302
    assert Seat(desk_app.test_client()).sign_in("clerk").status_code == 400
    assert Seat(desk_app.test_client()).sign_in("clerk", NEW).status_code == 303
    assert ("clerk", "clerk") in noted(court, "user_password")


UNFIT: tuple[tuple[dict[str, str], str], ...] = (
    ({"password": "wrong-password"}, "原口令不对"),
    ({"again": "something-else"}, "不一致"),
    ({"new": "short", "again": "short"}, "至少 8 个字符"),
    ({"new": PASSWORD, "again": PASSWORD}, "不能与原口令相同"),
    ({"new": "x" * 300, "again": "x" * 300}, "不能超过"),
)


def test_a_password_that_is_not_to_be_is_refused(desk_client: Callable[[str], Seat], desk_app: Flask) -> None:
    seat = desk_client("clerk")
    for fields, said in UNFIT:
        given = {"password": PASSWORD, "new": NEW, "again": NEW, **fields}
        answer = seat.submit("/account", "/account/password", **given)
        assert (answer.status_code, said in plain(answer.text)) == (400, True)
        for typed in given.values():
            assert f'value="{typed}"' not in answer.text
    assert Seat(desk_app.test_client()).sign_in("clerk").status_code == 303


def test_who_holds_a_session_cannot_guess_the_password_with_it(
    desk_client: Callable[[str], Seat], court: Court
) -> None:
    seat = desk_client("clerk")
    for _ in range(5):
        seat.refused("/account", "/account/password", password="wrong-password", new=NEW, again=NEW)
    assert "原口令不对" in seat.refused("/account", "/account/password", password=PASSWORD, new=NEW, again=NEW)
    assert line_of(court, "clerk").locked_until is not None


@pytest.mark.parametrize("how", ["added", "reset", "added by the machine", "reset by the machine"])
def test_a_password_that_somebody_else_has_set_is_changed_before_anything_else(
    desk_client: Callable[[str], Seat], desk_app: Flask, home: Home, how: str
) -> None:
    """Two people who know a password are no second pair of eyes."""
    name = "second" if "reset" in how else "newcomer"
    given = "given-by-another"
    if "machine" in how:
        arguments = ("reset", name) if "reset" in how else ("add", name, "--role", "reviewer")
        assert home.run("user", *arguments, typed=f"{given}\n").code == 0
    elif how == "reset":
        desk_client("admin").done("/staff", "/staff/change", name=name, what="password", password=given)
    else:
        desk_client("admin").done("/staff", "/staff/add", name=name, role="reviewer", password=given)
    seat = Seat(desk_app.test_client())
    assert seat.sign_in(name, given).status_code == 303
    for address in ("/", "/work/approving", "/runs", "/account/second-factor", "/import"):
        answer = seat.ask(address)
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/account"), address
    page = seat.read("/account")
    assert "口令是别人设定的" in page
    assert 'action="/account/deputy"' not in page
    assert "主要栏目" not in page, "there is nowhere to go to"
    # Nor by a form: one that is made of this session's own token, sent to another address.
    for action in ("/account/deputy", "/account/sessions", "/matters/new", "/account/second-factor"):
        answer = seat.post(action, token=find_token(page, "/account/password"), deputy="reviewer")
        assert (answer.status_code, answer.headers.get("Location")) == (303, "/account"), action
    same = {"password": given, "new": given, "again": given}
    assert "不能与原口令相同" in seat.refused("/account", "/account/password", **same)
    assert "修改" in seat.done("/account", "/account/password", password=given, new=NEW, again=NEW)
    again = Seat(desk_app.test_client())
    assert again.sign_in(name, given).status_code == 400
    assert again.sign_in(name, NEW).status_code == 303
    assert again.ask("/").status_code == 200
    assert again.ask("/work/approving").status_code == 200


def test_whose_password_was_reset_may_sign_out_instead(desk_app: Flask, home: Home, court: Court) -> None:
    assert home.run("user", "reset", "clerk", typed="given-by-another\n").code == 0
    seat = Seat(desk_app.test_client())
    seat.sign_in("clerk", "given-by-another")
    assert "已经退出登录" in seat.done("/account", "/signout")


def test_where_a_second_factor_is_required_the_password_comes_first(
    court: Court, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else whoever has set the password would enrol a factor of their own and keep the account."""
    monkeypatch.setenv("GONGSHI_DESK_SECOND_FACTOR", "required")
    app = create_desk(home.court)
    assert home.run("user", "reset", "reviewer", typed="given-by-another\n").code == 0
    seat = Seat(app.test_client())
    seat.sign_in("reviewer", "given-by-another")
    assert seat.ask("/account/second-factor").headers["Location"] == "/account"
    seat.done("/account", "/account/password", password="given-by-another", new=NEW, again=NEW)
    assert seat.sign_in("reviewer", NEW).status_code == 303
    assert seat.ask("/").headers["Location"] == "/account/second-factor"


def test_a_name_that_the_audit_trail_gives_to_something_else_is_nobodys(court: Court) -> None:
    for name in ("unit:housing1", "UNIT:x", "unit：x", "os:root", "gongshi", "Gongshi", "unknown"):
        with court.session() as session, pytest.raises(StaffError, match="用户名不能是"):
            staff.add(session, name, Role.CLERK, PASSWORD, court.now, "admin")
    with court.session() as session:
        staff.add(session, "united", Role.CLERK, PASSWORD, court.now, "admin")


def test_two_accounts_are_told_apart_by_the_eye(court: Court) -> None:
    for name in ("Reviewer", "ｒｅｖｉｅｗｅｒ", "REVIEWER", "reviewer"):
        with court.session() as session, pytest.raises(StaffError, match=r"容易混淆|已存在"):
            staff.add(session, name, Role.REVIEWER, PASSWORD, court.now, "admin")
    for unseen in ("reviewer\ufe0f", "reviewer\u3164", "\u034freviewer", "re\u200bviewer"):
        with court.session() as session, pytest.raises(StaffError, match="可见字符"):
            staff.add(session, unseen, Role.REVIEWER, PASSWORD, court.now, "admin")
    with court.session() as session:
        staff.add(session, "reviewer2", Role.REVIEWER, PASSWORD, court.now, "admin")


def test_a_password_is_not_the_name(court: Court) -> None:
    with court.session() as session, pytest.raises(StaffError, match="不能与用户名相同"):
        staff.add(session, "wangxiaoming", Role.CLERK, "WangXiaoMing", court.now, "admin")


def test_the_places_where_one_is_signed_in_are_ended_one_by_one(
    desk_client: Callable[[str], Seat], court: Court
) -> None:
    here, there, others = desk_client("clerk"), desk_client("clerk"), desk_client("reviewer")
    page = here.read("/account")
    assert page.count("本次登录") == 1
    found = re.findall(r'name="session" value="([0-9a-f]{64})"', page)
    assert len(found) == 1
    # Nobody ends a session that is not their own.
    refused = others.read("/account")
    assert found[0] not in refused
    here.done("/account", "/account/sessions", session=found[0])
    assert there.ask("/").status_code == 302
    assert here.ask("/").status_code == 200
    assert others.ask("/").status_code == 200


def test_nobody_ends_somebody_elses_session(desk_client: Callable[[str], Seat]) -> None:
    clerk, second = desk_client("clerk"), desk_client("clerk")
    identity = re.findall(r'name="session" value="([0-9a-f]{64})"', clerk.read("/account"))[0]
    reviewer, also = desk_client("reviewer"), desk_client("reviewer")
    assert "已经结束" in reviewer.refused("/account", "/account/sessions", session=identity)
    assert second.ask("/").status_code == 200
    assert also.ask("/").status_code == 200


def test_a_deputy_is_somebody_who_can_do_the_work(desk_client: Callable[[str], Seat], court: Court) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    until = date(2026, 12, 1)
    clerk.done("/account", "/account/deputy", deputy="reviewer", away_until=until.isoformat())
    assert (line_of(court, "clerk").deputy, line_of(court, "clerk").away_until) == ("reviewer", until)
    assert "我代理 clerk" in reviewer.words("/account")
    for wrong in ("clerk", "auditor", "nobody"):
        assert "代理人" in reviewer.refused("/account", "/account/deputy", deputy=wrong)
    assert "外出期间须有代理人" in reviewer.refused("/account", "/account/deputy", away_until=until.isoformat())
    assert "不能早于" in reviewer.refused("/account", "/account/deputy", deputy="second", away_until="2020-01-01")
    assert "应为日期" in reviewer.refused("/account", "/account/deputy", deputy="second", away_until="tomorrow")


def test_a_deputy_gets_no_more_rights_than_the_own_role_has(desk_client: Callable[[str], Seat], court: Court) -> None:
    with court.session() as session:
        staff.set_deputy(session, "reviewer", "clerk", None, court.now, "admin")
        staff.set_deputy(session, "second", "admin", None, court.now, "admin")
    assert desk_client("clerk").ask("/articles/clarification").status_code == 403
    admin = desk_client("admin")
    for address in ("/work", "/records/1", "/matters", "/import"):
        assert admin.ask(address).status_code == 403


def test_an_administrator_adds_changes_and_disables_accounts(
    desk_client: Callable[[str], Seat], desk_app: Flask, court: Court
) -> None:
    admin = desk_client("admin")
    assert "账户已经建立" in admin.done("/staff", "/staff/add", name="新书记员", role="clerk", password=PASSWORD)
    seat = Seat(desk_app.test_client())
    assert seat.sign_in("新书记员").status_code == 303
    admin.done("/staff", "/staff/change", name="新书记员", what="role", role="reviewer")
    assert seat.ask("/").status_code == 302
    assert line_of(court, "新书记员").role is Role.REVIEWER
    admin.done("/staff", "/staff/change", name="新书记员", what="password", password=NEW)
    assert Seat(desk_app.test_client()).sign_in("新书记员", NEW).status_code == 303
    admin.done("/staff", "/staff/deputy", name="新书记员", deputy="second")
    assert line_of(court, "新书记员").deputy == "second"
    admin.done("/staff", "/staff/change", name="新书记员", what="disable")
    assert Seat(desk_app.test_client()).sign_in("新书记员", NEW).status_code == 400
    assert "已停用" in admin.words("/staff")
    admin.done("/staff", "/staff/change", name="新书记员", what="enable")
    assert Seat(desk_app.test_client()).sign_in("新书记员", NEW).status_code == 303
    for action in ("user_add", "user_role", "user_password", "user_deputy", "user_disable", "user_enable"):
        assert ("admin", "新书记员") in noted(court, action), action


REFUSED: tuple[tuple[str, dict[str, str], str], ...] = (
    ("/staff/add", {"name": "clerk", "role": "clerk", "password": PASSWORD}, "已存在"),
    ("/staff/add", {"name": "新人", "role": "judge", "password": PASSWORD}, "请选择角色"),
    ("/staff/add", {"name": "", "role": "clerk", "password": PASSWORD}, "请填写用户名"),
    ("/staff/add", {"name": "新人", "role": "clerk", "password": "short"}, "至少 8 个字符"),
    ("/staff/add", {"name": "新" * 65, "role": "clerk", "password": PASSWORD}, "不能超过64个字"),
    ("/staff/change", {"name": "nobody", "what": "disable"}, "没有用户"),
    ("/staff/change", {"name": "clerk", "what": "delete"}, "请选择要办理的事项"),
    ("/staff/change", {"name": "clerk", "what": "enable"}, "没有停用"),
    ("/staff/change", {"name": "admin", "what": "disable"}, "不能更改或者停用自己"),
    ("/staff/change", {"name": "admin", "what": "role", "role": "clerk"}, "不能更改或者停用自己"),
    ("/staff/change", {"name": "admin", "what": "password", "password": NEW}, "我的账户"),
    ("/staff/change", {"name": "admin", "what": "second_factor"}, "另一名系统管理员"),
    ("/staff/deputy", {"name": "clerk", "deputy": "clerk"}, "不能是本人"),
    ("/staff/deputy", {"name": "clerk", "deputy": "nobody"}, "没有用户"),
)


def test_what_an_administrator_cannot_do_is_said(desk_client: Callable[[str], Seat], court: Court) -> None:
    admin = desk_client("admin")
    with court.reading() as session:
        before = staff.list_staff(session, court.now)
    for action, fields, said in REFUSED:
        # The page has no form for the own account: what is sent all the same is refused, too.
        assert said in admin.refused("/staff", action, **fields)
    with court.reading() as session:
        assert staff.list_staff(session, court.now) == before


def test_a_name_that_is_markup_is_a_name_on_every_page(desk_client: Callable[[str], Seat], desk_app: Flask) -> None:
    name = '"><script>alert(1)</script>&'
    admin = desk_client("admin")
    admin.done("/staff", "/staff/add", name=name, role="clerk", password=PASSWORD)
    seat = Seat(desk_app.test_client())
    assert seat.sign_in(name).status_code == 303
    seat.done("/account", "/account/password", password=PASSWORD, new=NEW, again=NEW)
    assert seat.sign_in(name, NEW).status_code == 303
    reviewer, auditor = desk_client("reviewer"), desk_client("auditor")
    for who, address in (
        (admin, "/staff"), (seat, "/"), (seat, "/account"), (seat, "/account/second-factor"), (auditor, "/audit"),
        (reviewer, "/account"),
    ):  # fmt: skip
        page = who.read(address)
        assert "<script" not in page
        assert "alert(1)" in page or who is reviewer


def test_no_page_of_the_accounts_has_a_name_in_its_address(desk_client: Callable[[str], Seat]) -> None:
    admin = desk_client("admin")
    for address in ("/staff", "/audit"):
        links = re.findall(r'(?:href|action)="([^"]+)"', admin.read(address))
        assert not [link for link in links if "clerk" in link or "reviewer" in link]


# From the command line -----------------------------------------------------------------------------------------------


def test_the_accounts_are_managed_from_the_machine_itself(home: Home, court: Court) -> None:
    listed = home.ask("user", "list")["users"]
    assert {one["name"]: one["role"] for one in listed}["clerk"] == "clerk"
    home.ask("user", "deputy", "clerk", "reviewer", "--until", "2026-12-01")
    assert (line_of(court, "clerk").deputy, line_of(court, "clerk").away_until) == ("reviewer", date(2026, 12, 1))
    home.ask("user", "deputy", "clerk")
    assert (line_of(court, "clerk").deputy, line_of(court, "clerk").away_until) == (None, None)
    home.ask("user", "disable", "clerk")
    assert not line_of(court, "clerk").active
    refused = home.run("hold", "（2025）测0101执1号", "--basis", "核查", "--as", "clerk")
    assert (refused.code, "已停用" in refused.err) == (2, True)
    home.ask("user", "disable", "clerk", "--enable")
    assert home.run("user", "reset", "clerk", typed=f"{NEW}\n").code == 0
    assert home.run("user", "reset", "clerk", "--second-factor").code == 0
    said = home.run("user", "list").out
    assert "clerk：书记员" in said
    with court.reading() as session:
        actors = set(
            session.scalars(select(AuditRow.actor).where(AuditRow.action.in_(("user_disable", "user_password"))))
        )
    assert all(actor.startswith("os:") for actor in actors)


UNDONE: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("disable", "nobody"), "", "没有用户"),
    (("disable", "clerk", "--enable"), "", "没有停用"),
    (("reset", "clerk"), "short\n", "至少 8 个字符"),
    (("reset", "clerk"), "", "至少 8 个字符"),
    (("deputy", "clerk", "clerk"), "", "不能是本人"),
    (("deputy", "clerk", "--until", "2026-12-01"), "", "须有代理人"),
    (("disable", "admin"), "", "最后一名系统管理员"),
)


def test_what_cannot_be_done_is_one_line(home: Home, court: Court) -> None:
    for arguments, typed, said in UNDONE:
        answer = home.run("user", *arguments, typed=typed)
        assert (answer.code, said in answer.err, answer.err.count("\n")) == (2, True, 1)


def test_a_lock_that_is_over_is_not_shown(home: Home, court: Court) -> None:
    with court.session() as session:
        row = session.get_one(StaffRow, "clerk")
        row.locked_until = court.now + timedelta(minutes=1)
    assert "暂停登录" in home.run("user", "list").out
    home.clock.advance(minutes=2)
    assert "暂停登录" not in home.run("user", "list").out
