"""Importing a file: staged in chunks, visible by one small commit, and the same file twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session

from registry import audit
from registry.facts_json import facts_to_json
from registry.intake import Accepted, Ended, Intake, Quarantine, Refused, read_file
from registry.lifecycle import find_stage
from registry.matching import (
    Conflict,
    Foreign,
    Known,
    New,
    Proposal,
    Unchanged,
    Verdict,
    is_same_debtor,
    judge,
    judge_foreign,
)
from registry.policy import Policy
from registry.record import Facts, State
from registry.records import facts_columns, identity_columns, proposal_context, read_facts, source_digest
from registry.sources.book import lock_active
from registry.tables import BatchRow, ProposalRow, RecordRow
from registry.turns import Turns, chunks
from registry.vault import Vault
from search_index.day import day_of
from search_index.modes import make_private

CHUNK = 500
_RETURNS = "该条目曾经退出，名单中又有：审核时请向公布的法院核实"


@dataclass(frozen=True, slots=True)
class Warned:
    """An accepted line that a person should look at, and why (Chinese)."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What became of a file. `batch` is None when the file brought nothing new."""

    batch: int | None
    accepted: int
    proposed: int
    unchanged: int
    warnings: tuple[Warned, ...]
    quarantined: tuple[Refused, ...]
    quarantine_file: Path | None


@dataclass(slots=True)
class _Tally:
    accepted: int = 0
    proposed: int = 0
    unchanged: int = 0
    warnings: list[Warned] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Importer:
    """Brings files into the registry. `folder` is where quarantine files are written (private); `policy` says what
    approval will ask for, and so on which work list each record comes. `foreign` says that the files are of another court's
    list; what they mark as ended is then no fault of theirs (registry/sources/leaving.py takes it down)."""

    engine: Engine
    vault: Vault
    turns: Turns
    folder: Path
    policy: Policy
    foreign: Foreign | None = None

    def run(self, path: Path, actor: str, now: datetime, progress: Callable[[int, int | None], None]) -> ImportReport:
        """Import a file. Raises UnrecognisedFile when it holds nothing that could be read, Busy when another import
        is under way, SourceRefused where the list it belongs to was ended meanwhile. `progress` is told (lines read, total
        or None)."""
        with self.turns.importing():
            self._discard_unfinished()
            intake = read_file(path)
            batch = self._open_batch(intake, actor, now)
            quarantine = self._open_quarantine(intake, f"{now:%Y%m%dT%H%M%S}-{batch}")
            tally = _Tally()
            seen = 0
            for lines in chunks(intake.lines, CHUNK):
                self._stage(batch, actor, now, lines, tally, quarantine)
                seen += len(lines)
                progress(seen, intake.total)
            return self._finish(batch, actor, now, tally, quarantine.close())

    def _open_batch(self, intake: Intake, actor: str, now: datetime) -> int:
        self.turns.step_aside()
        with Session(self.engine) as session, session.begin():
            row = BatchRow(
                ready=False,
                format=intake.format,
                imported_by=actor,
                imported_at=now,
                accepted=0,
                unchanged=0,
                quarantined=0,
            )
            session.add(row)
            session.flush()
            return row.id

    def _open_quarantine(self, intake: Intake, name: str) -> Quarantine:
        make_private(self.folder)
        return Quarantine(intake, self.folder, name)

    def _stage(
        self,
        batch: int,
        actor: str,
        now: datetime,
        lines: list[Accepted | Refused],
        tally: _Tally,
        quarantine: Quarantine,
    ) -> None:
        prepared = [_prepare(line, self.vault, self.foreign) for line in lines if isinstance(line, Accepted)]
        refused = [line for line in lines if isinstance(line, Refused) and not self._is_ended_elsewhere(line)]
        self.turns.step_aside()
        with Session(self.engine) as session, session.begin():
            known = _KnownRecords(session, batch, prepared, self.vault)
            records: list[dict[str, Any]] = []
            proposals: list[dict[str, Any]] = []
            for line in prepared:
                match self._judge(session, line, known):
                    case New(listing):
                        records.append(line.record_row(batch, listing, actor, now, self.vault, self.policy))
                        known.add(line, listing)
                        tally.warnings += line.find_return(listing)
                    case Proposal(record_id):
                        proposals.append(line.proposal_row(batch, record_id, self.vault))
                        known.add_proposal(record_id, line.digest, in_this_file=True)
                    case Unchanged():
                        tally.unchanged += 1
                    case Conflict(name, reason):
                        refused.append(Refused(line=line.line, field=name, reason=reason, raw=line.raw))
                tally.warnings += line.warnings
            if records:
                session.execute(insert(RecordRow), records)
            if proposals:
                session.execute(insert(ProposalRow), proposals)
        tally.accepted += len(records) + len(proposals)
        tally.proposed += len(proposals)
        for item in sorted(refused, key=lambda item: item.line):
            quarantine.add(item)
            tally.refused.append(item.without_raw())

    def _judge(self, session: Session, line: _Line, known: _KnownRecords) -> Verdict:
        found, proposed = known.find(line), known.proposed(line)
        if self.foreign is None:
            return judge(line.facts, line.digest, found, proposed)
        if found is not None and not found.in_this_file and found.source == self.foreign.source:
            # What an earlier file of the list proposed is not what the list says now.
            _drop_proposals(session, found.id, proposed - {line.digest})
        return judge_foreign(line.facts, line.digest, found, proposed, self.foreign)

    def _is_ended_elsewhere(self, line: Refused) -> bool:
        return self.foreign is not None and isinstance(line, Ended) and line.facts is not None

    def _finish(
        self, batch: int, actor: str, now: datetime, tally: _Tally, quarantine_file: Path | None
    ) -> ImportReport:
        self.turns.step_aside()
        with Session(self.engine) as session, session.begin():
            row = session.get_one(BatchRow, batch)
            if self.foreign is not None:
                lock_active(session, self.foreign.source)
            if tally.accepted:
                row.ready = True
                row.accepted, row.unchanged, row.quarantined = tally.accepted, tally.unchanged, len(tally.refused)
                row.quarantine_file = quarantine_file.name if quarantine_file else None
            else:
                session.delete(row)
            counts = {"accepted": tally.accepted, "unchanged": tally.unchanged, "quarantined": len(tally.refused)}
            # A batch that brought nothing is gone, and its number may be another's.
            audit.note(session, now, actor, "import", batch=batch if tally.accepted else None, detail=counts)
        return ImportReport(
            batch=batch if tally.accepted else None,
            accepted=tally.accepted,
            proposed=tally.proposed,
            unchanged=tally.unchanged,
            warnings=tuple(tally.warnings),
            quarantined=tuple(tally.refused),
            quarantine_file=quarantine_file,
        )

    def _discard_unfinished(self) -> None:
        """Remove what a killed import left staged. It was never visible; nobody else imports while we hold the turn."""
        while True:
            self.turns.step_aside()
            with Session(self.engine) as session, session.begin():
                batch = session.scalar(select(BatchRow.id).where(BatchRow.ready.is_(False)).limit(1))
                if batch is None:
                    return
                rows = list(session.scalars(select(RecordRow.id).where(RecordRow.batch_id == batch).limit(CHUNK * 10)))
                session.execute(delete(ProposalRow).where(ProposalRow.batch_id == batch))
                session.execute(delete(RecordRow).where(RecordRow.id.in_(rows)))
                if not rows:
                    session.execute(delete(BatchRow).where(BatchRow.id == batch))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    """A line with everything that can be computed of it before the database is asked."""

    line: int
    facts: Facts
    whole: Mapping[str, Any]
    raw: Any
    warnings: tuple[Warned, ...]
    digest: str
    columns: dict[str, Any]
    foreign: Foreign | None

    def record_row(
        self, batch: int, listing: int, actor: str, now: datetime, vault: Vault, policy: Policy
    ) -> dict[str, Any]:
        return {
            **self.columns,
            **facts_columns(self.whole, vault, self.columns["identity"]),
            "batch_id": batch,
            "line": self.line,
            "source": self.foreign.source if self.foreign else None,
            "state": State.DRAFT.value,
            "listing": listing,
            "source_digest": self.digest,
            "imported_by": actor,
            "changed_at": now,
            "stage": find_stage(State.DRAFT, self.facts, None, policy, day_of(now), is_own=self.foreign is None).value,
        }

    def find_return(self, listing: int) -> list[Warned]:
        """A word on whom another court's list names again after they had left."""
        return [Warned(self.line, _RETURNS)] if listing and self.foreign is not None else []

    def proposal_row(self, batch: int, record_id: int, vault: Vault) -> dict[str, Any]:
        return {
            **facts_columns(self.whole, vault, proposal_context(record_id)),
            "batch_id": batch,
            "line": self.line,
            "record_id": record_id,
            "source_digest": self.digest,
            "decided": False,
        }


def _prepare(line: Accepted, vault: Vault, foreign: Foreign | None) -> _Line:
    whole = facts_to_json(line.facts)
    missing = _missing(line.facts) if foreign is None else ()
    return _Line(
        line=line.line,
        facts=line.facts,
        whole=whole,
        raw=line.raw,
        warnings=tuple(Warned(line.line, reason) for reason in (*line.warnings, *missing)),
        digest=source_digest(whole, vault),
        columns=identity_columns(line.facts, vault),
        foreign=foreign,
    )


def _missing(facts: Facts) -> tuple[str, ...]:
    """What may be missing but should not be (法释〔2017〕7号 art. 7: every entry goes through the national list)."""
    return () if facts.national_reference else ("没有全国名单库编号（national_reference），请录入全国名单库后补填",)


def _drop_proposals(session: Session, record: int, digests: frozenset[str]) -> None:
    if digests:
        which = (
            ProposalRow.record_id == record,
            ProposalRow.source_digest.in_(digests),
            ProposalRow.decided.is_(False),
        )
        session.execute(update(ProposalRow).where(*which).values(decided=True))


class _KnownRecords:
    """What the registry holds of the cases that a chunk is about."""

    def __init__(self, session: Session, batch: int, lines: Iterable[_Line], vault: Vault) -> None:
        self._by_identity: dict[tuple[str, str], Known] = {}
        self._by_likeness: dict[tuple[str, str], dict[str, _Candidate]] = {}
        self._proposed: dict[int, set[str]] = {}
        self._touched: set[int] = set()
        cases, ids = {line.columns["case_key"] for line in lines}, []
        for row in session.scalars(select(RecordRow).where(RecordRow.case_key.in_(cases)).order_by(RecordRow.listing)):
            ids.append(row.id)
            candidate = _Candidate(known=_known(row, batch), facts=partial(read_facts, row, vault, row.identity))
            self._remember(row.case_key, row.identity, row.likeness, candidate)
        # A version that was decided on is not proposed any more, and may be again.
        open_ones = select(ProposalRow).where(ProposalRow.record_id.in_(ids), ProposalRow.decided.is_(False))
        for found in session.scalars(open_ones):
            self.add_proposal(found.record_id, found.source_digest, in_this_file=found.batch_id == batch)

    def find(self, line: _Line) -> Known | None:
        """The newest listing of this debtor in this case; a masked number matches a full one it agrees with."""
        case, identity = line.columns["case_key"], line.columns["identity"]
        known = self._by_identity.get((case, identity))
        alike = self._find_alike(line, case, identity)
        # Who left under one form of the number may have been listed anew under another.
        newer = [item for item in alike if known is None or item.listing > known.listing]
        if newer:
            known = replace(newer[-1], alike=len(newer))
        return replace(known, in_this_file=True) if known and known.id in self._touched else known

    def _find_alike(self, line: _Line, case: str, identity: str) -> list[Known]:
        """The newest listing of each debtor whose number is written otherwise and agrees with this one."""
        written = self._by_likeness.get((case, line.columns["likeness"]), {})
        others = [item for key, item in written.items() if key != identity]
        alike = [item for item in others if is_same_debtor(line.facts, item.facts())]
        return [item.known for item in alike if not any(other.supersedes(item) for other in alike)]

    def proposed(self, line: _Line) -> frozenset[str]:
        known = self.find(line)
        return frozenset(self._proposed.get(known.id, ())) if known else frozenset()

    def add_proposal(self, record_id: int, digest: str, *, in_this_file: bool) -> None:
        self._proposed.setdefault(record_id, set()).add(digest)
        if in_this_file:
            self._touched.add(record_id)

    def add(self, line: _Line, listing: int) -> None:
        known = Known(
            id=-line.line,
            state=State.DRAFT,
            name=line.facts.name,
            listing=listing,
            source_digest=line.digest,
            in_this_file=True,
            departed_on=None,
            departed_ground=None,
            source=line.foreign.source if line.foreign else None,
        )
        columns = line.columns
        candidate = _Candidate(known=known, facts=lambda: line.facts)
        self._remember(columns["case_key"], columns["identity"], columns["likeness"], candidate)

    def _remember(self, case: str, identity: str, likeness: str, candidate: _Candidate) -> None:
        self._by_identity[case, identity] = candidate.known
        self._by_likeness.setdefault((case, likeness), {})[identity] = candidate


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """A record whose number may be that of a line; its facts are opened only where that has to be seen."""

    known: Known
    facts: Callable[[], Facts]

    def supersedes(self, other: _Candidate) -> bool:
        """Whether this is a later listing of the same debtor."""
        return self.known.listing > other.known.listing and is_same_debtor(self.facts(), other.facts())


def _known(row: RecordRow, batch: int) -> Known:
    return Known(
        id=row.id,
        state=State(row.state),
        name=row.facts["name"],
        listing=row.listing,
        source_digest=row.source_digest,
        in_this_file=row.batch_id == batch,
        departed_on=row.departed_on,
        departed_ground=row.departed_ground,
        was_public=row.number is not None,
        source=row.source,
    )
