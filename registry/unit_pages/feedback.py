"""Quarterly feedback: saved as a draft, submitted once, corrected with a mark."""

from __future__ import annotations

from flask import Blueprint, abort, request
from werkzeug import Response as ResponseValue

from registry.unit_pages.base import Site, act, acts, after, current, own_unit, reads, show
from registry.units.feedback import Counts, Entered, list_feedback, read_feedback, save_draft, submit_feedback
from registry.units.measures import list_measures
from registry.units.quarters import Quarter
from registry.units.words import UnitError, check_count

_FIELDS = (("checked", "核查数"), ("applied", "采取措施数"), ("lifted", "解除措施数"))


def add_pages(pages: Blueprint, site: Site) -> None:
    """`/feedback` and `/feedback/<quarter>`."""

    @reads(pages, "/feedback")
    def feedback() -> str:
        with site.court.reading() as session:
            lines = list_feedback(session, own_unit(session), site.acting)
        return show("feedback", lines=lines)

    @reads(pages, "/feedback/<period>")
    def feedback_quarter(period: str) -> str:
        return _show_quarter(site, period, None)

    @acts(pages, "/feedback/<period>")
    def feedback_send(period: str) -> ResponseValue:
        return act(lambda problem: _show_quarter(site, period, problem), lambda: _send(site, period))


def _send(site: Site, period: str) -> str:
    quarter, entered = _read_quarter(period), _read_entered(site)
    submits = request.form.get("do") == "submit"
    with site.court.session() as session:
        if submits:
            submit_feedback(session, own_unit(session), quarter, entered, site.acting)
        else:
            save_draft(session, own_unit(session), quarter, entered, site.acting)
    return after("feedback_quarter", "submitted" if submits else "saved", period=str(quarter))


def _read_quarter(period: str) -> Quarter:
    try:
        return Quarter.parse(period)
    except UnitError as error:
        abort(404, str(error))


def _read_entered(site: Site) -> Entered:
    with site.court.reading() as session:
        measures = list_measures(session, unit_id=current().unit)
    counts = {}
    for one in measures:
        values = {
            name: check_count(request.form.get(f"{name}.{one.code}", ""), f"“{one.text[:20]}”的{label}")
            for name, label in _FIELDS
        }
        counts[one.code] = Counts(**values)
    return Entered(measures=counts, remarks=request.form.get("remarks", ""))


def _show_quarter(site: Site, period: str, problem: str | None) -> str:
    quarter = _read_quarter(period)
    with site.court.reading() as session:
        unit = own_unit(session)
        if quarter not in [one.quarter for one in list_feedback(session, unit, site.acting)]:
            abort(404, f"{quarter.label}不需要本单位反馈")
        found = read_feedback(session, unit, quarter, site.acting)
        measures = [
            one for one in list_measures(session, unit_id=unit.id) if one.active or one.code in found.entered.measures
        ]
    return show(
        "feedback_quarter",
        problem,
        one=found,
        measures=measures,
        fields=_FIELDS,
        none=Counts(),
        may_submit=quarter.end < site.acting.today,
    )
