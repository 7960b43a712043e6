"""The letter book (发文登记): letters drafted, agreed to, delivered and answered, each under its own number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from registry import audit, journal
from registry.acting import Acting
from registry.letters.deciding import (
    refuse_ended,
    refuse_never_listed,
    refuse_recused,
    refuse_unfit_addressee,
    refuse_unfit_matter,
)
from registry.letters.facts import refuse_unfit_record, take_facts
from registry.letters.kinds import (
    KINDS,
    NOTICES,
    STATE_LABEL,
    Letter,
    LetterKind,
    LetterRefused,
    LetterState,
    Outcome,
    check_content,
    letter_number,
)
from registry.letters.numbers import draw_serial
from registry.letters.wording import ANSWER_DAYS
from registry.record import State
from registry.records import read_record
from registry.tables import LetterRow, MatterRow, RecordRow
from registry.vault import Vault
from search_index.day import day_of
from search_index.submission import certificate_key, draw_verify, find_verify

_CERTIFICATE = "certificate"
# Whose listing nobody may be told of any more; what is held has ended for whoever was told of it (四（二）4 屏蔽).
_ENDED = tuple(state.value for state in State if state.has_departed or state is State.HELD)


class LetterNotFound(Exception):
    """There is no such letter. The message is for the person who asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterLine:
    """A letter as a list shows it: nothing of what is sealed."""

    id: int
    kind: LetterKind
    state: LetterState
    number: str
    record_id: int | None
    matter_id: int | None
    drafted_at: datetime
    drafted_by: str
    confirmed_at: datetime | None
    delivered_on: date | None
    answered_on: date | None
    outcome: Outcome | None

    @property
    def answer_due(self) -> date | None:
        """The last day of the time the court asked for; None where no answer is waited for."""
        if not KINDS[self.kind].answered or self.delivered_on is None or self.state is not LetterState.DELIVERED:
            return None
        return self.delivered_on + timedelta(days=ANSWER_DAYS)


# Writing ---------------------------------------------------------------------------------------------------------


def draft_letter(
    session: Session,
    vault: Vault,
    *,
    kind: LetterKind | str,
    content: Mapping[str, str],
    acting: Acting,
    record: RecordRow | None = None,
    matter: MatterRow | None = None,
) -> LetterRow:
    """Write a letter and give it its number. A kind that needs a second person waits for confirm_letter.

    What the record says at this moment is kept with the letter. Raises LetterRefused.
    """
    kind = LetterKind(kind)
    filled = check_content(kind, content)
    _refuse_later(filled, acting.today)
    refuse_unfit_matter(vault, kind, filled, record, matter)
    refuse_unfit_addressee(session, kind, filled, record)
    facts = _take_facts(vault, kind, record, filled, acting.today)
    refuse_never_listed(session, kind, record)
    rule, year = KINDS[kind], acting.today.year
    serial = draw_serial(session, year, rule.series)
    ready = not rule.two
    row = LetterRow(
        kind=kind.value,
        year=year,
        series=rule.series,
        serial=serial,
        record_id=record.id if record else None,
        matter_id=matter.id if matter else None,
        state=(LetterState.CONFIRMED if ready else LetterState.DRAFTED).value,
        sealed=vault.seal({"content": filled, "facts": facts}, _context(year, rule.series, serial)),
        verify=_draw_verify(vault, year, serial, acting) if kind is LetterKind.CERTIFICATE else None,
        drafted_at=acting.now,
        drafted_by=acting.actor,
        confirmed_at=acting.now if ready else None,
    )
    session.add(row)
    session.flush()
    _note(session, row, acting, "letter_draft", kind=kind.value, article=rule.article)
    if row.verify is not None:
        body = {"issued_on": acting.today.isoformat()}
        journal.append_subject(session, acting.now, _CERTIFICATE, certificate_key(row.verify), body)
    return row


def confirm_letter(session: Session, vault: Vault, row: LetterRow, acting: Acting) -> None:
    """A second person agrees to a letter, and from then on it may be printed. Raises LetterRefused."""
    _refuse_state(row, "核发", LetterState.DRAFTED)
    if row.drafted_by == acting.actor:
        raise LetterRefused(f"须由另一人核发：“{acting.actor}”正是拟稿人（法释〔2017〕7号第十三条，双人审核）")
    kind = LetterKind(row.kind)
    if row.record_id is not None:
        session.get(RecordRow, row.record_id, with_for_update=True)
    refuse_recused(session, kind, session.get(MatterRow, row.matter_id) if row.matter_id else None, acting.actor)
    _refuse_outdated(session, vault, row, acting.today)
    row.state = LetterState.CONFIRMED.value
    row.confirmed_at, row.confirmed_by = acting.now, acting.actor
    _note(session, row, acting, "letter_confirm", article=KINDS[kind].article)


def refuse_to_print(session: Session, vault: Vault, row: LetterRow, today: date) -> None:
    """Raises LetterRefused where a letter that has been agreed to and not gone out yet does not hold any more: the record was
    corrected, hidden or has ended, or the objection was decided otherwise."""
    if KINDS[LetterKind(row.kind)].two and row.state == LetterState.CONFIRMED.value:
        _refuse_outdated(session, vault, row, today)


def _refuse_outdated(session: Session, vault: Vault, row: LetterRow, today: date) -> None:
    record = session.get(RecordRow, row.record_id) if row.record_id else None
    matter = session.get(MatterRow, row.matter_id) if row.matter_id else None
    sealed, kind = vault.open(row.sealed, _context_of(row)), LetterKind(row.kind)
    refuse_unfit_matter(vault, kind, sealed["content"], record, matter)
    refuse_unfit_addressee(session, kind, sealed["content"], record)
    if _take_facts(vault, kind, record, sealed["content"], today) != sealed["facts"]:
        raise LetterRefused("拟稿以后记录已经更正，函中的内容不再准确：请作废后重新拟稿")


def void_letter(session: Session, row: LetterRow, reason: str, acting: Acting) -> None:
    """Make a letter void, with its reason; its number stays its own. Raises LetterRefused."""
    _refuse_state(row, "作废", LetterState.DRAFTED, LetterState.CONFIRMED)
    reason = reason.strip()
    if not reason or len(reason) > 60 or any(c.isdigit() for c in reason):
        raise LetterRefused("请用六十字以内写明作废的理由，不写姓名和号码")
    row.state = LetterState.VOID.value
    if row.verify is not None:
        journal.append_subject(session, acting.now, _CERTIFICATE, certificate_key(row.verify), None)
    _note(session, row, acting, "letter_void", reason=reason)


def note_delivery(session: Session, row: LetterRow, *, delivered_on: date, acting: Acting) -> None:
    """That a letter reached its addressee, on the day of the receipt. Raises LetterRefused."""
    _refuse_state(row, "登记送达", LetterState.CONFIRMED)
    if delivered_on > acting.today:
        raise LetterRefused("送达日期不能晚于今天")
    if row.confirmed_at is None or delivered_on < day_of(row.confirmed_at):
        raise LetterRefused("送达日期不能早于核发的日期")
    refuse_ended(session, row, delivered_on)
    row.state, row.delivered_on = LetterState.DELIVERED.value, delivered_on
    _note(session, row, acting, "letter_deliver", delivered_on=delivered_on.isoformat())


def note_answer(
    session: Session,
    vault: Vault,
    row: LetterRow,
    *,
    answered_on: date,
    outcome: Outcome,
    acting: Acting,
    words: str = "",
) -> None:
    """What the addressee answered; again where it answers again. `words` are sealed. Raises LetterRefused."""
    if not KINDS[LetterKind(row.kind)].answered:
        raise LetterRefused("这类文书没有回执")
    _refuse_state(row, "登记回执", LetterState.DELIVERED, LetterState.ANSWERED)
    if answered_on > acting.today:
        raise LetterRefused("回复日期不能晚于今天")
    if row.delivered_on is None or answered_on < row.delivered_on:
        raise LetterRefused("回复日期不能早于送达日期")
    if len(words) > 2000:
        raise LetterRefused("回复的内容不能超过2000个字")
    sealed = vault.open(row.sealed, _context_of(row))
    if words.strip():
        sealed["answer"] = words.strip()
    row.sealed = vault.seal(sealed, _context_of(row))
    row.state, row.answered_on, row.outcome = LetterState.ANSWERED.value, answered_on, outcome.value
    _note(session, row, acting, "letter_answer", outcome=outcome.value, answered_on=answered_on.isoformat())


# Reading ---------------------------------------------------------------------------------------------------------


def get_letter(session: Session, letter_id: int, *, lock: bool = False) -> LetterRow:
    """Raises LetterNotFound."""
    row = session.get(LetterRow, letter_id, with_for_update=lock or None)
    if row is None:
        raise LetterNotFound("没有这份文书")
    return row


def read_letter(row: LetterRow, vault: Vault) -> Letter:
    """A letter with what is sealed of it. Whoever shows it notes the reading."""
    sealed = vault.open(row.sealed, _context_of(row))
    return Letter(
        id=row.id,
        kind=LetterKind(row.kind),
        state=LetterState(row.state),
        number=letter_number(row.year, row.series, row.serial),
        content=sealed["content"],
        facts=sealed["facts"],
        verify=row.verify,
        drafted_at=row.drafted_at,
        drafted_by=row.drafted_by,
        confirmed_at=row.confirmed_at,
        confirmed_by=row.confirmed_by,
        delivered_on=row.delivered_on,
        answered_on=row.answered_on,
        outcome=Outcome(row.outcome) if row.outcome else None,
        answer=sealed.get("answer"),
    )


def list_letters(
    session: Session,
    *,
    state: LetterState | None = None,
    record: int | None = None,
    matter: int | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[LetterLine]:
    """Letters, the newest first; `before`: only those older than this one."""
    which: list[ColumnElement[bool]] = []
    for column, value in ((LetterRow.state, state and state.value), (LetterRow.record_id, record)):
        if value is not None:
            which.append(column == value)
    if matter is not None:
        which.append(LetterRow.matter_id == matter)
    if before is not None:
        which.append(LetterRow.id < before)
    return _list(session, which, limit)


def list_overdue(session: Session, today: date, limit: int = 200) -> list[LetterLine]:
    """Delivered letters whose acknowledgement the court asked for and has not received in time, the oldest first."""
    answered = [kind.value for kind, rule in KINDS.items() if rule.answered]
    latest = today - timedelta(days=ANSWER_DAYS + 1)
    late = (
        LetterRow.state == LetterState.DELIVERED.value,
        LetterRow.kind.in_(answered),
        LetterRow.delivered_on <= latest,
    )
    query = select(LetterRow).where(*late).order_by(LetterRow.delivered_on, LetterRow.id).limit(limit)
    return [_to_line(row) for row in session.scalars(query)]


def list_to_recall(session: Session, vault: Vault, *, record: int | None = None, limit: int = 200) -> list[LetterLine]:
    """Notices that were given out of records that were hidden or have ended since, and that have not been taken back:
    whoever was told of a listing is told of its end (B22, 个人信息保护法 art. 46–47). The oldest come first."""
    gone = select(RecordRow.id).where(RecordRow.state.in_(_ENDED))
    ended: list[ColumnElement[bool]] = [LetterRow.record_id.in_(gone)]
    if record is not None:
        ended.append(LetterRow.record_id == record)
    given = [LetterState.CONFIRMED.value, LetterState.DELIVERED.value, LetterState.ANSWERED.value]
    kinds, recall = [kind.value for kind in NOTICES], LetterKind.NOTICE_RECALL.value
    # Each recall takes back one notice: where there are as many, nothing is left to look into.
    other = aliased(LetterRow)
    of_record = select(func.count()).where(other.record_id == LetterRow.record_id)
    notices_of = of_record.where(other.kind.in_(kinds)).scalar_subquery()
    recalls_of = of_record.where(other.kind == recall, other.state != LetterState.VOID.value).scalar_subquery()
    open_ones = (*ended, LetterRow.kind.in_(kinds), LetterRow.state.in_(given), notices_of > recalls_of)
    notices = [_to_line(row) for row in session.scalars(select(LetterRow).where(*open_ones).order_by(LetterRow.id))]
    recalls = select(LetterRow).where(
        LetterRow.record_id.in_({line.record_id for line in notices}),
        LetterRow.kind == recall,
        LetterRow.state != LetterState.VOID.value,
    )
    recalled = {read_letter(row, vault).content["notice"] for row in session.scalars(recalls)}
    return [line for line in notices if line.number not in recalled][:limit]


def recall_notice(session: Session, vault: Vault, row: LetterRow, acting: Acting) -> LetterRow:
    """Write to the addressee of a notice that what it told is not to be used any more. Raises LetterRefused."""
    record = session.get(RecordRow, row.record_id, with_for_update=True) if row.record_id else None
    if LetterKind(row.kind) not in NOTICES or record is None:
        raise LetterRefused("只有通报可以撤回")
    if row.id not in {line.id for line in list_to_recall(session, vault, record=record.id)}:
        raise LetterRefused("该通报不需要撤回：记录没有屏蔽或者退出，通报没有发出，或者已经函告撤回")
    notice = read_letter(row, vault)
    content = {"addressee": notice.content["addressee"], "notice": notice.number}
    return draft_letter(session, vault, kind=LetterKind.NOTICE_RECALL, content=content, acting=acting, record=record)


def check_certificate(session: Session, verify: str) -> bool:
    """Whether a certificate of departure with this number is valid. It says nothing else."""
    number = find_verify(verify)
    if number is None:
        return False
    valid = (LetterRow.verify == number, LetterRow.state != LetterState.VOID.value)
    return session.scalar(select(LetterRow.id).where(*valid)) is not None


def _list(session: Session, which: Sequence[ColumnElement[bool]], limit: int) -> list[LetterLine]:
    query = select(LetterRow).where(*which).order_by(LetterRow.id.desc()).limit(limit)
    return [_to_line(row) for row in session.scalars(query)]


def _to_line(row: LetterRow) -> LetterLine:
    return LetterLine(
        id=row.id,
        kind=LetterKind(row.kind),
        state=LetterState(row.state),
        number=letter_number(row.year, row.series, row.serial),
        record_id=row.record_id,
        matter_id=row.matter_id,
        drafted_at=row.drafted_at,
        drafted_by=row.drafted_by,
        confirmed_at=row.confirmed_at,
        delivered_on=row.delivered_on,
        answered_on=row.answered_on,
        outcome=Outcome(row.outcome) if row.outcome else None,
    )


# What the rest is made of ----------------------------------------------------------------------------------------


def _take_facts(
    vault: Vault, kind: LetterKind, record: RecordRow | None, content: Mapping[str, str], today: date
) -> dict[str, str]:
    if record is None:
        if KINDS[kind].about_record:
            raise LetterRefused(f"{KINDS[kind].label}须就一条记录办理")
        return {}
    opened = read_record(record, vault)
    refuse_unfit_record(kind, opened, content.get("relation"), today)
    return take_facts(kind, opened, record.departed_on, record.departed_ground)


def _refuse_later(content: Mapping[str, str], today: date) -> None:
    if "received_on" in content and date.fromisoformat(content["received_on"]) > today:
        raise LetterRefused("收到申请的日期不能晚于今天")


def _refuse_state(row: LetterRow, what: str, *states: LetterState) -> None:
    if LetterState(row.state) not in states:
        raise LetterRefused(f"这份文书{STATE_LABEL[LetterState(row.state)]}，不能{what}")


def _draw_verify(vault: Vault, year: int, serial: int, acting: Acting) -> str:
    """A number that nobody can guess without the key, and that no other certificate has."""
    return draw_verify(Random(vault.digest(f"certificate {year} {serial} {acting.now.isoformat()}")))  # noqa: S311 - seeded by the key


def _context(year: int, series: str, serial: int) -> str:
    return f"letter {year} {series} {serial}"


def _context_of(row: LetterRow) -> str:
    return _context(row.year, row.series, row.serial)


def _note(session: Session, row: LetterRow, acting: Acting, action: str, **detail: Any) -> None:
    """One audit line: the number of the letter, and nothing that is sealed."""
    number = letter_number(row.year, row.series, row.serial)
    detail = {"letter": row.id, "number": number, **detail}
    audit.note(session, acting.now, acting.actor, action, record=row.record_id, detail=detail)
