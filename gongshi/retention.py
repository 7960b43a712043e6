"""Retention: what of a home is over, and its erasure, over registry and notifier together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from gongshi.court import Court
from notifier import retention as messages
from notifier.context import Notifier
from registry.retention import erasing
from registry.retention.schedule import Class, read_schedule
from search_index.day import SHANGHAI


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A class of data, and how much of it is over."""

    of: Class
    count: int


def list_due(court: Court, office: Notifier) -> list[Due]:
    """Every class of the schedule with how much of it is over. Raises RetentionError."""
    schedule = read_schedule(court.private)
    with court.reading() as session:
        counted = erasing.count_over(session, court.private, schedule, court.today)
    counted |= messages.count_over(office.engine, _moments(schedule, court.today))
    return [Due(of=one, count=counted.get(key, 0)) for key, one in schedule.items()]


def erase_daily(court: Court, office: Notifier) -> Mapping[str, int]:
    """Erase what is over, unless the clock may have been set ahead; how much of each class. Raises RetentionError."""
    return erase_due(court, office) if is_time_certain(court) else {}


def is_time_certain(court: Court) -> bool:
    """Whether the clock has gone on day by day up to now, as the audit trail knows."""
    with court.reading() as session:
        return erasing.is_time_certain(session, court.now)


def erase_due(court: Court, office: Notifier) -> Mapping[str, int]:
    """Erase what is over; how much of each class. Departures go ahead of it. Raises RetentionError."""
    schedule = read_schedule(court.private)
    court.turns.step_aside()
    erased = erasing.erase_over(court.session, court.private, schedule, court.now, court.today)
    return erased | messages.erase_over(office.engine, _moments(schedule, court.today))


def _moments(schedule: Mapping[str, Class], today: date) -> dict[str, datetime]:
    return {
        key: datetime.combine(schedule[key].cutoff(today) + timedelta(days=1), time(), SHANGHAI)
        for key in (messages.NOTICES, messages.LETTERS)
    }
