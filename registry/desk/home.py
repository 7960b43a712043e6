"""The first page: what is due today and overdue, what waits for a second person, and how many stand on each list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Blueprint, request
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry.alarms import AlarmLine, count_alarms, list_alarms, mark_seen
from registry.clockbook import ClockLine
from registry.desk.access import Access
from registry.desk.base import DONE, Desk, SignedIn, act, acts, after, current, reads, show
from registry.desk.due import find_page, has_page
from registry.desk.forms import Refused
from registry.desk.waiting import count_matters, find_waiting
from registry.duties import GROUP_LABEL, WHEN_LABEL, Group, When, count_due, count_of_units, list_due
from registry.matters.states import KIND_LABEL
from registry.staff import find_gaps
from registry.worklists import LIST_LABEL, PROPOSALS, PROPOSALS_LABEL, count_lists

# What a person of the court has to do; what the units owe is counted per unit.
_PEOPLES = (Group.ENTRIES, Group.COMPLAINTS)
# Of what concerns an entry and is due, of whatever else is listed, and of the units.
_MOST_DUE, _MOST_SHOWN, _MOST_UNITS = 50, 20, 10
DONE.update({"alarms-seen": "提醒已经标为看过。"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DueList:
    """What of a group is due when: the first of it, and how many there are in all."""

    group: Group
    when: When
    lines: tuple[ClockLine, ...]
    total: int

    @property
    def heading(self) -> str:
        about = "" if self.group is Group.ENTRIES else f"{GROUP_LABEL[self.group]}："
        return f"{about}{WHEN_LABEL[self.when]}（{self.total:,}）"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What somebody was told and has not marked as seen: the first of it, and how many there are in all."""

    name: str
    alarms: Sequence[AlarmLine]
    total: int


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
    sees_records = me.may(Access.READ)
    with desk.court.reading() as session:
        gaps = find_gaps(session, desk.today)
        values = _read(session, desk, me) if sees_records else {}
    return show("home", problem, sees_records=sees_records, gaps=gaps, find_page=find_page, has_page=has_page, **values)


def _read(session: Session, desk: Desk, me: SignedIn) -> dict[str, Any]:
    due = count_due(session, desk.acting)

    def read(group: Group, when: When) -> DueList:
        total = due[group][when]
        most = _MOST_DUE if group is Group.ENTRIES and when is not When.SOON else _MOST_SHOWN
        lines = list_due(session, desk.acting, group, when, limit=most).lines if total else ()
        return DueList(group=group, when=when, lines=lines, total=total)

    return {
        "pressing": [read(group, when) for group in _PEOPLES for when in (When.OVER, When.TODAY)],
        "soon": [read(group, When.SOON) for group in _PEOPLES],
        "units": count_of_units(session, desk.acting) if sum(due[Group.UNITS].values()) else [],
        "most_units": _MOST_UNITS,
        "whens": WHEN_LABEL,
        "alarms": _read_alarms(session, me.name, None),
        # Of those stood in for only what is not among the own.
        "others": [_read_alarms(session, name, me.name) for name in me.deputy_for],
        "waiting": find_waiting(session, me.name) if me.may(Access.WORK) else None,
        "counts": count_lists(session),
        "labels": {**LIST_LABEL, PROPOSALS: PROPOSALS_LABEL},
        "matters": count_matters(session),
        "matter_labels": {kind.value: label for kind, label in KIND_LABEL.items()},
    }


def _read_alarms(session: Session, name: str, but_of: str | None) -> Told:
    alarms = list_alarms(session, name, _MOST_SHOWN, but_of=but_of)
    total = len(alarms) if len(alarms) < _MOST_SHOWN else count_alarms(session, name, but_of=but_of)
    return Told(name=name, alarms=alarms, total=total)
