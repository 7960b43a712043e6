"""Releases: a unit is told that an entry left the list, lifts its measures, and says so; what it keeps needs a legal basis
and an end (香格里拉市 四（二）5 “应当立即解除”“必须明确继续保留的期限”)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, String, cast, func, literal, select
from sqlalchemy.orm import Session, aliased

from registry import audit
from registry.acting import Acting
from registry.deadlines import Rule
from registry.record import State
from registry.tables import JournalRow, LedgerRow, RecordRow, UnitRow
from registry.units.ledger import LedgerKind, Line, append, find_line
from registry.units.measures import find_measure
from registry.units.words import UnitError, check_basis
from search_index.journal import ChangeType

# A longer one was mistyped.
_LONGEST_YEARS = 10
_MOST_COUNTED = 1000
_CHUNK = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """A measure that a unit keeps: why, and until when."""

    id: int
    measure: str
    basis: str
    ends_on: date
    at: datetime
    record: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A departure that a unit was told of. `done_at` is when it said that its measures are lifted, but for the retained;
    `provisional` (暂定): the holidays of a year that the day depends on are not announced yet."""

    id: int
    record: str
    told_at: datetime
    due: date
    provisional: bool
    article: str
    done_at: datetime | None
    done_by: str | None
    retained: tuple[Retained, ...]
    # It was found later that the entry should never have been listed: what was retained is to be lifted, too.
    wrongly: bool = False

    def is_overdue(self, today: date) -> bool:
        return self.done_at is None and self.due < today


def carry_out(session: Session, unit: UnitRow, release_id: int, acting: Acting) -> bool:
    """A unit says that its measures are lifted, but for those it noted as retained; False when it said so before.
    Raises UnitError."""
    release = find_line(session, unit.id, release_id, LedgerKind.RELEASE)
    if release is None:
        raise UnitError("没有这一退出通知")
    line = released_line(unit.id, release_id, release.record, at=acting.now, by=acting.actor)
    if not append(session, [line]):
        return False
    detail = {"unit": unit.slug, "entry": release.record}
    audit.note(session, acting.now, acting.actor, "unit_released", detail=detail)
    return True


def released_line(unit_id: int, release_id: int, record: str | None, *, at: datetime, by: str) -> Line:
    """The line that says that a release was carried out: there is one, whichever way the word comes."""
    return Line(
        unit_id=unit_id,
        kind=LedgerKind.RELEASED,
        at=at,
        by=by,
        key=_done_key(release_id),
        record=record,
        detail={"release": release_id},
    )


def retain(
    session: Session, unit: UnitRow, release_id: int, *, measure: str, basis: str, ends_on: date, acting: Acting
) -> None:
    """A unit says that it keeps a measure after the departure, on what legal basis, and until when. Raises UnitError."""
    release = find_line(session, unit.id, release_id, LedgerKind.RELEASE)
    if release is None:
        raise UnitError("没有这一退出通知")
    found = find_measure(session, measure, unit.id)
    if ends_on <= acting.today:
        raise UnitError("继续保留的期限应晚于今天；已经到期的措施应当解除（四（二）5）")
    if ends_on.year > acting.today.year + _LONGEST_YEARS:
        raise UnitError("继续保留的期限过长：请核对年份")
    line = Line(
        unit_id=unit.id,
        kind=LedgerKind.RETAINED,
        at=acting.now,
        by=acting.actor,
        key=f"retained/{release_id}/{found.code}",
        record=release.record,
        measure=found.code,
        basis=check_basis(basis, "继续保留的法律依据"),
        ends_on=ends_on,
        detail={"release": release_id},
    )
    if not append(session, [line]):
        raise UnitError("该措施已经登记过继续保留，不能更改期限；有误的，请联系法院")
    detail = {"unit": unit.slug, "entry": release.record, "measure": found.code, "until": ends_on.isoformat()}
    audit.note(session, acting.now, acting.actor, "unit_retained", detail=detail)


def lift(session: Session, unit: UnitRow, retained_id: int, acting: Acting) -> bool:
    """A unit says that a measure it had retained is lifted, at its end or before; False when it said so before. Raises
    UnitError."""
    kept = find_line(session, unit.id, retained_id, LedgerKind.RETAINED)
    if kept is None:
        raise UnitError("没有这一继续保留的措施")
    line = Line(
        unit_id=unit.id,
        kind=LedgerKind.LIFTED,
        at=acting.now,
        by=acting.actor,
        key=_lifted_key(retained_id),
        record=kept.record,
        measure=kept.measure,
        detail={"retained": retained_id},
    )
    if not append(session, [line]):
        return False
    detail = {"unit": unit.slug, "entry": kept.record, "measure": kept.measure}
    audit.note(session, acting.now, acting.actor, "unit_lifted", detail=detail)
    return True


def note_withdrawn(session: Session, record: str, acting: Acting) -> int:
    """Tell the units that keep a measure after a departure that the entry should never have been listed (法释〔2017〕7号
    art. 9): what they keep rests on it no more, and is to be lifted or given another basis. How many are told."""
    query = select(LedgerRow).where(LedgerRow.kind == LedgerKind.RETAINED.value, LedgerRow.record == record)
    units = sorted(set(session.scalars(_still_kept(query).with_only_columns(LedgerRow.unit_id))))
    due = acting.clockwork.due(Rule.RELEASE, acting.today)
    detail: dict[str, Any] = {"due": due.due.isoformat(), "article": due.article, "wrongly": True}
    if due.provisional:
        detail["provisional"] = True
    return append(
        session,
        [
            Line(
                unit_id=unit,
                kind=LedgerKind.RELEASE,
                at=acting.now,
                by=acting.actor,
                key=f"withdrawn/{record}/{acting.today.isoformat()}/{unit}",
                record=record,
                detail=detail,
            )
            for unit in units
        ],
    )


def list_releases(
    session: Session, unit_id: int, *, open_only: bool = False, page: int = 1, limit: int = 50
) -> tuple[list[Release], int]:
    """A page of the releases of a unit, and how many there are: those still to be carried out the oldest first, all of
    them the newest first. What is on the list again is not to be lifted any more."""
    which: list[ColumnElement[bool]] = [LedgerRow.unit_id == unit_id, LedgerRow.kind == LedgerKind.RELEASE.value]
    if open_only:
        done = aliased(LedgerRow)
        which.append(~select(done.id).where(done.key == _done_key_of(LedgerRow)).exists())
        which.append(~_shown_again().exists())
    total = session.scalar(select(func.count()).select_from(LedgerRow).where(*which)) or 0
    order = LedgerRow.id.asc() if open_only else LedgerRow.id.desc()
    query = select(LedgerRow).where(*which).order_by(order).offset((max(page, 1) - 1) * limit).limit(limit)
    rows = list(session.scalars(query))
    done_by = _find_done(session, [row.id for row in rows])
    retained = _find_retained(session, unit_id, [row.record for row in rows if row.record])
    return [_to_release(row, done_by.get(row.id), retained.get(row.id, ())) for row in rows], total


def list_told(session: Session, unit_id: int, records: Sequence[str]) -> list[Release]:
    """Of these entries the releases that a unit was told of, the newest first; none of what is on the list again."""
    found: list[LedgerRow] = []
    for start in range(0, len(records), _CHUNK):
        which = (LedgerRow.unit_id == unit_id, LedgerRow.kind == LedgerKind.RELEASE.value, ~_shown_again().exists())
        query = select(LedgerRow).where(*which, LedgerRow.record.in_(records[start : start + _CHUNK]))
        found += session.scalars(query)
    done_by = _find_done(session, [row.id for row in found])
    return [_to_release(row, done_by.get(row.id), ()) for row in sorted(found, key=lambda row: -row.id)]


def list_kept(session: Session, unit_id: int, records: Sequence[str]) -> list[Retained]:
    """The measures that a unit keeps of these entries and has not lifted, whether or not their end has come."""
    found: list[Retained] = []
    for start in range(0, len(records), _CHUNK):
        found += _list_kept(
            session, LedgerRow.unit_id == unit_id, LedgerRow.record.in_(records[start : start + _CHUNK])
        )
    return found


def count_overdue(session: Session, unit_id: int, today: date) -> int:
    """How many releases a unit has not carried out in time, and how many retained measures it keeps beyond their end."""
    waiting, _ = list_releases(session, unit_id, open_only=True, limit=_MOST_COUNTED)
    return sum(one.is_overdue(today) for one in waiting) + len(list_to_lift(session, unit_id, today))


def list_retained(session: Session, unit_id: int, today: date) -> list[Retained]:
    """The measures that a unit keeps still, those that end first before the others."""
    return _list_kept(session, LedgerRow.unit_id == unit_id, LedgerRow.ends_on >= today)


def list_to_lift(session: Session, unit_id: int, today: date) -> list[Retained]:
    """The retained measures whose end has come, until the unit says that they are lifted (香格里拉市 四（二）5); those that
    ended first before the others."""
    return _list_kept(session, LedgerRow.unit_id == unit_id, LedgerRow.ends_on < today)


def _list_kept(session: Session, *which: ColumnElement[bool]) -> list[Retained]:
    query = _still_kept(select(LedgerRow).where(LedgerRow.kind == LedgerKind.RETAINED.value, *which))
    return [_to_retained(row) for row in session.scalars(query.order_by(LedgerRow.ends_on, LedgerRow.id))]


def _still_kept(query: Select[LedgerRow]) -> Select[LedgerRow]:
    """Retained measures that were not lifted, and of which the unit was not told anew to lift them, of entries that are not
    on the list again."""
    lifted, told = aliased(LedgerRow), aliased(LedgerRow)
    is_lifted = select(lifted.id).where(lifted.key == literal("lifted/") + cast(LedgerRow.id, String))
    anew = select(told.id).where(
        told.unit_id == LedgerRow.unit_id,
        told.record == LedgerRow.record,
        told.kind == LedgerKind.RELEASE.value,
        told.id > LedgerRow.id,
    )
    listed = select(RecordRow.id).where(RecordRow.number == LedgerRow.record, RecordRow.state == State.PUBLISHED.value)
    return query.where(~is_lifted.exists(), ~anew.exists(), ~listed.exists())


def _shown_again() -> Select[int]:
    """The later publication of an entry whose release a ledger line is."""
    return select(JournalRow.position).where(
        JournalRow.record == LedgerRow.record,
        JournalRow.type != ChangeType.GONE.value,
        JournalRow.sequence > LedgerRow.detail["sequence"].as_integer(),
    )


def _lifted_key(retained_id: int) -> str:
    return f"lifted/{retained_id}"


def _done_key(release_id: int) -> str:
    return f"released/{release_id}"


def _done_key_of(row: type[LedgerRow]) -> ColumnElement[str]:
    return literal("released/") + cast(row.id, String)


def _find_done(session: Session, ids: list[int]) -> Mapping[int, tuple[datetime, str]]:
    keys = {_done_key(number): number for number in ids}
    query = select(LedgerRow.key, LedgerRow.at, LedgerRow.by).where(LedgerRow.key.in_(list(keys)))
    return {keys[key]: (at, by) for key, at, by in session.execute(query) if key is not None}


def _find_retained(session: Session, unit_id: int, records: list[str]) -> Mapping[int, tuple[Retained, ...]]:
    query = select(LedgerRow).where(
        LedgerRow.unit_id == unit_id, LedgerRow.kind == LedgerKind.RETAINED.value, LedgerRow.record.in_(records)
    )
    found: dict[int, tuple[Retained, ...]] = {}
    for row in session.scalars(query.order_by(LedgerRow.id)):
        release = int(row.detail.get("release", 0))
        found[release] = (*found.get(release, ()), _to_retained(row))
    return found


def _to_retained(row: LedgerRow) -> Retained:
    return Retained(
        id=row.id,
        measure=row.measure or "",
        basis=row.basis or "",
        ends_on=row.ends_on or date.min,
        at=row.at,
        record=row.record,
    )


def _to_release(row: LedgerRow, done: tuple[datetime, str] | None, retained: tuple[Retained, ...]) -> Release:
    return Release(
        id=row.id,
        record=row.record or "",
        told_at=row.at,
        due=date.fromisoformat(row.detail["due"]),
        provisional=bool(row.detail.get("provisional")),
        article=str(row.detail.get("article", "")),
        done_at=done[0] if done else None,
        done_by=done[1] if done else None,
        retained=retained,
        wrongly=bool(row.detail.get("wrongly")),
    )
