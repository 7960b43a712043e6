"""What `doctor` says of what a disaster would leave: keys, backups, recovery key, witness logs, a restore under way."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select

from gongshi.office import signing_key_file
from gongshi.safety.closed import is_closed
from gongshi.safety.recovery_book import Recovery, RecoveryBook
from gongshi.safety.recovery_keys import RecoveryRefused
from gongshi.watching.finding import Finding, grade_above, tell_age
from gongshi.watching.rounds import Check, Round, daily
from registry.tables import AuditRow, BackupRow

BACKUP_WARN, BACKUP_FAIL = timedelta(hours=26), timedelta(hours=50)
TRIAL_WARN = timedelta(days=100)
CONFIRMED_WARN = timedelta(days=366)


def _key(look: Round) -> Iterator[Finding]:
    court = look.court
    court.vault.digest("")
    with court.reading() as session:
        newest = session.scalar(select(func.max(BackupRow.made_at)).where(BackupRow.verified_at.is_not(None)))
    unsaved = [
        path.name for path in list_keys(court.settings.private, signing_key_file(court)) if _is_newer(path, newest)
    ]
    if newest is not None and unsaved:
        text = f"{'、'.join(unsaved)} 在最近一次备份之后新建或更换，还没有进入备份：请运行 gongshi backup"
        yield Finding("密钥", "warn", text)
    else:
        saved = "已进入备份" if newest is not None else "请确认已另存备份"
        yield Finding("密钥", "ok", f"{court.settings.key_file} 可用；{saved}")


def list_keys(private: Path, signing: Path) -> list[Path]:
    """The files without which something can no longer be opened or signed."""
    keys = private / "keys"
    found = [*keys.glob("*.key"), *keys.glob("*.pem"), signing]
    return sorted(path for path in found if path.is_file())


def _is_newer(path: Path, moment: datetime | None) -> bool:
    return moment is not None and datetime.fromtimestamp(path.stat().st_mtime, UTC) > moment


def _backup(look: Round) -> Iterator[Finding]:
    court = look.court
    with court.reading() as session:
        made, tried = session.execute(
            select(func.max(BackupRow.made_at), func.max(BackupRow.tried_at)).where(BackupRow.verified_at.is_not(None))
        ).one()
        begun = session.scalar(select(func.min(AuditRow.at))) or court.now
    yield judge_backup(made, begun, court.now, is_set=court.settings.backup_folder is not None)
    yield judge_trial(tried, court.now)


def judge_backup(made: datetime | None, begun: datetime, now: datetime, *, is_set: bool) -> Finding:
    """How old the newest whole backup is; of a home without one how long there has been none. `is_set`: a folder for them
    is named."""
    age = now - (made or begun)
    grade = grade_above(age.total_seconds(), warn=BACKUP_WARN.total_seconds(), fail=BACKUP_FAIL.total_seconds())
    if made is None and not is_set:
        return Finding("备份", "warn", "没有设置 GONGSHI_BACKUP_FOLDER，也没有备份：机器损坏后名单和登记无法找回")
    if made is None:
        return Finding("备份", grade if grade == "fail" else "warn", "还没有备份：请运行 gongshi backup")
    if grade == "ok":
        return Finding("备份", "ok", f"最近一次在 {tell_age(age)}前，已校验")
    return Finding("备份", grade, f"最近一次在 {tell_age(age)}前：请检查定时备份，或立即运行 gongshi backup")


def judge_trial(tried: datetime | None, now: datetime) -> Finding:
    """When a backup was last restored on trial."""
    if tried is None:
        return Finding(
            "试恢复", "warn", "从未试恢复：没有恢复过的备份不能算数，请运行 gongshi restore --trial 备份文件"
        )
    if now - tried > TRIAL_WARN:
        text = f"上一次试恢复在 {tell_age(now - tried)}前：请运行 gongshi restore --trial 备份文件"
        return Finding("试恢复", "warn", text)
    return Finding("试恢复", "ok", f"上一次在 {tell_age(now - tried)}前")


def _witness(look: Round) -> Iterator[Finding]:
    mended = look.court.witness.mend()
    for fault in mended.faults:
        yield Finding("见证记录", "fail", fault)
    if not mended.faults:
        folder = look.court.settings.witness_folder
        where = f"，另存一份在 {folder}" if folder else ""
        yield Finding("见证记录", "ok" if folder else "warn", f"与登记库一致{where}" + ("" if folder else _NO_SECOND))


_NO_SECOND = "；没有设置 GONGSHI_WITNESS_FOLDER，磁盘损坏时会一并丢失：请指定另一块磁盘或另一台机器的目录"


def _recovery(look: Round) -> Iterator[Finding]:
    try:
        found = RecoveryBook(look.court.settings.key_file.parent).find()
    except RecoveryRefused as error:
        yield Finding("恢复钥匙", "fail", str(error))
        return
    yield judge_recovery(found, look.court.now)


def judge_recovery(found: Recovery | None, now: datetime) -> Finding:
    """Whether somebody could open a backup: the key is on paper, and was typed in within the last year."""
    if found is None:
        text = "从未制作恢复钥匙，不能备份：请运行 gongshi recovery make，打印后分别封存"
        return Finding("恢复钥匙", "warn", text)
    if found.last_confirmed is None:
        return Finding("恢复钥匙", "warn", "制作后没有核对过：请取出纸质钥匙，用 gongshi recovery confirm 核对一次")
    age = now - found.last_confirmed
    if age > CONFIRMED_WARN:
        text = f"上一次核对在 {tell_age(age)}前：请取出纸质钥匙，用 gongshi recovery confirm 再核对一次"
        return Finding("恢复钥匙", "warn", text)
    return Finding("恢复钥匙", "ok", f"指纹 {found.fingerprint}，上一次核对在 {tell_age(age)}前")


def _restoring(look: Round) -> Iterator[Finding]:
    if is_closed(look.court.settings.home):
        text = "正在从备份恢复，网站和发送都关闭：核对后由两人用 gongshi restore open 开放"
        yield Finding("恢复", "fail", text)


SAFETY: tuple[Check, ...] = (
    Check("密钥", _key),
    Check("备份", _backup, ("试恢复",)),
    Check("恢复钥匙", _recovery),
    Check("见证记录", _witness, is_due=daily),
    Check("恢复", _restoring),
)
