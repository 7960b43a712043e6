"""How terms are written and read. Plug-in points of Whoosh 2.7.4; the files are the standard ones of its codec.

A term is held by a document or not: no positions, no weights. So postings are collected as arrays of document
numbers and written in blocks of 4,096, where the stock writer makes one Python call a posting.
Whoosh has no types, hence the `ignore[misc]` on what derives from its classes.
"""

from __future__ import annotations

import pickle
import zlib
from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import accumulate
from operator import sub
from struct import Struct
from typing import Any

from whoosh import formats
from whoosh.codec.whoosh3 import (
    WHOOSH3_HEADER_MAGIC,
    W3Codec,
    W3FieldWriter,
    W3Segment,
    W3TermInfo,
    W3TermsReader,
)
from whoosh.columns import Column
from whoosh.fields import FieldType
from whoosh.system import pack_int, pack_ushort

_BLOCK = 4096
_WORTH_COMPRESSING = 64
_BLOCK_LENGTH = Struct("!i")
_PICKLE_PROTOCOL = 2

# One term of one field, and the documents that hold it in ascending order.
Posting = tuple[str, bytes, "array[int]"]


class Terms(FieldType):  # type: ignore[misc]
    """A field whose value is the set of its terms; a column beside them may keep one value a document."""

    def __init__(self, column: Column | None = None) -> None:
        self.format = formats.Existence()
        self.column_type = column

    def index(self, value: Iterable[str], **_options: Any) -> list[tuple[bytes, int, float, bytes]]:
        return [(term.encode(), 1, 1.0, b"") for term in value]

    def to_bytes(self, value: str | bytes) -> bytes:
        return value if isinstance(value, bytes) else value.encode()

    def from_bytes(self, value: bytes) -> str:
        return value.decode()

    def to_column_value(self, value: Any) -> Any:
        return value.encode() if isinstance(value, str) else value

    def from_column_value(self, value: Any) -> Any:
        return value


class PostingPool:
    """Stands in for Whoosh's pool of posting tuples: document numbers by field and term, kept in memory."""

    def __init__(self) -> None:
        self._documents: dict[str, dict[bytes, array[int]]] = defaultdict(lambda: defaultdict(_no_documents))

    def add(self, item: tuple[str, bytes, int, float, bytes]) -> None:
        self._documents[item[0]][item[1]].append(item[2])

    def extend(self, field: str, term: bytes, documents: Iterable[int]) -> None:
        self._documents[field][term].extend(documents)

    def iter_postings(self) -> Iterator[Posting]:
        for field in sorted(self._documents):
            terms = self._documents[field]
            for term in sorted(terms):
                yield field, term, terms[term]

    def cleanup(self) -> None:
        self._documents.clear()


class BlockFieldWriter(W3FieldWriter):  # type: ignore[misc]
    """Writes whole posting lists."""

    def add_postings(self, schema: Any, _lengths: None, postings: Iterable[Posting]) -> None:
        current = None
        for field, term, documents in postings:
            if not documents:
                continue
            if field != current:
                self.start_field(field, schema[field])
                current = field
            self._write_term(term, documents)

    def _write_term(self, term: bytes, documents: array[int]) -> None:
        file = self._postfile
        start = file.tell()
        file.write(WHOOSH3_HEADER_MAGIC)
        blocks = range(0, len(documents), _BLOCK)
        for first in blocks:
            block = documents[first : first + _BLOCK]
            file.write(_build_block(block, last=first == blocks[-1]))
        info = W3TermInfo(
            weight=len(documents), df=len(documents), maxweight=1, minid=documents[0], maxid=documents[-1]
        )
        info.set_extent(start, file.tell() - start)
        self._tindex.add(pack_ushort(self._fieldid) + term, info.to_bytes())


class BlockTermsReader(W3TermsReader):  # type: ignore[misc]
    """Reads whole posting lists. It only slices the mapped file, so threads may share it."""

    def documents(self, field: str, term: str | bytes) -> array[int]:
        """The numbers of the documents that hold the term, ascending; deleted ones among them."""
        key = self._keycoder(field, term.encode(errors="replace") if isinstance(term, str) else term)
        try:
            # Whoosh gives the length as it unpacked it, a tuple of one.
            offset, (length,) = W3TermInfo.from_bytes(self._tindex[key]).extent()
        except KeyError:
            return _no_documents()
        return _read_blocks(self._postfile.get(offset, length))

    def all_documents(self) -> Iterator[Posting]:
        """Every term of every field, with its documents."""
        for field, term in self.terms():
            yield field, term, self.documents(field, term)


class BlockCodec(W3Codec):  # type: ignore[misc]
    """Whoosh's own codec, faster on both sides. Segments name the stock codec, which reads all of this too."""

    length_stats = False

    def field_writer(self, storage: Any, segment: Any) -> BlockFieldWriter:
        return BlockFieldWriter(self, storage, segment)

    def terms_reader(self, storage: Any, segment: Any) -> BlockTermsReader:
        name = segment.make_filename(self.TERMS_EXT)
        postings = segment.open_file(storage, self.POSTS_EXT)
        return BlockTermsReader(self, storage.open_file(name), storage.file_length(name), postings)

    def new_segment(self, _storage: Any, indexname: str) -> W3Segment:
        return W3Segment(W3Codec(), indexname)


def _no_documents() -> array[int]:
    return array("I")


def _build_block(documents: array[int], *, last: bool) -> bytes:
    steps = (documents[0], *map(sub, documents[1:], documents))
    data = pickle.dumps((steps, None, None), _PICKLE_PROTOCOL)
    level = 3 if len(data) > _WORTH_COMPRESSING else 0
    if level:
        data = zlib.compress(data, level)
    info = pickle.dumps((len(documents), documents[-1], 1, level, 0, 0), _PICKLE_PROTOCOL)
    length = len(info) + len(data)
    return bytes(pack_int(-length if last else length)) + info + data


def _read_blocks(postings: bytes) -> array[int]:
    documents = _no_documents()
    position = len(WHOOSH3_HEADER_MAGIC)
    while position < len(postings):
        (length,) = _BLOCK_LENGTH.unpack_from(postings, position)
        position += _BLOCK_LENGTH.size
        documents.extend(_read_block(postings[position : position + abs(length)]))
        position += abs(length)
    return documents


def _read_block(block: bytes) -> Iterable[int]:
    # Pickles are Whoosh's own format; the folder is written by the private side and only read here.
    stream = BytesIO(block)
    compression = pickle.load(stream)[3]  # noqa: S301
    data = stream.read()
    steps = pickle.loads(zlib.decompress(data) if compression else data)[0]  # noqa: S301
    return accumulate(steps)
