"""The units of joint punishment: registering them, their accounts, the quarter, and the sheets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from gongshi.cli import fail
from gongshi.commands.common import acting, as_json, command, open_court, report, sign
from gongshi.commands.measures import measure
from gongshi.commands.unit_keys import key
from gongshi.court import Court
from registry.acting import Acting
from registry.staff import Role
from registry.tables import StaffRow, UnitAccountRow, UnitRow
from registry.units.accounts import PASSWORD, TOKEN, add_account, list_accounts, renew_account, retire_account
from registry.units.feedback import list_owed, open_due_quarter, open_quarter
from registry.units.liaisons import set_liaison
from registry.units.quarters import Quarter
from registry.units.sheets import build_assessment, quarters_of, select_units
from registry.units.units import (
    Receives,
    Unit,
    UnitFacts,
    add_unit,
    ask_receives,
    change_unit,
    decide_receives,
    get_unit,
    list_units,
    needs_second,
    set_active,
    to_unit,
)
from registry.units.words import UnitError

Found = TypeVar("Found")
_RULE = "unit"
slug_argument = click.argument("slug", metavar="代号")


@click.group(short_help="管理联合惩戒单位。")
def unit() -> None:
    """管理联合惩戒单位：登记、账户、惩戒措施清单、季度反馈和考核表。"""


def _work(court: Court, actor: str, decide: Callable[[Session, Acting], Found]) -> Found:
    """Carry out what `decide` does in one transaction, ahead of bulk work."""
    with court.turns.go_ahead(), court.session() as session:
        return decide(session, court.acting(actor))


@unit.command("add", short_help="登记联合惩戒单位。")
@slug_argument
@click.option("--name", required=True, metavar="名称", help="单位名称。")
@click.option("--department", metavar="部门", help="责任部门。")
@click.option("--leading", is_flag=True, help="领导小组成员，由审核人登记。")
@click.option("--recipient", metavar="代号", help="在 gongshi recipient 中登记的接收代号，由审核人登记。")
@click.option("--push", is_flag=True, help="接收名单推送。")
@click.option("--releases", is_flag=True, help="接收退出通知。")
@click.option("--restricted", is_flag=True, help="接收依法不宜公开的信息，须另一名审核人同意。")
@click.option("--feedback", is_flag=True, help="每季度反馈。")
@click.option("--basis", metavar="依据", help="接收的依据：文件名称和条款。")
@acting
@as_json
@command
def add(
    slug: str,
    name: str,
    department: str | None,
    leading: bool,
    recipient: str | None,
    push: bool,
    releases: bool,
    restricted: bool,
    feedback: bool,
    basis: str | None,
    actor: str,
    as_json: bool,
) -> int:
    """登记联合惩戒单位。由书记员登记的，接收事项由审核人决定；依法不宜公开的信息，须另一名审核人同意。"""
    court = open_court()
    wanted = Receives(push=push, releases=releases, restricted=restricted, feedback=feedback)
    if wanted != Receives() and basis is None:
        return fail("接收名单、通知或者要求反馈的，请用 --basis 写明依据", _RULE, as_json, end="未登记")
    facts = UnitFacts(name=name, department=department, leading=leading, recipient=recipient)
    is_reviewer = _sign_as_reviewer(court, actor)

    def decide(session: Session, who: Acting) -> Unit:
        row = add_unit(session, slug, facts, who, reviews=is_reviewer)
        if wanted != Receives():
            ask_receives(session, row, wanted, basis or "", who)
            if is_reviewer and not needs_second(row):
                decide_receives(session, row, True, who)
        return to_unit(row)

    found = _work(court, actor, decide)
    waiting = "；接收事项等待审核人决定" if found.asked is not None else ""
    text = f"已登记“{found.name}”（{found.slug}）：接收{found.receives.words}{waiting}"
    report(as_json, _describe(found), text)
    return 0


@unit.command("change", short_help="更改单位名称、责任部门或者接收代号。")
@slug_argument
@click.option("--name", metavar="名称", help="单位名称。")
@click.option("--department", metavar="部门", help="责任部门；空的表示没有。")
@click.option("--recipient", metavar="代号", help="接收代号；空的表示没有。")
@acting
@as_json
@command
def change(
    slug: str, name: str | None, department: str | None, recipient: str | None, actor: str, as_json: bool
) -> int:
    """更改单位名称、责任部门或者接收代号；没有写的不变。接收代号由审核人更改。"""
    court = open_court()
    is_reviewer = _sign_as_reviewer(court, actor)

    def decide(session: Session, who: Acting) -> Unit:
        row = get_unit(session, slug, lock=True)
        old = to_unit(row).facts
        facts = UnitFacts(
            name=old.name if name is None else name,
            department=old.department if department is None else department,
            leading=old.leading,
            recipient=old.recipient if recipient is None else recipient,
        )
        change_unit(session, row, facts, who, reviews=is_reviewer)
        return to_unit(row)

    found = _work(court, actor, decide)
    report(as_json, _describe(found), f"已更改“{found.name}”（{found.slug}）")
    return 0


@unit.command("decide", short_help="决定单位接收什么。")
@slug_argument
@click.option("--agree/--decline", "agreed", required=True, help="同意或者不同意提出的接收事项。")
@acting
@as_json
@command
def decide_(slug: str, agreed: bool, actor: str, as_json: bool) -> int:
    """由审核人决定单位接收什么；依法不宜公开的信息，提出的人不能自己同意。"""
    court = open_court()
    sign(court, actor, Role.REVIEWER)

    def decide(session: Session, who: Acting) -> Unit:
        row = get_unit(session, slug, lock=True)
        decide_receives(session, row, agreed, who)
        return to_unit(row)

    found = _work(court, actor, decide)
    report(as_json, _describe(found), f"“{found.name}”现在接收：{found.receives.words}")
    return 0


@unit.command("retire", short_help="停用单位。")
@slug_argument
@click.option("--basis", required=True, metavar="依据", help="停用的依据。")
@acting
@as_json
@command
def retire(slug: str, basis: str, actor: str, as_json: bool) -> int:
    """停用单位：不再推送、不再要求反馈、不能登录；它收到过的条目退出时仍然通知它。"""
    court = open_court()
    sign(court, actor, Role.REVIEWER)

    def decide(session: Session, who: Acting) -> Unit:
        row = get_unit(session, slug, lock=True)
        set_active(session, row, False, basis, who)
        return to_unit(row)

    found = _work(court, actor, decide)
    report(as_json, _describe(found), f"“{found.name}”已停用")
    return 0


@unit.command("list", short_help="列出单位和逾期的反馈。")
@as_json
@command
def list_(as_json: bool) -> int:
    """列出单位、接收事项和逾期的反馈。不显示联络员、口令和令牌。"""
    court = open_court()
    with court.reading() as session:
        units = list_units(session)
        owed = list_owed(session, court.acting(""))
    overdue = {one.unit_id: str(one.quarter) for one in reversed(owed) if one.is_overdue}
    rows = [{**_describe(one), "overdue": overdue.get(one.id)} for one in units]
    lines = [_to_line(one, overdue.get(one.id)) for one in units] or ["没有登记联合惩戒单位"]
    report(as_json, {"units": rows}, "\n".join(lines))
    return 0


@unit.command("liaison", short_help="登记联络员。")
@slug_argument
@click.option("--name", required=True, metavar="姓名", help="联络员姓名。")
@click.option("--phone", default="", metavar="号码", help="联络电话。")
@click.option("--mail", default="", metavar="邮箱", help="电子邮箱。")
@acting
@as_json
@command
def liaison(slug: str, name: str, phone: str, mail: str, actor: str, as_json: bool) -> int:
    """登记单位的联络员，自今天起；以前的联络员留在历史中。"""
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER)

    def decide(session: Session, who: Acting) -> None:
        row = get_unit(session, slug, lock=True)
        set_liaison(session, court.vault, row, name=name, phone=phone, mail=mail, acting=who)

    _work(court, actor, decide)
    report(as_json, {"slug": slug}, f"“{slug}”的联络员已登记")
    return 0


@unit.command("account", short_help="开立、更换或者停用口令账户。")
@slug_argument
@click.argument("account", metavar="账户")
@click.option("--renew", is_flag=True, help="更换口令：旧口令和登录随即失效，账户解锁。")
@click.option("--retire", is_flag=True, help="停用账户。")
@acting
@as_json
@command
def account(slug: str, account: str, renew: bool, retire: bool, actor: str, as_json: bool) -> int:
    """为单位的经办人员开立口令账户。初始口令由系统生成，只显示这一次，14 日内须由本人更改。"""
    return _account(slug, account, PASSWORD, (renew, retire), actor, as_json)


@unit.command("token", short_help="发放、更换或者停用登录令牌。")
@slug_argument
@click.argument("account", metavar="账户")
@click.option("--renew", is_flag=True, help="更换令牌：旧令牌和登录随即失效。")
@click.option("--retire", is_flag=True, help="停用令牌。")
@acting
@as_json
@command
def token(slug: str, account: str, renew: bool, retire: bool, actor: str, as_json: bool) -> int:
    """为单位发放登录令牌，只显示这一次，一年内有效。"""
    return _account(slug, account, TOKEN, (renew, retire), actor, as_json)


def _account(slug: str, name: str, kind: str, changes: tuple[bool, bool], actor: str, machine: bool) -> int:
    renew, retire = changes
    if renew and retire:
        raise click.UsageError("--renew 和 --retire 只能选一个")
    court = open_court()
    sign(court, actor, Role.REVIEWER, Role.ADMIN)

    def decide(session: Session, who: Acting) -> str | None:
        row = get_unit(session, slug, lock=True)
        if not renew and not retire:
            return add_account(session, row, name, kind, court.world.random, who)
        known = _find_account(session, row, name, kind)
        if retire:
            retire_account(session, known, who)
            return None
        return renew_account(session, known, court.world.random, who)

    secret = _work(court, actor, decide)
    what = "口令" if kind == PASSWORD else "令牌"
    text = (
        f"账户“{name}”的{what}（只显示这一次，请当面或者加密交给对方）：{secret}" if secret else f"账户“{name}”已停用"
    )
    report(machine, {"slug": slug, "account": name, "kind": kind, "secret": secret}, text)
    return 0


def _find_account(session: Session, row: UnitRow, name: str, kind: str) -> UnitAccountRow:
    known = next((one for one in list_accounts(session, row.id) if one.name == name and one.kind == kind), None)
    if known is None:
        raise UnitError(f"该单位没有账户“{name}”")
    return session.get_one(UnitAccountRow, known.id)


unit.add_command(measure)
unit.add_command(key)


@unit.command("open-quarter", short_help="开始一个季度的反馈。")
@click.option("--period", metavar="期次", help="例如 2026Q3；不写的，为最近终了的季度。")
@acting
@as_json
@command
def open_quarter_(period: str | None, actor: str, as_json: bool) -> int:
    """为每个须反馈的单位计算一个季度的反馈期限。后台进程每天自动办理，可以重复。"""
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER)

    def decide(session: Session, who: Acting) -> tuple[str, int]:
        if period is None:
            return str(Quarter.before(who.today)), open_due_quarter(session, who)
        quarter = Quarter.parse(period)
        return str(quarter), open_quarter(session, quarter, who)

    name, units = _work(court, actor, decide)
    report(as_json, {"period": name, "units": units}, f"{name}：新计算 {units} 个单位的反馈期限")
    return 0


@unit.command("sheet", short_help="生成考核表（XLSX）。")
@click.argument("slug", metavar="[代号]", required=False)
@click.option("--year", type=int, metavar="年份", help="哪一年；不写的，为今年。")
@click.option(
    "--out", required=True, metavar="文件", type=click.Path(dir_okay=False, path_type=Path), help="写到哪里。"
)
@acting
@as_json
@command
def sheet(slug: str | None, year: int | None, out: Path, actor: str, as_json: bool) -> int:
    """按台账生成单位的考核表（XLSX）：推送、确认、反馈、不予同意、仍予以同意、解除。不写代号的，为全部单位。"""
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER, Role.AUDITOR)
    who = court.acting(actor)
    quarters = quarters_of(year if year is not None else who.today.year, who.today)
    with court.reading() as session:
        units = select_units(session, None if slug is None else [get_unit(session, slug).id])
        content = build_assessment(session, units, quarters, who)
    out.write_bytes(content)
    report(as_json, {"file": str(out), "units": len(units)}, f"已写入 {out}：{len(units)} 个单位")
    return 0


def _sign_as_reviewer(court: Court, actor: str) -> bool:
    """Sign as a clerk or a reviewer; whether it is a reviewer. Raises StaffError."""
    sign(court, actor, Role.CLERK, Role.REVIEWER)
    with court.reading() as session:
        row = session.get(StaffRow, actor)
        return row is not None and row.role == Role.REVIEWER.value


def _describe(one: Unit) -> dict[str, Any]:
    return {
        "id": one.id,
        "slug": one.slug,
        "name": one.name,
        "department": one.facts.department,
        "leading": one.facts.leading,
        "recipient": one.facts.recipient,
        "basis": one.basis,
        "receives": {
            "push": one.receives.push,
            "releases": one.receives.releases,
            "restricted": one.receives.restricted,
            "feedback": one.receives.feedback,
        },
        "waiting": one.asked is not None,
        "active": one.active,
    }


def _to_line(one: Unit, overdue: str | None) -> str:
    marks = "，领导小组成员" if one.facts.leading else ""
    state = "" if one.active else "；已停用"
    late = f"；{overdue}反馈逾期" if overdue else ""
    asked = f"；等待决定：{one.asked.receives.words}" if one.asked else ""
    return f"{one.slug}　{one.name}（接收{one.receives.words}{marks}）{asked}{late}{state}"
