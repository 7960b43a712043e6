"""The private side of an isolated network: writing the journal as numbered files into a folder that somebody carries."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from gongshi.court import Court
from gongshi.link.folder import LinkRefused, alone, clear_unfinished, put_whole, require_folder
from notifier.signing import SigningKey, create_signing_key, open_signing_key
from registry import journal
from registry.journal_files import (
    HistoryLost,
    NoSuchFile,
    last_made,
    last_number,
    list_older_with_departed,
    list_unwritten,
    list_written,
    mark_written,
    plan_next,
    read_plan,
)
from search_index.journal_file import find_number, name_file, write_file

EXPORT_EVERY = timedelta(minutes=10)
# Names must not lie about on disks: what has not been carried away after so long is made anew where it is asked for.
KEPT = timedelta(days=7)
_MOST_AGAIN = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """The numbers of the files that were written, and the position up to which the journal is in files."""

    numbers: Sequence[int]
    position: int


def key_file(court: Court) -> Path:
    return court.private / "keys" / "journal.pem"


def open_key(court: Court) -> tuple[SigningKey, str]:
    """The key that signs files of the journal, made on first use, and its public half (hex). Raises SigningKeyError."""
    create_signing_key(key_file(court))
    key = open_signing_key(key_file(court))
    return key, _public_of(key)


def prepare_next_key(court: Court) -> str:
    """The public half (hex) of the key that is to follow, made where there is none: the public side must know it before a file is
    signed with it, for a departure that is not believed would wait."""
    create_signing_key(_next_file(court))
    return _public_of(open_signing_key(_next_file(court)))


def switch_key(court: Court) -> str:
    """Sign with the next key from now on; its public half (hex). Raises LinkRefused where none was prepared."""
    with alone(court.private / "journal-export.lock", wait=True):
        if not _next_file(court).exists():
            raise LinkRefused(
                "还没有准备新密钥：请先运行 gongshi journal key --next，把新旧两个公钥都写进公众一侧的设置"
            )
        _next_file(court).replace(key_file(court))
    return open_key(court)[1]


def _next_file(court: Court) -> Path:
    return court.private / "keys" / "journal-next.pem"


def _public_of(key: SigningKey) -> str:
    return load_pem_public_key(key.public.pem).public_bytes(Encoding.Raw, PublicFormat.Raw).hex()


def export(court: Court, folder: Path, *, whole: bool = False) -> Exported:
    """Write everything that is after the last file, in at least one file; with `whole` the journal from its first line, under
    another epoch. Killed at any moment it is repeated. Raises LinkRefused or OSError."""
    with _turn(court, folder):
        now = court.now
        _clear_other_history(court, folder, whole=whole)
        numbers = _write_unwritten(court, folder)
        try:
            while _plan(court, now, whole=whole) is not None:
                whole = False
                numbers += _write_unwritten(court, folder)
        except HistoryLost as error:
            raise LinkRefused(str(error)) from None
        _clear_old(court, folder)
        return Exported(numbers=numbers, position=_position(court))


def export_again(court: Court, folder: Path, first: int, last: int) -> Exported:
    """Write files that were lost under way once more, with the words as the journal has them now. Raises LinkRefused."""
    if not 1 <= first <= last < first + _MOST_AGAIN:
        raise LinkRefused(f"编号应为 N 或 N-M，一次最多 {_MOST_AGAIN} 个")
    with _turn(court, folder):
        try:
            for number in range(first, last + 1):
                _write(court, folder, number)
        except NoSuchFile as error:
            raise LinkRefused(str(error)) from None
        return Exported(numbers=range(first, last + 1), position=_position(court))


def export_if_due(court: Court, folder: Path) -> Exported | None:
    """Export when the last file is old, or when something has departed since; None where nothing is due."""
    with court.reading() as session:
        made = last_made(session)
        due = made is None or court.now - made[0] >= EXPORT_EVERY or bool(list_unwritten(session))
        if made is not None and not due:
            due = bool(journal.departures_after(session, made[1]))
    return export(court, folder) if due else None


@contextmanager
def _turn(court: Court, folder: Path) -> Iterator[None]:
    """One export at a time, into a folder that is there."""
    require_folder(folder)
    with alone(court.private / "journal-export.lock"):
        clear_unfinished(folder)
        yield


def _plan(court: Court, now: datetime, *, whole: bool) -> int | None:
    court.turns.step_aside()
    with court.session() as session:
        return plan_next(session, now, whole=whole)


def _write_unwritten(court: Court, folder: Path) -> list[int]:
    with court.reading() as session:
        numbers = list_unwritten(session)
    for number in numbers:
        _erase_departed(court, folder, number)
        _write(court, folder, number)
        with court.session() as session:
            mark_written(session, number, court.now)
    return numbers


def _erase_departed(court: Court, folder: Path, number: int) -> None:
    """Make anew, without the words, what still lies here of what departs in a file. Killed, it is repeated with the file."""
    with court.reading() as session:
        older = list_older_with_departed(session, number)
    standing = court.settings.journal_export_folder
    for place in {folder, standing or folder}:
        for one in older:
            if (place / name_file(one)).is_file():
                _write(court, place, one)


def _write(court: Court, folder: Path, number: int) -> None:
    key, public = open_key(court)
    with court.reading() as session:
        plan = read_plan(session, number, court.now)
    put_whole(
        folder, name_file(number), write_file(plan.header, plan.entries, plan.repeated, key=public, sign=key.sign)
    )


def _clear_other_history(court: Court, folder: Path, *, whole: bool) -> None:
    """A history that begins anew takes the place of the files of the one before. A registry that came back from a backup, and
    does not know of files that were made since, is found out where one of them still lies here. Raises LinkRefused."""
    with court.reading() as session:
        known = last_number(session)
    if whole or not known:
        _clear(folder)
        return
    newest = max((find_number(path.name) or 0 for path in folder.iterdir()), default=0)
    if newest > known:
        raise LinkRefused(
            f"目录中已有第 {newest} 号日志文件，而登记库只导出到第 {known} 号：登记库像是从备份恢复的，"
            "请运行 gongshi journal export --whole，并把全部文件送到公众一侧"
        )


def _clear(folder: Path, numbers: Container[int] | None = None) -> None:
    """Remove files of the journal from the folder: those of `numbers`, or all."""
    for path in folder.iterdir():
        number = find_number(path.name)
        if number is not None and (numbers is None or number in numbers):
            path.unlink(missing_ok=True)


def _clear_old(court: Court, folder: Path) -> None:
    with court.reading() as session:
        _clear(folder, list_written(session, court.now - KEPT))


def _position(court: Court) -> int:
    with court.reading() as session:
        made = last_made(session)
    return made[1] if made else 0
