"""Statistics of the list: how many there are, of what kind, how fast departures were carried out, and what was pushed; as a
page, as pictures, for machines, and as texts ready to post. No name is in any of them."""

from __future__ import annotations

from dataclasses import replace

from flask import Blueprint, Response, abort, json, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from portal.charts import draw
from portal.pages import check_parameters
from portal.parameters import MODE, BadParameters, Refusal, refuse_unknown
from portal.post_words import build_posts
from portal.site import get_freshness, get_now, get_profile, get_site
from portal.stat_words import Statistics, build_json, build_tables, read_statistics
from portal.terms import get_license, tell_training
from search_index.freshness import tell_freshness

statistics = Blueprint("statistics", __name__)

# A picture is an address of its own: its style is in it, and nothing else is.
_PICTURE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"
_FORMATS = ("", "text")


@statistics.before_request
def refuse_unknown_parameters() -> AnyResponse | None:
    if request.endpoint == "statistics.tell":
        if refusals := refuse_unknown(dict(request.args.lists()), {MODE}):
            raise BadParameters(refusals)
        return None
    return check_parameters({"format"} if request.endpoint == "statistics.post" else set())


@statistics.get("/stats")
def stats() -> str:
    found = _read()
    return render_template("stats.html", counts=found.counts, tables=build_tables(found))


@statistics.get("/stats/<name>.svg")
def picture(name: str) -> Response:
    chart = next((table.chart for table in build_tables(_read()) if table.name == name), None)
    if chart is None:
        abort(404)
    if tell_training():
        chart = replace(chart, title=f"【演练】{chart.title}")
    response = Response(draw(chart), content_type="image/svg+xml; charset=utf-8")
    response.headers["Content-Security-Policy"] = _PICTURE_POLICY
    return response


@statistics.get("/api/v1/stats")
def tell() -> Response:
    found = _read()
    meta = {
        "sequence": found.counts.sequence,
        "updated_at": found.counts.updated_at and found.counts.updated_at.isoformat(),
        **tell_freshness(get_freshness()),
        "license": get_license(),
        **tell_training(),
    }
    body = json.dumps({"meta": meta, **build_json(found)}, ensure_ascii=False, sort_keys=False)
    return Response(body, content_type="application/json")


@statistics.get("/stats/post")
def post() -> str | Response:
    wanted = request.args.get("format", "")
    if wanted not in _FORMATS:
        raise BadParameters([Refusal(parameter="format", reason="只能是 text（纯文本），或者不填")])
    counts = get_site().register.count(get_now())
    posts = build_posts(counts, get_profile(), get_site().settings.public_url, get_now())
    if not wanted:
        return render_template("posts.html", posts=posts)
    text = "\n\n".join(f"【{one.title}】\n{one.text}" for one in posts)
    return Response(f"{text}\n", content_type="text/plain; charset=utf-8")


def _read() -> Statistics:
    register, now = get_site().register, get_now()
    return read_statistics(
        register.count(now),
        register.subject("figures", "departures", now),
        register.subject("figures", "pushes", now),
    )
