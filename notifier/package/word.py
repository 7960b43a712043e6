"""A document for a word processor: A4, paragraphs of runs, a head and a foot on every page. Pure.

Paragraphs are written as XML in one go: thousands of them through the calls of python-docx take half a minute.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from xml.sax.saxutils import escape

import docx
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls, qn
from docx.shared import Cm, Pt, RGBColor

from notifier.package.edition import Edition, chinese_date, training_mark, where_the_newest_is
from search_index.day import SHANGHAI

Look = Literal["plain", "bold", "small", "warning", "title"]
Alignment = Literal["left", "center", "right"]

_TEXT_FONT = "仿宋"
_HEAD_FONT = "黑体"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_FONTS = '<w:rFonts w:ascii="{0}" w:hAnsi="{0}" w:eastAsia="{0}" w:cs="{0}"/>'
_LOOKS: dict[Look, str] = {
    "plain": "",
    "bold": "<w:b/>",
    "small": '<w:color w:val="595959"/><w:sz w:val="20"/>',
    "warning": '<w:b/><w:color w:val="9C0006"/>',
    "title": _FONTS.format(_HEAD_FONT) + '<w:b/><w:sz w:val="32"/>',
}


@dataclass(frozen=True, slots=True)
class Run:
    """Words that look alike."""

    text: str
    look: Look = "plain"


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """`indent`: the first line begins two characters further in. `keep`: not parted by the end of a page. `leads`: on
    the same page as what follows."""

    runs: tuple[Run, ...]
    alignment: Alignment = "left"
    indent: bool = False
    keep: bool = False
    leads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of text; the first is the heading. `widths` are in centimetres."""

    widths: tuple[float, ...]
    rows: tuple[tuple[str, ...], ...]


def text(words: str, look: Look = "plain", *, alignment: Alignment = "left", indent: bool = False) -> Paragraph:
    return Paragraph(runs=(Run(words, look),), alignment=alignment, indent=indent)


def heading(words: str) -> Paragraph:
    return Paragraph(runs=(Run(words, "bold"),), leads=True)


def build_docx(edition: Edition, title: str, blocks: Sequence[Paragraph | Table], *, points: int) -> bytes:
    """The blocks as a .docx in type of `points`, the same bytes for the same blocks."""
    document: Any = docx.Document()
    _set_up(document, edition, title, points)
    body = "".join(_table(block) if isinstance(block, Table) else _paragraph(block) for block in blocks)
    made = parse_xml(f"<w:body {nsdecls('w')}>{body}</w:body>")
    end = document.element.body.sectPr
    for element in list(made):
        end.addprevious(element)
    file = io.BytesIO()
    document.save(file)
    return _fix_times(file.getvalue())


def _set_up(document: Any, edition: Edition, title: str, points: int) -> None:
    made_at = edition.made_at.astimezone(SHANGHAI).replace(tzinfo=None)
    _describe(document.core_properties, edition.profile.court, title, made_at)
    style = document.styles["Normal"]
    style.font.name = _TEXT_FONT
    style.element.rPr.rFonts.set(qn("w:eastAsia"), _TEXT_FONT)
    style.font.size = Pt(points)
    style.paragraph_format.line_spacing = 1.35
    style.paragraph_format.space_after = Pt(6)
    # Chinese for the characters; Latin letters stay English, or pinyin and addresses would be broken within.
    for language in document.styles.element.iter(qn("w:lang")):
        language.set(qn("w:eastAsia"), "zh-CN")
        fonts = language.getparent().find(qn("w:rFonts"))
        if fonts is not None:
            # Where the order of the elements wants it: no speller underlines pinyin.
            fonts.addnext(parse_xml(f"<w:noProof {nsdecls('w')}/>"))
    section = document.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.top_margin = section.bottom_margin = Cm(2.5)
    section.left_margin = section.right_margin = Cm(2.6)
    _write_margin(section.header.paragraphs[0], f"{title}", WD_ALIGN_PARAGRAPH.CENTER)
    foot = (
        f"{training_mark(edition)}第{edition.revision}次修订，{chinese_date(edition.last_day_of_use)}后不得使用，"
        f"{where_the_newest_is(edition)}"
    )
    _write_margin(section.footer.paragraphs[0], foot, WD_ALIGN_PARAGRAPH.CENTER)
    pages = parse_xml(f"<w:p {nsdecls('w')}>{_page_numbers()}</w:p>")
    section.footer.paragraphs[0]._p.addnext(pages)


def _describe(properties: Any, court: str, title: str, made_at: datetime) -> None:
    properties.title = title
    properties.author = properties.last_modified_by = court
    properties.created = properties.modified = made_at
    properties.revision = 1
    properties.comments = properties.keywords = ""
    properties.language = "zh-CN"


def _write_margin(paragraph: Any, words: str, alignment: Any) -> None:
    run = paragraph.add_run(_clean(words))
    run.font.size = Pt(10)
    run.font.color.rgb = RGBColor(0x59, 0x59, 0x59)
    paragraph.alignment = alignment
    paragraph.paragraph_format.line_spacing = 1


def _paragraph(paragraph: Paragraph) -> str:
    indent = '<w:ind w:firstLineChars="200" w:firstLine="640"/>' if paragraph.indent else ""
    keep = ("<w:keepNext/>" if paragraph.leads else "") + ("<w:keepLines/>" if paragraph.keep else "")
    space = '<w:spacing w:before="160"/>' if paragraph.leads else ""
    runs = "".join(map(_run, paragraph.runs))
    return f'<w:p><w:pPr>{keep}{space}{indent}<w:jc w:val="{paragraph.alignment}"/></w:pPr>{runs}</w:p>'


def _run(run: Run) -> str:
    lines = escape(_clean(run.text)).split("\n")
    words = "<w:br/>".join(f'<w:t xml:space="preserve">{line}</w:t>' for line in lines)
    return f"<w:r><w:rPr>{_LOOKS[run.look]}</w:rPr>{words}</w:r>"


def _field(name: str) -> str:
    parts = (
        '<w:fldChar w:fldCharType="begin"/>',
        f'<w:instrText xml:space="preserve"> {name} </w:instrText>',
        '<w:fldChar w:fldCharType="separate"/>',
        "<w:t>1</w:t>",
        '<w:fldChar w:fldCharType="end"/>',
    )
    return "".join(f"<w:r><w:rPr>{_LOOKS['small']}</w:rPr>{part}</w:r>" for part in parts)


def _page_numbers() -> str:
    words = [_run(Run(words, "small")) for words in ("第", "页，共", "页")]
    runs = f"{words[0]}{_field('PAGE')}{words[1]}{_field('NUMPAGES')}{words[2]}"
    return f'<w:pPr><w:spacing w:line="240" w:lineRule="auto"/><w:jc w:val="center"/></w:pPr>{runs}'


def _table(table: Table) -> str:
    edges = "".join(
        f'<w:{side} w:val="single" w:sz="4" w:space="0" w:color="7F7F7F"/>'
        for side in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    grid = "".join(f'<w:gridCol w:w="{_twips(width)}"/>' for width in table.widths)
    rows = "".join(
        f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{''.join(_cells(table.widths, row, heading=number == 0))}</w:tr>"
        for number, row in enumerate(table.rows)
    )
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{_twips(sum(table.widths))}" w:type="dxa"/><w:tblBorders>{edges}</w:tblBorders>'
        f'<w:tblLayout w:type="fixed"/></w:tblPr><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>'
    )


def _cells(widths: Sequence[float], row: Sequence[str], *, heading: bool) -> Iterator[str]:
    for width, cell in zip(widths, row, strict=True):
        run = _run(Run(cell, "bold" if heading else "plain")).replace("</w:rPr>", '<w:sz w:val="22"/></w:rPr>')
        yield (
            f'<w:tc><w:tcPr><w:tcW w:w="{_twips(width)}" w:type="dxa"/></w:tcPr><w:p><w:pPr>'
            f'<w:spacing w:after="20" w:line="280" w:lineRule="auto"/></w:pPr>{run}</w:p></w:tc>'
        )


def _twips(centimetres: float) -> int:
    return round(centimetres * 567)


def _clean(words: str) -> str:
    """`words` without what XML cannot carry."""
    return _NOT_XML.sub("", words)


_NOT_XML = re.compile("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")


def _fix_times(content: bytes) -> bytes:
    """The same archive without the time at which it was written."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as written, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as fixed:
        for name in written.namelist():
            info = zipfile.ZipInfo(name, date_time=_EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 0
            fixed.writestr(info, written.read(name))
    return file.getvalue()
