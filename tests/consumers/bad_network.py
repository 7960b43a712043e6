"""A network between a consumer and the portal that breaks off, is busy, and answers out of turn."""

from __future__ import annotations

import re
import socket
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from random import Random

BUSY = (
    "HTTP/1.1 {} Busy\r\n{}Content-Type: application/problem+json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}"
)
ANSWERS = {
    "too many requests": BUSY.format(429, "Retry-After: 1\r\n"),
    "unavailable": BUSY.format(503, "retry-after: 1\r\n"),
    "a failure": BUSY.format(500, ""),
}
TROUBLES = ("cut short", "cut short", "not connected", "stale", *ANSWERS)


class BadNetwork:
    """Listens on `port` and hands each request on; one in `every` meets a trouble. Counts the troubles that were
    met by name, and what the portal answered by status."""

    def __init__(self, target: int, seed: int, every: int = 6) -> None:
        self.target = target
        self.random = Random(seed)
        self.every = every
        self.round: list[str] = []
        self.met: Counter[str] = Counter()
        self.answered: Counter[int] = Counter()
        self.kept: dict[bytes, bytes] = {}
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port: int = self.listener.getsockname()[1]
        self.open: set[socket.socket] = set()
        self.threads: list[threading.Thread] = []
        self.server = threading.Thread(target=self._serve, daemon=True)
        self.server.start()

    def close(self) -> None:
        with suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.server.join(10)
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for one in self.threads:
            one.join(40)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            self.threads = [one for one in self.threads if one.is_alive()]
            self.threads.append(threading.Thread(target=self._answer, args=(client,), daemon=True))
            self.threads[-1].start()

    def _answer(self, client: socket.socket) -> None:
        with self._opened(client), suppress(OSError):
            client.settimeout(60)
            request = read_request(client)
            if not request:
                return
            asked = request.split(b"?")[0] + (re.search(rb"Bearer \S+", request) or [b""])[0]
            trouble = self._draw_trouble(can_be_stale=asked in self.kept)
            if trouble == "not connected":
                return
            if trouble in ANSWERS:
                client.sendall(ANSWERS[trouble].encode())
                return
            if trouble == "stale":
                client.sendall(self.kept[asked])
                return
            content = self._ask(request)
            self.answered[int(content[9:12] or 0)] += 1
            if b"/changes?" in request and b" 200 " in content[:20]:
                self.kept[asked] = content
            client.sendall(content[: self.random.randrange(len(content) or 1)] if trouble == "cut short" else content)

    def _draw_trouble(self, *, can_be_stale: bool) -> str:
        """None mostly; else the next of a shuffled round, so that each comes as often as any other."""
        trouble = ""
        if self.random.randrange(self.every) == 0:
            self.round = self.round or self.random.sample(TROUBLES, len(TROUBLES))
            if self.round[-1] != "stale" or can_be_stale:
                trouble = self.round.pop()
        self.met[trouble] += 1
        return trouble

    @contextmanager
    def _opened(self, connection: socket.socket) -> Iterator[socket.socket]:
        with connection:
            self.open.add(connection)
            try:
                yield connection
            finally:
                self.open.discard(connection)

    def _ask(self, request: bytes) -> bytes:
        """The whole answer of the portal."""
        content = b""
        with self._opened(socket.create_connection(("127.0.0.1", self.target), timeout=60)) as server:
            server.sendall(re.sub(rb"\r\n", b"\r\nConnection: close\r\n", request, count=1))
            while block := server.recv(1 << 16):
                content += block
        return content


def read_request(client: socket.socket) -> bytes:
    """One request with its body."""
    content = b""
    while b"\r\n\r\n" not in content:
        block = client.recv(1 << 16)
        if not block:
            return b""
        content += block
    head, _, body = content.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
    while length and len(body) < int(length[1]):
        body += client.recv(1 << 16)
    return re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", head) + b"\r\n\r\n" + body
