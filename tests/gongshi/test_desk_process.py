"""The desk as a process of its own: where it listens, and that its workers share what they know of who guesses."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from registry.desk.credentials import FAILURES

ROOT = Path(__file__).resolve().parents[2]
NAME = "desk.court.internal"

pytestmark = pytest.mark.long


def environ(home: Path, **changes: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GONGSHI_")}
    return {**clean, "PYTHONPATH": str(ROOT), "GONGSHI_HOME": str(home), **changes}


def command(what: str, bind: str) -> list[str]:
    return [sys.executable, "-m", "gongshi", "serve", what, "--bind", bind]


@contextmanager
def served(home: Path, bind: str, **changes: str) -> Iterator[list[str]]:
    """A desk that runs; the lines that it began with."""
    process = subprocess.Popen(
        command("desk", bind),
        env=environ(home, **changes),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        lines = [process.stdout.readline().strip()]
        if changes:
            lines.append(process.stdout.readline().strip())
        yield lines
    finally:
        process.terminate()
        process.wait()
        process.stdout.close()


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture
def own_home(founded: Path, tmp_path: Path) -> Path:
    shutil.copytree(founded, tmp_path / "home", symlinks=True)
    return tmp_path / "home"


@pytest.mark.parametrize(("what", "setting"), [("desk", "GONGSHI_DESK_HOSTS"), ("units", "GONGSHI_UNITS_HOSTS")])
def test_other_machines_are_not_listened_to_before_it_is_said_under_which_name(
    own_home: Path, what: str, setting: str
) -> None:
    done = subprocess.run(
        command(what, f"0.0.0.0:{free_port()}"), env=environ(own_home), capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1)
    assert setting in done.stderr
    assert "TLS" in done.stderr


def sign_in(client: httpx.Client, password: str) -> httpx.Response:
    page = client.get("/signin").text
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    return client.post("/signin", data={"token": token[1], "name": "clerk", "password": password})


def test_a_desk_that_others_reach_says_what_must_stand_in_front_and_its_workers_count_together(own_home: Path) -> None:
    port = free_port()
    with served(own_home, f"0.0.0.0:{port}", GONGSHI_DESK_HOSTS=NAME) as lines:
        assert lines[0].startswith("内部页面已就绪")
        assert f"https://{NAME}" in lines[1]
        # As the proxy on this machine passes it on.
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, timeout=60) as client:
            assert client.get("/signin", headers={"Host": "other.internal"}).status_code == 400
            secure = client.get("/signin", headers={"Host": NAME}).headers["Set-Cookie"]
            assert secure.startswith("__Host-")
            assert "Secure" in secure
        # Each attempt is a browser and a connection of its own, and so falls to either of the two workers.
        for _ in range(FAILURES):
            with httpx.Client(base_url=base, timeout=60) as client:
                assert sign_in(client, "a-wrong-password").status_code == 400
        with httpx.Client(base_url=base, timeout=60) as client:
            assert sign_in(client, "a-long-password").status_code == 400
