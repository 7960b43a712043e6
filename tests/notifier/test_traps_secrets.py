"""No secret comes out with an error: the clients' own errors hold the address of the call, and with it the token."""

from __future__ import annotations

import logging
import socket
import traceback
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from pydantic import SecretStr
from requests.adapters import HTTPAdapter
from standins.wechat_phone import APPID
from standins.wechat_server import SECRET, Fault, WeChatServer

from notifier.channels import ChatMessage, Dispatch
from notifier.states import MessageState
from notifier.wechat.channel import WeChatChannel
from notifier.wechat.client import HardenedClient, WeChatError
from notifier.wechat.settings import WeChatSettings
from notifier.wechat.templates import RegisteredTemplate
from notifier.wechat.tokens import DatabaseTokenStore

Town = Any
OPENID = "oTESTfollower0000000000000001"


@pytest.fixture
def database(tmp_path: Any) -> str:
    """The database makes no difference here."""
    return f"sqlite:///{tmp_path}/home/notifier/notifier.db"


@pytest.fixture
def server(town: Town) -> Iterator[WeChatServer]:
    with WeChatServer(clock=town.clock).running() as server:
        server.followers.add(OPENID)
        yield server


@pytest.fixture
def client(town: Town, server: WeChatServer) -> HardenedClient:
    settings = WeChatSettings(
        appid=APPID,
        secret=SecretStr(SECRET),
        token=SecretStr("CurrentToken01"),
        aes_key=SecretStr("abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),
        base_url=server.address,
    )
    return HardenedClient(settings, DatabaseTokenStore(town.notifier.engine, town.clock), timeout=0.5)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


def held_by(error: BaseException) -> list[BaseException]:
    """The error and whatever it came of."""
    held: list[BaseException] = []
    following: list[BaseException | None] = [error]
    while following:
        one = following.pop()
        if one is not None and one not in held:
            held.append(one)
            following += [one.__cause__, one.__context__]
    return held


def say_all(error: BaseException) -> str:
    """All that a log, a tracker of errors or a debugger might show of it."""
    said = "".join(traceback.format_exception(error))
    for one in held_by(error):
        said += repr(one) + str(one) + repr(vars(one)) + repr(one.args)
        request = getattr(one, "request", None)
        said += str(getattr(request, "url", "")) + str(getattr(request, "body", ""))
    return said


@pytest.mark.parametrize("phase", ["the token", "the message"])
@pytest.mark.parametrize("trouble", ["refused", "too late", "dropped", "garbled", "denied"])
def test_no_error_of_a_call_holds_the_token_the_secret_or_the_follower(
    client: HardenedClient, server: WeChatServer, caplog: pytest.LogCaptureFixture, phase: str, trouble: str
) -> None:
    caplog.set_level(logging.DEBUG)
    token = client.access_token if phase == "the message" else "no token yet"
    let_go = Event()
    path = "stable_token" if phase == "the token" else "message/custom/send"
    faults = {
        "too late": Fault(until=let_go),
        "dropped": Fault(drops=True),
        "garbled": Fault(body="<html>"),
        "denied": Fault(code=40164),
    }
    if trouble == "refused":
        client.API_BASE_URL = f"http://127.0.0.1:{free_port()}/cgi-bin/"
    else:
        server.fail(path, *[faults[trouble]] * 3)
    try:
        with pytest.raises(WeChatError) as raised:
            client.post_text(OPENID, "好")
    finally:
        let_go.set()
    said = say_all(raised.value) + caplog.text
    for secret in (SECRET, token, OPENID):
        assert secret not in said
    assert not [one for one in held_by(raised.value) if type(one).__module__.startswith(("requests", "urllib3"))]


def test_opening_a_client_asks_nobody(client: HardenedClient, server: WeChatServer) -> None:
    assert not server.calls
    adapters = client._http.adapters
    assert all(isinstance(one, HTTPAdapter) and one.max_retries.total == 0 for one in adapters.values())


def test_a_message_that_wechat_turns_away_says_nothing_of_it_on_the_desk(
    client: HardenedClient, server: WeChatServer, town: Town
) -> None:
    template = RegisteredTemplate(id="T1", kind="template", fields={"court": "thing1"})
    channel = WeChatChannel(client=client, templates={"digest": template}, clock=town.clock)
    server.templates = {"T1": {"thing1"}}
    content = ChatMessage(template="digest", version=1, fields={"court": "测试某某"})
    sent = Dispatch(id="d-1", attempt=1, recipient="", address=OPENID, content=content, begun_at=town.clock())
    client.access_token  # noqa: B018 - a token is known, and then the address is gone
    client.API_BASE_URL = f"http://127.0.0.1:{free_port()}/cgi-bin/"
    outcome = channel.deliver(sent)
    assert outcome.state is MessageState.FAILED_TEMPORARY, "nobody took it: it can be sent again"
    for word in (OPENID, "测试某某", SECRET, "access_token"):
        assert word not in outcome.detail
