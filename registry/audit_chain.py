"""Whether the audit trail is what was written (法释〔2017〕7号 art. 13): its chain walked from the first line to the last,
and held against what its end was on earlier days.

The file of heads is only added to. Each of its lines is sealed with the key of the vault, and with the line before it:
who can write the database, and not the key, cannot make another history fit. The trail in turn says how many heads there
are and how the last one is sealed, so that a file that vanished or was cut short is found as well.

Who can write the database and the file, too, can set both back to the same earlier day. Nothing inside tells that day from
today: for that a head is noted down elsewhere, and compared (`expected`).
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import SYSTEM
from registry.audit import StoredLine, Unreadable, link_of, read_stored
from registry.tables import AuditHeadRow, AuditRow
from registry.vault import Vault
from search_index.modes import open_private

HEAD_NOTED = "audit_head"
"""The action of the audit line that says that a head was kept."""


class Tampering(StrEnum):
    """What was done to a line."""

    ALTERED = "altered"
    REMOVED = "removed"
    INSERTED = "inserted"
    REWRITTEN = "rewritten"
    HEADS = "heads"
    HEADS_MISSING = "heads_missing"
    HEADS_CUT = "heads_cut"
    UNEXPECTED = "unexpected"


_WORDS = {
    Tampering.ALTERED: "第 {line} 行被改动，或者与别的行调换过",
    Tampering.REMOVED: "第 {line} 行被删去",
    Tampering.INSERTED: "第 {line} 行是后来加入的",
    Tampering.REWRITTEN: "至第 {line} 行为止的记录被整体改写：与当时留存的链尾不符",
    Tampering.HEADS: "链尾留存文件第 {line} 行被改动，或者有行被删去",
    Tampering.HEADS_MISSING: "链尾留存文件 audit-heads.log 不见了：从备份恢复的，应当与登记库一并恢复",
    Tampering.HEADS_CUT: "链尾留存文件第 {line} 行被删去或者换掉：审计记录中记有这一行",
    Tampering.UNEXPECTED: "第 {line} 行与另行抄录的链尾不符：至该行为止的记录被整体改写",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first line that is not as it was written; of the heads it is a line of their file (0: all of it)."""

    kind: Tampering
    line: int

    @property
    def reason(self) -> str:
        """In Chinese, for the auditor."""
        return _WORDS[self.kind].format(line=self.line)


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain ended at a moment."""

    line: int
    link: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What came of a walk: how many lines there are, how many of them are linked, the end of the chain, how many heads of
    earlier days were compared, and what is wrong (nothing, where the trail is whole)."""

    lines: int
    linked: int
    head: Head
    heads: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class _Walk:
    lines: int
    linked: int
    links: Mapping[int, str]
    noted: Sequence[tuple[int, str]]
    fault: Fault | None


@dataclass(frozen=True, slots=True)
class _Kept:
    """The file of heads, up to the first line that is not as it was written, and that line."""

    heads: tuple[Head, ...]
    seals: tuple[str, ...]
    fault: Fault | None


def verify(session: Session, vault: Vault, heads: Path, expected: Collection[Head] = ()) -> Verdict:
    """Walk the whole trail and compare it with the file of heads, and with heads `expected` by who kept them elsewhere.
    Changes nothing."""
    kept = _read_heads(heads, vault)
    # In this order: what is written meanwhile lies behind the head, and is not mistaken for put in.
    last = session.scalar(select(func.max(AuditRow.id))) or 0
    head = find_head(session)
    walk = _walk(session, head, last, {one.line for one in (*kept.heads, *expected)})
    faults = [walk.fault] if walk.fault else []
    if not faults:
        faults += _compare(kept.heads, walk.links, head, Tampering.REWRITTEN)
        faults += _compare(tuple(expected), walk.links, head, Tampering.UNEXPECTED)
    # Once more: a head that was kept meanwhile may have been noted in the lines that were walked.
    faults += _judge_file(_read_heads(heads, vault), walk.noted)
    return Verdict(lines=walk.lines, linked=walk.linked, head=head, heads=len(kept.heads), faults=tuple(faults))


def find_head(session: Session) -> Head:
    """The end of the chain; line 0 where nothing has been linked yet."""
    row = session.execute(select(AuditHeadRow.line, AuditHeadRow.link).where(AuditHeadRow.id == 1)).one_or_none()
    return Head(row.line, row.link) if row else Head(0, "")


def record_head(session: Session, vault: Vault, heads: Path, now: datetime) -> Head:
    """Add where the chain ends now to the file of heads, for the days to come, and note in the trail that it was kept.
    Raises OSError."""
    head = find_head(session)
    body = {"at": now.isoformat(), "line": head.line, "link": head.link}
    descriptor = open_private(heads, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW)
    with os.fdopen(descriptor, "a", encoding="ascii") as file:
        # The worker and an auditor may keep one at the same moment.
        fcntl.flock(file, fcntl.LOCK_EX)
        number, before = len(_lines(heads)) + 1, _last_seal(heads)
        seal = _seal(vault, before, body)
        line = json.dumps({**body, "seal": seal}) + "\n"
        # A line that was cut short by a fault of the disk must not swallow this one.
        file.write(line if _ends_whole(heads) else f"\n{line}")
        file.flush()
        os.fsync(file.fileno())
    # After the file: that a head was kept and not noted is no fault, the other way round it is one.
    audit.note(session, now, SYSTEM, HEAD_NOTED, detail={"head": number, "seal": seal, "line": head.line})
    return head


def found_heads(session: Session, vault: Vault, heads: Path, now: datetime) -> None:
    """Keep the first head of a home. A file that vanished later is missed, and not made anew. Raises OSError."""
    if not heads.exists() and session.scalar(select(AuditRow.id).where(AuditRow.action == HEAD_NOTED).limit(1)) is None:
        record_head(session, vault, heads, now)


def _walk(session: Session, head: Head, last: int, wanted: set[int]) -> _Walk:
    lines = linked = before = 0
    link, links = "", dict[int, str]()
    noted: list[tuple[int, str]] = []
    try:
        for line in read_stored(session, max(last, head.line)):
            fault = _judge(line.id, line.link, before, head, expected=link_of(link, line.content), chained=linked > 0)
            if fault is not None:
                return _Walk(lines, linked, links, noted, fault)
            lines, linked, before = lines + 1, linked + (line.link is not None), line.id
            link = link_of(link, line.content)
            if line.id in wanted:
                links[line.id] = link
            try:
                noted += _find_noted(line)
            except (ValueError, TypeError, KeyError):
                return _Walk(lines, linked, links, noted, Fault(Tampering.ALTERED, line.id))
    except Unreadable as error:
        return _Walk(lines, linked, links, noted, Fault(Tampering.ALTERED, error.line))
    if before < head.line:
        return _Walk(lines, linked, links, noted, Fault(Tampering.REMOVED, before + 1))
    if linked and link != head.link:
        return _Walk(lines, linked, links, noted, Fault(Tampering.ALTERED, before))
    return _Walk(lines, linked, links, noted, None)


def _judge(number: int, stored: str | None, before: int, head: Head, *, expected: str, chained: bool) -> Fault | None:
    if stored is None and not chained:
        # Older than the chain, whose first link stands for it. Behind the head there is no such line.
        return Fault(Tampering.INSERTED, number) if head.link and number > head.line else None
    if number > head.line:
        return Fault(Tampering.INSERTED, number)
    # Numbers have no gaps in the chain, and before it only where the lines are older.
    if (chained or before == 0) and stored is not None and number != before + 1:
        return Fault(Tampering.REMOVED, before + 1)
    if stored is None:
        return Fault(Tampering.INSERTED, number)
    return None if stored == expected else Fault(Tampering.ALTERED, number)


# The heads of earlier days ----------------------------------------------------------------------------------------


def _compare(kept: Sequence[Head], links: Mapping[int, str], head: Head, other: Tampering) -> list[Fault]:
    for one in kept:
        if one.line > head.line:
            return [Fault(Tampering.REMOVED, head.line + 1)]
        if one.line and links.get(one.line) != one.link:
            return [Fault(other, one.line)]
    return []


def _find_noted(line: StoredLine) -> list[tuple[int, str]]:
    """Which head a line of the trail says was kept, by its place in the file, and its seal. Raises ValueError, TypeError
    or KeyError where whoever wrote the line did not know how."""
    action, detail = line.content[3], line.content[6]
    if action != HEAD_NOTED:
        return []
    found = json.loads(detail)
    return [(int(found["head"]), str(found["seal"]))]


def _judge_file(kept: _Kept, noted: Sequence[tuple[int, str]]) -> list[Fault]:
    if kept.fault is not None:
        return [kept.fault]
    for number, seal in noted:
        if not 0 < number <= len(kept.seals) or kept.seals[number - 1] != seal:
            return [Fault(Tampering.HEADS_CUT, number)]
    return []


def _read_heads(path: Path, vault: Vault) -> _Kept:
    if not path.exists():
        return _Kept((), (), Fault(Tampering.HEADS_MISSING, 0))
    kept: list[Head] = []
    seals: list[str] = []
    before = ""
    for number, line in enumerate(_lines(path), start=1):
        try:
            found = json.loads(line)
            body = {key: found[key] for key in ("at", "line", "link")}
            if found["seal"] != _seal(vault, before, body):
                raise ValueError("another seal")
            head = Head(int(body["line"]), str(body["link"]))
        except (ValueError, TypeError, KeyError):
            return _Kept(tuple(kept), tuple(seals), Fault(Tampering.HEADS, number))
        kept.append(head)
        before = found["seal"]
        seals.append(before)
    return _Kept(tuple(kept), tuple(seals), None)


def _lines(path: Path) -> list[str]:
    return [line for line in path.read_text(encoding="ascii", errors="replace").splitlines() if line.strip()]


def _last_seal(path: Path) -> str:
    lines = _lines(path)
    try:
        return str(json.loads(lines[-1])["seal"]) if lines else ""
    except (ValueError, TypeError, KeyError):
        return ""


def _ends_whole(path: Path) -> bool:
    content = path.read_bytes()
    return not content or content.endswith(b"\n")


def _seal(vault: Vault, before: str, body: Mapping[str, object]) -> str:
    return vault.digest("audit head " + json.dumps([before, body["at"], body["line"], body["link"]]))
