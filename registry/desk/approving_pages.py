"""Batches: what each holds, what stands in the way of approving it, the sample check, and the second person's word.

Whoever imported, or prepared, a record never approves it: the registry asks for it record by record, and so it holds for the
whole batch too (法释〔2017〕7号 art. 5 ¶3, art. 13).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, abort, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import audit
from registry.approval import check
from registry.approving import Review, decide_proposal, decide_record, note_opened
from registry.checklists import QUESTIONS, Unanswered, find_answers, is_asked, is_clear, read_answers
from registry.departing import NotPermitted
from registry.desk.access import Access
from registry.desk.acts_carry import confirmed_by
from registry.desk.acts_forms import desk_words
from registry.desk.base import DONE, REFUSALS, Desk, act, acts, after, current, note_read, reads, show
from registry.desk.forms import Refused, read_choice, read_line
from registry.desk.record import load_row
from registry.desk.record_fields import write
from registry.findings import build_excerpts
from registry.intake import LABELS
from registry.lifecycle import STAGE_LABEL, Stage
from registry.record import Facts, State
from registry.records import proposal_context, read_facts, read_record
from registry.resolutions import build_accepted, has_open_high, read_resolutions
from registry.samples import NotSampled, SampleState, SampleVerdict, draw_sample, note_checked, read_sample
from registry.tables import BatchRow, ProposalRow, RecordRow
from registry.turns import chunks

SHOWN = 50
CHUNK = 100
_LARGEST_ID = 2**31 - 1

DONE.update(
    {
        "batch-drawn": "样本已经抽取，请逐条查看并登记结果。",
        "batch-checked-sample": "抽查结果已经登记。",
        "batch-batch": "整批审核已经办完。未通过的列在下面，逐条写明原因。",
        "batch-proposal": "更正建议已经同意，公众看到的已是更正后的内容。",
        "batch-proposal-not": "更正建议没有采纳，原记录不变。",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftLine:
    """A record of a batch as its page lists it. `refusals` are (rule, reason) of what stands in the way for this reader;
    `sampled` says whether it is in the sample, and `verdict` what was found."""

    id: int
    line: int
    name: str
    case_number: str
    stage: str
    refusals: Sequence[tuple[str, str]]
    findings: int
    open_high: bool
    sampled: bool
    verdict: SampleVerdict | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field in which a second version differs from what is here."""

    label: str
    before: str
    after: str


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET /batches/<id>; POST of its sample and approval; GET and POST /proposals/<id>."""

    @reads(pages, "/batches/<int:batch_id>", Access.READ)
    def batch(batch_id: int) -> str:
        return _show_batch(desk, batch_id)

    @acts(pages, "/batches/<int:batch_id>/sample", Access.DECIDE)
    def draw(batch_id: int) -> ResponseValue:
        def carry_out() -> str:
            with desk.court.session() as session:
                _refuse_importer(_load_batch(session, batch_id))
                draw_sample(session, batch_id, desk.acting, desk.random)
            return after("desk.batch", "batch-drawn", batch_id=batch_id)

        return act(lambda problem: _show_batch(desk, batch_id, problem), carry_out)

    @acts(pages, "/batches/<int:batch_id>/approve", Access.DECIDE)
    def approve_batch(batch_id: int) -> ResponseValue:
        def carry_out() -> str:
            _approve_batch(desk, batch_id)
            return after("desk.batch", "batch-batch", batch_id=batch_id)

        return act(lambda problem: _show_batch(desk, batch_id, problem), carry_out, also=(NotSampled,))

    @acts(pages, "/records/<int:record_id>/sample", Access.DECIDE)
    def check_sample(record_id: int) -> ResponseValue:
        from registry.desk.record import show_record

        def carry_out() -> str:
            verdict = read_choice(request.form, "verdict", SampleVerdict, "抽查结果")
            with desk.court.session() as session:
                row = load_row(session, record_id, lock=True)
                _refuse_unresolved(session, desk, row, verdict)
                note_checked(session, row, verdict, desk.acting)
                batch_id = row.batch_id
            return after("desk.batch", "batch-checked-sample", batch_id=batch_id)

        return act(lambda problem: show_record(desk, record_id, problem), carry_out, also=(NotSampled,))

    _add_proposal_pages(pages, desk)


# Batches ----------------------------------------------------------------------------------------------------------


def _load_batch(session: Session, batch_id: int) -> BatchRow:
    row = session.get(BatchRow, batch_id) if batch_id <= _LARGEST_ID else None
    if row is None or not row.ready:
        abort(404, "没有这一批")
    return row


def _refuse_importer(batch: BatchRow) -> None:
    if batch.imported_by == current().name:
        raise Refused("这一批是您导入的，审核须由另一人办理（法释〔2017〕7号第五条第三款、第十三条）", 403)


def _refuse_unresolved(session: Session, desk: Desk, row: RecordRow, verdict: SampleVerdict) -> None:
    """A record is not found in order while a redaction of it that the detector is sure of was not decided."""
    facts = read_record(row, desk.court.vault).facts
    decided = read_resolutions(session, desk.court.vault, facts, current().name)
    if verdict is SampleVerdict.PASSED and has_open_high(facts, decided):
        raise NotSampled("该记录还有把握较高的遮盖建议没有决定，请先逐条决定（法释〔2016〕19号第八条至第十一条）")


def _show_batch(desk: Desk, batch_id: int, problem: str | None = None) -> str:
    court, reader = desk.court, current().name
    typed = request.args.get("after", "")
    after_id = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 10 else 0
    with court.session() as session:
        batch = _load_batch(session, batch_id)
        sample = read_sample(session, batch_id, reader)
        rows = list(
            session.scalars(
                select(RecordRow)
                .where(RecordRow.batch_id == batch_id, RecordRow.id > min(after_id, _LARGEST_ID))
                .order_by(RecordRow.id)
                .limit(SHOWN + 1)
            )
        )
        lines = [_line(session, desk, row, sample) for row in rows[:SHOWN]]
        counts = _count_stages(session, batch_id)
        waiting = session.scalar(
            select(func.count())
            .select_from(ProposalRow)
            .where(ProposalRow.batch_id == batch_id, ProposalRow.decided.is_(False))
        )
        note_read(session, f"batch/{batch_id}")
        return show(
            "batch",
            problem=problem,
            batch=batch,
            lines=lines,
            counts=[(STAGE_LABEL[stage], counts[stage.value]) for stage in Stage if counts.get(stage.value)],
            after=rows[SHOWN - 1].id if len(rows) > SHOWN else None,
            is_first=not after_id,
            sample=sample,
            proposals=waiting,
            may_approve=current().may(Access.DECIDE) and batch.imported_by != reader,
            is_importer=batch.imported_by == reader,
            drafts=sum(counts.get(stage.value, 0) for stage in (Stage.COMPLETING, Stage.SERVING, Stage.APPROVING)),
        )


def _count_stages(session: Session, batch_id: int) -> Mapping[str, int]:
    counted = select(RecordRow.stage, func.count()).where(RecordRow.batch_id == batch_id).group_by(RecordRow.stage)
    counts: dict[str, int] = {}
    for stage, count in session.execute(counted):
        counts[stage] = count
    return counts


def _line(session: Session, desk: Desk, row: RecordRow, sample: SampleState) -> DraftLine:
    court, reader = desk.court, current().name
    record = read_record(row, court.vault)
    facts = record.facts
    refusals: Sequence[tuple[str, str]] = ()
    open_high, found = False, 0
    if record.state is State.DRAFT:
        decided = read_resolutions(session, court.vault, facts, reader)
        open_high, found = has_open_high(facts, decided), len(build_excerpts(facts))
        confirmed, resolved = confirmed_by(session, desk, facts, reader)
        found_wrong = check(
            record, approver=reader, today=desk.today, policy=court.policy(), confirmed=confirmed, opened=resolved
        )
        refusals = tuple((refusal.rule, desk_words(refusal.reason)) for refusal in found_wrong)
    drawn = {one.record_id: one.verdict for one in sample.drawn}
    return DraftLine(
        id=row.id,
        line=row.line,
        name=facts.name,
        case_number=facts.case_number.original,
        stage=STAGE_LABEL.get(Stage(row.stage), "") if row.stage else "",
        refusals=refusals,
        findings=found,
        open_high=open_high,
        sampled=row.id in drawn,
        verdict=drawn.get(row.id),
    )


def _approve_batch(desk: Desk, batch_id: int) -> None:
    """Approve what may be approved of a batch whose sample was found in order. Each record passes the same guards as one
    that is approved by itself. Raises Refused or NotSampled, before anything is approved."""
    if request.form.get("signed") != "yes":
        raise Refused("请确认各份决定书均已由院长签发（法释〔2017〕7号第五条第三款）")
    court, reader = desk.court, current().name
    with court.session() as session:
        _refuse_importer(_load_batch(session, batch_id))
        read_sample(session, batch_id, reader).refuse_unfinished()
        drafts = select(RecordRow.id).where(RecordRow.batch_id == batch_id, RecordRow.state == State.DRAFT.value)
        ids = list(session.scalars(drafts.order_by(RecordRow.id)))
        undecided = [line for found in ids if (line := _line_of_open_high(session, desk, found))]
    if undecided:
        lines = "、".join(f"第{line}行" for line in undecided[:20])
        raise Refused(
            f"还有{len(undecided)}条记录的遮盖建议（把握较高的）没有决定：{lines}。"
            "请先逐条决定，再整批审核（法释〔2016〕19号第八条至第十一条）"
        )
    for some in chunks(ids, CHUNK):
        court.turns.step_aside()
        with court.session() as session:
            for found in some:
                _approve_one(session, desk, found)


def _line_of_open_high(session: Session, desk: Desk, record_id: int) -> int | None:
    row = session.get_one(RecordRow, record_id)
    facts = read_facts(row, desk.court.vault, row.identity)
    decided = read_resolutions(session, desk.court.vault, facts, current().name)
    return row.line if has_open_high(facts, decided) else None


def _approve_one(session: Session, desk: Desk, record_id: int) -> None:
    """Approve one record of a batch, or leave it: its page and the batch say why."""
    court, acting = desk.court, desk.acting
    row = session.get_one(RecordRow, record_id, with_for_update=True)
    if State(row.state) is not State.DRAFT:
        return
    facts = read_facts(row, court.vault, row.identity)
    confirmed, resolved = confirmed_by(session, desk, facts, acting.actor)
    decided = read_resolutions(session, court.vault, facts, acting.actor)
    # What is doubtful and undecided is redacted; the reviewer must have been shown it all the same (opened: looked up).
    review = Review(
        vault=court.vault,
        policy=court.policy(),
        confirmed=confirmed | {"redactions"},
        accepted=build_accepted(facts, decided),
        opened=True if resolved else None,
    )
    decide_record(session, row, acting, review)


# Proposals --------------------------------------------------------------------------------------------------------


def _add_proposal_pages(pages: Blueprint, desk: Desk) -> None:
    @reads(pages, "/proposals/<int:proposal_id>", Access.READ)
    def proposal(proposal_id: int) -> str:
        return _show_proposal(desk, proposal_id)

    @acts(pages, "/proposals/<int:proposal_id>", Access.DECIDE)
    def decide(proposal_id: int) -> ResponseValue:
        def carry_out() -> str:
            try:
                record_id = _decide_proposal(desk, proposal_id)
            except _REFUSED as error:
                raise Refused(desk_words(str(error))) from None
            done = "batch-proposal" if request.form.get("verdict") == "accept" else "batch-proposal-not"
            return after("desk.record", done, record_id=record_id)

        return act(lambda problem: _show_proposal(desk, proposal_id, problem), carry_out)


_REFUSED: tuple[type[Exception], ...] = (*REFUSALS, Unanswered)


def _load_proposal(session: Session, proposal_id: int, *, lock: bool = False) -> ProposalRow:
    row = session.get(ProposalRow, proposal_id, with_for_update=lock) if proposal_id <= _LARGEST_ID else None
    if row is None or not session.get_one(BatchRow, row.batch_id).ready:
        abort(404, "没有这份更正建议")
    return row


def _show_proposal(desk: Desk, proposal_id: int, problem: str | None = None) -> str:
    court = desk.court
    with court.session() as session:
        row = _load_proposal(session, proposal_id)
        known = load_row(session, row.record_id)
        batch = session.get_one(BatchRow, row.batch_id)
        before = read_record(known, court.vault)
        proposed = read_facts(row, court.vault, proposal_context(row.record_id))
        may_decide = current().may(Access.DECIDE) and batch.imported_by != current().name and not row.decided
        if may_decide:
            note_opened(session, proposed, current().name, court.vault, desk.now)
        note_read(session, f"proposal/{row.id}", record=known.id)
        return show(
            "proposal",
            problem=problem,
            proposal=row,
            batch=batch,
            row=known,
            record=before,
            differences=list_differences(before.facts, proposed),
            excerpts=build_excerpts(proposed),
            labels=LABELS,
            questions=QUESTIONS if is_asked(proposed) else (),
            answers=find_answers(session, court.vault, proposed, current().name) or {},
            may_decide=may_decide,
        )


def _decide_proposal(desk: Desk, proposal_id: int) -> int:
    """Accept a second version, or leave the record as it is; the record's row number. What is public changes at once."""
    court, form, acting = desk.court, request.form, desk.acting
    verdict = form.get("verdict")
    if verdict not in ("accept", "reject"):
        raise Refused("请选择同意还是不采纳")
    with court.turns.go_ahead(), court.session() as session:
        row = _load_proposal(session, proposal_id, lock=True)
        if row.decided:
            raise Refused("这份更正建议已经决定", 409)
        batch = session.get_one(BatchRow, row.batch_id)
        _refuse_importer(batch)
        if verdict == "reject":
            _reject(session, desk, row, form)
        else:
            proposed = read_facts(row, court.vault, proposal_context(row.record_id))
            review = Review(vault=court.vault, policy=court.policy(), confirmed=_confirmations(proposed, form))
            refusals = decide_proposal(session, row, acting, review)
            if refusals:
                raise NotPermitted("；".join(refusal.reason for refusal in refusals))
        record_id = row.record_id
    court.spread()
    return record_id


def _confirmations(proposed: Facts, form: Mapping[str, str]) -> frozenset[str]:
    confirmed = set()
    if is_asked(proposed) and is_clear(read_answers(form)):
        confirmed.add("art3")
    if form.get("redactions") == "yes":
        confirmed.add("redactions")
    return frozenset(confirmed)


def _reject(session: Session, desk: Desk, row: ProposalRow, form: Mapping[str, str]) -> None:
    """Leave the record as it is. The same version may be proposed again by a later file."""
    reason = read_line(form, "reason", "不采纳的理由", most=200)
    row.decided = True
    detail = {"reason": reason, "line": row.line, "article": "法释〔2017〕7号第九条第二款、第十三条"}
    acting = desk.acting
    audit.note(
        session, acting.now, acting.actor, "proposal_reject", record=row.record_id, batch=row.batch_id, detail=detail
    )


def list_differences(before: Facts, proposed: Facts) -> list[Difference]:
    """The fields in which two versions differ, in the order of the import format."""
    return [
        Difference(label=label, before=write(getattr(before, key), key), after=write(getattr(proposed, key), key))
        for key, label in LABELS.items()
        if getattr(before, key) != getattr(proposed, key)
    ]
