"""What every view of one running portal shares, and what it reads for one request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from flask import current_app, g, request, url_for

from portal.limits import Gatekeeper
from portal.parameters import ELDER, MODE
from portal.settings import PortalSettings
from search_index.profile import Profile
from search_index.register import Register, RegisterUnavailable

KEY = "gongshi-portal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The parts of the portal: what it reads, its settings, its clock, its limits, and versions of static files."""

    register: Register
    settings: PortalSettings
    clock: Callable[[], datetime]
    gatekeeper: Gatekeeper | None
    assets: Mapping[str, str]


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
    if "profile" not in g:
        try:
            g.profile = get_site().register.profile(get_now())
        except RegisterUnavailable:
            g.profile = Profile(court="")
    return cast(Profile, g.profile)


def is_elder() -> bool:
    """Whether the reader asked for 长者模式. It travels in the address: no cookie is ever set."""
    return request.args.get(MODE) == ELDER


def link(endpoint: str, **values: Any) -> str:
    """The address of a page of this site, which keeps 长者模式."""
    given = {name: value for name, value in values.items() if value not in (None, "")}
    if is_elder():
        given[MODE] = ELDER
    return url_for(endpoint, **given)


def asset(name: str) -> str:
    """The address of a static file, with the version that its content has."""
    return url_for("static", filename=name, v=get_site().assets[name])


def find_other_mode() -> str:
    """The address of this page in the other mode; of the home page where this address cannot be asked again."""
    endpoint = "pages.home"
    arguments: dict[str, Any] = {}
    if request.method in ("GET", "HEAD") and request.endpoint and not g.get("failed"):
        endpoint = request.endpoint
        arguments = {**request.args.to_dict(), **(request.view_args or {})}
    arguments.pop(MODE, None)
    if not is_elder():
        arguments[MODE] = ELDER
    return url_for(endpoint, **arguments)
