"""How fast the outbox sends beside the bare client, and whether anything is lost or doubled on the way.

    python benchmarks/notify.py [--messages 100000] [--concurrency 32] [--latency 0.05] [--databases sqlite,postgres]

Messages wait in the outbox, as SMS to citizens, and go out by `send_due` and the product's Twilio channel (the official
client) to a stand-in in a process of its own, which takes 50 ms for each answer. *Bare* is the same channel called with
the same messages by as many processes and threads without any outbox: nothing is claimed, written down or checked. It goes
before and after, a tenth of the messages each, on the same stand-in, so that what else the machine does meets both. Calls
are counted where they arrive, up to 95 of 100: the last few wait for one another.

Four runs on each database: one sender and two, each without and with faults: 1 % of the calls are answered 429 with
Retry-After, and 1 % are accepted and never answered (the client gives up after `--timeout` seconds). What waits to be tried
or asked for again is brought to its end afterwards, with the clock moved on and out of the measured time: then nothing may
be lost, nothing doubled, and nothing still unknown. Memory is what is resident in each sender when it has begun, and at a
quarter, at half and at the end of the messages.

PostgreSQL is a fresh database on the server of GONGSHI_TEST_POSTGRES. Compare ratios; seconds depend on the machine, and
stand-in, senders and database server share its processors. Ends with 1 where a message was lost or doubled.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as of_day
from http.client import HTTPConnection
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from pydantic import SecretStr
from slow_provider import ACCOUNT, SENDER, TOKEN
from sqlalchemy import create_engine, func, make_url, select, text
from sqlalchemy.orm import Session

from gongshi.calendar import StateCouncilCalendar
from notifier.channels import Dispatch, Outcome, ShortMessage
from notifier.context import Notifier, open_notifier
from notifier.database import migrate
from notifier.outbox import Draft, enqueue
from notifier.policy import ChannelLimits, Rules
from notifier.sending import Given, send_due
from notifier.settings import NotifierSettings
from notifier.sms.settings import TwilioSettings
from notifier.sms.twilio_channel import TwilioChannel
from notifier.states import MessageState, Purpose
from notifier.stops import open_digest
from notifier.tables import MessageRow

SPAWN = multiprocessing.get_context("spawn")
CHANNEL = "sms"
CALLBACK = "https://gateway.example.invalid/twilio/status"
# A Wednesday, ten in the morning in Beijing: citizens may be written to.
START = datetime(2026, 10, 14, 2, 0, tzinfo=UTC)
RATIO_BAR, RATE_BAR = 0.70, 500.0
_CHUNK = 5_000
_POLL = 0.25  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One run: how many messages, by how many senders, and what goes wrong."""

    name: str
    senders: int
    busy: float = 0.0
    silent: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What all runs have in common."""

    messages: int
    concurrency: int
    timeout: float


PLANS = (
    Plan(name="one sender", senders=1),
    Plan(name="two senders", senders=2),
    Plan(name="one sender, 1 % 429, 1 % time-outs", senders=1, busy=0.01, silent=0.01),
    Plan(name="two senders, 1 % 429, 1 % time-outs", senders=2, busy=0.01, silent=0.01),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a run came to. Rates are calls a second; memory in MB, of each sender."""

    database: str
    run: str
    senders: int
    messages: int
    bare: float
    outbox: float
    ratio: float
    processor_ms: float
    bare_processor_ms: float
    memory: list[list[int]]
    lost: int
    doubled: int
    was_unknown: int
    unsettled: int


class Provider:
    """The stand-in, asked."""

    def __init__(self, port: int) -> None:
        self.port = port

    def tell(self) -> dict[str, Any]:
        return self._ask("GET", "/told")

    def received(self) -> dict[str, int]:
        return self._ask("GET", "/received")

    def begin(self, plan: Plan, calls: int) -> None:
        self._ask("POST", f"/begin?calls={calls}&busy={plan.busy}&silent={plan.silent}")
        self.set_clock(START)

    def set_clock(self, now: datetime) -> None:
        self._ask("POST", f"/clock?now={now.timestamp()}")

    def _ask(self, method: str, path: str) -> dict[str, Any]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, path)
            told: dict[str, Any] = json.loads(connection.getresponse().read())
            return told
        finally:
            connection.close()


@contextmanager
def provider(latency: float) -> Iterator[Provider]:
    command = [sys.executable, str(Path(__file__).with_name("slow_provider.py")), str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Provider(int(process.stdout.readline()))
        finally:
            process.terminate()


@contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[NotifierSettings]:
    """A notifier of its own, migrated."""
    if kind == "sqlite":
        settings = NotifierSettings(url=f"sqlite:///{folder}/notifier.db", folder=folder)
        migrate(settings)
        yield settings
        return
    server, name = make_url(os.environ["GONGSHI_TEST_POSTGRES"]), f"gongshi_bench_{uuid4().hex[:12]}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    settings = NotifierSettings(url=server.set(database=name).render_as_string(hide_password=False), folder=folder)
    migrate(settings)
    try:
        yield settings
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


# --- what is sent ----------------------------------------------------------------------------------------------------


def address_of(serial: int) -> str:
    """A number of a country that there is not."""
    return f"+999{serial:08}"


def words_of(serial: int) -> ShortMessage:
    case = f"（2026）测0101执{serial}号"
    said = f"【测试市人民法院】您与{case}案件有关的文书已经作出，请到本院查询，电话0000-0000000。"
    return ShortMessage(text=said, template="decision_served", version=1, fields={"case": case})


def stock(settings: NotifierSettings, messages: int) -> None:
    notifier = open_there(settings)
    digest, random = open_digest(notifier.engine), Random(1)
    for start in range(0, messages, _CHUNK):
        drafts = [
            Draft(
                key=f"notice/{n}",
                purpose=Purpose.NOTICE,
                channel=CHANNEL,
                content=words_of(n),
                address=address_of(n),
                citizen=True,
            )
            for n in range(start, min(start + _CHUNK, messages))
        ]
        with Session(notifier.engine) as session, session.begin():
            enqueue(session, drafts, now=START, digest=digest, random=random)
    notifier.engine.dispose()


class _NoList:
    """There is no package among the messages."""

    def everything(self, now: datetime) -> Any:
        raise NotImplementedError

    profile = mark = everything


def open_there(settings: NotifierSettings) -> Notifier:
    return open_notifier(settings, _NoList(), StateCouncilCalendar())


def open_channel(port: int, clock: Callable[[], datetime], timeout: float) -> TwilioChannel:
    settings = TwilioSettings(
        account_sid=ACCOUNT, auth_token=SecretStr(TOKEN), sender=SENDER, base_url=f"http://127.0.0.1:{port}"
    )
    return TwilioChannel(settings, CALLBACK, clock=clock, timeout=timeout)


# --- what the processes do -------------------------------------------------------------------------------------------


def call_bare(port: int, setting: Setting, serials: range, ready: Any, told: Any) -> None:
    """The same calls without the outbox."""
    channel = open_channel(port, lambda: START, setting.timeout)

    def call(serial: int) -> Outcome:
        dispatch = Dispatch(
            id=f"bare{serial}",
            attempt=1,
            recipient="",
            address=address_of(serial),
            content=words_of(serial),
            begun_at=START,
        )
        return channel.deliver(dispatch)

    ready.wait()
    used = time.process_time()
    with ThreadPoolExecutor(setting.concurrency) as pool:
        calls = sum(1 for _ in pool.map(call, serials))
    channel.close()
    told.put(Told(time.process_time() - used, calls))


def send(port: int, settings: NotifierSettings, setting: Setting, ahead: timedelta, ready: Any, told: Any) -> None:
    """A sender: whatever is due by a clock that is `ahead`."""
    began = time.monotonic()

    def clock() -> datetime:
        return START + ahead + timedelta(seconds=time.monotonic() - began)

    notifier = open_there(settings)
    channel = open_channel(port, clock, setting.timeout)
    limits = ChannelLimits(concurrency=setting.concurrency)
    given = Given(rules=Rules(channels={CHANNEL: limits}, opens=of_day(0), closes=of_day(23, 59)))
    ready.wait()
    used = time.process_time()
    calls = send_due(notifier, {CHANNEL: channel}, clock=clock, worker=f"sender {os.getpid()}", given=given)
    channel.close()
    notifier.engine.dispose()
    told.put(Told(time.process_time() - used, calls))


@dataclass(frozen=True, slots=True)
class Told:
    """What a process says when it is done: for how many seconds it used a processor, and how many calls it made."""

    processor: float
    calls: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Processes that ran at a time. `processor` is in seconds; `memory` has a line a moment, with MB a process."""

    rate: float
    processor: float
    calls: int
    memory: list[list[int]]

    @property
    def processor_ms(self) -> float:
        return 1000 * self.processor / self.calls


def measure(what: str, jobs: Sequence[tuple[Any, ...]], there: Provider, calls: int) -> Measured:
    """Run processes together, from the moment at which all are ready, until `calls` were accepted and they are done."""
    ready, told = SPAWN.Barrier(len(jobs) + 1), SPAWN.SimpleQueue()
    running = [SPAWN.Process(target=target, args=(*arguments, ready, told)) for target, *arguments in jobs]
    for process in running:
        process.start()
    ready.wait()
    memory, moments, last = [], [0.0, 0.25, 0.5], [0] * len(running)
    while all(process.is_alive() for process in running):
        part = there.tell()["accepted"] / calls
        last = [_resident(process.pid) or before for process, before in zip(running, last, strict=True)]
        while moments and part >= moments[0]:
            moments.pop(0)
            memory.append(last)
        show(f"{what}: {100 * part:.0f} %")
        time.sleep(_POLL)
    all_told: list[Told] = [told.get() for _ in running]
    for process in running:
        process.join()
    processor, made = sum(one.processor for one in all_told), sum(one.calls for one in all_told)
    return Measured(there.tell()["rate"], processor, made, [*memory, last])


def _resident(pid: int | None) -> int:
    """MB resident, 0 when the process is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 1_000_000


def show(words: str) -> None:
    """Where it is, on one line of standard error."""
    sys.stderr.write(f"\r\x1b[K{words}")
    sys.stderr.flush()


# --- one run ---------------------------------------------------------------------------------------------------------


def run(kind: str, plan: Plan, setting: Setting, there: Provider) -> Result:
    say = f"{kind}, {plan.name}"
    with (
        tempfile.TemporaryDirectory(prefix="gongshi-notify-") as folder,
        fresh_database(kind, Path(folder)) as settings,
    ):
        show(f"{say}: {setting.messages} messages are queued")
        stock(settings, setting.messages)
        tenth = max(setting.messages // 10, plan.senders)
        before = measure_bare(f"{say}: bare, before", plan, setting, there, tenth)
        there.begin(plan, setting.messages)
        jobs = [(send, there.port, settings, setting, timedelta())] * plan.senders
        outbox = measure(f"{say}: outbox", jobs, there, setting.messages)
        was_unknown = count_states(settings)[MessageState.UNKNOWN]
        settle(say, settings, setting, there)
        received, states, queued = there.received(), count_states(settings), read_dispatches(settings)
        after = measure_bare(f"{say}: bare, after", plan, setting, there, tenth)
    rate = 2 / (1 / before.rate + 1 / after.rate)
    return Result(
        database=kind,
        run=plan.name,
        senders=plan.senders,
        messages=setting.messages,
        bare=round(rate, 1),
        outbox=round(outbox.rate, 1),
        ratio=round(outbox.rate / rate, 3),
        processor_ms=round(outbox.processor_ms, 2),
        bare_processor_ms=round((before.processor_ms + after.processor_ms) / 2, 2),
        memory=[list(line) for line in zip(*outbox.memory, strict=True)],
        lost=len(queued - set(received)),
        doubled=sum(times - 1 for times in received.values()) + len(set(received) - queued),
        was_unknown=was_unknown,
        unsettled=sum(count for state, count in states.items() if state is not MessageState.ACCEPTED),
    )


def measure_bare(what: str, plan: Plan, setting: Setting, there: Provider, calls: int) -> Measured:
    there.begin(plan, calls)
    each = calls // plan.senders
    jobs = [(call_bare, there.port, setting, range(n * each, (n + 1) * each)) for n in range(plan.senders)]
    return measure(what, jobs, there, calls)


def settle(say: str, settings: NotifierSettings, setting: Setting, there: Provider) -> None:
    """Bring to its end what waits: look up what is unknown, and try again what was turned away. Less than an hour in all,
    after which what was accepted would be asked for."""
    for minutes in (5, 10, 20, 30, 40, 50):
        if set(count_states(settings)) == {MessageState.ACCEPTED}:
            return
        ahead = timedelta(minutes=minutes)
        there.set_clock(START + ahead)
        measure(f"{say}: settling", [(send, there.port, settings, setting, ahead)], there, setting.messages)


def count_states(settings: NotifierSettings) -> Counter[MessageState]:
    engine = open_there(settings).engine
    with Session(engine) as session:
        found = session.execute(select(MessageRow.state, func.count()).group_by(MessageRow.state)).all()
    engine.dispose()
    return Counter({MessageState(state): count for state, count in found})


def read_dispatches(settings: NotifierSettings) -> set[str]:
    engine = open_there(settings).engine
    with Session(engine) as session:
        found = set(session.scalars(select(MessageRow.dispatch)))
    engine.dispose()
    return found


# --- what is told ----------------------------------------------------------------------------------------------------


def tell(results: Sequence[Result]) -> str:
    lines = [
        "| database | run | bare, calls/s | outbox, calls/s | ratio | processor ms a call (bare) "
        "| MB at start, ¼, ½, end | lost | doubled | unknown, then settled | left |",
        "| --- | --- | ---: | ---: | ---: | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for one in results:
        memory = "; ".join(" → ".join(map(str, sender)) for sender in one.memory)
        lines.append(
            f"| {one.database} | {one.run} | {one.bare:.0f} | {one.outbox:.0f} | {one.ratio:.2f} "
            f"| {one.processor_ms:.2f} ({one.bare_processor_ms:.2f}) | {memory} | {one.lost} | {one.doubled} "
            f"| {one.was_unknown} | {one.unsettled} |"
        )
    below = []
    for one in results:
        # Two bare clients have no processor left for anything else where there are two.
        if one.senders == 1 and one.ratio < RATIO_BAR:
            below.append(f"{one.database}, {one.run}: ratio {one.ratio:.2f}")
        if one.senders == 2 and one.outbox < RATE_BAR:
            below.append(f"{one.database}, {one.run}: {one.outbox:.0f} calls/s")
    lines.append("")
    bars = f"Bars: ratio {RATIO_BAR:.2f} with one sender, {RATE_BAR:.0f} calls a second with two."
    lines.append(f"{bars} Below: {'; '.join(below) or 'none'}.")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--concurrency", type=int, default=32, help="calls at a time of each sender")
    parser.add_argument("--latency", type=float, default=0.05, help="seconds that the stand-in takes for an answer")
    parser.add_argument("--timeout", type=float, default=2.0, help="seconds after which the client gives up")
    parser.add_argument("--databases", default="sqlite,postgres" if "GONGSHI_TEST_POSTGRES" in os.environ else "sqlite")
    parser.add_argument(
        "--runs", default=",".join(str(n) for n in range(1, len(PLANS) + 1)), help="which of the four runs"
    )
    parser.add_argument("--out", type=Path, help="also write the figures here, as JSON")
    given = parser.parse_args()
    setting = Setting(messages=given.messages, concurrency=given.concurrency, timeout=given.timeout)
    plans = [PLANS[int(number) - 1] for number in given.runs.split(",")]
    with provider(given.latency) as there:
        results = [run(kind, plan, setting, there) for kind in given.databases.split(",") for plan in plans]
    show("")
    print(tell(results))
    if given.out:
        figures = {"machine": platform.machine(), "python": platform.python_version(), "cores": os.cpu_count()}
        body = {**figures, **vars(given), "out": str(given.out), "results": [asdict(one) for one in results]}
        given.out.write_text(json.dumps(body, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return 1 if any(one.lost or one.doubled or one.unsettled for one in results) else 0


if __name__ == "__main__":
    sys.exit(main())
