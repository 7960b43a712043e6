"""Recall: whoever was sent an entry is told at once when it leaves the list or is corrected.

The store's list of public changes is followed in order; how far is kept in the transaction that queues the messages, so
that no change is passed over and none is told twice. A recall names a record by its number and its case number, and
never by what has left the list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from enum import Enum
from pathlib import Path
from random import Random
from typing import Any, Protocol

from sqlalchemy import Engine, Select, func, or_, select
from sqlalchemy.orm import Session

from notifier.calendar import Workdays
from notifier.channels import Letter
from notifier.outbox import SYSTEM_RANDOM, Draft, enqueue
from notifier.packages import read_package_file
from notifier.policy import recall_due
from notifier.states import MessageState, Purpose, may_move, move
from notifier.stops import AddressDigest, insert_new, open_digest
from notifier.tables import (
    AttemptRow,
    EntryCaseRow,
    MessageRow,
    PackageEntryRow,
    PackageRow,
    PrintingEntryRow,
    PrintingRow,
    RecallRow,
    RecipientRow,
    SettingRow,
)
from search_index.day import SHANGHAI, day_of
from search_index.document import Document
from search_index.journal import ChangeType, EntryChange
from search_index.profile import Profile

_WATERMARK = "changes_followed"
_AT_ONCE = 500
# After these an attempt's package may lie with the recipient. `queued`: lost in a call that can be repeated.
_MAY_HAVE_ARRIVED = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN, MessageState.QUEUED)


class PublicMoment(Protocol):
    """One moment of the disclosed store, as search_index.store.Snapshot is."""

    def changes(self, since: int, limit: int) -> list[EntryChange]:
        """Public changes after a sequence, in order and without a gap."""

    def documents(self, records: Sequence[str]) -> dict[str, Document]:
        """Those of the records that are public."""

    def profile(self) -> Profile:
        """The court's profile."""


class PublicStore(Protocol):
    """The disclosed store, as search_index.store.Store reads it."""

    def snapshot(self, now: datetime) -> AbstractContextManager[Any]:
        """A PublicMoment."""


class Standing(Enum):
    """Whether a recipient has what is to be recalled."""

    HAS_IT = "has it"
    ON_ITS_WAY = "on its way"
    NEVER = "never"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """A departure or correction that recipients are told of."""

    id: int
    sequence: int
    record: str
    case_number: str | None
    type: ChangeType
    at: datetime
    due_on: date


def follow_changes(
    engine: Engine, store: PublicStore, workdays: Workdays, *, now: datetime, random: Random = SYSTEM_RANDOM
) -> int:
    """Queue a recall for everyone who was sent what has left the list, or was corrected, since the last time; the
    number of changes followed. Safe to repeat, and to do in several processes at once."""
    ensure_watermark(engine)
    digest, followed = open_digest(engine), 0
    while True:
        since = read_watermark(engine)
        with store.snapshot(now) as moment:
            changes = moment.changes(since, _AT_ONCE)
            profile = moment.profile()
        if not changes:
            return followed
        with Session(engine) as session, session.begin():
            if lock_watermark(session, to_write=True) != since:
                continue
            for change in changes:
                _follow(session, change, profile, workdays=workdays, now=now, digest=digest, random=random)
            session.get_one(SettingRow, _WATERMARK).value = str(changes[-1].sequence)
        followed += len(changes)


def ensure_watermark(engine: Engine) -> None:
    """Make the place where it is kept how far the changes were followed; locks need it to be there."""
    with Session(engine) as session, session.begin():
        session.execute(insert_new(session, SettingRow, "name"), [{"name": _WATERMARK, "value": "0"}])


def read_watermark(engine: Engine) -> int:
    """The sequence up to which the changes of the list were followed."""
    with Session(engine) as session:
        row = session.get(SettingRow, _WATERMARK)
        return int(row.value) if row else 0


def lock_watermark(session: Session, *, to_write: bool = False) -> int:
    """The sequence, held still until the transaction ends: no change is followed while a package is put on its way."""
    query = select(SettingRow).where(SettingRow.name == _WATERMARK).with_for_update(read=not to_write)
    row = session.scalars(query).first()
    return int(row.value) if row else 0


def find_standing(session: Session, recipient_id: int, record: str, before: int) -> Standing:
    """Whether a recipient has, or may yet get, a package or a printing with a record as it was before a change."""
    held = _held_by(record, before).where(MessageRow.recipient_id == recipient_id)
    outcomes = set(session.scalars(held.with_only_columns(AttemptRow.outcome)))
    if None in outcomes:
        return Standing.ON_ITS_WAY
    printed = _printed(record, before).where(PrintingRow.recipient_id == recipient_id)
    if outcomes or session.scalar(printed.limit(1)) is not None:
        return Standing.HAS_IT
    return Standing.NEVER


def is_outdated(session: Session, recipient_id: int, record: str, since: int) -> bool:
    """Whether a recall of a record after a change was queued for the recipient."""
    query = (
        select(MessageRow.id)
        .join(RecallRow, RecallRow.id == MessageRow.recall_id)
        .where(MessageRow.recipient_id == recipient_id, MessageRow.purpose != Purpose.REMINDER)
        .where(RecallRow.record == record, RecallRow.sequence > since)
        .limit(1)
    )
    return session.scalar(query) is not None


def note_handover(
    engine: Engine, run_id: int, recipient_id: int, package_id: int, *, by: str, now: datetime, followed: int
) -> bool:
    """Put on record that a recipient fetches a revision itself, or is handed it, before it gets it; so that it will be
    told of what leaves. Once for each revision, however many files of it are fetched. `followed` is how far the changes
    of the list were followed before the revision was made. False when others were followed since (make it again), or
    the run has no message for the recipient."""
    query = select(MessageRow).where(
        MessageRow.run_id == run_id,
        MessageRow.recipient_id == recipient_id,
        MessageRow.purpose == Purpose.PACKAGE,
    )
    with Session(engine) as session, session.begin():
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


def list_recalls(engine: Engine, since: int = 0) -> list[Recall]:
    """The recalls of public changes after `since`, in order: what the next package repeats."""
    query = select(RecallRow).where(RecallRow.sequence > since).order_by(RecallRow.sequence)
    with Session(engine) as session:
        return [to_recall(row) for row in session.scalars(query)]


def to_recall(row: RecallRow) -> Recall:
    return Recall(
        id=row.id,
        sequence=row.sequence,
        record=row.record,
        case_number=row.case_number,
        type=ChangeType(row.type),
        at=row.at,
        due_on=row.due_on,
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


def compose_recall(recall: Recall, profile: Profile) -> Letter:
    """What a recipient is told: which entry, what to do, and by when."""
    named = name_entry(recall)
    deadline = f"{recall.due_on.year}年{recall.due_on.month}月{recall.due_on.day}日"
    if recall.type is ChangeType.GONE:
        subject = f"【立即办理】撤回失信被执行人信息：{named}"
        text = (
            f"失信被执行人名单中的下列条目已于{_when(recall.at)}退出公布，请立即停止使用：\n\n{named}\n\n"
            "请办理：\n"
            "一、立即停止播出、重播和滚动字幕，停止电子屏显示；\n"
            "二、撤下网站、客户端、公众号、短视频等各处已发布的内容，以及张贴的公告；\n"
            "三、今后不再使用含有该条目的旧名单包。\n\n"
            f"请于{deadline}（含当日）前办理完毕，并回执说明办理时间和位置。\n"
        )
    else:
        subject = f"【请办理】更正失信被执行人信息：{named}"
        text = (
            f"失信被执行人名单中的下列条目已于{_when(recall.at)}更正，此前发送的内容不得再使用：\n\n{named}\n\n"
            "请办理：\n"
            "一、停止播出、显示旧内容；\n"
            "二、需要继续发布的，以公示网站现在公布的内容或者下一次名单包为准；\n"
            "三、更正或者撤下各处已发布的旧内容。\n\n"
            f"请于{deadline}（含当日）前办理完毕，并回执说明办理时间和位置。\n"
        )
    facts = {"type": recall.type.value, "record": recall.record, "due_on": recall.due_on.isoformat()}
    if recall.case_number:
        facts["case_number"] = recall.case_number
    return Letter(subject=subject, text=text + sign(profile), facts=facts)


def name_entry(recall: Recall) -> str:
    """A record by its number and case number, which say nothing of a person."""
    return f"公开编号{recall.record}" + (f"，案号{recall.case_number}" if recall.case_number else "")


def sign(profile: Profile) -> str:
    """The court and how to reach it, for the end of a letter."""
    contact = f"\n联系电话：{profile.telephone}" if profile.telephone else ""
    training = "\n（演练数据，不得使用）" if profile.training else ""
    return f"\n{profile.court}{contact}{training}\n"


def _follow(
    session: Session,
    change: EntryChange,
    profile: Profile,
    *,
    workdays: Workdays,
    now: datetime,
    digest: AddressDigest,
    random: Random,
) -> None:
    holders = [] if change.type is ChangeType.PUBLISHED else _find_holders(session, change)
    if not holders:
        return
    row = RecallRow(
        sequence=change.sequence,
        record=change.record,
        case_number=session.scalar(select(EntryCaseRow.case_number).where(EntryCaseRow.record == change.record)),
        type=change.type,
        at=change.at,
        due_on=recall_due(day_of(now), workdays),
        made_at=now,
    )
    session.add(row)
    session.flush()
    recall = to_recall(row)
    letter = compose_recall(recall, profile)
    drafts = [_draft(recall, recipient, letter) for recipient in holders]
    enqueue(session, drafts, now=now, digest=digest, random=random)


def _find_holders(session: Session, change: EntryChange) -> Sequence[RecipientRow]:
    """Every recipient that has, or may have, the entry as it was before the change; one that is no longer in use, too."""
    sent = _held_by(change.record, change.sequence).with_only_columns(MessageRow.recipient_id)
    printed = _printed(change.record, change.sequence)
    query = select(RecipientRow).where(or_(RecipientRow.id.in_(sent), RecipientRow.id.in_(printed)))
    return session.scalars(query.order_by(RecipientRow.id)).all()


def _held_by(record: str, before: int) -> Select[Any]:
    """The attempts that carried a record out of the house, as it was before a change, and did not fail; with their
    messages."""
    return (
        select(AttemptRow.id)
        .join(MessageRow, MessageRow.id == AttemptRow.message_id)
        .join(PackageRow, PackageRow.id == AttemptRow.package_id)
        .join(PackageEntryRow, PackageEntryRow.package_id == PackageRow.id)
        .where(PackageEntryRow.record == record, PackageRow.sequence < before, AttemptRow.called_at.is_not(None))
        .where(or_(AttemptRow.outcome.is_(None), AttemptRow.outcome.in_(_MAY_HAVE_ARRIVED)))
    )


def _printed(record: str, before: int) -> Select[int]:
    """The recipients whose printings show a record as it was before a change, and hang still."""
    return (
        select(PrintingRow.recipient_id)
        .join(PrintingEntryRow, PrintingEntryRow.printing_id == PrintingRow.id)
        .where(PrintingEntryRow.record == record, PrintingRow.sequence < before, PrintingRow.taken_down_at.is_(None))
    )


def _draft(recall: Recall, recipient: RecipientRow, letter: Letter) -> Draft:
    gone = recall.type is ChangeType.GONE
    return Draft(
        key=f"recall/{recall.sequence}/{recipient.id}",
        purpose=Purpose.RECALL if gone else Purpose.CORRECTION,
        channel=recipient.channel,
        content=letter,
        recipient_id=recipient.id,
        recall_id=recall.id,
        # A correction of what has left by then is overtaken by its recall.
        record=None if gone else recall.record,
        urgent=True,
    )


def _when(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{local.year}年{local.month}月{local.day}日{local:%H:%M}"
