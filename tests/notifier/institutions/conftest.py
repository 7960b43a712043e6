"""A real package, and the servers of institutions on loopback."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import trustme
from standins.hook_server import SECRET, HookServer
from standins.mail_server import MailServer
from standins.sftp_server import PASSWORD, SftpServer

from notifier.channels import Dispatch, Letter, Parcel
from notifier.institutions import Endpoint, Links
from notifier.package import build_package

LINKS = Links(
    package=lambda dispatch: f"https://gateway.example.invalid/packages/{dispatch}-mac/",
    acknowledge=lambda dispatch: f"https://gateway.example.invalid/acks/{dispatch}-mac",
)
RECALL = Letter(
    subject="【撤回通知】SX-0000000X",
    text="下列条目已退出公布：SX-0000000X，（2026）测0101执12号。\n请停止播出，并撤下已发布的内容。\n",
    facts={"type": "gone", "record": "SX-0000000X", "case_number": "（2026）测0101执12号", "due_on": "2026-10-13"},
)


@pytest.fixture(scope="session")
def shelf() -> dict[str, Path]:
    return {}


@pytest.fixture
def parcel(
    shelf: dict[str, Path], edition: Any, person: Any, numbered: Any, tmp_path_factory: pytest.TempPathFactory
) -> Parcel:
    """A package of three entries, made once; nobody changes it."""
    if "folder" not in shelf:
        folder = tmp_path_factory.mktemp("package")
        for name, content in build_package(edition, numbered(person, 3)).files.items():
            (folder / name).write_bytes(content)
        shelf["folder"] = folder
    return Parcel(name="2026Q3-r1", folder=shelf["folder"])


@pytest.fixture
def recall() -> Letter:
    return RECALL


@pytest.fixture
def links() -> Links:
    return LINKS


@pytest.fixture
def dispatch(clock: Any) -> Callable[..., Dispatch]:
    """A message to the recipient “tv”, each with an id of its own."""
    numbers = count(1)

    def build(content: Any, **changes: Any) -> Dispatch:
        known = {"id": f"d-{next(numbers)}", "attempt": 1, "recipient": "tv", "address": None, "begun_at": clock()}
        return Dispatch(content=content, **{**known, **changes})

    return build


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def server_tls(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", "localhost", "hook.example.com").configure_cert(context)
    return context


@pytest.fixture
def trust(authority: trustme.CA) -> ssl.SSLContext:
    """What a client of these servers trusts."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@pytest.fixture
def mail_server(server_tls: ssl.SSLContext) -> Iterator[MailServer]:
    with MailServer(server_tls) as server:
        yield server


@pytest.fixture
def sftp_root(tmp_path: Path) -> Path:
    root = tmp_path / "institution"
    root.mkdir()
    return root


@pytest.fixture
def sftp_server(sftp_root: Path) -> Iterator[SftpServer]:
    with SftpServer(sftp_root) as server:
        yield server


@pytest.fixture
def sftp_endpoint(sftp_server: SftpServer) -> Endpoint:
    return Endpoint(
        slug="tv",
        name="测试电视台",
        address=sftp_server.url,
        options={"host_key": sftp_server.host_key},
        secret=PASSWORD,
    )


@pytest.fixture
def hook_server(clock: Any, server_tls: ssl.SSLContext) -> Iterator[HookServer]:
    with HookServer(clock, server_tls) as server:
        yield server


@pytest.fixture
def hook_endpoint(hook_server: HookServer) -> Endpoint:
    return Endpoint(
        slug="tv", name="测试政务服务中心", address=f"https://hook.example.com:{hook_server.port}/in", secret=SECRET
    )


@pytest.fixture
def private_key(tmp_path: Path) -> Path:
    """A private key file as ssh-keygen leaves it."""
    file = tmp_path / "sftp_key"
    key = asyncssh.generate_private_key("ssh-ed25519")
    file.write_bytes(key.export_private_key())
    file.chmod(0o600)
    file.with_suffix(".pub").write_bytes(key.export_public_key())
    return file
