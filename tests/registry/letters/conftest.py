"""A court with a record that the public sees, and one that it may not see."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest
import structlog
from builders_letters import RESTRICTED, Office
from entries import a_person
from fresh import PARTS
from homes import Clock, Home

_ENTRIES = (a_person(1, **RESTRICTED), a_person(2, name="丁测试"))


@pytest.fixture(scope="session")
def peopled(founded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with both records, to be copied."""
    folder = tmp_path_factory.mktemp("peopled") / "home"
    shutil.copytree(founded, folder, symlinks=True)
    out = io.StringIO()

    def capture() -> tuple[str, str]:
        said = out.getvalue()
        out.seek(0)
        out.truncate()
        return said, ""

    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(io.StringIO()):
        patch.setenv("GONGSHI_HOME", str(folder))
        for part in PARTS:
            patch.delenv(f"GONGSHI_{part.upper()}_URL", raising=False)
        Home(folder, Clock(), capture).publish(*_ENTRIES)
    structlog.reset_defaults()
    return folder


@pytest.fixture
def office(home: Home, peopled: Path) -> Iterator[Office]:
    """Record 1 is restricted (依法不宜公开), record 2 is public."""
    if home.databases:
        home.publish(*_ENTRIES)
    else:
        shutil.rmtree(home.folder)
        shutil.copytree(peopled, home.folder, symlinks=True)
    court = home.court
    yield Office(home, court)
    court.close()
