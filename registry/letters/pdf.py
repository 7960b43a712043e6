"""A paper of the court as PDF: A4, its text selectable and searchable, every character in the file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from fpdf import FPDF
from fpdf.fonts import TTFFont

from registry.letters.lines import break_lines
from registry.letters.sheet import Look, PageBreak, Paragraph, Sheet, Table, clean
from registry.letters.typeface import build_font
from search_index.day import SHANGHAI

_FAMILY = "noto"
_WEIGHTS = {"": 400, "B": 700}
_MARGIN = 26.0
_TOP = 25.0
_BOTTOM = 23.0
_MM_A_POINT = 25.4 / 72
_LEADING = 1.55
_CELL = 1.1
_ALWAYS = "第页，共 0123456789"


def build_pdf(sheet: Sheet) -> bytes:
    """The paper as .pdf, the same bytes for the same paper. Raises TypefaceMissing."""
    return _Writer(sheet).write()


class _Page(FPDF):
    """Writes head, foot and number on every page."""

    def __init__(self, sheet: Sheet) -> None:
        super().__init__(format="A4")
        self._sheet = sheet

    def header(self) -> None:
        if self._sheet.head:
            self._write_margin(self._sheet.head, 14)

    def footer(self) -> None:
        self._write_margin(f"{self._sheet.foot}　第{self.page_no()}页，共{{nb}}页", -17)

    def _write_margin(self, words: str, y: float) -> None:
        self.set_font(_FAMILY, "", 9)
        self.set_text_color(90)
        self.set_y(y)
        self.cell(0, 5, clean(words), align="C")
        self.set_text_color(0)
        self.set_xy(_MARGIN, _TOP)


class _Writer:
    """Lays the blocks of a paper out, one under the other."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._page = _Page(sheet)
        self._page.set_margins(_MARGIN, _TOP, _MARGIN)
        self._page.c_margin = 0
        self._page.set_auto_page_break(False)
        self._page.alias_nb_pages("{nb}")
        self._describe()
        self._set_type()

    def write(self) -> bytes:
        self._page.add_page()
        for block in self._sheet.blocks:
            match block:
                case Paragraph():
                    self._add_paragraph(block)
                case Table():
                    self._add_table(block)
                case PageBreak():
                    self._page.add_page()
        return bytes(self._page.output())

    def _describe(self) -> None:
        page, sheet = self._page, self._sheet
        page.set_title(sheet.title)
        page.set_author(sheet.court)
        page.set_lang("zh-CN")
        page.set_creator("")
        page.set_producer("")
        page.set_creation_date(datetime.combine(sheet.made_on, time(), SHANGHAI))

    def _set_type(self) -> None:
        # What `texts` gives is all that is written beside the number of the page.
        characters = {c for words in (*self._sheet.texts(), _ALWAYS, "{nb}") for c in clean(words) if c not in "\n\r"}
        for style, weight in _WEIGHTS.items():
            key = f"{_FAMILY}{style}"
            # A font in memory: a file of the characters of a sealed letter would tell of it.
            font: Any = io.BytesIO(build_font(characters, weight))
            self._page.fonts[key] = TTFFont(self._page, font, key, style)

    @property
    def _bottom(self) -> float:
        return float(self._page.h) - _BOTTOM

    @property
    def _width(self) -> float:
        return float(self._page.w) - 2 * _MARGIN

    def _set_look(self, look: Look) -> float:
        """The height of a line."""
        points = {"title": 20, "small": 11, "number": 14}.get(look, self._sheet.points)
        self._page.set_font(_FAMILY, "B" if look in ("title", "bold") else "", points)
        return points * _MM_A_POINT * _LEADING

    def _add_paragraph(self, block: Paragraph) -> None:
        page = self._page
        height = self._set_look(block.look)
        page.set_y(page.get_y() + block.drop * height)
        indent = 2 * page.get_string_width("一") if block.indent else 0.0
        lines = break_lines(clean(block.text), self._width, page.get_string_width, indent)
        # A heading takes what follows along; other paragraphs part wherever a page ends.
        self._make_room(height * (3 if block.leads else 1))
        for position, line in enumerate(lines):
            self._make_room(height)
            is_whole = block.alignment == "left" and position < len(lines) - 1
            self._write_line(line, height, indent if position == 0 else 0.0, block.alignment, fill=is_whole)
        if block.look == "title":
            page.set_y(page.get_y() + 3)

    def _write_line(self, line: str, height: float, indent: float, alignment: str, *, fill: bool) -> None:
        page = self._page
        room = self._width - indent
        spare = room - page.get_string_width(line)
        # Spread over the line, as Chinese is set, unless it hangs over or was parted early.
        if fill and len(line) > 1 and abs(spare) < room * 0.08:
            page.set_char_spacing(spare / (len(line) - 1) / _MM_A_POINT)
        page.set_x(_MARGIN + indent)
        align = {"left": "L", "center": "C", "right": "R"}[alignment]
        page.cell(room, height, line, align=align, new_x="LMARGIN", new_y="NEXT")
        page.set_char_spacing(0)

    def _make_room(self, height: float) -> None:
        page = self._page
        if page.get_y() + height > self._bottom:
            font, style, size = page.font_family, page.font_style, page.font_size_pt
            page.add_page()
            page.set_font(font, style, size)

    def _add_table(self, block: Table) -> None:
        widths = [self._width * share / sum(block.widths) for share in block.widths]
        self._page.set_y(self._page.get_y() + 2)
        for position, row in enumerate(block.rows):
            self._add_row(row, widths, bold=block.heading and position == 0)
        self._page.set_y(self._page.get_y() + 2)

    def _add_row(self, row: Sequence[str], widths: Sequence[float], *, bold: bool) -> None:
        page = self._page
        points = self._sheet.points - 2
        page.set_font(_FAMILY, "B" if bold else "", points)
        height = points * _MM_A_POINT * 1.45
        cells = [
            break_lines(clean(words), width - 2 * _CELL, page.get_string_width)
            for words, width in zip(row, widths, strict=True)
        ]
        waiting = max(map(len, cells))
        done = 0
        # A row longer than what is left of the page goes on on the next one.
        while done < waiting:
            self._make_room(height + 2 * _CELL)
            room = int((self._bottom - page.get_y() - 2 * _CELL) / height)
            step = min(waiting - done, max(room, 1))
            if done == 0 and step < waiting and waiting * height < (self._bottom - _TOP) / 3:
                page.add_page()
                page.set_font(_FAMILY, "B" if bold else "", points)
                step = waiting
            self._draw_row([cell[done : done + step] for cell in cells], widths, step, height)
            done += step

    def _draw_row(self, cells: Sequence[Sequence[str]], widths: Sequence[float], lines: int, height: float) -> None:
        page = self._page
        top, x, tall = page.get_y(), _MARGIN, lines * height + 2 * _CELL
        for cell, width in zip(cells, widths, strict=True):
            page.rect(x, top, width, tall)
            for position, line in enumerate(cell):
                page.set_xy(x + _CELL, top + _CELL + position * height)
                page.cell(width - 2 * _CELL, height, line)
            x += width
        page.set_xy(_MARGIN, top + tall)
