"""Two consumers written from docs/open-data.md alone follow 10,000 random changes of the list and end equal to it.

`tests/consumers/follow.py` and `tests/consumers/follow.sh` know nothing of this product but that guide. Here a real portal
serves a list that changes at random; between it and them is a bad network; they are killed at any moment, set back to an
older copy, left behind for more than a year, and suspended.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import IO, Any

import pytest
from consumers.bad_network import TROUBLES, BadNetwork
from documents import a_document

from registry.sealbox import open_envelope, prepare_box
from search_index.document import Document
from search_index.index import IndexWriter
from search_index.journal import ChangeType, EntryChange, JournalEntry, ProfileChange, SubjectChange
from search_index.number import draw_number
from search_index.profile import Profile
from search_index.readers import READER, Standing, digest_key, draw_key
from search_index.store import StoreWriter
from search_index.submission import ACK

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[1]
CLIENTS = ("follow.py", "follow.sh")
CHANGES = 10_000
LONG_AGO = 2_500  # of these, what is older than anybody may still follow
SHORT_LIFE = 6  # seconds at most until an entry ends that is given an end
NAMES = ("甲测试", "扎西·测试", "测试𠮷", "买买提·“测试”\\", '"visible_until":null')
Entry = dict[str, Any]


@dataclass
class Court:
    """Who changes the list, and what the list is."""

    home: Path
    random: Random
    now: datetime | None = None  # None: the real clock
    listed: dict[str, Document] = field(default_factory=dict)
    versions: dict[str, set[str]] = field(default_factory=dict)
    last: dict[str, tuple[ChangeType, int]] = field(default_factory=dict)
    departed: list[Document] = field(default_factory=list)
    position: int = 0
    sequence: int = 0
    last_departure: int = 0

    def __post_init__(self) -> None:
        public = self.home / "public"
        public.mkdir(parents=True)
        IndexWriter(public / "index")
        self.drop = public / "drop"
        self.private = self.home / "registry" / "submissions.key"
        self.writer = StoreWriter(f"sqlite:///{public / 'disclosed.db'}")
        self.writer.create()
        profile = Profile(court="测试市人民法院", region="测试市", sealing_key=prepare_box(self.private, self.drop))
        self._apply([ProfileChange(position=1, at=self.moment, body=profile.as_json())])

    @property
    def moment(self) -> datetime:
        return self.now or datetime.now(UTC)

    def change(self, number: int) -> None:
        """So many random changes, in one transaction."""
        self._apply([self._draw_change(self.position + 1 + offset) for offset in range(number)])

    def let_stand(self, key: str, **standing: Any) -> None:
        body = Standing(**{"watermark": "R-" + key[-8:].upper(), "acked": 0, **standing}).as_json()
        digest = digest_key(key)
        assert digest
        line = SubjectChange(position=self.position + 1, at=self.moment, subject=READER, key=digest, body=body)
        self._apply([line])

    def collect_acks(self) -> dict[str, int]:
        """The highest acknowledgement in the drop folder by the digest of the key."""
        acks: dict[str, int] = {}
        for path in self.drop.iterdir():
            if not path.name.startswith("."):
                sent = open_envelope(path.read_bytes(), self.private)
                assert sent.kind == ACK
                reader, sequence = sent.fields["reader"], int(sent.fields["sequence"])
                acks[reader] = max(acks.get(reader, 0), sequence)
        return acks

    def list_entries(self) -> list[Entry]:
        """The published list at this moment, as a reader in bulk may have it."""
        now = datetime.now(UTC)
        return [public(one) for _, one in sorted(self.listed.items()) if one.is_visible(now)]

    def _draw_change(self, position: int) -> EntryChange:
        self.sequence += 1
        chosen = self.random.random()
        old = self.random.choice(list(self.listed.values())) if self.listed else None
        document: Document | None
        if old is None or chosen < 0.45:
            document = self._draw(draw_number(self.random))
        elif chosen < 0.65:
            document = self._draw(old.record)
        elif chosen < 0.72:
            end = self.moment + timedelta(seconds=self.random.uniform(-1, SHORT_LIFE))
            document = replace(old, visible_until=end, updated_at=self.moment)
        elif chosen < 0.8 and self.departed:
            # Shown again, under the number it had.
            document = self._draw(self.departed.pop(self.random.randrange(len(self.departed))).record)
        else:
            document = None
        record = document.record if document else old.record  # type: ignore[union-attr]
        kind = ChangeType.GONE
        if document:
            kind = ChangeType.CORRECTED if record in self.listed else ChangeType.PUBLISHED
            self.listed[record] = document
            self.versions.setdefault(record, set()).add(json.dumps(public(document)))
        else:
            self.departed.append(self.listed.pop(record))
            self.last_departure = self.sequence
        self.last[record] = (kind, self.sequence)
        return EntryChange(
            position=position, at=self.moment, sequence=self.sequence, type=kind, record=record,
            body=document and document.as_json(),
        )  # fmt: skip

    def _draw(self, record: str) -> Document:
        name = f"{self.random.choice(NAMES)}{self.random.randrange(10**6)}"
        return a_document(1, record=record, name=name, obligation="偿还借款。\n" * 5, updated_at=self.moment)

    def _apply(self, entries: list[JournalEntry]) -> None:
        self.position += len(entries)
        self.writer.apply(entries)
        # Whenever it says that it was: the portal goes by the real clock.
        self.writer.note_pulse(datetime.now(UTC))


def public(document: Document) -> Entry:
    return {name: value for name, value in document.as_json().items() if name != "id_number"}


@dataclass
class Consumer:
    """One of the two programs with its folder and its key, run as a process of its own."""

    client: str
    key: str
    folder: Path
    log: IO[str]
    network: BadNetwork
    random: Random
    process: subprocess.Popen[str] | None = None
    kills: int = 0
    set_back: int = 0

    def ask(self, *arguments: str) -> str:
        """What the program prints about its folder."""
        command = [*self._program, *arguments, str(self.folder)]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def show(self) -> list[Entry]:
        return sorted(
            (json.loads(line) for line in self.ask("--show").splitlines()), key=lambda one: str(one["record"])
        )

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "SITE": f"http://127.0.0.1:{self.network.port}", "KEY": self.key}
        poll = str(self.random.choice((0, 5, 30)))
        command = [*self._program, "--poll", poll, "--every", "1", "--retry", "1", *arguments, str(self.folder)]
        self.process = subprocess.Popen(command, env=environment, stderr=self.log, text=True, start_new_session=True)
        return self.process

    def kill(self) -> None:
        """End it at once, alone or with all it started; mostly while it writes, as far as that can be seen."""
        if self.process is None:
            return
        deadline = time.monotonic() + self.random.choice((0, 0.4, 0.4))
        while time.monotonic() < deadline and not self._is_writing():
            time.sleep(0.0005)
        time.sleep(self.random.choice((0, 0, 0.002, 0.02)))
        if self.random.random() < 0.5:
            os.kill(self.process.pid, signal.SIGKILL)
        else:
            os.killpg(self.process.pid, signal.SIGKILL)
        assert self.process.wait(10) == -signal.SIGKILL
        self.process = None
        self.kills += 1

    def end(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)

    def keep_older(self) -> None:
        """Keep the folder as it is now, to go back to."""
        shutil.rmtree(self._older, ignore_errors=True)
        shutil.copytree(self.folder, self._older, ignore=shutil.ignore_patterns("part.*"))

    def go_back(self) -> None:
        if self._older.exists():
            shutil.rmtree(self.folder)
            shutil.move(self._older, self.folder)
            self.set_back += 1

    def _is_writing(self) -> bool:
        return (self.folder / "list.db-journal").exists() or any(self.folder.glob("part.*/entries"))

    @property
    def _older(self) -> Path:
        return self.folder.with_name(self.folder.name + "-older")

    @property
    def _program(self) -> list[str]:
        runner = [sys.executable] if self.client.endswith(".py") else ["bash"]
        return [*runner, str(ROOT / "tests" / "consumers" / self.client)]


@contextmanager
def serving(home: Path) -> Iterator[int]:
    """The port of a real portal over the home."""
    environment = {**os.environ, "GONGSHI_HOME": str(home), "GONGSHI_RATE_LIMIT": "off"}
    environment.pop("GONGSHI_DISCLOSED_URL", None)
    command = [sys.executable, "-m", "gongshi", "serve", "portal", "--bind", "127.0.0.1:0", "--workers", "1"]
    with (
        (home / "log").open("w") as errors,
        subprocess.Popen(
            command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as server,
    ):
        try:
            assert server.stdout is not None
            found = re.search(r":(\d+)", server.stdout.readline())
            assert found, (home / "log").read_text()
            yield int(found[1])
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)


@pytest.fixture
def court(tmp_path: Path) -> Court:
    return Court(tmp_path / "home", Random(7), now=datetime.now(UTC) - timedelta(days=400))


@pytest.fixture
def consumers(court: Court, tmp_path: Path) -> Iterator[list[Consumer]]:
    for needed in ("jq", "curl"):
        assert shutil.which(needed), f"{needed} is not installed"
    with ExitStack() as stack:
        port = stack.enter_context(serving(court.home))
        made = []
        for serial, client in enumerate(CLIENTS):
            network = BadNetwork(port, seed=serial)
            stack.callback(network.close)
            log = stack.enter_context((tmp_path / f"{client}.log").open("w"))
            made.append(Consumer(client, draw_key(Random(serial)), tmp_path / client, log, network, Random(serial)))
            stack.callback(made[-1].end)
            court.let_stand(made[-1].key)
        yield made
        court.change(1)  # or the portal would wait for those who were killed while it waited for them


def test_both_end_equal_to_the_list(court: Court, consumers: list[Consumer], tmp_path: Path) -> None:
    random = court.random
    for _ in range(10):
        court.change(LONG_AGO // 12)
    catch_up(*consumers)
    for one in consumers:
        one.keep_older()
        assert one.show() == court.list_entries()
    court.change(LONG_AGO - court.sequence)
    court.now = None
    for one in consumers:
        one.start()
    suspended_at = [4_000, 7_500]
    while court.sequence < CHANGES:
        court.change(min(random.randrange(1, 200), CHANGES - court.sequence))
        time.sleep(random.uniform(0, 0.2))
        if suspended_at and court.sequence > suspended_at[0]:
            suspended_at.pop(0)
            suspend_until_acknowledged(court, consumers)
        one = random.choice(consumers)
        if random.random() < 0.45:
            one.kill()
            assert_sound(court, one)
            if one.kills % 4 == 0:
                one.go_back()
            elif one.kills % 4 == 2:
                one.keep_older()
        elif one.process is None:
            one.start()
        for other in consumers:
            assert other.process is None or other.process.poll() is None, "it gave up"
    time.sleep(SHORT_LIFE + 1)  # until all that is to end has ended
    for one in consumers:
        one.kill()
    catch_up(*consumers)
    for one in consumers:
        assert one.show() == court.list_entries()
        assert int(one.ask("--since")) == CHANGES
        assert_nothing_else_is_kept(court, one)
        assert one.kills >= 4
        assert one.set_back
        assert set(one.network.met) == {"", *TROUBLES}, one.network.met
        assert {200, 202, 403, 410} <= set(one.network.answered), one.network.answered
    acks = court.collect_acks()
    assert [acks.get(digest_key(one.key) or "", 0) >= court.last_departure for one in consumers] == [True, True]
    for one in consumers:
        said = (tmp_path / f"{one.client}.log").read_text()
        assert "Traceback" not in said
        assert "gsr_" not in said


def catch_up(*consumers: Consumer) -> None:
    """Let each follow until it is up to date and has acknowledged all."""
    for one in consumers:
        one.start("--once")
    for one in consumers:
        assert one.process
        assert one.process.wait(120) == 0
        one.process = None


def suspend_until_acknowledged(court: Court, consumers: list[Consumer]) -> None:
    """Suspend both, and let each go on when it has acknowledged, as the court does: by what it finds in the drop folder."""
    owed = {digest_key(one.key): one for one in consumers}
    for one in consumers:
        if one.process is None:
            one.start()
        court.let_stand(one.key, suspended=True)
    until = court.last_departure
    for path in court.drop.iterdir():
        path.unlink()  # counted before: what follows answers the suspension
    deadline = time.monotonic() + 90
    while owed:
        assert time.monotonic() < deadline, "no acknowledgement came"
        court.change(1)  # who waits for a change is told of the suspension with it
        time.sleep(0.3)
        for digest, acked in court.collect_acks().items():
            if digest in owed:
                court.let_stand(owed[digest].key, acked=acked, suspended=acked < until)
                if acked >= until:
                    del owed[digest]


def assert_sound(court: Court, one: Consumer) -> None:
    """Killed at whatever moment, it shows what was published, word for word, and nothing that it had to take down."""
    since = int(one.ask("--since"))
    for entry in one.show():
        record = entry["record"]
        assert json.dumps(entry) in court.versions[record]
        kind, sequence = court.last[record]
        assert kind is not ChangeType.GONE or sequence > since


def assert_nothing_else_is_kept(court: Court, one: Consumer) -> None:
    """No byte of its folder tells of an entry that is not listed."""
    listed = {entry["record"] for entry in court.list_entries()}
    for path in one.folder.rglob("*"):
        if path.is_file():
            assert {found.decode() for found in re.findall(rb"SX-[0-9A-Z]{8}", path.read_bytes())} <= listed, path.name
