"""Whether copies that were brought to this version hold what they held before, before anybody works with them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from itertools import zip_longest
from pathlib import Path

from sqlalchemy import select

from gongshi.court import Court
from gongshi.installing.parts import Part
from gongshi.installing.release import read_head, this_release
from gongshi.pump import FEED_CHUNK
from registry import journal
from registry.tables import RecordRow
from registry.vault import VaultError
from search_index.document import Document
from search_index.index import Index
from search_index.journal import JournalEntry
from search_index.store import StoreWriter
from search_index.sync import verify

_SAID = 3
# What must be the same in the store and in one that the journal makes: what has left, and in which order it was told.
_SAME = (
    "SELECT record, sequence FROM {}.tombstone",
    "SELECT sequence, type, record FROM {}.change",
    "SELECT position, sequence FROM {}.state",
)
_DOCUMENTS = "SELECT record, sequence, visible_until, body FROM {}.document ORDER BY record"
# What is written once and never again: an upgrade carries it over as it is.
_WRITTEN = ("audit", "journal")


@dataclass(frozen=True, slots=True)
class Written:
    """The lines of a table that is only added to: of which columns, up to which line, and their digest."""

    table: str
    columns: tuple[str, ...]
    last: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What the databases held before: rows by table, and what was written for good."""

    registry: Mapping[str, int]
    notifier: Mapping[str, int]
    written: tuple[Written, ...]


def look_before(registry: sqlite3.Connection, notifier: sqlite3.Connection | None) -> Before:
    """What must not be less afterwards."""
    return Before(
        registry=count_rows(registry),
        notifier=count_rows(notifier) if notifier else {},
        written=tuple(_read_written(registry, table) for table in _WRITTEN),
    )


def find_faults(court: Court, before: Before, store: Part) -> Iterator[str]:
    """What is wrong with the copies that `court` has open, each a Chinese line."""
    registry, notifier = court.settings.registry_database, court.settings.notifier_database
    ours = this_release()
    for name, head, due in (
        ("登记库", read_head(registry, "registry"), ours.registry),
        ("通知库", read_head(notifier, "notifier"), ours.notifier),
    ):
        if head != due:
            yield f"{name}没有升级到本版本（{head}）"
    with _reading(registry) as connection:
        yield from find_lost(before.registry, count_rows(connection), "登记库")
        for one in before.written:
            if _read_written(connection, one.table, one.columns, one.last) != one:
                yield f"登记库的 {one.table} 与升级前不一致"
    with _reading(notifier) as connection:
        yield from find_lost(before.notifier, count_rows(connection), "通知库")
    yield from find_damage(court)
    yield from _compare_stores(court, store)


def find_damage(court: Court) -> Iterator[str]:
    """What is wrong with the databases of a court by themselves: their key and their index."""
    try:
        with court.reading() as session:
            rows = session.execute(select(RecordRow.sealed, RecordRow.identity).order_by(RecordRow.id)).all()
        for row in rows[:: max(1, len(rows) // 100)]:
            court.vault.open(row.sealed, row.identity)
    except VaultError as error:
        yield str(error)
    differences = verify(court.store, Index(court.settings.index_folder), court.now)
    if differences:
        yield f"检索索引与公示库有 {len(differences)} 处不一致"


def find_lost(before: Mapping[str, int], after: Mapping[str, int], name: str) -> Iterator[str]:
    """Tables that hold less than they did. Rows are only ever added by an upgrade."""
    lost = [table for table, rows in before.items() if after.get(table, 0) < rows]
    if lost:
        yield f"{name}升级后少了数据：{'、'.join(lost[:_SAID])}"


def count_rows(connection: sqlite3.Connection) -> dict[str, int]:
    """How many rows each table of a SQLite file has."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    own = [name for name in names if not name.startswith("sqlite_")]
    # S608: names that the database itself gave.
    return {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in own}  # noqa: S608


def check_file(path: Path) -> bool:
    """Whether a SQLite file is whole, and every reference in it leads somewhere."""
    with closing(sqlite3.connect(path)) as connection:
        whole: Sequence[tuple[str]] = connection.execute("PRAGMA integrity_check(1)").fetchall()
        return whole == [("ok",)] and not connection.execute("PRAGMA foreign_key_check").fetchall()


@contextmanager
def _reading(url: str) -> Iterator[sqlite3.Connection]:
    path = Path(url.removeprefix("sqlite:///")).absolute()
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        yield connection


def _read_written(
    connection: sqlite3.Connection, table: str, columns: tuple[str, ...] = (), last: int | None = None
) -> Written:
    known = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    taken = columns or tuple(known)
    key = "position" if "position" in known else "id"
    if last is None:
        last = connection.execute(f"SELECT coalesce(max({key}), 0) FROM {table}").fetchone()[0]  # noqa: S608
    digest = sha256()
    if set(taken) <= set(known):
        named = ", ".join(taken)
        query = f"SELECT {named} FROM {table} WHERE {key} <= ? ORDER BY {key}"  # noqa: S608  # names of our own
        for row in connection.execute(query, [last]):
            digest.update(repr(row).encode())
    return Written(table=table, columns=taken, last=last or 0, digest=digest.hexdigest())


def _compare_stores(court: Court, store: Part) -> Iterator[str]:
    """The journal, replayed into a store of its own, says whether the list is what it was told."""
    writer = StoreWriter(f"sqlite:///{store.trial}")
    writer.create()
    try:
        writer.replay(_whole_journal(court))
    finally:
        writer.close()
    with closing(sqlite3.connect(store.new)) as connection:
        connection.execute("ATTACH ? AS trial", [str(store.trial)])
        if any(
            one != other for one, other in zip_longest(*(_documents(connection, name) for name in ("main", "trial")))
        ):
            yield "公示库的内容与公布日志重放的结果不一致"
        for query in _SAME:
            one, other = query.format("main"), query.format("trial")
            for left, right in ((one, other), (other, one)):
                if connection.execute(f"SELECT 1 FROM ({left} EXCEPT {right}) LIMIT 1").fetchone():  # noqa: S608
                    yield "公示库与公布日志重放的结果不一致"
                    return


def _documents(connection: sqlite3.Connection, name: str) -> Iterator[tuple[str, int, str | None, Document]]:
    """Read as they are shown: an earlier version wrote them without the fields that came later."""
    for record, sequence, until, body in connection.execute(_DOCUMENTS.format(name)):
        yield record, sequence, until, Document.from_json(json.loads(body))


def _whole_journal(court: Court) -> Iterator[list[JournalEntry]]:
    position = 0
    while True:
        with court.reading() as session:
            entries = journal.read_after(session, position, FEED_CHUNK)
        if not entries:
            return
        position = entries[-1].position
        yield entries
