"""The access token of the account, in one row for all processes: one fetches, the others wait for what it gets.

No transaction is open while WeChat is asked: whoever fetches holds a lease on the row.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol
from uuid import uuid4

from sqlalchemy import Engine, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from notifier.wechat.tables import WeChatTokenRow

# Longer than asking WeChat can take, so that only a process that died loses it.
LEASE = timedelta(seconds=20)
# WeChat gives a new token in the last five minutes of the old one, while both are good.
_MARGIN = timedelta(minutes=5)
_SHORTEST = timedelta(minutes=1)
_PAUSE = 0.1  # seconds
_POLLS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedToken:
    """What WeChat gave, and how long it is good from now."""

    token: str = field(repr=False)
    lasts: timedelta


class TokenBusy(Exception):
    """Another process has been fetching for too long. `str()` is Chinese."""


class TokenStore(Protocol):
    """Where the token is shared."""

    def get(self, account: str, *, stale: str | None, fetch: Callable[[], FetchedToken]) -> str:
        """A token other than `stale`, which WeChat refused; `fetch` is called by at most one at a time, and what it
        raises comes out. It may give `stale` again. Raises TokenBusy."""


@dataclass(frozen=True, slots=True)
class _Lease:
    number: str


class DatabaseTokenStore:
    """The token in the notifier's database. Safe to share between threads and processes."""

    def __init__(
        self, engine: Engine, clock: Callable[[], datetime], pause: Callable[[float], object] = time.sleep
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._pause = pause

    def get(self, account: str, *, stale: str | None, fetch: Callable[[], FetchedToken]) -> str:
        for _ in range(_POLLS):
            found = self._find_or_lease(account, stale)
            if isinstance(found, str):
                return found
            if found is not None:
                return self._renew(account, found, fetch)
            self._pause(_PAUSE)
        raise TokenBusy("另一进程正在取得微信的调用凭证，迟迟没有结果")

    def _find_or_lease(self, account: str, stale: str | None) -> str | _Lease | None:
        """A good token, or the right to fetch one, or None while another has that right."""
        now = self._clock()
        try:
            with Session(self._engine) as session, session.begin():
                row = self._locked(session, account)
                if row.token and row.token != stale and row.expires_at and now < row.expires_at:
                    return row.token
                if row.renewal and row.renewal_until and now < row.renewal_until:
                    return None
                row.renewal, row.renewal_until = uuid4().hex, now + LEASE
                return _Lease(row.renewal)
        except IntegrityError:
            # Two processes made the first row; the other's is there now.
            return None

    def _renew(self, account: str, lease: _Lease, fetch: Callable[[], FetchedToken]) -> str:
        fetched = None
        try:
            fetched = fetch()
        finally:
            self._close(account, lease, fetched)
        return fetched.token

    def _close(self, account: str, lease: _Lease, fetched: FetchedToken | None) -> None:
        with Session(self._engine) as session, session.begin():
            row = self._locked(session, account)
            # An older lease that comes back late changes nothing.
            if row.renewal != lease.number:
                return
            row.renewal = row.renewal_until = None
            if fetched is not None:
                row.token = fetched.token
                row.expires_at = self._clock() + max(_SHORTEST, fetched.lasts - _MARGIN)

    @staticmethod
    def _locked(session: Session, account: str) -> WeChatTokenRow:
        # FOR UPDATE on PostgreSQL; on SQLite the transaction has the write lock since it began.
        query = select(WeChatTokenRow).where(WeChatTokenRow.account == account).with_for_update()
        row = session.scalars(query).first()
        if row is None:
            row = WeChatTokenRow(account=account, token=None, expires_at=None, renewal=None, renewal_until=None)
            session.add(row)
            session.flush()
        return row
