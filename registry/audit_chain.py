"""Whether the audit trail is what was written (法释〔2017〕7号 art. 13): its chain walked from the first line to the last,
and held against what its end was on earlier days.

The file of heads is only added to. Each of its lines is sealed with the key of the vault, and with the line before it:
who can write the database, and not the key, cannot make another history fit.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.audit import Unreadable, link_of, read_stored
from registry.tables import AuditHeadRow, AuditRow
from registry.vault import Vault


class Tampering(StrEnum):
    """What was done to a line."""

    ALTERED = "altered"
    REMOVED = "removed"
    INSERTED = "inserted"
    REWRITTEN = "rewritten"
    HEADS = "heads"


_WORDS = {
    Tampering.ALTERED: "第 {line} 行被改动，或者与别的行调换过",
    Tampering.REMOVED: "第 {line} 行被删去",
    Tampering.INSERTED: "第 {line} 行是后来加入的",
    Tampering.REWRITTEN: "至第 {line} 行为止的记录被整体改写：与当时留存的链尾不符",
    Tampering.HEADS: "链尾留存文件第 {line} 行被改动，或者有行被删去",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """The first line that is not as it was written; of `HEADS` it is a line of the file."""

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
    fault: Fault | None


def verify(session: Session, vault: Vault, heads: Path) -> Verdict:
    """Walk the whole trail and compare it with the file of heads. Changes nothing."""
    kept, spoilt = _read_heads(heads, vault)
    # In this order: what is written meanwhile lies behind the head, and is not mistaken for put in.
    last = session.scalar(select(func.max(AuditRow.id))) or 0
    head = find_head(session)
    walk = _walk(session, head, last, {one.line for one in kept})
    faults = [walk.fault] if walk.fault else []
    if not faults:
        faults += _compare(kept, walk.links, head)
    if spoilt is not None:
        faults.append(spoilt)
    return Verdict(lines=walk.lines, linked=walk.linked, head=head, heads=len(kept), faults=tuple(faults))


def find_head(session: Session) -> Head:
    """The end of the chain; line 0 where nothing has been linked yet."""
    row = session.execute(select(AuditHeadRow.line, AuditHeadRow.link).where(AuditHeadRow.id == 1)).one_or_none()
    return Head(row.line, row.link) if row else Head(0, "")


def record_head(session: Session, vault: Vault, heads: Path, now: datetime) -> Head:
    """Add where the chain ends now to the file of heads, for the days to come. Raises OSError."""
    head = find_head(session)
    before = _last_seal(heads)
    body = {"at": now.isoformat(), "line": head.line, "link": head.link}
    line = json.dumps({**body, "seal": _seal(vault, before, body)}) + "\n"
    new = not heads.exists()
    descriptor = os.open(heads, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "a", encoding="ascii") as file:
        # A line that was cut short by a fault of the disk must not swallow this one.
        file.write(line if new or _ends_whole(heads) else f"\n{line}")
        file.flush()
        os.fsync(file.fileno())
    return head


def _walk(session: Session, head: Head, last: int, wanted: set[int]) -> _Walk:
    lines = linked = before = 0
    link, links = "", dict[int, str]()
    try:
        for line in read_stored(session, max(last, head.line)):
            fault = _judge(line.id, line.link, before, head, expected=link_of(link, line.content), chained=linked > 0)
            if fault is not None:
                return _Walk(lines, linked, links, fault)
            lines, linked, before = lines + 1, linked + (line.link is not None), line.id
            link = link_of(link, line.content)
            if line.id in wanted:
                links[line.id] = link
    except Unreadable as error:
        return _Walk(lines, linked, links, Fault(Tampering.ALTERED, error.line))
    if before < head.line:
        return _Walk(lines, linked, links, Fault(Tampering.REMOVED, before + 1))
    if linked and link != head.link:
        return _Walk(lines, linked, links, Fault(Tampering.ALTERED, before))
    return _Walk(lines, linked, links, None)


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


def _compare(kept: Sequence[Head], links: Mapping[int, str], head: Head) -> list[Fault]:
    for one in kept:
        if one.line > head.line:
            return [Fault(Tampering.REMOVED, head.line + 1)]
        if one.line and links.get(one.line) != one.link:
            return [Fault(Tampering.REWRITTEN, one.line)]
    return []


def _read_heads(path: Path, vault: Vault) -> tuple[list[Head], Fault | None]:
    """The heads that were kept, up to the first line that is not as it was written, and that line."""
    kept: list[Head] = []
    before = ""
    for number, line in enumerate(_lines(path), start=1):
        try:
            found = json.loads(line)
            body = {key: found[key] for key in ("at", "line", "link")}
            if found["seal"] != _seal(vault, before, body):
                raise ValueError("another seal")
            head = Head(int(body["line"]), str(body["link"]))
        except (ValueError, TypeError, KeyError):
            return kept, Fault(Tampering.HEADS, number)
        kept.append(head)
        before = found["seal"]
    return kept, None


def _lines(path: Path) -> list[str]:
    if not path.exists():
        return []
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
