"""A picture of four colours as a PNG. Pure: the same pixels give the same bytes.

Pillow's own writer takes three times as long for such a picture, and a list of thousands has hundreds.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

from PIL import Image

# Of the levels the last one that is quick: the next saves a tenth of the bytes and takes twice the time.
_LEVEL = 4
_PALETTE_COLOURS = 3
_BITS = 2


def encode_png(picture: Image.Image, palette: Sequence[tuple[int, int, int]]) -> bytes:
    """`picture` (mode L, a width that four divides, values that are places in `palette`) as PNG, two bits a pixel."""
    width, height = picture.size
    stride = width * _BITS // 8
    content = _as_palette(picture).tobytes("raw", f"P;{_BITS}")
    rows = b"".join(b"\0" + content[start : start + stride] for start in range(0, stride * height, stride))
    header = struct.pack(">IIBBBBB", width, height, _BITS, _PALETTE_COLOURS, 0, 0, 0)
    colours = bytes(value for colour in palette for value in colour)
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"PLTE", colours),
            _chunk(b"IDAT", zlib.compress(rows, _LEVEL)),
            _chunk(b"IEND", b""),
        )
    )


def _as_palette(picture: Image.Image) -> Image.Image:
    packed = picture.copy()
    packed.putpalette(bytes(12))
    return packed


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
