"""Whether the parts of a workbook can be read in bounded memory, however they were written.

openpyxl reads a sheet row by row and everything else whole. So a row must end, what lies outside of rows must be little,
and what is read whole must be small. Where much is to be read, only the plain form that spreadsheet programs write is
taken: then bytes tell rows from what merely looks like one, at the speed of decompression.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

# Smaller than this, a part does no harm however it is written.
_HARMLESS = 2 << 20
_CHUNK = 1 << 20
_MOST_ROWS = 1_048_576
_MOST_IN_ROW = 20_000
_LONGEST_ROW = 4 << 20
_MOST_OUTSIDE = 300_000
_MOST_OF_STRINGS = 4_000_000
_LARGEST_STRINGS = 128 << 20
_LARGEST_OTHER = 16 << 20
_LARGEST_PICTURE = 64 << 20

_SPREADSHEET = b"http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_SIXTEEN_BITS = (b"\xff\xfe", b"\xfe\xff", b"<\0", b"\0<")
_ENCODING = re.compile(rb"""^<\?xml[^>]*?encoding\s*=\s*["']([^"']*)["']""")
_ROOT = re.compile(rb"<(?:[\w.-]+:)?([\w.-]+)")
_NAMESPACE = re.compile(rb"""xmlns(?::([\w.-]+))?\s*=\s*["']([^"']*)["']""")
_ROW = re.compile(rb"<(/?)(?:([\w.-]+):)?row\b([^<>]*)>")
_PLAIN = frozenset({b"utf-8", b"utf8", b"us-ascii", b"iso-8859-1"})


class TooMuch(Exception):
    """A part of the workbook could take more memory than any list needs."""


def refuse_harmful(archive: zipfile.ZipFile) -> None:
    """Look at every part that is not small. Raises TooMuch, and what zipfile raises for a broken archive."""
    for info in archive.infolist():
        if info.file_size > _HARMLESS:
            with archive.open(info) as stream:
                _check_part(stream, info.file_size)


def _check_part(stream: IO[bytes], size: int) -> None:
    opening = stream.read(_CHUNK).removeprefix(b"\xef\xbb\xbf").lstrip()
    _refuse(opening.startswith(_SIXTEEN_BITS))
    if not opening.startswith(b"<"):
        _refuse(size > _LARGEST_PICTURE)
        return
    declared = _ENCODING.match(opening)
    _refuse(declared is not None and declared[1].lower() not in _PLAIN)
    root = _ROOT.search(opening)
    kind = root[1] if root else b""
    if kind == b"worksheet":
        _check_sheet(opening, stream)
    elif kind == b"sst":
        _refuse(size > _LARGEST_STRINGS)
        _count_tags(opening, stream, _MOST_OF_STRINGS)
    else:
        _refuse(size > _LARGEST_OTHER)
        _count_tags(opening, stream, _MOST_OUTSIDE)


def _count_tags(opening: bytes, stream: IO[bytes], most: int) -> None:
    count = 0
    for chunk in _chunks(opening, stream):
        count += chunk.count(b"<")
        _refuse(count > most)


def _check_sheet(opening: bytes, stream: IO[bytes]) -> None:
    sheet = _Sheet(prefix=_find_prefix(opening))
    for chunk in _chunks(opening, stream):
        sheet.take(chunk)


def _find_prefix(opening: bytes) -> bytes:
    """The prefix that rows have, empty for none; it must mean the same thing to the end of them."""
    first = _ROW.search(opening)
    bound = _NAMESPACE.findall(opening, 0, first.start() if first else len(opening))
    prefixes: list[bytes] = [prefix for prefix, meaning in bound if meaning == _SPREADSHEET]
    _refuse(len(prefixes) != 1 or [prefix for prefix, _ in bound].count(prefixes[0]) != 1)
    return prefixes[0]


@dataclass(slots=True)
class _Sheet:
    """What was seen of a sheet so far: how much outside of rows, and of the row under way if there is one."""

    prefix: bytes
    rows: int = 0
    outside: int = 0
    tags: int = 0
    length: int = 0
    is_in_row: bool = False
    has_begun: bool = False
    is_rebound: bool = False

    def take(self, chunk: bytes) -> None:
        at = 0
        for row in _ROW.finditer(chunk):
            self._pass(chunk, at, row.start())
            self._turn(row)
            at = row.end()
        self._pass(chunk, at, len(chunk))

    def _pass(self, chunk: bytes, start: int, end: int) -> None:
        count = chunk.count(b"<", start, end)
        # A prefix that changes its meaning among the rows would make them something else.
        self.is_rebound = self.is_rebound or (self.has_begun and chunk.find(b"xmlns", start, end) >= 0)
        if self.is_in_row:
            self.tags += count
            self.length += end - start
            _refuse(self.tags > _MOST_IN_ROW or self.length > _LONGEST_ROW)
        else:
            self.outside += count
            _refuse(self.outside > _MOST_OUTSIDE)

    def _turn(self, row: re.Match[bytes]) -> None:
        is_end, attributes = bool(row[1]), row[3]
        _refuse(self.is_rebound or b"xmlns" in attributes or (row[2] or b"") != self.prefix)
        # Rows do not stand within rows.
        _refuse(is_end != self.is_in_row)
        self.has_begun = True
        self.is_in_row = not is_end and not attributes.endswith(b"/")
        self.rows += not is_end
        self.tags = self.length = 0
        _refuse(self.rows > _MOST_ROWS)


def _chunks(opening: bytes, stream: IO[bytes]) -> Iterator[bytes]:
    """The text of a part in pieces that each end before a tag; what is no element or text is refused."""
    rest = opening[opening.find(b"?>") + 2 :] if opening.startswith(b"<?xml") else opening
    while True:
        cut = max(rest.rfind(b"<"), 0)
        piece, rest = rest[:cut], rest[cut:]
        # Comments, CDATA, instructions and declarations could hide what looks like a row.
        _refuse(b"<!" in piece or b"<?" in piece or b"\0" in piece)
        yield piece
        more = stream.read(_CHUNK)
        if not more:
            yield rest
            return
        rest += more
        _refuse(len(rest) > _LONGEST_ROW)


def _refuse(is_harmful: bool) -> None:
    if is_harmful:
        raise TooMuch
