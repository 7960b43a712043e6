"""Pushes and acknowledgements as figures: how many recipients were reached and answered, and how fast; no name of one.

Quarters are told once they are over; neighbouring quarters are joined until there are at least three to tell of, from the
first one on, and what is still too few is told with the quarters that follow. A court often has two recipients.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median
from typing import Any

from sqlalchemy import Engine, func, or_, select
from sqlalchemy.orm import Session

from notifier.answers import AckKind
from notifier.calendar import Period
from notifier.states import MessageState, Purpose
from notifier.tables import AcknowledgementRow, AttemptRow, MessageRecallRow, MessageRow, RecallRow, RunRow
from search_index.database import for_reading
from search_index.day import day_of

FEWEST = 3
MOST = 8  # periods that are told, the newest
_ARRIVED = (MessageState.ACCEPTED, MessageState.DELIVERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A recipient that was reached in the push of a quarter, or with the recall of an entry that left in it, and after
    how many days it confirmed that; None where it has not."""

    period: Period
    days: int | None


def count_pushes(engine: Engine, today: date) -> dict[str, Any] | None:
    """The figures of the quarters that are over; None where there is too little to tell."""
    with Session(for_reading(engine)) as session:
        return build_push_figures(_find_packages(session), _find_recalls(session), today)


def build_push_figures(packages: Iterable[Told], recalls: Iterable[Told], today: date) -> dict[str, Any] | None:
    """The body that is journalled: of packages and of recalls, by period and the newest first, how many were reached or
    told, how many of them confirmed it, and after how many days, in the median."""
    end = Period.of(today)
    body = {"packages": _join(list(packages), end), "recalls": _join(list(recalls), end)}
    return body if any(body.values()) else None


def _join(found: Sequence[Told], end: Period) -> list[dict[str, Any]]:
    """Quarters from the first until before `end`, neighbours joined until each has enough."""
    known: dict[Period, list[Told]] = {}
    for one in found:
        known.setdefault(one.period, []).append(one)
    periods: list[dict[str, Any]] = []
    some: list[Told] = []
    start = period = min(known, default=end)
    while period < end:
        some += known.get(period, ())
        following = _follow(period)
        if len(some) >= FEWEST:
            periods.append({"from": str(start), "to": str(period), **_count(some)})
            start, some = following, []
        period = following
    return periods[::-1][:MOST]


def _count(found: Collection[Told]) -> dict[str, Any]:
    days = [one.days for one in found if one.days is not None]
    # The median of one or two would be their own days.
    middle = float(median(days)) if len(days) >= FEWEST else None
    return {"told": len(found), "confirmed": len(days), "median_days": middle}


def _find_packages(session: Session) -> list[Told]:
    """Every recipient that a package of a run has reached, once a run, by whatever revision or way."""
    query = (
        select(
            RunRow.period,
            func.min(AttemptRow.called_at),
            func.min(AcknowledgementRow.given_at),
        )
        .select_from(MessageRow)
        .join(RunRow, RunRow.id == MessageRow.run_id)
        .outerjoin(AttemptRow, (AttemptRow.message_id == MessageRow.id) & AttemptRow.called_at.is_not(None))
        .outerjoin(AcknowledgementRow, AcknowledgementRow.message_id == MessageRow.id)
        .where(
            MessageRow.purpose == Purpose.PACKAGE,
            MessageRow.recipient_id.is_not(None),
            MessageRow.state.in_(_ARRIVED),
        )
        .group_by(RunRow.id, RunRow.period, MessageRow.recipient_id)
    )
    return [
        Told(period=Period.parse(period), days=_between(called_at, given_at))
        for period, called_at, given_at in session.execute(query)
    ]


def _find_recalls(session: Session) -> list[Told]:
    """Every recipient that was told of every departure, once each: confirmed is that the entry was taken down."""
    query = (
        select(RecallRow.at, func.min(AcknowledgementRow.given_at))
        .select_from(MessageRow)
        .outerjoin(MessageRecallRow, MessageRecallRow.message_id == MessageRow.id)
        .join(RecallRow, or_(RecallRow.id == MessageRow.recall_id, RecallRow.id == MessageRecallRow.recall_id))
        .outerjoin(
            AcknowledgementRow,
            (AcknowledgementRow.message_id == MessageRow.id) & (AcknowledgementRow.kind == AckKind.TAKEN_DOWN),
        )
        .where(
            MessageRow.purpose == Purpose.RECALL,
            MessageRow.recipient_id.is_not(None),
            MessageRow.state.in_(_ARRIVED),
        )
        .group_by(RecallRow.id, RecallRow.at, MessageRow.recipient_id)
    )
    return [Told(period=Period.of(day_of(at)), days=_between(at, given_at)) for at, given_at in session.execute(query)]


def _between(start: datetime | None, end: datetime | None) -> int | None:
    """Whole days of the calendar; a person may have written down an earlier one than that of the sending."""
    return None if start is None or end is None else max(0, (day_of(end) - day_of(start)).days)


def _follow(period: Period) -> Period:
    return Period(period.year + period.quarter // 4, period.quarter % 4 + 1)
