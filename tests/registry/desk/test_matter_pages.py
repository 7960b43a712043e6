"""Objections, complaints and credit repair on the desk: who may do what, and that nothing sent in becomes a page of ours."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest
from entries import a_person
from homes import Home
from seats import HOST, PLACE, Seat, find_token, plain
from sqlalchemy import select
from sqlalchemy.orm import Session
from submissions import PDF, a_submission, send

from gongshi.court import Court
from registry.correcting import Corrector
from registry.desk.forms import build_token
from registry.letters import confirm_letter, get_letter
from registry.matters import Arrival, Channel, Claim, Content, MatterKind, register_matter
from registry.matters.states import MatterState
from registry.tables import AuditRow, ClockRow, JournalRow, MatterRow, RecordRow, SessionRow, UnitRow
from search_index.day import SHANGHAI
from search_index.journal import EntryChange
from search_index.submission import Attachment, find_code, find_receipt, token_of

pytestmark = pytest.mark.long

Sits = Callable[[str], Seat]
CASE = "（2025）测0101执1号"
XSS = "\"><script>alert('x')</script><b onmouseover=alert(1)>{{7*7}}"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what is asked here is not asked of the database."""
    return {}


@pytest.fixture
def listed(home: Home, court: Court) -> Court:
    """A court with one entry that is public: imported by the clerk, approved by the reviewer."""
    home.publish(a_person(1))
    return court


def register(seat: Seat, **changes: object) -> str:
    """Register an objection on paper; its address."""
    fields = {
        "kind": "objection",
        "channel": "paper",
        "received_on": "2026-11-16",
        "claim": "performed",
        "reference": CASE,
        "who": "丁来件",
        "phone": "13900000009",
        "words": "已经履行完毕",
    }
    answer = seat.submit("/matters/new", "/matters/new", **{**fields, **changes})
    assert answer.status_code == 303, plain(answer.text)
    return answer.headers["Location"].partition("?")[0]


def see_state(court: Court, matter: int = 1) -> str:
    with court.reading() as session:
        return session.get_one(MatterRow, matter).state


def test_an_objection_on_paper_from_its_arrival_to_the_withdrawal(listed: Court, desk_client: Sits) -> None:
    clerk, second = desk_client("clerk"), desk_client("second")
    address = register(clerk)
    words = clerk.words(address)
    assert "丁来件" in words
    assert "2026年11月16日" in words
    # Fifteen days from the day it arrived.
    assert "2026年12月1日" in words
    assert "第1号" in clerk.words("/matters?kind=objection")
    clerk.done(address, f"{address}/steps/review")
    decided = second.done(
        address, f"{address}/decide/uphold", words="查明不应纳入", basis="（2026）测0101执异1号", remedy="withdraw"
    )
    assert "理由成立，等待办理" in decided
    done = second.done(
        address,
        f"{address}/carry-out",
        ground="wrongly_listed",
        basis="（2026）测0101执异1号",
        arose_on="2026-11-16",
        known_on="2026-11-18",
    )
    assert "已办结" in done
    assert "公众已看不到" in done
    with listed.reading() as session:
        assert session.scalars(select(RecordRow.state)).one() == "withdrawn"
        assert session.scalars(select(ClockRow.ended).where(ClockRow.matter_id == 1)).all() == ["met", "met"]


def test_a_refusal_with_its_letter_its_service_and_the_higher_court(listed: Court, desk_client: Sits) -> None:
    clerk, second = desk_client("clerk"), desk_client("second")
    address = register(clerk)
    clerk.done(address, f"{address}/steps/review")
    assert "请填写驳回的理由" in second.refused(address, f"{address}/decide/reject", words=" ")
    second.done(address, f"{address}/decide/reject", words="尚未履行完毕")
    answer = clerk.submit(
        address,
        f"{address}/letter",
        letter="objection_decision",
        addressee="丁来件",
        claim="要求删除",
        reasons="尚未履行完毕",
    )
    assert answer.status_code == 303, plain(answer.text)
    assert "/letters/" in answer.headers["Location"]
    assert "决定书" in clerk.words(address)
    assert "不能晚于" in clerk.refused(address, f"{address}/steps/serve", on="2026-12-18")
    assert "日期应在收到之日" in clerk.refused(address, f"{address}/steps/serve", on="2026-11-01")
    # Nobody has agreed to the letter yet.
    assert "决定书还没有核发" in clerk.refused(address, f"{address}/steps/serve", on="2026-11-18")
    with listed.session() as session:
        letter = get_letter(session, 1)
        confirm_letter(session, listed.vault, letter, listed.acting("second"))
    assert "2026年11月30日" in clerk.done(address, f"{address}/steps/serve", on="2026-11-18")
    with listed.reading() as session:
        assert str(get_letter(session, 1).delivered_on) == "2026-11-18"
    clerk.done(address, f"{address}/steps/ask_above", on="2026-11-18")
    clerk.done(address, f"{address}/steps/send_above", on="2026-11-18")
    above = {"on": "2026-11-18", "remedy": "remove", "basis": "（2026）测01执复1号"}
    said = clerk.done(address, f"{address}/steps/uphold_above", **above)
    assert "删除（上一级人民法院复议决定）；本院原决定驳回（second" in said
    # The decision above is not this court's to write.
    assert f"{address}/letter" not in clerk.read(address)


def test_who_listed_the_person_is_shown_why_another_decides(listed: Court, desk_client: Sits) -> None:
    clerk, reviewer = desk_client("clerk"), desk_client("reviewer")
    address = register(clerk)
    clerk.done(address, f"{address}/steps/review")
    page = reviewer.read(address)
    assert "应当由另一名审核人决定" in plain(page)
    assert f"{address}/decide/" not in page
    # Nor does a form that was kept from before help.
    token = find_token(page, f"{address}/steps/ask_more")
    assert reviewer.post(f"{address}/decide/reject", token=token, words="理由").status_code == 403
    assert see_state(listed) == "reviewing"


def test_each_role_may_do_only_its_own(listed: Court, desk_client: Sits) -> None:
    address = register(desk_client("clerk"))
    desk_client("clerk").done(address, f"{address}/steps/review")
    assert f"{address}/decide/" not in desk_client("clerk").read(address)
    assert desk_client("clerk").post(f"{address}/decide/reject", words="理由").status_code == 403
    auditor = desk_client("auditor")
    page = auditor.read(address)
    assert "丁来件" in page
    # Only the form to sign out.
    assert set(re.findall(r'action="([^"]+)"', page)) == {"/signout"}
    assert auditor.ask("/matters/new").status_code == 403
    assert auditor.post("/matters/collect").status_code == 403
    admin = desk_client("admin")
    for hidden in (address, "/matters", "/matters/new", "/papers/1"):
        assert admin.ask(hidden).status_code == 403
    with listed.reading() as session:
        reads = session.scalars(select(AuditRow).where(AuditRow.action == "read", AuditRow.actor == "auditor")).all()
        assert [line.detail.get("matter") for line in reads] == [1]


def test_a_minor_is_hidden_the_moment_a_person_registers_it(listed: Court, desk_client: Sits) -> None:
    register(desk_client("clerk"), claim="minor")
    with listed.reading() as session:
        assert session.scalars(select(RecordRow.state)).one() == "held"
    with listed.store.snapshot(listed.now) as snapshot:
        assert snapshot.count() == 0


@pytest.mark.parametrize(
    "what",
    [
        "steps/review",
        "steps/need_more",
        "steps/drop",
        "steps/serve",
        "decide/uphold",
        "decide/reject",
        "link",
        "carry-out",
        "letter",
    ],
)
def test_a_ground_is_decided_on_the_page_of_its_entry_alone(
    home: Home, listed: Court, desk_client: Sits, what: str
) -> None:
    basis = ("--ground", "performed", "--basis", "结案通知书", "--arose", "2026-11-17", "--known", "2026-11-17")
    home.ask("ground", "add", CASE, *basis, "--as", "clerk")
    with listed.reading() as session:
        matter = session.scalars(select(MatterRow.id).where(MatterRow.kind == "ground")).one()
    address = f"/matters/{matter}"
    seat = desk_client("second")
    sent = {
        "reference": CASE,
        "words": "查明属实",
        "basis": "裁定",
        "remedy": "remove",
        "ground": "performed",
        "arose_on": "2026-11-17",
        "known_on": "2026-11-17",
        "letter": "objection_notice",
        "addressee": "甲",
        "on": "2026-11-18",
    }
    with listed.reading() as session:
        key = session.scalars(select(SessionRow.form_key)).one()
    token = build_token(bytes.fromhex(key), f"{address}/{what}", listed.now, "0" * 24)
    said = seat.post(f"{address}/{what}", token=token, **sent)
    assert said.status_code in (400, 404, 409), plain(said.text)
    assert see_state(listed, matter) == "open"


def test_a_ground_that_the_papers_show_is_recorded_from_the_matter(listed: Court, desk_client: Sits) -> None:
    clerk = desk_client("clerk")
    address = register(clerk)
    clerk.done(
        address,
        f"{address}/ground",
        ground="performed",
        basis="（2025）测0101执1号结案通知书",
        arose_on="2026-11-16",
        known_on="2026-11-16",
    )
    with listed.reading() as session:
        ground = session.scalars(select(MatterRow).where(MatterRow.kind == "ground")).one()
        assert (ground.id, ground.ground, ground.record_id) == (2, "performed", 1)
    assert "退出事由" in clerk.words("/matters/2")
    listed_grounds = clerk.words("/matters?kind=ground")
    assert "第2号" in listed_grounds
    assert "等待决定" in listed_grounds
    assert "已履行生效法律文书确定的义务" in listed_grounds
    assert "请选择退出的事由" in clerk.refused(address, f"{address}/ground", ground="nonsense")


def test_what_a_matter_shows_was_known_when_it_came_in(listed: Court, desk_client: Sits) -> None:
    """Art. 10 ¶1: from there three working days run, and not from a later day that is typed."""
    clerk = desk_client("clerk")
    address = register(clerk)
    late = {"ground": "performed", "basis": "结案通知书", "arose_on": "2026-11-16", "known_on": "2026-11-18"}
    said = clerk.refused(address, f"{address}/ground", **late)
    assert "不能晚于收到来件或者补充材料之日（2026-11-16）" in said
    clerk.done(address, f"{address}/steps/review")
    clerk.done(address, f"{address}/steps/ask_more", words="收据")
    clerk.done(address, f"{address}/steps/supplement", words="收到收据")
    clerk.done(address, f"{address}/ground", **late)
    with listed.reading() as session:
        assert session.scalars(select(ClockRow.due).where(ClockRow.rule == "exit")).one().isoformat() == "2026-11-23"


def test_what_is_to_be_corrected_is_ticked_shown_and_done_on_the_page_of_the_entry(
    home: Home, listed: Court, desk_client: Sits
) -> None:
    clerk, second = desk_client("clerk"), desk_client("second")
    address = register(clerk, claim="inaccurate")
    clerk.done(address, f"{address}/steps/review")
    decision = {"words": "两项有误", "basis": "（2026）测0101执异1号", "remedy": "correct"}
    assert "请选择应当更正的项目" in second.refused(address, f"{address}/decide/uphold", **decision)
    page = second.read(address)
    assert 'value="obligation"' in page
    assert 'value="name"' not in page
    shown = second.done(address, f"{address}/decide/uphold", fields=["obligation", "region"], **decision)
    assert "地域（待更正）、生效法律文书确定的义务（待更正）" in shown
    assert "等待审核人更正：地域、生效法律文书确定的义务" in clerk.words(address)
    home.ask("correct", CASE, "--set", "region=测试省", "--confirm", "art3", "--as", "second")
    assert "地域（已更正）、生效法律文书确定的义务（待更正）" in second.words(address)
    letter = second.submit(
        address,
        f"{address}/letter",
        letter="objection_decision",
        addressee="丁来件",
        claim="要求更正",
        reasons="两项有误",
    )
    assert "更正失信信息。应当更正的项目：地域、生效法律文书确定的义务。" in second.words(letter.headers["Location"])
    confirmed = ("--confirm", "art3", "--confirm", "redactions")
    home.ask("correct", CASE, "--set", "obligation=支付五万元。", *confirmed, "--as", "second")
    closed = clerk.words(address)
    assert "已办结" in closed
    assert "办理完毕 （second" in closed
    assert "待更正" not in closed


@pytest.mark.parametrize("what", ["reject", "uphold"])
def test_a_decision_takes_no_day(home: Home, listed: Court, desk_client: Sits, what: str) -> None:
    address = register(desk_client("clerk"))
    desk_client("clerk").done(address, f"{address}/steps/review")
    home.clock.advance(days=40)
    second = desk_client("second")
    sent = {"words": "理由", "basis": "裁定", "remedy": "remove", "on": "2026-11-20"}
    assert "不能另填日期" in second.refused(address, f"{address}/decide/{what}", **sent)
    assert see_state(listed) == "reviewing"


def test_the_letter_and_the_matter_say_the_same_day_of_service(home: Home, listed: Court, desk_client: Sits) -> None:
    clerk, second = desk_client("clerk"), desk_client("second")
    address = register(clerk)
    clerk.done(address, f"{address}/steps/review")
    second.done(address, f"{address}/decide/reject", words="尚未履行完毕")
    clerk.submit(
        address, f"{address}/letter", letter="objection_decision", addressee="丁", claim="删除", reasons="尚未履行完毕"
    )
    with listed.session() as session:
        confirm_letter(session, listed.vault, get_letter(session, 1), listed.acting("second"))
    clerk.done("/letters/1", "/letters/1/delivery", delivered_on="2026-11-18")
    home.clock.advance(days=1)
    clerk = desk_client("clerk")
    assert "决定书登记的送达日期是2026-11-18" in clerk.refused(address, f"{address}/steps/serve", on="2026-11-19")
    assert "送达回证" in clerk.refused(address, f"{address}/steps/serve", on="2026-11-18")
    clerk.done(address, f"{address}/papers", kind="service", file=(io.BytesIO(PDF), "送达回证.pdf"))
    assert "2026年11月30日" in clerk.done(address, f"{address}/steps/serve", on="2026-11-18")


def test_a_complaint_is_routed_answered_and_told(listed: Court, desk_client: Sits) -> None:
    with listed.session() as session:
        session.add(
            UnitRow(
                slug="unit",
                name="测试市一局",
                leading=False,
                basis="测试",
                receives={},
                active=True,
                created_at=listed.now,
            )
        )
    clerk = desk_client("clerk")
    address = register(clerk, kind="complaint", claim="", words="某单位没有惩戒")
    assert "请选择办理投诉举报的单位" in clerk.refused(address, f"{address}/steps/route", unit="77")
    assert "测试市一局" in clerk.done(address, f"{address}/steps/route", unit="1")
    clerk.done(address, f"{address}/steps/answer", words="已经惩戒")
    assert "已办结" in clerk.done(address, f"{address}/steps/tell", on="2026-11-18", words="电话告知")


def test_repair_is_refused_before_the_entry_has_left(listed: Court, desk_client: Sits) -> None:
    clerk = desk_client("clerk")
    assert "还没有退出" in clerk.refused(
        "/matters/new",
        "/matters/new",
        kind="repair",
        channel="visit",
        received_on="2026-11-18",
        reference=CASE,
        words="申请修复",
    )


def test_what_cannot_be_registered_is_said_and_kept(listed: Court, desk_client: Sits) -> None:
    fields = {
        "kind": "objection",
        "channel": "paper",
        "received_on": "2026-11-16",
        "claim": "performed",
        "reference": CASE,
        "words": "写了很久的内容",
    }
    clerk = desk_client("clerk")
    for field, value, why in (
        ("received_on", "2026-11-19", "不能晚于"),
        ("received_on", "1066-01-01", "不能早于"),
        ("received_on", "gestern", "应为日期"),
        ("kind", "ground", "请选择"),
        ("channel", "online", "请选择"),
        ("claim", "nonsense", "请选择"),
        ("words", "", "请填写"),
        ("words", "长" * 4001, "不能超过"),
        ("reference", "SX-不存在", "请核对"),
        ("reference", "（2025）测0101执999号", "没有"),
    ):
        answer = clerk.submit("/matters/new", "/matters/new", **{**fields, field: value})
        assert answer.status_code == 400
        assert why in plain(answer.text)
        assert field == "words" or "写了很久的内容" in answer.text
    with listed.reading() as session:
        assert session.scalars(select(MatterRow)).all() == []


def test_a_slip_shows_number_and_code_once_and_the_portal_knows_them(listed: Court, desk_client: Sits) -> None:
    clerk = desk_client("clerk")
    answer = clerk.submit(
        "/matters/new",
        "/matters/new",
        kind="objection",
        channel="telephone",
        received_on="2026-11-18",
        claim="other",
        words="电话异议",
        slip="yes",
    )
    assert answer.status_code == 200
    words = plain(answer.text)
    receipt = next(found for word in words.split() if (found := find_receipt(word)))
    code = next(found for word in words.split() if "SL" not in word and (found := find_code(word)))
    with listed.store.snapshot(listed.now) as snapshot:
        told = snapshot.subject("submission", token_of(receipt, code))
    assert told is not None
    assert told["state"] == "received"
    with listed.reading() as session:
        assert code not in repr(session.execute(select(MatterRow.__table__)).all())
        assert code not in repr(session.execute(select(JournalRow.__table__)).all())
    assert code not in clerk.read("/matters/1")


def test_online_submissions_are_collected_by_a_button(listed: Court, desk_client: Sits) -> None:
    clerk = desk_client("clerk")
    assert "没有新的线上提交" in clerk.done("/matters", "/matters/collect")
    submission = a_submission(listed.now, 1, reference=CASE)
    send(listed, submission)
    assert "新收到的在下面" in clerk.done("/matters", "/matters/collect")
    assert submission.receipt in clerk.words("/matters")
    with listed.store.snapshot(listed.now) as snapshot:
        told = snapshot.subject("submission", submission.token)
    assert told is not None


def test_whatever_is_sent_in_is_words_on_the_page_and_never_markup(listed: Court, desk_client: Sits) -> None:
    fields = dict.fromkeys(("who", "phone", "address", "words", "role", "email", "reference", "about"), XSS)
    pdf = Attachment(name=f"{XSS}.pdf", media="text/html", content=PDF)
    send(listed, a_submission(listed.now, 1, pdf, **fields), 1)
    send(listed, a_submission(listed.now, 2, kind="complaint", unit=XSS, **fields), 2)
    clerk = desk_client("clerk")
    clerk.done("/matters", "/matters/collect")
    second = desk_client("second")
    second.done("/matters/1", "/matters/1/link", reference=CASE)
    second.done("/matters/1", "/matters/1/steps/review")
    second.done("/matters/1", "/matters/1/decide/reject", words=XSS, basis="依据<script>")
    pages = ["/matters", "/matters?kind=complaint", "/matters/1", "/matters/2", f"/matters?state={XSS}&kind={XSS}"]
    for address in pages:
        page = clerk.read(address)
        assert "<script" not in page
        assert "<b " not in page
        assert "49" not in re.sub(r'value="[^"]*"|[0-9:年月日]{4,}', "", plain(page)) or "{{7*7}}" in page
    assert "alert('x')" in clerk.words("/matters/1")
    refused = clerk.refused("/matters/2", "/matters/2/link", reference=XSS)
    assert "<script" not in refused.replace("alert('x')", "") or "&lt;" not in refused


def test_what_is_said_of_a_child_over_the_net_is_named_and_hides_nothing_by_itself(
    listed: Court, desk_client: Sits
) -> None:
    """Art. 4; over the net anybody can write it of anybody."""
    send(listed, a_submission(listed.now, 1, reference=CASE, claim="minor"))
    clerk = desk_client("clerk")
    assert "被执行人是未成年人（线上提出，请立即核实）" in clerk.done("/matters", "/matters/collect")
    assert "请立即核实：属实或者不能排除的，先在 失信信息页面 屏蔽" in clerk.words("/matters/1")
    with listed.reading() as session:
        assert session.scalars(select(RecordRow.state)).one() == "published"
    assert "says_minor" not in clerk.read("/matters/new")
    day = "2026-11-18"
    clerk.done("/matters/1", "/matters/1/ground", ground="minor", basis="户口簿", arose_on=day, known_on=day)
    with listed.reading() as session:
        assert session.scalars(select(RecordRow.state)).one() == "held"


def test_the_trail_says_what_became_of_a_matter_in_words(listed: Court, desk_client: Sits) -> None:
    """`closed` is a ground of departure as well."""
    clerk, second = desk_client("clerk"), desk_client("second")
    address = register(clerk)
    clerk.done(address, f"{address}/steps/drop", on="2026-11-18", basis="撤回申请书")
    register(clerk, claim="inaccurate")
    clerk.done("/matters/2", "/matters/2/steps/review")
    given = {"words": "有误", "basis": "裁定", "remedy": "correct", "fields": "region"}
    second.done("/matters/2", "/matters/2/decide/uphold", **given)
    listed.amend(lambda session: correct_region(session, listed))
    for page in (clerk.words("/records/1"), desk_client("auditor").words("/audit")):
        assert "已办结" in page
        assert "信息有误" in page
        assert "依法裁定终结执行" not in page
        for code in ("reviewing", "upheld", "inaccurate", "dropped"):
            assert code not in page, code


def test_a_paper_is_only_ever_saved(listed: Court, desk_client: Sits) -> None:
    clerk = desk_client("clerk")
    address = register(clerk)
    clerk.done(address, f"{address}/papers", kind="evidence", file=(io.BytesIO(PDF), "../收据\u202e;x.pdf"))
    answer = clerk.ask("/papers/1")
    assert answer.status_code == 200
    assert answer.data == PDF
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"] == "application/pdf"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer.headers["Content-Security-Policy"]
    assert "no-store" in answer.headers["Cache-Control"]
    assert "\u202e" not in answer.headers["Content-Disposition"]
    assert ".." not in answer.headers["Content-Disposition"]
    assert clerk.ask("/papers/2").status_code == 404
    for name, content in (("页面.pdf", b"<html>"), ("页面.html", b"<html>"), ("图.svg", b"<svg/>"), ("空.pdf", b"")):
        said = clerk.refused(address, f"{address}/papers", kind="evidence", file=(io.BytesIO(content), name))
        assert "附件" in said
    assert "没有附件" not in clerk.words(address)
    with listed.reading() as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.action == "read")).all()
        assert any(line.detail.get("page") == "paper" for line in lines)
        assert "收" not in repr([line.detail for line in lines])


def test_a_paper_that_is_too_large_is_refused_before_it_is_read(listed: Court, desk_client: Sits) -> None:
    clerk = desk_client("clerk")
    address = register(clerk)
    large = b"--x\r\n" + b"\0" * (12 * 1024 * 1024)
    kind = "multipart/form-data; boundary=x"
    answer = clerk.client.post(f"{address}/papers", data=large, content_type=kind, base_url=HOST, headers=PLACE)
    assert answer.status_code == 413


def test_what_is_not_there_is_not_found(listed: Court, desk_client: Sits) -> None:
    clerk = desk_client("clerk")
    for address in ("/matters/999", "/matters/99999999999", "/matters/x", "/papers/../x", "/papers/0", "/papers/9999"):
        assert clerk.ask(address).status_code == 404, address


def test_steps_of_no_table_are_not_found_and_late_ones_are_refused(listed: Court, desk_client: Sits) -> None:
    clerk = desk_client("clerk")
    address = register(clerk)
    page = clerk.read(address)
    token = find_token(page, f"{address}/steps/review")
    assert clerk.post(f"{address}/steps/review", token=token).status_code == 303
    assert clerk.post(f"{address}/steps/review", token=token).status_code == 409
    assert see_state(listed) == "reviewing"
    # A form that another person overtook.
    stale = find_token(page, f"{address}/steps/drop")
    clerk.done(address, f"{address}/steps/drop", on="2026-11-18", basis="撤回申请书")
    said = clerk.post(f"{address}/steps/drop", token=stale, on="2026-11-18", basis="撤回申请书")
    assert said.status_code == 400
    assert "申请人已撤回" in plain(said.text)


def test_every_list_is_shown_with_and_without_matters(home: Home, listed: Court, desk_client: Sits) -> None:
    clerk = desk_client("clerk")
    lists = [
        f"/matters?kind={kind.value}&state={state}"
        for kind in MatterKind
        for state in ("", "closed", *(state.value for state in MatterState))
    ]
    for address in lists:
        assert "没有办件" in clerk.words(address), address
    home.clock.moment = datetime(2026, 11, 19, 1, 30, tzinfo=SHANGHAI)
    clerk = desk_client("clerk")
    for number in range(52):
        fill_in(listed, number)
    assert "第52号" not in clerk.words("/matters?kind=objection")
    assert "第52号" in clerk.words("/matters?kind=objection&after=50")
    assert "后面没有更多办件" in clerk.words("/matters?kind=objection&after=52")
    address = "/matters/52"
    clerk.done(address, f"{address}/steps/drop", on="2026-11-19", basis="撤回申请书")
    closed = clerk.words("/matters?kind=objection&state=closed")
    assert "申请人撤回" in closed
    # In Beijing it is the nineteenth, where the database has the eighteenth.
    assert "2026年11月19日 01:30" in closed
    for address in lists:
        clerk.words(address)


def correct_region(session: Session, court: Court) -> Sequence[EntryChange]:
    corrector = Corrector(vault=court.vault, policy=court.policy(), confirmed=frozenset({"art3", "redactions"}))
    row = session.get_one(RecordRow, 1)
    return corrector.correct(session, row, [("region", "测试省")], court.acting("second"))


def fill_in(court: Court, number: int) -> None:
    arrival = Arrival(
        kind=MatterKind.OBJECTION,
        channel=Channel.PAPER,
        received_on=court.today,
        content=Content(words=f"内容{number}"),
        ground=Claim.OTHER,
    )
    with court.session() as session:
        register_matter(session, court.vault, arrival, court.acting("clerk"))
