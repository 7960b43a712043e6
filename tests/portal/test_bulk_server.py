"""The list in bulk over a real connection: what breaks off is seen to, and those who wait keep nobody out."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPConnection, IncompleteRead
from pathlib import Path

import pytest
from bulk_follower import read_snapshot
from portal_world import COMPANY, PERSON, World
from test_bulk import grant

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def world(tmp_path: Path) -> World:
    world = World(tmp_path / "public", now=datetime.now(UTC))
    world.is_indexed = False
    # More than the connection holds: the server cannot be done before the client reads.
    words = "偿还借款。" * 300
    world.publish(*(replace(PERSON, name=f"样例{n}", obligation=words) for n in range(8_000)))
    return world


@pytest.fixture
def port(world: World) -> Iterator[int]:
    command = [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", "127.0.0.1:0", "--workers", "1"]
    environment = {**os.environ, "GONGSHI_HOME": str(world.folder.parent), "GONGSHI_RATE_LIMIT": "off"}
    environment.pop("GONGSHI_DISCLOSED_URL", None)
    log = world.folder.parent / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as server,
    ):
        try:
            assert server.stdout is not None
            found = re.search(r":(\d+)", server.stdout.readline())
            assert found, log.read_text()
            yield int(found[1])
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


def ask(port: int, path: str, key: dict[str, str]) -> tuple[int, bytes]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=key)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


@pytest.mark.parametrize("path", ["/api/v1/snapshot", "/api/v1/entries.csv"])
def test_a_list_that_breaks_off_is_seen_to_be_broken(world: World, port: int, path: str) -> None:
    key = grant(world)
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers=key)
    answer = connection.getresponse()
    assert (answer.status, answer.headers["Transfer-Encoding"]) == (200, "chunked")
    start = answer.read(10_000)
    store = world.folder / "disclosed.db"
    store.rename(store.with_suffix(".away"))
    with pytest.raises(IncompleteRead) as caught:
        answer.read()
    store.with_suffix(".away").rename(store)
    answer.close()
    connection.close()
    content = start + caught.value.partial
    assert b'"type":"end"' not in content
    assert b"#END" not in content
    assert b"Traceback" not in content
    assert "暂时".encode() not in content
    status, whole = ask(port, path, key)
    assert status == 200
    assert b"8000" in whole.splitlines()[-1]
    log = (world.folder.parent / "log").read_text()
    assert "RegisterUnavailable" in log
    assert "样例" not in log
    assert "gsr_" not in log


def test_those_who_wait_keep_nobody_out(world: World, port: int) -> None:
    key = grant(world)
    head = world.sequence
    with ThreadPoolExecutor(8) as pool:
        started = time.monotonic()
        waiting = [pool.submit(ask, port, f"/api/v1/changes?since={head}&wait=30", key) for _ in range(6)]
        time.sleep(0.5)
        for _ in range(5):
            assert ask(port, "/healthz", {})[0] == 200
        assert time.monotonic() - started < 4
        # All but one were answered at once.
        assert sum(one.done() for one in waiting) == 5
        changed = time.monotonic()
        world.publish(COMPANY)
        told = [json.loads(one.result()[1])["changes"] for one in waiting]
        assert time.monotonic() - changed < 2
        assert sorted(len(changes) for changes in told) == [0] * 5 + [1]


def test_a_snapshot_does_not_wait_for_a_long_poll_and_goes_on_beside_a_slow_reader(world: World, port: int) -> None:
    key = grant(world)
    with ThreadPoolExecutor(2) as pool:
        waiting = pool.submit(ask, port, f"/api/v1/changes?since={world.sequence}&wait=30", key)
        time.sleep(0.5)
        started = time.monotonic()
        status, content = ask(port, "/api/v1/snapshot", key)
        assert status == 200
        assert len(read_snapshot(content)[1]) == 8_000
        assert time.monotonic() - started < 10
        assert json.loads(waiting.result()[1])["changes"] == []
    slow = HTTPConnection("127.0.0.1", port, timeout=60)
    slow.request("GET", "/api/v1/snapshot", headers=key)
    answer = slow.getresponse()
    answer.read(1)
    assert ask(port, "/api/v1/entries.csv", key)[0] == 503
    assert ask(port, f"/api/v1/changes?since={world.sequence}", key)[0] == 200
    # A departure is committed, and seen, while somebody reads as slowly as this.
    (gone,) = world.publish(COMPANY)
    world.withdraw(gone.record)
    assert ask(port, f"/api/v1/entries/{gone.record}", {})[0] == 410
    rest = answer.read()
    assert gone.record.encode() not in rest
    slow.close()
    assert ask(port, "/api/v1/entries.csv", key)[0] == 200
