"""The units of systemd, and the link to the release in use."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from gongshi.installing.release import UpgradeRefused
from search_index.durable import sync_folder

_RUNNING = Path("/run/systemd/system")
_ENOUGH = 120  # seconds for a unit to stop or start

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def run_systemctl(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # names of our own units
        ["/usr/bin/systemctl", *arguments], capture_output=True, text=True, timeout=_ENOUGH, check=False
    )


class Services:
    """The units `gongshi-…` of this machine; none where there is no systemd, or where this user may not stop them."""

    def __init__(self, run: Run = run_systemctl, *, present: bool | None = None) -> None:
        self._run = run
        self._present = _RUNNING.exists() and os.geteuid() == 0 if present is None else present

    def list_active(self) -> tuple[str, ...]:
        """The units that run or wait for their hour."""
        if not self._present:
            return ()
        said = self._run(["list-units", "gongshi-*", "--state=active", "--plain", "--no-legend", "--no-pager"])
        return tuple(line.split()[0] for line in said.stdout.splitlines() if line.split())

    def stop(self, units: Sequence[str]) -> None:
        """Raises UpgradeRefused."""
        if units and self._run(["stop", *units]).returncode:
            raise UpgradeRefused(f"服务停不下来：{'、'.join(units)}，请用 systemctl status 查看")

    def start(self, units: Sequence[str]) -> list[str]:
        """Start units; those that did not start."""
        if not self._present:
            return []
        return [unit for unit in units if self._run(["start", unit]).returncode]


def switch(link: Path, target: str) -> None:
    """Let the link to the release in use lead elsewhere, in one step. Raises OSError."""
    beside = link.with_name(f"{link.name}.part")
    beside.unlink(missing_ok=True)
    beside.symlink_to(target)
    beside.replace(link)
    sync_folder(link.parent)
