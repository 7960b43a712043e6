"""The sheet for the assessment: what it counts, and that it opens."""

from __future__ import annotations

import csv
import io
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from entries import a_person
from homes import Home
from openpyxl import load_workbook
from unit_world import add_unit, import_measures, published

from gongshi.court import Court
from registry.units.consents import report_consent, report_refusal
from registry.units.feedback import Entered, submit_feedback
from registry.units.ledger import LedgerKind, Line, append, note_release
from registry.units.quarters import Quarter
from registry.units.releases import carry_out, list_releases
from registry.units.sheets import build_assessment, quarters_of, select_units
from registry.units.units import get_unit
from registry.units.words import UnitError
from search_index.day import SHANGHAI

Q3, Q4 = Quarter(2026, 3), Quarter(2026, 4)
FORMULA = '=HYPERLINK("http://x.example","x")'


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    """A unit with a year: a list, two departures of which one was lifted in time, a refusal, an agreement, feedback late."""
    home.clock.moment = datetime(2026, 7, 1, 9, tzinfo=SHANGHAI)
    add_unit(home, "housing", "--push", "--releases", "--feedback", name=FORMULA)
    import_measures(home, "M-1,限制甲,housing")
    home.clock.moment = datetime(2026, 10, 12, 9, tzinfo=SHANGHAI)
    home.publish(*(a_person(serial) for serial in (1, 2, 3)))
    home.ask("unit", "open-quarter", "--as", "clerk")
    made = home.court
    first, second, third = published(made)
    acting = made.acting("unit:housing1")
    with made.session() as session:
        unit = get_unit(session, "housing")
        push = Line(
            unit_id=unit.id, kind=LedgerKind.PUSH, at=made.now, by="gongshi", key="push/1", detail={"sequence": 3}
        )
        append(session, [push])
        report_refusal(session, unit, record=third, measure="M-1", reason=FORMULA, acting=acting)
        report_consent(session, unit, record=third, measure="M-1", reason="涉及民生", acting=acting)
    for record in (first, second):
        home.ask(
            "withdraw", record, "--ground", "wrongly_listed", "--basis", "（2026）测0101执监1号", "--as", "reviewer"
        )
        with made.session() as session:
            note_release(session, record, made.acting("reviewer"))
    with made.session() as session:
        unit = get_unit(session, "housing")
        waiting, _ = list_releases(session, unit.id, open_only=True)
        carry_out(session, unit, waiting[0].id, made.acting("unit:housing1"))
    home.clock.moment = datetime(2026, 11, 18, 9, tzinfo=SHANGHAI)
    with made.session() as session:
        submit_feedback(session, get_unit(session, "housing"), Q3, Entered(measures={}), made.acting("unit:housing1"))
    yield made
    made.close()


def build(court: Court) -> bytes:
    with court.reading() as session:
        return build_assessment(session, select_units(session), [Q3, Q4], court.acting("clerk"))


def read(content: bytes) -> dict[str, dict[str, Any]]:
    """The rows of the sheet by the quarter."""
    rows = list(load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(min_row=2, values_only=True))
    return {str(row[1]): dict(zip(map(str, rows[0]), row, strict=True)) for row in rows[1:]}


def test_the_sheet_counts_what_stands_in_the_ledger(court: Court) -> None:
    found = read(build(court))
    assert set(found) == {"2026年第三季度", "2026年第四季度"}
    third, fourth = found["2026年第三季度"], found["2026年第四季度"]
    assert third["应反馈日"] == "2026-10-20"
    assert third["反馈情况"] == "逾期反馈"
    assert third["反馈时间"] == "2026-11-18 09:00"
    assert fourth["反馈情况"] == "待反馈"
    counted = ("推送名单", "不予同意", "仍予以同意", "退出通知", "已解除", "按期解除", "逾期未解除", "继续保留")
    assert [fourth[name] for name in counted] == [1, 1, 1, 2, 1, 1, 1, 0]
    assert [third[name] for name in counted] == [0] * 8


def test_no_cell_of_the_sheet_is_a_formula(court: Court) -> None:
    book = load_workbook(io.BytesIO(build(court)))
    cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
    assert any(cell.value == f"'{FORMULA}" for cell in cells)
    assert {cell.data_type for cell in cells} <= {"s", "n"}


def test_the_sheet_is_written_by_the_command_line(home: Home, court: Court, tmp_path: Path) -> None:
    out = tmp_path / "sheet.xlsx"
    assert home.ask("unit", "sheet", "housing", "--year", "2026", "--out", out, "--as", "auditor")["units"] == 1
    assert len(read(out.read_bytes())) == 4
    assert home.run("unit", "sheet", "--year", "2027", "--out", out, "--as", "clerk").code == 2
    assert home.run("unit", "sheet", "nobody", "--out", out, "--as", "clerk").code == 2


def test_a_year_is_a_year() -> None:
    for year in (-1, 0, 1999, 2101, 10**9):
        with pytest.raises(UnitError, match="年份"):
            quarters_of(year, datetime(2026, 11, 18, tzinfo=SHANGHAI).date())


@pytest.mark.office
def test_the_sheet_opens_in_libreoffice(court: Court, tmp_path: Path) -> None:
    (tmp_path / "sheet.xlsx").write_bytes(build(court))
    profile = f"-env:UserInstallation=file://{tmp_path / 'profile'}"
    command = ["soffice", profile, "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76"]
    subprocess.run(
        [*command, "--outdir", str(tmp_path), str(tmp_path / "sheet.xlsx")],
        check=True,
        capture_output=True,
        timeout=240,
    )
    with (tmp_path / "sheet.csv").open(encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert rows[1][:2] == ["单位", "季度"]
    # The word as it stands, and not what it would come to.
    assert rows[2][0] == f"'{FORMULA}"
    assert rows[3][12] == "2"
