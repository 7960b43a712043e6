"""How far the public changes of the list were followed. Who puts a package on its way holds it still meanwhile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from notifier.stops import insert_new
from notifier.tables import SettingRow

_NAME = "changes_followed"


@dataclass(frozen=True, slots=True)
class Followed:
    """The last change that was followed: its sequence, and when it was made; 0 and None before the first."""

    sequence: int
    at: datetime | None = None


def ensure_watermark(engine: Engine) -> None:
    """Make the place where it is kept; locks need it to be there."""
    with Session(engine) as session, session.begin():
        session.execute(insert_new(session, SettingRow, "name"), [{"name": _NAME, "value": "0"}])


def read_followed(engine: Engine) -> Followed:
    with Session(engine) as session:
        return _parse(session.get(SettingRow, _NAME))


def read_watermark(engine: Engine) -> int:
    """The sequence up to which the changes of the list were followed."""
    return read_followed(engine).sequence


def lock_watermark(session: Session, *, to_write: bool = False) -> int:
    """The sequence, held still until the transaction ends: no change is followed while a package is put on its way."""
    return lock_followed(session, to_write=to_write).sequence


def lock_followed(session: Session, *, to_write: bool = False) -> Followed:
    query = select(SettingRow).where(SettingRow.name == _NAME).with_for_update(read=not to_write)
    return _parse(session.scalars(query).first())


def write_followed(session: Session, followed: Followed) -> None:
    """To be called by who has locked it to write."""
    at = f" {followed.at.astimezone(UTC).isoformat()}" if followed.at else ""
    session.get_one(SettingRow, _NAME).value = f"{followed.sequence}{at}"


def _parse(row: SettingRow | None) -> Followed:
    sequence, _, at = row.value.partition(" ") if row else ("0", "", "")
    return Followed(int(sequence), datetime.fromisoformat(at) if at else None)
