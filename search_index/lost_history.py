"""What a store knows beyond a history that is to take the place of its own.

A registry that came back from a backup tells its journal from the first line. Of an entry about which the public side knows a
later change than that journal tells, the later one was lost with the registry: it may have been its departure, or a
correction that took a name out. It is not shown again before the court says something of it that is later still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select, update

from search_index.database import ReadingSide
from search_index.rows import upsert
from search_index.store_tables import change_table, document_table, tombstone_table
from search_index.subjects import subject_table

_CHANGES = select(change_table.c.record, change_table.c.sequence, change_table.c.at).order_by(change_table.c.sequence)
_GONE = select(tombstone_table.c.record, tombstone_table.c.sequence, tombstone_table.c.at)
_ENDED = select(subject_table.c.subject, subject_table.c.key, subject_table.c.at).where(subject_table.c.body.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The last change of each record (its sequence and instant), and of what was taken away beside the entries since when."""

    changes: Mapping[str, tuple[int, str]]
    ended: Mapping[tuple[str, str], str]


NOTHING = Known(changes={}, ended={})


def read_known(url: str) -> Known:
    """What the store at `url` knows; nothing where it cannot be read."""
    side = ReadingSide(url)
    try:
        with side.reading() as reading:
            changes = {record: (sequence, at) for record, sequence, at in reading.ask(_CHANGES, {})}
            for record, sequence, at in reading.ask(_GONE, {}):
                changes[record] = max(changes.get(record, (0, "")), (sequence, at))
            ended = {(subject, key): at for subject, key, at in reading.ask(_ENDED, {})}
    except side.errors:
        return NOTHING
    finally:
        side.close()
    return Known(changes=changes, ended=ended)


def hide_lost(connection: Connection, known: Known) -> list[str]:
    """Take out of a store that was made anew all of which `known` tells something later. Returns the records that the new
    history would have shown."""
    told = {record: sequence for record, sequence, _at in connection.execute(_CHANGES)}
    lost = {record: last for record, last in known.changes.items() if last[0] > told.get(record, 0)}
    shown = set(connection.execute(select(document_table.c.record)).scalars()) & lost.keys()
    for record in shown:
        connection.execute(delete(document_table).where(document_table.c.record == record))
    rows = [{"record": record, "sequence": sequence, "at": at} for record, (sequence, at) in lost.items()]
    upsert(connection, tombstone_table, rows)
    _end_again(connection, known.ended)
    return sorted(shown)


def _end_again(connection: Connection, ended: Mapping[tuple[str, str], str]) -> None:
    held = {(row.subject, row.key): row.at for row in connection.execute(select(subject_table))}
    for (subject, key), at in ended.items():
        if (subject, key) not in held:
            row = {"subject": subject, "key": key, "position": 0, "at": at, "visible_until": None, "body": None}
            upsert(connection, subject_table, [row])
        elif held[subject, key] <= at:
            connection.execute(
                update(subject_table)
                .where(subject_table.c.subject == subject, subject_table.c.key == key)
                .values(body=None)
            )
