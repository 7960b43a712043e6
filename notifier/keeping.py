"""What is kept of packages: the newest revision as it is, of older ones only what proves that they were sent.

A package that nobody may use any more holds the names of people who have left. Manifest and signature name nobody, and
prove a copy that turns up.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.context import Notifier
from notifier.package import MANIFEST
from notifier.packages import PROOFS
from notifier.states import MessageState
from notifier.tables import AttemptRow, MessageRow, PackageRow, RunRow

# Somebody may be fetching its files one by one.
_NEVER_SENT_FOR = timedelta(days=1)
# Providers are asked for some days what became of it.
_SENT_FOR = timedelta(days=7)
# The list before the newest is what the newest is compared with.
_RUNS_WHOLE = 2
_GOING_ON = (MessageState.SENDING, MessageState.UNKNOWN)


def clear_old_packages(notifier: Notifier, now: datetime) -> int:
    """Remove the files of revisions that have been overtaken, but for their proofs; how many were cleared. Safe to repeat,
    and to be killed in."""
    cleared = 0
    for period, revision, was_sent, made_at in _find_overtaken(notifier):
        folder = notifier.folder / "packages" / period / f"r{revision}"
        if made_at <= now - (_SENT_FOR if was_sent else _NEVER_SENT_FOR) and (folder / MANIFEST).is_file():
            cleared += _clear(folder)
    return cleared


def _find_overtaken(notifier: Notifier) -> list[tuple[str, int, bool, datetime]]:
    """Period and number of revisions that nobody may use any more, whether one was sent, and when it was made."""
    sent = exists().where(AttemptRow.package_id == PackageRow.id, AttemptRow.called_at.is_not(None))
    going_on = exists().where(
        AttemptRow.package_id == PackageRow.id,
        MessageRow.id == AttemptRow.message_id,
        MessageRow.state.in_(_GOING_ON),
    )
    query = select(RunRow.period, PackageRow.revision, sent, PackageRow.made_at, PackageRow.run_id).where(
        PackageRow.run_id == RunRow.id, ~going_on
    )
    newest = select(PackageRow.run_id, func.max(PackageRow.revision)).group_by(PackageRow.run_id)
    periods = select(RunRow.period).join(PackageRow, PackageRow.run_id == RunRow.id).distinct()
    with Session(notifier.engine) as session:
        whole = set(sorted(map(Period.parse, session.scalars(periods)), reverse=True)[:_RUNS_WHOLE])
        last = dict(session.execute(newest).all())
        return [
            (period, revision, bool(was_sent), made_at)
            for period, revision, was_sent, made_at, run_id in session.execute(query)
            if revision < last[run_id] or Period.parse(period) not in whole
        ]


def _clear(folder: Path) -> bool:
    names = [path for path in folder.iterdir() if path.name not in PROOFS]
    for path in names:
        path.unlink(missing_ok=True)
    return bool(names)
