"""The pages of the desk: each a function that reads what it shows and writes the page, so that a form that was refused can
show its page again with the reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from flask import abort

from notifier.calendar import DuePeriod, InvalidPeriod, Period
from notifier.desk_base import Desk, show
from notifier.desk_log import list_actions
from notifier.desk_messages import find_message, group_recalls
from notifier.followups import LETTERS, FollowUp, list_follow_ups
from notifier.outbox import count_states, list_due, list_messages
from notifier.package import MANIFEST
from notifier.packages import FileRefused, list_package_files, package_folder, read_package_file
from notifier.recipients import list_all_recipients, list_boards, list_printings
from notifier.runs import Push, Run, find_approvals, find_run, list_runs, push
from notifier.states import MessageState, Purpose
from notifier.stops import list_pauses
from notifier.worker import find_announced_periods, find_due_periods, find_waiting
from search_index.day import day_of

SHOWN_ENTRIES = 50
SHOWN_CLOSED = 100
# What somebody has to see to: what is not known, and what will not be tried again.
FOR_A_PERSON = (MessageState.UNKNOWN, MessageState.FAILED_PERMANENT, MessageState.FAILED_TEMPORARY)


def show_runs(desk: Desk, problem: str | None = None) -> str:
    notifier, now = desk.notifier, desk.now
    due = find_due_periods(notifier, now)
    runs = list_runs(notifier.engine)
    return show(
        "runs",
        problem,
        runs=runs,
        aired=_count_aired(desk),
        due=due,
        waiting=find_waiting(notifier.engine, due, desk.rules),
        announced=_preview_announced(desk, now),
        approved=find_approvals(notifier.engine),
        approval_required=desk.rules.approval_required,
    )


def show_run(desk: Desk, period: str, problem: str | None = None) -> str:
    found = get_run(desk, period)
    folder = desk.notifier.folder
    packages = [one for one in _follow_packages(desk) if one.period == found.period]
    return show(
        "run",
        problem,
        run=found,
        files={r.revision: list_files(package_folder(folder, found.period, r)) for r in found.revisions},
        follow_ups={one.message_id: one for one in packages},
    )


def show_preview(desk: Desk, period: str) -> str:
    """What the list of a period would hold if it went now."""
    asked = read_period(period)
    announced = {one.period: one for one in find_announced_periods(desk.notifier, desk.now)}
    waiting = {one.period: one for one in find_due_periods(desk.notifier, desk.now)}
    one = announced.get(asked) or waiting.get(asked) or abort(404, "这一期没有等待推送的名单")
    sequence, documents = desk.notifier.register.everything(desk.now)
    return show("preview", one=one, sequence=sequence, total=len(documents), entries=documents[:SHOWN_ENTRIES])


def show_recalls(desk: Desk, problem: str | None = None) -> str:
    today = day_of(desk.now)
    cases = group_recalls(list_follow_ups(desk.notifier.engine), today)
    open_cases = [case for case in cases if case.open]
    closed = [case for case in cases if not case.open]
    return show(
        "recalls",
        problem,
        cases=[*open_cases, *closed[:SHOWN_CLOSED]],
        left_out=max(0, len(closed) - SHOWN_CLOSED),
        today=today,
        overdue=sum(case.overdue for case in cases),
    )


def show_messages(desk: Desk, problem: str | None = None, state: str = "") -> str:
    engine = desk.notifier.engine
    chosen = [one for one in MessageState if one.value == state]
    return show(
        "messages",
        problem,
        counts=count_states(engine),
        pauses=list_pauses(engine),
        chosen=chosen[0] if chosen else None,
        rules=desk.rules,
        untold=desk.settings.list_untold(),
        rehearsed=list_due(engine, desk.now) if desk.rules.dry_run else [],
        lists={one: list_messages(engine, one) for one in (chosen or FOR_A_PERSON)},
    )


def show_message(desk: Desk, message_id: int, problem: str | None = None) -> str:
    found = find_message(desk.notifier.engine, message_id) or abort(404, "没有这一条消息")
    return show("message", problem, message=found)


def show_printings(desk: Desk, problem: str | None = None) -> str:
    engine = desk.notifier.engine
    return show("printings", problem, boards=list_boards(engine), printings=list_printings(engine))


def show_recipients(desk: Desk) -> str:
    engine = desk.notifier.engine
    followed: dict[int, list[FollowUp]] = {}
    for one in list_follow_ups(engine, (Purpose.PACKAGE, *LETTERS)):
        followed.setdefault(one.recipient.id, []).append(one)
    return show("recipients", recipients=list_all_recipients(engine), followed=followed, today=day_of(desk.now))


def show_actions(desk: Desk) -> str:
    return show("actions", actions=list_actions(desk.notifier.engine))


def get_run(desk: Desk, period: str) -> Run:
    return find_run(desk.notifier.engine, read_period(period)) or abort(404, "这一期还没有推送")


def read_period(period: str) -> Period:
    try:
        return Period.parse(period)
    except InvalidPeriod as error:
        abort(404, str(error))


def list_files(folder: Any) -> list[dict[str, Any]]:
    """The files of a package: {name, bytes, sha256, use}; those that prove the others have no entry in the manifest."""
    try:
        listed = {file["name"]: file for file in json.loads(read_package_file(folder, MANIFEST))["files"]}
        return [_describe(folder, name, listed) for name in list_package_files(folder)]
    except (FileRefused, OSError):
        return []


def _describe(folder: Any, name: str, listed: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    known = listed.get(name)
    size = known["bytes"] if known else (folder / name).stat().st_size
    return {"name": name, "bytes": size, "sha256": known["sha256"] if known else None}


def _preview_announced(desk: Desk, now: datetime) -> list[tuple[DuePeriod, Push]]:
    """The runs that come within two working days, and what they would be now."""
    announced = find_announced_periods(desk.notifier, now)
    return [(one, push(desk.notifier, one.period, now=now, made_by="", dry_run=True)) for one in announced]


def _follow_packages(desk: Desk) -> list[FollowUp]:
    return list_follow_ups(desk.notifier.engine, (Purpose.PACKAGE,))


def _count_aired(desk: Desk) -> Mapping[Period, int]:
    counts: dict[Period, int] = {}
    for one in _follow_packages(desk):
        if one.period is not None and one.is_closed:
            counts[one.period] = counts.get(one.period, 0) + 1
    return counts
