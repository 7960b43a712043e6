"""Collecting what was hidden on the portal in an emergency: into the registry, from there to every portal."""

from __future__ import annotations

from datetime import timedelta

from gongshi.court import Court
from registry.acting import SYSTEM
from registry.emergency import collect, is_idle, list_removable, settle
from search_index.marks import MarkFolder

# So long a mark stays in the folder after the journal has told of it: a portal may read from a copy of the store.
_KEPT = timedelta(hours=1)


def collect_marks(court: Court) -> int:
    """Take in new marks, and put those aside whose entries have left the list. Safe to repeat, and killed anywhere. Returns
    how many were new. Raises MarksUnreadable, and OSError where what is on record cannot be removed."""
    folder = MarkFolder(court.settings.marks_folder)
    found = folder.read()
    with court.reading() as session:
        if not found and is_idle(session):
            return 0
    acting = court.acting(SYSTEM)
    with court.session() as session:
        new, settled = collect(session, found, acting), settle(session, acting)
    if new or settled:
        court.pump.feed_store()
    with court.reading() as session:
        done = list_removable(session, [one.mark.name for one in found], acting.now - _KEPT)
    folder.remove(done)
    return new
