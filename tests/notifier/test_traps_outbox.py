"""Where other outboxes break: backlogs that multiply, receipts that come too late, counts that grow with the table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from posts import ACCEPTED, UNKNOWN, Post, attempts, message, queue, send, terms
from sqlalchemy import event, func, select, text
from sqlalchemy.orm import Session

from notifier.policy import ChannelLimits, Rules
from notifier.settling import Applied, Receipt, apply_receipt
from notifier.states import MessageState
from notifier.stops import pause_channel, resume_channel
from notifier.tables import AttemptRow, MessageRow

Town = Any
_ALL_DAY = Rules(channels={"post": ChannelLimits(concurrency=4)})


def test_a_backlog_does_not_grow_by_being_looked_at(town: Town) -> None:
    """Replaying what waits without marking it multiplies it by every look."""
    keys = [f"n{number}" for number in range(12)]
    queue(town, *keys)
    with Session(town.notifier.engine) as session, session.begin():
        pause_channel(session, "post", reason="余额不足", now=town.clock())
    post = Post()
    for _ in range(25):
        town.clock.pass_time(hours=1)
        queue(town, *keys)
        assert send(town, {"post": post}) == 0
    assert resume_channel(town.notifier.engine, "post")
    send(town, {"post": post})
    assert Counter(dispatch.address for dispatch in post.dispatches) == dict.fromkeys(keys, 1)
    with Session(town.notifier.engine) as session:
        assert session.scalar(select(func.count()).select_from(MessageRow)) == 12
        assert session.scalar(select(func.count()).select_from(AttemptRow)) == 12


@pytest.mark.parametrize("answer", [ACCEPTED, UNKNOWN])
def test_a_receipt_that_comes_after_everybody_has_stopped_asking_still_counts(town: Town, answer: Any) -> None:
    """Others drop what comes after three days."""
    queue(town, "late")
    post = Post(answers=[answer])
    send(town, {"post": post})
    for _ in range(40):
        town.clock.pass_time(hours=12)
        send(town, {"post": post})
    assert message(town, "late").state == answer.state
    assert post.asked, "it was asked for, in its time"
    receipt = Receipt(
        channel="post", state=MessageState.DELIVERED, detail="已送达", dispatch=message(town, "late").dispatch
    )
    assert apply_receipt(town.notifier.engine, receipt, terms(town), town.clock()) is Applied.NEW
    assert message(town, "late").state == MessageState.DELIVERED
    assert len(post.dispatches) == 1


def test_every_try_stays_on_record_with_what_came_of_it(town: Town) -> None:
    """Without it, what happened is only in a log, if anywhere."""
    from posts import BUSY

    queue(town, "tried")
    post = Post(answers=[BUSY, BUSY])
    for _ in range(3):
        send(town, {"post": post})
        town.clock.pass_time(hours=1)
    tried = attempts(town, "tried")
    assert [one.number for one in tried] == [1, 2, 3]
    assert [one.outcome for one in tried] == ["failed_temporary", "failed_temporary", "delivered"]
    for one in tried:
        assert one.called_at is not None
        assert one.ended_at is not None
        assert one.begun_at <= one.called_at <= one.ended_at


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_no_question_of_a_sender_reads_the_whole_table(town: Town) -> None:
    """A count that reads every message takes the service down on its busiest day."""
    queue(town, *(f"n{number}" for number in range(30)), citizen=True)
    asked: list[tuple[str, Any]] = []

    def keep(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if not many and statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE")) and "message" in statement:
            asked.append((statement, parameters))

    event.listen(town.notifier.engine, "before_cursor_execute", keep)
    rules = Rules(channels={"post": ChannelLimits(concurrency=4, per_day=1000)}, citizen_cap=3)
    send(town, {"post": Post(answers=[ACCEPTED] * 5)}, rules)
    town.clock.pass_time(hours=2)
    send(town, {"post": Post()}, rules)
    event.remove(town.notifier.engine, "before_cursor_execute", keep)
    assert len(asked) > 10
    read_whole = {plan for statement, parameters in asked for plan in _explain(town, statement, parameters)}
    assert read_whole == set()


def _explain(town: Town, statement: str, parameters: Any) -> Sequence[str]:
    """The steps of a statement that read all of the messages, or all attempts."""
    with town.notifier.engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        cursor = connection.connection.cursor()
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
        plan = [row[-1] for row in cursor.fetchall()]
    return [step for step in plan if step.startswith(("SCAN message", "SCAN attempt"))]


def test_an_unknown_is_not_asked_for_by_sending_it_again(town: Town) -> None:
    """However long it stays unknown, and whoever starts anew meanwhile."""
    queue(town, "unclear")
    post = Post(answers=[UNKNOWN])
    for _ in range(60):
        send(town, {"post": post})
        town.clock.pass_time(seconds=timedelta(hours=8).total_seconds())
    assert len(post.dispatches) == 1
    assert message(town, "unclear").state == MessageState.UNKNOWN
    # Asked in ever longer steps, and then left to a person: not for ever, and not in every turn.
    assert 1 <= len(post.asked) <= 6
