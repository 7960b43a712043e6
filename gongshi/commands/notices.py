"""Private notices: seen before they go, sent on a person's word, and what has become of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import click
from sqlalchemy.orm import Session

from gongshi.cli import fail
from gongshi.commands.common import DAY, acting, as_json, command, open_court, report, sign
from gongshi.court import Court
from gongshi.notices import Told, compose_notice, list_notices, list_stuck, pump_notices
from gongshi.office import open_office
from notifier.notices import NotSendable, Ready, Unset
from notifier.sms.numbers import mask_number
from notifier.sms.segments import measure
from registry.notices import (
    BY_HAND,
    NoticeKind,
    NoticeLine,
    NoticeOutcome,
    NoticeRefused,
    check_by_hand,
    find_same,
    send_by_hand,
)
from registry.record import Record
from registry.records import get_row, read_record
from registry.staff import Role
from registry.tables import RecordRow

_PRICE = re.compile(r"\d{1,3}(\.\d{1,4})?")


@click.group(short_help="以短信告知被执行人、申请执行人。")
def notice() -> None:
    """以短信告知被执行人、申请执行人。短信不写姓名、金额和证件号码，也不是送达；依法不宜公开的，一律不发。"""


@notice.command("send", short_help="预览或者发送一条告知。")
@click.argument("record", metavar="记录编号或案号")
@click.option(
    "--kind",
    required=True,
    type=click.Choice([kind.value for kind in BY_HAND]),
    help="risk 失信风险提示，served 决定书送达告知（均给被执行人），confirm 请申请执行人确认履行情况。",
)
@click.option("--due", type=DAY, help="请申请执行人确认的最后日期（--kind confirm 须写明）。")
@click.option("--preview", is_flag=True, help="只显示文字、条数和费用，不发送。")
@click.option("--again", is_flag=True, help="同样的告知已经发送过，仍再发一次。")
@click.option("--price", envvar="GONGSHI_SMS_PRICE", metavar="元", help="每条短信的单价，用于显示费用。")
@acting
@as_json
@command
def send(
    record: str,
    kind: str,
    due: datetime | None,
    preview: bool,
    again: bool,
    price: str | None,
    actor: str,
    as_json: bool,
) -> int:
    """预览或者发送一条告知。同样的告知只发一次；移出名单和已办理的告知由系统随退出自动发送。"""
    cost_of_one = _read_price(price)
    court = open_court()
    sign(court, actor, Role.CLERK, Role.REVIEWER)
    asked = _Asked(NoticeKind(kind), due.date() if due else None, actor, again=again)
    try:
        if preview:
            with court.session() as session:
                return _show(_prepare(court, session, record, asked), cost_of_one, as_json)
        return _send(court, record, asked, as_json)
    except NoticeRefused as refused:
        return fail(str(refused), "notice", as_json)


@notice.command("list", short_help="告知的办理情况；不写记录的，列出不能发送的。")
@click.argument("record", metavar="[记录编号或案号]", required=False)
@as_json
@command
def list_(record: str | None, as_json: bool) -> int:
    """一条记录的各项告知办到哪一步；不写记录的，列出所有不能发送、须另行告知的。"""
    court = open_court()
    if record is None:
        stuck = list_stuck(court)
        found = [_line_json(line) for line in stuck]
        lines = [f"{line.record} {line.kind.label}：{line.reason}" for line in stuck]
        report(as_json, {"stuck": found}, "\n".join(lines) or "没有不能发送的告知")
        return 0
    with court.session() as session:
        row_id = get_row(session, record).id
    told = list_notices(court, open_office(court), row_id)
    lines = [f"{one.line.id} {one.line.kind.label}：{one.words}{_detail(one)}" for one in told]
    report(as_json, {"notices": [_told_json(one) for one in told]}, "\n".join(lines) or "该记录没有告知")
    return 0


@dataclass(frozen=True, slots=True)
class _Asked:
    kind: NoticeKind
    due: date | None
    actor: str
    again: bool


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A notice that may go: for which record, of which day, and what it says to which number."""

    row: RecordRow
    record: Record
    kind: NoticeKind
    day: date | None
    ready: Ready


def _prepare(court: Court, session: Session, reference: str, asked: _Asked) -> _Prepared:
    """Raises NoticeRefused where it may not or cannot go."""
    row = get_row(session, reference)
    record = read_record(row, court.vault)
    day = check_by_hand(record, asked.kind, asked.due, court.today)
    match compose_notice(asked.kind, record, day, court.profile(), court.today):
        case Ready() as ready:
            return _Prepared(row, record, asked.kind, day, ready)
        case NotSendable(reason=reason) | Unset(reason=reason):
            raise NoticeRefused(reason)


def _show(prepared: _Prepared, price: Decimal | None, as_json: bool) -> int:
    text = prepared.ready.content.text
    length, to = measure(text), mask_number(prepared.ready.address)
    cost = None if price is None else length.cost(price)
    found = {
        "kind": prepared.kind.value,
        "to": to,
        "text": text,
        "characters": length.characters,
        "segments": length.segments,
        "cost": None if cost is None else str(cost),
    }
    paid = "没有设置单价（--price 或 GONGSHI_SMS_PRICE）" if cost is None else f"费用 {cost} 元"
    report(as_json, found, f"发往 {to}\n{text}\n共 {length.characters} 字，按 {length.segments} 条计，{paid}；没有发送")
    return 0


def _send(court: Court, reference: str, asked: _Asked, as_json: bool) -> int:
    office = open_office(court)
    with court.turns.go_ahead(), court.session() as session:
        prepared = _prepare(court, session, reference, asked)
        same = None if asked.again else find_same(session, prepared.row.id, asked.kind, prepared.day)
        row_id = prepared.row.id
        number = same if same is not None else _write(session, prepared, asked, court.now)
    pump_notices(court, office, court.now)
    told = next(one for one in list_notices(court, office, row_id) if one.line.id == number)
    before = "此前已经登记，没有再发：" if same is not None else ""
    report(
        as_json,
        {**_told_json(told), "known": same is not None},
        f"{before}{told.line.kind.label}，第 {number} 号：{told.words}{_detail(told)}",
    )
    # What was ready a moment ago may have been taken back by what somebody else wrote down meanwhile.
    return 0 if told.line.outcome is NoticeOutcome.QUEUED else 1


def _write(session: Session, prepared: _Prepared, asked: _Asked, now: datetime) -> int:
    return send_by_hand(session, prepared.row, prepared.record, asked.kind, asked.due, asked.actor, now)


def _read_price(text: str | None) -> Decimal | None:
    if not text:
        return None
    if not _PRICE.fullmatch(text.strip()):
        raise click.UsageError("--price（GONGSHI_SMS_PRICE）应为每条短信的单价，例如 0.05")
    return Decimal(text.strip())


def _detail(told: Told) -> str:
    return f"（{told.detail}）" if told.detail else ""


def _told_json(told: Told) -> dict[str, Any]:
    return {**_line_json(told.line), "state": told.state and told.state.value, "reason": told.detail}


def _line_json(line: NoticeLine) -> dict[str, Any]:
    return {
        "notice": line.id,
        "record": line.record,
        "kind": line.kind.value,
        "day": line.day and line.day.isoformat(),
        "created_at": line.created_at.isoformat(),
        "outcome": line.outcome.value,
        "reason": line.reason,
    }
