"""The disclosed store of a home that was lost, where it outlived the rest: what it tells of departures. Of a copy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import create_engine, func, select
from sqlalchemy.exc import DBAPIError

from gongshi.safety.closed import RestoringRefused
from search_index.rows import local
from search_index.store_tables import change_table, document_table, link_table, state_table, tombstone_table


class OldStoreUnreadable(RestoringRefused):
    """The file is no store of the public side. The message is for the administrator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldStore:
    """The entries it shows, those that went and when, the highest sequence it told, and until when it was kept up."""

    shown: frozenset[str]
    tombstones: Mapping[str, datetime]
    highest: int
    known_until: datetime | None

    def is_newer_than(self, sequence: int, moment: datetime) -> bool:
        """Whether it is known to be of a time after a backup, whose last sequence and moment are given."""
        return self.highest > sequence or (self.known_until is not None and self.known_until >= moment)


def read_old_store(path: Path) -> OldStore | None:
    """What an old store says; None where there is none. Raises OldStoreUnreadable."""
    if not path.exists():
        return None
    # It is a copy, with what a writer that was killed left beside it: SQLite takes that back first.
    engine = create_engine(f"sqlite:///file:{path.absolute()}?mode=rw&uri=true")
    try:
        with engine.connect() as connection:
            shown = frozenset(connection.scalars(select(document_table.c.record)))
            gone = connection.execute(select(tombstone_table.c.record, tombstone_table.c.at)).all()
            last = connection.scalar(select(func.max(change_table.c.sequence))) or 0
            state = connection.execute(select(state_table.c.sequence, state_table.c.updated_at)).one()
            pulse = connection.scalar(select(link_table.c.pulse_at))
    except DBAPIError:
        raise OldStoreUnreadable(f"{path.name} 不是公示库，或者已经损坏：请去掉 --public，或者换一个文件") from None
    finally:
        engine.dispose()
    return OldStore(
        shown=shown,
        tombstones={record: local(at) for record, at in gone},
        highest=max(last, state.sequence),
        known_until=max((local(at) for at in (state.updated_at, pulse) if at), default=None),
    )
