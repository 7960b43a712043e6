"""All that is due: page by page, what concerns entries, complaints and units each by itself."""

from __future__ import annotations

from typing import Any, cast

from flask import Blueprint, current_app, request, url_for

from registry.alarms import AlarmLine
from registry.clockbook import ClockLine
from registry.desk.access import Access
from registry.desk.base import Desk, reads, show
from registry.desk.worklists import read_after
from registry.duties import GROUP_LABEL, WHEN_LABEL, Group, When, count_due, count_of_units, list_due

_MOST_UNITS = 10


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/work/due`."""

    @reads(pages, "/work/due", Access.READ)
    def due() -> str:
        group = Group(typed) if (typed := request.args.get("about", "")) in set(Group) else Group.ENTRIES
        when = When(typed) if (typed := request.args.get("when", "")) in set(When) else When.OVER
        after = read_after()
        with desk.court.reading() as session:
            counts = count_due(session, desk.acting)
            page = list_due(session, desk.acting, group, when, after=after)
            units = count_of_units(session, desk.acting) if group is Group.UNITS else []
        return show(
            "due",
            group=group,
            when=when,
            counts=counts,
            page=page,
            units=units,
            most_units=_MOST_UNITS,
            after=after,
            groups=GROUP_LABEL,
            whens=WHEN_LABEL,
            find_page=find_page,
        )


def has_page(endpoint: str) -> bool:
    """Whether this desk has the page."""
    return endpoint in current_app.view_functions


def find_page(line: ClockLine | AlarmLine) -> str | None:
    """The page of what a clock or an alarm is about; None where this desk has none."""
    for endpoint, values in (
        ("desk.matter", {"matter_id": line.matter_id}),
        ("desk.record", {"record_id": line.record_id}),
        ("desk.unit", {"unit_id": line.unit_id}),
    ):
        if None not in values.values() and has_page(endpoint):
            return url_for(endpoint, **cast("dict[str, Any]", values))
    return None
