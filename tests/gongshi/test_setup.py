"""What `gongshi setup` makes of its answers, and what it leaves alone."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from homes import Said
from hypothesis import given
from hypothesis import strategies as st

from gongshi.cli import run
from gongshi.installing.answers import BadAnswer, read_answers, write_answers
from gongshi.installing.composing import SERVICES, compose, enabled_units
from gongshi.installing.writing import Fate, judge, read_templates
from search_index.modes import make_aside, make_private, open_private

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = read_templates(ROOT / "deploy")
LEAST: dict[str, Any] = {"court": "测试市测试区人民法院", "public_name": "list.example", "tls": "none"}
PUBLIC: dict[str, Any] = {"side": "public", "public_name": "list.example", "tls": "none", "journal_key": "ab 12"}
WHOLE: dict[str, Any] = {
    **LEAST,
    "tls": "own",
    "certificate": "/etc/ssl/list.crt",
    "certificate_key": "/etc/ssl/list.key",
    "desk_name": "desk.court.internal",
    "units_name": "units.court.internal",
    "gateway_name": "notify.example",
    "witness_folder": "/srv/witness",
    "smtp_url": "smtps://u:p%2F@mail.example:465",
    "mail_from": "gongshi@mail.example",
    "recipients": [{"slug": "tv", "name": "测试市“广播”电视台", "kind": "television", "channel": "pull"}],
}


@pytest.fixture
def setup(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    """`gongshi setup WORDS`, with `typed` on standard input."""

    def work(*words: object, typed: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", StringIO(typed))
        code = run(["setup", *(str(word) for word in words)])
        return Said(code, *capsys.readouterr())

    return work


def files_of(given: dict[str, Any], *, ipv6: bool = True) -> dict[str, str]:
    return {file.path: file.content for file in compose(read_answers(given), TEMPLATES, ipv6=ipv6)}


@pytest.mark.parametrize("given", [LEAST, WHOLE])
def test_no_place_of_a_template_is_left_open_and_every_secret_is_in_one_file(given: dict[str, Any]) -> None:
    planned = compose(read_answers(given), TEMPLATES, ipv6=False)
    for file in planned:
        assert "@LISTEN" not in file.content, file.path
        assert "@NAME@" not in file.content, file.path
        assert "@TLS@" not in file.content, file.path
        assert ("p%2F" in file.content) <= (file.path == "/etc/gongshi/providers.env")
        assert file.mode == 0o600 if file.path.startswith("/etc/gongshi/") else file.mode in (0o644, 0o755)
    assert "[::]" not in "".join(file.content for file in planned if "nginx" in file.path)


def test_the_portal_is_told_nothing_of_the_private_side() -> None:
    files = files_of(WHOLE)
    names = {
        line.partition("=")[0] for line in files["/etc/gongshi/portal.env"].splitlines() if not line.startswith("#")
    }
    assert names == {"GONGSHI_PUBLIC_URL", "GONGSHI_TRUSTED_PROXIES"}
    unit = files["/etc/systemd/system/gongshi-portal.service"]
    assert "common.env" not in unit
    assert "providers.env" not in unit
    for name in SERVICES:
        users = [
            line for line in files[f"/etc/systemd/system/gongshi-{name}.service"].splitlines() if "User=gongshi" in line
        ]
        assert users == [f"User=gongshi-{name}"]


def test_a_portal_that_is_fed_by_files_has_nothing_of_the_private_side() -> None:
    files = files_of(PUBLIC)
    units = {path.rsplit("/", 1)[-1] for path in files if path.startswith("/etc/systemd/system/")}
    assert units == set(enabled_units(read_answers(PUBLIC))) == {"gongshi-portal.service", "gongshi-journal.service"}
    assert "gongshi-registry" not in files["/etc/tmpfiles.d/gongshi.conf"]
    settings = files["/etc/gongshi/common.env"] + files["/etc/gongshi/providers.env"]
    assert [line for line in settings.splitlines() if line[0] != "#"] == ["GONGSHI_JOURNAL_KEY='ab 12'"]
    one_way = files_of({**PUBLIC, "one_way": "yes"})["/etc/systemd/system/gongshi-journal.service.d/setup.conf"]
    assert "--submissions" not in one_way


def test_files_for_an_isolated_portal_go_out_by_the_worker_and_come_back_by_a_timer() -> None:
    given = {**LEAST, "journal_export_folder": "/srv/outgoing"}
    files = files_of(given)
    assert "ReadWritePaths=-/srv/outgoing" in files["/etc/systemd/system/gongshi-worker.service.d/setup.conf"]
    assert "/etc/systemd/system/gongshi-receive.service" in files
    assert "gongshi-receive.timer" in enabled_units(read_answers(given))
    assert "/etc/systemd/system/gongshi-receive.service" not in files_of(LEAST)


def test_a_site_without_a_name_is_not_offered() -> None:
    files = files_of(LEAST)
    assert {path for path in files if "nginx" in path} == {
        "/etc/nginx/conf.d/gongshi-00-common.conf",
        "/etc/nginx/conf.d/gongshi-portal.conf",
    }
    assert "gongshi-gateway.service" not in enabled_units(read_answers(LEAST))
    assert "gongshi-desk.service" in enabled_units(read_answers(LEAST))
    assert "ssl" not in files["/etc/nginx/conf.d/gongshi-portal.conf"]


def test_only_the_inner_network_comes_to_the_desk() -> None:
    sites = {path.rsplit("-", 1)[-1]: text for path, text in files_of(WHOLE).items() if "conf.d/gongshi-" in path}
    assert "deny all;" in sites["desk.conf"]
    assert "deny all;" not in sites["portal.conf"]
    for name in ("portal", "desk", "units", "gateway"):
        assert "error_log" in sites[f"{name}.conf"]
        assert sites[f"{name}.conf"].count("log gongshi;") == 2
        assert "return 301 https://" in sites[f"{name}.conf"]


def test_by_hand_settings_are_read_and_never_run_and_the_newest_whole_release_upgrades(tmp_path: Path) -> None:
    etc, releases, trap = tmp_path / "etc", tmp_path / "releases", tmp_path / "trap"
    etc.mkdir()
    (etc / "common.env").write_text(
        f'# 手工\nGONGSHI_A=\'甲 $HOME `x` "\'\nGONGSHI_B=a b&touch {trap}\nGONGSHI_C=$(touch {trap})\nPATH=/none\nGONGSHI_D="d"'
    )
    for number, whole in (("0.9.0", True), ("0.10.0", True), ("0.11.0", False)):
        program = releases / number / "venv/bin/gongshi"
        program.parent.mkdir(parents=True)
        program.write_text(f'#!/bin/sh\necho {number} "$@"\nenv\n')
        program.chmod(0o755)
        if whole:
            (releases / number / ".complete").touch()
    script = TEMPLATES["gongshi"].replace("/etc/gongshi", str(etc)).replace("/opt/gongshi/releases", str(releases))
    script = script.replace('"$(id -u)"', "0")
    done = subprocess.run(["sh", "-c", script, "gongshi", "upgrade", "--check"], capture_output=True, text=True)
    assert done.stdout.splitlines()[0] == "0.10.0 upgrade --check", done.stderr
    for line in (
        'GONGSHI_A=甲 $HOME `x` "',
        f"GONGSHI_B=a b&touch {trap}",
        f"GONGSHI_C=$(touch {trap})",
        "GONGSHI_D=d",
    ):
        assert line in done.stdout.splitlines()
    assert not trap.exists()


@pytest.mark.separation
def test_nginx_writes_no_search_word_down_while_the_portal_is_stopped(tmp_path: Path) -> None:
    files, log = files_of(LEAST, ipv6=False), tmp_path / "log"
    log.mkdir()
    site = files["/etc/nginx/conf.d/gongshi-portal.conf"].replace("/var/log/gongshi", str(log))
    site = site.replace("listen 80;", f"listen unix:{tmp_path}/front;").replace("/run/gongshi-portal", str(tmp_path))
    temporary = "".join(
        f"{kind}_temp_path {tmp_path};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    shared = files["/etc/nginx/conf.d/gongshi-00-common.conf"]
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"pid {tmp_path}/pid; error_log {log}/main.log emerg; daemon off; master_process off;"
        f"events {{}} http {{ {temporary} {shared} {site} }}"
    )
    with subprocess.Popen(["nginx", "-c", str(configuration), "-p", str(tmp_path)], stderr=subprocess.DEVNULL) as nginx:
        try:
            end = time.monotonic() + 30
            while not (tmp_path / "front").exists():
                assert time.monotonic() < end
                time.sleep(0.01)
            with socket.socket(socket.AF_UNIX) as browser:
                browser.connect(str(tmp_path / "front"))
                browser.sendall(b"GET /search?q=zhangsan HTTP/1.0\r\nHost: list.example\r\n\r\n")
                assert b"HTTP/1.1 " in browser.recv(4096)
        finally:
            nginx.terminate()
    assert "GET" in (log / "portal.log").read_text()
    assert "zhangsan" not in "".join(path.read_text() for path in log.iterdir())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("court", ""),
        ("public_name", "https://list.example"),
        ("public_name", "list.example; include /etc/passwd"),
        ("desk_name", "list.example"),
        ("tls", "maybe"),
        ("tls", "own"),
        ("tls", "acme"),
        ("witness_folder", "/var/lib/gongshi/registry"),
        ("backup_folder", "/srv/../var/lib/gongshi"),
        ("inner_networks", "all; allow all"),
        ("inner_networks", "999.1.1.1/999"),
        ("inner_networks", "..."),
        ("backup_folder", "/var//lib/gongshi/registry"),
        ("backup_folder", "/home"),
        ("backup_folder", "/etc"),
        ("backup_folder", "/var/backups"),
        ("backup_folder", "/root/copies"),
        ("backup_folder", "/var/lib/gongshi-returned"),
        ("witness_folder", "/var/backups/gongshi"),
        ("journal_export_folder", "/var/backups/gongshi/out"),
        ("court", "  "),
        ("court", "法院\u2028"),
        ("court", "\udcb7\udca8"),
        ("administrator", " "),
        ("recipients", [{"slug": "tv", "name": "甲", "kind": "television", "channel": "pull"}] * 2),
        ("commission_number", "函'\nGONGSHI_SENDING=x"),
        ("certificate", "/a b"),
        ("alarm_mail", "nobody"),
        ("nonsense", "x"),
        ("court", 7),
        ("recipients", [{"slug": "tv"}]),
        ("recipients", "tv"),
    ],
)
def test_an_answer_that_cannot_be_used_is_one_line(key: str, value: Any) -> None:
    with pytest.raises(BadAnswer) as refused:
        read_answers({**LEAST, key: value})
    assert "\n" not in str(refused.value)


@given(
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"], exclude_characters="'"),
        min_size=1,
    ).map(str.strip)
)
def test_what_is_written_down_of_the_answers_is_read_again_as_it_was(text: str) -> None:
    given = {**WHOLE, "address": text, "court": text or "-"}
    answers = read_answers(given)
    again = read_answers({**tomllib.loads(write_answers(answers)), "smtp_url": given["smtp_url"]})
    assert again == answers


def test_what_becomes_of_a_file() -> None:
    (file, *_) = compose(read_answers(LEAST), TEMPLATES, ipv6=False)
    ours = "6da43b944e494e885e69af021f93c6d9331c78aa228084711429160a5bbd15b5"  # sha256 of b"old"
    assert judge(file, None, None).fate is Fate.NEW
    assert judge(file, file.content.encode(), None).fate is Fate.SAME
    assert judge(file, b"changed", ours).fate is Fate.KEPT
    assert judge(file, b"changed", ours).target == f"{file.path}.new"


def write(path: Path, given: dict[str, Any]) -> Path:
    path.write_text(write_answers(read_answers(given)), encoding="utf-8")
    return path


def test_below_a_prefix_it_writes_files_keeps_what_was_changed_and_says_what_it_would_do(
    setup: Callable[..., Said], tmp_path: Path
) -> None:
    given = {key: value for key, value in WHOLE.items() if key not in ("smtp_url", "mail_from")}
    root, answers = tmp_path / "image", write(tmp_path / "answers.toml", given)
    words = ("--root", root, "--answers", answers)
    assert {one["fate"] for one in setup(*words, "--check", "--json").json["changes"]} == {"new"}
    assert not root.exists()
    assert setup(*words).code == 0
    assert (root / "etc/gongshi/providers.env").stat().st_mode & 0o777 == 0o600
    assert {one["fate"] for one in setup(*words, "--check", "--json").json["changes"]} == {"same"}
    site = root / "etc/nginx/conf.d/gongshi-portal.conf"
    site.write_text("# by hand\n")
    write(answers, {**given, "public_name": "other.example"})
    assert setup(*words).code == 0
    assert site.read_text() == "# by hand\n"
    assert "other.example" in site.with_name("gongshi-portal.conf.new").read_text()
    assert "other.example" in (root / "etc/gongshi/portal.env").read_text()
    assert json.loads((root / "etc/gongshi/.installed.json").read_text())


def test_the_questions_ask_again_for_what_cannot_be_used(setup: Callable[..., Said], tmp_path: Path) -> None:
    first = ["", "测试市测试区人民法院", "", "", "", "", "https://wrong", "list.example", "", "", "", "none"]
    typed = [*first, *[""] * 9]
    said = setup("--root", tmp_path / "image", typed="".join(f"{line}\n" for line in typed))
    assert said.code == 0, said.err
    assert "应为小写的主机名" in said.err
    assert "GONGSHI_PUBLIC_URL='http://list.example'" in (tmp_path / "image/etc/gongshi/portal.env").read_text()


def test_a_bad_mail_server_is_refused_before_anything_is_written(setup: Callable[..., Said], tmp_path: Path) -> None:
    answers = tmp_path / "answers.toml"
    answers.write_text(write_answers(read_answers(LEAST)) + 'smtp_url = "http://secret@host"\n', encoding="utf-8")
    said = setup("--root", tmp_path / "image", "--answers", answers)
    assert said.code == 2
    assert "GONGSHI_SMTP_URL" in said.err
    assert "secret" not in said.err
    assert not (tmp_path / "image").exists()


@pytest.mark.parametrize(("given", "said"), [({"policy": "xx"}, "national"), (PUBLIC, "64 位")])
def test_what_a_later_step_would_refuse_is_refused_before_anything_is_written(
    setup: Callable[..., Said], tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    answers = write(tmp_path / "answers.toml", {**LEAST, **given})
    refused = setup("--root", tmp_path / "image", "--answers", answers)
    assert refused.code == 2
    assert said in refused.err
    assert not (tmp_path / "image").exists()


def test_files_saved_in_another_encoding_are_told_by_name(setup: Callable[..., Said], tmp_path: Path) -> None:
    words = ("--root", tmp_path / "image", "--answers", write(tmp_path / "answers.toml", LEAST))
    assert setup(*words).code == 0
    etc = tmp_path / "image/etc/gongshi"
    (etc / "answers.toml").write_bytes('court = "法院"'.encode("gb18030"))
    assert setup(*words, "--check").code == 0
    (etc / "providers.env").write_bytes("# 手工\n".encode("gb18030"))
    refused = setup(*words, "--check")
    assert refused.code == 2
    assert "providers.env 不是 UTF-8 编码" in refused.err


@pytest.mark.parametrize(("folder_mode", "file_mode", "below"), [(0o700, 0o600, 0o700), (0o2770, 0o660, 0o2770)])
def test_what_is_made_in_a_home_is_its_groups_where_the_folder_says_so(
    tmp_path: Path, folder_mode: int, file_mode: int, below: int
) -> None:
    before = os.umask(0o077)
    try:
        tmp_path.chmod(folder_mode)
        os.close(open_private(tmp_path / "file", os.O_WRONLY | os.O_CREAT | os.O_EXCL))
        make_private(tmp_path / "folder")
        aside = make_aside(".making-", tmp_path)
    finally:
        os.umask(before)
    assert (tmp_path / "file").stat().st_mode & 0o7777 == file_mode
    assert (tmp_path / "folder").stat().st_mode & 0o7777 == below
    assert aside.stat().st_mode & 0o7777 == below
