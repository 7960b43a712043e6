"""Applicants as a spreadsheet, in and out: the template, what a filled-in one says, and the sheet that comes back with a slip
(告知单) for each person who hit. Everything stays in memory."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import xlsxwriter

from registry.intake.model import UnrecognisedFile
from registry.intake.table import show_cell
from registry.intake.xlsxfile import read_cells
from registry.units.compare_rows import Fault, read_either, read_row
from registry.units.compare_words import (
    ADVISORY,
    OBJECTION,
    Answer,
    Hit,
    Result,
    explain_silence,
    list_entry,
    telephone_of,
)
from registry.units.comparing import Applicant, Verdict
from registry.units.words import TRAINING_MARK, UnitError
from registry.values import InvalidValue
from search_index.day import SHANGHAI
from search_index.sheets import guard_formula

MOST_SHEET_ROWS = 10_000
LARGEST_SHEET = 8 * 1024 * 1024  # bytes
COLUMNS = {"序号": "ref", "姓名或名称": "name", "证件号码": "number", "角色": "role", "业务编号": "application"}
_RESULT_COLUMNS = ("比对结果", "状态", "说明", "公开编号、法院和案号", "有效期至")
_SLIP_COLUMNS = ("序号", "姓名或名称", "业务编号", "告知内容", "执行法院", "电话")
_NEEDED = ("name",)
# Excel keeps fifteen digits of a number.
_EXACT = 10**15
_NUMBER_LOST = "号码存成了数字，第15位以后已经丢失，请把这一列设为文本格式后重新填写"
_MOST_COLUMNS = 50
_WIDTH = {"说明": 60, "告知内容": 80, "公开编号、法院和案号": 40, "证件号码": 22}
_LONGEST_CELL = 500

Row = tuple[Mapping[str, str], Applicant | Fault]


def build_template(*, training: bool = False) -> bytes:
    """The empty sheet to fill in: every column as text, so that no number loses its last digits."""
    note = f"{_mark(training)}证件号码填写自然人的身份证件号码，或者单位的统一社会信用代码"
    return _build([("申请人", tuple(COLUMNS), [], note)])


def read_applicants(content: bytes) -> list[Row]:
    """The cells of each row of a filled-in sheet, and what they say. Raises UnitError."""
    try:
        rows = read_cells(io.BytesIO(content))
        fields: Sequence[str | None] | None = None
        found: list[Row] = []
        for cells in rows:
            texts = [show_cell(cell).strip() for cell in cells[:_MOST_COLUMNS]]
            if fields is None:
                fields = _find_header(texts)
            elif any(texts):
                if len(found) == MOST_SHEET_ROWS:
                    raise UnitError(f"表格超过 {MOST_SHEET_ROWS} 行：请分成几个表格，或者使用接口")
                found.append(_read_row(fields, cells, texts))
    except UnrecognisedFile as error:
        raise UnitError(str(error)) from None
    if fields is None:
        raise UnitError(f"没有找到表头。表头应有这些列：{'、'.join(COLUMNS)}（可以下载模板）")
    if not found:
        raise UnitError("表格中没有要比对的行")
    return found


def build_results(cells: Sequence[Mapping[str, str]], answer: Answer) -> bytes:
    """What was asked with what came of it, and the slips, as XLSX."""
    lines = [_to_cells(given, result) for given, result in zip(cells, answer.results, strict=True)]
    mark = _mark(answer.profile.training)
    note = f"{mark}比对时间：{_local(answer.made_at)}；名单序号 {answer.sequence}；有效期至{_local(answer.valid_until)}。{explain_silence(answer)}{ADVISORY}"
    slips = [
        slip for given, result in zip(cells, answer.results, strict=True) for slip in _list_slips(given, result, answer)
    ]
    return _build(
        [
            ("比对结果", (*COLUMNS, *_RESULT_COLUMNS), lines, note),
            ("告知单", _SLIP_COLUMNS, slips, f"{mark}每行一份，请告知当事人。{OBJECTION}"),
        ]
    )


def write_slip(hit: Hit, *, training: bool = False) -> str:
    """What a person is told whose application is affected: of what, and where to object."""
    court = hit.court or "作出决定的法院"
    if hit.restricted is not None:
        about = f"经比对，您可能与{court}的一件执行案件有关"
    elif hit.verdict is Verdict.EXACT:
        about = f"经比对，您被列入失信被执行人名单（{list_entry(hit)}）"
    else:
        about = f"经比对，名单中有与您姓名相同、号码可见部分也相同的条目（{list_entry(hit)}），是否为您须核对完整号码"
    return (
        f"{_mark(training)}{about}。您对此有异议的，可以向{court}书面申请纠正，法院应当在十五日内审查（法释〔2017〕7号第十一条、第十二条）；"
        "信息核实期间，联合惩戒措施暂不执行。比对结果仅供参考，您有权要求说明，并有权拒绝仅通过自动化决策的方式作出决定"
        "（个人信息保护法第二十四条）。"
    )


def _mark(training: bool) -> str:
    return TRAINING_MARK if training else ""


def _find_header(texts: Sequence[str]) -> list[str | None] | None:
    """The field of each column, where this row is the header."""
    fields = [COLUMNS.get("".join(text.split())) for text in texts]
    known = [field for field in fields if field is not None]
    if not set(_NEEDED) <= set(known):
        return None
    if len(set(known)) != len(known):
        raise UnitError("表头中有重复的列，请只保留一列")
    return fields


def _read_row(fields: Sequence[str | None], cells: Sequence[Any], texts: Sequence[str]) -> Row:
    given = {field: text for field, text in zip(fields, texts, strict=False) if field is not None}
    body: dict[str, Any] = {field: text for field, text in given.items() if field != "number"}
    number = given.get("number", "")
    place = fields.index("number") if "number" in fields else None
    cell = cells[place] if place is not None and place < len(cells) else None
    try:
        if isinstance(cell, int | float) and not isinstance(cell, bool) and abs(cell) >= _EXACT:
            raise InvalidValue(_NUMBER_LOST)
        return given, read_row({**body, **(read_either(number, given.get("name", "")) if number else {})})
    except InvalidValue as error:
        return given, Fault(field="id_number", reason=str(error), words={})


def _to_cells(given: Mapping[str, str], result: Result) -> list[str]:
    entries = "；".join(list_entry(hit) or "依法不宜公开" for hit in result.hits)
    return [
        *(given.get(field, "")[:_LONGEST_CELL] for field in COLUMNS.values()),
        result.verdict.label,
        result.status.label if result.status else "",
        result.reason,
        entries,
        _local(result.valid_until),
    ]


def _list_slips(given: Mapping[str, str], result: Result, answer: Answer) -> list[list[str]]:
    return [
        [
            given.get("ref", ""),
            given.get("name", ""),
            given.get("application", ""),
            write_slip(hit, training=answer.profile.training),
            hit.court or "",
            telephone_of(hit, answer.profile) or "请向该院查询",
        ]
        for hit in result.hits
        if hit.status.counts
    ]


def _build(sheets: Sequence[tuple[str, Sequence[str], Sequence[Sequence[str]], str]]) -> bytes:
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        text = book.add_format({"num_format": "@", "text_wrap": True, "valign": "top"})
        for name, columns, rows, note in sheets:
            sheet = book.add_worksheet(name)
            for column, label in enumerate(columns):
                sheet.set_column(column, column, _WIDTH.get(label, 16), text)
                sheet.write_string(1, column, label, head)
            sheet.write_string(0, 0, guard_formula(note))
            for number, cells in enumerate(rows, start=2):
                for column, cell in enumerate(cells):
                    sheet.write_string(number, column, guard_formula(cell), text)
            sheet.freeze_panes(2, 0)
    return out.getvalue()


def _local(moment: datetime) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"
