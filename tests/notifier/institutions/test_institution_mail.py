"""Mail by smtplib against a real server's protocol: what is sent, and what every way of failing comes to."""

import io
import json
import logging
import shutil
import smtplib
import socket
import ssl
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from standins.mail_server import PASSWORD, USER, Loss, MailServer

from notifier.channels import Dispatch, Letter, MassMessage, Parcel, Stop
from notifier.institutions import Endpoint, Links
from notifier.institutions.addresses import parse_mail
from notifier.institutions.mail import MailChannel, hand_over
from notifier.institutions.settings import MailSettings, Security, read_institution_settings
from notifier.states import MessageState

S = MessageState
TO = "editor@tv.example.invalid"


def settings_of(server: MailServer, security: Security = Security.STARTTLS, **changes: Any) -> MailSettings:
    # On this machine the address alone asks for no TLS.
    found = read_institution_settings({"GONGSHI_SMTP_URL": server.url}).mail
    assert found is not None
    return found.model_copy(update={"security": security, **changes})


@pytest.fixture
def channel_to(clock: Any, trust: ssl.SSLContext, links: Links) -> Callable[..., MailChannel]:
    def build(server: MailServer, security: Security = Security.STARTTLS, **changes: Any) -> MailChannel:
        settings = settings_of(server, security, **changes.pop("settings", {}))
        known = {"clock": clock, "tls": trust, "timeout": 10.0, "content_timeout": 10.0}
        endpoint = Endpoint(slug="tv", name="测试电视台", address=TO)
        find = changes.pop("find", lambda _: endpoint)
        return MailChannel(settings, find, changes.pop("links", links), **{**known, **changes})

    return build


def attachments(server: MailServer) -> dict[str, bytes]:
    message = server.mails[-1].message
    return {str(part.get_filename()): part.get_content() for part in message.iter_attachments()}


def text_of(server: MailServer) -> str:
    body = server.mails[-1].message.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def test_a_package_goes_as_one_attachment_with_its_hash_in_the_text(
    channel_to: Any, mail_server: MailServer, dispatch: Any, parcel: Parcel, clock: Any
) -> None:
    sent = dispatch(parcel)
    outcome = channel_to(mail_server).deliver(sent)
    assert (outcome.state, outcome.stop) == (S.ACCEPTED, Stop.NOTHING)
    (mail,) = mail_server.mails
    assert (mail.secure, mail.user, mail.recipients, mail.sender) == (
        True,
        "court",
        [TO],
        "list@court.example.invalid",
    )
    message = mail.message
    assert message["Message-ID"] == f"<{sent.id}@court.example.invalid>"
    assert outcome.reference == f"{sent.id}@court.example.invalid"
    assert message["Auto-Submitted"] == "auto-generated"
    assert parsedate_to_datetime(message["Date"]) == clock()
    assert message["List-Unsubscribe"] is None
    ((name, content),) = attachments(mail_server).items()
    assert name == "2026Q3-r1.zip"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        packed = {Path(entry).name: archive.read(entry) for entry in archive.namelist()}
    assert packed == {file.name: file.read_bytes() for file in parcel.folder.iterdir()}
    text = text_of(mail_server)
    for said in ("2027年1月4日后不得使用", "第1次修订", "共3条", f"/acks/{sent.id}-mac", f"/packages/{sent.id}-mac/"):
        assert said in text


def test_what_is_said_of_the_manifest_is_its_hash(
    channel_to: Any, mail_server: MailServer, dispatch: Any, parcel: Parcel
) -> None:
    channel_to(mail_server).deliver(dispatch(parcel))
    assert sha256((parcel.folder / "manifest.json").read_bytes()).hexdigest() in text_of(mail_server)


def test_every_attempt_at_a_dispatch_is_the_same_mail(
    channel_to: Any, mail_server: MailServer, dispatch: Any, parcel: Parcel
) -> None:
    sent = dispatch(parcel)
    channel = channel_to(mail_server)
    channel.deliver(sent)
    channel.deliver(replace(sent, attempt=2))
    first, second = mail_server.mails
    assert first.content == second.content
    assert channel.repeatable is False


def test_a_letter_says_how_to_answer(channel_to: Any, mail_server: MailServer, dispatch: Any, recall: Letter) -> None:
    sent = dispatch(replace(recall, files={"通知.txt": b"x"}))
    assert channel_to(mail_server).deliver(sent).state is S.ACCEPTED
    assert text_of(mail_server).startswith(recall.text)
    assert f"/acks/{sent.id}-mac" in text_of(mail_server)
    assert attachments(mail_server) == {"通知.txt": b"x"}
    assert mail_server.mails[0].message["Subject"] == recall.subject


def test_a_letter_that_needs_no_answer_asks_for_none(channel_to: Any, mail_server: MailServer, dispatch: Any) -> None:
    channel = channel_to(mail_server)
    channel.deliver(dispatch(Letter(subject="通知", text="内容")))
    assert "acks" not in text_of(mail_server)
    channel.deliver(dispatch(Letter(subject="催办", text="内容", facts={"type": "reminder"}), id="d-77"))
    assert "/acks/d-77-mac" in text_of(mail_server)


def test_the_address_of_the_message_goes_before_that_of_the_recipient(
    channel_to: Any, mail_server: MailServer, dispatch: Any, recall: Letter
) -> None:
    channel_to(mail_server).deliver(dispatch(recall, address="liaison@unit.example.invalid"))
    assert mail_server.mails[0].recipients == ["liaison@unit.example.invalid"]


def test_a_package_of_an_exercise_says_so(
    channel_to: Any, mail_server: MailServer, dispatch: Any, parcel: Parcel, tmp_path: Path
) -> None:
    exercise = copied(parcel, tmp_path)
    manifest = json.loads((exercise.folder / "manifest.json").read_bytes()) | {"training": True}
    (exercise.folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    assert channel_to(mail_server).deliver(dispatch(exercise)).state is S.ACCEPTED
    assert str(mail_server.mails[0].message["Subject"]).startswith("【演练数据，不得使用】")
    assert text_of(mail_server).startswith("【演练数据，不得使用】")


@pytest.mark.parametrize("name", ["画面-999.png", "extra.csv"])
def test_too_large_for_a_mailbox_goes_as_a_link(
    channel_to: Any, mail_server: MailServer, dispatch: Any, parcel: Parcel, tmp_path: Path, name: str
) -> None:
    """Whether that is known before it is packed or only afterwards."""
    large = grown(parcel, tmp_path, 9_000_000, name)
    sent = dispatch(large)
    assert channel_to(mail_server).deliver(sent).state is S.ACCEPTED
    assert attachments(mail_server) == {}
    assert f"/packages/{sent.id}-mac/" in text_of(mail_server)
    assert len(mail_server.mails[0].content) < 10_000


def test_too_large_and_no_address_to_fetch_it_from_fails_and_says_so(
    channel_to: Any, mail_server: MailServer, dispatch: Any, parcel: Parcel, tmp_path: Path
) -> None:
    outcome = channel_to(mail_server, links=Links()).deliver(dispatch(grown(parcel, tmp_path, 9_000_000)))
    assert (outcome.state, outcome.stop) == (S.FAILED_PERMANENT, Stop.NOTHING)
    assert "10 MB" in outcome.detail
    assert "GONGSHI_GATEWAY_URL" in outcome.detail
    assert mail_server.mails == []


def test_too_large_for_our_own_server_goes_as_a_link(
    channel_to: Any, server_tls: ssl.SSLContext, dispatch: Any, parcel: Parcel
) -> None:
    with MailServer(server_tls, largest=20_000) as server:
        assert channel_to(server).deliver(dispatch(parcel)).state is S.ACCEPTED
        assert attachments(server) == {}


def test_a_package_that_was_damaged_does_not_go(
    channel_to: Any, mail_server: MailServer, dispatch: Any, parcel: Parcel, tmp_path: Path
) -> None:
    damaged = copied(parcel, tmp_path)
    content = (damaged.folder / "list.csv").read_bytes()
    (damaged.folder / "list.csv").write_bytes(content[:-1] + b"X")
    outcome = channel_to(mail_server).deliver(dispatch(damaged))
    assert outcome.state is S.FAILED_TEMPORARY
    assert "校验值不符" in outcome.detail
    (damaged.folder / "manifest.json").unlink()
    assert channel_to(mail_server).deliver(dispatch(damaged)).state is S.FAILED_TEMPORARY
    assert mail_server.mails == []


# What goes wrong -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "reply", "state", "stop"),
    [
        ("RCPT", "550 5.1.1 No such user", S.FAILED_PERMANENT, Stop.ADDRESS),
        ("RCPT", "551 User not local", S.FAILED_PERMANENT, Stop.ADDRESS),
        ("RCPT", "550 5.7.1 Relaying denied", S.FAILED_PERMANENT, Stop.NOTHING),
        ("RCPT", "552 5.2.2 Mailbox full", S.FAILED_PERMANENT, Stop.NOTHING),
        ("RCPT", "451 4.7.1 Greylisted", S.FAILED_TEMPORARY, Stop.NOTHING),
        ("MAIL", "550 5.7.1 Not your address", S.FAILED_TEMPORARY, Stop.CHANNEL),
        ("MAIL", "452 4.3.1 Insufficient storage", S.FAILED_TEMPORARY, Stop.NOTHING),
        ("DATA", "554 5.6.0 Rejected", S.FAILED_PERMANENT, Stop.NOTHING),
        ("DATA", "550 5.7.0 Looks like spam", S.FAILED_PERMANENT, Stop.NOTHING),
        ("DATA", "421 4.3.2 Closing", S.FAILED_TEMPORARY, Stop.NOTHING),
    ],
)
def test_a_refusal(
    channel_to: Any,
    mail_server: MailServer,
    dispatch: Any,
    recall: Letter,
    command: str,
    reply: str,
    state: MessageState,
    stop: Stop,
) -> None:
    mail_server.replies[command] = f"{reply} <{TO}>"
    outcome = channel_to(mail_server).deliver(dispatch(recall))
    assert (outcome.state, outcome.stop) == (state, stop)
    assert reply.split()[0] in outcome.detail
    assert TO not in outcome.detail
    assert mail_server.mails == []


@pytest.mark.parametrize("loss", [loss for loss in Loss if loss is not Loss.AFTER_CONTENT])
def test_a_connection_lost_before_the_end_of_the_content_is_tried_again(
    channel_to: Any, mail_server: MailServer, dispatch: Any, recall: Letter, loss: Loss
) -> None:
    mail_server.losses = [loss]
    # What is small is said to its end before anybody can hang up.
    large = replace(recall, files={"large.bin": bytes(7_000_000)})
    outcome = channel_to(mail_server).deliver(dispatch(large if loss is Loss.IN_CONTENT else recall))
    assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, Stop.NOTHING)
    assert (mail_server.losses, mail_server.mails) == ([], [])


def test_a_connection_lost_after_the_content_is_not_known(
    channel_to: Any, mail_server: MailServer, dispatch: Any, recall: Letter
) -> None:
    mail_server.losses = [Loss.AFTER_CONTENT]
    sent = dispatch(recall)
    channel = channel_to(mail_server)
    assert channel.deliver(sent).state is S.UNKNOWN
    assert len(mail_server.mails) == 1
    assert channel.look_up(sent, None) is None


def test_a_wrong_password_stops_the_channel_and_the_client_does_not_hang(
    channel_to: Any, mail_server: MailServer, dispatch: Any, recall: Letter, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    channel = channel_to(mail_server, settings={"password": SecretStr("not-the-password")})
    outcome = channel.deliver(dispatch(recall))
    assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, Stop.CHANNEL)
    assert "535" in outcome.detail
    assert mail_server.logins
    assert not any(mail_server.logins)
    ours = [record for record in caplog.records if not record.name.startswith(("mail", "asyncio"))]
    assert "not-the-password" not in " ".join(record.getMessage() for record in ours)


def test_without_starttls_nobody_is_told_the_password(channel_to: Any, dispatch: Any, recall: Letter) -> None:
    with MailServer() as server:
        outcome = channel_to(server).deliver(dispatch(recall))
        assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, Stop.CHANNEL)
        assert (server.logins, server.mails) == ([], [])


@pytest.mark.parametrize("implicit", [False, True])
def test_an_impostor_is_not_told_the_password(
    channel_to: Any, server_tls: ssl.SSLContext, dispatch: Any, recall: Letter, implicit: bool
) -> None:
    security = Security.TLS if implicit else Security.STARTTLS
    with MailServer(server_tls, implicit=implicit) as server:
        outcome = channel_to(server, security, tls=ssl.create_default_context()).deliver(dispatch(recall))
        assert (outcome.state, outcome.stop) == (S.FAILED_TEMPORARY, Stop.CHANNEL)
        assert "证书" in outcome.detail
        assert (server.logins, server.mails) == ([], [])


def test_tls_from_the_first_byte(channel_to: Any, server_tls: ssl.SSLContext, dispatch: Any, recall: Letter) -> None:
    with MailServer(server_tls, implicit=True) as server:
        assert channel_to(server, Security.TLS).deliver(dispatch(recall)).state is S.ACCEPTED
        assert server.logins == [True]


def test_a_server_on_this_machine_without_login(channel_to: Any, dispatch: Any, recall: Letter) -> None:
    with MailServer(login=False) as server:
        assert channel_to(server, Security.NONE).deliver(dispatch(recall)).state is S.ACCEPTED
        assert server.mails[0].user is None


def test_nobody_there(channel_to: Any, mail_server: MailServer, dispatch: Any, recall: Letter) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        channel = channel_to(mail_server, settings={"port": free.getsockname()[1]})
        assert channel.deliver(dispatch(recall)).state is S.FAILED_TEMPORARY


def test_a_server_that_says_nothing(channel_to: Any, mail_server: MailServer, dispatch: Any, recall: Letter) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        channel = channel_to(mail_server, settings={"port": silent.getsockname()[1]}, timeout=0.2)
        assert channel.deliver(dispatch(recall)).state is S.FAILED_TEMPORARY


def test_a_server_that_speaks_another_protocol(
    channel_to: Any, mail_server: MailServer, dispatch: Any, recall: Letter
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        channel = channel_to(mail_server, settings={"port": other.getsockname()[1]})

        # What it says lies ready before anybody asks.
        def speak() -> None:
            line, _ = other.accept()
            with line:
                line.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        outcome = channel.deliver(dispatch(recall))
        thread.join()
    assert outcome.state is S.FAILED_TEMPORARY


# Addresses and headers -----------------------------------------------------------------------------------------------


def test_a_dot_on_a_line_of_its_own_does_not_end_the_mail(mail_server: MailServer, trust: ssl.SSLContext) -> None:
    content = b"Subject: x\r\n\r\na\r\n.\r\n..b\r\nMAIL FROM:<x@y.example>\r\n"
    with smtplib.SMTP("127.0.0.1", mail_server.port, "court.example.invalid") as server:
        server.starttls(context=trust)
        server.login(USER, PASSWORD)
        hand_over(server, parse_mail("list@court.example.invalid"), parse_mail(TO), content, 10.0)
    assert [mail.content for mail in mail_server.mails] == [content]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nobody",
        "a@",
        "@b.example",
        "a b@c.example",
        "a@b.example\r\nBcc: x@y.example",
        "a@b.example>",
        "a@-b.example",
    ],
)
def test_an_address_that_is_none_stops_the_address(
    channel_to: Any, mail_server: MailServer, recall: Letter, address: str, dispatch: Any
) -> None:
    channel = channel_to(mail_server, find=lambda _: None)
    outcome = channel.deliver(dispatch(recall, address=address))
    assert (outcome.state, outcome.stop) == (S.FAILED_PERMANENT, Stop.ADDRESS)
    assert not address or address not in outcome.detail
    assert mail_server.mails == []


def test_a_domain_in_chinese_is_written_as_servers_know_it(
    channel_to: Any, mail_server: MailServer, dispatch: Any, recall: Letter
) -> None:
    assert channel_to(mail_server).deliver(dispatch(recall, address="editor@电视台.example")).state is S.ACCEPTED
    assert mail_server.mails[0].recipients == ["editor@xn--kpr178ek9n.example"]


def test_a_mailbox_in_chinese_needs_a_server_that_knows_it(
    channel_to: Any, server_tls: ssl.SSLContext, mail_server: MailServer, dispatch: Any, recall: Letter
) -> None:
    sent = dispatch(recall, address="编辑@tv.example.invalid")
    assert channel_to(mail_server).deliver(sent).state is S.FAILED_PERMANENT
    with MailServer(server_tls, utf8=True) as server:
        assert channel_to(server).deliver(sent).state is S.ACCEPTED
        assert server.mails[0].recipients == ["编辑@tv.example.invalid"]
        assert server.mails[0].message["To"] == "编辑@tv.example.invalid"


def test_what_is_no_mail_is_refused(channel_to: Any, mail_server: MailServer, dispatch: Any) -> None:
    assert channel_to(mail_server).deliver(dispatch(MassMessage(text="x"))).state is S.FAILED_PERMANENT


class Composer:
    """Only what composes, without a server."""

    def __init__(self, clock: Any) -> None:
        settings = MailSettings.model_validate(
            {
                "host": "127.0.0.1",
                "port": 25,
                "security": Security.NONE,
                "sender": {"local": "list", "domain": "court.example.invalid"},
                "sender_name": "测试市人民法院",
            }
        )
        self.channel = MailChannel(settings, lambda _: None, Links(), clock=clock)


def test_a_wrong_name_of_a_file_is_only_a_name(channel_to: Any, mail_server: MailServer, dispatch: Any) -> None:
    letter = Letter(subject="x", text="y", files={"../a\r\nX: y/b.txt": b"z"})
    assert channel_to(mail_server).deliver(dispatch(letter)).state is S.ACCEPTED
    assert attachments(mail_server) == {".._a X: y_b.txt": b"z"}
    assert mail_server.mails[0].message["X"] is None


@settings(max_examples=15)
@given(subject=st.text(max_size=120), text=st.text(max_size=120))
@example(subject="a\r\nBcc: x@y.example", text=".\r\n.\r\nQUIT\r\n")
@example(subject="长" * 150, text="长" * 1000)
def test_whatever_is_said_becomes_no_header_and_loses_no_word(subject: str, text: str) -> None:
    channel = Composer(lambda: datetime(2026, 10, 8, tzinfo=UTC)).channel
    sent = Dispatch(
        id="d-1",
        attempt=1,
        recipient="tv",
        address=TO,
        content=Letter(subject=subject, text=text, files={"f.txt": b"1"}),
    )
    content = channel._compose(sent, parse_mail(TO), 10_000_000)
    assert content.isascii()
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    message = message_from_bytes(content, policy=policy.SMTP)
    assert set(message.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "Auto-Submitted",
        "MIME-Version",
        "Content-Type",
    }
    body = message.get_body(("plain",))
    assert body is not None
    assert "".join(body.get_content().split()) == "".join(text.split())


def copied(parcel: Parcel, tmp_path: Path) -> Parcel:
    shutil.copytree(parcel.folder, tmp_path / "copy")
    return Parcel(name=parcel.name, folder=tmp_path / "copy")


def grown(parcel: Parcel, tmp_path: Path, size: int, name: str = "画面-999.png") -> Parcel:
    """The package with one more file of so many bytes that cannot be compressed."""
    large = copied(parcel, tmp_path)
    content = Random(1).randbytes(size)
    (large.folder / name).write_bytes(content)
    manifest = json.loads((large.folder / "manifest.json").read_bytes())
    manifest["files"].append({"name": name, "bytes": size, "sha256": sha256(content).hexdigest()})
    (large.folder / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    return large


def test_the_password_is_shown_nowhere(mail_server: MailServer) -> None:
    assert PASSWORD not in repr(settings_of(mail_server))
