"""Reading CSV: a row at a time, with the line on which it starts, however a stray quotation mark tries to swallow rows."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from registry.intake.model import MAX_LINE, Format, Intake, Line, Refused, UnrecognisedFile
from registry.intake.table import Columns, build_columns, check_unknown, count_known, read_row

_DELIMITERS = (",", ";", "\t", "，", "|")
_UNCLOSED = "引号没有配对，或引号的位置不对，请检查这一行中的英文双引号"
_SHOWN = 2000
_LONG = f"这一行超过{MAX_LINE // 1024}KB，不像一条记录，请对照原文件核对"


class _Fault(Exception):
    """A row cannot be put together. The message is the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bad:
    """Stands for a row that could not be put together."""

    reason: str
    text: str


_Row = Sequence[str] | _Bad


def read_csv(path: Path, encoding: str, lines: int) -> Intake:
    """A CSV file with `lines` lines in `encoding`. Raises UnrecognisedFile."""
    delimiter = _find_delimiter(path, encoding)
    start, header = _read_header(path, encoding, delimiter)
    columns = build_columns(header)
    if columns.unknown:
        whole = (row for _, row in _iterate(path, encoding, delimiter, start) if not isinstance(row, _Bad))
        check_unknown(columns, whole)
    rows = _read_rows(path, encoding, delimiter, columns, start)
    first = next(rows, None)
    if first is None:
        raise UnrecognisedFile("文件只有表头，没有任何一行记录")
    total = _estimate_rows(_iterate(path, encoding, delimiter, start), lines - start, start)
    return Intake(format=Format.CSV, lines=_chain(first, rows), total=total, header=columns.titles)


def _estimate_rows(rows: Iterator[tuple[int, _Row]], lines: int, start: int) -> int:
    """How many rows `lines` lines are likely to be, when cells may hold several lines: as in the first rows."""
    starts = [number for number, _ in islice(rows, 201)]
    if len(starts) <= 200:
        return max(len(starts), 1)
    return round(lines * 200 / (starts[-1] - start - 1))


def _chain(first: Line, rest: Iterator[Line]) -> Iterator[Line]:
    yield first
    yield from rest


def _find_delimiter(path: Path, encoding: str) -> str:
    with _open(path, encoding) as stream:
        opening = stream.read(1 << 16)
    declared = opening[:6]
    if declared.lower().startswith("sep=") and len(declared) > 4:
        return declared[4]
    counts = {delimiter: count_known(_first_row(opening, delimiter)) for delimiter in _DELIMITERS}
    return max(counts, key=lambda delimiter: counts[delimiter])


def _first_row(opening: str, delimiter: str) -> Sequence[str]:
    try:
        return next(csv.reader(opening.splitlines(keepends=True), delimiter=delimiter), ())
    except csv.Error:
        return ()


def _read_header(path: Path, encoding: str, delimiter: str) -> tuple[int, Sequence[str]]:
    """The line on which the header ends, and its titles. Leading blank lines and Excel's `sep=` line are passed over."""
    with _open(path, encoding) as stream:
        source = _Source(stream)
        for _, row in islice(_assemble(source, delimiter), 20):
            if isinstance(row, _Bad):
                raise UnrecognisedFile(f"第{source.number}行应为表头，但不能识别：{row.reason}")
            if any(cell.strip() for cell in row) and not row[0].lower().startswith("sep"):
                return source.number, row
    raise UnrecognisedFile("文件开头没有表头，第1行应为列名，例如：姓名、身份证号码、执行法院、案号")


def _read_rows(path: Path, encoding: str, delimiter: str, columns: Columns, start: int) -> Iterator[Line]:
    for number, row in _iterate(path, encoding, delimiter, start):
        if isinstance(row, _Bad):
            cells = tuple(cell.strip('"') for cell in row.text.strip("\r\n").split(delimiter))
            yield Refused(line=number, field="", reason=row.reason, raw=cells)
        else:
            outcome = read_row(columns, number, row)
            if outcome is not None:
                yield outcome


def _iterate(path: Path, encoding: str, delimiter: str, start: int) -> Iterator[tuple[int, _Row]]:
    """Rows below the header; for one that cannot be put together, why."""
    with _open(path, encoding) as stream:
        source = _Source(stream)
        for number, row in _assemble(source, delimiter):
            if number > start:
                yield number, row


def _open(path: Path, encoding: str) -> TextIO:
    # A byte that does not fit becomes U+FFFD, which refuses the one field that has it instead of the whole file.
    return path.open(encoding=encoding, errors="replace", newline="")


class _Source:
    """Physical lines, counted, with those of the row under way kept so that they can be read again."""

    def __init__(self, stream: TextIO) -> None:
        self.number = 0
        self.taken: list[str] = []
        self._again: deque[str] = deque()
        self._stream = stream
        self._size = 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._stream.readline(MAX_LINE + 1)
        if not line:
            raise StopIteration
        self.number += 1
        self.taken.append(line)
        self._size += len(line)
        if len(line) > MAX_LINE:
            self._pass_over(line)
            raise _Fault(_LONG)
        if self._size > MAX_LINE:
            raise _Fault(_UNCLOSED)
        return line

    def begin(self) -> None:
        self.taken = []
        self._size = 0

    def retreat(self) -> str:
        """Give back all but the first line of the row under way, and return that one."""
        self._again.extendleft(reversed(self.taken[1:]))
        self.number -= len(self.taken) - 1
        return self.taken[0]

    def _pass_over(self, line: str) -> None:
        while line and not line.endswith(("\n", "\r")):
            line = self._stream.readline(MAX_LINE)


def _assemble(source: _Source, delimiter: str) -> Iterator[tuple[int, _Row]]:
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    while True:
        source.begin()
        start = source.number + 1
        try:
            row = next(reader, None)
        except (_Fault, csv.Error) as error:
            reason = str(error) if isinstance(error, _Fault) else _UNCLOSED
            yield start, _Bad(reason=reason, text=source.retreat()[:_SHOWN])
            reader = csv.reader(source, delimiter=delimiter, strict=True)
            continue
        if row is None:
            return
        yield start, row
