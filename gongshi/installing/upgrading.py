"""Bringing a home to this version: on copies, which take the place of what is in use when everything about them was checked.

What is in use is locked from the first copy on, so nothing is decided meanwhile that the copies do not have. A killed
upgrade is taken up by whoever opens the home next with this version (`settle`), and by `gongshi upgrade`.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy import make_url

from gongshi.clock import World
from gongshi.court import Court
from gongshi.installing.holding import alone, locked, refuse_holders
from gongshi.installing.parts import (
    Part,
    discard,
    drop_old,
    list_parts,
    move_back,
    move_forward,
    own_alike,
    take_print,
)
from gongshi.installing.release import (
    UpgradeRefused,
    find_layout,
    note_release,
    read_release,
    this_release,
)
from gongshi.installing.services import Services, switch
from gongshi.installing.staging import bring_up, copy_parts, open_staged, settle_copies
from gongshi.installing.upgrade_state import Next, Phase, State, decide, end_state, read_state, write_state
from gongshi.installing.verifying import Before, find_damage, find_faults, look_before
from gongshi.office import init_office
from gongshi.settings import Settings

Tell = Callable[[str], None]
_AS_IT_WAS = "一切照旧，旧版本可以继续使用"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A home to upgrade: its settings, the clock, the folder of the venv that runs, the units, and who is told how far it is."""

    settings: Settings
    world: World
    prefix: Path
    services: Services
    tell: Tell

    @property
    def private(self) -> Path:
        return self.settings.private

    @property
    def parts(self) -> list[Part]:
        return list_parts(self.settings)

    @property
    def databases(self) -> list[Path]:
        """The private databases and the store, as far as they are files."""
        return [part.live for part in self.parts if part.live.is_file()]

    def open(self) -> Court:
        return Court(self.settings, self.world)


def upgrade(site: Site) -> list[str]:
    """Bring a home to this version; units that did not start again. What is interrupted goes on. Everything was checked
    before (upgrade_checks.py). Raises UpgradeRefused where it was not brought there: then it is as it was before."""
    state = read_state(site.private)
    if state is not None:
        units = take_up(site, state)
        if not _is_older(site):
            return site.services.start(units)
    else:
        units = site.services.list_active()
    site.services.stop(units)
    try:
        with alone(site.settings):
            refuse_holders(site.settings)
            _replace_all(site, units)
    finally:
        # Of whichever release the link leads to now.
        left = site.services.start(units)
    return left


def take_up(site: Site, state: State) -> Sequence[str]:
    """Finish an interrupted upgrade, or throw it away; the units that were stopped for it. Raises UpgradeRefused where it is
    another version's, or where it had to be taken back."""
    if state.version != this_release().version:
        raise UpgradeRefused(f"数据目录升级到 {state.version} 没有做完：请用那个版本运行 gongshi upgrade")
    with alone(site.settings):
        _go_on(site, state)
    return state.units


def settle(settings: Settings, world: World) -> None:
    """What every process of this version does first: finish or throw away an upgrade that was interrupted. Raises
    UpgradeRefused where it is another version's, or may not be finished by this user."""
    site = Site(settings=settings, world=world, prefix=Path(), services=Services(present=False), tell=lambda _: None)
    try:
        state = read_state(settings.private)
        if state is not None:
            take_up(site, state)
    except PermissionError:
        raise UpgradeRefused("上次升级没有做完：请以系统管理员身份运行 gongshi upgrade") from None


def _is_older(site: Site) -> bool:
    return this_release().compare(read_release(site.settings)) == "newer"


def _replace_all(site: Site, units: Sequence[str]) -> None:
    parts, private = site.parts, site.private
    with locked(site.databases) as connections:
        of_file = dict(zip(site.databases, connections, strict=True))
        state = replace(_find_link(site), units=units)
        write_state(private, state)
        try:
            discard(parts)
            drop_old(parts)
            site.tell("正在复制数据库和索引")
            copy_parts(parts, of_file)
            _prepare(site, _look_before(site, of_file))
        except BaseException:
            discard(parts)
            end_state(private)
            raise
        prints = {str(path): take_print(path) for path in site.databases[:2]}
        state = replace(state, phase=Phase.COMMITTED, prints=prints)
        write_state(private, state)
        _go_on(site, state)


def _prepare(site: Site, before: Before) -> None:
    """Bring the copies to this version and check them. Raises UpgradeRefused."""
    court = open_staged(site.settings, site.world)
    try:
        site.tell("正在副本上升级表结构")
        bring_up(court)
        site.tell("正在核对副本")
        faults = list(find_faults(court, before, _store_of(site)))
    finally:
        court.close()
    if faults:
        raise UpgradeRefused(f"副本没有通过核对：{'；'.join(faults)}。{_AS_IT_WAS}")
    _store_of(site).trial.unlink(missing_ok=True)
    settle_copies(site.parts)
    own_alike(site.settings)


def _go_on(site: Site, state: State) -> None:
    """Take an upgrade from where it stands to its end, forward or back."""
    parts = site.parts
    match decide(state, parts):
        case Next.DISCARD:
            _lead_back(state)
            discard(parts)
            end_state(site.private)
        case Next.BACK:
            _return(site, state, parts)
        case Next.FINISH:
            _finish(site, parts)
        case Next.FORWARD:
            site.tell("正在换上新的数据库")
            if state.link and state.link_after:
                switch(Path(state.link), state.link_after)
            move_forward(parts)
            if faults := _look(site):
                write_state(site.private, replace(state, phase=Phase.RETURNING))
                _return(site, state, parts)
                raise UpgradeRefused(f"换上之后的检查没有通过：{'；'.join(faults)}。{_AS_IT_WAS}")
            write_state(site.private, replace(state, phase=Phase.CHECKED))
            _finish(site, parts)


def _look(site: Site) -> list[str]:
    """What is wrong with the home as it is now, before anybody may write in it."""
    court = site.open()
    try:
        faults = list(find_damage(court))
        # A list that has been silent for long is hidden by its readers, but is whole.
        with court.store.snapshot(court.now) as snapshot:
            snapshot.count()
    except Exception as error:
        return [f"不能打开（{type(error).__name__}）"]
    finally:
        court.close()
    return faults


def _finish(site: Site, parts: Sequence[Part]) -> None:
    """The home is of this version: begin what it did not have, and remove what was in use before."""
    court = site.open()
    try:
        court.init()
        init_office(court)
    finally:
        court.close()
    drop_old(parts)
    discard(parts)
    note_release(site.settings)
    own_alike(site.settings)
    end_state(site.private)


def _return(site: Site, state: State, parts: Sequence[Part]) -> None:
    """Put back what was in use before. Nothing was written in what is taken away: nobody could open it."""
    _lead_back(state)
    move_back(parts)
    discard(parts)
    end_state(site.private)


def _lead_back(state: State) -> None:
    if state.link and state.link_before:
        with suppress(FileNotFoundError):
            switch(Path(state.link), state.link_before)


def _find_link(site: Site) -> State:
    found = find_layout(site.prefix)
    if found is None or not found[0].is_symlink():
        return State(version=this_release().version, phase=Phase.STAGING)
    link, release = found
    target = os.path.relpath(release, link.parent)
    return State(
        version=this_release().version,
        phase=Phase.STAGING,
        link=str(link),
        link_before=str(link.readlink()),
        link_after=target,
    )


def _look_before(site: Site, of_file: Mapping[Path, sqlite3.Connection]) -> Before:
    registry, notifier = (_file_of(url) for url in (site.settings.registry_database, site.settings.notifier_database))
    return look_before(of_file[registry], of_file.get(notifier))


def _store_of(site: Site) -> Part:
    return Part(_file_of(site.settings.disclosed_database))


def _file_of(url: str) -> Path:
    return Path(make_url(url).database or "").absolute()
