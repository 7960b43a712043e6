"""Reading XLSX: a row at a time, values only, after looking whether the file can be opened without harm."""

from __future__ import annotations

import os
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO
from xml.etree.ElementTree import ParseError

# Where lxml is installed openpyxl would parse with it, without what defusedxml refuses.
os.environ["OPENPYXL_LXML"] = "False"
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from registry.intake.model import MAX_COLUMNS, Format, Intake, Line, UnrecognisedFile
from registry.intake.table import Columns, build_columns, check_unknown, count_known, read_row, show_cell
from registry.intake.xlsxlimits import TooMuch, refuse_harmful

_MAX_SIZE = 1 << 30
_MAX_RATIO = 200
_SMALL = 16 << 20
_MAX_ROW = 1_048_576
# A sheet with instructions may begin with one word that is a title as well.
_LEAST_KNOWN = 2
_DAMAGED = "工作簿已损坏，或不是Excel文件，请用表格软件打开后另存为.xlsx再导入"
_TOO_MUCH = "工作簿解压后过大，可能是恶意文件，没有打开；请分成几个文件，或另存为CSV"
# What openpyxl and what it stands on raise for files that are not what they should be (defusedxml: a ValueError).
_FAULTS = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, ParseError, EOFError, OSError,
    LookupError, ValueError, TypeError, AttributeError, NotImplementedError, RuntimeError, OverflowError,
)  # fmt: skip


def read_xlsx(path: Path) -> Intake:
    """The one sheet of a workbook that has a header we know. Raises UnrecognisedFile."""
    _check_archive(path)
    stream = path.open("rb")
    try:
        return _read_book(stream)
    except UnrecognisedFile:
        stream.close()
        raise


def read_cells(stream: BinaryIO) -> Iterator[Sequence[Any]]:
    """The rows of the first sheet of a workbook that lies in memory, values only. Raises UnrecognisedFile, also further on."""
    _check_archive(stream)
    sheet = next(iter(_open(stream).worksheets), None)
    if sheet is None:
        raise UnrecognisedFile(_DAMAGED)
    sheet.reset_dimensions()
    return _iterate(sheet)


def _read_book(stream: BinaryIO) -> Intake:
    book = _open(stream)
    sheet, total = _find_sheet(book)
    columns = build_columns([show_cell(cell) for cell in next(_iterate(sheet), ())])
    if columns.unknown:
        check_unknown(columns, islice(_iterate(sheet), 1, None))
    rows = _read_rows(stream, sheet, columns)
    first = next(rows, None)
    if first is None:
        raise UnrecognisedFile("工作表只有表头，没有任何一行记录")
    return Intake(format=Format.XLSX, lines=_chain(first, rows), total=total, header=columns.titles)


def _chain(first: Line, rest: Iterator[Line]) -> Iterator[Line]:
    yield first
    yield from rest


def _check_archive(file: Path | BinaryIO) -> None:
    try:
        with zipfile.ZipFile(file) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise UnrecognisedFile(_DAMAGED) from None
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise UnrecognisedFile("这是一个压缩文件，但不是Excel工作簿（.xlsx），请解压后导入其中的文件")
    size, packed = sum(part.file_size for part in parts), sum(part.compress_size for part in parts)
    if size > _MAX_SIZE or (size > _SMALL and size > packed * _MAX_RATIO):
        raise UnrecognisedFile(_TOO_MUCH)
    try:
        with zipfile.ZipFile(file) as archive:
            refuse_harmful(archive)
    except TooMuch:
        raise UnrecognisedFile(_TOO_MUCH) from None
    except _FAULTS:
        raise UnrecognisedFile(_DAMAGED) from None


def _open(stream: BinaryIO) -> Any:
    # Once for all passes: opening reads the table of strings that all sheets share.
    try:
        with _quiet():
            return load_workbook(stream, read_only=True, data_only=True)
    except _FAULTS:
        raise UnrecognisedFile(_DAMAGED) from None


def _find_sheet(book: Any) -> tuple[Any, int | None]:
    """The sheet whose first row is a header, and how many rows it says it has below."""
    found: list[tuple[Any, int | None]] = []
    for sheet in book.worksheets:
        declared = sheet.max_row
        # A wrong dimension, which other programs write, would cut columns off.
        sheet.reset_dimensions()
        first = next(_iterate(sheet), ())
        if any(cell is not None for cell in first[MAX_COLUMNS:]):
            raise UnrecognisedFile(f"工作表超过{MAX_COLUMNS}列，不像失信被执行人名单，请核对是否选错了文件")
        if count_known([show_cell(cell) for cell in first]) >= _LEAST_KNOWN:
            found.append((sheet, declared - 1 if declared and declared > 1 else None))
    if not found:
        raise UnrecognisedFile("没有一个工作表的第1行是可以识别的表头，例如：姓名、身份证号码、执行法院、案号")
    if len(found) > 1:
        raise UnrecognisedFile(f"有{len(found)}个工作表都像名单，请每个文件只保留一个工作表")
    return found[0]


def _iterate(sheet: Any) -> Iterator[Sequence[Any]]:
    try:
        rows = sheet.iter_rows(values_only=True, max_row=_MAX_ROW)
        while True:
            with _quiet():
                row = next(rows, None)
            if row is None:
                return
            yield row
    except _FAULTS:
        raise UnrecognisedFile(_DAMAGED) from None


@contextmanager
def _quiet() -> Iterator[None]:
    """What openpyxl makes of an odd file is judged here, and not told to the clerk in its own words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _read_rows(stream: BinaryIO, sheet: Any, columns: Columns) -> Iterator[Line]:
    try:
        for number, row in enumerate(_iterate(sheet), 1):
            outcome = read_row(columns, number, row) if number > 1 else None
            if outcome is not None:
                yield outcome
    finally:
        stream.close()
