"""Homes for training: apart from real ones for good, nothing of them leaves the machine, and all that is shown says so."""

from __future__ import annotations

import io
import os
import re
import subprocess
import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from entries import a_person
from flask import Flask
from flask.testing import FlaskClient
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from seats import HOST, Seat

from gongshi.channels import open_channels, read_providers
from gongshi.desk import create_desk
from gongshi.gateway import create_gateway
from gongshi.office import open_office
from gongshi.settings import BadSetting
from gongshi.training import KindFixed, list_accounts, take_away_accounts
from gongshi.units import create_units
from notifier.channels import Dispatch, Letter
from notifier.institutions.addresses import BadAddress
from notifier.institutions.staying import check_staying
from notifier.states import MessageState
from portal.app import create_app
from search_index.profile import Profile

AS = ("--as", "reviewer")
MARKS = ("【演练", "演练环境", "（演练", "演练文书", "演练数据")
MAIL = ("--name", "测试广播电视台", "--kind", "television", "--channel", "mail")


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: the database makes no difference here."""
    return {}


# One kind for good ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["是", "否"])
def test_a_home_is_of_one_kind_from_its_first_record_on(home: Home, kind: str) -> None:
    other = {"是": "否", "否": "是"}[kind]
    for wished in (kind, other, kind):
        assert home.run("profile", "--set", f"training={wished}", *AS).code == 0
    home.ask("import", home.write("entries.jsonl", [a_person(1)]), "--as", "clerk")
    said = home.run("profile", "--set", f"training={other}", *AS)
    assert said.code == 2
    assert len(said.err.splitlines()) == 1
    assert "请另建一个" in said.err
    assert home.court.profile().training is (kind == "是")
    assert home.run("profile", "--set", f"training={kind}", "--set", "telephone=0000-1111111", *AS).code == 0


def test_a_home_made_for_training_stays_one_also_while_it_is_empty(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGSHI_HOME", str(tmp_path / "made"))
    court = home.court
    court.init(Profile(court="测试市人民法院", training=True))
    marker = tmp_path / "made" / "registry" / "training"
    assert marker.stat().st_mode & 0o777 == 0o600
    with pytest.raises(KindFixed, match="永远"):
        court.set_profile(replace(court.profile(), training=False), "admin")
    court.init()
    assert court.profile().training
    assert not (home.folder / "registry" / "training").exists()


# Nothing leaves -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("channel", "address", "options"),
    [
        ("mail", "news@tv.example.cn", ()),
        ("mail", "news@example.com.cn", ()),
        ("sftp", "sftp://court@files.example.cn/in", ("--option", "host_key=ssh-ed25519 AAAA")),
        ("webhook", "https://hooks.example.cn/in", ()),
        ("webhook", "https://127.0.0.1.example.cn/in", ()),
    ],
)
def test_no_recipient_beyond_this_machine_is_registered(
    home: Home, channel: str, address: str, options: tuple[str, ...]
) -> None:
    home.ask("profile", "--set", "training=是", *AS)
    what = ("--name", "测试单位", "--kind", "other", "--channel", channel, "--address", address, *options)
    said = home.run("recipient", "add", "away", *what, *AS)
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "演练的数据目录只能发往本机" in said.err


@pytest.mark.parametrize(
    "address",
    ["a@localhost", "a@tv.example", "a@x.test", "sftp://u@127.0.0.1:22/in", "http://localhost:9/x", "https://[::1]/x"],
)
def test_what_stays_may_be_reached(address: str) -> None:
    check_staying(address)


@given(st.from_regex(r"[a-z]{1,8}(\.[a-z]{2,6}){1,3}", fullmatch=True))
def test_a_name_that_somebody_may_have_is_never_reached(host: str) -> None:
    reserved = host.split(".")[-1] in {"example", "test", "invalid", "localhost"}
    if reserved or re.search(r"(^|\.)example\.(com|net|org)$", host):
        return
    for address in (f"a@{host}", f"sftp://u@{host}/in", f"https://{host}/x"):
        with pytest.raises(BadAddress, match="本机"):
            check_staying(address)


def test_who_was_registered_before_is_not_called_either(home: Home) -> None:
    assert home.run("recipient", "add", "tv", *MAIL, "--address", "news@tv.court.cn", *AS).code == 0
    webhook = ("--name", "测试平台", "--kind", "other", "--channel", "webhook", "--address", "https://hooks.court.cn/x")
    assert home.run("recipient", "add", "hook", *webhook, *AS).code == 0
    home.ask("profile", "--set", "training=是", *AS)
    court = home.court
    office = open_office(court)
    environ = {"GONGSHI_SMTP_URL": "smtp://127.0.0.1:9", "GONGSHI_MAIL_FROM": "court@court.example"}
    channels = open_channels(court, office, read_providers(court, office, environ))
    for slug, channel in (("tv", "mail"), ("hook", "webhook")):
        letter = Letter(subject="通知", text="正文", facts={})
        outcome = channels[channel].deliver(Dispatch(id="1", attempt=1, recipient=slug, address=None, content=letter))
        assert (outcome.state, "本机" in outcome.detail) == (MessageState.FAILED_PERMANENT, True)
    away = Dispatch(id="1", attempt=1, recipient="nobody", address="l@court.cn", content=letter)
    assert channels["mail"].deliver(away).state == MessageState.FAILED_PERMANENT
    assert home.run("recipient", "test", "hook").code == 1


@pytest.mark.parametrize(
    "name", ["GONGSHI_TWILIO_AUTH_TOKEN", "GONGSHI_ALIYUN_ACCESS_KEY_ID", "GONGSHI_WECHAT_APPID", "GONGSHI_SMTP_URL"]
)
def test_no_process_of_it_starts_with_what_is_real(home: Home, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    home.ask("profile", "--set", "training=是", *AS)
    value = "smtps://court:hidden@mail.court.cn" if name == "GONGSHI_SMTP_URL" else "hidden-value"
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("GONGSHI_MAIL_FROM", "court@mail.court.cn") if "SMTP" in name else None
    for arguments in (("worker", "--once"), ("serve", "gateway"), ("serve", "desk")):
        said = home.run(*arguments)
        assert (said.code, len(said.err.splitlines())) == (2, 1), said.err
        assert name in said.err
        assert "hidden" not in said.err
    if name != "GONGSHI_SMTP_URL":  # of mail the pages of units know nothing
        with pytest.raises(BadSetting, match=name):
            create_units(home.court)


@given(
    st.dictionaries(
        st.sampled_from(["GONGSHI_TWILIO_X", "GONGSHI_WECHAT_APPID", "GONGSHI_WITNESS_FOLDER", "PATH"]), st.text()
    )
)
def test_what_is_taken_away_is_gone_and_the_rest_stays(given_: dict[str, str]) -> None:
    environ = dict(given_)
    taken = take_away_accounts(environ)
    assert list_accounts(environ) == []
    assert environ.keys() | set(taken) == given_.keys()
    assert environ.get("PATH") == given_.get("PATH")


# Everything says so ---------------------------------------------------------------------------------------------------


def is_marked(content: bytes, *, machine: bool) -> bool:
    """Whether the words of an answer or a file say that it is an exercise."""
    if content.startswith(b"%PDF"):
        return "演练" in read_pdf(content)
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            return any(is_marked(parts.read(name), machine=False) for name in parts.namelist())
    words = content.decode("utf-8", "ignore") + content.decode("gb18030", "ignore")
    field = machine and re.search(r'"training": ?(true|\{)', words) is not None
    return field or any(mark in words for mark in MARKS)


def read_pdf(content: bytes) -> str:
    """The words of a PDF, by Poppler."""
    done = subprocess.run(["pdftotext", "-", "-"], input=content, capture_output=True, check=True)
    return done.stdout.decode()


def ask_all(
    app: Flask, client: FlaskClient, values: Mapping[str, str], done: Collection[str] = ()
) -> Iterator[tuple[str, bytes, bool]]:
    """Every address that can be read, but those that were, and what was answered; what sends elsewhere, or tells nothing,
    is left out."""
    for rule in app.url_map.iter_rules():
        address = re.sub(r"<(?:[^:<>]*:)?(\w+)>", lambda found: values.get(found[1], "1"), rule.rule)
        if "GET" not in (rule.methods or ()) or rule.endpoint.endswith("static") or address in done:
            continue
        answer = client.get(address, base_url=HOST)
        if answer.status_code == 200 or (answer.status_code in (404, 410) and answer.mimetype == "text/html"):
            yield address, answer.data, "json" in answer.mimetype


PUBLIC = ("/", "/search", "/feed.json", "/api/v1/entries", "/stats", "/display/led", "/manifest.webmanifest")
TOLD = (".csv", ".txt", ".xlsx", ".docx", ".json", ".jsonl")
# They tell of the list nothing at all.
SILENT = {"/healthz", "/readyz", "/robots.txt", "/sw.js", "/display/mark.json"}


def find_lacking(clients: Sequence[tuple[Flask, FlaskClient]], values: Mapping[str, str]) -> dict[str, bytes]:
    """The addresses that do not say what they are, and how their answers begin."""
    lacking: dict[str, bytes] = {}
    done: dict[int, set[str]] = {}
    for app, client in clients:
        seen = done.setdefault(id(app), set())
        for address, content, machine in ask_all(app, client, values, seen):
            seen.add(address)
            if address not in SILENT and not is_marked(content, machine=machine):
                lacking[address] = content[:80]
    return lacking


@pytest.mark.long
def test_what_the_public_and_the_court_see_says_it_is_an_exercise(home: Home) -> None:
    home.ask("profile", "--set", "training=是", *AS)
    home.publish(a_person(1))
    court = home.court
    with court.store.snapshot(home.clock()) as snapshot:
        values = {"record": snapshot.newest(1)[0].record}
    portal, desk, gateway = create_app(home.public_settings, home.clock), create_desk(court), create_gateway(court)
    reviewer = desk.test_client()
    assert Seat(reviewer).sign_in("reviewer").status_code == 303
    clients = [(portal, portal.test_client()), (gateway, gateway.test_client()), (desk, reviewer)]
    assert find_lacking(clients, values) == {}
    portal.close()


def test_nothing_of_a_real_home_is_taken_for_an_exercise(home: Home) -> None:
    home.publish(a_person(1))
    portal = create_app(home.public_settings, home.clock)
    for address in PUBLIC:
        answer = portal.test_client().get(address, base_url=HOST)
        assert (answer.status_code, is_marked(answer.data, machine=True)) == (200, False), address
        assert b"training" not in re.sub(rb'class="[^"]*"', b"", answer.data), address
    portal.close()


@pytest.mark.soak
def test_every_page_and_file_of_what_the_command_makes_says_so(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The command sets up the environment of its own process.
    for name in ("HOME", "PUBLIC_URL", "GATEWAY_URL", "QUIET_HOURS"):
        monkeypatch.setenv(f"GONGSHI_{name}", os.environ.get(f"GONGSHI_{name}", ""))
    folder = tmp_path / "training"
    made = home.ask("training", "--entries", "20", "--home", folder)
    assert home.run("training", "--home", folder).code == 2
    who = {one["role"]: (one["name"], one["password"]) for one in made["accounts"]}
    assert home.run("profile", "--set", "training=否", "--as", who["系统管理员"][0]).code == 2
    court = home.court
    with court.store.snapshot(home.clock()) as snapshot:
        values = {"record": snapshot.newest(1)[0].record, "form": "pdf", "period": "2026Q3"}
    portal = create_app(replace(home, folder=folder).public_settings, home.clock)
    desk, units = create_desk(court), create_units(court)
    clients = [(portal, portal.test_client())]
    for app, role in ((desk, "审核人"), (desk, "审计员"), (desk, "系统管理员"), (units, "测试市自然资源局")):
        client = app.test_client()
        name, password = who[role]
        typed = {"secret" if app is units else "password": password}
        assert Seat(client).submit("/signin", "/signin", name=name, **typed).status_code == 303
        clients.append((app, client))
    assert find_lacking(clients, values) == {}
    files = [path for path in (folder / "notifier" / "packages").rglob("*") if path.suffix in TOLD]
    assert files
    for path in files:
        assert "演练" in path.name or is_marked(path.read_bytes(), machine=True), path.name
    portal.close()
