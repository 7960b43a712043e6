"""The letters on the desk: drafted by one, agreed to by another, printed, delivered, answered, taken back."""

from __future__ import annotations

import io
from collections.abc import Callable

import docx
import pytest
from entries import a_person
from homes import Home
from seats import Seat, plain
from sqlalchemy import select

from gongshi.court import Court
from registry.tables import AuditRow, LetterRow, RecordRow

Sit = Callable[[str], Seat]
RESTRICTED = {"disclosure": "restricted", "restricted_ground": "privacy"}
NOTICE = {"kind": "sealed_notice", "addressee": "测试市样例局", "relation": "restricted"}


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def row_of(court: Court, serial: int) -> int:
    case = a_person(serial)["case_number"]
    with court.reading() as session:
        return next(row.id for row in session.scalars(select(RecordRow)) if row.facts["case_number"] == case)


@pytest.fixture
def restricted(home: Home, court: Court) -> int:
    """The row of a restricted record."""
    home.publish(a_person(1, **RESTRICTED), a_person(2))
    return row_of(court, 1)


def draft(seat: Seat, record: int, **changes: object) -> str:
    """Draft a notice; the address of its page."""
    page = f"/letters/new?kind={changes.get('kind', 'sealed_notice')}&record={record}"
    answer = seat.submit(page, "/letters/new", **{**NOTICE, "record": record, **changes})
    assert answer.status_code == 303, plain(answer.text)
    return str(answer.headers["Location"]).split("?")[0]


def test_a_notice_goes_its_whole_way_by_two_persons(restricted: int, desk_client: Sit) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    form = clerk.read(f"/letters/new?kind=sealed_notice&record={restricted}")
    assert 'value="秘密单位1厂"' in form  # the employer, from the record
    letter = draft(clerk, restricted)
    assert "等待拟稿人以外的审核人核发" in clerk.words(letter)
    assert clerk.ask(f"{letter}/pdf").status_code == 400
    assert "已核发、待送达" in reviewer.done(letter, f"{letter}/confirm")
    pdf, word = clerk.ask(f"{letter}/pdf"), clerk.ask(f"{letter}/docx")
    assert pdf.data.startswith(b"%PDF-")
    assert pdf.headers["Content-Disposition"] == 'attachment; filename="letter-1.pdf"'
    assert pdf.headers["X-Content-Type-Options"] == "nosniff"
    assert "测试市样例局：" in [p.text for p in docx.Document(io.BytesIO(word.data)).paragraphs]
    assert "已送达" in clerk.done(letter, f"{letter}/delivery", delivered_on="2026-11-18")
    answered = {"answered_on": "2026-11-18", "outcome": "handled", "words": "已谈话提醒"}
    assert "已谈话提醒" in clerk.done(letter, f"{letter}/answer", **answered)
    assert "已依纪依法处理" in clerk.words("/letters")


def test_who_drafted_it_cannot_agree_to_it(restricted: int, desk_client: Sit) -> None:
    reviewer = desk_client("reviewer")
    letter = draft(reviewer, restricted)
    page = reviewer.read(letter)
    assert f'action="{letter}/confirm"' not in page
    token = page.split(f'action="{letter}/void"')[1].split('value="')[1].split('"')[0]
    # A token is for one address only, and the rule holds behind it.
    assert reviewer.post(f"{letter}/confirm", token=token).status_code == 403
    assert "待核发" in reviewer.words(letter)


def test_every_reading_of_a_letter_is_written_down(restricted: int, court: Court, desk_client: Sit) -> None:
    letter = draft(desk_client("clerk"), restricted)
    desk_client("auditor").read(letter)
    with court.reading() as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.actor == "auditor", AuditRow.action == "read"))
        assert [(line.record_id, line.detail["page"]) for line in lines] == [(restricted, "letter")]


def test_lists_and_titles_name_nobody(restricted: int, desk_client: Sit) -> None:
    clerk = desk_client("clerk")
    letter = draft(clerk, restricted)
    for address in ("/letters", letter):
        title = clerk.read(address).split("<title>")[1].split("</title>")[0]
        assert "甲测试" not in title
    assert "甲测试" not in clerk.read("/letters")
    assert "测试市样例局" not in clerk.read("/letters")


def test_who_only_looks_writes_nothing(restricted: int, court: Court, desk_client: Sit) -> None:
    for role in ("auditor", "admin"):
        seat = desk_client(role)
        assert seat.ask(f"/letters/new?kind=sealed_notice&record={restricted}").status_code == 403
        assert seat.post("/letters/new", **{**NOTICE, "record": restricted}).status_code == 403
        assert seat.ask("/letters").status_code == (403 if role == "admin" else 200)
    with court.reading() as session:
        assert session.scalars(select(LetterRow)).first() is None


def test_what_is_refused_says_why_and_keeps_what_was_typed(restricted: int, court: Court, desk_client: Sit) -> None:
    clerk = desk_client("clerk")
    page = f"/letters/new?kind=sealed_notice&record={row_of(court, 2)}"
    answer = clerk.submit(page, "/letters/new", **{**NOTICE, "record": row_of(court, 2)})
    assert answer.status_code == 400
    assert "该记录是公开的" in plain(answer.text)
    assert 'value="测试市样例局"' in answer.text


def test_markup_in_a_letter_stays_text(restricted: int, desk_client: Sit) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    evil = "<script>alert(1)</script>"
    letter = draft(clerk, restricted, addressee=evil)
    reviewer.done(letter, f"{letter}/confirm")
    reviewer.done(letter, f"{letter}/delivery", delivered_on="2026-11-18")
    reviewer.done(letter, f"{letter}/answer", answered_on="2026-11-18", outcome="handled", words=evil)
    for address in (letter, "/letters"):
        assert "<script" not in clerk.read(address)
    assert clerk.words(letter).count(evil) >= 2


def test_what_is_not_there_is_not_there(restricted: int, desk_client: Sit) -> None:
    clerk = desk_client("clerk")
    for address in (
        "/letters/9",
        "/letters/99999999999999999999",
        "/letters/-1",
        "/letters/new",
        "/letters/new?kind=sealed_notice",
        "/letters/new?kind=sealed_notice&record=99",
        "/letters/new?kind=notice_recall&record=1",
        "/letters/new?kind=objection_decision&record=1",
        "/letters/new?kind=%00&record=1e9",
        "/letters/9/pdf",
        "/letters/9/exe",
    ):
        assert clerk.ask(address).status_code == 404, address


def test_a_notice_of_what_has_gone_is_taken_back(restricted: int, home: Home, desk_client: Sit) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    letter = draft(clerk, restricted)
    reviewer.done(letter, f"{letter}/confirm")
    basis = ("--basis", "（2025）测0101执1号结案通知书", "--arose", "2026-11-18", "--known", "2026-11-18")
    case = a_person(1)["case_number"]
    assert home.run("remove", case, "--ground", "performed", *basis, "--as", "reviewer").code == 0
    assert "须函告撤回" in clerk.words("/letters")
    # It was agreed to, and is not printed any more.
    assert "不能打印、送达：只有纳入决定已经送达并且生效的记录才能通报" in clerk.words(letter)
    for form in ("pdf", "docx"):
        assert f"{letter}/{form}" not in clerk.read(letter)
        assert clerk.ask(f"{letter}/{form}").status_code == 400
    assert "不得再送达" in clerk.refused(letter, f"{letter}/delivery", delivered_on="2026-11-18")
    assert "关于撤回通报的函" in clerk.done(letter, f"{letter}/recall")
    assert "须函告撤回" not in clerk.words("/letters")


def test_a_certificate_is_printed_and_checked(restricted: int, home: Home, court: Court, desk_client: Sit) -> None:
    clerk = desk_client("clerk")
    basis = ("--basis", "（2025）测0101执2号结案通知书", "--arose", "2026-11-18", "--known", "2026-11-18")
    case = a_person(2)["case_number"]
    assert home.run("remove", case, "--ground", "performed", *basis, "--as", "reviewer").code == 0
    record = row_of(court, 2)
    page = f"/letters/new?kind=certificate&record={record}"
    answer = clerk.submit(page, "/letters/new", kind="certificate", record=record)
    letter = answer.headers["Location"].split("?")[0]
    assert clerk.ask(f"{letter}/pdf").data.startswith(b"%PDF-")
    with court.reading() as session:
        verify = session.scalars(select(LetterRow.verify)).one()
    checked = clerk.submit("/letters", "/letters/check", verify=verify)
    assert "该编号有效" in plain(checked.text)
    unknown = clerk.submit("/letters", "/letters/check", verify="ZM-0000-0000-0000")
    assert "没有这个编号" in plain(unknown.text)
