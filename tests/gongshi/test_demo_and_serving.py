"""The demonstration, and the portal as a process that knows nothing of the private side."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

ROOT = Path(__file__).resolve().parents[2]
# A portal on another machine: the private packages are not there, and neither is their half of the home.
PORTAL_ALONE = """
import sys
for private in ("registry", "notifier"):
    sys.modules[private] = None
from gongshi.cli import run
sys.exit(run(["serve", "portal", "--bind", sys.argv[1]]))
"""


def environ(**changes: str) -> dict[str, str]:
    clean = {key: value for key, value in os.environ.items() if not key.startswith("GONGSHI_")}
    return {**clean, "PYTHONPATH": str(ROOT), **changes}


def demo(folder: Path, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gongshi", "demo", "--no-serve", *arguments]
    return subprocess.run(command, cwd=folder, env=environ(**changes), capture_output=True, text=True, timeout=120)


def get(address: str) -> tuple[int, str]:
    try:
        with urlopen(address, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_the_demonstration_is_what_it_says_and_the_portal_serves_it_alone(tmp_path: Path) -> None:
    done = demo(tmp_path, "--entries", "60")
    assert done.returncode == 0, done.stdout + done.stderr
    shown, gone = re.findall(r"/entries/(SX-\w{8})", done.stdout)[:2]
    home = tmp_path / "demo-home"
    (home / "registry").rename(tmp_path / "registry")
    (home / "notifier").rename(tmp_path / "notifier")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    portal = subprocess.Popen(
        [sys.executable, "-c", PORTAL_ALONE, bind],
        env=environ(GONGSHI_HOME=str(home)), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        assert portal.stdout is not None
        assert portal.stdout.readline() == f"公示网站已就绪：http://{bind}\n"
        status, page = get(f"http://{bind}/entries/{shown}")
        assert status == 200
        assert "演练" in page
        assert get(f"http://{bind}/entries/{gone}")[0] == 410
        assert get(f"http://{bind}/api/v1/entries?q=%E6%9D%8E")[0] == 200
    finally:
        portal.terminate()
        portal.wait()
        portal.stdout.close()


def test_the_demonstration_touches_no_home_but_its_own(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    precious = tmp_path / "real" / "registry.db"
    precious.write_text("x")
    done = demo(tmp_path, GONGSHI_HOME=str(tmp_path / "real"))
    assert done.returncode == 2
    assert precious.read_text() == "x"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.0.0.1:99999", ":80", "nonsense"])
def test_an_address_that_is_none_is_one_line(tmp_path: Path, bind: str) -> None:
    command = [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", bind]
    done = subprocess.run(command, cwd=tmp_path, env=environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_desk_without_sign_in_listens_to_this_machine_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gongshi", "serve", "desk", "--bind", "0.0.0.0:8001"]
    done = subprocess.run(command, cwd=tmp_path, env=environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "127.0.0.1" in done.stderr


def test_a_port_that_is_taken_ends_the_portal_and_says_so(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        bind = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", bind]
        done = subprocess.run(command, cwd=tmp_path, env=environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode != 0
    assert bind.split(":")[1] in done.stderr
