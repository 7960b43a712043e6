"""What the worker does at each beat. Every part of it is a command first, and is safe to repeat."""

from __future__ import annotations

from datetime import date

from gongshi.court import Court
from gongshi.office import open_office
from notifier.worker import notifier_tick, open_channels


class Duty:
    def __init__(self, court: Court) -> None:
        self._court = court
        self._office = open_office(court)
        self._channels = open_channels(self._office)
        self._compacted_on: date | None = None

    def tick(self) -> None:
        """Publish and end what is due, feed the store, push what is due, and once a day give back freed room."""
        court = self._court
        court.publish()
        if self._compacted_on != court.today:
            court.compact()
            self._compacted_on = court.today
        notifier_tick(self._office, self._channels, clock=court.world.now)
