"""Coming back from a backup into PostgreSQL: into empty databases alone, and shut until it is opened."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest
from backed_up import WORDS, back_up, lose
from entries import a_person
from fresh import fresh_databases
from homes import Home
from sqlalchemy import select

from portal.app import create_app
from registry.tables import RecordRow

pytestmark = [pytest.mark.long, pytest.mark.postgres, pytest.mark.parametrize("databases", ["postgres"], indirect=True)]


def test_into_empty_databases_and_shut(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    witness = tmp_path / "witness"
    witness.mkdir()
    monkeypatch.setenv("GONGSHI_WITNESS_FOLDER", str(witness))
    home.publish(a_person(1), a_person(2))
    with home.court.reading() as session:
        gone, stays = session.scalars(select(RecordRow.number).order_by(RecordRow.id))
    file = back_up(home, tmp_path)
    home.ask("remove", gone, "--ground", "performed", "--basis", "结案通知书", "--as", "reviewer")
    lose(home)
    # The folder is gone, the databases are not: nothing is put over them.
    said = home.run("restore", file, typed=WORDS)
    assert (said.code, "已有数据表" in said.err) == (2, True)
    with fresh_databases("postgres", parts=("registry", "notifier")) as urls:
        for name in ("GONGSHI_REGISTRY_URL", "GONGSHI_NOTIFIER_URL"):
            monkeypatch.setenv(name, urls[name])
        # The disclosed store of the lost court is still there, and what left is shut away with the rest.
        found = home.run("restore", file, "--json", typed=WORDS)
        assert found.code == 0, found.err
        assert found.json["departed"] == [gone]
        assert ask(home, stays) != 200
        with closing(create_app(home.public_settings, home.clock)) as portal:
            assert stays not in portal.test_client().get("/api/v1/entries").text
        home.ask("restore", "open", "--as", "reviewer")
        home.ask("restore", "open", "--as", "second")
        assert (ask(home, gone), ask(home, stays)) == (410, 200)
        assert home.ask("audit", "verify")["whole"]
        home.close()


def ask(home: Home, record: str) -> int:
    with closing(create_app(home.public_settings, home.clock)) as portal:
        return portal.test_client().get(f"/entries/{record}").status_code
