"""The fence of a home that came back from a backup: what it sent before it was lost is not sent a second time.

Consulted where a message is claimed, before anything leaves the house. What meets the fence takes the name (dispatch), the
provider's reference and the end of what was sent then, so that receipts and answers that still come find it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from notifier.claiming import Claim
from notifier.outcomes import NEVER
from notifier.states import MessageState, Purpose, move
from notifier.tables import AttemptRow, MessageRow, RecallRow, SentBeforeRow, SettingRow
from notifier.witness import describe_calls
from search_index.day import day_of

MAYBE_SENT = "恢复前可能已经发出，请核实"
SENT_BEFORE = "恢复前已经发出"
# A reminder may be said twice: better than never.
_FENCED = frozenset(Purpose) - {Purpose.REMINDER}
_BLIND = "fenced_until"
_OPEN = SentBeforeRow.message_id.is_(None)


def join_meanings(meanings: Iterable[str]) -> str:
    """One name for all that a message means."""
    return sha256("\n".join(sorted(meanings)).encode()).hexdigest()


def hold_back(session: Session, claims: list[Claim], now: datetime) -> list[Claim]:
    """Those of `claims` that may be called: without what was sent before this home came back from a backup, which is
    settled here. In the transaction that claims them."""
    asked = [claim for claim in claims if claim.purpose in _FENCED]
    if asked and (begun := _find_blind(session, now)) is not None:
        old = [claim for claim in asked if not _is_newer(session, claim, begun)]
        for claim in old:
            _take_for_sent(session, claim, now)
        return [claim for claim in claims if claim not in old]
    if not asked or session.scalar(select(SentBeforeRow.id).where(_OPEN).limit(1)) is None:
        return claims
    told = describe_calls(session, asked, now)
    held = {
        claim.message_id
        for claim, call in zip(asked, told, strict=True)
        if _settle(session, claim, join_meanings(call.meanings), now)
    }
    return [claim for claim in claims if claim.message_id not in held]


def fence_blindly(session: Session, begun: datetime, until: datetime) -> None:
    """Where no log tells what was sent before a restoration that began at `begun`: what is queued by `until` may be a
    repetition, and goes on a person's word only; but what left the list by the restoration itself is told."""
    session.merge(SettingRow(name=_BLIND, value=f"{begun.isoformat()} {until.isoformat()}"))


def _find_blind(session: Session, now: datetime) -> datetime | None:
    value = session.scalar(select(SettingRow.value).where(SettingRow.name == _BLIND))
    if value is None:
        return None
    begun, until = (datetime.fromisoformat(part) for part in value.split(" "))
    return begun if now < until else None


def _is_newer(session: Session, claim: Claim, begun: datetime) -> bool:
    query = select(RecallRow.at).join(MessageRow, MessageRow.recall_id == RecallRow.id)
    at = session.scalar(query.where(MessageRow.id == claim.message_id))
    return at is not None and at >= begun


def _take_for_sent(session: Session, claim: Claim, now: datetime) -> None:
    row = session.get_one(MessageRow, claim.message_id, populate_existing=True)
    attempt = session.get_one(AttemptRow, claim.attempt_id)
    leave_to_person(row, attempt, now)
    session.flush()


def state_of(outcome: str | None) -> MessageState:
    """What a message is whose last call before the loss ended so: unknown, unless the end is known to be one."""
    try:
        state = MessageState(outcome or MessageState.UNKNOWN)
    except ValueError:
        return MessageState.UNKNOWN
    return state if state in (MessageState.ACCEPTED, MessageState.DELIVERED) else MessageState.UNKNOWN


def take_over(
    row: MessageRow,
    attempt: AttemptRow,
    *,
    dispatch: str,
    called_at: datetime,
    outcome: str | None,
    reference: str | None,
    now: datetime,
) -> None:
    """Make a message what was sent under `dispatch` before the loss."""
    state = state_of(outcome)
    row.state = move(MessageState(row.state), state)
    row.reason = MAYBE_SENT if state is MessageState.UNKNOWN else SENT_BEFORE
    row.dispatch, row.called_on = dispatch, day_of(called_at)
    # Where the provider can be asked it is asked soon, by the name and the reference of then.
    row.lookups, row.next_attempt_at, row.lease_until, row.changed_at = 0, now, None, now
    attempt.called_at, attempt.ended_at = called_at, now
    attempt.outcome, attempt.reference, attempt.detail = state.value, reference, row.reason


def leave_to_person(row: MessageRow, attempt: AttemptRow, now: datetime) -> None:
    """A message that may have gone, nobody can say when or under which name: no provider is asked, whose answer that it
    knows nothing of this one would have it sent again."""
    take_over(row, attempt, dispatch=row.dispatch, called_at=now, outcome=None, reference=None, now=now)
    row.next_attempt_at = NEVER


def _settle(session: Session, claim: Claim, meaning: str, now: datetime) -> bool:
    query = select(SentBeforeRow).where(SentBeforeRow.meaning == meaning, _OPEN).order_by(SentBeforeRow.id).limit(1)
    before = session.scalars(query.with_for_update()).first()
    if before is None:
        return False
    row = session.get_one(MessageRow, claim.message_id, populate_existing=True)
    attempt = session.get_one(AttemptRow, claim.attempt_id)
    taken = session.scalar(select(MessageRow.id).where(MessageRow.dispatch == before.dispatch))
    take_over(
        row,
        attempt,
        dispatch=before.dispatch if taken is None else row.dispatch,
        called_at=before.called_at,
        outcome=before.outcome,
        reference=before.reference,
        now=now,
    )
    if taken is not None and row.state == MessageState.UNKNOWN:
        # It went under the name of another row, by which alone the provider knows it.
        row.next_attempt_at = NEVER
    before.message_id = row.id
    session.flush()
    return True


def count_open(session: Session) -> dict[str, int]:
    """How many of what was sent before nothing was taken for yet, by purpose."""
    found: dict[str, int] = {}
    for purpose in session.scalars(select(SentBeforeRow.purpose).where(_OPEN)):
        found[purpose] = found.get(purpose, 0) + 1
    return found


def add_sent(session: Session, lines: Sequence[SentBeforeRow]) -> int:
    """Put on record what was sent before; what is known already stays as it is. Returns how many are new."""
    known = set(session.scalars(select(SentBeforeRow.dispatch)))
    new = [line for line in lines if line.dispatch not in known]
    session.add_all(new)
    session.flush()
    return len(new)
