"""Hiding on the portal itself when everything else is down: the codes for the envelopes, and what was hidden with them."""

from __future__ import annotations

from typing import Any

import click

from gongshi.commands.common import acting, as_json, command, open_court, report, sign
from gongshi.emergency import collect_marks
from registry.emergency import EmergencyLine, lift, list_marks, make_codes
from registry.staff import Role
from search_index.day import SHANGHAI

_LETTER = """\
紧急停止显示代码（每个装入一个信封，封口，写明序号和封存日期，由两人签名；分两处保管）
{codes}
什么时候用：网站上有不应公示的信息，而管理系统、发布程序都不能使用。
怎样用：用任何电脑或者手机打开 {address}，输入信封上的代码和信息的编号（SX- 加 8 位），或者选择全部名单。
用了以后：该信息在网站上立即停止显示，直到法院决定。这不是撤销、删除的决定：应当在三个工作日内依法撤销、更正、删除
（法释〔2017〕7号第九条、第十条），并通知已经收到该信息的单位；恢复显示须由两个人办理。用过的代码，请重新制作全部代码。
这些代码只显示这一次；以前的代码从现在起作废。"""


@click.group(short_help="紧急停止显示：制作代码，查看、解除标记。")
def emergency() -> None:
    """管理系统不能使用时，凭信封中的代码在网站上立即停止显示一条或者全部信息。"""


@emergency.command("codes", short_help="制作新的代码（以前的作废）。")
@acting
@as_json
@command
def codes(actor: str, as_json: bool) -> int:
    """制作五个代码，只显示这一次。请打印、封存，不要存在任何电脑上。"""
    court = open_court()
    sign(court, actor, Role.ADMIN)
    with court.session() as session:
        made = make_codes(session, court.acting(actor), court.world.random)
    court.pump.feed()
    address = f"{court.settings.public_url or '本网站'}/emergency"
    report(as_json, {"codes": made, "address": address}, _LETTER.format(codes="\n".join(made), address=address))
    return 0


@emergency.command("list", short_help="查看紧急停止显示的标记。")
@click.option("--all", "everything", is_flag=True, help="也列出已经解除的。")
@click.option("--as", "actor", required=True, metavar="姓名", help="以哪个账户查看；查看也有记录。")
@as_json
@command
def list_(actor: str, everything: bool, as_json: bool) -> int:
    """等候决定的标记，新的在前。每一条都要决定：依法撤下（withdraw、remove、hold），或者由两人解除（lift）。"""
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER, Role.AUDITOR, Role.ADMIN)
    collect_marks(court)
    with court.reading() as session:
        lines = list_marks(session, open_only=not everything)
    text = "\n".join(_show(line) for line in lines) or "没有等候决定的紧急停止显示"
    report(as_json, {"marks": [_as_json(line) for line in lines]}, text)
    return 0


@emergency.command("lift", short_help="解除标记，恢复显示（须由两个人办理）。")
@click.argument("mark", metavar="标记")
@acting
@as_json
@command
def lift_(mark: str, actor: str, as_json: bool) -> int:
    """第一个人办理后登记为待确认；由另一人再办理一次，即恢复显示。"""
    court = open_court()
    sign(court, actor, Role.REVIEWER)
    with court.session() as session:
        line = lift(session, mark, court.acting(actor))
    if line.lifted_at is None:
        report(
            as_json, _as_json(line), f"{_name(line)}：已登记，须由另一位审核人再办理一次 gongshi emergency lift {mark}"
        )
        return 0
    court.pump.feed()
    report(as_json, _as_json(line), f"{_name(line)}：标记已解除，恢复显示")
    return 0


def _name(line: EmergencyLine) -> str:
    return line.record or "全部名单"


def _show(line: EmergencyLine) -> str:
    hidden = f"{line.mark}　{_name(line)}　{line.hidden_at.astimezone(SHANGHAI):%Y-%m-%d %H:%M} 起停止显示（{line.code} 号代码）"
    if line.lifted_at is not None:
        return f"{hidden}　已解除"
    return f"{hidden}　{f'{line.asked_by} 已同意恢复，待另一人' if line.asked_by else '待决定'}"


def _as_json(line: EmergencyLine) -> dict[str, Any]:
    return {
        "mark": line.mark,
        "record": line.record,
        "code": line.code,
        "hidden_at": line.hidden_at.isoformat(),
        "asked_by": line.asked_by,
        "lifted_at": line.lifted_at and line.lifted_at.isoformat(),
        "lifted_by": line.lifted_by,
    }
