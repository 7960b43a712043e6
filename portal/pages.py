"""The pages that people read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, abort, g, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from portal.check import BadClaim, Field, Finding, compare, get_mask, read_claim
from portal.narrowing import (
    build_chosen,
    build_groups,
    build_orders,
    build_page_links,
    build_suggestions,
    list_values,
)
from portal.parameters import FILTERS, MODE, PARAMETERS, BadParameters, Refusal, read_query, refuse_unknown
from portal.presentation import build_cards, build_rows, list_page_numbers
from portal.problems import EntryGone
from portal.public_words import read_figures
from portal.site import get_freshness, get_links, get_now, get_profile, get_site, link
from search_index import privacy_words, reader_terms
from search_index.document import Document
from search_index.number import find_number
from search_index.page import Departed

pages = Blueprint("pages", __name__)

_EMBLEM_TYPES = ("image/svg+xml", "image/png")
_WECHAT = frozenset({"isappinstalled", "nsukey", "scene", "clicktime", "enterid"})
_WECHAT_FROM = frozenset({"singlemessage", "groupmessage", "timeline"})
_ROBOTS = """\
# 查询结果与核对页面不供抓取。各条信息的页面自行声明不得收录（X-Robots-Tag），故须允许读取，才能及时撤下。
User-agent: *
Disallow: /search
Disallow: /check
Disallow: /api/
Disallow: /objections/
Disallow: /complaints/
Disallow: /certificates
"""


def find_entry(typed: str) -> Document | str:
    """The entry of a record number in any typed form, or the published form of the number where that is another.

    Raises EntryGone for a departed record, NotFound for one that never was public.
    """
    record = find_number(typed)
    if record is None:
        abort(404)
    if record != typed:
        return record
    found = get_site().register.find(record, get_now())
    if isinstance(found, Departed):
        raise EntryGone(found)
    if found is None:
        abort(404)
    return found


@pages.before_request
def refuse_unknown_parameters() -> AnyResponse | None:
    """The search reads its own parameters; every other page takes none but the mode."""
    return check_parameters(None if request.endpoint == "pages.search" else set())


def check_parameters(known: set[str] | None) -> AnyResponse | None:
    """Open the page without what WeChat puts on a link; otherwise refuse every parameter but `known` and the mode.
    None: the page reads its parameters itself. Raises BadParameters."""
    given = request.args
    if request.method in ("GET", "HEAD") and any(_is_of_wechat(name, given) for name in given):
        kept = {name: values for name, values in given.lists() if not _is_of_wechat(name, given)}
        values: dict[str, Any] = {**(request.view_args or {}), **kept}
        return redirect(url_for(request.endpoint or "pages.home", **values))
    if known is None:
        return None
    if refusals := refuse_unknown(dict(request.args.lists()), {MODE, *known}):
        raise BadParameters(refusals)
    return None


@pages.get("/")
def home() -> str:
    return render_template("home.html", head=get_site().register.head(get_now()))


@pages.get("/search")
def search() -> str:
    query = replace(read_query(dict(request.args.lists())), facets=True, namesakes=True)
    page = get_site().register.search(query, get_now())
    g.frame = page.profile, page.freshness
    links = get_links()
    addresses = links.of_searches(_arguments())
    found = links.of_entries([hit.document.record for hit in page.hits])
    return render_template(
        "search.html",
        query=query,
        page=page,
        find_other_mode=addresses.switch_mode,
        exact=build_cards([hit for hit in page.hits if hit.match == "exact"], found),
        near=build_cards([hit for hit in page.hits if hit.match == "near"], found),
        courts=list_values(page, "court", query.court),
        regions=list_values(page, "region", query.region),
        groups=build_groups(page, query, addresses),
        chosen=build_chosen(query, addresses),
        unfiltered=addresses.leave_out(FILTERS),
        orders=build_orders(query, addresses) if page.total + page.near > 1 else [],
        suggestions=build_suggestions(page, query, addresses),
        first_page=addresses.turn_to(1),
        page_links=build_page_links(list_page_numbers(query.page, page.pages), addresses),
        previous=addresses.turn_to(query.page - 1) if query.page > 1 else "",
        following=addresses.turn_to(query.page + 1) if query.page < page.pages else "",
        typed_number=find_number(query.text),
        is_past_end=query.page > max(1, page.pages),
    )


@pages.get("/entries/<record>")
def entry(record: str) -> str | AnyResponse:
    found = find_entry(record)
    if isinstance(found, str):
        return redirect(link("pages.entry", record=found), 308)
    return render_template(
        "entry.html",
        document=found,
        rows=build_rows(found),
        namesakes=get_site().register.count_named(found.name, get_now()) if found.kind == "person" else None,
    )


@pages.get("/check")
def check() -> str:
    return _check_form({})


@pages.post("/check")
def answer_check() -> str | tuple[str, int]:
    form = dict(request.form.lists())
    if set(form) - set(Field) or any(len(values) > 1 for values in form.values()):
        # Not even the name of an unknown field is repeated: on this page nothing that was sent comes back.
        raise BadParameters([Refusal(parameter="表单", reason="表单中有多余的内容，请从本网站的页面重新填写")])
    profile = get_profile()
    typed = {field: request.form.get(field, "") for field in Field}
    try:
        claim = read_claim(typed[Field.NAME], typed[Field.HEAD], typed[Field.TAIL], get_mask(profile.id_mask))
    except BadClaim as error:
        return _check_form(error.reasons), 400
    finding = compare(claim, _everyone_named(claim.name))
    return render_template("check_answer.html", finding=finding, outcome=_outcome(finding))


@pages.get("/rights")
def rights() -> str:
    return render_template("rights.html")


@pages.get("/about")
def about() -> str:
    register, now = get_site().register, get_now()
    # The page tells what the list is, also while it is hidden: then without how many there are.
    is_hidden = get_freshness().is_hidden
    figures = () if is_hidden else read_figures(register.subject("figures", "departures", now))
    return render_template(
        "about.html",
        mask=get_mask(get_profile().id_mask),
        head=None if is_hidden else register.head(now),
        figures=figures,
        bulk_terms=reader_terms.TERMS,
        bulk_terms_version=reader_terms.VERSION,
    )


@pages.get("/privacy")
def privacy() -> str:
    return render_template("privacy.html", words=privacy_words)


@pages.get("/robots.txt")
def robots() -> Response:
    return Response(_ROBOTS, content_type="text/plain; charset=utf-8")


@pages.get("/emblem")
def emblem() -> Response:
    profile = get_profile()
    if not profile.emblem or profile.emblem_type not in _EMBLEM_TYPES:
        abort(404)
    return Response(profile.emblem, content_type=profile.emblem_type)


def _is_of_wechat(name: str, given: Mapping[str, str]) -> bool:
    """Whether WeChat put the parameter on a link that somebody passed on; the page is then opened without it."""
    return name in _WECHAT or (name == "from" and given[name] in _WECHAT_FROM)


def _check_form(reasons: Mapping[Field, str]) -> str:
    return render_template("check.html", reasons=reasons, mask=get_mask(get_profile().id_mask))


def _everyone_named(name: str) -> list[Document]:
    register, now = get_site().register, get_now()
    # All of them: an answer that left some out could exclude a person wrongly.
    return register.named(name, now, limit=max(1, register.count_named(name, now)))


def _outcome(finding: Finding) -> str:
    if finding.agreeing:
        return "agrees"
    if finding.unknown:
        return "unknown"
    return "differs" if finding.same_name else "none"


def _arguments() -> dict[str, str]:
    """The parameters as they were given, for the links to other answers."""
    given = request.args
    return {name: given[name] for name in PARAMETERS if name in given}
