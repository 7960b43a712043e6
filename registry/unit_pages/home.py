"""The first page: what is due, the newest list, what is to be lifted, and what is being looked into."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request
from werkzeug import Response as ResponseValue

from registry.matters.lists import list_routed
from registry.matters.states import MatterState
from registry.unit_pages.base import (
    PER_PAGE,
    Site,
    act,
    acts,
    after,
    current,
    find_cases,
    find_names,
    own_unit,
    read_page,
    reads,
    show,
)
from registry.units.feedback import list_owed
from registry.units.ledger import LedgerKind, find_newest, list_under_verification
from registry.units.lists import acknowledge_list, find_newest_list
from registry.units.measures import list_measures
from registry.units.releases import carry_out, lift, list_releases, list_retained, list_to_lift, retain
from registry.units.words import check_day
from search_index.day import day_of

_SHOWN = 20


def add_pages(pages: Blueprint, site: Site) -> None:
    """`/` and `/releases`."""

    @reads(pages, "/")
    def home() -> str:
        return _show_home(site, None)

    @acts(pages, "/lists/<int(max=2147483647):line_id>/acknowledge")
    def acknowledge(line_id: int) -> ResponseValue:
        def carry() -> str:
            with site.court.session() as session:
                acknowledge_list(session, own_unit(session), line_id, site.acting)
            return after("home", "acknowledged")

        return act(lambda problem: _show_home(site, problem), carry)

    @reads(pages, "/releases")
    def releases() -> str:
        return _show_releases(site, None)

    @acts(pages, "/releases/<int(max=2147483647):release_id>/done")
    def release_done(release_id: int) -> ResponseValue:
        def carry() -> str:
            with site.court.session() as session:
                carry_out(session, own_unit(session), release_id, site.acting)
            return after("releases", "released")

        return act(lambda problem: _show_releases(site, problem), carry)

    @acts(pages, "/releases/<int(max=2147483647):release_id>/retain")
    def release_retain(release_id: int) -> ResponseValue:
        return act(lambda problem: _show_releases(site, problem), lambda: _retain(site, release_id))

    @acts(pages, "/retained/<int(max=2147483647):retained_id>/lifted")
    def retained_lifted(retained_id: int) -> ResponseValue:
        def carry() -> str:
            with site.court.session() as session:
                lift(session, own_unit(session), retained_id, site.acting)
            return after("releases", "lifted")

        return act(lambda problem: _show_releases(site, problem), carry)


def _retain(site: Site, release_id: int) -> str:
    form = request.form
    ends_on = check_day(form.get("ends_on", ""), "继续保留的期限")
    with site.court.session() as session:
        retain(
            session,
            own_unit(session),
            release_id,
            measure=form.get("measure", ""),
            basis=form.get("basis", ""),
            ends_on=ends_on,
            acting=site.acting,
        )
    return after("releases", "retained")


def _show_home(site: Site, problem: str | None) -> str:
    me, acting = current(), site.acting
    with site.court.reading() as session:
        verifying = list_under_verification(session, me.unit)[:_SHOWN]
        values: dict[str, Any] = {
            "owed": list_owed(session, acting, unit_id=me.unit),
            "releases": list_releases(session, me.unit, open_only=True, limit=_SHOWN),
            "retained": list_retained(session, me.unit, acting.today)[:_SHOWN],
            "to_lift": list_to_lift(session, me.unit, acting.today),
            "newest": find_newest_list(session, me.unit),
            "consent": find_newest(session, me.unit, LedgerKind.CONSENT) if me.leading else None,
            "complaints": [one for one in list_routed(session, me.unit) if one.state == MatterState.ROUTED.value],
        }
    names = find_names([line.record for line in verifying if line.record])
    return show("home", problem, verifying=verifying, names=names, **values)


def _show_releases(site: Site, problem: str | None) -> str:
    me, page = current(), read_page()
    with site.court.reading() as session:
        waiting, open_total = list_releases(session, me.unit, open_only=True, limit=PER_PAGE)
        every, total = list_releases(session, me.unit, page=page, limit=PER_PAGE)
        measures = list_measures(session, unit_id=me.unit, active_only=True)
        to_lift = list_to_lift(session, me.unit, day_of(site.now))
        kept = list_retained(session, me.unit, day_of(site.now))
        names = {one.code: one.text for one in list_measures(session)}
        records = [one.record for one in (*waiting, *every)] + [one.record for one in (*to_lift, *kept) if one.record]
        cases = find_cases(session, records)
    return show(
        "releases",
        problem,
        waiting=waiting,
        open_total=open_total,
        every=[one for one in every if one.done_at is not None],
        total=total,
        page=page,
        pages=-(-total // PER_PAGE),
        measures=measures,
        to_lift=to_lift,
        kept=kept,
        measure_names=names,
        cases=cases,
        day=day_of(site.now),
    )
