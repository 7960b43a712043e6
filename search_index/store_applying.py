"""What a line of the journal makes of the rows of the disclosed store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select

from search_index.document import Document
from search_index.folding import fold_name
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange, SubjectChange
from search_index.number import is_number
from search_index.rows import upsert, utc
from search_index.store_tables import FOLDING, change_table, document_table, folding_table, state_table, tombstone_table
from search_index.subjects import apply_subjects

_CHUNK = 500
_AT_ONCE = 1_000


class JournalGap(Exception):
    """The journal entries given do not follow on from what the store has applied, or are not what was once written."""


def apply_entries(connection: Connection, entries: Sequence[JournalEntry]) -> None:
    state = connection.execute(lock(select(state_table))).one()
    new = [entry for entry in entries if entry.position > state.position]
    if not new:
        return
    if [entry.position for entry in new] != list(range(state.position + 1, state.position + 1 + len(new))):
        raise JournalGap(f"store is at {state.position}, next entry is {new[0].position}")
    for entry in new:
        if isinstance(entry, ProfileChange):
            connection.execute(state_table.update().values(profile=json.dumps(entry.body, ensure_ascii=False)))
    apply_changes(connection, [entry for entry in new if isinstance(entry, EntryChange)])
    apply_subjects(connection, [entry for entry in new if isinstance(entry, SubjectChange)])
    sequences = [entry.sequence for entry in new if isinstance(entry, EntryChange)]
    # A subject is no change of the list: what arrives at the court would show in the time that every page tells.
    seen = [utc(entry.at) for entry in new if not isinstance(entry, SubjectChange)]
    connection.execute(
        state_table.update().values(
            position=new[-1].position,
            sequence=max([state.sequence, *sequences]),
            updated_at=seen[-1] if seen else state.updated_at,
        )
    )


def apply_changes(connection: Connection, changes: Sequence[EntryChange], *, last_word: bool = False) -> None:
    newest = {} if last_word else _newest_known(connection, [change.record for change in changes])
    _note_changes(connection, changes)
    # Documents are put in together at the end: of one that departs again meanwhile nothing is written.
    documents: dict[str, dict[str, Any]] = {}
    for change in changes:
        if change.sequence < newest.get(change.record, 0):
            continue  # something later about this record was applied ahead of its turn
        if change.type is ChangeType.GONE:
            documents.pop(change.record, None)
            _depart(connection, change)
        elif change.body is not None:
            documents[change.record] = _build_row(change)
        newest[change.record] = change.sequence
    _put(connection, documents)


def _newest_known(connection: Connection, records: Sequence[str]) -> dict[str, int]:
    """The sequence of the last change of each record that the store knows."""
    found: dict[str, int] = {}
    for start in range(0, len(records), _CHUNK):
        query = (
            select(change_table.c.record, func.max(change_table.c.sequence).label("last"))
            .where(change_table.c.record.in_(records[start : start + _CHUNK]))
            .group_by(change_table.c.record)
        )
        found.update((row.record, row.last) for row in connection.execute(query))
    return found


def _build_row(entry: EntryChange) -> dict[str, Any]:
    try:
        document = Document.from_json(entry.body or {})
    except (ValueError, LookupError, TypeError) as error:
        raise JournalGap(f"the document at {entry.position} cannot be read: {type(error).__name__}") from None
    if document.record != entry.record or not is_number(document.record):
        raise JournalGap(f"the journal's document at {entry.position} does not carry its record number")
    return {
        "record": document.record,
        "sequence": entry.sequence,
        "name_key": fold_name(document.name),
        "published_on": document.published_on.isoformat(),
        "visible_until": document.visible_until and utc(document.visible_until),
        "body": json.dumps(document.as_json(), ensure_ascii=False, separators=(",", ":")),
    }


def _put(connection: Connection, documents: dict[str, dict[str, Any]]) -> None:
    upsert(connection, document_table, list(documents.values()))
    records = list(documents)
    for start in range(0, len(records), _CHUNK):
        chunk = tombstone_table.c.record.in_(records[start : start + _CHUNK])
        connection.execute(delete(tombstone_table).where(chunk))


def _depart(connection: Connection, entry: EntryChange) -> None:
    connection.execute(delete(document_table).where(document_table.c.record == entry.record))
    upsert(connection, tombstone_table, [{"record": entry.record, "sequence": entry.sequence, "at": utc(entry.at)}])


def _note_changes(connection: Connection, entries: Sequence[EntryChange]) -> None:
    rows = [
        {
            "sequence": entry.sequence,
            "position": entry.position,
            "type": entry.type.value,
            "record": entry.record,
            "at": utc(entry.at),
        }
        for entry in entries
    ]
    upsert(connection, change_table, rows)


def fold_again(connection: Connection) -> None:
    key = (
        document_table.update()
        .where(document_table.c.record == bindparam("of_record"))
        .values(name_key=bindparam("new_key"))
    )
    rows = select(document_table.c.record, document_table.c.body).order_by(document_table.c.record).limit(_AT_ONCE)
    after = ""
    while found := connection.execute(rows.where(document_table.c.record > after)).all():
        keys = [{"of_record": row.record, "new_key": fold_name(json.loads(row.body)["name"])} for row in found]
        connection.execute(key, keys)
        after = found[-1].record
    connection.execute(delete(folding_table))
    connection.execute(folding_table.insert().values(version=FOLDING))


def lock(query: Any) -> Any:
    # SQLite took the write lock at BEGIN IMMEDIATE and its dialect leaves this out.
    return query.with_for_update()
