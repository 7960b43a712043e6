"""The ways by name, and trying one out."""

import ssl
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import trustme
from standins.hook_server import SECRET, HookServer
from standins.mail_server import MailServer
from standins.sftp_server import SftpServer

from notifier.channels import Letter, MassMessage, Parcel
from notifier.institutions import Endpoint, Links, opening
from notifier.institutions.settings import InstitutionSettings, read_institution_settings
from notifier.states import MessageState

S = MessageState


@pytest.fixture
def trusted(authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The court trusts an authority of its own."""
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))


def test_mail_is_there_only_when_it_is_set(links: Links, clock: Any) -> None:
    without = opening.open_institutions(InstitutionSettings(), lambda _: None, links, clock=clock)
    assert set(without) == {"sftp", "webhook", "pull"}
    settings = read_institution_settings({"GONGSHI_SMTP_URL": "smtp://127.0.0.1:25?from=a@example.cn"})
    channels = opening.open_institutions(settings, lambda _: None, links, clock=clock)
    assert {name: channel.repeatable for name, channel in channels.items()} == {
        "mail": False,
        "sftp": True,
        "webhook": True,
        "pull": True,
    }


def test_what_is_fetched_lies_ready(links: Links, clock: Any, dispatch: Any, recall: Letter, parcel: Parcel) -> None:
    pull = opening.open_institutions(InstitutionSettings(), lambda _: None, links, clock=clock)["pull"]
    for content in (recall, parcel):
        sent = dispatch(content)
        assert pull.deliver(sent).state is S.ACCEPTED
        assert pull.look_up(sent, None) is None
    assert pull.deliver(dispatch(MassMessage(text="x"))).state is S.FAILED_PERMANENT


def test_trying_out_mail(clock: Any) -> None:
    endpoint = Endpoint(slug="tv", name="", address="editor@tv.example.invalid")
    assert opening.test_endpoint(InstitutionSettings(), endpoint, clock=clock).state is S.FAILED_TEMPORARY
    with MailServer(login=False) as server:
        settings = read_institution_settings({"GONGSHI_SMTP_URL": server.url})
        assert opening.test_endpoint(settings, endpoint, clock=clock).state is S.ACCEPTED
        (mail,) = server.mails
    assert mail.message["Subject"].startswith("【连接测试】")
    assert mail.message["Message-ID"] == "<test-20261008020000@court.example.invalid>"


def test_trying_out_sftp_leaves_nothing_behind(
    sftp_server: SftpServer, sftp_endpoint: Endpoint, sftp_root: Path, clock: Any
) -> None:
    assert opening.test_endpoint(InstitutionSettings(), sftp_endpoint, clock=clock).state is S.DELIVERED
    assert [name for name, _ in sftp_server.happenings.steps] == ["open", "rename", "remove"]
    assert list(sftp_root.iterdir()) == []
    wrong = replace(sftp_endpoint, secret="wrong")
    assert opening.test_endpoint(InstitutionSettings(), wrong, clock=clock).state is S.FAILED_TEMPORARY


@pytest.mark.usefixtures("trusted")
def test_trying_out_a_webhook(server_tls: ssl.SSLContext, clock: Any) -> None:
    with ExitStack() as held:
        server = held.enter_context(HookServer(clock, server_tls))
        endpoint = Endpoint(slug="tv", name="", address=f"https://localhost:{server.port}/in", secret=SECRET)
        refused = opening.test_endpoint(InstitutionSettings(), endpoint, clock=clock)
        assert refused.state is S.FAILED_TEMPORARY
        settings = InstitutionSettings(webhook_loopback=True)
        assert opening.test_endpoint(settings, endpoint, clock=clock).state is S.DELIVERED
        (event,) = server.events.values()
    assert (event["type"], event["data"]["facts"]) == ("notice.sent", {"type": "test"})


def test_trying_out_one_that_pulls(clock: Any) -> None:
    outcome = opening.test_endpoint(InstitutionSettings(), Endpoint(slug="tv", name="", address=None), clock=clock)
    assert outcome.state is S.ACCEPTED
