"""The type of the PDFs: the characters that a paper needs, out of the pinned Noto Sans CJK SC, as a font of their own.

The variable font is opened once a process. Only what is written on a paper goes into its file, in outlines that every
reader of PDF knows.
"""

from __future__ import annotations

import atexit
import io
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from threading import Lock
from typing import Any

from fontTools.fontBuilder import FontBuilder
from fontTools.pens.cu2quPen import Cu2QuPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

_PACKAGE = "manimgx_fonts_cjk"
_FILE = "NotoSansCJK-VF.otf.ttc"
# The faces of the collection: JP, KR, SC, TC, HK.
_FACE = 2
_UNITS = 1000
_MADE = 3_850_070_400  # 2026-01-01, in the seconds since 1904 that fonts count
# What stands for a character that has no shape.
_UNKNOWN = "□"

# Reading the font moves about in its file, and pages are made by several threads.
_reading = Lock()


class TypefaceMissing(Exception):
    """The font is not installed. The message is for the administrator."""


def build_font(characters: Iterable[str], weight: int) -> bytes:
    """A TrueType font with these characters at `weight` (100 to 900). What the typeface does not have looks like □,
    and can still be searched for and copied. Raises TypefaceMissing."""
    wanted = sorted({*characters, _UNKNOWN, " "})
    with _reading:
        font, known = _open()
        shapes = font.getGlyphSet(location={"wght": weight})
        drawn = {c: _draw(shapes[known.get(ord(c)) or known[ord(_UNKNOWN)]]) for c in wanted}
    return _write({c: drawn[c] for c in wanted}, weight)


@lru_cache(maxsize=1)
def _open() -> tuple[TTFont, dict[int, str]]:
    try:
        font = TTFont(str(files(_PACKAGE).joinpath(_FILE)), fontNumber=_FACE, lazy=True)
    except (ModuleNotFoundError, OSError):
        raise TypefaceMissing(f"没有文书字体（{_PACKAGE}），请重新安装本软件") from None
    atexit.register(font.close)
    return font, dict(font.getBestCmap())


def _draw(shape: Any) -> tuple[Any, int]:
    pen = TTGlyphPen(None)
    shape.draw(Cu2QuPen(pen, max_err=1.0, reverse_direction=True))
    return pen.glyph(), round(shape.width)


def _write(drawn: dict[str, tuple[Any, int]], weight: int) -> bytes:
    names = {c: f"u{ord(c):04X}" for c in drawn}
    glyphs = {".notdef": TTGlyphPen(None).glyph(), **{names[c]: glyph for c, (glyph, _) in drawn.items()}}
    widths = {".notdef": _UNITS, **{names[c]: width for c, (_, width) in drawn.items()}}
    style = "Bold" if weight >= 600 else "Regular"
    builder = FontBuilder(_UNITS, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap({ord(c): name for c, name in names.items()})
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (width, getattr(glyphs[name], "xMin", 0)) for name, width in widths.items()})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": "Noto Sans CJK SC", "styleName": style, "psName": f"NotoSansCJKsc-{style}"})
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, sCapHeight=733, usWeightClass=weight)
    builder.setupPost()
    # Not the time at which it was made: the same paper is the same file.
    builder.updateHead(created=_MADE, modified=_MADE)
    file = io.BytesIO()
    builder.save(file)
    return file.getvalue()
