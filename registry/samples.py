"""The sample check before a batch is approved as a whole: some records drawn by chance, each looked at by the reviewer.

Nothing in the law asks for it; it is what makes a reviewer's word for hundreds of records (法释〔2017〕7号 art. 5 ¶3, art. 13)
worth something. A record that changed after it was checked is open again; one that was found wanting stops the batch until it
was put right and checked once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from random import Random

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry import audit
from registry.acting import Acting
from registry.lifecycle import Stage
from registry.record import State
from registry.tables import RecordRow, SampleRow

FEWEST = 5
MOST = 30
_PERCENT = 5
# The work lists of drafts: counting by them needs no row to be read.
_DRAFTS = (Stage.COMPLETING.value, Stage.SERVING.value, Stage.APPROVING.value)


class SampleVerdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"


VERDICT_LABEL = {SampleVerdict.PASSED: "合格", SampleVerdict.FAILED: "不合格"}


class NotSampled(ValueError):
    """The batch cannot be approved as a whole yet, or the record is not in the sample. The message says what is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A record of the sample. `verdict` is None where it was not checked yet, or changed since it was."""

    record_id: int
    line: int
    verdict: SampleVerdict | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleState:
    """Where a reviewer's sample of a batch stands. `needed` is how many must be in it."""

    needed: int
    drawn: tuple[Drawn, ...]

    @property
    def is_drawn(self) -> bool:
        return bool(self.needed) and len(self.drawn) >= self.needed

    @property
    def open(self) -> tuple[Drawn, ...]:
        return tuple(one for one in self.drawn if one.verdict is None)

    @property
    def failed(self) -> tuple[Drawn, ...]:
        return tuple(one for one in self.drawn if one.verdict is SampleVerdict.FAILED)

    @property
    def has_passed(self) -> bool:
        return self.is_drawn and not self.open and not self.failed

    def refuse_unfinished(self) -> None:
        """Raises NotSampled unless the whole sample was found in order."""
        if not self.is_drawn:
            raise NotSampled(f"整批审核之前须先抽查：应抽取{self.needed}条，请先抽取样本")
        if self.failed:
            lines = "、".join(f"第{one.line}行" for one in self.failed)
            raise NotSampled(f"抽查不合格（{lines}）：不能整批审核，请更正后重新抽查，或者逐条审核")
        if self.open:
            raise NotSampled(f"抽取的{len(self.drawn)}条中还有{len(self.open)}条没有查看，请逐条查看并登记结果")


def size_of(total: int) -> int:
    """How many of `total` records are drawn: five in a hundred, at least five, at most thirty, never more than there are."""
    share = -(-total * _PERCENT // 100)
    return min(total, MOST, max(FEWEST, share))


def judge(
    checked_at: datetime | None, verdict: str | None, changed_at: datetime, *, is_draft: bool
) -> SampleVerdict | None:
    """What a check is worth by now: nothing where the draft changed after it."""
    if checked_at is None or verdict is None or (is_draft and changed_at > checked_at):
        return None
    return SampleVerdict(verdict)


def read_sample(session: Session, batch: int, reader: str, left: int | None = None) -> SampleState:
    """Where `reader`'s sample of the batch stands. `left` is how many drafts the batch has, where that was counted."""
    query = (
        select(SampleRow, RecordRow.line, RecordRow.changed_at, RecordRow.state)
        .join(RecordRow, RecordRow.id == SampleRow.record_id)
        .where(SampleRow.batch_id == batch, SampleRow.reader == reader)
        .order_by(RecordRow.line)
    )
    found = [
        (
            Drawn(
                record_id=row.record_id,
                line=line,
                verdict=judge(row.checked_at, row.verdict, changed_at, is_draft=state == State.DRAFT.value),
            ),
            state == State.DRAFT.value,
        )
        for row, line, changed_at, state in session.execute(query)
    ]
    # What was dealt with by itself needs no check any more, and a bad one among them does not stop the rest.
    drawn = tuple(one for one, is_draft in found if is_draft or one.verdict is SampleVerdict.PASSED)
    if left is None:
        drafts = (RecordRow.batch_id == batch, RecordRow.stage.in_(_DRAFTS))
        left = session.scalar(select(func.count()).select_from(RecordRow).where(*drafts))
    return SampleState(needed=size_of(left or 0), drawn=drawn)


def draw_sample(session: Session, batch: int, acting: Acting, random: Random) -> Sequence[int]:
    """Draw what the sample of `acting.actor` still lacks from the drafts of the batch; the records drawn now."""
    state = read_sample(session, batch, acting.actor)
    have = {one.record_id for one in state.drawn}
    drafts = select(RecordRow.id).where(RecordRow.batch_id == batch, RecordRow.state == State.DRAFT.value)
    rest = [found for found in session.scalars(drafts.order_by(RecordRow.id)) if found not in have]
    drawn = sorted(random.sample(rest, min(len(rest), max(0, state.needed - len(have)))))
    session.add_all(
        SampleRow(batch_id=batch, reader=acting.actor, record_id=record, drawn_at=acting.now) for record in drawn
    )
    session.flush()
    if drawn:
        audit.note(session, acting.now, acting.actor, "sample", batch=batch, detail={"records": drawn})
    return drawn


def find_sampled(session: Session, record: int, reader: str) -> SampleRow | None:
    """That a record is in the sample of `reader`."""
    query = select(SampleRow).where(SampleRow.record_id == record, SampleRow.reader == reader)
    return session.scalar(query.order_by(SampleRow.id.desc()).limit(1))


def note_checked(session: Session, row: RecordRow, verdict: SampleVerdict, acting: Acting) -> None:
    """Keep what `acting.actor` found of a record of the sample. Raises NotSampled where it is in none of theirs, or where
    what was found wanting is to pass as it was."""
    sampled = find_sampled(session, row.id, acting.actor)
    if sampled is None:
        raise NotSampled("该记录不在您抽取的样本中")
    is_draft = row.state == State.DRAFT.value
    before = judge(sampled.checked_at, sampled.verdict, row.changed_at, is_draft=is_draft)
    if before is SampleVerdict.FAILED and verdict is SampleVerdict.PASSED:
        raise NotSampled("该记录抽查不合格，登记以后没有更正过：请更正后重新抽查，或者逐条审核")
    sampled.checked_at, sampled.verdict = acting.now, verdict.value
    session.flush()
    detail = {"verdict": verdict.value}
    audit.note(session, acting.now, acting.actor, "sample_check", record=row.id, batch=sampled.batch_id, detail=detail)
