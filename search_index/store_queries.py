"""The questions of readers of the disclosed store, compiled once each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Select, bindparam, func, select

from search_index.containing import contains
from search_index.emergency import SUBJECT
from search_index.journal import ChangeType
from search_index.page import PAGE_SIZE
from search_index.store_tables import change_table, document_table, link_table, state_table, tombstone_table
from search_index.subjects import subject_table

SEVERAL = [f"p{number}" for number in range(PAGE_SIZE)]

UNENDED = document_table.c.visible_until.is_(None) | (document_table.c.visible_until > bindparam("now"))
# `hidden`: the numbers that were hidden in an emergency, one after the other; none is part of another.
VISIBLE = UNENDED & ~contains(bindparam("hidden"), document_table.c.record)
BODIES = select(document_table.c.body).where(VISIBLE)
LATEST_FIRST = BODIES.order_by(document_table.c.published_on.desc(), document_table.c.record)
STATE = select(
    state_table.c.sequence,
    state_table.c.indexed,
    state_table.c.updated_at,
    state_table.c.profile,
    select(func.max(change_table.c.sequence)).scalar_subquery(),
    select(func.min(document_table.c.visible_until)).scalar_subquery(),
    select(link_table.c.pulse_at).scalar_subquery(),
    select(link_table.c.shut).scalar_subquery(),
    # Whether anything was ever told of emergencies.
    select(func.max(subject_table.c.position)).where(subject_table.c.subject == SUBJECT).scalar_subquery(),
)
NAMED = LATEST_FIRST.where(document_table.c.name_key == bindparam("key")).limit(bindparam("limit"))
NEWEST = LATEST_FIRST.limit(bindparam("limit"))
ALL = (
    BODIES.where(document_table.c.record > bindparam("after"))
    .order_by(document_table.c.record)
    .limit(bindparam("limit"))
)
# All without those whose end has come: both are read from an index, without the entries.
COUNT = select(
    select(func.count()).select_from(document_table).scalar_subquery()
    - select(func.count()).where(document_table.c.visible_until <= bindparam("now")).scalar_subquery()
)
COUNT_NAMED = select(document_table.c.name_key, func.count()).where(VISIBLE).group_by(document_table.c.name_key)
COUNT_AHEAD = select(
    select(func.count()).where(change_table.c.sequence > bindparam("sequence")).scalar_subquery(),
    select(func.max(change_table.c.at)).scalar_subquery(),
)
CHANGED = select(change_table.c.record).where(change_table.c.sequence > bindparam("sequence")).distinct()
CHANGES = (
    select(
        change_table.c.sequence, change_table.c.position, change_table.c.type, change_table.c.record, change_table.c.at
    )
    .where(change_table.c.sequence > bindparam("since"), change_table.c.sequence <= bindparam("until"))
    .order_by(change_table.c.sequence)
    .limit(bindparam("limit"))
)
FOLLOWED = (
    select(
        change_table.c.sequence, change_table.c.type, change_table.c.record, change_table.c.at, document_table.c.body
    )
    .select_from(
        change_table.outerjoin(
            document_table,
            (document_table.c.record == change_table.c.record)
            & (document_table.c.sequence == change_table.c.sequence)
            & VISIBLE,
        )
    )
    .where(change_table.c.sequence > bindparam("since"), change_table.c.sequence <= bindparam("until"))
    .order_by(change_table.c.sequence)
    .limit(bindparam("limit"))
)
DEPARTED = (
    select(change_table.c.sequence, change_table.c.record, change_table.c.at)
    .where(
        change_table.c.sequence > bindparam("since"),
        change_table.c.sequence <= bindparam("until"),
        change_table.c.type == ChangeType.GONE.value,
    )
    .order_by(change_table.c.sequence)
    .limit(bindparam("limit"))
)
CHANGE_AT = select(change_table.c.at).where(change_table.c.sequence == bindparam("sequence"))
ROWS = (
    select(document_table.c.record, document_table.c.body)
    .where(VISIBLE, document_table.c.record > bindparam("after"))
    .order_by(document_table.c.record)
    .limit(bindparam("limit"))
)
GONE_AMONG = select(tombstone_table.c.record, tombstone_table.c.at)
TOMBSTONE = select(tombstone_table.c.at).where(tombstone_table.c.record == bindparam("record"))
END = select(document_table.c.visible_until).where(document_table.c.record == bindparam("record"), ~UNENDED)
COVERED = select(document_table.c.record).where(UNENDED)
# Not the negation of what is visible: this is what the index on the column answers.
ENDED = select(document_table.c.record).where(document_table.c.visible_until <= bindparam("now"))


def take_in_turns(values: Sequence[str]) -> Iterator[dict[str, str]]:
    """The parameters of questions that ask for several values at once."""
    for start in range(0, len(values), PAGE_SIZE):
        yield dict(zip(SEVERAL, values[start : start + PAGE_SIZE], strict=False))


@cache
def where_any(query: Select[Any], column: Column[str], count: int) -> Select[Any]:
    """The question with as many values to choose from as there are: a list of any length would be compiled each time."""
    return query.where(column.in_([bindparam(name) for name in SEVERAL[:count]]))
