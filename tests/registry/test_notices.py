"""Private notices: who is told of what, written with the transition; and of whom nothing is ever told."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from builders_gate import TODAY, citizen, organisation, person, record
from entries import a_person, an_organisation, citizen_number, with_term
from homes import Home
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from gongshi.court import Court
from registry import departing
from registry.departing import Departure, Grounds
from registry.lifecycle import Action
from registry.notices import (
    BY_HAND,
    NoticeKind,
    NoticeRefused,
    check_by_hand,
    find_expiry,
    find_obstacle,
    find_phone,
)
from registry.record import Applicant, Disclosure, RestrictedGround, State
from registry.records import get_row
from registry.tables import NoticeRow, RecordRow

NUMBER = "SX-00000000"
EVERY = list(product(NoticeKind, State))
states, kinds = st.sampled_from(State), st.sampled_from(NoticeKind)


# What may be told ---------------------------------------------------------------------------------------------------


@given(kinds, states, st.sampled_from([None, NUMBER]), st.sampled_from(RestrictedGround))
def test_of_a_restricted_record_nothing_is_told(
    kind: NoticeKind, state: State, number: str | None, ground: RestrictedGround
) -> None:
    for facts in (person(), organisation()):
        restricted = record(facts, state=State.RESTRICTED, number=number)
        marked = person(disclosure=Disclosure.RESTRICTED, restricted_ground=ground)
        assert "不宜公开" in (find_obstacle(kind, restricted, TODAY) or "")
        assert "不宜公开" in (find_obstacle(kind, record(marked, state=state, number=number), TODAY) or "")


@given(kinds, states, st.integers(0, 18 * 365))
def test_of_a_minor_nothing_is_told(kind: NoticeKind, state: State, days: int) -> None:
    minor = person(id_number=citizen(TODAY - timedelta(days=days)))
    said = find_obstacle(kind, record(minor, state=state, number=NUMBER), TODAY) or ""
    assert ("不宜公开" if state is State.RESTRICTED else "未满十八周岁") in said


@pytest.mark.parametrize("kind", [NoticeKind.DEPARTED, NoticeKind.DONE])
@pytest.mark.parametrize("state", State)
def test_a_departure_is_told_of_what_was_published_and_has_left(kind: NoticeKind, state: State) -> None:
    assert find_obstacle(kind, record(state=state, number=None), TODAY) is not None
    told = find_obstacle(kind, record(state=state, number=NUMBER), TODAY) is None
    assert told == state.has_departed


def test_the_warning_comes_before_the_decision_and_the_word_of_service_after_the_service() -> None:
    undecided = person(decided_on=None, served_on=None)
    assert find_obstacle(NoticeKind.RISK, record(undecided), TODAY) is None
    assert find_obstacle(NoticeKind.RISK, record(undecided, state=State.DRAFT), TODAY) is None
    assert "已经作出纳入决定" in (find_obstacle(NoticeKind.RISK, record(), TODAY) or "")
    for state in set(State) - {State.DRAFT, State.APPROVED}:
        assert find_obstacle(NoticeKind.RISK, record(undecided, state=state), TODAY) is not None
    assert find_obstacle(NoticeKind.RISK, record(undecided, number=NUMBER), TODAY) is not None

    assert find_obstacle(NoticeKind.SERVED, record(), TODAY) is None
    for served in (None, TODAY + timedelta(days=1)):
        assert "不是送达" in (find_obstacle(NoticeKind.SERVED, record(person(served_on=served)), TODAY) or "")
    for state in (State.HELD, State.WITHDRAWN, State.REMOVED, State.EXPIRED):
        assert find_obstacle(NoticeKind.SERVED, record(state=state), TODAY) is not None


def test_the_day_of_a_notice_sent_by_hand() -> None:
    undecided = record(person(decided_on=None, served_on=None))
    assert check_by_hand(undecided, NoticeKind.RISK, None, TODAY) is None
    assert check_by_hand(record(), NoticeKind.SERVED, None, TODAY) == date(2026, 7, 8)
    due = TODAY + timedelta(days=10)
    assert check_by_hand(record(), NoticeKind.CONFIRM, due, TODAY) == due
    with pytest.raises(NoticeRefused, match="--due 只用于"):
        check_by_hand(record(), NoticeKind.SERVED, due, TODAY)
    for wrong in (None, TODAY, TODAY - timedelta(days=1), TODAY + timedelta(days=91)):
        with pytest.raises(NoticeRefused, match="--due"):
            check_by_hand(record(), NoticeKind.CONFIRM, wrong, TODAY)


def test_each_goes_to_whom_it_is_for_and_not_for_ever() -> None:
    facts = person(phone="010-1", applicant=Applicant(name="乙申请", phone="010-2"))
    assert {kind: find_phone(kind, facts) for kind in NoticeKind} == {
        NoticeKind.RISK: "010-1",
        NoticeKind.SERVED: "010-1",
        NoticeKind.DEPARTED: "010-1",
        NoticeKind.CONFIRM: "010-2",
        NoticeKind.DONE: "010-2",
    }
    assert find_phone(NoticeKind.DONE, person()) is None
    now = datetime(2026, 8, 3, 2, 0, tzinfo=UTC)
    # Until the end of the last day in Beijing.
    assert find_expiry(NoticeKind.CONFIRM, date(2026, 8, 13), now) == datetime(2026, 8, 13, 16, 0, tzinfo=UTC)
    assert find_expiry(NoticeKind.DEPARTED, date(2026, 8, 3), now) == now + timedelta(days=30)
    assert all(kind.label for kind in NoticeKind)
    assert set(BY_HAND).isdisjoint({NoticeKind.DEPARTED, NoticeKind.DONE})


# What follows from a departure ----------------------------------------------------------------------------------------


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    opened = home.court
    yield opened
    opened.close()


def case_of(serial: int) -> str:
    return f"（2025）测0101执{serial}号"


def told(court: Court) -> dict[str, set[tuple[str, str | None]]]:
    """The kinds and days of the notices that there are, by case number."""
    with court.reading() as session:
        found: dict[str, set[tuple[str, str | None]]] = {}
        query = select(NoticeRow, RecordRow).join(RecordRow, RecordRow.id == NoticeRow.record_id)
        for notice, row in session.execute(query):
            day = notice.day and notice.day.isoformat()
            found.setdefault(row.facts["case_number"], set()).add((notice.kind, day))
        return found


@pytest.mark.long
def test_who_is_told_of_which_departure(home: Home, court: Court) -> None:
    entries: list[dict[str, Any]] = [a_person(serial) for serial in range(1, 9)]
    entries += [an_organisation(9), with_term(a_person(10), "2026-11-20")]
    home.publish(*entries)
    home.publish(a_person(11, disclosure="restricted", restricted_ground="privacy"), name="restricted.jsonl")
    home.ask("import", home.write("draft.jsonl", [a_person(12)]), "--as", "clerk")
    home.publish(a_person(13), name="public.jsonl")
    restrict = ("--set", "disclosure=restricted", "--set", "restricted_ground=privacy", "--confirm", "art3")
    home.ask("correct", case_of(13), *restrict, "--confirm", "redactions", "--as", "reviewer")
    assert told(court) == {}

    for serial, ground in enumerate(("performed", "settled", "applicant_request", "closed"), start=1):
        home.ask("remove", case_of(serial), "--ground", ground, "--basis", "裁定书", "--as", "reviewer")
    for serial, ground in enumerate(("wrongly_listed", "minor", "deceased"), start=5):
        home.ask("withdraw", case_of(serial), "--ground", ground, "--basis", "决定书", "--as", "reviewer")
    for serial in (8, 9):
        home.ask("hold", case_of(serial), "--basis", "申请书", "--as", "clerk")
    for serial in (11, 12, 13):
        home.ask("withdraw", case_of(serial), "--ground", "wrongly_listed", "--basis", "决定书", "--as", "reviewer")
    left = {("departed", "2026-11-18")}
    both = left | {("done", "2026-11-18")}
    assert told(court) == {case_of(1): both, case_of(2): both, case_of(3): both, case_of(4): left, case_of(5): left}

    # The entry that was held has been out of sight since then, and is taken off the list a day later.
    home.clock.advance(days=1)
    home.ask("remove", case_of(9), "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    assert told(court)[case_of(9)] == {("departed", "2026-11-18"), ("done", "2026-11-19")}
    # However late the machine is, the term ended when it ended.
    home.clock.advance(days=5)
    home.ask("publish")
    assert told(court)[case_of(10)] == {("departed", "2026-11-21")}
    assert case_of(8) not in told(court)
    home.ask("publish")
    assert len(told(court)) == 7


def test_a_notice_is_written_with_the_departure_or_not_at_all(home: Home, court: Court) -> None:
    home.publish(a_person(1, id_number=citizen_number(1)))
    grounds = Grounds(ground="closed", basis="裁定书", arose_on=court.today, known_on=court.today)

    def decide(session: Session) -> Departure:
        row = get_row(session, case_of(1))
        return departing.take_down(session, row, Action.REMOVE, grounds, court.acting("reviewer"))

    def decide_and_fail(session: Session) -> Departure:
        decide(session)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        court.take_down(decide_and_fail)
    assert told(court) == {}
    court.take_down(decide)
    assert told(court) == {case_of(1): {("departed", "2026-11-18")}}
