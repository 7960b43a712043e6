"""The two things a decision may not take for itself: what time it is, and chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random, SystemRandom

from search_index.day import SHANGHAI


def system_now() -> datetime:
    return datetime.now(SHANGHAI)


@dataclass(frozen=True)
class World:
    """What a command is given from outside. Tests give another one."""

    now: Callable[[], datetime] = system_now
    random: Random = field(default_factory=SystemRandom)
