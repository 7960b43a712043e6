"""Case numbers (案号) of the people's courts, new and old style, however they were typed.

法〔2015〕137号, in force 2016-01-01, fixes the new style （2017）云3421执12号; before it each court wrote its own
short name, 字第 and a serial that keeps its zeros: （2013）召执字第00123号.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache


class InvalidValue(ValueError):
    """A value that cannot be what it should be. `str()` is a Chinese reason that never repeats the value."""


class CaseStyle(StrEnum):
    """How a case number is built. OTHER is plausible, but its court and type could not be told apart."""

    NEW = "new"
    OLD = "old"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseNumber:
    """A case number. Two are equal when they name the same case, however each was written.

    `original` is what was typed, without outer blanks; `text` is canonical: full-width brackets, no blanks, and no
    leading zeros in the new style. `court` is the court's code or short name and `type` the type code; both are empty
    in style OTHER. `serial` is text, with its zeros. `suffix` is the part such as 之一, or empty.
    """

    key: str
    original: str = field(compare=False)
    text: str = field(compare=False)
    style: CaseStyle = field(compare=False)
    year: int = field(compare=False)
    court: str = field(compare=False)
    type: str = field(compare=False)
    serial: str = field(compare=False)
    suffix: str = field(compare=False)

    @property
    def canonical(self) -> str:
        return self.text

    @classmethod
    def parse(cls, text: str) -> CaseNumber:
        """The case number that `text` writes. Raises InvalidValue with a Chinese reason."""
        original = text.strip()
        match = _SHAPE.fullmatch(original) or _SHAPE.fullmatch(_compact(original))
        if match is None:
            raise InvalidValue(_find_fault(_compact(original)))
        return _build(original, match)

    def __str__(self) -> str:
        return self.text


def find_case_number(text: str) -> CaseNumber | None:
    """The case number that `text` writes as a whole, or None."""
    try:
        return CaseNumber.parse(text)
    except InvalidValue:
        return None


_MAX_LENGTH = 80
_YEARS = range(1949, 2100)
# Without 号, which ends the number.
_HAN = "㐀-䶿一-\u53f6\u53f8-鿿〇"
_NUMERAL = "一二三四五六七八九十"
_DOCUMENT = f"(?:[{_HAN}]{{0,8}}书)?"
_SHAPE = re.compile(
    rf"(?P<bracket>[（(])?(?P<year>\d{{4}})(?(bracket)[)）])年?"
    rf"(?P<body>[{_HAN}](?:[{_HAN}\dA-Z]{{0,30}}[{_HAN}])?)(?P<serial>\d{{1,10}})"
    rf"(?:(?P<within>-\d{{1,3}}|之[{_NUMERAL}\d]{{1,3}})?(?P<mark>号)(?P<after>-\d{{1,3}}|之[{_NUMERAL}\d]{{1,3}})?{_DOCUMENT})?",
    re.ASCII,
)
# 最高法, or a province's character and the third to sixth digits of GB/T 2260 (two for the intermediate courts).
_NEW_BODY = re.compile(
    rf"(最高法|[京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新军兵](?:\d{{4}}|\d{{2}})?)([{_HAN}]{{1,5}})"
)
_TYPE_START = "执民刑行知商经赔破监认协保财调司清强恢"
_OLD_BODY = re.compile(rf"([{_HAN}\dA-Z]{{1,12}}?)([{_TYPE_START}][{_HAN}]{{0,5}})字第?")
_BRACKETS = str.maketrans("〔【［[{｛﹙〖〘〈《⟨（〕】］]}｝﹚〗〙〉》⟩）", "(" * 13 + ")" * 13)
_DASHES = str.maketrans("‐‑‒–—―−－", "-" * 8)
_BLANK = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")


def _compact(text: str) -> str:
    # NFKC folds widths and the radicals that PDF files give for characters, but not the brackets of documents.
    folded = unicodedata.normalize("NFKC", text.translate(_BRACKETS).translate(_DASHES))
    return _BLANK.sub("", folded).upper()


def _build(original: str, match: re.Match[str]) -> CaseNumber:
    year = int(match["year"])
    body = match["body"]
    style, court, type_ = _split(body)
    _check(match, year, style)
    suffix = _suffix(match["within"] or match["after"] or "")
    stem = body.removesuffix("第").removesuffix("字")
    serial = match["serial"]
    number = int(serial)
    return CaseNumber(
        key=f"{year}{stem}{number}{_arabic(suffix)}",
        original=original,
        text=_canonical(year, body, serial if style is not CaseStyle.NEW else str(number), suffix),
        style=style,
        year=year,
        court=court,
        type=type_,
        serial=serial,
        suffix=suffix,
    )


def _check(match: re.Match[str], year: int, style: CaseStyle) -> None:
    if len(match.string) > _MAX_LENGTH or match["body"].startswith("年"):
        raise InvalidValue(_SHAPE_FAULT)
    if year not in _YEARS:
        raise InvalidValue("案号的收案年度不合理，请核对括号里的年份")
    if not int(match["serial"]):
        raise InvalidValue("案号的编号不能为零，请核对")
    if style is CaseStyle.OTHER and not match["mark"]:
        raise InvalidValue("案号缺少末尾的“号”字，请补全")


@lru_cache(maxsize=4096)
def _split(body: str) -> tuple[CaseStyle, str, str]:
    new = _NEW_BODY.fullmatch(body)
    if new is not None and not body.endswith(("字", "第")):
        return CaseStyle.NEW, new[1], new[2]
    old = _OLD_BODY.fullmatch(body)
    if old is not None:
        return CaseStyle.OLD, old[1], old[2]
    return CaseStyle.OTHER, "", ""


def _canonical(year: int, body: str, serial: str, suffix: str) -> str:
    middle = f"{body}第" if body.endswith("字") else body
    if suffix.startswith("-"):
        return f"（{year}）{middle}{serial}{suffix}号"
    return f"（{year}）{middle}{serial}号{suffix}"


def _suffix(written: str) -> str:
    if not written.startswith("之"):
        return written
    number = _read_numeral(written[1:])
    return f"之{_write_numeral(number)}"


def _arabic(suffix: str) -> str:
    return f"之{_read_numeral(suffix[1:])}" if suffix.startswith("之") else suffix


def _read_numeral(written: str) -> int:
    if written.isdigit():
        number = int(written)
    else:
        tens, ten, units = written.rpartition("十")
        number = (_digit(tens or "一") * 10 if ten else 0) + (_digit(units) if units else 0)
    if not 0 < number < 100:
        raise InvalidValue("案号末尾“之”后面的序号不正确，请核对")
    return number


def _digit(character: str) -> int:
    if len(character) != 1 or character == "十":
        raise InvalidValue("案号末尾“之”后面的序号不正确，请核对")
    return _NUMERAL.index(character) + 1


def _write_numeral(number: int) -> str:
    tens, units = divmod(number, 10)
    written = ("" if tens == 1 else _NUMERAL[tens - 1]) + "十" if tens else ""
    return written + (_NUMERAL[units - 1] if units else "")


_SHAPE_FAULT = "案号的写法不能识别，应类似“（2024）豫9901执12号”"


def _find_fault(compact: str) -> str:
    if not compact:
        return "案号为空，请填写"
    if re.search(r"[×*✕●]|X{2,}", compact):
        return "案号中有被遮盖的字，请填写完整的案号"
    if not re.match(r"[(]?\d{4}", compact):
        return "案号开头没有收案年度，应类似“（2024）豫9901执12号”"
    if not compact.endswith("号") and "号" not in compact:
        return "案号缺少末尾的“号”字，请补全"
    return _SHAPE_FAULT
