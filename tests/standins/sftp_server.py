"""An institution's SFTP server on loopback (asyncssh): a folder of its own for the one user, by key or by password; the
connection can be lost at any step and at any byte."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from standins.mail_server import Loop

logging.getLogger("asyncssh").setLevel(logging.CRITICAL)

USER = "court"
PASSWORD = "password-of-the-folder"


@dataclass
class Happenings:
    """What clients did, and where it ends for them. A step is one thing that changes the folder; `lose_at` is the number of
    the step (from 1) instead of which the connection is lost, `lose_after` the bytes after which it is, in the middle
    of a write. `on_step` is called before each step, `on_session` before the
    server answers to a channel; `full` refuses every byte, `gbk` says in GBK what is not there, `locked` has the names
    of files that are not opened, and `refuse_write` one write (counted from
    1, once); `plain` knows no posix-rename."""

    steps: list[tuple[str, str]] = field(default_factory=list)
    written: int = 0
    lose_at: int | None = None
    lose_after: int | None = None
    on_step: Callable[[str, str], None] = lambda name, path: None
    on_session: Callable[[], object] = lambda: None
    full: bool = False
    gbk: bool = False
    locked: set[str] = field(default_factory=set)
    refuse_write: int | None = None
    plain: bool = False
    connections: int = 0
    channels: int = 0
    signed_in: int = 0


class _Files(asyncssh.SFTPServer):
    def __init__(self, chan: Any, root: Path, happenings: Happenings) -> None:
        self._happenings = happenings
        happenings.channels += 1
        happenings.on_session()
        super().__init__(chan, chroot=os.fsencode(root))

    def _step(self, name: str, path: bytes) -> None:
        happenings = self._happenings
        happenings.steps.append((name, path.decode()))
        if happenings.lose_at is not None and len(happenings.steps) >= happenings.lose_at:
            self._lose()
        happenings.on_step(name, path.decode())

    def _lose(self) -> None:
        self.channel.get_connection().abort()
        raise asyncssh.SFTPConnectionLost("lost")

    def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
        if pflags & asyncssh.FXF_WRITE:
            self._step("open", path)
        if Path(os.fsdecode(path)).name in self._happenings.locked:
            raise asyncssh.SFTPPermissionDenied("locked")
        return super().open(path, pflags, attrs)

    def write(self, file_obj: Any, offset: int, data: bytes) -> Any:
        happenings = self._happenings
        if happenings.refuse_write is not None:
            happenings.refuse_write -= 1
        if happenings.full or happenings.refuse_write == 0:
            happenings.refuse_write = None
            raise asyncssh.SFTPFailure("no space left")
        left = None if happenings.lose_after is None else happenings.lose_after - happenings.written
        if left is not None and left < len(data):
            super().write(file_obj, offset, data[: max(left, 0)])
            file_obj.flush()
            self._lose()
        happenings.written += len(data)
        return super().write(file_obj, offset, data)

    def stat(self, path: bytes) -> Any:
        try:
            return super().stat(path)
        except FileNotFoundError:
            if self._happenings.gbk:
                raise asyncssh.SFTPNoSuchFile("没有这个文件".encode("gbk")) from None
            raise

    def mkdir(self, path: bytes, attrs: Any) -> Any:
        self._step("mkdir", path)
        return super().mkdir(path, attrs)

    def remove(self, path: bytes) -> Any:
        self._step("remove", path)
        return super().remove(path)

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        self._step("rename", newpath)
        return super().rename(oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        if self._happenings.plain:
            raise asyncssh.SFTPOpUnsupported("posix-rename")
        self._step("rename", newpath)
        return super().posix_rename(oldpath, newpath)


class _Door(asyncssh.SSHServer):
    def __init__(self, standin: SftpServer) -> None:
        self._standin = standin

    def connection_made(self, conn: Any) -> None:
        self._standin.happenings.connections += 1
        self._standin.connections.append(conn)

    def auth_completed(self) -> None:
        self._standin.happenings.signed_in += 1

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, self._standin.password)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: Any) -> bool:
        return username == USER and key.export_public_key() in self._standin.client_keys


class SftpServer:
    """Serves `root`, which its clients see as `/`."""

    def __init__(self, root: Path, *, key_type: str = "ssh-ed25519") -> None:
        self.root = root
        self.happenings = Happenings()
        self.password = PASSWORD
        self.client_keys: set[bytes] = set()
        self.connections: list[Any] = []
        self._key = asyncssh.generate_private_key(key_type)
        self._loop = Loop()
        self._server = self._loop.run(self._listen())

    async def _listen(self) -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=[self._key],
            server_factory=lambda: _Door(self),
            sftp_factory=lambda chan: _Files(chan, self.root, self.happenings),
        )

    @property
    def port(self) -> int:
        return int(self._server.get_port())

    @property
    def url(self) -> str:
        return f"sftp://{USER}@127.0.0.1:{self.port}/"

    @property
    def host_key(self) -> str:
        """The line that a person is given."""
        return self._key.export_public_key().decode().strip()

    def admit(self, public_key: str) -> None:
        """Let in whoever holds this key (an OpenSSH line)."""
        self.client_keys.add(asyncssh.import_public_key(public_key).export_public_key())

    def close(self) -> None:
        self._loop.run(self._stop())
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        await self._server.wait_closed()
        for connection in self.connections:
            connection.abort()
            await connection.wait_closed()

    def __enter__(self) -> SftpServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
