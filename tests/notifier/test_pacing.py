"""All senders together call a channel no faster than it bears, and nothing urgent waits long behind what was claimed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import pytest
from posts import Post, queue
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from notifier.context import open_notifier
from notifier.lanes import Lane
from notifier.pacing import take_calls
from notifier.policy import ChannelLimits, Rules
from notifier.sending import Given, send_due
from notifier.tables import SettingRow

Town = Any


@pytest.mark.parametrize("senders", [1, 2])
def test_no_more_calls_a_second_than_a_channel_bears_however_many_send(town: Town, senders: int) -> None:
    queue(town, *(f"a{n}" for n in range(20)))
    given = Given(rules=Rules(channels={"post": ChannelLimits(concurrency=2, per_second=20)}), random=Random(2))
    post = Post()

    def work(name: str) -> int:
        apart = open_notifier(town.settings, town.notifier.register, town.notifier.workdays)
        calls = send_due(apart, {"post": post}, clock=town.clock, worker=name, given=given)
        apart.engine.dispose()
        return calls

    began = time.monotonic()
    with ThreadPoolExecutor(senders) as pool:
        assert sum(pool.map(work, "甲乙"[:senders])) == 20
    # It starts with nothing saved up.
    assert time.monotonic() - began >= 20 / 20 - 0.06


def take(town: Town, wanted: int, per_second: float = 5) -> tuple[int, float]:
    with Session(town.notifier.engine) as session, session.begin():
        return take_calls(session, "post", per_second, wanted)


def test_a_bucket_begins_empty_and_says_when_the_next_call_may_begin(town: Town) -> None:
    taken, wait = take(town, 3, per_second=0.01)
    assert taken == 0
    assert 99 < wait <= 100


def test_a_clock_that_was_put_back_does_not_stop_a_channel(town: Town) -> None:
    take(town, 1)
    tomorrow = time.time() + 86_400
    with Session(town.notifier.engine) as session, session.begin():
        session.execute(update(SettingRow).where(SettingRow.name == "pace/post").values(value=f"5.0 {tomorrow!r}"))
    assert take(town, 9)[0] == 5
    with Session(town.notifier.engine) as session:
        kept = session.scalars(select(SettingRow.value).where(SettingRow.name == "pace/post")).one()
    assert float(kept.split()[1]) < tomorrow - 80_000


@pytest.mark.parametrize(
    ("limits", "room"),
    [
        (ChannelLimits(), 2),
        (ChannelLimits(concurrency=32), 64),
        (ChannelLimits(concurrency=32, per_second=1), 2),
        (ChannelLimits(concurrency=32, per_second=0.1), 1),
    ],
)
def test_so_much_is_claimed_that_nobody_waits_and_nothing_urgent_does(limits: ChannelLimits, room: int) -> None:
    lane = Lane("post", Post(), limits)
    assert (lane.room, lane.is_low) == (room, True)
