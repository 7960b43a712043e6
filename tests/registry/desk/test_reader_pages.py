"""The desk's pages of the readers in bulk: a reviewer gives keys after the terms, everybody sees who is late, nobody a key."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from entries import a_person
from homes import Home
from seats import Seat, plain
from sqlalchemy import select

from gongshi.court import Court
from gongshi.readers import suspend_readers
from registry.acting import SYSTEM
from registry.tables import AuditRow, ReaderRow
from search_index.reader_terms import TERMS, VERSION
from search_index.readers import READER, digest_key

SignIn = Callable[[str], Seat]
NASTY = "<script>alert(1)</script>\"'>"
FIELDS = {"name": "甲·测试数据社", "contact": "13900000001", "purpose": "核对本平台商户", "terms": VERSION}


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def give(seat: Seat, **changes: str) -> str:
    """Register a reader; the key that the page shows."""
    shown = seat.submit("/readers/new", "/readers/new", **FIELDS | changes)
    assert shown.status_code == 200, shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    return _find_key(shown.text)


def _find_key(page: str) -> str:
    return str(re.search(r'class="desk-secret">([^<]+)<', page)[1])  # type: ignore[index]


def marks(court: Court) -> list[str]:
    with court.reading() as session:
        return list(session.scalars(select(ReaderRow.watermark).order_by(ReaderRow.id)))


def is_good(court: Court, key: str) -> bool:
    """Whether the portal knows the key."""
    with court.store.snapshot(court.now) as snapshot:
        return snapshot.subject(READER, digest_key(key) or "") is not None


def test_a_reviewer_gives_a_key_after_the_terms_and_it_is_shown_once(court: Court, desk_client: SignIn) -> None:
    reviewer, clerk = desk_client("reviewer"), desk_client("clerk")
    form = reviewer.words("/readers/new")
    assert all(line in form for line in TERMS)
    key = give(reviewer)
    assert is_good(court, key)
    for seat in (reviewer, clerk, desk_client("auditor")):
        page = seat.read("/readers")
        assert FIELDS["name"] in page
        assert key not in page
    (mark,) = marks(court)
    assert f"/readers/{mark}/renew" not in clerk.read("/readers")
    assert clerk.post(f"/readers/{mark}/revoke").status_code == 403
    with court.reading() as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.action.in_(("reader_add", "read"))))
        told = [(line.actor, line.action, line.detail) for line in lines]
    assert told[0] == ("reviewer", "reader_add", {"watermark": mark, "terms": VERSION})
    assert ("auditor", "read", {"page": "readers"}) in told
    assert FIELDS["name"] not in repr(told)


def test_what_is_missing_is_said_and_what_was_typed_stays(court: Court, desk_client: SignIn) -> None:
    reviewer = desk_client("reviewer")
    for wrong, said in (
        ({"terms": ""}, "接受批量读取条款"),
        ({"terms": "2025.1"}, "接受批量读取条款"),
        ({"name": ""}, "请填写名称"),
        ({"purpose": "找 13900000001"}, "用途中有"),
        ({"contact": ""}, "请填写联系方式"),
    ):
        answer = reviewer.submit("/readers/new", "/readers/new", **FIELDS | wrong)
        assert (answer.status_code, said in plain(answer.text)) == (400, True)
        assert "gsr_" not in answer.text
    assert 'value="核对本平台商户"' in answer.text
    assert marks(court) == []


def test_renewing_and_revoking_are_told_the_portal_at_once(court: Court, desk_client: SignIn) -> None:
    reviewer = desk_client("reviewer")
    first = give(reviewer, name=NASTY)
    assert NASTY not in reviewer.read("/readers")
    (mark,) = marks(court)
    second = _find_key(reviewer.submit("/readers", f"/readers/{mark}/renew").text)
    assert is_good(court, first)
    assert is_good(court, second)
    assert "旧密钥用到2026年11月25日" in reviewer.words("/readers")
    third = _find_key(reviewer.submit("/readers", f"/readers/{mark}/renew", at_once="yes").text)
    assert [is_good(court, key) for key in (first, second, third)] == [False, False, True]
    assert "密钥已经停用" in reviewer.done("/readers", f"/readers/{mark}/revoke")
    assert not is_good(court, third)
    assert f"/readers/{mark}" not in reviewer.read("/readers")


def test_of_no_reader_nothing_is_done(desk_client: SignIn) -> None:
    reviewer = desk_client("reviewer")
    give(reviewer)
    page = reviewer.read("/readers")
    token = re.search(r'name="token" value="([^"]+)"', page)
    assert token is not None
    # The token is of another form: a reader that is not there has none.
    assert reviewer.post("/readers/R-00000000/revoke", token=token[1]).status_code == 403


def test_who_is_late_is_listed_since_when_and_with_how_many(home: Home, court: Court, desk_client: SignIn) -> None:
    home.publish(a_person(1), a_person(2))
    reviewer = desk_client("reviewer")
    give(reviewer)
    assert "没有确认的退出 没有。" in reviewer.words("/readers")
    for serial in (1, 2):
        case = f"（2025）测0101执{serial}号"
        home.ask("remove", case, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    words = reviewer.words("/readers")
    assert "2 条" in words
    assert "逾期；" not in words
    home.clock.advance(days=2)
    assert suspend_readers(court, court.acting(SYSTEM)) == 1
    assert suspend_readers(court, court.acting(SYSTEM)) == 0
    seat = desk_client("reviewer")
    words = seat.words("/readers")
    assert "自2026年11月20日 00:00起逾期 ；联系方式：13900000001" in words
    assert "已暂停" in words
