"""The work lists of the desk: who stands where, page by page, and one record found by what a person knows of it.

A list is a stage of the lifecycle, read in the order of the row numbers on the index of (stage, id): a page costs the same
at the hundredth as at the first, however long the list is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from registry.lifecycle import STAGE_LABEL, Stage
from registry.record import State
from registry.records import name_key_of
from registry.tables import BatchRow, ClockRow, ProposalRow, RecordRow
from search_index.casenumber import find_case_number
from search_index.number import find_number

PAGE = 50
# More of one name, or of one case, than anybody looks through.
MOST_FOUND = 100
_LONGEST_SEARCH = 200

LIST_LABEL: Mapping[str, str] = {
    stage.value: STAGE_LABEL[stage]
    for stage in (
        Stage.COMPLETING,
        Stage.SERVING,
        Stage.APPROVING,
        Stage.GRACE,
        Stage.APPROVED,
        Stage.PUBLISHED,
        Stage.RESTRICTED,
        Stage.HELD,
        Stage.DEPARTED,
    )
}
"""The lists by their stage, in the order of the work."""

PROPOSALS = "proposals"
PROPOSALS_LABEL = "更正建议"

# What was put there last is looked for first; everything else is worked off from the front.
_NEWEST_FIRST = frozenset({Stage.PUBLISHED.value, Stage.RESTRICTED.value, Stage.DEPARTED.value})


class NoSuchList(Exception):
    """There is no list of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDay:
    """The earliest deadline that runs for a record: its rule, the day, and whether the calendar of its year is still open
    (暂定)."""

    rule: str
    due: date
    provisional: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ListLine:
    """A record as a list shows it. `due` is None where no deadline runs."""

    id: int
    number: str | None
    name: str
    case_number: str
    court: str
    state: State
    stage: str
    batch: int
    line: int
    changed_at: datetime
    due: DueDay | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage:
    """A page of a list. `after` is the row number to go on from, None on the last page."""

    lines: tuple[ListLine, ...]
    after: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalLine:
    """A second version that waits for a second person."""

    id: int
    batch: int
    line: int
    imported_by: str
    record: ListLine


def count_lists(session: Session) -> dict[str, int]:
    """How many records stand on each list, and how many proposals wait."""
    counts = dict.fromkeys(LIST_LABEL, 0)
    for stage, count in session.execute(counting()):
        if stage in counts:
            counts[stage] = count
    # What an unfinished import has staged is not there yet. There is one such batch, or none.
    for batch in session.scalars(select(BatchRow.id).where(BatchRow.ready.is_(False))):
        staged = select(RecordRow.stage, func.count()).where(RecordRow.batch_id == batch).group_by(RecordRow.stage)
        for stage, count in session.execute(staged):
            if stage in counts:
                counts[stage] -= count
    waiting = select(func.count()).select_from(ProposalRow).where(ProposalRow.decided.is_(False), _whole(ProposalRow))
    counts[PROPOSALS] = session.scalar(waiting) or 0
    return counts


def list_stage(session: Session, stage: str, *, after: int | None = None, limit: int = PAGE) -> ListPage:
    """A page of a list, from the row after `after`. Raises NoSuchList."""
    rows = list(session.scalars(paging(stage, after, limit + 1)))
    return ListPage(lines=tuple(_lines(session, rows[:limit])), after=rows[limit - 1].id if len(rows) > limit else None)


def list_rows(session: Session, stage: str, *, after: int | None = None, limit: int = PAGE) -> list[RecordRow]:
    """The rows themselves, for a table in which they are completed. Raises NoSuchList."""
    return list(session.scalars(paging(stage, after, limit)))


def list_proposals(session: Session, *, after: int | None = None, limit: int = PAGE) -> list[ProposalLine]:
    """The second versions that wait for a second person, in the order in which they came."""
    query = (
        select(ProposalRow, BatchRow.imported_by)
        .join(BatchRow, BatchRow.id == ProposalRow.batch_id)
        .where(ProposalRow.decided.is_(False), BatchRow.ready, ProposalRow.id > (after or 0))
        .order_by(ProposalRow.id)
        .limit(limit)
    )
    found = [(proposal, imported_by) for proposal, imported_by in session.execute(query)]
    known = find_lines(session, {proposal.record_id for proposal, _ in found})
    return [
        ProposalLine(
            id=proposal.id,
            batch=proposal.batch_id,
            line=proposal.line,
            imported_by=imported_by,
            record=known[proposal.record_id],
        )
        for proposal, imported_by in found
    ]


def find_lines(session: Session, ids: Iterable[int]) -> dict[int, ListLine]:
    """Records by their row numbers."""
    rows = list(session.scalars(select(RecordRow).where(RecordRow.id.in_(list(ids)), _whole(RecordRow))))
    return {line.id: line for line in _lines(session, rows)}


def search(session: Session, typed: str) -> tuple[ListLine, ...]:
    """The records that a number (SX-), a case number, or a name or its beginning finds; at most MOST_FOUND, the newest
    first. Nothing for what is blank or absurdly long."""
    rows: list[RecordRow] = []
    for query in searching(session, typed):
        seen = {row.id for row in rows}
        rows += [row for row in session.scalars(query.limit(MOST_FOUND)) if row.id not in seen]
        if len(rows) >= MOST_FOUND:
            break
    return tuple(_lines(session, rows[:MOST_FOUND]))


def searching(session: Session, typed: str) -> list[Select[RecordRow]]:
    """The questions that `search` asks the database, one index each."""
    text = typed.strip()
    if not text or len(text) > _LONGEST_SEARCH:
        return []
    if number := find_number(text):
        return [_found(RecordRow.number == number)]
    if case := find_case_number(text):
        return [_found(RecordRow.case_key == case.key)]
    key = name_key_of(text)
    if not key:
        return []
    begins: tuple[ColumnElement[bool], ...] = (RecordRow.name_key.startswith(key, autoescape=True),)
    if session.get_bind().dialect.name == "sqlite":
        # Its LIKE uses no index; its order of texts is that of the code points.
        begins = (RecordRow.name_key >= key, RecordRow.name_key < key + chr(0x10FFFF))
    return [_found(RecordRow.name_key == key), _found(*begins)]


def paging(stage: str, after: int | None, limit: int) -> Select[RecordRow]:
    """The question for one page of a list. Raises NoSuchList."""
    if stage not in LIST_LABEL:
        raise NoSuchList(stage)
    query = select(RecordRow).where(RecordRow.stage == stage, _whole(RecordRow)).limit(limit)
    if stage in _NEWEST_FIRST:
        query = query.order_by(RecordRow.stage.desc(), RecordRow.id.desc())
        return query if after is None else query.where(RecordRow.id < after)
    query = query.order_by(RecordRow.stage, RecordRow.id)
    return query if after is None else query.where(RecordRow.id > after)


def counting() -> Select[str, int]:
    """How many records there are on each list, whole batches or not."""
    return select(RecordRow.stage, func.count()).group_by(RecordRow.stage)


def _found(*which: ColumnElement[bool]) -> Select[RecordRow]:
    return select(RecordRow).where(*which, _whole(RecordRow)).order_by(RecordRow.id.desc())


def _whole(table: type[RecordRow] | type[ProposalRow]) -> ColumnElement[bool]:
    """Of whole batches only. Asked this way round there is nothing to look up but the one batch under way."""
    return table.batch_id.not_in(select(BatchRow.id).where(BatchRow.ready.is_(False)))


def _lines(session: Session, rows: Sequence[RecordRow]) -> list[ListLine]:
    due = find_due(session, [row.id for row in rows])
    return [
        ListLine(
            id=row.id,
            number=row.number,
            name=row.facts["name"],
            case_number=row.facts["case_number"],
            court=row.facts["court"],
            state=State(row.state),
            stage=row.stage,
            batch=row.batch_id,
            line=row.line,
            changed_at=row.changed_at,
            due=due.get(row.id),
        )
        for row in rows
    ]


def find_due(session: Session, ids: Sequence[int]) -> dict[int, DueDay]:
    """The earliest running deadline of each of these records."""
    query = (
        select(ClockRow.record_id, ClockRow.rule, ClockRow.due, ClockRow.provisional)
        .where(ClockRow.record_id.in_(ids), ClockRow.ended.is_(None))
        .order_by(ClockRow.due.desc(), ClockRow.id.desc())
    )
    return {
        record: DueDay(rule=rule, due=due, provisional=provisional)
        for record, rule, due, provisional in session.execute(query)
        if record is not None
    }
