"""The open API: the same answers as the pages, for machines."""

from __future__ import annotations

from json import JSONEncoder
from typing import Any

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from portal.openapi import build_openapi
from portal.openapi_training import describe_training
from portal.pages import find_entry
from portal.parameters import MODE, BadParameters, read_api_query, refuse_unknown
from portal.site import get_now, get_site, link
from portal.terms import get_license, tell_training
from search_index.freshness import tell_freshness
from search_index.page import Hit, Page, Query

api = Blueprint("api", __name__, url_prefix="/api/v1")
health = Blueprint("health", __name__)


@api.before_request
def refuse_unknown_parameters() -> None:
    if request.endpoint == "api.entries":
        return
    _refuse_parameters()


@health.before_request
def refuse_health_parameters() -> None:
    _refuse_parameters()


@api.get("/entries")
def entries() -> Response:
    query = read_api_query(dict(request.args.lists()))
    page = get_site().register.search(query, get_now())
    return _answer({"meta": _meta(page, query), "entries": [_entry(hit) for hit in page.hits]})


@api.get("/entries/<record>")
def entry(record: str) -> AnyResponse:
    found = find_entry(record)
    if isinstance(found, str):
        return redirect(link("api.entry", record=found), 308)
    return _answer({**found.as_json(), **tell_training()})


@api.get("/openapi.json")
def openapi() -> Response:
    description = build_openapi(get_site().settings.public_url)
    return _answer(describe_training(description) if tell_training() else description)


@health.get("/healthz")
def healthz() -> Response:
    """The process is alive."""
    return _answer({"status": "ok"})


@health.get("/readyz")
def readyz() -> Response:
    """The list can be read. RegisterUnavailable becomes 503."""
    return _answer({"status": "ok", "sequence": get_site().register.head(get_now()).sequence})


def _refuse_parameters() -> None:
    if refusals := refuse_unknown(dict(request.args.lists()), {MODE}):
        raise BadParameters(refusals)


def _meta(page: Page, query: Query) -> dict[str, Any]:
    meta: dict[str, Any] = {
        "total": page.total,
        "near": page.near,
        "page": page.page,
        "pages": page.pages,
        "sequence": page.sequence,
        "updated_at": page.updated_at and page.updated_at.isoformat(),
        **tell_freshness(page.freshness),
        "reading": page.reading,
        "license": get_license(),
        **tell_training(),
    }
    if query.facets:
        meta["facets"] = {
            facet.field: [{"value": value, "count": count} for value, count in facet.counts] for facet in page.facets
        }
    if not page.total:
        meta["suggestions"] = [
            {"text": one.text, "keeps_filters": one.keeps_filters, "total": one.total} for one in page.suggestions
        ]
    return meta


def _entry(hit: Hit) -> dict[str, Any]:
    body = hit.document.as_json()
    body["match"] = hit.match
    body["found_in"] = hit.found_in
    if hit.match == "near":
        body["reason"] = hit.reason
    return body


def _answer(body: dict[str, Any]) -> Response:
    return Response(_encode(body), content_type="application/json")


# One encoder for all answers: json.dumps would make another each time.
_encode = JSONEncoder(ensure_ascii=False, check_circular=False).encode
