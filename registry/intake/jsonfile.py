"""Reading JSON: one object a line, or a document with the records somewhere inside; never the whole file at once."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from registry.intake.build import IMPORT_KEYS, QUARANTINE_KEY, build_facts
from registry.intake.jsontext import DECODER, check_object, decode, encode
from registry.intake.model import MAX_LINE, Accepted, FieldError, Line, Raw, Refused, UnrecognisedFile
from registry.intake.national import build_from_national, is_national, iterate_records
from registry.record import Facts

Builder = Callable[[dict[str, Any]], tuple[Facts, tuple[str, ...]]]

_CHUNK = 1 << 20
_LONG = f"超过{MAX_LINE // 1024}KB，不像一条记录，请对照原文件拆分或缩短"
_SHOWN = 2000
_NOT_STRINGS = {"conduct": list, "applicant": dict}
_TYPE_NAMES = {list: "列表", dict: "对象", str: "文字（加引号的字符串）"}


# Keys that only a record has; `name` or `court` may stand on the wrapping of a list as well.
_MARKS = frozenset({"case_number", "basis_number", "obligation", "conduct", "id_number", "uscc", "performance"})


def is_record(value: Any) -> bool:
    """Whether `value` is an object with keys that only a record of either JSON format has."""
    return isinstance(value, dict) and (not value.keys().isdisjoint(_MARKS) or is_national(value))


def build_from_import(body: dict[str, Any]) -> tuple[Facts, tuple[str, ...]]:
    """The facts that an object of the import format says, and warnings. Raises FieldError."""
    check_object(body)
    for key, value in body.items():
        if type(value) is not str and value is not None:
            _check_type(key, value)
    return build_facts(body)


def _check_type(key: str, value: Any) -> None:
    expected = _NOT_STRINGS.get(key, str)
    if key in IMPORT_KEYS and not isinstance(value, expected):
        raise FieldError(key, f"类型不对，应为{_TYPE_NAMES[expected]}")


# One object a line ------------------------------------------------------------------------------------------------


def read_lines(path: Path, encoding: str, build: Builder) -> Iterator[Line]:
    """Every line that is not blank, as `build` understands its object; `encoding` is that of the file."""
    with path.open("rb") as stream:
        for number, content, is_whole in iterate_lines(stream):
            if not is_whole:
                shown = content[:_SHOWN].decode(encoding, "ignore")
                yield Refused(line=number, field="", reason=f"这一行{_LONG}", raw=shown)
            elif not content.isspace():
                yield from _read_line(number, content, encoding, build)


def iterate_lines(stream: BinaryIO) -> Iterator[tuple[int, bytes, bool]]:
    """Number (from 1), content and whether it is whole: of a line over MAX_LINE only the beginning is kept."""
    number = 0
    while content := stream.readline(MAX_LINE + 1):
        number += 1
        is_whole = len(content) <= MAX_LINE
        rest = content
        while not is_whole and rest and not rest.endswith(b"\n"):
            rest = stream.readline(_CHUNK)
        yield number, content, is_whole


def _read_line(number: int, content: bytes, encoding: str, build: Builder) -> Iterator[Line]:
    try:
        text = content.decode(encoding).strip("\r\n\t \ufeff")
    except UnicodeDecodeError:
        shown = content.decode(encoding, "replace").strip()
        yield Refused(line=number, field="", reason="这一行有不属于文件编码的字节，请另存为UTF-8后核对", raw=shown)
        return
    try:
        value = decode(text)
    except FieldError as error:
        yield Refused(line=number, field=error.field, reason=error.reason, raw=text)
        return
    if build is build_from_national and not (isinstance(value, dict) and is_national(value)):
        yield from _read_page(number, value, text)
    else:
        yield _read_value(number, value, text, build)


def _read_page(number: int, value: Any, text: str) -> Iterator[Line]:
    records = list(iterate_records(value))
    for record in records:
        yield _read_value(number, record, encode(record), build_from_national)
    if not records:
        yield _refuse_odd(number, value, text)


def _read_value(number: int, value: Any, raw: Raw, build: Builder) -> Line:
    if not isinstance(value, dict) or value.keys() == {QUARANTINE_KEY}:
        return _refuse_odd(number, value, raw)
    try:
        facts, warnings = build(value)
    except FieldError as error:
        return Refused(line=number, field=error.field, reason=error.reason, raw=raw)
    return Accepted(line=number, facts=facts, warnings=warnings, raw=raw)


def _refuse_odd(number: int, value: Any, raw: Raw) -> Refused:
    if isinstance(value, dict) and QUARANTINE_KEY in value:
        reason = "这一行在上次导入时不能识别，原文保留在_quarantine的text中，请照原文改写成一条完整的记录"
    else:
        reason = "不是一条记录：应为一个对象，键见导入格式说明"
    return Refused(line=number, field="", reason=reason, raw=raw)


# A document -------------------------------------------------------------------------------------------------------


class _TooLong:
    """Stands where a record is longer than any record can be."""


_TOO_LONG = _TooLong()
# Line, the record (or what stands in its place), and its text.
_Found = tuple[int, Any, str]


def read_document(path: Path, encoding: str) -> Iterator[Line]:
    """Every record of a document, with the line on which it starts. Raises UnrecognisedFile where the JSON breaks."""
    for number, value, raw in _Walker(path, encoding).walk():
        if value is _TOO_LONG:
            yield Refused(line=number, field="", reason=f"这条记录{_LONG}")
        elif is_record(value):
            yield _read_value(number, value, raw, build_from_national if is_national(value) else build_from_import)
        else:
            yield _refuse_odd(number, value, raw)


def survey_document(path: Path, encoding: str) -> tuple[int, bool, int | None]:
    """How many records there are, whether the first is national, and the total that the document claims, if any.

    Raises UnrecognisedFile when it is not one whole JSON document with at least one record.
    """
    walker = _Walker(path, encoding)
    count, records, first_is_national = 0, 0, True
    for _, value, _ in walker.walk():
        count += 1
        if value is _TOO_LONG or is_record(value):
            records += 1
        if records == 1 and is_record(value):
            first_is_national = is_national(value)
    if not records:
        raise UnrecognisedFile("这个JSON文件中没有找到任何记录，请核对是否选错了文件")
    return count, first_is_national, walker.declared


_MAX_DEPTH = 20
_TOTALS = ("totalsize", "total")


class _Walker:
    """Goes through a document text by text, and takes out whole every object that is a record."""

    def __init__(self, path: Path, encoding: str) -> None:
        self.declared: int | None = None
        self._path = path
        self._encoding = encoding
        self._buffer = ""
        self._at = 0
        self._counted = 0
        self._line = 1
        self._read: Callable[[], str] = lambda: ""

    def walk(self) -> Iterator[_Found]:
        """Every record, and everything that stands between records in their list."""
        with self._path.open("rb") as stream:
            decoder = codecs.getincrementaldecoder(self._encoding)("strict")
            self._read = lambda: _read_text(stream, decoder)
            self._fill()
            while self._peek():
                yield from self._walk_value("", 0, in_list=False)

    def _walk_value(self, key: str, depth: int, *, in_list: bool) -> Iterator[_Found]:
        if depth > _MAX_DEPTH:
            raise self._broken()
        opening = self._peek()
        if opening == "[":
            yield from self._walk_list(depth)
        elif opening == "{":
            yield from self._walk_object(depth, in_list=in_list)
        else:
            value = self._take()
            if key.lower() in _TOTALS and isinstance(value, int):
                self.declared = max(self.declared or 0, value)

    def _walk_list(self, depth: int) -> Iterator[_Found]:
        self._at += 1
        if self._skip("]"):
            return
        holds_records = False
        while True:
            is_plain, line = self._peek() not in ("{", "["), self._line
            if is_plain:
                value = self._take()
                if holds_records:
                    yield line, value, encode(value)
            else:
                for item in self._walk_value("", depth + 1, in_list=True):
                    holds_records = True
                    yield item
            if not self._skip(","):
                self._expect("]")
                return

    def _walk_object(self, depth: int, *, in_list: bool) -> Iterator[_Found]:
        line = self._line
        found = self._find_object(in_list=in_list)
        if found is not None:
            start, self._at = self._at, found[1]
            yield line, found[0], self._buffer[start : self._at]
            return
        self._at += 1
        is_too_long = False
        while not self._skip("}"):
            key = self._take()
            if not isinstance(key, str):
                raise self._broken()
            self._expect(":")
            is_too_long = is_too_long or is_record({key: None})
            for item in self._walk_value(key, depth + 1, in_list=False):
                if not is_too_long:
                    yield item
            if not self._skip(",") and self._peek() != "}":
                raise self._broken()
        if is_too_long:
            yield line, _TOO_LONG, ""

    def _find_object(self, *, in_list: bool) -> tuple[dict[str, Any], int] | None:
        """The object here and its end when it is a record, or stands in a list where a record should be."""
        try:
            value, end = DECODER.raw_decode(self._buffer, self._at)
        except (ValueError, RecursionError):
            return None
        holds_more = any(isinstance(item, dict | list) for item in value.values())
        is_one = is_record(value) or (in_list and not holds_more)
        return (value, end) if is_one and end - self._at <= MAX_LINE else None

    def _take(self) -> Any:
        self._peek()
        try:
            value, self._at = DECODER.raw_decode(self._buffer, self._at)
        except (ValueError, RecursionError):
            raise self._broken() from None
        return value

    def _expect(self, character: str) -> None:
        if not self._skip(character):
            raise self._broken()

    def _skip(self, character: str) -> bool:
        if self._peek() != character:
            return False
        self._at += 1
        return True

    def _peek(self) -> str:
        """The next character that is not blank, empty at the end; always with a whole record's text behind it."""
        while True:
            while self._at < len(self._buffer) and self._buffer[self._at] in " \t\r\n\ufeff":
                self._at += 1
            if len(self._buffer) - self._at <= MAX_LINE and self._fill():
                continue
            self._line += self._buffer.count("\n", self._counted, self._at)
            self._counted = self._at
            return self._buffer[self._at : self._at + 1]

    def _fill(self) -> bool:
        more = self._read()
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._buffer = self._buffer[self._at :] + more
        self._at = self._counted = 0
        return bool(more)

    def _broken(self) -> UnrecognisedFile:
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
        return UnrecognisedFile(f"第{self._line}行：JSON在这里不完整或有错误，文件可能没有下载完，整个文件没有导入")


def _read_text(stream: BinaryIO, decoder: codecs.IncrementalDecoder) -> str:
    try:
        while content := stream.read(_CHUNK):
            if text := decoder.decode(content):
                return text
        return decoder.decode(b"", True)
    except UnicodeDecodeError:
        raise UnrecognisedFile("文件中有不属于其编码的字节，请另存为UTF-8后再导入") from None
