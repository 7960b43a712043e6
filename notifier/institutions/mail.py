"""E-mail to institutions: a package as an attachment or a link, and letters.

A mail that is sent twice is two mails: servers do not know one by its Message-ID, so nothing here is repeatable. Where
the end of the content was said and no answer came, the end is UNKNOWN: the Message-ID is that of every attempt, so that
a person finds it at either end, and the recipient's acknowledgement settles it.

There is no List-Unsubscribe: an institution is sent the list under the court's commission and must be told what is
recalled; only citizens, who asked for their mails themselves, can leave.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

from notifier.channels import Dispatch, Letter, Outcome, Parcel, Stop
from notifier.institutions import FindEndpoint, Links
from notifier.institutions.addresses import BadAddress, MailAddress, parse_mail
from notifier.institutions.answers import Phase, failed_for_good, failed_for_now, mail_not_sent, smtp_refusal
from notifier.institutions.contents import BrokenPackage, Contents, open_contents, read_chunks
from notifier.institutions.settings import MailSettings, Security
from notifier.institutions.wording import find_answer_link, letter_text, package_subject, package_text
from notifier.package.archive import build_archive
from notifier.package.edition import flatten
from notifier.states import MessageState
from search_index.day import SHANGHAI

Clock = Callable[[], datetime]

# Seconds for each answer; servers may think longer about a whole mail (RFC 5321 §4.5.3.2.6).
TIMEOUT = 30.0
CONTENT_TIMEOUT = 120.0
# What most mailboxes take, encoded and with everything else that is in the mail.
LARGEST_MAIL = 10_000_000
_LONGEST_SUBJECT = 200
# Already compressed: in an attachment they take what they take, and a third more for Base64.
_PACKED = (".png", ".docx", ".xlsx")
_DOT = re.compile(rb"^\.", re.MULTILINE)
_IMPOSTOR = "邮件服务器的 TLS 证书未通过验证，没有登录"
_UNKNOWN = Outcome(
    state=MessageState.UNKNOWN, detail="邮件内容已经发出而没有收到答复，可能已经投递；以对方回执为准，或者由人核实"
)


class _Refused(Exception):
    """The server answered something that is no success."""

    def __init__(self, phase: Phase, code: int, reply: bytes) -> None:
        super().__init__()
        self.outcome = smtp_refusal(phase, code, reply)


class _Unanswered(Exception):
    """The end of the content was said, or may have been, and no answer came."""


class _Unfit(Exception):
    """The mail cannot go by this server."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__()
        self.outcome = outcome


class MailChannel:
    """Sends by the court's mail server. A dispatch's own address goes before that of its recipient's endpoint."""

    repeatable = False

    def __init__(
        self,
        settings: MailSettings,
        find: FindEndpoint,
        links: Links,
        *,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        timeout: float = TIMEOUT,
        content_timeout: float = CONTENT_TIMEOUT,
    ) -> None:
        self._settings = settings
        self._find = find
        self._links = links
        self._clock = clock
        self._tls = tls or ssl.create_default_context()
        self._timeout = timeout
        self._content_timeout = content_timeout

    def deliver(self, dispatch: Dispatch) -> Outcome:
        try:
            to = parse_mail(self._address(dispatch))
        except BadAddress as error:
            return failed_for_good(str(error), Stop.ADDRESS)
        try:
            return self._send(dispatch, to, self._compose(dispatch, to, LARGEST_MAIL))
        except _Refused as refused:
            return refused.outcome
        except _Unfit as unfit:
            return unfit.outcome
        except BrokenPackage as error:
            return failed_for_now(str(error))

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        """None: a mail server is not asked for what it has sent."""
        return None

    def _address(self, dispatch: Dispatch) -> str:
        if dispatch.address:
            return dispatch.address
        endpoint = self._find(dispatch.recipient)
        return (endpoint.address if endpoint else None) or ""

    # Composing -----------------------------------------------------------------------------------------------------

    def _compose(self, dispatch: Dispatch, to: MailAddress, largest: int) -> bytes:
        match dispatch.content:
            case Letter() as letter:
                text = letter_text(letter, find_answer_link(dispatch, self._links))
                return self._build(dispatch, to, letter.subject, text, letter.files)
            case Parcel() as parcel:
                return self._compose_package(dispatch, to, open_contents(parcel), largest)
            case _:
                raise _Unfit(failed_for_good("不是可以用邮件发送的内容"))

    def _compose_package(self, dispatch: Dispatch, to: MailAddress, contents: Contents, largest: int) -> bytes:
        package, acknowledge = self._links.package(dispatch.id), find_answer_link(dispatch, self._links)
        subject = package_subject(contents)
        if _may_fit(contents, largest):
            name = f"{contents.name}.zip"
            text = package_text(contents, attached=name, package=package, acknowledge=acknowledge)
            message = self._build(dispatch, to, subject, text, {name: _pack(contents)})
            if len(message) <= largest:
                return message
        if package is None:
            raise _Unfit(
                failed_for_good(
                    f"名单包超过邮件可附的 {largest / 1_000_000:.0f} MB，而没有设置对外网址（GONGSHI_GATEWAY_URL）提供下载"
                )
            )
        text = package_text(contents, attached=None, package=package, acknowledge=acknowledge)
        return self._build(dispatch, to, subject, text, {})

    def _build(self, dispatch: Dispatch, to: MailAddress, subject: str, text: str, files: Mapping[str, bytes]) -> bytes:
        settings = self._settings
        policy = SMTP if to.is_ascii else SMTPUTF8
        message = EmailMessage(policy=policy)
        message["From"] = Address(settings.sender_name, settings.sender.local, settings.sender.domain)
        message["To"] = Address(username=to.local, domain=to.domain)
        # What comes from elsewhere is on one line here, so nothing in it can become a header.
        message["Subject"] = flatten(subject)[:_LONGEST_SUBJECT]
        message["Date"] = self._clock().astimezone(SHANGHAI)
        message["Message-ID"] = self._message_id(dispatch)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text, cte="base64")
        for name, content in sorted(files.items()):
            kind = "zip" if name.endswith(".zip") else "octet-stream"
            message.add_attachment(content, maintype="application", subtype=kind, filename=_file_name(name))
        if message.is_multipart():
            # No line of Base64 has an underscore.
            message.set_boundary(f"_{dispatch.id}_")
        return message.as_bytes(policy=policy)

    def _message_id(self, dispatch: Dispatch) -> str:
        return f"<{dispatch.id}@{self._settings.sender.domain}>"

    # Sending -------------------------------------------------------------------------------------------------------

    def _send(self, dispatch: Dispatch, to: MailAddress, message: bytes) -> Outcome:
        try:
            server = self._connect()
        except ssl.SSLCertVerificationError:
            return _stop(_IMPOSTOR)
        except smtplib.SMTPResponseException as error:
            raise _Refused(Phase.GREETING, error.smtp_code, _to_bytes(error.smtp_error)) from None
        except OSError:
            return mail_not_sent("未能连接邮件服务器")
        try:
            self._sign_in(server)
            size = _announced_size(server)
            if size is not None and len(message) > size:
                message = self._compose(dispatch, to, size)
            hand_over(server, self._settings.sender, to, message, self._content_timeout)
        except _Unanswered:
            return _UNKNOWN
        except ssl.SSLCertVerificationError:
            return _stop(_IMPOSTOR)
        except OSError:
            return mail_not_sent("与邮件服务器的连接中断")
        finally:
            _leave(server)
        return Outcome(
            state=MessageState.ACCEPTED, detail="邮件服务器已接受", reference=self._message_id(dispatch).strip("<>")
        )

    def _connect(self) -> smtplib.SMTP:
        settings = self._settings
        # Otherwise it would ask the name service who we are, and tell the server.
        own_name = settings.sender.domain
        if settings.security is Security.TLS:
            return smtplib.SMTP_SSL(settings.host, settings.port, own_name, timeout=self._timeout, context=self._tls)
        return smtplib.SMTP(settings.host, settings.port, own_name, timeout=self._timeout)

    def _sign_in(self, server: smtplib.SMTP) -> None:
        _require(Phase.GREETING, *server.ehlo())
        if self._settings.security is Security.STARTTLS:
            if not server.has_extn("starttls"):
                raise _Unfit(_stop("邮件服务器不提供 STARTTLS，没有登录"))
            try:
                server.starttls(context=self._tls)
            except smtplib.SMTPResponseException as error:
                raise _Refused(Phase.GREETING, error.smtp_code, _to_bytes(error.smtp_error)) from None
            # What it said before, anybody on the way could have said.
            _require(Phase.GREETING, *server.ehlo())
        if not self._settings.user:
            return
        try:
            server.login(self._settings.user, self._settings.password.get_secret_value())
        except smtplib.SMTPResponseException as error:
            raise _Refused(Phase.LOGIN, error.smtp_code, _to_bytes(error.smtp_error)) from None
        except smtplib.SMTPServerDisconnected:
            raise
        except smtplib.SMTPException:
            raise _Unfit(_stop("邮件服务器不提供我们会用的登录方式")) from None


def hand_over(
    server: smtplib.SMTP, sender: MailAddress, to: MailAddress, message: bytes, content_timeout: float
) -> None:
    """Hand over one mail. Raises _Refused, _Unfit, _Unanswered; OSError only while nothing can have been accepted."""
    options = [f"SIZE={len(message)}"] if server.has_extn("size") else []
    if not to.is_ascii:
        if not server.has_extn("smtputf8"):
            raise _Unfit(failed_for_good("邮件服务器不支持含有中文的邮箱名", Stop.ADDRESS))
        options.append("SMTPUTF8")
    _require(Phase.SENDER, *server.mail(str(sender), options))
    _require(Phase.RECIPIENT, *server.rcpt(str(to)))
    _require(Phase.CONTENT, *server.docmd("DATA"), wanted=354)
    server.send(_DOT.sub(b"..", message))
    if server.sock is not None:
        server.sock.settimeout(content_timeout)
    try:
        server.send(b".\r\n")
        code, reply = server.getreply()
    except OSError:
        raise _Unanswered from None
    _require(Phase.CONTENT, code, reply)


def _require(phase: Phase, code: int, reply: bytes, *, wanted: int | None = None) -> None:
    if code == wanted if wanted is not None else 200 <= code < 300:
        return
    if code < 400:
        # Not what the protocol has here, so nothing can be told from it.
        raise smtplib.SMTPServerDisconnected("out of step")
    raise _Refused(phase, code, reply)


def _leave(server: smtplib.SMTP) -> None:
    with suppress(OSError):
        server.quit()
    server.close()


def _announced_size(server: smtplib.SMTP) -> int | None:
    """The largest mail that the server says it takes, in bytes; None where it does not say."""
    said = server.esmtp_features.get("size", "").strip()
    return int(said) if said.isascii() and said.isdigit() and int(said) > 0 else None


def _may_fit(contents: Contents, largest: int) -> bool:
    """Whether it is worth packing: what is compressed already does not get smaller."""
    return sum(file.size for file in contents.files if file.name.endswith(_PACKED)) * 4 // 3 <= largest


def _pack(contents: Contents) -> bytes:
    return build_archive(contents.name, {file.name: b"".join(read_chunks(file)) for file in contents.files})


def _file_name(name: str) -> str:
    return flatten(name).replace("/", "_").replace("\\", "_")


def _stop(detail: str) -> Outcome:
    return Outcome(state=MessageState.FAILED_TEMPORARY, detail=detail, stop=Stop.CHANNEL)


def _to_bytes(reply: bytes | str) -> bytes:
    return reply if isinstance(reply, bytes) else reply.encode("utf-8", "replace")
