"""Copies of a home's databases and index beside those in use, brought to this version by the same work as `init`."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from functools import cached_property
from pathlib import Path

from gongshi.clock import World
from gongshi.court import Court
from gongshi.installing.parts import Part
from gongshi.installing.verifying import check_file
from gongshi.office import init_office
from gongshi.safety.witness import WitnessLogs
from gongshi.settings import Settings
from registry.witnessing import Told
from search_index.durable import sync_file, sync_folder


class DamagedCopy(Exception):
    """A copy is not whole. The message is for the administrator."""


class StagedSettings(Settings):
    """The settings of a home whose databases and index are the copies."""

    @property
    def registry_database(self) -> str:
        return _beside(super().registry_database)

    @property
    def notifier_database(self) -> str:
        return _beside(super().notifier_database)

    @property
    def disclosed_database(self) -> str:
        return _beside(super().disclosed_database)

    @property
    def index_folder(self) -> Path:
        return Part(super().index_folder.absolute()).new


class StagedCourt(Court):
    """A court that works on copies: what is kept outside of them is left as it is."""

    def begin_logs(self) -> None:
        """Begun when the copies are in use."""

    @cached_property
    def witness(self) -> WitnessLogs:
        return _Silent(self)


class _Silent(WitnessLogs):
    def tell(self, compose: Callable[[], Sequence[Told]]) -> None:
        """Nothing departs while copies are prepared."""


def open_staged(settings: Settings, world: World) -> StagedCourt:
    """The court of the copies."""
    values = {name: getattr(settings, name) for name in Settings.model_fields}
    return StagedCourt(StagedSettings.model_construct(**values), world)


def copy_parts(parts: Sequence[Part], locked: Mapping[Path, sqlite3.Connection]) -> None:
    """Copy what is in use, each database by the connection that holds its lock. Raises OSError or DamagedCopy."""
    for part in parts:
        if part.live in locked:
            _copy_database(part, locked[part.live])
        elif part.live.is_dir():
            shutil.copytree(part.live, part.new)


def bring_up(court: StagedCourt) -> None:
    """Bring the copies to this version, and let go of them."""
    court.init()
    init_office(court)


def settle_copies(parts: Sequence[Part]) -> None:
    """Have each copy whole in its one file and on the disk. Raises DamagedCopy or OSError."""
    for part in parts:
        if part.new.is_dir():
            for path in part.new.rglob("*"):
                (sync_folder if path.is_dir() else sync_file)(path)
            sync_folder(part.new)
        elif part.new.exists():
            with closing(sqlite3.connect(part.new)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                connection.execute("PRAGMA journal_mode=DELETE")
            if not check_file(part.new):
                raise DamagedCopy(f"{part.live.name} 的副本已损坏：请检查磁盘，并用 gongshi doctor 检查原库")
            sync_file(part.new)
        sync_folder(part.new.parent)


def _copy_database(part: Part, source: sqlite3.Connection) -> None:
    shutil.copyfile("/dev/null", part.new)
    _look_alike(part.live, part.new)
    with closing(sqlite3.connect(part.new)) as copy:
        source.backup(copy)


def _look_alike(original: Path, copy: Path) -> None:
    found = original.stat()
    copy.chmod(found.st_mode & 0o777)
    if copy.stat().st_uid != found.st_uid or copy.stat().st_gid != found.st_gid:
        shutil.chown(copy, found.st_uid, found.st_gid)


def _beside(url: str) -> str:
    path = Path(url.removeprefix("sqlite:///")).absolute()
    return f"sqlite:///{Part(path).new}"
