"""`gongshi recipient`: what it takes, what it shows once, and what it never shows."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from homes import Home
from sqlalchemy import text
from standins.hook_server import HookServer
from standins.mail_server import MailServer
from standins.sftp_server import PASSWORD, SftpServer

HOST_KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519" + b"\0\0\0 " + b"k" * 32).decode()
MAIL = ("--name", "测试广播电视台", "--kind", "television", "--channel", "mail", "--address", "news@tv.example")
AS = ("--as", "reviewer")


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SMTP_URL", "MAIL_FROM", "SFTP_KEY", "WEBHOOK_LOOPBACK", "GATEWAY_URL"):
        monkeypatch.delenv(f"GONGSHI_{name}", raising=False)


def test_the_first_real_recipient_takes_the_place_of_the_sandbox(home: Home) -> None:
    said = home.run("recipient", "add", "tv", *MAIL, *AS)
    assert said.code == 0
    assert "已登记接收单位“测试广播电视台”（tv，电子邮件）" in said.out
    assert "演练单位 2 个没有用过，已停用" in said.out
    listed = home.run("recipient", "list", "--json").json
    assert [(one["slug"], one["active"]) for one in listed["recipients"]] == [
        ("sandbox-tv", False),
        ("sandbox-egov", False),
        ("tv", True),
    ]
    assert home.run("init").code == 0
    assert home.run("push", "--period", "2026Q3", "--dry-run", "--json").json["recipients"] == ["测试广播电视台"]


def test_in_training_the_sandbox_stays(home: Home) -> None:
    assert home.run("profile", "--set", "training=是", *AS).code == 0
    assert home.run("recipient", "add", "station", *MAIL, "--liaison-phone", "15400000001", *AS).code == 0
    listed = home.run("recipient", "list", "--json").json["recipients"]
    assert [one["active"] for one in listed] == [True, True, True]


@pytest.mark.parametrize("role", ["clerk", "auditor", "nobody"])
def test_only_reviewers_and_administrators_register(home: Home, role: str) -> None:
    for command in (
        ("add", "station", *MAIL),
        ("board", "lobby", "--name", "一楼大厅"),
        ("retire", "tv"),
        ("token", "tv"),
        ("secret", "tv", "--rotate"),
    ):
        assert home.run("recipient", *command, "--as", role).code == 2
    listed = home.run("recipient", "list", "--json").json
    assert [one["slug"] for one in listed["recipients"]] == ["tv", "egov"]
    assert listed["boards"] == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (("--channel", "sftp", "--address", "sftp://court@files.example/in"), "host_key"),
        (("--channel", "sftp", "--address", "sftp://court:secretword@files.example/in"), "口令"),
        (("--channel", "webhook", "--address", "http://hooks.example/"), "https://"),
        (("--channel", "mail", "--address", "nobody"), "--address"),
        (("--channel", "pull"), "--address"),
        (("--option", "speed=9"), "--option"),
        (("--option", "speed"), "--option"),
        (("--liaison-phone", "12345678901"), "--liaison-phone"),
        (("--ask-secret",), "密钥"),
    ],
)
def test_what_is_wrong_is_one_line_and_registers_nothing(home: Home, changes: tuple[str, ...], words: str) -> None:
    said = home.run("recipient", "add", "station", *MAIL, *changes, *AS, typed="whatever\n")
    assert said.code == 2
    assert words in said.err
    assert said.err.count("\n") == 1
    assert "Traceback" not in said.err
    assert "secretword" not in said.err
    assert len(home.run("recipient", "list", "--json").json["recipients"]) == 2


def test_secrets_are_shown_once_and_never_again(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGSHI_GATEWAY_URL", "https://gateway.example")
    kind = ("--kind", "e_government")
    hook = home.run(
        "recipient", "add", "hook", "--name", "推送", *kind, "--channel", "webhook", "--address", "https://h.example/x", *AS, "--json",
    ).json  # fmt: skip
    assert hook["secret"].startswith("whsec_")
    assert len(base64.b64decode(hook["secret"][6:])) == 32
    pull = home.run("recipient", "add", "pull", "--name", "自取", *kind, "--channel", "pull", *AS, "--json").json
    assert pull["token"].startswith("gsp_")
    word = "sftp 口令"
    options = ("--address", "sftp://court@files.example/in", "--option", f"host_key={HOST_KEY}", "--ask-secret")
    sftp = home.run(
        "recipient", "add", "files", "--name", "文件", *kind, "--channel", "sftp", *options, *AS, typed=f"{word}\n"
    )
    assert sftp.code == 0
    rotated = home.run("recipient", "secret", "hook", "--rotate", *AS, "--json").json["secret"]
    assert home.run("recipient", "secret", "hook", "--finish", *AS).code == 0
    assert home.run("recipient", "token", "pull", *AS).code == 2
    token = home.run("recipient", "token", "pull", "--rotate", *AS, "--json").json["token"]
    shown = [
        home.run("recipient", "list"),
        home.run("recipient", "list", "--json"),
        home.run("recipient", "test", "pull"),
        sftp,
    ]
    for said in shown:
        for secret in (hook["secret"], pull["token"], word, rotated, token):
            assert secret not in said.out + said.err
    listed = {one["slug"]: one for one in shown[1].json["recipients"]}
    assert (listed["hook"]["has_secret"], listed["pull"]["has_token"], listed["files"]["has_secret"]) == (
        True,
        True,
        True,
    )
    for path in home.folder.rglob("*"):
        # Of tokens there is not even one in the database.
        if path.is_file():
            assert token.encode() not in path.read_bytes()


def test_the_list_says_who_cannot_be_reached_and_why(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    home.run("recipient", "add", "station", *MAIL, *AS)
    home.run("recipient", "add", "pull", "--name", "自取", "--kind", "other", "--channel", "pull", *AS)
    said = home.run("recipient", "list").out
    assert "发不到：没有设置 GONGSHI_SMTP_URL" in said
    assert "发不到：没有设置 GONGSHI_GATEWAY_URL" in said
    tested = home.run("recipient", "test", "station")
    assert (tested.code, "没有设置 GONGSHI_SMTP_URL" in tested.out) == (1, True)
    monkeypatch.setenv("GONGSHI_SMTP_URL", "smtps://u:p@mail.example?from=court@court.example")
    monkeypatch.setenv("GONGSHI_GATEWAY_URL", "https://gateway.example")
    listed = home.run("recipient", "list", "--json").json["recipients"]
    assert [one["reachable"] for one in listed if one["active"]] == [True, True]
    pulled = home.run("recipient", "test", "pull")
    assert pulled.code == 0
    assert "https://gateway.example/pull" in pulled.out
    monkeypatch.setenv("GONGSHI_SMTP_URL", "nonsense")
    said = home.run("recipient", "list")
    assert (said.code, said.err.count("\n")) == (2, 1)
    assert "GONGSHI_SMTP_URL" in said.err


def test_a_test_reaches_the_real_protocol_and_is_remembered(
    home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GONGSHI_GATEWAY_URL", "https://gateway.example")
    monkeypatch.setenv("GONGSHI_WEBHOOK_LOOPBACK", "yes")
    folder = tmp_path / "files"
    folder.mkdir()
    with MailServer(login=False) as mail, SftpServer(folder) as files, HookServer(home.clock) as hook:
        monkeypatch.setenv("GONGSHI_SMTP_URL", mail.url)
        home.run("recipient", "add", "station", *MAIL, *AS)
        named = ("--name", "测试", "--kind", "other", *AS, "--json")
        options = ("--address", files.url, "--option", f"host_key={files.host_key}", "--ask-secret")
        assert (
            home.run("recipient", "add", "files", *named, "--channel", "sftp", *options, typed=f"{PASSWORD}\n").code
            == 0
        )
        added = home.run("recipient", "add", "hook", *named, "--channel", "webhook", "--address", hook.url)
        hook.secret = added.json["secret"]
        for slug in ("station", "files", "hook"):
            said = home.run("recipient", "test", slug)
            assert (said.code, "可以发到" in said.out) == (0, True), said.out
        assert len(mail.mails) == 1
        assert list(folder.iterdir()) == []
    gone = home.run("recipient", "test", "station")
    assert gone.code == 1
    listed = {one["slug"]: one["tried"] for one in home.run("recipient", "list", "--json").json["recipients"]}
    assert (listed["files"]["state"], listed["station"]["state"]) == ("delivered", "failed_temporary")
    assert home.run("recipient", "test", "nobody").code == 2


def test_one_who_is_retired_is_so_once(home: Home) -> None:
    assert "已停用，它收到过的条目变动时仍会通知它" in home.run("recipient", "retire", "egov", *AS).out
    assert "此前已停用" in home.run("recipient", "retire", "egov", *AS).out
    assert home.run("recipient", "retire", "nobody", *AS).code == 2


def test_a_board_is_registered_and_listed_apart(home: Home) -> None:
    assert home.run("recipient", "board", "lobby", "--name", "一楼大厅公告栏", *AS).code == 0
    assert home.run("recipient", "board", "lobby", "--name", "再次", *AS).code == 2
    assert home.run("recipient", "board", "Lobby", "--name", "大写", *AS).code == 2
    assert home.run("recipient", "list", "--json").json["boards"] == [{"slug": "lobby", "name": "一楼大厅公告栏"}]


def test_registering_is_on_the_audit_trail_without_a_secret(home: Home) -> None:
    said = home.run("recipient", "add", "pull", "--name", "自取", "--kind", "other", "--channel", "pull", *AS, "--json")
    court = home.court
    with court.session() as session:
        lines = [json.dumps(list(row), default=str) for row in session.execute(text("SELECT * FROM audit"))]
    court.close()
    assert any("gongshi recipient add" in line for line in lines)
    assert not any(said.json["token"] in line for line in lines)
