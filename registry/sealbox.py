"""The court's box for what the public sends in: its key pair, the folder where it is dropped, and opening it.

The portal seals to the public key (libsodium sealed box) and cannot open what it sealed; only the court holds the private
key. Keys that were replaced stay beside the present one, so that what was under way still opens.
"""

from __future__ import annotations

import os
import stat
from datetime import datetime, timedelta
from pathlib import Path

from nacl.exceptions import CryptoError
from nacl.public import PrivateKey, SealedBox

from search_index.durable import write_private
from search_index.modes import is_shared, make_private
from search_index.submission import MAGIC, SIZES, UNFINISHED, BadSubmission, Submission, unpack

LARGEST_ENVELOPE = len(MAGIC) + SIZES[-1] + 48  # what a sealed box adds: a public key and a tag
# Anybody may put something in, nobody but the owner may look what is there, and nobody takes out what is another's.
DROP_MODE = 0o1733

_KEY_BYTES = 32
_UNFINISHED_FOR = timedelta(days=1)


class SealBroken(Exception):
    """It cannot be opened: not sealed to this court, damaged, or no submission. Nothing of it is in the message."""


class KeyLost(Exception):
    """The court's own key file is missing or damaged. The message is for the administrator (Chinese)."""


def prepare_box(private: Path, public: Path) -> str:
    """Make the key pair and the drop folder where they are missing; return the public key (hex) for the court's profile.

    `private` is the key file, which only the private side may read; `public` the drop folder. Raises KeyLost for a key file that
    holds no key.
    """
    make_private(private.parent, parents=True)
    if not private.exists():
        _write_key(private, PrivateKey.generate())
    _prepare_drop(public)
    return _public_of(_read_key(private))


def _prepare_drop(folder: Path) -> None:
    """In a home of several users the folder belongs to the worker's, who alone takes out of it; the private side may look."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = DROP_MODE | stat.S_IRGRP if is_shared(folder.parent) else DROP_MODE
    if stat.S_IMODE(folder.stat().st_mode) != wanted:
        folder.chmod(wanted)  # whatever the umask


def renew_key(private: Path) -> str:
    """Put a new key in place of the present one, which is kept beside it; return the new public key (hex).

    The old one goes on opening what the portal sealed to it. Raises KeyLost for a key file that holds no key.
    """
    former = private.with_name(f"{private.stem}-{_public_of(_read_key(private))[:16]}{private.suffix}")
    if not former.exists():
        os.link(private, former)
    _write_key(private, PrivateKey.generate())
    return _public_of(_read_key(private))


def sweep(drop: Path, now: datetime) -> int:
    """Remove what was begun and never finished, once it is a day old. Returns how many there were."""
    latest = (now - _UNFINISHED_FOR).timestamp()
    try:
        old = [path for path in drop.iterdir() if path.name.startswith(UNFINISHED) and _changed_at(path) < latest]
    except FileNotFoundError:
        return 0
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)


def open_envelope(content: bytes, private: Path) -> Submission:
    """Open what a file of the drop folder held. Raises SealBroken; KeyLost where the court's key is."""
    if not content.startswith(MAGIC) or len(content) > LARGEST_ENVELOPE:
        raise SealBroken("it is no sealed submission of a version that is known")
    sealed = content[len(MAGIC) :]
    for key in _list_keys(private):
        try:
            opened = SealedBox(key).decrypt(sealed)
        except (CryptoError, ValueError):
            continue
        try:
            return unpack(opened)
        except BadSubmission as error:
            raise SealBroken(str(error)) from None
    raise SealBroken("it is sealed to a key that this court does not have, or damaged")


def _list_keys(private: Path) -> list[PrivateKey]:
    former = sorted(private.parent.glob(f"{private.stem}-*{private.suffix}"))
    return [_read_key(path) for path in (private, *former)]


def _read_key(path: Path) -> PrivateKey:
    try:
        return PrivateKey(bytes.fromhex(path.read_text("ascii").strip()))
    except (ValueError, UnicodeDecodeError, TypeError):
        raise KeyLost(f"密钥文件 {path.name} 已损坏：请从备份恢复") from None
    except FileNotFoundError:
        raise KeyLost(f"没有密钥文件 {path.name}：请从备份恢复，或者运行 gongshi init") from None


def _write_key(path: Path, key: PrivateKey) -> None:
    """Whole or not at all, and private from the first byte."""
    write_private(path, f"{bytes(key).hex()}\n")


def _public_of(key: PrivateKey) -> str:
    return bytes(key.public_key).hex()


def _changed_at(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0
