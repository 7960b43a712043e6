"""What is due, by when, and about what: the clocks of duties that run, counted whole and read page by page.

What concerns an entry stands for itself: were it one list with what the units owe, three hundred reports that are late would
hide the one name that has to be gone today.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.clockbook import ClockLine, read_lines
from registry.deadlines import RULES, Bearer, Rule
from registry.tables import ClockRow, UnitRow

SOON = timedelta(days=7)
PAGE = 50


class Group(StrEnum):
    """What a duty is about: an entry (departures, holds to confirm, corrections, reviews), a complaint, or what a unit
    owes."""

    ENTRIES = "entries"
    COMPLAINTS = "complaints"
    UNITS = "units"


class When(StrEnum):
    """Whether the time of a duty is over, ends today, or ends within SOON."""

    OVER = "over"
    TODAY = "today"
    SOON = "soon"


GROUP_LABEL: Mapping[Group, str] = {
    Group.ENTRIES: "失信信息",
    Group.COMPLAINTS: "投诉举报",
    Group.UNITS: "单位反馈和解除",
}
WHEN_LABEL: Mapping[When, str] = {When.OVER: "已经逾期", When.TODAY: "今天到期", When.SOON: "七日内到期"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Between which days, both counted, a duty is due; `first` None: since ever."""

    first: date | None
    last: date


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitDuties:
    """How many duties of a unit are due, by when."""

    unit_id: int
    unit: str
    counts: Mapping[When, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class DuePage:
    """A page of what is due. `after` is the clock to go on from, None on the last page."""

    lines: tuple[ClockLine, ...]
    after: int | None


def group_of(rule: Rule) -> Group | None:
    """What a duty is about; None for a right of a party, which is nobody's omission."""
    bearer = RULES[rule].bearer
    if bearer is Bearer.PARTY:
        return None
    if bearer is Bearer.UNIT:
        return Group.UNITS
    return Group.COMPLAINTS if rule is Rule.COMPLAINT else Group.ENTRIES


def list_rules(group: Group) -> list[str]:
    """The rules of a group, as the database knows them."""
    return [rule.value for rule in Rule if group_of(rule) is group]


def find_span(when: When, acting: Acting) -> Span | None:
    """The days of which a duty is over, due today or soon now; None where there is no such day: after the court has
    closed what was due today is over (民法典 203 ¶2)."""
    today = acting.today
    is_closed = acting.now > acting.clockwork.due_at(today)
    if when is When.OVER:
        return Span(first=None, last=today if is_closed else today - timedelta(days=1))
    if when is When.TODAY:
        return None if is_closed else Span(first=today, last=today)
    return Span(first=today + timedelta(days=1), last=today + SOON)


def count_due(session: Session, acting: Acting) -> dict[Group, dict[When, int]]:
    """How many duties of each group are over, due today, or soon: all of them."""
    query = (
        select(ClockRow.rule, ClockRow.due, func.count())
        .where(ClockRow.ended.is_(None), ClockRow.due <= acting.today + SOON)
        .group_by(ClockRow.rule, ClockRow.due)
    )
    counts = {group: dict.fromkeys(When, 0) for group in Group}
    spans = _spans(acting)
    for rule, due, count in session.execute(query):
        group = group_of(Rule(rule))
        if group is not None:
            counts[group][_place(due, spans)] += count
    return counts


def list_due(
    session: Session, acting: Acting, group: Group, when: When, *, after: int | None = None, limit: int = PAGE
) -> DuePage:
    """A page of the duties of a group, the soonest due first, from the one behind the clock `after`."""
    span = find_span(when, acting)
    if span is None:
        return DuePage(lines=(), after=None)
    which: list[ColumnElement[bool]] = [ClockRow.rule.in_(list_rules(group)), ClockRow.due <= span.last]
    if span.first is not None:
        which.append(ClockRow.due >= span.first)
    last = session.get(ClockRow, after) if after is not None else None
    if last is not None:
        which.append(or_(ClockRow.due > last.due, and_(ClockRow.due == last.due, ClockRow.id > last.id)))
    lines = read_lines(session, acting.clockwork, [ClockRow.ended.is_(None), *which], limit=limit + 1)
    return DuePage(lines=tuple(lines[:limit]), after=lines[limit - 1].id if len(lines) > limit else None)


def count_of_units(session: Session, acting: Acting) -> list[UnitDuties]:
    """What each unit owes, whoever owes most that is over first."""
    query = (
        select(UnitRow.id, UnitRow.name, ClockRow.due, func.count())
        .join(UnitRow, UnitRow.id == ClockRow.unit_id)
        .where(
            ClockRow.ended.is_(None), ClockRow.due <= acting.today + SOON, ClockRow.rule.in_(list_rules(Group.UNITS))
        )
        .group_by(UnitRow.id, UnitRow.name, ClockRow.due)
    )
    spans = _spans(acting)
    found: dict[int, UnitDuties] = {}
    for unit_id, name, due, count in session.execute(query):
        counts = dict(found[unit_id].counts) if unit_id in found else dict.fromkeys(When, 0)
        counts[_place(due, spans)] += count
        found[unit_id] = UnitDuties(unit_id=unit_id, unit=name, counts=counts)
    return sorted(found.values(), key=lambda one: ([-one.counts[when] for when in When], one.unit))


def _spans(acting: Acting) -> dict[When, Span]:
    return {when: span for when in When if (span := find_span(when, acting)) is not None}


def _place(due: date, spans: Mapping[When, Span]) -> When:
    return next(when for when, span in spans.items() if due <= span.last and (span.first is None or span.first <= due))
