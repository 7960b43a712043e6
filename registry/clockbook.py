"""The clocks that run: set when a period begins, ended when what it is for was done."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.deadlines import Rule
from registry.tables import ClockRow


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What a clock runs for: a record, a matter, a unit, by their rows."""

    record: int | None = None
    matter: int | None = None
    unit: int | None = None


def set_clock(
    session: Session, acting: Acting, rule: Rule, about: About, *, started_on: date, evidence: str
) -> ClockRow:
    """Start a clock. It runs from the day the law says, with the evidence for it, and never from the click."""
    deadline = acting.clockwork.due(rule, started_on)
    row = ClockRow(
        rule=rule.value,
        record_id=about.record,
        matter_id=about.matter,
        unit_id=about.unit,
        started_on=started_on,
        evidence=evidence,
        profile=acting.clockwork.profile.value,
        due=deadline.due,
        provisional=deadline.provisional,
        article=deadline.article,
        set_at=acting.now,
        set_by=acting.actor,
    )
    session.add(row)
    session.flush()
    return row


def end_clocks(
    session: Session, acting: Acting, rules: Collection[Rule], about: About, *, void: bool = False
) -> list[ClockRow]:
    """End the running clocks of these rules: met or missed by now, or void where nothing was to be done any more."""
    which: list[ColumnElement[bool]] = [ClockRow.rule.in_([rule.value for rule in rules]), ClockRow.ended.is_(None)]
    for column, value in (
        (ClockRow.record_id, about.record),
        (ClockRow.matter_id, about.matter),
        (ClockRow.unit_id, about.unit),
    ):
        if value is not None:
            which.append(column == value)
    rows = list(session.scalars(select(ClockRow).where(*which).order_by(ClockRow.id).with_for_update()))
    for row in rows:
        in_time = acting.now <= acting.clockwork.due_at(row.due)
        row.ended = "void" if void else "met" if in_time else "missed"
        row.ended_at, row.ended_by = acting.now, acting.actor
    return rows
