"""The first page: what is due today and overdue, what waits for a second person, and how many stand on each list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast

from flask import Blueprint, current_app, request, url_for
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.alarms import AlarmLine, list_alarms, mark_seen
from registry.clockbook import ClockLine, list_clocks
from registry.deadlines import RULES, Bearer
from registry.desk.access import Access
from registry.desk.base import DONE, Desk, SignedIn, act, acts, after, current, reads, show
from registry.desk.forms import Refused
from registry.desk.waiting import count_matters, find_waiting
from registry.matters.states import KIND_LABEL
from registry.worklists import LIST_LABEL, PROPOSALS, PROPOSALS_LABEL, count_lists

SOON = timedelta(days=7)
_MOST_DUE = 300
_MOST_SHOWN = 50
DONE.update({"alarms-seen": "提醒已经标为看过。"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """The clocks of the court's and the units' duties, by when they are due."""

    over: Sequence[ClockLine]
    today: Sequence[ClockLine]
    soon: Sequence[ClockLine]


def sort_due(lines: Iterable[ClockLine], now: datetime, today: date) -> Due:
    """What is over, due today, or soon. A right that a party has not used yet is nobody's duty."""
    duties = [line for line in lines if RULES[line.rule].bearer is not Bearer.PARTY]
    over = [line for line in duties if line.is_over(now)]
    ahead = [line for line in duties if not line.is_over(now)]
    return Due(
        over=over,
        today=[line for line in ahead if line.due <= today],
        soon=[line for line in ahead if line.due > today],
    )


def add_pages(pages: Blueprint, desk: Desk) -> None:
    """`/`."""

    @reads(pages, "/", Access.SIGNED_IN)
    def home() -> str:
        return _show(desk, None)

    @acts(pages, "/alarms/seen", Access.READ)
    def see_alarms() -> ResponseValue:
        def carry_out() -> str:
            typed = request.form.getlist("alarm")
            alarms = {int(one) for one in typed if one.isascii() and one.isdigit() and len(one) < 10}
            if not alarms:
                raise Refused("没有选择提醒")
            with desk.court.session() as session:
                mark_seen(session, alarms, current().name, desk.acting)
            return after("desk.home", "alarms-seen")

        return act(lambda problem: _show(desk, problem), carry_out)


def _show(desk: Desk, problem: str | None) -> str:
    me = current()
    if not me.may(Access.READ):
        return show("home", problem, sees_records=False)
    with desk.court.reading() as session:
        values = _read(session, desk, me)
    return show("home", problem, sees_records=True, most=_MOST_SHOWN, find_page=find_page, has_page=has_page, **values)


def _read(session: Session, desk: Desk, me: SignedIn) -> dict[str, Any]:
    now, today = desk.now, desk.today
    lines = list_clocks(session, desk.court.clockwork, until=today + SOON, limit=_MOST_DUE)
    own = list_alarms(session, me.name)
    known = {_key(alarm) for alarm in own}
    return {
        "due": sort_due(lines, now, today),
        "alarms": own,
        # Of those stood in for only what is not among the own.
        "others": [
            (name, [alarm for alarm in list_alarms(session, name) if _key(alarm) not in known])
            for name in me.deputy_for
        ],
        "waiting": find_waiting(session, me.name) if me.may(Access.WORK) else None,
        "counts": count_lists(session),
        "labels": {**LIST_LABEL, PROPOSALS: PROPOSALS_LABEL},
        "matters": count_matters(session),
        "matter_labels": {kind.value: label for kind, label in KIND_LABEL.items()},
    }


def _key(alarm: AlarmLine) -> tuple[object, ...]:
    return alarm.kind, alarm.rule, alarm.due, alarm.record_id, alarm.matter_id, alarm.unit_id


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
