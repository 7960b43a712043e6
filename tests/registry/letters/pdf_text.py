"""The text of a PDF as any reader finds it: what is shown, turned back into characters by the fonts' own tables."""

from __future__ import annotations

import re
import zlib

_OBJECT = re.compile(rb"(\d+) 0 obj\n(.*?)\nendobj", re.DOTALL)
_STREAM = re.compile(rb"stream\n(.*?)\nendstream", re.DOTALL)
_SHOWN = re.compile(rb"/(F\d+) [\d.]+ Tf|\(((?:\\.|[^\\)])*)\) Tj", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f"}


def read_pdf(content: bytes) -> list[str]:
    """What stands on each page, one line for each piece of text."""
    objects = {int(number): body for number, body in _OBJECT.findall(content)}
    fonts: dict[str, dict[int, str]] = {}
    for body in objects.values():
        for name, number in re.findall(rb"/(F\d+) (\d+) 0 R", body) if b"/Font <<" in body else ():
            table = re.search(rb"/ToUnicode (\d+) 0 R", objects[int(number)])
            assert table is not None, "a font without the way back to characters"
            fonts[name.decode()] = _read_table(_stream(objects[int(table[1])]))
    pages = [body for body in objects.values() if b"/Type /Page\n" in body + b"\n" and b"/Contents" in body]
    contents = [re.search(rb"/Contents (\d+) 0 R", page) for page in pages]
    return [_read_page(_stream(objects[int(found[1])]), fonts) for found in contents if found]


def _stream(body: bytes) -> bytes:
    found = _STREAM.search(body)
    assert found is not None
    return zlib.decompress(found[1]) if b"/FlateDecode" in body.split(b"stream")[0] else found[1]


def _read_table(table: bytes) -> dict[int, str]:
    pairs = re.findall(rb"^<([0-9A-F]{4})> <([0-9A-F]+)>$", table, re.MULTILINE)
    return {int(code, 16): bytes.fromhex(text.decode()).decode("utf-16-be") for code, text in pairs}


def _read_page(stream: bytes, fonts: dict[str, dict[int, str]]) -> str:
    lines, font = [], {}
    for name, shown in _SHOWN.findall(stream):
        if name:
            font = fonts[name.decode()]
        else:
            raw = re.sub(rb"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), shown, flags=re.DOTALL)
            lines.append("".join(font[int.from_bytes(raw[i : i + 2])] for i in range(0, len(raw), 2)))
    return "\n".join(lines)
