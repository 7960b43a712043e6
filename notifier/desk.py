"""The notifier's pages for the staff: runs, their messages and files, recalls and who has not answered, what did not
go out, and what sandbox recipients received.

The blueprint has no sign-in of its own: whoever mounts it puts it behind one.
"""

from __future__ import annotations

import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, url_for
from werkzeug import Response as ResponseValue

from notifier.calendar import DuePeriod, InvalidPeriod, Period
from notifier.channels.sandbox import list_letters, list_sandbox_messages
from notifier.context import Notifier
from notifier.followups import list_follow_ups, list_overdue
from notifier.outbox import count_states, list_messages
from notifier.package import MANIFEST, media_type
from notifier.packages import FileRefused, Revision, package_folder, read_package_file
from notifier.policy import Rules
from notifier.recipients import SANDBOX, Recipient, list_printings, list_recipients
from notifier.runs import Push, Run, find_approvals, find_run, list_runs, push
from notifier.sending import Clock
from notifier.states import MessageState
from notifier.stops import list_pauses
from notifier.worker import find_announced_periods, find_due_periods, find_waiting
from search_index.day import SHANGHAI, day_of

SHOWN_ENTRIES = 50
_RULES = Rules()
# What somebody has to see to: what is not known, and what will not be tried again.
_FOR_A_PERSON = (MessageState.UNKNOWN, MessageState.FAILED_PERMANENT, MessageState.FAILED_TEMPORARY)
_PARCEL = re.compile(r"(20\d{2}Q[1-4]|2100Q[1-4])-r[1-9]\d{0,5}")


def desk_pages(notifier: Notifier, *, clock: Clock, name: str = "notifier_desk", rules: Rules = _RULES) -> Blueprint:
    """The pages under `/runs`, `/recalls`, `/messages` and `/inbox`; `/` leads to the first. They use the style sheets of
    the application's own `static` folder."""
    pages = Blueprint(name, __name__, template_folder="templates")
    pages.context_processor(lambda: {"local_time": _local_time, "local_day": _local_day, "parcel_label": _parcel_label})
    pages.after_request(_keep_private)
    _add_runs(pages, notifier, clock, rules)
    _add_outbox(pages, notifier, clock)
    _add_inbox(pages, notifier)
    return pages


def _add_runs(pages: Blueprint, notifier: Notifier, clock: Clock, rules: Rules) -> None:
    @pages.get("/")
    def home() -> ResponseValue:
        return redirect(url_for(".runs"))

    @pages.get("/runs")
    def runs() -> str:
        due = find_due_periods(notifier, clock())
        return render_template(
            "notifier/runs.html",
            runs=list_runs(notifier.engine),
            due=due,
            waiting=find_waiting(notifier.engine, due, rules),
            announced=_preview_announced(notifier, clock()),
            approved=find_approvals(notifier.engine),
            approval_required=rules.approval_required,
        )

    @pages.get("/runs/<period>")
    def run(period: str) -> str:
        found = _get_run(notifier, period)
        files = {r.revision: _list_files(package_folder(notifier.folder, found.period, r)) for r in found.revisions}
        return render_template("notifier/run.html", run=found, files=files)

    @pages.get("/runs/<period>/r<int:revision>/<name>")
    def run_file(period: str, revision: int, name: str) -> Response:
        found = _get_run(notifier, period)
        package = _get_revision(found, revision)
        return _send_file(package_folder(notifier.folder, found.period, package), name, f"{found.period}-r{revision}")


def _add_outbox(pages: Blueprint, notifier: Notifier, clock: Clock) -> None:
    @pages.get("/recalls")
    def recalls() -> str:
        today = day_of(clock())
        return render_template(
            "notifier/recalls.html",
            follow_ups=list_follow_ups(notifier.engine),
            overdue={one.message_id for one in list_overdue(notifier.engine, today)},
            printings=list_printings(notifier.engine),
        )

    @pages.get("/messages")
    def messages() -> str:
        return render_template(
            "notifier/messages.html",
            counts=count_states(notifier.engine),
            pauses=list_pauses(notifier.engine),
            lists={state: list_messages(notifier.engine, state) for state in _FOR_A_PERSON},
        )


def _preview_announced(notifier: Notifier, now: datetime) -> list[tuple[DuePeriod, Push]]:
    """The runs that come within two working days, and what they would be now."""
    announced = find_announced_periods(notifier, now)
    return [(one, push(notifier, one.period, now=now, made_by="", dry_run=True)) for one in announced]


def _add_inbox(pages: Blueprint, notifier: Notifier) -> None:
    sandbox = notifier.folder / SANDBOX

    @pages.get("/inbox")
    def inbox() -> str:
        recipients = [r for r in list_recipients(notifier.engine) if r.channel == SANDBOX]
        return render_template(
            "notifier/inbox.html",
            recipients=recipients,
            parcels={r.slug: _list_parcels(sandbox / r.slug) for r in recipients},
            letters={r.slug: list_letters(sandbox, r.slug) for r in recipients},
            messages=list_sandbox_messages(sandbox),
        )

    @pages.get("/inbox/<slug>/<parcel>")
    def inbox_parcel(slug: str, parcel: str) -> str:
        recipient, folder = _get_parcel(notifier, sandbox, slug, parcel)
        return render_template(
            "notifier/parcel.html",
            recipient=recipient,
            parcel=parcel,
            manifest=_read_json(folder, MANIFEST),
            entries=_read_json(folder, "list.json")["entries"][:SHOWN_ENTRIES],
            files=_list_files(folder),
        )

    @pages.get("/inbox/<slug>/<parcel>/<name>")
    def inbox_file(slug: str, parcel: str, name: str) -> Response:
        _, folder = _get_parcel(notifier, sandbox, slug, parcel)
        return _send_file(folder, name, parcel)


def _get_run(notifier: Notifier, period: str) -> Run:
    try:
        found = find_run(notifier.engine, Period.parse(period))
    except InvalidPeriod as error:
        abort(404, str(error))
    return found or abort(404, "这一期还没有推送")


def _get_revision(run: Run, number: int) -> Revision:
    found = next((revision for revision in run.revisions if revision.revision == number), None)
    return found or abort(404, "没有这一次修订")


def _get_parcel(notifier: Notifier, sandbox: Path, slug: str, parcel: str) -> tuple[Recipient, Path]:
    # Folder names are compared with what is known, never built from what was asked.
    known = (r for r in list_recipients(notifier.engine) if r.slug == slug and r.channel == SANDBOX)
    recipient = next(known, None) or abort(404, "没有这个接收单位")
    if parcel not in _list_parcels(sandbox / recipient.slug):
        abort(404, "收件箱里没有这个名单包")
    return recipient, sandbox / recipient.slug / parcel


def _list_parcels(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    return sorted((path.name for path in folder.iterdir() if _PARCEL.fullmatch(path.name)), reverse=True)


def _list_files(folder: Path) -> list[dict[str, Any]]:
    try:
        manifest = read_package_file(folder, MANIFEST)
    except FileRefused:
        return []
    own = {"name": MANIFEST, "bytes": len(manifest), "sha256": None}
    return [*json.loads(manifest)["files"], own]


def _read_json(folder: Path, name: str) -> Any:
    try:
        return json.loads(read_package_file(folder, name))
    except FileRefused as error:
        abort(404, str(error))


def _send_file(folder: Path, name: str, prefix: str) -> Response:
    try:
        content = read_package_file(folder, name)
    except FileRefused as error:
        abort(404, str(error))
    response = make_response(content)
    response.content_type = media_type(name)
    # `name` is one of the manifest's by now.
    response.headers["Content-Disposition"] = f'attachment; filename="{prefix}-{name}"'
    return response


def _keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex, noarchive"
    return response


def _local_time(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{_local_day(local)} {local:%H:%M}"


def _parcel_label(parcel: str) -> str:
    """What a folder of the inbox is called on the page: `2026Q3-r2` is the second revision of the quarter's list."""
    period, revision = parcel.split("-r")
    return f"{Period.parse(period).label}名单，第{revision}次修订"


def _local_day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
