"""One table in which what is missing of many records is filled in: only the missing fields are inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, request, url_for
from werkzeug import Response as ResponseValue

from registry.correcting import CorrectionRefused, Corrector
from registry.desk.access import Access
from registry.desk.base import DONE, REFUSALS, Desk, acts, note_read, reads, show
from registry.intake import LABELS
from registry.lifecycle import Stage, find_missing
from registry.record import Facts, State
from registry.records import read_facts
from registry.tables import RecordRow
from registry.worklists import count_lists, list_rows

TABLE_ROWS = 50
DATES = frozenset({"birth_date", "decided_on", "served_on", "term_ends_on"})
_LONGEST = 120
_TAKEN = "这一行的{field}已经由他人填写，或者不再需要，没有改动"

DONE["list-completed"] = "已经保存。补充完整的记录已转入下一份清单。"


@dataclass(frozen=True, slots=True, kw_only=True)
class IncompleteRow:
    """A record of the table and the fields it lacks."""

    id: int
    name: str
    case_number: str
    missing: tuple[str, ...]


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET and POST /work/completing/table."""

    @reads(pages, "/work/completing/table", Access.WORK)
    def completing() -> str:
        return _show_table(desk, None, {})

    @acts(pages, "/work/completing/table", Access.WORK)
    def complete() -> ResponseValue:
        typed = _read_cells(request.form)
        problems: dict[int, str] = {}
        saved = 0
        for record_id, settings in typed.items():
            try:
                _complete_one(desk, record_id, settings)
                saved += 1
            except REFUSALS as error:
                problems[record_id] = str(error).rstrip("。")
        if not problems:
            return redirect(url_for("desk.completing", done="list-completed" if saved else None), 303)
        problem = f"有{len(problems)}行没有保存，原因写在该行；其余{saved}行已经保存"
        return make_response(_show_table(desk, problem, problems), 400)


def _show_table(desk: Desk, problem: str | None, problems: Mapping[int, str]) -> str:
    policy, court = desk.court.policy(), desk.court
    with court.session() as session:
        found = []
        for row in list_rows(session, Stage.COMPLETING.value, limit=TABLE_ROWS):
            facts = read_facts(row, court.vault, row.identity)
            missing = find_missing(facts, policy, desk.today)
            found.append(
                IncompleteRow(id=row.id, name=facts.name, case_number=facts.case_number.original, missing=missing)
            )
        total = count_lists(session)[Stage.COMPLETING.value]
        note_read(session, "work/completing/table")
    columns = [name for name in LABELS if any(name in row.missing for row in found)]
    return show(
        "completing",
        problem=problem,
        rows=found,
        columns=columns,
        labels=LABELS,
        dates=DATES,
        longest=_LONGEST,
        problems=problems,
        total=total,
    )


def _complete_one(desk: Desk, record_id: int, settings: Mapping[str, str]) -> None:
    """Fill in what is missing of one record, or refuse the row and leave it as it was."""
    court, policy = desk.court, desk.court.policy()
    corrector = Corrector(vault=court.vault, policy=policy, confirmed=frozenset())
    with court.session() as session:
        row = session.get(RecordRow, record_id, with_for_update=True)
        if row is None or State(row.state) is not State.DRAFT:
            raise CorrectionRefused("该记录已经不在待补充之列，没有改动")
        refuse_present(read_facts(row, court.vault, row.identity), settings)
        corrector.correct(session, row, list(settings.items()), desk.acting)


def refuse_present(facts: Facts, settings: Mapping[str, str]) -> None:
    """Raises CorrectionRefused where a field that was filled in has something in it already: two people may have the same
    table open, and nobody writes over what the other wrote."""
    for field in settings:
        if field not in LABELS or getattr(facts, field, None) is not None:
            raise CorrectionRefused(_TAKEN.format(field=LABELS.get(field, field)))


def _read_cells(form: Mapping[str, str]) -> dict[int, dict[str, str]]:
    """What was filled in, by record and field: the inputs are called `<row>.<field>`."""
    typed: dict[int, dict[str, str]] = {}
    for name, text in form.items():
        record, _, field = name.partition(".")
        if field and record.isascii() and record.isdigit() and len(record) <= 10 and text.strip():
            typed.setdefault(int(record), {})[field] = " ".join(text.split())[:_LONGEST]
    return dict(list(typed.items())[:TABLE_ROWS])
