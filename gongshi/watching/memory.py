"""What was mailed when, in a file beside the databases: alarms go out also when a database is what is broken."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from gongshi.watching.alarms import Memory
from search_index.durable import write_private
from search_index.modes import open_lock

FILE, LOCK = "alarms.json", "alarms.lock"
_REMEMBERED = timedelta(days=2)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Only one process at a time tells; a killed one leaves no lock. Where no lock can be had (a full disk) it goes
    without: an alarm told twice does less harm than none."""
    try:
        file = open_lock(folder / LOCK)
    except OSError:
        yield
        return
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def read_memory(folder: Path) -> Memory:
    """What is remembered; nothing where there is no file that can be read."""
    try:
        body = json.loads((folder / FILE).read_text("utf-8"))
        return Memory(
            sent=tuple(datetime.fromisoformat(at) for at in body["sent"]),
            sheet_at=_read_moment(body["sheet_at"]),
            alarm=int(body["alarm"]),
            mended=tuple(str(matter) for matter in body["mended"]),
            daily_at=_read_moment(body["daily_at"]),
            blind={str(key): datetime.fromisoformat(at) for key, at in body["blind"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Memory()


def write_memory(folder: Path, memory: Memory, now: datetime) -> None:
    """Remember. Raises OSError."""
    body: dict[str, Any] = {
        "sent": [at.isoformat() for at in memory.sent if now - at < _REMEMBERED],
        "sheet_at": memory.sheet_at.isoformat() if memory.sheet_at else None,
        "alarm": memory.alarm,
        "mended": list(memory.mended),
        "daily_at": memory.daily_at.isoformat() if memory.daily_at else None,
        "blind": {key: at.isoformat() for key, at in memory.blind.items()},
    }
    write_private(folder / FILE, json.dumps(body, ensure_ascii=False))


def _read_moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
