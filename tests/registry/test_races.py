"""What two people, or a person and the worker, do at the same moment. On SQLite one writes after the other; on PostgreSQL
what was read before a lock was had may be decided by the time it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from entries import a_person, with_term
from homes import Home
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from gongshi.court import Court
from registry.acting import SYSTEM, Acting
from registry.departing import Grounds, take_down
from registry.grounds import dismiss_ground, find_ground
from registry.lifecycle import Action
from registry.records import get_row
from registry.tables import DecisionRow, RecordRow
from registry.watch import act_on_due, list_due

CASE = "（2025）测0101执1号"
GROUND = ("--ground", "performed", "--basis", "结案通知书")
pytestmark = [
    pytest.mark.parametrize("databases", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
]


def meanwhile(court: Court, act: Callable[[], object]) -> None:
    """Have something done, and done with, just before this court locks the first record."""
    waiting = [act]

    def look(_conn: Any, _cursor: Any, statement: str, *_: object) -> None:
        if waiting and "FROM record" in statement and "FOR UPDATE" in statement:
            waiting.pop()()

    event.listen(court.engine, "before_cursor_execute", look)


def states(home: Home) -> list[tuple[str, int]]:
    """Where each record stands, and how many decisions were taken of it."""
    with home.court.reading() as session:
        decided = list(session.scalars(select(DecisionRow.record_id)))
        rows = session.scalars(select(RecordRow).order_by(RecordRow.id))
        return [(row.state, decided.count(row.id)) for row in rows]


@pytest.fixture
def due(home: Home) -> Court:
    """A court with an entry of which a ground was left undecided."""
    home.publish(a_person(1))
    home.ask("ground", "add", CASE, *GROUND, "--as", "clerk")
    home.clock.advance(days=9)
    court = home.court
    with court.reading() as session:
        assert list_due(session, court.acting(SYSTEM)) == [1]
    return court


def decide(home: Home, act: Callable[[Session, RecordRow, Acting], object]) -> Callable[[], None]:
    """What a reviewer does on a page, which waits for no turn."""

    def carry_out() -> None:
        court = home.court
        with court.session() as session:
            act(session, get_row(session, CASE), court.acting("second"))

    return carry_out


def test_what_was_dismissed_while_the_worker_waited_hides_nobody(home: Home, due: Court) -> None:
    meanwhile(due, decide(home, lambda s, row, now: dismiss_ground(s, find_ground(s, row), reason="报告", acting=now)))
    with due.session() as session:
        assert act_on_due(session, due.acting(SYSTEM)) == []
    assert states(home) == [("published", 0)]


def test_what_was_removed_while_the_worker_waited_stays_removed(home: Home, due: Court) -> None:
    def remove(session: Session, row: RecordRow, acting: Acting) -> None:
        why = Grounds(ground="performed", basis="结案通知书", arose_on=acting.today, known_on=acting.today)
        take_down(session, row, Action.REMOVE, why, acting)

    meanwhile(due, decide(home, remove))
    with due.session() as session:
        # As a page does that has shown the record first.
        known = session.scalars(select(RecordRow)).all()
        assert act_on_due(session, due.acting(SYSTEM)) == []
        assert [row.state for row in known] == ["removed"]
    assert states(home) == [("removed", 1)]


def test_a_ground_recorded_while_publishing_waited_keeps_the_entry_inside(home: Home) -> None:
    batch = home.ask("import", home.write("entries.jsonl", [a_person(1)]), "--as", "clerk")["batch"]
    home.ask("approve", batch, "--as", "reviewer", "--confirm", "art3", "--confirm", "redactions")
    court = home.court
    meanwhile(court, lambda: home.ask("ground", "add", CASE, *GROUND, "--as", "clerk"))
    court.publish()
    assert states(home) == [("approved", 0)]


def test_a_term_corrected_while_the_end_waited_counts(home: Home) -> None:
    home.publish(with_term(a_person(1), "2026-12-01"))
    home.ask("hold", CASE, "--basis", "来信", "--as", "clerk")
    court = home.court
    correct = ("correct", CASE, "--set", "term_ends_on=2027-01-01", "--confirm", "art3", "--as", "reviewer")
    meanwhile(court, lambda: (home.clock.advance(days=-1), home.ask(*correct), home.clock.advance(days=1)))
    home.clock.advance(days=14)
    court.publish()
    assert states(home) == [("held", 1)]
