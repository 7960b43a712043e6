"""Making a backup while everything runs: copies of one moment, sealed to the recovery key, read again before it counts.

Plain copies of the databases lie in registry/ (private, on the same disk) while a backup is made, and are removed with it;
after a kill, by the next one. Nothing else of it is ever on a disk unsealed.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, cast

from sqlalchemy import select

from gongshi.court import Court
from gongshi.installing.release import read_release
from gongshi.pump import Progress, quiet
from gongshi.safety.backup_names import UNFINISHED, choose_kept, name_backup, read_name
from gongshi.safety.backup_parts import SETTINGS, WORK, list_files, write_settings
from gongshi.safety.container import BackupWriter, Member, StreamKey, check_backup
from gongshi.safety.recovery_book import Recovery, RecoveryBook
from gongshi.safety.refusal import SafetyRefused
from gongshi.safety.snapshots import check_copy, copy_database, measure_database, name_of
from registry import audit, journal
from registry.tables import BackupRow
from registry.turns import try_lock
from search_index.day import SHANGHAI
from search_index.durable import sync_folder
from search_index.modes import make_private, open_private

KEEP_DAYS, KEEP_WEEKS = 14, 8
_SPARE = 64 * 1024 * 1024


class BackupRefused(SafetyRefused):
    """No backup was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was made and read again whole. `removed` are older ones that were cleared away after it."""

    path: Path
    size: int
    digest: str
    position: int
    sequence: int
    members: int
    fingerprint: str
    made_at: datetime
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Where to, how many days of them to keep, in whose name. `environment` is the settings of the process."""

    folder: Path
    days: int
    actor: str
    detail: dict[str, object]
    environment: dict[str, str]


def make_backup(court: Court, order: Order, progress: Progress = quiet) -> Made:
    """Make, read again, put on record, and clear away what is old. Raises BackupRefused or another SafetyRefused, Busy, OSError;
    then there is no new file, and the old ones are all there."""
    recovery = _find_recovery(court)
    folder = _check_folder(court, order.folder)
    with try_lock(court.private / "backup.lock", "另一次备份正在进行，请等它结束"):
        home = home_of(court)
        _clear_leftovers(court, folder, home)
        _check_room(court, folder)
        # A copy of a log that begins later would not be complete for who comes back from this backup.
        court.witness.begin()
        at = court.now
        name = name_backup(home, at.astimezone(SHANGHAI))
        if (folder / name).exists():
            raise BackupRefused(f"{name} 已经存在：同一秒已做过备份")
        unfinished = folder / (name + UNFINISHED)
        try:
            written = _write(court, unfinished, recovery, order, at, progress)
            progress(0, None)
            _verify(court, unfinished, written.key, progress)
            unfinished.rename(folder / name)
            sync_folder(folder)
        finally:
            unfinished.unlink(missing_ok=True)
        removed = clear_old(folder, home, order.days)
        made = Made(
            path=folder / name,
            size=(folder / name).stat().st_size,
            digest=written.digest,
            position=written.position,
            sequence=written.sequence,
            members=written.members,
            fingerprint=recovery.fingerprint,
            made_at=at,
            removed=removed,
        )
        _put_on_record(court, made, order)
    return made


def home_of(court: Court) -> str:
    """By which eight digits the backups of this home are told from those of others."""
    return court.vault.digest("gongshi home")[:8]


def clear_old(folder: Path, home: str, days: int) -> tuple[str, ...]:
    """Remove the backups of this home that are not kept; their names."""
    found = {made: path for path in folder.iterdir() if (made := read_name(path.name, home)) is not None}
    kept = choose_kept(found, days=days, weeks=KEEP_WEEKS)
    old = [path for made, path in sorted(found.items()) if made not in kept]
    for path in old:
        path.unlink(missing_ok=True)
    return tuple(path.name for path in old)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    key: StreamKey
    digest: str
    position: int
    sequence: int
    members: int


class _Digesting:
    """A file that is written, and its digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, sha256()

    def write(self, data: bytes) -> int:
        self.digest.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()


def _write(court: Court, path: Path, recovery: Recovery, order: Order, at: datetime, progress: Progress) -> _Written:
    settings = court.settings
    release = read_release(settings)
    with court.reading() as session:
        # Taken before the copies: they hold at least this much.
        position, sequence = journal.head(session)
    header = {
        "product": release.version,
        "registry_revision": release.registry,
        "notifier_revision": release.notifier,
        "made_at": at.isoformat(),
        "home": home_of(court),
        "court": court.profile().court,
        "position": position,
        "sequence": sequence,
    }
    authentication = RecoveryBook(settings.key_file.parent).read_authentication(recovery)
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(open_private(path, flags), "wb") as file:
        digesting = _Digesting(file)
        target = cast("IO[bytes]", digesting)
        writer = BackupWriter(target, header, bytes.fromhex(recovery.public), authentication)
        done = 0
        # The registry first: a notice that the notifier took over after it is known by its key, and goes once.
        for url, part in ((settings.registry_database, "registry"), (settings.notifier_database, "notifier")):
            with _copied(court.private, url) as copy:
                done += _add(writer, name_of(url, part), copy)
                progress(done, None)
        for name, found in list_files(settings):
            done += _add(writer, name, found)
            progress(done, None)
        text = write_settings(order.environment)
        writer.add(SETTINGS, BytesIO(text), len(text))
        members = writer.close()
        file.flush()
        os.fsync(file.fileno())
        # What is read again comes from the disk, and not from what the machine still remembers of it.
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    return _Written(
        key=writer.stream_key,
        digest=digesting.digest.hexdigest(),
        position=position,
        sequence=sequence,
        members=members,
    )


def _add(writer: BackupWriter, name: str, path: Path) -> int:
    """Add a file as long as it is now; one that went meanwhile, or may not be read, is no part of it. Its size."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return 0
    except PermissionError:
        if name.startswith("public/"):
            return 0
        raise
    with os.fdopen(descriptor, "rb") as file:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            return 0
        writer.add(name, file, found.st_size)
        return found.st_size


@contextmanager
def _copied(private: Path, url: str) -> Iterator[Path]:
    with _working(private) as work:
        copy = work / Path(name_of(url, "copy")).name
        copy_database(url, copy)
        yield copy


@contextmanager
def _working(private: Path) -> Iterator[Path]:
    """The folder for plain copies; the lock says that nobody else uses it."""
    work = private / WORK
    make_private(work)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _verify(court: Court, path: Path, key: StreamKey, progress: Progress) -> None:
    """Read the file from its beginning to its end, and try the databases in it."""
    done = 0

    def look(member: Member) -> None:
        nonlocal done
        done += member.size
        progress(done, None)
        if member.name in names:
            _try_database(court.private, member)

    settings = court.settings
    names = {name_of(settings.registry_database, "registry"), name_of(settings.notifier_database, "notifier")}
    check_backup(path, key, look)


def _try_database(private: Path, member: Member) -> None:
    with _working(private) as work:
        copy = work / Path(member.name).name
        with os.fdopen(open_private(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "wb") as file:
            for chunk in member.chunks:
                file.write(chunk)
        check_copy(copy)


def _find_recovery(court: Court) -> Recovery:
    found = RecoveryBook(court.settings.key_file.parent).find()
    if found is None:
        raise BackupRefused("还没有恢复钥匙，备份无法加密：请先运行 gongshi recovery make --as 管理员，打印后分开保管")
    return found


def _check_folder(court: Court, folder: Path) -> Path:
    folder = folder.absolute()
    home = court.settings.home.absolute().resolve()
    if folder.resolve().is_relative_to(home):
        raise BackupRefused(f"备份目录 {folder} 在数据目录 {home} 之内：请指定另一块磁盘或者另一台机器上的目录")
    if not folder.is_dir():
        raise BackupRefused(f"备份目录 {folder} 不存在：请先建立，并只让运行本系统的用户读写")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BackupRefused(f"备份目录 {folder} 不能写入：请检查权限")
    return folder


def _clear_leftovers(court: Court, folder: Path, home: str) -> None:
    """What a killed backup left. The lock says that no other is under way."""
    if (court.private / WORK).exists():
        shutil.rmtree(court.private / WORK)
    for path in folder.glob(f"gongshi-{home}-*{UNFINISHED}"):
        path.unlink(missing_ok=True)


def _check_room(court: Court, folder: Path) -> None:
    settings = court.settings
    databases = [measure_database(url) for url in (settings.registry_database, settings.notifier_database)]
    files = sum(_size_of(path) for _, path in list_files(settings))
    # One copy at a time lies in the home; the file holds both, and is smaller.
    needs = {settings.private: max(databases) + _SPARE}
    needs[folder] = sum(databases) + files + _SPARE
    devices: dict[int, int] = {}
    for place, size in needs.items():
        device = place.stat().st_dev
        devices[device] = devices.get(device, 0) + size
    for place in needs:
        free, needed = shutil.disk_usage(place).free, devices[place.stat().st_dev]
        if free < needed:
            raise BackupRefused(f"{place} 所在的磁盘空间不够：约需 {_say(needed)}，只剩 {_say(free)}；请腾出空间后重试")


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _say(size: int) -> str:
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{max(1, size >> 20)} MB"


def _put_on_record(court: Court, made: Made, order: Order) -> None:
    court.turns.step_aside()
    with court.session() as session:
        session.add(
            BackupRow(
                file=str(made.path),
                size=made.size,
                digest=made.digest,
                position=made.position,
                made_at=made.made_at,
                verified_at=court.now,
                tried_at=None,
            )
        )
        detail = {
            "file": made.path.name,
            "size": made.size,
            "digest": made.digest,
            "position": made.position,
            "recovery": made.fingerprint,
            "removed": len(made.removed),
            **order.detail,
        }
        audit.note(session, court.now, order.actor, "backup", detail=detail)


def list_backups(court: Court) -> Sequence[tuple[BackupRow, bool]]:
    """Every backup that was made, the newest first, and whether its file is still there."""
    with court.reading() as session:
        rows = session.scalars(select(BackupRow).order_by(BackupRow.made_at.desc(), BackupRow.id.desc())).all()
        session.expunge_all()
    return [(row, Path(row.file).is_file()) for row in rows]
