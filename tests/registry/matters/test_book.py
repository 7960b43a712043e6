"""A matter from its arrival to its end, through the registry: clocks, recusal, what is sealed, whom it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import select, text

from gongshi.court import Court
from registry.departing import Grounds
from registry.matters import (
    Arrival,
    Channel,
    Claim,
    Content,
    Given,
    MatterKind,
    MatterRefused,
    MatterState,
    Remedy,
    Step,
    carrying,
    close_fulfilled,
    get_matter,
    link_record,
    list_of_record,
    read_content,
    read_notes,
    register_matter,
    take_step,
    take_unit_answer,
)
from registry.record import State
from registry.records import get_row
from registry.tables import AuditRow, ClockRow, JournalRow, LedgerRow, MatterRow, RecordRow, UnitRow
from search_index.submission import draw_code, draw_receipt, token_of

BOTH = ("--confirm", "art3", "--confirm", "redactions")
CASE = "（2025）测0101执1号"
SECRET = ("秘密来件人", "13812340000", "秘密路99号", "秘密内容三个字")


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    home.publish(a_person(1), a_person(2))
    made = home.court
    yield made
    made.close()


def objection(court: Court, **changes: Any) -> int:
    """Register an objection about the first entry on paper; its id."""
    with court.session() as session:
        values: dict[str, Any] = {
            "kind": MatterKind.OBJECTION,
            "channel": Channel.PAPER,
            "received_on": court.today,
            "content": Content(words=SECRET[3], who=SECRET[0], phone=SECRET[1], address=SECRET[2]),
            "record": get_row(session, "（2025）测0101执1号"),
            "ground": Claim.PERFORMED,
        }
        return register_matter(session, court.vault, Arrival(**{**values, **changes}), court.acting("clerk")).id


def step(court: Court, matter: int, what: Step, actor: str = "second", **given: Any) -> None:
    with court.session() as session:
        row = get_matter(session, matter)
        assert row is not None
        take_step(session, court.vault, row, what, court.acting(actor), Given(**given))


def state(court: Court, matter: int) -> MatterState:
    with court.reading() as session:
        return MatterState(session.get_one(MatterRow, matter).state)


def running(court: Court, matter: int) -> dict[str, date]:
    with court.reading() as session:
        query = select(ClockRow).where(ClockRow.matter_id == matter, ClockRow.ended.is_(None))
        return {clock.rule: clock.due for clock in session.scalars(query)}


def uphold(court: Court, matter: int, remedy: Remedy, *fields: str) -> None:
    step(court, matter, Step.REVIEW)
    given = {"basis": "（2026）测0101执异1号", "remedy": remedy, "fields": fields}
    step(court, matter, Step.UPHOLD, words="查明已经履行", **given)


def correct(home: Home, *settings: str, case: str = CASE) -> None:
    """A reviewer corrects an entry."""
    sets = [part for setting in settings for part in ("--set", setting)]
    said = home.run("correct", case, *sets, *BOTH, "--as", "reviewer")
    assert said.code == 0, said.out + said.err


def test_b19_review_runs_fifteen_days_from_the_true_arrival(court: Court) -> None:
    """B19, P22: from the day it arrived and not from the click; a late application is registered like any other."""
    assert running(court, objection(court, received_on=date(2026, 11, 9))) == {"correction_review": date(2026, 11, 24)}
    late = objection(court, received_on=date(2026, 4, 20))
    assert running(court, late) == {"correction_review": date(2026, 5, 6)}
    with pytest.raises(MatterRefused, match="不能晚于今天"):
        objection(court, received_on=court.today + timedelta(days=1))


def test_p22_what_is_right_is_put_right_within_three_working_days(court: Court) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.REMOVE)
    # 2026-11-18 is a Wednesday.
    assert running(court, matter) == {"correction_fix": date(2026, 11, 23)}
    grounds = Grounds(ground="performed", basis="（2026）测0101执异1号", arose_on=court.today, known_on=court.today)

    def decide(session: Any) -> Any:
        row = get_matter(session, matter)
        assert row is not None
        return carrying.carry_out(
            session, row, get_row(session, "（2025）测0101执1号"), grounds, court.acting("second")
        )

    departure = court.take_down(decide)
    assert departure.state is State.REMOVED
    assert departure.change is not None
    assert state(court, matter) is MatterState.CLOSED
    assert running(court, matter) == {}


def test_who_listed_somebody_stays_recused_whatever_others_correct_since(home: Home, court: Court) -> None:
    """四（二）2: a correction by somebody else makes nobody a stranger to the listing, and lists nobody by itself."""
    home.ask("correct", "（2025）测0101执1号", "--set", "region=测试省", *BOTH, "--as", "second")
    matter = objection(court)
    step(court, matter, Step.REVIEW, actor="clerk")
    for actor in ("reviewer", "clerk"):
        with pytest.raises(MatterRefused, match=r"应当由另一名审核人决定.*可以办理的有：second$"):
            step(court, matter, Step.REJECT, actor=actor, words="尚未履行完毕")
    assert state(court, matter) is MatterState.REVIEWING
    step(court, matter, Step.REJECT, actor="second", words="尚未履行完毕")


def test_who_completed_a_draft_that_another_approved_is_recused_and_told_that_nobody_is_left(home: Home) -> None:
    batch = home.ask("import", home.write("more.jsonl", [a_person(1)]), "--as", "clerk")["batch"]
    home.ask("correct", "（2025）测0101执1号", "--set", "region=测试省", "--as", "second")
    home.ask("approve", batch, "--as", "reviewer", *BOTH)
    home.ask("publish")
    court = home.court
    matter = objection(court)
    step(court, matter, Step.REVIEW, actor="clerk")
    for actor in ("reviewer", "second"):
        with pytest.raises(MatterRefused, match="请系统管理员增设账户"):
            step(court, matter, Step.REJECT, actor=actor, words="尚未履行完毕")
    court.close()


def test_who_agreed_to_a_second_version_or_brought_it_in_is_recused(home: Home, court: Court) -> None:
    for name in ("third", "fourth", "fifth"):
        assert home.run("user", "add", name, "--role", "reviewer", typed="a-long-password\n").code == 0
    more = home.write("more.jsonl", [a_person(1, obligation="支付五万元。")])
    batch = home.ask("import", more, "--as", "third")["batch"]
    home.ask("approve", batch, "--as", "fourth", *BOTH)
    # Whose names the last correction leaves in the row.
    home.ask("correct", "（2025）测0101执1号", "--set", "region=测试省", *BOTH, "--as", "second")
    matter = objection(court)
    step(court, matter, Step.REVIEW, actor="clerk")
    for actor in ("third", "fourth"):
        with pytest.raises(MatterRefused, match="应当由另一名审核人决定"):
            step(court, matter, Step.REJECT, actor=actor, words="尚未履行完毕")
    step(court, matter, Step.REJECT, actor="fifth", words="尚未履行完毕")


def test_a_departure_by_any_way_closes_what_was_found_right_and_nothing_else(home: Home, court: Court) -> None:
    right, open_one = objection(court), objection(court)
    uphold(court, right, Remedy.WITHDRAW)
    said = home.run(
        "withdraw", "（2025）测0101执1号", "--ground", "wrongly_listed", "--basis", "裁定", "--as", "reviewer"
    )
    assert said.code == 0, said.err
    assert state(court, right) is MatterState.CLOSED
    assert state(court, open_one) is MatterState.RECEIVED


def test_p22_a_refusal_is_served_and_can_be_taken_to_the_higher_court(home: Home, court: Court) -> None:
    matter = objection(court, received_on=date(2026, 11, 2))
    step(court, matter, Step.REVIEW)
    step(court, matter, Step.REJECT, words="尚未履行完毕")
    assert running(court, matter) == {}
    step(court, matter, Step.SERVE, on=court.today)
    assert running(court, matter) == {"reconsideration_request": date(2026, 11, 30)}
    with pytest.raises(MatterRefused, match="届满前不能办结"):
        step(court, matter, Step.CLOSE)
    home.clock.advance(days=5)
    step(court, matter, Step.ASK_ABOVE, on=date(2026, 11, 19))
    with pytest.raises(MatterRefused, match="驳回决定送达之日（2026-11-18）"):
        step(court, matter, Step.SEND_ABOVE, on=date(2026, 11, 17))
    step(court, matter, Step.SEND_ABOVE, on=date(2026, 11, 20))
    assert running(court, matter) == {"reconsideration_decision": date(2026, 12, 7)}
    above = {"basis": "（2026）测01执复1号", "remedy": Remedy.CORRECT, "fields": ("performance",)}
    with pytest.raises(MatterRefused, match="上一级人民法院收到复议申请之日（2026-11-20）"):
        step(court, matter, Step.UPHOLD_ABOVE, on=date(2026, 11, 19), **above)
    step(court, matter, Step.UPHOLD_ABOVE, on=court.today, **above)
    assert state(court, matter) is MatterState.UPHELD_ABOVE
    assert "correction_fix" in running(court, matter)


def test_the_day_of_the_act_and_not_of_the_click_says_whether_it_was_in_time(home: Home, court: Court) -> None:
    matter = objection(court, received_on=date(2026, 11, 2))
    step(court, matter, Step.REVIEW)
    step(court, matter, Step.REJECT, words="理由")
    step(court, matter, Step.SERVE, on=court.today)
    home.clock.advance(days=30)
    step(court, matter, Step.ASK_ABOVE, on=date(2026, 11, 27))
    with court.reading() as session:
        ended = session.scalars(select(ClockRow.ended).where(ClockRow.rule == "reconsideration_request")).all()
    assert ended == ["met"]


def test_the_window_for_reconsideration_closes_after_its_last_day(home: Home, court: Court) -> None:
    matter = objection(court)
    step(court, matter, Step.REVIEW)
    step(court, matter, Step.REJECT, words="理由")
    step(court, matter, Step.SERVE, on=court.today)
    home.clock.advance(days=10)
    with pytest.raises(MatterRefused, match="届满前不能办结"):
        step(court, matter, Step.CLOSE)
    home.clock.advance(days=4)
    step(court, matter, Step.CLOSE)
    assert state(court, matter) is MatterState.CLOSED


@pytest.mark.parametrize("actor", ["clerk", "reviewer"])
def test_who_listed_somebody_does_not_judge_the_objection(court: Court, actor: str) -> None:
    """The clerk imported the entry and the reviewer approved it; either may register and look, a third decides."""
    matter = objection(court)
    step(court, matter, Step.REVIEW, actor)
    for what in ({"what": Step.REJECT}, {"what": Step.UPHOLD, "basis": "裁定", "remedy": Remedy.REMOVE}):
        with pytest.raises(MatterRefused, match="另一名审核人"):
            step(court, matter, actor=actor, words="理由", **what)
    step(court, matter, Step.REJECT, words="理由")


def test_nothing_that_names_anybody_lies_in_the_clear(home: Home, court: Court) -> None:
    matter = objection(court)
    step(court, matter, Step.REVIEW)
    step(court, matter, Step.REJECT, words=f"{SECRET[0]}没有履行")
    with court.reading() as session:
        for table in ("matter", "audit", "clock", "journal", "ledger"):
            rows = session.execute(text(f"select * from {table}")).all()
            assert rows or table == "ledger"
            whole = repr(rows)
            assert not any(word in whole for word in SECRET), table
        row = session.get_one(MatterRow, matter)
        assert read_content(row, court.vault).who == SECRET[0]
        assert [note.step for note in read_notes(row, court.vault)] == ["review", "reject"]
    with pytest.raises(MatterRefused, match="号码"):
        step(court, objection(court), Step.DROP, on=court.today, basis="电话13812340000")


def test_every_step_has_its_audit_line_with_the_article(court: Court) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.CORRECT, "obligation")
    with court.reading() as session:
        lines = session.scalars(select(AuditRow).where(AuditRow.action.like("objection_%")).order_by(AuditRow.id)).all()
        said = [(line.action, line.actor, line.detail.get("to")) for line in lines]
        assert all("第十" in line.detail["article"] and line.detail["matter"] == matter for line in lines)
    assert said == [
        ("objection_register", "clerk", None),
        ("objection_review", "second", "reviewing"),
        ("objection_uphold", "second", "upheld"),
    ]


def test_the_portal_is_told_one_word_and_two_days(home: Home, court: Court) -> None:
    receipt, code = draw_receipt(home.random), draw_code(home.random)
    token = token_of(receipt, code)
    matter = objection(court, receipt=receipt, token=token)
    step(court, matter, Step.REVIEW)
    step(court, matter, Step.REJECT, words=SECRET[3])

    def told() -> dict[str, Any]:
        with court.reading() as session:
            query = select(JournalRow.body).where(JournalRow.key == token).order_by(JournalRow.position.desc())
            return dict(json.loads(session.scalars(query).first() or "{}"))

    assert told() == {"state": "rejected", "on": "2026-11-18", "until": None}
    step(court, matter, Step.SERVE, on=court.today)
    assert told() == {"state": "rejected", "on": "2026-11-18", "until": "2026-11-30"}
    step(court, matter, Step.DROP, on=court.today, basis="撤回申请书")
    assert told()["state"] == "closed"
    assert set(told()) == {"state", "on", "until", "visible_until"}


def test_b20_units_are_told_once_per_entry_and_again_when_the_last_objection_is_decided(court: Court) -> None:
    with court.session() as session:
        session.add(a_unit(court))
    first, second = objection(court), objection(court)

    def said() -> list[str]:
        with court.reading() as session:
            rows = session.scalars(select(LedgerRow).order_by(LedgerRow.id)).all()
            return [str(row.detail.get("state")) for row in rows if row.detail.get("state")]

    assert said() == ["UNDER_VERIFICATION"]
    for matter in (first, second):
        step(court, matter, Step.REVIEW)
        assert said() == ["UNDER_VERIFICATION"]
        step(court, matter, Step.REJECT, words="理由")
    assert said() == ["UNDER_VERIFICATION", "VERIFIED"]


def test_b25_a_complaint_goes_to_its_unit_and_the_reporter_is_told(court: Court) -> None:
    with court.session() as session:
        one, other = a_unit(court, "one"), a_unit(court, "other")
        session.add_all([one, other])
        session.flush()
        units = one.id, other.id
    matter = objection(court, kind=MatterKind.COMPLAINT, ground=None, record=None)
    assert set(running(court, matter)) == {"complaint"}
    with pytest.raises(MatterRefused, match="请选择"):
        step(court, matter, Step.ROUTE, "clerk", unit=999)
    step(court, matter, Step.ROUTE, "clerk", unit=units[0])
    with court.session() as session, pytest.raises(MatterRefused, match="没有转给本单位"):
        take_unit_answer(session, court.vault, matter, units[1], "不是我们的", court.acting("other"))
    with court.session() as session:
        take_unit_answer(session, court.vault, matter, units[0], "已经按规定办理", court.acting("one"))
    assert set(running(court, matter)) == {"complaint"}
    step(court, matter, Step.TELL, "clerk", on=court.today)
    assert state(court, matter) is MatterState.CLOSED
    assert running(court, matter) == {}


def test_b23_repair_is_for_who_has_left_and_takes_both_sides(home: Home, court: Court) -> None:
    with pytest.raises(MatterRefused, match="还没有退出"):
        objection(court, kind=MatterKind.REPAIR, ground=None)
    said = home.run("remove", "（2025）测0101执1号", "--ground", "closed", "--basis", "裁定", "--as", "reviewer")
    assert said.code == 0, said.err
    matter = objection(court, kind=MatterKind.REPAIR, ground=None)
    with pytest.raises(MatterRefused):
        step(court, matter, Step.ALLOW, words="同意")
    step(court, matter, Step.CONSULT, words="单位认为可以修复")
    step(court, matter, Step.GIVE_VIEW, words="本院没有意见")
    step(court, matter, Step.ALLOW, words="同意修复")
    step(court, matter, Step.EXPORT, on=court.today)
    with court.reading() as session:
        assert session.get_one(MatterRow, matter).outcome == "allowed"


def test_p22_what_is_to_be_corrected_is_named_and_only_its_correction_closes_the_matter(
    home: Home, court: Court
) -> None:
    """Art. 9 ¶2, 12 ¶1: neither another correction nor half of it is what was decided."""
    matter = objection(court)
    uphold(court, matter, Remedy.CORRECT, "performance", "obligation")
    for setting in ("note=无关", "performance=部分未履行"):
        home.clock.advance(minutes=1)
        correct(home, setting)
        assert state(court, matter) is MatterState.UPHELD
        assert set(running(court, matter)) == {"correction_fix"}
    correct(home, "obligation=支付货款五万元。")
    assert state(court, matter) is MatterState.CLOSED
    with court.reading() as session:
        row = session.get_one(MatterRow, matter)
        assert (row.outcome, row.closed_at) == ("correct", court.now)
        ended = session.scalars(select(ClockRow).where(ClockRow.rule == "correction_fix")).one()
        assert (ended.ended, ended.ended_by) == ("met", "reviewer")
        line = session.scalars(select(AuditRow).where(AuditRow.action == "objection_carry_out")).one()
        assert (line.actor, line.detail["fields"]) == ("reviewer", ["obligation", "performance"])


def test_what_was_corrected_and_set_back_is_not_corrected(home: Home, court: Court) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.CORRECT, "region", "conduct")
    correct(home, "region=测试省")
    correct(home, f"region={a_person(1)['region']}")
    correct(home, "conduct=breaks_property_reporting", "term_ends_on=2027-01-01")
    assert state(court, matter) is MatterState.UPHELD
    correct(home, "region=测试省")
    assert state(court, matter) is MatterState.CLOSED


def test_a_correction_that_comes_too_late_misses_the_clock_and_leaves_the_entry_hidden(
    home: Home, court: Court
) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.CORRECT, "performance")
    home.clock.advance(days=6)
    home.ask("publish")
    with court.reading() as session:
        assert get_row(session, CASE, lock=False).state == "held"
    correct(home, "performance=部分未履行")
    assert state(court, matter) is MatterState.CLOSED
    with court.reading() as session:
        assert get_row(session, CASE, lock=False).state == "held"
        assert session.scalars(select(ClockRow.ended).where(ClockRow.rule == "correction_fix")).all() == ["missed"]


def test_a_second_version_that_another_agreed_to_corrects_as_well(home: Home, court: Court) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.CORRECT, "obligation")
    batch = home.ask("import", home.write("more.jsonl", [a_person(1, obligation="支付五万元。")]), "--as", "clerk")[
        "batch"
    ]
    assert state(court, matter) is MatterState.UPHELD
    home.ask("approve", batch, "--as", "reviewer", *BOTH)
    assert state(court, matter) is MatterState.CLOSED


def test_a_draft_is_corrected_by_whoever_completes_it(home: Home, court: Court) -> None:
    """Nobody sees a draft: what was wrong in it is right from there on."""
    home.ask("import", home.write("third.jsonl", [a_person(3)]), "--as", "clerk")
    matter = objection(court, record=None)
    with court.session() as session:
        row = get_matter(session, matter)
        assert row is not None
        link_record(session, row, get_row(session, "（2025）测0101执3号"), court.acting("clerk"))
    uphold(court, matter, Remedy.CORRECT, "region")
    correct(home, "region=测试省", case="（2025）测0101执3号")
    assert state(court, matter) is MatterState.CLOSED


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"remedy": Remedy.CORRECT}, "请选择应当更正的项目"),
        ({"remedy": Remedy.CORRECT, "fields": ("region", "name")}, "列错人的请选择撤销"),
        ({"remedy": Remedy.CORRECT, "fields": ("case_number",)}, "列错人的请选择撤销"),
        ({"remedy": Remedy.CORRECT, "fields": ("restricted_ground",)}, "不能更正"),
        ({"remedy": Remedy.CORRECT, "fields": ("nonsense",)}, "不能更正"),
        ({"remedy": Remedy.WITHDRAW, "fields": ("region",)}, "不再选择应当更正的项目"),
    ],
)
def test_what_cannot_be_corrected_is_not_decided_to_be(court: Court, given: dict[str, Any], why: str) -> None:
    matter = objection(court)
    step(court, matter, Step.REVIEW)
    with pytest.raises(MatterRefused, match=why):
        step(court, matter, Step.UPHOLD, words="理由", basis="裁定", **given)
    assert state(court, matter) is MatterState.REVIEWING


def test_what_an_entry_said_lies_sealed_and_its_correction_is_told_by_the_names_of_fields(court: Court) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.CORRECT, "obligation")
    with court.reading() as session:
        line = session.scalars(select(AuditRow).where(AuditRow.action == "objection_uphold")).one()
        assert line.detail["fields"] == ["obligation"]
        for table in ("matter", "audit", "clock"):
            assert a_person(1)["obligation"] not in repr(session.execute(text(f"select * from {table}")).all()), table


def test_what_is_to_be_corrected_can_be_decided_anew_while_its_clock_runs_on(home: Home, court: Court) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.CORRECT, "region", "obligation")
    due = running(court, matter)
    home.clock.advance(days=1)
    anew = {"words": "义务的记载没有错误", "basis": "（2026）测0101执异1号之一", "remedy": Remedy.CORRECT}
    for actor in ("clerk", "reviewer"):
        with pytest.raises(MatterRefused, match="另一名审核人"):
            step(court, matter, Step.AMEND, actor, fields=("region",), **anew)
    step(court, matter, Step.AMEND, fields=("region", "performance"), **anew)
    assert running(court, matter) == due
    correct(home, "region=测试省")
    assert state(court, matter) is MatterState.UPHELD
    # Nothing is left of what is wrong: done, at this moment.
    step(court, matter, Step.AMEND, fields=("region",), **anew)
    assert state(court, matter) is MatterState.CLOSED


def test_a_decision_to_take_down_is_not_turned_into_one_to_correct(court: Court) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.REMOVE)
    with pytest.raises(MatterRefused, match="只有决定“更正”的可以改正决定"):
        step(court, matter, Step.AMEND, words="理由", basis="裁定", remedy=Remedy.CORRECT, fields=("region",))


def test_what_is_found_right_of_an_entry_that_has_left_needs_nothing_more(home: Home, court: Court) -> None:
    matter = objection(court)
    home.ask("remove", CASE, "--ground", "closed", "--basis", "裁定", "--as", "reviewer")
    uphold(court, matter, Remedy.CORRECT)
    assert state(court, matter) is MatterState.CLOSED
    with court.reading() as session:
        assert session.scalars(select(ClockRow.ended).where(ClockRow.rule == "correction_fix")).all() == ["void"]


def test_an_entry_that_leaves_meanwhile_closes_what_was_to_be_corrected(home: Home, court: Court) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.CORRECT, "region")
    home.ask("remove", CASE, "--ground", "closed", "--basis", "裁定", "--as", "reviewer")
    assert state(court, matter) is MatterState.CLOSED


@pytest.mark.parametrize("what", [Step.REJECT, Step.UPHOLD, Step.ASK_MORE])
def test_p23_a_decision_is_of_the_moment_it_is_put_in(home: Home, court: Court, what: Step) -> None:
    """Dated back, a review that was missed would have been in time (art. 12 ¶1, art. 13)."""
    matter = objection(court)
    step(court, matter, Step.REVIEW)
    home.clock.advance(days=40)
    given = {"words": "理由", "basis": "裁定", "remedy": Remedy.REMOVE}
    with pytest.raises(MatterRefused, match="不能另填日期"):
        step(court, matter, what, on=date(2026, 11, 20), **given)
    assert state(court, matter) is MatterState.REVIEWING
    step(court, matter, Step.REJECT, words="理由")
    with court.reading() as session:
        assert session.scalars(select(ClockRow.ended)).all() == ["missed"]


def test_what_was_missed_stays_missed_though_the_person_gives_up(home: Home, court: Court) -> None:
    """The fifteen days are the court's; who gives up later takes nothing of that back, and gives up in writing."""
    matter = objection(court)
    home.clock.advance(days=40)
    with pytest.raises(MatterRefused, match="请填写依据"):
        step(court, matter, Step.DROP, "clerk", on=court.today)
    step(court, matter, Step.DROP, "clerk", on=court.today, basis="撤回申请书")
    with court.reading() as session:
        assert session.scalars(select(ClockRow.ended)).all() == ["missed"]


def test_a_request_that_was_posted_in_time_reaches_a_closed_matter(home: Home, court: Court) -> None:
    """民诉法 85 ¶4: what is posted before the last day is over is in time."""
    matter = objection(court)
    step(court, matter, Step.REVIEW)
    step(court, matter, Step.REJECT, words="理由")
    step(court, matter, Step.SERVE, on=court.today)
    home.clock.advance(days=14)
    step(court, matter, Step.CLOSE)
    with pytest.raises(MatterRefused, match="只有在2026-11-30以前交邮"):
        step(court, matter, Step.ASK_ABOVE, on=date(2026, 12, 1))
    step(court, matter, Step.ASK_ABOVE, on=date(2026, 11, 30))
    with court.reading() as session:
        row = session.get_one(MatterRow, matter)
        assert (row.state, row.closed_at) == ("asked_above", None)
    step(court, matter, Step.SEND_ABOVE, on=court.today)
    step(court, matter, Step.CONFIRM_ABOVE, on=court.today)
    # The higher court has spoken.
    with pytest.raises(MatterRefused, match="不能再申请复议"):
        step(court, matter, Step.ASK_ABOVE, on=date(2026, 11, 30))


def test_what_was_to_be_withdrawn_is_not_done_by_leaving_for_another_reason(home: Home, court: Court) -> None:
    """Art. 9 ¶1: that it ought never to have been listed is more than that it is listed no more."""
    before, after = objection(court), objection(court)
    uphold(court, before, Remedy.WITHDRAW)
    home.ask("remove", CASE, "--ground", "closed", "--basis", "裁定", "--as", "reviewer")
    uphold(court, after, Remedy.WITHDRAW)
    for matter in (before, after):
        assert state(court, matter) is MatterState.UPHELD
        assert set(running(court, matter)) == {"correction_fix"}
    home.ask("withdraw", CASE, "--ground", "wrongly_listed", "--basis", "决定书", "--as", "reviewer")
    for matter in (before, after):
        assert state(court, matter) is MatterState.CLOSED
        assert running(court, matter) == {}


def test_b23_who_is_listed_again_in_the_same_case_has_nothing_to_repair(home: Home, court: Court) -> None:
    home.ask("remove", CASE, "--ground", "closed", "--basis", "裁定", "--as", "reviewer")
    with court.reading() as session:
        left = session.scalars(select(RecordRow.id).order_by(RecordRow.id)).first()
    home.clock.advance(days=30)
    again = {"decided_on": "2026-12-10", "served_on": "2026-12-11", "decision_number": "（2026）测0101执1号决定书"}
    home.publish(a_person(1, **again), name="again.jsonl")
    with court.session() as session:
        arrival = Arrival(
            kind=MatterKind.REPAIR,
            channel=Channel.PAPER,
            received_on=court.today,
            content=Content(words="申请修复"),
            record=session.get_one(RecordRow, left),
        )
        with pytest.raises(MatterRefused, match="又被纳入名单"):
            register_matter(session, court.vault, arrival, court.acting("clerk"))


def test_a_duty_done_on_an_earlier_day_is_shown_by_a_document(home: Home, court: Court) -> None:
    matter = objection(court, kind=MatterKind.COMPLAINT, ground=None, record=None)
    step(court, matter, Step.ANSWER, "clerk", words="已经办理")
    told_on = court.today
    home.clock.advance(days=40)
    with pytest.raises(MatterRefused, match="告知的日期早于今天的，请在依据一栏写明"):
        step(court, matter, Step.TELL, "clerk", on=told_on)
    step(court, matter, Step.TELL, "clerk", on=told_on, basis="2026年11月18日告知笔录")
    with court.reading() as session:
        assert session.scalars(select(ClockRow.ended)).all() == ["met"]
        detail = session.scalars(select(AuditRow).where(AuditRow.action == "complaint_tell")).one().detail
    assert (detail["on"], detail["entered_on"]) == ("2026-11-18", "2026-12-28")
    assert detail["basis"] == "2026年11月18日告知笔录"


def test_a_right_does_not_run_out_sooner_by_an_undocumented_day(home: Home, court: Court) -> None:
    """Art. 12 ¶2: the ten days run from service, which is after the decision and shown by its receipt."""
    matter = objection(court, received_on=date(2026, 11, 2))
    step(court, matter, Step.REVIEW)
    step(court, matter, Step.REJECT, words="理由", basis="（2026）测0101执异1号")
    with pytest.raises(MatterRefused, match="作出驳回决定之日（2026-11-18）"):
        step(court, matter, Step.SERVE, on=date(2026, 11, 10), basis="送达回证")
    home.clock.advance(days=9)
    with pytest.raises(MatterRefused, match="送达回证"):
        step(court, matter, Step.SERVE, on=date(2026, 11, 19))
    step(court, matter, Step.SERVE, on=date(2026, 11, 19), basis="2026年11月19日送达回证")
    assert running(court, matter) == {"reconsideration_request": date(2026, 11, 30)}
    with court.reading() as session:
        # The matter still rests on the decision, and not on its receipt.
        assert session.get_one(MatterRow, matter).basis == "（2026）测0101执异1号"


def test_an_entry_is_linked_once_its_clocks_with_it(court: Court) -> None:
    matter = objection(court, record=None)
    step(court, matter, Step.REVIEW)
    with pytest.raises(MatterRefused, match="先关联"):
        step(court, matter, Step.UPHOLD, words="理由", basis="裁定", remedy=Remedy.REMOVE)
    with court.session() as session:
        row = get_matter(session, matter)
        assert row is not None
        record = get_row(session, "（2025）测0101执2号")
        link_record(session, row, record, court.acting("clerk"))
        clocks = session.scalars(select(ClockRow.record_id).where(ClockRow.matter_id == matter)).all()
        assert clocks == [record.id]
        assert [line.id for line in list_of_record(session, record.id)] == [matter]
        with pytest.raises(MatterRefused, match="已经开始办理"):
            link_record(session, row, get_row(session, "（2025）测0101执1号"), court.acting("clerk"))


def test_a_step_is_taken_once(court: Court) -> None:
    matter = objection(court)
    step(court, matter, Step.REVIEW)
    with pytest.raises(MatterRefused, match="不能办理“开始审查”"):
        step(court, matter, Step.REVIEW)


def test_close_fulfilled_leaves_other_entries_alone(court: Court) -> None:
    matter = objection(court)
    uphold(court, matter, Remedy.REMOVE)
    with court.session() as session:
        other = get_row(session, "（2025）测0101执2号")
        assert close_fulfilled(session, other, court.acting("second")) == 0
    assert state(court, matter) is MatterState.UPHELD


def a_unit(court: Court, slug: str = "unit") -> UnitRow:
    return UnitRow(
        slug=slug,
        name=f"测试市{slug}局",
        department=None,
        leading=False,
        basis="测试依据",
        receives={"releases": True},
        recipient=None,
        active=True,
        created_at=court.now,
    )
