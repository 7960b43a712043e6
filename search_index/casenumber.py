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
        match = _match(original)
        if match is None:
            raise InvalidValue(_find_fault(_compact(original)))
        return _build(original, match)

    def __str__(self) -> str:
        return self.text


def find_case_number(text: str) -> CaseNumber | None:
    """The case number that `text` writes as a whole, or None."""
    original = text.strip()
    match = _match(original)
    if match is None:
        return None
    try:
        return _build(original, match)
    except InvalidValue:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseParts:
    """What a part of a case number says; None or empty where it is silent. `suffix` is 之1 or -1."""

    year: int | None = None
    court: str = ""
    type: str = ""
    serial: int | None = None
    suffix: str = ""

    @property
    def keys(self) -> frozenset[str]:
        """The keys of `list_case_keys` that every case number with these parts has, whatever its suffix."""
        values = ("y", self.year), ("c", self.court), ("t", self.type), ("s", self.serial)
        return frozenset(f"{letter}{value}" for letter, value in values if value)

    @property
    def suffix_key(self) -> str:
        """The key of those that have the same suffix, or have none either."""
        return f"x{self.suffix}"

    def __str__(self) -> str:
        serial = f"编号{self.serial}{_write_suffix(self.suffix)}" if self.serial else ""
        said = (
            f"{self.year}年度" if self.year else "",
            f"法院“{self.court}”" if self.court else "",
            f"类型“{self.type}”" if self.type else "",
            serial,
        )
        return "、".join(part for part in said if part)


def is_type(text: str) -> bool:
    """Whether the text is the type of a case as it stands in a number: 执恢, 民初."""
    return _ONLY_TYPE.fullmatch(text) is not None


def list_case_keys(case: CaseNumber) -> frozenset[str]:
    """The keys under which a case is found: the whole ("="), without its suffix ("~"), and each of its parts."""
    parts = get_parts(case)
    return parts.keys | {parts.suffix_key, f"={case.key}", find_base_key(case)}


def find_base_key(case: CaseNumber) -> str:
    """The key of `list_case_keys` that a case shares with those that differ from it in the suffix only."""
    return f"~{case.key.removesuffix(_arabic(case.suffix))}"


def get_parts(case: CaseNumber) -> CaseParts:
    """All parts of a case number; court and type also where the court's code is of no known province."""
    court, type_ = case.court, case.type
    if case.style is CaseStyle.OTHER:
        match = _LOOSE_KEY.fullmatch(case.key)
        court, type_ = match.groups() if match else ("", "")
    return CaseParts(year=case.year, court=court, type=type_, serial=int(case.serial), suffix=_arabic(case.suffix))


def find_whole(parts: CaseParts) -> CaseNumber | None:
    """The case number that has these parts and nothing else, in the new style, or None where one is missing."""
    if not (parts.year and parts.court and parts.type and parts.serial):
        return None
    return find_case_number(f"({parts.year}){parts.court}{parts.type}{parts.serial}号{parts.suffix}")


def find_parts(text: str) -> CaseParts | None:
    """The parts of a case number that `text` writes and nothing besides, or None.

    At least two are needed: 执12号, 云9921执, （2017）云9921. Of what could also be ordinary words (2017年, 12号, 执行)
    nothing is made.
    """
    compact = _compact(text)
    if len(compact) > _MAX_LENGTH:
        return None
    for shape in (_NEW_PART, _OLD_PART, _SERIAL_PART):
        match = shape.fullmatch(compact)
        if match is not None and (parts := _read_parts(match.groupdict())):
            return parts
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
# The types of 法〔2015〕137号 that stand alone often enough to be told from words.
_TYPE = (
    r"(?:执(?:恢|保|异|复|监|协|他|更|前)?|执前调|[知商]?(?:民|刑|行)(?:初|终|再|申|监|特|督|催|撤|抗|辖|辖终|他|更|赔初|赔终)"
    r"|行审|行保|财保|非诉行审|非执|破|破申|破终|清申|强清|司惩|司救执|赔初|委赔|法赔|诉前调|商初|经初|民商初|民[一二三四五]初)"
)
_ONLY_TYPE = re.compile(_TYPE)
_YEAR_PART = r"(?:(?P<bracket>\()?(?P<year>\d{4})(?(bracket)\))年?)"
_END_PART = (
    rf"(?P<serial>\d{{1,10}})(?P<within>-\d{{1,3}}|之[{_NUMERAL}\d]{{1,3}})?"
    rf"(?:(?P<mark>号)(?P<after>-\d{{1,3}}|之[{_NUMERAL}\d]{{1,3}})?)?"
)
# A court's code has digits, whatever its province; without digits only the highest court and the high courts have one.
_CODE = rf"(?:最高法|[{_HAN}]\d{{4}}|[京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新军兵](?:\d{{2}})?)"
_NEW_PART = re.compile(rf"{_YEAR_PART}?(?P<court>{_CODE})?(?P<type>{_TYPE})?(?:{_END_PART})?", re.ASCII)
_OLD_PART = re.compile(
    rf"{_YEAR_PART}?(?P<court>{_CODE}|[{_HAN}]{{0,8}}?)(?P<type>{_TYPE}|[{_TYPE_START}][{_HAN}]{{0,3}})"
    rf"(?P<old>字)第?(?:{_END_PART})?",
    re.ASCII,
)
# Without 字 the court's short name is told from the type by the types alone: 召执123号.
_SERIAL_PART = re.compile(rf"{_YEAR_PART}?(?P<court>[{_HAN}]{{1,4}}?)(?P<type>{_TYPE}){_END_PART}", re.ASCII)
_LOOSE_KEY = re.compile(rf"\d{{4}}([{_HAN}]\d{{4}}|[{_HAN}]\d{{2}})([{_TYPE_START}][{_HAN}]{{0,4}})\d+(?:之\d+|-\d+)?")
_BRACKETS = str.maketrans("〔【［[{｛﹙〖〘〈《⟨（〕】］]}｝﹚〗〙〉》⟩）", "(" * 13 + ")" * 13)
_MARKS = _BRACKETS | str.maketrans("‐‑‒–—―−－", "-" * 8)
_BLANK = re.compile(r"[\s\u200b-\u200d\u2060\ufeff]+")


def _compact(text: str) -> str:
    # NFKC folds widths and the radicals that PDF files give for characters, but not the brackets of documents.
    folded = unicodedata.normalize("NFKC", text.translate(_MARKS))
    return _BLANK.sub("", folded).upper()


def _match(original: str) -> re.Match[str] | None:
    return _SHAPE.fullmatch(original) or _SHAPE.fullmatch(_compact(original))


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


def _read_parts(found: dict[str, str | None]) -> CaseParts | None:
    court, type_ = found["court"] or "", found["type"] or ""
    if found.get("old") and not _is_alone(court, type_):
        court, type_ = _split_old(court + type_)
    suffix = found["within"] or found["after"] or ""
    try:
        suffix = _arabic(_suffix(suffix))
    except InvalidValue:
        return None
    year, serial = found["year"], found["serial"]
    parts = CaseParts(
        year=int(year) if year else None,
        court=court,
        type=type_,
        serial=int(serial) if serial else None,
        suffix=suffix,
    )
    return parts if _is_enough(parts, found) else None


def _is_alone(court: str, type_: str) -> bool:
    # 执恢字第5号 has no court, though 执 could be the short name of one; 民初字 likewise.
    return not court and is_type(type_)


def _split_old(body: str) -> tuple[str, str]:
    match = _OLD_BODY.fullmatch(f"{body}字")
    return (match[1], match[2]) if match else ("", body)


def _is_enough(parts: CaseParts, found: dict[str, str | None]) -> bool:
    if (parts.year is not None and parts.year not in _YEARS) or parts.serial == 0:
        return False
    has_code = any(c.isdigit() for c in parts.court) or parts.court == "最高法"
    count = sum(map(bool, (parts.year, parts.court, parts.type, parts.serial)))
    if found.get("old"):
        return bool(parts.serial or parts.year)
    if has_code:
        return count >= 2 and bool(parts.type or found["year"])
    if parts.type:
        return _is_plainly_typed(parts, found)
    return bool(parts.year and parts.serial and found["bracket"] and found["mark"] and not parts.court)


def _is_plainly_typed(parts: CaseParts, found: dict[str, str | None]) -> bool:
    # Without a court's code: 执12, 2013召执12 and （2017）执 can be nothing else; 破12 and 商初 can.
    if found["bracket"] or found["mark"]:
        return bool(parts.serial or parts.year)
    if parts.court and not parts.year:
        return False
    return bool(parts.serial) and parts.type.startswith("执")


def _write_suffix(suffix: str) -> str:
    return f"之{_write_numeral(int(suffix[1:]))}" if suffix.startswith("之") else suffix


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
