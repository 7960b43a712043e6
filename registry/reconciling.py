"""Comparing the registry with a full list of the case system or the national platform.

A local list must never outlive the national one (法释〔2017〕7号 art. 7): what is missing there, or held or withdrawn
there, is held here until a person decides. A list that is not whole proves nothing, and stops the comparison.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from registry.acting import Acting
from registry.departing import Departure, Grounds, NotPermitted, take_down
from registry.intake import Accepted, Ended, Intake, read_file
from registry.lifecycle import Action
from registry.record import Facts, State
from registry.records import identity_columns
from registry.tables import RecordRow
from registry.vault import Vault

CHUNK = 1000
# More missing than this is more likely a part of a list than a list.
MOST_MISSING = 0.2

Key = tuple[str, str]


class IncompleteList(NotPermitted):
    """The file is not a whole list. The message is for the person who gave it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToHold:
    record_id: int
    case: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the comparison asks for: `compared` local entries, `rows` in the list, and the entries to hold."""

    compared: int
    rows: int
    to_hold: tuple[ToHold, ...]


@dataclass(slots=True)
class _List:
    """The debtors in cases that the list names, by number and by what a mask shows of it, with a status if ended."""

    rows: int = 0
    exact: dict[Key, str | None] = field(default_factory=dict)
    alike: dict[Key, str | None] = field(default_factory=dict)
    masked: set[Key] = field(default_factory=set)

    def add(self, facts: Facts, vault: Vault, status: str | None) -> None:
        columns = identity_columns(facts, vault)
        case = columns["case_key"]
        self.rows += 1
        self.exact[case, columns["identity"]] = status
        self.alike[case, columns["likeness"]] = status
        if columns["masked"]:
            self.masked.add((case, columns["likeness"]))

    def find_reason(self, row: RecordRow) -> str | None:
        """Why an entry that is listed here must be held; None when the list has it too."""
        exact, alike = (row.case_key, row.identity), (row.case_key, row.likeness)
        if exact in self.exact:
            status = self.exact[exact]
        elif alike in self.alike and (row.masked or alike in self.masked):
            status = self.alike[alike]
        else:
            return "全量名单中没有该条目"
        return f"全量名单中该条目的状态为“{status}”" if status else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciler:
    engine: Engine
    vault: Vault

    def plan(self, path: Path, *, force: bool = False) -> Plan:
        """Compare with a full list. Raises UnrecognisedFile, or IncompleteList where the list is not whole."""
        listed = self._read(read_file(path))
        compared, to_hold = 0, []
        for row in self._listed_rows():
            compared += 1
            if reason := listed.find_reason(row):
                to_hold.append(ToHold(record_id=row.id, case=row.facts["case_number"], reason=reason))
        if not force and len(to_hold) > compared * MOST_MISSING:
            raise IncompleteList(
                f"本地 {compared} 条中有 {len(to_hold)} 条将被屏蔽，超过两成：名单可能不完整，未作任何改动。"
                "请核对文件；确属完整的，加 --force 再运行"
            )
        return Plan(compared=compared, rows=listed.rows, to_hold=tuple(to_hold))

    def hold(self, session: Session, item: ToHold, acting: Acting) -> Departure:
        """Hold one entry of the plan. Raises NotAllowed where somebody has acted on it since."""
        row = session.get_one(RecordRow, item.record_id, with_for_update=True)
        grounds = Grounds(ground="reconciled", basis=item.reason, arose_on=acting.today, known_on=acting.today)
        return take_down(session, row, Action.HOLD, grounds, acting)

    def _read(self, intake: Intake) -> _List:
        listed = _List()
        for line in intake.lines:
            if isinstance(line, Accepted):
                listed.add(line.facts, self.vault, None)
            elif isinstance(line, Ended) and line.facts is not None:
                listed.add(line.facts, self.vault, line.status.value)
            else:
                raise IncompleteList(
                    f"第 {line.line} 行读不出来（{line.field}：{line.reason}），不能作为完整的名单核对"
                )
        if intake.declared is not None and listed.rows < intake.declared:
            raise IncompleteList(f"文件声明共 {intake.declared} 条，实际只有 {listed.rows} 条：名单不完整")
        return listed

    def _listed_rows(self) -> Iterator[RecordRow]:
        after = 0
        while True:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                query = (
                    select(RecordRow)
                    .where(
                        RecordRow.state.in_([State.APPROVED.value, State.PUBLISHED.value, State.RESTRICTED.value]),
                        # What was taken over follows the list of its own court (sources/leaving.py).
                        RecordRow.source.is_(None),
                        RecordRow.id > after,
                    )
                    .order_by(RecordRow.id)
                    .limit(CHUNK)
                )
                rows = list(session.scalars(query))
            if not rows:
                return
            yield from rows
            after = rows[-1].id
