"""Push runs: one list, one period, one run, however often and by whomever it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import Engine, Select, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.calendar import Period
from notifier.context import Notifier
from notifier.followups import queue_repeats
from notifier.outbox import SYSTEM_RANDOM, Draft, enqueue
from notifier.packages import Revision, ensure_package, find_latest, package_folder, to_revision
from notifier.recipients import Recipient, RecipientKind, list_recipients, to_recipient
from notifier.states import MessageState, Purpose
from notifier.stops import AddressDigest, insert_new, open_digest
from notifier.tables import AttemptRow, MessageRow, PackageRow, RecipientRow, RunApprovalRow, RunRow
from search_index.day import day_of

QUARTERLY = "quarterly"
# Who made a run that nobody asked for.
BY_CALENDAR = "日历"


class PeriodNotBegun(ValueError):
    """A list for a quarter that lies ahead. The message is for the person who asked."""

    def __init__(self, period: Period) -> None:
        super().__init__(f"{period.label}尚未开始（{period.start.isoformat()}起），不能推送，请核对期次")


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What a push came to. `created` is False when the period had its run before. In a dry run nothing is written,
    and `run`, `revision` and `package` (the folder) are None."""

    period: Period
    run: int | None
    created: bool
    revision: int | None
    package: Path | None
    entries: int
    recipients: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "period": str(self.period),
            "run": self.run,
            "created": self.created,
            "revision": self.revision,
            "package": self.package and str(self.package),
            "entries": self.entries,
            "recipients": list(self.recipients),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    number: int
    begun_at: datetime
    ended_at: datetime | None
    outcome: str | None
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One recipient's part of a run. `revision` is None until an attempt has fixed it."""

    id: int
    recipient: Recipient
    revision: int | None
    state: MessageState
    reason: str | None
    queued_at: datetime
    changed_at: datetime
    next_attempt_at: datetime
    attempts: tuple[Attempt, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run with all its revisions, newest first, and its messages."""

    id: int
    period: Period
    due_on: date
    days_late: int
    made_by: str
    made_at: datetime
    revisions: tuple[Revision, ...]
    messages: tuple[Message, ...]


def push(
    notifier: Notifier,
    period: Period,
    *,
    now: datetime,
    made_by: str,
    dry_run: bool = False,
    random: Random = SYSTEM_RANDOM,
) -> Push:
    """Make the run of `period` and queue its messages, or show the run it has. Its package is made in any case.

    Raises PeriodNotBegun.
    """
    today = day_of(now)
    if period.start > today:
        raise PeriodNotBegun(period)
    if dry_run:
        return _rehearse(notifier, period, now)
    run_id, created = _ensure_run(notifier, period, now, made_by, random)
    latest = find_latest(notifier.engine, run_id)
    return _describe(notifier, period, latest or ensure_package(notifier, run_id, period, now), created=created)


def find_run(engine: Engine, period: Period) -> Run | None:
    with Session(engine) as session:
        row = session.scalars(_run_of(period)).first()
        return _load_run(session, row) if row else None


def list_runs(engine: Engine) -> list[Run]:
    """Every run, newest period first."""
    with Session(engine) as session:
        rows = session.scalars(select(RunRow).order_by(RunRow.period.desc(), RunRow.id.desc())).all()
        return [_load_run(session, row) for row in rows]


def find_periods_done(engine: Engine) -> set[Period]:
    with Session(engine) as session:
        periods = session.scalars(select(RunRow.period).where(RunRow.kind == QUARTERLY))
        return {Period.parse(period) for period in periods}


def approve_run(engine: Engine, period: Period, *, by: str, now: datetime) -> bool:
    """A person's yes to the run of a period that is announced or due; False when it had one before."""
    values = {"period": str(period), "kind": QUARTERLY, "approved_by": by, "approved_at": now}
    with Session(engine) as session, session.begin():
        statement = insert_new(session, RunApprovalRow, "period", "kind").returning(RunApprovalRow.period)
        return session.execute(statement, [values]).first() is not None


def find_approvals(engine: Engine) -> Mapping[Period, str]:
    """The periods whose runs were approved, and by whom."""
    query = select(RunApprovalRow.period, RunApprovalRow.approved_by).where(RunApprovalRow.kind == QUARTERLY)
    with Session(engine) as session:
        return {Period.parse(period): by for period, by in session.execute(query)}


def _rehearse(notifier: Notifier, period: Period, now: datetime) -> Push:
    run = find_run(notifier.engine, period)
    if run is not None and run.revisions:
        return _describe(notifier, period, run.revisions[0], created=False)
    _, documents = notifier.register.everything(now)
    return Push(
        period=period,
        run=run.id if run else None,
        created=False,
        revision=None,
        package=None,
        entries=len(documents),
        recipients=tuple(recipient.name for recipient in list_recipients(notifier.engine)),
    )


def _describe(notifier: Notifier, period: Period, revision: Revision, *, created: bool) -> Push:
    query = (
        select(RecipientRow.id, RecipientRow.name)
        .join(MessageRow, MessageRow.recipient_id == RecipientRow.id)
        .where(MessageRow.run_id == revision.run_id)
        .order_by(RecipientRow.id)
        .distinct()
    )
    with Session(notifier.engine) as session:
        names = tuple(name for _, name in session.execute(query))
    return Push(
        period=period,
        run=revision.run_id,
        created=created,
        revision=revision.revision,
        package=package_folder(notifier.folder, period, revision),
        entries=revision.entries,
        recipients=names,
    )


def _ensure_run(notifier: Notifier, period: Period, now: datetime, made_by: str, random: Random) -> tuple[int, bool]:
    """The id of the period's run, and whether it was made here. Run and messages come into being together."""
    due_on = period.due_on(notifier.workdays)
    digest, profile = open_digest(notifier.engine), notifier.register.profile(now)
    run = RunRow(
        period=str(period),
        kind=QUARTERLY,
        due_on=due_on,
        days_late=max(0, (day_of(now) - due_on).days),
        made_by=made_by,
        made_at=now,
    )
    try:
        with Session(notifier.engine, expire_on_commit=False) as session, session.begin():
            session.add(run)
            session.flush()
            enqueue(session, _draft_packages(session, run.id), now=now, digest=digest, random=random)
            queue_repeats(session, run.id, profile, now=now, digest=digest, random=random)
    except IntegrityError:
        with Session(notifier.engine) as session:
            known = session.scalars(_run_of(period)).first()
        if known is None:
            raise
        return known.id, False
    return run.id, True


def queue_packages(
    session: Session, run_id: int, *, now: datetime, digest: AddressDigest, only: int | None = None
) -> None:
    """Queue the packages of a run that came back with a backup; with `only`, that of one recipient."""
    drafts = [one for one in _draft_packages(session, run_id, only) if only in (None, one.recipient_id)]
    enqueue(session, drafts, now=now, digest=digest)


def _draft_packages(session: Session, run_id: int, also: int | None = None) -> list[Draft]:
    is_active = RecipientRow.active if also is None else or_(RecipientRow.active, RecipientRow.id == also)
    receivers = select(RecipientRow).where(is_active, RecipientRow.kind != RecipientKind.PRINTING)
    return [
        Draft(
            key=f"package/{run_id}/{recipient.id}/{recipient.channel}",
            purpose=Purpose.PACKAGE,
            channel=recipient.channel,
            content=None,
            run_id=run_id,
            recipient_id=recipient.id,
        )
        for recipient in session.scalars(receivers.order_by(RecipientRow.id))
    ]


def _run_of(period: Period) -> Select[RunRow]:
    return select(RunRow).where(RunRow.period == str(period), RunRow.kind == QUARTERLY)


def _load_run(session: Session, row: RunRow) -> Run:
    packages = select(PackageRow).where(PackageRow.run_id == row.id).order_by(PackageRow.revision.desc())
    messages = (
        select(MessageRow, RecipientRow)
        .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .where(MessageRow.run_id == row.id, MessageRow.purpose == Purpose.PACKAGE)
        .order_by(MessageRow.id)
    )
    return Run(
        id=row.id,
        period=Period.parse(row.period),
        due_on=row.due_on,
        days_late=row.days_late,
        made_by=row.made_by,
        made_at=row.made_at,
        revisions=tuple(to_revision(package) for package in session.scalars(packages)),
        messages=tuple(_load_message(session, *pair) for pair in session.execute(messages)),
    )


def _load_message(session: Session, row: MessageRow, recipient: RecipientRow) -> Message:
    attempts = select(AttemptRow).where(AttemptRow.message_id == row.id).order_by(AttemptRow.number)
    return Message(
        id=row.id,
        recipient=to_recipient(recipient),
        revision=row.revision or None,
        state=MessageState(row.state),
        reason=row.reason,
        queued_at=row.queued_at,
        changed_at=row.changed_at,
        next_attempt_at=row.next_attempt_at,
        attempts=tuple(
            Attempt(
                number=attempt.number,
                begun_at=attempt.begun_at,
                ended_at=attempt.ended_at,
                outcome=attempt.outcome,
                detail=attempt.detail,
            )
            for attempt in session.scalars(attempts)
        ),
    )
