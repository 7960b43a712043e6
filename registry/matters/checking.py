"""What stands against registering a matter, or against a step of it, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.deadlines import Rule, StartOutOfRange
from registry.matters.content import Content, refuse_unfit_basis
from registry.matters.states import Channel, Claim, MatterKind, MatterRefused, Remedy, Step
from registry.record import State
from registry.tables import MatterRow, RecordRow, UnitRow

LONGEST_WORDS = 4000
_LONGEST_BASIS = 200
_LONGEST_FIELD = 200

NEEDS_WORDS: Mapping[Step, str] = MappingProxyType(
    {
        Step.ASK_MORE: "需要补充的材料",
        Step.UPHOLD: "理由",
        Step.REJECT: "驳回的理由",
        Step.ANSWER: "答复的内容",
        Step.CONSULT: "单位的意见",
        Step.GIVE_VIEW: "本院的意见",
        Step.ALLOW: "单位的决定",
        Step.REFUSE: "单位的决定",
    }
)
# What happened elsewhere, or before it was put in: the day it truly did.
NEEDS_DAY: Mapping[Step, str] = MappingProxyType(
    {
        Step.SERVE: "送达日期",
        Step.ASK_ABOVE: "申请复议的日期",
        Step.SEND_ABOVE: "上一级人民法院收到的日期",
        Step.UPHOLD_ABOVE: "收到复议决定的日期",
        Step.CONFIRM_ABOVE: "收到复议决定的日期",
        Step.TELL: "告知的日期",
        Step.EXPORT: "报送的日期",
        Step.DROP: "撤回的日期",
    }
)
NEEDS_BASIS = frozenset({Step.UPHOLD, Step.UPHOLD_ABOVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What came in, how, and on which day it truly did. `receipt` and `token` are the portal's; `ground` is what an
    objection claims; `record` is the entry it is about, where that is known."""

    kind: MatterKind
    channel: Channel
    received_on: date
    content: Content
    record: RecordRow | None = None
    unit: UnitRow | None = None
    ground: Claim | None = None
    receipt: str | None = None
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a step is given: the day it truly happened, the words for it (sealed), the document it rests on (in the
    clear), what follows from an objection that is right, and the unit a complaint goes to."""

    on: date | None = None
    words: str = ""
    basis: str = ""
    remedy: Remedy | None = None
    unit: int | None = None


def refuse_unfit(arrival: Arrival, acting: Acting) -> None:
    """Raises MatterRefused where what came in cannot be registered so."""
    if arrival.kind is MatterKind.GROUND:
        raise MatterRefused("退出事由请在失信信息页面登记")
    _refuse_day(arrival.received_on, acting)
    _refuse_texts(arrival.content)
    if arrival.kind is MatterKind.OBJECTION and arrival.ground is None:
        raise MatterRefused("请选择异议的理由")
    if arrival.kind is MatterKind.REPAIR:
        if arrival.record is None:
            raise MatterRefused("信用修复应写明已经退出的失信信息的编号或者案号")
        refuse_listed(arrival.record)


def refuse_listed(record: RecordRow) -> None:
    """Raises MatterRefused unless the entry has departed: only then there is something to repair."""
    if not State(record.state).has_departed:
        raise MatterRefused(
            "该失信信息还没有退出，不能办理信用修复：信用修复由已经屏蔽或者撤销失信信息的人提出"
            "（香格里拉市失信被执行人联合惩戒文件四（二）6）；认为应当退出的，请登记为异议"
        )


def refuse_incomplete(session: Session, row: MatterRow, step: Step, acting: Acting, given: Given) -> None:
    """Raises MatterRefused where a step lacks something, or has a day or a basis that cannot be."""
    if (what := NEEDS_WORDS.get(step)) and not given.words.strip():
        raise MatterRefused(f"请填写{what}")
    if len(given.words) > LONGEST_WORDS:
        raise MatterRefused(f"文字不能超过{LONGEST_WORDS}个字")
    _refuse_step_day(row, step, acting, given.on)
    _refuse_basis(step, given.basis)
    if step in NEEDS_BASIS:
        _refuse_remedy(row, given.remedy)
    if step is Step.ROUTE:
        _refuse_unit(session, given.unit)
    if step is Step.CLOSE:
        _refuse_open_window(row, acting)


def _refuse_day(received_on: date, acting: Acting) -> None:
    if received_on > acting.today:
        raise MatterRefused("收到的日期不能晚于今天：请核对")
    try:
        acting.clockwork.due(Rule.CORRECTION_REVIEW, received_on)
    except StartOutOfRange as error:
        raise MatterRefused(str(error)) from None


def _refuse_texts(content: Content) -> None:
    if not content.words.strip():
        raise MatterRefused("请填写申请或者投诉的内容")
    if len(content.words) > LONGEST_WORDS:
        raise MatterRefused(f"内容不能超过{LONGEST_WORDS}个字，其余请作为附件")
    others = (content.who, content.role, content.phone, content.email, content.address, content.reference)
    if any(len(text) > _LONGEST_FIELD for text in (*others, content.unit, content.about)):
        raise MatterRefused(f"姓名、电话、地址等每一项不能超过{_LONGEST_FIELD}个字")


def _refuse_step_day(row: MatterRow, step: Step, acting: Acting, on: date | None) -> None:
    if (what := NEEDS_DAY.get(step)) and on is None:
        raise MatterRefused(f"请填写{what}")
    if on is None:
        return
    if not row.received_on <= on <= acting.today:
        raise MatterRefused(f"日期应在收到之日（{row.received_on.isoformat()}）和今天之间：请核对")
    served = row.served_on if step in (Step.ASK_ABOVE, Step.SEND_ABOVE) else None
    if served is not None and on < served:
        raise MatterRefused(f"日期不能早于驳回决定送达之日（{served.isoformat()}）：请核对")


def _refuse_basis(step: Step, basis: str) -> None:
    if basis or step in NEEDS_BASIS:
        refuse_unfit_basis(basis)
    if len(basis) > _LONGEST_BASIS:
        raise MatterRefused(f"依据不能超过{_LONGEST_BASIS}个字")


def _refuse_remedy(row: MatterRow, remedy: Remedy | None) -> None:
    if remedy is None:
        raise MatterRefused("请选择如何办理：更正、撤销或者删除")
    if row.record_id is None:
        raise MatterRefused("请先关联失信信息，再决定")


def _refuse_unit(session: Session, unit: int | None) -> None:
    found = session.get(UnitRow, unit) if unit is not None else None
    if found is None or not found.active:
        raise MatterRefused("请选择办理投诉举报的单位")


def _refuse_open_window(row: MatterRow, acting: Acting) -> None:
    # A right of the person, read as late as the calendar allows.
    if row.served_on is None:
        raise MatterRefused("驳回决定还没有登记送达")
    deadline = acting.clockwork.due(Rule.RECONSIDERATION_REQUEST, row.served_on)
    if acting.today <= deadline.due:
        raise MatterRefused(f"申请人可以在{deadline.due.isoformat()}以前申请复议（{deadline.article}），届满前不能办结")
