"""The page of a record: both sides, the reasons, the findings one by one, and the acts that are permitted."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

import pytest
from desk_records import answers_no, bring_in, count_public, find_id, hire
from entries import a_person, an_organisation, with_term
from homes import Home
from seats import Seat, plain
from sqlalchemy import select

from gongshi.court import Court
from registry.tables import AuditRow, NoticeRow, RecordRow

Client = Callable[[str], Seat]
PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
THIRD = "支付王建国货款人民币100000元，联系电话13900001234。"


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what these pages rest on is tested on both databases where it lives."""
    return {}


@pytest.mark.long
def test_both_sides_stand_beside_each_other_with_the_reason_of_each_field(
    home: Home, court: Court, desk_client: Client
) -> None:
    home.publish(a_person(1))
    page = desk_client("auditor").read(f"/records/{find_id(court)}")
    rows = {
        plain(head): [plain(cell) for cell in re.findall(r"<td[^>]*>(.*?)</td>", rest, re.S)]
        for head, rest in re.findall(r'<tr><th scope="row"[^>]*>(.*?)</th>(.*?)</tr>', page, re.S)
    }
    inside, outside, why = rows["身份证号码"]
    assert inside == a_person(1)["id_number"]
    assert outside != inside
    assert "*" in outside
    assert "部分隐去" in why
    assert "个人信息保护法第六条" in why
    assert rows["联系电话"][:2] == ["13900000001", ""]
    assert "不公布" in rows["联系电话"][2]
    assert rows["姓名或名称"][:2] == ["甲测试", "甲测试"]
    assert "第六条第（一）、（二）项" in rows["姓名或名称"][2]
    assert rows["年龄"][1] == "46岁"


def test_what_is_redacted_is_seen_redacted_only_on_the_public_side(
    home: Home, court: Court, desk_client: Client
) -> None:
    bring_in(home, a_person(1, obligation=THIRD))
    page = desk_client("reviewer").read(f"/records/{find_id(court)}")
    assert "现在不公布" in page
    cells = re.search(r"生效法律文书确定的义务</th><td[^>]*>(.*?)</td><td[^>]*>(.*?)</td>", page, re.S)
    assert cells is not None
    assert "13900001234" in cells[1]
    assert "13900001234" not in cells[2]
    assert "王建国" not in cells[2]
    assert "100000元" in cells[2]


@pytest.mark.long
def test_every_reading_of_a_record_is_written_down(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(a_person(1))
    record = find_id(court)
    seat = desk_client("auditor")
    for page in (f"/records/{record}", f"/records/{record}/findings"):
        seat.read(page)
    with court.reading() as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.action == "read").order_by(AuditRow.id)).all()
        assert [(line.actor, line.record_id, line.detail["page"]) for line in lines] == [
            ("auditor", record, "record"),
            ("auditor", record, "findings"),
        ]


def test_who_looks_after_the_accounts_sees_no_record(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(a_person(1))
    record, seat = find_id(court), desk_client("admin")
    for page in (
        f"/records/{record}",
        f"/records/{record}/findings",
        "/work",
        "/work/published",
        "/import",
        "/batches/1",
    ):
        answer = seat.ask(page)
        assert answer.status_code == 403, page
        assert "甲测试" not in answer.text


def test_what_is_not_there_says_so(desk_client: Client) -> None:
    seat = desk_client("clerk")
    for page in ("/records/1", "/records/99999999999999", "/batches/7", "/proposals/3", "/work/nowhere", "/import/xyz"):
        assert seat.ask(page).status_code == 404, page


def test_findings_are_decided_one_by_one_and_decide_what_the_public_sees(
    home: Home, court: Court, desk_client: Client
) -> None:
    bring_in(home, a_person(1, obligation="支付王建国货款，李建军承担连带责任。"))
    record, seat = find_id(court), desk_client("reviewer")
    page = f"/records/{record}/findings"
    text = seat.read(page)
    version = re.search(r'name="version" value="([^"]+)"', text)
    assert version is not None
    assert text.count("work-finding--open") == 2
    # Without a reason what the detector is sure of is not shown.
    assert "须写明理由" in seat.refused(page, page, version=version[1], number="1", verdict="show", reason="")
    # A reason is kept in the clear: it does not repeat the name.
    told = seat.refused(page, page, version=version[1], number="1", verdict="show", reason="王建国是法人代表")
    assert "不要写出" in told
    seat.done(page, page, version=version[1], number="1", verdict="show", reason="系本案当事人，判决已公开")
    seat.done(page, page, version=version[1], number="2", verdict="redact", reason="")
    assert "已全部决定" in seat.read(page)
    seat.done(f"/records/{record}", f"/records/{record}/checklist", **answers_no())
    assert "已经审核" in seat.done(f"/records/{record}/approve", f"/records/{record}/approve", signed="yes")
    assert "已经公布" in seat.done(f"/records/{record}/publish", f"/records/{record}/publish")
    with court.reading() as session:
        number = session.get_one(RecordRow, record).number
    assert number is not None
    with court.store.snapshot(court.now) as snapshot:
        document = snapshot.document(number)
    assert document is not None
    assert document.obligation is not None
    assert "王建国" in document.obligation
    assert "李建军" not in document.obligation


@pytest.mark.long
def test_a_number_that_identifies_is_never_shown(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1, obligation="向联系电话13900001234的持有人支付货款。"))
    record, seat = find_id(court), desk_client("reviewer")
    page = f"/records/{record}/findings"
    version = re.search(r'name="version" value="([^"]+)"', seat.read(page))
    assert version is not None
    assert 'value="show"' not in seat.read(page)
    assert "只能遮盖" in seat.refused(page, page, version=version[1], number="1", verdict="show", reason="系公开电话")


@pytest.mark.long
def test_a_finding_of_words_that_have_changed_is_not_decided(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1, obligation=THIRD))
    record, seat = find_id(court), desk_client("reviewer")
    page = f"/records/{record}/findings"
    assert "有改动" in seat.refused(page, page, version="0" * 64, number="1", verdict="redact")
    version = re.search(r'name="version" value="([^"]+)"', seat.read(page))
    assert version is not None
    for number in ("0", "99", "-1", "x", ""):
        assert "有改动" in seat.refused(page, page, version=version[1], number=number, verdict="redact")


@pytest.mark.long
def test_the_next_finding_has_the_keyboard(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1, obligation="支付王建国货款，李建军承担连带责任。"))
    record, seat = find_id(court), desk_client("reviewer")
    page = f"/records/{record}/findings"
    for expected in ("finding-1", "finding-2"):
        text = seat.read(page)
        assert text.count("autofocus") == 1
        assert text.count('accesskey="z"') == text.count('accesskey="x"') == 1
        start = text.index(f'id="{expected}"')
        assert start < text.index("autofocus") < text.index("</section>", start)
        version = re.search(r'name="version" value="([^"]+)"', text)
        assert version is not None
        seat.done(page, page, version=version[1], number=expected[-1], verdict="redact")
    text = seat.read(page)
    assert text.index("回到记录") > text.index("autofocus") > text.index("已全部决定")


@pytest.mark.long
def test_nobody_approves_what_they_prepared_and_each_guard_says_its_article(
    home: Home, court: Court, desk_client: Client
) -> None:
    bring_in(home, a_person(1, served_on=None))
    record, reviewer = find_id(court), desk_client("reviewer")
    page = f"/records/{record}"
    # Whoever registers the service has prepared it.
    assert "送达已经登记" in reviewer.done(f"{page}/serve", f"{page}/serve", served_on="2026-11-10")
    reviewer.done(page, f"{page}/checklist", **answers_no())
    told = reviewer.refused(f"{page}/approve", f"{page}/approve", signed="yes")
    assert "同一人" in told
    assert "第十三条" in told
    second = desk_client("second")
    assert "第三条" in second.refused(f"{page}/approve", f"{page}/approve", signed="yes")
    second.done(page, f"{page}/checklist", **{**answers_no(), "seized": "yes"})
    assert "第三条" in second.refused(f"{page}/approve", f"{page}/approve", signed="yes")
    second.done(page, f"{page}/checklist", **answers_no())
    assert "院长" in second.refused(f"{page}/approve", f"{page}/approve")
    assert "已经审核" in second.done(f"{page}/approve", f"{page}/approve", signed="yes")


@pytest.mark.long
def test_a_checklist_that_is_not_answered_whole_is_not_kept(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1))
    page, seat = f"/records/{find_id(court)}", desk_client("reviewer")
    half = {key: value for key, value in answers_no().items() if key != "seized"}
    told = seat.refused(page, f"{page}/checklist", **half)
    assert "第三条第（二）项" in told
    assert "您已核对" not in seat.read(page)


@pytest.mark.long
def test_a_clerk_is_refused_what_is_a_reviewers(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(a_person(1))
    page, seat = f"/records/{find_id(court)}", desk_client("clerk")
    offered = seat.read(page)
    assert f"{page}/hold" in offered
    for act in ("approve", "grace", "publish", "remove", "withdraw", "confirm", "agree", "dismiss"):
        assert f'"{page}/{act}"' not in offered
        assert seat.ask(f"{page}/{act}").status_code == 403, act
        assert seat.post(f"{page}/{act}", token="x").status_code == 403, act
    # Of what is public a clerk corrects nothing, though of a draft.
    assert "不能由您更正" in seat.read(f"{page}/correct")


def test_a_clerk_holds_alone_a_second_confirms_and_two_show_it_again(
    home: Home, court: Court, desk_client: Client
) -> None:
    home.publish(a_person(1))
    record = find_id(court)
    page, clerk = f"/records/{record}", desk_client("clerk")
    form = {"basis": "（2026）测0101执异1号", "arose_on": "2026-11-17", "known_on": "2026-11-18"}
    assert "公众已查不到" in clerk.done(f"{page}/hold", f"{page}/hold", **form)

    assert count_public(court) == 0
    reviewer, second = desk_client("reviewer"), desk_client("second")
    assert "屏蔽已经确认" in reviewer.done(f"{page}/confirm", f"{page}/confirm")
    assert "待另一名审核人同意" in reviewer.done(f"{page}/lift", f"{page}/lift", basis="（2026）测0101执异2号")
    told = reviewer.refused(f"{page}/agree", f"{page}/agree")
    assert "须由另一人" in told
    assert count_public(court) == 0
    assert "已经公布" in second.done(f"{page}/agree", f"{page}/agree")
    assert count_public(court) == 1


@pytest.mark.parametrize(
    ("act", "ground", "more"),
    [
        ("withdraw", "wrongly_listed", {}),
        ("remove", "performed", {"confirmation": "2026-11-17 书面确认"}),
        ("remove", "no_property_found", {"query1": "2026-06-01", "query2": "2026-11-01"}),
    ],
)
@pytest.mark.long
def test_a_departure_is_out_of_sight_when_the_page_says_so(
    home: Home, court: Court, desk_client: Client, act: str, ground: str, more: dict[str, str]
) -> None:
    home.publish(a_person(1))
    page, seat = f"/records/{find_id(court)}", desk_client("reviewer")
    form = {"ground": ground, "basis": "（2026）测0101执1号结案", "arose_on": "2026-11-17", "known_on": "2026-11-18"}
    assert "公众已查不到" in seat.done(f"{page}/{act}", f"{page}/{act}", **form, **more)
    assert count_public(court) == 0
    # It is gone for good: nothing more is offered, and a form that was open is refused.
    assert f'"{page}/{act}"' not in seat.read(page)


@pytest.mark.long
def test_a_departure_with_wrong_grounds_changes_nothing(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(a_person(1))
    page, seat = f"/records/{find_id(court)}", desk_client("reviewer")
    right = {
        "ground": "performed",
        "basis": "（2026）测0101执1号结案",
        "arose_on": "2026-11-17",
        "known_on": "2026-11-18",
    }
    for wrong, said in (
        ({"basis": ""}, "请填写依据"),
        ({"basis": "身份证990101198001020011"}, "号码"),
        ({"arose_on": "2099-01-01"}, "不能晚于"),
        ({"arose_on": "yesterday"}, "应为日期"),
        ({"known_on": "2026-11-01"}, "不能早于"),
        ({"ground": "because"}, "请选择事由"),
        ({"confirmation": "990101198001020011"}, "号码"),
        ({"query1": "2026-11-01"}, "查控"),
    ):
        told = seat.refused(f"{page}/remove", f"{page}/remove", **{**right, **wrong})
        assert said in told, wrong
        # Nobody at a page has options to give.
        assert "--" not in told
    assert count_public(court) == 1


@pytest.mark.long
def test_a_ground_is_recorded_with_its_deadline_and_another_person_finds_that_it_is_not_there(
    home: Home, court: Court, desk_client: Client
) -> None:
    home.publish(a_person(1))
    page, clerk = f"/records/{find_id(court)}", desk_client("reviewer")
    form = {"ground": "performed", "basis": "收款凭证", "arose_on": "2026-11-17", "known_on": "2026-11-18"}
    told = clerk.done(f"{page}/ground", f"{page}/ground", **form)
    assert "退出事由已经登记" in told
    assert "2026-11-2" in told
    choice = re.search(r'<option value="(\d+)"', clerk.read(f"{page}/dismiss"))
    assert choice is not None
    again = clerk.refused(f"{page}/dismiss", f"{page}/dismiss", matter=choice[1], reason="查无此款，见查询回单")
    assert "须由另一人" in again
    second = desk_client("second")
    assert "已经驳回" in second.done(
        f"{page}/dismiss", f"{page}/dismiss", matter=choice[1], reason="查无此款，见查询回单"
    )


@pytest.mark.long
def test_a_ground_that_is_overdue_already_hides_the_entry_at_once(
    home: Home, court: Court, desk_client: Client
) -> None:
    home.publish(a_person(1))
    page, seat = f"/records/{find_id(court)}", desk_client("clerk")
    form = {"ground": "performed", "basis": "收款凭证", "arose_on": "2026-10-09", "known_on": "2026-10-10"}
    seat.done(f"{page}/ground", f"{page}/ground", **form)
    assert count_public(court) == 0


@pytest.mark.long
def test_time_of_grace_keeps_an_entry_inside_until_it_is_over(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, with_term(a_person(1), "2027-05-01"))
    page, seat = f"/records/{find_id(court)}", desk_client("reviewer")
    assert "三个月" in seat.refused(f"{page}/grace", f"{page}/grace", until="2027-06-01", basis="院长批准")
    assert "宽限期已经登记" in seat.done(f"{page}/grace", f"{page}/grace", until="2026-12-31", basis="院长批准")
    seat.done(f"{page}/approve", f"{page}/approve", signed="yes")
    assert "现在不能公布" in seat.done(f"{page}/publish", f"{page}/publish")
    assert count_public(court) == 0


@pytest.mark.long
def test_a_correction_is_public_at_once_and_asks_for_what_approval_asks(
    home: Home, court: Court, desk_client: Client
) -> None:
    home.publish(a_person(1))
    record = find_id(court)
    page, seat = f"/records/{record}/correct", desk_client("reviewer")
    form = shown_fields(seat.read(page))
    changed = {**form, "basis_issuer": "测试市第二人民法院"}
    assert "第三条" in seat.refused(page, page, **changed)
    assert "没有任何字段改变" in seat.refused(page, page, **form, **answers_no())
    assert "已经更正" in seat.done(page, page, **changed, **answers_no())
    with court.reading() as session:
        number = session.get_one(RecordRow, record).number
    with court.store.snapshot(court.now) as snapshot:
        document = snapshot.document(number or "")
    assert document is not None
    assert document.basis_issuer == "测试市第二人民法院"


@pytest.mark.long
def test_the_redactions_of_corrected_words_are_looked_at_on_the_same_page(
    home: Home, court: Court, desk_client: Client
) -> None:
    home.publish(a_person(1))
    page, seat = f"/records/{find_id(court)}/correct", desk_client("reviewer")
    form = {**shown_fields(seat.read(page)), "obligation": THIRD, **answers_no()}
    told = seat.refused(page, page, **form)
    assert "更正后的文字中建议遮盖之处" in told
    assert "已经更正" in seat.done(page, page, **form, redactions="yes")


def shown_fields(page: str) -> dict[str, str]:
    """What the inputs of the correction page say, as a browser would send them unchanged."""
    from html import unescape

    form = re.search(r'<form method="post" action="[^"]*/correct".*?</form>', page, re.S)
    assert form is not None
    fields = {
        name: unescape(value)
        for name, value in re.findall(
            r'<input class="govuk-input" type="(?:text|date)" name="([^"]+)"[^>]*value="([^"]*)"', form[0]
        )
    }
    fields |= {
        name: unescape(text)
        for name, text in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', form[0], re.S)
    }
    for name, options in re.findall(r'<select[^>]*name="([^"]+)">(.*?)</select>', form[0], re.S):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        fields[name] = unescape(chosen[1]) if chosen else ""
    fields["conduct"] = "asked"
    for name in re.findall(r'<input type="checkbox" name="(conduct\.[^"]+)" value="yes" checked>', form[0]):
        fields[name] = "yes"
    return fields


def test_documents_are_attached_and_what_is_none_is_refused(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1))
    page, seat = f"/records/{find_id(court)}", desk_client("clerk")
    assert "请选择要附上的文件" in seat.refused(f"{page}/attach", f"{page}/attach", kind="decision")
    bad = (BytesIO(b"MZ\x90\0 not a document"), "甲测试决定书.pdf")
    seat.refused(f"{page}/attach", f"{page}/attach", kind="decision", file=bad)
    told = seat.done(f"{page}/attach", f"{page}/attach", kind="decision", file=(BytesIO(PDF), "甲测试决定书.pdf"))
    assert "文件已经附上" in told
    assert "甲测试决定书.pdf" in told
    assert not [path for path in court.private.rglob("*") if "甲测试" in path.name]


def test_a_restricted_record_shows_its_ground_only_to_those_concerned(
    home: Home, court: Court, desk_client: Client
) -> None:
    entry = an_organisation(1, disclosure="restricted", restricted_ground="state_secret")
    bring_in(home, entry)
    hire(court, "other-clerk")
    page = f"/records/{find_id(court)}"
    for name in ("reviewer", "auditor", "clerk"):
        assert "保守国家秘密法" in desk_client(name).read(page), name
    other = desk_client("other-clerk").read(page)
    assert "国家秘密" not in other
    assert "保守国家秘密法" not in other
    assert desk_client("other-clerk").ask(f"{page}/dossier").status_code == 403


def test_a_notice_goes_once_and_never_of_a_restricted_record(home: Home, court: Court, desk_client: Client) -> None:
    bring_in(home, a_person(1), a_person(2, disclosure="restricted", restricted_ground="privacy"))
    page, seat = f"/records/{find_id(court)}", desk_client("clerk")
    assert "请选择要告知的内容" in seat.refused(f"{page}/notify", f"{page}/notify", kind="departed")
    told = seat.refused(f"{page}/notify", f"{page}/notify", kind="confirm")
    assert "写明最后日期" in told
    assert "--" not in told
    assert "列入发送" in seat.done(f"{page}/notify", f"{page}/notify", kind="served")
    assert "没有重复发送" in seat.refused(f"{page}/notify", f"{page}/notify", kind="served")
    with court.reading() as session:
        assert len(session.scalars(select(NoticeRow)).all()) == 1
    restricted = f"/records/{find_id(court, 2)}"
    assert f"{restricted}/notify" not in seat.read(restricted)


@pytest.mark.long
def test_restricting_takes_an_entry_out_of_sight(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(a_person(1))
    page, seat = f"/records/{find_id(court)}", desk_client("reviewer")
    assert "依法不宜公开" in seat.done(f"{page}/restrict", f"{page}/restrict", ground="privacy")
    assert count_public(court) == 0


@pytest.mark.long
def test_the_dossier_is_a_pdf_whose_name_says_nothing(home: Home, court: Court, desk_client: Client) -> None:
    home.publish(a_person(1))
    record = find_id(court)
    answer = desk_client("reviewer").ask(f"/records/{record}/dossier")
    assert answer.status_code == 200
    assert answer.data.startswith(b"%PDF-")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="dossier-{record}.pdf"'
    assert answer.headers["Cache-Control"] == "no-store"
