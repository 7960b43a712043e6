"""Canaries: values that occur nowhere else in the world, and a finder that knows them however they were written.

A canary is made of characters that nobody's list has: rare characters beyond the basic plane, numbers of an area that
does not exist, letters without a vowel. Two rare characters side by side, three
that are seldom, eleven digits or twelve letters of one are enough to know it by, so that a text which was cut, split into the terms of an index or wrapped in tags is known too.
The finder goes by bytes: it does not have to guess where a text begins, or in which of the encodings it was written.
"""

from __future__ import annotations

import base64
import binascii
import bz2
import gzip
import html
import io
import lzma
import os
import quopri
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import reduce
from hashlib import sha256
from pathlib import Path
from random import Random
from urllib.parse import unquote_to_bytes

from gongshi.synthetic import build_citizen_number, build_uscc
from search_index.folding import fold_name, fold_text

_RARE = [
    character
    for character in map(chr, range(0x20000, 0x2A6D0))
    if fold_name(character) == fold_text(character) == unicodedata.normalize("NFKC", character) == character
]
# As rare, and of those that a case number may be made of.
_SELDOM = [chr(code) for code in range(0x8C00, 0x9C00) if fold_text(chr(code)) == chr(code) and chr(code) not in "财赔"]
# The names of the staff are canaries, too.
CLERK, REVIEWER, SECOND, ADMIN = "书记员𡃁𢵧", "审核人𣲷𤧛", "审核人𥖄𦰡", "管理员𧝁𨭉"
_LETTERS = "BCDFGHJKLMNPQRTWXY"
_PAIR, _TRIPLE, _DIGITS, _LETTERS_SEEN = 2, 3, 11, 12


@dataclass
class Canaries:
    """Makes canaries, no two of which share anything that the finder goes by. The same seed gives the same ones."""

    random: Random
    _serial: int = 0

    def rare(self, length: int = 4) -> str:
        """A name, a place, a word."""
        return "".join(self.random.choice(_RARE) for _ in range(length))

    def amount(self) -> str:
        """A sum of money: in a free text a rare word would be taken for somebody's name, and hidden."""
        return f"{self.random.randrange(2 * 10**11, 10**12)}元"

    def case(self, kind: str = "执") -> str:
        """A case number. The court's short name is what it is known by."""
        court = "".join(self.random.choice(_SELDOM) for _ in range(4))
        return f"（2014）{court}{kind}字第{self.random.randrange(1, 99_999):05d}号"

    def letters(self, length: int = 16) -> str:
        """A password, a spelling in Latin letters, the number of a document."""
        return "".join(self.random.choice(_LETTERS) for _ in range(length))

    def phone(self) -> str:
        return f"154{self.random.randrange(10**8):08d}"

    def card(self) -> str:
        return f"99{self.random.randrange(10**17):017d}"

    def citizen(self, gender: str = "男", born: date | None = None) -> str:
        born = born or date(1960, 1, 1) + timedelta(days=self.random.randrange(12_000))
        return build_citizen_number("990101", born, self.random.randrange(500) * 2 + (gender == "男"))

    def uscc(self) -> str:
        self._serial += 1
        return build_uscc("91", f"99{self.random.randrange(10**4):04d}", self.random.randrange(10**6) * 100 + 7)


@dataclass
class Watch:
    """The canaries that must not be seen, and what each of them is."""

    known: dict[str, str] = field(default_factory=dict)

    def add(self, value: str, what: str) -> str:
        """Look out for a value from now on; the value, for the one who puts it somewhere."""
        found = _pieces(value)
        assert found, f"nothing to know {what} by: {value!r}"
        self.known.update(dict.fromkeys(found, what))
        return value

    def forget(self, value: str) -> None:
        """Look out for it no more: it may be seen now."""
        for piece in _pieces(value):
            self.known.pop(piece, None)

    def without(self, *values: str) -> Watch:
        """The same, but for some values: those that a request or a command itself brought in."""
        left = Watch(dict(self.known))
        for value in values:
            left.forget(value)
        return left

    def find(self, content: bytes | str) -> set[str]:
        """What of the canaries is in there, by what they are; empty when nothing is."""
        blob = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
        pieces = _pieces_of_large(blob) if len(blob) >= _LARGE else _pieces_within(blob)
        return {self.known[piece] for piece in pieces & self.known.keys()}

    def find_in_folder(self, folder: Path) -> dict[str, set[str]]:
        """The same of every file below a folder, of their names, and of where links lead, by path."""
        found = {}
        for path in sorted(folder.rglob("*")):
            name = os.fsencode(path.relative_to(folder))
            content = (
                os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
            )
            if seen := self.find(name) | self.find(content):
                found[os.fsdecode(name)] = seen
        return found


_LARGE = 4096
_looked_through: dict[bytes, frozenset[str]] = {}


def _pieces_of_large(blob: bytes) -> frozenset[str]:
    """The same, remembered: inboxes hold copies of packages, and each is looked through for this and for that."""
    digest = sha256(blob).digest()
    if digest not in _looked_through:
        _looked_through[digest] = _pieces_within(blob)
    return _looked_through[digest]


def _pieces_within(blob: bytes) -> frozenset[str]:
    return frozenset(piece for text in _read(blob) for piece in _pieces(text))


def is_canary(value: str) -> bool:
    """Whether the finder would know the value again."""
    return bool(_pieces(value))


# What a canary is known by -----------------------------------------------------------------------------------------

_RARE_RUN = re.compile("[\U00020000-\U0002a6df]{2,}")
_HAN_RUN = re.compile("[\u8c00-\u9bff]{3,}")
_DIGIT_RUN = re.compile(r"[0-9]{11,}")
_LETTER_RUN = re.compile(r"[0-9A-Z]{12,}")


def _pieces(text: str) -> set[str]:
    """The pairs, and the runs of digits and letters, by which a canary is known. Twelve letters are not all digits."""
    letters = _windows(_LETTER_RUN, _LETTERS_SEEN, text.upper())
    return (
        _windows(_RARE_RUN, _PAIR, text)
        | _windows(_HAN_RUN, _TRIPLE, text)
        | _windows(_DIGIT_RUN, _DIGITS, text)
        | {piece for piece in letters if not piece.isdigit()}
    )


def _windows(runs: re.Pattern[str], length: int, text: str) -> set[str]:
    return {run[0][n : n + length] for run in runs.finditer(text) for n in range(len(run[0]) - length + 1)}


# What bytes say, in whatever writing -------------------------------------------------------------------------------

_DEPTH = 4
_MOST = 1 << 26
_SMALL = 1 << 16
_WRITINGS: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"(?:\xf0[\xa0-\xaa][\x80-\xbf]{2}){2,}"), "utf-8"),
    (re.compile(rb"(?:[\x95-\x98][0-9][\x81-\xfe][0-9]){2,}"), "gb18030"),
    (re.compile(rb"(?:[\x40-\x69]\xd8[\x00-\xff][\xdc-\xdf]){2,}"), "utf-16-le"),
    (re.compile(rb"(?:\xd8[\x40-\x69][\xdc-\xdf][\x00-\xff]){2,}"), "utf-16-be"),
    (re.compile(rb"(?:\xed\xa1[\x80-\xa9]\xed[\xb0-\xbf][\x80-\xbf]){2,}"), "cesu-8"),
    (re.compile(rb"[0-9A-Za-z]{11,}"), "ascii"),
    (re.compile(rb"(?:[0-9A-Za-z]\x00){11,}"), "utf-16-le"),
    (re.compile(rb"(?:\x00[0-9A-Za-z]){11,}"), "utf-16-be"),
    (re.compile(rb"(?:[\xe8\xe9][\x80-\xbf]{2}){3,}"), "utf-8"),
    # Where in a run of bytes a character begins cannot be told: see _decode.
    (re.compile(rb"(?:[\xd0-\xf7][\xa1-\xfe]|[\x81-\xfe][\x40-\xa0]){3,}"), "gb18030 anywhere"),
    (re.compile(rb"(?:[\x00-\xff][\x8c-\x9b]){3,}"), "utf-16-le"),
    (re.compile(rb"(?:[\x8c-\x9b][\x00-\xff]){3,}"), "utf-16-be"),
    # Full width, in UTF-8 and in GB 18030.
    (re.compile(rb"(?:\xef\xbc[\x90-\x99\xa1-\xba]|\xef\xbd[\x81-\x9a]){11,}"), "utf-8"),
    (re.compile(rb"(?:\xa3[0-9A-Za-z\xb0-\xfa]){11,}"), "gb18030"),
    # Parted, as people write a number.
    (re.compile(rb"(?<![0-9])[0-9](?:(?:[ .\-]|\xc2\xa0|\xe3\x80\x80)?[0-9Xx]){10,}"), "parted"),
)


def _read(blob: bytes, depth: int = _DEPTH) -> Iterator[str]:
    """Every text in `blob` that a canary can be a part of, also behind what encodes, escapes, wraps or compresses."""
    for shape, writing in _WRITINGS:
        for found in shape.finditer(blob):
            yield _decode(found[0], writing)
    if depth:
        # One by one, as what undoes one writing may spoil another; and all together, for what was written twice over.
        inner = [undo(blob) for undo in _WRAPPINGS]
        if depth == _DEPTH and (len(blob) < _SMALL or b"\0" not in blob):
            inner += [undo(blob) for undo in _ESCAPINGS]
        together = reduce(lambda text, undo: undo(text) or text, _ESCAPINGS, blob)
        for one in {*inner, together} - {blob, b""}:
            yield from _read(one, depth - 1)


def _decode(content: bytes, writing: str) -> str:
    if writing == "parted":
        return re.sub(rb"[^0-9Xx]", b"", content).decode()
    if writing == "gb18030 anywhere":
        return "\0".join(content[start:].decode("gb18030", "replace") for start in (0, 1))
    if writing == "cesu-8":
        halves = content.decode("utf-8", "surrogatepass")
        return halves.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return unicodedata.normalize("NFKC", content.decode(writing, "ignore"))


_PERCENT = re.compile(rb"%[0-9A-Fa-f]{2}")
_ESCAPE = re.compile(rb"\\u\{?([0-9A-Fa-f]{4,6})\}?|\\U([0-9A-Fa-f]{8})|\\x([0-9A-Fa-f]{2})|\\([0-3][0-7]{2})")
_TAG = re.compile(rb"<[^<>]{0,300}>")
_BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{12,}={0,2}")
_FOLDED = re.compile(rb"(?<=[A-Za-z0-9+/=_-])\r?\n[ \t]?(?=[A-Za-z0-9+/=_-])")
_HEX = re.compile(rb"[0-9A-Fa-f]{16,}")
_QUOTED = re.compile(rb"=[0-9A-F]{2}")
_ZLIB = re.compile(rb"\x78[\x01\x5e\x9c\xda]")


def _percent(blob: bytes) -> bytes:
    return unquote_to_bytes(blob) if _PERCENT.search(blob) else b""


def _escapes(blob: bytes) -> bytes:
    """JSON's, JavaScript's, Python's and PostgreSQL's."""
    if b"\\" not in blob:
        return b""
    return _join_halves(_ESCAPE.sub(_unescape, blob))


def _unescape(found: re.Match[bytes]) -> bytes:
    short, long, byte, octal = found.groups()
    if byte or octal:
        return bytes([int(byte, 16) if byte else int(octal, 8)])
    code = int(short or long, 16)
    return chr(code).encode("utf-8", "surrogatepass") if code <= 0x10FFFF else b""


def _join_halves(blob: bytes) -> bytes:
    joined = re.compile(rb"(?:\xed[\xa0-\xbf][\x80-\xbf]){2,}")
    return joined.sub(lambda found: _decode(found[0], "cesu-8").encode("utf-8", "ignore"), blob)


def _entities(blob: bytes) -> bytes:
    if b"&" not in blob:
        return b""
    return html.unescape(blob.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


def _tags(blob: bytes) -> bytes:
    return _TAG.sub(b"", blob) if b"<" in blob else b""


def _quoted_printable(blob: bytes) -> bytes:
    return quopri.decodestring(blob) if b"\0" not in blob and _QUOTED.search(blob) else b""


def _base64(blob: bytes) -> bytes:
    """All runs, each begun at every one of its first four characters, also where it was folded into lines."""
    runs = {*_BASE64.findall(blob), *_BASE64.findall(_FOLDED.sub(b"", blob))}
    plain = [run.rstrip(b"=").translate(bytes.maketrans(b"-_", b"+/")) for run in runs]
    return b"\n\n".join(_unbase(run[start:]) for run in plain for start in range(4))


def _unbase(run: bytes) -> bytes:
    return base64.b64decode(run[: len(run) // 4 * 4] + _rest(run))


def _rest(run: bytes) -> bytes:
    # A last part of one character says nothing.
    last = run[len(run) // 4 * 4 :]
    return last + b"=" * (4 - len(last)) if len(last) > 1 else b""


def _hex(blob: bytes) -> bytes:
    runs = [run[start:] for run in _HEX.findall(blob) for start in (0, 1)]
    return b"\n\n".join(binascii.unhexlify(run[: len(run) // 2 * 2]) for run in runs)


def _zip(blob: bytes) -> bytes:
    if b"PK\x03\x04" not in blob:
        return b""
    try:
        with zipfile.ZipFile(io.BytesIO(blob)) as archive:
            return b"\n\n".join(part for name in archive.namelist() for part in (name.encode(), archive.read(name)))
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError):
        # What was undone of it, tags say, is no archive any more; the whole one is looked through as well.
        return b""


def _deflated(blob: bytes) -> bytes:
    """What begins anywhere as a zlib stream: the texts of a PNG, the streams of a PDF."""
    streams = []
    for found in _ZLIB.finditer(blob):
        try:
            streams.append(zlib.decompressobj().decompress(blob[found.start() :], _MOST))
        except zlib.error:
            continue
    return b"\n\n".join(streams)


def _compressed(blob: bytes) -> bytes:
    for start, unpack in ((b"\x1f\x8b", gzip.decompress), (b"BZh", bz2.decompress), (b"\xfd7zXZ", lzma.decompress)):
        if blob.startswith(start):
            try:
                return unpack(blob)
            except (OSError, EOFError, lzma.LZMAError, zlib.error):
                return b""
    return b""


_WRAPPINGS: tuple[Callable[[bytes], bytes], ...] = (_base64, _hex, _zip, _deflated, _compressed)
_ESCAPINGS: tuple[Callable[[bytes], bytes], ...] = (_quoted_printable, _percent, _escapes, _entities, _tags)
