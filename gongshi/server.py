"""Running a Flask application under gunicorn, and saying in one line when it is ready."""

from __future__ import annotations

import gc
import logging
import os
import sys
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import structlog
from flask import Flask
from gunicorn.app.base import BaseApplication

from gongshi.errorlog import OneLine, ServerLog

# A process that may reach no network can still be reached through a file.
_SOCKET_FILE = "unix:"
_LONGEST_SOCKET_FILE = 107  # bytes, on Linux


class BadAddress(Exception):
    """Not an address to listen on."""


def read_bind(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8000` or `[::1]:8000`; of `unix:/path` the whole and 0. Raises BadAddress."""
    if text.startswith(_SOCKET_FILE):
        return _check_socket_file(text), 0
    host, colon, port = text.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > 65535:
        raise BadAddress(f"“{text}”不是“地址:端口”，例如 127.0.0.1:8000")
    return host, int(port)


def _check_socket_file(text: str) -> str:
    path = Path(text.removeprefix(_SOCKET_FILE))
    if not path.is_absolute() or len(os.fsencode(path)) > _LONGEST_SOCKET_FILE:
        raise BadAddress(f"“{text}”不是“unix:/路径”：须为绝对路径，不超过 {_LONGEST_SOCKET_FILE} 字节")
    if not os.access(path.parent, os.W_OK | os.X_OK) or (path.exists() and not path.is_socket()):
        raise BadAddress(f"不能在 {path} 建立套接字文件：所在目录不存在或不可写，或已有同名的其他文件")
    return text


def is_loopback(host: str) -> bool:
    return host in ("localhost", "[::1]", "::1") or host.startswith("127.")


def is_private(host: str) -> bool:
    """Whether nobody outside can come by this address: of this machine, of an intranet, or a socket file. All addresses at
    once, and a name, are none of these."""
    if is_loopback(host) or host.startswith(_SOCKET_FILE):
        return True
    try:
        address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.is_private and not address.is_unspecified


def log_to_stderr() -> None:
    """Write logs as one JSON object a line on standard error, for whatever keeps them (at least six months,
    网络安全法 art. 23(3)); what libraries tell nobody else, in the same shape."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(OneLine())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )


class Server(BaseApplication):  # type: ignore[misc]  # gunicorn has no types
    """A gunicorn with the settings the product needs. The application is made once, before workers are forked,
    so that what they share (the rate limits) is shared. `notes` are printed after the line that says that it is ready."""

    def __init__(
        self,
        make: Callable[[], Flask],
        bind: str,
        name: str,
        workers: int = 2,
        *,
        threads: int = 2,
        notes: Sequence[str] = (),
    ) -> None:
        self._make = make
        self._options: dict[str, Any] = {
            "bind": bind,
            "workers": workers,
            "worker_class": "gthread",
            # Pages take turns at the interpreter: more threads only make some wait longer while others are made.
            "threads": threads,
            "preload_app": True,
            "accesslog": None,
            "errorlog": "-",
            "logger_class": ServerLog,
            "loglevel": "warning",
            "timeout": 60,
            "graceful_timeout": 10,
            "limit_request_line": 4094,
            # Who comes through a socket file counts as a trusted proxy: let it set nothing, that is the portal's to decide.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "secure_scheme_headers": {},
            "control_socket_disable": True,
            "when_ready": _announce(name, notes),
            "post_fork": _settle,
        }
        log_to_stderr()
        super().__init__()

    def load_config(self) -> None:
        for key, value in self._options.items():
            if key in self.cfg.settings:
                self.cfg.set(key, value)

    def load(self) -> Flask:
        return self._make()


def _settle(_arbiter: Any, _worker: Any) -> None:
    # What was loaded before the fork stays: the collector need not look through it again and again.
    gc.collect()
    gc.freeze()


def _announce(name: str, notes: Sequence[str]) -> Callable[[Any], None]:
    def when_ready(arbiter: Any) -> None:
        address = arbiter.LISTENERS[0]
        sys.stdout.write("".join(f"{line}\n" for line in (f"{name}已就绪：{address}", *notes)))
        sys.stdout.flush()

    return when_ready
