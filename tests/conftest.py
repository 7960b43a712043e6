"""What tests start from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
import structlog
from hypothesis import settings
from sqlalchemy import create_engine, make_url, text

if TYPE_CHECKING:
    from homes import Home

# A busy machine is no failure: what an example may take is not what is tested.
settings.register_profile("gongshi", deadline=None)
settings.load_profile("gongshi")

DATABASES = ("registry", "disclosed", "notifier")


@pytest.fixture(autouse=True)
def own_log() -> Iterator[None]:
    """A command that sets up its log does so for its own test alone."""
    yield
    structlog.reset_defaults()


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def databases(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The settings that choose the databases: none for SQLite in the home, three fresh ones on PostgreSQL."""
    if request.param == "sqlite":
        yield {}
        return
    server = make_url(os.environ["GONGSHI_TEST_POSTGRES"])
    run = uuid4().hex[:12]
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    names = {part: f"gongshi_{part}_{run}" for part in DATABASES}
    with admin.connect() as connection:
        for name in names.values():
            connection.execute(text(f"CREATE DATABASE {name}"))
    yield {
        f"GONGSHI_{part.upper()}_URL": server.set(database=name).render_as_string(hide_password=False)
        for part, name in names.items()
    }
    with admin.connect() as connection:
        for name in names.values():
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.fixture
def home(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    databases: dict[str, str],
) -> Home:
    """An initialised home with a clerk, two reviewers and an auditor."""
    from homes import Clock, Home

    monkeypatch.setenv("GONGSHI_HOME", str(tmp_path / "home"))
    for part in DATABASES:
        monkeypatch.delenv(f"GONGSHI_{part.upper()}_URL", raising=False)
    for name, value in databases.items():
        monkeypatch.setenv(name, value)

    def capture() -> tuple[str, str]:
        said = capsys.readouterr()
        return said.out, said.err

    made = Home(tmp_path / "home", Clock(), capture, databases)
    made.ask("init")
    for name, role in (("clerk", "clerk"), ("reviewer", "reviewer"), ("second", "reviewer"), ("auditor", "auditor")):
        assert made.run("user", "add", name, "--role", role, typed="a-long-password\n").code == 0
    return made
