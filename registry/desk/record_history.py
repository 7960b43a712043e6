"""What happened to a record and what still runs: decisions, clocks, letters, notices, papers, and the end of its audit trail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.audit_values import GROUND_LABEL, say_detail
from registry.audit_words import name_action
from registry.clockbook import ClockLine, list_clocks
from registry.desk.base import Court
from registry.grounds import GroundLine, list_grounds
from registry.letters import KINDS, list_letters
from registry.letters.kinds import STATE_LABEL as LETTER_STATE
from registry.lifecycle import ACTION_LABEL
from registry.notices import NoticeOutcome, read_of_record
from registry.papers import PaperLine, list_papers
from registry.tables import AuditRow, DecisionRow, MatterRow, RecordRow

SHOWN = 40
_HIDDEN = "（依法不宜公开，不在此显示）"
_ACTION_LABEL = {str(action.value): label for action, label in ACTION_LABEL.items()}
_OUTCOME = {
    NoticeOutcome.WAITING: "等待发送",
    NoticeOutcome.QUEUED: "已列入发送",
    NoticeOutcome.NOT_SENT: "不能以短信发送",
    NoticeOutcome.STOPPED: "已停止发送",
}
_MATTER_KIND = {"objection": "异议", "complaint": "投诉举报", "repair": "信用修复", "ground": "退出事由"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionLine:
    """A decision as it was taken: what, on what ground and basis, when, by whom, and who confirmed it."""

    action: str
    ground: str | None
    basis: str
    arose_on: date
    known_on: date
    at: datetime
    by: str
    confirmed_by: str | None
    confirmed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """A line of the audit trail. `said` are its details, in words."""

    at: datetime
    actor: str
    what: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterSaid:
    """A letter as the record's page lists it."""

    id: int
    label: str
    number: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All of it; lists are in the order of reading, the newest first."""

    decisions: Sequence[DecisionLine]
    running: Sequence[ClockLine]
    ended: Sequence[ClockLine]
    grounds: Sequence[GroundLine]
    matters: Sequence[tuple[int, str, date]]
    letters: Sequence[LetterSaid]
    notices: Sequence[tuple[str, datetime, str]]
    papers: Sequence[PaperLine]
    audit: Sequence[AuditLine]


def read_history(session: Session, court: Court, row: RecordRow, *, shows_basis: bool) -> History:
    """What happened to `row`. Without `shows_basis` grounds and bases of a restricted record are left out."""
    clockwork = court.acting("").clockwork
    return History(
        decisions=[_decision(one, shows_basis=shows_basis) for one in _decisions(session, row)],
        running=list_clocks(session, clockwork, record=row.id),
        ended=list_clocks(session, clockwork, ended=True, record=row.id, limit=SHOWN),
        grounds=list_grounds(session, record=row.id),
        matters=_matters(session, row),
        letters=_letters(session, row),
        notices=_notices(session, row),
        papers=list_papers(session, court.vault, record=row.id) if shows_basis else (),
        audit=_audit(session, row, shows_basis=shows_basis),
    )


def _decisions(session: Session, row: RecordRow) -> Sequence[DecisionRow]:
    query = select(DecisionRow).where(DecisionRow.record_id == row.id).order_by(DecisionRow.id.desc()).limit(SHOWN)
    return session.scalars(query).all()


def _decision(one: DecisionRow, *, shows_basis: bool) -> DecisionLine:
    return DecisionLine(
        action=_ACTION_LABEL.get(one.action, one.action),
        ground=GROUND_LABEL.get(one.ground, one.ground) if one.ground else None,
        basis=one.basis if shows_basis else _HIDDEN,
        arose_on=one.arose_on,
        known_on=one.known_on,
        at=one.decided_at,
        by=one.decided_by,
        confirmed_by=one.confirmed_by,
        confirmed_at=one.confirmed_at,
    )


def _matters(session: Session, row: RecordRow) -> list[tuple[int, str, date]]:
    query = (
        select(MatterRow.id, MatterRow.kind, MatterRow.received_on)
        .where(MatterRow.record_id == row.id, MatterRow.kind != "ground")
        .order_by(MatterRow.id.desc())
        .limit(SHOWN)
    )
    return [(found, _MATTER_KIND.get(kind, kind), day) for found, kind, day in session.execute(query)]


def _notices(session: Session, row: RecordRow) -> list[tuple[str, datetime, str]]:
    return [(one.kind.label, one.created_at, _OUTCOME[one.outcome]) for one in read_of_record(session, row.id)]


def _letters(session: Session, row: RecordRow) -> list[LetterSaid]:
    found = list_letters(session, record=row.id)
    return [
        LetterSaid(id=one.id, label=KINDS[one.kind].label, number=one.number, state=LETTER_STATE[one.state])
        for one in found
    ]


def _audit(session: Session, row: RecordRow, *, shows_basis: bool) -> list[AuditLine]:
    query = select(AuditRow).where(AuditRow.record_id == row.id).order_by(AuditRow.id.desc()).limit(SHOWN)
    return [
        AuditLine(
            at=line.at,
            actor=line.actor,
            what=name_action(line.action),
            said=_say(line.detail, shows_basis=shows_basis),
        )
        for line in session.scalars(query)
    ]


def _say(detail: Mapping[str, Any], *, shows_basis: bool) -> str:
    return say_detail(detail, () if shows_basis else ("basis", "ground", "evidence", "reason"))
