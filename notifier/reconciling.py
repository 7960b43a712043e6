"""Messages after a backup came back: what was sent since it was made is made known to the notifier, so that nothing goes twice.

A message that the backup knows takes the end that the log gives it. A list that it does not know is put on record with what
was in it, so that who has it is told of every departure. Everything else that it does not know becomes the fence (fencing.py).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from notifier.calendar import Period, Workdays, last_day_of_use
from notifier.claiming import to_claim
from notifier.fencing import MAYBE_SENT, add_sent, join_meanings, leave_to_person, take_over
from notifier.holding import keep_cases
from notifier.runs import queue_packages
from notifier.states import SENDABLE, MessageState, Purpose, may_move, move
from notifier.stops import AddressDigest
from notifier.tables import (
    AttemptRow,
    MessageRow,
    PackageEntryRow,
    PackageRow,
    RecipientRow,
    RunRow,
    SentBeforeRow,
    SettingRow,
)
from notifier.witness import describe_calls
from search_index.day import day_of

BY_RESTORING = "恢复"
_MARK = "restored/"
# Of these nothing has arrived, and the lost home would have tried again.
_NOT_ARRIVED = frozenset(
    {MessageState.FAILED_TEMPORARY.value, MessageState.FAILED_PERMANENT.value, MessageState.QUEUED.value}
)
_NO_DIGEST = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What left the house under one name, as the log has it: the last call of it and its end, `outcome` None where nobody
    can tell. `is_fetched`: the recipient came for it."""

    dispatch: str
    attempt: int
    purpose: str
    channel: str
    recipient: str
    called_at: datetime
    meanings: tuple[str, ...] = ()
    period: str | None = None
    kind: str | None = None
    revision: int = 0
    sequence: int = 0
    outcome: str | None = None
    reference: str | None = None
    is_fetched: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What a lost list may have held: the entries, each with its case number, that were public when the backup was made; at
    which public sequence each left since, by the numbers of the lost home; and the last sequence of the backup."""

    entries: Mapping[str, str | None]
    left: Mapping[str, int]
    sequence: int


@dataclass(slots=True)
class Reconciled:
    """How many messages took an end that the log knows, how many are unknown now, how many lists were put on record anew,
    how many stand in the fence, and recipients that the backup does not know."""

    ended: int = 0
    unknown: int = 0
    lists: int = 0
    fenced: int = 0
    strangers: list[str] = field(default_factory=list)


def reconcile(
    session: Session, sent: Sequence[Sent], listed: Listed, *, workdays: Workdays, digest: AddressDigest, now: datetime
) -> Reconciled:
    """Take in what was sent since the backup. In one transaction; repeated, it changes nothing more."""
    done = Reconciled()
    known = _find_known(session, [one.dispatch for one in sent])
    slugs = dict(session.execute(select(RecipientRow.slug, RecipientRow.id)).all())
    done.strangers = sorted({one.recipient for one in sent if one.recipient and one.recipient not in slugs})
    lost = [one for one in sent if one.dispatch not in known]
    for one in lost:
        if one.purpose == Purpose.PACKAGE and one.period and one.recipient in slugs:
            row = _rebuild_list(session, one, slugs[one.recipient], workdays, digest, now)
            known[one.dispatch] = row
    for one in sent:
        if (found := known.get(one.dispatch)) is not None:
            package = _rebuild_package(session, one, found, listed, workdays, done) if one.period else None
            _take_end(session, found, one, package, now, done)
    done.fenced = add_sent(session, [_to_fence(one) for one in lost if one.dispatch not in known and _is_fenced(one)])
    return done


def hold_unsure(session: Session, now: datetime) -> int:
    """Without a log of what was sent, whatever waited in the backup may have gone: none of it goes by itself."""
    query = select(MessageRow).where(
        MessageRow.state.in_(sorted({*SENDABLE, MessageState.SENDING})), MessageRow.purpose != Purpose.REMINDER
    )
    held = 0
    for row in session.scalars(query.with_for_update()).all():
        attempt = (
            _begin(session, row, row.attempts + 1, now) if row.state != MessageState.SENDING else _last(session, row)
        )
        if row.state != MessageState.SENDING:
            row.state = move(MessageState(row.state), MessageState.SENDING)
        leave_to_person(row, attempt, now)
        held += 1
    return held


def free_notice_keys(session: Session, last_notice: int, name: str, now: datetime) -> int:
    """Notices that the registry of the backup does not know any more give their keys back: the same numbers will be handed
    out anew. What of them has gone stands in the fence, what waits is taken back: it is queued again if it still holds."""
    query = select(MessageRow).where(MessageRow.purpose == Purpose.NOTICE, MessageRow.key.startswith("notice/"))
    freed = 0
    for row in session.scalars(query).all():
        number = row.key.removeprefix("notice/")
        if not number.isdigit() or int(number) <= last_notice:
            continue
        state = MessageState(row.state)
        if state in SENDABLE:
            row.state, row.reason = move(state, MessageState.CANCELLED), "恢复后由登记库重新生成"
        elif state in (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN, MessageState.SENDING):
            attempt = _last(session, row)
            (call,) = describe_calls(session, [to_claim(row, attempt, None, None)], now)
            fence = Sent(
                dispatch=row.dispatch,
                attempt=row.attempts,
                purpose=row.purpose,
                channel=row.channel,
                recipient="",
                called_at=attempt.called_at or now,
                meanings=call.meanings,
                outcome=row.state,
                reference=attempt.reference,
            )
            add_sent(session, [_to_fence(fence)])
        row.key, row.changed_at = f"lost/{name}/{row.key}"[:160], now
        freed += 1
    session.flush()
    return freed


def is_marked(session: Session, name: str) -> bool:
    """Whether the restoration of this name was taken in before."""
    return session.get(SettingRow, _MARK + name) is not None


def mark(session: Session, name: str, value: str) -> None:
    """Note that it was, in the transaction that takes it in."""
    session.merge(SettingRow(name=_MARK + name, value=value))


def read_mark(session: Session, name: str) -> str | None:
    """What was noted with it."""
    row = session.get(SettingRow, _MARK + name)
    return row.value if row is not None else None


def count_maybe_sent(session: Session) -> int:
    """How many messages wait for a person because they may have gone before the restoration."""
    query = select(func.count()).where(MessageRow.state == MessageState.UNKNOWN, MessageRow.reason == MAYBE_SENT)
    return session.scalar(query) or 0


def _find_known(session: Session, dispatches: Collection[str]) -> dict[str, MessageRow]:
    found: dict[str, MessageRow] = {}
    names = list(dispatches)
    for start in range(0, len(names), 500):
        query = select(MessageRow).where(MessageRow.dispatch.in_(names[start : start + 500])).with_for_update()
        found |= {row.dispatch: row for row in session.scalars(query)}
    return found


def _is_fenced(one: Sent) -> bool:
    return one.purpose != Purpose.REMINDER and one.outcome not in _NOT_ARRIVED and bool(one.meanings)


def _to_fence(one: Sent) -> SentBeforeRow:
    return SentBeforeRow(
        meaning=join_meanings(one.meanings),
        dispatch=one.dispatch,
        purpose=one.purpose,
        channel=one.channel,
        recipient=one.recipient,
        called_at=one.called_at,
        outcome=one.outcome,
        reference=one.reference,
    )


def _take_end(
    session: Session, row: MessageRow, one: Sent, package: PackageRow | None, now: datetime, done: Reconciled
) -> None:
    state = MessageState(row.state)
    if one.is_fetched:
        _note_fetched(session, row, one, package, now, done)
        return
    if one.attempt < row.attempts or (one.attempt == row.attempts and state is not MessageState.SENDING):
        _add_end(session, row, one, done)
        return
    if state not in SENDABLE and state is not MessageState.SENDING:
        return
    attempt = _last(session, row) if one.attempt == row.attempts else _begin(session, row, one.attempt, one.called_at)
    if state is not MessageState.SENDING:
        row.state = move(state, MessageState.SENDING)
    if package is not None:
        attempt.package_id, row.revision = package.id, package.revision
    if one.outcome in _NOT_ARRIVED:
        _not_arrived(row, attempt, one, now)
        return
    take_over(
        row,
        attempt,
        dispatch=row.dispatch,
        called_at=one.called_at,
        outcome=one.outcome,
        reference=one.reference,
        now=now,
    )
    if row.state == MessageState.UNKNOWN:
        done.unknown += 1
    else:
        done.ended += 1


def _not_arrived(row: MessageRow, attempt: AttemptRow, one: Sent, now: datetime) -> None:
    """The call had failed: what would have been tried again is."""
    state = MessageState(one.outcome or MessageState.QUEUED)
    row.state = move(MessageState(row.state), state)
    row.lease_until, row.next_attempt_at, row.changed_at = None, now, now
    row.called_on = day_of(one.called_at)
    attempt.called_at, attempt.ended_at, attempt.outcome = one.called_at, now, one.outcome
    attempt.reference = one.reference


def _add_end(session: Session, row: MessageRow, one: Sent, done: Reconciled) -> None:
    """What was learnt, after the backup, of a call that the backup knows."""
    if one.attempt != row.attempts or one.outcome not in (MessageState.ACCEPTED, MessageState.DELIVERED):
        return
    end, attempt = MessageState(one.outcome), _last(session, row)
    if end != row.state and may_move(MessageState(row.state), end):
        row.state = move(MessageState(row.state), end)
        attempt.outcome, attempt.reference = end.value, attempt.reference or one.reference
        done.ended += 1


def _note_fetched(
    session: Session, row: MessageRow, one: Sent, package: PackageRow | None, now: datetime, done: Reconciled
) -> None:
    if package is None:
        return
    query = select(AttemptRow.id).where(AttemptRow.message_id == row.id, AttemptRow.package_id == package.id)
    if session.scalar(query.where(AttemptRow.number < 0).limit(1)) is None:
        lowest = session.scalar(select(func.min(AttemptRow.number)).where(AttemptRow.message_id == row.id)) or 0
        attempt = _begin(session, row, min(0, lowest) - 1, one.called_at, count=False)
        attempt.called_at = attempt.ended_at = one.called_at
        attempt.outcome, attempt.package_id, attempt.detail = MessageState.DELIVERED.value, package.id, "对方取走"
    if row.state != MessageState.SENDING and may_move(MessageState(row.state), MessageState.DELIVERED):
        row.state = move(MessageState(row.state), MessageState.DELIVERED)
        row.called_on, row.changed_at = day_of(one.called_at), now
        done.ended += 1


def _begin(session: Session, row: MessageRow, number: int, at: datetime, *, count: bool = True) -> AttemptRow:
    attempt = AttemptRow(message_id=row.id, number=number, worker=BY_RESTORING, begun_at=at)
    session.add(attempt)
    if count:
        row.attempts = number
    session.flush()
    return attempt


def _last(session: Session, row: MessageRow) -> AttemptRow:
    query = select(AttemptRow).where(AttemptRow.message_id == row.id, AttemptRow.number == row.attempts)
    return session.scalars(query).one()


def _rebuild_list(
    session: Session, one: Sent, recipient_id: int, workdays: Workdays, digest: AddressDigest, now: datetime
) -> MessageRow:
    """The message of a lost list: its run, and those to the other recipients of it, come into being as they were."""
    run = session.scalars(select(RunRow).where(RunRow.period == one.period, RunRow.kind == one.kind)).first()
    if run is None:
        due_on = Period.parse(one.period or "").due_on(workdays)
        late = max(0, (day_of(one.called_at) - due_on).days)
        run = RunRow(
            period=one.period, kind=one.kind, due_on=due_on, days_late=late, made_by=BY_RESTORING, made_at=one.called_at
        )
        session.add(run)
        session.flush()
        queue_packages(session, run.id, now=now, digest=digest)
    query = select(MessageRow).where(
        MessageRow.run_id == run.id, MessageRow.recipient_id == recipient_id, MessageRow.purpose == Purpose.PACKAGE
    )
    row = session.scalars(query.order_by(MessageRow.id)).first()
    if row is None:
        queue_packages(session, run.id, now=now, digest=digest, only=recipient_id)
        row = session.scalars(query).one()
    row.dispatch = one.dispatch
    session.flush()
    return row


def _rebuild_package(
    session: Session, one: Sent, row: MessageRow, listed: Listed, workdays: Workdays, done: Reconciled
) -> PackageRow | None:
    """The revision that went out: the backup's, or in its place one that holds what it may have held."""
    if row.run_id is None or not one.revision:
        return None
    query = select(PackageRow).where(PackageRow.run_id == row.run_id, PackageRow.revision == one.revision)
    package = session.scalars(query).first()
    if package is not None:
        return package
    entries = {
        record: case
        for record, case in listed.entries.items()
        if listed.left.get(record, one.sequence + 1) > one.sequence
    }
    package = PackageRow(
        run_id=row.run_id,
        revision=one.revision,
        sequence=min(one.sequence, listed.sequence) if one.sequence else listed.sequence,
        content=_NO_DIGEST,
        manifest_sha256=_NO_DIGEST,
        entries=len(entries),
        last_day_of_use=last_day_of_use(day_of(one.called_at), workdays),
        made_at=one.called_at,
    )
    session.add(package)
    session.flush()
    session.add_all(PackageEntryRow(package_id=package.id, record=record) for record in entries)
    keep_cases(session, entries)
    done.lists += 1
    session.flush()
    return package
