"""What long-running processes write of an error: its kind and the places it passed through, never its message or values.

The message of an error may hold what was typed, a statement with all that was to be stored, or a part of an address.
"""

from __future__ import annotations

import json
import logging
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from gunicorn.glogging import Logger

_log = structlog.get_logger("gongshi")


def log_error(error: BaseException) -> None:
    """Write one line of an error."""
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    _log.error("error", type=type(error).__name__, where=places)


def logged(work: Callable[[], object]) -> Callable[[], None]:
    """The same work, whose errors are written instead of raised."""

    def run() -> None:
        try:
            work()
        except Exception as error:
            log_error(error)

    return run


class OneLine(logging.Formatter):
    """What the libraries write, in the shape of all other lines: `event`, `level`, `at`. Of gunicorn's the words, which are
    about its processes; of any other library's only where they were written: its words may hold what it worked on."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "event": record.getMessage() if record.name.startswith("gunicorn") else "library",
            "logger": record.name,
            "where": f"{record.filename}:{record.lineno}",
            "level": record.levelname.lower(),
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
        }
        return json.dumps(line, ensure_ascii=False)


class ServerLog(Logger):  # type: ignore[misc]  # gunicorn has no types
    """gunicorn's own log. It would repeat what it could not read of a request, and the address of one that failed."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(OneLine())

    def warning(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Of what is told while an error is handled, only the kind: it is about a request that cannot be read."""
        error = sys.exception()
        if error is None:
            super().warning(msg, *args, **kwargs)
        else:
            _log.warning("refused", type=type(error).__name__)

    def exception(self, msg: str, *args: Any, **kwargs: Any) -> None:
        """Only the kind of the error that is being handled, and where."""
        error = sys.exception()
        if error is not None:
            log_error(error)
