"""Pushes in figures: each recipient once, quarters once they are over, and nothing about fewer than three."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from posts import UNKNOWN, Post, add_recipient, send
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from notifier.acknowledging import Acknowledgement, acknowledge
from notifier.answers import AckKind
from notifier.calendar import Period
from notifier.channels import Channel
from notifier.figures import FEWEST, MOST, Told, build_push_figures, count_pushes
from notifier.recall import follow_changes
from notifier.runs import push
from notifier.states import Purpose
from notifier.tables import MessageRow, RecipientRow
from search_index.document import Document

Town = Any
SLUGS = ("one", "two", "three", "four")


@pytest.fixture
def told(town: Town, period: Period, person: Document) -> Town:
    """Four recipients that were sent the list of the third quarter in October, and an entry that left after three days."""
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    for slug in SLUGS:
        add_recipient(town, slug, "sftp")
    leaves = town.publish(person)
    channels: dict[str, Channel] = {"sftp": Post()}
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send(town, channels)
    town.clock.pass_time(days=3)
    town.depart(leaves)
    follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())
    send(town, channels)
    return town


def answer(town: Town, slug: str, purpose: Purpose, kind: AckKind, at: datetime) -> None:
    query = select(MessageRow.id).join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
    with Session(town.notifier.engine) as session:
        message = session.scalars(query.where(RecipientRow.slug == slug, MessageRow.purpose == purpose)).one()
    given = Acknowledgement(kind=kind, given_by="编辑", given_at=at, noted_by="clerk", place="一套")
    acknowledge(town.notifier.engine, message, given, now=at)


def test_recipients_reached_and_their_answers_are_counted(told: Town) -> None:
    now = told.clock()
    for number, slug in enumerate(SLUGS[:3]):
        at = now + timedelta(days=number)
        answer(told, slug, Purpose.PACKAGE, AckKind.RECEIVED, at)
        answer(told, slug, Purpose.PACKAGE, AckKind.AIRED, at + timedelta(days=5))
    answer(told, "one", Purpose.RECALL, AckKind.RECEIVED, now)
    answer(told, "two", Purpose.RECALL, AckKind.TAKEN_DOWN, now + timedelta(days=1))
    engine = told.notifier.engine
    third = {"from": "2026Q3", "to": "2026Q3", "told": 4, "confirmed": 3, "median_days": 4.0}
    # The quarter in which the entry left is not over.
    assert count_pushes(engine, date(2026, 12, 31)) == {"packages": [third], "recalls": []}
    fourth = {"from": "2026Q4", "to": "2026Q4", "told": 4, "confirmed": 1, "median_days": None}
    assert count_pushes(engine, date(2027, 1, 1)) == {"packages": [third], "recalls": [fourth]}
    assert count_pushes(engine, date(2026, 9, 30)) is None


def test_what_did_not_arrive_is_not_counted(town: Town, period: Period, person: Document) -> None:
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(RecipientRow).values(active=False))
    for slug in SLUGS:
        add_recipient(town, slug, "sftp")
    town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send(town, {"sftp": Post(answers=[UNKNOWN, UNKNOWN])})
    assert count_pushes(town.notifier.engine, date(2027, 1, 1)) is None


TOLD = st.builds(
    Told,
    period=st.builds(Period, st.sampled_from([2025, 2026]), st.integers(1, 4)),
    days=st.none() | st.integers(0, 9),
)


def test_quarters_of_two_recipients_are_told_together() -> None:
    found = [Told(period=Period(year, quarter), days=1) for year, quarter in ((2025, 4), (2026, 1), (2026, 3))] * 2
    body = build_push_figures(found, found[:1], date(2026, 10, 1))
    assert body is not None
    assert [(one["from"], one["to"], one["told"]) for one in body["packages"]] == [("2025Q4", "2026Q1", 4)]
    assert body["recalls"] == []


@given(st.lists(TOLD, max_size=30), st.dates(date(2025, 1, 1), date(2027, 12, 31)), st.integers(0, 400))
def test_no_figure_is_about_fewer_than_three(found: list[Told], today: date, days: int) -> None:
    later = today + timedelta(days=days)
    before = _list(build_push_figures(found, (), today))
    after = _list(build_push_figures(found, (), later))
    for one in after:
        counted = [each.days for each in found if one["from"] <= str(each.period) <= one["to"]]
        assert one["to"] < str(Period.of(later))
        assert one["told"] == len(counted) >= FEWEST
        assert one["confirmed"] == sum(each is not None for each in counted)
        assert (one["median_days"] is None) == (one["confirmed"] < FEWEST)
    # What was told stays as it was told: nothing can be found out by taking one from the other.
    assert after[-len(before) or len(after) :] == before or len(after) == MOST


def _list(body: Any) -> list[Any]:
    return [] if body is None else list(body["packages"])
