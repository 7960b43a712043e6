"""Publishing what is due and ending what has ended: the gate decides, the journal records, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from random import Random

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from registry import journal
from registry.acting import SYSTEM, Acting
from registry.alarms import tell
from registry.clocks import AlarmKind
from registry.ending import end_record
from registry.gate import VERSION as GATE_VERSION
from registry.gate import Withheld, WithholdReason, article_of, disclose
from registry.lifecycle import Action
from registry.matters.verifying import tell_missed
from registry.moving import Draft, Line, await_confirmation, follow_departures, keep_stage, move
from registry.policy import Policy
from registry.record import Record, State
from registry.records import read_record
from registry.redaction import VERSION
from registry.sources.replacing import replace_foreign
from registry.tables import DecisionRow, RecordRow
from registry.undecided import find_undecided
from registry.vault import Vault
from search_index.document import Document
from search_index.journal import ChangeType, EntryChange
from search_index.number import draw_number

CHUNK = 500
# Whoever these are said of is shown here by no list: the others only say that the own record has to wait.
_NEVER_SHOWN = frozenset({WithholdReason.RESTRICTED, WithholdReason.MINOR, WithholdReason.TERM_ENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What one chunk did, and the record id to go on after; `last` is None when nothing is left."""

    published: int = 0
    last: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publisher:
    vault: Vault
    policy: Policy
    random: Random

    def publish_some(self, session: Session, after: int, acting: Acting) -> Step:
        """Pass the next approved records through the gate. What it withholds stays inside and is tried again when
        it may have become due; what is restricted is set apart."""
        query = (
            select(RecordRow)
            .where(RecordRow.state == State.APPROVED.value, RecordRow.id > after)
            .order_by(RecordRow.id)
            .limit(CHUNK)
            .with_for_update()
        )
        rows = list(session.scalars(query))
        # What may have to leave is not shown first: somebody decides the ground, or finds that there is none.
        undecided = find_undecided(session, [row.id for row in rows])
        changes = self._publish(session, [row for row in rows if row.id not in undecided], acting)
        return Step(published=len(changes), last=rows[-1].id if len(rows) == CHUNK else None)

    def publish_row(self, session: Session, row: RecordRow, acting: Acting) -> journal.Change | None:
        """Publish one approved record now if the gate lets it through."""
        if find_undecided(session, [row.id]):
            return None
        return next(iter(self._publish(session, [row], acting)), None)

    def _publish(self, session: Session, rows: Sequence[RecordRow], acting: Acting) -> list[journal.Change]:
        acting = by_system(acting)
        judged = [(row, self._disclose(session, row, acting)) for row in rows]
        disclosed = [(row, found) for row, found in judged if isinstance(found, Document)]
        settled = [row for row, found in judged if isinstance(found, Document) or found in _NEVER_SHOWN]
        replace_foreign(session, self.vault, [row for row in settled if row.source is None], acting)
        # Only what goes out draws: what stays inside must leave no trace, not even in the numbers of others.
        fresh = iter(self._draw(session, sum(row.number is None for row, _ in disclosed)))
        numbered = [(row, replace(document, record=row.number or next(fresh))) for row, document in disclosed]
        stamp = stamp_of(self.policy)
        changes = [self._show(session, row, document, stamp, acting) for row, document in numbered]
        journal.append_changes(session, acting.now, changes)
        # An objection may have come in before: the units learn of it with the entry (香格里拉市 四（二）3).
        tell_missed(session, acting, [row.id for row, _ in numbered])
        return changes

    def _disclose(self, session: Session, row: RecordRow, acting: Acting) -> Document | WithholdReason:
        record = read_record(row, self.vault)
        record = replace(record, published_on=record.published_on or acting.today, changed_at=acting.now)
        match disclose(record, self.policy, acting.today):
            case Document() as document:
                return document
            case Withheld(reason=reason):
                self._keep_inside(session, row, record, reason, acting)
                return reason

    def _show(self, session: Session, row: RecordRow, document: Document, stamp: str, acting: Acting) -> journal.Change:
        line = Line(detail={"number": document.record, "policy": stamp})
        step = move(session, row, Action.PUBLISH, acting, line)
        row.number, row.published_on = document.record, document.published_on
        row.visible_until, row.policy = document.visible_until, stamp
        return journal.Change(type=step.change or ChangeType.PUBLISHED, record=document.record, document=document)

    def _keep_inside(
        self, session: Session, row: RecordRow, record: Record, reason: WithholdReason, acting: Acting
    ) -> None:
        line = _withheld(reason)
        if reason is WithholdReason.RESTRICTED:
            move(session, row, Action.RESTRICT, acting, line)
        elif reason is WithholdReason.TERM_ENDED:
            end_record(session, row, self.policy, acting, line)
        elif reason is WithholdReason.UNRESOLVED:
            # Found only after the approval: a reviewer has to see it.
            move(session, row, Action.CORRECT, acting, line, draft=Draft(facts=record.facts, policy=self.policy))
        else:
            # Its time of grace may be over, and something else stand against it.
            keep_stage(row, acting.today)

    def _draw(self, session: Session, count: int) -> list[str]:
        """Numbers that no record has."""
        drawn: dict[str, None] = {}
        while len(drawn) < count:
            fresh = [draw_number(self.random) for _ in range(count - len(drawn))]
            taken = set(session.scalars(select(RecordRow.number).where(RecordRow.number.in_(fresh))))
            drawn.update(dict.fromkeys(number for number in fresh if number not in taken))
        return list(drawn)


def by_system(acting: Acting) -> Acting:
    """The same moment, when the law's clock or the gate acts and no person."""
    return replace(acting, actor=SYSTEM)


def redisclose(
    session: Session,
    row: RecordRow,
    record: Record,
    policy: Policy,
    acting: Acting,
    *,
    before: Record | None = None,
) -> Sequence[EntryChange]:
    """After a change of a published record, or of the rules, tell the public what it now may see of it.

    `before` is the record without the change. When the gate now withholds it, the entry is taken down: it must not
    stay as it was.
    """
    if record.state is not State.PUBLISHED or row.number is None:
        return []
    if before and row.policy != stamp_of(policy) and _look_alike(before, record, policy, acting):
        # What other rules change is told of all entries together (`reissue_some`). Told of this one alone and now,
        # it would say that something private of it was changed.
        return []
    shown = journal.last_documents(session, [row.number]).get(row.number)
    change = _change_of(session, row, record, policy, by_system(acting), shown)
    session.flush()
    return _append(session, [change] if change else [], acting)


def reissue_some(session: Session, vault: Vault, policy: Policy, acting: Acting) -> tuple[int, Sequence[EntryChange]]:
    """Pass the next published records that were disclosed under other rules, or another mask, through the gate again.

    Returns how many were looked at (none when nothing is left) and what the public is told of them.
    """
    acting, stamp = by_system(acting), stamp_of(policy)
    # Two ranges, and not `!=`, so that an index finds them.
    waiting = (RecordRow.state == State.PUBLISHED.value, or_(RecordRow.policy < stamp, RecordRow.policy > stamp))
    # In an order that nothing private touches: PostgreSQL would give what was written last, last.
    chosen = select(RecordRow.id).where(*waiting).order_by(RecordRow.id).limit(CHUNK)
    query = select(RecordRow).where(RecordRow.id.in_(chosen), *waiting).order_by(RecordRow.id).with_for_update()
    rows = list(session.scalars(query))
    shown = journal.last_documents(session, [row.number for row in rows if row.number])
    changes = [
        change
        for row in rows
        if (change := _change_of(session, row, read_record(row, vault), policy, acting, shown.get(row.number or "")))
    ]
    session.flush()
    return len(rows), _append(session, changes, acting)


def _append(session: Session, changes: Sequence[journal.Change], acting: Acting) -> Sequence[EntryChange]:
    appended = journal.append_changes(session, acting.now, changes)
    follow_departures(session, appended, acting)
    return appended


def stamp_of(policy: Policy) -> str:
    """The rules under which a record was disclosed: policy, version, mask, and a digest that tells one text from another
    and one detector of what must be redacted from the next."""
    digest = blake2b(f"{policy!r} {VERSION} {GATE_VERSION}".encode(), digest_size=4).hexdigest()
    return f"{policy.name[:20]} {policy.version[:16]} {policy.id_mask.value} {digest}"


def _change_of(
    session: Session, row: RecordRow, record: Record, policy: Policy, acting: Acting, shown: Document | None
) -> journal.Change | None:
    number = row.number or ""
    match disclose(replace(record, changed_at=acting.now), policy, acting.today):
        case Document() as document:
            row.visible_until, row.policy = document.visible_until, stamp_of(policy)
            if shown is not None and _same(shown, document):
                return None
            return journal.Change(type=ChangeType.CORRECTED, record=number, document=document)
        case Withheld(reason=WithholdReason.TERM_ENDED as reason):
            end_record(session, row, policy, acting, _withheld(reason))
        case Withheld(reason=WithholdReason.RESTRICTED as reason):
            move(session, row, Action.RESTRICT, acting, _withheld(reason))
        case Withheld() as withheld:
            _hold(session, row, withheld, acting)
    return journal.Change(type=ChangeType.GONE, record=number)


def _hold(session: Session, row: RecordRow, withheld: Withheld, acting: Acting) -> None:
    """Hold what was public and may not be any more. As with every hold a person has to stand by it, or to undo it, and
    those concerned are told at once."""
    basis = f"公布审查未通过，自行屏蔽：{withheld.basis}"
    session.add(
        DecisionRow(
            record_id=row.id,
            action=Action.HOLD.value,
            ground=None,
            basis=basis,
            arose_on=acting.today,
            known_on=acting.today,
            decided_at=acting.now,
            decided_by=acting.actor,
        )
    )
    session.flush()
    move(session, row, Action.HOLD, acting, _withheld(withheld.reason))
    tell(session, [await_confirmation(session, row, acting, basis)], AlarmKind.ACTED, acting)


def _withheld(reason: WithholdReason) -> Line:
    return Line(word="withhold", detail={"reason": reason.value}, article=article_of(reason))


def _look_alike(before: Record, after: Record, policy: Policy, acting: Acting) -> bool:
    """Whether the public would see the same of two versions of a record."""
    one, other = (
        disclose(replace(version, changed_at=acting.now), policy, acting.today) for version in (before, after)
    )
    return isinstance(other, Document) and one == other


def _same(before: Document, after: Document) -> bool:
    return replace(before, updated_at=after.updated_at) == after
