"""The revisions make exactly the tables that the code describes, from nothing and from every earlier version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from homes import Home
from sqlalchemy import Engine, MetaData
from sqlalchemy.orm import Session

import notifier.database
import notifier.tables
import notifier.wechat.tables
import registry.database
import registry.tables
from notifier.settings import NotifierSettings
from search_index.database import sqlite_file

PARTS: dict[str, tuple[ModuleType, MetaData, str]] = {
    "registry": (registry.database, registry.tables.Base.metadata, "alembic_version"),
    "notifier": (notifier.database, notifier.tables.Base.metadata, "notifier_version"),
}
parts = pytest.mark.parametrize("part", PARTS)


def migrate(part: str, url: str, folder: Path) -> None:
    if part == "registry":
        registry.database.migrate(url)
    else:
        notifier.database.migrate(NotifierSettings(url=url, folder=folder))


def differences(part: str, url: str) -> list[object]:
    module, metadata, version = PARTS[part]
    opener: Callable[[str], Engine] = module.open_engine
    engine = opener(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "version_table": version})
        found: list[object] = compare_metadata(context, metadata)
    engine.dispose()
    return found


def config(part: str, url: str) -> Config:
    made = Config()
    module = PARTS[part][0]
    made.set_main_option("script_location", str(Path(str(module.__file__)).with_name("migrations")))
    made.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return made


@parts
def test_from_nothing_to_what_the_code_describes(tmp_path: Path, part: str) -> None:
    url = f"sqlite:///{tmp_path / part}.db"
    migrate(part, url, tmp_path)
    assert differences(part, url) == []
    migrate(part, url, tmp_path)
    assert differences(part, url) == []


@parts
def test_from_every_earlier_version(tmp_path: Path, part: str) -> None:
    revisions = [script.revision for script in ScriptDirectory.from_config(config(part, "")).walk_revisions()]
    for revision in revisions:
        url = f"sqlite:///{tmp_path / part}-{revision}.db"
        command.upgrade(config(part, url), revision)
        migrate(part, url, tmp_path)
        assert differences(part, url) == []


def test_on_the_databases_of_a_home(home: Home) -> None:
    settings = home.court.settings
    assert differences("registry", settings.registry_database) == []
    assert differences("notifier", settings.notifier_database) == []


@parts
def test_a_database_is_for_its_owner_alone(tmp_path: Path, part: str) -> None:
    url = f"sqlite:///{tmp_path / 'below' / part}.db"
    migrate(part, url, tmp_path / "below")
    file = sqlite_file(url)
    assert file is not None
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_database_of_a_later_version_is_one_line(home: Home) -> None:
    from sqlalchemy import text

    with registry_of(home) as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    said = home.run("init", "--json")
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "更新的版本" in said.json["error"]


@contextmanager
def registry_of(home: Home) -> Iterator[Session]:
    """One transaction on the registry of a home."""
    court = home.court
    try:
        with court.session() as session:
            yield session
    finally:
        court.close()
