"""Documents attached to a record or a matter: checked, scanned, and sealed in files of their own.

The bytes lie in a folder of the private side under names that say nothing; the name they came under is sealed in the row.
A file is written before its row is committed, so a row always has its file; a file without a row is put aside.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from secrets import token_hex

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.attachments import MEGABYTE, PaperRefused, check_file, clean_name
from registry.tables import PaperRow
from registry.vault import Vault, VaultError
from search_index.durable import write_private
from search_index.modes import make_private

FOLDER = "papers"
# Beside it: sealed files that no row of this registry knows.
UNKNOWN_FOLDER = "papers-unknown"
LARGEST = 10 * MEGABYTE
_SCAN_SECONDS = 60
_ORPHAN_FOR = timedelta(days=1)
_AT_ONCE = 500
_FILE = re.compile(r"[0-9a-f]{32}")


class PaperKind(StrEnum):
    """What a document is to the court."""

    DECISION = "decision"
    SERVICE = "service"
    BASIS = "basis"
    EVIDENCE = "evidence"
    ANSWER = "answer"
    OTHER = "other"


PAPER_LABEL = {
    PaperKind.DECISION: "决定书",
    PaperKind.SERVICE: "送达回证",
    PaperKind.BASIS: "依据文书",
    PaperKind.EVIDENCE: "当事人提交的材料",
    PaperKind.ANSWER: "单位的答复",
    PaperKind.OTHER: "其他材料",
}


class Verdict(StrEnum):
    """What a scan for harmful programs found. `unknown`: the scanner itself did not work."""

    CLEAN = "clean"
    INFECTED = "infected"
    UNKNOWN = "unknown"


Scanner = Callable[[bytes], Verdict]


class PaperLost(Exception):
    """A document cannot be read: its file is gone or damaged. The message is for the person who asked for it."""


class ScanFailed(PaperRefused):
    """The scanner did not answer, so nothing can be said of the file: it may be sent again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperLine:
    """A document in a list; `name` is private."""

    id: int
    kind: str
    label: str
    name: str
    media: str
    size: int
    added_at: datetime
    added_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedPaper:
    """A document, opened; `repr` shows nothing of it."""

    name: str
    media: str
    content: bytes
    record_id: int | None
    matter_id: int | None

    def __repr__(self) -> str:
        return "OpenedPaper()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offered:
    """A document as it is offered: the name it came under and its bytes. `file` is given where the same document may be
    offered again after a kill: it is then written to the same place."""

    kind: PaperKind
    name: str
    content: bytes
    file: str | None = None

    def __repr__(self) -> str:
        return "Offered()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A document that was checked and lies sealed in its file, but belongs to nothing yet."""

    kind: PaperKind
    name: str
    media: str
    size: int
    digest: str
    file: str

    def __repr__(self) -> str:
        return "Prepared()"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """Where documents are kept, how they are scanned, and how large they may be (bytes)."""

    folder: Path
    scan: Scanner
    limit: int = LARGEST


def open_scanner(command: str) -> Scanner:
    """What scans a document: `command` gets the bytes on its standard input and ends with 0 where they are clean, with 1
    where they are not; anything else is no answer. An empty command scans nothing."""
    if not command.strip():
        return lambda _content: Verdict.CLEAN
    words = shlex.split(command)

    def scan(content: bytes) -> Verdict:
        try:
            ended = subprocess.run(  # noqa: S603
                words,
                input=content,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_SCAN_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError):
            return Verdict.UNKNOWN
        return {0: Verdict.CLEAN, 1: Verdict.INFECTED}.get(ended.returncode, Verdict.UNKNOWN)

    return scan


def prepare_paper(vault: Vault, offered: Offered, keeping: Keeping) -> Prepared:
    """Check, scan and seal a document. It takes as long as the scanner does, so it is done before any transaction.
    Raises PaperRefused."""
    media = check_file(offered.name, offered.content, limit=keeping.limit)
    verdict = keeping.scan(offered.content)
    if verdict is Verdict.INFECTED:
        raise PaperRefused("病毒扫描没有通过，附件没有收下")
    if verdict is Verdict.UNKNOWN:
        raise ScanFailed("病毒扫描程序没有应答，附件没有收下：请稍后再试，或者请系统管理员检查 GONGSHI_SCAN_COMMAND")
    file = offered.file or token_hex(16)
    _write_sealed(keeping.folder, file, vault, offered.content)
    return Prepared(
        kind=offered.kind,
        name=clean_name(offered.name, media),
        media=media.value,
        size=len(offered.content),
        digest=vault.digest(sha256(offered.content).hexdigest()),
        file=file,
    )


def add_paper(
    session: Session,
    vault: Vault,
    prepared: Prepared,
    acting: Acting,
    *,
    record: int | None = None,
    matter: int | None = None,
) -> PaperRow:
    """Attach a prepared document to a record or a matter, in the caller's transaction."""
    row = PaperRow(
        record_id=record,
        matter_id=matter,
        kind=prepared.kind.value,
        media=prepared.media,
        size=prepared.size,
        digest=prepared.digest,
        file=prepared.file,
        sealed=vault.seal({"name": prepared.name}, _context(prepared.file)),
        added_at=acting.now,
        added_by=acting.actor,
    )
    session.add(row)
    session.flush()
    detail = {"paper": row.id, "kind": row.kind, "matter": matter, "size": row.size}
    audit.note(session, acting.now, acting.actor, "paper_add", record=record, detail=detail)
    return row


def open_paper(session: Session, vault: Vault, folder: Path, paper_id: int) -> OpenedPaper | None:
    """A document with its bytes, or None. Raises PaperLost."""
    row = session.get(PaperRow, paper_id)
    if row is None:
        return None
    try:
        sealed = (folder / row.file).read_bytes()
        content = base64.b64decode(vault.open(sealed, _context(row.file))["content"])
    except (OSError, VaultError, KeyError, ValueError):
        raise PaperLost("这份材料的文件不见了或者已经损坏：请从备份恢复 registry/papers") from None
    if vault.digest(sha256(content).hexdigest()) != row.digest:
        raise PaperLost("这份材料的文件与登记的不一致：请从备份恢复 registry/papers")
    name = _read_name(row, vault)
    return OpenedPaper(name=name, media=row.media, content=content, record_id=row.record_id, matter_id=row.matter_id)


def list_papers(
    session: Session, vault: Vault, *, record: int | None = None, matter: int | None = None
) -> list[PaperLine]:
    """The documents of a record or of a matter, oldest first, without their bytes."""
    if (record is None) == (matter is None):
        raise ValueError("documents are those of a record or of a matter")
    of = PaperRow.record_id == record if record is not None else PaperRow.matter_id == matter
    rows = session.scalars(select(PaperRow).where(of).order_by(PaperRow.id))
    return [
        PaperLine(
            id=row.id,
            kind=row.kind,
            label=PAPER_LABEL.get(PaperKind(row.kind), row.kind) if row.kind in set(PaperKind) else row.kind,
            name=_read_name(row, vault),
            media=row.media,
            size=row.size,
            added_at=row.added_at,
            added_by=row.added_by,
        )
        for row in rows
    ]


def sweep_papers(session: Session, folder: Path, now: datetime) -> int:
    """Put files that no row knows aside, once they are a day old: what was under way when a process was killed.

    Only what was never finished is removed. The rest may be known to another registry than this one, which came back from
    a backup or is here by mistake: it waits beside the folder, and comes back when a row knows it (again). How many were
    put aside or removed.
    """
    aside = folder.with_name(UNKNOWN_FOLDER)
    for name in _find_known(session, _list_old(aside, now)):
        (aside / name).replace(folder / name)
    old = _list_old(folder, now)
    unknown = set(old) - _find_known(session, old)
    for name in unknown:
        if _FILE.fullmatch(name):
            make_private(aside)
            (folder / name).replace(aside / name)
        else:
            (folder / name).unlink(missing_ok=True)
    return len(unknown)


def _list_old(folder: Path, now: datetime) -> list[str]:
    if not folder.is_dir():
        return []
    latest = (now - _ORPHAN_FOR).timestamp()
    with os.scandir(folder) as entries:
        return [entry.name for entry in entries if entry.is_file(follow_symlinks=False) and _age(entry) < latest]


def _find_known(session: Session, names: Sequence[str]) -> set[str]:
    """Which of these files a row knows."""
    known: set[str] = set()
    for start in range(0, len(names), _AT_ONCE):
        some = names[start : start + _AT_ONCE]
        known |= set(session.scalars(select(PaperRow.file).where(PaperRow.file.in_(some))))
    return known


def _age(entry: os.DirEntry[str]) -> float:
    return entry.stat(follow_symlinks=False).st_mtime


def _read_name(row: PaperRow, vault: Vault) -> str:
    name = vault.open(row.sealed, _context(row.file)).get("name")
    return name if isinstance(name, str) else "附件"


def _context(file: str) -> str:
    return f"paper {file}"


def _write_sealed(folder: Path, file: str, vault: Vault, content: bytes) -> None:
    """Whole or not at all, and on the disk before the row that names it."""
    if not _FILE.fullmatch(file):
        raise ValueError("a document lies under a name that says nothing")
    make_private(folder)
    sealed = vault.seal({"content": base64.b64encode(content).decode()}, _context(file))
    write_private(folder / file, sealed)
