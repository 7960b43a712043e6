"""A mail server on loopback (aiosmtpd): asks for TLS and a login as a real one does, refuses what it is told to refuse, and
loses the connection at any step."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
import threading
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from enum import Enum, auto
from typing import Any
from urllib.parse import quote

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

for _name in ("mail.log", "mail.error", "mail.debug"):
    logging.getLogger(_name).disabled = True

USER = "court"
PASSWORD = "password-of-the-stand-in"


class Loop:
    """An event loop in a thread of its own, for servers that need one."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # Clients that go away in the middle are part of the play. Told at length by this thread and by pytest at the same
        # time, tracebacks trip over one another (a fault of Python 3.11).
        self._loop.set_exception_handler(lambda _loop, _context: None)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        self.run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    @staticmethod
    async def _stop() -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        # What was closed is told so in the next turn.
        for _ in range(3):
            await asyncio.sleep(0)


class Loss(Enum):
    """Where the connection is lost, once."""

    AT_GREETING = auto()
    AT_SENDER = auto()
    AT_RECIPIENT = auto()
    AT_DATA = auto()  # instead of 354
    IN_CONTENT = auto()  # 354 was said, a part of the content was read
    AFTER_CONTENT = auto()  # the mail is taken, and nothing is said


@dataclass
class Mail:
    """What was taken: the envelope, and the content as it came."""

    sender: str
    recipients: list[str]
    content: bytes
    secure: bool
    user: str | None
    options: list[str] = field(default_factory=list)

    @property
    def message(self) -> EmailMessage:
        parsed = message_from_bytes(self.content, policy=policy.SMTPUTF8)
        assert isinstance(parsed, EmailMessage)
        return parsed


class _Protocol(SMTP):
    """Loses the connection where it is told to."""

    def __init__(self, standin: MailServer, **options: Any) -> None:
        super().__init__(standin, **options)
        self._standin = standin
        # Given to it, this makes it warn of what is meant here.
        self._auth_require_tls = options["require_starttls"]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._standin._transports.add(transport)
        super().connection_made(transport)

    async def _handle_client(self) -> None:
        if self._standin.is_lost(Loss.AT_GREETING):
            self.transport.abort()
            return
        await super()._handle_client()

    async def smtp_DATA(self, arg: str) -> None:
        if self._standin.is_lost(Loss.AT_DATA):
            self.transport.abort()
            return
        if self._standin.is_lost(Loss.IN_CONTENT):
            await self.push("354 Go on")
            await self._reader.readuntil(b"\r\n")
            self.transport.abort()
            return
        await super().smtp_DATA(arg)


class MailServer:
    """`tls` is for STARTTLS, or from the first byte on where `implicit`; without one nothing is secured. `replies` has the
    refusal for "MAIL", "RCPT" or "DATA". With `login`, a login is needed."""

    def __init__(
        self,
        tls: ssl.SSLContext | None = None,
        *,
        implicit: bool = False,
        login: bool = True,
        largest: int = 33_554_432,
        utf8: bool = False,
    ) -> None:
        self.mails: list[Mail] = []
        self.replies: dict[str, str] = {}
        self.losses: list[Loss] = []
        self.logins: list[bool] = []
        self._login = login
        self._options = {
            "hostname": "mail.example.invalid",
            "data_size_limit": largest,
            "enable_SMTPUTF8": utf8,
            "tls_context": None if implicit else tls,
            "require_starttls": tls is not None and not implicit,
            "auth_required": login,
            "authenticator": self._authenticate if login else None,
        }
        self._scheme = "smtps" if implicit else "smtp"
        self._loop = Loop()
        self._transports: set[asyncio.WriteTransport] = set()
        self._server = self._loop.run(self._listen(tls if implicit else None))
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        who = f"{USER}:{quote(PASSWORD)}@" if self._login else ""
        return f"{self._scheme}://{who}127.0.0.1:{self.port}?from=list@court.example.invalid"

    def is_lost(self, step: Loss) -> bool:
        if self.losses and self.losses[0] is step:
            self.losses.pop(0)
            return True
        return False

    async def _listen(self, tls: ssl.SSLContext | None) -> Any:
        loop = asyncio.get_running_loop()
        make: Callable[[], _Protocol] = lambda: _Protocol(self, loop=loop, **self._options)  # noqa: E731
        listening = socket.socket()
        # So that a mail of some megabytes is not on its way as a whole before the server has read a line of it.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        listening.bind(("127.0.0.1", 0))
        return await loop.create_server(make, sock=listening, ssl=tls)

    # What aiosmtpd asks --------------------------------------------------------------------------------------------

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, proof: LoginPassword
    ) -> AuthResult:
        known = proof.login == USER.encode() and proof.password == PASSWORD.encode()
        self.logins.append(known)
        # Handled would mean that the refusal was said already, and the client would wait for it for ever.
        return AuthResult(success=known, handled=False, auth_data=proof)

    async def handle_MAIL(
        self, server: _Protocol, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.is_lost(Loss.AT_SENDER):
            server.transport.abort()
        if reply := self.replies.get("MAIL"):
            return reply
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(
        self, server: _Protocol, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.is_lost(Loss.AT_RECIPIENT):
            server.transport.abort()
        if reply := self.replies.get("RCPT"):
            return reply
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: _Protocol, session: Session, envelope: Envelope) -> str:
        if reply := self.replies.get("DATA"):
            return reply
        assert isinstance(envelope.content, bytes)
        login = session.auth_data.login.decode() if isinstance(session.auth_data, LoginPassword) else None
        secure = session.ssl is not None or self._scheme == "smtps"
        mail = Mail(
            envelope.mail_from or "", list(envelope.rcpt_tos), envelope.content, secure, login, envelope.mail_options
        )
        self.mails.append(mail)
        if self.is_lost(Loss.AFTER_CONTENT):
            server.transport.abort()
        return "250 Queued"

    def close(self) -> None:
        self._loop.run(self._stop())
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        for transport in self._transports:
            transport.abort()

    def __enter__(self) -> MailServer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
