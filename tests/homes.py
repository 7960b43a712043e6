"""A home, a clock that stands where it is put, and the command line."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy.exc import DBAPIError

from gongshi.cli import run
from gongshi.clock import World
from gongshi.court import Court
from gongshi.settings import read_settings
from portal.settings import PortalSettings
from search_index.day import SHANGHAI
from search_index.store import StoreDamaged, StoreWriter

START = datetime(2026, 11, 18, 10, 0, tzinfo=SHANGHAI)


_BEAT = timedelta(hours=12)


def settle(settings: Mapping[str, str]) -> None:
    """Let this process know these settings and no others: what started it may remember those of another test."""
    for name in [name for name in os.environ if name.startswith("GONGSHI_")]:
        del os.environ[name]
    os.environ.update(settings)


@dataclass
class Clock:
    """A clock that moves only when it is told to. Where it is moved by days, the list is checked meanwhile as a worker
    would do it, by `beats`, one of each home; none in tests of what happens where nobody does."""

    moment: datetime = START
    beats: list[Callable[[datetime], None]] = field(default_factory=list)
    heard_at: datetime = START

    def __call__(self) -> datetime:
        if self.beats and abs(self.moment - self.heard_at) >= _BEAT:
            self.heard_at = self.moment
            for beat in self.beats:
                beat(self.moment)
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

    def __post_init__(self) -> None:
        self.clock.beats.append(self._note_pulse)

    def hear(self) -> None:
        """Have the list checked by the clock of the machine, which processes of their own go by."""
        self._note_pulse(datetime.now(UTC))

    def _note_pulse(self, at: datetime) -> None:
        url = self.databases.get("GONGSHI_DISCLOSED_URL", f"sqlite:///{self.folder / 'public' / 'disclosed.db'}")
        if self.databases or (self.folder / "public" / "disclosed.db").exists():
            writer = StoreWriter(url)
            # A store that is damaged, or not there yet, is nobody's to check.
            with suppress(StoreDamaged, DBAPIError):
                writer.note_pulse(at)
            writer.close()

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
