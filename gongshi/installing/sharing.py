"""The folders of a home for several users: whose each is, and mending what was made with other owners or modes."""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator, Set
from grp import getgrnam
from pathlib import Path

OWNER = "gongshi"
COLLECTOR = "gongshi-worker"
GROUPS = {"registry": "gongshi-registry", "notifier": "gongshi-notifier", "public": "gongshi-public"}
# Folders of public/ in which anybody may put something, and out of which the worker alone takes: in drop/ the private side
# may look, in emergency/ anybody.
_OPEN = {"drop": (0o1773, "gongshi-registry"), "emergency": (0o1777, "gongshi-public")}


def share_home(home: Path) -> int:
    """Give what lies in a home to the groups of its users; how many files and folders were mended. By root, safe to
    repeat. Raises OSError, or KeyError for a user that is not there."""
    mended = 0
    owner = pwd.getpwnam(OWNER).pw_uid
    open_to_all = {home / "public" / name for name in _OPEN}
    for part, group in GROUPS.items():
        folder, gid = home / part, getgrnam(group).gr_gid
        loose = 0o5 if part == "public" else 0
        for path in (folder, *_walk(folder, open_to_all)):
            mended += _mend(path, owner, gid, loose)
    return mended + sum(_mend_open(home / "public" / name, *how) for name, how in _OPEN.items())


def _walk(folder: Path, without: Set[Path]) -> Iterator[Path]:
    for above, folders, files in os.walk(folder, followlinks=False):
        folders[:] = [name for name in folders if Path(above, name) not in without]
        yield from (Path(above, name) for name in (*folders, *files))


def _mend(path: Path, owner: int, gid: int, loose: int) -> bool:
    # By its descriptor, and through no link: users who are not root can put things in these folders.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        found = os.fstat(descriptor)
        if stat.S_ISDIR(found.st_mode):
            wanted = 0o2770 | loose
        elif stat.S_ISREG(found.st_mode):
            wanted = 0o660 | (loose & 0o4)
        else:
            return False
        uid = owner if found.st_uid == 0 else found.st_uid
        if (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (uid, gid, wanted):
            return False
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, wanted)
        return True
    finally:
        os.close(descriptor)


def _mend_open(folder: Path, mode: int, group: str) -> bool:
    folder.mkdir(exist_ok=True)
    uid, gid = pwd.getpwnam(COLLECTOR).pw_uid, getgrnam(group).gr_gid
    descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        found = os.fstat(descriptor)
        if (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (uid, gid, mode):
            return False
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, mode)
        return True
    finally:
        os.close(descriptor)
