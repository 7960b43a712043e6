"""Names of backups, and which of them are kept. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

SUFFIX = ".gsb"
UNFINISHED = ".part"
_NAME = re.compile(r"gongshi-(?P<home>[0-9a-f]{8})-(?P<at>\d{8}-\d{6})\.gsb", re.ASCII)
_AT = "%Y%m%d-%H%M%S"


def name_backup(home: str, at: datetime) -> str:
    """The file name of a backup of the home `home`, begun at `at`."""
    return f"gongshi-{home}-{at:{_AT}}{SUFFIX}"


def read_name(name: str, home: str) -> datetime | None:
    """When a backup of this home was begun; None for any other file."""
    found = _NAME.fullmatch(name)
    if found is None or found["home"] != home:
        return None
    try:
        return datetime.strptime(found["at"], _AT)  # noqa: DTZ007  # compared with its like only
    except ValueError:
        return None


def choose_kept(made: Iterable[datetime], *, days: int, weeks: int) -> set[datetime]:
    """Of backups by when they were begun: the newest of each of the last `days` days that have one, and of each of the last
    `weeks` weeks; the newest of all in any case."""
    newest_first = sorted(made, reverse=True)
    kept = set(newest_first[:1])
    daily: dict[object, datetime] = {}
    weekly: dict[object, datetime] = {}
    for one in newest_first:
        daily.setdefault(one.date(), one)
        weekly.setdefault(one.isocalendar()[:2], one)
    return kept | set(list(daily.values())[:days]) | set(list(weekly.values())[:weeks])
