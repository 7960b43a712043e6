"""One line of a witness log, and what a whole log says. Pure: bytes in, lines out.

A line is a JSON object: `n`, its number in its file; what may be read in clear; `sealed`, the rest, with the vault of the
home; `mac`, which authenticates all of it with a key of the same vault. A line that is cut short, altered or forged is told
apart by its number and takes no other line with it; a number that is left out tells that a line was taken away.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hmac import compare_digest
from typing import Any

from registry.vault import Vault, VaultError

BEGIN = "begin"
"""The type of a file's first line: its `position` says from which line of the journal on it is complete."""


# What may be read of a line that a full disk cut short.
_NAMED = re.compile(rb'"position":(\d{1,18}),"sequence":\d+,"record":"(SX-[0-9A-Z]{8})"')


class Log(StrEnum):
    """Which log, and its file name."""

    DEPARTURES = "departures.log"
    SENT = "sent.log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line that is authentic. `rest` is what was sealed."""

    number: int
    type: str
    at: datetime
    position: int | None = None
    sequence: int | None = None
    record: str | None = None
    rest: Mapping[str, Any]

    @property
    def identity(self) -> tuple[object, ...]:
        """The same for the same thing in both copies of a log."""
        own = (
            self.rest.get("id"),
            self.rest.get("dispatch"),
            self.rest.get("attempt"),
            self.rest.get("key"),
            self.rest.get("state"),
        )
        return (self.type, self.position, self.sequence, self.record, *own, *(() if self.position else (self.at,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a log says. `faults` is what could not be used, each a Chinese line; `torn`: its last line was cut short, which a
    loss of power does; `cut`: the place in the journal and the entry that such a line still names."""

    lines: tuple[Line, ...] = ()
    faults: tuple[str, ...] = ()
    torn: bool = False
    cut: frozenset[tuple[int, str]] = frozenset()

    @property
    def begins(self) -> int | None:
        """The position after which the log is complete; None where it does not say."""
        return next((line.position for line in self.lines if line.type == BEGIN), None)


def write_line(log: Log, vault: Vault, number: int, line: Mapping[str, Any], rest: Mapping[str, Any]) -> bytes:
    """A line with its end. `line` is what may be read in clear."""
    sealed = b64encode(vault.seal(rest, _context(log, number))).decode("ascii")
    body = {"n": number, **line, "sealed": sealed}
    return _encode({**body, "mac": _mac(log, vault, body)}) + b"\n"


def read_log(log: Log, vault: Vault, content: bytes) -> Contents:
    """Everything in a log that is authentic."""
    *whole, last = content.split(b"\n")
    lines, faults, before = list[Line](), list[str](), 0
    for place, text in enumerate(whole, start=1):
        if not text:
            continue
        line = _read(log, vault, text)
        if line is None:
            faults.append(f"{log} 第 {place} 行不完整、被改动，或者不是用本院的密钥写下的")
            continue
        if line.number > before + 1:
            faults.append(f"{log} 第 {place} 行之前缺少 {line.number - before - 1} 行")
        before = max(before, line.number)
        lines.append(line)
    named = _NAMED.search(last)
    cut = frozenset({(int(named[1]), named[2].decode())} if named else ())
    return Contents(lines=tuple(lines), faults=tuple(faults), torn=bool(last), cut=cut)


def read_number(text: bytes) -> int | None:
    """The number of a line, without authenticating it; None where it is no whole line."""
    try:
        return int(json.loads(text)["n"])
    except (ValueError, TypeError, KeyError):
        return None


def unite(copies: Iterable[Contents]) -> Contents:
    """What several copies of one log say together: each thing once, in the order of the first copy that has it."""
    found: dict[tuple[object, ...], Line] = {}
    faults: list[str] = []
    torn, cut = False, set[tuple[int, str]]()
    begins: list[Line] = []
    for copy in copies:
        faults += copy.faults
        torn |= copy.torn
        cut |= copy.cut
        for line in copy.lines:
            if line.type == BEGIN:
                begins.append(line)
            else:
                found.setdefault(line.identity, line)
    earliest = min(begins, key=lambda line: line.position or 0, default=None)
    lines = sorted(found.values(), key=lambda line: line.at)
    return Contents(
        lines=(*([earliest] if earliest else []), *lines),
        faults=tuple(dict.fromkeys(faults)),
        torn=torn,
        cut=frozenset(cut),
    )


def split_undone(lines: Sequence[Line]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """The lines that stand, and those that were written and whose transaction then did not commit: another line took their
    position. The last one to take a position has it. That a transaction failed which nothing followed cannot be told."""
    last: dict[int, tuple[datetime, int]] = {}
    for line in lines:
        if line.position is not None and line.type != BEGIN:
            last[line.position] = max(last.get(line.position, (line.at, 0)), (line.at, line.number))
    stand, undone = list[Line](), list[Line]()
    for line in lines:
        is_last = line.position is None or line.type == BEGIN or last[line.position] == (line.at, line.number)
        (stand if is_last else undone).append(line)
    return tuple(stand), tuple(undone)


def _read(log: Log, vault: Vault, text: bytes) -> Line | None:
    try:
        found = json.loads(text)
        mac = found.pop("mac")
        if not compare_digest(str(mac), _mac(log, vault, found)):
            return None
        number = int(found["n"])
        return Line(
            number=number,
            type=str(found["type"]),
            at=datetime.fromisoformat(found["at"]),
            position=found.get("position"),
            sequence=found.get("sequence"),
            record=found.get("record"),
            rest=vault.open(b64decode(found["sealed"]), _context(log, number)),
        )
    except (ValueError, TypeError, KeyError, AttributeError, VaultError):
        return None


def _context(log: Log, number: int) -> str:
    return f"witness {log} {number}"


def _mac(log: Log, vault: Vault, body: Mapping[str, Any]) -> str:
    return vault.digest(f"witness {log} " + _encode(body).decode())


def _encode(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=True, separators=(",", ":"), sort_keys=False).encode()
