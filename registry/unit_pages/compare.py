"""Comparing applicants with the newest list: one by a form, or many by a spreadsheet that comes back with the results and the
slips. Nothing that is asked is kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, make_response, request
from werkzeug import Response as ResponseValue

from registry.unit_pages.base import Site, acts, current, reads, show
from registry.units.compare_book import compare_rows
from registry.units.compare_rows import Fault, read_row
from registry.units.compare_sheets import (
    LARGEST_SHEET,
    MOST_SHEET_ROWS,
    build_results,
    build_template,
    read_applicants,
    write_slip,
)
from registry.units.compare_words import ADVISORY, OBJECTION, Answer, explain_fault, telephone_of
from registry.units.comparing import Applicant
from registry.units.sheets import MEDIA
from registry.units.uses import Given, User, check_operator, check_purpose, check_reference
from registry.units.words import UnitError

_ROOM = 64 * 1024  # what a form has beside its file


def add_pages(pages: Blueprint, site: Site) -> None:
    """`/compare`, `/compare/sheet` and `/compare/template.xlsx`."""

    @reads(pages, "/compare")
    def compare() -> str:
        return _show(None)

    @acts(pages, "/compare")
    def compare_one() -> ResponseValue:
        return _answer(lambda: make_response(_show(None, answer=_compare_one(site))))

    @acts(pages, "/compare/sheet", largest=LARGEST_SHEET + _ROOM)
    def compare_sheet() -> ResponseValue:
        return _answer(lambda: _send(_compare_sheet(site), "compare-results.xlsx"))

    @reads(pages, "/compare/template.xlsx")
    def compare_template() -> ResponseValue:
        return _send(build_template(training=site.court.profile().training), "compare-template.xlsx")


def _compare_one(site: Site) -> Answer:
    form = request.form
    row = read_row({name: form.get(name, "") for name in ("name", "id_number", "uscc", "role")})
    if isinstance(row, Fault):
        raise UnitError(explain_fault(row))
    return _compare(site, [row])


def _compare_sheet(site: Site) -> bytes:
    sent = request.files.get("sheet")
    content = sent.read() if sent is not None else b""
    if not content:
        raise UnitError("请选择填好的表格（.xlsx）")
    # What is wrong with the form is told before the sheet is read.
    given = _read_given()
    rows = read_applicants(content)
    return build_results([cells for cells, _ in rows], _compare(site, [row for _, row in rows], given))


def _compare(site: Site, rows: list[Applicant | Fault], given: Given | None = None) -> Answer:
    acting = site.acting
    user = User(unit=current().unit, by=acting.actor)
    return compare_rows(site.court, site.store, rows, user, given or _read_given(), acting)


def _read_given() -> Given:
    form = request.form
    reference = form.get("reference", "")
    return Given(
        purpose=check_purpose(form.get("purpose", "")),
        operator=check_operator(form.get("operator", "")),
        reference=check_reference(reference) if reference.strip() else None,
    )


def _answer(make: Callable[[], ResponseValue]) -> ResponseValue:
    try:
        return make()
    except UnitError as error:
        return make_response(_show(str(error).rstrip("。")), 400)


def _send(content: bytes, name: str) -> ResponseValue:
    response = make_response(content)
    response.content_type = MEDIA
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _show(problem: str | None, answer: Answer | None = None) -> str:
    values: dict[str, Any] = {"advisory": ADVISORY, "objection": OBJECTION, "most": MOST_SHEET_ROWS}
    slips: dict[int, tuple[str, str | None]] = {}
    if answer is not None:
        hits = [hit for result in answer.results for hit in result.hits]
        slips = {
            hit.entry: (write_slip(hit, training=answer.profile.training), telephone_of(hit, answer.profile))
            for hit in hits
            if hit.status.counts
        }
    return show("compare", problem, answer=answer, slips=slips, megabytes=LARGEST_SHEET // (1024 * 1024), **values)
