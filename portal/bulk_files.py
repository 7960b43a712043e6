"""The whole list as JSON Lines, made from the JSON text of the documents as it is read. Pure.

It ends with a line that counts the entries and says the SHA-256 of every byte before it: a file without that line is not
whole. No identity number leaves in bulk, not even masked.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from hashlib import sha256
from typing import Any

from search_index.document import Document

WITHHELD = "id_number"
BULK_KEYS = tuple(f.name for f in fields(Document) if f.name != WITHHELD)
# What some take for the end of a line, although JSON does not: within a text it is written escaped.
_LINE_ENDS = {"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_decode = json.JSONDecoder().raw_decode
_encode = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode

Rows = Sequence[tuple[str, str]]


def build_bulk_entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    """A document (Document.as_json) as it is given in bulk: only what is named here, absent where older stores lack it."""
    return {key: entry.get(key) for key in BULK_KEYS}


def write_snapshot(head: Mapping[str, Any], chunks: Iterable[Rows]) -> Iterator[bytes]:
    """The lines of a snapshot: what it is, every entry, and its end. What reading `chunks` raises goes through, so that
    the last line is missing."""
    first = _write_lines([{"type": "head", **head}])
    digest, count = sha256(first), 0
    yield first
    for rows in chunks:
        part = _write_lines({"type": "entry", "entry": build_bulk_entry(_decode(body)[0])} for _, body in rows)
        digest.update(part)
        count += len(rows)
        yield part
    yield _write_lines([{"type": "end", "entries": count, "sha256": digest.hexdigest()}])


def _write_lines(bodies: Iterable[Mapping[str, Any]]) -> bytes:
    text = "".join([f"{_encode(body)}\n" for body in bodies])
    for character, escaped in _LINE_ENDS.items():
        text = text.replace(character, escaped)
    return text.encode()
