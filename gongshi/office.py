"""The wiring of the notifier: its database, its folder, the register it reads and the working days it counts."""

from __future__ import annotations

from pathlib import Path

from gongshi.calendar import StateCouncilCalendar, load_calendar, read_calendar_file, replace_calendar
from gongshi.court import Court
from gongshi.safety.sent_log import SentLog
from gongshi.settings import CALENDAR
from notifier.context import Notifier, open_notifier
from notifier.database import migrate
from notifier.lasting import found_secrets
from notifier.recipients import ensure_sandbox_recipients
from notifier.settings import NotifierSettings
from notifier.signing import KEY_FILE, create_signing_key
from search_index.register import Register


def notifier_settings(court: Court) -> NotifierSettings:
    return NotifierSettings(url=court.settings.notifier_database, folder=court.settings.notifier)


def open_register(court: Court) -> Register:
    """The list for whoever shows entries or sends them. What is too old, or was hidden in an emergency, is not in it."""
    return Register(court.shown, court.settings.index_folder)


def open_whole_register(court: Court) -> Register:
    """The list as it is, for checks of what is owed to those who have it."""
    return Register(court.store, court.settings.index_folder)


def open_office(court: Court) -> Notifier:
    office = open_notifier(
        notifier_settings(court),
        open_register(court),
        load_calendar(court.settings.calendar_file),
        signing_key=signing_key_file(court),
        commission_number=court.settings.commission_number,
        witness=SentLog(court.settings, court.world.now),
    )
    court.at_close(office.engine.dispose)
    return office


def signing_key_file(court: Court) -> Path:
    """Where the key lies with which packages are signed."""
    return court.settings.notifier / KEY_FILE


def init_office(court: Court) -> None:
    """Bring the notifier's database to this version, and make what is missing: the key that signs packages, the secrets, and the
    sandbox's recipients as long as no others are registered."""
    migrate(notifier_settings(court))
    create_signing_key(signing_key_file(court))
    _copy_calendar(court)
    engine = open_office(court).engine
    found_secrets(engine)
    ensure_sandbox_recipients(engine, court.now)


def _copy_calendar(court: Court) -> None:
    """A home from before the gateway had a user of its own has its holidays in the registry alone."""
    known, copy = court.settings.private / CALENDAR, court.settings.notifier / CALENDAR
    if known.exists() and not copy.exists():
        replace_calendar(copy, read_calendar_file(known), StateCouncilCalendar())
