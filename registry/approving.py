"""The second person's approval of a batch: each record passes the guards of law.md §1.1 or is refused by rule name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter

from sqlalchemy import Engine, Select, func, select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.approval import ALONE, REASONS, SAME_PERSON, Others, Refusal, check
from registry.ending import is_over
from registry.facts_json import facts_to_json
from registry.findings import Excerpt, accept, build_excerpts, describe_version, find_all, needs_opening
from registry.lifecycle import Action, transition
from registry.matching import APPLICANT_REQUEST, end_of_bar, is_same_debtor, likeness_of
from registry.matters.fulfilling import close_corrected
from registry.moving import Draft, Line, move
from registry.policy import Policy
from registry.preparers import find_preparers, say_who_may
from registry.publishing import redisclose
from registry.record import Accepted, Facts, Kind, Record, State
from registry.records import (
    facts_columns,
    identity_columns,
    keep_accepted,
    name_key_of,
    proposal_context,
    read_facts,
    read_record,
)
from registry.tables import BatchRow, OpeningRow, ProposalRow, RecordRow
from registry.turns import Turns
from registry.values import MaskedNumber, OrganisationCode, Uscc
from registry.vault import Vault

CHUNK = 500
_NUMBER_CHANGED = (
    "证件号码与已有记录的不是同一个号码；号码不得更正，确属列错人的应撤销后重新列入（法释〔2017〕7号第九条）"
)


class BatchNotFound(Exception):
    """There is no such batch. The message is for the person who typed the number."""

    def __init__(self, batch: int) -> None:
        super().__init__(f"没有第 {batch} 批：请核对导入时显示的批次号")


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRefusal:
    line: int
    rule: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalReport:
    batch: int
    approved: int
    refused: tuple[LineRefusal, ...]
    findings: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What one person's decision goes by: the rules, and what the person has confirmed ("art3", "redactions").

    `accepted` are the redactions that were resolved one by one; None accepts all that are proposed. `opened` says that
    the reviewer has looked at each; None looks it up. `counts` adds up the proposed redactions by rule. `prepared`
    says of records that were looked up together who prepared them; the others are looked up one by one.
    """

    vault: Vault
    policy: Policy
    confirmed: frozenset[str]
    accepted: Accepted | None = None
    opened: bool | None = None
    counts: Counter[str] | None = None
    prepared: Mapping[int, frozenset[str]] = field(default_factory=dict)

    def accept(self, facts: Facts) -> Accepted:
        """The redactions that are kept with these facts."""
        return accept(facts) if self.accepted is None else self.accepted

    def find_preparers(self, session: Session, row: RecordRow) -> frozenset[str]:
        """Everybody who prepared the record, and so does not approve it."""
        return self.prepared.get(row.id) or find_preparers(session, [row])[row.id]

    def check(self, session: Session, record: Record, acting: Acting) -> tuple[Refusal, ...]:
        """Every guard that stands against `record` on the word of `acting`."""
        if self.counts is not None:
            self.counts.update(finding.rule for finding in find_all(record.facts))
        opened = is_opened(session, record.facts, acting.actor, self.vault) if self.opened is None else self.opened
        return check(
            record,
            approver=acting.actor,
            today=acting.today,
            policy=self.policy,
            confirmed=self.confirmed,
            opened=opened,
            others=_find_others(session, record, self.vault) if record.state is State.DRAFT else ALONE,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Approver:
    """Decides the records of a batch on one person's word."""

    engine: Engine
    vault: Vault
    turns: Turns
    policy: Policy
    confirmed: frozenset[str]

    def run(self, batch: int, acting: Acting, progress: Callable[[int, int | None], None]) -> ApprovalReport:
        """Approve what may be approved of a batch. Raises BatchNotFound."""
        total = self._count(batch)
        refused: list[LineRefusal] = []
        findings: Counter[str] = Counter()
        approved = done = after = 0
        review = Review(vault=self.vault, policy=self.policy, confirmed=self.confirmed, counts=findings)
        while True:
            self.turns.step_aside()
            with Session(self.engine) as session, session.begin():
                rows = list(session.scalars(_drafts(batch, after)))
                if not rows:
                    break
                after = rows[-1].id
                some = replace(review, prepared=find_preparers(session, rows))
                for row in rows:
                    refusals = decide_record(session, row, acting, some)
                    refused.extend(_line_refusals(row.line, refusals))
                    approved += not refusals
            done += len(rows)
            progress(done, total)
        with Session(self.engine) as session, session.begin():
            for proposal in list(session.scalars(_proposals(batch))):
                refusals = decide_proposal(session, proposal, acting, review)
                refused.extend(_line_refusals(proposal.line, refusals))
                approved += not refusals
        progress(total, total)
        refused.sort(key=lambda refusal: refusal.line)
        return ApprovalReport(batch=batch, approved=approved, refused=tuple(refused), findings=dict(findings))

    def _count(self, batch: int) -> int:
        with Session(self.engine) as session, session.begin():
            row = session.get(BatchRow, batch)
            if row is None or not row.ready:
                raise BatchNotFound(batch)
            query = select(func.count()).select_from(RecordRow)
            return session.scalar(query.where(RecordRow.batch_id == batch, RecordRow.state == State.DRAFT.value)) or 0


def decide_record(session: Session, row: RecordRow, acting: Acting, review: Review) -> tuple[Refusal, ...]:
    """Approve a draft on the word of `acting`, or say why not; empty when it is approved.

    Raises NotAllowed where the record is no draft.
    """
    record = replace(read_record(row, review.vault), prepared_by=review.find_preparers(session, row))
    transition(record.state, Action.APPROVE)
    refusals = review.check(session, record, acting)
    if refusals:
        return _name_others(session, refusals, record)
    keep_accepted(row, record.facts, review.accept(record.facts), review.vault)
    row.approved_by, row.approved_at = acting.actor, acting.now
    # What the approver answers for by approving: nobody is listed without it.
    answered = {
        "decision_number": record.facts.decision_number,
        "decided_on": str(record.facts.decided_on),
        "decision_signed": "审核人确认决定书已由院长签发（法释〔2017〕7号第五条第三款）",
    }
    if record.origin is not None:
        answered = {"source": row.source, "court": record.origin.court}
    decision = {
        **answered,
        "policy": review.policy.version,
        "confirmed": sorted(review.confirmed),
    }
    move(session, row, Action.APPROVE, acting, Line(batch=row.batch_id, detail=decision))
    return ()


def decide_proposal(session: Session, proposal: ProposalRow, acting: Acting, review: Review) -> tuple[Refusal, ...]:
    """Apply a proposed second version: a correction of what is public, or the new text of what is not yet; empty when it
    was applied."""
    row = session.get_one(RecordRow, proposal.record_id, with_for_update=True)
    record = read_record(row, review.vault)
    if record.state.has_departed:
        return (Refusal(rule="departed", reason="该记录已退出名单，不能更正"),)
    if is_over(row, review.policy, acting.now):
        return (Refusal(rule="term_over", reason=REASONS["term_over"]),)
    batch = session.get_one(BatchRow, proposal.batch_id)
    facts = _keep_known(read_facts(proposal, review.vault, proposal_context(row.id)), record.facts)
    if not is_same_debtor(facts, record.facts):
        return (Refusal(rule="number_changed", reason=_NUMBER_CHANGED),)
    proposed = replace(record.with_facts(facts, acting.now), imported_by=batch.imported_by)
    # What becomes a draft by it is approved as a whole, so nobody who prepared the rest of it agrees to this.
    if transition(record.state, Action.CORRECT).state is State.DRAFT:
        proposed = replace(proposed, prepared_by=review.find_preparers(session, row))
    refusals = review.check(session, proposed, acting)
    if refusals:
        return _name_others(session, refusals, proposed)
    proposal.decided = True
    row.source_digest, row.imported_by = proposal.source_digest, batch.imported_by
    corrected = correct_row(session, row, proposed, acting, review, batch=batch.id)
    redisclose(session, row, corrected, review.policy, acting, before=record)
    if State(row.state) is State.DRAFT:
        return decide_record(session, row, acting, replace(review, counts=None))
    return ()


def _name_others(session: Session, refusals: tuple[Refusal, ...], record: Record) -> tuple[Refusal, ...]:
    """The same refusals; that of four eyes says who may."""
    if not any(one.rule == SAME_PERSON for one in refusals):
        return refusals
    who = say_who_may(session, {record.imported_by, *record.prepared_by})
    return tuple(replace(one, reason=f"{one.reason}；{who}") if one.rule == SAME_PERSON else one for one in refusals)


def correct_row(
    session: Session, row: RecordRow, record: Record, acting: Acting, review: Review, batch: int | None = None
) -> Record:
    """Put a record's new facts into its row and the state where they belong, with the audit line; the record as it is
    now, with the redactions of its new texts. Objections that asked for this correction are closed by it (art. 12 ¶1).

    `batch` is the import that brought the facts, None for what the actor typed. The actor answers for what is public or
    approved from now on; a draft waits for whoever approves it.
    """
    state = transition(State(row.state), Action.CORRECT).state
    # A masked number that was completed makes the debtor known by the full one from now on.
    for name, value in identity_columns(record.facts, review.vault).items():
        setattr(row, name, value)
    # A draft's are accepted when it is approved.
    kept = None if state is State.DRAFT else review.accept(record.facts)
    if kept is not None:
        row.approved_by, row.approved_at = acting.actor, acting.now
    before, columns = row.facts, facts_columns(facts_to_json(record.facts), review.vault, row.identity, kept)
    row.facts, row.sealed = columns["facts"], columns["sealed"]
    changed = sorted(key for key in row.facts.keys() | before.keys() if row.facts.get(key) != before.get(key))
    line = Line(batch=batch, detail={"fields": changed})
    move(session, row, Action.CORRECT, acting, line, draft=Draft(facts=record.facts, policy=review.policy))
    close_corrected(session, review.vault, row, record.facts, acting)
    return replace(record, state=state, approved_by=row.approved_by, redactions=kept)


def _find_others(session: Session, record: Record, vault: Vault) -> Others:
    return Others(leads_unit=leads_unit(session, record), too_soon=is_too_soon(session, record, vault))


def is_too_soon(session: Session, record: Record, vault: Vault) -> bool:
    """Whether this debtor, under whatever case number of the same basis, was removed at the applicant's request not six
    months before this was decided (art. 10 ¶4). Whom a masked number may mean is taken for the same."""
    facts = record.facts
    if facts.decided_on is None:
        return False
    query = select(RecordRow.departed_on, RecordRow.facts).where(
        RecordRow.name_key == name_key_of(facts.name),
        RecordRow.departed_ground == APPLICANT_REQUEST,
        RecordRow.likeness == vault.digest(likeness_of(facts)),
        RecordRow.id != record.id,
    )
    with session.no_autoflush:
        others = session.execute(query).all()
    return any(
        departed_on is not None
        and other.get("basis_number") == facts.basis_number
        and facts.decided_on <= end_of_bar(departed_on)
        for departed_on, other in others
    )


def leads_unit(session: Session, record: Record) -> bool:
    """Whether an organisation that is or may be listed in the same case names this person as its legal representative
    (法发〔2019〕35号: who leads a unit is not listed because the unit is)."""
    facts = record.facts
    if facts.kind is not Kind.PERSON:
        return False
    query = select(RecordRow.state, RecordRow.facts).where(
        RecordRow.case_key == facts.case_number.key, RecordRow.id != record.id
    )
    # What this approval has decided so far changes nothing of the answer: it is written chunk by chunk, not row by row.
    with session.no_autoflush:
        others = session.execute(query).all()
    return any(
        other.facts["kind"] == Kind.ORGANISATION.value
        and other.facts.get("legal_representative") == facts.name
        and not State(other.state).has_departed
        for other in others
    )


def _keep_known(incoming: Facts, known: Facts) -> Facts:
    """The proposed version with what it shows less of than the record does."""
    facts = _keep_full_number(incoming, known)
    # Filled in by hand: the case system and the national list have no such field, so their silence says nothing.
    return replace(facts, latin_name=known.latin_name) if facts.latin_name is None else facts


def _keep_full_number(incoming: Facts, known: Facts) -> Facts:
    """A masked version never replaces a full number that it agrees with, nor an old code the unified one."""
    if isinstance(incoming.id_number, MaskedNumber) and not isinstance(known.id_number, MaskedNumber):
        return replace(incoming, id_number=known.id_number)
    if isinstance(incoming.uscc, OrganisationCode) and isinstance(known.uscc, Uscc):
        return replace(incoming, uscc=known.uscc)
    return incoming


def is_opened(session: Session, facts: Facts, reader: str, vault: Vault) -> bool:
    """Whether `reader` has been shown each redaction proposed for this version; True where none is doubtful."""
    if not needs_opening(find_all(facts)):
        return True
    opening = select(OpeningRow.id).where(OpeningRow.version == _version(facts, vault), OpeningRow.reader == reader)
    return session.scalar(opening) is not None


def note_opened(session: Session, facts: Facts, reader: str, vault: Vault, now: datetime) -> None:
    """Keep that `reader` has been shown the redactions proposed for this version, if any of them is doubtful."""
    if not is_opened(session, facts, reader, vault):
        session.add(OpeningRow(version=_version(facts, vault), reader=reader, at=now))
        session.flush()


def _version(facts: Facts, vault: Vault) -> str:
    return vault.digest(describe_version(facts))


def open_findings(
    session: Session, vault: Vault, batch: int, reader: str | None, now: datetime
) -> list[tuple[int, Excerpt]]:
    """Every proposed redaction of a batch, by line; `reader` is noted as having been shown them. Raises BatchNotFound."""
    found = session.get(BatchRow, batch)
    if found is None or not found.ready:
        raise BatchNotFound(batch)
    rows = session.scalars(select(RecordRow).where(RecordRow.batch_id == batch))
    facts = [(row.line, read_facts(row, vault, row.identity)) for row in rows]
    proposals = session.scalars(_proposals(batch))
    facts += [(row.line, read_facts(row, vault, proposal_context(row.record_id))) for row in proposals]
    facts.sort(key=itemgetter(0))
    if reader:
        for _, known in facts:
            note_opened(session, known, reader, vault, now)
    return [(line, excerpt) for line, known in facts for excerpt in build_excerpts(known)]


def _line_refusals(line: int, refusals: tuple[Refusal, ...]) -> list[LineRefusal]:
    """The one refusal that a line is reported with, named after the first rule; none where there is none."""
    reasons = "；".join(refusal.reason for refusal in refusals)
    return [LineRefusal(line=line, rule=refusals[0].rule, reason=reasons)] if refusals else []


def _drafts(batch: int, after: int) -> Select[RecordRow]:
    return (
        select(RecordRow)
        .where(RecordRow.batch_id == batch, RecordRow.state == State.DRAFT.value, RecordRow.id > after)
        .order_by(RecordRow.id)
        .limit(CHUNK)
        .with_for_update()
    )


def _proposals(batch: int) -> Select[ProposalRow]:
    return (
        select(ProposalRow)
        .where(ProposalRow.batch_id == batch, ProposalRow.decided.is_(False))
        .order_by(ProposalRow.line)
        .with_for_update()
    )
