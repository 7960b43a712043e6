"""Spreadsheets: the sheet by which the units are assessed (policies A14, B27: counting and export only), and a unit's own
ledger. Every text is written as text, and none begins like a formula."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import xlsxwriter
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.journal import newest_profile
from registry.tables import UnitRow
from registry.units.consents import ConsentKind, list_consents
from registry.units.feedback import FeedbackState, read_feedback
from registry.units.ledger import LedgerKind, LedgerLine, count_kinds, list_ledger
from registry.units.quarters import Quarter
from registry.units.releases import list_releases
from registry.units.words import TRAINING_MARK, UnitError
from search_index.day import SHANGHAI, day_of
from search_index.sheets import guard_formula

MEDIA = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MOST_LINES = 20_000
_CHUNK = 1000
_COLUMNS = (
    "单位", "季度", "推送名单", "确认收到", "应反馈日", "反馈情况", "反馈时间", "更正次数", "比对", "比对命中",
    "不予同意", "仍予以同意", "退出通知", "已解除", "按期解除", "逾期未解除", "继续保留",
)  # fmt: skip
_LEDGER_COLUMNS = ("时间", "事项", "公开编号", "期次", "数量", "措施", "依据", "期限", "经办", "说明")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessed:
    """What a unit did in a quarter. Releases count in the quarter in which the unit was told."""

    unit: str
    quarter: Quarter
    pushes: int
    acks: int
    feedback_due: date
    feedback: FeedbackState
    submitted_at: datetime | None
    corrections: int
    compared: int
    hits: int
    refusals: int
    consents: int
    releases: int
    released: int
    released_in_time: int
    overdue: int
    retained: int


def assess(session: Session, unit: UnitRow, quarter: Quarter, acting: Acting) -> Assessed:
    """What a unit did in a quarter, from its ledger."""
    since = datetime.combine(quarter.start, time(), SHANGHAI)
    until = datetime.combine(quarter.end + timedelta(days=1), time(), SHANGHAI)
    counts = count_kinds(session, unit.id, since=since, until=until)
    feedback = read_feedback(session, unit, quarter, acting)
    releases = [one for one in _all_releases(session, unit.id) if since <= one.told_at < until]
    return Assessed(
        unit=unit.name,
        quarter=quarter,
        pushes=counts.get(LedgerKind.PUSH, 0),
        acks=counts.get(LedgerKind.ACK, 0),
        feedback_due=feedback.due,
        feedback=feedback.state,
        submitted_at=feedback.submitted_at,
        corrections=feedback.corrections,
        compared=counts.get(LedgerKind.COMPARE, 0),
        hits=counts.get(LedgerKind.HIT, 0),
        refusals=list_consents(session, unit_id=unit.id, kind=ConsentKind.REFUSED, quarter=quarter)[1],
        consents=list_consents(session, unit_id=unit.id, kind=ConsentKind.AGREED, quarter=quarter)[1],
        releases=len(releases),
        released=sum(one.done_at is not None for one in releases),
        released_in_time=sum(one.done_at is not None and day_of(one.done_at) <= one.due for one in releases),
        overdue=sum(one.is_overdue(acting.today) for one in releases),
        retained=counts.get(LedgerKind.RETAINED, 0),
    )


def build_assessment(session: Session, units: Sequence[UnitRow], quarters: Sequence[Quarter], acting: Acting) -> bytes:
    """The sheet for the assessment of these units in these quarters, as XLSX."""
    rows = [assess(session, unit, quarter, acting) for unit in units for quarter in quarters]
    note = f"{_mark(session)}制表时间：{_local(acting.now)}；由台账生成"
    return _build("考核", _COLUMNS, [_to_cells(row) for row in rows], note)


def build_ledger(session: Session, unit: UnitRow, acting: Acting, *, outside: bool = False) -> bytes:
    """A unit's ledger as XLSX, the newest line first. `outside`: for the unit, which is not told who of the court's people
    acted. Raises UnitError where it has more than MOST_LINES."""
    lines: list[LedgerLine] = []
    page = 1
    while True:
        part, total = list_ledger(session, unit.id, page=page, limit=_CHUNK)
        if total > MOST_LINES:
            raise UnitError(f"台账超过 {MOST_LINES} 行，请联系法院按年度导出")
        lines += part
        if len(lines) >= total or not part:
            break
        page += 1
    note = f"{_mark(session)}{unit.name}；制表时间：{_local(acting.now)}"
    return _build("台账", _LEDGER_COLUMNS, [_to_ledger_cells(line, outside=outside) for line in lines], note)


def select_units(session: Session, ids: Sequence[int] | None = None) -> list[UnitRow]:
    """The rows of units, all of them without `ids`, by name."""
    query = select(UnitRow).order_by(UnitRow.name, UnitRow.id)
    return list(session.scalars(query if ids is None else query.where(UnitRow.id.in_(list(ids)))))


def quarters_of(year: int, today: date) -> list[Quarter]:
    """The quarters of a year that have begun. Raises UnitError."""
    found = [Quarter(year, number) for number in (1, 2, 3, 4)] if 2000 <= year <= 2100 else []
    begun = [quarter for quarter in found if quarter.start <= today]
    if not begun:
        raise UnitError("年份不正确：应为四位数字，且不晚于今年")
    return begun


def _all_releases(session: Session, unit_id: int) -> Sequence[Any]:
    found: list[Any] = []
    page = 1
    while True:
        part, total = list_releases(session, unit_id, page=page, limit=_CHUNK)
        found += part
        if len(found) >= total or not part:
            return found
        page += 1


def _to_cells(row: Assessed) -> list[str | int]:
    return [
        row.unit,
        row.quarter.label,
        row.pushes,
        row.acks,
        row.feedback_due.isoformat(),
        row.feedback.label,
        _local(row.submitted_at),
        row.corrections,
        row.compared,
        row.hits,
        row.refusals,
        row.consents,
        row.releases,
        row.released,
        row.released_in_time,
        row.overdue,
        row.retained,
    ]


def _to_ledger_cells(line: LedgerLine, *, outside: bool) -> list[str | int]:
    return [
        _local(line.at),
        line.kind.label,
        line.record or "",
        line.period or "",
        line.count if line.count is not None else "",
        line.measure or "",
        line.basis or "",
        line.ends_on.isoformat() if line.ends_on else "",
        line.who_outside if outside else line.who,
        line.words,
    ]


def _mark(session: Session) -> str:
    """What a sheet of a home for training begins with."""
    return TRAINING_MARK if newest_profile(session).training else ""


def _build(name: str, columns: Sequence[str], rows: Sequence[Sequence[str | int]], note: str) -> bytes:
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as book:
        sheet = book.add_worksheet(name)
        head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        sheet.write_string(0, 0, guard_formula(note))
        for column, label in enumerate(columns):
            sheet.write_string(1, column, label, head)
        for number, cells in enumerate(rows, start=2):
            for column, cell in enumerate(cells):
                if isinstance(cell, int):
                    sheet.write_number(number, column, cell)
                else:
                    sheet.write_string(number, column, guard_formula(cell))
        sheet.set_column(0, len(columns) - 1, 16)
        sheet.freeze_panes(2, 0)
        sheet.autofilter(1, 0, max(len(rows) + 1, 1), len(columns) - 1)
    return out.getvalue()


def _local(moment: datetime | None) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if moment else ""
