"""What is written of a request: the rule it matched, never the address that was asked for.

A path or a query may hold a name; the rule of the path cannot. An error is written as its type and the places in
the code it passed through, because its message and its values may hold what was typed.
"""

from __future__ import annotations

import time
import traceback
from pathlib import Path
from types import TracebackType

import structlog
from flask import Flask, Response, g, request

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_log = structlog.get_logger("portal")

ErrorInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


def register_access_log(app: Flask) -> None:
    """Write one line for each request."""
    app.before_request(_start)
    app.after_request(_finish)


def log_error(info: ErrorInfo) -> None:
    """Write that an error was not foreseen: what kind, and where."""
    kind, _, trace = info
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(trace)]
    _log.error("error", type=kind.__name__ if kind else "-", rule=_rule(), where=places)


def log_marked(*, is_whole: bool) -> None:
    """Write that somebody hid an entry, or the whole list, with a sealed code: not which."""
    _log.warning("emergency_hide", whole=is_whole)


def _start() -> None:
    g.started = time.perf_counter()


def _finish(response: Response) -> Response:
    elapsed = time.perf_counter() - g.started if "started" in g else 0.0
    _log.info(
        "request",
        method=request.method if request.method in _METHODS else "-",
        rule=_rule(),
        status=response.status_code,
        ms=round(elapsed * 1000, 1),
    )
    return response


def _rule() -> str:
    return request.url_rule.rule if request.url_rule else "-"
