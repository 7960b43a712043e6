"""A bound on how long a connection may live. Time-outs of single reads do not bound a server that says a byte now and
then, and one such recipient must not hold up the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Timer


@contextmanager
def cut_off(line: socket.socket, seconds: float) -> Iterator[None]:
    """Shut `line` down when the block takes longer: whoever reads from it or writes to it then fails."""
    timer = Timer(seconds, _shut, [line])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _shut(line: socket.socket) -> None:
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
