"""How fast a channel may be called by all senders together: one bucket for each channel, kept in the database.

The seconds are the database's own, so that senders on several machines have the same.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Float, cast, func, literal, select, update
from sqlalchemy.orm import Session

from notifier.policy import Bucket
from notifier.stops import insert_new
from notifier.tables import SettingRow

# What the database says if its clock was put back: begin anew instead of waiting for it.
_BACKWARDS = 1.0


def take_calls(session: Session, channel: str, per_second: float, wanted: int) -> tuple[int, float]:
    """How many of `wanted` calls may begin now, and in how many seconds the next one may. They are taken from what all
    senders have, with the caller's transaction. A bucket holds a second's worth, and begins empty."""
    name = f"pace/{channel}"
    bucket, now = _lock_bucket(session, name)
    if bucket.at > now + _BACKWARDS:
        bucket = Bucket(bucket.left, now)
    bucket = bucket.refill(per_second, now)
    taken = max(0, min(wanted, int(bucket.left)))
    bucket = bucket.spend(taken)
    session.execute(
        update(SettingRow).where(SettingRow.name == name).values(value=f"{bucket.left!r} {bucket.at!r}"),
        execution_options={"synchronize_session": False},
    )
    return taken, bucket.seconds_to_next(per_second)


def _lock_bucket(session: Session, name: str) -> tuple[Bucket, float]:
    query = select(SettingRow.value, _seconds(session)).where(SettingRow.name == name).with_for_update()
    row = session.execute(query).first()
    if row is None:
        session.execute(
            insert_new(session, SettingRow, "name"), [{"name": name, "value": f"0.0 {_read_clock(session)!r}"}]
        )
        row = session.execute(query).one()
    left, at = (float(part) for part in row[0].split())
    return Bucket(left, at), float(row[1])


def _read_clock(session: Session) -> float:
    return float(session.execute(select(_seconds(session))).scalar_one())


def _seconds(session: Session) -> ColumnElement[float]:
    """Seconds since 1970 by the database's clock."""
    if session.get_bind().dialect.name == "sqlite":
        return (func.julianday("now") - literal(2440587.5)) * literal(86400.0)
    return cast(func.extract("epoch", func.clock_timestamp()), Float)
