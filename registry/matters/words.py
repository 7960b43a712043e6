"""The words of matters (办件): kinds, states, steps, claims and remedies, each with its Chinese. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


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
    AMEND = "amend"
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
    REFER = "refer"
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
    """What an objection says (art. 11: ought not to be listed, inaccurate, ought to be deleted). `says_`: over the net, where
    anybody can say it of anybody, so that it hides nothing before a person of the court has looked at it."""

    PERFORMED = "performed"
    NOT_ME = "not_me"
    INACCURATE = "inaccurate"
    SHOULD_DELETE = "should_delete"
    MINOR = "minor"
    DECEASED = "deceased"
    SAYS_MINOR = "says_minor"
    SAYS_DECEASED = "says_deceased"
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


KIND_LABEL: Mapping[MatterKind, str] = {
    MatterKind.GROUND: "退出事由",
    MatterKind.OBJECTION: "异议（纠正申请）",
    MatterKind.COMPLAINT: "投诉举报",
    MatterKind.REPAIR: "信用修复",
}
STATE_LABEL: Mapping[MatterState, str] = {
    MatterState.RECEIVED: "已收到",
    MatterState.REVIEWING: "正在审查",
    MatterState.NEED_MORE: "等待补充材料",
    MatterState.UPHELD: "理由成立，等待办理",
    MatterState.REJECTED: "已驳回，等待送达",
    MatterState.SERVED: "驳回决定已送达",
    MatterState.ASKED_ABOVE: "已申请复议，等待移送",
    MatterState.ABOVE: "上一级人民法院复议审查中",
    MatterState.UPHELD_ABOVE: "复议理由成立，等待办理",
    MatterState.ROUTED: "已转有关单位",
    MatterState.ANSWERED: "单位已答复，等待告知",
    MatterState.CONSULTING: "正在会商",
    MatterState.CONSULTED: "会商完毕，等待单位决定",
    MatterState.ALLOWED: "同意修复，等待报送",
    MatterState.CLOSED: "已办结",
    MatterState.DROPPED: "申请人已撤回",
}
GROUND_STATE_LABEL: Mapping[str, str] = {"open": "等待决定", "departed": "已退出", "dismissed": "已驳回"}
"""Grounds have states of their own (registry.undecided)."""
STEP_LABEL: Mapping[Step, str] = {
    Step.REVIEW: "开始审查",
    Step.ASK_MORE: "通知补充材料",
    Step.SUPPLEMENT: "登记补充材料",
    Step.UPHOLD: "理由成立",
    Step.REJECT: "驳回",
    Step.AMEND: "改正决定",
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
    Step.REFER: "已告知向公布该名单的法院申请",
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
    Claim.SAYS_MINOR: "被执行人是未成年人（线上提出，请立即核实）",
    Claim.SAYS_DECEASED: "被执行人已死亡（线上提出，请立即核实）",
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
    "referred": "已告知向公布该名单的法院申请",
    "allowed": "同意修复",
    "refused": "不同意修复",
    **GROUND_STATE_LABEL,
}
