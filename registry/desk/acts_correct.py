"""Correcting a record: every field that may be corrected with what it says, and the redactions of the new texts.

A draft is completed by any clerk; what is approved or public is corrected by a reviewer, who goes through art. 3 and through
the proposed redactions of the new version on the same page (法释〔2017〕7号 art. 9 ¶2, art. 11).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.approving import note_opened
from registry.checklists import QUESTIONS, Unanswered, is_asked, is_clear, read_answers
from registry.correcting import CorrectionRefused, Corrector
from registry.desk.access import Access
from registry.desk.acts_forms import desk_words
from registry.desk.base import REFUSALS, Desk, acts, after, current, note_read, reads, show
from registry.desk.forms import Refused
from registry.facts_json import facts_to_json
from registry.findings import Excerpt, build_excerpts
from registry.intake import LABELS
from registry.lifecycle import Action, allowed
from registry.matching import FIXED_FIELDS
from registry.record import Conduct, Facts, Gender, Performance, Record, State
from registry.records import read_record
from search_index.journal import EntryChange

_DATES = frozenset({"birth_date", "filed_on", "decided_on", "served_on", "term_ends_on"})
_TEXTS = frozenset({"obligation", "performed_part", "unperformed_part", "note"})
_CHOICES: Mapping[str, Sequence[tuple[str, str]]] = {
    "gender": tuple((one.value, one.value) for one in Gender),
    "performance": tuple((one.value, one.value) for one in Performance),
}
# Restricting has an act of its own; making public again is a correction of that.
_ELSEWHERE = frozenset({"disclosure", "restricted_ground"})
_LONGEST = 20_000
_REFUSED: tuple[type[Exception], ...] = (*REFUSALS, Unanswered)


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectField:
    """A field that may be corrected: its key, label, kind of input, and what it says now."""

    key: str
    label: str
    kind: str
    value: str
    options: Sequence[tuple[str, str]] = ()


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET and POST /records/<id>/correct."""

    @reads(pages, "/records/<int:record_id>/correct", Access.WORK)
    def act_correct(record_id: int) -> str:
        return _show_form(desk, record_id)

    @acts(pages, "/records/<int:record_id>/correct", Access.WORK)
    def do_correct(record_id: int) -> ResponseValue:
        try:
            _carry_out(desk, record_id)
        except CorrectionRefused as refused:
            proposed = refused.proposed
            words = "请核对下面列出的遮盖建议，勾选后再提交一次" if proposed else desk_words(str(refused))
            return make_response(_show_form(desk, record_id, words, proposed), 400)
        except Refused as refused:
            return make_response(_show_form(desk, record_id, str(refused)), refused.status)
        except _REFUSED as error:
            return make_response(_show_form(desk, record_id, desk_words(str(error))), 400)
        return redirect(after("desk.record", "record-corrected", record_id=record_id), 303)


def _carry_out(desk: Desk, record_id: int) -> None:
    from registry.desk.record import load_row

    court, form, acting = desk.court, request.form, desk.acting
    policy = court.policy()

    def decide(session: Session) -> Sequence[EntryChange]:
        row = load_row(session, record_id, lock=True)
        record = read_record(row, court.vault)
        refuse_role(record)
        settings = read_settings(record.facts, form)
        confirmed = set()
        if record.state is not State.DRAFT and is_asked(record.facts) and is_clear(read_answers(form)):
            confirmed.add("art3")
        if form.get("redactions") == "yes":
            confirmed.add("redactions")
        corrector = Corrector(vault=court.vault, policy=policy, confirmed=frozenset(confirmed))
        return corrector.correct(session, row, settings, acting)

    court.amend(decide)


def refuse_role(record: Record) -> None:
    """Raises Refused where a clerk would correct what a second person has approved."""
    if record.state is not State.DRAFT and not current().may(Access.DECIDE):
        raise Refused("该记录已经审核，更正须由审核人办理（法释〔2017〕7号第九条第二款）", 403)


def list_fields(facts: Facts) -> list[CorrectField]:
    """The fields that may be corrected, as inputs with what they say now."""
    whole = facts_to_json(facts)
    fields = []
    for key, label in LABELS.items():
        if key in FIXED_FIELDS or key in _ELSEWHERE or key == "conduct":
            continue
        kind = "date" if key in _DATES else "area" if key in _TEXTS else "choice" if key in _CHOICES else "line"
        fields.append(
            CorrectField(key=key, label=label, kind=kind, value=_write(whole[key]), options=_CHOICES.get(key, ()))
        )
    return fields


def read_settings(facts: Facts, form: Mapping[str, str]) -> list[tuple[str, str]]:
    """What was changed on the form, as field and text; what says the same as before is left alone. Raises Refused."""
    settings = []
    for field in list_fields(facts):
        typed = form.get(field.key)
        if typed is None:
            continue
        text = typed.replace("\r\n", "\n").replace("\r", "\n").strip()
        if len(text) > _LONGEST:
            raise Refused(f"{field.label}过长")
        if text != field.value.strip():
            settings.append((field.key, text))
    chosen = [one.value for one in Conduct if form.get(f"conduct.{one.value}") == "yes"]
    if form.get("conduct") == "asked" and set(chosen) != {one.value for one in facts.conduct}:
        if not chosen:
            raise Refused("请至少选择一项失信行为具体情形（法释〔2017〕7号第一条）")
        settings.append(("conduct", ",".join(chosen)))
    if not settings:
        raise Refused("没有任何字段改变：请改正有误的字段再提交")
    return settings


def _write(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, dict):
        return "，".join(str(part) for part in (value.get("name"), value.get("phone")) if part)
    return str(value).replace("\r\n", "\n")


def _show_form(desk: Desk, record_id: int, problem: str | None = None, proposed: Facts | None = None) -> str:
    from registry.desk.record import load_row

    court = desk.court
    with court.session() as session:
        row = load_row(session, record_id)
        record = read_record(row, court.vault)
        excerpts: Sequence[Excerpt] = ()
        if proposed is not None and current().may(Access.DECIDE):
            excerpts = build_excerpts(proposed)
            note_opened(session, proposed, current().name, court.vault, desk.now)
        is_draft = record.state is State.DRAFT
        note_read(session, "act/correct", record=row.id)
        return show(
            "record_correct",
            problem=problem,
            record=record,
            row=row,
            fields=list_fields(record.facts),
            conduct=tuple(Conduct),
            excerpts=excerpts,
            labels=LABELS,
            questions=QUESTIONS if not is_draft and is_asked(record.facts) else (),
            is_open=Action.CORRECT in allowed(record.state) and (is_draft or current().may(Access.DECIDE)),
        )
