"""Where a matter may go from where it stands, as tables: objection, complaint, credit repair. Pure.

Objection (异议、纠正申请): 法释〔2017〕7号 art. 11–12, 香格里拉市 四（二）3. Review takes fifteen days from the day the
application truly arrived, and goes on while more is asked for: the law knows no suspension, and where it is silent the
person listed is protected. What is found right is carried out within three working days, and only its carrying out closes
the matter; what is to be corrected may be decided anew meanwhile, but the clock runs on. A refusal is served; the person
may ask the higher court for reconsideration, during which the refusal stands (art. 12 ¶2). Complaint (投诉举报):
香格里拉市 四（二）8. Credit repair (信用修复): 四（二）6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from registry.deadlines import Rule
from registry.matters.words import (
    CHANNEL_LABEL,
    CLAIM_LABEL,
    GROUND_STATE_LABEL,
    KIND_LABEL,
    OUTCOME_LABEL,
    REMEDY_LABEL,
    STATE_LABEL,
    STEP_LABEL,
    Channel,
    Claim,
    MatterKind,
    MatterState,
    PublicState,
    Remedy,
    Step,
)

# The words of the tables are found beside them.
__all__ = [
    "AUDIT_LABEL",
    "CHANNEL_LABEL",
    "CLAIM_LABEL",
    "FIRST_ARTICLE",
    "FIRST_CLOCK",
    "GROUND_STATE_LABEL",
    "KIND_LABEL",
    "NO_CLOCK",
    "OUTCOME_LABEL",
    "REMEDY_LABEL",
    "STATE_LABEL",
    "STEP_LABEL",
    "TABLES",
    "Channel",
    "Claim",
    "MatterKind",
    "MatterRefused",
    "MatterState",
    "Move",
    "PublicState",
    "Remedy",
    "Step",
    "find_move",
    "find_public_state",
    "is_under_verification",
    "list_steps",
]


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

# What was taken over from another court's list that court decides on: the person is told so (checking.refuse_foreign).
_REFER = Move(
    state=_S.CLOSED, article="香格里拉市失信被执行人联合惩戒文件四（二）3", ends=_OBJECTION_RULES, ends_void=True
)

_OBJECTION: Mapping[tuple[MatterState, Step], Move] = {
    (_S.RECEIVED, Step.REVIEW): Move(state=_S.REVIEWING, article=_REVIEW),
    (_S.RECEIVED, Step.DROP): _GIVE_UP,
    (_S.RECEIVED, Step.REFER): _REFER,
    (_S.REVIEWING, Step.REFER): _REFER,
    (_S.NEED_MORE, Step.REFER): _REFER,
    (_S.REVIEWING, Step.ASK_MORE): Move(state=_S.NEED_MORE, article=_REVIEW),
    (_S.REVIEWING, Step.UPHOLD): _UPHOLD,
    (_S.REVIEWING, Step.REJECT): _REJECT,
    (_S.REVIEWING, Step.DROP): _GIVE_UP,
    (_S.NEED_MORE, Step.SUPPLEMENT): Move(state=_S.REVIEWING, article=_REVIEW),
    (_S.NEED_MORE, Step.UPHOLD): _UPHOLD,
    (_S.NEED_MORE, Step.REJECT): _REJECT,
    (_S.NEED_MORE, Step.DROP): _GIVE_UP,
    # What the court itself has found wrong it must put right, whether or not the person still asks for it.
    (_S.UPHELD, Step.AMEND): Move(state=_S.UPHELD, article=_FIX),
    (_S.UPHELD, Step.CARRY_OUT): _CARRY_OUT,
    (_S.REJECTED, Step.SERVE): Move(state=_S.SERVED, article=_ABOVE, sets=Rule.RECONSIDERATION_REQUEST),
    (_S.REJECTED, Step.DROP): _GIVE_UP_ABOVE,
    (_S.SERVED, Step.ASK_ABOVE): Move(state=_S.ASKED_ABOVE, article=_ABOVE, ends=(Rule.RECONSIDERATION_REQUEST,)),
    # What was posted in time may arrive when the court has closed the matter (民事诉讼法第八十五条第四款): checking.may_still_ask.
    (_S.CLOSED, Step.ASK_ABOVE): Move(state=_S.ASKED_ABOVE, article=f"{_ABOVE}；民事诉讼法第八十五条第四款"),
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
    (_S.UPHELD_ABOVE, Step.AMEND): Move(state=_S.UPHELD_ABOVE, article=_FIX),
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
