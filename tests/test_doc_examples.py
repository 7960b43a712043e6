"""The commands in the guides for readers and units (```sh) are run as they stand, against real servers over a real home."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path

import pytest
from entries import a_person
from homes import Home

from search_index.day import SHANGHAI

ROOT = Path(__file__).resolve().parents[1]
BASIS = "联合惩戒实施意见第三条"

pytestmark = pytest.mark.long


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone."""
    return {}


@contextmanager
def serving(home: Home, what: str) -> Iterator[str]:
    """The address of `gongshi serve WHAT` over the home."""
    home.hear()
    clean = {name: value for name, value in os.environ.items() if not name.startswith("GONGSHI_")}
    with subprocess.Popen(
        [sys.executable, "-m", "gongshi", "serve", what, "--bind", "127.0.0.1:0"],
        env={**clean, "PYTHONPATH": str(ROOT), "GONGSHI_HOME": str(home.folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            told = server.stdout.readline()
            found = re.search(r"127\.0\.0\.1:(\d+)", told)
            assert found, told
            yield f"http://{found[0]}"
        finally:
            server.terminate()


def run_blocks(document: str, folder: Path, **settings: str) -> list[list[str]]:
    """What each command block of a document printed, line by line. They run one after the other, in one folder."""
    blocks = re.findall(r"^```sh\n(.*?)^```", (ROOT / "docs" / document).read_text("utf-8"), re.MULTILINE | re.DOTALL)
    printed = []
    for block in blocks:
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", block],
            cwd=folder,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **settings},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, ""), f"{block}\n{done.stdout}{done.stderr}"
        printed.append(done.stdout.splitlines())
    return printed


@pytest.fixture
def listed(home: Home) -> Home:
    """A home whose list has three entries, and one that left."""
    # The servers have the machine's clock.
    home.clock.moment = datetime.now(SHANGHAI)
    home.ask(
        "unit", "add", "housing", "--name", "住房局", "--push", "--releases", "--feedback", "--basis", BASIS,
        "--as", "reviewer",
    )  # fmt: skip
    home.publish(*(a_person(serial) for serial in (1, 2, 3, 4)))
    with home.court.store.snapshot(home.clock()) as snapshot:
        record = min(document.record for document in snapshot.all())
    home.ask("withdraw", record, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer")
    return home


def test_the_commands_of_the_guide_for_readers_work(listed: Home, tmp_path: Path) -> None:
    who = ("--name", "样例通讯社", "--contact", "0000-0000000", "--purpose", "核对商户")
    key = listed.ask("reader", "add", *who, "--as", "reviewer")["key"]
    listed.ask("publish")
    with ExitStack() as stack:
        site = stack.enter_context(serving(listed, "portal"))
        changes, snapshot, acked = run_blocks("open-data.md", tmp_path, SITE=site, KEY=key)
    assert [line.split()[:2] for line in changes] == [
        ["1", "published"], ["2", "published"], ["3", "published"], ["4", "published"], ["5", "gone"]
    ]  # fmt: skip
    assert (snapshot, acked) == (["5"], ["5"])


def test_the_commands_of_the_guide_for_units_work(listed: Home, tmp_path: Path) -> None:
    key = listed.ask("unit", "key", "add", "housing", "approval", "--as", "reviewer")["secret"]
    with ExitStack() as stack:
        units = stack.enter_context(serving(listed, "units"))
        changes, acked, compared = run_blocks("units.md", tmp_path, UNITS=units, KEY=key)
    assert len(changes) == 5
    assert changes[-1].startswith("5 gone SX-")
    assert acked[0] == "true"
    assert "5" in acked[1]
    assert compared[0] == "name_only"
    assert "仅供参考" in compared[1]
