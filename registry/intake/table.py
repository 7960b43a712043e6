"""Rows of a spreadsheet: which column is which field, and what the cells of a row say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from registry.intake.build import LABELS, build_facts, show_key
from registry.intake.headers import IGNORED_TITLES, TITLES, fold_title
from registry.intake.loose import loosen, split_number
from registry.intake.model import MAX_COLUMNS, Accepted, Ended, FieldError, Line, Refused, RowStatus, UnrecognisedFile
from registry.record import Facts

_NUMBERS = frozenset({"id_number", "uscc", "organisation_code", "number", "phone", "applicant.phone"})
_DATES = frozenset({"birth_date", "filed_on", "decided_on", "served_on", "term_ends_on"})
_STATUSES = {
    **dict.fromkeys(("发布", "已发布", "公布", "已公布", "发布中", "正常", "有效"), RowStatus.PUBLISHED),
    **dict.fromkeys(("屏蔽", "已屏蔽", "屏蔽(结案后状态)", "屏蔽（结案后状态）"), RowStatus.HELD),
    **dict.fromkeys(("撤销", "已撤销", "撤销(删除标记)", "撤销（删除标记）", "删除", "已删除"), RowStatus.WITHDRAWN),
}
# Excel keeps fifteen digits of a number; the rest of a longer one is gone when the file is opened.
_EXACT = 10**15
_REMARK = re.compile(r"[(\[【〔].*?[)\]】〕]$")
# How other programs keep a spreadsheet from reading text as a number or a formula: ="0012", or an apostrophe before it.
_QUOTED = re.compile(r'="([^"]*)"')
_GUARD = re.compile(r"^['\t]+(?=[=+\-@'\t\r]|\d)")
_FORMULA_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What each column holds: a field, or None when it is not used. `unknown` are titles that must have empty columns."""

    titles: tuple[str, ...]
    fields: tuple[str | None, ...]
    unknown: tuple[int, ...]

    def get_title(self, field: str) -> str:
        """The title under which the file has `field`, or its usual Chinese name."""
        wanted = _COLUMNS_OF.get(field, (field,))
        titles = (title for title, key in zip(self.titles, self.fields, strict=True) if key in wanted)
        return next(titles, "").strip() or LABELS.get(field, field)


_COLUMNS_OF = {
    "id_number": ("id_number", "number"),
    "uscc": ("uscc", "organisation_code", "number"),
    "applicant": ("applicant.name", "applicant.phone"),
}


def count_known(header: Sequence[str]) -> int:
    """How many titles of a row are known as fields: zero for a row that is no header."""
    return sum(_find_field(title) is not None for title in header)


def build_columns(header: Sequence[str]) -> Columns:
    """What the first row says. Raises UnrecognisedFile when it is no header, or names one field twice."""
    titles = tuple(header)
    while titles and not titles[-1].strip():
        titles = titles[:-1]
    if len(titles) > MAX_COLUMNS:
        raise UnrecognisedFile(f"表格超过{MAX_COLUMNS}列，不像失信被执行人名单，请核对是否选错了文件")
    fields = tuple(_find_field(title) for title in titles)
    if not any(fields):
        raise UnrecognisedFile("第1行没有可以识别的列名。第1行应为表头，例如：姓名、身份证号码、执行法院、案号")
    _refuse_twice(titles, fields)
    unknown = tuple(
        i for i, title in enumerate(titles) if fields[i] is None and title.strip() and not _is_ignored(title)
    )
    return Columns(titles=titles, fields=fields, unknown=unknown)


def check_unknown(columns: Columns, rows: Iterator[Sequence[Any]]) -> None:
    """Refuse a file in which a column with an unknown title is not empty. Raises UnrecognisedFile."""
    for row in rows:
        for index in columns.unknown:
            if index < len(row) and not _is_blank(row[index]):
                title = show_key(columns.titles[index].strip())
                raise UnrecognisedFile(f"不认识的列“{title}”（第{index + 1}列），请改成导入说明中的列名，或删去这一列")


def read_row(columns: Columns, line: int, cells: Sequence[Any]) -> Line | None:
    """What a row says; None when it is blank."""
    if all(cell is None or cell == "" for cell in cells) or all(_is_blank(cell) for cell in cells):
        return None
    raw = tuple(show_cell(cell) for cell in cells)
    try:
        values = _read_cells(columns, cells)
        status = _find_status(values.pop("status", None))
    except FieldError as error:
        return _refuse(columns, line, error, raw)
    if status is not RowStatus.PUBLISHED:
        return _end(columns, line, status, values, raw)
    try:
        facts, warnings = _build(values)
    except FieldError as error:
        return _refuse(columns, line, error, raw)
    return Accepted(line=line, facts=facts, warnings=warnings, raw=raw)


def show_cell(value: Any) -> str:
    """A cell as text, as it goes into a quarantine file."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == time() else value.isoformat(" ", "seconds")
    return value.isoformat() if isinstance(value, date) else str(value)


def _find_field(title: str) -> str | None:
    folded = fold_title(title)
    found = TITLES.get(folded)
    if found is None and folded not in IGNORED_TITLES:
        found = TITLES.get(fold_title(_REMARK.sub("", folded)))
    return found


def _is_ignored(title: str) -> bool:
    folded = fold_title(title)
    return folded in IGNORED_TITLES or fold_title(_REMARK.sub("", folded)) in IGNORED_TITLES


def _refuse_twice(titles: Sequence[str], fields: Sequence[str | None]) -> None:
    seen: dict[str, int] = {}
    for index, field in enumerate(fields):
        if field is not None and field in seen:
            first, second = titles[seen[field]].strip(), titles[index].strip()
            raise UnrecognisedFile(
                f"第{seen[field] + 1}列“{first}”和第{index + 1}列“{second}”是同一项内容，请只保留一列"
            )
        if field is not None:
            seen[field] = index


def _is_blank(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _read_cells(columns: Columns, cells: Sequence[Any]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field, cell in zip(columns.fields, cells, strict=False):
        if field is not None and cell is not None and cell != "":
            values[field] = _read_cell(field, cell)
    if len(cells) > len(columns.fields) or not all(columns.titles):
        _refuse_untitled(columns, cells)
    return values


def _refuse_untitled(columns: Columns, cells: Sequence[Any]) -> None:
    for index, cell in enumerate(cells):
        has_title = index < len(columns.titles) and columns.titles[index].strip()
        if not has_title and not _is_blank(cell):
            raise FieldError("", f"第{index + 1}列有内容但没有列名，这一行可能多了一个分隔符，请核对")


def _read_cell(field: str, cell: Any) -> Any:
    if isinstance(cell, str):
        return _read_text(field, cell)
    if field in _DATES:
        return cell
    if isinstance(cell, bool):
        return "是" if cell else "否"
    if field in _NUMBERS and isinstance(cell, int | float) and abs(cell) >= _EXACT:
        raise FieldError(_field_of(field), "号码存成了数字，第15位以后已经丢失，请把这一列设为文本格式后重新填写")
    return show_cell(cell)


def _read_text(field: str, cell: str) -> str:
    text = cell.strip(" \r\n\u3000")
    if text[:1] in ("=", "'", "\t"):
        quoted = _QUOTED.fullmatch(text)
        text = quoted[1] if quoted else _GUARD.sub("", text)
    if text in _FORMULA_ERRORS:
        raise FieldError(_field_of(field), "单元格是公式错误，请改成实际的内容")
    return text


def _field_of(field: str) -> str:
    return {"number": "id_number", "organisation_code": "uscc"}.get(field, field.partition(".")[0])


def _find_status(value: Any) -> RowStatus:
    if value is None:
        return RowStatus.PUBLISHED
    status = _STATUSES.get("".join(str(value).split()))
    if status is None:
        raise FieldError("status", "状态应为发布、屏蔽、撤销之一")
    return status


def _build(values: dict[str, Any]) -> tuple[Facts, tuple[str, ...]]:
    prepared = loosen(values)
    code = prepared.pop("organisation_code", None)
    if code is not None and prepared.get("uscc") is None:
        prepared["uscc"] = code
    applicant = {key: prepared.pop(f"applicant.{key}", None) for key in ("name", "phone")}
    if any(applicant.values()):
        prepared["applicant"] = applicant
    return build_facts(split_number(prepared))


def _end(columns: Columns, line: int, status: RowStatus, values: dict[str, Any], raw: tuple[str, ...]) -> Ended:
    try:
        facts = _build(values)[0]
    except FieldError:
        facts = None
    title = columns.get_title("status")
    reason = f"“{title}”列：这一行的状态是{status}，不是发布，不能作为新的公布导入"
    return Ended(line=line, field="status", reason=reason, raw=raw, status=status, facts=facts)


def _refuse(columns: Columns, line: int, error: FieldError, raw: tuple[str, ...]) -> Refused:
    reason = f"“{columns.get_title(error.field)}”列：{error.reason}" if error.field else error.reason
    return Refused(line=line, field=error.field, reason=reason, raw=raw)
