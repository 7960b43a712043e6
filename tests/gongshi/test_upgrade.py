"""`gongshi upgrade`: what it refuses, and that a home of another version is refused by everything in one line."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from homes import Home

from gongshi.installing import upgrading
from gongshi.installing.holding import hold_open
from gongshi.installing.parts import Part, discard, drop_old, move_back, move_forward, take_print
from gongshi.installing.release import Release, find_layout, this_release
from gongshi.installing.services import Services, switch
from gongshi.installing.upgrade_checks import check_backup, check_python, check_room, check_version
from gongshi.installing.upgrade_state import Next, Phase, State, decide, read_state, write_state

OLD = Release(version="0.0.9", registry="0007", notifier="0004")
NOW = datetime(2026, 11, 18, 2, 0, tzinfo=UTC)


@pytest.fixture
def databases() -> dict[str, str]:
    """Copies are made of files."""
    return {}


def note(home: Home, release: Release) -> None:
    told = {"version": release.version, "registry": release.registry, "notifier": release.notifier}
    (home.folder / "registry" / "version.json").write_text(json.dumps(told))


@pytest.mark.parametrize(
    ("one", "other", "order"),
    [
        (OLD, OLD, "same"),
        (OLD, replace(OLD, version="0.0.10"), "older"),
        (replace(OLD, version="1.0"), OLD, "newer"),
        (replace(OLD, registry="0008"), replace(OLD, version="9"), "newer"),
        (replace(OLD, notifier=None), OLD, "older"),
        (replace(OLD, registry="0008", notifier="0003"), OLD, "newer"),
    ],
)
def test_tables_say_which_is_newer_and_then_the_version(one: Release, other: Release, order: str) -> None:
    assert one.compare(other) == order


def test_each_check_says_what_to_do() -> None:
    assert not check_python((3, 10)).passed
    assert not check_version(replace(OLD, registry="9999"), OLD).passed
    assert [look.passed for look in check_room({"a": (10, 9), "b": (10, 10)})] == [False, True]
    for newest in (None, NOW - timedelta(hours=25)):
        look = check_backup(OLD, newest, NOW, own_backup=False)
        assert not look.passed
        assert "--backup" in look.text
    assert check_backup(OLD, NOW - timedelta(hours=23), NOW, own_backup=False).passed
    before_backups = replace(OLD, registry="0006")
    assert "--own-backup" in check_backup(before_backups, None, NOW, own_backup=False).text
    assert check_backup(before_backups, None, NOW, own_backup=True).passed


def test_a_home_of_another_version_is_refused_by_every_command_in_one_line(home: Home) -> None:
    for release, words in ((OLD, "gongshi upgrade"), (replace(this_release(), registry="9999"), "更新的版本")):
        note(home, release)
        for command in ("publish", "profile", "doctor"):
            said = home.run(command)
            assert said.code == 2, command
            assert words in said.err
            assert len(said.err.strip().splitlines()) == 1
    note(home, OLD)
    assert "gongshi upgrade" in home.run("init").err
    note(home, this_release())
    assert home.run("profile").code == 0


@pytest.mark.parametrize(
    ("file", "table", "name"),
    [
        ("registry/registry.db", "alembic_version", "登记库"),
        ("notifier/notifier.db", "notifier_version", "通知库"),
    ],
)
def test_init_refuses_a_database_of_a_newer_version(home: Home, file: str, table: str, name: str) -> None:
    with closing(sqlite3.connect(home.folder / file)) as connection, connection:
        connection.execute(f"UPDATE {table} SET version_num = '9999'")
    said = home.run("init")
    assert said.code == 2
    assert f"{name}是由更新的版本" in said.err
    (home.folder / "registry" / "version.json").unlink()
    assert home.run("publish").code == 2


@pytest.mark.parametrize("body", ['{"x', "[]", "{}", '{"version": 1, "prints": []}'])
def test_a_damaged_state_is_one_line_and_nothing_is_guessed(home: Home, body: str) -> None:
    state = home.folder / "registry" / "upgrade.json"
    state.write_text(body)
    for words in (("doctor",), ("upgrade",)):
        refused = home.run(*words)
        assert refused.code == 2
        assert "升级进度文件" in refused.err
        assert state.read_text() == body


@pytest.mark.parametrize("body", ["[1]", "{", '{"version": 5, "registry": 7, "notifier": []}'])
def test_a_damaged_note_of_the_version_gives_way_to_what_the_tables_say(home: Home, body: str) -> None:
    (home.folder / "registry" / "version.json").write_text(body)
    assert home.run("user", "list").code == 0


def test_nothing_is_done_where_nothing_is_to_be_done(home: Home) -> None:
    before = {path: take_print(path) for path in home.folder.rglob("*.db")}
    said = home.ask("upgrade")
    assert not said["upgraded"]
    note(home, OLD)
    said = home.run("upgrade", "--check")
    assert said.code == 2
    assert "[不通过] 备份" in said.out
    assert home.run("upgrade").code == 2
    assert "找不到正在使用的版本" in home.run("upgrade", "--backup").err
    assert {path: take_print(path) for path in before} == before


@pytest.mark.long
def test_a_home_in_use_is_not_upgraded(home: Home) -> None:
    note(home, OLD)
    release = hold_open(home.court.settings)
    said = home.run("upgrade", "--own-backup")
    release()
    assert said.code == 2
    assert "正被使用" in said.err
    reader = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('SELECT 1 FROM record').fetchall(); print(1, flush=True); input()"
    file = home.folder / "registry" / "registry.db"
    with subprocess.Popen(
        ["python3", "-c", reader, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline()
        said = home.run("upgrade", "--own-backup")
        assert said.code == 2
        assert f"进程 {other.pid}" in said.err
        other.communicate("\n")
    assert not (home.folder / "registry" / "upgrade.json").exists()


@pytest.mark.long
def test_a_copy_that_does_not_pass_leaves_everything_as_it_was(home: Home) -> None:
    note(home, OLD)
    with closing(sqlite3.connect(home.folder / "public" / "disclosed.db")) as connection, connection:
        # The journal never said so.
        connection.execute("INSERT INTO tombstone VALUES ('SX-00000000', 1, '2026-11-18T02:00:00.000000+00:00')")
    before = {path: path.read_bytes() for path in home.folder.rglob("*.db")}
    said = home.run("upgrade", "--own-backup")
    assert said.code == 2, said.out
    assert "与公布日志重放的结果不一致" in said.err
    assert [path for path, content in before.items() if path.read_bytes()[100:] != content[100:]] == []
    ends = (".db.new", ".old", ".trial", "upgrade.json", "index.new")
    assert [path.name for path in home.folder.rglob("*") if path.name.endswith(ends)] == []


@pytest.mark.long
def test_what_fails_once_it_is_in_use_is_taken_back(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    note(home, OLD)
    monkeypatch.setattr(upgrading, "find_damage", lambda _court: iter(["检索索引与公示库有 1 处不一致"]))
    said = home.run("upgrade", "--own-backup")
    assert said.code == 2
    assert "一切照旧" in said.err
    monkeypatch.undo()
    monkeypatch.setenv("GONGSHI_HOME", str(home.folder))
    ends = (".db.new", ".old", ".trial", "upgrade.json", "index.new")
    assert [path.name for path in home.folder.rglob("*") if path.name.endswith(ends)] == []
    assert "gongshi upgrade" in home.run("profile").err
    assert home.ask("upgrade", "--own-backup")["upgraded"]
    assert home.run("index", "verify").code == 0


# The steps by themselves ---------------------------------------------------------------------------------------------


@pytest.fixture
def parts(tmp_path: Path) -> list[Part]:
    made = [Part(tmp_path / "a.db"), Part(tmp_path / "b.db")]
    for part in made:
        part.live.write_text("old")
        part.new.write_text("new")
    return made


def contents(parts: Sequence[Part]) -> list[str]:
    return [part.live.read_text() for part in parts]


def state_of(parts: Sequence[Part], phase: Phase) -> State:
    return State(version="1", phase=phase, prints={str(part.live): take_print(part.live) for part in parts})


def test_a_committed_upgrade_goes_on_and_one_that_somebody_wrote_behind_does_not(parts: list[Part]) -> None:
    state = state_of(parts, Phase.COMMITTED)
    assert decide(state, parts) is Next.FORWARD
    parts[1].live.write_text("written since")
    assert decide(state, parts) is Next.DISCARD
    move_forward(parts[:1])
    assert decide(state, parts) is Next.FORWARD
    for phase, found in ((Phase.STAGING, Next.DISCARD), (Phase.CHECKED, Next.FINISH), (Phase.RETURNING, Next.BACK)):
        assert decide(state_of(parts, phase), parts) is found


def test_every_step_may_be_repeated(parts: list[Part]) -> None:
    for _ in range(2):
        move_forward(parts)
        assert contents(parts) == ["new", "new"]
    for _ in range(2):
        move_back(parts)
        assert contents(parts) == ["old", "old"]
    move_forward(parts)
    waiting = parts[0].old.open("a")
    drop_old(parts)
    discard(parts)
    assert waiting.tell() == 3
    assert Path(f"/proc/self/fd/{waiting.fileno()}").stat().st_size == 0, "who waits to write finds nothing to write in"
    waiting.close()
    assert contents(parts) == ["new", "new"]
    assert len(list(parts[0].live.parent.iterdir())) == 2


def test_a_state_is_read_as_it_was_written(parts: list[Part], tmp_path: Path) -> None:
    state = replace(state_of(parts, Phase.COMMITTED), units=("gongshi-desk.service",), link="/a", link_before="b")
    write_state(tmp_path, state)
    assert read_state(tmp_path) == state


def test_units_are_stopped_and_those_that_do_not_start_are_named(tmp_path: Path) -> None:
    said: list[Sequence[str]] = []
    run = _answering(said, {"list-units": "gongshi-desk.service loaded active running\n", "start": None})
    services = Services(run, present=True)
    units = services.list_active()
    assert units == ("gongshi-desk.service",)
    services.stop(units)
    assert services.start(units) == ["gongshi-desk.service"]
    assert [one[0] for one in said] == ["list-units", "stop", "start"]
    assert Services(run, present=False).list_active() == ()


def test_the_link_to_the_release_in_use_is_switched_in_one_step(tmp_path: Path) -> None:
    for version in ("1", "2"):
        (tmp_path / "releases" / version / "venv").mkdir(parents=True)
    link = tmp_path / "current"
    link.symlink_to("releases/1")
    assert find_layout(tmp_path / "releases" / "2" / "venv") == (link, tmp_path / "releases" / "2")
    assert find_layout(tmp_path / "elsewhere" / "venv") is None
    switch(link, "releases/2")
    assert link.resolve() == tmp_path / "releases" / "2"


def _answering(
    said: list[Sequence[str]], answers: dict[str, str | None]
) -> Callable[[Sequence[str]], subprocess.CompletedProcess[str]]:
    def run(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        said.append(arguments)
        answer = answers.get(arguments[0], "")
        return subprocess.CompletedProcess(list(arguments), answer is None, answer or "", "")

    return run
