"""From the bundle to a running court on a fresh Debian 12 without a network, by the words of docs/operations.md."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from threading import Thread

import pytest
from machine import Machine, boot, make_tree
from service_manager import wait_until

from gongshi.installing.certificates import make_certificate
from search_index.day import SHANGHAI

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("portal", "desk", "gateway", "units", "worker")
MOST_EXPOSED = 30  # tenths
MOST_TYPED = 15
# The document's names of sites, and whose certificate each shows.
OWN, INNER = "/etc/ssl/court/list.crt", "/etc/gongshi/tls/inner.crt"
SITES = {"list.example": OWN, "notify.example": OWN, "desk.court.internal": INNER, "units.court.internal": INNER}

pytestmark = [
    pytest.mark.long,
    pytest.mark.separation,
]


def read_install() -> tuple[list[str], str]:
    """The commands of the section Install, as they are typed, and its file of answers."""
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    section = text.partition("\n## Install\n")[2].partition("\n### ")[0]
    blocks = re.findall(r"^```(\w*)\n(.*?)^```", section, re.M | re.S)
    commands = [line.removeprefix("# ") for kind, body in blocks if not kind for line in body.splitlines()]
    (answers,) = (body for kind, body in blocks if kind == "toml")
    return commands, answers


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """The machine, installed and started."""
    folder = tmp_path_factory.mktemp("machine")
    folder.chmod(0o755)
    tree, told = folder / "tree", []

    def make_bundle() -> None:
        if ready := os.environ.get("GONGSHI_TEST_BUNDLE"):
            shutil.copytree(ready, folder / "dist")
            return
        command = [ROOT / "tools/make_bundle.sh", folder / "dist"]
        told.append(subprocess.run(command, capture_output=True, text=True, timeout=600))

    bundling = Thread(target=make_bundle)
    bundling.start()
    make_tree(tree)
    bundling.join()
    assert all(done.returncode == 0 for done in told), told
    for path in (folder / "dist").iterdir():
        shutil.move(path, tree / "root" / path.name)
    prepare_certificate(tree)
    with boot(tree) as running:
        install(running)
        yield running


def prepare_certificate(tree: Path) -> None:
    """What the court brings: a certificate for its public names."""
    made = make_certificate(["list.example", "notify.example"], datetime.now(SHANGHAI))
    (tree / OWN[1:]).parent.mkdir(parents=True)
    (tree / OWN[1:]).write_bytes(made.certificate)
    (tree / OWN[1:]).with_suffix(".key").write_bytes(made.key)


def install(machine: Machine) -> None:
    commands, answers = read_install()
    assert "password" not in tomllib.loads(answers)
    (machine.root / "root/answers.toml").write_text(answers, encoding="utf-8")
    for command in commands:
        if command.startswith("apt-get "):
            machine.typed.append(command)  # There is no mirror here: the tree was made with them.
        elif command == "gongshi setup":
            # 1: systemd does not run here, which it says.
            told = machine.administer("gongshi setup --answers answers.toml", ends=[1])
            assert "初始口令" in told
            assert "没有运行 systemd" in told
        else:
            machine.administer(command)
    machine.start(*(f"gongshi-{name}.service" for name in SERVICES))
    machine.run("nginx")


def test_an_administrator_types_little(machine: Machine) -> None:
    assert len(machine.typed) <= MOST_TYPED


def test_https_answers_under_every_name_with_the_right_headers_and_nothing_else_does(machine: Machine) -> None:
    asked = [("list.example", "/", OWN), ("list.example", "/readyz", OWN), ("notify.example", "/healthz", OWN),
             ("desk.court.internal", "/signin", INNER), ("units.court.internal", "/", INNER)]  # fmt: skip
    site, ready, gateway, desk, units = machine.ask(*asked)
    assert [one.status for one in (site, ready, gateway, desk)] == [200, 200, 200, 200], (site, ready, gateway, desk)
    assert units.status in (200, 302, 303)
    for one in (site, gateway, desk, units):
        assert one.headers["strict-transport-security"].startswith("max-age=31536000")
        assert "server" not in one.headers or one.headers["server"] == "nginx"
    assert "测试市测试区人民法院" in site.text
    assert "default-src 'none'" in site.headers["content-security-policy"]
    assert 'type="password"' in desk.text
    plain, stranger, mixed = machine.ask(
        ("list.example", "/search?q=x", ""), ("other.example", "/", OWN), ("desk.court.internal", "/signin", OWN)
    )
    assert (plain.status, plain.headers["location"]) == (301, "https://list.example/search?q=x")
    assert (stranger.status, mixed.status) == (0, 0)


def test_neither_portal_nor_gateway_sees_the_registry(machine: Machine) -> None:
    registry, notifier = "/var/lib/gongshi/registry", "/var/lib/gongshi/notifier"
    for user, places in {"portal": (registry, notifier), "gateway": (registry,), "units": (notifier,)}.items():
        for place in places:
            if user == "units":
                # Its unit shuts it out of what its groups do not, too.
                assert f"InaccessiblePaths={notifier}" in unit_of(machine, user)
            said = machine.run(f"runuser -u gongshi-{user} -- ls {place}", fails=True)
            assert "Permission denied" in said
    machine.run(f"runuser -u gongshi-gateway -- stat {registry}/keys/master.key", fails=True)
    machine.run("runuser -u gongshi-portal -- cat /etc/gongshi/common.env", fails=True)
    machine.run("runuser -u gongshi-gateway -- test -r /var/lib/gongshi/notifier/notifier.db")


def unit_of(machine: Machine, name: str) -> str:
    return (machine.root / f"etc/systemd/system/gongshi-{name}.service").read_text()


def test_five_users_work_on_one_home_and_none_locks_another_out(machine: Machine) -> None:
    for name, role in (("clerk", "clerk"), ("reviewer", "reviewer"), ("second", "reviewer")):
        machine.gongshi("user", "add", name, "--role", role, typed=f"long enough for {name}\n")
    machine.run("gongshi generate 12 --out /tmp/list.jsonl --seed 3")
    # What was made by hand the desk's user approves, the worker publishes, and the units' user may write beside.
    batch = machine.gongshi("import", "/tmp/list.jsonl", "--as", "clerk")["batch"]
    machine.gongshi(
        "approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions", user="gongshi-desk"
    )
    machine.gongshi("publish", user="gongshi-worker")
    machine.gongshi("user", "disable", "second", user="gongshi-units")
    (answer,) = machine.ask(("list.example", "/api/v1/entries", OWN))
    records = re.findall(r"SX-\w{8}", answer.text)
    assert len(set(records)) >= 5
    users = ("gongshi-desk", "")
    for record, user in zip(dict.fromkeys(records), users, strict=False):
        words = ("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
        machine.gongshi(*words, user=user)
        assert [one.status for one in machine.ask(("list.example", f"/entries/{record}", OWN))] == [410]
    machine.gongshi("index", "rebuild", "--replay", user="gongshi-worker")
    assert machine.gongshi("index", "verify")["differences"] in (0, [])


def test_the_worker_beats_and_the_doctor_finds_nothing_broken(machine: Machine) -> None:
    def beats() -> bool:
        findings = machine.gongshi("doctor")["findings"]
        assert isinstance(findings, list)
        assert [one for one in findings if one["grade"] == "fail"] == []
        return any(one["matter"] == "后台工作进程" and one["grade"] == "ok" for one in findings)

    wait_until(beats, 90)
    assert all(process.poll() is None for process in machine.started.values())


def test_the_timers_commands_work(machine: Machine) -> None:
    machine.run("gongshi recovery make --as 系统管理员")
    machine.run_unit("gongshi-backup.service")
    (backup,) = (machine.root / "var/backups/gongshi").glob("*.gsb")
    assert backup.stat().st_mode & 0o077 == 0


def test_what_passed_through_the_web_server_left_no_search_word(machine: Machine) -> None:
    machine.ask(("list.example", "/search?q=WANTEDNAME", OWN), ("notify.example", "/pull/WANTEDNAME", OWN))
    logs = "".join(path.read_text() for path in (machine.root / "var/log/gongshi").iterdir())
    assert "GET 200" in logs
    assert "WANTEDNAME" not in logs
    said = "".join((machine.root / f"gongshi-{name}.service.log").read_text() for name in SERVICES)
    assert "WANTEDNAME" not in said


def test_setup_again_changes_nothing_and_keeps_what_was_changed_by_hand(machine: Machine) -> None:
    again = "gongshi setup --answers /root/answers.toml"
    assert "没有要改动的文件" in machine.run(f"{again} --check")
    site = machine.root / "etc/nginx/conf.d/gongshi-portal.conf"
    site.write_text(site.read_text() + "# by hand\n")
    # Whoever has worked as root leaves files that the court's users cannot open.
    machine.run("touch /var/lib/gongshi/registry/as-root && chmod 600 /var/lib/gongshi/registry/as-root")
    machine.run(f"{again} || test $? = 1")
    assert site.read_text().endswith("# by hand\n")
    assert (site.parent / "gongshi-portal.conf.new").exists()
    machine.run("runuser -u gongshi-worker -- test -w /var/lib/gongshi/registry/as-root")
    machine.run("nginx -t -q")


@pytest.mark.parametrize("unit", sorted(path.name for path in (ROOT / "deploy").glob("*.service")))
def test_every_unit_is_shut_in(unit: str) -> None:
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={MOST_EXPOSED}"]
    done = subprocess.run([*command, str(ROOT / "deploy" / unit)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout[-500:]
