"""The desk of the staff: its frame, and the parts that are put together into one blueprint."""

from __future__ import annotations

from random import Random

from flask import Blueprint
from werkzeug.exceptions import HTTPException

from registry.desk import (
    accounts,
    approving_pages,
    articles,
    audit_pages,
    due,
    home,
    intake_pages,
    letters,
    matters,
    readers,
    record,
    running,
    signin,
    sources,
    staff_pages,
    units,
    worklists,
)
from registry.desk.base import BROKEN, Court, Desk, Rules, keep_private, set_desk
from registry.desk.errors import show_broken, show_error
from registry.desk.guard import guard
from registry.desk.places import template_values

_PARTS = (
    signin,
    home,
    due,
    accounts,
    staff_pages,
    audit_pages,
    worklists,
    record,
    intake_pages,
    approving_pages,
    matters,
    letters,
    articles,
    units,
    sources,
    readers,
    running,
)
_USUAL = Rules()


def staff_desk(court: Court, *, random: Random, rules: Rules = _USUAL) -> Blueprint:
    """The pages of the staff, and the guard of the whole application that they are mounted in: whatever else is mounted
    there is refused until `set_access` says whose it is."""
    desk = Desk(court=court, random=random, rules=rules)
    pages = Blueprint("desk", __name__, template_folder="templates")
    pages.record(lambda state: set_desk(state, desk))
    pages.before_app_request(guard)
    pages.after_app_request(keep_private)
    pages.app_context_processor(template_values)
    pages.app_errorhandler(HTTPException)(show_error)
    for kind in BROKEN:
        pages.app_errorhandler(kind)(show_broken)
    for part in _PARTS:
        part.add_pages(pages, desk)
    return pages
