"""A provider for benchmarks/notify.py: Twilio's Messages on loopback, in a process of its own.

It takes the time of a real one for each answer, for any number of callers at once, and counts what it accepted by our own
id, which comes in the query of the status callback. It knows no id twice, as Twilio does not: what is sent twice is
accepted twice. On demand it turns some calls away (429 with Retry-After), and accepts some whose answer never comes.

    GET  /told      what was counted, as JSON; the rate is of the first 95 of 100 calls that were to come
    GET  /received  how often each id was accepted, as JSON
    POST /begin     count anew so many calls, with these faults: ?calls=1000&busy=0.01&silent=0.01
    POST /clock     it is so many seconds after 1970: ?now=1791000000; its clock and its callers' must agree
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from base64 import b64encode
from collections import Counter
from email.utils import formatdate
from random import Random
from urllib.parse import parse_qs, parse_qsl, urlsplit

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "token-of-the-stand-in"
SENDER = "+15005550006"
_PATH = f"/2010-04-01/Accounts/{ACCOUNT}/Messages"
_AUTHORIZATION = f"Basic {b64encode(f'{ACCOUNT}:{TOKEN}'.encode()).decode()}"
_FORM = {"To", "From", "Body", "StatusCallback"}

Answer = tuple[int, object, str]


class Provider:
    """What was accepted, and what goes wrong."""

    def __init__(self, latency: float) -> None:
        self.latency = latency
        self.began_at = 0.0
        self.begin(calls=1, busy=0.0, silent=0.0)

    def begin(self, calls: int, busy: float, silent: float) -> None:
        self.busy, self.silent = busy, silent
        # Not to the last: those whose answers do not come hold up the end, however many there are.
        self.measured, self.calls = max(2, calls * 95 // 100), 0
        self.first_at = self.last_at = time.monotonic()
        self.received: Counter[str] = Counter()
        self.by_number: dict[str, list[dict[str, object]]] = {}
        self.by_sid: dict[str, dict[str, object]] = {}
        self.turned_away = self.unanswered = self.refused = 0
        self.random = Random(7)

    def create(self, form: dict[str, str]) -> Answer | None:
        """None: accepted, and the answer never comes."""
        dispatch = parse_qs(urlsplit(form.get("StatusCallback", "")).query).get("dispatch", [""])[0]
        if set(form) != _FORM or form["From"] != SENDER or not dispatch or not form["Body"]:
            self.refused += 1
            return 400, {"code": 20001, "message": "Invalid parameter", "status": 400}, ""
        self.calls += 1
        if self.calls == 1:
            self.first_at = time.monotonic()
        if self.calls <= self.measured:
            self.last_at = time.monotonic()
        luck = self.random.random()
        if luck < self.busy:
            self.turned_away += 1
            return 429, {"code": 20429, "message": "Too Many Requests", "status": 429}, "Retry-After: 1\r\n"
        message = self._accept(dispatch, form)
        if luck < self.busy + self.silent:
            self.unanswered += 1
            return None
        return 201, message, ""

    def _accept(self, dispatch: str, form: dict[str, str]) -> dict[str, object]:
        self.received[dispatch] += 1
        sid, created = f"SM{len(self.by_sid):032x}", formatdate(self.began_at + time.monotonic())
        message: dict[str, object] = {
            "sid": sid,
            "account_sid": ACCOUNT,
            "to": form["To"],
            "from": form["From"],
            "body": form["Body"],
            "status": "queued",
            "direction": "outbound-api",
            "num_segments": "1",
            "date_created": created,
            "date_updated": created,
            "uri": f"{_PATH}/{sid}.json",
        }
        self.by_sid[sid] = message
        self.by_number.setdefault(form["To"], []).append(message)
        return message

    def find(self, path: str, query: str) -> Answer:
        if path == f"{_PATH}.json":
            found = self.by_number.get(dict(parse_qsl(query)).get("To", ""), [])
            return 200, {"messages": found, "next_page_uri": None, "page": 0, "page_size": 50}, ""
        message = self.by_sid.get(path.removeprefix(f"{_PATH}/").removesuffix(".json"))
        if message is None:
            return 404, {"code": 20404, "message": "The requested resource was not found", "status": 404}, ""
        return 200, message, ""

    def tell(self) -> dict[str, float]:
        measured = min(self.calls, self.measured)
        return {
            "calls": self.calls,
            "rate": (measured - 1) / (self.last_at - self.first_at) if measured > 1 else 0.0,
            "accepted": self.received.total(),
            "doubled": self.received.total() - len(self.received),
            "turned_away": self.turned_away,
            "unanswered": self.unanswered,
            "refused": self.refused,
        }


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with kept connections, one request at a time: as much of it as the client speaks."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._held = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._held += data
        head, found, rest = self._held.partition(b"\r\n\r\n")
        if not found:
            return
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if len(rest) < length:
            return
        self._held = rest[length:]
        method, address, _ = first.split(" ")
        self._handle(method, address, headers, rest[:length])

    def _handle(self, method: str, address: str, headers: dict[str, str], body: bytes) -> None:
        url = urlsplit(address)
        if not url.path.startswith(_PATH):
            self._answer(self._be_asked(url.path, url.query))
        elif headers.get("authorization") != _AUTHORIZATION:
            self._answer((401, {"code": 20003, "message": "Authenticate", "status": 401}, ""))
        else:
            answer: Answer | None
            if method == "POST":
                answer = self._provider.create(dict(parse_qsl(body.decode(), keep_blank_values=True)))
            else:
                answer = self._provider.find(url.path, url.query)
            if answer is not None:
                asyncio.get_running_loop().call_later(self._provider.latency, self._answer, answer)

    def _be_asked(self, path: str, query: str) -> Answer:
        given = {name: float(value) for name, value in parse_qsl(query)}
        if path == "/begin":
            self._provider.begin(int(given["calls"]), given["busy"], given["silent"])
        elif path == "/clock":
            self._provider.began_at = given["now"] - time.monotonic()
        return 200, self._provider.received if path == "/received" else self._provider.tell(), ""

    def _answer(self, answer: Answer) -> None:
        status, body, header = answer
        content = json.dumps(body).encode()
        head = (
            f"HTTP/1.1 {status} .\r\nContent-Type: application/json\r\n{header}Content-Length: {len(content)}\r\n\r\n"
        )
        self._transport.write(head.encode("latin-1") + content)


async def _serve(latency: float) -> None:
    provider = Provider(latency)
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(provider), "127.0.0.1", 0, backlog=512)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(float(sys.argv[1])))
