"""The life of a message, as one table. No other code changes the state of a message."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum


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
_NEXT: dict[MessageState, frozenset[MessageState]] = {
    _S.QUEUED: frozenset({_S.SENDING, _S.CANCELLED, _S.SUPERSEDED, _S.EXPIRED}),
    # Back to queued only where the call can be repeated without harm; else what is not known is unknown.
    _S.SENDING: frozenset({_S.QUEUED, _S.ACCEPTED, _S.DELIVERED, _S.FAILED_TEMPORARY, _S.FAILED_PERMANENT, _S.UNKNOWN}),
    _S.ACCEPTED: frozenset({_S.DELIVERED, _S.FAILED_PERMANENT, _S.UNKNOWN}),
    _S.FAILED_TEMPORARY: frozenset({_S.SENDING, _S.FAILED_PERMANENT, _S.CANCELLED, _S.SUPERSEDED, _S.EXPIRED}),
    # Never sent again blindly: settled by the provider's answer, a receipt, or a person.
    _S.UNKNOWN: frozenset({_S.QUEUED, _S.ACCEPTED, _S.DELIVERED, _S.FAILED_PERMANENT, _S.CANCELLED}),
    _S.DELIVERED: frozenset(),
    _S.FAILED_PERMANENT: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.SUPERSEDED: frozenset(),
    _S.EXPIRED: frozenset(),
}
SENDABLE = frozenset(state for state in MessageState if _S.SENDING in _NEXT[state])

# Minutes to wait after the first, second … failed attempt; the last one repeats. About four days in all.
_WAITS = (1, 5, 15, 60, 180, 360, 720)
MOST_ATTEMPTS = 14


class MoveNotAllowed(Exception):
    """The table has no such transition."""

    def __init__(self, old: MessageState, new: MessageState) -> None:
        super().__init__(f"消息“{old.label}”，不能变为“{new.label}”")


def move(old: MessageState, new: MessageState) -> MessageState:
    """`new`, if a message may go there from `old`. Raises MoveNotAllowed."""
    if new not in _NEXT[old]:
        raise MoveNotAllowed(old, new)
    return new


def wait_after(attempt: int) -> timedelta | None:
    """How long to wait after failed attempt number `attempt` (from 1); None when it was the last."""
    if attempt >= MOST_ATTEMPTS:
        return None
    return timedelta(minutes=_WAITS[min(attempt, len(_WAITS)) - 1])
