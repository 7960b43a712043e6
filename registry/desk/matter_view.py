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
from registry.grounds import GROUND_LABEL
from registry.letters import KINDS, list_letters
from registry.letters.kinds import STATE_LABEL as LETTER_STATE_LABEL
from registry.lifecycle import STATE_LABEL as RECORD_STATE_LABEL
from registry.matters.book import find_recused, say_who_may_decide
from registry.matters.checking import NEEDS_BASIS, NEEDS_DAY, NEEDS_WORDS
from registry.matters.content import Note, read_content, read_notes
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
from registry.record import State
from registry.tables import MatterRow, RecordRow, UnitRow
from search_index.day import day_of

# Deciding takes a reviewer; registering what happened takes whoever works on the matter.
DECIDED_BY_REVIEWER = frozenset({Step.UPHOLD, Step.REJECT, Step.GIVE_VIEW})
# Done by forms of their own.
_ELSEWHERE = frozenset({Step.CARRY_OUT})
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
    needs_basis: bool
    remedy: bool
    unit: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordBrief:
    """What a matter's page shows of the entry it is about."""

    id: int
    name: str
    number: str | None
    case_number: str
    state: str
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


def show_matter(desk: Desk, matter_id: int, problem: str | None = None, only: str | None = None) -> str:
    """The page of a matter; that it was read is written down. `only`: show just this form, which was refused, again."""
    with desk.court.session() as session:
        row = session.get(MatterRow, matter_id)
        if row is None:
            abort(404)
        values = _read_values(session, desk, row)
        note_read(session, "matter", record=row.record_id, matter=row.id)
    return show("matter", problem, only=only, **values)


def _read_values(session: Session, desk: Desk, row: MatterRow) -> dict[str, Any]:
    vault, kind = desk.court.vault, MatterKind(row.kind)
    record = session.get(RecordRow, row.record_id) if row.record_id is not None else None
    unit = session.get(UnitRow, row.unit_id) if row.unit_id is not None else None
    acting, is_objection = desk.acting, kind is MatterKind.OBJECTION
    state = row.state
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
        "history": _history(row, read_notes(row, vault)),
        "record": _record_brief(record),
        "unit": unit.name if unit is not None else None,
        "units": _list_units(session) if kind is MatterKind.COMPLAINT else (),
        "papers": list_papers(session, vault, matter=row.id),
        "letters": _letters(session, row),
        "clocks": list_clocks(session, acting.clockwork, ended=None, matter=row.id),
        "no_clock": NO_CLOCK.get((kind, MatterState(state))) if state in set(MatterState) else None,
        "now": desk.now,
        "steps": _list_forms(kind, state),
        "is_recused": is_objection and row.closed_at is None and find_recused(session, row, current().name),
        "who_may": say_who_may_decide(session, row) if is_objection and row.closed_at is None else "",
        "remedies": [(one.value, label) for one, label in REMEDY_LABEL.items()],
        "remedy": Remedy(row.outcome) if row.outcome in set(Remedy) else None,
        "waits_for_act": state in (MatterState.UPHELD, MatterState.UPHELD_ABOVE),
        "is_open": row.closed_at is None,
        "can_link": state == MatterState.RECEIVED or (row.record_id is None and row.closed_at is None),
        "grounds": [(key, text) for key, text in (*WITHDRAWAL_GROUNDS.items(), *REMOVAL_GROUNDS.items())],
        "withdrawals": list(WITHDRAWAL_GROUNDS.items()),
        "removals": list(REMOVAL_GROUNDS.items()),
        "paper_labels": [(one.value, label) for one, label in PAPER_LABEL.items()],
        "decided_on": day_of(row.decided_at) if row.decided_at is not None else desk.today,
    }


def _matter_brief(row: MatterRow) -> MatterBrief:
    return MatterBrief(**{field.name: getattr(row, field.name) for field in fields(MatterBrief)})


def _name_claim(row: MatterRow) -> str | None:
    if row.kind == MatterKind.OBJECTION.value and row.ground in set(Claim):
        return CLAIM_LABEL[Claim(row.ground)]
    return GROUND_LABEL.get(row.ground or "", row.ground)


def _list_forms(kind: MatterKind, state: str) -> list[StepForm]:
    """The steps that may be taken now by whoever is signed in."""
    if state not in set(MatterState) or not current().may(Access.WORK):
        return []
    forms = []
    for step in list_steps(kind, MatterState(state)):
        decides = step in DECIDED_BY_REVIEWER
        if step in _ELSEWHERE or (decides and not current().may(Access.DECIDE)):
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
        needs_words=step in NEEDS_WORDS,
        basis=step in NEEDS_BASIS or step in (Step.REJECT, Step.SERVE, Step.ALLOW, Step.REFUSE, Step.CONFIRM_ABOVE),
        needs_basis=step in NEEDS_BASIS,
        remedy=step in NEEDS_BASIS,
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
        has_departed=State(record.state).has_departed,
    )


def _history(row: MatterRow, notes: Sequence[Note]) -> list[HistoryLine]:
    first = HistoryLine(label="登记", at=row.registered_at, by=row.registered_by, on=row.received_on, words="")
    lines = [
        HistoryLine(label=_note_label(note.step), at=note.at, by=note.by, on=note.on, words=note.words)
        for note in notes
    ]
    return [first, *lines]


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
