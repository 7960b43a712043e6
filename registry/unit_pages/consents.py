"""Refusals because of the list, and what was agreed to in spite of it. A member of the leading group sees what all units
agreed to; everybody else only what is the own unit's."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug import Response as ResponseValue

from registry.unit_pages.base import (
    PER_PAGE,
    Site,
    act,
    acts,
    after,
    current,
    find_names,
    own_unit,
    read_page,
    reads,
    show,
)
from registry.units.consents import ConsentKind, Standing, list_consents, report_consent, report_refusal
from registry.units.measures import list_measures

_REFUSED = {
    Standing.LISTED: "refused",
    Standing.GONE: "refused-late",
    Standing.VERIFYING: "refused-verifying",
}


def add_pages(pages: Blueprint, site: Site) -> None:
    """`/refusals` and `/consents`."""

    @reads(pages, "/refusals")
    def refusals() -> str:
        return _show(site, ConsentKind.REFUSED, None)

    @acts(pages, "/refusals/new")
    def refusal_new() -> ResponseValue:
        return act(lambda problem: _show(site, ConsentKind.REFUSED, problem), lambda: _refuse(site))

    @reads(pages, "/consents")
    def consents() -> str:
        return _show(site, ConsentKind.AGREED, None)

    @acts(pages, "/consents/new")
    def consent_new() -> ResponseValue:
        return act(lambda problem: _show(site, ConsentKind.AGREED, problem), lambda: _agree(site))


def _refuse(site: Site) -> str:
    form = request.form
    with site.court.session() as session:
        standing = report_refusal(
            session,
            own_unit(session),
            record=form.get("record", ""),
            measure=form.get("measure", ""),
            reason=form.get("reason", ""),
            acting=site.acting,
        )
    return after("refusals", _REFUSED[standing])


def _agree(site: Site) -> str:
    form = request.form
    with site.court.session() as session:
        told = report_consent(
            session,
            own_unit(session),
            record=form.get("record", ""),
            measure=form.get("measure", ""),
            reason=form.get("reason", ""),
            acting=site.acting,
        )
    return after("consents", "reported" if told else "to-report")


def _show(site: Site, kind: ConsentKind, problem: str | None) -> str:
    me, page = current(), read_page()
    everyones = me.leading and kind is ConsentKind.AGREED
    with site.court.reading() as session:
        lines, total = list_consents(
            session, unit_id=None if everyones else me.unit, kind=kind, page=page, limit=PER_PAGE
        )
        measures = list_measures(session, unit_id=me.unit, active_only=True)
        words = {one.code: one.text for one in list_measures(session)}
    return show(
        "consents",
        problem,
        kind=kind,
        everyones=everyones,
        lines=lines,
        total=total,
        page=page,
        pages=-(-total // PER_PAGE),
        measures=measures,
        words=words,
        names=find_names([line.record for line in lines]),
    )
