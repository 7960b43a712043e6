"""How terms and columns lie on the disk. A codec for Whoosh 2.7.4, which keeps segments, deletions and commits.

A term is held by a document or not: no positions, no weights. The documents of a segment are numbered from 0 to
65,535 at most, the newest first. So a posting list is an array of two-byte numbers, or, where more than one document
in sixty-four holds the term, a bit for each. Terms of a field are sorted, one after the other, and found by a hash table
beside them. Nothing is copied when a segment is opened: all is read where the file is mapped.
Whoosh has no types, hence the `ignore[misc]` on what derives from its classes.
"""

from __future__ import annotations

import json
import sys
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial, reduce
from struct import Struct
from typing import Any
from zlib import crc32

from whoosh import formats
from whoosh.codec.base import Codec
from whoosh.codec.whoosh3 import W3Segment
from whoosh.fields import FieldType

MOST = 65_536  # documents in a segment

_TRAILER = Struct("<QQ")
_KNOWN = 8_192
_FEW_BITS = 8
_EMPTY = 0xFFFF_FFFF
_SPARSE = 64  # a term that fewer than one of so many documents hold is an array of numbers

Numbers = Sequence[int]


class Terms(FieldType):  # type: ignore[misc]
    """A field whose value is the set of its terms. It is filled and read by this module alone."""

    def __init__(self) -> None:
        self.format = formats.Existence()
        self.column_type = None


class Blocks:
    """Named blocks of bytes in one mapped file: how this codec finds its parts."""

    def __init__(self, view: memoryview) -> None:
        start, length = _TRAILER.unpack_from(view, len(view) - _TRAILER.size)
        self._view = view
        self._places: dict[str, list[int]] = json.loads(bytes(view[start : start + length]))

    def names(self) -> list[str]:
        return list(self._places)

    def get(self, name: str) -> memoryview:
        start, length = self._places[name]
        return self._view[start : start + length]


def write_blocks(file: Any, blocks: Iterable[tuple[str, Any]]) -> None:
    """Write blocks of bytes with their names, one after the other."""
    places = {}
    place = 0
    for name, data in blocks:
        file.write(data)
        length = memoryview(data).nbytes
        places[name] = [place, length]
        place += length
    directory = json.dumps(places).encode()
    file.write(directory)
    file.write(_TRAILER.pack(place, len(directory)))


class TermTable:
    """The terms of one field of one segment, and the documents that hold each. Safe to share between threads."""

    def __init__(self, blocks: Blocks, field: str, size: int) -> None:
        self._keys = blocks.get(f"{field}.keys")
        self._key_starts = blocks.get(f"{field}.key_starts").cast("I")
        self._slots = blocks.get(f"{field}.slots").cast("I")
        self._posts = blocks.get(f"{field}.posts")
        self._post_starts = blocks.get(f"{field}.post_starts").cast("Q")
        self._size = size
        self._dense = count_bytes(size)
        # Of the parts and not of the table, which would hold itself and, until it is collected, a file that is gone.
        parts = (self._keys, self._key_starts, self._slots, self._posts, self._post_starts)
        self.find = lru_cache(maxsize=_KNOWN)(partial(_find, *parts))

    def terms(self) -> Iterator[str]:
        places = range(len(self._key_starts) - 1)
        return (bytes(self._keys[self._key_starts[n] : self._key_starts[n + 1]]).decode() for n in places)

    def bits(self, term: str) -> int:
        """The documents that hold the term, a bit for each."""
        post = self.find(term)
        return 0 if post is None else self.to_bits(post)

    def numbers(self, term: str) -> Numbers:
        """The documents that hold the term, ascending."""
        post = self.find(term)
        return () if post is None else self.to_numbers(post)

    def is_dense(self, post: memoryview | bytes) -> bool:
        """Whether a posting list, as `find` gives it, has a bit for each document; else it is an array of numbers."""
        return len(post) == self._dense

    def count(self, post: memoryview | bytes) -> int:
        """How many documents a posting list holds."""
        return self.to_bits(post).bit_count() if self.is_dense(post) else len(post) // 2

    def to_bits(self, post: memoryview | bytes) -> int:
        """A posting list, a bit for each document."""
        if self.is_dense(post):
            return int.from_bytes(post, "little")
        return to_bits(memoryview(post).cast("H"), self._size) if post else 0

    def to_numbers(self, post: memoryview | bytes) -> Numbers:
        """A posting list as numbers, ascending."""
        if self.is_dense(post):
            return list(iterate_bits(int.from_bytes(post, "little")))
        return memoryview(post).cast("H")


def _find(
    keys: memoryview,
    key_starts: memoryview,
    slots: memoryview,
    posts: memoryview,
    post_starts: memoryview,
    term: str,
) -> memoryview | None:
    """The posting list of a term, or None."""
    key, last = term.encode(errors="replace"), len(slots) - 1
    slot = crc32(key) & last
    while (number := slots[slot]) != _EMPTY:
        if keys[key_starts[number] : key_starts[number + 1]] == key:
            return posts[post_starts[number] : post_starts[number + 1]]
        slot = slot + 1 & last
    return None


def write_terms(field: str, table: Mapping[str, array[int]], size: int) -> Iterator[tuple[str, Any]]:
    """The blocks of a field that a `TermTable` reads."""
    terms = sorted((term.encode(errors="replace"), numbers) for term, numbers in table.items())
    key_starts, post_starts = array("I", [0]), array("Q", [0])
    posts = []
    dense = count_bytes(size)
    for key, numbers in terms:
        is_dense = len(numbers) * _SPARSE > size
        post = to_bits(numbers, size).to_bytes(dense, "little") if is_dense else numbers.tobytes()
        posts.append(post)
        key_starts.append(key_starts[-1] + len(key))
        post_starts.append(post_starts[-1] + len(post))
    yield f"{field}.keys", b"".join(key for key, _ in terms)
    yield f"{field}.key_starts", key_starts
    yield f"{field}.slots", _build_slots([key for key, _ in terms])
    yield f"{field}.posts", b"".join(posts)
    yield f"{field}.post_starts", post_starts


def _build_slots(keys: Sequence[bytes]) -> array[int]:
    """A hash table of the keys' places: each in the first empty slot from the one that its checksum names."""
    slots = array("I", [_EMPTY]) * (1 << (2 * len(keys)).bit_length())
    last = len(slots) - 1
    for number, key in enumerate(keys):
        slot = crc32(key) & last
        while slots[slot] != _EMPTY:
            slot = slot + 1 & last
        slots[slot] = number
    return slots


class TextColumn:
    """A text for each document."""

    def __init__(self, blocks: Blocks, name: str) -> None:
        self._text = blocks.get(f"{name}.text")
        self._ends = blocks.get(f"{name}.ends").cast("I")

    def raw(self, number: int) -> bytes:
        """The text of a document in UTF-8."""
        return bytes(self._text[self._ends[number - 1] if number else 0 : self._ends[number]])

    def get(self, number: int) -> str:
        return self.raw(number).decode()


def write_column(name: str, values: Iterable[str]) -> Iterator[tuple[str, Any]]:
    """The blocks that a `TextColumn` reads."""
    encoded = [value.encode(errors="replace") for value in values]
    ends, end = array("I"), 0
    for value in encoded:
        end += len(value)
        ends.append(end)
    yield f"{name}.text", b"".join(encoded)
    yield f"{name}.ends", ends


def count_bytes(size: int) -> int:
    """The bytes that a bit for each of `size` documents takes, made odd: arrays of numbers take an even count, and
    so the length alone tells the two apart."""
    return (size + 7) // 8 | 1


def to_bits(numbers: Sequence[int], size: int) -> int:
    """A bit for each of the numbers, which are ascending and below `size`."""
    if len(numbers) <= _FEW_BITS:
        return reduce(lambda bits, number: bits | 1 << number, numbers, 0)
    marks = bytearray(size // 8 + 1)
    for number in numbers:
        marks[number >> 3] |= 1 << (number & 7)
    return int.from_bytes(marks, "little")


def iterate_bits(bits: int) -> Iterator[int]:
    """The numbers whose bits are set, ascending."""
    if bits.bit_count() <= _FEW_BITS:
        while bits:
            low = bits & -bits
            yield low.bit_length() - 1
            bits ^= low
        return
    # Where many are set it is quicker to take the integer apart than to take bits out of all of it.
    data = bits.to_bytes((bits.bit_length() + 63) // 64 * 8, "little")
    for place, word in enumerate(array("Q", data)):
        while word:
            low = word & -word
            yield place * 64 + low.bit_length() - 1
            word ^= low


class SetCodec(Codec):  # type: ignore[misc]
    """Writes what `Draft` hands it. Whoosh asks a codec for a writer of columns and a writer of terms; both are one
    file here, written when the segment is finished."""

    length_stats = False

    def per_document_writer(self, _storage: Any, _segment: Any) -> _Nothing:
        return _Nothing()

    def field_writer(self, storage: Any, segment: Any) -> _BlockWriter:
        return _BlockWriter(storage, segment)

    def new_segment(self, _storage: Any, indexname: str) -> SetSegment:
        return SetSegment(self, indexname)


class SetSegment(W3Segment):  # type: ignore[misc]
    """A segment of one file, which needs no compounding."""

    def should_assemble(self) -> bool:
        return False


class _Nothing:
    is_closed = False

    def close(self) -> None:
        self.is_closed = True


class _BlockWriter:
    def __init__(self, storage: Any, segment: Any) -> None:
        self._storage = storage
        self._segment = segment
        self.is_closed = False

    def add_postings(self, _schema: Any, _lengths: None, blocks: Iterable[tuple[str, Any]]) -> None:
        with self._segment.create_file(self._storage, self._segment.COMPOUND_EXT) as file:
            write_blocks(file, blocks)

    def close(self) -> None:
        self.is_closed = True


if sys.byteorder != "little":  # pragma: no cover
    raise ImportError("the index is written and read on little-endian machines only")
