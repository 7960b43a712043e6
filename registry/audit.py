"""The audit trail: who did what to which record, when, and on what ground (法释〔2017〕7号 art. 13).

Each line carries a link: the digest of itself and of the link before it. So a line that was altered, removed, put in or
moved is found by walking the trail. Whoever could write the whole trail anew is found by the heads: what the end of the
chain was, day by day, kept beside the database under the key of the vault (`record_head`).

Lines are gathered while a transaction runs and written when it commits, under a lock that is taken last. So the order of
the lines is the order of the chain, and no two transactions wait for one another.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import event, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session, SessionTransaction

from registry.tables import AuditHeadRow, AuditRow

_GATHERED = "registry.audit"
_CHUNK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLine:
    """A line of the trail, for reading. `detail` holds no personal data."""

    id: int
    at: datetime
    actor: str
    action: str
    record_id: int | None
    batch_id: int | None
    detail: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Gathered:
    """A line that waits for its transaction, and the savepoint within which it was written, if any."""

    values: dict[str, Any]
    within: SessionTransaction | None

    def was_within(self, savepoint: SessionTransaction) -> bool:
        around = self.within
        while around is not None and around is not savepoint:
            around = around.parent
        return around is savepoint


def note(
    session: Session,
    at: datetime,
    actor: str,
    action: str,
    *,
    record: int | None = None,
    batch: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Add one audit line, in the transaction of what it tells of. `detail` is JSON, and holds no personal data."""
    if not session.in_transaction():
        session.connection()  # so that a rollback has something to undo
    values = {
        "at": at,
        "actor": actor,
        "action": action,
        "record_id": record,
        "batch_id": batch,
        "detail": dict(detail or {}),
    }
    session.info.setdefault(_GATHERED, []).append(_Gathered(values, session.get_nested_transaction()))


def find_newest(session: Session, record: int, actions: Collection[str]) -> str | None:
    """Which of `actions` was written down last of a record, this transaction included."""
    for line in reversed(session.info.get(_GATHERED, [])):
        if line.values["record_id"] == record and line.values["action"] in actions:
            return str(line.values["action"])
    query = select(AuditRow.action).where(AuditRow.record_id == record, AuditRow.action.in_(actions))
    return session.scalar(query.order_by(AuditRow.id.desc()).limit(1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Who did what to a record; `batch_id` where a file brought it."""

    record_id: int
    actor: str
    action: str
    batch_id: int | None


def list_acts(session: Session, records: Collection[int], actions: Collection[str]) -> list[Act]:
    """Every line of these records about one of `actions`, oldest first, this transaction included."""
    columns = (AuditRow.record_id, AuditRow.actor, AuditRow.action, AuditRow.batch_id)
    query = select(*columns).where(AuditRow.record_id.in_(records), AuditRow.action.in_(actions))
    found: list[Any] = list(session.execute(query.order_by(AuditRow.id)))
    for line in session.info.get(_GATHERED, []):
        if line.values["record_id"] in records and line.values["action"] in actions:
            found.append(tuple(line.values[name] for name in ("record_id", "actor", "action", "batch_id")))
    return [Act(record_id=record, actor=actor, action=act, batch_id=batch) for record, actor, act, batch in found]


def find_actors(session: Session, actions: Collection[str], key: str, value: int) -> frozenset[str]:
    """Everybody who did one of `actions` to what the detail names `value` under `key`, this transaction included."""
    # Other actions say something else under the same key: which is which is found here, and not by the database.
    lines = session.execute(select(AuditRow.actor, AuditRow.detail).where(AuditRow.action.in_(actions)))
    found = {actor for actor, detail in lines if detail.get(key) == value}
    for line in session.info.get(_GATHERED, []):
        if line.values["action"] in actions and line.values["detail"].get(key) == value:
            found.add(line.values["actor"])
    return frozenset(found)


def find_details(session: Session, record: int, action: str, name: str) -> frozenset[str]:
    """What the lines of a record about `action` say under `name` in their details, this transaction included."""
    query = select(AuditRow.detail).where(AuditRow.record_id == record, AuditRow.action == action)
    details: list[Any] = list(session.scalars(query))
    for line in session.info.get(_GATHERED, []):
        if line.values["record_id"] == record and line.values["action"] == action:
            details.append(line.values["detail"])
    return frozenset(str(detail[name]) for detail in details if detail and name in detail)


def list_lines(
    session: Session,
    *,
    record: int | None = None,
    actor: str | None = None,
    action: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> list[AuditLine]:
    """The newest lines first, those with a number below `before`; of one record, one person, one kind of act."""
    query = select(AuditRow)
    for column, value in ((AuditRow.record_id, record), (AuditRow.actor, actor), (AuditRow.action, action)):
        if value is not None:
            query = query.where(column == value)
    if before is not None:
        query = query.where(AuditRow.id < before)
    return [
        AuditLine(
            id=row.id,
            at=row.at,
            actor=row.actor,
            action=row.action,
            record_id=row.record_id,
            batch_id=row.batch_id,
            detail=row.detail,
        )
        for row in session.scalars(query.order_by(AuditRow.id.desc()).limit(limit))
    ]


# Writing the chain ------------------------------------------------------------------------------------------------


@event.listens_for(Session, "before_commit")
def _write_gathered(session: Session) -> None:
    gathered: list[_Gathered] = session.info.get(_GATHERED, [])
    # What a savepoint wrote waits for what is around it.
    if not gathered or session.in_nested_transaction():
        return
    # Every other lock comes before the head of the chain.
    session.flush()
    session.info[_GATHERED] = []
    _append(session, [line.values for line in gathered])


@event.listens_for(Session, "after_soft_rollback")
def _forget_undone(session: Session, undone: SessionTransaction) -> None:
    if undone.nested and (gathered := session.info.get(_GATHERED)):
        session.info[_GATHERED] = [line for line in gathered if not line.was_within(undone)]


@event.listens_for(Session, "after_transaction_end")
def _forget_all(session: Session, ended: SessionTransaction) -> None:
    if ended.parent is None:
        session.info.pop(_GATHERED, None)


def _append(session: Session, lines: list[dict[str, Any]]) -> None:
    head = select(AuditHeadRow.line, AuditHeadRow.link).where(AuditHeadRow.id == 1).with_for_update()
    number, link = session.execute(head).one()
    if not link:
        number, link = _link_older(session)
    for values in lines:
        number += 1
        link = link_of(link, [number, _moment(values["at"]), *_rest(values)])
        values |= {"id": number, "link": link}
    session.execute(insert(AuditRow), lines)
    session.execute(update(AuditHeadRow).where(AuditHeadRow.id == 1).values(line=number, link=link))


def _link_older(session: Session) -> tuple[int, str]:
    """The last line that is older than the chain, and the link that stands for all of them."""
    number, link = 0, ""
    for line in read_stored(session, session.scalar(select(func.max(AuditRow.id))) or 0):
        number, link = line.id, link_of(link, line.content)
    return number, link


def link_of(before: str, content: list[Any]) -> str:
    """The link of a line: a digest of the link before it and of what the line says, its number included."""
    line = json.dumps(content, ensure_ascii=True, separators=(",", ":"), default=repr)
    return hashlib.sha256(f"{before}\n{line}".encode()).hexdigest()


def _rest(values: Mapping[str, Any]) -> list[Any]:
    """What a line says beside its number and time. The details as they are stored: as text, to the letter."""
    plain = [values[name] for name in ("actor", "action", "record_id", "batch_id")]
    return [*plain, json.dumps(values["detail"])]


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")


# Reading it back --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line as it stands in the database, unread: what was tampered with need not be a date, or JSON, any more."""

    id: int
    content: list[Any]
    link: str | None


_COLUMNS = "id, at, actor, action, record_id, batch_id, CAST(detail AS TEXT), link"
_AFTER = text(f"SELECT {_COLUMNS} FROM audit WHERE id > :after AND id <= :last ORDER BY id LIMIT :limit")  # noqa: S608


class Unreadable(Exception):
    """A line of the trail that the database cannot give any more."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line} cannot be read")
        self.line = line


def read_stored(session: Session, last: int) -> Iterator[StoredLine]:
    """Every line up to `last`, in order. Raises Unreadable."""
    after = 0
    while rows := _read_some(session, after, last):
        for row in rows:
            yield StoredLine(row[0], [row[0], _stored_moment(row[1]), *row[2:7]], row[7])
        after = rows[-1][0]


def _read_some(session: Session, after: int, last: int) -> list[Any]:
    try:
        return list(session.execute(_AFTER, {"after": after, "last": last, "limit": _CHUNK}))
    except DBAPIError:
        if session.get_bind().dialect.name != "sqlite":
            raise
    # Bytes that are no text any more, somewhere in this chunk: the lines up to it first, and then it by its number.
    return _read_up_to_unreadable(session, after, last)


def _read_up_to_unreadable(session: Session, after: int, last: int) -> list[Any]:
    rows: list[Any] = []
    numbers = select(AuditRow.id).where(AuditRow.id > after, AuditRow.id <= last).order_by(AuditRow.id).limit(_CHUNK)
    for number in list(session.scalars(numbers)):
        try:
            rows += session.execute(_AFTER, {"after": number - 1, "last": number, "limit": 1})
        except DBAPIError:
            if rows:
                break
            raise Unreadable(number) from None
    return rows


def _stored_moment(stored: Any) -> Any:
    """A time as it was linked. SQLite gives the very text, PostgreSQL a time."""
    return _moment(stored) if isinstance(stored, datetime) else stored
