"""Who acts, when, and by which clock: what every decision of the registry is given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from registry.clockwork import Clockwork
from search_index.day import day_of

# Who acts when the law's clock does and no person.
SYSTEM = "gongshi"


@dataclass(frozen=True, slots=True, kw_only=True)
class Acting:
    """`actor` is a staff account, or SYSTEM where the law's clock acts and no person; `now` is aware."""

    actor: str
    now: datetime
    clockwork: Clockwork

    @property
    def today(self) -> date:
        """The day in Asia/Shanghai."""
        return day_of(self.now)
