"""What would give away that somebody's words are still in a file: every short piece of them, in every writing.

A piece is a few characters that stand next to each other in a text, as they would be written by a database, an index,
a log or a careless copy. Pieces that stand in the files anyway, because others share them, say nothing and are left out.
"""

from __future__ import annotations

import bz2
import json
import lzma
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search_index.document import Document
from search_index.folding import fold_code, fold_name, fold_text
from search_index.segment import build_row

# What a tombstone may say: which record went, and when; and what says nothing of anybody.
_KEPT = frozenset({"record", "kind", "published_on", "updated_at", "term_ends_on", "visible_until"})
# A piece has two Han characters or six others, and six bytes: it does not come about by chance, and a text that was
# torn between two pages of a file is still known by either half.
_HAN = 2
_WIDTH = 6

_MAGIC: Mapping[bytes, Callable[[], Any]] = {
    b"\x78\x01": zlib.decompressobj,
    b"\x78\x5e": zlib.decompressobj,
    b"\x78\x9c": zlib.decompressobj,
    b"\x78\xda": zlib.decompressobj,
    b"\x1f\x8b\x08": lambda: zlib.decompressobj(31),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\x00": lzma.LZMADecompressor,
}


@dataclass(frozen=True, slots=True)
class Traces:
    """Pieces by the name of what they are pieces of: `obligation utf-8`, `sound utf-8`, …"""

    pieces: Mapping[str, frozenset[bytes]]

    def without(self, data: bytes) -> Traces:
        """Those that do not stand in `data`."""
        there = self._all_in(data)
        return Traces({name: some - there for name, some in self.pieces.items()})

    def found(self, data: bytes) -> dict[str, set[bytes]]:
        """The pieces that stand in `data`; a name of which there are none is left out."""
        there = self._all_in(data)
        return {name: set(some & there) for name, some in self.pieces.items() if some & there}

    def _all_in(self, data: bytes) -> frozenset[bytes]:
        # Most pieces have several names, and are looked for once.
        return frozenset(piece for piece in frozenset().union(*self.pieces.values()) if piece in data)

    def __len__(self) -> int:
        return sum(map(len, self.pieces.values()))


def traces_of(document: Document) -> Traces:
    """Everything by which the document could be recognised, but its record number, which its tombstone keeps."""
    pieces: dict[str, set[bytes]] = {}
    for name, text in _list_texts(document):
        for encoding, encode in _ENCODINGS.items():
            pieces.setdefault(f"{name} {encoding}", set()).update(_tear(text, encode))
    return Traces({name: frozenset(some) for name, some in pieces.items()})


def read_folder(folder: Path) -> bytes:
    """Every byte of every file below the folder, and of what is packed in them."""
    return b"\x00".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def with_unpacked(data: bytes) -> bytes:
    """The data and what was packed anywhere in it."""
    return b"\x00".join([data, *_unpack(data)])


def _list_texts(document: Document) -> Iterator[tuple[str, str]]:
    for name, value in document.as_json().items():
        if name in _KEPT:
            continue
        yield from ((name, text) for text in _flatten(value))
    row = build_row(document)
    yield from row.keys
    yield "folded name", fold_name(document.name)
    yield "folded code", fold_code(document.id_number or document.uscc or "")
    yield "folded text", fold_text(document.obligation or "")
    yield "row", row.name
    yield "row", row.text
    yield "row", row.code


def _flatten(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for part in value.values():
            yield from _flatten(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _flatten(part)
    elif isinstance(value, str):
        yield value


def _escape(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()


_ENCODINGS: Mapping[str, Callable[[str], bytes]] = {
    "utf-8": str.encode,
    "utf-16-le": lambda text: text.encode("utf-16-le"),
    "utf-16-be": lambda text: text.encode("utf-16-be"),
    "gb18030": lambda text: text.encode("gb18030"),
    "json": _escape,
}


def _tear(text: str, encode: Callable[[str], bytes]) -> Iterable[bytes]:
    """The overlapping pieces of a text: from each place the shortest that does not come about by chance."""
    text = text.strip()
    for place in range(len(text)):
        for width in range(2, _WIDTH + 1):
            run = text[place : place + width]
            torn = encode(run)
            is_told = sum(not char.isascii() for char in run) >= _HAN or width == _WIDTH
            if len(run) == width and is_told and len(torn) >= _WIDTH:
                yield torn
                break


def _unpack(data: bytes) -> Iterator[bytes]:
    for magic, make in _MAGIC.items():
        place = data.find(magic)
        while place >= 0:
            try:
                yield make().decompress(data[place : place + 16_777_216])
            except (zlib.error, OSError, lzma.LZMAError, EOFError, ValueError):
                pass
            place = data.find(magic, place + 1)
