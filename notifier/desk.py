"""The notifier's pages for the staff: runs, their messages and files, recalls and who has not answered, what did not
go out, who receives what, what hangs where, and what sandbox recipients received.

The blueprint has no sign-in of its own: whoever mounts it puts it behind one (`Host`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, request, url_for
from werkzeug import Response as ResponseValue
from werkzeug.exceptions import HTTPException

from notifier.channels.sandbox import list_letters, list_sandbox_messages
from notifier.context import Notifier
from notifier.desk_actions import add_actions
from notifier.desk_base import (
    BROKEN,
    Desk,
    DeskSettings,
    Host,
    keep_private,
    show,
    show_broken,
    show_error,
    template_values,
)
from notifier.desk_pages import (
    SHOWN_ENTRIES,
    get_run,
    list_files,
    show_actions,
    show_message,
    show_messages,
    show_preview,
    show_printings,
    show_recalls,
    show_recipients,
    show_run,
    show_runs,
)
from notifier.desk_phone import PhoneLine, add_phone
from notifier.desk_templates import show_templates
from notifier.outbox import SYSTEM_RANDOM
from notifier.package import MANIFEST, media_type
from notifier.packages import FileRefused, Revision, package_folder, read_package_file
from notifier.recipients import SANDBOX, Recipient, list_recipients
from notifier.reporting import recall_report, report_csv, report_json
from notifier.runs import Run
from notifier.sending import Clock
from search_index.day import day_of

_USUAL = DeskSettings()
_PARCEL = re.compile(r"(20\d{2}Q[1-4]|2100Q[1-4])-r[1-9]\d{0,5}")


def desk_pages(
    notifier: Notifier,
    *,
    clock: Clock,
    name: str = "notifier_desk",
    settings: DeskSettings = _USUAL,
    random: Random = SYSTEM_RANDOM,
    phone: PhoneLine | None = None,
    host: Host | None = None,
) -> Blueprint:
    """The pages under `/runs`, `/recalls`, `/messages`, `/recipients`, `/printings`, `/templates`, `/actions` and `/inbox`;
    without a `host` around them, `/` leads to the first. With a `phone`, which only a home for training has, there is
    `/phone`. They use the style sheets of the application's own `static` folder."""
    desk = Desk(notifier=notifier, clock=clock, random=random, settings=settings, host=host)
    pages = Blueprint(name, __name__, template_folder="templates")
    pages.context_processor(lambda: template_values(desk, has_phone=phone is not None))
    pages.after_request(keep_private)
    pages.register_error_handler(HTTPException, show_error)
    for kind in BROKEN:
        pages.register_error_handler(kind, show_broken)
    _add_runs(pages, desk)
    _add_recalls(pages, desk)
    _add_lists(pages, desk)
    _add_inbox(pages, notifier)
    add_actions(pages, desk)
    if phone is not None:
        add_phone(pages, desk, phone)
    return pages


def _add_runs(pages: Blueprint, desk: Desk) -> None:
    notifier = desk.notifier

    if desk.host is None:

        @pages.get("/")
        def home() -> ResponseValue:
            return redirect(url_for(".runs"))

    @pages.get("/runs")
    def runs() -> str:
        return show_runs(desk)

    @pages.get("/runs/<period>")
    def run(period: str) -> str:
        return show_run(desk, period)

    @pages.get("/runs/<period>/preview")
    def preview(period: str) -> str:
        return show_preview(desk, period)

    @pages.get("/runs/<period>/r<int:revision>/<name>")
    def run_file(period: str, revision: int, name: str) -> Response:
        found = get_run(desk, period)
        package = _get_revision(found, revision)
        return _send_file(package_folder(notifier.folder, found.period, package), name, f"{found.period}-r{revision}")


def _add_recalls(pages: Blueprint, desk: Desk) -> None:
    engine = desk.notifier.engine

    def in_training() -> bool:
        return desk.notifier.register.profile(desk.now).training

    @pages.get("/recalls")
    def recalls() -> str:
        return show_recalls(desk)

    @pages.get("/recalls.csv")
    def recalls_csv() -> Response:
        lines = recall_report(engine, today=day_of(desk.now))
        return _send(report_csv(lines, training=in_training()), "text/csv; charset=utf-8", "recalls.csv")

    @pages.get("/recalls.json")
    def recalls_json() -> Response:
        lines = recall_report(engine, today=day_of(desk.now))
        return _send(report_json(lines, training=in_training()), "application/json", "recalls.json")


def _add_lists(pages: Blueprint, desk: Desk) -> None:
    @pages.get("/messages")
    def messages() -> str | ResponseValue:
        number = request.args.get("id", "").strip()
        if not number:
            return show_messages(desk, state=request.args.get("state", ""))
        if not number.isascii() or not number.isdigit() or len(number) > 12:
            return make_response(show_messages(desk, "编号应为数字，例如 12"), 400)
        return redirect(url_for(".message", message_id=int(number)))

    @pages.get("/messages/<int(max=999999999999):message_id>")
    def message(message_id: int) -> str:
        return show_message(desk, message_id)

    @pages.get("/recipients")
    def recipients() -> str:
        return show_recipients(desk)

    @pages.get("/printings")
    def printings() -> str:
        return show_printings(desk)

    @pages.get("/templates")
    def templates() -> str:
        return show_templates(desk)

    @pages.get("/actions")
    def actions() -> str:
        return show_actions(desk)


def _add_inbox(pages: Blueprint, notifier: Notifier) -> None:
    sandbox = notifier.folder / SANDBOX

    @pages.get("/inbox")
    def inbox() -> str:
        recipients = [r for r in list_recipients(notifier.engine) if r.channel == SANDBOX]
        return show(
            "inbox",
            recipients=recipients,
            parcels={r.slug: _list_parcels(sandbox / r.slug) for r in recipients},
            letters={r.slug: list_letters(sandbox, r.slug) for r in recipients},
            messages=list_sandbox_messages(sandbox),
        )

    @pages.get("/inbox/<slug>/<parcel>")
    def inbox_parcel(slug: str, parcel: str) -> str:
        recipient, folder = _get_parcel(notifier, sandbox, slug, parcel)
        return show(
            "parcel",
            recipient=recipient,
            parcel=parcel,
            manifest=_read_json(folder, MANIFEST),
            entries=_read_json(folder, "list.json")["entries"][:SHOWN_ENTRIES],
            files=list_files(folder),
        )

    @pages.get("/inbox/<slug>/<parcel>/<name>")
    def inbox_file(slug: str, parcel: str, name: str) -> Response:
        _, folder = _get_parcel(notifier, sandbox, slug, parcel)
        return _send_file(folder, name, parcel)


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
    found = (path.name for path in folder.iterdir() if _PARCEL.fullmatch(path.name))
    return sorted(found, key=lambda name: (name.split("-r")[0], int(name.split("-r")[1])), reverse=True)


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
    # `name` is one of the package's by now.
    return _send(content, media_type(name), f"{prefix}-{name}")


def _send(content: bytes, content_type: str, name: str) -> Response:
    response = make_response(content)
    response.content_type = content_type
    # A Chinese name is written as RFC 6266 has it.
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response
