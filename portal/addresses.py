"""Addresses of searches: many on a page, each the present one with a parameter or two changed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from urllib.parse import quote_plus

from portal.parameters import ELDER, MODE

# What a query string may hold as it is; the same as Werkzeug leaves.
_SAFE = "!$'()*,/:;?@"


class SearchAddresses:
    """The addresses that lead on from a search.

    `path` is the address of the search without parameters, `given` the parameters of the present search, which every
    address keeps unless it changes them. The page number is not kept: another question begins at its first page.
    """

    def __init__(self, path: str, given: Mapping[str, str]) -> None:
        self._path = path
        self._pairs = {name: f"{name}={_encode(value)}" for name, value in given.items() if value and name != "page"}
        self._page = given.get("page", "")

    def change(self, name: str, value: str) -> str:
        """The address with another value of one of the search's own parameters."""
        return self._join({**self._pairs, name: f"{name}={_encode_known(value)}"})

    def switch_mode(self) -> str:
        """The address of the present page with 长者模式, or without it where it is on."""
        pairs = {name: pair for name, pair in self._pairs.items() if name != MODE}
        if self._page:
            pairs["page"] = f"page={_encode(self._page)}"
        return self._join(pairs if MODE in self._pairs else {**pairs, MODE: f"{MODE}={ELDER}"})

    def turn_to(self, page: int) -> str:
        """The address of a page of the same answer."""
        return self._join({**self._pairs, "page": f"page={page}"} if page > 1 else self._pairs)

    def leave_out(self, names: Iterable[str]) -> str:
        """The address without some parameters."""
        left = set(names)
        return self._join({name: pair for name, pair in self._pairs.items() if name not in left})

    def ask(self, text: str, leave_out: Iterable[str] = ()) -> str:
        """The address that asks for `text` instead, without some parameters."""
        left = set(leave_out)
        kept = {name: pair for name, pair in self._pairs.items() if name not in left}
        return self._join({**kept, "q": f"q={_encode(text)}"})

    def _join(self, pairs: Mapping[str, str]) -> str:
        return f"{self._path}?{'&'.join(pairs.values())}" if pairs else self._path


def _encode(text: str) -> str:
    return quote_plus(text, safe=_SAFE)


# Only values of filters come here, which are public and few; what is typed is not kept in memory.
_encode_known = lru_cache(maxsize=4096)(_encode)
