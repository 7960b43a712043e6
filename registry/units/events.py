"""What a unit's own system is told of (unit webhooks): that the list moved, that an entry left it, that an objection is being
looked into. Events are made from the lines of the unit's ledger, so that none can be forgotten, and each comes once.

An event is thin: it names a record by its public number and says nothing else of it. Whoever gets it asks with a key.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import String, Table, func, literal, select, update
from sqlalchemy import cast as as_type
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Session

from registry.tables import JournalRow, LedgerRow, UnitEventRow, UnitRow
from registry.units.ledger import CATCH_UP, UNDER_VERIFICATION, LedgerKind
from search_index.journal import ChangeType

# That the list moved is said once a minute at most; a departure is said at once.
CHANGED_EVERY = timedelta(minutes=1)
_TOLD = (LedgerKind.RELEASE.value, LedgerKind.VERIFICATION.value)
_AT_ONCE = 500


class EventKind(StrEnum):
    """What an event says, as receivers know it."""

    CHANGED = "list.changed"
    GONE = "entry.gone"
    BEGAN = "verification.began"
    ENDED = "verification.ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An event that the notifier does not have yet."""

    id: int
    unit: int
    kind: EventKind
    body: Mapping[str, Any]
    at: datetime

    @property
    def name(self) -> str:
        """What makes it once, also where numbers of rows come a second time after a backup was restored."""
        about = self.body.get("record") or self.body.get("sequence")
        return f"{self.unit}/{self.kind}/{about}/{self.at.isoformat()}"


def find_news(
    session: Session, listening: Mapping[int, datetime], sequence: int, now: datetime
) -> list[dict[str, Any]]:
    """The events that are to be written down for the units that listen, each since the given moment; `sequence` is how far
    the public list is."""
    if not listening:
        return []
    return [*_find_told(session, listening, now), *_find_moved(session, listening, sequence, now)]


def add_events(session: Session, news: Sequence[Mapping[str, Any]]) -> None:
    """Write events down; one that is there already is left as it is."""
    insert = insert_on_postgresql if session.get_bind().dialect.name == "postgresql" else insert_on_sqlite
    statement = insert(cast("Table", UnitEventRow.__table__)).on_conflict_do_nothing(index_elements=["key"])
    if news:
        session.execute(statement, [dict(one) for one in news])


def find_open(session: Session, units: Collection[int], now: datetime) -> list[Event]:
    """The events of these units that the notifier does not have, the oldest first."""
    query = select(UnitEventRow).where(
        UnitEventRow.pumped_at.is_(None), UnitEventRow.unit_id.in_(sorted(units)), UnitEventRow.at >= now - CATCH_UP
    )
    return [
        Event(id=row.id, unit=row.unit_id, kind=EventKind(row.kind), body=row.body, at=row.at)
        for row in session.scalars(query.order_by(UnitEventRow.id).limit(_AT_ONCE))
    ]


def mark_pumped(session: Session, events: Sequence[Event], now: datetime) -> None:
    """Note that the notifier has them."""
    ids = [event.id for event in events]
    session.execute(update(UnitEventRow).where(UnitEventRow.id.in_(ids)).values(pumped_at=now))


def _find_told(session: Session, listening: Mapping[int, datetime], now: datetime) -> list[dict[str, Any]]:
    """What the ledgers say that the units were told, and no event says yet. Not by a number up to which everything was
    read: on PostgreSQL a lower one may be committed later."""
    known = select(UnitEventRow.id).where(UnitEventRow.key == literal("ledger/") + as_type(LedgerRow.id, String))
    query = select(LedgerRow).where(
        LedgerRow.unit_id.in_(sorted(listening)),
        LedgerRow.kind.in_(_TOLD),
        LedgerRow.at >= now - CATCH_UP,
        ~known.exists(),
    )
    rows = session.scalars(query.order_by(LedgerRow.id))
    return [_to_news(row) for row in rows if row.at >= listening[row.unit_id]]


def _to_news(row: LedgerRow) -> dict[str, Any]:
    body: dict[str, Any] = {"record": row.record, "at": row.at.isoformat()}
    if row.kind == LedgerKind.RELEASE.value:
        kind = EventKind.GONE
        body["sequence"] = row.detail.get("sequence")
    else:
        kind = EventKind.BEGAN if row.detail.get("state") == UNDER_VERIFICATION else EventKind.ENDED
    return _to_row(row.unit_id, f"ledger/{row.id}", kind, body, row.at)


def _find_moved(
    session: Session, listening: Mapping[int, datetime], sequence: int, now: datetime
) -> list[dict[str, Any]]:
    newest = select(func.max(UnitEventRow.id)).where(
        UnitEventRow.kind == EventKind.CHANGED.value, UnitEventRow.unit_id.in_(sorted(listening))
    )
    query = select(UnitEventRow).where(UnitEventRow.id.in_(newest.group_by(UnitEventRow.unit_id)))
    told = {row.unit_id: (int(row.body["sequence"]), row.at) for row in session.scalars(query)}
    active = select(UnitRow).where(UnitRow.active, UnitRow.id.in_(sorted(listening)))
    news = []
    for unit in session.scalars(active.order_by(UnitRow.id)):
        if not (unit.receives.get("push") or unit.receives.get("releases")):
            continue
        before, at = told.get(unit.id, (sequence - 1, None))
        if before == sequence or (at is not None and now - at < CHANGED_EVERY):
            continue
        departures = _count_gone(session, before, sequence) if unit.id in told else 0
        body = {"sequence": sequence, "departures": departures, "at": now.isoformat()}
        news.append(_to_row(unit.id, f"list/{unit.id}/{sequence}", EventKind.CHANGED, body, now))
    return news


def _count_gone(session: Session, after: int, until: int) -> int:
    query = select(func.count()).select_from(JournalRow)
    query = query.where(JournalRow.type == ChangeType.GONE.value)
    return session.scalar(query.where(JournalRow.sequence > after, JournalRow.sequence <= until)) or 0


def _to_row(unit: int, key: str, kind: EventKind, body: dict[str, Any], at: datetime) -> dict[str, Any]:
    return {"unit_id": unit, "key": key, "kind": kind.value, "body": body, "at": at, "pumped_at": None}
