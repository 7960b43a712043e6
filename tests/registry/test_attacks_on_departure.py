"""Ways to show a name longer than it may be shown, or to point at somebody who has left, each tried at the keyboard."""

from __future__ import annotations

from datetime import date

import pytest
from entries import a_person, with_term
from homes import Home
from sqlalchemy import select

from registry.matters.book import register_matter, take_step
from registry.matters.checking import Arrival, Given
from registry.matters.content import Content
from registry.matters.states import Channel, Claim, MatterKind, Remedy, Step
from registry.tables import ArticleRow, ClockRow, DecisionRow, MatterRow, NoticeRow, RecordRow
from search_index.day import day_of

pytestmark = pytest.mark.long

BOTH = ("--confirm", "art3", "--confirm", "redactions")
CASE = "（2025）测0101执1号"


def bring_in(home: Home, *entries: dict[str, object]) -> int:
    batch: int = home.ask("import", home.write("entries.jsonl", entries), "--as", "clerk")["batch"]
    return batch


def read(home: Home) -> RecordRow:
    court = home.court
    with court.reading() as session:
        row = session.scalars(select(RecordRow)).one()
        session.expunge(row)
    return row


def articles(home: Home) -> list[tuple[str, str]]:
    court = home.court
    with court.reading() as session:
        return [(row.kind, row.state) for row in session.scalars(select(ArticleRow).order_by(ArticleRow.id))]


def texts(home: Home) -> list[str]:
    court = home.court
    with court.reading() as session:
        return [row.kind for row in session.scalars(select(NoticeRow))]


# Four eyes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("restricted", [False, True])
def test_who_changed_a_held_record_does_not_agree_to_show_it(home: Home, restricted: bool) -> None:
    more = {"disclosure": "restricted", "restricted_ground": "privacy"} if restricted else {}
    home.ask("approve", bring_in(home, a_person(1, **more)), "--as", "second", *BOTH)
    if restricted:
        home.ask("publish")
    home.ask("hold", CASE, "--basis", "核对", "--as", "clerk")
    change = (
        ("--set", "disclosure=public", "--set", "restricted_ground=")
        if restricted
        else ("--set", "obligation=支付借款900000元。")
    )
    home.ask("correct", CASE, *change, "--as", "reviewer", *BOTH)
    home.ask("hold", CASE, "--lift", "--basis", "核对完毕", "--as", "clerk")
    refused = home.run("hold", CASE, "--lift", "--as", "reviewer")
    assert refused.code == 2
    assert "屏蔽期间更正过" in refused.err
    assert "second" in refused.err
    assert read(home).state == "held"
    home.ask("hold", CASE, "--lift", "--as", "second")
    assert read(home).state == "published"


def test_who_corrected_what_everybody_saw_may_agree_to_show_it_again(home: Home) -> None:
    home.publish(a_person(1))
    home.ask("correct", CASE, "--set", "obligation=支付借款900000元。", "--as", "reviewer", *BOTH)
    home.ask("hold", CASE, "--basis", "核对", "--as", "clerk")
    home.ask("hold", CASE, "--lift", "--basis", "核对完毕", "--as", "clerk")
    home.ask("hold", CASE, "--lift", "--as", "reviewer")
    assert read(home).state == "published"


@pytest.mark.parametrize(
    "change",
    [("term_ends_on=2027-05-01",), ("conduct=refuses_though_able", "term_ends_on=")],
    ids=["longer", "for good"],
)
def test_one_person_does_not_lengthen_the_time_of_showing(home: Home, change: tuple[str, ...]) -> None:
    home.publish(with_term(a_person(1, decided_on="2025-06-02"), "2027-01-01"))
    settings = [word for one in change for word in ("--set", one)]
    refused = home.run("correct", CASE, *settings, "--as", "reviewer", *BOTH)
    assert refused.code == 2
    assert "须经两人" in refused.err
    until = read(home).visible_until
    assert until is not None
    assert day_of(until) == date(2027, 1, 2)
    home.ask("hold", CASE, "--basis", "期限更正", "--as", "clerk")
    home.ask("correct", CASE, *settings, "--as", "reviewer", *BOTH)
    home.ask("hold", CASE, "--lift", "--basis", "更正决定书", "--as", "clerk")
    home.ask("hold", CASE, "--lift", "--as", "second")
    row = read(home)
    assert row.state == "published"
    assert row.visible_until is None or day_of(row.visible_until) == date(2027, 5, 2)


def test_one_person_may_shorten_it(home: Home) -> None:
    home.publish(with_term(a_person(1, decided_on="2025-06-02"), "2027-01-01"))
    home.ask("correct", CASE, "--set", "term_ends_on=2026-12-01", "--as", "reviewer", *BOTH)
    until = read(home).visible_until
    assert until is not None
    assert day_of(until) == date(2026, 12, 2)


# Grace ----------------------------------------------------------------------------------------------------------------


def test_a_time_of_grace_is_not_shortened(home: Home) -> None:
    batch = bring_in(home, a_person(1))
    home.ask("grace", CASE, "--months", 3, "--basis", "宽限期决定书", "--as", "reviewer")
    home.ask("approve", batch, "--as", "reviewer", *BOTH)
    refused = home.run("grace", CASE, "--until", "2026-12-20", "--basis", "核对", "--as", "reviewer")
    assert refused.code == 2
    assert "不能缩短" in refused.err
    home.clock.advance(days=40)
    assert home.ask("publish")["published"] == 0


def test_a_time_of_grace_is_a_month_at_least(home: Home) -> None:
    bring_in(home, a_person(1))
    refused = home.run("grace", CASE, "--until", "2026-12-17", "--basis", "宽限期决定书", "--as", "reviewer")
    assert refused.code == 2
    assert "2026-12-18" in refused.err
    home.ask("grace", CASE, "--until", "2026-12-18", "--basis", "宽限期决定书", "--as", "reviewer")


# Not pointed at once more ----------------------------------------------------------------------------------------------


def policy(home: Home, name: str) -> None:
    home.ask("profile", "--set", f"policy={name}", "--as", "reviewer")


@pytest.mark.parametrize("ground", ["minor", "deceased", "wrongly_listed"])
def test_of_whom_it_is_said_that_they_ought_not_to_be_listed_no_notice_tells(home: Home, ground: str) -> None:
    policy(home, "yunnan")
    home.publish(a_person(1))
    home.ask("ground", "add", CASE, "--ground", ground, "--basis", "户口簿复印件", "--as", "clerk")
    home.ask("remove", CASE, "--ground", "closed", "--basis", "终结执行裁定书", "--as", "reviewer")
    assert articles(home) == []
    assert texts(home) == ([] if ground != "wrongly_listed" else ["departed"])


def test_of_others_who_leave_a_notice_tells(home: Home) -> None:
    policy(home, "yunnan")
    home.publish(a_person(1))
    home.ask("ground", "add", CASE, "--ground", "minor", "--basis", "户口簿复印件", "--as", "clerk")
    home.ask("ground", "dismiss", CASE, "--ground", "minor", "--reason", "出生证明核对", "--as", "second")
    home.ask("remove", CASE, "--ground", "closed", "--basis", "终结执行裁定书", "--as", "reviewer")
    assert articles(home) == [("exit", "published")]
    assert texts(home) == ["departed"]


def object_to(home: Home, claim: Claim) -> int:
    court = home.court
    with court.session() as session:
        record = session.scalars(select(RecordRow)).one()
        arrival = Arrival(
            kind=MatterKind.OBJECTION,
            channel=Channel.PAPER,
            received_on=court.today,
            content=Content(words="不是本人"),
            record=record,
            ground=claim,
        )
        return register_matter(session, court.vault, arrival, court.acting("clerk")).id


@pytest.mark.parametrize("claim", [Claim.SAYS_MINOR, Claim.SAYS_DECEASED])
def test_nor_while_an_objection_says_so(home: Home, claim: Claim) -> None:
    policy(home, "yunnan")
    home.publish(a_person(1))
    object_to(home, claim)
    home.ask("remove", CASE, "--ground", "closed", "--basis", "终结执行裁定书", "--as", "reviewer")
    assert (articles(home), texts(home)) == ([], [])


def test_who_is_found_wrongly_listed_is_withdrawn_though_the_term_ended_meanwhile(home: Home) -> None:
    policy(home, "yunnan")
    home.publish(with_term(a_person(1, decided_on="2025-06-02"), "2026-11-19"))
    matter = object_to(home, Claim.NOT_ME)
    court = home.court
    with court.session() as session:
        row = session.get_one(MatterRow, matter)
        take_step(session, court.vault, row, Step.REVIEW, court.acting("second"))
        given = Given(words="成立", basis="异议决定书", remedy=Remedy.WITHDRAW)
        take_step(session, court.vault, row, Step.UPHOLD, court.acting("second"), given)
    home.clock.advance(days=2)
    home.ask("publish")
    assert read(home).state == "expired"
    assert articles(home) == []
    number = read(home).number
    home.ask("withdraw", number, "--ground", "wrongly_listed", "--basis", "异议决定书", "--as", "reviewer")
    assert (read(home).state, read(home).departed_ground) == ("withdrawn", "wrongly_listed")


def test_who_left_and_is_found_wrongly_listed_is_withdrawn_and_the_notice_goes(home: Home) -> None:
    policy(home, "yunnan")
    home.publish(a_person(1))
    number = read(home).number
    home.ask("remove", CASE, "--ground", "closed", "--basis", "终结执行裁定书", "--as", "reviewer")
    assert articles(home) == [("exit", "published")]
    for ground in ("deceased",):
        refused = home.run("withdraw", number, "--ground", ground, "--basis", "证明", "--as", "reviewer")
        assert refused.code == 2
    home.ask("withdraw", number, "--ground", "wrongly_listed", "--basis", "纠正决定书", "--as", "reviewer")
    assert articles(home) == [("exit", "withdrawn")]
    assert texts(home) == ["departed"]
    assert home.run("withdraw", number, "--ground", "minor", "--basis", "证明", "--as", "reviewer").code == 2
    assert home.ask("audit", "verify")["faults"] == []


# Numbers in what is kept in the clear -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "number", ["138 1234 5678", "990101 19800102 0015", "1 3 8 1 2 3 4 5 6 7 8", "138-1234-5678", "6222·0212·3456·7890"]
)
def test_a_number_in_groups_is_a_number(home: Home, number: str) -> None:
    home.publish(a_person(1))
    refused = home.run("hold", CASE, "--basis", f"来电 {number}", "--as", "clerk")
    assert refused.code == 2
    assert number not in refused.err
    assert "号码" in refused.err


def test_the_command_says_what_the_public_saw(home: Home) -> None:
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "核对", "--as", "clerk")
    said = home.run("remove", CASE, "--ground", "closed", "--basis", "终结执行裁定书", "--as", "reviewer")
    assert "公众此前已经查不到" in said.out


def test_what_went_back_to_the_start_is_removed_like_what_is_listed(home: Home) -> None:
    batch = bring_in(home, a_person(1, disclosure="restricted", restricted_ground="privacy"))
    grounds = ("--ground", "closed", "--basis", "终结执行裁定书", "--as", "reviewer")
    refused = home.run("remove", CASE, *grounds)
    assert refused.code == 2
    assert "还没有纳入名单" in refused.err
    home.ask("approve", batch, "--as", "second", *BOTH)
    home.ask("publish")
    home.ask("correct", CASE, "--set", "obligation=支付借款900000元。", "--as", "reviewer", *BOTH)
    assert read(home).state == "draft"
    home.ask("remove", CASE, *grounds)
    assert (read(home).state, articles(home), texts(home)) == ("removed", [], [])


# Days, and what else came to light ---------------------------------------------------------------------------------------


def decided(home: Home) -> list[tuple[str, date, date]]:
    court = home.court
    with court.reading() as session:
        return [(row.action, row.arose_on, row.known_on) for row in session.scalars(select(DecisionRow))]


def test_a_ground_is_no_younger_than_the_second_query(home: Home) -> None:
    home.publish(a_person(1))
    queries = ("--query", "2026-01-05", "--query", "2026-02-05", "--query", "2026-11-01")
    home.ask("remove", CASE, "--ground", "no_property_found", "--basis", "终本裁定书", *queries, "--as", "reviewer")
    assert decided(home)[-1] == ("remove", date(2026, 2, 5), date(2026, 2, 5))


def test_a_ground_is_no_younger_than_its_record(home: Home) -> None:
    home.publish(a_person(1))
    days = ("--arose", "2026-11-10", "--known", "2026-11-16")
    home.ask("ground", "add", CASE, "--ground", "performed", "--basis", "结案通知书", *days, "--as", "clerk")
    home.ask("remove", CASE, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    assert decided(home)[-1] == ("remove", date(2026, 11, 10), date(2026, 11, 16))


def test_a_request_to_show_again_ends_with_a_ground(home: Home) -> None:
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "核对", "--as", "clerk")
    home.ask("hold", CASE, "--lift", "--basis", "核对完毕", "--as", "clerk")
    home.ask("ground", "add", CASE, "--ground", "performed", "--basis", "来信", "--as", "clerk")
    home.ask("ground", "dismiss", CASE, "--ground", "performed", "--reason", "回单不实", "--as", "second")
    home.ask("hold", CASE, "--lift", "--basis", "核对完毕", "--as", "reviewer")
    assert read(home).state == "held"
    home.ask("hold", CASE, "--lift", "--as", "second")
    assert read(home).state == "published"


@pytest.mark.parametrize(
    "change",
    [("birth_date=2010-01-02", "id_number"), ("served_on=",)],
    ids=["a child", "never served"],
)
def test_a_correction_that_shows_why_the_name_must_go_hides_it(home: Home, change: tuple[str, ...]) -> None:
    number = {"id_number": "9901012010****0013", "birth_date": "2008-01-02"} if len(change) > 1 else {}
    if number:
        number = {"id_number": "990101********0013", "birth_date": "1980-01-02"}
    home.publish(a_person(1, **number))
    assert read(home).state == "published"
    home.ask("correct", CASE, "--set", change[0], "--as", "reviewer", *BOTH)
    row = read(home)
    assert row.state == "held"
    court = home.court
    with court.store.snapshot(court.now) as snapshot:
        assert not snapshot.all("")
    with court.reading() as session:
        assert [clock.rule for clock in session.scalars(select(ClockRow)) if clock.ended is None] == ["hold_confirm"]


def test_of_what_is_performed_a_correction_says_what_to_do(home: Home) -> None:
    home.publish(a_person(1))
    refused = home.run("correct", CASE, "--set", "performance=全部已履行", "--as", "reviewer", *BOTH)
    assert refused.code == 2
    assert "请办理删除" in refused.err


@pytest.mark.parametrize(("day", "approved"), [("2027-05-18", 0), ("2027-05-19", 1)])
def test_six_months_after_the_applicants_request_under_another_case_number(home: Home, day: str, approved: int) -> None:
    home.publish(a_person(1))
    grounds = ("--ground", "applicant_request", "--basis", "申请书", "--confirmation", "书面申请")
    home.ask("remove", CASE, *grounds, "--as", "reviewer")
    home.clock.advance(days=200)
    again = a_person(1, case_number="（2027）测0101执恢7号", decided_on=day, served_on=day)
    other = a_person(2, case_number="（2027）测0101执恢8号", decided_on=day, served_on=day)
    said = home.run("approve", bring_in(home, again, other), "--as", "reviewer", *BOTH, "--json").json
    assert said["approved"] == 1 + approved
    assert [one["rule"] for one in said["refused"]] == ([] if approved else ["within_six_months"])
