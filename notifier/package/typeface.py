"""The type of the slides: Noto Sans CJK SC out of a pinned package, which characters it has, and their shapes.

The font file belongs to the installation as a table does: nothing here depends on the machine's own fonts.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Protocol

from PIL import Image, ImageDraw, ImageFont

from notifier.package.reading import UNCODED

_PACKAGE = "manimgx_fonts_cjk"
_FILE = "NotoSansCJK-VF.otf.ttc"
_FAMILY = "Noto Sans CJK SC"
# The faces of the collection: JP, KR, SC, TC, HK.
_FACE = 2
_UNICODE_FULL = ((3, 10), (0, 4), (0, 6))


class TypefaceMissing(Exception):
    """The font is not installed, or is not the one it should be. The message is for the administrator."""


@dataclass(frozen=True, slots=True)
class Style:
    """Height of the type in pixels, and its weight (100 to 900)."""

    size: int
    weight: int


@dataclass(frozen=True, slots=True)
class Glyph:
    """The shape of a character: its picture (None for a blank), where it lies from the pen, and how far the pen goes."""

    picture: Image.Image | None
    left: int
    top: int
    advance: float


class Ruler(Protocol):
    """Who knows how wide text is."""

    def measure(self, text: str, style: Style) -> float:
        """Pixels."""


class Typeface:
    """Shapes and widths, kept once made; one for each package, as shapes take memory.

    What `measure` and `glyphs` are asked for has gone through `display`.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._characters = _read_characters(path)
        self._glyphs: dict[Style, _Glyphs] = {}
        self._advances: dict[Style, _Advances] = {}

    def covers(self, character: str) -> bool:
        """Whether the font has a shape for the character. It has none for what stands for one without a code."""
        return ord(character) in self._characters and character != UNCODED

    def display(self, text: str) -> str:
        """`text` with 〔U+XXXX〕 for every character that would be an empty box."""
        return "".join(c if self.covers(c) else f"〔U+{ord(c):04X}〕" for c in text)

    def measure(self, text: str, style: Style) -> float:
        return sum(map(self._advances_of(style).__getitem__, text))

    def glyphs(self, style: Style) -> Mapping[str, Glyph]:
        """The shapes of a style, made when they are first asked for."""
        if style not in self._glyphs:
            self._glyphs[style] = _Glyphs(self._open(style))
        return self._glyphs[style]

    def _advances_of(self, style: Style) -> _Advances:
        if style not in self._advances:
            self._advances[style] = _Advances(self.glyphs(style))
        return self._advances[style]

    def _open(self, style: Style) -> ImageFont.FreeTypeFont:
        # The basic layout needs no library beyond FreeType: the same pixels wherever Pillow is of the locked version.
        font = ImageFont.truetype(self._path, style.size, index=_FACE, layout_engine=ImageFont.Layout.BASIC)
        font.set_variation_by_axes([style.weight])
        return font


class _Glyphs(dict[str, Glyph]):
    """The shapes of one font by character."""

    def __init__(self, font: ImageFont.FreeTypeFont) -> None:
        super().__init__()
        self._font = font

    def __missing__(self, character: str) -> Glyph:
        glyph = self[character] = _draw(character, self._font)
        return glyph


class _Advances(dict[str, float]):
    """How far the pen goes by character: measuring is most of the work of laying out."""

    def __init__(self, glyphs: Mapping[str, Glyph]) -> None:
        super().__init__()
        self._of = glyphs

    def __missing__(self, character: str) -> float:
        advance = self[character] = self._of[character].advance
        return advance


def _draw(character: str, font: ImageFont.FreeTypeFont) -> Glyph:
    left, top, right, bottom = (int(edge) for edge in font.getbbox(character, anchor="ls"))
    advance = font.getlength(character)
    if right <= left or bottom <= top:
        return Glyph(None, 0, 0, advance)
    picture = Image.new("L", (right - left, bottom - top), 0)
    ImageDraw.Draw(picture).text((-left, -top), character, font=font, fill=255, anchor="ls")
    return Glyph(picture, left, top, advance)


def open_typeface() -> Typeface:
    """The typeface of this installation, with no shapes yet: they are given back when it is. Raises TypefaceMissing."""
    try:
        path = str(files(_PACKAGE).joinpath(_FILE))
        family = ImageFont.truetype(path, 10, index=_FACE).getname()[0]
    except (ModuleNotFoundError, OSError):
        raise TypefaceMissing(f"没有画面字体（{_PACKAGE}），请重新安装本软件") from None
    if family != _FAMILY:
        raise TypefaceMissing(f"画面字体应为{_FAMILY}，装的不是，请重新安装本软件")
    return Typeface(path)


@lru_cache(maxsize=1)
def _read_characters(path: str) -> frozenset[int]:
    """The code points that the face maps to a shape (OpenType cmap, format 12)."""
    with open(path, "rb") as file:  # noqa: PTH123 - the address of a resource, not a path of ours

        def read(offset: int, layout: str) -> tuple[Any, ...]:
            file.seek(offset)
            return struct.unpack(layout, file.read(struct.calcsize(layout)))

        (face,) = read(12 + 4 * _FACE, ">I")
        (tables,) = read(face + 4, ">H")
        entries = [read(face + 12 + 16 * number, ">4sIII") for number in range(tables)]
        (cmap,) = [offset for tag, _, offset, _ in entries if tag == b"cmap"]
        (count,) = read(cmap + 2, ">H")
        subtables = [read(cmap + 4 + 8 * number, ">HHI") for number in range(count)]
        start = cmap + next(offset for platform, kind, offset in subtables if (platform, kind) in _UNICODE_FULL)
        (groups,) = read(start + 12, ">I")
        words = read(start + 16, f">{3 * groups}I")
    return frozenset(_list_codes(words))


def _list_codes(words: tuple[int, ...]) -> Iterator[int]:
    for first, last, glyph in zip(words[::3], words[1::3], words[2::3], strict=True):
        yield from range(first if glyph else first + 1, last + 1)
