"""What holds in a home at every moment, whatever was killed, full or broken; and what holds once it has come to rest.

Both are asked for as a list of faults in words, empty where all is well, so that a test of the test can plant a fault
and see it named. What the journal makes of the list is reckoned here anew, without the code that is tested.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from homes import Home
from sqlalchemy import select, text

from gongshi.safety.witness_lines import Contents, Log
from registry.record import State
from registry.tables import AuditRow, BatchRow, JournalHeadRow, JournalRow, ProposalRow, RecordRow
from search_index.database import for_reading
from search_index.index import Index
from search_index.page import Query
from search_index.register import Register
from search_index.store_tables import change_table, document_table, state_table, tombstone_table
from search_index.sync import verify

DOWN = frozenset({State.HELD.value, State.WITHDRAWN.value, State.REMOVED.value, State.EXPIRED.value})
DEPARTURES = frozenset({"withdraw", "remove", "hold", "expire", "withhold"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """The registry and the disclosed store of a home, each as one transaction shows it."""

    lines: Sequence[JournalRow]
    head: tuple[int, int]
    records: Sequence[RecordRow]
    batches: Mapping[int, BatchRow]
    proposals: Sequence[ProposalRow]
    audited: Mapping[str, frozenset[int | None]]
    position: int
    documents: Mapping[str, str]
    tombstones: frozenset[str]
    changes: Mapping[int, tuple[str, str]]
    # The last sequences that were passed over when a registry came back from a backup, as the audit trail says.
    leaps: frozenset[int] = frozenset()


def find_faults(home: Home, gone: Collection[str] = ()) -> list[str]:
    """What does not hold now. `gone`: the records whose departure somebody was told of."""
    books = read_books(home)
    return [*_damage(home), *_journal_faults(books), *_registry_faults(books), *_store_faults(books, frozenset(gone))]


def find_faults_at_rest(home: Home, gone: Collection[str] = ()) -> list[str]:
    """What does not hold when everything has been published and fed: the store is what the journal makes of it, and the
    index what the store makes of it."""
    books = read_books(home)
    faults = [*find_faults(home, gone), *_replay_faults(books)]
    court = home.court
    faults += [
        f"index: {difference}" for difference in verify(court.store, Index(court.settings.index_folder), court.now)
    ]
    register = Register(court.store, court.settings.index_folder)
    with court.store.snapshot(court.now) as snapshot:
        counted = snapshot.count()
    found = register.search(Query(), court.now).total
    faults += _untold(court.witness.read(Log.DEPARTURES), books)
    court.close()
    return faults if found == counted else [*faults, f"a search finds {found} entries of {counted}"]


def replay(lines: Sequence[JournalRow]) -> dict[str, Any]:
    """What is public after these lines of the journal, by record."""
    shown: dict[str, Any] = {}
    for line in lines:
        if line.type == "gone":
            shown.pop(line.record or "", None)
        elif line.record:
            shown[line.record] = json.loads(line.body) if line.body else None
    # The words of what departed later have been taken out of the lines before.
    return {record: body for record, body in shown.items() if body is not None}


def read_books(home: Home) -> Books:
    court = home.court
    try:
        # The store first: what it holds is then certainly in the journal that is read after it.
        with for_reading(court.store_writer._engine).begin() as connection:
            position = connection.execute(select(state_table.c.position)).scalar_one()
            bodies = connection.execute(select(document_table.c.record, document_table.c.body))
            documents = {row.record: row.body for row in bodies}
            tombstones = frozenset(connection.execute(select(tombstone_table.c.record)).scalars())
            changed = select(change_table.c.sequence, change_table.c.type, change_table.c.record)
            changes = {number: (kind, record) for number, kind, record in connection.execute(changed)}
        with court.reading() as session:
            head = session.get_one(JournalHeadRow, 1)
            audited: dict[str, set[int | None]] = {}
            for action, record in session.execute(select(AuditRow.action, AuditRow.record_id)):
                audited.setdefault(action, set()).add(record)
            books = Books(
                lines=list(session.scalars(select(JournalRow).order_by(JournalRow.position))),
                head=(head.position, head.sequence),
                records=list(session.scalars(select(RecordRow))),
                batches={row.id: row for row in session.scalars(select(BatchRow))},
                proposals=list(session.scalars(select(ProposalRow))),
                audited={action: frozenset(records) for action, records in audited.items()},
                position=position,
                documents=documents,
                tombstones=tombstones,
                changes=changes,
                leaps=frozenset(
                    int(detail["sequence"])
                    for detail in session.scalars(select(AuditRow.detail).where(AuditRow.action == "journal_leap"))
                ),
            )
            session.expunge_all()
        return books
    finally:
        court.close()


def _untold(log: Contents, books: Books) -> Iterator[str]:
    """A departure that is in the journal and not in the log beside the database: a restored home would undo it."""
    told = {(line.position, line.record) for line in log.lines if line.type == "gone"}
    for line in books.lines:
        if line.type == "gone" and line.position > (log.begins or 0) and (line.position, line.record) not in told:
            yield f"line {line.position}: the departure of {line.record} is not in the log beside the database"


def _damage(home: Home) -> Iterator[str]:
    if home.databases:
        return
    court = home.court
    for name, engine in (("registry", court.engine), ("store", court.store_writer._engine)):
        with for_reading(engine).begin() as connection:
            found = connection.execute(text("PRAGMA quick_check")).scalars().all()
        if found != ["ok"]:
            yield f"{name}: {found[:3]}"
    court.close()


def _journal_faults(books: Books) -> Iterator[str]:
    positions = [line.position for line in books.lines]
    sequences = [line.sequence for line in books.lines if line.sequence is not None]
    if positions != list(range(1, len(positions) + 1)):
        yield "the journal's positions have a gap"
    follows = zip([0, *sequences], sequences, strict=False)
    if any(number != before + 1 and number - 1 not in books.leaps for before, number in follows):
        yield "the journal's sequences have a gap"
    last = max([0, *sequences, *books.leaps])
    if books.head != (len(positions), last):
        yield f"the journal's head says {books.head} of {len(positions)} lines with {len(sequences)} sequences"
    departed: set[str] = set()
    for line in reversed(books.lines):
        if line.record in departed and line.body is not None:
            yield f"line {line.position} keeps the words of {line.record}, which departed after it"
        if line.type == "gone" and line.record:
            departed.add(line.record)


def _registry_faults(books: Books) -> Iterator[str]:
    public = {row.number for row in books.records if row.state == State.PUBLISHED.value}
    if (journalled := replay(books.lines).keys()) != public:
        yield f"published in the registry and by the journal differ in {sorted(map(str, journalled ^ public))[:3]}"
    approved = books.audited.get("approve", frozenset())
    taken_down = frozenset().union(*(books.audited.get(action, frozenset()) for action in DEPARTURES))
    for row in books.records:
        batch = books.batches.get(row.batch_id)
        if batch is None or (not batch.ready and (row.state != State.DRAFT.value or row.number)):
            yield f"record {row.id} of an unfinished import is {row.state}"
        if row.state in (State.APPROVED.value, State.PUBLISHED.value) and row.id not in approved:
            yield f"record {row.id} is {row.state} and nobody is on record as having approved it"
        if row.state in DOWN and row.id not in taken_down:
            yield f"record {row.id} is {row.state} without an audit line"
    for batch in books.batches.values():
        held = [row for row in (*books.records, *books.proposals) if row.batch_id == batch.id]
        if batch.ready and len(held) != batch.accepted:
            yield f"batch {batch.id} accepted {batch.accepted} lines and holds {len(held)}"


def _store_faults(books: Books, gone: frozenset[str]) -> Iterator[str]:
    if back := books.documents.keys() & gone:
        yield f"in the store again: {sorted(back)[:3]}"
    if books.position > len(books.lines):
        yield f"the store has applied {books.position} lines of {len(books.lines)}"
    numbered = {line.sequence: (line.type, line.record) for line in books.lines if line.sequence}
    for sequence, change in books.changes.items():
        if numbered.get(sequence) != change:
            yield f"change {sequence} of the store is {change}, of the journal {numbered.get(sequence)}"
    allowed: dict[str, list[Any]] = {}
    for line in books.lines:
        if line.body and line.record:
            allowed.setdefault(line.record, []).append(json.loads(line.body))
    departed = {line.record for line in books.lines if line.type == "gone"}
    for record, body in books.documents.items():
        # A departure that was decided, and whose command has not returned, may still be on its way into the store.
        if json.loads(body) not in allowed.get(record, []) and record not in departed:
            yield f"the store shows of {record} what the journal never said"


def _replay_faults(books: Books) -> Iterator[str]:
    expected = replay(books.lines)
    held = {record: json.loads(body) for record, body in books.documents.items()}
    if books.position != len(books.lines):
        yield f"the store stands at line {books.position} of {len(books.lines)}"
    for record in sorted(expected.keys() | held.keys()):
        if expected.get(record) != held.get(record):
            yield f"{record} in the store is not what the journal makes of it"
    last = {line.record: line.type for line in books.lines if line.record}
    if books.tombstones != {record for record, kind in last.items() if kind == "gone"}:
        yield "the tombstones are not those of the journal"
    if len(books.changes) != books.head[1]:
        yield f"the store lists {len(books.changes)} changes of {books.head[1]}"
