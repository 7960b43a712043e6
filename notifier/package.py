"""The files of a push run, made from documents and nothing else. Pure: the same inputs give the same bytes."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from hashlib import sha256
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from notifier.calendar import Period
from search_index.day import SHANGHAI
from search_index.document import Document
from search_index.profile import Profile

MANIFEST = "manifest.json"
FORMAT = "gongshi-package/1"
_MEDIA_TYPES = {
    "list.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "list.csv": "text/csv; charset=utf-8",
    "list.json": "application/json",
    MANIFEST: "application/json",
}
_KIND_LABEL = {"person": "自然人", "organisation": "法人或者其他组织"}
# What a spreadsheet may take for the start of a formula, also behind a tab or a carriage return.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """What a package says of itself, beside the entries. `made_at` is aware; `last_day_of_use` is the last day on
    which any entry of it may be shown."""

    period: Period
    revision: int
    sequence: int
    made_at: datetime
    last_day_of_use: date
    profile: Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The files by name, the manifest among them, and the records they hold."""

    files: Mapping[str, bytes]
    records: tuple[str, ...]

    @property
    def manifest_sha256(self) -> str:
        return sha256(self.files[MANIFEST]).hexdigest()


def build_package(edition: Edition, documents: Sequence[Document]) -> Package:
    """The files for `documents`, newest publication first. An empty list makes a package that says so."""
    ordered = in_order(documents)
    lists = {
        "list.xlsx": build_xlsx(edition, ordered),
        "list.csv": build_csv(edition, ordered),
        "list.json": build_json(edition, ordered),
    }
    manifest = _to_bytes(_build_manifest(edition, ordered, lists))
    return Package(files={**lists, MANIFEST: manifest}, records=tuple(d.record for d in ordered))


def digest_content(edition: Edition, documents: Sequence[Document]) -> str:
    """SHA-256 (hex) of what a reader is told: entries, period, last day of use, court; not revision or time."""
    content = {
        "period": str(edition.period),
        "last_day_of_use": edition.last_day_of_use.isoformat(),
        "court": _build_court(edition.profile),
        "training": edition.profile.training,
        "entries": [document.as_json() for document in in_order(documents)],
    }
    return sha256(_to_bytes(content)).hexdigest()


def in_order(documents: Sequence[Document]) -> list[Document]:
    by_record = sorted(documents, key=lambda d: d.record)
    return sorted(by_record, key=lambda d: d.published_on, reverse=True)


def media_type(name: str) -> str:
    """The media type of a file of a package. Raises KeyError for any other name."""
    return _MEDIA_TYPES[name]


# --- manifest and JSON -----------------------------------------------------------------------------------------


def build_json(edition: Edition, documents: Sequence[Document]) -> bytes:
    body = {
        **_build_edition(edition),
        "notice": usage_notice(edition),
        "entries": [document.as_json() for document in documents],
    }
    return _to_bytes(body)


def usage_notice(edition: Edition) -> str:
    """The sentence every file carries: until when it may be used, and where the newest is."""
    newest = f"，最新名单见{edition.profile.website}" if edition.profile.website else ""
    return (
        f"本名单于{_chinese_date(edition.last_day_of_use)}后不得使用；其中注明“停止使用时间”的，"
        f"到时即不得再使用该条{newest}。"
    )


def _build_edition(edition: Edition) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "period": str(edition.period),
        "period_start": edition.period.start.isoformat(),
        "period_end": edition.period.end.isoformat(),
        "revision": edition.revision,
        "sequence": edition.sequence,
        "made_at": edition.made_at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "not_to_be_used_after": edition.last_day_of_use.isoformat(),
        "training": edition.profile.training,
    }


def _build_court(profile: Profile) -> dict[str, str]:
    names = ("court", "region", "address", "postcode", "telephone", "telephone_hours", "email", "website", "signature")
    return {name: getattr(profile, name) for name in names}


def _build_manifest(edition: Edition, documents: Sequence[Document], lists: Mapping[str, bytes]) -> dict[str, Any]:
    kinds = [document.kind for document in documents]
    return {
        **_build_edition(edition),
        "notice": usage_notice(edition),
        "counts": {
            "total": len(kinds),
            "person": kinds.count("person"),
            "organisation": kinds.count("organisation"),
        },
        "court": _build_court(edition.profile),
        "files": [
            {
                "name": name,
                "bytes": len(content),
                "sha256": sha256(content).hexdigest(),
                "media_type": _MEDIA_TYPES[name],
            }
            for name, content in sorted(lists.items())
        ],
    }


def _to_bytes(body: Any) -> bytes:
    return (json.dumps(body, ensure_ascii=False, indent=1) + "\n").encode()


# --- tables ----------------------------------------------------------------------------------------------------


_CSV_COLUMNS: Mapping[str, Callable[[Document], object]] = {
    "公开编号": lambda d: d.record,
    "类型": lambda d: _KIND_LABEL[d.kind],
    "姓名或者名称": lambda d: d.name,
    "性别": lambda d: d.gender,
    "年龄（公布时）": lambda d: d.age,
    "身份证号码（部分遮盖）": lambda d: d.id_number,
    "统一社会信用代码或者组织机构代码": lambda d: d.uscc,
    "法定代表人或者负责人": lambda d: d.legal_representative,
    "执行法院": lambda d: d.court,
    "地区": lambda d: d.region,
    "执行依据文号": lambda d: d.basis_number,
    "作出执行依据单位": lambda d: d.basis_issuer,
    "执行案号": lambda d: d.case_number,
    "立案时间": lambda d: d.filed_on,
    "生效法律文书确定的义务": lambda d: d.obligation,
    "履行情况": lambda d: d.performance,
    "已履行部分": lambda d: d.performed_part,
    "未履行部分": lambda d: d.unperformed_part,
    "失信行为具体情形": lambda d: "；".join(conduct.text for conduct in d.conduct),
    "公布时间": lambda d: d.published_on,
    "纳入期限届满日": lambda d: d.term_ends_on,
    "停止使用时间": lambda d: d.visible_until,
}


def build_csv(edition: Edition, documents: Sequence[Document]) -> bytes:
    """UTF-8 with BOM, CRLF. The headings come first; every row carries the edition, as a table has no title."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(["序号", *_CSV_COLUMNS, "期次", "修订号", "本名单最后使用日"])
    tail = [str(edition.period), str(edition.revision), edition.last_day_of_use.isoformat()]
    for number, document in enumerate(documents, start=1):
        cells = [_to_text(read(document)) for read in _CSV_COLUMNS.values()]
        writer.writerow([guard_formula(cell) for cell in [str(number), *cells, *tail]])
    return b"\xef\xbb\xbf" + file.getvalue().encode()


def guard_formula(cell: str) -> str:
    """`cell` with an apostrophe before it where a spreadsheet could run it as a formula."""
    return f"'{cell}" if cell.lstrip(" ").startswith(_FORMULA_STARTS) else cell


# --- the sheet -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Column:
    """A column of the sheet: its width (a Han character takes two), and what it shows of an entry."""

    width: int
    read: Callable[[Document], object]


# What the CSV keeps apart stands together here where a reader takes it together: it has to fit on paper.
_SHEET_COLUMNS: Mapping[str, _Column] = {
    "公开编号": _Column(12, lambda d: d.record),
    "类型": _Column(7, lambda d: "自然人" if d.kind == "person" else "单位"),
    "姓名或者名称": _Column(15, lambda d: d.name),
    "性别和年龄（公布时）": _Column(8, lambda d: _lines(d.gender, None if d.age is None else f"{d.age}岁")),
    "身份证号码（部分遮盖）或者统一社会信用代码": _Column(20, lambda d: d.id_number or d.uscc),
    "法定代表人（本人不因此被列入）": _Column(13, lambda d: d.legal_representative),
    "执行法院和地区": _Column(15, lambda d: _lines(d.court, d.region)),
    "执行案号和立案时间": _Column(15, lambda d: _lines(d.case_number, _to_text(d.filed_on))),
    "执行依据文号和作出单位": _Column(15, lambda d: _lines(d.basis_number, d.basis_issuer)),
    "生效法律文书确定的义务": _Column(34, lambda d: d.obligation),
    "履行情况": _Column(15, lambda d: _lines(d.performance, d.performed_part, d.unperformed_part)),
    "失信行为具体情形": _Column(17, lambda d: _lines(*(conduct.text for conduct in d.conduct))),
    "公布时间": _Column(11, lambda d: d.published_on),
    "纳入期限届满日": _Column(11, lambda d: d.term_ends_on),
    "停止使用时间": _Column(11, lambda d: d.visible_until),
}
_WIDTHS = (5, *(column.width for column in _SHEET_COLUMNS.values()))
_HEAD_ROW = 3
_LINE_HEIGHT = 14  # points, for type of 10
_NAMED_ROWS = 20
_HIGHEST_ROW = 409  # points: no spreadsheet program shows a higher one


def build_xlsx(edition: Edition, documents: Sequence[Document]) -> bytes:
    """A sheet to read, filter and print (A4 landscape, as wide as the page), every cell of type text."""
    file = io.BytesIO()
    # Without the two options a cell that looks like a formula or an address would become one.
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(file, options)
    made_at = edition.made_at.astimezone(SHANGHAI).replace(tzinfo=None)
    workbook.set_properties({"title": _title(edition), "author": edition.profile.court, "created": made_at})
    sheet = workbook.add_worksheet("名单")
    formats = _formats(workbook)
    rows = [_build_cells(number, document) for number, document in enumerate(documents, start=1)]
    _write_head(sheet, edition, rows, formats)
    for row, cells in enumerate(rows, start=_HEAD_ROW + 1):
        _write_row(sheet, row, cells, formats["cell"])
    _lay_out(sheet, edition, len(documents))
    workbook.close()
    return file.getvalue()


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


def _build_cells(number: int, document: Document) -> list[str]:
    return [str(number), *(_to_text(column.read(document)) for column in _SHEET_COLUMNS.values())]


def _write_head(sheet: Worksheet, edition: Edition, rows: Sequence[list[str]], formats: Mapping[str, Format]) -> None:
    made_at = edition.made_at.astimezone(SHANGHAI)
    count = f"共{len(rows)}条" if rows else "本期没有可以公布的条目"
    sheet.write_string(0, 0, _title(edition), formats["title"])
    sheet.write_string(1, 0, usage_notice(edition), formats["notice"])
    line = f"第{edition.revision}次修订，{count}，制作时间：{_chinese_date(made_at)} {made_at:%H:%M}（北京时间）"
    if cut := [cells[0] for cells in rows if _fit_height(cells) > _HIGHEST_ROW]:
        numbers = "、".join(cut[:_NAMED_ROWS]) + (f"等{len(cut)}条" if len(cut) > _NAMED_ROWS else "")
        line += f"。序号{numbers}的文字过长，表格和打印件显示不全，全文在单元格内和list.csv中"
    sheet.write_string(2, 0, line, formats["line"])
    _write_row(sheet, _HEAD_ROW, ["序号", *_SHEET_COLUMNS], formats["heading"])


def _write_row(sheet: Worksheet, row: int, cells: Sequence[str], cell_format: Format) -> None:
    sheet.set_row(row, min(_fit_height(cells), _HIGHEST_ROW))
    for column, cell in enumerate(cells):
        sheet.write_string(row, column, cell, cell_format)


def _fit_height(cells: Sequence[str]) -> float:
    """Points that the row needs: not every program fits the height to wrapped text by itself."""
    return max(_count_lines(cell, width) for cell, width in zip(cells, _WIDTHS, strict=True)) * _LINE_HEIGHT + 4


def _count_lines(cell: str, width: int) -> int:
    # One character less than the width: a Han character does not break in two at the end of a line.
    return sum(-(-_units(line) // (width - 1)) or 1 for line in cell.split("\n"))


def _units(line: str) -> int:
    return sum(1 if character < "\u2000" else 2 for character in line)


def _lay_out(sheet: Worksheet, edition: Edition, entries: int) -> None:
    for number, width in enumerate(_WIDTHS):
        sheet.set_column(number, number, width)
    sheet.freeze_panes(_HEAD_ROW + 1, 0)
    sheet.autofilter(_HEAD_ROW, 0, _HEAD_ROW + entries, len(_SHEET_COLUMNS))
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.3, right=0.3, top=0.4, bottom=0.6)
    sheet.repeat_rows(0, _HEAD_ROW)
    last = _chinese_date(edition.last_day_of_use)
    sheet.set_footer(f"&L第{edition.revision}次修订，{last}后不得使用&R第&P页，共&N页")


def _lines(*parts: str | None) -> str:
    return "\n".join(part for part in parts if part)


def _title(edition: Edition) -> str:
    training = "【演练数据，不得使用】" if edition.profile.training else ""
    return f"{training}{edition.profile.court}失信被执行人名单（{edition.period.label}）"


def _to_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)


def _chinese_date(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
