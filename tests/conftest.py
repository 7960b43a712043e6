"""What tests start from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from homes import Home


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Home:
    """An initialised home with a clerk and two reviewers."""
    monkeypatch.setenv("GONGSHI_HOME", str(tmp_path / "home"))
    for name in ("REGISTRY", "DISCLOSED", "NOTIFIER"):
        monkeypatch.delenv(f"GONGSHI_{name}_URL", raising=False)

    def capture() -> tuple[str, str]:
        said = capsys.readouterr()
        return said.out, said.err

    from homes import Clock, Home

    made = Home(tmp_path / "home", Clock(), capture)
    made.ask("init")
    for name, role in (("clerk", "clerk"), ("reviewer", "reviewer"), ("second", "reviewer"), ("auditor", "auditor")):
        assert made.run("user", "add", name, "--role", role, typed="a-long-password\n").code == 0
    return made
