"""The unit's own ledger, as pages and as a spreadsheet."""

from __future__ import annotations

from flask import Blueprint, make_response, request
from werkzeug import Response as ResponseValue

from registry.unit_pages.base import PER_PAGE, Site, current, find_names, own_unit, read_page, reads, refuse_page, show
from registry.units.ledger import LedgerKind, list_ledger
from registry.units.sheets import MEDIA, build_ledger
from registry.units.words import UnitError


def add_pages(pages: Blueprint, site: Site) -> None:
    """`/ledger` and `/ledger.xlsx`."""

    @reads(pages, "/ledger")
    def ledger() -> str:
        chosen = next((kind for kind in LedgerKind if kind.value == request.args.get("kind")), None)
        page = read_page()
        with site.court.reading() as session:
            lines, total = list_ledger(session, current().unit, kind=chosen, page=page, limit=PER_PAGE)
        return show(
            "ledger",
            lines=lines,
            total=total,
            chosen=chosen,
            page=page,
            pages=-(-total // PER_PAGE),
            names=find_names([line.record for line in lines if line.record]),
        )

    @reads(pages, "/ledger.xlsx")
    def ledger_sheet() -> ResponseValue:
        try:
            with site.court.reading() as session:
                content = build_ledger(session, own_unit(session), site.acting, outside=True)
        except UnitError as error:
            return refuse_page(str(error), 400)
        response = make_response(content)
        response.content_type = MEDIA
        response.headers.set("Content-Disposition", "attachment", filename="ledger.xlsx")
        return response
