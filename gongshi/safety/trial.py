"""Restoring on trial: a backup is unpacked beside the home, looked through, and removed again. Nothing of it is sent or shown."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path

from sqlalchemy import func, select, update

from gongshi.clock import World
from gongshi.court import Court
from gongshi.founding import make_folders
from gongshi.safety.recovery_keys import RecoveryKey
from gongshi.safety.restoring import RestoreRefused, unpack
from gongshi.safety.settling import bring_to_version
from gongshi.settings import Settings
from registry import audit, journal
from registry.acting import SYSTEM
from registry.audit_chain import verify
from registry.record import State
from registry.records import read_record
from registry.tables import BackupRow, RecordRow
from registry.vault import VaultError
from search_index.modes import make_aside
from search_index.store_applying import JournalGap

FOLDER = ".trial-"
TRIED = "restore_trial"
_CHUNK = 500
_BLOCK = 1 << 20
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What a trial found: when the backup was made, the records in it, those the public would see, the lines of the audit
    trail, the end of the journal, and what is wrong (nothing, where the backup would do), each a Chinese line."""

    made_at: str
    records: int
    shown: int
    audit_lines: int
    sequence: int
    is_dump: bool
    faults: tuple[str, ...]


def try_backup(settings: Settings, file: Path, key: RecoveryKey, world: World, tell: Tell) -> Trial:
    """Restore a backup into a folder of its own, and look through it. Raises BackupDamaged, RestoreRefused or OSError."""
    for leftover in settings.home.glob(f"{FOLDER}*"):
        shutil.rmtree(leftover)
    place = make_aside(FOLDER, settings.home)
    try:
        tell("读取并核对备份")
        header, dumps = unpack(file, key, place)
        made_at = datetime.fromisoformat(str(header["made_at"])).isoformat()
        if dumps:
            return _of_dumps(made_at, int(header["sequence"]), dumps)
        own = settings.model_copy(
            update={
                "home": place,
                "registry_url": "",
                "notifier_url": "",
                "disclosed_url": "",
                # What is tried must tell nobody of anything.
                "witness_folder": None,
            }
        )
        for name in ("registry", "notifier"):
            _check_file(place / name / f"{name}.db")
        return _look_through(Court(own, world), made_at, tell)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def note_trial(court: Court, file: Path, trial: Trial) -> bool:
    """Put on record that a backup was tried, and found good. False where this home did not make it."""
    digest = _digest(file)
    with court.turns.go_ahead(), court.session() as session:
        known = update(BackupRow).where(BackupRow.digest == digest).values(tried_at=court.now)
        found = bool(session.execute(known.returning(BackupRow.id)).all())
        audit.note(session, court.now, SYSTEM, TRIED, detail={"made_at": trial.made_at, "whole": not trial.faults})
    return found


def _look_through(court: Court, made_at: str, tell: Tell) -> Trial:
    faults: list[str] = []
    try:
        make_folders(court.settings)
        court.reopening = True
        bring_to_version(court)
        tell("核对记录和审计")
        with court.reading() as session:
            verdict = verify(session, court.vault, court.audit_heads)
            faults += [fault.reason for fault in verdict.faults]
            _, sequence = journal.head(session)
            published = select(func.count()).where(RecordRow.state == State.PUBLISHED.value)
            expected = session.scalar(published.where(RecordRow.visible_until.is_(None))) or 0
            expected += session.scalar(published.where(RecordRow.visible_until > court.now)) or 0
        records, sealed = _open_records(court)
        if sealed:
            faults.append(f"{sealed} 条记录用备份里的密钥打不开")
        tell("由公布日志重做公示库")
        try:
            shown = court.pump.rebuild(replay=True)
        except JournalGap:
            shown = 0
            faults.append("公布日志缺行或者已损坏，不能重做公示库")
        if not faults and shown != expected:
            faults.append(f"重做的公示库有 {shown} 条，登记库中公布的有 {expected} 条")
        return Trial(
            made_at=made_at,
            records=records,
            shown=shown,
            audit_lines=verdict.lines,
            sequence=sequence,
            is_dump=False,
            faults=tuple(faults),
        )
    finally:
        court.close()


def _of_dumps(made_at: str, sequence: int, dumps: dict[str, Path]) -> Trial:
    """Of a PostgreSQL backup a trial reads every byte; to load it needs a database of its own."""
    missing = {"registry", "notifier"} - set(dumps)
    faults = tuple(f"备份里没有 {name} 的数据库" for name in sorted(missing))
    return Trial(made_at=made_at, records=0, shown=0, audit_lines=0, sequence=sequence, is_dump=True, faults=faults)


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise RestoreRefused(f"备份里没有 {path.name}：这个备份不能使用")
    connection = sqlite3.connect(f"file:{path}?mode=ro&immutable=1", uri=True)
    try:
        found = connection.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.DatabaseError:
        found = None
    finally:
        connection.close()
    if found != ("ok",):
        raise RestoreRefused(f"备份里的 {path.name} 已经损坏：这个备份不能使用")


def _open_records(court: Court) -> tuple[int, int]:
    """How many records there are, and how many of them the vault does not open."""
    count = broken = last = 0
    while True:
        with court.reading() as session:
            query = select(RecordRow).where(RecordRow.id > last).order_by(RecordRow.id).limit(_CHUNK)
            rows = session.scalars(query).all()
            if not rows:
                return count, broken
            for row in rows:
                count, last = count + 1, row.id
                try:
                    read_record(row, court.vault)
                except VaultError:
                    broken += 1


def _digest(path: Path) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
