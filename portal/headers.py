"""Headers of every answer: nothing runs but our own style sheets, nothing is framed, sent on, indexed or kept."""

from __future__ import annotations

from flask import Flask, Response, request

from portal.site import get_site

_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "img-src 'self' data:",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_ALWAYS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=(), browsing-topics=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_UNINDEXED = "noindex, noarchive, nosnippet"
_INDEXED = frozenset(
    {"pages.home", "pages.about", "pages.rights", "pages.privacy", "pages.robots", "pages.emblem", "static"}
)
_YEAR = 31_536_000
# With none of these a request has no condition that the answer could meet; most have none.
_CONDITIONS = frozenset({"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_MATCH", "HTTP_IF_UNMODIFIED_SINCE"})


def register_headers(app: Flask, *, secure: bool) -> None:
    """Set the headers of every answer. `secure`: the site is reached by HTTPS, and only so from now on."""

    always = {**_ALWAYS, "Strict-Transport-Security": f"max-age={_YEAR}"} if secure else _ALWAYS

    def finish(response: Response) -> Response:
        # No view sets any of these, so they need not be looked for.
        response.headers.extend(always)
        if request.path.startswith("/api/"):
            # Public data without credentials: any page may read it.
            response.headers["Access-Control-Allow-Origin"] = "*"
            response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        if response.status_code != 200 or request.endpoint not in _INDEXED:
            response.headers["X-Robots-Tag"] = _UNINDEXED
        return _keep(response)

    app.after_request(finish)


def _keep(response: Response) -> Response:
    """How long an answer may be kept. What shows an entry is asked anew each time, and answered 304 when unchanged."""
    if request.endpoint == "static" and response.status_code in (200, 304):
        response.headers["Cache-Control"] = f"public, max-age={_YEAR}, immutable" if _is_versioned() else "no-cache"
        return response
    if request.method not in ("GET", "HEAD") or response.status_code >= 429:
        response.headers["Cache-Control"] = "no-store"
        return response
    response.headers["Cache-Control"] = "no-cache"
    if response.status_code != 200:
        return response
    response.add_etag()
    if not _CONDITIONS.isdisjoint(request.environ):
        response.make_conditional(request)
    return response


def _is_versioned() -> bool:
    """Whether the address names the version of the file that is sent: such an answer never changes."""
    name = (request.view_args or {}).get("filename", "")
    return request.args.get("v") is not None and request.args.get("v") == get_site().assets.get(name)
