"""What the gateways hear, written down: receipts, and who wants messages or none.

Everything is safe to repeat, and in any order. What cannot be written down is raised, so that the provider asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import structlog
from sqlalchemy import Select, delete, select
from sqlalchemy.orm import Session

from notifier.channels import ChatMessage, Outcome, Stop
from notifier.claiming import Terms
from notifier.context import Notifier
from notifier.gateway_wechat import WeChatEvent
from notifier.outbox import decode_content, encode_content
from notifier.sending import Given, make_terms
from notifier.settling import Receipt, apply_receipt, take_receipt
from notifier.sms import receipts as sms
from notifier.states import SENDABLE, MessageState, Purpose, move
from notifier.stops import insert_new, suppress
from notifier.tables import AttemptRow, GatewayEventRow, MessageRow, SuppressionRow
from notifier.wechat import CHANNEL as WECHAT
from notifier.wechat.conversation import Follow, Unfollow
from notifier.wechat.followers import write_down
from notifier.wechat.messages import SubscriptionAnswered
from notifier.wechat.receipts import MATCH_WITHIN, ReceiptArrived, SentMessage, match_receipt

# A signed request says nothing of its age: it is known again for longer than anyone keeps one.
REMEMBERED = timedelta(days=400)
OPTED_OUT = "接收人已退订"
HAS_LEFT = "接收人已取消关注公众号"
# A report may belong to a message whose call has not returned, or has never been answered.
_MAY_BE_MEANT = (MessageState.SENDING, MessageState.ACCEPTED, MessageState.UNKNOWN)
# The clock of a provider and ours.
_SKEW = timedelta(minutes=5)

_log = structlog.get_logger("notifier.gateway")


class EventBook:
    """Writes down what providers say. Safe to share between threads; nothing is opened before the first event, so that it
    may be made before a server forks."""

    def __init__(self, notifier: Notifier, given: Given, clock: Callable[[], datetime]) -> None:
        self._notifier = notifier
        self._given = given
        self._clock = clock
        self._known_terms: Terms | None = None

    @property
    def _terms(self) -> Terms:
        if self._known_terms is None:
            self._known_terms = make_terms(self._notifier, self._given, "gateway")
        return self._known_terms

    # SMS -----------------------------------------------------------------------------------------------------------

    def apply_sms(self, event: sms.Event) -> None:
        """Write down an event whose sender was authenticated."""
        match event:
            case sms.ReceiptArrived():
                apply_receipt(self._notifier.engine, _read_sms(event), self._terms, self._clock())
            case sms.OptOut() | sms.OptIn():
                self._apply_wish(event)

    def apply_hint(self, event: sms.Event) -> None:
        """Write down a report that nobody has signed: what fits our own id and the provider's reference of one message is
        believed; what fits only the id makes us ask the provider."""
        if not isinstance(event, sms.ReceiptArrived) or event.dispatch_id is None:
            return
        now = self._clock()
        query = (
            select(MessageRow, AttemptRow.reference)
            .join(AttemptRow, (AttemptRow.message_id == MessageRow.id) & (AttemptRow.number == MessageRow.attempts))
            .where(MessageRow.dispatch == event.dispatch_id, MessageRow.channel == event.channel)
            .with_for_update(of=MessageRow)
        )
        terms = self._terms
        with Session(self._notifier.engine) as session, session.begin():
            found = session.execute(query).first()
            if found is None:
                return
            row, reference = found
            if reference == event.reference:
                take_receipt(session, _read_sms(event), terms, now)
            elif row.state in (MessageState.UNKNOWN, MessageState.ACCEPTED):
                row.next_attempt_at = min(row.next_attempt_at, now)

    def _apply_wish(self, event: sms.OptOut | sms.OptIn) -> None:
        address, now = self._terms.digest(event.number), self._clock()
        with Session(self._notifier.engine) as session, session.begin():
            if not remember(session, event.key, now):
                return
            if isinstance(event, sms.OptOut):
                suppress(session, address, reason=OPTED_OUT, opted_out=True, now=now)
            else:
                _lift(session, address)

    # WeChat --------------------------------------------------------------------------------------------------------

    def apply_wechat(self, events: Iterable[WeChatEvent]) -> None:
        """Write down events of the account."""
        for event in events:
            match event:
                case Follow() | Unfollow():
                    self._apply_change(event)
                case SubscriptionAnswered():
                    if event.is_wanted:
                        self._lift(event.follower)
                case ReceiptArrived():
                    self._apply_report(event)

    def _apply_change(self, change: Follow | Unfollow) -> None:
        address, now = self._terms.digest(change.follower), self._clock()
        with Session(self._notifier.engine) as session, session.begin():
            if not write_down(session, change):
                return
            match change:
                case Follow():
                    _lift(session, address)
                case Unfollow(has_left=True):
                    _erase(session, address, now)
                    _lift(session, address)
                case Unfollow():
                    _cancel(session, address, now)

    def _lift(self, openid: str) -> None:
        address = self._terms.digest(openid)
        with Session(self._notifier.engine) as session, session.begin():
            _lift(session, address)

    def _apply_report(self, report: ReceiptArrived) -> None:
        terms, now = self._terms, self._clock()
        address = terms.digest(report.address) if report.address is not None else None
        with Session(self._notifier.engine) as session, session.begin():
            # A report without a number could be taken for one on a later message when it comes again.
            if report.reference is None and not remember(session, f"wechat:{report.key}", now):
                return
            if report.outcome.stop is Stop.ADDRESS and address is not None:
                suppress(session, address, reason=report.outcome.detail, opted_out=False, now=now)
            meant = None if _is_known(session, report.reference) else _find_meant(session, report, address)
            if meant is None and report.reference is None:
                _log.info("wechat_report_unmatched")
                return
            receipt = _to_receipt(WECHAT, report.outcome, report.reference, meant.id if meant else None)
            take_receipt(session, receipt, terms, now)

    # Both ----------------------------------------------------------------------------------------------------------

    def sweep(self) -> int:
        """Forget the events that nobody can repeat any more; how many."""
        old = delete(GatewayEventRow).where(GatewayEventRow.received_at < self._clock() - REMEMBERED)
        with Session(self._notifier.engine) as session, session.begin():
            return len(session.scalars(old.returning(GatewayEventRow.token)).all())


def remember(session: Session, key: str, now: datetime) -> bool:
    """Whether the event with this key is new; from the caller's commit on it is not."""
    values = {"token": sha256(key.encode("utf-8")).hexdigest(), "received_at": now}
    made = insert_new(session, GatewayEventRow, "token").returning(GatewayEventRow.token)
    return session.execute(made, [values]).first() is not None


def _read_sms(event: sms.ReceiptArrived) -> Receipt:
    return _to_receipt(event.channel, event.outcome, event.reference, event.dispatch_id)


def _to_receipt(channel: str, outcome: Outcome, reference: str | None, dispatch: str | None) -> Receipt:
    return Receipt(
        channel=channel,
        state=outcome.state,
        detail=outcome.detail,
        dispatch=dispatch,
        reference=reference,
        stop=outcome.stop,
        retry_after=outcome.retry_after,
    )


def _lift(session: Session, address_hash: str) -> None:
    session.execute(delete(SuppressionRow).where(SuppressionRow.address_hash == address_hash))


def _to(address_hash: str) -> Select[MessageRow]:
    found = select(MessageRow).where(MessageRow.channel == WECHAT, MessageRow.address_hash == address_hash)
    return found.order_by(MessageRow.id).with_for_update()


def _cancel(session: Session, address_hash: str, now: datetime) -> None:
    """Let no digest go that is still here."""
    waiting = _to(address_hash).where(MessageRow.purpose == Purpose.DIGEST, MessageRow.state.in_(SENDABLE))
    for row in session.scalars(waiting):
        _end(row, OPTED_OUT, now)


def _erase(session: Session, address_hash: str, now: datetime) -> None:
    """Let nothing go to one who has left, and forget what went where: what remains is that a message went."""
    for row in session.scalars(_to(address_hash)):
        if row.state in SENDABLE or row.state == MessageState.UNKNOWN:
            _end(row, HAS_LEFT, now)
        # A call that is under way has what it needs in memory.
        row.address = row.address_hash = None
        row.content = _without_words(row.content)


def _end(row: MessageRow, reason: str, now: datetime) -> None:
    row.state = move(MessageState(row.state), MessageState.CANCELLED)
    row.reason, row.changed_at = reason, now


def _without_words(content: str | None) -> str | None:
    said = decode_content(content) if content is not None else None
    return encode_content(replace(said, fields={}, url=None)) if isinstance(said, ChatMessage) else content


def _is_known(session: Session, reference: str | None) -> bool:
    """Whether a call to WeChat has come back with this number."""
    if reference is None:
        return False
    query = select(AttemptRow.id).join(MessageRow, MessageRow.id == AttemptRow.message_id)
    query = query.where(AttemptRow.reference == reference, MessageRow.channel == WECHAT)
    return session.scalar(query.limit(1)) is not None


def _find_meant(session: Session, report: ReceiptArrived, address_hash: str | None) -> SentMessage | None:
    """The message of which a report without a number that we know must be; None where that is not certain."""
    query = (
        select(MessageRow.dispatch, AttemptRow.reference, AttemptRow.called_at)
        .join(AttemptRow, (AttemptRow.message_id == MessageRow.id) & (AttemptRow.number == MessageRow.attempts))
        .where(MessageRow.channel == WECHAT, MessageRow.state.in_(_MAY_BE_MEANT))
        .where(AttemptRow.called_at >= report.at - MATCH_WITHIN - _SKEW)
    )
    if address_hash is None:
        query = query.where(MessageRow.content.startswith('{"kind":"mass"', autoescape=True))
    else:
        query = query.where(MessageRow.address_hash == address_hash)
    found = [
        SentMessage(id=dispatch, reference=reference, address=report.address, begun_at=called_at)
        for dispatch, reference, called_at in session.execute(query)
        if called_at is not None
    ]
    return match_receipt(report, found)
