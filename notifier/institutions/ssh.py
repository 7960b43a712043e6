"""A connection to a recipient's SFTP server: the host key that was registered and no other, bounded in time."""

from __future__ import annotations

import logging
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paramiko  # type: ignore[import-untyped]

from notifier.institutions import Endpoint
from notifier.institutions.addresses import SftpAddress, check_host_key
from notifier.institutions.watch import cut_off
from search_index.modes import is_shared

# Seconds: for the connection, for one answer, and until the session is open.
CONNECT_TIMEOUT = 15.0
ANSWER_TIMEOUT = 30.0
_OPENING = 60.0
HOST_KEY = "host_key"

# The client would tell its log whom it signs in as, and every path.
_LOG = f"{__name__}.client"
for _part in ("", ".sftp"):
    logging.getLogger(f"{_LOG}{_part}").disabled = True


class BadKey(Exception):
    """A private key that cannot be used: one Chinese line."""


class NotConnected(Exception):
    """No session came about; nothing has been written. One Chinese line without names."""


def read_private_key(file: Path) -> paramiko.PKey:
    """The key in a file. Raises BadKey."""
    file = file.expanduser()
    try:
        allowed = stat.S_IRGRP if is_shared(file.parent) else 0
        if stat.S_IMODE(file.stat().st_mode) & 0o077 & ~allowed:
            raise BadKey("私钥文件的权限过宽，应只有本用户可读（chmod 600）")
        return paramiko.PKey.from_path(file)
    except OSError as error:
        raise BadKey(f"私钥文件不能读取：{error.strerror or '文件错误'}") from None
    except BadKey:
        raise
    except (paramiko.PasswordRequiredException, TypeError):
        # The latter is how the library below says it.
        raise BadKey("私钥设有口令，请改用没有口令的私钥") from None
    except Exception:  # whatever the libraries make of a file that is no key
        raise BadKey("文件不是可以使用的私钥（OpenSSH 或 PEM 格式）") from None


@contextmanager
def open_session(
    endpoint: Endpoint, address: SftpAddress, key: paramiko.PKey | None, seconds: float
) -> Iterator[tuple[paramiko.SSHClient, paramiko.SFTPClient]]:
    """A session with the recipient's server and a first channel of it, for at most `seconds`. Raises NotConnected, and
    BadAddress for a host key that cannot be read; then, and in the block, what paramiko and sockets raise."""
    known = paramiko.PKey.from_type_string(*check_host_key(endpoint.options.get(HOST_KEY, "")))
    try:
        line = socket.create_connection((address.host, address.port), timeout=CONNECT_TIMEOUT)
    except OSError:
        raise NotConnected("未能连接对方的 SFTP 服务器") from None
    # Most of what goes over it is short questions that wait for short answers.
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    client = paramiko.SSHClient()
    try:
        with cut_off(line, _OPENING):
            _sign_in(client, line, endpoint, address, known, key)
            sftp = open_channel(client)
        with cut_off(line, seconds), sftp:
            yield client, sftp
    finally:
        client.close()
        line.close()


class _Words(paramiko.Message):  # type: ignore[misc]
    """An answer whose words may be in any encoding; what is not UTF-8 in them is lost."""

    def get_text(self) -> str:
        return bytes(self.get_string()).decode("utf-8", "replace")


class _Client(paramiko.SFTPClient):  # type: ignore[misc]
    """The client, for servers that write names and errors in GBK: one such name would keep it from listing a folder, one
    such error from telling a file that is not there."""

    def _request(self, t: int, *args: Any) -> tuple[int, paramiko.Message]:
        kind, answer = super()._request(t, *args)
        return kind, _to_words(answer)

    def _convert_status(self, msg: paramiko.Message) -> None:
        super()._convert_status(_to_words(msg))


def _to_words(answer: paramiko.Message) -> _Words:
    words = _Words()
    words.packet = answer.packet
    return words


def open_channel(client: paramiko.SSHClient) -> paramiko.SFTPClient:
    """An SFTP channel of a session, each answer bounded in time."""
    sftp = _Client.from_transport(client.get_transport())
    sftp.get_channel().settimeout(ANSWER_TIMEOUT)
    return sftp


def _sign_in(
    client: paramiko.SSHClient,
    line: socket.socket,
    endpoint: Endpoint,
    address: SftpAddress,
    known: paramiko.PKey,
    key: paramiko.PKey | None,
) -> None:
    name = address.host if address.port == paramiko.config.SSH_PORT else f"[{address.host}]:{address.port}"
    client.get_host_keys().add(name, known.get_name(), known)
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    client.set_log_channel(_LOG)
    # A password is for those who gave us one; our key is offered to nobody else.
    proof = {"password": endpoint.secret} if endpoint.secret else {"pkey": key}
    if not any(proof.values()):
        raise NotConnected("没有设置 SFTP 私钥（GONGSHI_SFTP_KEY），该接收人也没有登记口令")
    try:
        client.connect(
            address.host,
            address.port,
            address.user,
            sock=line,
            timeout=CONNECT_TIMEOUT,
            banner_timeout=CONNECT_TIMEOUT,
            auth_timeout=ANSWER_TIMEOUT,
            channel_timeout=ANSWER_TIMEOUT,
            allow_agent=False,
            look_for_keys=False,
            **proof,
        )
    except paramiko.BadHostKeyException:
        raise NotConnected("对方服务器出示的主机公钥与登记的不符，已拒绝连接，请向对方核实") from None
    except paramiko.AuthenticationException:
        raise NotConnected("对方的 SFTP 服务器没有接受我方的密钥或者口令") from None
    except (paramiko.SSHException, OSError, EOFError):
        # Also where the server has no key of the kind that was registered.
        raise NotConnected("未能与对方的 SFTP 服务器建立会话") from None
