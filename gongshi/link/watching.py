"""The public side's long-running process: files are taken over as they come."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import structlog

from gongshi.commands.telling import explain
from gongshi.link.applying import apply_folder
from gongshi.link.bundles import send
from gongshi.link.folder import LinkRefused
from gongshi.link.public_side import PublicSide

_log = structlog.get_logger("gongshi")


def watch_folder(
    side: PublicSide, folder: Path, stop: Event, *, every: float, keep: bool = False, out: Path | None = None
) -> None:
    """Apply what comes into a folder, and bundle what is to go back, until `stop`. What goes wrong is written down once for as
    long as it stays the same, and tried again."""
    told: set[str] = set()
    while not stop.is_set():
        problems = set(_pass(side, folder, keep=keep, out=out))
        for problem in sorted(problems - told):
            _log.warning("journal_link", problem=problem)
        for problem in sorted(told - problems):
            _log.info("journal_link_mended", problem=problem)
        told = problems
        stop.wait(every)


def _pass(side: PublicSide, folder: Path, *, keep: bool, out: Path | None) -> list[str]:
    problems: list[str] = []
    try:
        done = apply_folder(side, folder, keep=keep)
        problems += done.problems()
        if done.numbers:
            _log.info("journal_applied", first=done.numbers[0], last=done.numbers[-1], ahead=done.ahead)
    except Exception as error:
        problems.append(str(error) if isinstance(error, LinkRefused) else explain(error))
    try:
        if out is not None and (numbers := send(side, out)):
            _log.info("submissions_bundled", first=numbers[0], last=numbers[-1])
    except Exception as error:
        problems.append(str(error) if isinstance(error, LinkRefused) else explain(error))
    return problems
