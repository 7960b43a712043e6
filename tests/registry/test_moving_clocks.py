"""What a departure, a hold and a time of grace set going and end, by the command line and on a court's books."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from entries import a_person, an_organisation, with_term
from flask.testing import FlaskClient
from homes import START, Home
from sqlalchemy import select

from portal.app import create_app
from registry.deadlines import Rule
from registry.departing import (
    NEEDS_APPLICANT,
    REMOVAL_GROUNDS,
    WITHDRAWAL_GROUNDS,
    article_of,
    confirm_hold,
    hold_is_open,
)
from registry.lifecycle import Action
from registry.tables import AlarmRow, AuditRow, ClockRow, DecisionRow, RecordRow
from search_index.day import day_of

CASE = "（2025）测0101执1号"
BOTH = ("--confirm", "art3", "--confirm", "redactions")
TODAY = day_of(START)


@pytest.fixture
def databases() -> dict[str, str]:
    """SQLite alone: what is asked here is not asked of the database."""
    return {}


@pytest.fixture
def public(home: Home) -> Iterator[FlaskClient]:
    portal = create_app(home.public_settings, home.clock)
    yield portal.test_client()
    portal.close()


def list_shown(public: FlaskClient) -> list[str]:
    answer = public.get("/api/v1/entries").json
    assert answer is not None
    return [entry["case_number"] for entry in answer["entries"]]


def prepare(home: Home, *entries: dict[str, Any]) -> None:
    """Import and approve, and publish nothing."""
    batch = home.ask("import", home.write("entries.jsonl", entries), "--as", "clerk")["batch"]
    home.ask("approve", batch, "--as", "reviewer", *BOTH)


def read_rows(home: Home, table: Any, *which: Any) -> list[Any]:
    court = home.court
    with court.reading() as session:
        rows = list(session.scalars(select(table).where(*which).order_by(table.id)))
        session.expunge_all()
    court.close()
    return rows


def read_clocks(home: Home) -> dict[str, str | None]:
    """The clocks of the record, by rule, and how each ended."""
    return {clock.rule: clock.ended for clock in read_rows(home, ClockRow)}


def stage_of(home: Home) -> str:
    stage: str = read_rows(home, RecordRow)[0].stage
    return stage


# What the gate takes down by itself -------------------------------------------------------------------------------


def test_what_the_gate_takes_down_by_itself_waits_for_a_person_who_is_told(home: Home, public: FlaskClient) -> None:
    """Here the service of the decision turns out to be missing when other rules make the gate look again."""
    home.publish(a_person(1))
    court = home.court
    with court.session() as session:
        row = session.scalars(select(RecordRow)).one()
        row.facts, row.policy = {**row.facts, "served_on": None}, "of older rules"
    home.ask("publish")
    assert list_shown(public) == []
    (decision,) = read_rows(home, DecisionRow)
    assert (decision.action, decision.decided_by) == ("hold", "gongshi")
    assert "法释〔2017〕7号第五条第三款" in decision.basis
    assert read_clocks(home) == {"hold_confirm": None}
    told = read_rows(home, AlarmRow)
    assert {(alarm.staff, alarm.kind) for alarm in told} == {("clerk", "acted"), ("reviewer", "acted")}
    with court.session() as session:
        row = session.scalars(select(RecordRow)).one()
        assert hold_is_open(session, row)
        confirm_hold(session, row, court.acting("reviewer"))
        assert not hold_is_open(session, row)
    assert read_clocks(home) == {"hold_confirm": "met"}
    court.close()


# Grace ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [("--until", "2026-12-30"), ("--months", "1")])
def test_nothing_is_published_before_the_last_day_of_grace_is_over(
    home: Home, public: FlaskClient, how: tuple[str, str]
) -> None:
    prepare(home, a_person(1))
    until = date.fromisoformat(home.ask("grace", CASE, *how, "--basis", "宽限决定书1号", "--as", "reviewer")["until"])
    assert until == (date(2026, 12, 30) if how[0] == "--until" else date(2026, 12, 18))
    assert stage_of(home) == "grace"
    home.clock.moment = START.replace(year=until.year, month=until.month, day=until.day, hour=23, minute=59)
    assert home.ask("publish")["published"] == 0
    home.clock.advance(minutes=1)
    assert home.ask("publish")["published"] == 1
    assert list_shown(public) == [CASE]
    assert stage_of(home) == "published"
    (clock,) = read_rows(home, ClockRow, ClockRow.rule == Rule.GRACE.value)
    assert (clock.due, clock.evidence, clock.ended is not None) == (until, "宽限决定书1号", True)


def test_grace_is_granted_for_three_months_at_most_however_often(home: Home) -> None:
    prepare(home, a_person(1))
    refused = home.run("grace", CASE, "--until", "2027-03-15", "--basis", "宽限决定书", "--as", "reviewer")
    assert refused.code == 2
    assert "三个月" in refused.err
    home.ask("grace", CASE, "--months", 1, "--basis", "宽限决定书", "--as", "reviewer")
    home.clock.advance(days=20)
    again = home.run("grace", CASE, "--months", 3, "--basis", "延长宽限期决定书", "--as", "reviewer")
    assert again.code == 2
    assert (
        home.ask("grace", CASE, "--until", "2027-02-18", "--basis", "延长", "--as", "reviewer")["until"] == "2027-02-18"
    )
    assert [clock.ended for clock in read_rows(home, ClockRow)] == ["void", None]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--until", "2026-11-18"), "今天以后"),
        (("--until", "2026-11-10"), "今天以后"),
        (("--until", "2026-12-01", "--months", "1"), "只用其一"),
        ((), "只用其一"),
    ],
)
def test_what_is_no_time_of_grace_is_refused(home: Home, arguments: tuple[str, ...], why: str) -> None:
    prepare(home, a_person(1))
    said = home.run("grace", CASE, *arguments, "--basis", "宽限决定书", "--as", "reviewer")
    assert said.code == 2
    assert why in said.err
    assert read_rows(home, RecordRow)[0].grace_until is None


def test_grace_comes_before_the_list_has_shown_anybody(home: Home) -> None:
    home.publish(a_person(1))
    said = home.run("grace", CASE, "--months", 1, "--basis", "宽限决定书", "--as", "reviewer")
    assert said.code == 2
    assert "已公布" in said.err
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")
    assert home.run("grace", CASE, "--months", 1, "--basis", "宽限决定书", "--as", "reviewer").code == 2


def test_a_draft_in_its_time_of_grace_stays_on_its_list_and_inside(home: Home, public: FlaskClient) -> None:
    batch = home.ask("import", home.write("a.jsonl", [a_person(1, served_on=None)]), "--as", "clerk")["batch"]
    home.ask("grace", CASE, "--months", 2, "--basis", "宽限决定书", "--as", "reviewer")
    assert stage_of(home) == "serving"
    home.ask("correct", CASE, "--set", "served_on=2026-11-18", "--as", "reviewer")
    assert stage_of(home) == "approving"
    home.ask("approve", batch, "--as", "second", *BOTH)
    assert stage_of(home) == "grace"
    home.ask("publish")
    assert list_shown(public) == []


def test_only_a_reviewer_grants_grace(home: Home) -> None:
    prepare(home, a_person(1))
    assert home.run("grace", CASE, "--months", 1, "--basis", "宽限决定书", "--as", "clerk").code == 2


# Holds and departures ---------------------------------------------------------------------------------------------


def test_a_hold_is_to_be_confirmed_within_a_working_day(home: Home) -> None:
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "来信反映非本人", "--as", "clerk")
    (clock,) = read_rows(home, ClockRow)
    assert (clock.rule, clock.started_on, clock.due) == (Rule.HOLD_CONFIRM.value, TODAY, TODAY + timedelta(days=1))
    home.ask("hold", CASE, "--confirm", "--as", "reviewer")
    assert read_clocks(home) == {Rule.HOLD_CONFIRM.value: "met"}


@pytest.mark.parametrize("days", [0, 5])
@pytest.mark.parametrize("way", ["lift", "withdraw"])
def test_whatever_ends_a_hold_ends_its_clock(home: Home, days: int, way: str) -> None:
    home.publish(a_person(1))
    home.ask("hold", CASE, "--basis", "来信反映非本人", "--as", "clerk")
    home.clock.advance(days=days)
    if way == "lift":
        home.ask("hold", CASE, "--lift", "--basis", "核实无误", "--as", "clerk")
        home.ask("hold", CASE, "--lift", "--as", "reviewer")
    else:
        home.ask("withdraw", CASE, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
    assert read_clocks(home)[Rule.HOLD_CONFIRM.value] == ("missed" if days else "met")


def test_units_are_to_be_told_of_what_the_public_saw_and_of_nothing_else(home: Home) -> None:
    home.publish(a_person(1))
    prepare(home, a_person(2))
    for number in (1, 2):
        case = f"（2025）测0101执{number}号"
        home.ask("withdraw", case, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
    (clock,) = read_rows(home, ClockRow)
    assert (clock.rule, clock.record_id, clock.due) == (Rule.UNITS_TOLD.value, 1, date(2026, 11, 23))
    assert clock.evidence == "撤销：执异1号"


def test_a_departure_ends_the_grounds_that_were_recorded_and_their_clocks(home: Home) -> None:
    home.publish(a_person(1))
    home.ask("ground", "add", CASE, "--ground", "performed", "--basis", "结案通知书", "--as", "clerk")
    assert read_clocks(home) == {Rule.EXIT.value: None}
    home.ask("remove", CASE, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    assert read_clocks(home) == {Rule.EXIT.value: "met", Rule.UNITS_TOLD.value: None}
    assert home.ask("ground", "list", "--as", "auditor")["grounds"] == []


def test_an_entry_whose_ground_is_undecided_is_not_shown_and_not_shown_again(home: Home, public: FlaskClient) -> None:
    prepare(home, a_person(1))
    home.ask("ground", "add", CASE, "--ground", "performed", "--basis", "结案通知书", "--as", "clerk")
    assert home.ask("publish")["published"] == 0
    home.ask("hold", CASE, "--basis", "待核实", "--as", "clerk")
    home.ask("hold", CASE, "--lift", "--basis", "核实无误", "--as", "clerk")
    refused = home.run("hold", CASE, "--lift", "--as", "reviewer")
    assert refused.code == 2
    assert "没有决定的退出事由" in refused.err
    home.ask("ground", "dismiss", CASE, "--reason", "核查报告", "--as", "second")
    home.ask("hold", CASE, "--lift", "--as", "reviewer")
    assert list_shown(public) == [CASE]


@pytest.mark.parametrize("ground", REMOVAL_GROUNDS)
def test_every_removal_names_its_article_and_from_when_the_ground_ran(home: Home, ground: str) -> None:
    home.publish(a_person(1))
    dates = ("--arose", "2026-11-10", "--known", "2026-11-16")
    home.ask("remove", CASE, "--ground", ground, "--basis", "执行裁定书1号", *dates, "--as", "reviewer")
    (line,) = read_rows(home, AuditRow, AuditRow.action == "remove")
    assert line.detail["article"] in REMOVAL_GROUNDS[ground] or line.detail["article"][10:] in REMOVAL_GROUNDS[ground]
    (decision,) = read_rows(home, DecisionRow)
    assert (decision.arose_on, decision.known_on) == (date(2026, 11, 10), date(2026, 11, 16))
    assert day_of(decision.decided_at) == TODAY


def test_the_article_of_a_ground_is_the_one_that_its_words_name() -> None:
    assert article_of("settled", Action.REMOVE) == "法释〔2017〕7号第十条第一款第二项"
    assert article_of("guaranteed", Action.REMOVE) == "法释〔2017〕7号第三条第一项"
    assert article_of("minor", Action.WITHDRAW) == "法释〔2017〕7号第四条"
    assert article_of("deceased", Action.WITHDRAW) == "民事诉讼法第二百六十八条第三项"
    assert article_of(None, Action.HOLD) is None
    assert all(article_of(ground, Action.REMOVE) for ground in REMOVAL_GROUNDS)
    assert all(article_of(ground, Action.WITHDRAW) for ground in WITHDRAWAL_GROUNDS)


@pytest.mark.parametrize("ground", sorted(NEEDS_APPLICANT))
def test_what_the_applicant_said_is_recorded_and_missed_where_it_is_not(home: Home, ground: str) -> None:
    """The court may establish performance itself: what is missing is noted, and bars nothing."""
    home.publish(a_person(1), a_person(2))
    remove = ("--ground", ground, "--basis", "结案通知书", "--as", "reviewer")
    assert "申请执行人" in home.ask("remove", CASE, *remove)["note"]
    said = home.ask("remove", "（2025）测0101执2号", *remove, "--confirmation", "2026年11月17日谈话笔录")
    assert said["note"] is None
    details = [line.detail.get("confirmation") for line in read_rows(home, AuditRow, AuditRow.action == "remove")]
    assert details == [None, "2026年11月17日谈话笔录"]


def test_the_applicants_number_does_not_come_into_the_clear(home: Home) -> None:
    home.publish(a_person(1))
    remove = ("remove", CASE, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    said = home.run(*remove, "--confirmation", "来电13800000001确认")
    assert said.code == 2
    assert "13800000001" not in said.err + str(read_rows(home, DecisionRow))


def test_two_queries_without_property_are_evidence_with_their_days(home: Home) -> None:
    home.publish(a_person(1))
    remove = ("remove", CASE, "--ground", "no_property_found", "--basis", "终本裁定书", "--as", "reviewer")
    for dates, why in (
        (("2026-05-01",), "两次以上"),
        (("2026-05-01", "2026-05-01"), "两次以上"),
        (("2026-05-01", "2026-11-19"), "不能晚于今天"),
    ):
        said = home.run(*remove, *(word for day in dates for word in ("--query", day)))
        assert said.code == 2, dates
        assert why in said.err
    said = home.ask(*remove, "--query", "2026-11-01", "--query", "2026-05-01")
    assert said["note"] is None
    (line,) = read_rows(home, AuditRow, AuditRow.action == "remove")
    assert line.detail["queries"] == ["2026-05-01", "2026-11-01"]


def test_queries_belong_to_one_ground(home: Home) -> None:
    home.publish(a_person(1))
    remove = ("remove", CASE, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    assert home.run(*remove, "--query", "2026-05-01", "--query", "2026-06-01").code == 2


@pytest.mark.parametrize(("policy", "noted"), [("national", False), ("yunnan", True)])
def test_that_the_queries_took_longer_than_a_year_bars_nobody_from_leaving(
    home: Home, policy: str, noted: bool
) -> None:
    home.ask("profile", "--set", f"policy={policy}", "--as", "reviewer")
    home.publish(a_person(1))
    queries = ("--query", "2025-05-01", "--query", "2026-11-01")
    remove = ("remove", CASE, "--ground", "no_property_found", "--basis", "终本裁定书", "--as", "reviewer")
    assert ("一年" in (home.ask(*remove, *queries)["note"] or "")) == noted


def test_a_removal_of_an_entry_with_a_term_asks_for_the_decision(home: Home) -> None:
    home.publish(with_term(a_person(1), "2027-06-01"))
    said = home.ask("remove", CASE, "--ground", "stayed", "--basis", "中止执行裁定书", "--as", "reviewer")
    assert "第二条第二款" in said["note"]


# Work lists -------------------------------------------------------------------------------------------------------


def test_every_step_puts_a_record_on_the_list_where_it_waits(home: Home) -> None:
    batch = home.ask(
        "import", home.write("a.jsonl", [a_person(1, decision_number=None, served_on=None)]), "--as", "clerk"
    )["batch"]
    seen = [stage_of(home)]
    steps: tuple[tuple[object, ...], ...] = (
        ("correct", CASE, "--set", "decision_number=失信决定1号", "--as", "reviewer"),
        ("correct", CASE, "--set", "served_on=2026-11-18", "--as", "reviewer"),
        ("approve", batch, "--as", "second", *BOTH),
        ("publish",),
        ("hold", CASE, "--basis", "来信", "--as", "clerk"),
        ("remove", CASE, "--ground", "early", "--basis", "决定书", "--as", "reviewer"),
    )
    for step in steps:
        home.ask(*step)
        seen.append(stage_of(home))
    assert seen == ["completing", "serving", "approving", "approved", "published", "held", "departed"]


def test_a_restricted_record_has_a_list_of_its_own(home: Home) -> None:
    home.publish(a_person(1, disclosure="restricted", restricted_ground="privacy"))
    assert stage_of(home) == "restricted"


def test_rows_from_before_the_lists_are_put_on_them_by_init(home: Home) -> None:
    home.publish(a_person(1, name="欧阳·测试"), a_person(2, served_on="2026-11-18"))
    court = home.court
    with court.session() as session:
        for row in session.scalars(select(RecordRow)):
            row.stage = row.name_key = ""
    court.close()
    for _ in range(2):
        home.ask("init")
        assert [(row.stage, row.name_key) for row in read_rows(home, RecordRow)] == [
            ("published", "欧阳测试"),
            ("published", "甲测试"),
        ]


# Who leads a unit -------------------------------------------------------------------------------------------------


def test_who_leads_a_unit_is_not_listed_because_the_unit_is(home: Home, public: FlaskClient) -> None:
    unit = an_organisation(1, legal_representative="甲测试")
    batch = home.ask("import", home.write("a.jsonl", [unit, a_person(1), a_person(2)]), "--as", "clerk")["batch"]
    said = home.run("approve", batch, "--as", "reviewer", *BOTH, "--json")
    assert [(one["line"], one["rule"]) for one in said.json["refused"]] == [(2, "unit_people")]
    assert "法发〔2019〕35号" in said.json["refused"][0]["reason"]
    home.ask("publish")
    assert len(list_shown(public)) == 2
    home.ask("approve", batch, "--as", "reviewer", *BOTH, "--confirm", "own_liability")


def test_who_led_a_unit_that_has_left_is_judged_alone(home: Home) -> None:
    home.publish(an_organisation(1, legal_representative="甲测试"))
    home.ask("withdraw", CASE, "--ground", "wrongly_listed", "--basis", "执异1号", "--as", "reviewer")
    prepare(home, a_person(1))
