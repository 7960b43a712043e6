"""Who has what: which recipient was sent, has fetched, or shows an entry as it was before a change of the list."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import ColumnElement, Engine, Select, delete, func, or_, select
from sqlalchemy.orm import Session

from notifier.channels import Letter
from notifier.outbox import decode_content, encode_content
from notifier.packages import read_package_file
from notifier.recall_letters import RecallKind, keep_in_letter
from notifier.states import SENDABLE, MessageState, Purpose, may_move, move
from notifier.stops import insert_new
from notifier.tables import (
    AttemptRow,
    EntryCaseRow,
    MessageRecallRow,
    MessageRow,
    PackageEntryRow,
    PackageRow,
    PrintingEntryRow,
    PrintingRow,
    RecallRow,
    RecipientRow,
)
from notifier.watermark import lock_watermark
from notifier.witness import describe_handover
from search_index.day import day_of
from search_index.journal import EntryChange

if TYPE_CHECKING:
    from notifier.context import Notifier

_UNDER_WAY = sorted({*SENDABLE, MessageState.SENDING})
# After these an attempt's package may lie with the recipient. `queued`: lost in a call that can be repeated.
_MAY_HAVE_ARRIVED = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN, MessageState.QUEUED)

_CLARIFIED = (RecallKind.CLARIFIED, RecallKind.RETRACTED)


class Standing(Enum):
    """Whether a recipient has what is to be recalled."""

    HAS_IT = "has it"
    ON_ITS_WAY = "on its way"
    NEVER = "never"


def find_standing(session: Session, recipient_id: int, recall: RecallRow) -> Standing:
    """Whether a recipient has, or may yet get, a package or a printing with an entry as it was before the change."""
    held = _held_by(recall).where(MessageRow.recipient_id == recipient_id)
    outcomes = set(session.scalars(held.with_only_columns(AttemptRow.outcome)))
    if None in outcomes:
        return Standing.ON_ITS_WAY
    printed = _printed(recall).where(PrintingRow.recipient_id == recipient_id)
    if outcomes or session.scalar(printed.limit(1)) is not None:
        return Standing.HAS_IT
    return Standing.NEVER


def is_recall_under_way(session: Session, recipient_id: int, record: str) -> bool:
    """Whether the recall of a departure of the record is still to be sent to the recipient, or is being sent."""
    query = (
        select(MessageRow.id)
        .join(RecallRow, RecallRow.id == MessageRow.recall_id)
        .where(RecallRow.record == record, MessageRow.recipient_id == recipient_id)
        .where(MessageRow.purpose == Purpose.RECALL, MessageRow.state.in_(_UNDER_WAY))
    )
    return session.scalar(query.limit(1)) is not None


def is_outdated(session: Session, recipient_id: int, recall: RecallRow) -> bool:
    """Whether a later recall of the same record was queued for the recipient."""
    query = (
        select(MessageRow.id)
        .outerjoin(MessageRecallRow, MessageRecallRow.message_id == MessageRow.id)
        .join(RecallRow, or_(RecallRow.id == MessageRow.recall_id, RecallRow.id == MessageRecallRow.recall_id))
        .where(MessageRow.recipient_id == recipient_id, MessageRow.purpose != Purpose.REMINDER)
        .where(RecallRow.record == recall.record, RecallRow.id > recall.id)
        .limit(1)
    )
    return session.scalar(query) is not None


def find_parts(session: Session, message_id: int) -> list[RecallRow]:
    """The recalls that a letter is about, in order."""
    listed = select(MessageRecallRow.recall_id).where(MessageRecallRow.message_id == message_id)
    first = select(MessageRow.recall_id).where(MessageRow.id == message_id)
    query = select(RecallRow).where(or_(RecallRow.id.in_(listed), RecallRow.id.in_(first)))
    return list(session.scalars(query.order_by(RecallRow.sequence)))


def keep_parts(session: Session, message_id: int, kept: Sequence[RecallRow]) -> None:
    """Leave in a letter that is about many corrections only those; at least one."""
    row = session.get_one(MessageRow, message_id)
    letter = decode_content(row.content or "")
    if isinstance(letter, Letter):
        row.content = encode_content(keep_in_letter(letter, [recall.record for recall in kept]))
    row.recall_id = kept[0].id
    others = delete(MessageRecallRow).where(MessageRecallRow.message_id == message_id)
    session.execute(others.where(MessageRecallRow.recall_id.not_in([recall.id for recall in kept[1:]])))


def note_handover(
    notifier: Notifier, run_id: int, recipient_id: int, package_id: int, *, by: str, now: datetime, followed: int
) -> bool:
    """Put on record that a recipient fetches a revision itself, or is handed it, before it gets it; so that it will be
    told of what leaves. Once for each revision, however many files of it are fetched. `followed` is how far the changes
    of the list were followed before the revision was made. False when others were followed since (make it again), or
    the run has no message for the recipient. The notifier's witness is told before."""
    query = select(MessageRow).where(
        MessageRow.run_id == run_id,
        MessageRow.recipient_id == recipient_id,
        MessageRow.purpose == Purpose.PACKAGE,
    )
    with Session(notifier.engine) as session, session.begin():
        if lock_watermark(session) != followed:
            return False
        row = session.scalars(query.order_by(MessageRow.id).with_for_update()).first()
        if row is None:
            return False
        if _is_handed(session, row.id, package_id, by):
            return True
        session.add(_handover(session, row.id, package_id, by, now))
        # While a call goes on, its sender has the message: what became of the call will be told by it.
        if row.state != MessageState.SENDING and may_move(MessageState(row.state), MessageState.DELIVERED):
            row.state, row.called_on = move(MessageState(row.state), MessageState.DELIVERED), day_of(now)
            row.changed_at = now
        if notifier.witness is not None:
            notifier.witness.handed(describe_handover(session, row.dispatch, recipient_id, package_id, now))
        return True


def _is_handed(session: Session, message_id: int, package_id: int, by: str) -> bool:
    query = select(AttemptRow.id).where(
        AttemptRow.message_id == message_id,
        AttemptRow.package_id == package_id,
        AttemptRow.worker == by,
        AttemptRow.outcome == MessageState.DELIVERED,
    )
    return session.scalar(query.limit(1)) is not None


def _handover(session: Session, message_id: int, package_id: int, by: str, now: datetime) -> AttemptRow:
    lowest = session.scalar(select(func.min(AttemptRow.number)).where(AttemptRow.message_id == message_id))
    return AttemptRow(
        message_id=message_id,
        package_id=package_id,
        # Below those of senders, whom the numbers fence.
        number=min(0, lowest or 0) - 1,
        worker=by,
        begun_at=now,
        called_at=now,
        ended_at=now,
        outcome=MessageState.DELIVERED,
        detail="对方取走",
    )


def keep_cases(session: Session, cases: Mapping[str, str | None]) -> None:
    """Keep by which case number each record will be named once it has left."""
    rows = [{"record": record, "case_number": case} for record, case in cases.items()]
    if rows:
        session.execute(insert_new(session, EntryCaseRow, "record"), rows)


def keep_cases_of_package(engine: Engine, package_id: int, folder: Path) -> None:
    """The same for the entries of a package that is about to go out."""
    missing = (
        select(PackageEntryRow.record)
        .outerjoin(EntryCaseRow, EntryCaseRow.record == PackageEntryRow.record)
        .where(PackageEntryRow.package_id == package_id, EntryCaseRow.record.is_(None))
    )
    with Session(engine) as session:
        if session.scalar(missing.limit(1)) is None:
            return
    entries = json.loads(read_package_file(folder, "list.json"))["entries"]
    with Session(engine) as session, session.begin():
        keep_cases(session, {entry["record"]: entry.get("case_number") for entry in entries})


def find_holders(session: Session, change: EntryChange) -> Sequence[RecipientRow]:
    """Every recipient that has, or may have, the entry as it was before the change; one that is no longer in use, too."""
    sent = _held_by(change).with_only_columns(MessageRow.recipient_id)
    printed = _printed(change)
    query = select(RecipientRow).where(or_(RecipientRow.id.in_(sent), RecipientRow.id.in_(printed)))
    return session.scalars(query.order_by(RecipientRow.id)).all()


def find_ever_held(session: Session, records: Collection[str]) -> Mapping[tuple[str, int], datetime]:
    """Every recipient, by record and number, that was or may have been sent one of the records, or where it ever hung; and
    since when at the latest."""
    sent = (
        select(PackageEntryRow.record, MessageRow.recipient_id, func.min(PackageRow.made_at))
        .select_from(AttemptRow)
        .join(MessageRow, MessageRow.id == AttemptRow.message_id)
        .join(PackageRow, PackageRow.id == AttemptRow.package_id)
        .join(PackageEntryRow, PackageEntryRow.package_id == PackageRow.id)
        .where(PackageEntryRow.record.in_(records), *_out_of_the_house())
        .group_by(PackageEntryRow.record, MessageRow.recipient_id)
    )
    printed = (
        select(PrintingEntryRow.record, PrintingRow.recipient_id, func.min(PrintingRow.put_up_at))
        .join(PrintingRow, PrintingRow.id == PrintingEntryRow.printing_id)
        .where(PrintingEntryRow.record.in_(records))
        .group_by(PrintingEntryRow.record, PrintingRow.recipient_id)
    )
    found: dict[tuple[str, int], datetime] = {}
    for record, recipient_id, since in (*session.execute(sent), *session.execute(printed)):
        if recipient_id is not None:
            found[record, recipient_id] = min(since, found.get((record, recipient_id), since))
    return found


def _held_by(change: EntryChange | RecallRow) -> Select[Any]:
    """The attempts that carried an entry out of the house, as it was before a change, and did not fail; with their
    messages."""
    return (
        select(AttemptRow.id)
        .join(MessageRow, MessageRow.id == AttemptRow.message_id)
        .join(PackageRow, PackageRow.id == AttemptRow.package_id)
        .join(PackageEntryRow, PackageEntryRow.package_id == PackageRow.id)
        .where(PackageEntryRow.record == change.record, *_out_of_the_house())
        .where(_is_before(change, PackageRow.sequence, PackageRow.made_at))
    )


def _out_of_the_house() -> tuple[ColumnElement[bool], ...]:
    arrived = or_(AttemptRow.outcome.is_(None), AttemptRow.outcome.in_(_MAY_HAVE_ARRIVED))
    return AttemptRow.called_at.is_not(None), arrived


def _is_before(change: EntryChange | RecallRow, sequence: Any, at: Any) -> ColumnElement[bool]:
    # A clarification is no change of the list, and has no sequence of its own.
    if change.type in _CLARIFIED:
        return cast("ColumnElement[bool]", at <= change.at)
    # After a list was restored from a backup its sequences come a second time: what was made before the change does not
    # know it, whatever its sequence says.
    return or_(sequence < change.sequence, at < change.at)


def _printed(change: EntryChange | RecallRow) -> Select[int]:
    """The recipients whose printings show an entry as it was before a change, and hang still; for a clarification, also
    those that hung once."""
    query = (
        select(PrintingRow.recipient_id)
        .join(PrintingEntryRow, PrintingEntryRow.printing_id == PrintingRow.id)
        .where(PrintingEntryRow.record == change.record)
        .where(_is_before(change, PrintingRow.sequence, PrintingRow.put_up_at))
    )
    return query if change.type in _CLARIFIED else query.where(PrintingRow.taken_down_at.is_(None))
