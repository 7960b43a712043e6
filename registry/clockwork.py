"""What periods are counted by: the calendar, the court's local rules, and when its business day ends.

What is due on a day is due when the court closes on it, and not at midnight: a period ends when business ends where
there are business hours (民法典 203 ¶2). So a duty of the court or of a unit done after 18:00 of the last day is late,
and what was left undecided is hidden from then on: six hours before the day is over, so that nothing is left to be seen
at midnight though the machine be late. A right of a party lasts until the day is over: what was posted before then is in
time (民诉法 85 ¶4).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from registry.deadlines import RULES, Bearer, Calendar, Deadline, Profile, Rule, due
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
        """The moment at which a duty that is due on `day` is due."""
        return datetime.combine(day, self.closes, SHANGHAI)

    def ends_at(self, rule: Rule, day: date) -> datetime:
        """The moment until which what `rule` asks for, or allows, is in time on its last day, `day`."""
        if RULES[rule].bearer is Bearer.PARTY:
            return datetime.combine(day + timedelta(days=1), time(), SHANGHAI)
        return self.due_at(day)
