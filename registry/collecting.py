"""Collecting what the public sent in: each sealed file of the drop folder becomes one matter, once, whatever is killed; but
what a reader in bulk confirms (submission.ACK) is written down with the reader, and becomes none.

A file is taken in one transaction that remembers its digest and registers the matter, and removed afterwards: killed in
between, it is known when it is met again. What cannot be opened is put aside, once, with one audit line. Whoever runs the
portal can put anything into that folder, so nothing of a file is believed that was not checked here.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.attachments import PaperRefused
from registry.drop_folder import (
    BEFORE_ALL,
    Found,
    Unfit,
    alone,
    find_arrival,
    list_oldest,
    move_aside,
    read_file,
    remove,
)
from registry.matters.book import register_matter
from registry.matters.checking import LONGEST_WORDS, Arrival
from registry.matters.content import Content, Note, add_note, read_content
from registry.matters.states import Channel, Claim, MatterKind, MatterRefused
from registry.papers import (
    FOLDER,
    Keeping,
    Offered,
    PaperKind,
    Prepared,
    ScanFailed,
    Scanner,
    add_paper,
    prepare_paper,
    sweep_papers,
)
from registry.reader_acks import AckRefused, take_ack
from registry.records import RecordNotFound, get_row
from registry.sealbox import KeyLost, SealBroken, open_envelope, sweep
from registry.tables import MatterRow, PaperRow, RecordRow, SubmissionRow
from registry.vault import Vault
from search_index.day import day_of
from search_index.number import find_number
from search_index.submission import ACK, LARGEST_ATTACHMENT, Attachment, Submission

MOST_A_PASS = 200
REFUSED_FOLDER = "drop-refused"
_LOCK = "collect.lock"
_KEY = Path("keys") / "submissions.key"
_LONGEST_FIELD = 200
_MOST_ROUNDS = 5

_log = structlog.get_logger("registry")


class CollectingStopped(Exception):
    """Nothing can be collected. The message is for the administrator."""


class Outcome(StrEnum):
    TAKEN = "taken"
    CONFIRMED = "confirmed"
    REPEATED = "repeated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one pass did. `taken` are matters, `confirmed` what readers in bulk confirmed; `repeated` came before; `refused` could not be opened; `waiting` could not be read or scanned
    now and stay; `left` are for the next pass. `busy`: another process is collecting, and nothing was done."""

    taken: int = 0
    confirmed: int = 0
    repeated: int = 0
    refused: int = 0
    waiting: int = 0
    left: int = 0
    busy: bool = False


class Court(Protocol):
    """What collecting needs of a court: `private` is the folder of the registry, `drop` that of what was sent in."""

    @property
    def vault(self) -> Vault: ...
    @property
    def private(self) -> Path: ...
    @property
    def drop(self) -> Path: ...
    def session(self) -> AbstractContextManager[Session]: ...


def collect_submissions(court: Court, acting: Acting, *, scan: Scanner, most: int = MOST_A_PASS) -> Collected:
    """Take what was sent in, the oldest first, `most` files at a time. Raises CollectingStopped, and what the database
    raises; no file keeps the others from being taken."""
    with alone(court.private / _LOCK) as mine:
        if not mine:
            return Collected(busy=True)
        sweep(court.drop, acting.now)
        collector = _Collector(court=court, acting=acting, scan=scan)
        done = _take_all(collector, court.drop, most)
        with court.session() as session:
            sweep_papers(session, court.private / FOLDER, acting.now)
        if done.refused or done.waiting:
            _log.warning("submissions_not_taken", refused=done.refused, waiting=done.waiting)
        return done


def _take_all(collector: _Collector, drop: Path, most: int) -> Collected:
    """What has to wait keeps nothing else waiting: behind it the next ones are taken."""
    done, behind = Collected(), BEFORE_ALL
    for _ in range(_MOST_ROUNDS):
        listed, left = list_oldest(drop, most, behind)
        for changed, name in listed:
            done = _count(done, collector.take(drop / name))
            behind = (changed, name)
        done = replace(done, left=left)
        if not left or done.taken + done.confirmed + done.repeated + done.refused >= most:
            break
    return done


def _count(done: Collected, outcome: Outcome | None) -> Collected:
    match outcome:
        case Outcome.TAKEN:
            return replace(done, taken=done.taken + 1)
        case Outcome.CONFIRMED:
            return replace(done, confirmed=done.confirmed + 1)
        case Outcome.REPEATED:
            return replace(done, repeated=done.repeated + 1)
        case Outcome.REFUSED:
            return replace(done, refused=done.refused + 1)
    return replace(done, waiting=done.waiting + 1)


def knows_submission(session: Session, content: bytes) -> bool:
    """Whether a sealed file was dealt with before."""
    query = select(SubmissionRow.digest).where(SubmissionRow.digest == sha256(content).hexdigest())
    return session.scalar(query) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Collector:
    court: Court
    acting: Acting
    scan: Scanner

    def take(self, path: Path) -> Outcome | None:
        """One file. None: it stays where it is, for a later pass."""
        try:
            found = read_file(path)
            known = self._find_known(found.digest)
            return self._clear_known(path, known) if known is not None else self._open(found)
        except Unfit:
            return self._put_aside(path, sha256(path.name.encode()).hexdigest())
        except (ScanFailed, OSError):
            return None

    def _open(self, found: Found) -> Outcome | None:
        try:
            submission = open_envelope(found.content, self.court.private / _KEY)
            take = self._confirm if submission.kind == ACK else self._register
            outcome = take(found, submission)
        except (SealBroken, MatterRefused, AckRefused):
            return self._put_aside(found.path, found.digest)
        except KeyLost as error:
            # No fault of what was sealed to it: nothing may be put aside for that.
            raise CollectingStopped(str(error)) from None
        remove(found.path)
        return outcome

    def _find_known(self, digest: str) -> str | None:
        with self.court.session() as session:
            return session.scalar(select(SubmissionRow.outcome).where(SubmissionRow.digest == digest))

    def _clear_known(self, path: Path, outcome: str) -> Outcome | None:
        """It was dealt with before, and only its file was left: killed in between, or sent in twice."""
        refused = outcome == Outcome.REFUSED
        gone = move_aside(path, self.court.private / REFUSED_FOLDER) if refused else remove(path)
        # What cannot be cleared away is not counted as done: behind it the others are taken.
        return Outcome.REPEATED if gone else None

    def _register(self, found: Found, submission: Submission) -> Outcome:
        prepared, refusals = self._prepare(found, submission)
        acting, vault = self.acting, self.court.vault
        with self.court.session() as session:
            same = _find_same(session, submission)
            if same is not None and _says_the_same(same, vault, submission):
                self._attach(session, same, prepared, refusals)
                session.add(self._remember(found, Outcome.REPEATED, same.id))
                return Outcome.REPEATED
            row = register_matter(
                session, vault, self._arrival(session, found, submission, is_new=same is None), acting
            )
            self._attach(session, row, prepared, refusals)
            session.add(self._remember(found, Outcome.TAKEN, row.id))
        return Outcome.TAKEN

    def _confirm(self, found: Found, submission: Submission) -> Outcome:
        with self.court.session() as session:
            is_news = take_ack(session, submission.fields, self.acting)
            outcome = Outcome.CONFIRMED if is_news else Outcome.REPEATED
            session.add(self._remember(found, outcome, None))
        return outcome

    def _attach(self, session: Session, row: MatterRow, prepared: list[Prepared], refusals: list[str]) -> None:
        """What the matter does not have yet: a form that is sent again may have more attachments than before."""
        known = set(session.scalars(select(PaperRow.digest).where(PaperRow.matter_id == row.id)))
        new = [paper for paper in prepared if paper.digest not in known]
        for paper in new:
            add_paper(session, self.court.vault, paper, self.acting, matter=row.id)
        for words in refusals:
            note = Note(step="attachment", at=self.acting.now, by=self.acting.actor, words=words)
            add_note(row, self.court.vault, note)

    def _prepare(self, found: Found, submission: Submission) -> tuple[list[Prepared], list[str]]:
        """The attachments that are kept, and of the others why not: the words of a person are not refused for them."""
        keeping = Keeping(folder=self.court.private / FOLDER, scan=self.scan, limit=LARGEST_ATTACHMENT)
        prepared, refusals = [], []
        for number, attachment in enumerate(submission.attachments, start=1):
            try:
                prepared.append(prepare_paper(self.court.vault, _offer(found, number, attachment), keeping))
            except ScanFailed:
                raise
            except PaperRefused as error:
                refusals.append(f"第{number}个附件没有收下：{error}")
        return prepared, refusals

    def _arrival(self, session: Session, found: Found, submission: Submission, *, is_new: bool) -> Arrival:
        fields = submission.fields
        kind = MatterKind(submission.kind)
        claim = fields.get("claim", "")
        return Arrival(
            kind=kind,
            channel=Channel.ONLINE,
            received_on=day_of(find_arrival(submission.received_at, found.at, self.acting.now)),
            content=_content_of(submission),
            record=_find_record(session, fields.get("reference", "")),
            ground=_claim_of(claim) if kind is MatterKind.OBJECTION else None,
            # Somebody else's number, or one that was used for other words: the words count, the number does not.
            receipt=submission.receipt if is_new else None,
            token=submission.token if is_new else None,
        )

    def _remember(self, found: Found, outcome: Outcome, matter: int | None) -> SubmissionRow:
        return SubmissionRow(digest=found.digest, collected_at=self.acting.now, outcome=outcome.value, matter_id=matter)

    def _put_aside(self, path: Path, digest: str) -> Outcome | None:
        with self.court.session() as session:
            if session.get(SubmissionRow, digest) is None:
                session.add(
                    SubmissionRow(
                        digest=digest, collected_at=self.acting.now, outcome=Outcome.REFUSED.value, matter_id=None
                    )
                )
                audit.note(
                    session, self.acting.now, self.acting.actor, "submission_refused", detail={"digest": digest[:16]}
                )
        return Outcome.REFUSED if move_aside(path, self.court.private / REFUSED_FOLDER) else None


def _offer(found: Found, number: int, attachment: Attachment) -> Offered:
    # Where the pass is killed before its transaction, the next one writes to the same place.
    file = sha256(f"{found.digest}/{number}".encode()).hexdigest()[:32]
    return Offered(kind=PaperKind.EVIDENCE, name=attachment.name, content=attachment.content, file=file)


def _content_of(submission: Submission) -> Content:
    """What was filled in, cut to what a matter holds: the portal has refused longer ones already."""
    fields = {name: _clean(value)[:_LONGEST_FIELD] for name, value in submission.fields.items() if name != "words"}
    words = _clean(submission.fields.get("words", ""))[:LONGEST_WORDS].strip() or "（没有填写内容）"
    about = fields.get("about") or fields.get("claim", "")
    return replace(Content.from_fields(fields), words=words, about=about)


def _clean(text: str) -> str:
    """Without characters that no database keeps and no page shows."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(c for c in plain if c in "\n\t" or unicodedata.category(c) not in ("Cc", "Cs"))


_SAID: Mapping[str, Claim] = {Claim.MINOR: Claim.SAYS_MINOR, Claim.DECEASED: Claim.SAYS_DECEASED}


def _claim_of(typed: str) -> Claim:
    """What an objection claims. That somebody is a minor, or has died, hides an entry at once where a person of the court
    registers it; over the net anybody can write it of anybody, so there a person looks at it first."""
    said = _SAID.get(typed, typed)
    return Claim(said) if said in set(Claim) else Claim.OTHER


def _find_record(session: Session, reference: str) -> RecordRow | None:
    """The one entry that was named, if it is certain which: otherwise the clerk will say."""
    if not reference or len(reference) > _LONGEST_FIELD:
        return None
    try:
        row = get_row(session, reference)
    except RecordNotFound:
        return None
    # By a case number alone: another debtor of that case, also one who has left the list, may be the one who writes.
    others = select(RecordRow.id).where(RecordRow.case_key == row.case_key, RecordRow.identity != row.identity)
    by_number = find_number(reference) is not None
    return row if by_number or session.scalar(others.limit(1)) is None else None


def _find_same(session: Session, submission: Submission) -> MatterRow | None:
    query = select(MatterRow).where(or_(MatterRow.receipt == submission.receipt, MatterRow.token == submission.token))
    return session.scalar(query.order_by(MatterRow.id).limit(1))


def _says_the_same(row: MatterRow, vault: Vault, submission: Submission) -> bool:
    return row.kind == submission.kind and read_content(row, vault) == _content_of(submission)
