"""Receipts: what WeChat reports later of messages it took, and which message each is about. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from notifier.channels import Outcome, Stop
from notifier.states import MessageState
from notifier.wechat.messages import MassReported, SubscriptionReported, TemplateReported
from notifier.wechat.outcomes import judge_code

# A report without a number belongs to a message of this long before it.
MATCH_WITHIN = timedelta(hours=1)
# The clock of WeChat and ours.
_SKEW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptArrived:
    """A report on one message. `reference` is the provider's number of it; where WeChat gives none, the message is found
    with `match_receipt` by its `address` (an openid, or None for a mass message) and the time. The state of `outcome`
    is DELIVERED or FAILED_PERMANENT. `key` is the same however often the report arrives."""

    key: str
    reference: str | None
    address: str | None
    outcome: Outcome
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class SentMessage:
    """What is known of a message that may have been meant: accepted or unknown, and without a receipt so far. `address`
    is None for a mass message."""

    id: str
    reference: str | None
    address: str | None
    begun_at: datetime


def read_receipt(message: TemplateReported | MassReported | SubscriptionReported) -> ReceiptArrived:
    """The report in an event."""
    match message:
        case TemplateReported():
            return _receipt(message, message.follower, _judge_template(message.status))
        case SubscriptionReported(code=0):
            return _receipt(message, message.follower, _DELIVERED)
        case SubscriptionReported(code=code):
            judged = judge_code(code, message.at)
            refused = Outcome(
                state=MessageState.FAILED_PERMANENT, detail=judged.detail, stop=_only_address(judged.stop)
            )
            return _receipt(message, message.follower, refused)
        case MassReported():
            return _receipt(message, None, _judge_mass(message))


def match_receipt(receipt: ReceiptArrived, candidates: Sequence[SentMessage]) -> SentMessage | None:
    """The message that `receipt` is about: the one with its number, or, where it has none or the number never reached us,
    the only one to its address of the hour before. None where that is not certain."""
    if receipt.reference is not None:
        numbered = [one for one in candidates if one.reference == receipt.reference]
        if numbered:
            return numbered[0]
    possible = [one for one in candidates if _may_mean(receipt, one)]
    return possible[0] if len(possible) == 1 else None


def _may_mean(receipt: ReceiptArrived, message: SentMessage) -> bool:
    if message.address != receipt.address:
        return False
    # Another number is another message.
    if receipt.reference is not None and message.reference is not None:
        return False
    return -_SKEW <= receipt.at - message.begun_at <= MATCH_WITHIN


def _receipt(
    message: TemplateReported | MassReported | SubscriptionReported, address: str | None, outcome: Outcome
) -> ReceiptArrived:
    # One event reports on a message for each of its templates.
    key = f"{message.key}-{message.template}" if isinstance(message, SubscriptionReported) else message.key
    return ReceiptArrived(key=key, reference=message.number, address=address, outcome=outcome, at=message.at)


def _judge_template(status: str) -> Outcome:
    words = status.replace(" ", "")
    if words == "success":
        return _DELIVERED
    if words == "failed:userblock":
        return Outcome(state=MessageState.FAILED_PERMANENT, detail="接收人拒收公众号消息", stop=Stop.ADDRESS)
    return Outcome(state=MessageState.FAILED_PERMANENT, detail="微信回执：未能送达")


def _judge_mass(message: MassReported) -> Outcome:
    counts = f"应发 {message.total} 人，成功 {message.sent} 人，失败 {message.failed} 人"
    if message.status.replace(" ", "") == "sendsuccess":
        return Outcome(state=MessageState.DELIVERED, detail=f"群发完成：{counts}")
    return Outcome(state=MessageState.FAILED_PERMANENT, detail=f"群发没有完成（审核或者系统原因）：{counts}")


def _only_address(stop: Stop) -> Stop:
    return stop if stop is Stop.ADDRESS else Stop.NOTHING


_DELIVERED = Outcome(state=MessageState.DELIVERED, detail="微信回执：已送达")
