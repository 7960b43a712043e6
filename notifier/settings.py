"""What the notifier needs to know to start."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifierSettings:
    """`url` is the SQLAlchemy address of the notifier's database; `folder` its private folder in the home."""

    url: str
    folder: Path
