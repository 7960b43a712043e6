"""What may have come to a halt without anyone noticing: for `doctor`, and for the desk.

The totals are checked by queries of their own, which share no code with what sends.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import Engine, bindparam, func, select, text
from sqlalchemy.orm import Session

from notifier.calendar import Workdays
from notifier.followups import list_open
from notifier.policy import PACKAGE_LADDER, reminders_due
from notifier.states import MessageState, Purpose
from notifier.tables import MessageRow, SettingRow
from search_index.database import UtcDateTime, for_reading

_BEAT = "worker_beat"
BEAT_WITHIN = timedelta(minutes=3)
UNKNOWN_WITHIN = timedelta(minutes=30)
# A package goes out within the day on which its run was made.
RUN_WITHIN = timedelta(days=1)
# What nobody takes: its channel is not set up, or it is a dry run.
WAITING_WITHIN = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Beat:
    """The last time the worker had prepared what is due, and the steps that failed then."""

    at: datetime
    failed: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """What of a run has not gone out in time: a period, and how many recipients."""

    period: str
    recipients: int


def note_beat(engine: Engine, now: datetime, failed: Sequence[str]) -> None:
    """The worker is alive at `now`."""
    value = json.dumps({"at": now.isoformat(), "failed": list(failed)})
    with Session(engine) as session, session.begin():
        session.merge(SettingRow(name=_BEAT, value=value))


def read_beat(engine: Engine) -> Beat | None:
    """The worker's last beat; None when there was none."""
    with Session(for_reading(engine)) as session:
        row = session.get(SettingRow, _BEAT)
    if row is None:
        return None
    body = json.loads(row.value)
    return Beat(at=datetime.fromisoformat(body["at"]), failed=tuple(body["failed"]))


def count_unknown(engine: Engine, now: datetime) -> int:
    """How many messages have not been known to have arrived or not for half an hour."""
    query = (
        select(func.count())
        .select_from(MessageRow)
        .where(MessageRow.state == MessageState.UNKNOWN, MessageRow.changed_at <= now - UNKNOWN_WITHIN)
    )
    with Session(for_reading(engine)) as session:
        return session.scalars(query).one()


def count_waiting(engine: Engine, now: datetime) -> dict[str, int]:
    """How many messages of each channel have been due for a day, and were not taken."""
    states = (MessageState.QUEUED, MessageState.FAILED_TEMPORARY)
    query = (
        select(MessageRow.channel, func.count())
        .where(MessageRow.state.in_(states), MessageRow.next_attempt_at <= now - WAITING_WITHIN)
        .group_by(MessageRow.channel)
    )
    with Session(for_reading(engine)) as session:
        return dict(session.execute(query).all())


def count_unanswered(engine: Engine, today: date, workdays: Workdays) -> int:
    """How many packages have not been confirmed as aired or published after the last reminder."""
    return sum(
        one.sent_on is not None
        and not one.is_closed
        and reminders_due(one.sent_on, today, PACKAGE_LADDER, workdays) == len(PACKAGE_LADDER)
        for one in list_open(engine, [Purpose.PACKAGE])
    )


# Plain SQL, on purpose: the ways in which sending could be wrong must not be the ways in which this is.
_UNFINISHED = text("""
    SELECT r.period AS period, COUNT(*) AS recipients
    FROM push_run r JOIN message m ON m.run_id = r.id
    WHERE m.purpose = 'package' AND m.state IN ('queued', 'sending', 'failed_temporary', 'unknown')
      AND r.made_at <= :before
    GROUP BY r.period ORDER BY r.period
""").bindparams(bindparam("before", type_=UtcDateTime()))
_MISSING = text("""
    SELECT COUNT(*) FROM push_run r CROSS JOIN recipient c
    WHERE c.active AND c.kind <> 'printing' AND c.created_at <= r.made_at
      AND NOT EXISTS (SELECT 1 FROM message m
                      WHERE m.run_id = r.id AND m.recipient_id = c.id AND m.purpose = 'package')
""")
_TWICE = text("""
    SELECT COUNT(*) FROM (
        SELECT 1 AS one FROM message WHERE purpose = 'package'
        GROUP BY run_id, recipient_id, channel HAVING COUNT(*) > 1
    ) AS twice
""")
_UNCOUNTED = text("""
    SELECT COUNT(*) FROM message m
    WHERE m.attempts <> (SELECT COUNT(*) FROM attempt a WHERE a.message_id = m.id AND a.number > 0)
""")
_WRONG = text("""
    SELECT COUNT(*) FROM message m
    WHERE m.state NOT IN ('queued', 'sending', 'accepted', 'delivered', 'failed_temporary', 'failed_permanent',
                          'unknown', 'cancelled', 'superseded', 'expired')
       OR (m.state IN ('accepted', 'delivered') AND NOT EXISTS (
              SELECT 1 FROM attempt a WHERE a.message_id = m.id AND a.called_at IS NOT NULL))
""")
_TOTALS = (
    (_MISSING, "个接收单位在某次推送中没有消息"),
    (_TWICE, "个接收单位在同一次推送中有两条消息"),
    (_UNCOUNTED, "条消息的发送次数与发送记录不符"),
    (_WRONG, "条消息的状态与发送记录不符"),
)


def list_unfinished(engine: Engine, now: datetime) -> list[Late]:
    """The runs whose packages have not all gone out a day after they were made."""
    with Session(for_reading(engine)) as session:
        found = session.execute(_UNFINISHED, {"before": now - RUN_WITHIN})
        return [Late(period=row.period, recipients=row.recipients) for row in found]


def check_totals(engine: Engine) -> list[str]:
    """What does not add up, in Chinese: recipients × runs against messages, messages against attempts."""
    with Session(for_reading(engine)) as session:
        counted = [(session.execute(query).scalar_one(), what) for query, what in _TOTALS]
    return [f"{count} {what}" for count, what in counted if count]
