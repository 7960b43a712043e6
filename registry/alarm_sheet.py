"""The alarms of the legal clocks as numbers, for the mail to those who run the court's list: no record, no name."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.clocks import AlarmKind
from registry.tables import AlarmRow, ClockRow

_RANK = {AlarmKind.NEAR.value: 0, AlarmKind.OVER.value: 1, AlarmKind.ACTED.value: 2}


def count_alarmed(session: Session) -> tuple[Mapping[AlarmKind, int], int]:
    """How many running clocks somebody was told of, each under the gravest that was told; and the highest number of a first
    alarm of one that is over or whose entry was hidden: whoever is told of the same later makes it no higher."""
    running = (
        select(AlarmRow.clock_id, AlarmRow.kind, func.min(AlarmRow.id))
        .join(ClockRow, ClockRow.id == AlarmRow.clock_id)
        .where(ClockRow.ended.is_(None))
        .group_by(AlarmRow.clock_id, AlarmRow.kind)
    )
    gravest: dict[int, str] = {}
    newest = 0
    for clock, kind, first in session.execute(running):
        if clock not in gravest or _RANK[kind] > _RANK[gravest[clock]]:
            gravest[clock] = kind
        if kind != AlarmKind.NEAR.value:
            newest = max(newest, first)
    counts = {kind: sum(one == kind.value for one in gravest.values()) for kind in AlarmKind}
    return counts, newest
