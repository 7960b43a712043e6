"""A restoration is killed (SIGKILL) at ten of its steps: nothing of it is there, or it goes on; nobody who has left is seen."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest
from backed_up import WORDS, back_up, lose
from entries import a_person
from homes import Home
from invariants import find_faults
from sqlalchemy import func, select

from portal.app import create_app
from registry.tables import AuditRow, RecordRow

sys.path.append(str(Path(__file__).parents[2] / "assurance"))

from dying import dies

pytestmark = [pytest.mark.long, pytest.mark.parametrize("databases", ["sqlite"], indirect=True)]


def test_killed_at_each_step_it_is_never_half(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = tmp_path / "witness"
    witness.mkdir()
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(witness))
    home.databases["GONGSHI_WITNESS_FOLDER"] = str(witness)
    home.publish(*[a_person(serial) for serial in (1, 2)])
    with home.court.reading() as session:
        gone, stays = session.scalars(select(RecordRow.number).order_by(RecordRow.id))
    file = back_up(home, tmp_path)
    home.ask("remove", gone, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    lose(home)
    kills = 0
    for instant in (1, 3, 6, 9, 13, 18, 26, 40, 60, 90, 130, 200):
        if not dies(home, instant, "restore", str(file), typed=WORDS):
            break
        kills += 1
        assert ask(home, gone) == 503
        assert home.run("publish").code == 2
    assert not home.ask("restore", "open", "--as", "reviewer")["opened"]
    for instant in (1, 4, 8, 14, 22, 40, 80, 160):
        if not dies(home, instant, "restore", "open", "--as", "second"):
            break
        kills += 1
        assert ask(home, gone) in (410, 503)
    assert kills >= 8
    assert (ask(home, gone), ask(home, stays)) == (410, 200)
    with home.court.reading() as session:
        restored = select(func.count()).select_from(AuditRow).where(AuditRow.action.in_(("restored", "replayed")))
        assert session.scalar(restored) == 2
    assert home.ask("audit", "verify")["whole"]
    assert find_faults(home, (gone,)) == []
    assert not list(home.folder.glob(".*"))


def ask(home: Home, record: str) -> int:
    with closing(create_app(home.public_settings, home.clock)) as portal:
        return portal.test_client().get(f"/entries/{record}").status_code
