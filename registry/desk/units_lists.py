"""What concerns all units on the desk: the quarter, what was agreed to all the same, the assessment, and the measures."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, abort, make_response, request
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after, reads, show
from registry.units.consents import ConsentKind, list_consents, mark_reported
from registry.units.feedback import open_quarter
from registry.units.measures import Measure, list_measures, put_measure
from registry.units.quarters import Quarter
from registry.units.sheets import MEDIA, build_assessment, quarters_of, select_units
from registry.units.units import list_units
from registry.units.words import UnitError

ShowUnits = Callable[[Desk, str | None], str]
_PER_PAGE = 50

DONE.update(
    {
        "quarter-opened": "该季度的反馈期限已经计算。",
        "consent-reported": "已经登记为报告领导小组。",
        "measure-saved": "惩戒措施已经保存。",
    }
)


def add_list_pages(pages: Blueprint, desk: Desk, show_units: ShowUnits) -> None:
    """`/units/consents`, `/units/quarter`, `/units/assessment.xlsx` and `/measures`."""
    _add_units(pages, desk, show_units)
    _add_measures(pages, desk)


def _add_units(pages: Blueprint, desk: Desk, show_units: ShowUnits) -> None:
    @acts(pages, "/units/quarter", Access.WORK)
    def unit_quarter() -> ResponseValue:
        def carry() -> str:
            quarter = Quarter.parse(request.form.get("period", ""))
            with desk.court.session() as session:
                open_quarter(session, quarter, desk.acting)
            return after("desk.units", "quarter-opened")

        return act(lambda problem: show_units(desk, problem), carry)

    @reads(pages, "/units/assessment.xlsx", Access.READ)
    def units_sheet() -> ResponseValue:
        typed = request.args.get("year", "")
        year = int(typed) if typed.isascii() and typed.isdigit() and len(typed) == 4 else desk.today.year
        try:
            with desk.court.reading() as session:
                content = build_assessment(session, select_units(session), quarters_of(year, desk.today), desk.acting)
        except UnitError as error:
            abort(404, str(error))
        response = make_response(content)
        response.content_type = MEDIA
        response.headers.set("Content-Disposition", "attachment", filename=f"assessment-{year}.xlsx")
        return response

    @reads(pages, "/units/consents", Access.READ)
    def unit_consents() -> str:
        return _show_consents(desk, None)

    @acts(pages, "/units/consents/<int(max=2147483647):consent_id>/reported", Access.WORK)
    def unit_consent_reported(consent_id: int) -> ResponseValue:
        def carry() -> str:
            with desk.court.session() as session:
                mark_reported(session, consent_id, desk.acting)
            return after("desk.unit_consents", "consent-reported")

        return act(lambda problem: _show_consents(desk, problem), carry)


def _add_measures(pages: Blueprint, desk: Desk) -> None:
    @reads(pages, "/measures", Access.READ)
    def measures() -> str:
        return _show_measures(desk, None)

    @acts(pages, "/measures", Access.DECIDE)
    def measure_save() -> ResponseValue:
        def carry() -> str:
            form = request.form
            measure = Measure(
                code=form.get("code", ""),
                text=form.get("text", ""),
                basis=form.get("basis", ""),
                unit=form.get("unit") or None,
                active=form.get("active") == "yes",
            )
            with desk.court.session() as session:
                put_measure(session, measure, desk.acting)
            return after("desk.measures", "measure-saved")

        return act(lambda problem: _show_measures(desk, problem), carry)


def _show_consents(desk: Desk, problem: str | None) -> str:
    typed = request.args.get("page", "1")
    page = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 6 and int(typed) > 0 else 1
    with desk.court.reading() as session:
        lines, total = list_consents(session, kind=ConsentKind.AGREED, page=page, limit=_PER_PAGE)
        words = {one.code: one.text for one in list_measures(session)}
        leading = [one for one in list_units(session, active_only=True) if one.facts.leading]
    return show(
        "unit_consents",
        problem,
        lines=lines,
        total=total,
        page=page,
        pages=-(-total // _PER_PAGE),
        words=words,
        leading=leading,
    )


def _show_measures(desk: Desk, problem: str | None) -> str:
    with desk.court.reading() as session:
        found = list_measures(session)
        units = list_units(session, active_only=True)
    code = request.args.get("code", "")
    chosen = next((one for one in found if one.code == code), None)
    return show("unit_measures", problem, measures=found, units=units, chosen=chosen)
