"""The page of a record: both sides of it, what stands in the way, what was done, and what may be done now."""

from __future__ import annotations

from flask import Blueprint, Response, abort, current_app, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import redaction
from registry.approving import note_opened
from registry.audit_values import RULE_NAME
from registry.checklists import QUESTIONS, Unanswered, bars, find_answers, is_asked, keep_answers, read_answers
from registry.desk import acts as acts_pages
from registry.desk.access import Access
from registry.desk.acts import ActLink, list_acts
from registry.desk.base import DONE, Desk, act, acts, after, current, note_read, reads, show
from registry.desk.forms import Refused, read_choice, read_optional
from registry.desk.record_history import read_history
from registry.desk.record_marks import mark_text
from registry.desk.seeing import may_see_ground
from registry.exit_notices import can_be_clarified
from registry.findings import build_excerpts
from registry.intake import LABELS
from registry.letters import build_dossier
from registry.lifecycle import STAGE_LABEL, STATE_LABEL, Stage, find_missing
from registry.preview import HOW_LABEL, is_restricted, preview, why_restricted
from registry.record import FREE_TEXTS, Record, State
from registry.records import read_record
from registry.resolutions import (
    Resolution,
    ResolutionRefused,
    Verdict,
    build_accepted,
    find_open,
    may_show,
    place_of,
    read_resolutions,
    resolve,
    version_of,
)
from registry.samples import find_sampled
from registry.tables import BatchRow, RecordRow

DONE["record-resolved"] = "已经登记。"
DONE["record-checked"] = "第三条核对结果已经登记。"


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET /records/<id>, /records/<id>/findings; POST of the findings and of the checklist of art. 3."""

    # Before the server forks: the first page of each process need not wait for the patterns to be built. The network is left
    # to each process: loading it starts threads, and a process with threads is not to be forked.
    redaction.find("", "")

    @reads(pages, "/records/<int:record_id>", Access.READ)
    def record(record_id: int) -> str:
        return show_record(desk, record_id)

    @reads(pages, "/records/<int:record_id>/findings", Access.READ)
    def findings(record_id: int) -> str:
        return _show_findings(desk, record_id)

    @acts(pages, "/records/<int:record_id>/findings", Access.DECIDE)
    def resolve_finding(record_id: int) -> ResponseValue:
        def carry_out() -> str:
            _resolve(desk, record_id)
            return after("desk.findings", "record-resolved", record_id=record_id)

        return act(lambda problem: _show_findings(desk, record_id, problem), carry_out, also=(ResolutionRefused,))

    @acts(pages, "/records/<int:record_id>/checklist", Access.DECIDE)
    def answer_checklist(record_id: int) -> ResponseValue:
        def carry_out() -> str:
            answers = read_answers(request.form)
            with desk.court.session() as session:
                row = load_row(session, record_id, lock=True)
                facts = read_record(row, desk.court.vault).facts
                keep_answers(session, desk.court.vault, row, facts, answers, desk.acting)
            return after("desk.record", "record-checked", record_id=record_id)

        return act(lambda problem: show_record(desk, record_id, problem), carry_out, also=(Unanswered,))

    @reads(pages, "/records/<int:record_id>/dossier", Access.READ)
    def dossier(record_id: int) -> Response:
        court = desk.court
        with court.session() as session:
            row = load_row(session, record_id)
            if not may_see_ground(row, read_record(row, court.vault).facts):
                abort(403, "依法不宜公开的记录，案卷只有办理人和审核人可以查看")
            profile, policy = court.profile(), court.policy()
            file = build_dossier(session, court.vault, row, profile=profile, policy=policy, acting=desk.acting)
        # Nothing of the person in a name that ends up in folders and lists of downloads.
        name = f'attachment; filename="dossier-{record_id}.pdf"'
        return Response(file, mimetype="application/pdf", headers={"Content-Disposition": name})

    acts_pages.add_pages(pages, desk)


def load_row(session: Session, record_id: int, *, lock: bool = False) -> RecordRow:
    """A record of a whole batch; the page of what does not exist for any other."""
    row = session.get(RecordRow, record_id, with_for_update=lock) if record_id < 2**31 else None
    if row is None or not session.get_one(BatchRow, row.batch_id).ready:
        abort(404, "没有这条记录")
    return row


def show_record(desk: Desk, record_id: int, problem: str | None = None) -> str:
    """The page, with what could not be done."""
    court, policy, today = desk.court, desk.court.policy(), desk.today
    with court.session() as session:
        row = load_row(session, record_id)
        known = read_record(row, court.vault)
        facts = known.facts
        reader = current().name
        decided = read_resolutions(session, court.vault, facts, reader)
        answers = find_answers(session, court.vault, facts, reader)
        shows_ground = may_see_ground(row, facts)
        both = preview(known, build_accepted(facts, decided), policy, today, shows_ground=shows_ground)
        is_draft = known.state is State.DRAFT
        note_read(session, "record", record=row.id)
        sampled = find_sampled(session, row.id, reader)
        return show(
            "record",
            problem=problem,
            record=known,
            row=row,
            facts=facts,
            state_label=STATE_LABEL[known.state],
            stage_label=STAGE_LABEL.get(Stage(row.stage), "") if row.stage else "",
            both=both,
            how_label=HOW_LABEL,
            restricted=why_restricted(facts, policy) if is_restricted(facts) else None,
            is_restricted=is_restricted(facts),
            shows_ground=shows_ground,
            missing=[LABELS[name] for name in find_missing(facts, policy, today, is_own=row.source is None)]
            if is_draft
            else [],
            open_findings=len(find_open(facts, decided)) if is_draft else 0,
            all_findings=len(build_excerpts(facts)),
            asks_art3=is_asked(facts) and row.source is None,
            questions=QUESTIONS,
            answers=answers,
            barred=bars(answers or {}),
            acts=list_acts(session, row, known, current()),
            history=read_history(session, court, row, shows_basis=shows_ground),
            sampled=sampled if is_draft else None,
            links=_list_links(row, known, shows_ground=shows_ground),
        )


def _list_links(row: RecordRow, record: Record, *, shows_ground: bool) -> list[ActLink]:
    """What is made of this record on pages of others: letters, and the dossier for the court above."""
    kinds = []
    if row.source is None and current().may(Access.WORK) and "desk.letter_new" in current_app.view_functions:
        # Those whom art. 8 ¶3–4 names are made known to their unit whether or not the public is told.
        if record.state in (State.PUBLISHED, State.RESTRICTED) and shows_ground:
            kinds += [("通报所在单位", "sealed_notice"), ("信息通报", "discipline_notice")]
        if record.state.has_departed:
            kinds.append(("退出证明", "certificate"))
    links = [ActLink(label, url_for("desk.letter_new", kind=kind, record=row.id)) for label, kind in kinds]
    if shows_ground:
        links.append(ActLink("案卷（PDF）", url_for("desk.dossier", record_id=row.id)))
    if can_be_clarified(row) and current().may(Access.DECIDE):
        links.append(ActLink("澄清公告（本人申请）", url_for("desk.clarification", record=row.id)))
    return links


def _show_findings(desk: Desk, record_id: int, problem: str | None = None) -> str:
    court = desk.court
    with court.session() as session:
        row = load_row(session, record_id)
        known = read_record(row, court.vault)
        facts, signed_in = known.facts, current()
        decided = read_resolutions(session, court.vault, facts, signed_in.name)
        excerpts = build_excerpts(facts)
        first_open = next(
            (i for i, item in enumerate(excerpts) if place_of(item.field, item.finding) not in decided), None
        )
        items = [
            {
                "number": index + 1,
                "label": LABELS[item.field],
                "rule": RULE_NAME.get(item.finding.rule, "可能识别他人身份的内容"),
                "is_sure": item.finding.confidence == "high",
                "said": getattr(facts, item.field)[item.finding.start : item.finding.end],
                "instead": item.finding.replacement,
                "resolution": decided.get(place_of(item.field, item.finding)),
                "is_next": index == first_open,
                "may_show": may_show(item.finding),
            }
            for index, item in enumerate(excerpts)
        ]
        texts = [
            (LABELS[name], mark_text(getattr(facts, name), name, excerpts, first_open))
            for name in FREE_TEXTS
            if getattr(facts, name)
        ]
        note_read(session, "findings", record=row.id)
        if signed_in.may(Access.DECIDE):
            # What stands on this page, each with its text around it, was shown (approval asks for it).
            note_opened(session, facts, signed_in.name, court.vault, desk.now)
        return show(
            "record_findings",
            problem=problem,
            record=known,
            items=items,
            texts=texts,
            version=version_of(facts, court.vault),
            Verdict=Verdict,
            may_resolve=signed_in.may(Access.DECIDE) and known.state is State.DRAFT,
            left=sum(item["resolution"] is None for item in items),
        )


def _resolve(desk: Desk, record_id: int) -> None:
    form, vault = request.form, desk.court.vault
    verdict = read_choice(form, "verdict", Verdict, "遮盖还是显示")
    reason = read_optional(form, "reason", "理由", most=100)
    with desk.court.session() as session:
        row = load_row(session, record_id, lock=True)
        facts = read_record(row, vault).facts
        if State(row.state) is not State.DRAFT:
            raise Refused("该记录已经审核，遮盖建议不再逐条决定；需要改变的，请办理更正", 409)
        excerpts = build_excerpts(facts)
        number = form.get("number", "")
        if form.get("version") != version_of(facts, vault) or not _is_one_of(number, len(excerpts)):
            raise Refused("记录的文字在页面打开以后有改动，请在下面重新查看", 409)
        item = excerpts[int(number) - 1]
        place = place_of(item.field, item.finding)
        resolve(session, vault, row, facts, place, Resolution(verdict, reason), desk.acting)


def _is_one_of(typed: str, count: int) -> bool:
    return typed.isascii() and typed.isdigit() and len(typed) < 6 and 1 <= int(typed) <= count
