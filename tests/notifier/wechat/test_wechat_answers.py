"""What the hardened client makes of answers, good and bad; and that nothing it says holds a secret."""

from __future__ import annotations

import json
import logging
import traceback
from datetime import timedelta
from pathlib import Path
from threading import Event
from time import monotonic

import pytest
from standins.wechat_server import SECRET, Fault, WeChatServer
from wechat_world import OPENID, SETTINGS, Build, create_tables

from notifier.wechat.client import NotKnown, NotReached, Refused, WeChatError
from notifier.wechat.tokens import FetchedToken


@pytest.fixture
def address(tmp_path: Path) -> str:
    """The database makes no difference here."""
    return create_tables(f"sqlite:///{tmp_path}/notifier.db")


# Answers ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "is_sent"),
    [
        (Fault(body="<html>网关登录</html>"), NotKnown, False),
        (Fault(body=""), NotKnown, False),
        (Fault(body="[1]"), NotKnown, False),
        (Fault(body='{"errcode": "x"}'), NotKnown, False),
        (Fault(status=500), NotKnown, False),
        (Fault(status=503), NotKnown, False),
        (Fault(status=302), NotReached, False),
        (Fault(status=403), NotReached, False),
        (Fault(drops=True), NotKnown, False),
        (Fault(loses=True), NotKnown, True),
        (Fault(code=45009), Refused, False),
    ],
)
def test_what_goes_wrong_is_told_apart(
    server: WeChatServer, build: Build, fault: Fault, error: type[WeChatError], is_sent: bool
) -> None:
    client = build()
    server.fail("message/custom/send", fault)
    with pytest.raises(error):
        client.post_text(OPENID, "好")
    assert bool(server.sent) is is_sent
    assert server.calls["message/custom/send"] == 1, "nothing was repeated blindly"
    assert not server.calls["elsewhere"], "the token was not carried to another address"


def test_every_call_has_a_timeout(server: WeChatServer, build: Build) -> None:
    client, release = build(timeout=0.3), Event()
    server.fail("message/custom/send", Fault(until=release))
    began = monotonic()
    with pytest.raises(NotKnown):
        client.post_text(OPENID, "好")
    assert monotonic() - began < 3
    release.set()


def test_nobody_there_means_that_nothing_was_sent(server: WeChatServer, build: Build) -> None:
    client = build()
    client.post_text(OPENID, "好")
    client.API_BASE_URL = "http://127.0.0.1:9/cgi-bin/"
    with pytest.raises(NotReached):
        client.post_text(OPENID, "好")


def test_the_rest_of_wechatpy_works_on_it(server: WeChatServer, build: Build) -> None:
    client = build()
    with pytest.raises(Refused) as raised:
        client.get("menu/get")
    assert raised.value.code == 46003
    client.menu.create({"button": [{"type": "click", "name": "帮助", "key": "help"}]})
    assert client.menu.get()["menu"]["button"][0]["name"] == "帮助"
    scene = {"action_name": "QR_STR_SCENE", "action_info": {"scene": {"scene_str": "district:测试市"}}}
    assert client.qrcode.create(scene)["ticket"]


def test_calls_to_other_addresses_are_refused(server: WeChatServer, build: Build) -> None:
    client = build()
    with pytest.raises(NotReached):
        client.get("https://mp.weixin.qq.com/cgi-bin/showqrcode")
    assert not server.calls


def test_chinese_is_not_escaped(server: WeChatServer, build: Build) -> None:
    build().post_text(OPENID, "测试𠮷")
    assert server.sent[0].body["text"]["content"] == "测试𠮷"


# Secrets ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=500),
        Fault(drops=True),
        Fault(body="<html>"),
        Fault(code=45009),
        Fault(code=40001),
        Fault(status=302),
    ],
)
@pytest.mark.parametrize("path", ["stable_token", "message/custom/send"])
def test_no_error_and_no_log_holds_a_secret(
    server: WeChatServer, build: Build, caplog: pytest.LogCaptureFixture, fault: Fault, path: str
) -> None:
    caplog.set_level(logging.DEBUG)
    client = build()
    token = client.access_token if path != "stable_token" else "no token yet"
    server.fail(path, *[fault] * 3)
    with pytest.raises(WeChatError) as raised:
        client.post_text(OPENID, "好")
    said = "".join(traceback.format_exception(raised.value)) + caplog.text
    held = [raised.value]
    while held[-1].__context__ is not None or held[-1].__cause__ is not None:
        held.append(held[-1].__cause__ or held[-1].__context__)
    said += json.dumps([repr(error) + repr(vars(error)) for error in held])
    for secret in (SECRET, token, OPENID, *SETTINGS.tokens, *SETTINGS.aes_keys):
        assert secret not in said
    assert "urllib3" in caplog.text, "the log of urllib3 was on"


def test_settings_and_stores_do_not_show_secrets(build: Build) -> None:
    client = build()
    assert client.access_token
    shown = repr(SETTINGS) + repr(client) + str(SETTINGS) + repr(FetchedToken(token="geheim", lasts=timedelta(1)))
    for secret in (SECRET, "geheim", *SETTINGS.tokens, *SETTINGS.aes_keys):
        assert secret not in shown
