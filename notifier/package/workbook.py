"""A sheet that opens on a desk and prints on A4: every cell of type text, frozen heading, filter. Pure."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from notifier.package.edition import Edition, chinese_date, training_mark, usage_notice, width
from search_index.day import SHANGHAI

HEAD_ROW = 3
_LINE_HEIGHT = 14  # points, for type of 10
_NAMED_ROWS = 20
_HIGHEST_ROW = 409  # points: no spreadsheet program shows a higher one


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A sheet of a workbook: its title, a line on what it holds, its columns with their widths (a Han character takes
    two), and its rows. The first cell of a row is its number."""

    name: str
    title: str
    line: str
    columns: Mapping[str, int]
    rows: Sequence[Sequence[str]]


def build_workbook(edition: Edition, title: str, sheets: Sequence[Sheet]) -> bytes:
    file = io.BytesIO()
    # Without the two options a cell that looks like a formula or an address would become one.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(file, options)
    made_at = edition.made_at.astimezone(SHANGHAI).replace(tzinfo=None)
    workbook.set_properties({"title": title, "author": edition.profile.court, "created": made_at})
    formats = _formats(workbook)
    for sheet in sheets:
        _fill(workbook.add_worksheet(sheet.name), edition, sheet, formats)
    workbook.close()
    return file.getvalue()


def join_lines(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)


def _formats(workbook: xlsxwriter.Workbook) -> dict[str, Format]:
    font = {"font_name": "宋体", "font_size": 10}
    text = {**font, "num_format": "@", "valign": "top", "text_wrap": True, "border": 1}
    return {
        "title": workbook.add_format({**font, "bold": True, "font_size": 16}),
        "notice": workbook.add_format({**font, "bold": True, "font_color": "#9C0006"}),
        "line": workbook.add_format(font),
        "heading": workbook.add_format({**text, "bold": True, "bg_color": "#E7E6E6"}),
        "cell": workbook.add_format(text),
    }


def _fill(worksheet: Worksheet, edition: Edition, sheet: Sheet, formats: Mapping[str, Format]) -> None:
    widths = list(sheet.columns.values())
    worksheet.write_string(0, 0, sheet.title, formats["title"])
    worksheet.write_string(1, 0, usage_notice(edition), formats["notice"])
    heights = [_fit_height(cells, widths) for cells in sheet.rows]
    worksheet.write_string(2, 0, sheet.line + _name_cut_rows(sheet.rows, heights), formats["line"])
    headings = list(sheet.columns)
    _write_row(worksheet, HEAD_ROW, headings, _fit_height(headings, widths), formats["heading"])
    for row, (cells, height) in enumerate(zip(sheet.rows, heights, strict=True), start=HEAD_ROW + 1):
        _write_row(worksheet, row, cells, height, formats["cell"])
    _lay_out(worksheet, edition, len(sheet.rows), widths)


def _name_cut_rows(rows: Sequence[Sequence[str]], heights: Sequence[float]) -> str:
    cut = [cells[0] for cells, height in zip(rows, heights, strict=True) if height > _HIGHEST_ROW]
    if not cut:
        return ""
    numbers = "、".join(cut[:_NAMED_ROWS]) + (f"等{len(cut)}条" if len(cut) > _NAMED_ROWS else "")
    return f"。序号{numbers}的文字过长，表格和打印件显示不全，全文在单元格内和list.csv中"


def _write_row(worksheet: Worksheet, row: int, cells: Sequence[str], height: float, cell_format: Format) -> None:
    worksheet.set_row(row, min(height, _HIGHEST_ROW))
    for column, cell in enumerate(cells):
        worksheet.write_string(row, column, cell, cell_format)


def _fit_height(cells: Sequence[str], widths: Sequence[int]) -> float:
    """Points that the row needs: not every program fits the height to wrapped text by itself."""
    return max(_count_lines(cell, places) for cell, places in zip(cells, widths, strict=True)) * _LINE_HEIGHT + 4


def _count_lines(cell: str, places: int) -> int:
    # One character less than the width: a Han character does not break in two at the end of a line.
    return sum(-(-width(line) // (places - 1)) or 1 for line in cell.split("\n"))


def _lay_out(worksheet: Worksheet, edition: Edition, rows: int, widths: Sequence[int]) -> None:
    for number, places in enumerate(widths):
        worksheet.set_column(number, number, places)
    worksheet.freeze_panes(HEAD_ROW + 1, 0)
    worksheet.autofilter(HEAD_ROW, 0, HEAD_ROW + rows, len(widths) - 1)
    worksheet.set_landscape()
    worksheet.set_paper(9)
    worksheet.fit_to_pages(1, 0)
    worksheet.set_margins(left=0.3, right=0.3, top=0.4, bottom=0.6)
    worksheet.repeat_rows(0, HEAD_ROW)
    last = chinese_date(edition.last_day_of_use)
    worksheet.set_footer(f"&L{training_mark(edition)}第{edition.revision}次修订，{last}后不得使用&R第&P页，共&N页")
