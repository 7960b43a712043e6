"""A paper of the court as a document for a word processor (.docx): A4, in the type that courts use."""

from __future__ import annotations

import io
from datetime import datetime, time
from typing import Any

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt

from registry.letters.sheet import Look, PageBreak, Paragraph, Sheet, Table, clean

_TEXT_FONT = "仿宋"
_HEAD_FONT = "黑体"
_BODY_CM = 15.8
# 28 points for type of 16, as official papers are set.
_LEADING = 1.75
_ALIGNMENT = {
    "left": WD_ALIGN_PARAGRAPH.JUSTIFY,
    "center": WD_ALIGN_PARAGRAPH.CENTER,
    "right": WD_ALIGN_PARAGRAPH.RIGHT,
}


def build_docx(sheet: Sheet) -> bytes:
    """The paper as .docx."""
    document: Any = docx.Document()
    _set_up(document, sheet)
    breaks = False
    for block in sheet.blocks:
        match block:
            case Paragraph():
                _add_paragraph(document, block, sheet.points, breaks=breaks)
            case Table():
                _add_table(document, block, sheet.points)
        breaks = isinstance(block, PageBreak)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def _set_up(document: Any, sheet: Sheet) -> None:
    properties = document.core_properties
    properties.title, properties.language = sheet.title, "zh-CN"
    properties.author = properties.last_modified_by = sheet.court
    properties.created = properties.modified = datetime.combine(sheet.made_on, time())
    properties.comments = properties.keywords = ""
    style = document.styles["Normal"]
    style.font.name, style.font.size = _TEXT_FONT, Pt(sheet.points)
    style.element.rPr.rFonts.set(qn("w:eastAsia"), _TEXT_FONT)
    style.paragraph_format.line_spacing = Pt(sheet.points * _LEADING)
    style.paragraph_format.space_after = Pt(0)
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin = section.bottom_margin = Cm(2.5)
    section.left_margin = section.right_margin = Cm(2.6)
    if sheet.head:
        _write_margin(section.header.paragraphs[0], sheet.head)
    _write_margin(section.footer.paragraphs[0], f"{sheet.foot}　")
    _add_page_number(section.footer.paragraphs[0])


def _write_margin(paragraph: Any, words: str) -> None:
    paragraph.add_run(clean(words)).font.size = Pt(10)
    paragraph.alignment = WD_ALIGN_PARAGRAPH.CENTER


def _add_page_number(paragraph: Any) -> None:
    for before, field in (("第", "PAGE"), ("页，共", "NUMPAGES"), ("页", None)):
        paragraph.add_run(before).font.size = Pt(10)
        if field is not None:
            for kind in ("begin", None, "end"):
                run = paragraph.add_run()
                run.font.size = Pt(10)
                run._r.append(_field_part(kind, field))


def _field_part(kind: str | None, field: str) -> Any:
    if kind is None:
        part = OxmlElement("w:instrText")
        part.set(qn("xml:space"), "preserve")
        part.text = f" {field} "
        return part
    part = OxmlElement("w:fldChar")
    part.set(qn("w:fldCharType"), kind)
    return part


def _add_paragraph(document: Any, block: Paragraph, points: int, *, breaks: bool) -> None:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.page_break_before = breaks or None
    paragraph.paragraph_format.space_before = Pt(points * block.drop * _LEADING)
    paragraph.alignment = _ALIGNMENT[block.alignment]
    paragraph.paragraph_format.keep_with_next = block.leads or None
    if block.indent:
        paragraph.paragraph_format.first_line_indent = Pt(points * 2)
    if block.look == "title":
        paragraph.paragraph_format.line_spacing = Pt(20 * _LEADING)
        paragraph.paragraph_format.space_after = Pt(4)
    _add_run(paragraph, block.text, block.look)


def _add_run(paragraph: Any, words: str, look: Look) -> Any:
    run = paragraph.add_run(clean(words))
    if look in ("title", "bold"):
        run.bold = True
        run.font.name = _HEAD_FONT
        run._r.get_or_add_rPr().rFonts.set(qn("w:eastAsia"), _HEAD_FONT)
    if look == "title":
        run.font.size = Pt(20)
    elif look in ("small", "number"):
        run.font.size = Pt(11 if look == "small" else 14)
    return run


def _add_table(document: Any, block: Table, points: int) -> None:
    table = document.add_table(rows=0, cols=len(block.widths))
    table.style, table.autofit = "Table Grid", False
    whole = sum(block.widths)
    for column, share in zip(table.columns, block.widths, strict=True):
        column.width = Cm(_BODY_CM * share / whole)
    for position, row in enumerate(block.rows):
        cells = table.add_row().cells
        for cell, words, share in zip(cells, row, block.widths, strict=True):
            cell.width = Cm(_BODY_CM * share / whole)
            paragraph = cell.paragraphs[0]
            paragraph.paragraph_format.line_spacing = Pt((points - 2) * 1.5)
            run = _add_run(paragraph, words, "plain")
            run.font.size = Pt(points - 2)
            run.bold = (block.heading and position == 0) or None
