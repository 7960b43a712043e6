"""Backups: made while everything runs, sealed to paper, read again before they count."""

from __future__ import annotations

import json
import os
import sqlite3
from datetime import datetime
from io import BytesIO
from pathlib import Path

import pytest
from entries import a_person
from homes import Home
from hypothesis import given
from hypothesis import strategies as st

from gongshi.safety.backup_names import choose_kept, name_backup, read_name
from gongshi.safety.container import BackupDamaged, BackupWriter, check_backup, open_backup
from gongshi.safety.recovery_keys import RecoveryKey, read_words


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture
def admin(home: Home) -> str:
    assert home.run("user", "add", "admin", "--role", "admin", typed="a-long-password\n").code == 0
    return "admin"


@pytest.fixture
def words(home: Home, admin: str) -> str:
    """The recovery key of the home, as it was printed."""
    return str(home.ask("recovery", "make", "--as", admin)["words"][0])


def back_up(home: Home, target: Path, *more: object) -> Path:
    return Path(home.ask("backup", "--to", target, *more)["file"])


def contents(path: Path, words: str) -> dict[str, bytes]:
    with open_backup(path, read_words(words)) as opened:
        return {member.name: member.read() for member in opened.members}


def test_a_backup_holds_the_home_and_opens_with_the_words_alone(
    home: Home, target: Path, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GONGSHI_COMMISSION_NUMBER", "秘密")
    home.publish(a_person(1), a_person(2))
    made = back_up(home, target)
    assert made.parent == target
    assert oct(made.stat().st_mode & 0o777) == "0o600"
    raw = made.read_bytes()
    assert a_person(1)["name"].encode() not in raw
    header = check_backup(made, read_words(words))
    assert (header["sequence"], header["position"] >= 3) == (2, True)
    found = contents(made, words)
    assert {"registry/keys/master.key", "notifier/signing.pem", "notifier/witness.key"} <= set(found)
    assert {"registry/departures.log", "registry/audit-heads.log", "registry/keys/recovery.pub"} <= set(found)
    assert "GONGSHI_COMMISSION_NUMBER=秘密" in found["settings.env"].decode()
    assert not [name for name in found if name.endswith((".lock", "-wal", "-shm")) or "disclosed" in name]
    if "registry/registry.db" in found:
        (tmp_path / "copy.db").write_bytes(found["registry/registry.db"])
        with sqlite3.connect(tmp_path / "copy.db") as copy:
            assert copy.execute("SELECT count(*) FROM record").fetchone() == (2,)
        copy.close()
    else:
        assert found["registry/registry.dump"].startswith(b"PGDMP")
    # Nothing plain is left behind, and the rest is on record.
    assert not list((home.folder / "registry").glob("backup-work"))
    (listed,) = home.ask("backup", "list")["backups"]
    assert (listed["file"], listed["there"], listed["size"]) == (str(made), True, made.stat().st_size)


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_no_backup_without_a_key_a_place_or_room(
    home: Home, target: Path, admin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "recovery make" in home.run("backup", "--to", target).err
    home.ask("recovery", "make", "--as", admin)
    assert "GONGSHI_BACKUP_FOLDER" in home.run("backup").err
    for inside in ("public", "registry"):
        assert "数据目录" in home.run("backup", "--to", home.folder / inside).err
    assert "不存在" in home.run("backup", "--to", target / "none").err
    said = home.run("backup", "--to", target, "--json")
    assert said.code == 0
    free = os.statvfs(target)
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1024})())
    said = home.run("backup", "--to", target, "--json")
    assert (said.code, "空间不够" in said.json["error"]) == (2, True), free
    assert len(list(target.iterdir())) == 1


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, RecoveryKey]:
    """A small backup of many frames, without a home."""
    path, key = tmp_path_factory.mktemp("sample") / "sample.gsb", RecoveryKey(bytes(range(32)))
    with path.open("wb") as file:
        writer = BackupWriter(file, {"product": "1"}, key.public, key.authentication)
        for place in range(3):
            data = os.urandom(400_000)
            writer.add(f"registry/{place}", BytesIO(data), len(data))
        writer.close()
    return path, key


FRAME = 12


def frames(raw: bytes) -> tuple[bytes, list[bytes]]:
    start = raw.index(b"\n") + 1
    start += 4 + int.from_bytes(raw[start : start + 4])
    head, rest, found = raw[:start], raw[start:], []
    while rest:
        size = FRAME + int.from_bytes(rest[:4])
        found.append(rest[:size])
        rest = rest[size:]
    return head, found


def damaged(raw: bytes) -> dict[str, tuple[bytes, str]]:
    head, parts = frames(raw)
    assert len(parts) > 4
    swapped = [parts[1][:FRAME] + parts[0][FRAME:], parts[0][:FRAME] + parts[1][FRAME:], *parts[2:]]
    forged = head.replace(b'"product": "1"', b'"product": "2"')
    return {
        "empty": (b"", "不完整"),
        "another file": (b"PK\x03\x04" * 100, "不是公示系统的备份文件"),
        "a later version": (raw.replace(b"BACKUP 1\n", b"BACKUP 2\n"), "更新的版本"),
        "cut in the header": (raw[:40], "不完整"),
        "cut in a frame": (raw[:-1], "不完整"),
        "cut between frames": (head + b"".join(parts[:-1]), "不完整"),
        "reordered": (head + parts[1] + parts[0] + b"".join(parts[2:]), "次序"),
        "reordered, renumbered": (head + b"".join(swapped), "被改动"),
        "one left out": (head + b"".join(parts[:1] + parts[2:]), "次序被改动，或者中间缺了一段"),
        "altered": (head + parts[0][:50] + bytes([parts[0][50] ^ 1]) + parts[0][51:] + b"".join(parts[1:]), "被改动"),
        "another header": (forged + b"".join(parts), "被改动"),
        "more behind it": (raw + b"x", "多出内容"),
    }


def test_a_damaged_backup_is_refused_each_with_its_own_line(sample: tuple[Path, RecoveryKey], tmp_path: Path) -> None:
    path, key = sample
    check_backup(path, key)
    for raw, line in damaged(path.read_bytes()).values():
        bad = tmp_path / "bad.gsb"
        bad.write_bytes(raw)
        with pytest.raises(BackupDamaged, match=line):
            check_backup(bad, key)


def test_a_backup_of_another_key_or_made_up_by_who_reads_the_public_half_is_refused(
    sample: tuple[Path, RecoveryKey], tmp_path: Path
) -> None:
    path, key = sample
    other = RecoveryKey(bytes(32))
    with pytest.raises(BackupDamaged, match=f"{key.fingerprint}.*{other.fingerprint}"):
        check_backup(path, other)
    forged = tmp_path / "forged.gsb"
    with forged.open("wb") as file:
        writer = BackupWriter(file, {}, key.public, bytes(32))
        writer.add("registry/x", BytesIO(b"x"), 1)
        writer.close()
    with pytest.raises(BackupDamaged, match="不是本系统用本院的钥匙写的"):
        check_backup(forged, key)


days = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31)).map(lambda one: one.replace(microsecond=0))


@given(made=st.lists(days, max_size=60, unique=True), keep=st.integers(1, 20))
def test_what_is_kept(made: list[datetime], keep: int) -> None:
    kept = choose_kept(made, days=keep, weeks=8)
    assert kept <= set(made)
    assert bool(kept) == bool(made)
    if made:
        assert max(made) in kept
    assert len(kept) <= keep + 8 + 1
    latest = sorted({one.date() for one in made})[-keep:]
    assert {one.date() for one in kept} >= set(latest)
    # Repeating it removes no more.
    assert choose_kept(kept, days=keep, weeks=8) == kept
    for one in made:
        assert read_name(name_backup("0123abcd", one), "0123abcd") == one
        assert read_name(name_backup("0123abcd", one), "00000000") is None


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_old_backups_go_and_nothing_else(home: Home, target: Path, words: str) -> None:
    (target / "gongshi-notes.txt").write_text("x")
    first = back_up(home, target, "--keep", 1)
    home.clock.advance(hours=1)
    second = back_up(home, target, "--keep", 1)
    home.clock.advance(days=7)
    third = back_up(home, target, "--keep", 1)
    # The newest of the day, and one of each week.
    assert {path.name for path in target.iterdir()} == {second.name, third.name, "gongshi-notes.txt"}
    assert [one["there"] for one in home.ask("backup", "list")["backups"]] == [True, True, False]
    assert not first.exists()


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_a_key_in_shares_is_confirmed_and_former_keys_stay_listed(
    home: Home, target: Path, admin: str, words: str
) -> None:
    before = back_up(home, target)
    said = home.run("recovery", "make", "--shares", "2/3", "--as", admin)
    assert said.code == 0, said.err
    assert said.out.count("指纹：") == 3
    lines = [line for line in said.out.splitlines() if line.startswith("    ")]
    pages = ["\n".join(lines[start : start + 11]) for start in (0, 11, 22)]
    shown = home.ask("recovery", "show")["keys"]
    assert [key["shares"] for key in shown] == ["2/3", "1/1"]
    assert home.run("recovery", "confirm", typed=pages[0]).err.startswith("未办理：份数不够")
    confirmed = home.run("recovery", "confirm", typed=pages[2] + "\n" + pages[0])
    assert confirmed.code == 0, confirmed.err
    assert home.ask("recovery", "show")["keys"][0]["confirmed_at"]
    home.clock.advance(days=1)
    after = back_up(home, target)
    check_backup(before, read_words(words))
    with pytest.raises(BackupDamaged, match="恢复钥匙打开"):
        check_backup(after, read_words(words))
    stored = b"".join(path.read_bytes() for path in (home.folder / "registry" / "keys").iterdir())
    assert not [word for word in words.split()[4:8] if f" {word} ".encode() in stored]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("typed", "line"),
    [
        ("", "没有读到"),
        ("academic acid", "每份应有 33 个"),
        (" ".join(["academic"] * 33), "抄错了"),
        (" ".join(["zzzzz"] * 33), "抄错了"),
    ],
)
def test_what_is_no_key_is_refused_without_repeating_it(home: Home, typed: str, line: str) -> None:
    said = home.run("recovery", "confirm", typed=typed)
    assert said.code == 2
    assert line in said.err
    assert "academic" not in said.err
    assert "zzzzz" not in said.err


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_bad_shares_are_refused(home: Home, admin: str) -> None:
    for text in ("0/3", "3/2", "1/3", "x", "10/12"):
        said = home.run("recovery", "make", "--shares", text, "--as", admin)
        assert (said.code, "份" in said.err) == (2, True), text
    assert home.run("recovery", "make", "--as", "clerk").code == 2
    assert json.loads(home.run("recovery", "show", "--json").out)["error"]


@pytest.mark.parametrize("databases", ["sqlite"], indirect=True)
def test_the_time_in_a_name_is_the_courts(home: Home, target: Path, words: str) -> None:
    assert back_up(home, target).name.endswith("-20261118-100000.gsb")
