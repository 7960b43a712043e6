"""The witness log of what is sent: `notifier/sent.log`, and its copy in GONGSHI_WITNESS_FOLDER.

It is sealed with a key of its own, `notifier/witness.key`: the gateway writes to it and may read nothing of the registry.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from gongshi.safety.witness_file import Entry, WitnessFile, note_failure, open_copies
from gongshi.safety.witness_lines import BEGIN, Contents, Log, unite
from gongshi.settings import Settings
from registry.vault import Vault, VaultError, create_key, open_vault

if TYPE_CHECKING:
    from notifier.witness import Call, Ended, Handed

CALLING, ENDED, HANDED = "calling", "ended", "handed"
_KEY = "witness.key"


class SentLog:
    """What a notifier tells (notifier/witness.py). Nothing is raised: no message is kept back for want of a line."""

    def __init__(self, settings: Settings, now: Callable[[], datetime]) -> None:
        self._key_file, self._now = settings.notifier / _KEY, now
        self.files = open_copies(Log.SENT, settings.notifier, settings.witness_folder, self._begin)
        self._lock = Lock()

    @cached_property
    def vault(self) -> Vault:
        """Raises VaultError or OSError."""
        create_key(self._key_file)
        return open_vault(self._key_file)

    def note(self, calls: Sequence[Call], ended: Sequence[Ended]) -> None:
        entries: list[Entry] = [({"type": ENDED, "at": one.at.isoformat()}, one.as_json()) for one in ended]
        entries += [({"type": CALLING, "at": one.at.isoformat()}, one.as_json()) for one in calls]
        if entries:
            self._append(self.files, entries)

    def handed(self, handed: Handed) -> None:
        self._append(self.files, [({"type": HANDED, "at": handed.at.isoformat()}, handed.as_json())])

    def begin(self) -> None:
        """Begin the copies that are not there."""
        self._append([file for file in self.files if not file.has_begun()], [])

    def read(self) -> Contents:
        """What both copies say together. Raises OSError or VaultError."""
        return unite(file.read(self.vault) for file in self.files)

    def _append(self, files: Sequence[WitnessFile], entries: Sequence[Entry]) -> None:
        for file in files:
            try:
                with self._lock:
                    file.append(self.vault, entries)
            except (OSError, VaultError) as error:
                note_failure(error)

    def _begin(self) -> Entry:
        return {"type": BEGIN, "at": self._now().isoformat()}, {}


def read_copy(path: Path, key_file: Path) -> Contents:
    """A copy of the log wherever it lies, opened with the key of the home it is of. Raises OSError or VaultError."""
    return WitnessFile(path, Log.SENT, lambda: ({}, {})).read(open_vault(key_file))
