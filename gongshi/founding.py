"""Making a home, bringing it to this version, and refusing to make one where another has been lost."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from gongshi.installing.release import require_notifier_release
from gongshi.settings import Settings
from gongshi.training import mark_for_good
from registry import journal, sealbox
from registry.database import migrate
from registry.records import refresh_derived
from registry.tables import JournalHeadRow, RecordRow
from registry.vault import VaultError, create_key
from search_index.database import sqlite_file
from search_index.marks import prepare_folder
from search_index.modes import is_shared, make_private, make_public, open_to_all
from search_index.profile import Profile

if TYPE_CHECKING:
    from gongshi.court import Court


class NotInitialised(Exception):
    """There is no home to work in. The message is for the administrator."""


def require_home(settings: Settings) -> None:
    """Raises NotInitialised where `init` has not been run, or where the registry is lost."""
    if settings.key_file.exists():
        _refuse_lost_registry(settings)
        return
    if settings.private.exists():
        raise NotInitialised(f"没有密钥文件 {settings.key_file}：请从备份恢复；从未用过的，请运行 gongshi init")
    raise NotInitialised(f"{settings.home} 还不是公示系统的数据目录：请先运行 gongshi init")


def require_notifier(settings: Settings) -> None:
    """Raises NotInitialised where there is no notifier to work with. It looks at nothing of the registry: the gateway's user
    may not."""
    path = sqlite_file(settings.notifier_database)
    if path is not None and not path.exists():
        raise NotInitialised(f"{settings.home} 还不是公示系统的数据目录：请先运行 gongshi init")
    require_notifier_release(settings)


def found_home(court: Court, profile: Profile) -> bool:
    """Make the home and its databases, or bring them to this version; `profile` is that of a new one. True when it was
    new. Raises NotInitialised or VaultError where something of an old home is lost."""
    settings = court.settings
    new = not settings.key_file.exists()
    if not new:
        _refuse_lost_registry(settings)
    make_folders(settings)
    if new and profile.training:
        mark_for_good(settings.private)
    migrate(settings.registry_database)
    court.store_writer.create()
    sealing_key = sealbox.prepare_box(settings.private / "keys" / "submissions.key", court.drop)
    with court.session() as session:
        if session.get(JournalHeadRow, 1) is None:
            session.add(JournalHeadRow(id=1, position=0, sequence=0))
            session.flush()
            journal.append_profile(session, court.now, replace(profile, sealing_key=sealing_key))
        elif (known := journal.newest_profile(session)).sealing_key != sealing_key:
            journal.append_profile(session, court.now, replace(known, sealing_key=sealing_key))
    _refuse_new_key(court)
    # Last of what makes a home: its presence is what says that everything before it was done.
    create_key(settings.key_file)
    refresh_rows(court)
    court.begin_logs()
    return new


def make_folders(settings: Settings) -> None:
    """Make the three folders of a home, with their modes, where they are missing. Raises OSError."""
    if not settings.home.exists():
        settings.home.mkdir(parents=True)
        settings.home.chmod(0o755)  # whatever the umask: the portal's user passes through to public/
    for private in (settings.private, settings.notifier):
        make_private(private)
        # A home of several users was made before, with set-gid folders: these are their groups'.
        if not is_shared(private):
            private.chmod(0o700)
    make_public(settings.public)
    open_to_all(settings.public)
    prepare_folder(settings.marks_folder)


def refresh_rows(court: Court) -> None:
    """Fill in what rows from before this version lack."""
    policy = court.policy()
    while True:
        court.turns.step_aside()
        with court.session() as session:
            if not refresh_derived(session, court.vault, policy, court.today):
                return


def _refuse_lost_registry(settings: Settings) -> None:
    # The key is made last. An empty registry beside it would in the end be taken for the truth about the public list.
    path = sqlite_file(settings.registry_database)
    if path is not None and not (path.exists() and path.stat().st_size):
        raise NotInitialised(f"登记库 {path} 不见了或者是空的：请从备份恢复，不能用 gongshi init 新建")


def _refuse_new_key(court: Court) -> None:
    key_file = court.settings.key_file
    if key_file.exists():
        return
    with court.session() as session:
        if session.scalar(select(RecordRow.id).limit(1)) is not None:
            raise VaultError(f"数据库中已有加密的记录，而密钥文件 {key_file} 不见了：请从备份恢复密钥，不能新建")
