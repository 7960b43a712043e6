"""Late starts, wrong clocks, other time zones, two at once: one run, complete, on the day of Shanghai."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from posts import Post, add_recipient, open_channels
from sqlalchemy import update
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Channel, Parcel
from notifier.context import open_notifier
from notifier.followups import list_follow_ups
from notifier.runs import find_run, list_runs
from notifier.sending import Given
from notifier.states import MessageState, Purpose
from notifier.tables import RecipientRow
from notifier.worker import Tick, notifier_tick
from search_index.document import Document

Town = Any
_NAMES = ("north", "east", "south", "west")


@pytest.fixture
def media(town: Town) -> dict[str, Post]:
    """Four recipients on four channels, and nobody else."""
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    for name in _NAMES:
        add_recipient(town, name, name)
    return {name: Post() for name in _NAMES}


def tick(town: Town, channels: dict[str, Channel] | None = None) -> Tick:
    given = Given(store=town.store)
    return notifier_tick(town.notifier, channels or dict(open_channels(town.notifier)), clock=town.clock, given=given)


def test_two_workers_that_start_three_days_late_at_once_make_one_whole_run(
    town: Town, period: Period, person: Document, media: dict[str, Post]
) -> None:
    for _ in range(5):
        town.publish(person)
    town.clock.now = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
    tick(town, dict(media))
    leaves = town.publish(person)
    town.clock.now = datetime(2026, 10, 11, 2, 0, tzinfo=UTC)
    ready = Barrier(2)

    def start(worker: str) -> Tick:
        apart = open_notifier(town.settings, town.notifier.register, town.notifier.workdays)
        try:
            ready.wait()
            given = Given(store=town.store)
            return notifier_tick(apart, dict(media), clock=town.clock, worker=worker, given=given)
        finally:
            apart.engine.dispose()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(start, ("甲", "乙")))
    tick(town, dict(media))
    (run,) = list_runs(town.notifier.engine)
    assert (run.period, run.days_late, len(run.revisions)) == (period, 3, 1)
    assert Counter(message.state for message in run.messages) == {MessageState.DELIVERED: 4}
    assert [[type(content) for content in post.contents] for post in media.values()] == [[Parcel]] * 4
    # A clock a day off, either way, changes nothing of it, also while a departure is followed.
    town.depart(leaves)
    for hours in (-24, 48, -48, 24):
        town.clock.pass_time(hours=hours)
        assert tick(town, dict(media)).made == ()
    assert len(list_runs(town.notifier.engine)) == 1
    assert [len(post.parcels) for post in media.values()] == [1] * 4
    recalls = list_follow_ups(town.notifier.engine, [Purpose.RECALL])
    assert Counter(one.recipient.slug for one in recalls) == dict.fromkeys(_NAMES, 1)


def test_a_clock_a_day_ahead_makes_the_run_early_and_no_second_one_when_it_is_put_right(
    town: Town, period: Period, person: Document
) -> None:
    town.publish(person)
    right = datetime(2026, 10, 7, 15, 59, tzinfo=UTC)
    town.clock.now = right + timedelta(days=1)
    assert tick(town).made == (period,)
    for moment in (right, right + timedelta(minutes=1), right + timedelta(days=1)):
        town.clock.now = moment
        assert tick(town).made == ()
    assert len(list_runs(town.notifier.engine)) == 1


def test_the_year_looked_back_at_brings_every_quarter_that_was_missed_to_a_person(
    town: Town, period: Period, person: Document
) -> None:
    """A window of hours loses what lies before it; a year without power is still remembered."""
    town.publish(person)
    town.clock.now = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
    tick(town)
    town.clock.now = datetime(2027, 9, 27, 2, 0, tzinfo=UTC)
    ticked = tick(town)
    assert ticked.made == ()
    assert [str(one.period) for one in ticked.waiting] == ["2026Q3", "2026Q4", "2027Q1", "2027Q2"]


@pytest.fixture(params=["America/New_York", "Europe/London", "Pacific/Kiritimati"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The machine stands in another time zone, with or without summer time."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_quarter_ends_at_midnight_in_beijing_wherever_the_machine_stands(
    town: Town, period: Period, person: Document, zone: str
) -> None:
    town.publish(person)
    # Hours are changed in New York and London on other days than these; here they are 4, 1 and -14 off UTC.
    town.clock.now = datetime(2026, 10, 7, 15, 59, 59, tzinfo=UTC)
    assert tick(town).made == ()
    town.clock.pass_time(seconds=1)
    assert tick(town).made == (period,)
    run = find_run(town.notifier.engine, period)
    assert run is not None
    assert (run.due_on, run.days_late) == (date(2026, 10, 8), 0)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_change_of_the_hour_neither_moves_nor_doubles_a_run(
    town: Town, person: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/London")
    time.tzset()
    try:
        town.publish(person)
        made = []
        # The hour is put back in London on 25 October, and put forward on 28 March.
        for month, day in ((10, 23), (12, 30), (3, 26)):
            town.clock.now = datetime(2026 if month > 3 else 2027, month, day, 2, 0, tzinfo=UTC)
            for _ in range(9):
                made += [(str(one), town.clock.now.date()) for one in tick(town).made]
                town.clock.pass_time(hours=24)
    finally:
        monkeypatch.undo()
        time.tzset()
    assert made == [("2026Q4", date(2027, 1, 4)), ("2027Q1", date(2027, 4, 1))]
