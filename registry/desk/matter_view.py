"""One matter as it is shown: what was brought, by whom, what has been done, what is due, and what may be done now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

from flask import abort
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.clockbook import list_clocks
from registry.departing import REMOVAL_GROUNDS, WITHDRAWAL_GROUNDS
from registry.desk.access import Access
from registry.desk.base import Desk, current, note_read, show
from registry.desk.seeing import refuse_outsiders
from registry.grounds import GROUND_LABEL
from registry.intake import LABELS
from registry.letters import KINDS, list_letters
from registry.letters.kinds import STATE_LABEL as LETTER_STATE_LABEL
from registry.lifecycle import STATE_LABEL as RECORD_STATE_LABEL
from registry.matters.book import find_recused, say_who_may_decide
from registry.matters.carrying import find_found_on
from registry.matters.checking import DECIDES_OBJECTION, FINDS_RIGHT, NEEDS_BASIS, NEEDS_DAY, NEEDS_WORDS, may_still_ask
from registry.matters.content import Note, is_decided_above, read_content, read_faults, read_notes
from registry.matters.corrections import find_uncorrected, list_correctable
from registry.matters.states import (
    CHANNEL_LABEL,
    CLAIM_LABEL,
    FIRST_ARTICLE,
    GROUND_STATE_LABEL,
    KIND_LABEL,
    NO_CLOCK,
    OUTCOME_LABEL,
    REMEDY_LABEL,
    STATE_LABEL,
    STEP_LABEL,
    Channel,
    Claim,
    MatterKind,
    MatterState,
    Remedy,
    Step,
    find_move,
    list_steps,
)
from registry.papers import PAPER_LABEL, list_papers
from registry.record import Disclosure, Kind, State
from registry.records import read_facts
from registry.tables import AuditRow, MatterRow, RecordRow, UnitRow
from registry.vault import Vault

# Deciding takes a reviewer; registering what happened takes whoever works on the matter.
DECIDED_BY_REVIEWER = frozenset({Step.UPHOLD, Step.REJECT, Step.AMEND, Step.GIVE_VIEW})
# Done by forms of their own.
_ELSEWHERE = frozenset({Step.CARRY_OUT})
_TAKES_BASIS = frozenset({Step.REJECT, Step.SERVE, Step.ALLOW, Step.REFUSE, Step.CONFIRM_ABOVE, Step.TELL})
_BASIS_HINT: dict[Step, str] = {
    Step.SERVE: "日期早于今天而没有收下送达回证的，写明送达回证的名称和日期；不写姓名和号码",
    Step.CONFIRM_ABOVE: "复议决定书的文号；日期早于今天的必须填写",
    Step.DROP: "撤回申请书、笔录或者电话记录的名称和日期；不写姓名和号码",
    Step.TELL: "日期早于今天的，写明证明这一天的材料，例如告知笔录和日期；不写姓名和号码",
}
_GIVES_REASONS = (Step.UPHOLD.value, Step.REJECT.value)
_WORDS_OF: dict[Step, str] = {
    **NEEDS_WORDS,
    Step.SUPPLEMENT: "补充了什么",
    Step.TELL: "怎样告知",
    Step.DROP: "怎样撤回",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MatterBrief:
    """What a matter's page shows of its row."""

    id: int
    receipt: str | None
    ground: str | None
    received_on: date
    arose_on: date | None
    known_on: date | None
    basis: str | None
    decided_at: datetime | None
    decided_by: str | None
    served_on: date | None
    closed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepForm:
    """A step that may be taken now, and what is asked for it: labels of its fields, None where it has none."""

    step: Step
    label: str
    article: str
    decides: bool
    day: str | None
    words: str | None
    needs_words: bool
    basis: bool
    basis_hint: str
    needs_basis: bool
    remedy: bool
    unit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FaultBrief:
    """A field that is to be corrected, and whether it says something else by now; None where that is no longer asked."""

    label: str
    is_corrected: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBrief:
    """What a matter's page shows of the entry it is about."""

    id: int
    name: str
    number: str | None
    case_number: str
    state: str
    is_draft: bool
    has_departed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterBrief:
    """What a matter's page shows of a letter in it."""

    id: int
    label: str
    number: str
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLine:
    """What was done, when it was put in and by whom, and the day it truly happened."""

    label: str
    at: datetime
    by: str
    on: date | None
    words: str
    basis: str = ""


def show_matter(desk: Desk, matter_id: int, problem: str | None = None, only: str | None = None) -> str:
    """The page of a matter; that it was read is written down. `only`: show just this form, which was refused, again."""
    with desk.court.session() as session:
        row = session.get(MatterRow, matter_id)
        if row is None:
            abort(404)
        if row.kind == MatterKind.GROUND.value:
            refuse_outsiders(session, desk.court.vault, row.record_id)
        values = _read_values(session, desk, row)
        note_read(session, "matter", record=row.record_id, matter=row.id)
    return show("matter", problem, only=only, **values)


def _read_values(session: Session, desk: Desk, row: MatterRow) -> dict[str, Any]:
    vault, kind = desk.court.vault, MatterKind(row.kind)
    record = session.get(RecordRow, row.record_id) if row.record_id is not None else None
    unit = session.get(UnitRow, row.unit_id) if row.unit_id is not None else None
    acting, is_objection = desk.acting, kind is MatterKind.OBJECTION
    state, is_open = row.state, row.closed_at is None
    notes = read_notes(row, vault)
    return {
        "matter": _matter_brief(row),
        "kind": kind,
        "kind_label": KIND_LABEL[kind],
        "state_label": STATE_LABEL[MatterState(state)]
        if state in set(MatterState)
        else GROUND_STATE_LABEL.get(state, state),
        "claim_label": _name_claim(row),
        "channel_label": CHANNEL_LABEL[Channel(row.channel)] if row.channel in set(Channel) else "本院登记",
        "outcome_label": OUTCOME_LABEL.get(row.outcome or "", row.outcome),
        "article": FIRST_ARTICLE.get(kind, ""),
        "content": read_content(row, vault),
        "history": [*_history(row, notes), *_end(session, row)],
        "reasons": next((note.words for note in reversed(notes) if note.step in _GIVES_REASONS), ""),
        "is_decided_above": is_decided_above(notes),
        "faults": _list_faults(row, record, vault),
        "record": _record_brief(record),
        "unit": unit.name if unit is not None else None,
        "units": _list_units(session) if kind is MatterKind.COMPLAINT else (),
        "papers": list_papers(session, vault, matter=row.id),
        "letters": _letters(session, row),
        "clocks": list_clocks(session, acting.clockwork, ended=None, matter=row.id),
        "no_clock": NO_CLOCK.get((kind, MatterState(state))) if state in set(MatterState) else None,
        "now": desk.now,
        "steps": _list_forms(kind, row, record) if is_open or may_still_ask(session, row) else [],
        "is_recused": is_objection and is_open and find_recused(session, row, current().name),
        "who_may": say_who_may_decide(session, row) if is_objection and is_open else "",
        "correctable": _list_correctable(record),
        "remedies": [(one.value, label) for one, label in REMEDY_LABEL.items()],
        "remedy": Remedy(row.outcome) if row.outcome in set(Remedy) else None,
        "waits_for_act": state in (MatterState.UPHELD, MatterState.UPHELD_ABOVE),
        "is_open": is_open,
        "can_link": state == MatterState.RECEIVED or (row.record_id is None and is_open),
        "grounds": [(key, text) for key, text in (*WITHDRAWAL_GROUNDS.items(), *REMOVAL_GROUNDS.items())],
        "withdrawals": list(WITHDRAWAL_GROUNDS.items()),
        "removals": list(REMOVAL_GROUNDS.items()),
        "paper_labels": [(one.value, label) for one, label in PAPER_LABEL.items()],
        "found_on": find_found_on(session, row) or desk.today,
    }


def _matter_brief(row: MatterRow) -> MatterBrief:
    return MatterBrief(**{field.name: getattr(row, field.name) for field in fields(MatterBrief)})


def _name_claim(row: MatterRow) -> str | None:
    if row.kind == MatterKind.OBJECTION.value and row.ground in set(Claim):
        return CLAIM_LABEL[Claim(row.ground)]
    return GROUND_LABEL.get(row.ground or "", row.ground)


def _list_correctable(record: RecordRow | None) -> list[tuple[str, str]]:
    """The fields of an entry that may be named as those to be corrected, with their labels."""
    if record is None or State(record.state).has_departed:
        return []
    disclosure = Disclosure(record.facts.get("disclosure") or Disclosure.PUBLIC)
    return [(key, LABELS[key]) for key in list_correctable(Kind(record.facts["kind"]), disclosure)]


def _list_faults(row: MatterRow, record: RecordRow | None, vault: Vault) -> list[FaultBrief]:
    """The fields that are to be corrected, and how far that is done."""
    faults = read_faults(row, vault)
    if not faults or record is None:
        return []
    is_asked = row.closed_at is None
    left = find_uncorrected(faults, read_facts(record, vault, record.identity)) if is_asked else ()
    return [
        FaultBrief(label=LABELS[field], is_corrected=field not in left if is_asked else None)
        for field in LABELS
        if field in faults
    ]


def _list_forms(kind: MatterKind, row: MatterRow, record: RecordRow | None) -> list[StepForm]:
    """The steps that may be taken now by whoever is signed in."""
    state = row.state
    if state not in set(MatterState) or not current().may(Access.WORK):
        return []
    forms = []
    for step in list_steps(kind, MatterState(state)):
        decides = step in DECIDED_BY_REVIEWER
        if step in _ELSEWHERE or (decides and not current().may(Access.DECIDE)):
            continue
        is_foreign = record is not None and record.source is not None
        if (step is Step.REFER) != is_foreign and (step is Step.REFER or step in DECIDES_OBJECTION):
            continue
        if step is Step.AMEND and row.outcome != Remedy.CORRECT.value:
            continue
        forms.append(_form(kind, MatterState(state), step, decides))
    return forms


def _form(kind: MatterKind, state: MatterState, step: Step, decides: bool) -> StepForm:
    return StepForm(
        step=step,
        label=_label(step, state),
        article=find_move(kind, state, step).article,
        decides=decides,
        day=NEEDS_DAY.get(step),
        words=_WORDS_OF.get(step),
        basis_hint=_BASIS_HINT.get(step, "不写姓名和号码"),
        needs_words=step in NEEDS_WORDS,
        basis=step in NEEDS_BASIS or step in _TAKES_BASIS,
        needs_basis=step in NEEDS_BASIS,
        remedy=step in FINDS_RIGHT,
        unit=step is Step.ROUTE,
    )


def _label(step: Step, state: MatterState) -> str:
    if step is Step.ROUTE and state is not MatterState.RECEIVED:
        return "改转或者退回有关单位"
    return STEP_LABEL[step]


def _record_brief(record: RecordRow | None) -> RecordBrief | None:
    if record is None:
        return None
    return RecordBrief(
        id=record.id,
        name=str(record.facts.get("name", "")),
        number=record.number,
        case_number=str(record.facts.get("case_number", "")),
        state=RECORD_STATE_LABEL[State(record.state)],
        is_draft=State(record.state) is State.DRAFT,
        has_departed=State(record.state).has_departed,
    )


def _history(row: MatterRow, notes: Sequence[Note]) -> list[HistoryLine]:
    first = HistoryLine(label="登记", at=row.registered_at, by=row.registered_by, on=row.received_on, words="")
    lines = [
        HistoryLine(
            label=_note_label(note.step), at=note.at, by=note.by, on=note.on, words=note.words, basis=note.basis
        )
        for note in notes
    ]
    return [first, *lines]


def _end(session: Session, row: MatterRow) -> list[HistoryLine]:
    """That what was found right has been carried out, and by whom; it is done on the page of the entry."""
    if row.closed_at is None or row.kind != MatterKind.OBJECTION.value or row.outcome not in set(Remedy):
        return []
    action = f"{row.kind}_{Step.CARRY_OUT.value}"
    query = select(AuditRow).where(AuditRow.record_id == row.record_id, AuditRow.action == action)
    lines = [line for line in session.scalars(query.order_by(AuditRow.id)) if line.detail.get("matter") == row.id]
    return [
        HistoryLine(label=STEP_LABEL[Step.CARRY_OUT], at=line.at, by=line.actor, on=None, words="") for line in lines
    ]


def _note_label(step: str) -> str:
    return STEP_LABEL[Step(step)] if step in set(Step) else "附件"


def _letters(session: Session, row: MatterRow) -> list[LetterBrief]:
    return [
        LetterBrief(id=one.id, label=KINDS[one.kind].label, number=one.number, state=LETTER_STATE_LABEL[one.state])
        for one in list_letters(session, matter=row.id)
    ]


def _list_units(session: Session) -> list[tuple[str, str]]:
    query = select(UnitRow).where(UnitRow.active).order_by(UnitRow.name)
    return [
        (str(unit.id), f"{unit.name}（{unit.department}）" if unit.department else unit.name)
        for unit in session.scalars(query)
    ]
