"""Feeds of the newest publications and departures (Atom, JSON Feed), and the description of the search (OpenSearch)."""

from __future__ import annotations

import re

from flask import Blueprint, Response, abort, json, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.feed_words import (
    ATOM_TYPE,
    JSON_TYPE,
    OPENSEARCH_TYPE,
    Place,
    build_archive,
    build_atom,
    build_json_feed,
    build_opensearch,
)
from portal.keys import require_reader
from portal.pages import check_parameters
from portal.site import get_freshness, get_now, get_profile, get_site
from portal.terms import get_license

feeds = Blueprint("feeds", __name__)

# So many records that changed last are in a feed.
NEWEST = 50
_BLOCK = re.compile(r"[1-9][0-9]{0,7}", re.ASCII)


@feeds.before_request
def refuse_unknown_parameters() -> AnyResponse | None:
    return check_parameters(set())


@feeds.get("/feed.atom")
def atom() -> Response:
    news, last_block = get_site().register.news(NEWEST, get_now())
    return Response(build_atom(news, _find_place(), last_block), content_type=f"{ATOM_TYPE}; charset=utf-8")


@feeds.get("/feed.json")
def json_feed() -> Response:
    news, _ = get_site().register.news(NEWEST, get_now())
    body = json.dumps(build_json_feed(news, _find_place()), ensure_ascii=False, sort_keys=False)
    return Response(body, content_type=JSON_TYPE)


@feeds.get("/feed/archive/<block>.atom")
def archive(block: str) -> Response:
    """A block of the list. Archives together are the whole list, so they are read with a key, as bulk is."""
    reader = require_reader(basic=True)
    if not _BLOCK.fullmatch(block):
        abort(404)
    number = int(block)
    found = get_site().register.block(number, get_now())
    if not found.entries and found.before is None and found.after is None:
        abort(404)
    body = build_archive(found, number, _find_place(), reader.standing.watermark)
    return Response(body, content_type=f"{ATOM_TYPE}; charset=utf-8")


@feeds.get("/opensearch.xml")
def opensearch() -> Response:
    place = _find_place()
    icon = place.address(url_for("static", filename="icon.svg"))
    return Response(build_opensearch(place, icon), content_type=f"{OPENSEARCH_TYPE}; charset=utf-8")


def _find_place() -> Place:
    return Place(
        public_url=get_site().settings.public_url,
        license=get_license(),
        profile=get_profile(),
        freshness=get_freshness(),
    )
