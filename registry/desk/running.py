"""The desk's page of how the product runs: what is not as it should be, since when, and who has read it."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug import Response as ResponseValue

from registry.desk.access import Access
from registry.desk.base import DONE, Desk, act, acts, after, reads, show
from registry.desk.forms import Refused
from registry.running import list_open, mark_read

DONE["finding-read"] = "已经标为已读。"


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/running`."""

    @reads(pages, "/running", Access.RUNNING)
    def running() -> str:
        return _show(desk, None)

    @acts(pages, "/running/read", Access.ADMIN)
    def running_read() -> ResponseValue:
        def carry_out() -> str:
            typed = request.form.getlist("finding")
            findings = {int(one) for one in typed if one.isascii() and one.isdigit() and len(one) < 10}
            if not findings:
                raise Refused("没有选择要标为已读的问题")
            with desk.court.session() as session:
                mark_read(session, findings, desk.acting)
            return after("desk.running", "finding-read")

        return act(lambda problem: _show(desk, problem), carry_out)


def _show(desk: Desk, problem: str | None) -> str:
    with desk.court.reading() as session:
        findings = list_open(session)
    seen_at = max((one.seen_at for one in findings), default=None)
    return show("running", problem, findings=findings, seen_at=seen_at)
