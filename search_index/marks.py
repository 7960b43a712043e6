"""The folder of emergency marks: the portal puts them there, every process that shows entries looks into it at each read.

The folder is listed and not remembered: two marks within one tick of the clock would leave it with one and the same time. What
a mark says never changes, and is read once.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from search_index.durable import sync_folder
from search_index.emergency import LARGEST_MARK, SUFFIX, Mark, Signed, is_name, read_mark

FOLDER = "emergency"
# Like /tmp: whoever runs a portal may put in and read, and remove only what is its own.
FOLDER_MODE = 0o1777
_FILE_MODE = 0o644
_UNFINISHED = ".new-"
# What is no file that could be read, planted or gone: it says nothing. Whatever else goes wrong might hide a mark.
_NOTHING = frozenset({errno.ENOENT, errno.ELOOP, errno.EISDIR, errno.ENXIO})


class MarksUnreadable(Exception):
    """It cannot be seen which entries were hidden."""


class MarkFolder:
    """The marks on one machine. Safe to share between threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, Signed | None] = {}

    def read(self) -> list[Signed]:
        """Every mark, unchecked. A folder that does not exist holds none. Raises MarksUnreadable."""
        try:
            with os.scandir(self._folder) as entries:
                names = [entry.name for entry in entries]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise MarksUnreadable(type(error).__name__) from None
        if not names:
            return []
        known = {name: self._read(name) for name in names if is_name(name.removesuffix(SUFFIX))}
        self._known = known
        return [one for one in known.values() if one is not None]

    def _read(self, name: str) -> Signed | None:
        if name in self._known:
            return self._known[name]
        if not name.endswith(SUFFIX):
            return None
        try:
            content = _read_file(self._folder / name)
        except OSError as error:
            if error.errno in _NOTHING:
                return None
            raise MarksUnreadable(type(error).__name__) from None
        return read_mark(name.removesuffix(SUFFIX), content)

    def put(self, mark: Mark, content: bytes) -> None:
        """Keep a mark, whole and for good. Raises OSError where it cannot be: then nothing is hidden."""
        unfinished = self._folder / f"{_UNFINISHED}{mark.name}-{os.urandom(8).hex()}"
        try:
            descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fchmod(descriptor, _FILE_MODE)
                os.fsync(descriptor)
            os.link(unfinished, self._folder / f"{mark.name}{SUFFIX}")
            sync_folder(self._folder)
        finally:
            with suppress(OSError):
                unfinished.unlink()

    def remove(self, names: Iterable[str]) -> None:
        """Take away marks that the registry has on record. Raises OSError."""
        for name in names:
            (self._folder / f"{name}{SUFFIX}").unlink(missing_ok=True)


def prepare_folder(folder: Path) -> None:
    """Make the folder where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    if stat.S_IMODE(folder.stat().st_mode) & FOLDER_MODE != FOLDER_MODE:
        folder.chmod(FOLDER_MODE)  # whatever the umask


def _read_file(path: Path) -> bytes:
    # Never waits for what is no file.
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.ENXIO, "no plain file")
        return os.read(descriptor, LARGEST_MARK + 1)
    finally:
        os.close(descriptor)
