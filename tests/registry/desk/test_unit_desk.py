"""The desk's pages of the units: a clerk prepares, a reviewer decides, an auditor reads, an administrator sees nothing."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from entries import a_person
from homes import Home
from openpyxl import load_workbook
from seats import Seat
from sqlalchemy import select

from gongshi.court import Court
from registry.desk.forms import build_token
from registry.tables import AuditRow, SessionRow, UnitAccountRow
from registry.units.accounts import sign_in
from registry.units.consents import report_consent
from registry.units.units import get_unit, to_unit

SignIn = Callable[[str], Seat]
NASTY = "<script>alert(1)</script>\"'>"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


def add(seat: Seat, slug: str = "housing", name: str = "住房局") -> str:
    """Register a unit; the address of its page."""
    answer = seat.submit("/units/new", "/units/new", slug=slug, name=name)
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"].partition("?")[0]


def test_a_clerk_registers_and_proposes_and_a_reviewer_agrees(court: Court, desk_client: SignIn) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    page = add(clerk)
    asked = clerk.done(page, f"{page}/receives", push="yes", releases="yes", basis="联合惩戒实施意见第三条")
    assert "等待决定的接收事项" in asked
    assert f'action="{page}/decide"' not in clerk.read(page)
    assert clerk.post(f"{page}/decide", verdict="agree").status_code == 403
    assert "接收 名单推送、退出通知" in reviewer.done(page, f"{page}/decide", verdict="agree")
    assert "更改资料" in clerk.done(f"{page}/edit", f"{page}/edit", name="住房和城乡建设局", department="市场科")
    assert "住房和城乡建设局" in clerk.words("/units")


def test_what_is_not_public_takes_another_reviewer(court: Court, desk_client: SignIn) -> None:
    reviewer = desk_client("reviewer")
    page = add(reviewer)
    reviewer.done(page, f"{page}/receives", restricted="yes", basis="联合惩戒实施意见第三条")
    assert "另一名审核人" in reviewer.refused(page, f"{page}/decide", verdict="agree")
    with court.reading() as session:
        assert not to_unit(get_unit(session, "housing")).receives.restricted
    assert "依法不宜公开的信息" in desk_client("second").done(page, f"{page}/decide", verdict="agree")


def test_what_decides_what_a_unit_sees_is_for_a_reviewer(court: Court, desk_client: SignIn) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    page = add(clerk)
    assert 'name="leading"' not in clerk.read(f"{page}/edit")
    for given, said in (({"leading": "yes"}, "领导小组成员"), ({"recipient": "tv"}, "接收代号")):
        assert said in clerk.refused(f"{page}/edit", f"{page}/edit", name="住房局", **given)
        assert said in clerk.refused("/units/new", "/units/new", slug="other", name="另一单位", **given)
    reviewer.done(f"{page}/edit", f"{page}/edit", name="住房局", leading="yes", recipient="tv")
    # What a clerk is not shown stays as it is.
    clerk.done(f"{page}/edit", f"{page}/edit", name="住房和城乡建设局", department="市场科")
    with court.reading() as session:
        facts = to_unit(get_unit(session, "housing")).facts
    assert (facts.name, facts.leading, facts.recipient) == ("住房和城乡建设局", True, "tv")
    reviewer.done(f"{page}/edit", f"{page}/edit", name="住房和城乡建设局")
    with court.reading() as session:
        facts = to_unit(get_unit(session, "housing")).facts
    assert (facts.leading, facts.recipient) == (False, None)


def test_what_is_wrong_is_said_on_the_page(court: Court, desk_client: SignIn) -> None:
    clerk = desk_client("clerk")
    page = add(clerk)
    assert "已经有单位使用" in clerk.refused("/units/new", "/units/new", slug="housing", name="别的")
    assert "代号" in clerk.refused("/units/new", "/units/new", slug="Bad", name="别的")
    assert "请填写单位名称" in clerk.refused(f"{page}/edit", f"{page}/edit", name=" ")
    assert "请填写依据" in clerk.refused(page, f"{page}/receives", push="yes")
    assert "电话" in clerk.refused(page, f"{page}/liaison", name="甲联络", phone="9901011988012480559")
    assert "例如2026Q3" in clerk.refused("/units", "/units/quarter", period="第三季度")
    assert "还没有结束" in clerk.refused("/units", "/units/quarter", period="2026Q4")
    assert clerk.ask("/units/99").status_code == 404


def test_a_secret_is_shown_once_and_signs_in(court: Court, desk_client: SignIn) -> None:
    reviewer = desk_client("reviewer")
    page = add(reviewer)
    shown = reviewer.submit(page, f"{page}/accounts", name="housing1", kind="password")
    assert shown.status_code == 200
    assert shown.headers["Cache-Control"] == "no-store"
    secret = re.search(r'class="desk-secret">([^<]+)<', shown.text)[1]  # type: ignore[index]
    assert secret not in reviewer.read(page)
    sign_in(court.session, "housing1", secret, make_acting=lambda: court.acting("unit:housing1"))
    with court.reading() as session:
        row = session.scalars(select(UnitAccountRow)).one()
        assert secret not in row.secret
        assert all(secret not in str(detail) for detail in session.scalars(select(AuditRow.detail)))
        number = row.id
    assert "已经存在" in reviewer.refused(page, f"{page}/accounts", name="housing1", kind="token")
    assert "停用" in reviewer.done(page, f"{page}/accounts/{number}/retire")
    assert f"{page}/accounts/{number}/renew" not in reviewer.read(page)


def test_an_account_of_one_unit_is_none_of_another(court: Court, desk_client: SignIn) -> None:
    reviewer = desk_client("reviewer")
    one, other = add(reviewer), add(reviewer, "tax", "税务局")
    reviewer.submit(one, f"{one}/accounts", name="housing1", kind="password")
    assert f"{one}/accounts/1/retire" in reviewer.read(one)
    assert f"{other}/accounts/1/retire" not in reviewer.read(other)
    action = f"{other}/accounts/1/retire"
    with court.reading() as session:
        key = session.scalars(select(SessionRow.form_key)).one()
    token = build_token(bytes.fromhex(key), action, court.now, "0" * 24)
    answer = reviewer.post(action, token=token)
    assert answer.status_code == 400
    assert "该单位没有这个账户" in answer.text
    with court.reading() as session:
        assert session.scalars(select(UnitAccountRow.active)).all() == [True]


def test_who_looks_at_a_liaison_is_written_down(court: Court, desk_client: SignIn) -> None:
    clerk, auditor = desk_client("clerk"), desk_client("auditor")
    page = add(clerk)
    clerk.done(page, f"{page}/liaison", name="甲联络", phone="13900000001", mail="a@example.gov.cn")
    assert "13900000001" in auditor.read(page)
    with court.reading() as session:
        reads = session.execute(select(AuditRow.actor, AuditRow.detail).where(AuditRow.action == "read")).all()
    assert ("auditor", {"page": "unit"}) in [tuple(row) for row in reads]
    assert "1390000" not in str(reads)


def test_an_auditor_changes_nothing_and_an_administrator_sees_nothing(court: Court, desk_client: SignIn) -> None:
    page = add(desk_client("clerk"))
    auditor, admin = desk_client("auditor"), desk_client("admin")
    for address in ("/units", page, "/measures", "/units/consents"):
        body = auditor.read(address).partition("<main")[2]
        assert "<form" not in body, address
        assert admin.ask(address).status_code == 403
    for action in ("/units/new", f"{page}/edit", f"{page}/receives", f"{page}/decide", f"{page}/accounts", "/measures"):
        for seat in (auditor, admin):
            assert seat.post(action, name="x").status_code == 403


def test_measures_are_kept_by_a_reviewer(court: Court, desk_client: SignIn) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    add(clerk)
    fields = {"code": "M-1", "text": NASTY, "basis": "某条例第一条", "unit": "housing", "active": "yes"}
    reviewer.done("/measures", "/measures", **fields)
    assert "<script" not in reviewer.read("/measures")
    assert "限制购置" in reviewer.done("/measures?code=M-1", "/measures", **{**fields, "text": "限制购置"})
    assert "还没有登记" in reviewer.refused("/measures", "/measures", **{**fields, "unit": "nobody"})
    assert "已停用" in reviewer.done("/measures", "/measures", code="M-1", text="限制购置", basis="某条例第一条")
    assert "<form" not in clerk.read("/measures").partition("<main")[2]


def test_the_leading_group_is_told_or_the_court_does_it(home: Home, court: Court, desk_client: SignIn) -> None:
    reviewer = desk_client("reviewer")
    page = add(reviewer)
    reviewer.done("/measures", "/measures", code="M-1", text="限制购置", basis="某条例第一条", active="yes")
    home.publish(a_person(1))
    with court.store.snapshot(court.now) as snapshot:
        (record,) = [document.record for document in snapshot.all()]
    with court.session() as session:
        unit = get_unit(session, "housing")
        report_consent(session, unit, record=record, measure="M-1", reason=NASTY, acting=court.acting("unit:housing1"))
    assert "还没有报告领导小组" in reviewer.words("/units")
    assert "1 件“仍予以同意”" in reviewer.words("/")
    assert "<script" not in reviewer.read("/units/consents")
    reviewer.done("/units/consents", "/units/consents/1/reported")
    assert "还没有报告领导小组" not in reviewer.words("/units")
    assert "仍予以同意" not in reviewer.words("/")
    assert "仍予以同意" in reviewer.words(page)


def test_sheets_can_be_downloaded_and_hold_no_formula(court: Court, desk_client: SignIn) -> None:
    clerk = desk_client("clerk")
    page = add(clerk, name="=1+1局")
    for address in (f"{page}/sheet.xlsx", f"{page}/ledger.xlsx", "/units/assessment.xlsx?year=2026"):
        book = load_workbook(io.BytesIO(clerk.ask(address).data))
        cells = [cell for row in book.worksheets[0].iter_rows() for cell in row if cell.value is not None]
        assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert clerk.ask("/units/assessment.xlsx?year=2090").status_code == 404


@pytest.mark.parametrize("active", ["no", "yes"])
def test_a_unit_is_retired_and_taken_back_with_a_basis(court: Court, desk_client: SignIn, active: str) -> None:
    reviewer = desk_client("reviewer")
    page = add(reviewer)
    assert "请填写" in reviewer.refused(page, f"{page}/active", active="no")
    assert "单位已经停用" in reviewer.done(page, f"{page}/active", active="no", basis="机构改革方案")
    if active == "yes":
        assert "单位已经恢复" in reviewer.done(page, f"{page}/active", active="yes", basis="机构改革方案")
    with court.reading() as session:
        assert to_unit(get_unit(session, "housing")).active is (active == "yes")
