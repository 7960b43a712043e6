"""What every view of one running portal shares, and what it reads for one request."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, cast

from flask import current_app, g, request, url_for
from markupsafe import Markup

from portal.addresses import SearchAddresses
from portal.formtokens import FormKey
from portal.limits import Gatekeeper
from portal.parameters import ELDER, MODE
from portal.sealing import DropFolder
from portal.settings import PortalSettings
from portal.slow import Slow
from search_index.freshness import FRESH, Freshness
from search_index.marks import MarkFolder
from search_index.profile import Profile
from search_index.register import Register, RegisterUnavailable

KEY = "gongshi-portal"

_ANY_RECORD = "SX-00000000"
_MOST_FRAGMENTS = 1_000  # more only where the court's profile changes often

# Where the site is mounted, an endpoint, a static file, and whether 长者模式 is on.
_Fixed = tuple[str, str, str, bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The parts of the portal: what it reads, its settings, its clock, its limits, versions of static files, where what
    people send in is dropped, what their forms are told by, and a source of chance that nobody can foresee.

    `marks` is the folder of entries that were hidden in an emergency.
    `addresses` and `fragments` keep what is the same at every request. `slow` is the turn of answers that take long, `pause`
    waits for some seconds.
    """

    register: Register
    settings: PortalSettings
    clock: Callable[[], datetime]
    gatekeeper: Gatekeeper | None
    assets: Mapping[str, str]
    drop: DropFolder | None
    marks: MarkFolder | None
    form_key: FormKey
    random: Random
    addresses: dict[_Fixed, str] = field(default_factory=dict)
    fragments: dict[Hashable, Markup] = field(default_factory=dict)
    slow: Slow = field(default_factory=Slow)
    pause: Callable[[float], None] = time.sleep


def get_site() -> Site:
    """The portal that serves the present request."""
    return cast(Site, current_app.extensions[KEY])


def get_now() -> datetime:
    """The one moment at which the present request is answered."""
    if "now" not in g:
        g.now = get_site().clock()
    return cast(datetime, g.now)


def get_profile() -> Profile:
    """The court's profile; a nameless one while the register cannot be read, so that errors can still be told."""
    return _get_frame()[0]


def get_freshness() -> Freshness:
    """How the list may be shown."""
    return _get_frame()[1]


def _get_frame() -> tuple[Profile, Freshness]:
    if "frame" not in g:
        try:
            g.frame = get_site().register.frame(get_now())
        except RegisterUnavailable:
            g.frame = Profile(court=""), FRESH
    return cast(tuple[Profile, Freshness], g.frame)


def is_elder() -> bool:
    """Whether the reader asked for 长者模式. It travels in the address: no cookie is ever set."""
    if "is_elder" not in g:
        g.is_elder = request.args.get(MODE) == ELDER
    return cast(bool, g.is_elder)


class Links:
    """The addresses of this site for one request: they keep 长者模式, and those without parameters are found once."""

    def __init__(self, known: dict[_Fixed, str], root: str, *, elder: bool) -> None:
        self._known = known
        self._root = root
        self._elder = elder

    @property
    def place(self) -> tuple[str, bool]:
        """What all these addresses depend on."""
        return self._root, self._elder

    def __call__(self, endpoint: str, **values: Any) -> str:
        """The address of a page. A value that is empty is left out."""
        given = {name: value for name, value in values.items() if value not in (None, "")}
        return self._build(endpoint, given) if given else self._find(endpoint, given)

    def of_entries(self, records: Iterable[str]) -> dict[str, str]:
        """The address of each record's page, for the many of a list."""
        before, _, after = self._find("pages.entry", {"record": _ANY_RECORD}).partition(_ANY_RECORD)
        # A record number is letters, digits and a hyphen, which an address holds as they are.
        return {record: f"{before}{record}{after}" for record in records}

    def of_searches(self, given: Mapping[str, str]) -> SearchAddresses:
        """The addresses that lead on from a search with the parameters `given`."""
        path, _, _ = self._find("pages.search", {}).partition("?")
        return SearchAddresses(path, {**given, MODE: ELDER} if self._elder else given)

    def asset(self, name: str) -> str:
        """The address of a static file, with the version that its content has."""
        key = (self._root, "static", name, False)
        if key not in self._known:
            self._known[key] = url_for("static", filename=name, v=get_site().assets[name])
        return self._known[key]

    def _find(self, endpoint: str, values: dict[str, Any]) -> str:
        key = (self._root, endpoint, "", self._elder)
        if key not in self._known:
            self._known[key] = self._build(endpoint, values)
        return self._known[key]

    def _build(self, endpoint: str, values: dict[str, Any]) -> str:
        return url_for(endpoint, **{**values, MODE: ELDER} if self._elder else values)


class Fragments:
    """Parts of a page that hold nothing of an entry and nothing typed: rendered once for what they are given."""

    def __init__(self, known: dict[Hashable, Markup], links: Links) -> None:
        self._known = known
        self._links = links

    def __call__(self, macro: Callable[..., Markup], *given: Hashable) -> Markup:
        """What `macro` makes of the addresses of this site and what is `given`."""
        key = (macro, self._links.place, given)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= _MOST_FRAGMENTS:
                self._known.clear()
            found = self._known[key] = macro(self._links, *given)
        return found


def get_links() -> Links:
    """The addresses of this site, for the present request."""
    if "links" not in g:
        g.links = Links(get_site().addresses, request.script_root, elder=is_elder())
    return cast(Links, g.links)


def link(endpoint: str, **values: Any) -> str:
    """The address of a page of this site, which keeps 长者模式."""
    return get_links()(endpoint, **values)


def find_other_mode() -> str:
    """The address of this page in the other mode; of the home page where this address cannot be asked again."""
    endpoint = "pages.home"
    arguments: dict[str, Any] = {}
    if request.method in ("GET", "HEAD") and request.endpoint and not g.get("failed"):
        endpoint = request.endpoint
        arguments = {**request.args.to_dict(), **(request.view_args or {})}
    arguments.pop(MODE, None)
    return Links(get_site().addresses, request.script_root, elder=not is_elder())(endpoint, **arguments)
