"""The work lists: who stands where, a page at a time, found by number, case and name, and completed in one table."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from desk_records import bring_in, find_id
from entries import a_person, with_term
from homes import Home
from seats import Seat, find_token, plain
from sqlalchemy import select

from gongshi.court import Court
from registry.tables import AuditRow, RecordRow
from registry.worklists import LIST_LABEL, list_stage

Client = Callable[[str], Seat]
TABLE = "/work/completing/table"


def test_each_record_stands_on_the_list_of_its_stage(home: Home, desk_client: Client) -> None:
    home.publish(a_person(1))
    bring_in(
        home,
        a_person(2),
        a_person(3, served_on=None),
        a_person(4, decision_number=None),
        name="more.jsonl",
    )
    seat = desk_client("clerk")
    for name, serial in (("published", 1), ("approving", 2), ("serving", 3), ("completing", 4)):
        page = seat.read(f"/work/{name}")
        assert re.findall(r"测0101执(\d+)号</td>", page) == [str(serial)], name
        assert "共1条" in page
    counts = dict(re.findall(r'<a[^>]*href="/work/([a-z]+)">[^<]*</a></th><td[^>]*>(\d+)</td>', seat.read("/work")))
    assert set(counts) == {*LIST_LABEL, "proposals"}
    assert {name for name, count in counts.items() if count == "1"} == {
        "published",
        "approving",
        "serving",
        "completing",
    }


def test_a_long_list_is_read_page_by_page_without_a_gap(home: Home, court: Court) -> None:
    bring_in(home, *(a_person(serial, name=f"甲{serial}") for serial in range(1, 8)))
    seen: list[int] = []
    after = None
    with court.reading() as session:
        while True:
            page = list_stage(session, "approving", after=after, limit=3)
            seen += [line.id for line in page.lines]
            if page.after is None:
                break
            after = page.after
    assert len(seen) == 7
    assert seen == sorted(set(seen))


@pytest.mark.long
def test_a_record_is_found_by_number_case_and_name(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(a_person(1, name="欧阳测试"), a_person(2, name="欧阳测试甲"), a_person(3, name="乙某测"))
    with court.reading() as session:
        number = session.get_one(RecordRow, find_id(court, 3)).number
    seat = desk_client("auditor")
    for typed, expected in (
        (number, {"3"}),
        ((number or "").lower().replace("-", " "), {"3"}),
        ("（2025）测0101执2号", {"2"}),
        ("(2025)测0101执2号", {"2"}),
        ("欧阳测试", {"1", "2"}),
        ("欧 阳 测 试", {"1", "2"}),
        ("欧阳测试甲", {"2"}),
        ("测试", set()),
        ("%", set()),
        ("' OR 1=1 --", set()),
        ("SX-00000000", set()),
    ):
        answer = seat.submit("/work", "/work/search", q=typed)
        assert answer.status_code == 200
        assert set(re.findall(r"测0101执(\d+)号</td>", answer.text)) == expected, typed
    # A name is nowhere in an address, and an empty search says so.
    assert seat.submit("/work", "/work/search", q="  ").status_code == 400


@pytest.mark.long
def test_reading_a_list_is_written_down(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1))
    seat = desk_client("clerk")
    seat.read("/work/approving")
    seat.submit("/work", "/work/search", q="甲测试")
    with court.reading() as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.action == "read").order_by(AuditRow.id)).all()
        assert [line.detail["page"] for line in lines] == ["work/approving", "work/search"]
        assert all("甲测试" not in str(line.detail) for line in lines)


def test_only_what_is_missing_is_asked_and_a_wrong_row_keeps_what_was_typed(
    home: Home, court: Court, desk_client: Client
) -> None:
    bring_in(
        home,
        a_person(1, decision_number=None),
        with_term(a_person(2, decided_on=None), "2027-01-01"),
        a_person(3, decision_number=None, decided_on=None),
    )
    first, second, third = (find_id(court, serial) for serial in (1, 2, 3))
    seat = desk_client("clerk")
    page = seat.read(TABLE)
    asked = set(re.findall(r'<input[^>]*name="(\d+\.[a-z_]+)"', page))
    assert asked == {
        f"{first}.decision_number",
        f"{second}.decided_on",
        f"{third}.decision_number",
        f"{third}.decided_on",
    }
    typed = {
        f"{first}.decision_number": "（2025）测0101执1号决定书",
        f"{second}.decided_on": "not a day",
        f"{third}.decision_number": "丙号决定书",
    }
    answer = seat.submit(TABLE, TABLE, **typed)
    assert answer.status_code == 400
    assert "有1行没有保存" in answer.text
    assert "其余2行已经保存" in answer.text
    assert 'value="not a day"' in answer.text
    left = set(re.findall(r'<input[^>]*name="(\d+\.[a-z_]+)"', answer.text))
    assert left == {f"{second}.decided_on", f"{third}.decided_on"}
    told = re.search(rf'id="problem-{second}">([^<]+)<', answer.text)
    assert told is not None
    assert "decided_on" in told[1] or "决定日期" in told[1]
    seat.done(TABLE, TABLE, **{f"{second}.decided_on": "2025-06-02", f"{third}.decided_on": "2025-06-02"})
    assert "没有待补充的记录" in seat.read(TABLE)
    assert len(re.findall(r"测0101执(\d+)号</td>", seat.read("/work/approving"))) == 3


@pytest.mark.long
def test_nobody_writes_over_what_another_filled_in(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1, decision_number=None), a_person(2, decision_number=None, decided_on=None))
    record = find_id(court, 2)
    early, late = desk_client("clerk"), desk_client("second")
    page = late.read(TABLE)
    early.done(TABLE, TABLE, **{f"{record}.decision_number": "第一份决定书"})
    answer = late.post(TABLE, token=find_token(page, TABLE), **{f"{record}.decision_number": "另一份决定书"})
    assert answer.status_code == 400
    assert "已经由他人填写" in answer.text
    with court.reading() as session:
        assert session.get_one(RecordRow, record).facts["decision_number"] == "第一份决定书"


@pytest.mark.long
def test_whoever_completes_a_record_does_not_approve_it(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, with_term(a_person(1, decision_number=None), "2027-01-01"))
    record, reviewer = find_id(court), desk_client("reviewer")
    reviewer.done(TABLE, TABLE, **{f"{record}.decision_number": "决定书"})
    page = f"/records/{record}/approve"
    assert "同一人" in reviewer.refused(page, page, signed="yes")
    assert "已经审核" in desk_client("second").done(page, page, signed="yes")


@pytest.mark.long
def test_a_table_takes_no_field_that_is_not_missing(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1, decision_number=None))
    record, seat = find_id(court), desk_client("clerk")
    for field in ("name", "id_number", "court", "state", "__class__", "performance"):
        answer = seat.submit(TABLE, TABLE, **{f"{record}.{field}": "改动"})
        assert answer.status_code == 400, field
    with court.reading() as session:
        row = session.get_one(RecordRow, record)
        assert row.facts["name"] == "甲测试"
        assert row.facts["court"] == "测试市人民法院"


@pytest.mark.long
def test_an_auditor_completes_nothing(home: Home, desk_client: Client) -> None:
    bring_in(home, a_person(1, decision_number=None))
    seat = desk_client("auditor")
    assert seat.ask(TABLE).status_code == 403
    assert seat.post(TABLE, token="x").status_code == 403
    assert TABLE not in seat.read("/work/completing")
    assert "甲测试" in plain(seat.read("/work/completing"))
