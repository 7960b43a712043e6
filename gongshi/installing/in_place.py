"""Bringing a home on PostgreSQL to this version: each database in a transaction of its own, the home closed meanwhile.

There is no copy to fall back on: what a migration cannot do it undoes, and what is found wrong afterwards is told. Killed
in between, one database is of the new version and the other is not; no process opens such a home, and `upgrade` goes on.
"""

from __future__ import annotations

from gongshi.installing.holding import alone, refuse_holders
from gongshi.installing.parts import own_alike
from gongshi.installing.release import UpgradeRefused, find_layout, note_release
from gongshi.installing.services import switch
from gongshi.installing.upgrading import Site
from gongshi.installing.verifying import find_damage, find_lost
from gongshi.office import init_office
from gongshi.settings import Settings
from search_index.database import sqlite_file, writing_engine


def is_of_files(settings: Settings) -> bool:
    """Whether all three databases of a home are files."""
    urls = (settings.registry_database, settings.notifier_database, settings.disclosed_database)
    return all(sqlite_file(url) is not None for url in urls)


def upgrade_in_place(site: Site) -> list[str]:
    """Bring a home to this version where it stands; units that did not start again. Raises UpgradeRefused."""
    units = site.services.list_active()
    site.services.stop(units)
    try:
        with alone(site.settings):
            refuse_holders(site.settings)
            _bring_up(site)
    finally:
        left = site.services.start(units)
    return left


def _bring_up(site: Site) -> None:
    before = {name: _count(url) for name, url in _urls(site.settings)}
    court = site.open()
    try:
        site.tell("正在升级数据库")
        court.init()
        init_office(court)
        site.tell("正在核对")
        faults = list(find_damage(court))
    finally:
        court.close()
    for name, url in _urls(site.settings):
        faults += find_lost(before[name], _count(url), name)
    if faults:
        raise UpgradeRefused(f"升级后的核对没有通过：{'；'.join(faults)}。请从备份恢复旧版本，并把这一行告诉维护人员")
    found = find_layout(site.prefix)
    if found is not None and found[0].is_symlink():
        switch(found[0], f"releases/{found[1].name}")
    note_release(site.settings)
    own_alike(site.settings)


def _urls(settings: Settings) -> tuple[tuple[str, str], ...]:
    return ("登记库", settings.registry_database), ("通知库", settings.notifier_database)


def _count(url: str) -> dict[str, int]:
    from sqlalchemy import inspect, text

    engine = writing_engine(url, journal_mode="WAL")
    try:
        with engine.connect() as connection:
            names = inspect(connection).get_table_names()
            # S608: names that the database itself gave.
            return {
                name: connection.execute(text(f'SELECT count(*) FROM "{name}"')).scalar_one()  # noqa: S608
                for name in names
            }
    finally:
        engine.dispose()
