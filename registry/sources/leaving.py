"""What leaves because another court's list says so: at once, on one person's word.

A list that was taken over must never outlive the court's own (法释〔2017〕7号 art. 7): what the newest whole list does not
name, or marks as held or withdrawn, is taken down here in the same command, seen by the public or waiting for approval. A
file that is not a whole list proves nothing of what is missing in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.departing import Grounds, take_down
from registry.intake import Accepted, Ended, Intake, read_file
from registry.lifecycle import Action
from registry.matching import is_same_debtor
from registry.reconciling import MOST_MISSING, IncompleteList
from registry.record import Facts, State
from registry.records import read_facts
from registry.sources.book import find_listed
from registry.tables import ProposalRow, RecordRow
from registry.turns import chunks
from registry.vault import Vault
from search_index.journal import EntryChange

_CHUNK = 500
# In one transaction: a departure of another kind waits for no more than these.
_TOGETHER = 100

Amend = Callable[[Callable[[Session], Sequence[EntryChange]]], Sequence[EntryChange]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaving:
    """A record that leaves, and what the list says of it (Chinese, names nobody)."""

    record_id: int
    case: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a file asks for: `compared` entries taken over so far, `rows` in the file, and those that leave."""

    compared: int
    rows: int
    leaving: tuple[Leaving, ...]


@dataclass(slots=True)
class _Listed:
    """The debtors in cases that a file names, each with its status if it is ended there."""

    rows: int = 0
    cases: dict[str, list[tuple[Facts, str | None]]] = field(default_factory=dict)

    def add(self, facts: Facts, status: str | None, line: int) -> None:
        """Raises IncompleteList where the file says two things of one debtor."""
        self.rows += 1
        named = self.cases.setdefault(facts.case_number.key, [])
        if any(other != status and is_same_debtor(facts, known) for known, other in named):
            raise IncompleteList(
                f"第 {line} 行与前面的一行是同一案件的同一被执行人，状态却不同：请向该院核实后再导入，未作任何改动"
            )
        # Only who it is is asked of it again.
        named.append((replace(facts, obligation="", performed_part=None, unperformed_part=None, note=None), status))

    def find_status(self, facts: Facts) -> tuple[bool, str | None]:
        """Whether the file names this debtor in this case, and the status it gives where that is an end."""
        for known, status in self.cases.get(facts.case_number.key, ()):
            # A number that the list gives to another name by now is not this entry.
            if known.name == facts.name and is_same_debtor(facts, known):
                return True, status
        return False, None


def plan_leaving(
    engine: Engine, vault: Vault, path: Path, slug: str, *, whole: bool, said: str, force: bool = False
) -> Plan:
    """What of a list leaves by a file of it; `said` names the file in words. Raises UnrecognisedFile, or IncompleteList where
    a `whole` list cannot be one: a line that cannot be read, fewer rows than it declares, or more missing than is likely."""
    listed = _read(read_file(path), whole=whole)
    compared, missing, leaving = 0, 0, []
    for row in _rows_of(engine, slug):
        compared += 1
        is_named, status = listed.find_status(read_facts(row, vault, row.identity))
        if status is None and (is_named or not whole):
            continue
        missing += not is_named
        reason = f"{said}中该条目的状态为“{status}”" if is_named else f"{said}中没有该条目"
        leaving.append(Leaving(record_id=row.id, case=row.facts["case_number"], reason=reason))
    if not force and missing > compared * MOST_MISSING:
        raise IncompleteList(
            f"已转载的 {compared} 条中有 {missing} 条不在该文件中，超过两成：名单可能不完整，未作任何改动。"
            "请核对文件；确属完整的，加 --force 再运行"
        )
    return Plan(compared=compared, rows=listed.rows, leaving=tuple(leaving))


def plan_ending(engine: Engine, slug: str, basis: str) -> tuple[Leaving, ...]:
    """Everything of a list that is not taken over any more."""
    reason = f"停止转载：{basis}"
    return tuple(
        Leaving(record_id=row.id, case=row.facts["case_number"], reason=reason) for row in _rows_of(engine, slug)
    )


def take_all_down(amend: Amend, leaving: Sequence[Leaving], ground: str, acting: Acting) -> int:
    """Take down what leaves, a chunk a transaction, each told to the store before the next; how many there were. What left
    meanwhile is passed over, so that it can be repeated after whatever stopped it."""
    done: list[int] = []
    for some in chunks(leaving, _TOGETHER):
        amend(partial(_take_some_down, some, ground, acting, done))
    return len(done)


def _take_some_down(
    some: Sequence[Leaving], ground: str, acting: Acting, done: list[int], session: Session
) -> list[EntryChange]:
    changes = []
    for one in some:
        row = session.get_one(RecordRow, one.record_id, with_for_update=True)
        if (change := leave(session, row, ground, one.reason, acting)) is not None:
            changes.append(change)
        done.append(one.record_id)
    return changes


def leave(session: Session, row: RecordRow, ground: str, basis: str, acting: Acting) -> EntryChange | None:
    """Take one record of a list down, in whatever state it stands; what the public is told of it. None too where it had
    left."""
    state = State(row.state)
    if state.has_departed:
        return None
    # What nobody approved was never listed.
    action = Action.WITHDRAW if state is State.DRAFT and row.approved_at is None else Action.REMOVE
    grounds = Grounds(ground=ground, basis=basis, arose_on=acting.today, known_on=acting.today)
    departure = take_down(session, row, action, grounds, acting)
    waiting = update(ProposalRow).where(ProposalRow.record_id == row.id, ProposalRow.decided.is_(False))
    session.execute(waiting.values(decided=True))
    return departure.change


def _read(intake: Intake, *, whole: bool) -> _Listed:
    listed = _Listed()
    for line in intake.lines:
        if isinstance(line, Accepted):
            listed.add(line.facts, None, line.line)
        elif isinstance(line, Ended) and line.facts is not None:
            listed.add(line.facts, line.status.value, line.line)
        elif whole:
            raise IncompleteList(
                f"第 {line.line} 行读不出来（{line.field}：{line.reason}），不能作为完整的名单：未作任何改动"
            )
    if whole and intake.declared is not None and listed.rows < intake.declared:
        raise IncompleteList(f"文件声明共 {intake.declared} 条，实际只有 {listed.rows} 条：名单不完整，未作任何改动")
    return listed


def _rows_of(engine: Engine, slug: str) -> Iterator[RecordRow]:
    after = 0
    while True:
        with Session(engine, expire_on_commit=False) as session, session.begin():
            rows = find_listed(session, slug, after, _CHUNK)
        if not rows:
            return
        yield from rows
        after = rows[-1].id
