"""Two portals that no network reaches, fed by files that are lost, repeated, late, out of order and forged, while the process that
takes them over is killed: they come to what the registry's own store holds, and never show what they were told is gone."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from documents import a_document
from dying import dies
from entries import a_person
from homes import Clock, Home
from nacl.signing import SigningKey
from sqlalchemy import select
from submissions import a_submission, seal

from gongshi.clock import World, system_now
from gongshi.court import Court
from gongshi.link.applying import Applied, apply_folder
from gongshi.link.exporting import export, export_again, open_key
from gongshi.link.public_side import PublicSide, open_side
from portal.app import create_app
from portal.settings import PortalSettings
from registry import journal
from registry.journal import Change, append_changes, append_profile, append_subject
from registry.journal_files import forget_files
from search_index.database import for_reading
from search_index.index import Index
from search_index.journal import ChangeType
from search_index.journal_file import JournalFile, find_number, name_file, read_file, write_file
from search_index.profile import Profile
from search_index.store_tables import change_table, document_table, state_table, tombstone_table
from search_index.subjects import subject_table
from search_index.sync import verify

pytestmark = pytest.mark.long

GONE, SHOWN, CORRECTED = ChangeType.GONE, ChangeType.PUBLISHED, ChangeType.CORRECTED
STRANGER = SigningKey(b"s" * 32)


@pytest.fixture
def databases() -> dict[str, str]:
    """The public side's store is a file; what PostgreSQL does with it is tested where the store is."""
    return {}


@dataclass
class Registry:
    """The court's side: a journal that changes at random, and the folder it is exported to."""

    court: Court
    clock: Clock
    folder: Path
    random: Random
    listed: dict[str, int] = field(default_factory=dict)
    departed: dict[str, int] = field(default_factory=dict)
    serial: int = 0

    def change(self, times: int) -> None:
        with self.court.session() as session:
            for _ in range(times):
                self.clock.advance(seconds=20)
                what = self.random.choices(
                    ("publish", "correct", "depart", "lift", "profile", "article"), (8, 4, 6, 2, 1, 2)
                )
                getattr(self, f"_{what[0]}")(session)

    def export(self) -> list[int]:
        self.clock.advance(seconds=1)
        return list(export(self.court, self.folder).numbers)

    def _publish(self, session: Any) -> None:
        self.serial += 1
        self.listed[a_document(self.serial).record] = self.serial
        self._append(session, SHOWN, self.serial)

    def _correct(self, session: Any) -> None:
        if self.listed:
            self._append(session, CORRECTED, self.random.choice(sorted(self.listed.values())))

    def _depart(self, session: Any) -> None:
        if self.listed:
            record = self.random.choice(sorted(self.listed))
            self.departed[record] = self.listed.pop(record)
            append_changes(session, self.court.now, [Change(type=GONE, record=record)])

    def _lift(self, session: Any) -> None:
        if self.departed:
            record = self.random.choice(sorted(self.departed))
            self.listed[record] = self.departed.pop(record)
            self._append(session, SHOWN, self.listed[record])

    def _profile(self, session: Any) -> None:
        append_profile(session, self.court.now, Profile(court=f"测试市第{self.random.randint(1, 99)}法院"))

    def _article(self, session: Any) -> None:
        records = self.random.sample(sorted(self.listed), min(2, len(self.listed)))
        body = None if self.random.random() < 0.3 else {"title": "公告\u2028", "records": records}
        append_subject(session, self.court.now, "article", f"a{self.random.randint(1, 9)}", body)

    def _append(self, session: Any, kind: ChangeType, serial: int) -> None:
        name = self.random.choice(("甲测试", "阿卜杜·测试", "𠮷测试"))
        document = a_document(serial, name=name, obligation=f"支付人民币{self.random.randint(1, 10**6)}元。")
        append_changes(session, self.court.now, [Change(type=kind, record=document.record, document=document)])


@dataclass
class Portal:
    """A public side, what is on its way to it, and what it was told."""

    home: Home
    folder: Path
    key: str
    late: list[tuple[int, int, bytes]] = field(default_factory=list)
    delivered: set[int] = field(default_factory=set)
    gone: dict[str, int] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        return {"GONGSHI_HOME": str(self.home.folder), "GONGSHI_JOURNAL_KEY": self.key, "GONGSHI_RATE_LIMIT": "off"}

    def open(self) -> PublicSide:
        return open_side(World(now=self.home.clock, random=self.home.random), self.environ)

    def deliver(self, number: int, content: bytes) -> None:
        (self.folder / name_file(number)).write_bytes(content)
        self.delivered.add(number)
        for one in read_file(content, {self.key}).departures:
            self.gone[one.record] = max(one.sequence, self.gone.get(one.record, 0))

    def apply(self) -> Applied:
        side = self.open()
        try:
            done = apply_folder(side, self.folder)
            self._look(side)
        finally:
            side.close()
        return done

    def _look(self, side: PublicSide) -> None:
        """Nothing that it was told is gone is shown, however it was told and whatever is missing."""
        with for_reading(side.writer._engine).begin() as connection:
            shown = dict(map(tuple, connection.execute(select(document_table.c.record, document_table.c.sequence))))
        back = {record for record, sequence in self.gone.items() if shown.get(record, sequence) < sequence}
        assert back == set()

    def status(self, record: str) -> int:
        app = create_app(PortalSettings.from_environment(self.environ), self.home.clock)
        return app.test_client().get(f"/entries/{record}").status_code


def read_store(writer: Any) -> dict[str, Any]:
    """All that a store says."""
    with for_reading(writer._engine).begin() as connection:
        tables = (document_table, change_table, tombstone_table, subject_table)
        held = {table.name: sorted(map(tuple, connection.execute(select(table))), key=str) for table in tables}
        state = connection.execute(
            select(state_table.c.position, state_table.c.sequence, state_table.c.updated_at, state_table.c.profile)
        ).one()
    return {**held, "state": tuple(state)}


@pytest.fixture
def registry(home: Home, tmp_path: Path) -> Iterator[Registry]:
    folder = tmp_path / "exported"
    folder.mkdir()
    court = home.court
    yield Registry(court, home.clock, folder, Random(8))
    court.close()


def open_portal(registry: Registry, home: Home, tmp_path: Path, name: str) -> Portal:
    folder = tmp_path / f"{name}-in"
    folder.mkdir()
    key = open_key(registry.court)[1]
    # Its own home, and of the other one's settings none.
    apart = Home(tmp_path / name, home.clock, home.capture, {"GONGSHI_JOURNAL_KEY": key})
    portal = Portal(apart, folder, key)
    side = portal.open()
    side.prepare()
    side.close()
    return portal


def forge(random: Random, content: bytes, file: JournalFile, newest: int) -> tuple[str, bytes]:
    """A file that must not be believed, under a name that is waited for."""
    how = random.choice(("bit", "cut", "key", "name"))
    name = name_file(newest + random.randint(1, 3))
    if how == "bit":
        place = random.randrange(len(content))
        return name, content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
    if how == "cut":
        return name, content[: random.randrange(len(content))]
    if how == "key":
        public = STRANGER.verify_key.encode().hex()
        return name, write_file(
            file.header, file.entries, (), key=public, sign=lambda one: STRANGER.sign(one).signature
        )
    return name, content  # a genuine one under another number


@pytest.mark.parametrize("changes", [1_000, pytest.param(10_000, marks=pytest.mark.soak)])
def test_two_portals_follow_whatever_becomes_of_the_files(
    registry: Registry, home: Home, tmp_path: Path, changes: int
) -> None:
    random, rounds = Random(changes), changes // 50
    portals = [open_portal(registry, home, tmp_path, name) for name in ("east", "west")]
    seen = {"gaps": 0, "forged": 0, "repeated": 0, "kills": 0, "late": 0, "lost": 0}
    kept: dict[int, bytes] = {}
    for turn in range(rounds):
        registry.change(50)
        for number in registry.export():
            kept[number] = (registry.folder / name_file(number)).read_bytes()
            for portal in portals:
                fate = random.random()
                if fate < 0.12:
                    seen["lost"] += 1
                elif fate < 0.35:
                    seen["late"] += 1
                    portal.late.append((turn + random.randint(1, 4), number, kept[number]))
                else:
                    portal.deliver(number, kept[number])
        for portal in portals:
            _carry(portal, registry, random, turn, kept, seen)
    expected = registry.court
    expected.pump.feed_store()
    for portal in portals:
        for number in set(kept) - portal.delivered:
            export_again(registry.court, registry.folder, number, number)
            portal.deliver(number, (registry.folder / name_file(number)).read_bytes())
        done = portal.apply()
        assert done.problems() == []
        side = portal.open()
        assert read_store(side.writer) == read_store(expected.store_writer)
        assert verify(side.store, Index(side.settings.index_folder), side.now) == []
        assert side.writer.link().pulse_at == registry.court.now
        side.close()
        assert list(portal.folder.iterdir()) == []
        assert {portal.status(record) for record in random.sample(sorted(registry.departed), 3)} == {410}
        assert {portal.status(record) for record in random.sample(sorted(registry.listed), 3)} == {200}
    assert min(seen.values()) > 0, seen
    assert sum(seen.values()) > changes // 50, seen


def _carry(
    portal: Portal, registry: Registry, random: Random, turn: int, kept: dict[int, bytes], seen: dict[str, int]
) -> None:
    for due in [one for one in portal.late if one[0] <= turn]:
        portal.late.remove(due)
        portal.deliver(*due[1:])
    if random.random() < 0.3 and portal.delivered:
        seen["repeated"] += 1
        number = random.choice(sorted(portal.delivered))
        portal.deliver(number, kept[number])
    forged = None
    if random.random() < 0.3:
        number = random.choice(sorted(kept))
        forged, content = forge(random, kept[number], read_file(kept[number], {portal.key}), max(kept))
        (portal.folder / forged).write_bytes(content)
    if random.random() < 0.1:
        seen["kills"] += dies(portal.home, random.randint(1, 9), "journal", "apply", str(portal.folder), refuses=True)
    done = portal.apply()
    assert [name for name, _reason in done.refused] == ([forged] if forged else [])
    if forged:
        seen["forged"] += 1
        (portal.folder / forged).unlink()
    waiting = sorted(portal.delivered)
    side = portal.open()
    link = side.writer.link()
    side.close()
    missing = [one for one in range(1, max(waiting, default=0)) if one not in portal.delivered]
    assert list(done.missing) == missing
    if missing:
        seen["gaps"] += 1
        assert link.file_number == missing[0] - 1
        if random.random() < 0.3:
            for number in missing:
                export_again(registry.court, registry.folder, number, number)
                portal.deliver(number, (registry.folder / name_file(number)).read_bytes())
            portal.late = [one for one in portal.late if one[1] not in missing]
            assert portal.apply().missing == []


def test_an_export_that_is_killed_leaves_whole_files_and_the_next_one_goes_on(
    registry: Registry, home: Home, tmp_path: Path
) -> None:
    portal = open_portal(registry, home, tmp_path, "east")
    instant = 1
    while True:
        registry.change(10)
        home.clock.advance(minutes=10)
        if not dies(home, instant, "journal", "export", "--to", str(registry.folder)):
            break
        for path in registry.folder.glob("journal-*"):
            content = path.read_bytes()
            portal.deliver(find_number(path.name) or 0, content)
        instant += 1
    assert instant > 5
    for path in registry.folder.glob("journal-*"):
        portal.deliver(find_number(path.name) or 0, path.read_bytes())
    assert portal.apply().problems() == []
    registry.court.pump.feed_store()
    side = portal.open()
    assert read_store(side.writer) == read_store(registry.court.store_writer)
    side.close()


def test_what_a_backup_has_forgotten_is_not_shown_again(registry: Registry, home: Home, tmp_path: Path) -> None:
    """The registry comes back from a copy that does not know of a departure: whoever exports, however, it stays away."""
    portal = open_portal(registry, home, tmp_path, "east")
    registry.change(40)
    one, other, third = sorted(registry.listed)[:3]
    registry.export()
    file, copy = home.folder / "registry" / "registry.db", tmp_path / "backup.db"
    with closing(sqlite3.connect(file)) as live, closing(sqlite3.connect(copy)) as backup:
        live.backup(backup)
    depart(registry, one)
    registry.export()
    carry_all(registry, portal)
    assert portal.apply().problems() == []
    registry.court.pump.feed_store()
    registry.court.engine.dispose()
    for part in file.parent.glob("registry.db*"):
        part.unlink()
    shutil.copy(copy, file)
    # Decided before anybody noticed; under numbers of the lost history, so the file is not believed but for its departures.
    home.clock.advance(minutes=10)
    (registry.folder / name_file(2)).unlink()
    depart(registry, other)
    registry.export()
    carry_all(registry, portal)
    told = portal.apply().problems()
    assert len(told) == 1
    assert "--whole" in told[0]
    assert (portal.status(one), portal.status(other), portal.status(third)) == (410, 410, 200)
    for path in portal.folder.iterdir():
        path.unlink()
    # Opened again as a restored home is: another epoch, sequences beyond everything that was seen.
    with registry.court.session() as session:
        journal.leap(session, 1_000)
        forget_files(session)
    depart(registry, third)
    registry.export()
    carry_all(registry, portal)
    done = portal.apply()
    assert done.hidden == [one]
    assert one in done.problems()[0]
    assert {portal.status(record) for record in (one, other, third)} == {410}
    assert portal.status(sorted(registry.listed)[4]) == 200
    # Files of the lost history count for nothing any more; what the court publishes now does.
    with registry.court.session() as session:
        serial = next(serial for serial in range(1, 99) if a_document(serial).record == one)
        append_changes(session, home.clock(), [Change(type=SHOWN, record=one, document=a_document(serial))])
    registry.export()
    carry_all(registry, portal)
    assert portal.apply().problems() == []
    assert portal.status(one) == 200


def depart(registry: Registry, record: str) -> None:
    registry.clock.advance(minutes=1)
    registry.listed.pop(record, None)
    with registry.court.session() as session:
        append_changes(session, registry.court.now, [Change(type=GONE, record=record)])


def carry_all(registry: Registry, portal: Portal) -> None:
    for path in registry.folder.glob("journal-*"):
        shutil.copy(path, portal.folder / path.name)


def test_a_whole_history_is_taken_over_when_all_of_it_is_there(
    registry: Registry, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("registry.journal_files.MOST_LINES", 10)
    portal = open_portal(registry, home, tmp_path, "east")
    registry.change(50)
    assert len(registry.export()) >= 4
    carry_all(registry, portal)
    (portal.folder / name_file(3)).rename(tmp_path / "late")
    done = portal.apply()
    assert (done.numbers, list(done.missing)) == ([], [3])
    assert portal.status(sorted(registry.listed)[0]) == 404
    (tmp_path / "late").rename(portal.folder / name_file(3))
    assert portal.apply().problems() == []
    registry.court.pump.feed_store()
    depart(registry, sorted(registry.listed)[0])
    home.clock.advance(minutes=1)
    numbers = list(export(registry.court, registry.folder, whole=True).numbers)
    carry_all(registry, portal)
    last = portal.folder / name_file(numbers[-1])
    last.rename(tmp_path / "late")
    # What it brings of departures is carried out though the end is missing.
    assert list(portal.apply().missing) == [numbers[-1]]
    (tmp_path / "late").rename(last)
    assert portal.apply().problems() == []
    registry.court.pump.feed_store()
    side = portal.open()
    assert read_store(side.writer) == read_store(registry.court.store_writer)
    side.close()


def test_the_commands_say_what_to_do(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home.publish(a_person(1), a_person(2))
    folder = tmp_path / "usb"
    said = home.run("journal", "export", "--to", folder)
    assert (said.code, "没有这个目录" in said.err) == (2, True)
    folder.mkdir()
    key = home.ask("journal", "key")["key"]
    assert home.ask("journal", "export", "--to", folder)["files"] == [1]
    home.clock.advance(minutes=10)
    home.ask("remove", "（2025）测0101执1号", "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    assert home.ask("journal", "export", "--to", folder)["files"] == [2]
    assert "没有第 9 号" in home.run("journal", "export", "--to", folder, "--again", "9").err
    refused = home.run("journal", "apply", folder)
    assert (refused.code, "这是法院一侧" in refused.err) == (2, True)
    first = (folder / name_file(1)).read_bytes()
    apart = Home(tmp_path / "apart", home.clock, home.capture)
    monkeypatch.setenv("GONGSHI_HOME", str(apart.folder))
    assert "journal init" in apart.run("journal", "apply", folder).err
    apart.ask("journal", "init")
    assert "GONGSHI_JOURNAL_KEY" in apart.run("journal", "apply", folder).err
    monkeypatch.setenv("GONGSHI_JOURNAL_KEY", "一")
    assert "64 位" in apart.run("journal", "apply", folder).err
    monkeypatch.setenv("GONGSHI_JOURNAL_KEY", STRANGER.verify_key.encode().hex())
    strange = apart.run("journal", "apply", folder)
    assert (strange.code, strange.out.count("不是用本网站信任的法院密钥签名的")) == (1, 2)
    monkeypatch.setenv("GONGSHI_JOURNAL_KEY", key)
    (folder / name_file(1)).unlink()
    gap = apart.run("journal", "apply", folder)
    assert (gap.code, "--again" in gap.out, "第 1 号" in gap.out) == (1, True, True)
    (folder / name_file(1)).write_bytes(first[:-9])
    assert "重新复制" in apart.run("journal", "apply", folder).out
    (folder / name_file(1)).write_bytes(first)
    assert apart.ask("journal", "apply", folder)["files"] == [1, 2]
    (folder / name_file(1)).write_bytes(first)
    assert apart.ask("journal", "apply", folder) == {
        "files": [], "passed": 1, "refused": [], "missing": [], "ahead": 0, "hidden": []
    }  # fmt: skip
    assert "Traceback" not in "".join((gap.err, strange.err))
    monkeypatch.setenv("GONGSHI_HOME", str(home.folder))
    assert "--next" in home.run("journal", "key", "--switch").err
    both = home.ask("journal", "key", "--next")
    assert (both["key"], home.ask("journal", "key", "--switch")["key"]) == (key, both["next"])
    monkeypatch.setenv("GONGSHI_HOME", str(apart.folder))
    # Where nothing can be carried back nothing is taken in: what cannot arrive must not look as if it had.
    apart.ask("journal", "init", "--one-way")
    assert "单向" in apart.run("journal", "submissions", "--out", folder).err
    public = PortalSettings.from_environment({"GONGSHI_HOME": str(apart.folder)})
    page = create_app(public, home.clock).test_client().get("/objections/new")
    assert page.status_code == 503


def test_what_is_sent_in_comes_back_sealed_and_once(registry: Registry, home: Home, tmp_path: Path) -> None:
    portal = open_portal(registry, home, tmp_path, "east")
    out = tmp_path / "back"
    out.mkdir()
    drop = portal.home.folder / "public" / "drop"
    sealed = {serial: seal(registry.court, a_submission(home.clock(), serial)) for serial in range(1, 7)}
    instant = 1
    for serial, content in sealed.items():
        (drop / f"{serial:032x}.sealed").write_bytes(content)
    while dies(portal.home, instant, "journal", "submissions", "--out", str(out)):
        instant += 1
    assert instant > 3
    assert list(drop.iterdir()) == []
    assert all("已经履行".encode() not in path.read_bytes() for path in out.iterdir())
    home.run("journal", "receive", out)
    instant = 1
    while dies(home, instant, "journal", "receive", str(out), "--keep"):
        instant += 1
    arrived = sorted(path.read_bytes() for path in registry.court.drop.iterdir())
    assert arrived == sorted(sealed.values())
    home.run("worker", "--once")
    assert list(registry.court.drop.iterdir()) == []
    # One was lost under way: its number is named, and what it held comes again.
    (drop / f"{7:032x}.sealed").write_bytes(seal(registry.court, a_submission(home.clock(), 7)))
    side = portal.open()
    from gongshi.link.bundles import send, send_again

    lost = send(side, out)
    (out / f"submissions-{lost[0]:08d}.gsb").unlink()
    (drop / f"{8:032x}.sealed").write_bytes(seal(registry.court, a_submission(home.clock(), 8)))
    send(side, out)
    said = home.run("journal", "receive", out)
    assert (said.code, f"第 {lost[0]} 号来件包没有送到" in said.out) == (1, True)
    send_again(side, out)
    side.close()
    done = home.ask("journal", "receive", out)
    assert (done["missing"], done["new"], done["known"]) == ([], 1, 7)


def test_a_departure_takes_the_words_out_of_files_that_still_lie_there(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    standing, carried = tmp_path / "out", tmp_path / "usb"
    standing.mkdir()
    carried.mkdir()
    monkeypatch.setenv("GONGSHI_JOURNAL_EXPORT_FOLDER", str(standing))
    home.publish(a_person(1, name="甲离开"), a_person(2, name="乙留下"))
    registry = Registry(home.court, home.clock, carried, Random(8))
    portal = open_portal(registry, home, tmp_path, "east")
    export(registry.court, standing)
    first = standing / name_file(1)
    assert "甲离开" in first.read_text("utf-8")
    home.clock.advance(hours=1)
    case = "（2025）测0101执1号"
    record = home.ask("hold", case, "--basis", "（2026）测0101执监1号", "--as", "clerk")["record"]
    # By hand onto a disk: the worker's folder is not forgotten over it.
    registry.export()
    assert "甲离开" not in first.read_text("utf-8")
    assert "乙留下" in first.read_text("utf-8")
    for path in (first, carried / name_file(2)):
        portal.deliver(find_number(path.name) or 0, path.read_bytes())
    assert portal.apply().problems() == []
    assert portal.status(record) == 410
    registry.court.close()


def test_the_worker_exports_a_departure_at_once_and_every_ten_minutes(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gongshi.link.exporting import EXPORT_EVERY, export_if_due

    folder = tmp_path / "out"
    folder.mkdir()
    monkeypatch.setenv("GONGSHI_JOURNAL_EXPORT_FOLDER", str(folder))
    home.publish(a_person(1))
    court = home.court
    assert court.settings.journal_export_folder == folder

    def due() -> list[int] | None:
        done = export_if_due(court, folder)
        return list(done.numbers) if done else None

    assert due() == [1]
    home.clock.advance(minutes=9)
    assert due() is None
    home.ask("hold", "（2025）测0101执1号", "--basis", "（2026）测0101执监1号", "--as", "clerk")
    assert due() == [2]
    assert due() is None
    home.clock.advance(seconds=EXPORT_EVERY.total_seconds())
    assert due() == [3]
    home.clock.advance(days=8)
    export_if_due(court, folder)
    # Names do not lie about.
    assert [path.name for path in folder.iterdir()] == [name_file(4)]
    court.close()


ALONE = """
import sys
class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("registry", "notifier"):
            raise ImportError(name)
sys.meta_path.insert(0, Wall())
from gongshi.cli import run
sys.exit(run(sys.argv[1:]))
"""


def test_the_public_side_works_where_nothing_private_is_installed(
    registry: Registry, home: Home, tmp_path: Path
) -> None:
    registry.clock.moment = system_now() - timedelta(hours=1)
    registry.change(20)
    registry.export()
    out = tmp_path / "back"
    out.mkdir()
    environ = {
        **os.environ,
        "GONGSHI_HOME": str(tmp_path / "alone"),
        "GONGSHI_JOURNAL_KEY": open_key(registry.court)[1],
    }
    command = [sys.executable, "-c", ALONE, "journal"]
    subprocess.run([*command, "init"], env=environ, check=True, capture_output=True)
    (tmp_path / "alone" / "public" / "drop" / f"{1:032x}.sealed").write_bytes(b"sealed")
    name = "20261118100000-0123456789abcdef.mark"
    (tmp_path / "alone" / "public" / "emergency" / name).write_bytes(b"{}")
    watching = subprocess.Popen(
        [*command, "watch", str(registry.folder), "--every", "1", "--submissions", str(out)],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    until = time.monotonic() + 60
    while (list(registry.folder.glob("journal-*")) or not list(out.iterdir())) and time.monotonic() < until:
        time.sleep(0.1)
    watching.send_signal(signal.SIGTERM)
    told, errors = watching.communicate(timeout=60)
    assert (watching.returncode, told) == (0, "日志文件的接收已就绪\n"), errors
    assert '"journal_applied"' in errors
    assert list(registry.folder.glob("journal-*")) == []
    assert home.ask("journal", "receive", out)["new"] == 2
    assert (registry.court.drop / f"{1:032x}.sealed").read_bytes() == b"sealed"
    # A mark hides on the portal for as long as it lies there; the court gets a copy.
    assert (home.folder / "public" / "emergency" / name).read_bytes() == b"{}"
    assert (tmp_path / "alone" / "public" / "emergency" / name).exists()
