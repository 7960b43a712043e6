"""What waits for whom: holds that a second person confirms, requests to show again, letters and articles to agree to.

Nobody is shown what they may not decide because it was they who asked for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from registry.clockbook import name_record
from registry.deadlines import Rule
from registry.departing import lift_is_asked
from registry.letters import LetterState
from registry.lifecycle import Action
from registry.record import State
from registry.tables import ArticleRow, ClockRow, DecisionRow, LetterRow, MatterRow, RecordRow
from registry.units.consents import count_unreported

MOST = 50
_ARTICLE_DRAFT = "draft"


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingRecord:
    """A record that waits for a second person. `about` is a public number or a case number, `by` who asked."""

    record_id: int
    about: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What waits for one person: records by what is to be done, the first MOST of each, whether there are more, and how
    many letters and articles; and how many agreements in spite of the list (仍予以同意) the leading group was not told of."""

    holds: tuple[WaitingRecord, ...]
    all_holds: int
    lifts: tuple[WaitingRecord, ...]
    more_lifts: bool
    letters: int
    articles: int
    consents: int

    @property
    def is_empty(self) -> bool:
        return not (self.holds or self.lifts or self.letters or self.articles or self.consents)


def find_waiting(session: Session, name: str) -> Waiting:
    """What waits for a second person, and this one could be it."""
    letters = _count(LetterRow.id).where(LetterRow.state == LetterState.DRAFTED.value, LetterRow.drafted_by != name)
    articles = _count(ArticleRow.id).where(ArticleRow.state == _ARTICLE_DRAFT, ArticleRow.written_by != name)
    holds, lifts = _find_holds(session, name), _find_lifts(session, name)
    return Waiting(
        holds=holds,
        all_holds=len(holds) if len(holds) < MOST else _count_holds(session, name),
        lifts=lifts[:MOST],
        more_lifts=len(lifts) > MOST,
        letters=session.scalar(letters) or 0,
        articles=session.scalar(articles) or 0,
        consents=count_unreported(session),
    )


def count_matters(session: Session) -> dict[str, int]:
    """How many open matters there are of each kind."""
    query = select(MatterRow.kind, func.count()).where(MatterRow.closed_at.is_(None)).group_by(MatterRow.kind)
    return {str(kind): int(count) for kind, count in session.execute(query)}


def _find_holds(session: Session, name: str) -> tuple[WaitingRecord, ...]:
    query = (
        select(RecordRow, ClockRow.set_by)
        .join(ClockRow, ClockRow.record_id == RecordRow.id)
        .where(*_holds_of_others(name))
        .order_by(ClockRow.due, ClockRow.id)
        .limit(MOST)
    )
    return tuple(_line(row, by) for row, by in session.execute(query))


def _count_holds(session: Session, name: str) -> int:
    return session.scalar(_count(ClockRow.id).where(*_holds_of_others(name))) or 0


def _holds_of_others(name: str) -> tuple[ColumnElement[bool], ...]:
    return ClockRow.rule == Rule.HOLD_CONFIRM.value, ClockRow.ended.is_(None), ClockRow.set_by != name


def _find_lifts(session: Session, name: str) -> tuple[WaitingRecord, ...]:
    """The requests that stand, one more than MOST where there are more."""
    query = (
        select(RecordRow, DecisionRow.decided_by)
        .join(DecisionRow, DecisionRow.record_id == RecordRow.id)
        .where(RecordRow.state == State.HELD.value)
        .where(DecisionRow.action == Action.LIFT.value, DecisionRow.confirmed_at.is_(None))
        .where(DecisionRow.decided_by != name)
        .order_by(DecisionRow.id)
    )
    found = {row.id: (row, by) for row, by in session.execute(query)}
    # A request that was made before a correction, or another hold, stands no more, and takes no other's place.
    standing = (_line(row, by) for row, by in found.values() if lift_is_asked(session, row))
    return tuple(islice(standing, MOST + 1))


def _line(row: RecordRow, by: str) -> WaitingRecord:
    return WaitingRecord(record_id=row.id, about=name_record(row), by=by)


def _count(column: object) -> Select[int]:
    return select(func.count(column))  # type: ignore[arg-type]
