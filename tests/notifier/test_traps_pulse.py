"""What the scheduler forgets, doubles or drops must not matter: it is only a pulse, and what is due is asked elsewhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from typing import Any

import pytest
from posts import open_channels
from sqlalchemy import inspect

from notifier.calendar import Period
from notifier.runs import find_run
from notifier.worker import notifier_tick, run_worker

Town = Any

_PROGRAM = """
import logging, threading
logging.basicConfig(level=logging.WARNING)
from notifier.worker import run_worker, stop_on_signals
stop = threading.Event()
stop_on_signals(stop)
run_worker(lambda: print("tick", flush=True), stop, every=3)
"""


@pytest.mark.long
def test_a_pulse_that_was_held_up_still_beats() -> None:
    """The scheduler drops whatever is more than a second late, unless it is told not to."""
    command = [sys.executable, "-c", _PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "tick\n"
        os.kill(process.pid, signal.SIGSTOP)
        # The machine sleeps, and wakes up two seconds after a beat was due: nothing else than time passes.
        time.sleep(5)
        os.kill(process.pid, signal.SIGCONT)
        assert process.stdout.readline() == "tick\n"
        process.terminate()
        process.stdout.read()
        assert "was missed" not in process.stderr.read()
        assert process.wait(timeout=30) == 0


@pytest.mark.long
def test_a_beat_that_takes_long_is_never_joined_by_the_next() -> None:
    stop, joined, lock = Event(), Event(), Lock()
    running: list[int] = []

    def beat() -> None:
        with lock:
            running.append(1)
            if len(running) > 1:
                joined.set()
        # Two more beats are due meanwhile.
        joined.wait(2.5)
        with lock:
            running.pop()
        stop.set()

    run_worker(beat, stop, every=1)
    assert not joined.is_set()


def live(tick: Callable[[], object], beaten: Event) -> None:
    """A worker that runs until its first beat is over."""
    stop = Event()

    def beat() -> None:
        tick()
        beaten.set()

    worker = Thread(target=run_worker, args=(beat, stop))
    worker.start()
    assert beaten.wait(60)
    stop.set()
    worker.join()


def test_nothing_is_kept_of_the_scheduler_so_a_renamed_job_and_a_late_start_lose_no_quarter(
    town: Town, period: Period
) -> None:
    """A store of jobs drops the run that was missed, and deletes the job whose function has another name by now."""
    made: list[tuple[Period, ...]] = []

    def old_name() -> None:
        made.append(notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock).made)

    def new_name() -> None:
        made.append(notifier_tick(town.notifier, open_channels(town.notifier), clock=town.clock).made)

    town.clock.now = datetime(2026, 9, 28, 2, 0, tzinfo=UTC)
    live(old_name, Event())
    town.clock.now = datetime(2026, 10, 11, 2, 0, tzinfo=UTC)
    live(new_name, Event())
    live(old_name, Event())
    assert made == [(), (period,), ()]
    run = find_run(town.notifier.engine, period)
    assert run is not None
    assert run.days_late == 3
    assert [name for name in inspect(town.notifier.engine).get_table_names() if "apscheduler" in name] == []


@pytest.mark.parametrize("web", ["gongshi.gateway", "portal.app"])
@pytest.mark.long
def test_no_web_server_has_a_scheduler_in_it(web: str) -> None:
    """In a server of several processes it would fire once in each."""
    program = f"import sys, {web}; sys.exit('apscheduler' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
