"""Lists of matters: in pages that lose nothing, with the first day that is due, and on an index however many there are."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from homes import Home
from sqlalchemy import Select, insert, text

from gongshi.court import Court
from registry.matters import Arrival, Channel, Claim, Content, MatterKind, Step, get_matter, register_matter, take_step
from registry.matters.checking import Given
from registry.matters.lists import closed_query, count_open, list_closed, list_open, open_query
from registry.matters.states import MatterState
from registry.tables import MatterRow

MANY = 100_000


@pytest.fixture
def court(home: Home) -> Iterator[Court]:
    made = home.court
    yield made
    made.close()


def fill(court: Court, number: int, *, closed_every: int = 3) -> None:
    """So many objections, each third one closed."""
    rows = [
        {
            "id": n,
            "kind": "objection",
            "state": "closed" if n % closed_every == 0 else "reviewing" if n % 2 else "received",
            "channel": "paper",
            "received_on": court.today,
            "registered_at": court.now,
            "registered_by": "clerk",
            "sealed": b"",
            # Many are closed in the same moment: pages must not lose any of them.
            "closed_at": court.now - timedelta(minutes=n // 100) if n % closed_every == 0 else None,
        }
        for n in range(1, number + 1)
    ]
    with court.session() as session:
        session.execute(insert(MatterRow), rows)


def explain(court: Court, query: Select[Any]) -> str:
    with court.session() as session:
        postgres = session.get_bind().dialect.name == "postgresql"
        if postgres:
            session.execute(text("SET LOCAL enable_seqscan = off"))
        asked = str(query.compile(session.get_bind(), compile_kwargs={"literal_binds": True}))
        said = session.execute(text(("EXPLAIN " if postgres else "EXPLAIN QUERY PLAN ") + asked)).all()
        return " ".join(str(column) for row in said for column in row)


def test_every_page_is_found_on_the_index(court: Court) -> None:
    fill(court, 30)
    for query in (
        open_query(MatterKind.OBJECTION),
        open_query(MatterKind.OBJECTION, state=MatterState.REVIEWING, after=5),
        closed_query(MatterKind.OBJECTION),
        closed_query(MatterKind.OBJECTION, behind=(court.now, 9)),
    ):
        assert "ix_matter_open" in explain(court, query)


@pytest.mark.parametrize("closed", [False, True])
def test_pages_show_each_matter_once(court: Court, closed: bool) -> None:
    fill(court, 200)
    seen: list[int] = []
    with court.reading() as session:
        while True:
            last = seen[-1] if seen else None
            if closed:
                lines = list_closed(session, MatterKind.OBJECTION, before=last, limit=7)
            else:
                lines = list_open(session, MatterKind.OBJECTION, after=last or 0, limit=7)
            if not lines:
                break
            seen += [line.id for line in lines]
        counts = count_open(session)
    expected = {n for n in range(1, 201) if (n % 3 == 0) is closed}
    assert len(seen) == len(set(seen))
    assert set(seen) == expected
    assert counts[MatterKind.OBJECTION] == 134
    assert counts[MatterKind.REPAIR] == 0


def test_a_line_has_the_day_that_is_due_and_whether_it_may_move(home: Home, court: Court) -> None:
    with court.session() as session:
        arrival = Arrival(
            kind=MatterKind.OBJECTION,
            channel=Channel.PAPER,
            received_on=date(2026, 11, 10),
            content=Content(words="已经履行"),
            ground=Claim.PERFORMED,
        )
        first = register_matter(session, court.vault, arrival, court.acting("clerk")).id
    home.clock.advance(days=40)
    with court.session() as session:
        late = Arrival(
            kind=MatterKind.OBJECTION,
            channel=Channel.PAPER,
            received_on=date(2026, 12, 25),
            content=Content(words="已经履行"),
            ground=Claim.PERFORMED,
        )
        second = register_matter(session, court.vault, late, court.acting("clerk")).id
    with court.reading() as session:
        lines = {line.id: line for line in list_open(session, MatterKind.OBJECTION)}
    assert (lines[first].due, lines[first].provisional) == (date(2026, 11, 25), False)
    # 2027 has not been announced in the calendar that this court has.
    assert lines[second].provisional
    with court.session() as session:
        row = get_matter(session, first)
        assert row is not None
        take_step(
            session, court.vault, row, Step.DROP, court.acting("clerk"), Given(on=court.today, basis="撤回申请书")
        )
    with court.reading() as session:
        assert [line.id for line in list_closed(session, MatterKind.OBJECTION)] == [first]
        assert [line.id for line in list_open(session, MatterKind.OBJECTION)] == [second]


@pytest.mark.long
def test_many_thousand_matters_are_listed_page_by_page(court: Court) -> None:
    fill(court, MANY)
    with court.reading() as session:
        assert [line.id for line in list_open(session, MatterKind.OBJECTION, after=MANY - 10)] == [
            n for n in range(MANY - 9, MANY + 1) if n % 3
        ]
        assert len(list_closed(session, MatterKind.OBJECTION, before=3)) == 50
    assert "ix_matter_open" in explain(court, open_query(MatterKind.OBJECTION, after=MANY // 2))
    assert "ix_matter_open" in explain(court, closed_query(MatterKind.OBJECTION, behind=(court.now, MANY * 3 // 5)))
