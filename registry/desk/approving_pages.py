"""Batches: what each holds, what stands in the way of approving it, the sample check, and the second person's word.

Whoever imported, or prepared, a record never approves it: the registry asks for it record by record, and so it holds for the
whole batch too (法释〔2017〕7号 art. 5 ¶3, art. 13).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from flask import Blueprint, abort, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.acting import Acting
from registry.approval import check
from registry.approving import Review, decide_record
from registry.departing import NotPermitted
from registry.desk import approving_proposals
from registry.desk.access import Access
from registry.desk.acts_carry import confirmed_by
from registry.desk.acts_forms import desk_words
from registry.desk.approving_proposals import refuse_importer
from registry.desk.base import DONE, REFUSALS, Court, Desk, act, acts, after, current, note_read, reads, show
from registry.desk.forms import Refused, read_choice
from registry.desk.intake_jobs import DONE as ENDED
from registry.desk.intake_jobs import FOLDER, Job, JobBook, open_job, start
from registry.desk.record import load_row
from registry.findings import build_excerpts
from registry.lifecycle import STAGE_LABEL, Stage
from registry.policy import Policy
from registry.record import State
from registry.records import read_facts, read_record
from registry.resolutions import build_accepted, has_open_high, read_resolutions
from registry.samples import NotSampled, SampleState, SampleVerdict, draw_sample, note_checked, read_sample
from registry.sources.origin import find_origin
from registry.tables import BatchRow, ProposalRow, RecordRow
from registry.turns import chunks

# Each of a page is judged, and its texts are read by the detector.
SHOWN = 20
CHUNK = 100
_LARGEST_ID = 2**31 - 1

DONE.update(
    {
        "batch-drawn": "样本已经抽取，请逐条查看并登记结果。",
        "batch-checked-sample": "抽查结果已经登记。",
        "batch-begun": "正在整批审核。",
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


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET /batches/<id>; POST of its sample and approval, and those of its proposals."""
    book = JobBook(desk.court.private / FOLDER)

    @reads(pages, "/batches/<int:batch_id>", Access.READ)
    def batch(batch_id: int) -> str:
        return _show_batch(desk, batch_id)

    @acts(pages, "/batches/<int:batch_id>/sample", Access.DECIDE)
    def draw(batch_id: int) -> ResponseValue:
        def carry_out() -> str:
            with desk.court.session() as session:
                refuse_importer(_load_batch(session, batch_id))
                draw_sample(session, batch_id, desk.acting, desk.random)
            return after("desk.batch", "batch-drawn", batch_id=batch_id)

        return act(lambda problem: _show_batch(desk, batch_id, problem), carry_out)

    @acts(pages, "/batches/<int:batch_id>/approve", Access.DECIDE)
    def approve_batch(batch_id: int) -> ResponseValue:
        def carry_out() -> str:
            return _begin_batch(desk, book, batch_id)

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

    approving_proposals.add_pages(pages, desk)


# Batches ----------------------------------------------------------------------------------------------------------


def _load_batch(session: Session, batch_id: int) -> BatchRow:
    row = session.get(BatchRow, batch_id) if batch_id <= _LARGEST_ID else None
    if row is None or not row.ready:
        abort(404, "没有这一批")
    return row


def _refuse_unresolved(session: Session, desk: Desk, row: RecordRow, verdict: SampleVerdict) -> None:
    """A record is not found in order while a redaction of it that the detector is sure of was not decided."""
    facts = read_record(row, desk.court.vault).facts
    decided = read_resolutions(session, desk.court.vault, facts, current().name)
    if verdict is SampleVerdict.PASSED and has_open_high(facts, decided):
        raise NotSampled("该记录还有把握较高的遮盖建议没有决定，请先逐条决定（法释〔2016〕19号第八条至第十一条）")


def _show_batch(desk: Desk, batch_id: int, problem: str | None = None) -> str:
    court, reader = desk.court, current().name
    policy = court.policy()
    typed = request.args.get("after", "")
    after_id = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 10 else 0
    with court.session() as session:
        batch = _load_batch(session, batch_id)
        counts = _count_stages(session, batch_id)
        drafts = sum(counts.get(stage.value, 0) for stage in (Stage.COMPLETING, Stage.SERVING, Stage.APPROVING))
        sample = read_sample(session, batch_id, reader, drafts)
        rows = list(
            session.scalars(
                select(RecordRow)
                .where(RecordRow.batch_id == batch_id, RecordRow.id > min(after_id, _LARGEST_ID))
                .order_by(RecordRow.id)
                .limit(SHOWN + 1)
            )
        )
        lines = [_line(session, desk, row, sample, policy) for row in rows[:SHOWN]]
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
            drafts=drafts,
            origin=next((find_origin(row) for row in rows if row.source is not None), None),
        )


def _count_stages(session: Session, batch_id: int) -> Mapping[str, int]:
    counted = select(RecordRow.stage, func.count()).where(RecordRow.batch_id == batch_id).group_by(RecordRow.stage)
    counts: dict[str, int] = {}
    for stage, count in session.execute(counted):
        counts[stage] = count
    return counts


def _line(session: Session, desk: Desk, row: RecordRow, sample: SampleState, policy: Policy) -> DraftLine:
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
            record, approver=reader, today=desk.today, policy=policy, confirmed=confirmed, opened=resolved
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


def _begin_batch(desk: Desk, book: JobBook, batch_id: int) -> str:
    """Approve a batch beside the pages, once its sample was found in order; the address that tells how far it is.
    Raises Refused or NotSampled."""
    if request.form.get("signed") != "yes":
        raise Refused("请确认各份决定书均已由院长签发（法释〔2017〕7号第五条第三款）")
    with desk.court.session() as session:
        refuse_importer(_load_batch(session, batch_id))
        read_sample(session, batch_id, current().name).refuse_unfinished()
    job = replace(open_job(book, "approve", current().name, desk.now, desk.random), batch=batch_id)
    book.forget_old(job.name)
    start(book, job, partial(_approve_batch, desk), _explain)
    return after("desk.intake_job", "batch-begun", name=job.name)


def _approve_batch(desk: Desk, job: Job, progress: Callable[[int, int | None], None]) -> Job:
    """Approve what may be approved. Each record passes the same guards as one that is approved by itself. Raises NotSampled
    or NotPermitted before anything is approved."""
    court, reader, batch = desk.court, job.actor, job.batch or 0
    with court.session() as session:
        read_sample(session, batch, reader).refuse_unfinished()
        drafts = select(RecordRow.id).where(RecordRow.batch_id == batch, RecordRow.state == State.DRAFT.value)
        ids = list(session.scalars(drafts.order_by(RecordRow.id)))
        undecided = [line for found in ids if (line := _line_of_open_high(session, court, found, reader))]
    if undecided:
        lines = "、".join(f"第{line}行" for line in undecided[:20])
        raise NotPermitted(
            f"还有{len(undecided)}条记录的遮盖建议（把握较高的）没有决定：{lines}。"
            "请先逐条决定，再整批审核（法释〔2016〕19号第八条至第十一条）"
        )
    policy, acting = court.policy(), court.acting(reader)
    refused: list[tuple[int, str, str]] = []
    done = 0
    for some in chunks(ids, CHUNK):
        court.turns.step_aside()
        with court.session() as session:
            for found in some:
                refused += _approve_one(session, desk, found, policy, acting)
        done += len(some)
        progress(done, len(ids))
    return replace(
        job, state=ENDED, done=done, accepted=done - len(refused), quarantined=len(refused), refused=tuple(refused)
    )


def _line_of_open_high(session: Session, court: Court, record_id: int, reader: str) -> int | None:
    row = session.get_one(RecordRow, record_id)
    facts = read_facts(row, court.vault, row.identity)
    decided = read_resolutions(session, court.vault, facts, reader)
    return row.line if has_open_high(facts, decided) else None


def _approve_one(
    session: Session, desk: Desk, record_id: int, policy: Policy, acting: Acting
) -> list[tuple[int, str, str]]:
    """Approve one record of a batch, or say why not: its line, the rule, and the reasons."""
    vault = desk.court.vault
    row = session.get_one(RecordRow, record_id, with_for_update=True)
    if State(row.state) is not State.DRAFT:
        return []
    facts = read_facts(row, vault, row.identity)
    confirmed, resolved = confirmed_by(session, desk, facts, acting.actor)
    decided = read_resolutions(session, vault, facts, acting.actor)
    # What is doubtful and undecided is redacted; the reviewer must have been shown it all the same (opened: looked up).
    review = Review(
        vault=vault,
        policy=policy,
        confirmed=confirmed | {"redactions"},
        accepted=build_accepted(facts, decided),
        opened=True if resolved else None,
    )
    refusals = decide_record(session, row, acting, review)
    reasons = "；".join(desk_words(refusal.reason) for refusal in refusals)
    return [(row.line, "", reasons)] if refusals else []


def _explain(error: Exception) -> str:
    if isinstance(error, (*REFUSALS, NotSampled)):
        return desk_words(str(error))
    return "磁盘、数据库或者程序出错，没有办完：请稍后再试，仍不行的告诉系统管理员"
