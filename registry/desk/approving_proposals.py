"""Second versions of entries that are here already (更正建议): what differs, and the word of somebody who did not import it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, abort, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import audit
from registry.approving import Review, decide_proposal, note_opened
from registry.checklists import QUESTIONS, Unanswered, find_answers, is_asked, is_clear, read_answers
from registry.departing import NotPermitted
from registry.desk.access import Access
from registry.desk.acts_forms import desk_words, read_reason
from registry.desk.base import DONE, REFUSALS, Desk, act, acts, after, current, note_read, reads, show
from registry.desk.forms import Refused
from registry.desk.record import load_row
from registry.desk.seeing import may_see_ground
from registry.findings import build_excerpts
from registry.intake import LABELS
from registry.preview import write
from registry.record import Facts
from registry.records import proposal_context, read_facts, read_record
from registry.tables import BatchRow, ProposalRow

_LARGEST_ID = 2**31 - 1

DONE.update(
    {
        "batch-proposal": "更正建议已经同意，公众看到的已是更正后的内容。",
        "batch-proposal-not": "更正建议没有采纳，原记录不变。",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A field in which a second version differs from what is here."""

    label: str
    before: str
    after: str


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """GET and POST /proposals/<id>."""

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


def refuse_importer(batch: BatchRow) -> None:
    """Raises Refused where whoever is signed in imported the batch."""
    if batch.imported_by == current().name:
        raise Refused("这一批是您导入的，审核须由另一人办理（法释〔2017〕7号第五条第三款、第十三条）", 403)


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
        # Who may not see the ground of one of the two versions does not see it here either.
        shows_ground = may_see_ground(known, before.facts) and may_see_ground(known, proposed)
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
            differences=list_differences(before.facts, proposed, shows_ground=shows_ground),
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
        refuse_importer(batch)
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
    reason = read_reason(form, "不采纳的理由")
    row.decided = True
    detail = {"reason": reason, "line": row.line, "article": "法释〔2017〕7号第九条第二款、第十三条"}
    acting = desk.acting
    audit.note(
        session, acting.now, acting.actor, "proposal_reject", record=row.record_id, batch=row.batch_id, detail=detail
    )


def list_differences(before: Facts, proposed: Facts, *, shows_ground: bool) -> list[Difference]:
    """The fields in which two versions differ, in the order of the import format; without `shows_ground` not on what ground
    a record is restricted."""
    return [
        Difference(label=label, before=write(getattr(before, key), key), after=write(getattr(proposed, key), key))
        for key, label in LABELS.items()
        if getattr(before, key) != getattr(proposed, key) and (shows_ground or key != "restricted_ground")
    ]
