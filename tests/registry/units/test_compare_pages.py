"""The page on which a unit's people compare applicants: one by a form, many by a spreadsheet, and what comes back."""

from __future__ import annotations

import io
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from compare_town import MASKED, SECRETS, START, WHO, Town, furnish
from entries import citizen_number
from homes import Home
from openpyxl import Workbook, load_workbook
from sqlalchemy import select
from unit_world import OURS, Seat, add_first_account, open_units, take_seat
from werkzeug.datastructures import FileStorage
from werkzeug.test import TestResponse, encode_multipart

from registry.desk.sessions import UNITS, start_session
from registry.tables import LedgerRow, UnitAccountRow, UnitUseRow
from registry.units.compare_rows import Fault
from registry.units.compare_sheets import COLUMNS, MOST_SHEET_ROWS, read_applicants
from registry.units.words import UnitError

pytestmark = pytest.mark.long

FORMULA = "＝HYPERLINK(1)"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what the pages rest on is tested elsewhere."""
    return {}


@pytest.fixture
def town(home: Home) -> Iterator[Town]:
    keys = furnish(home)
    add_first_account(home, "housing", "housing1")
    home.clock.moment = START + timedelta(hours=1)
    made = home.court
    with made.session() as session:
        row = session.scalars(select(UnitAccountRow)).one()
        row.expires_at = made.now + timedelta(days=90)
    yield Town(home, made, open_units(home), keys)
    made.close()


def sit(town: Town) -> Seat:
    """Somebody of the housing office who has signed in."""
    seat = take_seat(town.app)
    with town.court.session() as session:
        cookie = start_session(
            session, realm=UNITS, account="housing1", second_factor=False, now=town.court.now, random=Random(3)
        )
    seat.client.set_cookie("gongshi_units", cookie)
    return seat


def build_book(*rows: Sequence[Any], head: Sequence[str] = tuple(COLUMNS)) -> bytes:
    book, out = Workbook(), io.BytesIO()
    sheet = book.worksheets[0]
    for row in (head, *rows):
        sheet.append(list(row))
    book.save(out)
    return out.getvalue()


def upload(seat: Seat, content: bytes, **fields: str) -> TestResponse:
    token = seat.tokens("/compare")["/compare/sheet"]
    data = {**WHO, **fields, "token": token, "sheet": FileStorage(io.BytesIO(content), "applicants.xlsx")}
    boundary, body = encode_multipart(data)
    kind = f'multipart/form-data; boundary="{boundary}"'
    return seat.client.post("/compare/sheet", data=body, headers=OURS, content_type=kind)


def read_book(answer: TestResponse) -> dict[str, list[list[str]]]:
    assert answer.status_code == 200, answer.text
    book = load_workbook(io.BytesIO(answer.data))
    return {
        sheet.title: [["" if cell.value is None else str(cell.value) for cell in row] for row in sheet.iter_rows()]
        for sheet in book.worksheets
    }


def test_one_applicant_is_compared_and_told_where_to_object(town: Town) -> None:
    seat = sit(town)
    answer = seat.send("/compare", "/compare", name="甲测试", id_number=citizen_number(1), **WHO)
    assert answer.status_code == 200
    for said in ("完全相符（在名单上）", "告知单", "申请纠正", "个人信息保护法第二十四条", town.number(1), "****"):
        assert said in answer.text
    for private in SECRETS:
        assert private not in answer.text
    # Sent twice it is asked once.
    refused = seat.client.post("/compare", data={**WHO, "name": "甲测试", "token": "x"}, headers=OURS)
    assert refused.status_code == 403
    with town.court.reading() as session:
        use = session.scalars(select(UnitUseRow)).one()
        assert (use.by, use.rows, use.hits, use.operator) == ("unit:housing1", 1, 1, WHO["operator"])


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"name": "甲测试", "purpose": ""}, "请填写用途"),
        ({"name": "甲测试", "operator": ""}, "请填写经办人"),
        ({"name": ""}, "姓名或者名称为空"),
        ({"name": "甲测试", "id_number": "990101"}, "应为18位"),
        ({"name": "甲测试", "purpose": citizen_number(1)}, "身份证号码"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_compared(town: Town, fields: dict[str, str], says: str) -> None:
    assert says in sit(town).refused("/compare", "/compare", **{**WHO, **fields})
    with town.court.reading() as session:
        assert session.scalars(select(UnitUseRow)).all() == []


def test_a_sheet_comes_back_with_results_and_slips(town: Town) -> None:
    content = build_book(
        ["1", "甲测试", citizen_number(1), "申请人", "A1"],
        ["2", "测试市甲商贸有限公司", "91990101000000005X", "关联企业", "A1"],
        ["3", "乙测试", citizen_number(3), "配偶", "A2"],
        ["4", "李𠮷", "", "", ""],
        ["5", FORMULA, "", FORMULA, "-1+1"],
        ["6", "甲测试", 990101198001020112, "", ""],
        [],
        ["7", "乙测试", MASKED, "", "A3"],
    )
    answer = upload(sit(town), content)
    sheets = read_book(answer)
    results = sheets["比对结果"]
    assert results[1][: len(COLUMNS)] == list(COLUMNS)
    assert [row[5] for row in results[2:]] == [
        "完全相符", "无法比对", "可见部分相符", "未命中", "未命中", "无法比对", "可见部分相符",
    ]  # fmt: skip
    assert "号码存成了数字" in results[7][7]
    assert results[2][9] == "2026-10-09 00:00"
    slips = sheets["告知单"][2:]
    assert [row[0] for row in slips] == ["1", "3", "7"]
    assert "申请纠正" in slips[0][3]
    assert "是否为您须核对" in slips[1][3]
    assert all(not cell.startswith(("=", "＝", "-", "+", "@")) for row in (*results, *slips) for cell in row)
    book = load_workbook(io.BytesIO(answer.data))
    kinds = {cell.data_type for sheet in book.worksheets for row in sheet.iter_rows() for cell in row if cell.value}
    assert kinds == {"s"}
    with town.court.reading() as session:
        assert session.scalars(select(UnitUseRow)).one().rows == 7
        kinds = [line.kind for line in session.scalars(select(LedgerRow)) if line.kind in ("compare", "hit")]
    assert kinds == ["compare", "hit", "hit"]


def test_the_template_can_be_filled_in(town: Town) -> None:
    answer = sit(town).get("/compare/template.xlsx")
    book = load_workbook(io.BytesIO(answer.data))
    book.worksheets[0].append(["1", "甲测试", citizen_number(1), "", ""])
    out = io.BytesIO()
    book.save(out)
    ((_, row),) = read_applicants(out.getvalue())
    assert not isinstance(row, Fault)


def test_what_is_uploaded_touches_no_disk(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object, **_more: object) -> None:
        raise AssertionError("a file was made")

    seat, rows = (
        sit(town),
        [[str(n), f"甲{n:05d}测", citizen_number(n % 900 + 50), "", f"业务{n}"] for n in range(MOST_SHEET_ROWS)],
    )
    content = build_book(*rows)
    for name in ("TemporaryFile", "NamedTemporaryFile", "SpooledTemporaryFile", "mkstemp", "mkdtemp"):
        monkeypatch.setattr(tempfile, name, refuse)
    assert upload(seat, content).status_code == 200


def test_files_that_are_no_sheet_of_ours_are_refused(town: Town) -> None:
    seat = sit(town)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (40 << 20))
    cases = [
        (b"", "请选择"),
        (b"PK\x03\x04 broken", "损坏"),
        (b"name,number\n", "损坏"),
        (out.getvalue(), "过大"),
        (build_book(["1", "x"], head=["甲", "乙"]), "没有找到表头"),
        (build_book(), "没有要比对的行"),
        (build_book(["1", "a", "b"], head=["姓名或名称", "姓名或名称", "角色"]), "重复的列"),
    ]
    for content, says in cases:
        answer = upload(seat, content)
        assert answer.status_code == 400
        assert says in answer.text, says
    assert upload(seat, b"0" * (9 << 20)).status_code == 413
    with town.court.reading() as session:
        assert session.scalars(select(UnitUseRow)).all() == []


def test_a_sheet_that_is_too_long_is_refused_whole() -> None:
    with pytest.raises(UnitError, match="分成几个"):
        read_applicants(build_book(*([["1", "甲测试"]] * (MOST_SHEET_ROWS + 1)), head=["序号", "姓名或名称"]))


def test_a_unit_that_is_retired_in_the_middle_gets_no_answer(town: Town) -> None:
    seat = sit(town)
    token = seat.tokens("/compare")["/compare"]
    town.retire("housing")
    answer = seat.post("/compare", {**WHO, "name": "甲测试", "token": token})
    assert answer.status_code == 403
    with town.court.reading() as session:
        assert session.scalars(select(UnitUseRow)).all() == []
