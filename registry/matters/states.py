"""Where a matter may go from where it stands, as tables: objection, complaint, credit repair. Pure.

Objection (异议、纠正申请): 法释〔2017〕7号 art. 11–12, 香格里拉市 四（二）3. Review takes fifteen days from the day the
application truly arrived, and goes on while more is asked for: the law knows no suspension, and where it is silent the
person listed is protected. What is found right is carried out within three working days, and only its carrying out closes
the matter. A refusal is served; the person may ask the higher court for reconsideration, during which the refusal stands
(art. 12 ¶2). Complaint (投诉举报): 香格里拉市 四（二）8. Credit repair (信用修复): 四（二）6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from registry.deadlines import Rule


class MatterKind(StrEnum):
    GROUND = "ground"
    OBJECTION = "objection"
    COMPLAINT = "complaint"
    REPAIR = "repair"


class MatterState(StrEnum):
    RECEIVED = "received"
    REVIEWING = "reviewing"
    NEED_MORE = "need_more"
    UPHELD = "upheld"
    REJECTED = "rejected"
    SERVED = "served"
    ASKED_ABOVE = "asked_above"
    ABOVE = "above"
    UPHELD_ABOVE = "upheld_above"
    ROUTED = "routed"
    ANSWERED = "answered"
    CONSULTING = "consulting"
    CONSULTED = "consulted"
    ALLOWED = "allowed"
    CLOSED = "closed"
    DROPPED = "dropped"

    @property
    def is_closed(self) -> bool:
        return self in (MatterState.CLOSED, MatterState.DROPPED)


class Step(StrEnum):
    REVIEW = "review"
    ASK_MORE = "ask_more"
    SUPPLEMENT = "supplement"
    UPHOLD = "uphold"
    REJECT = "reject"
    CARRY_OUT = "carry_out"
    SERVE = "serve"
    ASK_ABOVE = "ask_above"
    SEND_ABOVE = "send_above"
    UPHOLD_ABOVE = "uphold_above"
    CONFIRM_ABOVE = "confirm_above"
    CLOSE = "close"
    DROP = "drop"
    ROUTE = "route"
    ANSWER = "answer"
    TELL = "tell"
    CONSULT = "consult"
    GIVE_VIEW = "give_view"
    ALLOW = "allow"
    REFUSE = "refuse"
    EXPORT = "export"


class PublicState(StrEnum):
    """All that the portal may say of a submission."""

    RECEIVED = "received"
    REVIEWING = "reviewing"
    NEED_MORE = "need_more"
    UPHELD = "upheld"
    REJECTED = "rejected"
    ROUTED = "routed"
    ANSWERED = "answered"
    CLOSED = "closed"


class Claim(StrEnum):
    """What an objection says (art. 11: ought not to be listed, inaccurate, ought to be deleted)."""

    PERFORMED = "performed"
    NOT_ME = "not_me"
    INACCURATE = "inaccurate"
    SHOULD_DELETE = "should_delete"
    MINOR = "minor"
    DECEASED = "deceased"
    OTHER = "other"


class Remedy(StrEnum):
    """What follows from an objection that is right (art. 9, 12 ¶1)."""

    CORRECT = "correct"
    WITHDRAW = "withdraw"
    REMOVE = "remove"


class Channel(StrEnum):
    """How it came in. `online` is the portal's, and only it has a receipt number."""

    ONLINE = "online"
    PAPER = "paper"
    TELEPHONE = "telephone"
    VISIT = "visit"
    UNIT = "unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a step does: the state it leads to, the rule whose clock it sets, those it ends, and the article.

    `ends_void`: nothing was left to be done in the clocks it ends, so that they were neither met nor missed.
    """

    state: MatterState
    article: str
    sets: Rule | None = None
    ends: tuple[Rule, ...] = ()
    ends_void: bool = False

    @property
    def closes(self) -> bool:
        return self.state.is_closed


class MatterRefused(Exception):
    """The step has no place in the state the matter is in, or a rule stands against it. The message is for the person."""


_SPC = "《最高人民法院关于公布失信被执行人名单信息的若干规定》"
_REVIEW = f"{_SPC}第十二条第一款"
_FIX = f"{_SPC}第九条、第十二条第一款"
_ABOVE = f"{_SPC}第十二条第二款"
_COMPLAINT = "香格里拉市失信被执行人联合惩戒文件四（二）8"
_REPAIR = "香格里拉市失信被执行人联合惩戒文件四（二）6"
_OBJECTION_RULES = (
    Rule.CORRECTION_REVIEW,
    Rule.CORRECTION_FIX,
    Rule.RECONSIDERATION_REQUEST,
    Rule.RECONSIDERATION_DECISION,
)

_S = MatterState
_REVIEWED = (Rule.CORRECTION_REVIEW,)
_UPHOLD = Move(state=_S.UPHELD, article=_REVIEW, sets=Rule.CORRECTION_FIX, ends=_REVIEWED)
_REJECT = Move(state=_S.REJECTED, article=_REVIEW, ends=_REVIEWED)
_CARRY_OUT = Move(state=_S.CLOSED, article=_FIX, ends=(Rule.CORRECTION_FIX,))
_GIVE_UP = Move(state=_S.DROPPED, article=_REVIEW, ends=_OBJECTION_RULES, ends_void=True)
_GIVE_UP_ABOVE = Move(state=_S.CLOSED, article=_ABOVE, ends=_OBJECTION_RULES, ends_void=True)
# The fifteen days of the higher court run from when it received the request, whatever day that turns out to be.
_SEND_ABOVE = Move(state=_S.ABOVE, article=_ABOVE, sets=Rule.RECONSIDERATION_DECISION)

_OBJECTION: Mapping[tuple[MatterState, Step], Move] = {
    (_S.RECEIVED, Step.REVIEW): Move(state=_S.REVIEWING, article=_REVIEW),
    (_S.RECEIVED, Step.DROP): _GIVE_UP,
    (_S.REVIEWING, Step.ASK_MORE): Move(state=_S.NEED_MORE, article=_REVIEW),
    (_S.REVIEWING, Step.UPHOLD): _UPHOLD,
    (_S.REVIEWING, Step.REJECT): _REJECT,
    (_S.REVIEWING, Step.DROP): _GIVE_UP,
    (_S.NEED_MORE, Step.SUPPLEMENT): Move(state=_S.REVIEWING, article=_REVIEW),
    (_S.NEED_MORE, Step.UPHOLD): _UPHOLD,
    (_S.NEED_MORE, Step.REJECT): _REJECT,
    (_S.NEED_MORE, Step.DROP): _GIVE_UP,
    # What the court itself has found wrong it must put right, whether or not the person still asks for it.
    (_S.UPHELD, Step.CARRY_OUT): _CARRY_OUT,
    (_S.REJECTED, Step.SERVE): Move(state=_S.SERVED, article=_ABOVE, sets=Rule.RECONSIDERATION_REQUEST),
    (_S.REJECTED, Step.DROP): _GIVE_UP_ABOVE,
    (_S.SERVED, Step.ASK_ABOVE): Move(state=_S.ASKED_ABOVE, article=_ABOVE, ends=(Rule.RECONSIDERATION_REQUEST,)),
    (_S.SERVED, Step.CLOSE): Move(
        state=_S.CLOSED, article=_ABOVE, ends=(Rule.RECONSIDERATION_REQUEST,), ends_void=True
    ),
    (_S.SERVED, Step.DROP): _GIVE_UP_ABOVE,
    (_S.ASKED_ABOVE, Step.SEND_ABOVE): _SEND_ABOVE,
    (_S.ASKED_ABOVE, Step.DROP): _GIVE_UP_ABOVE,
    (_S.ABOVE, Step.UPHOLD_ABOVE): Move(
        state=_S.UPHELD_ABOVE, article=_ABOVE, sets=Rule.CORRECTION_FIX, ends=(Rule.RECONSIDERATION_DECISION,)
    ),
    (_S.ABOVE, Step.CONFIRM_ABOVE): Move(state=_S.CLOSED, article=_ABOVE, ends=(Rule.RECONSIDERATION_DECISION,)),
    (_S.ABOVE, Step.DROP): _GIVE_UP_ABOVE,
    (_S.UPHELD_ABOVE, Step.CARRY_OUT): _CARRY_OUT,
}

_END_COMPLAINT = (Rule.COMPLAINT,)
_COMPLAINT_DROPPED = Move(state=_S.DROPPED, article=_COMPLAINT, ends=_END_COMPLAINT, ends_void=True)
_COMPLAINT_ROUTED = Move(state=_S.ROUTED, article=_COMPLAINT)
_COMPLAINT_ANSWERED = Move(state=_S.ANSWERED, article=_COMPLAINT)

_COMPLAINTS: Mapping[tuple[MatterState, Step], Move] = {
    (_S.RECEIVED, Step.ROUTE): _COMPLAINT_ROUTED,
    # What is for no unit the court answers itself.
    (_S.RECEIVED, Step.ANSWER): _COMPLAINT_ANSWERED,
    (_S.RECEIVED, Step.DROP): _COMPLAINT_DROPPED,
    # It was for another unit after all.
    (_S.ROUTED, Step.ROUTE): _COMPLAINT_ROUTED,
    (_S.ROUTED, Step.ANSWER): _COMPLAINT_ANSWERED,
    (_S.ROUTED, Step.DROP): _COMPLAINT_DROPPED,
    # The answer leaves something open: back to the unit.
    (_S.ANSWERED, Step.ROUTE): _COMPLAINT_ROUTED,
    (_S.ANSWERED, Step.TELL): Move(state=_S.CLOSED, article=_COMPLAINT, ends=_END_COMPLAINT),
    (_S.ANSWERED, Step.DROP): _COMPLAINT_DROPPED,
}

_REPAIR_DROPPED = Move(state=_S.DROPPED, article=_REPAIR)
_REPAIR_REFUSED = Move(state=_S.CLOSED, article=_REPAIR)

_REPAIRS: Mapping[tuple[MatterState, Step], Move] = {
    (_S.RECEIVED, Step.CONSULT): Move(state=_S.CONSULTING, article=_REPAIR),
    (_S.RECEIVED, Step.DROP): _REPAIR_DROPPED,
    (_S.CONSULTING, Step.GIVE_VIEW): Move(state=_S.CONSULTED, article=_REPAIR),
    (_S.CONSULTING, Step.DROP): _REPAIR_DROPPED,
    # Only when both have spoken does the unit decide.
    (_S.CONSULTED, Step.ALLOW): Move(state=_S.ALLOWED, article=_REPAIR),
    (_S.CONSULTED, Step.REFUSE): _REPAIR_REFUSED,
    (_S.CONSULTED, Step.DROP): _REPAIR_DROPPED,
    (_S.ALLOWED, Step.EXPORT): Move(state=_S.CLOSED, article=_REPAIR),
}

TABLES: Mapping[MatterKind, Mapping[tuple[MatterState, Step], Move]] = {
    MatterKind.OBJECTION: _OBJECTION,
    MatterKind.COMPLAINT: _COMPLAINTS,
    MatterKind.REPAIR: _REPAIRS,
}

FIRST_CLOCK: Mapping[MatterKind, Rule | None] = {
    MatterKind.OBJECTION: Rule.CORRECTION_REVIEW,
    MatterKind.COMPLAINT: Rule.COMPLAINT,
    MatterKind.REPAIR: None,
}
"""The clock that runs from the day the matter truly arrived."""

FIRST_ARTICLE: Mapping[MatterKind, str] = {
    MatterKind.OBJECTION: f"{_SPC}第十一条、第十二条第一款",
    MatterKind.COMPLAINT: _COMPLAINT,
    MatterKind.REPAIR: _REPAIR,
}

NO_CLOCK: Mapping[tuple[MatterKind, MatterState], str] = {
    (MatterKind.OBJECTION, _S.REJECTED): "驳回决定尚未送达，复议期限自送达之日起算，请尽快送达",
    (MatterKind.OBJECTION, _S.ASKED_ABOVE): "上一级人民法院的审查期限自其收到复议申请之日起算，请尽快移送",
    (MatterKind.REPAIR, _S.RECEIVED): "信用修复没有法定期限",
    (MatterKind.REPAIR, _S.CONSULTING): "会商没有法定期限",
    (MatterKind.REPAIR, _S.CONSULTED): "由单位决定，没有法定期限",
    (MatterKind.REPAIR, _S.ALLOWED): "等待报送公共信用信息系统，没有法定期限",
}
"""Why no clock runs in these open states."""

_PUBLIC: Mapping[MatterState, PublicState] = {
    _S.RECEIVED: PublicState.RECEIVED,
    _S.REVIEWING: PublicState.REVIEWING,
    _S.NEED_MORE: PublicState.NEED_MORE,
    _S.UPHELD: PublicState.UPHELD,
    _S.REJECTED: PublicState.REJECTED,
    _S.SERVED: PublicState.REJECTED,
    # Until the higher court has decided, the refusal stands (art. 12 ¶2).
    _S.ASKED_ABOVE: PublicState.REJECTED,
    _S.ABOVE: PublicState.REJECTED,
    _S.UPHELD_ABOVE: PublicState.UPHELD,
    _S.ROUTED: PublicState.ROUTED,
    _S.ANSWERED: PublicState.ANSWERED,
    _S.CONSULTING: PublicState.REVIEWING,
    _S.CONSULTED: PublicState.REVIEWING,
    _S.ALLOWED: PublicState.UPHELD,
    _S.CLOSED: PublicState.CLOSED,
    _S.DROPPED: PublicState.CLOSED,
}

_VERIFYING = frozenset({_S.REVIEWING, _S.NEED_MORE, _S.UPHELD, _S.UPHELD_ABOVE})


def find_move(kind: MatterKind, state: MatterState, step: Step) -> Move:
    """What `step` does to a matter of this kind in this state. Raises MatterRefused."""
    move = TABLES.get(kind, {}).get((state, step))
    if move is None:
        raise MatterRefused(f"该办件“{STATE_LABEL[state]}”，不能办理“{STEP_LABEL[step]}”")
    return move


def list_steps(kind: MatterKind, state: MatterState) -> tuple[Step, ...]:
    """The steps that have a place in this state, in the order of the table."""
    return tuple(step for (at, step) in TABLES.get(kind, {}) if at is state)


def find_public_state(state: MatterState) -> PublicState:
    """What the portal says of a matter in this state."""
    return _PUBLIC[state]


def is_under_verification(kind: MatterKind, state: MatterState, channel: Channel) -> bool:
    """Whether units must leave measures against the person undone for now (香格里拉市 四（二）3: 信息核实期间暂不执行).

    From the day it came in; what came over the net, where anybody can write anything of anybody, from when a person of
    the court took it up.
    """
    if kind is not MatterKind.OBJECTION:
        return False
    return state in _VERIFYING or (state is MatterState.RECEIVED and channel is not Channel.ONLINE)


KIND_LABEL: Mapping[MatterKind, str] = {
    MatterKind.GROUND: "退出事由",
    MatterKind.OBJECTION: "异议（纠正申请）",
    MatterKind.COMPLAINT: "投诉举报",
    MatterKind.REPAIR: "信用修复",
}
STATE_LABEL: Mapping[MatterState, str] = {
    _S.RECEIVED: "已收到",
    _S.REVIEWING: "正在审查",
    _S.NEED_MORE: "等待补充材料",
    _S.UPHELD: "理由成立，等待办理",
    _S.REJECTED: "已驳回，等待送达",
    _S.SERVED: "驳回决定已送达",
    _S.ASKED_ABOVE: "已申请复议，等待移送",
    _S.ABOVE: "上一级人民法院复议审查中",
    _S.UPHELD_ABOVE: "复议理由成立，等待办理",
    _S.ROUTED: "已转有关单位",
    _S.ANSWERED: "单位已答复，等待告知",
    _S.CONSULTING: "正在会商",
    _S.CONSULTED: "会商完毕，等待单位决定",
    _S.ALLOWED: "同意修复，等待报送",
    _S.CLOSED: "已办结",
    _S.DROPPED: "申请人已撤回",
}
GROUND_STATE_LABEL: Mapping[str, str] = {"open": "等待决定", "departed": "已退出", "dismissed": "已驳回"}
"""Grounds have states of their own (registry.undecided)."""
STEP_LABEL: Mapping[Step, str] = {
    Step.REVIEW: "开始审查",
    Step.ASK_MORE: "通知补充材料",
    Step.SUPPLEMENT: "登记补充材料",
    Step.UPHOLD: "理由成立",
    Step.REJECT: "驳回",
    Step.CARRY_OUT: "办理完毕",
    Step.SERVE: "登记送达",
    Step.ASK_ABOVE: "登记复议申请",
    Step.SEND_ABOVE: "移送上一级人民法院",
    Step.UPHOLD_ABOVE: "登记复议决定：理由成立",
    Step.CONFIRM_ABOVE: "登记复议决定：驳回",
    Step.CLOSE: "办结",
    Step.DROP: "登记撤回",
    Step.ROUTE: "转有关单位",
    Step.ANSWER: "登记答复",
    Step.TELL: "已告知投诉举报人",
    Step.CONSULT: "登记单位会商意见",
    Step.GIVE_VIEW: "登记本院意见",
    Step.ALLOW: "登记单位决定：同意修复",
    Step.REFUSE: "登记单位决定：不同意",
    Step.EXPORT: "登记已报送",
}
CLAIM_LABEL: Mapping[Claim, str] = {
    Claim.PERFORMED: "已履行义务",
    Claim.NOT_ME: "不是本人（本单位）",
    Claim.INACCURATE: "信息有误",
    Claim.SHOULD_DELETE: "应当删除",
    Claim.MINOR: "被执行人是未成年人",
    Claim.DECEASED: "被执行人已死亡",
    Claim.OTHER: "其他",
}
REMEDY_LABEL: Mapping[Remedy, str] = {
    Remedy.CORRECT: "更正",
    Remedy.WITHDRAW: "撤销",
    Remedy.REMOVE: "删除",
}
CHANNEL_LABEL: Mapping[Channel, str] = {
    Channel.ONLINE: "线上提交",
    Channel.PAPER: "书面",
    Channel.TELEPHONE: "电话",
    Channel.VISIT: "当面",
    Channel.UNIT: "单位转来",
}
OUTCOME_LABEL: Mapping[str, str] = {
    Remedy.CORRECT: "更正",
    Remedy.WITHDRAW: "撤销",
    Remedy.REMOVE: "删除",
    "rejected": "驳回",
    "dropped": "申请人撤回",
    "told": "已告知投诉举报人",
    "allowed": "同意修复",
    "refused": "不同意修复",
    **GROUND_STATE_LABEL,
}

AUDIT_LABEL: Mapping[str, str] = {
    f"{kind.value}_{what}": f"{KIND_LABEL[kind]}：{label}"
    for kind, table in TABLES.items()
    for what, label in (
        ("register", "登记"),
        ("link", "关联失信信息"),
        *((step.value, STEP_LABEL[step]) for step in dict.fromkeys(step for _, step in table)),
    )
}
"""What the audit lines of matters are called."""
