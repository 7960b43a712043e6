"""Recall: whoever was sent an entry is told at once when it leaves the list or is corrected.

The store's list of public changes is followed in order; how far is kept in the transaction that queues the messages, so
that no change is passed over and none is told twice. A recall names a record by its number and its case number, and
never by what has left the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any, Protocol

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.orm import Session

from notifier.calendar import Workdays
from notifier.holding import Standing as Standing
from notifier.holding import find_holders
from notifier.holding import find_standing as find_standing
from notifier.holding import keep_cases as keep_cases
from notifier.holding import keep_cases_of_package as keep_cases_of_package
from notifier.holding import note_handover as note_handover
from notifier.outbox import SYSTEM_RANDOM, Draft, enqueue
from notifier.policy import recall_due
from notifier.recall_letters import Recall as Recall
from notifier.recall_letters import RecallKind as RecallKind
from notifier.recall_letters import compose_corrections, compose_recall
from notifier.recall_letters import name_entry as name_entry
from notifier.recall_letters import sign as sign
from notifier.states import MessageState, Purpose
from notifier.stops import AddressDigest, insert_new, open_digest
from notifier.tables import (
    AttemptRow,
    EntryCaseRow,
    MessageRecallRow,
    MessageRow,
    PackageEntryRow,
    PackageRow,
    PrintingRow,
    RecallRow,
    RecipientRow,
    SettingRow,
)
from notifier.watermark import Followed, lock_followed, read_followed, write_followed
from notifier.watermark import ensure_watermark as ensure_watermark
from notifier.watermark import lock_watermark as lock_watermark
from notifier.watermark import read_watermark as read_watermark
from search_index.day import day_of
from search_index.document import Document
from search_index.journal import ChangeType, EntryChange
from search_index.profile import Profile
from search_index.subjects import LastTold

_AT_ONCE = 500
# So many corrections followed in one go are letters of their own; more are lists of at most so many.
_ONE_BY_ONE = 5
_MOST_IN_A_LETTER = 100
_LATE = "arrived_late/"


class PublicMoment(Protocol):
    """One moment of the disclosed store, as search_index.snapshot.Snapshot is."""

    def changes(self, since: int, limit: int) -> list[EntryChange]:
        """Public changes after a sequence, in order and without a gap."""

    def documents(self, records: Sequence[str]) -> dict[str, Document]:
        """Those of the records that are public."""

    def profile(self) -> Profile:
        """The court's profile."""

    def subjects(
        self, subject: str, limit: int = 100, *, offset: int = 0, kinds: Sequence[str] = ()
    ) -> list[tuple[str, datetime, Mapping[str, Any]]]:
        """Key, time and body of what is told beside the entries, the newest first."""

    def last_told(self, subject: str, key: str) -> LastTold | None:
        """When one of these was last told of or taken away."""


class PublicStore(Protocol):
    """The disclosed store, as search_index.store.Store reads it."""

    def snapshot(self, now: datetime) -> AbstractContextManager[Any]:
        """A PublicMoment."""


_Told = tuple[RecipientRow, Recall]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Telling:
    """What every letter is made with."""

    profile: Profile
    workdays: Workdays
    now: datetime
    digest: AddressDigest
    random: Random


def follow_changes(
    engine: Engine, store: PublicStore, workdays: Workdays, *, now: datetime, random: Random = SYSTEM_RANDOM
) -> int:
    """Queue a recall for everyone who was sent what has left the list, or was corrected, since the last time; the
    number of changes followed. Safe to repeat, and to do in several processes at once."""
    ensure_watermark(engine)
    _find_way_back(engine, store, now)
    with store.snapshot(now) as moment:
        profile = moment.profile()
    telling = _Telling(profile=profile, workdays=workdays, now=now, digest=open_digest(engine), random=random)
    followed = 0
    while True:
        since = read_followed(engine)
        with store.snapshot(now) as moment:
            changes = moment.changes(since.sequence, _AT_ONCE)
        if not changes:
            _tell_late(engine, store, telling)
            return followed
        with Session(engine) as session, session.begin():
            if lock_followed(session, to_write=True) != since:
                continue
            told = [one for change in changes for one in _follow(session, change, telling)]
            _queue_letters(session, told, telling)
            write_followed(session, Followed(changes[-1].sequence, changes[-1].at))
        followed += len(changes)


def note_late(session: Session, attempt: AttemptRow) -> None:
    """A package that counted as not arrived has arrived after all: what has left it since is to be told there, too. To be
    called in the transaction that writes the new outcome."""
    if attempt.package_id is not None:
        session.execute(insert_new(session, SettingRow, "name"), [{"name": f"{_LATE}{attempt.id}", "value": ""}])


def to_recall(row: RecallRow) -> Recall:
    return Recall(
        id=row.id,
        sequence=row.sequence,
        record=row.record,
        case_number=row.case_number,
        type=RecallKind(row.type),
        at=row.at,
        due_on=row.due_on,
    )


def _find_way_back(engine: Engine, store: PublicStore, now: datetime) -> None:
    """Where the list was restored from a backup, go back to the last change that it and the followed one share. What was
    sent of the changes that are lost counts as sent before those that come now."""
    known = read_followed(engine)
    if known.at is None:
        return
    with store.snapshot(now) as moment:
        if [(one.sequence, one.at) for one in moment.changes(known.sequence - 1, 1)] == [(known.sequence, known.at)]:
            return
        shared = _find_shared(moment, known.at)
    if shared is None:
        return
    with Session(engine) as session, session.begin():
        if lock_followed(session, to_write=True) != known:
            return
        for row in (PackageRow, PrintingRow):
            later = update(row).where(row.sequence > shared.sequence)
            session.execute(later.values(sequence=shared.sequence), execution_options={"synchronize_session": False})
        write_followed(session, shared)


def _find_shared(moment: PublicMoment, at: datetime) -> Followed | None:
    """The last change that is older than the last one followed (made `at`): what comes after a restoration is later. None
    where there is nothing later yet: the store may be about to be filled again with what was followed."""
    shared = Followed(0)
    for change in _walk(moment, 0):
        if change.at >= at:
            return shared
        shared = Followed(change.sequence, change.at)
    return None


def _tell_late(engine: Engine, store: PublicStore, telling: _Telling) -> None:
    """Tell who has a package after all what has left it in the meantime."""
    with Session(engine) as session:
        marks = session.scalars(select(SettingRow.name).where(SettingRow.name.startswith(_LATE, autoescape=True))).all()
    for mark in marks:
        with Session(engine) as session, session.begin():
            followed = lock_followed(session, to_write=True)
            row = session.get(SettingRow, mark)
            if row is None:
                continue
            told = _find_missed(session, store, int(mark.removeprefix(_LATE)), followed.sequence, telling)
            _queue_letters(session, told, telling)
            session.delete(row)


def _find_missed(session: Session, store: PublicStore, attempt_id: int, until: int, telling: _Telling) -> list[_Told]:
    query = (
        select(PackageRow, RecipientRow)
        .join(AttemptRow, AttemptRow.package_id == PackageRow.id)
        .join(MessageRow, MessageRow.id == AttemptRow.message_id)
        .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .where(AttemptRow.id == attempt_id)
    )
    found = session.execute(query).first()
    if found is None:
        return []
    package, recipient = found
    held = set(session.scalars(select(PackageEntryRow.record).where(PackageEntryRow.package_id == package.id)))
    with store.snapshot(telling.now) as moment:
        changes = [
            change
            for change in _walk(moment, 0, until)
            if change.record in held
            and change.type is not ChangeType.PUBLISHED
            and (change.sequence > package.sequence or change.at > package.made_at)
        ]
    return [(recipient, _put_on_record(session, change, telling)) for change in changes]


def _walk(moment: PublicMoment, since: int, until: int | None = None) -> Iterator[EntryChange]:
    while changes := moment.changes(since, _AT_ONCE):
        for change in changes:
            if until is not None and change.sequence > until:
                return
            yield change
        since = changes[-1].sequence


def _follow(session: Session, change: EntryChange, telling: _Telling) -> list[_Told]:
    """Put a recall on record, if anyone was sent the entry; who is to be told."""
    holders = [] if change.type is ChangeType.PUBLISHED else find_holders(session, change)
    if not holders:
        return []
    recall = _put_on_record(session, change, telling)
    return [(recipient, recall) for recipient in holders]


def _put_on_record(session: Session, change: EntryChange, telling: _Telling) -> Recall:
    """The recall of a change; the same however often it is met."""
    same = select(RecallRow).where(
        RecallRow.sequence == change.sequence, RecallRow.record == change.record, RecallRow.at == change.at
    )
    row = session.scalars(same).first()
    if row is None:
        case = select(EntryCaseRow.case_number).where(EntryCaseRow.record == change.record)
        row = RecallRow(
            sequence=change.sequence,
            record=change.record,
            case_number=session.scalar(case),
            type=change.type,
            at=change.at,
            due_on=recall_due(day_of(telling.now), telling.workdays),
            made_at=telling.now,
        )
        session.add(row)
        session.flush()
    return to_recall(row)


def _queue_letters(session: Session, told: Sequence[_Told], telling: _Telling) -> None:
    """A letter for each recall, once for each recipient; but many corrections at once are lists."""
    dropped = _count_dropped(session, told)
    # What a recipient never had may have arrived since: then the letter that was dropped goes after all.
    told = [(recipient, recall) for recipient, recall in told if (recipient.id, recall.id) in dropped]
    drafts = []
    lists: dict[str, list[Recall]] = {}
    for those in _group(told):
        recipient, recalls = those[0][0], [recall for _, recall in those]
        corrections = _find_corrections(recalls)
        if len(corrections) <= _ONE_BY_ONE:
            alone, corrections = [one for one in recalls if one.type is RecallKind.GONE or one in corrections], []
        else:
            alone = [one for one in recalls if one.type is RecallKind.GONE]
        drafts += [_draft(one, recipient, telling.profile, dropped[recipient.id, one.id]) for one in alone]
        for start in range(0, len(corrections), _MOST_IN_A_LETTER):
            part = corrections[start : start + _MOST_IN_A_LETTER]
            drafts.append(_draft_list(part, recipient, telling.profile, dropped[recipient.id, part[0].id]))
            lists[drafts[-1].key] = part
    enqueue(session, drafts, now=telling.now, digest=telling.digest, random=telling.random)
    for key, part in lists.items():
        message_id = session.scalars(select(MessageRow.id).where(MessageRow.key == key)).one()
        session.add_all(MessageRecallRow(message_id=message_id, recall_id=recall.id) for recall in part[1:])


def _group(told: Sequence[_Told]) -> list[list[_Told]]:
    """By recipient, each in order."""
    found: dict[int, list[_Told]] = {}
    for one in told:
        found.setdefault(one[0].id, []).append(one)
    return list(found.values())


def _count_dropped(session: Session, told: Sequence[_Told]) -> dict[tuple[int | None, int], int]:
    """For each recipient and recall that no letter is about, how many were dropped before they went."""
    query = (
        select(MessageRow.recipient_id, RecallRow.id, MessageRow.state, MessageRow.attempts, MessageRow.id)
        .outerjoin(MessageRecallRow, MessageRecallRow.message_id == MessageRow.id)
        .join(RecallRow, or_(RecallRow.id == MessageRow.recall_id, RecallRow.id == MessageRecallRow.recall_id))
        .where(RecallRow.id.in_({recall.id for _, recall in told}), MessageRow.purpose != Purpose.REMINDER)
        .distinct()
    )
    dropped: dict[tuple[int | None, int], int] = {(recipient.id, recall.id): 0 for recipient, recall in told}
    for recipient_id, recall_id, state, attempts, _ in session.execute(query):
        if (recipient_id, recall_id) not in dropped:
            continue
        if state == MessageState.CANCELLED and not attempts:
            dropped[recipient_id, recall_id] += 1
        else:
            del dropped[recipient_id, recall_id]
    return dropped


def _find_corrections(recalls: Sequence[Recall]) -> list[Recall]:
    """The corrections among the recalls of one recipient that no later change of the same record overtakes."""
    latest = {recall.record: recall.sequence for recall in recalls}
    return [one for one in recalls if one.type is RecallKind.CORRECTED and latest[one.record] == one.sequence]


def _draft(recall: Recall, recipient: RecipientRow, profile: Profile, dropped: int) -> Draft:
    gone = recall.type is RecallKind.GONE
    return Draft(
        key=f"recall/{recall.id}/{recipient.id}{_again(dropped)}",
        purpose=Purpose.RECALL if gone else Purpose.CORRECTION,
        channel=recipient.channel,
        content=compose_recall(recall, profile),
        recipient_id=recipient.id,
        recall_id=recall.id,
        # A correction of what has left by then is overtaken by its recall.
        record=None if gone else recall.record,
        urgent=True,
    )


def _draft_list(recalls: Sequence[Recall], recipient: RecipientRow, profile: Profile, dropped: int) -> Draft:
    about = sha256(",".join(str(recall.id) for recall in recalls).encode("ascii")).hexdigest()[:16]
    return Draft(
        key=f"recall/{about}/{recipient.id}{_again(dropped)}",
        purpose=Purpose.CORRECTION,
        channel=recipient.channel,
        content=compose_corrections(recalls, profile),
        recipient_id=recipient.id,
        recall_id=recalls[0].id,
        urgent=True,
    )


def _again(dropped: int) -> str:
    return f"/{dropped + 1}" if dropped else ""
