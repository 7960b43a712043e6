"""A home, a clock that stands where it is put, and the command line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

from gongshi.cli import run
from gongshi.clock import World
from gongshi.court import Court
from gongshi.settings import read_settings
from portal.settings import PortalSettings
from search_index.day import SHANGHAI

START = datetime(2026, 11, 18, 10, 0, tzinfo=SHANGHAI)


@dataclass
class Clock:
    """A clock that moves only when it is told to."""

    moment: datetime = START

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, **step: float) -> None:
        self.moment += timedelta(**step)


@dataclass
class Said:
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass
class Home:
    """A home, worked with as a person works with it."""

    folder: Path
    clock: Clock
    capture: Callable[[], tuple[str, str]]
    databases: dict[str, str] = field(default_factory=dict)
    random: Random = field(default_factory=lambda: Random(7))
    opened: list[Court] = field(default_factory=list)

    @property
    def world(self) -> World:
        return World(now=self.clock, random=self.random)

    @property
    def public_settings(self) -> PortalSettings:
        """What the portal of this home is told."""
        disclosed = {key: value for key, value in self.databases.items() if "DISCLOSED" in key}
        return PortalSettings.from_environment(
            {"GONGSHI_HOME": str(self.folder), "GONGSHI_RATE_LIMIT": "off", **disclosed}
        )

    @property
    def court(self) -> Court:
        """A court of this home, closed with it at the latest."""
        self.opened.append(Court(read_settings(), self.world))
        return self.opened[-1]

    def close(self) -> None:
        """Release the databases of every court that was opened."""
        while self.opened:
            self.opened.pop().close()

    def run(self, *arguments: object, typed: str = "") -> Said:
        """`gongshi ARGUMENTS`, with `typed` on standard input."""
        keyboard, sys.stdin = sys.stdin, StringIO(typed)
        self.capture()
        try:
            code = run([str(argument) for argument in arguments], self.world)
        finally:
            sys.stdin = keyboard
        return Said(code, *self.capture())

    def ask(self, *arguments: object) -> Any:
        """The JSON object of a command that must succeed."""
        said = self.run(*arguments, "--json")
        assert said.code == 0, said.out + said.err
        return said.json

    def write(self, name: str, entries: Sequence[dict[str, Any]]) -> Path:
        """A JSON Lines file of entries."""
        path = self.folder.parent / name
        path.write_text("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries), encoding="utf-8")
        return path

    def publish(self, *entries: dict[str, Any], name: str = "entries.jsonl") -> int:
        """Import, approve and publish entries; the batch."""
        batch: int = self.ask("import", self.write(name, entries), "--as", "clerk")["batch"]
        self.ask("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions")
        self.ask("publish")
        return batch
