"""The witness logs of a home: what was taken off the list and what was sent, outside the databases, at the moment it happens.

`registry/departures.log` and `notifier/sent.log`, each with a second copy in GONGSHI_WITNESS_FOLDER where that is set. A
home that comes back from a backup learns from them what the backup does not know. A log that cannot be written keeps no
departure back and no message: `mend` adds what is missing, and `doctor` tells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from gongshi.safety.sent_log import SentLog
from gongshi.safety.witness_file import Entry, WitnessFile, note_failure, open_copies
from gongshi.safety.witness_lines import BEGIN, Contents, Line, Log, unite
from registry import journal
from registry.tables import JournalRow
from registry.vault import Vault, VaultError, open_vault
from registry.witnessing import Kind, Told, tell_gone
from search_index.journal import ChangeType

if TYPE_CHECKING:
    from gongshi.court import Court

_CHUNK = 500
_FAILS = (OSError, VaultError, SQLAlchemyError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What came of holding the logs against each other and against the registry: how many lines were added to them, and what
    is wrong, each a Chinese line."""

    added: int = 0
    faults: tuple[str, ...] = ()


class WitnessLogs:
    """The logs of one home."""

    def __init__(self, court: Court) -> None:
        self._court = court
        self._lock = Lock()
        settings = court.settings
        self.departures = open_copies(Log.DEPARTURES, settings.private, settings.witness_folder, self._begin)
        self.sent = SentLog(settings, court.world.now)

    def tell(self, compose: Callable[[], Sequence[Told]]) -> None:
        """The witness of the registry (registry/witnessing.py): called before a transaction commits."""
        try:
            told = compose()
        except Exception as error:
            # What is not told is mended tomorrow; what is kept back would harm somebody now.
            note_failure(error)
            return
        if told:
            self._append(self.departures, [_entry_of(one) for one in told])

    def begin(self) -> None:
        """Begin the logs that are not there, so that they say from where on they are complete."""
        self._append([file for file in self.departures if not file.has_begun()], [])
        self.sent.begin()

    def read(self, log: Log) -> Contents:
        """What both copies of a log say together. Raises OSError or VaultError."""
        if log is Log.SENT:
            return self.sent.read()
        return unite(file.read(self._court.vault) for file in self.departures)

    def mend(self) -> Mended:
        """Add to each copy what the registry has journalled, or the other copy has, and it lacks. Safe to repeat."""
        self.begin()
        departures = self._mend(self.departures, self._court.vault)
        sent = self._mend(self.sent.files, self.sent.vault)
        return Mended(added=departures.added + sent.added, faults=departures.faults + sent.faults)

    def _mend(self, files: Sequence[WitnessFile], vault: Vault) -> Mended:
        added, faults = 0, list[str]()
        contents: dict[WitnessFile, Contents] = {}
        for file in files:
            try:
                contents[file] = file.read(vault)
            except _FAILS:
                faults.append(f"{file.log} 读不到（{file.path.parent}）：请检查该目录和磁盘")
        faults += [f"{file.path.parent}：{fault}" for file, one in contents.items() for fault in one.faults]
        together = unite(contents.values())
        untold: list[Entry] = []
        if contents and files[0].log is Log.DEPARTURES:
            untold = [_entry_of(told) for told in self._find_untold(together, together.begins or 0)]
        for file, one in contents.items():
            try:
                missing = _find_missing(one, together) + untold
                if missing:
                    file.append(vault, missing)
                    added += len(missing)
            except _FAILS:
                faults.append(f"{file.log} 写不进（{file.path.parent}）：请检查该目录和磁盘")
        return Mended(added=added, faults=tuple(faults))

    def _find_untold(self, one: Contents, position: int) -> list[Told]:
        """Departures of the journal behind `position` that no copy has."""
        known = {(line.position, line.record) for line in one.lines if line.type == Kind.GONE}
        untold: list[Told] = []
        while True:
            with self._court.reading() as session:
                query = (
                    select(JournalRow)
                    .where(JournalRow.type == ChangeType.GONE.value, JournalRow.position > position)
                    .order_by(JournalRow.position)
                    .limit(_CHUNK)
                )
                rows = list(session.scalars(query))
                if not rows:
                    return untold
                position = rows[-1].position
                untold += tell_gone(session, [row for row in rows if (row.position, row.record) not in known])

    def _append(self, files: Sequence[WitnessFile], entries: Sequence[Entry]) -> None:
        for file in files:
            try:
                with self._lock:
                    file.append(self._court.vault, entries)
            except _FAILS as error:
                note_failure(error)

    def _begin(self) -> Entry:
        with self._court.reading() as session:
            # What is being committed at this moment lies behind it.
            position, sequence = journal.head(session)
        at = self._court.now.isoformat()
        return {"position": position, "sequence": sequence, "type": BEGIN, "at": at}, {}


def read_departures(path: Path, key_file: Path) -> Contents:
    """A copy of the log wherever it lies, opened with the key of the home it is of. Raises OSError or VaultError."""
    return WitnessFile(path, Log.DEPARTURES, lambda: ({}, {})).read(open_vault(key_file))


def _entry_of(told: Told) -> Entry:
    return {
        "position": told.position,
        "sequence": told.sequence,
        "record": told.record,
        "type": told.type.value,
        "at": told.at.isoformat(),
    }, told.rest


def _find_missing(one: Contents, together: Contents) -> list[Entry]:
    known = {line.identity for line in one.lines}
    return [_entry_again(line) for line in together.lines if line.type != BEGIN and line.identity not in known]


def _entry_again(line: Line) -> Entry:
    found = {"position": line.position, "sequence": line.sequence, "record": line.record}
    clear = {key: value for key, value in found.items() if value is not None}
    return {**clear, "type": line.type, "at": line.at.isoformat()}, line.rest
