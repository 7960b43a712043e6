"""The pump between the journal and what the public sees: it brings the disclosed store and the index to the journal's end.

Bulk work goes in steps and stands aside between them; a departure goes ahead of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError

from registry import audit, journal
from registry.acting import SYSTEM
from registry.database import settle
from search_index.journal import ChangeType, EntryChange, JournalEntry
from search_index.snapshot import StoreUnavailable
from search_index.store import StoreDamaged
from search_index.sync import rebuild as rebuild_index
from search_index.sync import sync

if TYPE_CHECKING:
    from gongshi.court import Court

FEED_CHUNK = 500

Progress = Callable[[int, int | None], None]


class NotTold(Exception):
    """It was decided and journalled, but the store could not be told: the public may still see it as it was."""


class StoreAhead(Exception):
    """The store has applied more than the journal holds. The message is for the administrator."""


def quiet(_done: int, _total: int | None) -> None:
    """A progress that nobody watches."""


class Pump:
    """The pump of one court."""

    def __init__(self, court: Court) -> None:
        self._court = court

    def feed(self, progress: Progress = quiet) -> None:
        """Bring the store and the index to the end of the journal."""
        with self._court.turns.feeding_store():
            self._apply()
            sync(
                self._court.store_writer,
                self._court.store,
                self._court.index_writer,
                self._court.now,
                _counting(progress),
            )

    def feed_store(self) -> None:
        """Bring the store, but not yet the index, to the end of the journal."""
        with self._court.turns.feeding_store():
            self._apply()

    def feed_if_idle(self) -> None:
        """Feed unless another process is at it, or there is bulk work to do that a departure must not wait for."""
        with self._court.turns.feeding_store(wait=False) as mine:
            behind = self._lines_behind()
        if mine and 0 <= behind <= FEED_CHUNK:
            self.feed()

    def rebuild(self, *, replay: bool, progress: Progress = quiet) -> int:
        """Make the index anew and, before it, with `replay`, the store from the journal. Returns the visible entries."""
        with self._court.turns.feeding_store():
            if replay:
                self._leap()
                with ExitStack() as turn:
                    self._court.store_writer.replay(self._whole_journal(turn))
            else:
                self._apply()
            rebuild_index(
                self._court.store_writer,
                self._court.store,
                self._court.index_writer,
                self._court.now,
                _counting(progress),
            )
        with self._court.store.snapshot(self._court.now) as snapshot:
            return snapshot.count()

    def compact(self) -> None:
        """Give back the room of what has left, in the store and in the index."""
        with self._court.turns.feeding_store():
            self._court.index_writer.compact()
            self._court.store_writer.compact()
        settle(self._court.engine)

    def apply_ahead(self, changes: Sequence[EntryChange]) -> None:
        """Tell the store of changes that wait for nothing that was decided before them. Raises NotTold."""
        try:
            # A store ahead of the journal knows "later" changes of a history that is gone; what was decided now holds.
            self._court.store_writer.apply_ahead(changes, last_word=self._lines_behind() < 0)
        except (DBAPIError, OSError, StoreDamaged) as error:
            raise NotTold from error

    def forget_departed(self) -> None:
        """Take out of the store whatever the journal says has departed, wherever the store stands."""
        with self._court.reading() as session:
            departures = journal.departures_after(session, self._court.store_writer.position())
        if departures:
            self._court.store_writer.apply_ahead(departures)

    def forget(self, changes: Sequence[EntryChange]) -> None:
        """Take those of `changes` that departed out of the store."""
        gone = [change for change in changes if change.type is ChangeType.GONE]
        if gone:
            self._court.store_writer.apply_ahead(gone)

    def _apply(self) -> None:
        self.forget_departed()
        self._refuse_store_ahead()
        while True:
            with self._court.reading() as session:
                entries = journal.read_after(session, self._court.store_writer.position(), FEED_CHUNK)
            if not entries:
                return
            self._court.turns.step_aside()
            self._court.store_writer.apply(entries)

    def _refuse_store_ahead(self) -> None:
        # A registry that came back from a backup would be passed over, line by line, as long as the store is ahead.
        behind = self._lines_behind()
        if behind < 0:
            raise StoreAhead(
                f"公示库比公布日志多 {-behind} 行，登记库像是从备份恢复的："
                "请先核对备份之后的公布和撤下，再运行 gongshi index rebuild --replay"
            )

    def _lines_behind(self) -> int:
        """How many journal lines the store has still to apply; negative where it is ahead of a restored journal."""
        applied = self._court.store_writer.position()
        with self._court.reading() as session:
            return journal.head(session)[0] - applied

    def _leap(self) -> None:
        """Where the registry came back from a backup, its next public changes get numbers that no follower has seen."""
        try:
            with self._court.store.snapshot(self._court.now) as snapshot:
                told = max(snapshot.sequence, snapshot.count_changes()[1])
        except StoreUnavailable:
            return
        with self._court.session() as session:
            if journal.leap(session, told):
                audit.note(session, self._court.now, SYSTEM, "journal_leap", detail={"sequence": told + 1})

    def _whole_journal(self, turn: ExitStack) -> Iterator[list[JournalEntry]]:
        """The journal in chunks. Before its last lines departures are asked to wait, until `turn` is closed."""
        position, waiting = 0, False
        while True:
            with self._court.reading() as session:
                entries = journal.read_after(session, position, FEED_CHUNK)
            if entries:
                position = entries[-1].position
                yield entries
            elif waiting:
                return
            else:
                turn.enter_context(self._court.turns.go_ahead())
                waiting = True


def _counting(progress: Progress) -> Callable[[int], None]:
    return lambda done: progress(done, None)
