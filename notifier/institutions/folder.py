"""What is done in a recipient's SFTP folder, one step at a time. Raises what paramiko and sockets raise."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

PART = ".part"


def put(sftp: Any, path: str, chunks: Iterable[bytes], token: str) -> None:
    """Write a file under a name that only this attempt uses, and give it its own when it is whole."""
    part = f"{path}.{token}{PART}"
    held = b""
    with sftp.open(part, "wb") as file:
        file.set_pipelined(True)
        for chunk in chunks:
            file.write(held + chunk[:-1])
            held = chunk[-1:]
        # Pipelined, a refusal goes unheard; the last byte waits for the answers to all that went before it.
        file.set_pipelined(False)
        file.write(held)
    try:
        rename(sftp, part, path)
    except OSError:
        # A server whose rename replaces nothing, and a file of ours from an attempt before this one.
        if not exists(sftp, path):
            raise
        sftp.remove(path)
        sftp.rename(part, path)


def rename(sftp: Any, old: str, new: str) -> None:
    try:
        sftp.posix_rename(old, new)
    except OSError as error:
        if error.errno is not None:
            raise
        # A server that knows no such request; its own rename replaces nothing.
        sftp.rename(old, new)


def sweep(sftp: Any, folder: str, beginning: str = "") -> None:
    """Remove what attempts that never ended left behind in `folder`, of the files whose names begin so."""
    for name in sftp.listdir(folder):
        if name.startswith(beginning) and name.endswith(PART):
            with suppress(FileNotFoundError):
                sftp.remove(posixpath.join(folder, name))


def discard(sftp: Any, folder: str) -> None:
    """Remove a folder of ours with its files, where there is one."""
    with suppress(FileNotFoundError):
        for name in sftp.listdir(folder):
            with suppress(FileNotFoundError):
                sftp.remove(posixpath.join(folder, name))
        sftp.rmdir(folder)


def make_folder(sftp: Any, path: str) -> None:
    if not exists(sftp, path):
        try:
            sftp.mkdir(path)
        except OSError:
            # Somebody with an older lease may have been quicker.
            if not exists(sftp, path):
                raise


def exists(sftp: Any, path: str) -> bool:
    try:
        sftp.stat(path)
    except FileNotFoundError:
        return False
    return True


def read(sftp: Any, path: str, largest: int) -> bytes | None:
    """Up to one byte more than `largest` of a file; None where there is none."""
    try:
        with sftp.open(path, "rb") as file:
            return bytes(file.read(largest + 1))
    except FileNotFoundError:
        return None
