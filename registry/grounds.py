"""Grounds to take a name down that became known and are not decided yet (待决定的退出事由): recorded, they run out by
themselves (watch.py); a departure ends them; to find that there is none takes another person than who recorded it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.clockbook import About, end_clocks, name_record, set_clock, show_day
from registry.clocks import find_run, find_start
from registry.deadlines import Rule
from registry.departing import REMOVAL_GROUNDS, WITHDRAWAL_GROUNDS, Grounds, NotPermitted
from registry.record import State
from registry.sources.origin import say_read_only
from registry.tables import ClockRow, MatterRow, RecordRow
from registry.undecided import DISMISSED, GROUND, OPEN, close_grounds, close_matter, list_open_grounds

__all__ = [
    "GROUND_LABEL",
    "GroundLine",
    "close_grounds",
    "dismiss_ground",
    "find_ground",
    "list_grounds",
    "record_ground",
]

GROUND_LABEL: Mapping[str, str] = {**WITHDRAWAL_GROUNDS, **REMOVAL_GROUNDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundLine:
    """A recorded ground as a list shows it. `record` is the public number or the case number. Names no person."""

    matter: int
    record_id: int
    record: str
    ground: str
    basis: str
    arose_on: date
    known_on: date
    registered_by: str
    due: date | None
    provisional: bool
    article: str
    held: bool

    @property
    def label(self) -> str:
        return GROUND_LABEL.get(self.ground, self.ground)

    @property
    def due_text(self) -> str:
        return show_day(self.due, provisional=self.provisional) if self.due else "—"


def record_ground(
    session: Session,
    row: RecordRow,
    *,
    ground: str,
    basis: str,
    arose_on: date,
    known_on: date,
    acting: Acting,
) -> MatterRow:
    """Record a ground to take this entry down (法释〔2017〕7号 arts. 4, 9, 10), and start the clock of the decision from when
    it arose or was known. Who records a ground that hides at once, or is already overdue, calls `watch.act_on_due` next.

    `basis` names a document, and nobody: nothing of it is sealed. Raises NotPermitted, or StartOutOfRange.
    """
    if told := say_read_only(row):
        raise NotPermitted(told)
    reason = Grounds(ground=ground, basis=basis, arose_on=arose_on, known_on=known_on)
    _refuse_unfit(session, row, reason, acting)
    matter = MatterRow(
        kind=GROUND,
        state=OPEN,
        channel="desk",
        record_id=row.id,
        ground=ground,
        received_on=known_on,
        arose_on=arose_on,
        known_on=known_on,
        registered_at=acting.now,
        registered_by=acting.actor,
        sealed=b"",
        basis=basis,
    )
    session.add(matter)
    session.flush()
    run = find_run(ground)
    clock = set_clock(
        session,
        acting,
        Rule.EXIT,
        About(record=row.id, matter=matter.id),
        started_on=find_start(ground, arose_on, known_on),
        evidence=f"{basis}；{run.reason}",
    )
    detail = {
        "matter": matter.id,
        "ground": ground,
        "basis": basis,
        "arose_on": str(arose_on),
        "known_on": str(known_on),
        "due": str(clock.due),
        "article": clock.article,
    }
    audit.note(session, acting.now, acting.actor, "ground_record", record=row.id, detail=detail)
    return matter


def dismiss_ground(session: Session, matter: MatterRow, *, reason: str, acting: Acting) -> None:
    """Find that a recorded ground is not there. It leaves a name up, so it takes a second person; what was hidden by then
    stays hidden until two people show it again. `reason` names a document. Raises NotPermitted."""
    if matter.kind != GROUND or matter.closed_at is not None:
        raise NotPermitted("该事由已经决定，不能再驳回")
    if matter.registered_by == acting.actor:
        raise NotPermitted(f"须由另一人驳回：“{acting.actor}”正是登记该事由的人（法释〔2017〕7号第十三条）")
    _refuse_unfit_words(reason, acting.today)
    close_matter(matter, DISMISSED, acting.actor, acting.now)
    matter.summary = reason
    end_clocks(session, acting, [Rule.EXIT], About(matter=matter.id))
    detail = {
        "matter": matter.id,
        "ground": matter.ground,
        "reason": reason,
        "article": "法释〔2017〕7号第十条、第十三条",
    }
    audit.note(session, acting.now, acting.actor, "ground_dismiss", record=matter.record_id, detail=detail)


def find_ground(session: Session, row: RecordRow, ground: str | None = None) -> MatterRow:
    """The one open ground of a record, or the open one of that name. Raises NotPermitted where there is none, or several."""
    found = [one for one in list_open_grounds(session, row.id) if ground is None or one.ground == ground]
    if not found:
        raise NotPermitted("该记录没有待决定的退出事由")
    if len(found) > 1:
        names = "、".join(sorted({str(one.ground) for one in found}))
        raise NotPermitted(f"该记录有 {len(found)} 项待决定的退出事由（{names}），请用 --ground 指明")
    return found[0]


def list_grounds(session: Session, *, record: int | None = None, limit: int = 200) -> list[GroundLine]:
    """The open grounds, of one record or of all, the soonest due first."""
    query = (
        select(MatterRow, RecordRow, ClockRow)
        .join(RecordRow, RecordRow.id == MatterRow.record_id)
        .outerjoin(
            ClockRow,
            (ClockRow.matter_id == MatterRow.id) & (ClockRow.rule == Rule.EXIT.value) & ClockRow.ended.is_(None),
        )
        .where(MatterRow.kind == GROUND, MatterRow.closed_at.is_(None))
        .order_by(ClockRow.due, MatterRow.id)
        .limit(limit)
    )
    if record is not None:
        query = query.where(MatterRow.record_id == record)
    return [_line(matter, row, clock) for matter, row, clock in session.execute(query)]


def _line(matter: MatterRow, row: RecordRow, clock: ClockRow | None) -> GroundLine:
    return GroundLine(
        matter=matter.id,
        record_id=row.id,
        record=name_record(row),
        ground=matter.ground or "",
        basis=matter.basis or "",
        arose_on=matter.arose_on or matter.received_on,
        known_on=matter.known_on or matter.received_on,
        registered_by=matter.registered_by,
        due=clock.due if clock else None,
        provisional=clock is not None and clock.provisional,
        article=clock.article if clock else "",
        held=State(row.state) is State.HELD,
    )


def _refuse_unfit(session: Session, row: RecordRow, reason: Grounds, acting: Acting) -> None:
    if reason.ground not in GROUND_LABEL:
        raise NotPermitted(f"没有名为“{reason.ground}”的事由，可用：{'、'.join(GROUND_LABEL)}")
    reason.refuse_wrong_dates(acting.today)
    reason.refuse_unfit_basis()
    if State(row.state).has_departed:
        raise NotPermitted("该记录已经退出名单，不再登记退出事由")
    same = [one for one in list_open_grounds(session, row.id) if one.ground == reason.ground]
    if any(_starts(one) <= find_start(str(reason.ground), reason.arose_on, reason.known_on) for one in same):
        raise NotPermitted("该记录已经登记了同一事由，正待决定，期限不晚于这一次")


def _starts(matter: MatterRow) -> date:
    arose_on, known_on = matter.arose_on or matter.received_on, matter.known_on or matter.received_on
    return find_start(matter.ground or "", arose_on, known_on)


def _refuse_unfit_words(reason: str, today: date) -> None:
    if not reason.strip():
        raise NotPermitted("驳回须写明理由：请写明文书名称和文号，或者来源（法释〔2017〕7号第十三条）")
    Grounds(ground=None, basis=reason, arose_on=today, known_on=today).refuse_unfit_basis()
