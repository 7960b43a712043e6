"""A provider that counts what it received, in a process of its own, so that whoever calls it may be killed.

One line asks, one line answers: `SEND id` → `OK reference` or `BUSY` (nothing taken), `LOOK id` → `YES reference` or `NO`,
`TELL` → what was counted, as JSON. It knows no id twice: what is sent twice is received twice. Some answers get lost: the
message is taken, and the connection closed.
"""

from __future__ import annotations

import json
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

from notifier.channels import Dispatch, Outcome
from notifier.states import MessageState


class CountServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, lose: float, busy: float, delay: float) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.lose, self.busy, self.delay = lose, busy, delay
        self.received: Counter[str] = Counter()
        self.lost = 0
        self.random = Random(7)
        self.lock = threading.Lock()


class _Connection(socketserver.StreamRequestHandler):
    server: CountServer

    def handle(self) -> None:
        # Who was killed in a call may leave its connection without a word.
        with suppress(ConnectionError):
            self.answer_lines()

    def answer_lines(self) -> None:
        for line in self.rfile:
            word, _, rest = line.decode("ascii").strip().partition(" ")
            answer = getattr(self, f"on_{word.lower()}")(rest)
            if answer is None:
                return
            self.wfile.write(f"{answer}\n".encode("ascii"))

    def on_send(self, dispatch: str) -> str | None:
        if self.server.delay:
            time.sleep(self.server.delay)  # what a provider takes for it
        with self.server.lock:
            luck = self.server.random.random()
            if luck < self.server.busy:
                return "BUSY"
            self.server.received[dispatch] += 1
            if luck < self.server.busy + self.server.lose:
                self.server.lost += 1
                return None
        return f"OK ref-{dispatch}"

    def on_look(self, dispatch: str) -> str:
        with self.server.lock:
            return f"YES ref-{dispatch}" if dispatch in self.server.received else "NO"

    def on_tell(self, _: str) -> str:
        with self.server.lock:
            return json.dumps({"received": self.server.received, "lost": self.server.lost})


@dataclass
class CountChannel:
    """The channel that calls it. `passing` is told each step of a call, before it is taken."""

    port: int
    passing: Callable[[str], None] = lambda step: None
    repeatable: bool = False
    _own: Any = field(default_factory=threading.local)
    _opened: list[socket.socket] = field(default_factory=list)

    def close(self) -> None:
        for connection in self._opened:
            connection.close()

    def deliver(self, dispatch: Dispatch) -> Outcome:
        self.passing("call: before it is made")
        try:
            connection = self._connect()
        except OSError:
            return Outcome(state=MessageState.FAILED_TEMPORARY, detail="无法连接")
        try:
            answer = self._ask(connection, f"SEND {dispatch.id}")
        except OSError:
            self._forget()
            return Outcome(state=MessageState.UNKNOWN, detail="没有收到答复")
        self.passing("call: answered")
        if answer == "BUSY":
            return Outcome(state=MessageState.FAILED_TEMPORARY, detail="繁忙", retry_after=timedelta(seconds=1))
        return Outcome(state=MessageState.DELIVERED, detail="好", reference=answer.removeprefix("OK "))

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        answer = self._ask(self._connect(), f"LOOK {dispatch.id}")
        if answer == "NO":
            return Outcome(state=MessageState.FAILED_TEMPORARY, detail="查无此件")
        return Outcome(state=MessageState.DELIVERED, detail="已查到", reference=answer.removeprefix("YES "))

    def _ask(self, connection: socket.socket, question: str) -> str:
        connection.sendall(f"{question}\n".encode("ascii"))
        self.passing("call: sent")
        with connection.makefile("rb") as lines:
            answer = lines.readline().decode("ascii").strip()
        if not answer:
            raise ConnectionResetError
        return answer

    def _connect(self) -> socket.socket:
        connection: socket.socket | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = self._own.connection = socket.create_connection(("127.0.0.1", self.port), timeout=10)
            self._opened.append(connection)
        return connection

    def _forget(self) -> None:
        self._own.connection.close()
        self._own.connection = None


@dataclass(frozen=True)
class Count:
    """A running server, asked what it counted."""

    port: int

    def tell(self) -> dict[str, Any]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            connection.sendall(b"TELL\n")
            with connection.makefile("rb") as lines:
                told: dict[str, Any] = json.loads(lines.readline())
            return told


@contextmanager
def counting(*, lose: float = 0.0, busy: float = 0.0, delay: float = 0.0) -> Iterator[Count]:
    """A server in a process of its own."""
    command = [sys.executable, "-m", "standins.count_server", str(lose), str(busy), str(delay)]
    tests = Path(__file__).parents[1]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=tests, env={"PYTHONPATH": f"{tests.parent}:{tests}"}
    ) as process:
        assert process.stdout is not None
        try:
            yield Count(int(process.stdout.readline()))
        finally:
            process.terminate()


def main() -> None:
    server = CountServer(*(float(argument) for argument in sys.argv[1:]))
    sys.stdout.write(f"{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
