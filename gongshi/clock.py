"""The two things a decision may not take for itself: what time it is, and chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from random import Random, SystemRandom

# No daylight saving since 1991, and a fixed offset needs no time zone data on a small server.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def system_now() -> datetime:
    return datetime.now(SHANGHAI)


def day_of(moment: datetime) -> date:
    """The calendar day of an instant where the court is."""
    return moment.astimezone(SHANGHAI).date()


@dataclass(frozen=True)
class World:
    """What a command is given from outside. Tests give another one."""

    now: Callable[[], datetime] = system_now
    random: Random = field(default_factory=SystemRandom)
