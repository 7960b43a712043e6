"""Grounds to take a name down that became known: recorded before they are decided, so that the clock runs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from gongshi.commands.common import DAY, acting, as_json, command, day, open_court, report, sign
from registry.grounds import GROUND_LABEL, GroundLine, dismiss_ground, find_ground, list_grounds, record_ground
from registry.records import get_row
from registry.staff import Role
from registry.watch import act_on_due
from search_index.journal import EntryChange

record_argument = click.argument("record", metavar="记录编号或案号")


@click.group(short_help="登记、查看、驳回待决定的退出事由。")
def ground() -> None:
    """退出事由一经登记，期限即从发生或者知悉之日起算；到期仍未决定的，系统自行屏蔽该条目。"""


@ground.command("add", short_help="登记一项退出事由。")
@record_argument
@click.option("--ground", required=True, type=click.Choice(list(GROUND_LABEL)), help="事由。")
@click.option("--basis", required=True, metavar="依据", help="依据的文书名称和文号，或者来源。")
@click.option("--arose", type=DAY, help="事由发生之日，默认今天。")
@click.option("--known", type=DAY, help="法院知悉之日，默认与发生之日相同。")
@acting
@as_json
@command
def add(
    record: str, ground: str, basis: str, arose: datetime | None, known: datetime | None, actor: str, as_json: bool
) -> int:
    """登记一项退出事由。期限已过的，以及未成年人、被执行人死亡的，命令返回时已经屏蔽。"""
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER)
    arose_on = day(arose, day(known, court.today))
    known_on = day(known, arose_on)
    lines: Sequence[GroundLine] = ()

    def decide(session: Session) -> Sequence[EntryChange]:
        nonlocal lines
        row, now = get_row(session, record), court.acting(actor)
        matter = record_ground(
            session, row, ground=ground, basis=basis, arose_on=arose_on, known_on=known_on, acting=now
        )
        changes = act_on_due(session, now, record=row.id)
        lines = [line for line in list_grounds(session, record=row.id) if line.matter == matter.id]
        return changes

    court.amend(decide)
    line = lines[0]
    text = f"{line.record}：已登记“{line.label}”，决定期限至 {line.due_text}（{line.article}）"
    report(as_json, _as_json(line), f"{text}；该条目已先行屏蔽" if line.held else text)
    return 0


@ground.command("list", short_help="查看待决定的退出事由。")
@click.argument("record", metavar="[记录编号或案号]", required=False)
@click.option("--as", "actor", required=True, metavar="姓名", help="以哪个账户查看；查看也有记录。")
@as_json
@command
def list_(record: str | None, actor: str, as_json: bool) -> int:
    """待决定的退出事由，先到期的在前；不指明记录的，列出全部（至多 200 项）。"""
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER, Role.AUDITOR)
    with court.session() as session:
        lines = list_grounds(session, record=get_row(session, record).id if record else None)
    text = "\n".join(_show(line) for line in lines) or "没有待决定的退出事由"
    report(as_json, {"grounds": [_as_json(line) for line in lines]}, text)
    return 0


@ground.command("dismiss", short_help="驳回一项退出事由（须由另一人）。")
@record_argument
@click.option("--ground", type=click.Choice(list(GROUND_LABEL)), help="事由；有几项待决定的须指明。")
@click.option("--reason", required=True, metavar="理由", help="理由和依据的文书。")
@acting
@as_json
@command
def dismiss(record: str, ground: str | None, reason: str, actor: str, as_json: bool) -> int:
    """查明登记的事由不成立。须由登记人以外的审核人办理；已经屏蔽的条目不因此重新显示。"""
    court = open_court()
    sign(court, actor, Role.REVIEWER)
    with court.turns.go_ahead(), court.session() as session:
        row = get_row(session, record)
        matter = find_ground(session, row, ground)
        dismiss_ground(session, matter, reason=reason, acting=court.acting(actor))
        found = {"record": row.number, "matter": matter.id, "ground": matter.ground, "state": row.state}
    report(as_json, found, f"{found['record'] or record}：已驳回登记的退出事由")
    return 0


def _as_json(line: GroundLine) -> dict[str, Any]:
    return {
        "matter": line.matter,
        "record": line.record,
        "ground": line.ground,
        "basis": line.basis,
        "arose": line.arose_on.isoformat(),
        "known": line.known_on.isoformat(),
        "due": line.due.isoformat() if line.due else None,
        "provisional": line.provisional,
        "article": line.article,
        "held": line.held,
    }


def _show(line: GroundLine) -> str:
    held = "，已屏蔽" if line.held else ""
    return f"{line.record}  {line.label}，决定期限至 {line.due_text}（{line.article}）{held}"
