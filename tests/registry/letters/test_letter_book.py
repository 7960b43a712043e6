"""The letter book: numbers without a gap, two persons, what a letter may say, and what comes of it."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from builders_letters import DECISION, NOTICE, Office
from entries import a_person
from sqlalchemy import func, select

from gongshi.court import Court
from gongshi.settings import read_settings
from registry.letters import (
    LetterKind,
    LetterRefused,
    LetterState,
    Outcome,
    check_certificate,
    draft_letter,
    get_letter,
    list_letters,
    list_overdue,
    list_to_recall,
    note_answer,
    note_delivery,
    read_letter,
    recall_notice,
    refuse_to_print,
    render_docx,
    render_pdf,
    void_letter,
)
from registry.letters.wording import write_letter
from registry.matters import Given, Remedy, Step, take_step
from registry.tables import AuditRow, JournalRow, LetterRow, MatterRow, NoticeRow, RecordRow


def words_of(office: Office, letter: int) -> str:
    return "\n".join(write_letter(office.read(letter), office.court.profile()).texts())


# Numbers


def test_each_series_and_year_counts_for_itself(office: Office) -> None:
    drafted = [
        office.draft(LetterKind.SEALED_NOTICE, NOTICE),
        office.draft(LetterKind.SEALED_NOTICE, NOTICE),
        office.draft(LetterKind.OBJECTION_DECISION, DECISION, 2),
    ]
    office.home.clock.advance(days=60)
    drafted.append(office.draft(LetterKind.SEALED_NOTICE, NOTICE))
    assert [office.read(letter).number for letter in drafted] == [
        "（2026）失信通字第1号",
        "（2026）失信通字第2号",
        "（2026）失信决字第1号",
        "（2027）失信通字第1号",
    ]


def test_what_was_not_drafted_after_all_leaves_no_gap(office: Office) -> None:
    def draft_and_give_up() -> None:
        with office.court.session() as session:
            record, acting = session.get_one(RecordRow, office.record(1)), office.court.acting("clerk")
            vault, kind = office.court.vault, LetterKind.SEALED_NOTICE
            draft_letter(session, vault, kind=kind, content=NOTICE, acting=acting, record=record)
            raise LetterRefused("given up in the same transaction")

    with pytest.raises(LetterRefused, match="given up"):
        draft_and_give_up()
    assert office.read(office.draft(LetterKind.SEALED_NOTICE, NOTICE)).number == "（2026）失信通字第1号"


def test_a_void_letter_keeps_its_number(office: Office) -> None:
    first = office.draft(LetterKind.SEALED_NOTICE, NOTICE)
    office.act(first, void_letter, reason="收文单位有误")
    assert office.read(office.draft(LetterKind.SEALED_NOTICE, NOTICE)).number == "（2026）失信通字第2号"
    with pytest.raises(LetterRefused, match="已作废"):
        office.confirm(first)


def test_many_drafters_at_once_get_every_number_once(office: Office) -> None:
    def draft(_: int) -> None:
        court = Court(read_settings(), office.home.world)
        try:
            Office(office.home, court).draft(LetterKind.SEALED_NOTICE, NOTICE)
        finally:
            court.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(draft, range(12)))
    with office.court.reading() as session:
        serials = Counter(session.scalars(select(LetterRow.serial)))
    assert serials == Counter(range(1, 13))


# Two persons


def test_a_notice_is_agreed_to_by_another_before_it_can_be_printed(office: Office) -> None:
    letter = office.draft(LetterKind.SEALED_NOTICE, NOTICE)
    for render in (render_docx, render_pdf):
        with pytest.raises(LetterRefused, match="核发"):
            render(office.read(letter), office.court.profile())
    with pytest.raises(LetterRefused, match="须由另一人核发"):
        office.confirm(letter, "clerk")
    office.confirm(letter)
    assert office.read(letter).state is LetterState.CONFIRMED
    assert render_pdf(office.read(letter), office.court.profile()).startswith(b"%PDF-")
    with pytest.raises(LetterRefused, match="不能核发"):
        office.confirm(letter, "second")


def test_a_letter_whose_record_was_corrected_is_not_agreed_to(office: Office) -> None:
    letter = office.draft(LetterKind.SEALED_NOTICE, {**NOTICE, "relation": "official"}, 2)
    said = office.home.run(
        "correct",
        a_person(2)["case_number"],
        "--set",
        "performance=部分未履行",
        "--as",
        "reviewer",
        "--confirm",
        "art3",
    )
    assert said.code == 0, said.out + said.err
    with pytest.raises(LetterRefused, match="已经更正"):
        office.confirm(letter)


def test_a_letter_whose_record_has_gone_is_not_agreed_to(office: Office) -> None:
    letter = office.draft(LetterKind.SEALED_NOTICE, {**NOTICE, "relation": "official"}, 2)
    office.remove(2)
    with pytest.raises(LetterRefused, match="退出"):
        office.confirm(letter)


# What may be written, and what it says

_OWN = {
    LetterKind.SEALED_NOTICE: {"甲测试", "男"},
    LetterKind.DISCIPLINE_NOTICE: {"甲测试", "男"},
    LetterKind.OBJECTION_DECISION: set(),
    LetterKind.OBJECTION_NOTICE: set(),
}
_CONTENT = {
    LetterKind.SEALED_NOTICE: NOTICE,
    LetterKind.DISCIPLINE_NOTICE: {"addressee": "测试市纪检监察机关"},
    LetterKind.OBJECTION_DECISION: DECISION,
    LetterKind.OBJECTION_NOTICE: {"addressee": "乙申诉", "received_on": "2026-11-02", "notice": "accepted"},
}


@pytest.mark.parametrize("kind", list(_CONTENT))
def test_a_letter_says_what_its_purpose_needs_and_no_more(office: Office, kind: LetterKind) -> None:
    letter = office.draft(kind, _CONTENT[kind])
    words = words_of(office, letter)
    entry = a_person(1)
    own = _OWN[kind]
    for value in (entry["id_number"], entry["phone"], entry["address"], entry["note"], entry["obligation"]):
        assert value not in words
    for value in (entry["employer"], entry["applicant"]["phone"], entry["id_number"][6:14], "个人隐私"):
        assert value not in words
    assert all(value in words for value in own)
    assert (entry["name"] in words) == (entry["name"] in own)
    assert entry["case_number"] in words


def test_a_sealed_notice_names_its_article_and_has_a_slip_that_names_nobody(office: Office) -> None:
    words = words_of(office, office.draft(LetterKind.SEALED_NOTICE, NOTICE))
    notice, slip = words.split("回　执")
    assert "依法不宜公开失信信息的被执行人通报其所在单位" in notice
    assert "甲测试" in notice
    assert "甲测试" not in slip
    assert a_person(1)["case_number"] not in slip
    assert "（2026）失信通字第1号" in slip


def test_a_rejection_tells_of_reconsideration_and_a_correction_does_not(office: Office) -> None:
    rejected = words_of(office, office.draft(LetterKind.OBJECTION_DECISION, DECISION, 2))
    assert "自决定书送达之日起十日内" in rejected
    assert "不停止原决定的执行" in rejected
    upheld = {**DECISION, "outcome": "upheld", "result": "withdrawn"}
    accepted = words_of(office, office.draft(LetterKind.OBJECTION_DECISION, upheld, 2))
    assert "三个工作日内撤销失信信息" in accepted
    assert "复议" not in accepted


@pytest.mark.parametrize(
    ("kind", "content", "serial", "said"),
    [
        (LetterKind.SEALED_NOTICE, {"relation": "restricted"}, 1, "收文单位全称"),
        (LetterKind.SEALED_NOTICE, {**NOTICE, "relation": "rumour"}, 1, "通报的理由"),
        (LetterKind.SEALED_NOTICE, NOTICE, 2, "该记录是公开的"),
        (LetterKind.SEALED_NOTICE, {**NOTICE, "relation": "public_body"}, 2, "自然人"),
        (LetterKind.SEALED_NOTICE, {**NOTICE, "addressee": "长" * 81}, 1, "不能超过80个字"),
        (LetterKind.SEALED_NOTICE, {**NOTICE, "addressee": "测\x00试"}, 1, "不能识别"),
        (LetterKind.SEALED_NOTICE, {**NOTICE, "phone": "1"}, 1, "没有这些栏目"),
        (LetterKind.CERTIFICATE, {}, 2, "还没有退出名单"),
        (LetterKind.SEALED_NOTICE, NOTICE, None, "须就一条记录办理"),
        (LetterKind.OBJECTION_DECISION, {**DECISION, "received_on": "2026-11-31"}, 2, "应为日期"),
        (LetterKind.OBJECTION_DECISION, {**DECISION, "received_on": "2026-11-19"}, 2, "不能晚于今天"),
        (LetterKind.OBJECTION_DECISION, {**DECISION, "outcome": "upheld"}, 2, "纠正的方式"),
        (LetterKind.OBJECTION_DECISION, {**DECISION, "result": "removed"}, 2, "驳回申请的"),
    ],
)
def test_what_cannot_be_written_is_refused_and_takes_no_number(
    office: Office, kind: LetterKind, content: dict[str, str], serial: int | None, said: str
) -> None:
    with pytest.raises(LetterRefused, match=said):
        office.draft(kind, content, serial)
    with office.court.reading() as session:
        assert list_letters(session) == []


def test_nobody_is_told_of_a_record_that_is_not_yet_decided_or_has_gone(office: Office) -> None:
    office.home.ask("import", office.home.write("more.jsonl", [a_person(3)]), "--as", "clerk")
    with pytest.raises(LetterRefused, match="还没有办到这一步"):
        office.draft(LetterKind.DISCIPLINE_NOTICE, {"addressee": "测试机关"}, 3)
    office.remove(2)
    with pytest.raises(LetterRefused, match="已经屏蔽、退出"):
        office.draft(LetterKind.DISCIPLINE_NOTICE, {"addressee": "测试机关"}, 2)


def test_what_is_sealed_stands_in_no_column_and_no_audit_line(office: Office) -> None:
    letter = office.draft(LetterKind.SEALED_NOTICE, {**NOTICE, "addressee": "绝密收文单位"})
    office.confirm(letter)
    office.act(letter, note_delivery, delivered_on=date(2026, 11, 18))
    with office.court.session() as session:
        row = get_letter(session, letter)
        note_answer(
            session,
            office.court.vault,
            row,
            answered_on=date(2026, 11, 18),
            outcome=Outcome.HANDLED,
            words="已给予绝密处分",
            acting=office.court.acting("clerk"),
        )
    assert office.read(letter).answer == "已给予绝密处分"
    with office.court.reading() as session:
        row = session.get_one(LetterRow, letter)
        columns = repr({c.name: getattr(row, c.name) for c in LetterRow.__table__.columns})
        details = json.dumps([line.detail for line in session.scalars(select(AuditRow))], ensure_ascii=False)
    for secret in ("绝密", "甲测试"):
        assert secret not in columns
        assert secret not in details


def test_a_notice_goes_on_paper_and_into_no_message(office: Office) -> None:
    def told() -> tuple[int, int]:
        with office.court.reading() as session:
            lines, messages = (select(func.count()).select_from(table) for table in (JournalRow, NoticeRow))
            return session.scalar(lines) or 0, session.scalar(messages) or 0

    before = told()
    letter = office.draft(LetterKind.SEALED_NOTICE, NOTICE)
    office.confirm(letter)
    office.act(letter, note_delivery, delivered_on=date(2026, 11, 18))
    assert told() == before


def test_what_is_not_public_goes_only_to_a_registered_unit_that_may_have_it(office: Office) -> None:
    name, basis = "测试市纪检监察机关", ("--basis", "信息通报机制第二条")
    # Asked for by one reviewer, and not yet agreed to by another.
    office.home.ask("unit", "add", "discipline", "--name", name, "--restricted", *basis, "--as", "reviewer")
    with pytest.raises(LetterRefused, match="同意接收依法不宜公开的信息"):
        office.draft(LetterKind.DISCIPLINE_NOTICE, {"addressee": name})
    # What everybody may see is no such thing, and whom the law names is told.
    office.draft(LetterKind.DISCIPLINE_NOTICE, {"addressee": name}, 2)
    office.draft(LetterKind.SEALED_NOTICE, {**NOTICE, "addressee": name})
    office.home.ask("unit", "decide", "discipline", "--agree", "--as", "second")
    office.confirm(office.draft(LetterKind.DISCIPLINE_NOTICE, {"addressee": name}))


# The matter and the letter


def test_a_decision_says_what_was_decided_of_its_own_matter(office: Office) -> None:
    rejected = office.objection(2)
    for content, said in (
        ({**DECISION, "outcome": "upheld", "result": "withdrawn"}, "与办件中作出的决定不一致：请核对“决定”"),
        ({**DECISION, "received_on": "2026-11-03"}, "不一致"),
    ):
        with pytest.raises(LetterRefused, match=said):
            office.write(rejected, content, serial=2)
    with pytest.raises(LetterRefused, match="不是该办件所涉的失信信息"):
        office.write(rejected, serial=1)
    upheld = office.objection(2, Remedy.WITHDRAW)
    for content, said in (
        (DECISION, "“决定”"),
        ({**DECISION, "outcome": "upheld", "result": "removed"}, "“纠正的方式”"),
    ):
        with pytest.raises(LetterRefused, match=said):
            office.write(upheld, content, serial=2)
    with pytest.raises(LetterRefused, match="须就一件异议办理"), office.court.session() as session:
        draft_letter(
            session,
            office.court.vault,
            kind=LetterKind.OBJECTION_DECISION,
            content=DECISION,
            acting=office.court.acting("clerk"),
            record=session.get_one(RecordRow, office.record(2)),
        )
    assert office.read(office.write(rejected, serial=2)).content["outcome"] == "rejected"


def test_before_a_decision_there_is_no_letter_of_it(office: Office) -> None:
    with office.court.session() as session:
        session.get_one(MatterRow, office.objection(2)).decided_at = None
    with pytest.raises(LetterRefused, match="还没有决定"):
        office.write(1, serial=2)


def test_who_listed_the_person_does_not_answer_for_the_decision(office: Office) -> None:
    letter = office.write(office.objection(2), serial=2)
    with pytest.raises(LetterRefused, match=r"应当回避.*可以办理的有：second"):
        office.confirm(letter, "reviewer")
    office.confirm(letter, "second")
    assert office.read(letter).state is LetterState.CONFIRMED


def test_a_decision_that_was_changed_does_not_go_out_as_it_was(office: Office) -> None:
    matter = office.objection(2, Remedy.CORRECT)
    written = {**DECISION, "outcome": "upheld", "result": "corrected", "fields": "地域"}
    letter, waiting = (office.write(matter, written, serial=2) for _ in range(2))
    office.confirm(letter, "second")
    given = Given(words="应予删除", basis="（2026）测0101执异1号决定书", remedy=Remedy.REMOVE)
    with office.court.session() as session:
        row = session.get_one(MatterRow, matter)
        take_step(session, office.court.vault, row, Step.AMEND, office.court.acting("second"), given)
    with pytest.raises(LetterRefused, match="与办件中作出的决定不一致"):
        office.confirm(waiting, "second")
    with pytest.raises(LetterRefused, match="与办件中作出的决定不一致"), office.court.session() as session:
        refuse_to_print(session, office.court.vault, get_letter(session, letter), office.court.today)


# Delivery and answers


@pytest.mark.parametrize("how", ["withdraw", "hold"])
def test_a_notice_does_not_go_out_once_its_listing_is_out_of_sight(office: Office, how: str) -> None:
    printed, delivered = (office.draft(LetterKind.DISCIPLINE_NOTICE, {"addressee": "测试机关"}, 2) for _ in range(2))
    for letter in (printed, delivered):
        office.confirm(letter)
    office.act(delivered, note_delivery, delivered_on=office.court.today)
    if how == "withdraw":
        office.remove(2, "wrongly_listed")
    else:
        case = a_person(2)["case_number"]
        assert office.home.run("hold", case, "--basis", "核对", "--as", "clerk").code == 0
    with pytest.raises(LetterRefused, match="屏蔽、退出"), office.court.session() as session:
        refuse_to_print(session, office.court.vault, get_letter(session, printed), office.court.today)
    with pytest.raises(LetterRefused, match="不得再送达"):
        office.act(printed, note_delivery, delivered_on=office.court.today)
    # Who was told of it is told that it is over, or that it rests: the units are told so at once.
    with office.court.session() as session:
        assert {line.id for line in list_to_recall(session, office.court.vault)} == {printed, delivered}
        recall = recall_notice(session, office.court.vault, get_letter(session, printed), office.court.acting("clerk"))
        words = "\n".join(write_letter(read_letter(recall, office.court.vault), office.court.profile()).texts())
    assert ("依法撤销" if how == "withdraw" else "已经停止使用") in words
    # What was in the post by then is noted as it was, now that it is taken back.
    office.act(printed, note_delivery, delivered_on=office.court.today)
    assert office.read(printed).state is LetterState.DELIVERED


def test_a_letter_is_delivered_and_answered_in_order_and_not_in_the_future(office: Office) -> None:
    letter = office.draft(LetterKind.SEALED_NOTICE, NOTICE)
    with pytest.raises(LetterRefused, match="待核发"):
        office.act(letter, note_delivery, delivered_on=date(2026, 11, 18))
    office.confirm(letter)
    for day, said in ((date(2026, 11, 19), "不能晚于今天"), (date(2026, 11, 17), "不能早于核发")):
        with pytest.raises(LetterRefused, match=said):
            office.act(letter, note_delivery, delivered_on=day)
    office.act(letter, note_delivery, delivered_on=date(2026, 11, 18))
    assert office.read(letter).state is LetterState.DELIVERED


def test_an_answer_that_does_not_come_is_overdue_after_thirty_days(office: Office) -> None:
    letter = office.draft(LetterKind.SEALED_NOTICE, NOTICE)
    office.confirm(letter)
    office.act(letter, note_delivery, delivered_on=date(2026, 11, 18))
    with office.court.reading() as session:
        assert list_overdue(session, date(2026, 12, 18)) == []
        assert [line.id for line in list_overdue(session, date(2026, 12, 19))] == [letter]


def test_whoever_was_told_of_a_listing_is_told_of_its_end(office: Office) -> None:
    letter = office.draft(LetterKind.SEALED_NOTICE, NOTICE)
    office.confirm(letter)
    other = office.draft(LetterKind.DISCIPLINE_NOTICE, {"addressee": "测试机关"})
    with office.court.reading() as session:
        assert list_to_recall(session, office.court.vault) == []
    office.remove(1)
    with office.court.session() as session:
        # What nobody agreed to was told to nobody.
        assert [line.id for line in list_to_recall(session, office.court.vault)] == [letter]
        made = recall_notice(session, office.court.vault, get_letter(session, letter), office.court.acting("clerk"))
        recall = read_letter(made, office.court.vault)
        assert list_to_recall(session, office.court.vault) == []
        with pytest.raises(LetterRefused, match="不需要撤回"):
            recall_notice(session, office.court.vault, get_letter(session, other), office.court.acting("clerk"))
    assert recall.content == {"addressee": NOTICE["addressee"], "notice": "（2026）失信通字第1号"}
    words = "\n".join(write_letter(recall, office.court.profile()).texts())
    assert "2026年11月18日依法删除" in words
    assert "甲测试" not in words


def test_an_old_notice_is_not_forgotten_behind_those_that_were_recalled(office: Office) -> None:
    letters = [office.draft(LetterKind.DISCIPLINE_NOTICE, {"addressee": "测试机关"}, 2) for _ in range(4)]
    for letter in letters:
        office.confirm(letter)
    office.remove(2)
    oldest, *others = letters
    with office.court.session() as session:
        for letter in others:
            recall_notice(session, office.court.vault, get_letter(session, letter), office.court.acting("clerk"))
        assert [line.id for line in list_to_recall(session, office.court.vault, limit=2)] == [oldest]
        recall_notice(session, office.court.vault, get_letter(session, oldest), office.court.acting("clerk"))
        assert list_to_recall(session, office.court.vault) == []


# Certificates


def test_a_certificate_can_be_checked_and_the_journal_says_nothing_of_the_person(office: Office) -> None:
    office.remove(2)
    letter = office.draft(LetterKind.CERTIFICATE, {}, 2)
    verify = office.read(letter).verify
    assert verify is not None
    words = words_of(office, letter)
    assert verify in words
    assert "丁测试" in words
    assert "已于2026年11月18日依法删除" in words
    with office.court.reading() as session:
        assert check_certificate(session, verify)
        assert check_certificate(session, f" {verify.lower()} ")
        assert not check_certificate(session, verify[:-1] + ("A" if verify[-1] != "A" else "B"))
        assert not check_certificate(session, "丁测试")
        body = session.scalars(select(JournalRow.body).where(JournalRow.subject == "certificate")).one()
    assert json.loads(body or "") == {"issued_on": "2026-11-18"}


def test_a_void_certificate_is_not_valid_any_more(office: Office) -> None:
    office.remove(2)
    letter = office.draft(LetterKind.CERTIFICATE, {}, 2)
    verify = office.read(letter).verify or ""
    office.act(letter, void_letter, reason="内容有误")
    with office.court.reading() as session:
        assert not check_certificate(session, verify)
        lines = list(session.scalars(select(JournalRow.body).where(JournalRow.subject == "certificate")))
    assert lines == [None, None]


def test_what_was_never_listed_gets_no_certificate(office: Office) -> None:
    office.home.ask("import", office.home.write("third.jsonl", [a_person(3)]), "--as", "clerk")
    office.remove(3, "wrongly_listed")
    with pytest.raises(LetterRefused, match="从未纳入名单"):
        office.draft(LetterKind.CERTIFICATE, {}, 3)
    with office.court.reading() as session:
        assert session.scalars(select(LetterRow)).all() == []


def test_what_was_listed_without_being_public_gets_its_certificate(office: Office) -> None:
    office.remove(1)
    assert "退出证明" in words_of(office, office.draft(LetterKind.CERTIFICATE, {}, 1))


def test_two_certificates_have_two_numbers(office: Office) -> None:
    office.remove(2)
    numbers = {office.read(office.draft(LetterKind.CERTIFICATE, {}, 2)).verify for _ in range(3)}
    assert len(numbers) == 3
