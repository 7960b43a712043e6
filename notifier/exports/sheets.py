"""The tables of an export as files: XLSX, CSV, XML with its schema (XSD). Pure.

What cannot stand in a file is refused row by row, with the column and the reason, and is in none of the formats: what one
platform took another must be able to take.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter

from notifier.exports.fields import DEPARTURE_FIELDS, ENTRY_FIELDS, REPAIR_FIELDS, Part, Value
from notifier.exports.profile import Column, Encoding, Format, Profile
from search_index.day import SHANGHAI
from search_index.sheets import guard_formula

FILE: Mapping[Part, str] = {"entry": "名单", "departure": "退出", "repair": "信用修复"}
SHEET_ROWS = 1_048_575  # beside the headings
_LONGEST_CELL = 32_767
_FIELDS: Mapping[Part, Mapping[str, Callable[[Any], Value]]] = {
    "entry": ENTRY_FIELDS,
    "departure": DEPARTURE_FIELDS,
    "repair": REPAIR_FIELDS,
}
_NONCHARACTERS = re.compile("[\ud800-\udfff\ufffe\uffff]")
_PLACEHOLDER = re.compile("%([YmdHMS])")
_WRITTEN = {"Y": "{:%Y}", "m": "{:%m}", "d": "{:%d}", "H": "{:%H}", "M": "{:%M}", "S": "{:%S}"}
_XSD = "http://www.w3.org/2001/XMLSchema"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowRefused:
    """A row that is in no file: which record, in which column, and why (Chinese, without the value)."""

    record: str
    heading: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """The rows of one part as texts, in the order of the profile's columns."""

    part: Part
    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]
    refused: tuple[RowRefused, ...]


def build_table(profile: Profile, part: Part, given: Sequence[Any]) -> Table:
    """The table of what is given (fields.Entry, Departure or Repair, as the part says)."""
    columns = profile.columns[part]
    rows, refused = [], []
    for one in given:
        cells = [_cell(part, column, one) for column in columns]
        problem = next(((column, why) for column, (_, why) in zip(columns, cells, strict=True) if why), None)
        if problem is None:
            rows.append(tuple(text for text, _ in cells))
        else:
            record = str(_FIELDS[part]["record"](one))
            refused.append(RowRefused(record=record, heading=problem[0].heading, why=problem[1]))
    return Table(part=part, columns=columns, rows=tuple(rows), refused=tuple(refused))


def write_files(
    profile: Profile, table: Table, form: Format, about: Mapping[str, str], *, is_training: bool
) -> dict[str, bytes]:
    """The files of a table by name. `about` is what XML says of the export at its root (names of attributes: values)."""
    name = ("演练-" if is_training else "") + FILE[table.part]
    match form:
        case "csv":
            return {f"{name}.csv": write_csv(table, profile.encoding)}
        case "xlsx":
            return {f"{name}.xlsx": write_xlsx(table, profile.title)}
        case "xml":
            root, row = profile.root, profile.rows[table.part]
            return {
                f"{name}.xml": write_xml(table, root, row, about),
                f"{name}.xsd": write_schema(table, root, row, about),
            }


def write_csv(table: Table, encoding: Encoding) -> bytes:
    """Headings first, CRLF; no cell that a spreadsheet could run."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow([column.heading for column in table.columns])
    writer.writerows([guard_formula(cell) for cell in row] for row in table.rows)
    return file.getvalue().encode(encoding)


def write_xlsx(table: Table, title: str) -> bytes:
    """One sheet with the headings in its first row; every cell of type text, so that none is a formula or loses a zero."""
    file = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(file, options)
    # The same rows give the same bytes.
    workbook.set_properties({"title": title, "created": datetime(2000, 1, 1)})  # noqa: DTZ001  (XLSX knows no offset)
    worksheet = workbook.add_worksheet(FILE[table.part])
    text = workbook.add_format({"num_format": "@", "valign": "top"})
    head = workbook.add_format({"num_format": "@", "bold": True})
    for place, column in enumerate(table.columns):
        worksheet.write_string(0, place, column.heading, head)
    worksheet.set_column(0, len(table.columns) - 1, 18)
    worksheet.freeze_panes(1, 0)
    for number, row in enumerate(table.rows, start=1):
        for place, cell in enumerate(row):
            worksheet.write_string(number, place, cell, text)
    workbook.close()
    return file.getvalue()


def write_xml(table: Table, root: str, row: str, about: Mapping[str, str]) -> bytes:
    """UTF-8; an element for every column of every row, empty where there is no value."""
    attributes = "".join(f" {name}={quoteattr(value)}" for name, value in about.items())
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<{root}{attributes}>"]
    names = [column.element for column in table.columns]
    for cells in table.rows:
        inside = "".join(f"<{name}>{_escape(cell)}</{name}>" for name, cell in zip(names, cells, strict=True))
        lines.append(f"<{row}>{inside}</{row}>")
    return "\n".join((*lines, f"</{root}>", "")).encode()


def write_schema(table: Table, root: str, row: str, about: Mapping[str, str]) -> bytes:
    """The XML Schema of what `write_xml` writes."""
    elements = "\n".join(
        f'        <xs:element name="{column.element}" type="xs:string">'
        f"<xs:annotation><xs:documentation>{escape(column.heading)}</xs:documentation></xs:annotation></xs:element>"
        for column in table.columns
    )
    attributes = "\n".join(f'   <xs:attribute name="{name}" type="xs:string" use="required"/>' for name in about)
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<xs:schema xmlns:xs="{_XSD}" elementFormDefault="qualified">
 <xs:element name="{root}">
  <xs:complexType>
   <xs:sequence>
    <xs:element name="{row}" minOccurs="0" maxOccurs="unbounded">
     <xs:complexType>
      <xs:sequence>
{elements}
      </xs:sequence>
     </xs:complexType>
    </xs:element>
   </xs:sequence>
{attributes}
  </xs:complexType>
 </xs:element>
</xs:schema>
""".encode()


def _cell(part: Part, column: Column, given: Any) -> tuple[str, str]:
    """The text of a cell, and why it cannot stand there (empty where it can)."""
    if column.field is None:
        return column.constant, ""
    value = _FIELDS[part][column.field](given)
    if column.codes is not None and value is not None:
        code = column.codes.get(str(value))
        return (code, "") if code is not None else ("", "方案中没有这个值的代码")
    text = _to_text(value, column.date)
    return text, _find_fault(text)


def _to_text(value: Value, form: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        local = value.astimezone(SHANGHAI)
        return _write_date(local, form) if form else local.isoformat(timespec="seconds")
    if isinstance(value, date):
        return _write_date(value, form) if form else value.isoformat()
    return str(value)


def _write_date(value: date, form: str) -> str:
    return _PLACEHOLDER.sub(lambda found: _WRITTEN[found[1]].format(value), form)


def _find_fault(text: str) -> str:
    if not text.isprintable():
        if _NONCHARACTERS.search(text):
            return "有不成文字的编码"
        if any(unicodedata.category(character) == "Cc" and character not in "\t\n\r" for character in text):
            return "有控制字符"
    return f"超过 {_LONGEST_CELL} 字，表格放不下" if len(text) > _LONGEST_CELL else ""


def _escape(text: str) -> str:
    # A parser would make a line feed of a carriage return that stands there as itself.
    return escape(text, {"\r": "&#13;"})
