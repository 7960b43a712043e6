"""Following up: who has not answered, who is reminded of what, and who is told that an answer is overdue."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import Engine, Select, exists, select
from sqlalchemy.orm import Session

from notifier.acknowledging import CLOSES, find_acknowledgements, find_recalls, note_acknowledgement
from notifier.acknowledging import Acknowledgement as Acknowledgement
from notifier.acknowledging import WrongAcknowledgement as WrongAcknowledgement
from notifier.acknowledging import acknowledge as acknowledge
from notifier.answers import AckKind as AckKind
from notifier.calendar import Period, Workdays
from notifier.channels import Content, Letter
from notifier.institutions import MAIL
from notifier.outbox import SYSTEM_RANDOM, Draft, enqueue
from notifier.policy import PACKAGE_LADDER, RECALL_LADDER, reminders_due
from notifier.recall import Recall, RecallKind, name_entry, sign
from notifier.recipients import TASKS, Recipient, take_down, to_recipient
from notifier.sms.routing import channel_for, links_allowed
from notifier.sms.templates import FieldError, fill
from notifier.sms.texts import get_newest
from notifier.states import MessageState, Purpose
from notifier.stops import AddressDigest, open_digest
from notifier.tables import (
    AcknowledgementRow,
    MessageRow,
    PrintingEntryRow,
    PrintingRow,
    RecipientRow,
    RunRow,
)
from search_index.day import day_of
from search_index.profile import Profile

_LADDER = {
    Purpose.PACKAGE: PACKAGE_LADDER,
    Purpose.RECALL: RECALL_LADDER,
    Purpose.CORRECTION: RECALL_LADDER,
    Purpose.CLARIFICATION: RECALL_LADDER,
}
_RECALLS = (Purpose.RECALL, Purpose.CORRECTION)
LETTERS = (*_RECALLS, Purpose.CLARIFICATION)
"""What recipients are told of an entry, and have to answer."""
_OUT = (MessageState.ACCEPTED, MessageState.DELIVERED, MessageState.UNKNOWN)
_DROPPED = (MessageState.CANCELLED, MessageState.SUPERSEDED, MessageState.EXPIRED)
_OVERDUE_TEMPLATE = "liaison_answer_overdue"


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A message that a recipient has to answer. `recall` is None for a package, `period` for a recall; `others` are what
    else the same letter is about. `sent_on` is None until it has left the house; `due_on` is the last day for the
    answer of a recall."""

    message_id: int
    purpose: Purpose
    recipient: Recipient
    state: MessageState
    recall: Recall | None
    period: Period | None
    sent_on: date | None
    acknowledgements: tuple[Acknowledgement, ...]
    others: tuple[Recall, ...] = ()

    @property
    def recalls(self) -> tuple[Recall, ...]:
        return (self.recall, *self.others) if self.recall else ()

    @property
    def due_on(self) -> date | None:
        return self.recall.due_on if self.recall else None

    @property
    def is_closed(self) -> bool:
        """Whether nothing more is expected: the answer has come, or the court has taken its clarification back."""
        return self.done is not None or (self.recall is not None and self.recall.type is RecallKind.RETRACTED)

    @property
    def done(self) -> Acknowledgement | None:
        """The answer that ends the matter."""
        return self.find(CLOSES[self.purpose])

    def find(self, kind: AckKind) -> Acknowledgement | None:
        """What was confirmed of this kind."""
        return next((given for given in self.acknowledgements if given.kind is kind), None)

    def is_overdue(self, today: date) -> bool:
        return not self.is_closed and self.due_on is not None and self.due_on < today


def list_follow_ups(engine: Engine, purposes: Iterable[Purpose] = LETTERS) -> list[FollowUp]:
    """Every message of these purposes that was not dropped, the latest first: the report of what became of recalls."""
    query = _followed(tuple(purposes)).order_by(MessageRow.id.desc())
    with Session(engine) as session:
        return _to_follow_ups(session, session.execute(query).all())


def list_open(engine: Engine, purposes: Iterable[Purpose]) -> list[FollowUp]:
    """Those of them that wait for the answer that ends the matter, the oldest first."""
    with Session(engine) as session:
        found = session.execute(_unanswered(tuple(purposes)).order_by(MessageRow.id)).all()
        return [one for one in _to_follow_ups(session, found) if not one.is_closed]


def list_overdue(engine: Engine, today: date) -> list[FollowUp]:
    """The recalls and clarifications whose last day has passed without an answer that ends the matter, the oldest first."""
    return [one for one in list_open(engine, LETTERS) if one.is_overdue(today)]


def queue_reminders(
    engine: Engine, workdays: Workdays, profile: Profile, *, now: datetime, random: Random = SYSTEM_RANDOM
) -> int:
    """Remind those who have not answered, by the working days since the message went, and tell their liaisons what is
    overdue; how many reminders are due. Safe to repeat: each step of the ladder goes once. After a time without power
    only the latest goes."""
    digest, today = open_digest(engine), day_of(now)
    waiting = [one for one in list_open(engine, CLOSES) if one.recipient.channel != TASKS]
    ladders = _Ladders(today, workdays)
    drafts = []
    for one in waiting:
        if one.sent_on is None or one.state not in _OUT:
            continue
        step = ladders.count(one.sent_on, one.purpose)
        if step:
            drafts.append(_remind(one, step, profile, today))
    steps = _find_overdue_steps(waiting, today, ladders)
    with Session(engine) as session, session.begin():
        alerts = [_alert(session.get_one(RecipientRow, number), step, profile) for number, step in steps.items()]
        enqueue(session, drafts + [one for one in alerts if one], now=now, digest=digest, random=random)
    return len(drafts)


def queue_repeats(
    session: Session, run_id: int, profile: Profile, *, now: datetime, digest: AddressDigest, random: Random
) -> None:
    """With the next package, repeat to each recipient the recalls that it has not answered."""
    waiting: dict[int, list[FollowUp]] = {}
    found = session.execute(_unanswered(_RECALLS).order_by(MessageRow.id)).all()
    for one in _to_follow_ups(session, found):
        if one.recipient.channel != TASKS:
            waiting.setdefault(one.recipient.id, []).append(one)
    drafts = [_repeat(run_id, recalls, profile) for recalls in waiting.values()]
    enqueue(session, drafts, now=now, digest=digest, random=random)


def end_printing(engine: Engine, printing_id: int, *, by: str, now: datetime) -> bool:
    """A printing was taken down by `by`; False when it was before. The tasks of its board end with it, as far as what
    they are about hangs nowhere else there."""
    if not take_down(engine, printing_id, now=now):
        return False
    with Session(engine) as session, session.begin():
        printing = session.get_one(PrintingRow, printing_id)
        hanging = (
            select(PrintingEntryRow.record)
            .join(PrintingRow, PrintingRow.id == PrintingEntryRow.printing_id)
            .where(PrintingRow.recipient_id == printing.recipient_id, PrintingRow.taken_down_at.is_(None))
        )
        shown = set(session.scalars(hanging))
        given = Acknowledgement(kind=AckKind.TAKEN_DOWN, given_by=by, given_at=now, noted_by=by, place=printing.place)
        tasks = _unanswered(_RECALLS).where(MessageRow.recipient_id == printing.recipient_id)
        for one in _to_follow_ups(session, session.execute(tasks).all()):
            if one.state in _OUT and not any(recall.record in shown for recall in one.recalls):
                note_acknowledgement(session, one.message_id, given, now=now)
    return True


def _followed(purposes: tuple[Purpose, ...]) -> Select[MessageRow, RecipientRow, str]:
    return (
        select(MessageRow, RecipientRow, RunRow.period)
        .join(RecipientRow, RecipientRow.id == MessageRow.recipient_id)
        .outerjoin(RunRow, RunRow.id == MessageRow.run_id)
        .where(MessageRow.purpose.in_(purposes), MessageRow.state.not_in(_DROPPED))
    )


def _unanswered(purposes: tuple[Purpose, ...]) -> Select[MessageRow, RecipientRow, str]:
    ended = exists().where(
        AcknowledgementRow.message_id == MessageRow.id,
        AcknowledgementRow.kind.in_(sorted({CLOSES[purpose] for purpose in purposes})),
    )
    # Whoever is retired gets no more lists, and owes nothing for the last one; what left it is still to be taken down.
    owed = (MessageRow.purpose != Purpose.PACKAGE) | RecipientRow.active
    return _followed(purposes).where(~ended, owed)


def _to_follow_ups(session: Session, found: Sequence[Any]) -> list[FollowUp]:
    given = find_acknowledgements(session, [row.id for row, *_ in found])
    recalls = find_recalls(session, [row for row, *_ in found])
    return [
        FollowUp(
            message_id=row.id,
            purpose=Purpose(row.purpose),
            recipient=to_recipient(recipient),
            state=MessageState(row.state),
            recall=next(iter(recalls.get(row.id, ())), None),
            period=Period.parse(period) if period is not None else None,
            sent_on=row.called_on if row.state in _OUT else None,
            acknowledgements=tuple(given.get(row.id, ())),
            others=recalls.get(row.id, ())[1:],
        )
        for row, recipient, period in found
    ]


def _remind(one: FollowUp, step: int, profile: Profile, today: date) -> Draft:
    return Draft(
        key=f"reminder/{one.message_id}/{step}",
        purpose=Purpose.REMINDER,
        channel=one.recipient.channel,
        content=_compose_reminder(one, profile, today),
        recipient_id=one.recipient.id,
    )


def _compose_reminder(one: FollowUp, profile: Profile, today: date) -> Letter:
    if one.recall is None:
        label = one.period.label if one.period is not None else ""
        return Letter(
            subject=f"【请回执】{label}失信被执行人名单",
            text=f"{label}失信被执行人名单已发送，尚未收到播出或者发布的回执。请回执说明播出时段或者发布位置；"
            f"未播出、发布的，请说明原因。\n{_HOW_TO_ANSWER}{sign(profile)}",
            facts={"type": "reminder", "period": str(one.period)},
        )
    late = f"，已超过办理期限{(today - one.recall.due_on).days}天" if one.is_overdue(today) else ""
    named = "\n".join(name_entry(recall) for recall in one.recalls)
    more = f"等{len(one.recalls)}条" if one.others else ""
    facts = {"type": "reminder", "due_on": one.recall.due_on.isoformat()}
    if one.others:
        facts["records"] = ",".join(recall.record for recall in one.recalls)
    else:
        facts["record"] = one.recall.record
        facts |= {"case_number": one.recall.case_number} if one.recall.case_number else {}
    asked = "请停止使用旧内容，撤下或者更正各处已发布的内容，并回执说明办理时间和位置。"
    if one.purpose is Purpose.CLARIFICATION:
        facts["asked"] = one.purpose.value
        asked = "请在曾经播出、发布、张贴该条目的位置公布澄清公告，并回执说明公布的时间和位置；没有播出、发布过的，请回执说明。"
    return Letter(
        subject=f"【催办】{one.purpose.label}：{name_entry(one.recall)}{more}",
        text=f"下列条目的{one.purpose.label}尚未收到办理完毕的回执{late}：\n\n{named}\n\n"
        f"{asked}\n{_HOW_TO_ANSWER}{sign(profile)}",
        facts=facts,
    )


def _repeat(run_id: int, letters: Sequence[FollowUp], profile: Profile) -> Draft:
    recipient = letters[0].recipient
    lines = [f"{one.purpose.label}：{name_entry(recall)}" for one in letters for recall in one.recalls]
    text = "随本期名单重申，下列条目的办理尚未收到回执，旧内容不得再使用：\n\n" + "\n".join(lines) + "\n\n"
    return Draft(
        key=f"repeat/{run_id}/{recipient.id}",
        purpose=Purpose.REMINDER,
        channel=recipient.channel,
        content=Letter(
            subject=f"【重申】尚未回执的撤回和更正，共{len(lines)}件",
            text=text + _HOW_TO_ANSWER + sign(profile),
            facts={"type": "reminder"},
        ),
        recipient_id=recipient.id,
    )


_HOW_TO_ANSWER = "回执请用本通知所附的回执网址；没有网址的，按约定的方式或者致电本院。\n"


class _Ladders:
    """How many steps of a ladder were reached by a day; counted once for all that went out on the same one."""

    def __init__(self, today: date, workdays: Workdays) -> None:
        self._today, self._workdays = today, workdays
        self._reached: dict[tuple[date, Purpose], int] = {}

    def count(self, since: date, purpose: Purpose) -> int:
        """How many, for what went on `since`."""
        if (since, purpose) not in self._reached:
            reached = reminders_due(since, self._today, _LADDER[purpose], self._workdays)
            self._reached[since, purpose] = reached
        return self._reached[since, purpose]

    def find_last(self, since: date, purpose: Purpose) -> date | None:
        """The day of the last of them."""
        reached, day = self.count(since, purpose), since
        for _ in range(_LADDER[purpose][reached - 1] if reached else 0):
            day = self._workdays.first_workday_after(day)
        return day if reached else None


def _find_overdue_steps(waiting: Sequence[FollowUp], today: date, ladders: _Ladders) -> Mapping[int, date]:
    """The recipients (by number) whose liaisons are to be told, and the day on which the latest step of what is overdue
    was reached: with it, each step is told once, however many letters wait."""
    steps: dict[int, date] = {}
    for one in waiting:
        day = _find_overdue_step(one, today, ladders)
        if day is not None:
            steps[one.recipient.id] = max(day, steps.get(one.recipient.id, day))
    return steps


def _find_overdue_step(one: FollowUp, today: date, ladders: _Ladders) -> date | None:
    since = one.sent_on or one.due_on
    if since is None or (one.due_on is not None and not one.is_overdue(today)):
        return None
    last = ladders.find_last(since, one.purpose)
    if one.due_on is None:
        # A package is overdue when its ladder has ended.
        return last if ladders.count(since, one.purpose) == len(_LADDER[one.purpose]) else None
    return max(one.due_on + timedelta(days=1), last or since)


def _alert(row: RecipientRow, step: date, profile: Profile) -> Draft | None:
    """What a liaison is told: that answers are overdue, never of what. None where there is no way to tell anyone."""
    content: Content | None = _fill_alert(row.liaison_phone, profile) if row.liaison_phone else None
    if content is not None and row.liaison_phone:
        channel, address = channel_for(row.liaison_phone), row.liaison_phone
    elif row.liaison_mail:
        channel, address, content = MAIL, row.liaison_mail, _compose_alert(profile)
    else:
        return None
    return Draft(
        key=f"alert/{row.id}/{step.isoformat()}",
        purpose=Purpose.REMINDER,
        channel=channel,
        content=content,
        recipient_id=row.id,
        address=address,
        # A person's own telephone or mailbox: within the hours of sending.
        citizen=True,
    )


def _fill_alert(number: str, profile: Profile) -> Content | None:
    values = {"court": profile.court, "phone": profile.telephone}
    try:
        template = get_newest(_OVERDUE_TEMPLATE)
        return fill(template, values, signature=profile.signature, links=links_allowed(number))
    except (FieldError, ValueError):
        # The court's profile is not complete: the desk shows what is overdue all the same.
        return None


def _compose_alert(profile: Profile) -> Letter:
    return Letter(
        subject="【催办】失信被执行人名单的回执逾期未报",
        text=f"贵单位有失信被执行人名单的撤回、更正或者播出、发布回执逾期未报，请尽快办理并回执。\n{sign(profile)}",
        facts={"type": "overdue"},
    )
