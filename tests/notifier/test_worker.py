"""The pulse: what is due is made and sent once, on time or a little late; a long delay waits for a person."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from posts import DELIVERED, Post, add_recipient, open_channels

from notifier.calendar import Period
from notifier.channels import Dispatch, Outcome
from notifier.followups import list_follow_ups
from notifier.institutions import WEBHOOK
from notifier.policy import ChannelLimits, Rules
from notifier.runs import BY_CALENDAR, approve_run, find_approvals, find_run, push
from notifier.sending import Given
from notifier.states import MessageState, Purpose
from notifier.worker import Tick, find_announced_periods, notifier_tick, run_worker
from search_index.document import Document

Town = Any


def tick(town: Town) -> Tick:
    return notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock)


def test_the_first_tick_of_the_due_day_makes_the_run_and_sends_it(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    town.clock.now = datetime(2026, 10, 7, 15, 59, tzinfo=UTC)
    assert tick(town) == Tick(made=(), waiting=(), attempts=0)
    town.clock.pass_time(minutes=1)
    assert tick(town) == Tick(made=(period,), waiting=(), attempts=2)
    assert tick(town) == Tick(made=(), waiting=(), attempts=0)
    run = find_run(town.notifier.engine, period)
    assert run is not None
    assert (run.made_by, run.days_late) == (BY_CALENDAR, 0)
    assert {message.state for message in run.messages} == {MessageState.DELIVERED}


def test_down_across_the_quarters_end_it_makes_the_run_late(town: Town, period: Period) -> None:
    town.clock.now = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
    tick(town)
    town.clock.now = datetime(2026, 10, 11, 2, 0, tzinfo=UTC)
    assert tick(town).made == (period,)
    run = find_run(town.notifier.engine, period)
    assert run is not None
    assert run.days_late == 3


def test_more_than_a_week_late_it_waits_for_a_person(town: Town, period: Period) -> None:
    town.clock.now = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
    tick(town)
    town.clock.now = datetime(2026, 10, 16, 2, 0, tzinfo=UTC)
    ticked = tick(town)
    assert ticked.made == ()
    assert [(one.period, one.days_late) for one in ticked.waiting] == [(period, 8)]
    push(town.notifier, period, now=town.clock(), made_by="审核员甲")
    assert tick(town) == Tick(made=(), waiting=(), attempts=2)


def test_a_new_home_makes_no_runs_of_the_past(town: Town) -> None:
    town.clock.now = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
    assert tick(town) == Tick(made=(), waiting=(), attempts=0)
    town.clock.now = datetime(2027, 1, 4, 2, 0, tzinfo=UTC)
    assert tick(town).made == (Period(2026, 4),)


def test_a_clock_that_jumps_back_and_forth_makes_no_second_run(town: Town, period: Period) -> None:
    tick(town)
    for hours in (-24, 48, -24, 24):
        town.clock.pass_time(hours=hours)
        assert tick(town).made == ()
    assert find_run(town.notifier.engine, period) is not None


def test_what_a_killed_worker_left_half_made_is_swept_away(town: Town, period: Period) -> None:
    push(town.notifier, period, now=town.clock(), made_by="甲")
    packages = town.settings.folder / "packages" / "2026Q3"
    for name, age in ((".making-old", 7200), (".making-new", 60)):
        (packages / name).mkdir()
        (packages / name / "list.json").write_text("{}")
        moment = town.clock().timestamp() - age
        os.utime(packages / name, (moment, moment))
    tick(town)
    assert sorted(path.name for path in packages.iterdir()) == [".making-new", "r1"]


def test_the_pulse_beats_until_it_is_stopped_and_survives_an_error() -> None:
    stop = threading.Event()
    beats: list[float] = []

    def beat() -> None:
        beats.append(time.monotonic())
        if len(beats) == 1:
            raise ValueError("once")
        stop.set()

    run_worker(beat, stop, every=1)
    assert len(beats) == 2


PROGRAM = """
import threading
from notifier.worker import run_worker, stop_on_signals
stop = threading.Event()
stop_on_signals(stop)
run_worker(lambda: print("tick", flush=True), stop)
print("ended", flush=True)
"""


def test_sigterm_ends_it_cleanly() -> None:
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "tick\n"
        os.kill(process.pid, signal.SIGTERM)
        assert process.stdout.read() == "ended\n"
        assert process.wait(timeout=10) == 0


def test_a_run_that_needs_a_yes_waits_for_it(town: Town, period: Period) -> None:
    strict = Given(rules=Rules(approval_required=True))

    def strict_tick() -> Tick:
        return notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=strict)

    waiting = strict_tick()
    assert (waiting.made, [one.period for one in waiting.waiting]) == ((), [period])
    assert approve_run(town.notifier.engine, period, by="审核员甲", now=town.clock())
    assert not approve_run(town.notifier.engine, period, by="审核员乙", now=town.clock())
    assert find_approvals(town.notifier.engine) == {period: "审核员甲"}
    assert strict_tick().made == (period,)
    assert strict_tick() == Tick(made=(), waiting=(), attempts=0)


def test_a_yes_does_not_make_a_run_that_is_too_late_go_by_itself(town: Town, period: Period) -> None:
    tick_at = Given(rules=Rules(approval_required=True))
    town.clock.now = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
    tick(town)
    approve_run(town.notifier.engine, period, by="审核员甲", now=town.clock())
    town.clock.now = datetime(2026, 10, 20, 2, 0, tzinfo=UTC)
    ticked = notifier_tick(town.notifier, {}, clock=town.clock, given=tick_at)
    assert (ticked.made, [one.period for one in ticked.waiting]) == ((), [period])


def test_a_run_is_announced_ahead_and_not_after_it_was_made(town: Town, period: Period) -> None:
    town.clock.now = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
    assert find_announced_periods(town.notifier, town.clock()) == []
    town.clock.now = datetime(2026, 9, 29, 2, 0, tzinfo=UTC)
    assert [one.period for one in find_announced_periods(town.notifier, town.clock())] == [period]
    town.clock.now = datetime(2026, 10, 8, 2, 0, tzinfo=UTC)
    tick(town)
    assert find_announced_periods(town.notifier, town.clock()) == []


def test_one_tick_makes_the_run_sends_it_and_recalls_what_has_left(
    town: Town, period: Period, person: Document
) -> None:
    given = Given(store=town.store)
    leaves = town.publish(person)

    def whole_tick() -> Tick:
        return notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=given)

    assert whole_tick() == Tick(made=(period,), waiting=(), attempts=2, followed=1)
    town.depart(leaves)
    assert whole_tick() == Tick(made=(), waiting=(), attempts=2, followed=1)
    assert whole_tick() == Tick(made=(), waiting=(), attempts=0, followed=0)
    assert [one.is_closed for one in list_follow_ups(town.notifier.engine)] == [False, False]


def test_a_clock_a_day_off_makes_neither_a_second_run_nor_a_second_recall(
    town: Town, period: Period, person: Document
) -> None:
    given = Given(store=town.store)
    leaves = town.publish(person)
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=given)
    town.depart(leaves)
    for hours in (24, -48, 24, 24, -24):
        town.clock.pass_time(hours=hours)
        notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=given)
    assert len(list_follow_ups(town.notifier.engine)) == 2
    assert len(list_follow_ups(town.notifier.engine, [Purpose.PACKAGE])) == 2


def test_what_a_recipients_own_server_asks_for_holds_up_no_other(town: Town, period: Period, person: Document) -> None:
    town.publish(person)
    busy = Outcome(state=MessageState.FAILED_TEMPORARY, detail="对方忙", retry_after=timedelta(hours=6))
    add_recipient(town, "busy", WEBHOOK)
    add_recipient(town, "quick", WEBHOOK)

    class Hooks(Post):
        def deliver(self, dispatch: Dispatch) -> Outcome:
            super().deliver(dispatch)
            return busy if dispatch.recipient == "busy" else DELIVERED

    hooks = Hooks()
    given = Given(rules=Rules(channels={WEBHOOK: ChannelLimits(concurrency=1)}))
    notifier_tick(town.notifier, {WEBHOOK: hooks}, clock=town.clock, given=given)
    assert sorted(dispatch.recipient for dispatch in hooks.dispatches) == ["busy", "quick"]


def test_a_step_that_fails_keeps_no_other_from_being_taken(
    town: Town, period: Period, person: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    leaves = town.publish(person)
    given = Given(store=town.store)
    notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=given)
    town.depart(leaves)

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError("disk")

    for step in ("sweep", "find_due_periods", "queue_reminders"):
        monkeypatch.setattr(f"notifier.worker.{step}", fail)
    with pytest.raises(ExceptionGroup) as failed:
        notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock, given=given)
    assert [type(error) for error in failed.value.exceptions] == [OSError] * 3
    recalls = list_follow_ups(town.notifier.engine)
    assert {one.state for one in recalls} == {MessageState.DELIVERED}
    assert len(recalls) == 2


def test_parts_of_the_work_beat_apart() -> None:
    stop, hanging = threading.Event(), threading.Event()

    def hang() -> None:
        hanging.set()
        assert stop.wait(60)

    def beat() -> None:
        if hanging.wait(60):
            stop.set()

    run_worker(hang, stop, 60, [(beat, 60)])
    assert stop.is_set()
