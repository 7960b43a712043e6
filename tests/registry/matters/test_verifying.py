"""While an objection is looked into the units leave measures undone: whenever the entry reaches them, they know."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import select

from gongshi.court import Court
from registry.clockbook import list_clocks
from registry.matters import (
    Arrival,
    Channel,
    Claim,
    Content,
    Given,
    MatterKind,
    Step,
    get_matter,
    link_record,
    register_matter,
    take_step,
)
from registry.matters.verifying import tell_missed
from registry.tables import ClockRow, JournalRow, LedgerRow, RecordRow, UnitRow
from registry.units.ledger import LedgerKind, Line, append
from search_index.submission import draw_code, draw_receipt, token_of

BOTH = ("--confirm", "art3", "--confirm", "redactions")


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    """A court with two units: `follows` hears of departures, `reads` is sent lists."""
    made = home.court
    with made.session() as session:
        for slug, receives in (("follows", {"releases": True}), ("reads", {"push": True})):
            made_at = {"created_at": made.now, "active": True, "leading": False, "basis": "测试"}
            session.add(UnitRow(slug=slug, name=slug, receives=receives, **made_at))
    yield made
    made.close()


def objection(court: Court, record: int | None = 1, channel: Channel = Channel.PAPER, token: str | None = None) -> int:
    with court.session() as session:
        arrival = Arrival(
            kind=MatterKind.OBJECTION,
            channel=channel,
            received_on=court.today,
            content=Content(words="已经履行"),
            record=session.get_one(RecordRow, record) if record is not None else None,
            ground=Claim.PERFORMED,
            token=token,
        )
        return register_matter(session, court.vault, arrival, court.acting("clerk")).id


def step(court: Court, matter: int, what: Step, **given: Any) -> None:
    with court.session() as session:
        row = get_matter(session, matter)
        assert row is not None
        take_step(session, court.vault, row, what, court.acting("second"), Given(**given))


def told(court: Court) -> list[tuple[str, str]]:
    with court.reading() as session:
        rows = session.execute(
            select(UnitRow.slug, LedgerRow.detail)
            .join(UnitRow, UnitRow.id == LedgerRow.unit_id)
            .where(LedgerRow.kind == LedgerKind.VERIFICATION.value)
            .order_by(LedgerRow.id)
        )
        return [(slug, detail["state"]) for slug, detail in rows]


def push(court: Court, sequence: int) -> None:
    """The sending of a list to `reads`, as it is brought over from the notifier."""
    with court.session() as session:
        unit = session.scalars(select(UnitRow.id).where(UnitRow.slug == "reads")).one()
        detail = {"sequence": sequence}
        append(session, [Line(unit_id=unit, kind=LedgerKind.PUSH, at=court.now, by="gongshi", detail=detail)])


def test_an_objection_of_before_the_publication_reaches_the_units_with_the_entry(home: Home, court: Court) -> None:
    batch = home.ask("import", home.write("e.jsonl", [a_person(1), a_person(2)]), "--as", "clerk")["batch"]
    home.ask("approve", batch, "--as", "reviewer", *BOTH)
    matter = objection(court)
    assert told(court) == []
    home.ask("publish")
    assert told(court) == [("follows", "UNDER_VERIFICATION")]
    home.ask("publish")
    assert len(told(court)) == 1
    step(court, matter, Step.REVIEW)
    step(court, matter, Step.REJECT, words="尚未履行")
    assert told(court)[1:] == [("follows", "VERIFIED")]


def test_whoever_is_sent_the_entry_meanwhile_is_told(home: Home, court: Court) -> None:
    home.publish(a_person(1))
    matter = objection(court)

    def catch_up() -> int:
        with court.session() as session:
            return tell_missed(session, court.acting("gongshi"))

    assert catch_up() == 0
    push(court, court.sequence())
    assert (catch_up(), catch_up()) == (1, 0)
    both = [("follows", "UNDER_VERIFICATION"), ("reads", "UNDER_VERIFICATION")]
    assert told(court) == both
    step(court, matter, Step.REVIEW)
    step(court, matter, Step.REJECT, words="尚未履行")
    assert told(court)[2:] == [("follows", "VERIFIED"), ("reads", "VERIFIED")]
    assert catch_up() == 0


def mark_of(court: Court) -> list[tuple[date, str | None, str]]:
    with court.reading() as session:
        clocks = select(ClockRow).where(ClockRow.rule == "objection_mark").order_by(ClockRow.id)
        return [(row.due, row.ended, row.article) for row in session.scalars(clocks)]


@pytest.fixture
def henan(home: Home, court: Court) -> Court:
    home.ask("profile", "--set", "policy=henan", "--as", "reviewer")
    home.publish(a_person(1), a_person(2))
    return court


ARTICLE = "《河南省社会信用条例》第四十一条"
DUE = date(2026, 11, 23)


def test_in_henan_an_objection_is_marked_within_three_working_days(home: Home, henan: Court) -> None:
    """One over the net is marked when a person of the court has taken it up."""
    matter = objection(henan, channel=Channel.ONLINE)
    assert mark_of(henan) == [(DUE, None, ARTICLE)]
    home.clock.advance(days=1)
    step(henan, matter, Step.REVIEW)
    assert mark_of(henan) == [(DUE, "met", ARTICLE)]
    assert told(henan) == [("follows", "UNDER_VERIFICATION")]


def test_a_mark_that_comes_late_was_missed_and_is_alarmed_before(home: Home, henan: Court) -> None:
    matter = objection(henan, channel=Channel.ONLINE)
    home.clock.advance(days=6)
    with henan.reading() as session:
        assert [one.label for one in list_clocks(session, henan.acting("clerk").clockwork, until=DUE)] == [
            "标注异议并告知单位"
        ]
    step(henan, matter, Step.REVIEW)
    assert [ended for _, ended, _ in mark_of(henan)] == ["missed"]


def test_on_paper_it_is_marked_at_once_and_without_an_entry_when_it_is_known_which(home: Home, henan: Court) -> None:
    objection(henan)
    later = objection(henan, record=None)
    assert [ended for _, ended, _ in mark_of(henan)] == ["met", None]
    with henan.session() as session:
        row = get_matter(session, later)
        assert row is not None
        link_record(session, row, session.get_one(RecordRow, 2), henan.acting("clerk"))
    assert [ended for _, ended, _ in mark_of(henan)] == ["met", "met"]


@pytest.mark.parametrize(("days", "ended"), [(0, "void"), (6, "missed")])
def test_what_is_given_up_leaves_nothing_to_mark(home: Home, henan: Court, days: int, ended: str) -> None:
    matter = objection(henan, channel=Channel.ONLINE)
    home.clock.advance(days=days)
    step(henan, matter, Step.DROP, on=henan.today, basis="撤回申请书")
    assert [one for _, one, _ in mark_of(henan)] == [ended]


def test_elsewhere_there_is_no_such_period(home: Home, court: Court) -> None:
    home.publish(a_person(1))
    objection(court, channel=Channel.ONLINE)
    assert mark_of(court) == []


def test_the_sender_is_told_the_day_of_the_answer_and_not_of_the_mark(henan: Court) -> None:
    token = token_of(draw_receipt(Random(1)), draw_code(Random(1)))
    objection(henan, channel=Channel.ONLINE, token=token)
    with henan.reading() as session:
        assert session.scalars(select(ClockRow.rule).order_by(ClockRow.id)).all() == [
            "correction_review",
            "objection_mark",
        ]
        body = session.scalars(select(JournalRow.body).where(JournalRow.key == token)).one()
    assert json.loads(body or "")["until"] == "2026-12-03"
