"""The disaster drill: a court at work (worker, portal and gateway as processes of their own, real recipients at the other end)
is backed up, works on, is killed in the middle of a push with departures under way, and its machine is wiped. It comes back
elsewhere from the backup and the logs that lay on another disk.

From the first instant nobody who has left is answered for; nothing arrives twice anywhere; whoever is still owed the word
that a name has gone gets it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from multiprocessing.process import BaseProcess
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest
from backed_up import WORDS, back_up
from entries import a_person
from forking import FORKING
from homes import Clock, Home, settle
from invariants import find_faults
from sqlalchemy import select
from standins.hook_server import SECRET, HookServer
from standins.mail_server import MailServer
from standins.twilio_server import ACCOUNT, SENDER, TOKEN, TwilioServer

from registry.tables import RecordRow
from search_index.day import SHANGHAI

pytestmark = [pytest.mark.long, pytest.mark.parametrize("databases", ["sqlite"], indirect=True)]
LISTED = 14
BOTH = ("--confirm", "art3", "--confirm", "redactions")
# A working day, for citizens are written to on those only.
MORNING = datetime(2026, 11, 18, 10, 0, tzinfo=SHANGHAI)


@dataclass
class Moving(Clock):
    """A clock that goes on, from the moment it was last put to."""

    since: float = field(default_factory=time.time)

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.at + time.time() - self.since, SHANGHAI)

    @property
    def at(self) -> float:
        return self.moment.timestamp()


def _serve(arguments: tuple[str, ...], at: float, since: float, env: Mapping[str, str], log: str) -> None:
    """A process of the product, with a clock that goes on."""
    os.setsid()
    from gongshi.cli import run
    from gongshi.clock import World

    settle(env)
    sys.stdout = sys.stderr = Path(log).open("a", encoding="utf-8")  # noqa: SIM115  # as long as the process
    os._exit(run(arguments, World(now=lambda: datetime.fromtimestamp(at + time.time() - since, SHANGHAI))))


@dataclass
class Town:
    """The court, its processes, and everyone at the other end."""

    home: Home
    mail: MailServer
    hook: HookServer
    sms: TwilioServer
    ports: tuple[int, int]
    log: Path
    started: list[BaseProcess] = field(default_factory=list)
    token: str = ""

    def start(self, *arguments: str) -> None:
        clock = self.home.clock
        assert isinstance(clock, Moving)
        env = {key: value for key, value in os.environ.items() if key.startswith("GONGSHI_")}
        process = FORKING.Process(target=_serve, args=(arguments, clock.at, clock.since, env, str(self.log)))
        process.start()
        self.started.append(process)

    def start_all(self) -> None:
        self.start("serve", "portal", "--bind", f"127.0.0.1:{self.ports[0]}", "--workers", "1")
        self.start("serve", "gateway", "--bind", f"127.0.0.1:{self.ports[1]}", "--workers", "1")
        self.start("worker")

    def kill_all(self) -> None:
        """kill -9, at once, without a word to anybody."""
        for process in self.started:
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
        for process in self.started:
            process.join(30)
        self.started.clear()

    def get(self, path: str, *, gateway: bool = False) -> tuple[int, str]:
        try:
            with urlopen(f"http://127.0.0.1:{self.ports[gateway]}{path}", timeout=20) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as error:
            return error.code, error.read().decode()
        except (URLError, OSError):
            return 0, ""

    def arrived(self) -> list[tuple[str, str]]:
        """Everything that anybody got, by whom and what it says; a reminder may come as often as it likes."""
        mails = [("mail", str(one.message["Subject"])) for one in list(self.mail.mails)]
        events = [
            ("hook", f"{one['type']} {one['data'].get('subject') or one['data']}")
            for one in list(self.hook.events.values())
        ]
        words = [("sms", f"{one.to} {one.body}") for one in list(self.sms.messages)]
        return [one for one in (*mails, *events, *words) if "催办" not in one[1] and "请回执" not in one[1]]

    def taken_back(self) -> Counter[tuple[str, str]]:
        """By whom which record was taken back, and how often."""
        told = [(who, what) for who, what in self.arrived() if "撤回" in what]
        return Counter(
            (who, record) for who, what in told for record in what.replace("，", " ").split() if "SX-" in record
        )


def wait_for(done: Callable[[], bool], seconds: float = 90) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if done():
            return True
        time.sleep(0.1)
    return done()


@contextmanager
def watching(town: Town, gone: Mapping[str, str]) -> Iterator[list[str]]:
    """Ask the portal again and again for all who have left; what it answered that it must not."""
    seen: list[str] = []
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            for record, name in gone.items():
                status, page = town.get(f"/entries/{record}")
                if status == 200 or name in page:
                    seen.append(f"{record}: {status}")
            stop.wait(0.05)
            status, page = town.get("/api/v1/entries?per_page=100")
            seen.extend(f"{record} in the list" for record in gone if status == 200 and record in page)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        stop.set()
        thread.join(60)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


def add(home: Home, slug: str, kind: str, channel: str, *options: str, typed: str = "") -> None:
    said = home.run(
        "recipient", "add", slug, "--name", f"测试单位{slug}", "--kind", kind, "--channel", channel,
        *options, "--as", "reviewer", "--json", typed=typed,
    )  # fmt: skip
    assert said.code == 0, said.err


@pytest.fixture
def town(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    home.clock = Moving(MORNING)
    witness = tmp_path / "witness"
    witness.mkdir()
    ports = free_port(), free_port()
    with MailServer() as mail, HookServer(home.clock) as hook, TwilioServer(home.clock) as sms:
        for name, value in {
            "SMTP_URL": mail.url,
            "WEBHOOK_LOOPBACK": "yes",
            "GATEWAY_URL": f"http://127.0.0.1:{ports[1]}",
            "WITNESS_FOLDER": str(witness),
            "RATE_LIMIT": "off",
            "TWILIO_ACCOUNT_SID": ACCOUNT,
            "TWILIO_AUTH_TOKEN": TOKEN,
            "TWILIO_FROM": SENDER,
            "TWILIO_BASE_URL": sms.url,
            "SMS_ROUTE_CN": "twilio",
        }.items():
            monkeypatch.setenv(f"GONGSHI_{name}", value)
        home.ask(
            "profile",
            "--set",
            "court=测试市人民法院",
            "--set",
            "telephone=0000-1111111",
            "--set",
            "signature=测试市法院",
            "--as",
            "reviewer",
        )
        home.publish(*(a_person(n, name=f"扎西·{chr(0x7532 + n)}𠮷") for n in range(1, LISTED + 1)))
        add(home, "news", "television", "mail", "--address", "desk@tv.example.invalid")
        add(
            home,
            "centre",
            "e_government",
            "webhook",
            "--address",
            f"{hook.url}/in",
            "--ask-secret",
            typed=f"{SECRET}\n",
        )
        made = Town(home, mail, hook, sms, ports, tmp_path / "processes.log")
        yield made
        made.kill_all()


def records(home: Home) -> dict[str, str]:
    with home.court.reading() as session:
        return dict(session.execute(select(RecordRow.number, RecordRow.name_key).order_by(RecordRow.id)).all())


def names_of(home: Home) -> dict[str, str]:
    return {record: f"扎西·{chr(0x7532 + n)}𠮷" for n, record in enumerate(records(home), 1)}


def leave(home: Home, record: str, place: int) -> None:
    """One goes, each by another ground."""
    basis = ("--basis", f"（2026）测0101执监{place}号", "--as", "reviewer")
    ways = (
        ("remove", record, "--ground", "performed", *basis),
        ("withdraw", record, "--ground", "wrongly_listed", *basis),
        ("hold", record, *basis),
        ("remove", record, "--ground", "no_property_found", "--query", "2026-03-01", "--query", "2026-09-01", *basis),
        ("remove", record, "--ground", "closed", *basis),
        ("withdraw", record, "--ground", "deceased", *basis),
        ("remove", record, "--ground", "applicant_request", *basis, "--confirmation", "申请书"),
    )
    home.ask(*ways[place % len(ways)])


def test_a_court_comes_back_from_a_disaster(town: Town, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = town.home
    town.start_all()
    names = names_of(home)
    listed = list(names)
    assert wait_for(lambda: town.get(f"/entries/{listed[0]}")[0] == 200)
    file = back_up(home, tmp_path)

    # The day after the backup: a push, departures while it goes on, a correction, and the machine dies in the middle.
    home.ask("push", "--period", "2026Q3")
    for place in range(3):
        leave(home, listed[place], place)
    assert wait_for(lambda: len(town.mail.mails) >= 1 and len(town.hook.events) >= 1), "the push has not begun"
    home.ask("correct", listed[10], "--set", "obligation=支付人民币1元。", *BOTH, "--as", "reviewer")
    for place in range(3, 6):
        leave(home, listed[place], place)
    assert wait_for(lambda: len(town.taken_back()) >= 2), "no recall has begun"
    for place in range(6, 9):
        leave(home, listed[place], place)
    town.kill_all()
    gone = {record: names[record] for record in listed[:9]}
    before = town.arrived()
    home.close()
    shutil.rmtree(home.folder)

    # Another machine. Somebody asks its portal from its first instant on.
    home.folder = tmp_path / "elsewhere" / "home"
    home.folder.parent.mkdir()
    monkeypatch.setenv("GONGSHI_HOME", str(home.folder))
    home.clock.moment = home.clock() + timedelta(hours=3)
    home.clock.since = time.time()  # type: ignore[attr-defined]
    begun = time.monotonic()
    town.start("serve", "portal", "--bind", f"127.0.0.1:{town.ports[0]}", "--workers", "1")
    with watching(town, gone) as seen:
        said = home.run("restore", file, "--json", typed=WORDS)
        assert said.code == 0, said.err
        found = said.json
        restored_in = time.monotonic() - begun
        # Services that are started early hold still.
        town.start("serve", "gateway", "--bind", f"127.0.0.1:{town.ports[1]}", "--workers", "1")
        town.start("worker")
        time.sleep(3)
        assert town.get("/pull", gateway=True)[0] in (0, 503)
        assert town.arrived() == before
        assert sorted({*found["departed"], *found["held"]}) == sorted([*gone, listed[10]])
        home.ask("restore", "open", "--as", "reviewer")
        home.ask("restore", "open", "--as", "second")
        reopened_in = time.monotonic() - begun
        assert wait_for(lambda: town.get(f"/entries/{listed[12]}")[0] == 200)
        owed = {(who, record) for who in ("mail", "hook") for record in (*listed[3:9], listed[10])}
        assert wait_for(lambda: owed <= set(_told_or_asked(town))), sorted(owed - set(_told_or_asked(town)))
        time.sleep(1)
    assert seen == []
    twice = [one for one, times in Counter(town.arrived()).items() if times > 1]
    assert twice == []
    assert all(times == 1 for times in town.taken_back().values())
    assert sum("名单包" in what for who, what in town.arrived() if who == "mail") <= 1
    assert home.ask("audit", "verify")["whole"]
    assert find_faults(home, gone) == []
    sys.stdout.write(f"\nrestored in {restored_in:.1f} s, open again after {reopened_in:.1f} s\n")


def _told_or_asked(town: Town) -> set[tuple[str, str]]:
    """Who was told of which departure, or about whom a person is asked: it may have been told before the disaster."""
    from gongshi.office import open_office
    from notifier.tables import MessageRow, RecallRow, RecipientRow

    court = town.home.court
    with open_office(court).engine.connect() as connection:
        query = (
            select(RecipientRow.channel, RecallRow.record)
            .join(MessageRow, MessageRow.recipient_id == RecipientRow.id)
            .join(RecallRow, RecallRow.id == MessageRow.recall_id)
            .where(MessageRow.state == "unknown")
        )
        asked = {("mail" if channel == "mail" else "hook", record) for channel, record in connection.execute(query)}
    court.close()
    told = {(who, what[what.index("SX-") : what.index("SX-") + 11]) for who, what in town.arrived() if "SX-" in what}
    return told | asked
