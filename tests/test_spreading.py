"""What a module's tests set up together is set up once, however many workers there are: it once was not, and nobody was told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from spreading import LONGEST, name_unit

HERE = Path(__file__).resolve().parent
MODULE = """
import pytest, pathlib

@pytest.fixture(scope="module")
def shared():
    with (pathlib.Path(__file__).parent / "set-up").open("a") as file:
        file.write(f"{__name__}\\n")

@pytest.mark.parametrize("number", range(20))
def test_it(shared, number):
    pass
"""
CONFTEST = """
import pytest
from spreading import make_scheduler

def pytest_xdist_make_scheduler(config, log):
    return make_scheduler(config, log)
"""


def test_tests_are_done_by_module_and_by_database() -> None:
    assert name_unit("tests/a/test_b.py::test_c[sqlite-1]") == "tests/a/test_b.py"
    assert name_unit("tests/a/test_b.py::test_postgres") == "tests/a/test_b.py"
    assert name_unit("tests/a/test_b.py::test_c[1-small-postgres]") == "tests/a/test_b.py-postgres"


def test_the_longest_modules_exist() -> None:
    there = {path.stem for path in HERE.rglob("test_*.py")}
    assert [name for name in LONGEST if name not in there] == []


@pytest.mark.long
def test_several_workers_set_a_module_up_once(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name in ("one", "two", "three"):
        (tmp_path / f"test_{name}.py").write_text(MODULE)
    options = (
        "-n",
        "3",
        "--dist",
        "loadgroup",
        "-q",
        "-p",
        "no:randomly",
        "-p",
        "no:schemathesis",
        "-p",
        "no:cacheprovider",
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "-c", "/dev/null", "--rootdir", str(tmp_path), "."],
        cwd=tmp_path, env={"PYTHONPATH": str(HERE)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "60 passed" in done.stdout, done.stdout + done.stderr
    assert sorted((tmp_path / "set-up").read_text().split()) == ["test_one", "test_three", "test_two"]
