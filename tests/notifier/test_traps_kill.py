"""Whoever makes a run may die after any of its commits: what is there then is finished, and never half a run for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from posts import open_channels
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.recall import follow_changes
from notifier.runs import list_runs, push
from notifier.sending import Given
from notifier.states import MessageState, Purpose
from notifier.tables import MessageRow, RecallRow
from notifier.worker import follow, notifier_tick
from search_index.document import Document
from search_index.journal import SubjectChange

pytestmark = pytest.mark.long

Town = Any


class Died(BaseException):
    """The process ends here; nothing after it is done."""


class Deadline:
    """Ends whatever is at work with the database right after its so-many-eth commit."""

    def __init__(self, town: Town, commits: int) -> None:
        self._engine, self.left = town.notifier.engine, commits

    def __enter__(self) -> Deadline:
        event.listen(self._engine, "commit", self._count)
        return self

    def __exit__(self, *_: object) -> None:
        event.remove(self._engine, "commit", self._count)

    def _count(self, connection: Any) -> None:
        self.left -= 1
        if self.left == 0:
            connection.connection.dbapi_connection.commit()
            raise Died


def finish(town: Town) -> None:
    for _ in range(3):
        given = Given(store=town.store)
        notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=given)
        town.clock.pass_time(minutes=11)


def count(town: Town, *conditions: Any) -> int:
    with Session(town.notifier.engine) as session:
        return session.scalar(select(func.count()).select_from(MessageRow).where(*conditions)) or 0


@pytest.mark.parametrize("commits", range(1, 7))
def test_a_run_is_there_with_all_its_messages_or_not_at_all(
    town: Town, period: Period, person: Document, commits: int
) -> None:
    """A run whose messages come with a later commit is a run that nobody is ever sent."""
    town.publish(person)
    with Deadline(town, commits) as deadline:
        try:
            push(town.notifier, period, now=town.clock(), made_by="甲")
        except Died:
            pass
    runs = list_runs(town.notifier.engine)
    assert [len(run.messages) for run in runs] in ([], [2])
    if deadline.left > 0:
        assert commits > 2, "making a run takes no commit at all"
    finish(town)
    (run,) = list_runs(town.notifier.engine)
    assert Counter(message.state for message in run.messages) == {MessageState.DELIVERED: 2}
    assert count(town) == 2


@pytest.mark.parametrize("commits", range(1, 6))
def test_a_change_is_followed_with_all_its_recalls_or_not_at_all(
    town: Town, period: Period, person: Document, commits: int
) -> None:
    """How far the list was followed must not be known before everyone who is to be told is queued, nor after."""
    listed = [town.publish(person) for _ in range(3)]
    push(town.notifier, period, now=town.clock(), made_by="甲")
    finish(town)
    for document in listed[:2]:
        town.depart(document)
    with Deadline(town, commits):
        try:
            follow_changes(town.notifier.engine, town.store, town.notifier.workdays, now=town.clock())
        except Died:
            pass
    with Session(town.notifier.engine) as session:
        recalls = session.scalar(select(func.count()).select_from(RecallRow))
    assert count(town, MessageRow.purpose == Purpose.RECALL) == 2 * (recalls or 0)
    finish(town)
    assert count(town, MessageRow.purpose == Purpose.RECALL) == 4
    assert count(town, MessageRow.state != MessageState.DELIVERED) == 0


@pytest.mark.parametrize("commits", range(1, 6))
def test_a_clarification_is_followed_with_all_its_letters_or_not_at_all(
    town: Town, period: Period, person: Document, commits: int
) -> None:
    """Whoever is killed on the way leaves nobody who was sent the entry without a letter, and nobody with two."""
    wrong = town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    finish(town)
    town.depart(wrong)
    town.position += 1
    body = {"kind": "clarification", "title": "澄清公告", "text": "系不应纳入而纳入。", "about": wrong.record}
    change = SubjectChange(position=town.position, at=town.clock(), subject="article", key="7", body=body)
    town.writer.apply([change])
    with Deadline(town, commits):
        try:
            follow(town.notifier, now=town.clock(), given=Given(store=town.store))
        except Died:
            pass
    assert count(town, MessageRow.purpose == Purpose.CLARIFICATION) in (0, 2)
    finish(town)
    assert count(town, MessageRow.purpose == Purpose.CLARIFICATION, MessageRow.attempts == 1) == 2
    assert count(town, MessageRow.purpose == Purpose.CLARIFICATION) == 2
    assert count(town, MessageRow.state != MessageState.DELIVERED) == 0


@dataclass
class Overtaken:
    """The disclosed store for one who is overtaken by another right after reading what has changed."""

    town: Town
    done: bool = False

    @contextmanager
    def snapshot(self, now: datetime) -> Iterator[Any]:
        with self.town.store.snapshot(now) as moment:
            yield moment
        if not self.done:
            self.done = True
            follow_changes(self.town.notifier.engine, self.town.store, self.town.notifier.workdays, now=now)


def test_who_is_overtaken_while_following_changes_begins_again(town: Town, period: Period, person: Document) -> None:
    listed = [town.publish(person) for _ in range(3)]
    push(town.notifier, period, now=town.clock(), made_by="甲")
    finish(town)
    for document in listed[:2]:
        town.depart(document)
    slow = Overtaken(town)
    assert follow_changes(town.notifier.engine, slow, town.notifier.workdays, now=town.clock()) == 0
    assert slow.done
    assert count(town, MessageRow.purpose == Purpose.RECALL) == 4
