"""Seals what a person sends in to the court's public key and drops it where the portal may only create.

Nothing of it touches a disk unsealed, and once it is sealed the portal itself cannot read it any more.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from nacl.public import PublicKey, SealedBox

from search_index.submission import MAGIC, SUFFIX, UNFINISHED, Submission, pack

_KEY = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SEALED_MODE = 0o644  # the court's user reads it, who is another than the portal's
# Below this the disk counts as full: the list itself must still be fed.
LEAST_FREE = 256 * 1024 * 1024


class DropUnavailable(Exception):
    """Nothing can be taken in now: no key, no folder, or no room. The message is a word for the log."""


class DropFolder(Protocol):
    """Where sealed submissions go."""

    def check(self) -> None:
        """Raises DropUnavailable where nothing could be put in."""

    def put(self, name: str, content: bytes) -> None:
        """Keep `content` under `name`, whole and for good, unless something is there by that name already."""


class Drop:
    """A folder where this process may create and the court collects."""

    def __init__(self, folder: Path, least_free: int = LEAST_FREE) -> None:
        self._folder = folder
        self._least_free = least_free

    def check(self) -> None:
        try:
            space = os.statvfs(self._folder)
        except OSError as error:
            raise DropUnavailable(type(error).__name__) from None
        if space.f_bavail * space.f_frsize < self._least_free:
            raise DropUnavailable("full")
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise DropUnavailable("closed")

    def put(self, name: str, content: bytes) -> None:
        self.check()
        unfinished = self._folder / f"{UNFINISHED}{name}-{os.urandom(8).hex()}"
        try:
            self._write(unfinished, self._folder / f"{name}{SUFFIX}", content)
        except OSError as error:
            with suppress(OSError):
                unfinished.unlink()
            raise DropUnavailable(type(error).__name__) from None

    @staticmethod
    def _write(unfinished: Path, finished: Path, content: bytes) -> None:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(descriptor, _SEALED_MODE)
            os.fsync(descriptor)
            # A link, which unlike a renaming puts nothing in the place of what was sent the first time.
            with suppress(FileExistsError):
                os.link(unfinished, finished)
            unfinished.unlink()
            # The folder cannot be opened to be synced; with the file the journal of the file system keeps its name.
            os.fsync(descriptor)


def seal(submission: Submission, public_key: str) -> bytes:
    """The submission so that only the holder of the private key can read it.

    `public_key` is hex, of the court's profile. Raises DropUnavailable where it is none; BadSubmission where it is too
    large.
    """
    if not _KEY.fullmatch(public_key):
        raise DropUnavailable("no key")
    return MAGIC + SealedBox(PublicKey(bytes.fromhex(public_key))).encrypt(pack(submission))
