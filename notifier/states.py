"""The life of a message, as one table. No other code changes the state of a message."""

from __future__ import annotations

from enum import StrEnum


class Purpose(StrEnum):
    """What a message is for."""

    PACKAGE = "package"
    RECALL = "recall"
    CORRECTION = "correction"
    CLARIFICATION = "clarification"
    REMINDER = "reminder"
    NOTICE = "notice"
    DIGEST = "digest"
    # For a unit's own system, and no person: it goes by webhook only.
    EVENT = "event"

    @property
    def label(self) -> str:
        return _PURPOSE_LABEL[self]


class MessageState(StrEnum):
    QUEUED = "queued"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED_TEMPORARY = "failed_temporary"
    FAILED_PERMANENT = "failed_permanent"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        return _LABEL[self]

    @property
    def is_final(self) -> bool:
        return not _NEXT[self]


_PURPOSE_LABEL = {
    Purpose.PACKAGE: "名单包",
    Purpose.RECALL: "撤回通知",
    Purpose.CORRECTION: "更正通知",
    Purpose.CLARIFICATION: "澄清公告",
    Purpose.REMINDER: "催办",
    Purpose.NOTICE: "通知",
    Purpose.DIGEST: "订阅摘要",
    Purpose.EVENT: "系统事件",
}
_S = MessageState
_LABEL = {
    _S.QUEUED: "待发送",
    _S.SENDING: "发送中",
    _S.ACCEPTED: "对方已接收，待确认送达",
    _S.DELIVERED: "已送达",
    _S.FAILED_TEMPORARY: "发送失败，将自动重试",
    _S.FAILED_PERMANENT: "发送失败，不再重试",
    _S.UNKNOWN: "结果不明，需核实",
    _S.CANCELLED: "已取消",
    _S.SUPERSEDED: "已被新修订取代",
    _S.EXPIRED: "已过期",
}
_ARRIVED = frozenset({_S.ACCEPTED, _S.DELIVERED})
_NEXT: dict[MessageState, frozenset[MessageState]] = {
    # What was lost and queued again may turn out to have arrived: its receipt comes late.
    _S.QUEUED: frozenset({_S.SENDING, _S.FAILED_PERMANENT, _S.CANCELLED, _S.SUPERSEDED, _S.EXPIRED}) | _ARRIVED,
    # Back to queued only where nothing has left the house, or the call can be repeated without harm; else what is not
    # known is unknown.
    _S.SENDING: frozenset(
        {
            _S.QUEUED,
            _S.FAILED_TEMPORARY,
            _S.FAILED_PERMANENT,
            _S.UNKNOWN,
            _S.CANCELLED,
            _S.SUPERSEDED,
        }
    )
    | _ARRIVED,
    # A provider may say, after it took a message, that it did not arrive and may be sent again.
    _S.ACCEPTED: frozenset({_S.DELIVERED, _S.FAILED_TEMPORARY, _S.FAILED_PERMANENT, _S.UNKNOWN}),
    _S.FAILED_TEMPORARY: frozenset({_S.SENDING, _S.FAILED_PERMANENT, _S.CANCELLED, _S.SUPERSEDED, _S.EXPIRED})
    | _ARRIVED,
    # Never sent again blindly: settled by the provider's answer, a receipt, or a person.
    _S.UNKNOWN: frozenset({_S.QUEUED, _S.FAILED_TEMPORARY, _S.FAILED_PERMANENT, _S.CANCELLED}) | _ARRIVED,
    _S.DELIVERED: frozenset(),
    _S.FAILED_PERMANENT: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.SUPERSEDED: frozenset(),
    _S.EXPIRED: frozenset(),
}
SENDABLE = frozenset(state for state in MessageState if _S.SENDING in _NEXT[state])
# What can be learnt of a message from outside, after an attempt.
REPORTED = _ARRIVED | {_S.FAILED_TEMPORARY, _S.FAILED_PERMANENT}
FAILED = frozenset({_S.FAILED_TEMPORARY, _S.FAILED_PERMANENT})


class MoveNotAllowed(Exception):
    """The table has no such transition."""

    def __init__(self, old: MessageState, new: MessageState) -> None:
        super().__init__(f"消息“{old.label}”，不能变为“{new.label}”")


def move(old: MessageState, new: MessageState) -> MessageState:
    """`new`, if a message may go there from `old`. Raises MoveNotAllowed."""
    if not may_move(old, new):
        raise MoveNotAllowed(old, new)
    return new


def may_move(old: MessageState, new: MessageState) -> bool:
    return new in _NEXT[old]
