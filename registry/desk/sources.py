"""The desk's page of the lists of other courts: which are taken over, how old each is, and the end of one.

Files come in by the command line (`gongshi source import`); to put a list in, or to end it, takes a reviewer.
"""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after, reads, show
from registry.desk.forms import read_line
from registry.matching import SOURCE_ENDED
from registry.sources.book import OLDEST, add_source, end_source, list_sources
from registry.sources.leaving import plan_ending, take_all_down
from registry.sources.origin import SourceRefused

DONE["source-added"] = "名单已经登记。请用 gongshi source import 导入该院的完整名单。"
DONE["source-ended"] = "已经停止转载，该名单的条目公众都已查不到。"


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/sources`, and what is done of one list."""

    @reads(pages, "/sources", Access.READ)
    def sources() -> str:
        return _show_sources(desk, None)

    @acts(pages, "/sources", Access.DECIDE)
    def source_add() -> ResponseValue:
        def carry_out() -> str:
            form, court = request.form, desk.court
            slug, name = read_line(form, "slug", "代号", most=40), read_line(form, "court", "法院", most=60)
            basis, own_court, acting = read_line(form, "basis", "依据", most=200), court.profile().court, desk.acting
            with court.turns.go_ahead(), court.session() as session:
                add_source(session, slug, name, basis, own_court, acting)
            return after("desk.sources", "source-added")

        return act(lambda problem: _show_sources(desk, problem), carry_out, also=(SourceRefused,))

    @acts(pages, "/sources/<string(maxlength=40):slug>/end", Access.DECIDE)
    def source_end(slug: str) -> ResponseValue:
        def carry_out() -> str:
            court, acting, basis = desk.court, desk.acting, read_line(request.form, "basis", "依据", most=200)
            with court.turns.go_ahead(), court.session() as session:
                end_source(session, slug, basis, acting)
            take_all_down(court.amend, plan_ending(court.engine, slug, basis), SOURCE_ENDED, acting)
            return after("desk.sources", "source-ended")

        return act(lambda problem: _show_sources(desk, problem), carry_out, also=(SourceRefused,))


def _show_sources(desk: Desk, problem: str | None) -> str:
    with desk.court.reading() as session:
        lines = list_sources(session)
    stale = [one for one in lines if one.is_stale(desk.today)]
    return show("sources", problem, lines=lines, stale=stale, oldest=OLDEST.days)
