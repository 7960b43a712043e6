"""What is done with a matter on the desk: its steps, its papers, the entry it is about, and what follows for that entry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date

from flask import Blueprint, abort, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import watch
from registry.acting import Acting
from registry.attachments import MEGABYTE, PaperRefused
from registry.departing import REMOVAL_GROUNDS, WITHDRAWAL_GROUNDS, Departure, Grounds
from registry.desk.access import Access
from registry.desk.base import BROKEN, Desk, act, acts, after
from registry.desk.forms import Refused, read_choice, read_date, read_line, read_optional, read_optional_date, read_text
from registry.desk.matter_view import DECIDED_BY_REVIEWER, show_matter
from registry.grounds import record_ground
from registry.letters import (
    LetterKind,
    LetterRefused,
    LetterState,
    draft_letter,
    get_letter,
    list_letters,
    note_delivery,
)
from registry.letters.deciding import tell_decision
from registry.matters.book import get_matter, link_record, take_step
from registry.matters.carrying import carry_out as carry_out_matter
from registry.matters.checking import LONGEST_WORDS, Given, refuse_late_knowing
from registry.matters.content import is_decided_above, read_notes
from registry.matters.states import MatterKind, MatterRefused, Remedy, Step
from registry.papers import FOLDER, LARGEST, Keeping, Offered, PaperKind, add_paper, open_scanner, prepare_paper
from registry.records import get_row
from registry.tables import MatterRow, RecordRow
from registry.vault import Vault
from search_index.journal import EntryChange

_MATTER = "/matters/<int(max=2147483647):matter_id>"
_ALSO = (MatterRefused, PaperRefused, LetterRefused)
_ROOM_FOR_THE_REST = MEGABYTE


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """POST /matters/<id>/steps/<step>, /decide/<step>, /link, /papers, /ground, /carry-out, /letter."""
    _add_steps(pages, desk)
    _add_what_belongs(pages, desk)
    _add_what_follows(pages, desk)


def _add_steps(pages: Blueprint, desk: Desk) -> None:
    @acts(pages, f"{_MATTER}/steps/<step>", Access.WORK)
    def step_matter(matter_id: int, step: str) -> ResponseValue:
        if step not in set(Step) or Step(step) in DECIDED_BY_REVIEWER or Step(step) is Step.CARRY_OUT:
            abort(404)
        return _take(desk, matter_id, Step(step))

    @acts(pages, f"{_MATTER}/decide/<step>", Access.DECIDE)
    def decide_matter(matter_id: int, step: str) -> ResponseValue:
        if step not in {one.value for one in DECIDED_BY_REVIEWER}:
            abort(404)
        return _take(desk, matter_id, Step(step))


def _take(desk: Desk, matter_id: int, step: Step) -> ResponseValue:
    def carry_out() -> str:
        given = _read_given(desk)
        with desk.court.session() as session:
            row = _get_with_steps(session, matter_id)
            take_step(session, desk.court.vault, row, step, desk.acting, given)
            if step is Step.SERVE and given.on is not None:
                _note_service(session, row, given.on, desk.acting)
        _feed(desk)
        return after("desk.matter", "stepped", matter_id=matter_id)

    return act(lambda problem: show_matter(desk, matter_id, problem, step.value), carry_out, also=_ALSO)


def _add_what_belongs(pages: Blueprint, desk: Desk) -> None:
    @acts(pages, f"{_MATTER}/link", Access.WORK)
    def link_matter(matter_id: int) -> ResponseValue:
        def carry_out() -> str:
            reference = read_line(request.form, "reference", "记录编号或者案号", most=100)
            with desk.court.session() as session:
                link_record(session, _get_with_steps(session, matter_id), get_row(session, reference), desk.acting)
            _feed(desk)
            return after("desk.matter", "linked", matter_id=matter_id)

        return act(_again(desk, matter_id, "link"), carry_out, also=_ALSO)

    @acts(pages, f"{_MATTER}/papers", Access.WORK, largest=LARGEST + _ROOM_FOR_THE_REST)
    def attach_paper(matter_id: int) -> ResponseValue:
        def carry_out() -> str:
            kind = read_choice(request.form, "kind", PaperKind, "材料的种类")
            sent = request.files.get("file")
            if sent is None or not sent.filename:
                raise Refused("请选择要收下的文件")
            scan = desk.scan if desk.scan is not None else open_scanner("")
            keeping = Keeping(folder=desk.court.private / FOLDER, scan=scan)
            offered = Offered(kind=kind, name=sent.filename, content=sent.stream.read(LARGEST + 1))
            # Before the transaction: a scanner may take as long as it likes.
            prepared = prepare_paper(desk.court.vault, offered, keeping)
            with desk.court.session() as session:
                row = _get(session, matter_id)
                add_paper(session, desk.court.vault, prepared, desk.acting, matter=row.id)
            return after("desk.matter", "attached", matter_id=matter_id)

        return act(_again(desk, matter_id, "papers"), carry_out, also=_ALSO)

    @acts(pages, f"{_MATTER}/letter", Access.WORK)
    def draft_matter_letter(matter_id: int) -> ResponseValue:
        def carry_out() -> str:
            kind = read_choice(request.form, "letter", LetterKind, "文书的种类")
            if kind not in (LetterKind.OBJECTION_NOTICE, LetterKind.OBJECTION_DECISION):
                raise Refused("请选择文书的种类")
            with desk.court.session() as session:
                row = _get(session, matter_id)
                if row.kind != MatterKind.OBJECTION.value:
                    raise Refused("只有异议有这种文书")
                letter = draft_letter(
                    session,
                    desk.court.vault,
                    kind=kind,
                    content=_letter_content(row, kind, desk.court.vault),
                    acting=desk.acting,
                    record=_record_of(session, row) if row.record_id is not None else None,
                    matter=row,
                )
                return after("desk.letter", "done", letter_id=letter.id)

        return act(_again(desk, matter_id, "letter"), carry_out, also=_ALSO)


def _add_what_follows(pages: Blueprint, desk: Desk) -> None:
    @acts(pages, f"{_MATTER}/ground", Access.WORK)
    def record_matter_ground(matter_id: int) -> ResponseValue:
        def carry_out() -> str:
            grounds = _read_grounds(desk, {**WITHDRAWAL_GROUNDS, **REMOVAL_GROUNDS})

            def decide(session: Session) -> list[EntryChange]:
                matter = _get(session, matter_id)
                record = _record_of(session, matter)
                refuse_late_knowing(desk.court.vault, matter, grounds.known_on)
                record_ground(
                    session,
                    record,
                    ground=grounds.ground or "",
                    basis=grounds.basis,
                    arose_on=grounds.arose_on,
                    known_on=grounds.known_on,
                    acting=desk.acting,
                )
                session.flush()
                return watch.act_on_due(session, desk.acting, record=record.id)

            desk.court.amend(decide)
            return after("desk.matter", "ground-recorded", matter_id=matter_id)

        return act(_again(desk, matter_id, "ground"), carry_out, also=_ALSO)

    @acts(pages, f"{_MATTER}/carry-out", Access.DECIDE)
    def carry_out_decision(matter_id: int) -> ResponseValue:
        def carry_out() -> str:
            def decide(session: Session) -> Departure:
                row = _get_with_steps(session, matter_id)
                choices = WITHDRAWAL_GROUNDS if row.outcome == Remedy.WITHDRAW else REMOVAL_GROUNDS
                return carry_out_matter(
                    session, row, _record_of(session, row), _read_grounds(desk, choices), desk.acting
                )

            desk.court.take_down(decide)
            _feed(desk)
            return after("desk.matter", "carried-out", matter_id=matter_id)

        return act(_again(desk, matter_id, "carry-out"), carry_out, also=_ALSO)


def _again(desk: Desk, matter_id: int, form: str) -> Callable[[str | None], str]:
    return lambda problem: show_matter(desk, matter_id, problem, form)


def _get(session: Session, matter_id: int) -> MatterRow:
    row = get_matter(session, matter_id)
    if row is None:
        abort(404)
    return row


def _get_with_steps(session: Session, matter_id: int) -> MatterRow:
    """A matter that is decided step by step; a ground is decided by what is done to its entry. Raises MatterRefused."""
    row = _get(session, matter_id)
    if row.kind == MatterKind.GROUND.value:
        raise MatterRefused(
            "退出事由请在失信信息页面办理：撤下，或者由另一人写明理由驳回（法释〔2017〕7号第九条、第十条）"
        )
    return row


def _record_of(session: Session, row: MatterRow) -> RecordRow:
    """The entry a matter is about, locked for the transaction. Raises MatterRefused where none is linked."""
    record = session.get(RecordRow, row.record_id, with_for_update=True) if row.record_id is not None else None
    if record is None:
        raise MatterRefused("请先关联失信信息")
    return record


def _note_service(session: Session, row: MatterRow, served_on: date, acting: Acting) -> None:
    """What was served is the decision: the letter book says the same day. Raises LetterRefused or MatterRefused."""
    lines = [one for one in list_letters(session, matter=row.id) if one.kind is LetterKind.OBJECTION_DECISION]
    states = {line.state for line in lines}
    if LetterState.DRAFTED in states and not states & {LetterState.CONFIRMED, LetterState.DELIVERED}:
        raise MatterRefused("决定书还没有核发，不能送达：请先由另一名审核人核发（法释〔2017〕7号第十三条）")
    for line in lines:
        letter = get_letter(session, line.id, lock=True)
        if line.state is LetterState.CONFIRMED:
            note_delivery(session, letter, delivered_on=served_on, acting=acting)
        elif line.state is LetterState.DELIVERED and letter.delivered_on != served_on:
            raise MatterRefused(f"决定书登记的送达日期是{letter.delivered_on}，两个日期应当一致：请核对送达回证")


def _read_given(desk: Desk) -> Given:
    form = request.form
    unit = form.get("unit", "")
    return Given(
        on=read_optional_date(form, "on", "日期", latest=desk.today),
        words=read_text(form, "words", "文字", most=LONGEST_WORDS, optional=True),
        basis=read_optional(form, "basis", "依据", most=200) or "",
        remedy=Remedy(form["remedy"]) if form.get("remedy") in set(Remedy) else None,
        fields=tuple(form.getlist("fields")),
        unit=int(unit) if unit.isascii() and unit.isdigit() and len(unit) <= 9 else None,
    )


def _read_grounds(desk: Desk, choices: Mapping[str, str]) -> Grounds:
    form = request.form
    ground = form.get("ground", "")
    if ground not in choices:
        raise Refused("请选择退出的事由")
    return Grounds(
        ground=ground,
        basis=read_line(form, "basis", "依据", most=200),
        arose_on=read_date(form, "arose_on", "事由发生的日期", latest=desk.today),
        known_on=read_date(form, "known_on", "知悉的日期", latest=desk.today),
        confirmation=read_optional(form, "confirmation", "申请执行人的确认或者申请", most=200),
    )


def _letter_content(row: MatterRow, kind: LetterKind, vault: Vault) -> dict[str, str]:
    form = request.form
    content = {
        "addressee": read_line(form, "addressee", "申请人", most=80),
        "received_on": row.received_on.isoformat(),
    }
    if kind is LetterKind.OBJECTION_NOTICE:
        words = read_text(form, "words", "需要补充的材料", most=600, optional=True)
        return {**content, "notice": form.get("notice", ""), **({"words": words} if words else {})}
    decided = tell_decision(row, vault)
    if decided is None:
        raise MatterRefused("还没有决定，不能起草决定书")
    if is_decided_above(read_notes(row, vault)):
        raise MatterRefused("复议决定由上一级人民法院作出，本院不另作决定书（法释〔2017〕7号第十二条第二款）")
    return {
        **content,
        **decided,
        "claim": read_text(form, "claim", "申请人的请求", most=600),
        "reasons": read_text(form, "reasons", "理由", most=3000),
    }


def _feed(desk: Desk) -> None:
    # It stands whatever becomes of the index; the worker tells the portal otherwise.
    with suppress(*BROKEN):
        desk.court.pump.feed_if_idle()
