"""Twilio's Messages on loopback: accepts and refuses as Twilio does, keeps what it accepted, calls back with a signature
of its own making, and on demand loses answers, answers late, or answers nonsense."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import re
import ssl
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

ACCOUNT = "AC" + "0123456789abcdef" * 2
TOKEN = "token-of-the-stand-in"
SERVICE = "MG" + "fedcba9876543210" * 2
SENDER = "+15005550006"

# https://www.twilio.com/docs/iam/test-credentials#test-sms-messages
MAGIC_TO = {
    "+15005550001": (21211, "Invalid 'To' Phone Number"),
    "+15005550002": (21612, "The message cannot be routed"),
    "+15005550003": (21408, "Permission to send to this region has not been enabled"),
    "+15005550004": (21610, "Attempt to send to unsubscribed recipient"),
    "+15005550009": (21614, "'To' number is not a valid mobile number"),
}
MAGIC_FROM = {
    "+15005550001": (21212, "Invalid 'From' number"),
    "+15005550007": (21606, "The 'From' number is not owned by this account"),
    "+15005550008": (21611, "The queue of this 'From' number is full"),
}
_KNOWN = {"To", "From", "MessagingServiceSid", "Body", "StatusCallback"}
_PATH = re.compile(r"/2010-04-01/Accounts/(?P<account>[^/]+)/(?:(?P<money>Balance)|Messages(?:/(?P<sid>[^/]+))?)\.json")


class Fault(Enum):
    """What goes wrong with one request."""

    LOST_ANSWER = auto()  # accepted, and the connection closes without a word
    LATE_ANSWER = auto()  # accepted, and the answer comes when the test lets go
    LOST_REQUEST = auto()  # nothing accepted, and the connection closes
    ERROR_AFTER = auto()  # accepted, and 500
    ERROR_BEFORE = auto()  # nothing accepted, and 503 without JSON
    TOO_MANY = auto()  # 429 with Retry-After
    HTML = auto()  # a captive portal's page, with 201
    EMPTY_OBJECT = auto()  # JSON that says nothing
    ODD_ERROR = auto()  # an error body with the wrong types in it
    PROBLEM = auto()  # an error as RFC 9457 has it


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # As many at once as the senders of a test.
    request_queue_size = 64

    def handle_error(self, request: Any, client_address: Any) -> None:
        # A client that gave up waiting is part of the play; anything else is told.
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Loopback:
    """A threaded HTTP server on a free port of 127.0.0.1. What handlers hold is let go when it closes."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.lock = threading.RLock()
        self.let_go = threading.Event()
        standin = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                standin.handle(self)

            do_GET = do_POST

            def log_message(self, *args: object) -> None:
                pass

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._scheme = "https" if tls else "http"
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._server.server_address[1]}"

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.let_go.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *args: object) -> None:
        self.close()


def answer(
    request: BaseHTTPRequestHandler, status: int, body: Any, headers: Iterable[tuple[str, str]] = (), raw: bool = False
) -> None:
    content = body.encode() if raw else json.dumps(body).encode()
    request.send_response(status)
    request.send_header("Content-Type", "text/html" if raw else "application/json")
    request.send_header("Content-Length", str(len(content)))
    for name, value in headers:
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)


def hang_up(request: BaseHTTPRequestHandler) -> None:
    request.close_connection = True


@dataclass
class Message:
    sid: str
    to: str
    sender: str
    body: str
    callback: str
    status: str
    created: datetime
    sent: datetime | None = None
    error_code: int | None = None
    direction: str = "outbound-api"

    def as_json(self) -> dict[str, Any]:
        return {
            "sid": self.sid,
            "account_sid": ACCOUNT,
            "to": self.to,
            "from": self.sender or None,
            "messaging_service_sid": None,
            "body": self.body,
            "status": self.status,
            "error_code": self.error_code,
            "error_message": None,
            "direction": self.direction,
            "num_segments": "0",
            "num_media": "0",
            "price": None,
            "price_unit": "USD",
            "api_version": "2010-04-01",
            "date_created": format_datetime(self.created),
            "date_updated": format_datetime(self.created),
            "date_sent": format_datetime(self.sent) if self.sent else None,
            "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{self.sid}.json",
            "subresource_uris": {},
        }


@dataclass
class Called:
    """What the gateway answered to a call."""

    status: int
    body: bytes
    content_type: str


@dataclass
class _Refusal(Exception):
    status: int
    code: int
    message: str
    headers: list[tuple[str, str]] = field(default_factory=list)


class TwilioServer(Loopback):
    """`faults` are used up one a send; `blocked` has the numbers that replied STOP. `requests` is every form received."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.clock = clock
        self.messages: list[Message] = []
        self.requests: list[dict[str, str]] = []
        self.faults: list[Fault] = []
        self.list_faults: list[Fault] = []
        self.blocked: set[str] = set()
        self.page_size = 50
        self.status_of_new = "queued"
        self.token = TOKEN
        self.balance = "100.00"
        super().__init__()

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        url = urlsplit(request.path)
        found = _PATH.fullmatch(url.path)
        try:
            self._check_account(request, found)
            assert found is not None
            if found["money"]:
                answer(request, 200, {"currency": "USD", "balance": self.balance, "account_sid": ACCOUNT})
            elif request.command == "POST":
                self._create(request, body)
            elif found["sid"]:
                self._fetch(request, found["sid"])
            else:
                self._list(request, url.query)
        except _Refusal as refusal:
            fault = {
                "code": refusal.code,
                "message": refusal.message,
                "more_info": f"https://www.twilio.com/docs/errors/{refusal.code}",
                "status": refusal.status,
            }
            answer(request, refusal.status, fault, refusal.headers)

    def accepted_for(self, number: str) -> list[Message]:
        return [message for message in self.messages if message.to == number]

    def seed(self, to: str, body: str, *, created: datetime, direction: str = "outbound-api") -> Message:
        """A message that Twilio has for other reasons."""
        with self.lock:
            message = Message(self._sid(), to, SENDER, body, "", "delivered", created, created, direction=direction)
            self.messages.insert(0, message)
            return message

    def call_back(self, message: Message, status: str, error_code: int | None = None, **more: str) -> Called:
        """Move the message on, and tell its callback, signed as Twilio signs. Statuses may be told in any order."""
        message.status, message.error_code = status, error_code
        message.sent = message.sent or (self.clock() if status in ("sent", "delivered", "undelivered") else None)
        form = {
            "AccountSid": ACCOUNT,
            "ApiVersion": "2010-04-01",
            "From": message.sender,
            "MessageSid": message.sid,
            "MessageStatus": status,
            "SmsSid": message.sid,
            "SmsStatus": status,
            "To": message.to,
            **({"ErrorCode": str(error_code)} if error_code else {}),
            **more,
        }
        return self.post(message.callback, form)

    def text_in(self, url: str, number: str, body: str, **more: str) -> Called:
        """A phone sends us `body`; Twilio tells `url`."""
        form = {
            "AccountSid": ACCOUNT,
            "Body": body,
            "From": number,
            "MessageSid": more.pop("MessageSid", self._sid()),
            "NumMedia": "0",
            "To": SENDER,
            **more,
        }
        return self.post(url, form)

    def post(self, url: str, form: dict[str, str], *, signature: str | None = None) -> Called:
        """Call `url` with a form. What follows # is an order to Twilio: it is neither sent nor signed."""
        address = url.partition("#")[0]
        split = urlsplit(address)
        assert split.hostname is not None
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "X-Twilio-Signature": self.sign(address, form) if signature is None else signature,
        }
        connection = http.client.HTTPConnection(split.hostname, split.port, timeout=15)
        try:
            connection.request("POST", f"{split.path}?{split.query}".rstrip("?"), urlencode(form), headers)
            response = connection.getresponse()
            return Called(response.status, response.read(), response.getheader("Content-Type") or "")
        finally:
            connection.close()

    def sign(self, address: str, form: dict[str, str]) -> str:
        text = address + "".join(f"{name}{form[name]}" for name in sorted(form))
        return base64.b64encode(hmac.digest(self.token.encode(), text.encode(), hashlib.sha1)).decode()

    def _check_account(self, request: BaseHTTPRequestHandler, found: re.Match[str] | None) -> None:
        expected = base64.b64encode(f"{ACCOUNT}:{self.token}".encode()).decode()
        if request.headers.get("Authorization") != f"Basic {expected}":
            raise _Refusal(401, 20003, "Authenticate")
        if found is None or found["account"] != ACCOUNT:
            raise _Refusal(404, 20404, "The requested resource was not found")

    def _create(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        form = dict(parse_qsl(body.decode(), keep_blank_values=True))
        with self.lock:
            self.requests.append(form)
            fault = self.faults.pop(0) if self.faults else None
        if fault in (
            Fault.LOST_REQUEST,
            Fault.ERROR_BEFORE,
            Fault.TOO_MANY,
            Fault.HTML,
            Fault.ODD_ERROR,
            Fault.PROBLEM,
        ):
            self._fail_before(request, fault)
            return
        self._check(form)
        message = self._accept(form)
        if fault is Fault.LATE_ANSWER:
            self.let_go.wait()
        if fault in (Fault.LOST_ANSWER, Fault.LATE_ANSWER):
            hang_up(request)
        elif fault is Fault.ERROR_AFTER:
            raise _Refusal(500, 20500, "An internal server error has occurred")
        elif fault is Fault.EMPTY_OBJECT:
            answer(request, 201, {})
        else:
            answer(request, 201, message.as_json())

    def _fail_before(self, request: BaseHTTPRequestHandler, fault: Fault) -> None:
        match fault:
            case Fault.LOST_REQUEST:
                hang_up(request)
            case Fault.ERROR_BEFORE:
                answer(request, 503, "<h1>Service Unavailable</h1>", raw=True)
            case Fault.TOO_MANY:
                raise _Refusal(429, 20429, "Too Many Requests", [("Retry-After", "7")])
            case Fault.HTML:
                answer(request, 201, "<html>请先登录网络</html>", raw=True)
            case Fault.ODD_ERROR:
                answer(request, 400, {"code": ["21211"], "message": {}, "status": "400"})
            case _:
                answer(request, 400, {"type": "about:blank", "title": "Bad", "status": 500, "code": 21211})

    def _check(self, form: dict[str, str]) -> None:
        unknown = set(form) - _KNOWN
        if unknown:
            raise _Refusal(400, 20001, f"Unknown parameters {sorted(unknown)}")
        to, body, sender = form.get("To", ""), form.get("Body", ""), form.get("From", "")
        if not to:
            raise _Refusal(400, 21604, "A 'To' phone number is required.")
        if to in MAGIC_TO or not re.fullmatch(r"\+[1-9]\d{6,14}", to):
            raise _Refusal(400, *MAGIC_TO.get(to, (21211, "Invalid 'To' Phone Number")))
        if to in self.blocked:
            raise _Refusal(400, 21610, "Attempt to send to unsubscribed recipient")
        if not sender and form.get("MessagingServiceSid") != SERVICE:
            raise _Refusal(400, 21603, "A 'From' phone number is required.")
        if sender in MAGIC_FROM:
            raise _Refusal(429 if sender.endswith("8") else 400, *MAGIC_FROM[sender])
        if not body:
            raise _Refusal(400, 21602, "Message body is required.")
        if len(body) > 1600:
            raise _Refusal(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        self._check_callback(form.get("StatusCallback", ""))

    def _check_callback(self, address: str) -> None:
        if address and (not urlsplit(address).hostname or "_" in str(urlsplit(address).hostname)):
            raise _Refusal(400, 21609, "The 'StatusCallback' URL is not a valid URL")

    def _accept(self, form: dict[str, str]) -> Message:
        with self.lock:
            message = Message(
                sid=self._sid(),
                to=form["To"],
                sender=form.get("From", ""),
                body=form["Body"],
                callback=form.get("StatusCallback", ""),
                status="accepted" if "MessagingServiceSid" in form else self.status_of_new,
                # Twilio's times have no fractions of a second.
                created=self.clock().astimezone(UTC).replace(microsecond=0),
            )
            self.messages.insert(0, message)
            return message

    def _sid(self) -> str:
        with self.lock:
            self._count = getattr(self, "_count", 0) + 1
            return f"SM{self._count:032x}"

    def _fetch(self, request: BaseHTTPRequestHandler, sid: str) -> None:
        found = next((message for message in self.messages if message.sid == sid), None)
        if found is None:
            raise _Refusal(404, 20404, "The requested resource was not found")
        answer(request, 200, found.as_json())

    def _list(self, request: BaseHTTPRequestHandler, query: str) -> None:
        if self.list_faults:
            self._fail_before(request, self.list_faults.pop(0))
            return
        asked = {name: values[0] for name, values in parse_qs(query).items()}
        unknown = set(asked) - {"To", "From", "DateSent", "DateSent>", "DateSent<", "PageSize", "Page", "PageToken"}
        if unknown:
            raise _Refusal(400, 20001, f"Unknown parameters {sorted(unknown)}")
        with self.lock:
            matching = [m for m in self.messages if self._matches(m, asked)]
        size = min(int(asked.get("PageSize", 50)), self.page_size)
        page = int(asked.get("Page", 0))
        shown = matching[page * size : (page + 1) * size]
        more = len(matching) > (page + 1) * size
        following = urlencode({**asked, "Page": page + 1, "PageSize": size})
        answer(
            request,
            200,
            {
                "messages": [message.as_json() for message in shown],
                "page": page,
                "page_size": size,
                "next_page_uri": f"{urlsplit(request.path).path}?{following}" if more else None,
            },
        )

    @staticmethod
    def _matches(message: Message, asked: dict[str, str]) -> bool:
        since = asked.get("DateSent>")
        if since is not None:
            # Not sent yet: no date of sending, and so in no list by date.
            first = datetime.fromisoformat(since.replace("Z", "+00:00"))
            first = first if first.tzinfo else first.replace(tzinfo=UTC)
            if message.sent is None or message.sent < first - timedelta(seconds=1):
                return False
        return asked.get("To") in (None, message.to)
