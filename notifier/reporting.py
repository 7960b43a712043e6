"""The report of what became of recalls, for the court: who was told when, who confirmed what, and what is still open."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from notifier.acknowledging import Acknowledgement, in_parts
from notifier.answers import AckKind
from notifier.followups import FollowUp, list_follow_ups
from notifier.recall import Recall
from notifier.recipients import Recipient
from notifier.states import MessageState
from notifier.tables import AttemptRow
from search_index.database import for_reading
from search_index.day import SHANGHAI
from search_index.sheets import guard_formula


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportLine:
    """What became of one recall at one recipient. `told_at` is when it last went out, None where it never arrived;
    `overdue` counts calendar days after `due_on` without the answer that ends the matter, 0 where none are."""

    recall: Recall
    recipient: Recipient
    state: MessageState
    told_at: datetime | None
    received: Acknowledgement | None
    done: Acknowledgement | None
    overdue: int

    def as_json(self) -> dict[str, Any]:
        return {
            "record": self.recall.record,
            "case_number": self.recall.case_number,
            "type": self.recall.type.value,
            "sequence": self.recall.sequence or None,
            "at": self.recall.at.isoformat(),
            "due_on": self.recall.due_on.isoformat(),
            "recipient": self.recipient.slug,
            "recipient_name": self.recipient.name,
            "channel": self.recipient.channel,
            "state": self.state.value,
            "told_at": self.told_at and self.told_at.isoformat(),
            "received": _describe(self.received),
            "done": _describe(self.done),
            "overdue_days": self.overdue,
        }


def recall_report(
    engine: Engine, *, today: date, sequence: int | None = None, record: str | None = None
) -> list[ReportLine]:
    """Who was told when, confirmed when and where, and what is still open: of one public change, of one record, or of all
    recalls; in the order of the changes and the recipients."""
    wanted = [
        (one, recall)
        for one in list_follow_ups(engine)
        for recall in one.recalls
        if sequence in (None, recall.sequence) and record in (None, recall.record)
    ]
    told = _find_told(engine, {one.message_id for one, _ in wanted if one.sent_on is not None})
    lines = [_report(one, recall, told.get(one.message_id), today) for one, recall in wanted]
    # A clarification has no sequence, and comes behind the changes.
    return sorted(lines, key=lambda line: (line.recall.sequence or math.inf, line.recall.id, line.recipient.id))


def report_json(lines: Sequence[ReportLine], *, training: bool = False) -> bytes:
    """The report for a machine; of a home in training it says so."""
    kind = {"training": True} if training else {}
    body = {**kind, "recalls": [line.as_json() for line in lines]}
    return json.dumps(body, ensure_ascii=False, indent=1).encode("utf-8")


def report_csv(lines: Sequence[ReportLine], *, training: bool = False) -> bytes:
    """A table for a spreadsheet: UTF-8 with a byte order mark, and nothing in it is taken for a formula. In a home for
    training every row says so."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([*_COLUMNS, *(["性质（演练）"] if training else [])])
    for line in lines:
        mark = ["演练数据，不得使用"] if training else []
        writer.writerow([guard_formula(cell) for cell in [*_to_cells(line), *mark]])
    return out.getvalue().encode("utf-8-sig")


_COLUMNS = (
    "公开编号", "案号", "事项", "变动时间", "办理期限", "单位", "通知状态", "通知时间",
    "收到", "办理完毕", "办理人", "位置", "超期天数",
)  # fmt: skip


def _to_cells(line: ReportLine) -> list[str]:
    recall, received, done = line.recall, line.received, line.done
    return [
        recall.record,
        recall.case_number or "",
        recall.type.label,
        _local(recall.at),
        recall.due_on.isoformat(),
        line.recipient.name,
        line.state.label,
        _local(line.told_at),
        _local(received.given_at if received else None),
        _local(done.given_at if done else None),
        (done.given_by if done else "") or "",
        (done.place if done else "") or "",
        str(line.overdue) if line.overdue else "",
    ]


def _local(moment: datetime | None) -> str:
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" if moment else ""


def _describe(given: Acknowledgement | None) -> dict[str, str | None] | None:
    if given is None:
        return None
    at = given.given_at.isoformat()
    return {"at": at, "by": given.given_by, "place": given.place, "noted_by": given.noted_by}


def _report(one: FollowUp, recall: Recall, told_at: datetime | None, today: date) -> ReportLine:
    done = one.done
    return ReportLine(
        recall=recall,
        recipient=one.recipient,
        state=one.state,
        told_at=told_at,
        received=one.find(AckKind.RECEIVED) or done,
        done=done,
        overdue=0 if one.is_closed else max(0, (today - recall.due_on).days),
    )


def _find_told(engine: Engine, ids: Collection[int]) -> Mapping[int, datetime]:
    query = select(AttemptRow.message_id, func.max(AttemptRow.called_at)).where(AttemptRow.called_at.is_not(None))
    told: dict[int, datetime] = {}
    with Session(for_reading(engine)) as session:
        for part in in_parts(sorted(ids)):
            found = session.execute(query.where(AttemptRow.message_id.in_(part)).group_by(AttemptRow.message_id))
            told |= {message_id: at for message_id, at in found if at is not None}
    return told
