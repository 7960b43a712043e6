"""The letters on the desk: the letter book, drafting, another person's agreement, printing, delivery and answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, abort, make_response, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.clockbook import name_record
from registry.desk import letters_acts
from registry.desk.access import Access
from registry.desk.base import Desk, act, acts, after, current, note_read, reads, show
from registry.desk.forms import Refused, read_line, read_text
from registry.desk.seeing import refuse_outsiders
from registry.letters import (
    KINDS,
    Letter,
    LetterKind,
    LetterLine,
    LetterNotFound,
    LetterRefused,
    LetterState,
    check_certificate,
    draft_letter,
    get_letter,
    list_letters,
    list_overdue,
    list_to_recall,
    read_letter,
    refuse_to_print,
    render_docx,
    render_pdf,
    tell_decision,
)
from registry.letters.kinds import OUTCOME_LABEL, STATE_LABEL
from registry.letters.sheet import PageBreak, Paragraph, Sheet
from registry.letters.typeface import TypefaceMissing
from registry.letters.wording import write_letter
from registry.records import read_record
from registry.tables import LetterRow, MatterRow, RecordRow
from search_index.day import day_of

_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_LARGEST_ID = 2**31 - 1
_PAGE = 50
# What is drafted here: a recall is drafted from the notice that it takes back.
_DRAFTED = tuple(kind for kind in LetterKind if kind is not LetterKind.NOTICE_RECALL)
# These say why a record is not public.
_SAYS_GROUND = (LetterKind.SEALED_NOTICE, LetterKind.DISCIPLINE_NOTICE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What a letter is to be about, as the address or the form says: a record, a matter, or both. `name` is only for the
    page itself."""

    kind: LetterKind
    record: int | None
    matter: int | None
    name: str
    case: str
    given: Mapping[str, str]


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET /letters, /letters/new, /letters/<id>, its files; POST what is done with them."""
    _add_lists(pages, desk)
    _add_drafting(pages, desk)
    _add_letter(pages, desk)
    letters_acts.add_pages(pages, desk, show_letter)


def _add_lists(pages: Blueprint, desk: Desk) -> None:
    def show_list(problem: str | None = None, checked: bool | None = None) -> str:
        state = _read_state()
        with desk.court.reading() as session:
            lines = list_letters(session, state=state, before=read_id("before"), limit=_PAGE)
            which = [] if state is None else [LetterRow.state == state.value]
            total = session.scalar(select(func.count()).select_from(LetterRow).where(*which)) or 0
            late = list_overdue(session, desk.today)
            recall = list_to_recall(session, desk.court.vault)
            names = _names(session, [*lines, *late, *recall])
        return show(
            "letters",
            problem,
            lines=lines,
            late=late,
            recall=recall,
            names=names,
            state=state,
            checked=checked,
            total=total,
            before=read_id("before"),
            more=lines[-1].id if len(lines) == _PAGE else None,
            **_labels(),
        )

    @reads(pages, "/letters", Access.READ)
    def letters() -> str:
        return show_list()

    # By POST: the number of somebody's certificate does not belong into an address.
    @acts(pages, "/letters/check", Access.READ)
    def letter_check() -> tuple[str, int]:
        try:
            number = read_line(request.form, "verify", "核验编号", most=40)
        except Refused as error:
            return show_list(str(error)), 400
        with desk.court.reading() as session:
            return show_list(checked=check_certificate(session, number)), 200


def _add_drafting(pages: Blueprint, desk: Desk) -> None:
    def show_form(problem: str | None = None) -> str:
        with desk.court.session() as session:
            subject = _read_subject(session, desk, request.values)
            note_read(session, "letters/new", record=subject.record, matter=subject.matter)
        return show("letter_new", problem, subject=subject, rule=KINDS[subject.kind], **_labels())

    @reads(pages, "/letters/new", Access.WORK)
    def letter_new() -> str:
        return show_form()

    @acts(pages, "/letters/new", Access.WORK)
    def letter_draft() -> ResponseValue:
        def carry_out() -> str:
            made: list[int] = []

            def draft(session: Session) -> tuple[()]:
                made.append(_draft(session, desk).id)
                return ()

            desk.court.amend(draft)
            return after("desk.letter", "saved", letter_id=made[0])

        return act(show_form, carry_out, also=letters_acts.REFUSALS)


def _draft(session: Session, desk: Desk) -> LetterRow:
    subject = _read_subject(session, desk, request.form)
    record = session.get(RecordRow, subject.record, with_for_update=True) if subject.record else None
    matter = session.get(MatterRow, subject.matter) if subject.matter else None
    content = {
        gap.name: read_text(request.form, gap.name, gap.label, most=gap.most, optional=not gap.needed)
        for gap in KINDS[subject.kind].gaps
    }
    return draft_letter(
        session,
        desk.court.vault,
        kind=subject.kind,
        content=content,
        acting=desk.acting,
        record=record,
        matter=matter,
    )


def _read_subject(session: Session, desk: Desk, values: Mapping[str, str]) -> Subject:
    """Ends the request with 404 where there is nothing to write about."""
    try:
        kind = LetterKind(values.get("kind", ""))
    except ValueError:
        abort(404)
    matter = session.get(MatterRow, found) if (found := _to_id(values.get("matter"))) else None
    record = session.get(RecordRow, found) if (found := _to_id(values.get("record"))) else None
    if record is None and matter is not None and matter.record_id is not None:
        record = session.get(RecordRow, matter.record_id)
    needed = record if KINDS[kind].about_record else matter
    if needed is None or kind not in _DRAFTED:
        abort(404)
    return Subject(
        kind=kind,
        record=record.id if record else None,
        matter=matter.id if matter else None,
        name=str(record.facts["name"]) if record else "",
        case=str(record.facts["case_number"]) if record else "",
        given=_given(desk, kind, record, matter),
    )


def _given(desk: Desk, kind: LetterKind, record: RecordRow | None, matter: MatterRow | None) -> dict[str, str]:
    """What can be filled in from what is known: a person looks it over."""
    given = {"received_on": matter.received_on.isoformat()} if matter else {}
    if kind is LetterKind.OBJECTION_DECISION and matter is not None:
        given |= tell_decision(matter, desk.court.vault) or {}
    if kind is LetterKind.SEALED_NOTICE and record is not None:
        facts = read_record(record, desk.court.vault).facts
        given["addressee"] = facts.employer or ""
        given["relation"] = "restricted" if record.facts.get("disclosure") == "restricted" else ""
    return given


def _add_letter(pages: Blueprint, desk: Desk) -> None:
    @reads(pages, f"/letters/{letters_acts.ID}", Access.READ)
    def letter(letter_id: int) -> str:
        return show_letter(desk, letter_id)

    @reads(pages, f"/letters/{letters_acts.ID}/<any(docx, pdf):form>", Access.READ)
    def letter_file(letter_id: int, form: str) -> ResponseValue:
        make = render_docx if form == "docx" else render_pdf
        try:
            with desk.court.session() as session:
                opened = _open(session, desk, letter_id, f"letter.{form}")
                refuse_to_print(session, desk.court.vault, get_letter(session, letter_id), desk.today)
                content = make(opened, desk.court.profile())
        except (LetterRefused, TypefaceMissing) as error:
            return make_response(show_letter(desk, letter_id, str(error)), 400)
        return _send(content, _DOCX if form == "docx" else "application/pdf", f"letter-{letter_id}.{form}")


def show_letter(desk: Desk, letter_id: int, problem: str | None = None) -> str:
    """The page of a letter, as it will be printed, with what may be done with it now."""
    with desk.court.session() as session:
        opened = _open(session, desk, letter_id, "letter")
        row = get_letter(session, letter_id)
        record = session.get(RecordRow, row.record_id) if row.record_id else None
        about = record and (record.id, name_record(record))
        matter = row.matter_id
        outdated = _find_outdated(session, desk, row)
        needs_recall = record is not None and row.id in {
            line.id for line in list_to_recall(session, desk.court.vault, record=record.id)
        }
    return show(
        "letter",
        problem,
        letter=opened,
        sheet=_lay_out(write_letter(opened, desk.court.profile())),
        record=about,
        matter=matter,
        outdated=outdated,
        may=_list_acts(opened, needs_recall=needs_recall) - ({"print"} if outdated else set()),
        **_labels(),
    )


def _find_outdated(session: Session, desk: Desk, row: LetterRow) -> str | None:
    """Why a letter that was agreed to may not go out any more."""
    try:
        refuse_to_print(session, desk.court.vault, row, desk.today)
    except LetterRefused as error:
        return str(error)
    return None


def _list_acts(letter: Letter, *, needs_recall: bool) -> set[str]:
    """What whoever is signed in may do with a letter as it stands."""
    who, state = current(), letter.state
    found = {"print"} if letter.may_be_printed else set()
    if state is LetterState.DRAFTED and who.may(Access.DECIDE) and who.name != letter.drafted_by:
        found.add("confirm")
    if who.may(Access.WORK):
        if state in (LetterState.DRAFTED, LetterState.CONFIRMED):
            found.add("void")
        if state is LetterState.CONFIRMED:
            found.add("deliver")
        if letter.rule.answered and state in (LetterState.DELIVERED, LetterState.ANSWERED):
            found.add("answer")
        if needs_recall:
            found.add("recall")
    return found


# What the rest is made of ----------------------------------------------------------------------------------------


def _open(session: Session, desk: Desk, letter_id: int, what: str) -> Letter:
    """A letter, opened, and the reading of it written down. Ends the request with 404 where there is none."""
    try:
        row = get_letter(session, letter_id)
    except LetterNotFound:
        abort(404, "没有这份文书")
    if row.kind in _SAYS_GROUND:
        refuse_outsiders(session, desk.court.vault, row.record_id)
    note_read(session, what, record=row.record_id, matter=row.matter_id)
    return read_letter(row, desk.court.vault)


def _names(session: Session, lines: list[LetterLine]) -> dict[int, str]:
    """The public number or the case number of each record, for lists."""
    ids = {line.record_id for line in lines if line.record_id is not None}
    return {row_id: name_record(row) for row_id in ids if (row := session.get(RecordRow, row_id))}


def _lay_out(sheet: Sheet) -> list[dict[str, Any]]:
    """The blocks of a paper for a template."""
    blocks: list[dict[str, Any]] = []
    for block in sheet.blocks:
        if isinstance(block, Paragraph):
            blocks.append({"is": "paragraph", "paragraph": block})
        elif isinstance(block, PageBreak):
            blocks.append({"is": "break"})
        else:
            blocks.append({"is": "table", "rows": block.rows})
    return blocks


def _send(content: bytes, media: str, name: str) -> Response:
    response = Response(content, mimetype=media)
    # The name of a file stays on the disk of whoever saves it: it says nothing of anybody.
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _read_state() -> LetterState | None:
    typed = request.args.get("state", "")
    return LetterState(typed) if typed in set(LetterState) else None


def read_id(name: str) -> int | None:
    """A row that the address names; None where it names none, or nonsense."""
    return _to_id(request.args.get(name))


def _to_id(typed: str | None) -> int | None:
    if not typed or not typed.isascii() or not typed.isdigit() or len(typed) > 10:
        return None
    return int(typed) if int(typed) <= _LARGEST_ID else None


def _labels() -> dict[str, Any]:
    return {"kinds": KINDS, "state_labels": STATE_LABEL, "day_of": day_of, "outcome_labels": OUTCOME_LABEL}
