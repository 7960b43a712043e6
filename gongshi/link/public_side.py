"""The public side of an isolated network: a home that has only `public/`, no key that could open anything, and no registry."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from gongshi.clock import World
from gongshi.link.folder import LinkRefused, put_whole
from portal.settings import PortalSettings
from search_index.day import day_of
from search_index.index import IndexWriter
from search_index.journal_file import read_keys
from search_index.marks import FOLDER as MARKS
from search_index.marks import prepare_folder
from search_index.modes import make_public, open_to_all
from search_index.store import Store, StoreWriter
from search_index.sync import sync

_KEY_SETTING = "GONGSHI_JOURNAL_KEY"
_STATE = "journal-link.json"
# Anybody may put something in, nobody but the owner may look what is there (registry/sealbox.py has the same).
_DROP_MODE = 0o1733


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What the public side remembers beside the store: the number of the last bundle, when room was last given back (a day),
    and the marks that were sent. It tells of nobody."""

    bundle: int = 0
    compacted_on: str = ""
    marks: tuple[str, ...] = ()


@dataclass
class PublicSide:
    """The public folder of this home, opened for writing."""

    settings: PortalSettings
    world: World
    keys: tuple[str, ...]
    folder: Path
    _open: ExitStack = field(default_factory=ExitStack)

    def __post_init__(self) -> None:
        self.writer = StoreWriter(self.settings.disclosed_url)
        self.store = Store(self.settings.disclosed_url)
        self.index = IndexWriter(self.settings.index_folder)
        self._open.callback(self.writer.close)
        self._open.callback(self.store.close)

    @property
    def now(self) -> datetime:
        return self.world.now()

    @property
    def lock(self) -> Path:
        return self.folder / "journal.lock"

    def close(self) -> None:
        self._open.close()

    def require(self) -> None:
        """Raises LinkRefused where `journal init` has not been run."""
        if not (self.folder / MARKS).is_dir():
            raise LinkRefused(f"{self.folder} 还不是公众一侧的数据目录：请先运行 gongshi journal init")

    def require_keys(self) -> None:
        """Raises LinkRefused where nobody has said whom to believe."""
        if not self.keys:
            raise LinkRefused(
                f"没有设置 {_KEY_SETTING}：请在法院一侧运行 gongshi journal key，把显示的公钥写进这个设置"
            )

    def prepare(self, *, one_way: bool = False) -> None:
        """Make the folder, the store, the index and the folders that the portal puts something into; safe to repeat. `one_way`:
        nothing can be carried back, so there is no drop folder, and the portal's forms say that they take nothing in. Raises
        LinkRefused."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        make_public(self.folder)
        open_to_all(self.folder)
        self.writer.create()
        self._prepare_drop(one_way=one_way)
        prepare_folder(self.folder / MARKS)
        sync(self.writer, self.store, self.index, self.now)

    def _prepare_drop(self, *, one_way: bool) -> None:
        drop = self.folder / "drop"
        if not one_way:
            drop.mkdir(exist_ok=True)
            drop.chmod(_DROP_MODE)  # whatever the umask
        elif drop.is_dir():
            try:
                drop.rmdir()
            except OSError:
                raise LinkRefused("来件箱里还有来件：请先用 gongshi journal submissions 送回法院") from None

    def bring_up(self) -> None:
        """Bring the index up to the store, and once a day give back the room of what has left."""
        sync(self.writer, self.store, self.index, self.now)
        today, state = day_of(self.now).isoformat(), self.state()
        if state.compacted_on != today:
            self.index.compact()
            self.writer.compact()
            self.remember(compacted_on=today)

    def state(self) -> State:
        try:
            said = json.loads((self.folder / _STATE).read_text("utf-8"))
            return State(
                bundle=int(said["bundle"]), compacted_on=str(said["compacted_on"]), marks=tuple(map(str, said["marks"]))
            )
        except (FileNotFoundError, ValueError, LookupError, TypeError):
            return State()

    def remember(self, **changes: Any) -> None:
        """Keep what has changed of the state."""
        state = self.state()
        said = {name: changes.get(name, getattr(state, name)) for name in State.__slots__}
        put_whole(self.folder, _STATE, json.dumps(said).encode())


def open_side(world: World, environ: Mapping[str, str] = os.environ) -> PublicSide:
    """The public side of the home that the environment names. Raises LinkRefused or SettingsError."""
    settings = PortalSettings.from_environment(environ)
    folder = settings.index_folder.parent
    if (folder.parent / "registry").exists():
        raise LinkRefused(f"{folder.parent} 里有登记库：这是法院一侧，公示库由它自己更新，不用日志文件")
    try:
        keys = read_keys(environ.get(_KEY_SETTING) or "")
    except ValueError:
        raise LinkRefused(
            f"{_KEY_SETTING} 应为 64 位十六进制公钥（gongshi journal key 显示的），几个之间用逗号分开"
        ) from None
    return PublicSide(settings=settings, world=world, keys=keys, folder=folder)
