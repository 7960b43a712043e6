"""Addresses on the gateway that are their own key: whoever was sent one may open it, and nobody can make one up.

`/packages/<dispatch>-<mac>/` and `/acks/<dispatch>-<mac>`: the mac is keyed with a secret of this home and says which of
the two it is for, so that who may confirm a receipt may not thereby fetch the list.
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b32encode
from enum import StrEnum
from hashlib import sha256

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from notifier.institutions import Links
from notifier.lasting import LINK_KEY, keep_secret
from notifier.tables import SettingRow
from search_index.database import for_reading

# 130 bits, in letters that survive being read out and typed.
_LENGTH = 26


class Door(StrEnum):
    """What an address opens. The value is part of what its mac is made of."""

    PACKAGE = "package"
    ACK = "ack"


def sign_link(key: bytes, door: Door, dispatch: str) -> str:
    """The last part of an address: `<dispatch>-<mac>`."""
    return f"{dispatch}-{_compute_mac(key, door, dispatch)}"


def read_link(key: bytes, door: Door, token: str) -> str | None:
    """The dispatch that the last part of an address is for; None where this home did not make it. Takes as long for a
    wrong one whatever is wrong with it."""
    dispatch, _, mac = token.rpartition("-")
    expected = _compute_mac(key, door, dispatch)
    return dispatch if hmac.compare_digest(expected.encode(), mac.encode("utf-8", "replace")) else None


class LinkBook:
    """Makes and reads the addresses of one home. The database is asked for the key at the first use, and once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: bytes | None = None

    def sign(self, door: Door, dispatch: str) -> str:
        """See `sign_link`. Makes the home's key where there is none; not within a transaction of the caller's."""
        if self._known is None:
            self._known = bytes.fromhex(keep_secret(self._engine, LINK_KEY))
        return sign_link(self._known, door, dispatch)

    def read(self, door: Door, token: str) -> str | None:
        """See `read_link`. Writes nothing: where no key was made, no address is right."""
        if self._known is None:
            with Session(for_reading(self._engine)) as session:
                row = session.get(SettingRow, LINK_KEY)
                self._known = bytes.fromhex(row.value) if row else None
        return read_link(self._known or secrets.token_bytes(32), door, token)


def open_links(engine: Engine, gateway_url: str | None) -> Links:
    """The addresses of a home whose gateway is reached at `gateway_url`; without one there are none."""
    if not gateway_url:
        return Links()
    book, base = LinkBook(engine), gateway_url.rstrip("/")
    return Links(
        package=lambda dispatch: f"{base}/packages/{book.sign(Door.PACKAGE, dispatch)}/",
        acknowledge=lambda dispatch: f"{base}/acks/{book.sign(Door.ACK, dispatch)}",
    )


def _compute_mac(key: bytes, door: Door, dispatch: str) -> str:
    signed = f"{door}/{dispatch}".encode("utf-8", "replace")
    return b32encode(hmac.digest(key, signed, sha256)).decode("ascii").lower()[:_LENGTH]
