"""Taking down, correcting, showing again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

import click
from sqlalchemy.orm import Session

from gongshi.commands.common import DAY, acting, as_json, command, day, open_court, report, sign
from gongshi.court import Court
from registry import departing
from registry.acting import Acting
from registry.approving import note_opened
from registry.correcting import CorrectionRefused, Corrector
from registry.deadlines import add_months
from registry.departing import REMOVAL_GROUNDS, WITHDRAWAL_GROUNDS, Departure, Grounds
from registry.findings import build_excerpts
from registry.lifecycle import STATE_LABEL, Action
from registry.record import State
from registry.records import get_row
from registry.staff import Role, require
from search_index.journal import ChangeType, EntryChange

record_argument = click.argument("record", metavar="记录编号或案号")
basis_option = click.option("--basis", required=True, metavar="依据", help="依据的文书或说明。")
arose_option = click.option("--arose", type=DAY, help="事由发生之日；期限从此起算，默认今天。")
known_option = click.option("--known", type=DAY, help="法院知悉之日，默认与发生之日相同。")


@click.command(short_help="撤销：不应纳入而纳入的。")
@record_argument
@click.option("--ground", required=True, type=click.Choice(list(WITHDRAWAL_GROUNDS)), help="撤销的事由。")
@basis_option
@arose_option
@known_option
@acting
@as_json
@command
def withdraw(
    record: str, ground: str, basis: str, arose: datetime | None, known: datetime | None, actor: str, as_json: bool
) -> int:
    """撤销不应纳入的条目。命令返回时，公众已查不到。"""
    court = open_court()
    sign(court, actor, Role.REVIEWER)
    grounds = _grounds(court, ground, basis, arose, known)
    return _take_down(court, record, Action.WITHDRAW, grounds, actor, as_json)


@click.command(short_help="删除：法定事由使公布终止的。")
@record_argument
@click.option("--ground", required=True, type=click.Choice(list(REMOVAL_GROUNDS)), help="删除的事由。")
@basis_option
@arose_option
@known_option
@click.option("--confirmation", metavar="文书", help="申请执行人的确认或者书面申请（文书名称和日期）。")
@click.option("--query", "queries", multiple=True, type=DAY, help="查控日期，重复写明两次以上（no_property_found）。")
@acting
@as_json
@command
def remove(
    record: str,
    ground: str,
    basis: str,
    arose: datetime | None,
    known: datetime | None,
    confirmation: str | None,
    queries: tuple[datetime, ...],
    actor: str,
    as_json: bool,
) -> int:
    """删除法定事由已使其终止的条目。命令返回时，公众已查不到。"""
    court = open_court()
    sign(court, actor, Role.REVIEWER)
    grounds = replace(
        _grounds(court, ground, basis, arose, known),
        confirmation=confirmation,
        queries=tuple(query.date() for query in queries),
    )
    return _take_down(court, record, Action.REMOVE, grounds, actor, as_json)


@click.command(short_help="屏蔽，或确认、解除屏蔽。")
@record_argument
@click.option("--basis", metavar="依据", default="", help="依据的文书或说明。")
@click.option("--confirm", is_flag=True, help="由另一人确认屏蔽。")
@click.option("--lift", is_flag=True, help="解除屏蔽：一人提出，另一名审核人同意。")
@arose_option
@known_option
@acting
@as_json
@command
def hold(
    record: str,
    basis: str,
    confirm: bool,
    lift: bool,
    arose: datetime | None,
    known: datetime | None,
    actor: str,
    as_json: bool,
) -> int:
    """屏蔽一个条目：任何书记员可单独先行屏蔽，一个工作日内由另一人确认。重新显示须经两人。"""
    court = open_court()
    if confirm and lift:
        raise click.UsageError("--confirm 与 --lift 不能同时使用")
    if lift:
        return _lift(court, record, basis, sign(court, actor, Role.CLERK, Role.REVIEWER), as_json)
    if confirm:
        return _confirm(court, record, sign(court, actor, Role.REVIEWER), as_json)
    sign(court, actor, Role.CLERK, Role.REVIEWER)
    if not basis:
        raise click.UsageError("屏蔽须用 --basis 说明依据")
    return _take_down(court, record, Action.HOLD, _grounds(court, None, basis, arose, known), actor, as_json)


@click.command(short_help="给予宽限期，期内不公布。")
@record_argument
@click.option("--until", type=DAY, help="宽限期的最后一日。")
@click.option("--months", type=click.IntRange(1, 3), help="几个月，从今天起算。")
@basis_option
@acting
@as_json
@command
def grace(record: str, until: datetime | None, months: int | None, basis: str, actor: str, as_json: bool) -> int:
    """给予宽限期（一至三个月，法发〔2019〕35号）：只能在首次公布以前；期满后由 gongshi publish 公布。"""
    court = open_court()
    if (until is None) == (months is None):
        raise click.UsageError("请用 --until 写明最后一日，或者用 --months 写明几个月，只用其一")
    sign(court, actor, Role.REVIEWER)
    act = court.acting(actor)
    last = until.date() if until else add_months(act.today, months or 0)
    with court.turns.go_ahead(), court.session() as session:
        row = get_row(session, record)
        departing.grant_grace(session, row, until=last, basis=basis, acting=act)
    report(as_json, {"record": record, "until": last.isoformat()}, f"{record}：宽限期至 {last.isoformat()}，期内不公布")
    return 0


@click.command(short_help="更正不准确的信息。")
@record_argument
@click.option(
    "--set",
    "settings",
    multiple=True,
    required=True,
    metavar="字段=值",
    help="要更正的字段，可重复；值为空的，删去该字段。",
)
@click.option("--confirm", "confirmed", multiple=True, type=click.Choice(["art3", "redactions"]), help="同审核。")
@acting
@as_json
@command
def correct(record: str, settings: tuple[str, ...], confirmed: tuple[str, ...], actor: str, as_json: bool) -> int:
    """更正不准确的信息（姓名、名称、证件号码和案号除外；姓名的拉丁字母写法可以）。命令返回时，公众看到的已是更正后的内容。"""
    court = open_court()
    sign(court, actor, Role.REVIEWER)
    pairs = [_pair(setting) for setting in settings]
    corrector = Corrector(vault=court.vault, policy=court.policy(), confirmed=frozenset(confirmed))
    act, number, state = court.acting(actor), None, ""

    def decide(session: Session) -> Sequence[EntryChange]:
        nonlocal number, state
        row = get_row(session, record)
        changes = corrector.correct(session, row, pairs, act)
        number, state = row.number, STATE_LABEL[State(row.state)]
        return changes

    try:
        changes = court.amend(decide)
    except CorrectionRefused as refused:
        raise _show_redactions(court, refused, actor) from None
    found = {"record": number, "sequence": changes[-1].sequence if changes else None, "at": act.now.isoformat()}
    gone = any(change.type is ChangeType.GONE for change in changes)
    seen = f"（{state}，公众已查不到）" if gone else "" if changes else f"（{state}；公众看到的内容没有变化）"
    report(as_json, found, f"已更正 {number or record}{seen}")
    return 0


def _show_redactions(court: Court, refused: CorrectionRefused, actor: str) -> CorrectionRefused:
    """The refusal, with the redactions proposed for the corrected texts where these have to be looked at first."""
    if refused.proposed is None:
        return refused
    with court.session() as session:
        note_opened(session, refused.proposed, actor, court.vault, court.now)
    listed = [
        f"  {e.field} {e.finding.rule}（{e.finding.confidence}）：{e.text}" for e in build_excerpts(refused.proposed)
    ]
    ask = "更正后的内容有下列建议遮盖之处，尚未更正；逐条核对无误后，加 --confirm redactions 重复本命令"
    return CorrectionRefused("\n".join([f"{ask}（法释〔2016〕19号第八条至第十一条）", *listed]), refused.rule)


def _take_down(court: Court, record: str, action: Action, grounds: Grounds, actor: str, as_json: bool) -> int:
    departure = court.take_down(partial(_decide, record, action, grounds, court.acting(actor)))
    found = {
        "record": departure.record,
        "sequence": departure.change and departure.change.sequence,
        "at": departure.at.isoformat(),
        "state": departure.state.value,
        "note": departure.note,
    }
    if departure.change:
        seen = "公众已查不到"
    else:
        seen = "此前未向公众显示" if departure.record is None else "公众此前已经查不到"
    text = f"{departure.record or record}：{STATE_LABEL[departure.state]}，{seen}"
    report(as_json, found, f"{text}\n提示：{departure.note}" if departure.note else text)
    return 0


def _decide(record: str, action: Action, grounds: Grounds, act: Acting, session: Session) -> Departure:
    return departing.take_down(session, get_row(session, record), action, grounds, act)


def _confirm(court: Court, record: str, actor: str, as_json: bool) -> int:
    with court.session() as session:
        row = get_row(session, record)
        departing.confirm_hold(session, row, court.acting(actor))
        number = row.number
    report(as_json, {"record": number, "confirmed": True}, f"{number or record}：屏蔽已确认")
    return 0


def _lift(court: Court, record: str, basis: str, actor: str, as_json: bool) -> int:
    act, publisher, shown = court.acting(actor), court.publisher(), None
    with court.session() as session:
        row = get_row(session, record)
        asked = departing.lift_is_asked(session, row)
        if asked:
            require(session, actor, Role.REVIEWER)
        elif not basis:
            raise click.UsageError("提出解除屏蔽须用 --basis 说明依据")
        lifted = departing.lift_hold(session, row, basis, act)
        if lifted:
            shown = publisher.publish_row(session, row, act)
        number, state = row.number, row.state
    court.pump.feed()
    sequence = court.sequence() if shown else None
    text = "已提出解除屏蔽，待另一名审核人同意"
    if lifted:
        text = "已解除屏蔽" if shown else f"屏蔽已解除，但现在不能公布（{STATE_LABEL[State(state)]}）"
    report(
        as_json,
        {"record": number, "sequence": sequence, "at": act.now.isoformat(), "state": state},
        f"{number or record}：{text}",
    )
    return 0


def _grounds(court: Court, ground: str | None, basis: str, arose: datetime | None, known: datetime | None) -> Grounds:
    arose_on = day(arose, day(known, court.today))
    return Grounds(ground=ground, basis=basis, arose_on=arose_on, known_on=day(known, arose_on))


def _pair(setting: str) -> tuple[str, str]:
    name, equals, value = setting.partition("=")
    if not equals:
        raise click.UsageError(f"“{setting}”应为 字段=值")
    return name.strip(), value.strip()
