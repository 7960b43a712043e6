"""Homes that earlier versions made, to be worked with by today's."""

from __future__ import annotations

import json
import tarfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

KEPT = Path(__file__).with_name("kept")
NAMES = sorted(path.stem for path in KEPT.glob("*.json"))
FIRST = "b6a5f95"


def unpack(name: str, folder: Path) -> Path:
    """The home of a version, in `folder`."""
    with tarfile.open(KEPT / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="tar")
    return folder / name


def read_held(name: str) -> dict[str, Any]:
    """What it held when it was made."""
    found: dict[str, Any] = json.loads((KEPT / f"{name}.json").read_text(encoding="utf-8"))
    return found


def hour_after(held: dict[str, Any]) -> datetime:
    """When today's version comes to it."""
    return datetime.fromisoformat(held["at"]) + timedelta(minutes=5)
