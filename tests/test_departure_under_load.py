"""A departure is invisible to every client when its command returns, while an import runs and readers read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from entries import a_person

NOBODY = 65534
READERS = 4
TESTS = Path(__file__).parent


@dataclass
class Ground:
    """A home on disk, worked with by real processes."""

    environ: dict[str, str]
    folder: Path
    port: int = 0
    failures: list[str] = field(default_factory=list)

    def run(self, *arguments: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "gongshi", *arguments, "--json"], env=self.environ, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()


@contextmanager
def _ground(databases: dict[str, str], user: int, published: int) -> Iterator[Ground]:
    with TemporaryDirectory(prefix="gongshi-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        environ = {**os.environ, "GONGSHI_HOME": str(folder / "home"), "GONGSHI_RATE_LIMIT": "off", **databases}
        environ["PYTHONPATH"] = str(TESTS.parent)
        ground = Ground(environ, folder)
        ground.run("init")
        for staff, role in (("clerk", "clerk"), ("reviewer", "reviewer")):
            subprocess.run(
                [sys.executable, "-m", "gongshi", "user", "add", staff, "--role", role],
                env=environ, input="a-long-password\n", text=True, check=True, capture_output=True,
            )  # fmt: skip
        file = folder / "published.jsonl"
        people = (a_person(serial, name=f"甲测试{_han(serial)}") for serial in range(1, published + 1))
        file.write_text("".join(json.dumps(person, ensure_ascii=False) + "\n" for person in people), encoding="utf-8")
        batch = ground.run("import", str(file), "--as", "clerk")["batch"]
        ground.run("approve", str(batch), "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions")
        ground.run("publish")
        portal = subprocess.Popen(
            [sys.executable, str(TESTS / "portal_as.py"), str(user)], env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        stack.callback(portal.wait)
        stack.callback(portal.terminate)
        assert portal.stdout is not None
        stack.callback(portal.stdout.close)
        ground.port = int(portal.stdout.readline())
        yield ground


def _han(serial: int) -> str:
    return "".join(chr(0x4E00 + 40 * int(digit)) for digit in f"{serial:04d}")


def _take_down_under_load(ground: Ground, published: int, imported: int, departures: int) -> list[float]:
    """Withdraw entries while an import and readers are at work; the seconds each command took."""
    ground.run("generate", str(imported), "--out", str(ground.folder / "bulk.jsonl"), "--seed", "1")
    bulk = subprocess.Popen(
        [sys.executable, "-m", "gongshi", "import", str(ground.folder / "bulk.jsonl"), "--as", "clerk", "--json"],
        env=ground.environ, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    stop = threading.Event()
    readers = [threading.Thread(target=_read, args=(ground, stop, published)) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    took, running = [], 0
    for serial in range(1, departures + 1):
        _, page = ground.get(f"/api/v1/entries?q={quote('甲测试' + _han(serial))}")
        (entry,) = json.loads(page)["entries"]
        running += bulk.poll() is None
        began = time.monotonic()
        ground.run("withdraw", entry["record"], "--ground", "wrongly_listed", "--basis", "执异", "--as", "reviewer")
        took.append(time.monotonic() - began)
        _assert_gone(ground, entry, published - serial)
    stop.set()
    for reader in readers:
        reader.join()
    out, _ = bulk.communicate()
    assert json.loads(out)["accepted"] == imported
    assert running, "the import was over before anything departed: nothing was proven"
    assert not ground.failures, ground.failures[:3]
    return took


def _read(ground: Ground, stop: threading.Event, published: int) -> None:
    turn = 0
    while not stop.is_set():
        turn += 1
        path = ("/search?q=" + quote("甲测试"), f"/api/v1/entries?page={turn % 5 + 1}", "/")[turn % 3]
        status, body = ground.get(path)
        if status != 200:
            ground.failures.append(f"{path}: {status} {body[:200]}")


def _assert_gone(ground: Ground, entry: dict[str, Any], left: int) -> None:
    record, name = entry["record"], entry["name"]
    for path in (f"/entries/{record}", f"/api/v1/entries/{record}"):
        status, body = ground.get(path)
        assert status == 410, path
        assert name not in body
    _, found = ground.get(f"/api/v1/entries?q={quote(name)}")
    assert json.loads(found)["meta"]["total"] == 0
    _, everything = ground.get("/api/v1/entries")
    assert json.loads(everything)["meta"]["total"] == left
    assert record not in everything


@pytest.mark.soak
def test_departures_while_an_import_and_readers_are_at_work() -> None:
    with _ground({}, user=0, published=60) as ground:
        _take_down_under_load(ground, published=60, imported=2000, departures=2)


@pytest.mark.separation
@pytest.mark.parametrize("imported", [30_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_departures_seen_by_a_portal_of_another_user_during_an_import(imported: int) -> None:
    assert os.geteuid() == 0, "only root can become another user"
    with _ground({}, user=NOBODY, published=500) as ground:
        took = _take_down_under_load(ground, published=500, imported=imported, departures=max(4, imported // 8_000))
    sys.stderr.write(
        f"\nwithdraw under load, SQLite: median {sorted(took)[len(took) // 2]:.1f} s, worst {max(took):.1f} s\n"
    )


@pytest.mark.parametrize("imported", [8_000, pytest.param(100_000, marks=pytest.mark.soak)])
@pytest.mark.parametrize("databases", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_departures_on_postgresql_during_an_import(databases: dict[str, str], imported: int) -> None:
    with _ground(databases, user=0, published=500) as ground:
        took = _take_down_under_load(ground, published=500, imported=imported, departures=max(2, imported // 8_000))
    sys.stderr.write(
        f"\nwithdraw under load, PostgreSQL: median {sorted(took)[len(took) // 2]:.1f} s, worst {max(took):.1f} s\n"
    )
