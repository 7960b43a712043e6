"""The wiring of the notifier: its database, its folder, the register it reads and the working days it counts."""

from __future__ import annotations

from gongshi.calendar import load_calendar
from gongshi.court import Court
from notifier.context import Notifier, open_notifier
from notifier.database import migrate
from notifier.recipients import ensure_sandbox_recipients
from notifier.settings import NotifierSettings
from search_index.register import Register


def notifier_settings(court: Court) -> NotifierSettings:
    return NotifierSettings(url=court.settings.notifier_database, folder=court.settings.notifier)


def open_register(court: Court) -> Register:
    return Register(court.store, court.settings.index_folder)


def open_office(court: Court) -> Notifier:
    office = open_notifier(notifier_settings(court), open_register(court), load_calendar(court.settings.calendar_file))
    court.at_close(office.engine.dispose)
    return office


def init_office(court: Court) -> None:
    """Bring the notifier's database to this version; until recipients can be registered there are the sandbox's."""
    migrate(notifier_settings(court))
    ensure_sandbox_recipients(open_office(court).engine, court.now)
