"""What the product brings with it calls nobody: no name is looked up, no address tried, and nothing left outside the home."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.separation

_ROOT = Path(__file__).parents[2]
_ALONE = Path(__file__).with_name("alone.py")
_CALLING = """
import socket
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as one:
        try:
            one.connect(("198.51.100.1", 443))
        except OSError:
            pass
try:
    socket.getaddrinfo("telemetry.example", 443)
except OSError:
    pass
"""


def run_alone(folder: Path, *arguments: str, ports: Sequence[int] = ()) -> dict[str, Any]:
    """Run Python with these arguments where nobody can be reached; whom it tried to reach, and what it left outside of the
    folder `there`, in which it was started."""
    for name in ("there", "home", "tmp"):
        (folder / name).mkdir()
    environ = {key: value for key, value in os.environ.items() if not key.startswith("GONGSHI_")}
    done = subprocess.run(
        [
            "setpriv", "--pdeathsig", "KILL", "unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
            sys.executable, str(_ALONE), str(folder), json.dumps([sys.executable, *arguments]), json.dumps(ports),
        ],
        cwd=folder / "there",
        env={**environ, "HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    left = sorted(str(path.relative_to(folder)) for name in ("home", "tmp") for path in (folder / name).rglob("*"))
    return {**json.loads(done.stdout), "left": left}


def test_whoever_calls_somebody_is_heard(tmp_path: Path) -> None:
    told = run_alone(tmp_path, "-c", _CALLING)
    assert set(told["asked"]) == {"telemetry.example"}
    assert told["unroutable"] >= 2


def test_the_whole_product_calls_nobody_and_leaves_nothing_outside_its_home(tmp_path: Path) -> None:
    told = run_alone(tmp_path, "-m", "gongshi", "demo", "--entries", "60", ports=[8000, 8001, 8002, 8003])
    assert told["code"] == 0
    assert told["answers"] == [200, 200, 404, 200]
    assert (told["asked"], told["unroutable"], told["left"]) == ([], 0, [])
