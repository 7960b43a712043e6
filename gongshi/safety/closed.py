"""A home that came back from a backup is closed: nothing is published and nothing sent before two people have opened it.

What says so are two small files, one for each side of the home: `registry/restoring.json`, which also knows what was found
and who has agreed (state.py), and `notifier/closed` for the gateway, which may see nothing of the registry. Nothing private
is loaded here: every process asks, the command line first of all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event

MARK, NOTIFIER_MARK = "restoring.json", "closed"
TOLD = (
    "系统正从备份恢复，尚未重新开放：公示和发送都已停止。请由两人查看 gongshi restore show（或者内部页面“恢复”）后开放"
)
SHORT = "系统正从备份恢复，暂停服务，请稍后再来。"
# What is of use while a home is closed, and tells the public nothing. Everything else is refused.
ALLOWED = frozenset(
    {
        "audit",
        "deadline",
        "demo",
        "doctor",
        "generate",
        "recovery",
        "restore",
        "serve",
        "setup",
        "training",
        "user",
        "worker",
    }
)
_PATIENCE = 2.0  # seconds between two looks


class RestoringRefused(Exception):
    """Something about a restoration is not done. The message says why, and what to do."""

    rule = "restore"


class HomeClosed(RestoringRefused):
    """The home has not been opened again. The message is for whoever asked."""

    rule = "closed"

    def __init__(self) -> None:
        super().__init__(TOLD)


def is_closed(home: Path) -> bool:
    """Whether a home came back from a backup and has not been opened again, as far as this process may see."""
    return _exists(home / "registry" / MARK) or _exists(home / "notifier" / NOTIFIER_MARK)


def refuse_closed(home: Path) -> None:
    """Raises HomeClosed."""
    if is_closed(home):
        raise HomeClosed


def closes(command: str, arguments: list[str], environment: Mapping[str, str] = os.environ) -> bool:
    """Whether `command` may not run in the home of this environment now. Help may always be read."""
    if command in ALLOWED or {"-h", "--help"} & set(arguments):
        return False
    return is_closed(Path(environment.get("GONGSHI_HOME") or "var"))


def wait_until_open(home: Path, stop: Event, tell: Callable[[str], None]) -> bool:
    """Wait for a closed home to be opened; False where `stop` came first."""
    if is_closed(home):
        tell(TOLD)
    while is_closed(home):
        if stop.wait(_PATIENCE):
            return False
    return not stop.is_set()


def _exists(path: Path) -> bool:
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except PermissionError:
        # Whoever may not look there is told by the mark of its own side.
        return False
    return True
