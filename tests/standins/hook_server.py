"""A recipient's own server for signed events, on loopback. It knows of the signature only what the specification says
(Standard Webhooks 1.0.0): recomputes it, refuses old events, and takes an id once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler
from typing import Any

from standins.twilio_server import Loopback, answer, hang_up

SECRET = "whsec_" + base64.b64encode(b"the-secret-of-a-hook-stand-in").decode()
_LARGEST = 20_000


class Mishap(Enum):
    """What goes wrong with one event."""

    LOST_ANSWER = auto()  # taken, and the connection closes without a word
    LATE_ANSWER = auto()  # taken, and the answer comes when the test lets go
    TRICKLE = auto()  # the answer's first line never ends
    ENDLESS = auto()  # 200, and a body without end


@dataclass
class HookServer(Loopback):
    """`statuses` are answered one after the other, with `headers`, and then 204. `events` has what was taken, by id, in
    the order of arrival; `seen` every call with its path and headers."""

    clock: Callable[[], datetime]
    tls: ssl.SSLContext | None = None
    secret: str = SECRET
    statuses: list[int] = field(default_factory=list)
    headers: list[tuple[str, str]] = field(default_factory=list)
    mishaps: list[Mishap] = field(default_factory=list)
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    seen: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(self.tls)

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in request.headers.items()}
        with self.lock:
            self.seen.append((request.path, headers))
            reason = self._refuse(headers, body)
            if reason is not None:
                self.refused.append(reason)
                answer(request, 401, {"error": reason})
                return
            status = self.statuses.pop(0) if self.statuses else 204
            mishap = self.mishaps.pop(0) if self.mishaps else None
            if 200 <= status < 300:
                self.events.setdefault(headers["webhook-id"], json.loads(body))
        self._answer(request, status, mishap)

    def _answer(self, request: BaseHTTPRequestHandler, status: int, mishap: Mishap | None) -> None:
        match mishap:
            case Mishap.LOST_ANSWER:
                hang_up(request)
            case Mishap.LATE_ANSWER:
                self.let_go.wait()
            case Mishap.TRICKLE:
                self._trickle(request, b"HTTP/1.1 200 ", b"O")
            case Mishap.ENDLESS:
                self._trickle(request, b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n", b"x" * 65536)
            case None if status == 204:
                request.send_response(204)
                request.end_headers()
            case None:
                answer(request, status, {}, self.headers)

    def _trickle(self, request: BaseHTTPRequestHandler, beginning: bytes, more: bytes) -> None:
        request.close_connection = True
        try:
            request.wfile.write(beginning)
            while not self.let_go.wait(0.05):
                request.wfile.write(more)
        except OSError:
            return

    def _refuse(self, headers: dict[str, str], body: bytes) -> str | None:
        event_id, at, given = (headers.get(f"webhook-{name}", "") for name in ("id", "timestamp", "signature"))
        if not event_id or "." in event_id or not at.isdigit():
            return "headers"
        if abs(int(at) - self.clock().timestamp()) > 300:
            return "timestamp"
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        digest = hmac.digest(key, f"{event_id}.{at}.".encode() + body, hashlib.sha256)
        expected = "v1," + base64.b64encode(digest).decode()
        if not any(hmac.compare_digest(expected, one) for one in given.split(" ")):
            return "signature"
        if len(body) > _LARGEST or headers.get("content-type") != "application/json":
            return "body"
        return None
