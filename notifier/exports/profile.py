"""An export profile (导出方案): which fields a platform takes, under which names and codes. Data (TOML), read and checked
here; every mistake is one Chinese line that names the file and the key. Pure, but for reading a file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Literal, cast, get_args

from notifier.exports.fields import CLOSED, DAYS, ID_FIELDS, MOMENTS, NAMES, Part

Format = Literal["xlsx", "csv", "xml"]
Encoding = Literal["utf-8-sig", "gb18030"]
Mode = Literal["full", "increment"]
FORMATS: tuple[Format, ...] = get_args(Format)
_ENCODINGS: tuple[Encoding, ...] = get_args(Encoding)
_MODES: tuple[Mode, ...] = get_args(Mode)
_PARTS: tuple[Part, ...] = get_args(Part)
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
# What every parser takes for the name of an element, without a prefix of a namespace.
_ELEMENT = re.compile(r"(?![Xx][Mm][Ll])[A-Za-z_\u4e00-\u9fa5][A-Za-z0-9_.\u4e00-\u9fa5-]{0,63}")
_DATE = re.compile(r"(?:%[YmdHMS]|[-/.:T年月日时分秒 ])+")
_UNSAFE = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
_LARGEST = 256 * 1024
_TOP = frozenset(
    {"name", "title", "version", "formats", "encoding", "modes", "id_numbers", "other_courts", "use_days", "root"}
)
_COLUMN = frozenset({"heading", "element", "field", "constant", "date", "map"})
_ROWS = frozenset({"entry_row", "departure_row", "repair_row"})


class ProfileError(Exception):
    """A profile that cannot be used. The message (Chinese) names the file and the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column: its heading in tables, its element in XML, and what stands in it: a field or a constant. `date` formats a
    day or a moment (ISO 8601 where empty), `codes` turns a value into the platform's."""

    heading: str
    element: str
    field: str | None
    constant: str
    date: str
    codes: Mapping[str, str] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a platform takes. A profile without columns for credit repairs gets none. `other_courts`: whether entries that
    were taken over from another court's list go along."""

    name: str
    title: str
    version: int
    formats: tuple[Format, ...]
    encoding: Encoding
    modes: tuple[Mode, ...]
    id_numbers: bool
    other_courts: bool
    use_days: int
    root: str
    rows: Mapping[Part, str]
    columns: Mapping[Part, tuple[Column, ...]]

    @property
    def has_repairs(self) -> bool:
        return bool(self.columns["repair"])


def list_profiles() -> list[str]:
    """The names of the profiles that come with the product."""
    return sorted(path.name.removesuffix(".toml") for path in _folder().iterdir() if path.name.endswith(".toml"))


def open_profile(named: str) -> Profile:
    """The profile that comes with the product under this name, or that lies in a file of one's own. Raises ProfileError."""
    if named in list_profiles():
        return read_profile(_folder().joinpath(f"{named}.toml").read_bytes(), f"{named}.toml")
    path = Path(named)
    if not path.is_file():
        raise ProfileError(
            f"没有导出方案“{named}”：可以用{'、'.join(list_profiles())}，也可以写自己的方案文件（TOML）的路径"
        )
    if path.stat().st_size > _LARGEST:
        raise ProfileError(f"{path.name}：文件过大，不是导出方案")
    return read_profile(path.read_bytes(), path.name)


def read_profile(content: bytes, file: str) -> Profile:
    """The profile that `content` (TOML, UTF-8) describes. Raises ProfileError."""
    try:
        body = tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise ProfileError(f"{file}：不是 UTF-8 编码的文件，请另存为 UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+)", str(error))
        where = f"第 {place[1]} 行" if place else "文件末尾"
        raise ProfileError(f"{file}：{where}不合 TOML 的写法，请改正") from None
    return _Reader(file, body).read()


class _Reader:
    """Reads one profile; each refusal names the file and the key."""

    def __init__(self, file: str, body: Mapping[str, Any]) -> None:
        self._file = file
        self._body = body

    def read(self) -> Profile:
        self._refuse_unknown(self._body, _TOP | _ROWS | set(_PARTS), "")
        id_numbers = self._take("id_numbers", bool, True)
        columns = {part: self._columns(part, id_numbers) for part in _PARTS}
        modes = self._choose("modes", _MODES, _MODES)
        if not columns["entry"]:
            self._refuse("entry", "至少要有一栏")
        if not columns["departure"]:
            self._refuse("departure", "至少要有一栏：条目退出后必须能够通知该平台")
        for part in _PARTS:
            if columns[part] and "record" not in {column.field for column in columns[part]}:
                self._refuse(part, "要有一栏的 field 是 record（公开编号），否则以后不能通知撤下")
        version = self._take("version", int, 1)
        use_days = self._take("use_days", int, 31)
        if not 1 <= version <= 9999:
            self._refuse("version", "应为 1 至 9999 的整数")
        if not 1 <= use_days <= 92:
            self._refuse("use_days", "应为 1 至 92 的整数")
        name = self._take("name", str, "")
        if not _NAME.fullmatch(name):
            self._refuse("name", "应为小写字母开头的字母、数字、横线或者下划线，不超过 32 个")
        return Profile(
            name=name,
            title=self._text("title", self._take("title", str, "")),
            version=version,
            formats=cast(tuple[Format, ...], self._choose("formats", FORMATS, FORMATS)),
            encoding=self._encoding(),
            modes=cast(tuple[Mode, ...], modes),
            id_numbers=id_numbers,
            other_courts=self._take("other_courts", bool, False),
            use_days=use_days,
            root=self._element("root", self._take("root", str, "export")),
            rows={part: self._element(f"{part}_row", self._take(f"{part}_row", str, part)) for part in _PARTS},
            columns=columns,
        )

    def _encoding(self) -> Encoding:
        given = self._take("encoding", str, "utf-8-sig")
        if given not in _ENCODINGS:
            self._refuse("encoding", f"“{given}”不能用，可以用{'、'.join(_ENCODINGS)}")
        return cast(Encoding, given)

    def _choose(self, key: str, known: Sequence[str], default: Sequence[str]) -> tuple[str, ...]:
        given = self._take(key, list, list(default))
        if not given or not all(one in known for one in given) or len(set(given)) != len(given):
            self._refuse(key, f"应为一个列表，其中每项是{'、'.join(known)}之一，不能重复")
        return tuple(given)

    def _columns(self, part: Part, id_numbers: bool) -> tuple[Column, ...]:
        given = self._take(part, list, [])
        if not all(isinstance(one, dict) for one in given):
            self._refuse(part, f"每栏请写成 [[{part}]]")
        columns = tuple(self._column(part, number, one, id_numbers) for number, one in enumerate(given, start=1))
        for key, values in (
            ("heading", [column.heading for column in columns]),
            ("element", [column.element for column in columns]),
        ):
            twice = sorted({value for value in values if values.count(value) > 1})
            if twice:
                self._refuse(part, f"{key} “{twice[0]}”有两栏，请改成不同的")
        return columns

    def _column(self, part: Part, number: int, body: Mapping[str, Any], id_numbers: bool) -> Column:
        where = f"{part} 第 {number} 栏"
        self._refuse_unknown(body, _COLUMN, f"{where}的")
        texts = {key: self._take(key, str, "", body, f"{where}的 ") for key in ("heading", "element", "field", "date")}
        field = texts["field"] or None
        if (field is None) == ("constant" not in body):
            self._refuse(where, "field 和 constant 要有一个，而且只能有一个")
        if field is not None and field not in NAMES[part]:
            self._refuse(f"{where}的 field", f"没有字段“{field}”，可以用{'、'.join(sorted(NAMES[part]))}")
        if field in ID_FIELDS and not id_numbers:
            self._refuse(f"{where}的 field", f"方案写明不带证件号码（id_numbers = false），不能有“{field}”")
        return Column(
            heading=self._text(f"{where}的 heading", texts["heading"]),
            element=self._element(f"{where}的 element", texts["element"] or texts["heading"]),
            field=field,
            constant=self._constant(where, body),
            date=self._date(where, field, texts["date"]),
            codes=self._codes(where, part, field, body),
        )

    def _constant(self, where: str, body: Mapping[str, Any]) -> str:
        given = self._take("constant", str, "", body, f"{where}的 ")
        return self._text(f"{where}的 constant", given) if given else ""

    def _date(self, where: str, field: str | None, given: str) -> str:
        if not given:
            return ""
        if field not in DAYS | MOMENTS:
            self._refuse(f"{where}的 date", "只有日期和时间的字段可以有格式")
        if not _DATE.fullmatch(given) or (field in DAYS and re.search("%[HMS]", given)):
            allowed = "%Y、%m、%d" if field in DAYS else "%Y、%m、%d、%H、%M、%S"
            self._refuse(f"{where}的 date", f"格式里只能有{allowed}和 - / . : T 年月日时分秒、空格")
        datetime(2026, 1, 1).strftime(given)  # noqa: DTZ001  (only whether it can be written)
        return given

    def _codes(self, where: str, part: Part, field: str | None, body: Mapping[str, Any]) -> Mapping[str, str] | None:
        if "map" not in body:
            return None
        given = self._take("map", dict, {}, body, f"{where}的 ")
        key = f"{where}的 map"
        if not given or not all(isinstance(value, str) and _is_clean(value) for value in given.values()):
            self._refuse(key, '每个值都要是文字，例如 person = "0"')
        closed = CLOSED.get((part, field or ""), frozenset())
        if not closed:
            able = "、".join(sorted(name for owner, name in CLOSED if owner == part)) or "没有"
            self._refuse(key, f"这一字段不能换成代码（可以换的：{able}）")
        if given.keys() != closed:
            self._refuse(key, f"要写明且只写明{'、'.join(sorted(closed))}的代码")
        return dict(given)

    def _text(self, key: str, given: str) -> str:
        if not given.strip() or given != given.strip() or len(given) > 100 or not _is_clean(given):
            self._refuse(key, "应为一行文字，首尾没有空格，不超过 100 字")
        if given.startswith(_UNSAFE):
            self._refuse(key, "不能以 = + - @ 开头：表格软件会当作公式")
        return given

    def _element(self, key: str, given: str) -> str:
        if not _ELEMENT.fullmatch(given):
            self._refuse(key, f"“{given[:40]}”不能作 XML 的元素名：请用字母、汉字、数字、下划线，以字母或者汉字开头")
        return given

    def _take(self, key: str, kind: type, default: Any, body: Mapping[str, Any] | None = None, where: str = "") -> Any:
        value = (self._body if body is None else body).get(key, default)
        if type(value) is not kind:
            names = {str: "文字", int: "整数", bool: "true 或者 false", list: "列表", dict: "一组对应"}
            self._refuse(f"{where}{key}", f"应为{names[kind]}")
        return value

    def _refuse_unknown(self, body: Mapping[str, Any], known: Collection[str], where: str) -> None:
        unknown = sorted(set(body) - set(known))
        if unknown:
            self._refuse(f"{where}{unknown[0][:40]}", f"没有这一项，可以写的是{'、'.join(sorted(known))}")

    def _refuse(self, key: str, why: str) -> None:
        raise ProfileError(f"{self._file}：{key}：{why}")


def _is_clean(text: str) -> bool:
    return text.isprintable() or all(character >= " " and character not in "\x7f\u2028\u2029" for character in text)


def _folder() -> Any:
    return resources.files("notifier.exports") / "profiles"
