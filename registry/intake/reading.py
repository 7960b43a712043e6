"""Which format a file has, by its content before its name, and how to read it."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from registry.intake.build import IMPORT_KEYS, QUARANTINE_KEY
from registry.intake.csvfile import read_csv
from registry.intake.jsonfile import (
    build_from_import,
    is_record,
    iterate_lines,
    read_document,
    read_lines,
    survey_document,
)
from registry.intake.jsontext import decode
from registry.intake.model import FieldError, Format, Intake, UnrecognisedFile
from registry.intake.national import build_from_national, is_national, iterate_records

_OPENING = 1 << 16
_SAMPLE = 1000
_LINE_SUFFIXES = (".jsonl", ".ndjson")
_UNKNOWN = "不能识别的文件。可以导入的有：JSON Lines（.jsonl）、全国名单平台的JSON、Excel工作簿（.xlsx）和CSV表格"
# How few of the characters beyond ASCII may be broken in a file that is still taken for the encoding.
_TOLERATED = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Text:
    encoding: str
    lines: int


def read_file(path: Path) -> Intake:
    """Recognise a file and get ready to read it. Raises UnrecognisedFile, and OSError when it cannot be opened."""
    with path.open("rb") as stream:
        opening = stream.read(_OPENING)
    if opening.startswith(b"PK\x03\x04"):
        # Only who reads a workbook waits for openpyxl to load.
        from registry.intake.xlsxfile import read_xlsx

        return read_xlsx(path)
    _refuse_strange(opening)
    text = _survey_text(path)
    first = opening.removeprefix(codecs.BOM_UTF8).lstrip()[:1]
    if first in (b"{", b"["):
        return _read_json(path, text)
    if path.suffix.lower() in _LINE_SUFFIXES:
        return _read_json_lines(path, text, _sample_lines(path, text.encoding))
    if path.suffix.lower() == ".json":
        raise UnrecognisedFile("文件名是JSON，但内容不是：第一个字应为“{”或“[”，请核对是否选错了文件")
    return read_csv(path, text.encoding, text.lines)


def _refuse_strange(opening: bytes) -> None:
    if not opening.removeprefix(codecs.BOM_UTF8).strip():
        raise UnrecognisedFile("文件是空的，没有任何内容")
    if opening.startswith(b"\xd0\xcf\x11\xe0"):
        raise UnrecognisedFile("这是旧版Excel（.xls）或加了密码的工作簿，请用表格软件打开后另存为不加密的.xlsx再导入")
    if opening.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnrecognisedFile("文件的编码是UTF-16，请另存为“CSV UTF-8”或.xlsx再导入")
    if b"\0" in opening or opening.startswith((b"%PDF", b"{\\rtf")):
        raise UnrecognisedFile(_UNKNOWN)
    if opening.lstrip()[:15].lower().startswith((b"<html", b"<!doctype", b"<?xml", b"<table")):
        raise UnrecognisedFile("这是网页或XML文件，请用表格软件打开后另存为.xlsx再导入")


def _survey_text(path: Path) -> _Text:
    """The encoding of a whole file, tried in turn without ever holding it, and the number of its lines."""
    lines = _count_lines(path)
    for encoding in ("utf-8-sig", "gb18030"):
        if _is_in(path, encoding):
            return _Text(encoding=encoding, lines=lines)
    for encoding in ("utf-8-sig", "gb18030"):
        if _share_broken(path, encoding) <= _TOLERATED:
            return _Text(encoding=encoding, lines=lines)
    raise UnrecognisedFile(f"文件的编码不是UTF-8，也不是GB 18030，请另存为“CSV UTF-8”再导入。{_UNKNOWN}")


def _count_lines(path: Path) -> int:
    count, last = 0, b"\n"
    with path.open("rb") as stream:
        while content := stream.read(1 << 20):
            count += content.count(b"\n")
            last = content[-1:]
    return count + (last != b"\n")


def _is_in(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        with path.open("rb") as stream:
            while content := stream.read(1 << 20):
                decoder.decode(content)
            decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def _share_broken(path: Path, encoding: str) -> float:
    broken, beyond = 0, 0
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        while text := stream.read(1 << 20):
            broken += text.count("\ufffd")
            beyond += len(text) - len(text.encode("ascii", "ignore"))
    return broken / beyond if beyond else 0.0


# JSON -------------------------------------------------------------------------------------------------------------


def _read_json(path: Path, text: _Text) -> Intake:
    sample = _sample_lines(path, text.encoding)
    if len(sample) > 1 and isinstance(sample[0], dict | list) and sample[0]:
        return _read_json_lines(path, text, sample)
    try:
        return _read_json_document(path, text, sample)
    except UnrecognisedFile:
        if len(sample) < 2 or path.suffix.lower() not in _LINE_SUFFIXES:
            raise
        # The first line is spoiled: the others still say what they are.
        return _read_json_lines(path, text, sample)


def _read_json_document(path: Path, text: _Text, sample: list[Any]) -> Intake:
    if len(sample) == 1 and isinstance(sample[0], dict) and _is_import_line(sample[0]):
        return _read_json_lines(path, text, sample)
    total, first_is_national, declared = survey_document(path, text.encoding)
    form = Format.NATIONAL if first_is_national else Format.JSON_LINES
    return Intake(format=form, lines=read_document(path, text.encoding), total=total, declared=declared)


def _read_json_lines(path: Path, text: _Text, sample: list[Any]) -> Intake:
    national = next((_is_national_line(value) for value in sample if _is_telling(value)), None)
    if national is None:
        raise UnrecognisedFile(f"开头的{len(sample)}行都不是可以识别的记录。{_UNKNOWN}")
    form, build = (Format.NATIONAL, build_from_national) if national else (Format.JSON_LINES, build_from_import)
    return Intake(format=form, lines=read_lines(path, text.encoding, build), total=text.lines)


def _sample_lines(path: Path, encoding: str) -> list[Any]:
    """What the first lines hold that are not blank; None for one that is not JSON by itself."""
    with path.open("rb") as stream:
        lines = (content for _, content, _ in iterate_lines(stream) if not content.isspace())
        return [_try_decode(content.decode(encoding, "replace")) for content in islice(lines, _SAMPLE)]


def _try_decode(text: str) -> Any:
    try:
        return decode(text.strip("\ufeff \r\n\t"))
    except FieldError:
        return None


def _is_telling(value: Any) -> bool:
    return _is_import_line(value) or _is_national_line(value)


def _is_import_line(value: Any) -> bool:
    if not isinstance(value, dict) or is_national(value):
        return False
    return is_record(value) or not value.keys().isdisjoint(IMPORT_KEYS) or QUARANTINE_KEY in value


def _is_national_line(value: Any) -> bool:
    return next(iterate_records(value), None) is not None
