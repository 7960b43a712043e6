"""Slides for television: 1920×1080, all words in the middle 90 % (SMPTE ST 2046-1, EBU R 95), up to eight entries each.

What is told of an entry is never cut: long names are set smaller, then over several lines. Pure, given a typeface.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from PIL import Image

from notifier.package.edition import (
    Edition,
    chinese_date,
    describe_person,
    flatten,
    last_day_of_entry,
    training_mark,
    where_the_newest_is,
)
from notifier.package.png import encode_png
from notifier.package.typeface import Glyph, Ruler, Style, Typeface
from search_index.document import Document

WIDTH, HEIGHT = 1920, 1080
# Left, top, right, bottom of what may be covered by the edge of no set.
SAFE = (96, 54, 1824, 1026)
MOST_ENTRIES = 8

_BAND = 176
_BODY_TOP, _BODY_BOTTOM = 196, 954
# Some shapes begin a little before the place of the pen.
_LEFT, _RIGHT = SAFE[0] + 8, SAFE[2] - 8
_TEXT_LEFT = _LEFT + 92
_TEXT_WIDTH = _RIGHT - _TEXT_LEFT
_TITLE = (Style(52, 700), Style(44, 700), Style(36, 700), Style(28, 700))
_NAME = (Style(42, 600), Style(36, 600), Style(30, 600))
_IDENTITY = Style(30, 400)
_DETAIL = Style(28, 400)
_NUMBER = Style(30, 400)
_FOOT = (Style(24, 400), Style(20, 400))
_GAP = 14
_DESCENT = 14
_RULE = 160
_FAINT = 64
_SPACE = "　"

# Four shades from the ground (0) to the letters (255): nobody sees a difference to eight, which take half as much again.
# Levels 16 to 235 only, as television has them.
_PALETTE = ((16, 34, 68), (89, 101, 123), (161, 167, 179), (234, 234, 234))
_TO_PALETTE = [value * len(_PALETTE) // 256 for value in range(256)]
_GROUND, _LETTERS = 0, 255


@dataclass(frozen=True, slots=True)
class Piece:
    """Words at a place of a line: pixels from the left edge of the text."""

    left: float
    words: str
    style: Style


@dataclass(frozen=True, slots=True)
class Line:
    """Pieces side by side, and how high the line is."""

    height: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Row:
    """The lines of one entry, the number before the first of them."""

    number: int
    lines: tuple[Line, ...]

    @property
    def height(self) -> int:
        return sum(line.height for line in self.lines) + _GAP


def build_slides(edition: Edition, documents: Sequence[Document], typeface: Typeface) -> Iterator[bytes]:
    """The PNG files, in order; none for an empty list."""
    rows = [
        row
        for number, document in enumerate(documents, start=1)
        for row in lay_out(edition, number, document, typeface)
    ]
    slides = paginate(rows)
    for place, slide in enumerate(slides, start=1):
        yield _paint(edition, len(documents), slide, f"{place}/{len(slides)}", typeface)


def lay_out(edition: Edition, number: int, document: Document, typeface: Typeface) -> list[Row]:
    """The entry as one row, or as several where it is higher than a slide."""
    name, identity = typeface.display(flatten(document.name)), typeface.display(_identity(document))
    lines = [*_lay_name(name, identity, typeface), *_lay_details(edition, document, typeface)]
    rows, start = [], 0
    while start < len(lines):
        end = _fit(lines, start)
        rows.append(Row(number, tuple(lines[start:end])))
        start = end
    return rows


def paginate(rows: Sequence[Row]) -> list[list[Row]]:
    """The rows of each slide."""
    slides: list[list[Row]] = []
    room = 0
    for row in rows:
        if row.height > room or len(slides[-1]) == MOST_ENTRIES:
            slides.append([])
            room = _BODY_BOTTOM - _BODY_TOP
        slides[-1].append(row)
        room -= row.height
    return slides


def _fit(lines: Sequence[Line], start: int) -> int:
    """One past the last of the lines from `start` on that stand on one slide; at least one line."""
    room = _BODY_BOTTOM - _BODY_TOP - _GAP - lines[start].height
    end = start + 1
    while end < len(lines) and lines[end].height <= room:
        room -= lines[end].height
        end += 1
    return end


def _identity(document: Document) -> str:
    parts = (describe_person(document), document.id_number or document.uscc)
    return _SPACE.join(flatten(part) for part in parts if part)


def _lay_name(name: str, identity: str, ruler: Ruler) -> Iterator[Line]:
    """Name and identity side by side as large as they fit, or the name over several lines and the identity below."""
    gap = 2 * _IDENTITY.size
    beside = gap + ruler.measure(identity, _IDENTITY) if identity else 0.0
    for style in _NAME:
        wide = ruler.measure(name, style)
        if wide + beside <= _TEXT_WIDTH:
            pieces = (Piece(0, name, style), *((Piece(wide + gap, identity, _IDENTITY),) if identity else ()))
            yield Line(style.size + 12, pieces)
            return
    for words, style in [*((part, _NAME[-1]) for part in _wrap(name, _NAME[-1], ruler)), *_each(identity, ruler)]:
        yield Line(style.size + 12, (Piece(0, words, style),))


def _each(identity: str, ruler: Ruler) -> list[tuple[str, Style]]:
    return [(part, _IDENTITY) for part in _wrap(identity, _IDENTITY, ruler)] if identity else []


def _lay_details(edition: Edition, document: Document, typeface: Typeface) -> Iterator[Line]:
    for words in _details(edition, document):
        for part in _wrap(typeface.display(words), _DETAIL, typeface):
            yield Line(_DETAIL.size + 10, (Piece(0, part, _DETAIL),))


def _details(edition: Edition, document: Document) -> Iterator[str]:
    """What stands below the name, each to begin a line. A bracket that begins one would seem set in."""
    court = document.court if document.court != edition.profile.court else None
    parts = (document.latin_name, document.performance, document.case_number, court)
    conduct = "；".join(conduct.text for conduct in document.conduct)
    yield _SPACE.join(flatten(part) for part in (*parts, conduct) if part)
    if last := last_day_of_entry(document, edition):
        yield f"{chinese_date(last)}后停止使用该条"


# What a line is not broken within: numbers and Latin words.
_WORD = re.compile(r"[0-9A-Za-z*+]+|.", re.DOTALL)


def _wrap(words: str, style: Style, ruler: Ruler) -> list[str]:
    """`words` in lines that are as wide as the text at most."""
    if ruler.measure(words, style) <= _TEXT_WIDTH:
        return [words]
    lines, line, room = [], "", float(_TEXT_WIDTH)
    for word in _words(words, style, ruler):
        wide = ruler.measure(word, style)
        if wide > room and line:
            lines.append(line)
            line, room = "", float(_TEXT_WIDTH)
            word = word.lstrip(_SPACE)
            wide = ruler.measure(word, style)
        line += word
        room -= wide
    return [*lines, line]


def _words(words: str, style: Style, ruler: Ruler) -> Iterator[str]:
    for word in _WORD.findall(words):
        if ruler.measure(word, style) <= _TEXT_WIDTH:
            yield word
        else:
            yield from word


# --- painting ----------------------------------------------------------------------------------------------------


def _paint(edition: Edition, entries: int, rows: Sequence[Row], place: str, typeface: Typeface) -> bytes:
    picture = Image.new("L", (WIDTH, HEIGHT), 0)
    _write_head(picture, edition, entries, rows, typeface)
    top = _BODY_TOP
    for row in rows:
        top = _write_row(picture, row, top, typeface)
    _write_foot(picture, edition, place, typeface)
    return encode_png(picture.point(_TO_PALETTE), _PALETTE)


def _write_head(picture: Image.Image, edition: Edition, entries: int, rows: Sequence[Row], typeface: Typeface) -> None:
    title = f"{training_mark(edition)}{flatten(edition.profile.court)}失信被执行人名单（{edition.period.label}）"
    shown = f"第{rows[0].number}条" if rows[0].number == rows[-1].number else f"第{rows[0].number}—{rows[-1].number}条"
    below = f"依照法释〔2017〕7号第七条公布{_SPACE}共{entries}条，本页{shown}"
    picture.paste(_LETTERS, (0, 0, WIDTH, _BAND))
    _write_fitting(picture, 112, title, _TITLE, typeface, colour=_GROUND)
    _write_fitting(picture, 158, below, (_DETAIL,), typeface, colour=_GROUND)


def _write_row(picture: Image.Image, row: Row, top: int, typeface: Typeface) -> int:
    """Paint the row at `top`; where the next one begins."""
    _write(picture, (_LEFT, top + row.lines[0].height - _DESCENT), str(row.number), typeface.glyphs(_NUMBER))
    for line in row.lines:
        for piece in line.pieces:
            start = (_TEXT_LEFT + piece.left, top + line.height - _DESCENT)
            _write(picture, start, piece.words, typeface.glyphs(piece.style))
        top += line.height
    picture.paste(_FAINT, (_TEXT_LEFT, top + _GAP // 2, _RIGHT, top + _GAP // 2 + 1))
    return top + _GAP


def tell_edition(edition: Edition) -> tuple[str, str]:
    """The two lines at the foot of every slide."""
    last = chinese_date(edition.last_day_of_use)
    told = f"{training_mark(edition)}第{edition.revision}次修订，{last}后不得使用"
    return told, flatten(where_the_newest_is(edition))


def _write_foot(picture: Image.Image, edition: Edition, place: str, typeface: Typeface) -> None:
    told, newest = tell_edition(edition)
    wide = typeface.measure(place, _FOOT[0])
    picture.paste(_RULE, (_LEFT, _BODY_BOTTOM, _RIGHT, _BODY_BOTTOM + 2))
    _write(picture, (_RIGHT - wide, 987), place, typeface.glyphs(_FOOT[0]))
    _write_fitting(picture, 987, told, _FOOT, typeface, spare=wide + 40)
    _write_fitting(picture, 1017, newest, _FOOT, typeface)


def _write_fitting(
    picture: Image.Image,
    baseline: int,
    words: str,
    styles: Sequence[Style],
    typeface: Typeface,
    *,
    spare: float = 0,
    colour: int = _LETTERS,
) -> None:
    """Write from the left edge in the largest of the styles that leaves `spare` pixels, or in one made as small."""
    words = typeface.display(words)
    room = _RIGHT - _LEFT - spare
    style = next((style for style in styles if typeface.measure(words, style) <= room), styles[-1])
    if (wide := typeface.measure(words, style)) > room:
        style = Style(max(1, int(style.size * room / wide)), style.weight)
    _write(picture, (_LEFT, baseline), words, typeface.glyphs(style), colour)


def _write(
    picture: Image.Image, start: tuple[float, int], words: str, glyphs: Mapping[str, Glyph], colour: int = _LETTERS
) -> None:
    left, baseline = start
    for character in words:
        glyph = glyphs[character]
        if glyph.picture is not None:
            x, y = round(left) + glyph.left, baseline + glyph.top
            box = (x, y, x + glyph.picture.width, y + glyph.picture.height)
            # What Image.paste does in the end, at a quarter of its time: a long list has half a million letters.
            picture.im.paste(colour, box, glyph.picture.im)
        left += glyph.advance
