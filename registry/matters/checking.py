"""What stands against registering a matter, or against a step of it, before anything is written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.deadlines import RULES, Bearer, Rule, StartOutOfRange
from registry.matters.content import Content, read_notes, refuse_unfit_basis
from registry.matters.corrections import refuse_unfit_fields
from registry.matters.states import (
    REMEDY_LABEL,
    STEP_LABEL,
    Channel,
    Claim,
    MatterKind,
    MatterRefused,
    MatterState,
    Move,
    Remedy,
    Step,
)
from registry.papers import PaperKind
from registry.record import Disclosure, Kind, State
from registry.sources.origin import say_read_only
from registry.tables import ClockRow, MatterRow, PaperRow, RecordRow, UnitRow
from registry.vault import Vault
from search_index.day import day_of

LONGEST_WORDS = 4000
_LONGEST_BASIS = 200
_LONGEST_FIELD = 200

NEEDS_WORDS: Mapping[Step, str] = MappingProxyType(
    {
        Step.ASK_MORE: "需要补充的材料",
        Step.UPHOLD: "理由",
        Step.REJECT: "驳回的理由",
        Step.AMEND: "改正的理由",
        Step.ANSWER: "答复的内容",
        Step.CONSULT: "单位的意见",
        Step.GIVE_VIEW: "本院的意见",
        Step.ALLOW: "单位的决定",
        Step.REFUSE: "单位的决定",
    }
)
# What happened elsewhere, or before it was put in: the day it truly did. What the court decides here is of the moment it is
# put in, and takes no day.
NEEDS_DAY: Mapping[Step, str] = MappingProxyType(
    {
        Step.SERVE: "送达日期",
        Step.ASK_ABOVE: "申请复议的日期",
        Step.SEND_ABOVE: "上一级人民法院收到的日期",
        Step.UPHOLD_ABOVE: "收到复议决定的日期",
        Step.CONFIRM_ABOVE: "收到复议决定的日期",
        Step.TELL: "告知的日期",
        Step.REFER: "告知的日期",
        Step.EXPORT: "报送的日期",
        Step.DROP: "撤回的日期",
    }
)
DECIDES_OBJECTION = frozenset({Step.UPHOLD, Step.REJECT, Step.AMEND, Step.UPHOLD_ABOVE, Step.CONFIRM_ABOVE})
FINDS_RIGHT = frozenset({Step.UPHOLD, Step.UPHOLD_ABOVE, Step.AMEND})
"""What finds an objection right says how it is put right."""
# That somebody gave up what they asked for ends the court's duty, and is shown by a document as a decision is.
NEEDS_BASIS = FINDS_RIGHT | {Step.DROP}


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
    clear), what follows from an objection that is right and which fields are to be corrected, and the unit a complaint
    goes to."""

    on: date | None = None
    words: str = ""
    basis: str = ""
    remedy: Remedy | None = None
    fields: tuple[str, ...] = ()
    unit: int | None = None


def refuse_unfit(session: Session, arrival: Arrival, acting: Acting) -> None:
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
        refuse_listed(session, arrival.record)


def refuse_listed(session: Session, record: RecordRow) -> None:
    """Raises MatterRefused unless the entry has departed, and its debtor is not listed anew in the same case: only then
    there is something to repair."""
    rule = "（香格里拉市失信被执行人联合惩戒文件四（二）6）"
    if not State(record.state).has_departed:
        raise MatterRefused(
            "该失信信息还没有退出，不能办理信用修复：信用修复由已经屏蔽或者撤销失信信息的人提出"
            f"{rule}；认为应当退出的，请登记为异议"
        )
    again = select(RecordRow.id).where(
        RecordRow.case_key == record.case_key,
        RecordRow.identity == record.identity,
        RecordRow.number.is_not(None),
        RecordRow.state.not_in([state.value for state in State if state.has_departed]),
    )
    if session.scalar(again.limit(1)) is not None:
        raise MatterRefused(f"该被执行人在同一案件中又被纳入名单，不能办理信用修复{rule}")


def refuse_late_knowing(vault: Vault, row: MatterRow, known_on: date) -> None:
    """Raises MatterRefused where a ground that somebody brought is said to have been known later than it was brought: with
    the matter, or with what was handed in afterwards. The period of the departure runs from there (art. 10 ¶1)."""
    brought = [day_of(note.at) for note in read_notes(row, vault) if note.step == Step.SUPPLEMENT.value]
    latest = max([row.received_on, *brought])
    if known_on > latest:
        raise MatterRefused(
            f"从来件知悉的，知悉的日期不能晚于收到来件或者补充材料之日（{latest.isoformat()}）；"
            "后来从别处知悉的，请在失信信息页面登记（法释〔2017〕7号第十条第一款）"
        )


def refuse_foreign(session: Session, row: MatterRow, step: Step) -> None:
    """What was taken over from another court's list is decided there: an objection to it ends by telling the person so, and
    no other does. Raises MatterRefused."""
    if step not in DECIDES_OBJECTION and step is not Step.REFER:
        return
    record = session.get(RecordRow, row.record_id) if row.record_id is not None else None
    told = say_read_only(record) if record is not None else None
    if told and step is not Step.REFER:
        raise MatterRefused(f"{told}；请告知申请人，并登记“{STEP_LABEL[Step.REFER]}”")
    if told is None and step is Step.REFER:
        raise MatterRefused("只有转载自其他法院名单的条目，才告知向该院申请：请办理审查")


def may_still_ask(session: Session, row: MatterRow) -> bool:
    """Whether a request for reconsideration that was posted in time may still arrive at a matter that is closed: its refusal
    was served, and has not been before the higher court (民诉法 85 ¶4)."""
    if row.outcome != "rejected" or row.served_on is None:
        return False
    above = ClockRow.rule == Rule.RECONSIDERATION_DECISION.value
    return session.scalar(select(ClockRow.id).where(ClockRow.matter_id == row.id, above).limit(1)) is None


def refuse_incomplete(session: Session, row: MatterRow, step: Step, move: Move, acting: Acting, given: Given) -> None:
    """Raises MatterRefused where a step lacks something, or has a day or a basis that cannot be."""
    if (what := NEEDS_WORDS.get(step)) and not given.words.strip():
        raise MatterRefused(f"请填写{what}")
    if len(given.words) > LONGEST_WORDS:
        raise MatterRefused(f"文字不能超过{LONGEST_WORDS}个字")
    _refuse_step_day(session, row, step, acting, given.on)
    _refuse_basis(step, given.basis)
    _refuse_undocumented_day(session, row, step, move, acting, given)
    if MatterState(row.state).is_closed and not may_still_ask(session, row):
        raise MatterRefused("该办件已经办结，不能再申请复议")
    if step in FINDS_RIGHT:
        _refuse_remedy(session, row, step, given)
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


def _refuse_step_day(session: Session, row: MatterRow, step: Step, acting: Acting, on: date | None) -> None:
    what = NEEDS_DAY.get(step)
    if what is None:
        # A decision that could be dated back would have been in time whenever it was taken (art. 12 ¶1, art. 13).
        if on is not None:
            raise MatterRefused(f"“{STEP_LABEL[step]}”以登记的时间为准，不能另填日期（法释〔2017〕7号第十三条）")
        return
    if on is None:
        raise MatterRefused(f"请填写{what}")
    if not row.received_on <= on <= acting.today:
        raise MatterRefused(f"日期应在收到之日（{row.received_on.isoformat()}）和今天之间：请核对")
    if MatterState(row.state).is_closed and row.served_on is not None:
        last = acting.clockwork.due(Rule.RECONSIDERATION_REQUEST, row.served_on).due
        if on > last:
            raise MatterRefused(
                f"该办件已经办结：只有在{last.isoformat()}以前交邮或者提出的复议申请还可以登记"
                "（法释〔2017〕7号第十二条第二款、民事诉讼法第八十五条第四款）"
            )
    earliest, since = _find_earliest(session, row, step)
    if earliest is not None and on < earliest:
        raise MatterRefused(f"日期不能早于{since}（{earliest.isoformat()}）：请核对")


def _find_earliest(session: Session, row: MatterRow, step: Step) -> tuple[date | None, str]:
    """The day before which a step cannot have happened, and what was on that day; None where nothing says so."""
    if step is Step.SERVE:
        return (day_of(row.decided_at) if row.decided_at is not None else None), "作出驳回决定之日"
    if step in (Step.ASK_ABOVE, Step.SEND_ABOVE):
        return row.served_on, "驳回决定送达之日"
    if step in (Step.UPHOLD_ABOVE, Step.CONFIRM_ABOVE):
        above = ClockRow.rule == Rule.RECONSIDERATION_DECISION.value
        sent = select(ClockRow.started_on).where(ClockRow.matter_id == row.id, above).order_by(ClockRow.id.desc())
        return session.scalar(sent.limit(1)), "上一级人民法院收到复议申请之日"
    return None, ""


def _refuse_undocumented_day(
    session: Session, row: MatterRow, step: Step, move: Move, acting: Acting, given: Given
) -> None:
    """An earlier day that makes a duty look done in time, or lets a right run out sooner, is shown by a document."""
    if given.on is None or given.on == acting.today or given.basis.strip():
        return
    ends_duty = not move.ends_void and any(RULES[rule].bearer is not Bearer.PARTY for rule in move.ends)
    starts_right = move.sets is not None and RULES[move.sets].bearer is Bearer.PARTY
    if not (ends_duty or starts_right):
        return
    if step is Step.SERVE and _has_service_paper(session, row):
        return
    proof = "送达回证等材料的名称和日期，或者先收下送达回证" if step is Step.SERVE else "证明这一天的材料的名称和日期"
    raise MatterRefused(f"{NEEDS_DAY[step]}早于今天的，请在依据一栏写明{proof}（法释〔2017〕7号第十三条）")


def _has_service_paper(session: Session, row: MatterRow) -> bool:
    query = select(PaperRow.id).where(PaperRow.matter_id == row.id, PaperRow.kind == PaperKind.SERVICE.value)
    return session.scalar(query.limit(1)) is not None


def _refuse_basis(step: Step, basis: str) -> None:
    if basis or step in NEEDS_BASIS:
        refuse_unfit_basis(basis)
    if len(basis) > _LONGEST_BASIS:
        raise MatterRefused(f"依据不能超过{_LONGEST_BASIS}个字")


def _refuse_remedy(session: Session, row: MatterRow, step: Step, given: Given) -> None:
    if step is Step.AMEND and row.outcome != Remedy.CORRECT.value:
        raise MatterRefused("只有决定“更正”的可以改正决定；决定撤销或者删除的，请立即办理")
    if given.remedy is None:
        raise MatterRefused("请选择如何办理：更正、撤销或者删除")
    record = session.get(RecordRow, row.record_id) if row.record_id is not None else None
    if record is None:
        raise MatterRefused("请先关联失信信息，再决定")
    if given.remedy is not Remedy.CORRECT:
        if given.fields:
            raise MatterRefused(f"选择了“{REMEDY_LABEL[given.remedy]}”的，不再选择应当更正的项目：请核对如何办理")
    elif not State(record.state).has_departed:
        disclosure = Disclosure(record.facts.get("disclosure") or Disclosure.PUBLIC)
        refuse_unfit_fields(given.fields, Kind(record.facts["kind"]), disclosure)


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
