"""Who follows what, and which messages have been answered. Nothing else is kept of a follower, and what is goes with them."""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import Engine, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.stops import insert_new
from notifier.wechat.conversation import Follow, Unfollow
from notifier.wechat.tables import WeChatFollowerRow, WeChatSeenRow
from search_index.database import for_reading

# WeChat asks three times within fifteen seconds; a day is for what nobody foresees.
REMEMBERED = timedelta(days=1)


class FollowerBook:
    """The followers in the notifier's database. Safe to share between threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Writers of SQLite that meet wait in steps of many milliseconds; those of one process need not meet.
        self._turn: AbstractContextManager[object] = Lock() if engine.dialect.name == "sqlite" else nullcontext()

    def seen_before(self, key: str, now: datetime) -> bool:
        """Whether the message with this key has arrived before; from now on it has."""
        values = {"key": key, "at": now, "expires_at": now + REMEMBERED}
        try:
            with self._turn, self._engine.begin() as connection:
                connection.execute(insert(WeChatSeenRow), values)
        except IntegrityError:
            return True
        return False

    def apply(self, change: Follow | Unfollow) -> bool:
        """Write down what a follower wants; safe to repeat, and a wish from before they left changes nothing. False
        where it is out of date."""
        with Session(self._engine) as session, session.begin():
            return write_down(session, change)

    def list_followers(self, topic: str) -> list[str]:
        """The openids that follow a topic."""
        query = select(WeChatFollowerRow.openid).where(WeChatFollowerRow.topic == topic)
        with Session(for_reading(self._engine)) as session:
            return list(session.scalars(query.order_by(WeChatFollowerRow.openid)))

    def count_followers(self) -> dict[str, int]:
        """How many follow each topic."""
        query = select(WeChatFollowerRow.topic, func.count().label("followers")).group_by(WeChatFollowerRow.topic)
        with Session(for_reading(self._engine)) as session:
            return {row.topic: row.followers for row in session.execute(query)}

    def sweep(self, now: datetime) -> int:
        """Forget the messages that cannot arrive again; how many."""
        with Session(self._engine) as session, session.begin():
            gone = session.scalars(
                delete(WeChatSeenRow).where(WeChatSeenRow.expires_at <= now).returning(WeChatSeenRow.key)
            )
            return len(gone.all())


def write_down(session: Session, change: Follow | Unfollow) -> bool:
    """`FollowerBook.apply` within the caller's transaction."""
    match change:
        case Follow():
            return _follow(session, change)
        case Unfollow():
            return _unfollow(session, change)


def _follow(session: Session, change: Follow) -> bool:
    left = session.get(WeChatSeenRow, _left_key(change.follower))
    if left is not None and left.at >= change.at:
        return False
    values = {"openid": change.follower, "topic": change.topic}
    session.execute(insert_new(session, WeChatFollowerRow, "openid", "topic"), [values])
    return True


def _unfollow(session: Session, change: Unfollow) -> bool:
    if change.has_left:
        left = session.get(WeChatSeenRow, _left_key(change.follower))
        if left is not None and left.at >= change.at:
            # The same departure again: they may have come back since.
            return False
        # A wish that was under way meanwhile must not bring them back.
        expires_at = change.at + REMEMBERED
        session.merge(WeChatSeenRow(key=_left_key(change.follower), at=change.at, expires_at=expires_at))
    session.execute(delete(WeChatFollowerRow).where(WeChatFollowerRow.openid == change.follower))
    return True


def _left_key(openid: str) -> str:
    return hashlib.sha256(f"left\n{openid}".encode()).hexdigest()
