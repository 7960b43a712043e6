"""What is shown on screens and notice boards: the rolling list of a hall (LED) and the printed notice.

A screen is told every two seconds whether the list is still the same (`mark`), without a name, and reads its slide
anew when it is not, or when the next one is due.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from hashlib import sha256
from json import JSONEncoder
from typing import Any

import segno
from flask import Blueprint, Response, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.display_words import (
    PER_NOTICE,
    SIZES,
    Screen,
    build_lines,
    count_pages,
    describe,
    find_end,
    read_screen,
    read_sheet,
)
from portal.narrowing import list_values
from portal.pages import check_parameters
from portal.parameters import FILTERS, MODE
from portal.presentation import day, moment
from portal.site import get_links, get_now, get_profile, get_site
from portal.terms import tell_training
from search_index.counting import CountedField
from search_index.day import day_of
from search_index.document import Document
from search_index.folding import fold_name
from search_index.freshness import Freshness
from search_index.page import PAGE_SIZE, Page, Query
from search_index.register import ListHidden, RegisterUnavailable

HIDDEN = "名单暂停显示"
displays = Blueprint("displays", __name__, url_prefix="/display")

_encode = JSONEncoder(ensure_ascii=False, check_circular=False).encode


@displays.before_request
def refuse_unknown_parameters() -> AnyResponse | None:
    """Screens and notices read their own parameters; the mark takes none."""
    return check_parameters(set() if request.endpoint == "displays.mark" else None)


@displays.get("/led")
def led() -> str:
    """A screen without a name in it: the script fetches them. Without scripts a browser goes on to `still`."""
    return _render_screen(read_screen(_given()), None)


@displays.get("/led/still")
def still() -> str:
    """A slide for a browser without scripts; it goes on to the next by itself."""
    screen = read_screen(_given())
    return _render_screen(screen, _read_slide(screen))


@displays.get("/led.json")
def slide() -> Response:
    """A slide for the script."""
    now = get_now()
    # The mark is read first: what changes after it is found out at the next look.
    mark = _find_mark()
    found = _read_slide(read_screen(_given()))
    lines = [line.as_json(now) for line in found.pop("lines")]
    return _answer({**found, "mark": mark, "lines": lines, **tell_training()})


@displays.get("/mark.json")
def mark() -> Response:
    """A word that stays the same as long as the list does."""
    return _answer({"mark": _find_mark()})


@displays.get("/notice")
def notice() -> str:
    sheet = read_sheet(_given())
    total, documents, first = _read_some(replace(sheet.query, facets=True), (sheet.page - 1) * PER_NOTICE, PER_NOTICE)
    lines = build_lines(documents)
    told = _find_known(sheet.query)
    address = _find_public("pages.search", sort="newest", **_filters())
    return render_template(
        "notice.html",
        sheet=sheet,
        sizes=SIZES,
        courts=list_values(first, "court", sheet.query.court),
        court=told.court or get_profile().court,
        scope=describe(told),
        lines=lines,
        total=total,
        pages=count_pages(total, PER_NOTICE),
        start=(sheet.page - 1) * PER_NOTICE,
        ends_at=find_end(lines, get_now()),
        today=day(day_of(get_now())),
        live=get_site().settings.public_url,
        code=_draw_code(address),
        turn_to=lambda page: get_links()("displays.notice", **{**_kept(), "page": str(page)}),
    )


def _render_screen(screen: Screen, found: dict[str, Any] | None) -> str:
    told = _find_known(screen.query)
    following = 1 if found is None or found["page"] >= found["pages"] else found["page"] + 1
    links = get_links()
    return render_template(
        "led.html",
        screen=screen,
        slide=found,
        scope=describe(told),
        slides=links("displays.slide", **_kept()),
        marks=links("displays.mark"),
        following=links("displays.still", **{**_kept(), "page": str(following)}),
        live=get_site().settings.public_url,
        code=_draw_code(_find_public("pages.home")),
        court=told.court or get_profile().court,
    )


def _read_slide(screen: Screen) -> dict[str, Any]:
    """One slide; the first where the list has become shorter than what is asked for. A list that is hidden has an empty one,
    that says so: what stands on a wall goes at once, and the screen goes on asking."""
    try:
        return _read_shown(screen)
    except ListHidden:
        today = day(day_of(get_now()))
        return {"lines": [], "page": 1, "pages": 1, "total": 0, "updated": "", "today": today, "state": HIDDEN}


def _read_shown(screen: Screen) -> dict[str, Any]:
    total, documents, page = _read_some(screen.query, (screen.page - 1) * screen.rows, screen.rows)
    number = screen.page
    if not documents and number > 1:
        number = 1
        total, documents, page = _read_some(screen.query, 0, screen.rows)
    return {
        "lines": build_lines(documents),
        "page": number,
        "pages": count_pages(total, screen.rows),
        "total": total,
        "updated": moment(page.updated_at) or "",
        "today": _tell_today(page.freshness),
    }


def _tell_today(found: Freshness) -> str:
    if found.is_silent:
        return f"核对于 {moment(found.checked_at)}，此后变动未显示"
    return str(day(day_of(get_now())))


def _read_some(query: Query, start: int, count: int) -> tuple[int, list[Document], Page]:
    """How many entries there are, those from `start` on, newest first, and the first page they were read from."""
    register, now = get_site().register, get_now()
    wanted = range(start // PAGE_SIZE + 1, (start + count - 1) // PAGE_SIZE + 2)
    pages = [register.search(replace(query, page=wanted[0]), now)]
    others = (replace(query, page=number, facets=False) for number in wanted[1:] if number <= pages[0].pages)
    pages += [register.search(other, now) for other in others]
    documents = [hit.document for page in pages for hit in page.hits]
    # Between two pages of an answer the list may have moved: nobody is shown twice.
    within = {document.record: document for document in documents[start % PAGE_SIZE : start % PAGE_SIZE + count]}
    return pages[-1].total, list(within.values()), pages[0]


def _find_known(query: Query) -> Query:
    """The filters as a wall may tell of them: whatever somebody wrote into an address for a court or a region that no entry
    is of, is not repeated in the court's name."""
    if not (query.court or query.region):
        return query
    try:
        values = get_site().register.count(get_now()).values
    except RegisterUnavailable:
        # A screen begins all the same: its script goes on asking.
        return replace(query, court=None, region=None)

    def find(field: CountedField, given: str | None) -> str | None:
        return given and next((one for one, _ in values[field] if fold_name(one) == fold_name(given)), None)

    return replace(query, court=find("court", query.court), region=find("region", query.region))


def _find_mark() -> str:
    try:
        found = repr(get_site().register.mark(get_now()))
    except ListHidden:
        found = HIDDEN
    return sha256(found.encode()).hexdigest()[:16]


def _given() -> dict[str, list[str]]:
    return dict(request.args.lists())


def _kept() -> dict[str, str]:
    """The parameters of the present address, for another page of the same."""
    return {name: value for name, value in request.args.items() if name not in ("page", MODE)}


def _filters() -> dict[str, str]:
    return {name: value for name, value in _kept().items() if name in FILTERS}


def _find_public(endpoint: str, **values: Any) -> str:
    """The address that is read from a wall, with a telephone."""
    return f"{get_site().settings.public_url}{url_for(endpoint, **values)}"


@lru_cache(maxsize=64)
def _draw_code(address: str) -> str:
    """A QR code of an address, as the address of a picture."""
    drawn: str = segno.make(address, error="m", micro=False).svg_data_uri(border=2, dark="#000", light="#fff")
    return drawn


def _answer(body: dict[str, Any]) -> Response:
    return Response(_encode(body), content_type="application/json")
