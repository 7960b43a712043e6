"""Headers of every answer: nothing runs but our own style sheets, and our own scripts on the two pages that have one;
nothing is framed, sent on, indexed or kept."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request

from portal.site import get_site
from portal.terms import get_license

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_CSP = "Content-Security-Policy"
# A script is allowed where there is one, and there it may do what it is for. What somebody typed is on neither page.
_MORE = {
    "pages.home": "script-src 'self'; worker-src 'self'",
    "displays.led": "script-src 'self'; connect-src 'self'",
    "installing.worker": "connect-src 'self'",
}
_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_UNINDEXED = "noindex, noarchive, nosnippet"
_INDEXED = frozenset(
    {
        "pages.home",
        "pages.about",
        "pages.rights",
        "pages.privacy",
        "pages.robots",
        "pages.emblem",
        "statistics.stats",
        "statistics.picture",
        "describing.describe",
        "static",
    }
)
_YEAR = 31_536_000
# With none of these a request has no condition that the answer could meet; most have none.
_CONDITIONS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"})


def register_headers(app: Flask, *, secure: bool) -> None:
    """Set the headers of every answer. `secure`: the site is reached by HTTPS, and only so from now on."""

    always = [*_ALWAYS.items(), ("Strict-Transport-Security", f"max-age={_YEAR}")] if secure else [*_ALWAYS.items()]
    app.after_request(_finish)
    app.wsgi_app = _Always(app.wsgi_app, always)  # type: ignore[method-assign]  # how Flask documents middleware


class _Always:
    """Adds to every answer the headers that no view sets, and the strictest policy where none was set."""

    def __init__(self, application: WSGIApplication, headers: list[tuple[str, str]]) -> None:
        self._application = application
        self._headers = headers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Callable[[bytes], object]:
            policy = [] if any(name == _CSP for name, _ in headers) else [(_CSP, _POLICY)]
            return start_response(status, [*headers, *self._headers, *policy], *error)

        return self._application(environ, start)


def _finish(response: Response) -> Response:
    # Also with 304: what it says of the policy takes the place of what was said with the page.
    if request.endpoint in _MORE and response.status_code in (200, 304):
        response.headers[_CSP] = f"{_POLICY}; {_MORE[request.endpoint]}"
    is_api = request.path.startswith("/api/")
    if is_api:
        response.headers.add("Link", f"<{get_license()}>", rel="license")
    # What is given to the holder of a key is for no other site's page to read.
    is_open = is_api and not g.get("keyed")
    if is_open:
        # Public data without credentials: any page may read it.
        response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin" if is_open else "same-origin"
    if response.status_code != 200 or request.endpoint not in _INDEXED:
        response.headers["X-Robots-Tag"] = _UNINDEXED
    return _keep(response)


def _keep(response: Response) -> Response:
    """How long an answer may be kept. What shows an entry is asked anew each time, and answered 304 when unchanged."""
    if request.endpoint == "static" and response.status_code in (200, 304):
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable" if _is_versioned() else "no-cache"
        return response
    if request.method not in ("GET", "HEAD") or response.status_code >= 429 or g.get("keyed"):
        response.headers["Cache-Control"] = "no-store"
        return response
    response.headers["Cache-Control"] = "no-cache"
    if response.status_code != 200:
        return response
    if request.blueprint == "displays":
        # A wall shows what is true now.
        response.headers["Cache-Control"] = "no-store"
        return response
    if request.blueprint == "submissions":
        # Each form has a token of its own: it is nobody else's, and never the same again.
        response.headers["Cache-Control"] = "private, no-cache"
        return response
    response.add_etag()
    if not _CONDITIONS.isdisjoint(request.environ):
        response.make_conditional(request)
    return response


def _is_versioned() -> bool:
    """Whether the address names the version of the file that is sent: such an answer never changes."""
    name = (request.view_args or {}).get("filename", "")
    return request.args.get("v") is not None and request.args.get("v") == get_site().assets.get(name)
