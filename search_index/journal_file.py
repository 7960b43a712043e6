"""The journal as signed, numbered files, for a portal that no network reaches: what the court writes and the public side reads.

A file is text, one JSON object a line: a header, the lines of the journal that it brings in turn, departures that it repeats,
and a last line with the counts, the digest of all before it, and an Ed25519 signature. Nothing of a file is believed, or
even read, before its signature holds.

Files are numbered within an epoch, which is the instant at which a history of files began; a registry that came back from a
backup begins another, and the later one counts. Each file names the chain of the one before it. The chain is taken over
what a journal never changes (position, instant, kind, record of every line) and not over the words, because the words of
what departs are erased: so a lost file can be made anew under its number, with the words as they are by then, and fits where
the first one did, while another history under the same numbers fits nowhere. A file that is made anew keeps the instant of
the first, so that it vouches for nothing that it does not hold.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from nacl.exceptions import CryptoError
from nacl.signing import VerifyKey

from search_index.document import Document
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange, SubjectChange
from search_index.number import is_number
from search_index.rows import local, utc

MOST_LINES = 20_000
MOST_REPEATED = 20_000
LARGEST = 128 * 1024 * 1024
# Characters of bodies after which a file is full; at three bytes each, and with what stands around them, far below LARGEST.
FULL = 16 * 1024 * 1024

_FORMAT = "gongshi-journal"
_VERSION = 1
_DOMAIN = b"gongshi journal file 1\n"
_LONGEST_LAST_LINE = 2_000
_NAME = re.compile(r"journal-([0-9]{8})\.gsj", re.ASCII)
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{128}", re.ASCII)
_EPOCH = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00", re.ASCII)
_ENTRY_KEYS = {"position", "at", "sequence", "type", "record", "body"}
_PROFILE_KEYS = {"position", "at", "profile"}
_SUBJECT_KEYS = {"position", "at", "subject", "key", "body"}


class FileRefused(Exception):
    """It is no file of this court's journal that can be believed. The message says why (Chinese), and nothing of what is in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a file says of itself. It brings the positions after `first` up to `last`; when it was made the journal ended at
    `end`. `begin` is the number of the epoch's first file; `chain` that of this file, `previous` that of the one before it,
    None for the first."""

    epoch: str
    begin: int
    number: int
    previous: str | None
    chain: str
    first: int
    last: int
    end: int
    sequence: int
    made_at: datetime
    court: str

    @property
    def is_whole(self) -> bool:
        """Whether with this file everything is known that the registry had told when it was made."""
        return self.last == self.end


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFile:
    """A file whose signature holds: the lines in turn, and departures from outside them that are to be carried out at once."""

    header: Header
    entries: tuple[JournalEntry, ...]
    repeated: tuple[EntryChange, ...]

    @property
    def departures(self) -> list[EntryChange]:
        """All that the file knows to be gone."""
        own = [one for one in self.entries if isinstance(one, EntryChange) and one.type is ChangeType.GONE]
        return [*own, *self.repeated]


def name_file(number: int) -> str:
    return f"journal-{number:08d}.gsj"


def find_number(name: str) -> int | None:
    """The number of a file by its name; None where it is no name of a file of the journal."""
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None


def fingerprint(key: str) -> str:
    """What two people compare on the telephone of a public key (hex): 16 characters in groups of four."""
    digest = sha256(bytes.fromhex(key)).hexdigest().upper()[:16]
    return " ".join(digest[start : start + 4] for start in range(0, len(digest), 4))


def read_keys(typed: str) -> tuple[str, ...]:
    """Public keys as they were typed: hex in any grouping, several apart by commas. Raises ValueError."""
    keys = tuple("".join(part.split()).lower() for part in re.split("[,，]", typed) if part.strip())
    if any(not _HEX.fullmatch(key) for key in keys):
        raise ValueError("a public key has 64 hexadecimal digits")
    return keys


def extend_chain(previous: str | None, epoch: str, number: int, lines: Sequence[JournalEntry]) -> str:
    """The chain with one more file: what of its lines never changes."""
    digest = sha256(json.dumps([previous, epoch, number]).encode())
    for line in lines:
        digest.update(json.dumps(_lasting(line), ensure_ascii=False).encode())
    return digest.hexdigest()


def write_file(
    header: Header,
    entries: Sequence[JournalEntry],
    repeated: Sequence[EntryChange],
    *,
    key: str,
    sign: Callable[[bytes], bytes],
) -> bytes:
    """The bytes of a file; `key` is the public half (hex) of what `sign` signs with."""
    lines = [_write_header(header), *map(_write_line, entries), *map(_write_line, repeated)]
    content = b"".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for line in lines)
    end: dict[str, Any] = {"lines": len(entries), "repeated": len(repeated), "sha256": sha256(content).hexdigest()}
    end["key"] = key
    end["signature"] = sign(_signed(end)).hex()
    return content + json.dumps(end, separators=(",", ":")).encode() + b"\n"


def read_file(content: bytes, trusted: Collection[str]) -> JournalFile:
    """The file, if one of the `trusted` public keys (hex) signed it and everything in it is as it must be. Raises FileRefused."""
    body, end = _split(content)
    _check_signature(body, end, trusted)
    try:
        # Not splitlines: a text may hold what Unicode takes for the end of a line.
        first, *lines = body.decode().removesuffix("\n").split("\n")
        if len(lines) != end["lines"] + end["repeated"] or end["lines"] > MOST_LINES or end["repeated"] > MOST_REPEATED:
            raise ValueError("the counts do not agree")
        header = _read_header(json.loads(first))
        read = [_read_line(json.loads(line)) for line in lines]
        file = JournalFile(
            header=header,
            entries=tuple(read[: end["lines"]]),
            repeated=tuple(_departure(line) for line in read[end["lines"] :]),
        )
        _check_order(file)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError):
        raise FileRefused("签名属实，但内容不是本版本能读的：请核对两侧的软件版本，先升级公众一侧") from None
    return file


def _split(content: bytes) -> tuple[bytes, dict[str, Any]]:
    """What was signed, and the last line."""
    cut = content.rfind(b"\n", max(0, len(content) - _LONGEST_LAST_LINE), max(0, len(content) - 1)) + 1
    if len(content) > LARGEST or not cut or not content.endswith(b"\n"):
        raise FileRefused("文件不完整（可能没有复制完）或者不是日志文件：请重新复制")
    try:
        end = json.loads(content[cut:])
        whole = isinstance(end, dict) and all(
            type(end[name]) is int and end[name] >= 0 for name in ("lines", "repeated")
        )
        shapes = (("sha256", _HEX), ("key", _HEX), ("signature", _SIGNATURE))
        whole = whole and all(shape.fullmatch(end[name]) for name, shape in shapes)
    except (ValueError, LookupError, TypeError, RecursionError):
        whole = False
    if not whole:
        raise FileRefused("文件不完整（可能没有复制完）或者不是日志文件：请重新复制")
    return content[:cut], end


def _check_signature(body: bytes, end: Mapping[str, Any], trusted: Collection[str]) -> None:
    if end["key"] not in trusted:
        raise FileRefused(
            "不是用本网站信任的法院密钥签名的（可能是别的法院的，或者是伪造的）：没有采用；"
            "法院换了密钥的，请把 gongshi journal key 显示的公钥加入设置 GONGSHI_JOURNAL_KEY"
        )
    if sha256(body).hexdigest() != end["sha256"]:
        raise FileRefused("内容与摘要不符，已损坏或者被改动：没有采用；请重新复制，仍然如此的请法院重做这个文件")
    try:
        VerifyKey(bytes.fromhex(end["key"])).verify(_signed(end), bytes.fromhex(end["signature"]))
    except (CryptoError, ValueError):
        raise FileRefused("签名不属实，文件是伪造的或者被改动：没有采用；请查明它是怎样进入目录的") from None


def _signed(end: Mapping[str, Any]) -> bytes:
    return _DOMAIN + json.dumps([end["sha256"], end["lines"], end["repeated"], end["key"]]).encode()


def _write_header(header: Header) -> dict[str, Any]:
    said = {name: getattr(header, name) for name in Header.__slots__}
    return {"format": _FORMAT, "version": _VERSION, **said, "made_at": utc(header.made_at)}


def _read_header(said: Any) -> Header:
    if said["format"] != _FORMAT or said["version"] != _VERSION:
        raise ValueError("another format")
    counts = ("begin", "number", "first", "last", "end", "sequence")
    chains = [said["chain"]] if said["previous"] is None else [said["chain"], said["previous"]]
    if any(type(said[name]) is not int or said[name] < 0 for name in counts) or type(said["court"]) is not str:
        raise ValueError("a number is none")
    if not (_EPOCH.fullmatch(said["epoch"]) and all(_HEX.fullmatch(one) for one in chains)):
        raise ValueError("a digest is none")
    header = Header(**{**{name: said[name] for name in Header.__slots__}, "made_at": _instant(said["made_at"])})
    begins = header.number == header.begin
    if not (header.begin <= header.number and header.first <= header.last <= header.end):
        raise ValueError("the numbers contradict one another")
    if begins != (header.previous is None) or (begins and header.first != 0):
        raise ValueError("the first file has nothing before it, and every other has")
    return header


def _check_order(file: JournalFile) -> None:
    header, entries = file.header, file.entries
    if [one.position for one in entries] != list(range(header.first + 1, header.last + 1)):
        raise ValueError("positions are missing")
    sequences = [one.sequence for one in entries if isinstance(one, EntryChange)]
    if sequences != sorted(set(sequences)):
        raise ValueError("sequences are out of order")
    if extend_chain(header.previous, header.epoch, header.number, entries) != header.chain:
        raise ValueError("the chain is another")


def _write_line(line: JournalEntry) -> dict[str, Any]:
    told: dict[str, Any] = {"position": line.position, "at": utc(line.at)}
    match line:
        case ProfileChange():
            return {**told, "profile": line.body}
        case SubjectChange():
            return {**told, "subject": line.subject, "key": line.key, "body": line.body}
    return {**told, "sequence": line.sequence, "type": line.type.value, "record": line.record, "body": line.body}


def _read_line(said: Any) -> JournalEntry:
    position, at, keys = said["position"], _instant(said["at"]), set(said)
    if type(position) is not int or position < 1:
        raise ValueError("a position is none")
    if keys == _PROFILE_KEYS:
        return ProfileChange(position=position, at=at, body=_object(said["profile"]))
    body = None if said["body"] is None else _object(said["body"])
    if keys == _SUBJECT_KEYS and type(said["subject"]) is str and type(said["key"]) is str:
        return SubjectChange(position=position, at=at, subject=said["subject"], key=said["key"], body=body)
    if keys != _ENTRY_KEYS or type(said["sequence"]) is not int or not is_number(said["record"]):
        raise ValueError("no line of a journal")
    kind = ChangeType(said["type"])
    if body is not None and (kind is ChangeType.GONE or Document.from_json(body).record != said["record"]):
        raise ValueError("the words are not of this line")
    return EntryChange(position=position, at=at, sequence=said["sequence"], type=kind, record=said["record"], body=body)


def _departure(line: JournalEntry) -> EntryChange:
    if not isinstance(line, EntryChange) or line.type is not ChangeType.GONE:
        raise ValueError("only departures are repeated")
    return line


def _lasting(line: JournalEntry) -> list[Any]:
    lasting: list[Any] = [line.position, utc(line.at)]
    match line:
        case EntryChange():
            return [*lasting, line.sequence, line.type.value, line.record]
        case SubjectChange():
            return [*lasting, line.subject, line.key]
    return lasting


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("an object was expected")
    return value


def _instant(text: Any) -> datetime:
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("an instant needs an offset")
    return local(text)
