"""The disclosed store: every entry the public may see now, the list of changes, and the tombstones.

It is a consumer of the journal and holds nothing that was not in it. Applying is idempotent and resumes from the
stored position. A departure or a correction may be applied ahead of its turn (`apply_ahead`): it never waits behind
bulk work, and what is applied later with a lower sequence cannot bring back what it took away.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, func, make_url, select, text
from sqlalchemy.exc import DBAPIError

from search_index.database import ReadingSide, for_reading, sqlite_file, without_transaction, writing_engine
from search_index.journal import EntryChange, JournalEntry
from search_index.modes import settle_public
from search_index.rows import local, utc
from search_index.snapshot import Guard, Snapshot, StoreUnavailable
from search_index.store_applying import apply_changes, apply_entries, fold_again, lock
from search_index.store_tables import (
    FOLDING,
    change_at,
    change_table,
    document_table,
    folding_table,
    link_table,
    metadata,
    state_table,
    tombstone_table,
)
from search_index.subjects import subject_table

VACUUM_SHARE = 0.25


class StoreDamaged(Exception):
    """The store's file is not what was written to it. The journal can make it anew: see `StoreWriter.replay`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """How a store is connected with the registry: see `link_table`."""

    pulse_at: datetime | None
    is_shut: bool
    file_number: int
    file_digest: str | None
    file_epoch: str | None


class Store:
    """The reading side. It cannot write, and needs to know nothing but an address. With a `guard` it gives what may be shown."""

    def __init__(self, url: str, guard: Guard | None = None) -> None:
        self._database = ReadingSide(url)
        self._guard = guard

    @contextmanager
    def snapshot(self, now: datetime) -> Iterator[Snapshot]:
        """One short read transaction. An open one keeps a writer on SQLite from committing: do not hold it.

        Raises StoreUnavailable where the store is missing, not readable, or being recovered; what is asked of entries
        raises StoreHidden where a guard hides the list.
        """
        try:
            with self._database.reading() as reading:
                yield Snapshot(reading, now, self._guard)
        except self._database.errors as error:
            raise StoreUnavailable(type(getattr(error, "orig", error)).__name__) from None

    def close(self) -> None:
        self._database.close()


class StoreWriter:
    """The private side's hand on the store: the only thing that writes it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._engine = writing_engine(url, journal_mode="TRUNCATE", secure_delete=True)

    def create(self) -> None:
        """Make the tables and the first state row, and fold the names as they are folded now; safe to repeat."""
        if path := sqlite_file(self.url):
            # Before SQLite makes its journal, which takes its mode from the file: a reader of another user who cannot
            # open the journal takes it for one to be rolled back.
            path.touch()
            settle_public(path, path.parent)
        with _damage_told(), self._engine.begin() as connection:
            metadata.create_all(connection)
            subject_table.create(connection, checkfirst=True)
            # A store made by an earlier version has the table without it.
            change_at.create(connection, checkfirst=True)
            if connection.execute(select(func.count()).select_from(state_table)).scalar_one() == 0:
                connection.execute(state_table.insert().values(id=1, position=0, sequence=0, indexed=0))
            if connection.execute(select(func.count()).select_from(link_table)).scalar_one() == 0:
                connection.execute(link_table.insert().values(id=1, shut=0, file_number=0))
            if connection.execute(select(folding_table.c.version)).scalar() != FOLDING:
                fold_again(connection)

    def position(self) -> int:
        """The journal position that has been applied."""
        with _damage_told(), for_reading(self._engine).begin() as connection:
            position: int = connection.execute(select(state_table.c.position)).scalar_one()
            return position

    def apply(self, entries: Sequence[JournalEntry]) -> None:
        """Apply entries in one transaction, in journal order. What was applied before is passed over.

        Raises JournalGap when an entry is missing between the store's position and the first new one.
        """
        with _damage_told(), self._engine.begin() as connection:
            apply_entries(connection, entries)

    def apply_ahead(self, changes: Iterable[EntryChange], *, last_word: bool = False) -> None:
        """Apply departures and corrections at once, ahead of whatever is still to be applied before them.

        With `last_word` they hold whatever sequence the store knows of their records: for a store that has applied
        more than a restored journal holds.
        """
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(lock(select(state_table.c.id)))
            apply_changes(connection, list(changes), last_word=last_word)

    def note_pulse(self, at: datetime) -> None:
        """Record that at the moment `at` the store held everything that the registry had told until then."""
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(link_table.update().values(pulse_at=utc(at)))

    def set_shut(self, *, shut: bool) -> None:
        """Shut the store, so that its readers show nothing of the list, or open it again."""
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(link_table.update().values(shut=int(shut)))

    def link(self) -> Link:
        """How the store is connected with the registry."""
        with _damage_told(), for_reading(self._engine).begin() as connection:
            row = connection.execute(select(link_table)).one()
        return Link(
            pulse_at=local(row.pulse_at) if row.pulse_at else None,
            is_shut=bool(row.shut),
            file_number=row.file_number,
            file_digest=row.file_digest,
            file_epoch=row.file_epoch,
        )

    def note_file(self, number: int, digest: str, epoch: str, pulse: datetime | None) -> None:
        """Record the last file of the journal that was applied (isolated network), and with it the pulse, where it has one."""
        values: dict[str, Any] = {"file_number": number, "file_digest": digest, "file_epoch": epoch}
        if pulse is not None:
            values["pulse_at"] = utc(pulse)
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(link_table.update().values(values))

    def set_indexed(self, sequence: int) -> None:
        """Record that the full-text index holds everything up to `sequence`."""
        with _damage_told(), self._engine.begin() as connection:
            connection.execute(state_table.update().values(indexed=sequence))

    def replay(
        self, chunks: Iterable[Sequence[JournalEntry]], finish: Callable[[Connection], None] = lambda _connection: None
    ) -> None:
        """Make the store anew from the whole journal, given from its first line on. Readers see the old store until
        the new one is complete, and `finish` has had its hand on it. The caller sees to it that nobody else writes when the
        last chunk has been given.

        On SQLite a new file replaces the old one, which may be damaged or gone; on PostgreSQL it is one transaction,
        which departures wait for.
        """
        link: Mapping[str, Any] = {}
        try:
            with _damage_told(), self._engine.begin() as connection:
                # Rolls back what a killed writer left, before its file goes.
                indexed = connection.execute(select(state_table.c.indexed)).scalar_one()
                link = dict(connection.execute(select(link_table)).mappings().one())
        except StoreDamaged:
            indexed = 0
        path = sqlite_file(self.url)
        if path is None:
            self._replay_rows(chunks, finish, indexed)
        else:
            self._replay_file(path, chunks, finish, indexed, link)

    def _replay_rows(
        self, chunks: Iterable[Sequence[JournalEntry]], finish: Callable[[Connection], None], indexed: int
    ) -> None:
        with self._engine.begin() as connection:
            for table in (document_table, change_table, tombstone_table, subject_table):
                connection.execute(delete(table))
            connection.execute(state_table.update().values(position=0, sequence=0, indexed=indexed, profile=None))
            for chunk in chunks:
                apply_entries(connection, chunk)
            finish(connection)

    def _replay_file(
        self,
        path: Path,
        chunks: Iterable[Sequence[JournalEntry]],
        finish: Callable[[Connection], None],
        indexed: int,
        link: Mapping[str, Any],
    ) -> None:
        new_path = _remove_new(path)
        new = StoreWriter(str(make_url(self.url).set(database=str(new_path))))
        new.create()
        for chunk in chunks:
            new.apply(chunk)
        new.set_indexed(indexed)
        with new._engine.begin() as connection:
            finish(connection)
            if link:
                connection.execute(link_table.update().values(link))
        new_path.replace(path)
        for leftover in (path, new_path):
            leftover.with_name(f"{leftover.name}-journal").unlink(missing_ok=True)

    def compact(self) -> None:
        """Give back the room of what has left, and of a replay that was killed. Not while one is under way.

        On PostgreSQL this is what removes the old row versions. On SQLite `secure_delete` has overwritten the bytes
        already, and the file is rewritten only when much of it is empty, because that keeps readers waiting.
        """
        if path := sqlite_file(self.url):
            _remove_new(path)
        with without_transaction(self._engine).connect() as connection:
            if self._engine.dialect.name == "postgresql":
                # With ANALYZE: what the planner noted of typical values are names and texts of those who have left.
                connection.execute(text("VACUUM (ANALYZE) document"))
                connection.execute(text("VACUUM (ANALYZE) subject"))
                connection.execute(text("VACUUM pg_statistic"))
            elif self._free_share(connection) > VACUUM_SHARE:
                connection.exec_driver_sql("VACUUM")

    @staticmethod
    def _free_share(connection: Connection) -> float:
        free: int = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        pages: int = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return free / max(pages, 1)

    def close(self) -> None:
        self._engine.dispose()


@contextmanager
def _damage_told() -> Iterator[None]:
    """A file of SQLite that is damaged, empty or another's is StoreDamaged."""
    try:
        yield
    except DBAPIError as error:
        # SQLITE_ERROR: the statements are always the same, so it is a table that is missing.
        if getattr(error.orig, "sqlite_errorcode", None) in _DAMAGE:
            raise StoreDamaged from error
        raise


_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR})


def _remove_new(path: Path) -> Path:
    """Where a replay makes the new file, freed of what a killed one left there."""
    new_path = path.with_name(f"{path.name}.new")
    for leftover in (new_path, new_path.with_name(f"{new_path.name}-journal")):
        leftover.unlink(missing_ok=True)
    return new_path
