"""What tests start from."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from flask import Flask
from hypothesis import settings
from jinja2.bccache import Bucket, BytecodeCache
from spreading import make_scheduler, put_longest_first

if TYPE_CHECKING:
    from homes import Home

# Tests read workbooks, too, and may be the first to load what the product loads without lxml.
os.environ["OPENPYXL_LXML"] = "False"
# A busy machine is no failure: what an example may take is not what is tested.
settings.register_profile("gongshi", deadline=None)
settings.load_profile("gongshi")

STAFF = (("clerk", "clerk"), ("reviewer", "reviewer"), ("second", "reviewer"), ("auditor", "auditor"))


class KeptTemplates(BytecodeCache):
    """Templates compiled once a process, and not for every application that a test makes."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


Flask.jinja_options = {"bytecode_cache": KeptTemplates()}


@pytest.hookimpl(trylast=True)  # after what shuffles them
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    put_longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    return make_scheduler(config, log)


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command that sets up its log does so for its own test alone."""
    yield
    structlog.reset_defaults()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def databases(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The settings that choose the databases: none for SQLite in the home, three fresh ones on PostgreSQL; copies of
    those of a founded home where the test has one."""
    from fresh import fresh_databases

    founds = request.param == "postgres" and "home" in request.fixturenames
    founded = request.getfixturevalue("founded_on_postgres") if founds else None
    with fresh_databases(request.param, like=founded.databases if founded else None) as urls:
        yield urls


@pytest.fixture(scope="session")
def founded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with its staff, to be copied: founding one (its keys, its databases, four passwords) takes a second."""
    return found(tmp_path_factory.mktemp("founded") / "home", {})


@dataclass(frozen=True)
class Founded:
    """A home to be copied, and the addresses of its databases, to be copied, too."""

    folder: Path
    databases: dict[str, str]


@pytest.fixture(scope="session")
def founded_on_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Founded]:
    """The same on PostgreSQL."""
    from fresh import fresh_databases

    with fresh_databases("postgres") as urls:
        yield Founded(found(tmp_path_factory.mktemp("founded") / "home", urls), urls)


def found(folder: Path, databases: dict[str, str]) -> Path:
    """Initialise a home with a clerk, two reviewers and an auditor."""
    from fresh import PARTS
    from homes import Clock, Home

    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(out):
        patch.setenv("GONGSHI_HOME", str(folder))
        for part in PARTS:
            patch.delenv(f"GONGSHI_{part.upper()}_URL", raising=False)
        for name, value in databases.items():
            patch.setenv(name, value)
        _hire(Home(folder, Clock(), lambda: ("", out.getvalue())))
    structlog.reset_defaults()
    return folder


def _hire(home: Home) -> None:
    from sqlalchemy import update

    from registry.tables import StaffRow

    assert home.run("init").code == 0
    for name, role in STAFF:
        assert home.run("user", "add", name, "--role", role, typed="a-long-password\n").code == 0
    court = home.court
    with court.session() as session:
        # As if each had signed in and kept the password as their own.
        session.execute(update(StaffRow).values(password_changed_at=court.now))
    court.close()


@pytest.fixture
def home(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    databases: dict[str, str],
    request: pytest.FixtureRequest,
) -> Iterator[Home]:
    """An initialised home with a clerk, two reviewers and an auditor."""
    from fresh import PARTS
    from homes import Clock, Home

    monkeypatch.setenv("GONGSHI_HOME", str(tmp_path / "home"))
    for part in PARTS:
        monkeypatch.delenv(f"GONGSHI_{part.upper()}_URL", raising=False)
    for name, value in databases.items():
        monkeypatch.setenv(name, value)

    def capture() -> tuple[str, str]:
        said = capsys.readouterr()
        return said.out, said.err

    made = Home(tmp_path / "home", Clock(), capture, databases)
    founded = request.getfixturevalue("founded_on_postgres").folder if databases else request.getfixturevalue("founded")
    # The folder may be there already, as a disk of its own.
    shutil.copytree(founded, made.folder, symlinks=True, dirs_exist_ok=True)
    yield made
    made.close()
