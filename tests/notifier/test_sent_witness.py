"""What is told outside the database of every call: before it is made, and when its end is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.channels import Dispatch, Outcome, ShortMessage
from notifier.outbox import Draft, enqueue
from notifier.recall import read_watermark
from notifier.runs import push
from notifier.sending import Given, send_due
from notifier.states import MessageState, Purpose
from notifier.witness import Call, Ended, Handed
from notifier.worker import notifier_tick
from search_index.document import Document

Town = Any


@dataclass
class Book:
    """A witness that keeps in order what it is told."""

    told: list[Call | Ended | Handed] = field(default_factory=list)

    def note(self, calls: Sequence[Call], ended: Sequence[Ended]) -> None:
        self.told += [*ended, *calls]

    def handed(self, handed: Handed) -> None:
        self.told.append(handed)

    def find_calls(self, purpose: Purpose) -> list[Call]:
        return [one for one in self.told if isinstance(one, Call) and one.purpose == purpose]


@dataclass
class Watching:
    """A channel that looks, when it is called, whether its call has been told."""

    book: Book
    untold: list[str] = field(default_factory=list)
    repeatable: bool = False

    def deliver(self, dispatch: Dispatch) -> Outcome:
        told = {(one.dispatch, one.attempt) for one in self.book.told if isinstance(one, Call)}
        if (dispatch.id, dispatch.attempt) not in told:
            self.untold.append(dispatch.id)
        return Outcome(state=MessageState.DELIVERED, detail="好", reference="R1")

    def look_up(self, dispatch: Dispatch, reference: str | None) -> Outcome | None:
        return None


@pytest.fixture
def book(town: Town) -> Book:
    book = Book()
    town.notifier = replace(town.notifier, witness=book)
    return book


def test_every_call_is_told_before_it_is_made_and_its_end_after(
    town: Town, book: Book, period: Period, person: Document
) -> None:
    channel = Watching(book)
    listed = town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    drafts = [
        Draft(
            key=f"notice/{number}",
            purpose=Purpose.NOTICE,
            channel="sandbox",
            content=ShortMessage(text="甲", template="t", version="1", fields={}),
            address=f"139000000{number:02}",
        )
        for number in range(3)
    ]
    with Session(town.notifier.engine) as session, session.begin():
        enqueue(session, drafts, now=town.clock(), digest=lambda text: f"digest of {len(text)}")
    assert send_due(town.notifier, {"sandbox": channel}, clock=town.clock, worker="测试") == 5
    assert channel.untold == []
    packages = book.find_calls(Purpose.PACKAGE)
    assert {one.meanings for one in packages} == {(f"package/{period}/{slug}/sandbox",) for slug in ("tv", "egov")}
    assert {(one.revision, one.sequence) for one in packages} == {(1, 1)}
    notices = book.find_calls(Purpose.NOTICE)
    assert len({one.dispatch for one in notices}) == 3
    assert not [one for one in notices if "1390000" in str(one.as_json())]
    ended = [one for one in book.told if isinstance(one, Ended)]
    assert {(one.outcome, one.reference) for one in ended} == {("delivered", "R1")}
    assert {one.dispatch for one in ended} == {one.dispatch for one in [*packages, *notices]}
    # Whoever has the package is told of who leaves; the words for it do not depend on any row's number.
    town.depart(listed)
    given = Given(store=town.store)
    notifier_tick(town.notifier, {"sandbox": channel}, clock=town.clock, worker="测试", given=given)
    recalls = book.find_calls(Purpose.RECALL)
    assert {one.recipient for one in recalls} == {"tv", "egov"}
    day = "2026-10-08"
    assert {one.meanings for one in recalls} == {
        (f"recall/{slug}/{listed.record}/gone/{day}",) for slug in ("tv", "egov")
    }


def test_what_a_recipient_fetches_itself_is_told(town: Town, book: Book, period: Period, person: Document) -> None:
    from notifier.recall import note_handover

    town.publish(person)
    push(town.notifier, period, now=town.clock(), made_by="甲")
    send_due(town.notifier, {"sandbox": Watching(book)}, clock=town.clock, worker="测试")
    book.told.clear()
    followed = read_watermark(town.notifier.engine)
    for _ in range(2):
        assert note_handover(town.notifier, 1, 1, 1, by="取件", now=town.clock(), followed=followed)
    (handed,) = book.told
    assert isinstance(handed, Handed)
    assert (handed.period, handed.revision, handed.sequence) == (str(period), 1, 1)
