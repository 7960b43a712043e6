"""The site as an app: its manifest and the service worker, which keeps the shell and never an entry."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from flask import Blueprint, Response, g, json, render_template, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.pages import check_parameters
from portal.parameters import ELDER
from portal.site import get_links, get_now, get_profile, get_site
from search_index.freshness import FRESH

installing = Blueprint("installing", __name__)

# All that the offline page is made of.
_SHELL = ("govuk/govuk.css", "site.css", "icon.svg", "icons/apple-touch-icon.png")
_ICONS = (
    ("icons/icon-192.png", "192x192", "image/png", "any"),
    ("icons/icon-512.png", "512x512", "image/png", "any"),
    ("icons/maskable-192.png", "192x192", "image/png", "maskable"),
    ("icons/maskable-512.png", "512x512", "image/png", "maskable"),
    ("icon.svg", "any", "image/svg+xml", "any"),
)
_SHORTCUTS = (("查询名单", "pages.search"), ("是不是我", "pages.check"), ("异议与权利", "pages.rights"))


@installing.before_request
def refuse_unknown_parameters() -> AnyResponse | None:
    """None of these takes a parameter but the mode."""
    return check_parameters(set())


@installing.before_request
def take_the_lasting_frame() -> None:
    """What is told here stays on a telephone until the next visit: it holds nothing of a moment, neither whether the list
    is fresh nor a court without a name. Raises RegisterUnavailable; a browser then keeps the shell that it has."""
    profile, _ = get_site().register.frame(get_now())
    g.frame = profile, FRESH


@installing.get("/manifest.webmanifest")
def manifest() -> Response:
    """What a telephone is told that puts the site beside its apps."""
    court, links = get_profile().court, get_links()
    mark = "【演练】" if get_profile().training else ""
    body: dict[str, Any] = {
        "id": url_for("pages.home"),
        "name": mark + (f"失信被执行人名单 – {court}" if court else "失信被执行人名单"),
        "short_name": f"{mark}失信名单",
        "description": "免费查询人民法院依法公布的失信被执行人名单。名单不存放在手机上，查询时须联网。",
        "lang": "zh-CN",
        "dir": "ltr",
        "start_url": url_for("pages.home"),
        "scope": url_for("pages.home"),
        "display": "standalone",
        "theme_color": "#9b1b1e",
        "background_color": "#f3f2ef",
        "icons": [
            {"src": links.asset(name), "sizes": sizes, "type": kind, "purpose": purpose}
            for name, sizes, kind, purpose in _ICONS
        ],
        "shortcuts": [{"name": name, "url": url_for(endpoint)} for name, endpoint in _SHORTCUTS],
    }
    return Response(json.dumps(body, ensure_ascii=False), content_type="application/manifest+json")


@installing.get("/offline")
def offline() -> str:
    """What the app shows without a network. It holds no entry, and nothing of a moment."""
    return render_template("offline.html")


@installing.get("/sw.js")
def worker() -> Response:
    """The service worker. Its version is that of the shell: another shell is another worker, and the old one is deleted."""
    shell = [url_for("installing.offline"), url_for("installing.offline", mode=ELDER)]
    assets = [get_links().asset(name) for name in _SHELL]
    screens = url_for("displays.led").removesuffix("led")
    script = render_template("sw.js", version=_find_version(), shell=[*shell, *assets], pages=shell, displays=screens)
    response = Response(script, content_type="text/javascript; charset=utf-8")
    response.headers["Service-Worker-Allowed"] = url_for("pages.home")
    return response


def _find_version() -> str:
    """Follows the words of the offline page, which name the court, and the files it is made of."""
    site = get_site()
    found = [render_template("offline.html"), *(site.assets[name] for name in _SHELL)]
    return sha256("\n".join(found).encode()).hexdigest()[:12]
