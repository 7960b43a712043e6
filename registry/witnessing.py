"""What a transaction takes off the public list, or keeps from getting there, told to a witness before it commits.

A registry that comes back from a backup does not know what was decided since. So each transaction collects here what must
never be undone by that: departures, what keeps a record from being shown, corrections that a person decided, subjects taken
away, the court's profile. When it commits, all of it goes to the witness of its engine (`attach`), which keeps it outside
the database. A witness that fails keeps no departure back.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from registry.acting import SYSTEM
from registry.tables import DecisionRow, JournalRow, RecordRow
from search_index.journal import ChangeType, EntryChange

_OPTION = "gongshi_witness"
_INFO = "gongshi_witnessed"
_CORRECT = "correct"
_CHUNK = 500


class Kind(StrEnum):
    """What a line tells. INSIDE: something that keeps a record which the public does not see from being shown to it."""

    GONE = "gone"
    CORRECTED = "corrected"
    INSIDE = "inside"
    SUBJECT = "subject"
    PROFILE = "profile"
    EMERGENCY = "emergency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One thing that a witness is told. `record` is the public number of what the public saw; `rest` is JSON that only the
    registry may read (`compose` names its keys)."""

    position: int | None
    sequence: int | None
    record: str | None
    type: Kind
    at: datetime
    rest: Mapping[str, Any]


Witness = Callable[[Callable[[], Sequence[Told]]], None]
"""Is given what puts together what it is told, so that whatever fails fails with the witness, and with nothing else."""


@dataclass(slots=True)
class _Collected:
    moves: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    inside: set[int] = field(default_factory=set)
    changes: list[EntryChange] = field(default_factory=list)
    others: list[Told] = field(default_factory=list)
    by_time: bool = False


def attach(engine: Engine, witness: Witness) -> None:
    """Have `witness` told of what transactions of this engine take away, each time before they commit."""
    engine.update_execution_options(**{_OPTION: witness})


def note_move(
    session: Session,
    row: RecordRow,
    *,
    action: str,
    actor: str,
    at: datetime,
    detail: Mapping[str, Any],
    hides: bool,
) -> None:
    """Collect what was done to a record; `hides` where it keeps from the public, or takes from it, what it may have seen."""
    found = _collected(session)
    found.moves.setdefault(row.id, []).append(
        {"action": action, "actor": actor, "at": at.isoformat(), "detail": dict(detail)}
    )
    if hides:
        found.inside.add(row.id)


def note_changes(session: Session, entries: Iterable[EntryChange]) -> None:
    """Collect the lines of the journal that say that entries have gone or were corrected."""
    kept = [entry for entry in entries if entry.type is not ChangeType.PUBLISHED]
    if kept:
        _collected(session).changes += kept


def note_subject(session: Session, position: int, at: datetime, subject: str, key: str) -> None:
    """Collect that a subject was taken away; not where its time was over, which a restored home sees for itself."""
    found = _collected(session)
    if not found.by_time:
        rest = {"subject": subject, "key": key}
        found.others.append(Told(position=position, sequence=None, record=None, type=Kind.SUBJECT, at=at, rest=rest))


def note_emergency(session: Session, at: datetime, key: str, body: Mapping[str, Any]) -> None:
    """Collect what was hidden on the portal in need, or new codes for it: the mark itself does not lie there for long."""
    rest = {"key": key, "body": dict(body)}
    _collected(session).others.append(
        Told(position=None, sequence=None, record=None, type=Kind.EMERGENCY, at=at, rest=rest)
    )


@contextmanager
def ending_by_time(session: Session) -> Iterator[None]:
    """Within this, subjects end because their time is over."""
    found = _collected(session)
    found.by_time = True
    try:
        yield
    finally:
        found.by_time = False


def note_profile(session: Session, position: int, at: datetime, profile: Mapping[str, Any]) -> None:
    """Collect a new version of the court's profile."""
    _collected(session).others.append(
        Told(position=position, sequence=None, record=None, type=Kind.PROFILE, at=at, rest={"profile": dict(profile)})
    )


def compose(session: Session, found: _Collected) -> list[Told]:
    """What is told of a transaction. `rest` of a record: `id`, `identity` and `case_key` by which it is found again; `state`,
    `ground`, `departed_on`, `published_on`, `grace_until` as they are now; `actor` (who decided), `moves` (each step with
    its audit detail) and `decisions` (with the days that clocks run from); of a correction also `facts`, `sealed` (base64)
    and `document`."""
    numbers = [change.record for change in found.changes]
    rows = _find_rows(session, found.inside, numbers)
    decided = _find_decisions(session, [row["id"] for row in rows.values()], found)
    told = [_tell_change(change, rows.get(change.record), found, decided) for change in found.changes]
    seen = {one.rest.get("id") for one in told if one is not None}
    inside = [_tell_inside(rows[key], found, decided) for key in sorted(found.inside - seen) if key in rows]
    return [one for one in told if one is not None] + inside + found.others


def tell_gone(session: Session, lines: Sequence[JournalRow]) -> list[Told]:
    """What a witness missed: departures of the journal, with what the registry knows of them today."""
    found = _Collected()
    rows = _find_rows(session, (), [line.record for line in lines if line.record])
    decided = _find_decisions(session, [row["id"] for row in rows.values()], None)
    told = []
    for line in lines:
        if line.sequence is None or line.record is None:
            continue
        change = EntryChange(
            position=line.position,
            at=line.at,
            sequence=line.sequence,
            type=ChangeType.GONE,
            record=line.record,
            body=None,
        )
        if (one := _tell_change(change, rows.get(line.record), found, decided)) is not None:
            told.append(one)
    return told


def _collected(session: Session) -> _Collected:
    found = session.info.get(_INFO)
    if not isinstance(found, _Collected):
        found = session.info[_INFO] = _Collected()
    return found


def _find_rows(session: Session, ids: Iterable[int], numbers: Sequence[str]) -> dict[Any, dict[str, Any]]:
    """Rows by their id, and by their public number."""
    table, found = RecordRow.__table__.c, dict[Any, dict[str, Any]]()
    columns = (
        table.id,
        table.number,
        table.state,
        table.case_key,
        table.identity,
        table.facts,
        table.sealed,
        table.departed_on,
        table.departed_ground,
        table.published_on,
        table.grace_until,
    )
    for column, wanted in ((table.id, list(ids)), (table.number, list(numbers))):
        for start in range(0, len(wanted), _CHUNK):
            query = select(*columns).where(column.in_(wanted[start : start + _CHUNK]))
            for row in session.connection().execute(query).mappings():
                found[row["id"]] = dict(row)
                if row["number"]:
                    found[row["number"]] = dict(row)
    return found


def _find_decisions(session: Session, ids: Sequence[int], found: _Collected | None) -> dict[int, list[dict[str, Any]]]:
    """The decisions of this transaction (all, without one), by record."""
    decided: dict[int, list[dict[str, Any]]] = {}
    table = DecisionRow.__table__.c
    wanted = sorted(set(ids))
    for start in range(0, len(wanted), _CHUNK):
        query = select(DecisionRow.__table__).where(table.record_id.in_(wanted[start : start + _CHUNK]))
        for row in session.connection().execute(query.order_by(table.id)).mappings():
            moves = found.moves.get(row["record_id"], []) if found else []
            if found is None or row["decided_at"] in {datetime.fromisoformat(move["at"]) for move in moves}:
                body = {key: _plain(value) for key, value in row.items() if key not in ("id", "record_id")}
                decided.setdefault(row["record_id"], []).append(body)
    return decided


def _tell_change(
    change: EntryChange,
    row: Mapping[str, Any] | None,
    found: _Collected,
    decided: Mapping[int, list[dict[str, Any]]],
) -> Told | None:
    moves = found.moves.get(row["id"], []) if row else []
    corrected = change.type is ChangeType.CORRECTED
    if corrected and not any(move["action"] == _CORRECT and move["actor"] != SYSTEM for move in moves):
        # Other rules change it, which the line of the profile stands for.
        return None
    rest = _describe(row, moves, decided) if row else {}
    if corrected and row:
        rest |= {
            "facts": row["facts"],
            "sealed": b64encode(row["sealed"]).decode("ascii"),
            "document": dict(change.body or {}),
        }
    return Told(
        position=change.position,
        sequence=change.sequence,
        record=change.record,
        type=Kind.CORRECTED if corrected else Kind.GONE,
        at=change.at,
        rest=rest,
    )


def _tell_inside(row: Mapping[str, Any], found: _Collected, decided: Mapping[int, list[dict[str, Any]]]) -> Told:
    moves = found.moves.get(row["id"], [])
    at = datetime.fromisoformat(moves[-1]["at"])
    # A record that the public has seen departed before: its number tells nothing that the list of departures does not.
    rest = _describe(row, moves, decided) | {"number": row["number"]}
    return Told(position=None, sequence=None, record=None, type=Kind.INSIDE, at=at, rest=rest)


def _describe(
    row: Mapping[str, Any], moves: Sequence[Mapping[str, Any]], decided: Mapping[int, list[dict[str, Any]]]
) -> dict[str, Any]:
    return {
        "id": row["id"],
        "identity": row["identity"],
        "case_key": row["case_key"],
        "state": row["state"],
        "ground": row["departed_ground"],
        "departed_on": _plain(row["departed_on"]),
        "published_on": _plain(row["published_on"]),
        "grace_until": _plain(row["grace_until"]),
        "actor": moves[0]["actor"] if moves else None,
        "moves": [dict(move) for move in moves],
        "decisions": decided.get(row["id"], []),
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _on_before_commit(session: Session) -> None:
    found = session.info.get(_INFO)
    # A savepoint that is let go of is no end of the transaction.
    if not isinstance(found, _Collected) or session.in_nested_transaction():
        return
    # What fails here fails the transaction, as it would in the commit itself.
    session.flush()
    session.info.pop(_INFO)
    witness = session.get_bind().get_execution_options().get(_OPTION)
    if witness is not None:
        witness(lambda: compose(session, found))


def _on_rollback(session: Session) -> None:
    session.info.pop(_INFO, None)


event.listen(Session, "before_commit", _on_before_commit)
event.listen(Session, "after_rollback", _on_rollback)
