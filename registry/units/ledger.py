"""The ledger (台账) of each unit: what it was sent, what it answered, what it was told to lift (policy B2 “一单位、一台账”).

Lines are only ever added. Those that may come twice carry a key and are taken once. A line names an entry by its public
number and nobody by name.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, cast

from sqlalchemy import ColumnElement, Select, Table, event, func, select
from sqlalchemy.dialects.postgresql import insert as insert_on_postgresql
from sqlalchemy.dialects.sqlite import insert as insert_on_sqlite
from sqlalchemy.orm import Mapper, Session, aliased

from registry.acting import SYSTEM, Acting
from registry.deadlines import Rule
from registry.tables import JournalRow, LedgerRow, UnitRow
from search_index.journal import ChangeType

# What the names of accounts of units begin with where actors of all kinds are named; no account of the staff does.
UNIT_ACTOR = "unit:"
# And those of their keys, in the place of accounts.
UNIT_KEY = f"{UNIT_ACTOR}key:"
UNDER_VERIFICATION, VERIFIED = "UNDER_VERIFICATION", "VERIFIED"
CATCH_UP = timedelta(days=30)
_CATCH_UP_AT_ONCE = 500


class LedgerKind(StrEnum):
    """What a line tells of. READ: the unit's own system took the list, or an entry. RELEASE: the unit was told to lift its measures; RELEASED: it says that it has; LIFTED: it says so
    of one that it had retained."""

    PUSH = "push"
    READ = "read"
    ACK = "ack"
    COMPARE = "compare"
    HIT = "hit"
    FEEDBACK = "feedback"
    REFUSAL = "refusal"
    CONSENT = "consent"
    RELEASE = "release"
    RELEASED = "released"
    RETAINED = "retained"
    LIFTED = "lifted"
    VERIFICATION = "verification"

    @property
    def label(self) -> str:
        return _LABEL[self]


_LABEL = {
    LedgerKind.PUSH: "推送名单",
    LedgerKind.READ: "自行读取",
    LedgerKind.ACK: "确认收到",
    LedgerKind.COMPARE: "比对",
    LedgerKind.HIT: "比对命中",
    LedgerKind.FEEDBACK: "季度反馈",
    LedgerKind.REFUSAL: "不予同意",
    LedgerKind.CONSENT: "仍予以同意",
    LedgerKind.RELEASE: "退出通知，应解除措施",
    LedgerKind.RELEASED: "已解除措施",
    LedgerKind.RETAINED: "继续保留措施",
    LedgerKind.LIFTED: "保留到期，已解除",
    LedgerKind.VERIFICATION: "异议核实",
}


# Lines by which a unit has a whole list (the sequence is in their detail), or one entry.
_LISTS = (LedgerKind.PUSH.value, LedgerKind.READ.value)
_FOUND = (LedgerKind.HIT.value, LedgerKind.READ.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line to add. `key` makes it come once; `ends_on` is the end of a measure that is retained."""

    unit_id: int
    kind: LedgerKind
    at: datetime
    by: str
    key: str | None = None
    record: str | None = None
    period: str | None = None
    count: int | None = None
    measure: str | None = None
    basis: str | None = None
    ends_on: date | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine(Line):
    """A line as it stands in the ledger."""

    id: int

    @property
    def words(self) -> str:
        """What pages and sheets say of it beside its columns."""
        return describe(self.kind, self.detail)

    @property
    def who(self) -> str:
        """Who did it, in Chinese: an account or a key of the unit, somebody of the court, or the system."""
        if self.by.startswith(UNIT_KEY):
            return f"单位密钥{self.by.removeprefix(UNIT_KEY)}"
        if self.by.startswith(UNIT_ACTOR):
            return f"单位账户{self.by.removeprefix(UNIT_ACTOR)}"
        return "系统" if self.by == SYSTEM else self.by

    @property
    def who_outside(self) -> str:
        """The same for the unit: who of the court's people it was is the court's own business."""
        return self.who if self.by == SYSTEM or self.by.startswith((UNIT_KEY, UNIT_ACTOR)) else "法院"


def append(session: Session, lines: Sequence[Line]) -> int:
    """Add lines; how many were not there before."""
    if not lines:
        return 0
    insert = insert_on_postgresql if session.get_bind().dialect.name == "postgresql" else insert_on_sqlite
    table = cast("Table", LedgerRow.__table__)
    statement = insert(table).on_conflict_do_nothing(index_elements=["key"]).returning(table.c.id)
    return len(session.execute(statement, [_values(line) for line in lines]).all())


def note_release(session: Session, record: str | None, acting: Acting) -> int:
    """Tell the units that an entry has left the list, in the transaction of its departure: those that are told of
    departures, and every one that was sent a list with it or found it by comparing (香格里拉市 四（二）5 “通报原信息推送
    单位”). How many are told that were not before; 0 for what the public never saw. A repeat, and a departure that was told already, adds nothing."""
    gone = _find_newest(session, record) if record is not None else None
    if record is None or gone is None or gone.type != ChangeType.GONE.value or gone.sequence is None:
        return 0
    return append(session, _release_lines([(gone, one) for one in _find_told(session, record, gone.sequence)], acting))


def catch_up_releases(session: Session, acting: Acting, *, since: datetime | None = None) -> int:
    """Tell the units of departures that they were not told of, from `since` on, or of the last CATCH_UP: of those that nobody
    was told of, and each unit of those on a list whose sending was only written down afterwards. How many lines were added.
    Safe to repeat."""
    first = session.scalar(select(func.min(UnitRow.created_at)))
    if first is None or not _tells_anyone(session):
        return 0
    since = since or acting.now - CATCH_UP
    return _tell_untold(session, max(first, since), acting) + _tell_sent(session, since, acting)


def _tell_untold(session: Session, since: datetime, acting: Acting) -> int:
    told = select(LedgerRow.id).where(
        LedgerRow.record == JournalRow.record, LedgerRow.kind == LedgerKind.RELEASE.value, LedgerRow.at >= JournalRow.at
    )
    query = _gone(since).with_only_columns(JournalRow.record).where(~told.exists())
    query = query.order_by(JournalRow.position.desc()).limit(_CATCH_UP_AT_ONCE)
    return sum(note_release(session, record, acting) for record in list(session.scalars(query)))


def _tell_sent(session: Session, since: datetime, acting: Acting) -> int:
    """Whoever was sent a list with an entry, or found it, is told that it left, also where somebody else was told before."""
    lists = _list_sequences(session)
    earlier = aliased(JournalRow)
    first = select(func.min(earlier.sequence)).where(earlier.record == JournalRow.record).scalar_subquery()
    found = session.execute(_gone(since).add_columns(first)).all()
    held = {
        _release_key(gone, unit): (gone, unit)
        for gone, shown in found
        for unit, sequences in lists.items()
        if _holds(sequences, shown, gone.sequence)
    }
    hits = _gone(since).join(LedgerRow, LedgerRow.record == JournalRow.record).add_columns(LedgerRow.unit_id)
    for gone, unit in session.execute(hits.where(LedgerRow.kind.in_(_FOUND))):
        held[_release_key(gone, unit)] = (gone, unit)
    known = find_keys(session, held)
    return append(session, _release_lines([one for key, one in held.items() if key not in known], acting))


def _gone(since: datetime) -> Select[JournalRow]:
    """The newest lines of entries that left the list from `since` on and are not on it again."""
    newer = aliased(JournalRow)
    again = select(newer.position).where(
        newer.record == JournalRow.record, newer.sequence.is_not(None), newer.position > JournalRow.position
    )
    return select(JournalRow).where(
        JournalRow.type == ChangeType.GONE.value,
        JournalRow.sequence.is_not(None),
        JournalRow.at >= since,
        ~again.exists(),
    )


def _release_lines(told: Sequence[tuple[JournalRow, int]], acting: Acting) -> list[Line]:
    due = acting.clockwork.due(Rule.RELEASE, acting.today)
    detail: dict[str, Any] = {"due": due.due.isoformat(), "article": due.article}
    if due.provisional:
        detail["provisional"] = True
    return [
        Line(
            unit_id=unit,
            kind=LedgerKind.RELEASE,
            at=acting.now,
            by=acting.actor,
            key=_release_key(gone, unit),
            record=gone.record,
            detail={"sequence": gone.sequence, **detail},
        )
        for gone, unit in told
    ]


def _release_key(gone: JournalRow, unit: int) -> str:
    return f"release/{gone.record}/{gone.sequence}/{unit}"


def note_verification(session: Session, record: str, state: str, acting: Acting) -> int:
    """Tell the units that an objection to an entry is being looked into, when measures are not to be carried out for the
    time being (香格里拉市 四（二）3), or that this is over. `state`: UNDER_VERIFICATION or VERIFIED. How many units were
    told; one that was told the same last is not told again."""
    if state not in (UNDER_VERIFICATION, VERIFIED):
        raise ValueError("no state of verification")
    published = _find_newest(session, record)
    if published is None or published.sequence is None:
        return 0
    told = _find_verification(session, record)
    units = _find_told(session, record, published.sequence if published.type == ChangeType.GONE.value else None)
    return append(
        session,
        [
            Line(
                unit_id=unit_id,
                kind=LedgerKind.VERIFICATION,
                at=acting.now,
                by=acting.actor,
                record=record,
                detail={"state": state},
            )
            # Whoever was never told that it began is not told that it ended.
            for unit_id in units
            if told.get(unit_id, VERIFIED) != state
        ],
    )


def list_under_verification(session: Session, unit_id: int) -> list[LedgerLine]:
    """The entries whose objections are being looked into, as this unit was told, the latest first."""
    query = select(LedgerRow).where(LedgerRow.unit_id == unit_id, LedgerRow.kind == LedgerKind.VERIFICATION.value)
    newest = {row.record: row for row in session.scalars(query.order_by(LedgerRow.id))}
    lines = [_to_line(row) for row in newest.values() if row.detail.get("state") == UNDER_VERIFICATION]
    return sorted(lines, key=lambda line: line.id, reverse=True)


def list_ledger(
    session: Session, unit_id: int, *, kind: LedgerKind | None = None, page: int = 1, limit: int = 50
) -> tuple[list[LedgerLine], int]:
    """A page of a unit's ledger, the newest first, and how many lines there are in all."""
    which: list[ColumnElement[bool]] = [LedgerRow.unit_id == unit_id]
    if kind is not None:
        which.append(LedgerRow.kind == kind.value)
    total = session.scalar(select(func.count()).select_from(LedgerRow).where(*which)) or 0
    query = select(LedgerRow).where(*which).order_by(LedgerRow.at.desc(), LedgerRow.id.desc())
    rows = session.scalars(query.offset((max(page, 1) - 1) * limit).limit(limit))
    return [_to_line(row) for row in rows], total


def count_kinds(session: Session, unit_id: int, *, since: datetime, until: datetime) -> Mapping[LedgerKind, int]:
    """How many lines of each kind a unit's ledger has from `since` on and before `until`."""
    query = (
        select(LedgerRow.kind, func.count())
        .where(LedgerRow.unit_id == unit_id, LedgerRow.at >= since, LedgerRow.at < until)
        .group_by(LedgerRow.kind)
    )
    return {LedgerKind(kind): number for kind, number in session.execute(query)}


def find_newest(session: Session, unit_id: int, kind: LedgerKind) -> LedgerLine | None:
    """The newest line of a kind."""
    query = select(LedgerRow).where(LedgerRow.unit_id == unit_id, LedgerRow.kind == kind.value)
    row = session.scalars(query.order_by(LedgerRow.at.desc(), LedgerRow.id.desc()).limit(1)).first()
    return _to_line(row) if row is not None else None


def find_line(session: Session, unit_id: int, line_id: int, kind: LedgerKind) -> LedgerLine | None:
    """A line of this unit and this kind; that of another unit is none."""
    row = session.get(LedgerRow, line_id)
    return _to_line(row) if row is not None and row.unit_id == unit_id and row.kind == kind.value else None


def find_keys(session: Session, keys: Collection[str]) -> set[str]:
    """Those of `keys` that are in the ledger."""
    wanted, found = sorted(keys), set[str]()
    for start in range(0, len(wanted), 500):
        query = select(LedgerRow.key).where(LedgerRow.key.in_(wanted[start : start + 500]))
        found |= {key for key in session.scalars(query) if key is not None}
    return found


def was_public(session: Session, record: str) -> bool:
    """Whether the public has ever seen an entry with this number."""
    return _find_newest(session, record) is not None


def has_gone(session: Session, record: str) -> bool:
    """Whether the entry has left the list."""
    newest = _find_newest(session, record)
    return newest is not None and newest.type == ChangeType.GONE.value


def describe(kind: LedgerKind, detail: Mapping[str, Any]) -> str:
    """The details of a line in Chinese."""
    if kind is LedgerKind.VERIFICATION:
        under = detail.get("state") == UNDER_VERIFICATION
        return "核实期间暂不执行联合惩戒措施" if under else "核实结束"
    if kind is LedgerKind.RELEASE and detail.get("due"):
        provisional = "，暂定" if detail.get("provisional") else ""
        wrongly = "查明自始不应纳入，此前保留的措施一并解除；" if detail.get("wrongly") else ""
        return f"{wrongly}应于{detail['due']}（含当日{provisional}）前解除（{detail.get('article', '')}）"
    return str(detail.get("words", ""))


@event.listens_for(LedgerRow, "before_update")
@event.listens_for(LedgerRow, "before_delete")
def _refuse_change(_mapper: Mapper[Any], _connection: Any, _row: LedgerRow) -> None:
    raise RuntimeError("the ledger is only ever added to")


def _find_newest(session: Session, record: str) -> JournalRow | None:
    query = select(JournalRow).where(JournalRow.record == record, JournalRow.sequence.is_not(None))
    return session.scalars(query.order_by(JournalRow.position.desc()).limit(1)).first()


def _tells_anyone(session: Session) -> bool:
    sent = select(LedgerRow.id).where(LedgerRow.kind.in_({*_LISTS, *_FOUND})).limit(1)
    units = session.scalars(select(UnitRow).where(UnitRow.active))
    return any(row.receives.get("releases") for row in units) or session.scalar(sent) is not None


def _find_told(session: Session, record: str, before: int | None) -> list[int]:
    """The units that are to hear of an entry that was public before the sequence `before`, or still is."""
    units = session.scalars(select(UnitRow).order_by(UnitRow.id)).all()
    told = {row.id for row in units if row.active and row.receives.get("releases")}
    told |= _find_sent(session, record, [row.id for row in units if row.id not in told], before)
    return sorted(told)


def _find_sent(session: Session, record: str, units: Sequence[int], before: int | None) -> set[int]:
    """Which of `units` know the entry: they were sent a list that it was on (a list holds whatever is public at its
    sequence) or took it, or found the entry by comparing."""
    hit = select(LedgerRow.unit_id).where(LedgerRow.record == record, LedgerRow.kind.in_(_FOUND))
    found = set(units) & set(session.scalars(hit))
    first = session.scalar(select(func.min(JournalRow.sequence)).where(JournalRow.record == record))
    if first is None:
        return found
    lists = _list_sequences(session)
    return found | {unit for unit in units if _holds(lists.get(unit, ()), first, before)}


def _list_sequences(session: Session) -> Mapping[int, Sequence[int]]:
    """At which sequences, in order, each unit was sent a list or took it."""
    query = select(LedgerRow.unit_id, LedgerRow.detail)
    query = query.where(LedgerRow.kind.in_(_LISTS), LedgerRow.record.is_(None))
    found: dict[int, set[int]] = {}
    for unit, detail in session.execute(query):
        found.setdefault(unit, set()).add(int(detail.get("sequence", -1)))
    return {unit: sorted(sequences) for unit, sequences in found.items()}


def _holds(sequences: Sequence[int], first: int, before: int | None) -> bool:
    """Whether one of the lists at these sequences (in order) is of `first` or later, and of before `before`."""
    place = bisect_left(sequences, first)
    return place < len(sequences) and (before is None or sequences[place] < before)


def _find_verification(session: Session, record: str) -> Mapping[int, str]:
    """What each unit was told last of the verification of an entry."""
    query = select(LedgerRow.unit_id, LedgerRow.detail).where(
        LedgerRow.record == record, LedgerRow.kind == LedgerKind.VERIFICATION.value
    )
    return {unit: str(detail.get("state")) for unit, detail in session.execute(query.order_by(LedgerRow.id))}


def _values(line: Line) -> dict[str, Any]:
    return {
        "unit_id": line.unit_id,
        "key": line.key,
        "at": line.at,
        "kind": line.kind.value,
        "record": line.record,
        "period": line.period,
        "count": line.count,
        "measure": line.measure,
        "basis": line.basis,
        "ends_on": line.ends_on,
        "by": line.by[:64],
        "detail": dict(line.detail),
    }


def _to_line(row: LedgerRow) -> LedgerLine:
    return LedgerLine(
        id=row.id,
        unit_id=row.unit_id,
        kind=LedgerKind(row.kind),
        at=row.at,
        by=row.by,
        key=row.key,
        record=row.record,
        period=row.period,
        count=row.count,
        measure=row.measure,
        basis=row.basis,
        ends_on=row.ends_on,
        detail=row.detail,
    )
