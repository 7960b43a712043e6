"""Private notices: whom the court tells of what, beside the public list. Each is one row, written in the transaction of
the transition that causes it; the notifier sends it (see gongshi/notices.py).

An SMS may reach whoever has the number by now, and is no service of a decision (民诉法 90): it only points to the court.
Nobody learns by SMS of a record that the public may not see: of a restricted one nothing at all, and of one that was
never published no departure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import assert_never

from sqlalchemy import Select, and_, exists, func, or_, select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.gate import Adulthood, find_adulthood
from registry.record import Disclosure, Facts, Record, State
from registry.records import read_record
from registry.tables import AuditRow, JournalRow, NoticeRow, RecordRow
from registry.vault import Vault
from search_index.day import SHANGHAI, day_of
from search_index.journal import ChangeType

# After that it would be read as news of something else.
LASTS = timedelta(days=30)
LONGEST_DUE = timedelta(days=90)


class NoticeKind(StrEnum):
    """What is told, and to whom: the debtor, or the applicant for enforcement (申请执行人).

    The first three are told the debtor: the warning of art. 5¶1, that a decision was served, that the entry has left.
    """

    RISK = "risk"
    SERVED = "served"
    DEPARTED = "departed"
    CONFIRM = "confirm"
    DONE = "done"

    @property
    def label(self) -> str:
        return _LABEL[self]

    @property
    def is_for_applicant(self) -> bool:
        return self in (NoticeKind.CONFIRM, NoticeKind.DONE)


_LABEL = {
    NoticeKind.RISK: "失信风险提示（被执行人）",
    NoticeKind.SERVED: "决定书送达告知（被执行人）",
    NoticeKind.DEPARTED: "移出名单告知（被执行人）",
    NoticeKind.CONFIRM: "请确认履行情况（申请执行人）",
    NoticeKind.DONE: "已办理告知（申请执行人）",
}
# Sent on a person's word; the others follow from a departure.
BY_HAND = (NoticeKind.RISK, NoticeKind.SERVED, NoticeKind.CONFIRM)


class NoticeOutcome(StrEnum):
    """What became of a notice on this side. QUEUED: the notifier has it, and knows the rest. NOT_SENT: it cannot go.
    STOPPED: it was queued, and taken back before it went."""

    WAITING = "waiting"
    QUEUED = "queued"
    NOT_SENT = "not_sent"
    STOPPED = "stopped"


class NoticeRefused(Exception):
    """This notice may not go for this record, or not now. The message is for the person who tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice that is to be judged, with its record as it is now. `seen` is the last audit line of the record."""

    id: int
    kind: NoticeKind
    record: Record
    day: date | None
    expires_at: datetime
    outcome: NoticeOutcome
    reason: str | None
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What came of looking at a notice. `reason` is Chinese, without personal data."""

    id: int
    outcome: NoticeOutcome
    reason: str | None
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeLine:
    """A notice as a list shows it. `record` is the public number, or where the record came from if it has none."""

    id: int
    kind: NoticeKind
    record: str
    day: date | None
    created_at: datetime
    outcome: NoticeOutcome
    reason: str | None


# What may be told ---------------------------------------------------------------------------------------------------


def find_obstacle(kind: NoticeKind, record: Record, today: date) -> str | None:
    """Why this notice may not go by SMS as the record stands, in Chinese; None where it may."""
    facts = record.facts
    if record.origin is not None or facts.disclosure is Disclosure.RESTRICTED or record.state is State.RESTRICTED:
        told = "依法不宜公开的，任何内容都不以短信告知：请以书面方式办理"
        return f"该条目转载自{record.origin.court}公布的名单：由该院告知当事人" if record.origin else told
    if find_adulthood(facts, today) is Adulthood.MINOR:
        return "被执行人未满十八周岁，不以短信告知：请以书面方式告知其监护人（未成年人保护法第一百零三条）"
    match kind:
        case NoticeKind.RISK:
            return _find_obstacle_to_risk(record, today)
        case NoticeKind.SERVED:
            return _find_obstacle_to_served(record, today)
        case NoticeKind.CONFIRM:
            return "该记录已经退出名单，不再请申请执行人确认" if record.state.has_departed else None
        case NoticeKind.DEPARTED | NoticeKind.DONE:
            return None if record.number and record.state.has_departed else "该记录没有公布过或者没有退出名单"
        case _:
            assert_never(kind)


def _find_obstacle_to_risk(record: Record, today: date) -> str | None:
    if record.state not in (State.DRAFT, State.APPROVED) or record.number is not None:
        return "该记录已经公布、屏蔽或者退出，风险提示只在纳入以前有意义（法释〔2017〕7号第五条第一款）"
    decided_on = record.facts.decided_on
    if decided_on is not None and decided_on <= today:
        return "已经作出纳入决定，不再发送风险提示（法释〔2017〕7号第五条第一款）"
    return None


def _find_obstacle_to_served(record: Record, today: date) -> str | None:
    if record.state not in (State.DRAFT, State.APPROVED, State.PUBLISHED):
        return "该记录已经屏蔽或者退出，不发送送达告知"
    served_on = record.facts.served_on
    if served_on is None or served_on > today:
        return "决定书还没有送达：短信不是送达，只在依法送达以后告知（民事诉讼法第九十条）"
    return None


def find_phone(kind: NoticeKind, facts: Facts) -> str | None:
    """The telephone, as it was written, of whom the notice is for."""
    if kind.is_for_applicant:
        return facts.applicant.phone if facts.applicant else None
    return facts.phone


def find_day(kind: NoticeKind, facts: Facts, due: date | None, today: date) -> date | None:
    """The day that a notice sent by hand tells of. Raises NoticeRefused for a day that cannot be."""
    if kind is not NoticeKind.CONFIRM:
        if due is not None:
            raise NoticeRefused("--due 只用于请申请执行人确认（--kind confirm）")
        return facts.served_on if kind is NoticeKind.SERVED else None
    if due is None:
        raise NoticeRefused("请申请执行人确认须用 --due 写明最后日期")
    if not today < due <= today + LONGEST_DUE:
        raise NoticeRefused(f"--due 应在明天至 {LONGEST_DUE.days} 天以内")
    return due


def find_expiry(kind: NoticeKind, day: date | None, created_at: datetime) -> datetime:
    """From when on the notice must not go any more."""
    if kind is NoticeKind.CONFIRM and day is not None:
        return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
    return created_at + LASTS


# Writing it down ----------------------------------------------------------------------------------------------------

# A dead person is told nothing, and a minor's guardian by letter.
_TELLS_NOBODY = frozenset({"deceased", "minor"})
# What the applicant asked for or confirmed (art. 10¶1 (1)–(3)).
_CAME_OF_APPLICANT = frozenset({"performed", "settled", "applicant_request"})


def note_departure(session: Session, row: RecordRow, now: datetime, *, was_public: bool) -> None:
    """With the caller's transaction, what follows from the departure that `row` now shows. `was_public`: whether the
    public could see the entry until this moment."""
    departed_on, ground = row.departed_on, row.departed_ground
    if row.number is None or departed_on is None or row.facts.get("disclosure") == Disclosure.RESTRICTED.value:
        return
    if ground in _TELLS_NOBODY:
        return
    gone_on = departed_on if was_public else _gone_on(session, row.number, departed_on)
    session.add(_to_row(row, NoticeKind.DEPARTED, gone_on, now))
    if ground in _CAME_OF_APPLICANT:
        session.add(_to_row(row, NoticeKind.DONE, departed_on, now))


def send_by_hand(
    session: Session, row: RecordRow, record: Record, kind: NoticeKind, due: date | None, actor: str, now: datetime
) -> int:
    """Have a notice sent on a person's word; its number. Raises NoticeRefused."""
    day = check_by_hand(record, kind, due, day_of(now))
    notice = _to_row(row, kind, day, now)
    session.add(notice)
    session.flush()
    audit.note(session, now, actor, "notice", record=row.id, detail={"kind": kind.value, "notice": notice.id})
    return notice.id


def check_by_hand(record: Record, kind: NoticeKind, due: date | None, today: date) -> date | None:
    """The day that the notice would tell of. Raises NoticeRefused where it may not go."""
    obstacle = find_obstacle(kind, record, today)
    if obstacle is not None:
        raise NoticeRefused(obstacle)
    return find_day(kind, record.facts, due, today)


def find_same(session: Session, record_id: int, kind: NoticeKind, day: date | None) -> int | None:
    """The newest notice that says the same of a record, and has been sent or is still to be."""
    standing = (NoticeOutcome.WAITING.value, NoticeOutcome.QUEUED.value)
    query = select(NoticeRow.id).where(
        NoticeRow.record_id == record_id,
        NoticeRow.kind == kind.value,
        NoticeRow.day == day if day is not None else NoticeRow.day.is_(None),
        NoticeRow.outcome.in_(standing),
    )
    return session.scalar(query.order_by(NoticeRow.id.desc()).limit(1))


def _to_row(row: RecordRow, kind: NoticeKind, day: date | None, now: datetime) -> NoticeRow:
    return NoticeRow(
        kind=kind.value,
        record_id=row.id,
        day=day,
        created_at=now,
        expires_at=find_expiry(kind, day, now),
        pumped_at=None,
        outcome=NoticeOutcome.WAITING.value,
        reason=None,
        seen=0,
    )


def _gone_on(session: Session, number: str, departed_on: date) -> date:
    """The day on which the public could see the entry no more: a hold may have come before the departure."""
    gone = (JournalRow.record == number, JournalRow.type == ChangeType.GONE.value)
    last = session.scalar(select(JournalRow.at).where(*gone).order_by(JournalRow.position.desc()).limit(1))
    return departed_on if last is None else min(departed_on, day_of(last))


# Handing it on ------------------------------------------------------------------------------------------------------


def find_open(session: Session, vault: Vault, after: int, limit: int, now: datetime) -> list[Notice]:
    """The next notices that wait, and those that the notifier has whose record has been touched since, in order."""
    newest = select(func.max(AuditRow.id)).where(AuditRow.record_id == NoticeRow.record_id).scalar_subquery()
    touched = exists().where(AuditRow.record_id == NoticeRow.record_id, AuditRow.id > NoticeRow.seen)
    waits = NoticeRow.outcome == NoticeOutcome.WAITING.value
    has_to_be_seen = and_(NoticeRow.outcome == NoticeOutcome.QUEUED.value, NoticeRow.expires_at > now, touched)
    query = (
        select(NoticeRow, RecordRow, newest)
        .join(RecordRow, RecordRow.id == NoticeRow.record_id)
        .where(NoticeRow.id > after, or_(waits, has_to_be_seen))
        .order_by(NoticeRow.id)
        .limit(limit)
    )
    return [
        Notice(
            id=row.id,
            kind=NoticeKind(row.kind),
            record=read_record(record, vault),
            day=row.day,
            expires_at=row.expires_at,
            outcome=NoticeOutcome(row.outcome),
            reason=row.reason,
            seen=seen or 0,
        )
        for row, record, seen in session.execute(query)
    ]


def settle(session: Session, judged: Sequence[Judged], now: datetime) -> None:
    """Keep what came of looking at notices."""
    for one in judged:
        session.execute(
            update(NoticeRow)
            .where(NoticeRow.id == one.id)
            .values(outcome=one.outcome.value, reason=one.reason, seen=one.seen, pumped_at=now)
        )


def read_of_record(session: Session, record_id: int) -> list[NoticeLine]:
    """Every notice of a record, the oldest first."""
    query = _lines().where(NoticeRow.record_id == record_id).order_by(NoticeRow.id)
    return [_to_line(*found) for found in session.execute(query)]


def read_stuck(session: Session, limit: int = 200) -> list[NoticeLine]:
    """What has a reason not to go, or not to go yet, the newest first: somebody has to be told in another way."""
    query = _lines().where(NoticeRow.outcome != NoticeOutcome.QUEUED.value, NoticeRow.reason.is_not(None))
    return [_to_line(*found) for found in session.execute(query.order_by(NoticeRow.id.desc()).limit(limit))]


def _lines() -> Select[NoticeRow, RecordRow]:
    return select(NoticeRow, RecordRow).join(RecordRow, RecordRow.id == NoticeRow.record_id)


def _to_line(row: NoticeRow, record: RecordRow) -> NoticeLine:
    return NoticeLine(
        id=row.id,
        kind=NoticeKind(row.kind),
        record=record.number or f"第{record.batch_id}批第{record.line}行",
        day=row.day,
        created_at=row.created_at,
        outcome=NoticeOutcome(row.outcome),
        reason=row.reason,
    )
