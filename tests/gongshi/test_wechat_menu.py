"""`gongshi wechat menu`: what is shown is what the account gets."""

from __future__ import annotations

import json
from base64 import b64decode
from urllib.parse import unquote

import pytest
from homes import Home
from standins.wechat_phone import APPID
from standins.wechat_server import SECRET, Fault, WeChatServer

pytestmark = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
SITE = "https://list.example.invalid"


def set_up(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    for name, value in {
        "PUBLIC_URL": SITE,
        "WECHAT_APPID": APPID,
        "WECHAT_SECRET": SECRET,
        "WECHAT_TOKEN": "CurrentToken01",
        "WECHAT_AES_KEY": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG",
        "WECHAT_BASE_URL": address,
    }.items():
        monkeypatch.setenv(f"GONGSHI_{name}", value)


def test_the_menu_that_is_shown_is_put(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with WeChatServer(clock=home.clock).running() as server:
        set_up(monkeypatch, server.address)
        asked = ("wechat", "menu", "--district", "测试区", "--district", "双江拉祜族佤族布朗族傣族自治县")
        shown = home.ask(*asked, "--dry-run")
        assert server.menu is None
        said = home.run(*asked)
        assert (said.code, said.err) == (0, "")
        assert server.menu == shown
        assert [button["name"] for button in shown["button"]] == ["查询", "简报", "地区"]
        assert shown["button"][0]["sub_button"][0]["url"] == SITE
        places = shown["button"][2]["sub_button"]
        assert [place["key"] for place in places] == ["district:测试区", "district:双江拉祜族佤族布朗族傣族自治县"]


def test_the_code_of_a_district_leads_to_its_scene(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with WeChatServer(clock=home.clock).running() as server:
        set_up(monkeypatch, server.address)
        made = home.ask("wechat", "qr", "测试区")
        address, ticket = made["picture"].split("?ticket=")
        assert address == "https://mp.weixin.qq.com/cgi-bin/showqrcode"
        assert b64decode(unquote(ticket)).decode() == "district:测试区"
        assert made["content"]
        assert home.run("wechat", "qr", "区" * 21).code == 2
        server.fail("qrcode/create", Fault(status=502))
        said = home.run("wechat", "qr", "测试区")
    assert (said.code, len(said.err.splitlines())) == (2, 1)


def test_what_wechat_refuses_is_one_line(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with WeChatServer(clock=home.clock).running() as server:
        set_up(monkeypatch, server.address)
        server.fail("menu/create", Fault(code=48001))
        said = home.run("wechat", "menu", "--json")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "48001" in said.json["error"]


def test_without_an_account_or_in_training_nothing_is_called(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    said = home.run("wechat", "menu")
    assert (said.code, "GONGSHI_WECHAT" in said.err) == (2, True)
    home.ask("profile", "--set", "training=是", "--as", "reviewer")
    # Nobody listens there: a call would be another refusal.
    set_up(monkeypatch, "http://127.0.0.1:9")
    said = home.run("wechat", "menu")
    assert (said.code, "演练" in said.err) == (2, True)
    assert json.loads(home.run("wechat", "menu", "--dry-run").out)["button"]


@pytest.mark.parametrize("districts", [["区"] * 6, [""], ["区" * 21]])
def test_districts_that_are_no_buttons_are_refused(home: Home, districts: list[str]) -> None:
    options = [part for name in districts for part in ("--district", name)]
    said = home.run("wechat", "menu", "--dry-run", *options)
    assert (said.code, len(said.err.splitlines())) == (2, 1)
