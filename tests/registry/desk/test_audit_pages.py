"""The audit trail on the desk: who may see what of it, how it is searched, and that looking is written down."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from entries import a_person
from homes import Home
from seats import Seat
from sqlalchemy import select, text

from gongshi.court import Court
from registry import audit
from registry.audit_words import describe, name_action
from registry.desk.audit_pages import PAGE, mark_name
from registry.tables import AuditRow, RecordRow

CASE = "（2025）测0101执1号"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


@pytest.fixture
def listed(home: Home) -> Home:
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "被执行人提出书面异议", "--as", "clerk")
    return home


def rows_of(page: str) -> list[str]:
    """The lines of the table, in words."""
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    return [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in body.split("</tr>") if row.strip()]


def test_an_auditor_sees_who_did_what_to_which_record_and_is_seen_doing_so(
    listed: Home, desk_client: Callable[[str], Seat], court: Court
) -> None:
    auditor = desk_client("auditor")
    with court.reading() as session:
        number = session.scalars(select(RecordRow.number)).one()
    held = next(row for row in rows_of(auditor.read("/audit")) if " 屏蔽 " in row)
    for words in ("clerk", str(number), "依据：被执行人提出书面异议"):
        assert words in held
    with court.reading() as session:
        read = session.scalars(select(AuditRow).where(AuditRow.action == "read", AuditRow.actor == "auditor")).one()
        assert read.detail == {"page": "audit"}


def test_the_trail_is_searched_by_record_person_kind_and_day(
    listed: Home, desk_client: Callable[[str], Seat], court: Court
) -> None:
    auditor = desk_client("auditor")
    with court.reading() as session:
        number = session.scalars(select(RecordRow.number)).one()
    of_record = rows_of(auditor.read(f"/audit?record={number}"))
    assert of_record
    assert all(str(number) in row for row in of_record)
    assert of_record == rows_of(auditor.read("/audit?record=1"))
    assert all(" clerk " in f" {row} " for row in rows_of(auditor.read(f"/audit?person={mark_name('clerk')}")))
    assert len(rows_of(auditor.read("/audit?action=hold"))) == 1
    assert "没有符合条件" in rows_of(auditor.read("/audit?first=2026-11-19"))[0]
    assert len(rows_of(auditor.read("/audit?first=2026-11-18&last=2026-11-18"))) > 3
    assert "没有符合条件" in rows_of(auditor.read("/audit?last=2026-11-17"))[0]


@pytest.mark.parametrize("wrong", ["action=x'--", "before=-1", f"before={'9' * 30}", "first=yesterday", "record=%00"])
def test_what_cannot_be_asked_is_said(desk_client: Callable[[str], Seat], wrong: str) -> None:
    answer = desk_client("auditor").ask(f"/audit?{wrong}")
    assert (answer.status_code, "没有办理" in answer.text) == (400, True)


def test_a_record_that_nobody_knows_is_said(desk_client: Callable[[str], Seat]) -> None:
    auditor = desk_client("auditor")
    for wrong in ("SX-00000000", "' OR 1=1", "x" * 60):
        assert "没有这条记录" in auditor.words(f"/audit?record={wrong}")
    assert "没有符合条件" in rows_of(auditor.read("/audit?record=999999"))[0]


def test_the_pages_go_on_where_the_last_ended_and_leave_no_line_out(
    desk_client: Callable[[str], Seat], court: Court
) -> None:
    with court.session() as session:
        for n in range(PAGE + 7):
            audit.note(session, court.now, "clerk", "import", detail={"accepted": n})
    auditor = desk_client("auditor")
    address, seen = "/audit?action=import", []
    while address:
        page = auditor.read(address)
        seen += [row.split()[-1] for row in rows_of(page)]
        older = re.search(r'href="(/audit\?[^"]*before=\d+[^"]*)"', page)
        address = older[1].replace("&amp;", "&") if older else ""
    assert [word for word in seen if word.startswith("接受")] == [f"接受：{n}" for n in reversed(range(PAGE + 7))]


def test_an_administrator_sees_accounts_and_nothing_of_a_record(
    listed: Home, desk_client: Callable[[str], Seat], court: Court
) -> None:
    admin = desk_client("admin")
    page = admin.read("/audit")
    assert any("增加账户" in row for row in rows_of(page))
    for words in ("屏蔽", "SX-", "书面异议", "测0101执", "公布"):
        assert words not in "".join(rows_of(page)), words
    # Nor by asking for it.
    for asked in ("record=1", "action=hold", "action=publish"):
        assert not [row for row in rows_of(admin.read(f"/audit?{asked}")) if "屏蔽" in row or "SX-" in row]


def test_a_trail_that_is_whole_says_so_and_one_that_is_not_says_where(
    listed: Home, desk_client: Callable[[str], Seat], court: Court
) -> None:
    auditor = desk_client("auditor")
    answer = auditor.submit("/audit", "/audit/verify")
    assert (answer.status_code, "审计记录完整" in answer.text) == (200, True)
    with court.session() as session:
        line = session.scalars(select(AuditRow.id).where(AuditRow.action == "hold")).one()
        session.execute(text("UPDATE audit SET actor = 'somebody' WHERE id = :id"), {"id": line})
    answer = auditor.submit("/audit", "/audit/verify")
    assert f"第 {line} 行被改动" in answer.text
    with court.reading() as session:
        verified = session.scalars(select(AuditRow).where(AuditRow.action == "audit_verify").order_by(AuditRow.id))
        assert [(row.actor, bool(row.detail["faults"])) for row in verified] == [("auditor", False), ("auditor", True)]


def test_what_is_in_a_line_is_shown_as_words_and_never_as_markup(
    desk_client: Callable[[str], Seat], court: Court
) -> None:
    with court.session() as session:
        audit.note(
            session, court.now, "clerk", "<b>act", detail={"<i>key": "<script>alert(1)</script>", "basis": ["<u>"]}
        )
    page = desk_client("auditor").read("/audit")
    assert "<script" not in page
    assert "<i>key" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_every_word_has_a_name_or_stands_for_itself() -> None:
    assert name_action("hold") == "屏蔽"
    assert name_action("objection_reject") != "objection_reject"
    assert name_action("something_new") == "something_new"
    assert describe({"basis": "x", "records": [1, 2], "second_factor": True, "none": None}) == [
        ("依据", "x"), ("记录", "1、2"), ("两步验证", "是"),
    ]  # fmt: skip


def list_written() -> Iterator[tuple[str, bool]]:
    """Each action and each key of a detail that the code writes out as a word; whether it is a key."""
    for part in ("registry", "gongshi"):
        for path in sorted((ROOT / part).rglob("*.py")):
            for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(call, ast.Call) and ast.unparse(call.func).split(".")[-1] in ("note", "_note"):
                    yield from read_call(call)


def read_call(call: ast.Call) -> Iterator[tuple[str, bool]]:
    for given in call.args:
        if isinstance(given, ast.Constant) and re.fullmatch("[a-z_]+", str(given.value)):
            yield str(given.value), False
    for named in call.keywords:
        if named.arg == "detail" and isinstance(named.value, ast.Dict):
            yield from ((str(key.value), True) for key in named.value.keys if isinstance(key, ast.Constant))


@pytest.mark.long
def test_what_the_code_writes_down_is_said_in_chinese() -> None:
    written = set(list_written())
    assert ("user_add", False) in written
    assert ("name", True) in written
    raw = [word for word, is_key in written if (describe({word: "x"})[0][0] if is_key else name_action(word)) == word]
    assert raw == []
