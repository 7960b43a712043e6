"""Putting a backup in place of a home that is lost.

Everything is unpacked into a folder beside, and verified to its last byte, before anything is put where it belongs. The
registry's folder goes last, in one step, with the mark in it that keeps the home closed: so there is no moment at which the
home is there and open. Killed before that step, nothing is there, and the next run begins again.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from gongshi.founding import make_folders
from gongshi.safety.closed import NOTIFIER_MARK, TOLD, RestoringRefused
from gongshi.safety.container import open_backup
from gongshi.safety.old_store import read_old_store
from gongshi.safety.postgres import is_empty_database, load_dump
from gongshi.safety.recovery_keys import RecoveryKey
from gongshi.safety.restored import Restored, Step, write_state
from gongshi.safety.settling import WITNESSES
from gongshi.settings import Settings
from search_index.database import sqlite_file
from search_index.durable import sync_folder, write_private
from search_index.modes import make_aside, make_private, make_public, open_private, settle_public
from search_index.store import StoreWriter

STAGING = ".restore-"
_NAME = re.compile(r"(registry|notifier|public/drop|public/emergency)(/[^/\0]+)+|settings\.env")
_DUMP = ".dump"
_CHUNK = 1 << 20
_OLD_STORE = "disclosed.db"


class RestoreRefused(RestoringRefused):
    """The backup is not put in place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What else is left of the lost home: copies of the logs, a store of the public side, and the folder `public` with what
    was sent in and what was hidden in need."""

    departures: Sequence[Path] = ()
    sent: Sequence[Path] = ()
    public: Path | None = None
    left: Path | None = None


def refuse_other_home(settings: Settings) -> None:
    """Raises RestoreRefused where there is a registry already: nothing is put over it."""
    found = [path for path in (settings.key_file, sqlite_file(settings.registry_database)) if path and path.exists()]
    if found:
        raise RestoreRefused(
            f"{settings.home} 里已有登记库或者密钥（{found[0].name}），不会覆盖：先停止各项服务，再加 --aside 把原目录整个移到旁边"
        )


def move_aside(settings: Settings, now: datetime) -> Path:
    """Move the broken home away, whole; where it is now. Raises OSError."""
    target = settings.home.with_name(f"{settings.home.name}-broken-{now:%Y%m%d-%H%M%S}")
    if target.exists():
        raise RestoreRefused(f"{target} 已经存在，请先移走")
    settings.home.rename(target)
    sync_folder(target.parent)
    return target


def place(
    settings: Settings,
    file: Path,
    key: RecoveryKey,
    evidence: Evidence,
    name: str,
    now: datetime,
    tell: Callable[[str], None],
) -> None:
    """Unpack, verify, and put in place. Raises RestoreRefused, BackupDamaged, DumpNotLoaded or OSError; then nothing is in
    place."""
    refuse_other_home(settings)
    was_killed = sweep(settings)
    _prepare_home(settings)
    for url in (settings.registry_database, settings.notifier_database):
        if sqlite_file(url) is None and not was_killed and not is_empty_database(url):
            raise RestoreRefused("PostgreSQL 数据库里已有数据表，不会覆盖：请先另建空的数据库，并在设置中改为它们")
    staging = make_aside(STAGING, settings.home)
    try:
        tell("读取并核对备份")
        for side, target in (("notifier", settings.notifier), ("registry", settings.private)):
            _make_alike(staging / side, target)
        header, dumps = unpack(file, key, staging)
        state = to_state(header, file, name, now)
        _stage_evidence(settings, staging, evidence, name)
        tell("放入数据目录")
        _put_in_place(settings, staging, dumps, evidence, state)
    finally:
        # Where it failed half way, what was put in place goes again.
        sweep(settings)


def unpack(file: Path, key: RecoveryKey, staging: Path) -> tuple[Mapping[str, Any], dict[str, Path]]:
    """Write what a backup holds below `staging`, private and safe on the disk; its header, and the dumps of PostgreSQL among
    its files, by side. When this returns the whole backup is known to be genuine. Raises BackupDamaged, RestoreRefused or
    OSError."""
    for side in ("registry", "notifier"):
        make_private(staging / side)
    dumps: dict[str, Path] = {}
    with open_backup(file, key) as opened:
        for member in opened.members:
            if not _NAME.fullmatch(member.name) or {"..", "."} & set(member.name.split("/")):
                raise RestoreRefused("备份里有不该有的文件名：这个备份不能使用")
            path = staging / member.name
            make_private(path.parent, parents=True)
            _write(path, member.chunks)
            if path.suffix == _DUMP:
                dumps[path.parent.name] = path
    if not (staging / "registry" / "keys" / "master.key").is_file():
        raise RestoreRefused("备份里没有密钥文件：这个备份不能使用")
    return opened.header, dumps


def to_state(header: Mapping[str, Any], file: Path, name: str, now: datetime) -> Restored:
    """A restoration that begins. Raises RestoreRefused."""
    try:
        return Restored(
            id=name,
            step=Step.PLACED,
            backup=file.name,
            made_at=datetime.fromisoformat(str(header["made_at"])).isoformat(),
            begun_at=now.isoformat(),
            position=int(header["position"]),
            sequence=int(header["sequence"]),
        )
    except (KeyError, TypeError, ValueError):
        raise RestoreRefused("备份的头部缺少制作时间或者日志位置：这个备份不能使用") from None


def sweep(settings: Settings) -> bool:
    """Remove what a killed restoration left, and say whether one was killed. The folder of the notifier is its own as long
    as there is no registry."""
    leftovers = list(settings.home.glob(f"{STAGING}*")) if settings.home.exists() else []
    if not leftovers:
        return False
    if not settings.key_file.exists() and (settings.notifier / NOTIFIER_MARK).exists():
        shutil.rmtree(settings.notifier)
    for one in leftovers:
        shutil.rmtree(one, ignore_errors=True)
    return True


def _prepare_home(settings: Settings) -> None:
    make_folders(settings)
    for folder in (settings.private, settings.notifier):
        if any(path.suffix != ".lock" for path in folder.iterdir()):
            raise RestoreRefused(f"{folder} 不是空的，不会覆盖：先停止各项服务，再加 --aside 把原目录整个移到旁边")


def _write(path: Path, chunks: Iterable[bytes]) -> None:
    with os.fdopen(open_private(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
        for block in chunks:
            file.write(block)
        file.flush()
        os.fsync(file.fileno())


def _stage_evidence(settings: Settings, staging: Path, evidence: Evidence, name: str) -> None:
    """Copies of the logs and of the old store go into the registry's folder: a restoration that is killed needs nothing of
    outside, and what it went by can be looked up."""
    folder = staging / "registry" / WITNESSES / name
    make_private(folder, parents=True)
    # The backup's own copies end where it does, and tell nothing of what came after.
    own = [settings.witness_folder] if settings.witness_folder else []
    for kind, given in (("departures", evidence.departures), ("sent", evidence.sent)):
        paths = [*(path / f"{kind}.log" for path in own), *given]
        for number, path in enumerate(path for path in paths if path.exists()):
            _copy(path, folder / f"{kind}-{number}.log")
    old = evidence.public or _find_old_store(settings)
    if old is not None:
        _copy(old, folder / _OLD_STORE)
        with suppress(FileNotFoundError):
            _copy(old.with_name(f"{old.name}-journal"), folder / f"{_OLD_STORE}-journal")
        read_old_store(folder / _OLD_STORE)


def _find_old_store(settings: Settings) -> Path | None:
    path = sqlite_file(settings.disclosed_database)
    return path if path is not None and path.exists() and path.stat().st_size else None


def _copy(source: Path, target: Path) -> None:
    with source.open("rb") as stream:
        _write(target, iter(lambda: stream.read(_CHUNK), b""))


def _put_in_place(
    settings: Settings, staging: Path, dumps: dict[str, Path], evidence: Evidence, state: Restored
) -> None:
    urls = {"registry": settings.registry_database, "notifier": settings.notifier_database}
    for side, url in urls.items():
        is_file = sqlite_file(url) is not None
        if is_file == (side in dumps):
            raise RestoreRefused(
                "备份的数据库和现在的设置不是一种（SQLite 与 PostgreSQL）：请按备份时的设置填写 GONGSHI_REGISTRY_URL、"
                "GONGSHI_NOTIFIER_URL"
            )
    for side in ("notifier", "registry"):
        if side in dumps:
            load_dump(urls[side], dumps[side])
            dumps[side].unlink()
        else:
            target = settings.notifier if side == "notifier" else settings.private
            _place_file(urls[side], staging / side / f"{side}.db", target)
    _shut_old_store(settings)
    for left in (staging / "public", evidence.left):
        if left is not None:
            _place_public(settings, left)
    if (settings_file := staging / "settings.env").exists():
        settings_file.rename(staging / "registry" / WITNESSES / state.id / settings_file.name)
    write_private(staging / "notifier" / NOTIFIER_MARK, f"{TOLD}\n")
    write_state(staging / "registry", state)
    for side, target in (("notifier", settings.notifier), ("registry", settings.private)):
        _sync_tree(staging / side)
        _replace(staging / side, target)
        sync_folder(settings.home)


def _place_file(url: str, usual: Path, target: Path) -> None:
    """A SQLite database that the settings call otherwise gets that name in the folder that will be `target`; one that lies
    elsewhere goes there, before the home is."""
    path = sqlite_file(url)
    if path is None:
        return
    if path.parent.resolve() == target.resolve():
        usual.rename(usual.with_name(path.name))
        return
    if path.exists():
        raise RestoreRefused(f"{path} 已经存在，不会覆盖：请先移走")
    _copy(usual, path)
    usual.unlink()


def _place_public(settings: Settings, left: Path) -> None:
    """What the public has sent in and nobody had collected, sealed as it is, and the marks of what was hidden in need."""
    for folder in ("drop", "emergency"):
        for source in sorted((left / folder).glob("*")):
            target = settings.public / folder / source.name
            if target.parent.is_dir() or folder == "drop":
                make_public(target.parent)
                with suppress(FileExistsError):
                    _copy_whole(source, target, is_open=folder == "emergency")


def _copy_whole(source: Path, target: Path, *, is_open: bool) -> None:
    """A portal that runs meanwhile reads a mark once, and must not find half of it."""
    new = target.with_name(f".new-{target.name}")
    new.unlink(missing_ok=True)
    try:
        _copy(source, new)
        if is_open:
            settle_public(new, new.parent)
        os.link(new, target)
    finally:
        new.unlink(missing_ok=True)


def _shut_old_store(settings: Settings) -> None:
    """A store that outlived its registry shows nothing from here on; it is made anew when the home is opened."""
    path = _find_old_store(settings)
    if path is None:
        return
    with suppress(Exception):
        # Who still has it open sees that it is shut.
        writer = StoreWriter(settings.disclosed_database)
        writer.create()
        writer.set_shut(shut=True)
        writer.close()
    path.unlink()
    sync_folder(path.parent)


def _replace(source: Path, target: Path) -> None:
    """Put a folder in the place of one that holds nothing but locks, in one step."""
    for lock in target.glob("*.lock"):
        lock.unlink()
    source.rename(target)


def _make_alike(folder: Path, target: Path) -> None:
    """A folder with the mode and the group of the one it will replace: what is made in it is its users' (search_index.modes)."""
    make_private(folder)
    found = target.stat()
    os.chown(folder, -1, found.st_gid)
    folder.chmod(stat.S_IMODE(found.st_mode))


def _sync_tree(folder: Path) -> None:
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync_folder(path)
