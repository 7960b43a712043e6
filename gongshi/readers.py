"""What the worker does about readers of the list in bulk: who owes the confirmation of a departure is suspended."""

from __future__ import annotations

from gongshi.court import Court
from registry.acting import Acting
from registry.reader_acks import list_late, suspend_late


def suspend_readers(court: Court, acting: Acting) -> int:
    """Suspend who has not confirmed a departure in its time, and have the portal learn of it; how many. Nothing is locked
    while there is nobody."""
    with court.reading() as session:
        if not list_late(session, acting):
            return 0
    court.turns.step_aside()
    with court.session() as session:
        suspended = suspend_late(session, acting)
    court.pump.feed_if_idle()
    return suspended
