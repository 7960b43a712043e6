"""The public learns of pushes and acknowledgements from the journal: once, when they are news, and as figures alone."""

from __future__ import annotations

import pytest
from entries import a_person
from homes import Home
from sqlalchemy import func, select

from gongshi.legal_clock import LegalClock
from gongshi.office import open_office
from registry.tables import JournalRow


@pytest.mark.long
@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_two_recipients_of_two_quarters_are_told_of_together(home: Home) -> None:
    home.publish(a_person(1))
    court = home.court
    clock, office = LegalClock(court), open_office(court)
    periods = ("2026Q2", "2026Q3")
    for period in periods:
        assert not clock.count_pushes(office), "fewer than three"
        home.ask("push", "--period", period)
        home.clock.advance(minutes=2)
        assert home.run("worker", "--once").code == 0
    home.clock.advance(days=1)
    assert home.run("worker", "--once").code == 0
    assert not clock.count_pushes(office), "the duty of the day has told it"
    court.pump.feed()
    with court.store.snapshot(home.clock()) as snapshot:
        figures = snapshot.subject("figures", "pushes")
    told = {"from": "2026Q2", "to": "2026Q3", "told": 4, "confirmed": 0, "median_days": None}
    assert figures == {"packages": [told], "recalls": []}
    with court.reading() as session:
        assert session.scalar(select(func.count()).where(JournalRow.key == "pushes")) == 1
    court.close()
