"""The measures of joint punishment (联合惩戒措施): a list the court keeps, each with the unit that is responsible for it and
the text it rests on (policy B36). None is written into the product: which are lawful is the national list's to say."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.tables import MeasureRow, UnitRow
from registry.units.words import UnitError, check_basis, check_code, check_line, check_slug

LONGEST_FILE = 1024 * 1024  # bytes
_COLUMNS = {"代码": "code", "措施": "text", "责任单位": "unit", "依据": "basis", "有效": "active"}
_KEYS = frozenset(_COLUMNS.values())
_TRUE, _FALSE = ("是", "1", "true", "yes", ""), ("否", "0", "false", "no")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A measure. `unit` is the slug of the unit that is responsible, None where every unit may be."""

    code: str
    text: str
    basis: str
    unit: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import came to."""

    added: int
    changed: int
    unchanged: int


def read_measures(content: bytes, *, is_toml: bool) -> list[Measure]:
    """The measures of a file: CSV with a Chinese heading line, or TOML with `[[measure]]` tables. Pure. Raises UnitError
    that names the line or the table."""
    if len(content) > LONGEST_FILE:
        raise UnitError("文件超过 1 MB：不像是措施清单")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        try:
            text = content.decode("gb18030")
        except UnicodeDecodeError:
            raise UnitError("文件不是 UTF-8 或者 GB 18030 编码") from None
    found = _read_toml(text) if is_toml else _read_csv(text)
    measures = [_check(where, values) for where, values in found]
    if not measures:
        raise UnitError("文件中没有措施")
    seen: set[str] = set()
    for (where, _), measure in zip(found, measures, strict=True):
        if measure.code in seen:
            raise UnitError(f"{where}：代码“{measure.code}”重复")
        seen.add(measure.code)
    return measures


def import_measures(session: Session, measures: Sequence[Measure], acting: Acting) -> Imported:
    """Put measures into the list; those that are there are replaced, and no other is touched. All or nothing.
    Raises UnitError."""
    counts = {"added": 0, "changed": 0, "unchanged": 0}
    for measure in measures:
        counts[put_measure(session, measure, acting)] += 1
    return Imported(**counts)


def put_measure(session: Session, measure: Measure, acting: Acting) -> str:
    """Add a measure or replace the one with its code: `added`, `changed` or `unchanged`. Raises UnitError."""
    measure = check_measure(measure)
    unit_id = _find_unit(session, measure)
    row = session.get(MeasureRow, measure.code)
    values = {"text": measure.text, "unit_id": unit_id, "basis": measure.basis, "active": measure.active}
    if row is not None and all(getattr(row, name) == value for name, value in values.items()):
        return "unchanged"
    outcome = "added" if row is None else "changed"
    if row is None:
        session.add(MeasureRow(code=measure.code, **values))
    else:
        row.text, row.unit_id, row.basis, row.active = measure.text, unit_id, measure.basis, measure.active
    detail = {"measure": measure.code, "unit": measure.unit, "basis": measure.basis, "active": measure.active}
    audit.note(session, acting.now, acting.actor, f"measure_{outcome}", detail=detail)
    return outcome


def list_measures(session: Session, *, unit_id: int | None = None, active_only: bool = False) -> list[Measure]:
    """The measures by code; of a unit: those it is responsible for, and those that every unit may take."""
    query = select(MeasureRow, UnitRow.slug).outerjoin(UnitRow, UnitRow.id == MeasureRow.unit_id)
    if unit_id is not None:
        query = query.where(or_(MeasureRow.unit_id == unit_id, MeasureRow.unit_id.is_(None)))
    if active_only:
        query = query.where(MeasureRow.active)
    return [
        Measure(code=row.code, text=row.text, basis=row.basis, unit=slug, active=row.active)
        for row, slug in session.execute(query.order_by(MeasureRow.code))
    ]


def find_measure(session: Session, code: str, unit_id: int) -> Measure:
    """A measure in force that this unit may take. Raises UnitError."""
    found = next(
        (one for one in list_measures(session, unit_id=unit_id, active_only=True) if one.code == code.strip()), None
    )
    if found is None:
        raise UnitError("请选择本单位负责的惩戒措施；清单中没有的，请联系法院登记")
    return found


def check_measure(measure: Measure) -> Measure:
    """With its texts tidied. Raises UnitError."""
    return Measure(
        code=check_code(measure.code),
        text=check_line(measure.text, "措施内容", most=300),
        basis=check_basis(measure.basis, "措施的依据"),
        unit=check_slug(measure.unit) if measure.unit and measure.unit.strip() else None,
        active=measure.active,
    )


def _find_unit(session: Session, measure: Measure) -> int | None:
    if measure.unit is None:
        return None
    found = session.scalar(select(UnitRow.id).where(UnitRow.slug == measure.unit))
    if found is None:
        raise UnitError(f"措施“{measure.code}”的责任单位“{measure.unit}”还没有登记：请先登记单位")
    return found


def _read_csv(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    try:
        rows = list(csv.reader(io.StringIO(text), strict=True))
    except csv.Error:
        raise UnitError("CSV 文件的引号或者换行不完整") from None
    head = [cell.strip() for cell in rows[0]] if rows else []
    missing = [name for name in ("代码", "措施", "依据") if name not in head]
    unknown = [name for name in head if name not in _COLUMNS]
    if missing or unknown or len(set(head)) != len(head):
        raise UnitError(f"CSV 第一行应为表头：{'、'.join(_COLUMNS)}（责任单位和有效可以省略）")
    found: list[tuple[str, Mapping[str, Any]]] = []
    for number, cells in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(head):
            raise UnitError(f"第 {number} 行有 {len(cells)} 列，表头有 {len(head)} 列")
        found.append(
            (f"第 {number} 行", {_COLUMNS[name]: cell.strip() for name, cell in zip(head, cells, strict=True)})
        )
    return found


def _read_toml(text: str) -> list[tuple[str, Mapping[str, Any]]]:
    try:
        tables = tomllib.loads(text).get("measure", [])
    except (tomllib.TOMLDecodeError, RecursionError):
        raise UnitError("不是有效的 TOML 文件：每项措施应写成一个 [[measure]]") from None
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise UnitError("每项措施应写成一个 [[measure]]")
    return [(f"第 {number} 项措施", table) for number, table in enumerate(tables, start=1)]


def _check(where: str, values: Mapping[str, Any]) -> Measure:
    if unknown := sorted(set(values) - _KEYS):
        raise UnitError(f"{where}有不认识的项：{'、'.join(unknown)}")
    active = values.get("active", True)
    for name in ("code", "text", "basis", "unit"):
        if not isinstance(values.get(name, ""), str):
            raise UnitError(f"{where}的 {name} 应为文字")
    try:
        return check_measure(
            Measure(
                code=values.get("code", ""),
                text=values.get("text", ""),
                basis=values.get("basis", ""),
                unit=values.get("unit") or None,
                active=active if isinstance(active, bool) else _read_yes(str(active)),
            )
        )
    except UnitError as error:
        raise UnitError(f"{where}：{error}") from None


def _read_yes(text: str) -> bool:
    folded = text.strip().lower()
    if folded not in (*_TRUE, *_FALSE):
        raise UnitError("“有效”应为是或者否")
    return folded in _TRUE
