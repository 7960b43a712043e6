"""The key of a home: made once by `init`, told by `package key`, and what checks every package that `push` makes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from homes import Home

from notifier.signing import read_verify_key


@pytest.fixture
def key_file(home: Home) -> Path:
    return home.folder / "notifier" / "signing.pem"


def test_init_makes_a_key_for_its_owner_and_never_another(home: Home, key_file: Path) -> None:
    made = key_file.read_bytes()
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert home.run("init").code == 0
    assert key_file.read_bytes() == made


def test_an_older_home_gets_its_key_with_the_upgrade(home: Home, key_file: Path) -> None:
    key_file.unlink()
    assert home.run("init").code == 0
    assert key_file.stat().st_mode & 0o777 == 0o600


def test_the_public_key_is_told_to_people_and_machines(home: Home, key_file: Path) -> None:
    told = home.ask("package", "key")
    key = read_verify_key(told["public_key"].encode())
    assert told == {"algorithm": "Ed25519", "public_key": key.pem.decode(), "public_key_sha256": key.fingerprint}
    said = home.run("package", "key")
    assert said.out == f"公钥指纹（SHA-256）：{key.fingerprint}\n{key.pem.decode()}"
    assert read_verify_key(said.out.encode()).fingerprint == key.fingerprint, "what was printed can be kept as the key"
    assert "PRIVATE" not in said.out
    assert key_file.read_text().splitlines()[1] not in said.out


def test_a_package_that_was_pushed_is_checked_with_the_key_that_was_told(home: Home, tmp_path: Path) -> None:
    (tmp_path / "court.pem").write_text(home.run("package", "key").out)
    made = home.ask("push", "--period", "2026Q3")
    received = tmp_path / "received"
    shutil.copytree(made["package"], received)
    verdict = home.ask("package", "verify", received, "--key", tmp_path / "court.pem")
    assert (verdict["valid"], verdict["trusted"], verdict["problems"]) == (True, True, [])
    (received / "list.csv").write_bytes(b"changed")
    said = home.run("package", "verify", received, "--key", tmp_path / "court.pem", "--json")
    assert said.code == 1
    assert [problem["file"] for problem in said.json["problems"]] == ["list.csv"]


@pytest.mark.parametrize("damage", ["missing", "damaged", "a folder"])
@pytest.mark.parametrize("command", [("package", "key"), ("push", "--period", "2026Q3")])
def test_a_home_without_its_key_says_so_in_one_line(
    home: Home, key_file: Path, command: tuple[str, ...], damage: str
) -> None:
    content = key_file.read_text()
    key_file.unlink()
    if damage == "damaged":
        key_file.write_text(content[:-40])
    elif damage == "a folder":
        key_file.mkdir()
    said = home.run(*command)
    assert (said.code, said.out) == (2, "")
    assert len(said.err.splitlines()) == 1
    assert "密钥文件" in said.err
    assert "signing.pem" in said.err
    assert content.splitlines()[1][:20] not in said.err
    machine = home.run(*command, "--json")
    assert machine.code == 2
    assert "密钥文件" in json.loads(machine.out)["error"]


def test_the_commission_number_of_the_settings_stands_in_the_package(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GONGSHI_COMMISSION_NUMBER", "（{year}）测法推{quarter}号")
    made = home.ask("push", "--period", "2026Q3")
    listed = json.loads((Path(made["package"]) / "list.json").read_text("utf-8"))
    assert listed["commission_number"] == "（2026）测法推3号"


def test_a_commission_number_that_cannot_be_one_is_refused_by_name(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GONGSHI_COMMISSION_NUMBER", "测法推{number}号")
    said = home.run("push", "--period", "2026Q3")
    assert said.code == 2
    assert "GONGSHI_COMMISSION_NUMBER" in said.err
    assert len(said.err.splitlines()) == 1
