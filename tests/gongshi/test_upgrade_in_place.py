"""`gongshi upgrade` of a home on PostgreSQL, where each database is brought up in a transaction of its own."""

from __future__ import annotations

import json

import pytest
from homes import Home
from sqlalchemy import create_engine, text

pytestmark = [pytest.mark.long, pytest.mark.postgres]


@pytest.mark.parametrize("databases", ["postgres"], indirect=True)
def test_a_home_on_postgresql_is_brought_up_where_it_stands(home: Home) -> None:
    file = home.folder / "registry" / "version.json"
    noted = json.loads(file.read_text())
    file.write_text(json.dumps({**noted, "version": "0.0.9"}))
    assert "gongshi upgrade" in home.run("publish").err
    assert home.ask("upgrade", "--own-backup")["upgraded"]
    assert json.loads(file.read_text()) == noted
    assert home.run("publish").code == 0


@pytest.mark.parametrize("databases", ["postgres"], indirect=True)
def test_a_migration_that_fails_is_undone(home: Home) -> None:
    """The last revision of the registry makes a table that is there already: nothing of it stays, and the heads are old."""
    engine = create_engine(home.databases["GONGSHI_REGISTRY_URL"])
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))
        connection.execute(text("DROP TABLE journal_file"))
    (home.folder / "registry" / "version.json").unlink()
    said = home.run("upgrade", "--own-backup")
    assert said.code == 2
    assert len([line for line in said.err.splitlines() if line.startswith("未办理")]) == 1
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == "0006"
        assert not connection.execute(text("SELECT to_regclass('journal_file')")).scalar()
    engine.dispose()
    assert "gongshi upgrade" in home.run("publish").err
