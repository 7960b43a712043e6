"""Events for the units' own systems, from the registry to the notifier: each once, by webhook and in no other way.

A unit listens whose recipient at the notifier is reached by webhook (`gongshi recipient`), signed with the secret that was
agreed on there. Killed anywhere, it goes on where it was: an event is marked only after the notifier has it, and the
notifier takes each key once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from random import Random

from sqlalchemy import select
from sqlalchemy.orm import Session

from gongshi.court import Court
from notifier.channels import Letter
from notifier.context import Notifier
from notifier.institutions import WEBHOOK
from notifier.institutions.wording import UNIT_EVENT
from notifier.outbox import SYSTEM_RANDOM, Draft, enqueue
from notifier.states import Purpose
from notifier.stops import open_digest
from notifier.tables import RecipientRow
from registry.tables import UnitRow
from registry.units.events import Event, EventKind, add_events, find_news, find_open, mark_pumped
from registry.units.ledger import CATCH_UP
from search_index.database import for_reading


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listener:
    recipient: int
    since: datetime


def pump_unit_events(court: Court, office: Notifier, now: datetime, random: Random = SYSTEM_RANDOM) -> int:
    """Write down what the units are to be told, and hand over what the notifier does not have; how many events it took
    over. Safe to repeat, and to be killed, at any moment. `random` is not the court's: what is private must not touch the
    numbers it draws."""
    listeners = _find_listeners(court, office)
    if not listeners:
        return 0
    with court.store.snapshot(now) as snapshot:
        sequence = snapshot.sequence
    with court.reading() as session:
        news = find_news(session, {unit: one.since for unit, one in listeners.items()}, sequence, now)
    if news:
        # A departure goes ahead.
        court.turns.step_aside()
        with court.session() as session:
            add_events(session, news)
    handed = 0
    while True:
        with court.reading() as session:
            events = find_open(session, listeners.keys(), now)
        if not events:
            return handed
        drafts = [_to_draft(event, listeners[event.unit].recipient) for event in events]
        with Session(office.engine) as outbox, outbox.begin():
            enqueue(outbox, drafts, now=now, digest=open_digest(office.engine), random=random)
        court.turns.step_aside()
        with court.session() as session:
            mark_pumped(session, events, now)
        handed += len(events)


def _find_listeners(court: Court, office: Notifier) -> Mapping[int, _Listener]:
    """The units whose recipient is reached by webhook, and since when."""
    with court.reading() as session:
        query = select(UnitRow.id, UnitRow.recipient).where(UnitRow.recipient.is_not(None))
        slugs = {slug: unit for unit, slug in session.execute(query)}
    found = select(RecipientRow).where(
        RecipientRow.slug.in_(sorted(slug for slug in slugs if slug)),
        RecipientRow.channel == WEBHOOK,
        RecipientRow.active,
    )
    with Session(for_reading(office.engine)) as session:
        return {slugs[row.slug]: _Listener(recipient=row.id, since=row.created_at) for row in session.scalars(found)}


def _to_draft(event: Event, recipient: int) -> Draft:
    facts = {"type": event.kind.value, UNIT_EVENT: json.dumps(dict(event.body), ensure_ascii=False)}
    return Draft(
        key=f"unit-event/{event.name}",
        purpose=Purpose.EVENT,
        channel=WEBHOOK,
        content=Letter(subject="单位系统事件", text="", facts=facts),
        recipient_id=recipient,
        urgent=event.kind is not EventKind.CHANGED,
        expires_at=event.at + CATCH_UP,
    )
