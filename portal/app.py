"""Builds the portal: the public web site and the open API over the disclosed list."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import Any

from flask import Flask, Request, Response, g, request
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from portal import parameters
from portal.accesslog import log_error, register_access_log
from portal.api import api, health
from portal.articles import articles
from portal.bulk import bulk
from portal.describing import describing
from portal.displays import displays
from portal.emergency import emergency
from portal.feeds import feeds
from portal.formtokens import FormKey
from portal.headers import register_headers
from portal.installing import installing
from portal.limits import RULES, Gatekeeper, SharedCounters
from portal.pages import pages
from portal.presentation import day, digits, moment, sentence
from portal.problems import PROBLEMS, TooManyRequests, register_problems
from portal.sealing import Drop
from portal.sending import submissions
from portal.settings import PortalSettings
from portal.site import (
    KEY,
    Fragments,
    Site,
    find_other_mode,
    get_freshness,
    get_links,
    get_now,
    get_profile,
    get_site,
    is_elder,
)
from portal.statistics import statistics
from search_index.marks import MarkFolder
from search_index.register import Register
from search_index.snapshot import Guard
from search_index.store import Store

STATIC = Path(__file__).resolve().parent.parent / "static"
_LARGEST_BODY = 16 * 1024  # bytes; the forms by which something is sent in have limits of their own
_BLUEPRINTS = (
    pages,
    submissions,
    articles,
    api,
    health,
    bulk,
    feeds,
    displays,
    installing,
    statistics,
    describing,
    emergency,
)
_LINKED = ("*.css", "*.svg", "*.js", "*.png")


class InMemory(Request):
    """A request whose files stay in memory: nothing that somebody sent lies unsealed on a disk, not even for a moment."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> BytesIO:
        return BytesIO()


class Portal(Flask):
    """Flask, but an unforeseen error is written without anything the request held."""

    request_class = InMemory

    def close(self) -> None:
        """Release the store."""
        site: Site = self.extensions[KEY]
        site.register.close()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """No view is a coroutine: none is looked at again and again whether it is one."""
        return func

    def log_exception(
        self,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> None:
        log_error(exc_info)


def create_app(settings: PortalSettings, clock: Callable[[], datetime]) -> Portal:
    """The portal over the store that `settings` names. `clock` gives the present moment, aware.

    Make it once, before worker processes fork, so that they share the counters of the rate limits.
    """
    app = Portal(__name__, static_folder=str(STATIC), static_url_path="/static")
    app.config.update(MAX_CONTENT_LENGTH=_LARGEST_BODY, MAX_FORM_MEMORY_SIZE=_LARGEST_BODY, MAX_FORM_PARTS=8)
    app.extensions[KEY] = build_site(settings, clock)
    _set_up_templates(app)
    register_headers(app, secure=settings.public_url.startswith("https://"))
    register_access_log(app)
    app.before_request(_count_request)
    app.after_request(_tell_allowance)
    register_problems(app)
    for blueprint in _BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]  # how Flask documents middleware
            app.wsgi_app, x_for=settings.trusted_proxies, x_proto=settings.trusted_proxies
        )
    return app


def build_site(settings: PortalSettings, clock: Callable[[], datetime]) -> Site:
    """The parts that `settings` describe."""
    marks = MarkFolder(settings.emergency_folder) if settings.emergency_folder else None
    return Site(
        register=Register(
            Store(settings.disclosed_url, Guard(limits=settings.limits, marks=marks)), settings.index_folder
        ),
        settings=settings,
        clock=clock,
        gatekeeper=_build_gatekeeper(clock) if settings.rate_limit else None,
        assets=read_versions(STATIC),
        drop=Drop(settings.drop_folder) if settings.drop_folder else None,
        marks=marks,
        form_key=FormKey(secret=secrets.token_bytes(32)),
        random=secrets.SystemRandom(),
    )


def read_versions(folder: Path) -> dict[str, str]:
    """The version of each static file that pages link to: the start of its SHA-256."""
    files = [path for pattern in _LINKED for path in sorted(folder.rglob(pattern))]
    return {path.relative_to(folder).as_posix(): sha256(path.read_bytes()).hexdigest()[:12] for path in files}


def _build_gatekeeper(clock: Callable[[], datetime]) -> Gatekeeper:
    counters = SharedCounters(now=lambda: clock().timestamp(), seed=secrets.token_bytes(32))
    return Gatekeeper(counters, clock)


def _set_up_templates(app: Flask) -> None:
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(day=day, moment=moment, digits=digits, sentence=sentence)
    app.jinja_env.globals.update(
        problems=PROBLEMS,
        conduct_texts=parameters.CONDUCT,
        kind_texts=parameters.KINDS,
        performance_texts=parameters.PERFORMANCE,
        sort_texts=parameters.SORTS,
        field_texts=parameters.LABELS,
    )
    # What a template imports is looked up each time; these are used at every request, and take what they are given.
    for name in ("cards", "fields", "filters", "frame"):
        app.jinja_env.globals[name] = app.jinja_env.get_template(f"{name}.html").module
    app.context_processor(_common)


def _common() -> dict[str, object]:
    links = get_links()
    return {
        "link": links,
        "asset": links.asset,
        "kept": Fragments(get_site().fragments, links),
        "profile": get_profile(),
        "freshness": get_freshness(),
        "is_elder": is_elder(),
        "find_other_mode": find_other_mode,
        "now": get_now(),
        "public_url": get_site().settings.public_url,
    }


def _count_request() -> None:
    gatekeeper = get_site().gatekeeper
    method = "GET" if request.method == "HEAD" else request.method
    rules = RULES.get((request.endpoint or "", method), ())
    if gatekeeper is None or not rules:
        return
    g.allowance = gatekeeper.admit(rules, request.remote_addr or "")
    if g.allowance is not None and g.allowance.refused:
        raise TooManyRequests(g.allowance)


def _tell_allowance(response: Response) -> Response:
    if g.get("allowance") is not None:
        response.headers.update(g.allowance.headers())
    return response
