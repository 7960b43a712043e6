"""The portal shut in: under the systemd unit that is shipped it does all its work, and whoever takes it over gets nowhere."""

from __future__ import annotations

import io
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from entries import a_person, an_organisation
from homes import Home
from intruder import DONE
from service_manager import PORTAL_USER, UNIT, Manager, read_unit, service_manager, wait_until
from sqlalchemy import URL, create_engine, make_url, select, text
from sqlalchemy.exc import DBAPIError
from werkzeug.datastructures import FileStorage, MultiDict
from werkzeug.test import encode_multipart

from gongshi.clock import system_now
from portal.app import create_app
from portal.settings import PortalSettings
from registry.acting import SYSTEM
from registry.collecting import collect_submissions
from registry.matters.content import read_content
from registry.papers import open_scanner
from registry.tables import MatterRow

ROOT = Path(__file__).parents[2]
PORTAL = "gongshi-portal.service"
INTRUDER = "intruder.service"
ON_FILES = pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
MOST_EXPOSED = 5  # tenths: systemd calls anything below 2.0 safe


@pytest.mark.parametrize("bind", ["unix:portal.sock", "unix:/nowhere/portal.sock", "unix:/dev/null"])
def test_a_socket_file_that_cannot_be_is_one_line(bind: str) -> None:
    done = serve("portal", bind)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr


@pytest.mark.long
def test_the_desk_without_sign_in_listens_to_no_socket_file(tmp_path: Path) -> None:
    done = serve("desk", f"unix:{tmp_path}/desk.sock")
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr


@ON_FILES
def test_who_asks_through_a_socket_file_chooses_neither_its_address_nor_the_path_of_the_site(home: Home) -> None:
    home.hear()
    bind = f"{home.folder}/portal.sock"
    command = [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", f"unix:{bind}"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as portal:
        try:
            assert portal.stdout is not None
            portal.stdout.readline()
            moved = ask_socket(bind, "/about", "SCRIPT_NAME: /elsewhere", "Script-Name: /elsewhere")
            assert moved.startswith(b"HTTP/1.1 200")
            assert b"elsewhere" not in moved
            answers = {ask_socket(bind, "/search", f"X-Forwarded-For: 192.0.2.{n}")[9:12] for n in range(130)}
            assert answers == {b"200", b"429"}
        finally:
            portal.terminate()


def ask_socket(bind: str, path: str, *headers: str) -> bytes:
    """The whole answer to a request with `headers` through a socket file."""
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(bind)
        lines = [f"GET {path} HTTP/1.1", "Host: a", "Connection: close", *headers, "", ""]
        asking.sendall("\r\n".join(lines).encode())
        return b"".join(iter(lambda: asking.recv(65_536), b""))


def serve(what: str, bind: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gongshi", "serve", what, "--bind", bind]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)


@pytest.mark.separation
def test_systemd_rates_the_unit_safe() -> None:
    assert rate(UNIT.read_text(), MOST_EXPOSED).returncode == 0
    loose = "\n".join(line for line in read_unit().splitlines() if not line.startswith("SystemCallFilter"))
    assert rate(loose, MOST_EXPOSED).returncode != 0


def rate(unit: str, most: int) -> subprocess.CompletedProcess[str]:
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={most}"]
    path = Path(f"/tmp/gongshi-rated-{uuid4().hex}.service")
    path.write_text(unit, encoding="utf-8")
    try:
        return subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60)
    finally:
        path.unlink()


@contextmanager
def intruder(home: Home, unit: str, *places: str) -> Iterator[dict[str, Any]]:
    """What an intruder can do that runs under `unit` in the place of the portal; it looks for folders that it can write
    in everywhere, or in `places`."""
    drop = home.folder / "public" / "drop"
    (drop / "theirs").write_text("x")
    abstract = uuid4().hex
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as other:
        other.bind(f"\0{abstract}")
        other.listen()
        script = "/opt/gongshi/current/checkout/tests/assurance/intruder.py"
        given = " ".join([str(server.getsockname()[1]), abstract, *places])
        lines = [line for line in unit.splitlines() if not line.startswith(("ExecStart=", "Restart"))]
        place = lines.index("[Service]") + 1
        lines[place:place] = [
            "Type=oneshot",
            f"ExecStart=/opt/gongshi/current/venv/bin/python {script} {given}",
            "StandardOutput=append:/run/told",
        ]
        with service_manager(home.folder, {INTRUDER: "\n".join(lines)}) as manager:
            manager.control("start", INTRUDER)
            told = (manager.base / "run/told").read_text()
            yield json.loads(told.splitlines()[-1])


@pytest.mark.separation
@ON_FILES
def test_whoever_takes_the_portal_over_can_read_the_public_half_and_drop_a_file(home: Home) -> None:
    with intruder(home, read_unit()) as told:
        attempts = told["attempts"]
        assert attempts.pop("drop a file") == DONE
        assert attempts.pop("make a file in its own /tmp") == DONE
        assert {name for name, end in attempts.items() if end == DONE} == set()
        assert set(told["status"]["Uid"].split()) == {str(PORTAL_USER)}
        assert {int(told["status"][name], 16) for name in told["status"] if name.startswith("Cap")} == {0}
        assert (told["status"]["NoNewPrivs"], told["status"]["Seccomp"]) == ("1", "2")
        assert set(told["writable"]) == WRITABLE
        dropped = {path.stat().st_uid for path in (home.folder / "public" / "drop").glob("intruder-*")}
        assert dropped == {PORTAL_USER}


# The folders where something is dropped, the folder of its socket, and what is its own and goes with it.
WRITABLE = {
    "/var/lib/gongshi/public/drop",
    "/var/lib/gongshi/public/emergency",
    "/run/gongshi-portal",
    "/tmp",
    "/var/tmp",
    "/dev/mqueue",
}


@pytest.mark.separation
@ON_FILES
def test_each_of_the_intruders_attempts_succeeds_where_nothing_is_shut(home: Home) -> None:
    with intruder(home, "[Service]\n", "/run", "/var/lib/gongshi") as told:
        assert {name: end for name, end in told["attempts"].items() if end != DONE} == {}
        assert {"/run/lock", "/var/lib/gongshi/public/index", "/var/lib/gongshi/registry/keys"} <= set(told["writable"])


@contextmanager
def portal_of(home: Home, **environ: str) -> Iterator[Manager]:
    """The portal under its unit. `environ` is told to it beside what the unit says."""
    known = {"GONGSHI_RATE_LIMIT": "off", **environ}
    with service_manager(home.folder, {PORTAL: read_unit()}, known, socket_folder(home)) as manager:
        manager.start_portal()
        yield manager


def socket_folder(home: Home) -> Path | None:
    """Where the PostgreSQL of a home listens, if it has one."""
    url = home.databases.get("GONGSHI_DISCLOSED_URL")
    return Path(str(make_url(url).query["host"])) if url else None


def on_the_other_side(url: str, **changes: str) -> str:
    """The address of a database as it is inside the sandbox."""
    there = make_url(url).set(**changes).update_query_dict({"host": "/run/postgresql"})
    return there.render_as_string(hide_password=False)


@pytest.mark.separation
@ON_FILES
def test_every_route_answers_in_the_sandbox_as_it_does_outside(home: Home) -> None:
    home.clock.moment = system_now()
    home.publish(*(a_person(serial, name=f"甲测试{serial}") for serial in range(1, 30)), an_organisation(40))
    with portal_of(home) as manager:
        compared = compare_with_outside(home, manager)
        assert len(compared) >= 15
        assert {status for _, status in compared} >= {200, 404, 405, 410}


def compare_with_outside(home: Home, manager: Manager) -> set[tuple[str, int]]:
    """Ask every route with every method, inside and outside; the routes and how they answered."""
    told = dict(line.split("=", 1) for line in re.findall(r"^Environment=(GONGSHI_.*)$", read_unit(), re.M))
    told |= {"GONGSHI_HOME": str(home.folder), "GONGSHI_RATE_LIMIT": "off"}
    app = create_app(PortalSettings.from_environment(told), system_now)
    client = app.test_client()
    entries = client.get("/api/v1/entries").json["entries"]  # type: ignore[index]
    gone, known = entries[0]["record"], entries[1]["record"]
    home.ask("withdraw", gone, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
    compared = set()
    for path in sorted(paths_of(app, (known, gone, "SX-00000000"))):
        for method in ("GET", "HEAD", "DELETE"):
            inside, outside = manager.get(path, method), client.open(path, method=method)
            assert inside.status == outside.status_code, (method, path, inside.body[:300])
            assert inside.headers.get("ETag") == outside.headers.get("ETag"), path
            compared.add((path, inside.status))
    app.close()
    return compared


def paths_of(app: Any, records: tuple[str, ...]) -> Iterator[str]:
    """An address for each rule that the application knows, for each record where it takes one, and one that is none."""
    assets = ("gongshi.css", "none.css")
    for rule in app.url_map.iter_rules():
        for value in assets if "filename" in rule.arguments else records if rule.arguments else ("",):
            yield str(rule.build(dict.fromkeys(rule.arguments, value))[1])
    yield from ("/nowhere", f"/search?q={quote('甲测试')}", "/api/v1/entries?q=zzz&page=2")


@pytest.mark.separation
def test_what_is_decided_inside_is_seen_at_once_through_the_sandbox_and_after_a_restart(home: Home) -> None:
    home.clock.moment = system_now()
    home.publish(a_person(1, name="甲测试"))
    with ExitStack() as stack:
        environ = {}
        if url := home.databases.get("GONGSHI_DISCLOSED_URL"):
            environ["GONGSHI_DISCLOSED_URL"] = on_the_other_side(url, username=stack.enter_context(role_of(home)))
        manager = stack.enter_context(portal_of(home, **environ))
        assert names_in(manager) == ["甲测试"]
        home.publish(a_person(2, name="乙测试"), name="more.jsonl")
        assert sorted(names_in(manager)) == ["乙测试", "甲测试"]
        record = record_of(manager, "乙测试")
        home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
        assert names_in(manager) == ["甲测试"]
        assert manager.get(f"/entries/{record}").status == 410
        home.ask("index", "rebuild", "--replay")
        assert names_in(manager) == ["甲测试"]
        manager.start_portal("restart")
        assert names_in(manager) == ["甲测试"]
        os.kill(manager.main_pid(), 9)
        wait_until(lambda: manager.restarts() == 1 and manager.answers())
        assert names_in(manager) == ["甲测试"]


@pytest.mark.separation
@ON_FILES
def test_what_is_sent_in_through_the_sandbox_lies_sealed_and_only_the_court_opens_it(home: Home) -> None:
    home.clock.moment = system_now()
    home.publish(a_person(1))
    words = "绝密理由" * 50
    paper = b"%PDF-1.4 " + words.encode() * 2_000
    fields = {"claim": "other", "reference": "（2025）测0101执1号", "words": words, "role": "self", "who": words[:90]}
    with portal_of(home) as manager:
        page = manager.get("/objections/new").body.decode()
        token = re.search(r'name="token" value="([^"]+)"', page)
        assert token is not None
        given = MultiDict({**fields, "phone": "000-00000000", "token": token[1]})
        given["papers"] = FileStorage(io.BytesIO(paper), "凭证.pdf", "papers", "application/pdf")
        boundary, body = encode_multipart(given)
        kind = f"multipart/form-data; boundary={boundary}"
        # Refused as long as no person could have filled it in.
        wait_until(lambda: manager.get("/objections/new", "POST", body, Content_Type=kind).status == 200)
        (sealed,) = (home.folder / "public" / "drop").iterdir()
        assert sealed.stat().st_uid == PORTAL_USER
        process = Path("/proc") / str(manager.main_pid()) / "root"
        seen = [home.folder, *(process / place.lstrip("/") for place in WRITABLE), manager.base / "run"]
        files = [path for place in seen for path in place.rglob("*") if path.is_file() and not path.is_symlink()]
        assert sealed in files
        assert [path for path in files if words.encode()[:60] in path.read_bytes()] == []
    court = home.court
    assert collect_submissions(court, court.acting(SYSTEM), scan=open_scanner("")).taken == 1
    assert not sealed.exists()
    with court.session() as session:
        (matter,) = session.scalars(select(MatterRow))
        assert read_content(matter, court.vault).words == words
    court.close()


def entries_of(manager: Manager) -> list[dict[str, Any]]:
    answer = manager.get("/api/v1/entries")
    assert answer.status == 200, (manager.base / "run/said").read_text()
    entries: list[dict[str, Any]] = json.loads(answer.body)["entries"]
    return entries


def names_in(manager: Manager) -> list[str]:
    return [entry["name"] for entry in entries_of(manager)]


def record_of(manager: Manager, name: str) -> str:
    (record,) = (entry["record"] for entry in entries_of(manager) if entry["name"] == name)
    return str(record)


@pytest.mark.postgres
@pytest.mark.parametrize("databases", [pytest.param("postgres")], indirect=True)
def test_the_portals_role_may_read_the_disclosed_store_and_nothing_else(home: Home) -> None:
    home.publish(a_person(1, name="甲测试"))
    with role_of(home) as role:
        url = str(as_role(home, "disclosed", role))
        app = create_app(replace(home.public_settings, disclosed_url=url), home.clock)
        client = app.test_client()
        (entry,) = client.get("/api/v1/entries?q=甲测试").json["entries"]  # type: ignore[index]
        home.publish(a_person(2, name="乙测试"), name="more.jsonl")
        home.ask("withdraw", entry["record"], "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
        home.ask("index", "rebuild", "--replay")
        assert client.get(f"/entries/{entry['record']}").status_code == 410
        for path in paths_of(app, (entry["record"],)):
            assert client.get(path).status_code < 500, path
        app.close()
        assert {statement: end for statement, end in attempts_of(home, role) if end not in REFUSED} == {}


@pytest.mark.postgres
@pytest.mark.parametrize("databases", [pytest.param("postgres")], indirect=True)
def test_what_the_portals_role_is_refused_is_done_for_the_owner(home: Home) -> None:
    home.publish(a_person(1))
    ends = dict(attempts_of(home, None))
    assert {statement: end for statement, end in ends.items() if end != DONE} == {}


# insufficient privilege; a read-only transaction; a way in that is shut.
REFUSED = {"42501", "25006", "connect"}
STATEMENTS = (
    "INSERT INTO tombstone VALUES ('SX-00000000', 1, 'x')",
    "UPDATE document SET body = body",
    "DELETE FROM document",
    "TRUNCATE change",
    "SELECT * FROM document FOR UPDATE",
    "CREATE TABLE own (a int)",
    "CREATE TEMPORARY TABLE own (a int)",
    "CREATE SCHEMA own",
    "CREATE FUNCTION own() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE own_role_of_the_portal",
    "ALTER TABLE document ADD COLUMN own int",
    "DROP TABLE document",
    "SELECT lo_create(0)",
    "SELECT lo_from_bytea(0, 'x')",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT pg_ls_dir('.')",
    "SELECT rolpassword FROM pg_authid",
    "SELECT * FROM pg_statistic",
    "COPY document TO '/dev/null'",
    "COPY (SELECT 1) TO PROGRAM 'cat >/dev/null'",
    "CREATE EXTENSION pageinspect",
    "SET SESSION AUTHORIZATION postgres",
)


def attempts_of(home: Home, role: str | None) -> Iterator[tuple[str, str]]:
    """Each statement with how it ended, tried in a transaction that may write and is rolled back; and each database."""
    engine = create_engine(as_role(home, "disclosed", role))
    for statement in STATEMENTS:
        with engine.connect() as connection:
            try:
                connection.exec_driver_sql("SET TRANSACTION READ WRITE")
                connection.exec_driver_sql(statement)
                yield statement, DONE
            except DBAPIError as error:
                yield statement, str(getattr(error.orig, "sqlstate", None) or "connect")
            finally:
                connection.rollback()
    engine.dispose()
    for part in ("registry", "notifier"):
        other = create_engine(as_role(home, part, role))
        try:
            with other.connect():
                yield f"connect to {part}", DONE
        except DBAPIError:
            yield f"connect to {part}", "connect"
        other.dispose()


def as_role(home: Home, part: str, role: str | None) -> URL:
    url = make_url(home.databases[f"GONGSHI_{part.upper()}_URL"])
    return url.set(username=role) if role else url


@contextmanager
def role_of(home: Home) -> Iterator[str]:
    """A role made by the script that is shipped, run twice."""
    role = f"gongshi_portal_{uuid4().hex[:12]}"
    names = {
        part: make_url(home.databases[f"GONGSHI_{part.upper()}_URL"]) for part in ("registry", "notifier", "disclosed")
    }
    disclosed = names["disclosed"]
    given = {
        "owner": disclosed.username,
        "portal": role,
        **{part: names[part].database for part in ("registry", "notifier")},
    }
    settings = [word for name, value in given.items() for word in ("-v", f"{name}={value}")]
    server = ["-h", str(disclosed.query["host"]), "-U", str(disclosed.username), "-d", str(disclosed.database)]
    for _ in range(2):
        command = [
            "psql",
            "-X",
            "-q",
            "-v",
            "ON_ERROR_STOP=1",
            *settings,
            *server,
            "-f",
            str(ROOT / "deploy/portal-role.sql"),
        ]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
    try:
        yield role
    finally:
        admin = create_engine(disclosed, isolation_level="AUTOCOMMIT")
        with admin.connect() as connection:
            connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{role}'"))
            connection.execute(text(f"DROP OWNED BY {role}"))
            for part in ("registry", "notifier"):
                connection.execute(text(f"REVOKE ALL ON DATABASE {names[part].database} FROM {role}"))
            connection.execute(text(f"DROP ROLE {role}"))
        admin.dispose()
