"""Complaints (投诉举报) that the court passed on to this unit, which looks into them and answers (policy B25)."""

from __future__ import annotations

from flask import Blueprint, abort, request
from werkzeug import Response as ResponseValue

from registry import audit
from registry.matters.complaints import read_complaint, take_unit_answer
from registry.matters.lists import list_routed
from registry.tables import MatterRow
from registry.unit_pages.base import Site, act, actor_of, acts, after, current, reads, show


def add_pages(pages: Blueprint, site: Site) -> None:
    """`/complaints` and `/complaints/<id>`."""

    @reads(pages, "/complaints")
    def complaints() -> str:
        with site.court.reading() as session:
            lines = list_routed(session, current().unit)
        return show("complaints", lines=lines)

    @reads(pages, "/complaints/<int(max=2147483647):matter_id>")
    def complaint(matter_id: int) -> str:
        return _show(site, matter_id, None)

    @acts(pages, "/complaints/<int(max=2147483647):matter_id>/answer")
    def complaint_answer(matter_id: int) -> ResponseValue:
        def carry() -> str:
            words = request.form.get("answer", "")
            with site.court.session() as session:
                take_unit_answer(session, site.court.vault, matter_id, current().unit, words, site.acting)
            return after("complaints", "answered")

        return act(lambda problem: _show(site, matter_id, problem), carry)


def _show(site: Site, matter_id: int, problem: str | None) -> str:
    with site.court.session() as session:
        lines = list_routed(session, current().unit)
        line = next((one for one in lines if one.id == matter_id), None) or abort(404, "没有转给本单位的这件投诉举报")
        words = read_complaint(site.court.vault, session.get_one(MatterRow, matter_id))
        me = current()
        detail = {"page": "complaint", "matter": matter_id, "unit": me.unit}
        audit.note(session, site.now, actor_of(me.account), "read", detail=detail)
    return show("complaint", problem, line=line, words=words)
