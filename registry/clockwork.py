"""What periods are counted by: the calendar, the court's local rules, and when its business day ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time

from registry.deadlines import Calendar, Deadline, Profile, Rule, due
from search_index.day import SHANGHAI


@dataclass(frozen=True, slots=True, kw_only=True)
class Clockwork:
    """What periods are counted by. `closes` is when the court's business day ends (民法典 203 ¶2)."""

    calendar: Calendar
    profile: Profile
    closes: time = time(18)

    def due(self, rule: Rule, start: date) -> Deadline:
        """When `rule` is due for a period that starts on `start`. Raises StartOutOfRange."""
        return due(rule, start, self.profile, self.calendar)

    def due_at(self, day: date) -> datetime:
        """The moment at which what is due on `day` is due."""
        return datetime.combine(day, self.closes, SHANGHAI)
