"""Import on the desk: twenty with three bad, the bad ones put right in place and imported again; one at a time."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from io import BytesIO, StringIO
from typing import Any

import pytest
from desk_records import answers_no, await_jobs, bring_in, count_public, find_id, hire
from entries import a_person
from homes import Home
from seats import Seat, plain
from sqlalchemy import select

from gongshi.court import Court
from registry.desk.intake_jobs import FAILED, RUNNING, Job, JobBook
from registry.tables import RecordRow

Client = Callable[[str], Seat]


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what is asked here is not asked of the database."""
    return {}


def as_lines(*entries: dict[str, Any], name: str = "entries.jsonl") -> tuple[BytesIO, str]:
    """A file of a form."""
    return BytesIO("".join(json.dumps(entry, ensure_ascii=False) + "\n" for entry in entries).encode()), name


def upload(seat: Seat, file: tuple[BytesIO, str], action: str = "/import", **fields: str) -> str:
    """Send a file and wait until it was dealt with; the address of its page."""
    answer = seat.submit("/import", action, file=file, **fields)
    assert answer.status_code == 303, plain(answer.text)
    await_jobs()
    return answer.headers["Location"].partition("?")[0]


def inputs(page: str) -> dict[str, str]:
    """What the cells of the page say, by their names."""
    cells = dict(re.findall(r'<input class="govuk-input[^"]*"[^>]*name="(\d+\.[^"]+)"[^>]*value="([^"]*)"', page))
    cells |= dict(re.findall(r'<textarea[^>]*name="(\d+\.[^"]+)"[^>]*>\n(.*?)</textarea>', page, re.S))
    return {name: unescape(value) for name, value in cells.items()}


def cell_of(page: str, index: int, label: str) -> str:
    """The name of the input under a label in a refused row."""
    row = page.split("<fieldset")[index + 1]
    found = re.search(rf"<span[^>]*>{label}</span>\s*<(?:input|textarea)[^>]*name=\"([^\"]+)\"", row)
    assert found is not None, f"no {label}"
    return found[1]


def test_twenty_with_three_bad_are_imported_and_the_bad_ones_put_right_in_place(
    home: Home, court: Court, desk_client: Client
) -> None:
    entries = [a_person(serial) for serial in range(1, 21)]
    entries[3]["id_number"] = "990101198001020000"
    entries[7]["performance"] = "也许"
    del entries[11]["court"]
    seat = desk_client("clerk")
    page = upload(seat, as_lines(*entries))
    told = seat.words(page)
    assert "接受 17条" in told
    assert "不合格 3条" in told
    assert "第4行" in told
    # What the line says stands on the page where it is put right, and not in the result.
    assert entries[3]["name"] not in told
    rows = seat.read(f"{page}/rows")
    typed = inputs(rows)
    typed[cell_of(rows, 0, "身份证号码")] = a_person(4)["id_number"]
    typed[cell_of(rows, 1, "履行情况")] = "还是也许"
    typed[cell_of(rows, 2, "执行法院")] = "测试市人民法院"
    answer = seat.submit(f"{page}/rows", f"{page}/rows", **typed)
    assert answer.status_code == 303
    await_jobs()
    again = answer.headers["Location"].partition("?")[0]
    assert "接受 2条" in seat.words(again)
    assert "不合格 1条" in seat.words(again)
    # Nothing is lost: what is still wrong is there with what was typed.
    rows = seat.read(f"{again}/rows")
    assert "还是也许" in rows
    typed = inputs(rows)
    typed[cell_of(rows, 0, "履行情况")] = "全部未履行"
    seat.submit(f"{again}/rows", f"{again}/rows", **typed)
    await_jobs()
    with court.reading() as session:
        assert len(session.scalars(select(RecordRow.id)).all()) == 20
    assert "看重新导入的结果" in seat.read(page)
    # What was put right once is not put right twice.
    assert "没有可以改正的行" in seat.read(f"{page}/rows")


@pytest.mark.long
def test_a_sheet_is_put_right_in_place(home: Home, court: Court, desk_client: Client) -> None:
    columns = {
        "姓名": "=甲测试",
        "身份证号码": "990101198001020000",
        "执行法院": "测试市人民法院",
        "案号": "（2025）测0101执1号",
        "执行依据文号": "（2024）测0101民初1号",
        "生效法律文书确定的义务": "支付货款",
        "履行情况": "全部未履行",
        "失信行为具体情形": "违反财产报告制度",
    }
    text = StringIO()
    writer = csv.writer(text)
    writer.writerows([list(columns), list(columns.values())])
    seat = desk_client("clerk")
    page = upload(seat, (BytesIO(text.getvalue().encode("gb18030")), "名单.csv"))
    assert "不合格 1条" in seat.words(page)
    rows = seat.read(f"{page}/rows")
    typed = inputs(rows)
    typed[cell_of(rows, 0, "身份证号码")] = a_person(1)["id_number"]
    typed[cell_of(rows, 0, "姓名")] = "甲测试"
    seat.submit(f"{page}/rows", f"{page}/rows", **typed)
    await_jobs()
    with court.reading() as session:
        row = session.scalars(select(RecordRow)).one()
        assert row.facts["name"] == "甲测试"


@pytest.mark.long
def test_a_row_that_is_left_out_is_not_imported(home: Home, court: Court, desk_client: Client) -> None:
    seat = desk_client("clerk")
    page = upload(seat, as_lines(a_person(1, performance="x"), a_person(2, performance="y")))
    typed = inputs(seat.read(f"{page}/rows"))
    answer = seat.submit(f"{page}/rows", f"{page}/rows", **typed, **{"drop.0": "yes", "drop.1": "yes"})
    assert answer.status_code == 400
    assert "没有留下任何一行" in answer.text
    answer = seat.submit(f"{page}/rows", f"{page}/rows", **typed, **{"drop.0": "yes"})
    await_jobs()
    assert "不合格 1条" in seat.words(answer.headers["Location"].partition("?")[0])


def test_what_runs_is_shown_after_a_reload_and_by_another_process(
    home: Home, court: Court, desk_client: Client
) -> None:
    seat = desk_client("clerk")
    book = JobBook(court.private / "intake")
    job = Job(name="0" * 16, kind="import", actor="clerk", started_at=court.now.isoformat(), done=500, total=1000)
    with book.running(job.name):
        book.save(job)
        for _ in range(2):
            page = seat.read(f"/import/{job.name}")
            # Nothing moves under the reader's hands (WCAG 2.2.1); Enter shows how far it has come.
            assert "http-equiv" not in page
            assert re.search(rf'<a [^>]*href="/import/{job.name}" autofocus>更新进度</a>', page)
            assert "已办500行" in plain(page)
            assert 'value="50"' in page
    # Its process is gone and it never came to an end.
    page = seat.read(f"/import/{job.name}")
    assert "中断" in plain(page)
    assert "http-equiv" not in page


@pytest.mark.parametrize("state", [FAILED, RUNNING])
def test_rows_that_a_second_import_did_not_take_up_are_there_again(
    home: Home, court: Court, desk_client: Client, state: str
) -> None:
    """The second import failed, or its process is gone without an end (RUNNING, and nobody holds its lock)."""
    seat = desk_client("clerk")
    page = upload(seat, as_lines(a_person(1, performance="也许")))
    book = JobBook(court.private / "intake")
    job = book.find(page.rpartition("/")[2])
    assert job is not None
    second = Job(name="0" * 16, kind="import", actor="clerk", started_at=court.now.isoformat(), state=state)
    book.save(second)
    book.save(replace(job, successor=second.name))
    assert "改正不合格的行并重新导入" in seat.words(page)
    typed = inputs(seat.read(f"{page}/rows"))
    with book.running(second.name):
        book.save(replace(second, state=RUNNING))
        assert "没有可以改正的行" in seat.read(f"{page}/rows"), "not while the second is under way"
    book.save(second)
    typed[cell_of(seat.read(f"{page}/rows"), 0, "履行情况")] = "全部未履行"
    assert seat.submit(f"{page}/rows", f"{page}/rows", **typed).status_code == 303
    await_jobs()
    with court.reading() as session:
        assert len(session.scalars(select(RecordRow.id)).all()) == 1


def test_one_import_at_a_time_and_the_page_says_so(home: Home, court: Court, desk_client: Client) -> None:
    seat = desk_client("clerk")
    with court.turns.importing():
        told = seat.refused("/import", "/import", file=as_lines(a_person(1)))
    assert "另一项导入正在进行" in told
    assert not list((court.private / "intake").glob("*.jsonl"))
    upload(seat, as_lines(a_person(1)))


@pytest.mark.long
@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"", "empty.csv", "空的"),
        (b"%PDF-1.4 x", "list.pdf", "不能识别"),
        (b"PK\x03\x04 not a workbook", "list.xlsx", ""),
        (b"\xd0\xcf\x11\xe0 old", "list.xls", "旧版Excel"),
        (b"<html><script>alert(1)</script></html>", "a.html", "网页"),
    ],
)
def test_a_file_that_is_none_is_refused_whole(
    home: Home, court: Court, desk_client: Client, content: bytes, name: str, said: str
) -> None:
    seat = desk_client("clerk")
    page = upload(seat, (BytesIO(content), name))
    told = seat.words(page)
    assert "没有办成" in told
    assert said in told
    # Nothing of it stays behind.
    assert [path.suffix for path in (court.private / "intake").iterdir()] in (
        [".job", ".lock"],
        [".lock", ".job"],
    )


def test_an_upload_stays_under_a_name_of_ours_and_goes(home: Home, court: Court, desk_client: Client) -> None:
    seat = desk_client("clerk")
    upload(seat, as_lines(a_person(1), name="../../../甲测试.jsonl"))
    left = [path for path in home.folder.rglob("*") if "甲测试" in path.name or path.suffix == ".jsonl"]
    assert left == []
    for name in ("../../registry/keys", "..%2f..%2fregistry.db", "0" * 15, "0" * 16 + ".job"):
        assert seat.ask(f"/import/{name}").status_code == 404


@pytest.mark.long
def test_a_full_list_holds_what_it_does_not_have(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(*(a_person(serial) for serial in range(1, 8)))
    seat = desk_client("clerk")
    part = as_lines(*(a_person(serial) for serial in range(1, 4)))
    page = upload(seat, part, "/import/reconcile")
    told = seat.words(page)
    assert "超过两成" in told
    assert "--force" not in told
    assert count_public(court) == 7
    whole = as_lines(*(a_person(serial) for serial in range(1, 7)))
    page = upload(seat, whole, "/import/reconcile")
    assert "屏蔽1条" in seat.words(page)
    assert f"/records/{find_id(court, 7)}" in seat.read(page)
    assert count_public(court) == 6


@pytest.mark.long
def test_who_only_reads_imports_nothing(home: Home, desk_client: Client) -> None:
    seat = desk_client("auditor")
    assert 'type="file"' not in seat.read("/import")
    for action in ("/import", "/import/reconcile", f"/import/{'0' * 16}/rows"):
        assert seat.post(action, token="x").status_code == 403


def test_a_second_version_is_decided_by_another_person(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(a_person(1))
    bring_in(home, a_person(1, basis_issuer="测试市第二人民法院"), name="second.jsonl")
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    listed = re.search(r'href="(/proposals/\d+)"', clerk.read("/work/proposals"))
    assert listed is not None
    page = listed[1]
    assert "测试市第二人民法院" in clerk.read(page)
    assert clerk.post(page, token="x").status_code == 403
    assert "第三条" in reviewer.refused(page, page, verdict="accept")
    assert "已经同意" in reviewer.done(page, page, verdict="accept", **answers_no())
    with court.reading() as session:
        number = session.get_one(RecordRow, find_id(court)).number
    with court.store.snapshot(court.now) as snapshot:
        document = snapshot.document(number or "")
    assert document is not None
    assert document.basis_issuer == "测试市第二人民法院"
    assert "已经决定" in reviewer.read(page)


@pytest.mark.long
def test_a_second_version_that_is_not_taken_leaves_the_record_as_it_is(
    home: Home, court: Court, desk_client: Client
) -> None:
    home.publish(a_person(1))
    bring_in(home, a_person(1, basis_issuer="测试市第二人民法院"), name="second.jsonl")
    seat = desk_client("reviewer")
    page = "/proposals/1"
    assert "不采纳的理由" in seat.refused(page, page, verdict="reject", reason="")
    for words in ("当事人电话13900000001", "身份证990101 19800102 0011", "电话 0990-1234567"):
        assert "号码：请删去" in seat.refused(page, page, verdict="reject", reason=words)
    assert "没有采纳" in seat.done(page, page, verdict="reject", reason="与裁判文书不一致")
    with court.reading() as session:
        assert session.get_one(RecordRow, find_id(court)).facts["basis_issuer"] == "测试市人民法院"
    assert "没有等待决定的" in seat.read("/work/proposals")


@pytest.mark.long
def test_a_second_version_does_not_give_away_why_a_record_is_restricted(
    home: Home, court: Court, desk_client: Client
) -> None:
    bring_in(home, a_person(1, disclosure="restricted", restricted_ground="privacy"))
    bring_in(home, a_person(1, disclosure="restricted", restricted_ground="state_secret"), name="second.jsonl")
    hire(court, "other-clerk")
    assert "国家秘密" in desk_client("reviewer").read("/proposals/1")
    assert "国家秘密" not in desk_client("other-clerk").read("/proposals/1")
