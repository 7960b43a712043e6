"""What the store holds beside the entries: articles, the state of what was sent in, figures (journal.SubjectChange)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Select, String, Table, Text, bindparam, or_, select

from search_index.database import Reading
from search_index.journal import SubjectChange
from search_index.rows import local, upsert, utc

# A row without a body is the tombstone of what was taken away.
subject_table = Table(
    "subject",
    MetaData(),
    Column("subject", String(16), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("at", String(32), nullable=False),
    Column("visible_until", String(32)),
    Column("body", Text),
)
_VISIBLE = subject_table.c.body.is_not(None) & (
    subject_table.c.visible_until.is_(None) | (subject_table.c.visible_until > bindparam("now"))
)
_NAMED = (subject_table.c.subject == bindparam("subject")) & (subject_table.c.key == bindparam("key"))
_ONE = select(subject_table.c.body).where(_NAMED, _VISIBLE)
_KNOWN = select(subject_table.c.key).where(_NAMED)
_LAST = select(subject_table.c.at, subject_table.c.body.is_not(None)).where(_NAMED)
_EVERY = select(subject_table.c.key, subject_table.c.body, _VISIBLE).where(
    subject_table.c.subject == bindparam("subject")
)
_ALL = (
    select(subject_table.c.key, subject_table.c.at, subject_table.c.body)
    .where(subject_table.c.subject == bindparam("subject"), _VISIBLE)
    .order_by(subject_table.c.at.desc(), subject_table.c.position.desc())
    .limit(bindparam("limit"))
    .offset(bindparam("offset"))
)

Body = Mapping[str, Any]


def read_subject(reading: Reading, subject: str, key: str, moment: Mapping[str, str]) -> Body | None:
    """The body of the one `key` of a `subject`, where it may be seen at `moment` ({"now": rows.utc})."""
    rows = reading.ask(_ONE, {"subject": subject, "key": key, **moment})
    return _read(rows[0][0]) if rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Some:
    """Which of a subject: `limit` of them after the `offset` newest; `kinds`: only those whose body has one of these as
    its "kind"."""

    limit: int = 100
    offset: int = 0
    kinds: tuple[str, ...] = ()


def read_subjects(
    reading: Reading, subject: str, some: Some, moment: Mapping[str, str]
) -> list[tuple[str, datetime, Body]]:
    """Key, time of the last change and body of `some` of a `subject` that may be seen, the newest first."""
    asked = {"subject": subject, "limit": some.limit, "offset": some.offset, **moment}
    asked |= {name: json.dumps({"kind": kind})[1:-1] for name, kind in zip(_name_kinds(some), some.kinds, strict=True)}
    return [(key, local(at), _read(body)) for key, at, body in reading.ask(_where_kind(len(some.kinds)), asked)]


def _name_kinds(some: Some) -> list[str]:
    return [f"kind_{number}" for number in range(len(some.kinds))]


@cache
def _where_kind(count: int) -> Select[Any]:
    """The question for one of `count` kinds. A body is kept as json.dumps writes it: within a text the quotation marks
    of this run of characters would have been escaped."""
    if count == 0:
        return _ALL
    body = subject_table.c.body
    return _ALL.where(or_(*(body.contains(bindparam(f"kind_{number}")) for number in range(count))))


def read_all(reading: Reading, subject: str, moment: Mapping[str, str]) -> dict[str, Body | None]:
    """Everything there is, or ever was, of a small `subject`: key and body, None where that was taken away."""
    rows = reading.ask(_EVERY, {"subject": subject, **moment})
    return {key: _read(body) if shown else None for key, body, shown in rows}


def is_known(reading: Reading, subject: str, key: str) -> bool:
    """Whether there is, or ever was, the one `key` of a `subject`."""
    return bool(reading.ask(_KNOWN, {"subject": subject, "key": key}))


@dataclass(frozen=True, slots=True)
class LastTold:
    """When the one of a subject was last told of or taken away, and whether it was not taken away: an end of its own takes
    away nothing until the journal says so."""

    at: datetime
    is_there: bool


def read_last(reading: Reading, subject: str, key: str) -> LastTold | None:
    """What was last said of the one `key` of a `subject`; None where nothing ever was."""
    rows = reading.ask(_LAST, {"subject": subject, "key": key})
    return LastTold(local(rows[0][0]), bool(rows[0][1])) if rows else None


def list_records(body: Body) -> set[str]:
    """The entries that a body names in `records`: it is shown only while all of them are."""
    named = body.get("records")
    return {str(record) for record in named} if isinstance(named, list) else set()


def read_end(body: Body | None) -> datetime | None:
    """The instant from which a subject's body is not seen any more; None where it has no end.

    Raises ValueError for one that is no instant with an offset.
    """
    end = (body or {}).get("visible_until")
    if end is None:
        return None
    moment = datetime.fromisoformat(end) if isinstance(end, str) else None
    if moment is None or moment.tzinfo is None:
        raise ValueError("visible_until is an instant with an offset")
    return moment


def apply_subjects(connection: Connection, changes: Sequence[SubjectChange]) -> None:
    """Put in what the journal says, given in its order; what has no key is of a version to come, and passed over."""
    rows = {
        (change.subject, change.key): {
            "subject": change.subject,
            "key": change.key,
            "position": change.position,
            "at": utc(change.at),
            "visible_until": _end_text(change),
            "body": None if change.body is None else json.dumps(dict(change.body), ensure_ascii=False),
        }
        for change in changes
        if change.key
    }
    upsert(connection, subject_table, list(rows.values()))


def _end_text(change: SubjectChange) -> str | None:
    try:
        end = read_end(change.body)
    except ValueError:
        # What has an end that this version cannot read is not shown at all.
        end = change.at
    return None if end is None else utc(end)


def _read(body: str) -> Body:
    found: Body = json.loads(body)
    return found
