"""The pages of the units (`gongshi serve units`): a site of its own, with its own sign-in, for people of the units of joint
punishment. It knows public numbers and what the public may see, and nothing that is sealed but the words of complaints that
the court passed on to the unit that asks.
"""

from __future__ import annotations

from random import Random

from flask import Blueprint
from werkzeug.exceptions import HTTPException

from registry.desk.base import Court
from registry.unit_pages import account, compare, complaints, consents, feedback, home, ledger, signin
from registry.unit_pages.base import (
    BROKEN,
    Site,
    guard,
    keep_private,
    set_site,
    show_broken,
    show_error,
    template_values,
)
from search_index.store import Store


def unit_site(court: Court, store: Store, *, random: Random) -> Blueprint:
    """The pages of the units, and the guard of the application that they are mounted in: who is not signed in sees the
    sign-in and nothing else."""
    site = Site(court=court, store=store, random=random)
    pages = Blueprint("units", __name__, template_folder="templates")
    pages.record(lambda state: set_site(state, site))
    pages.before_app_request(guard)
    pages.after_app_request(keep_private)
    pages.app_context_processor(template_values)
    pages.app_errorhandler(HTTPException)(show_error)
    for kind in BROKEN:
        pages.app_errorhandler(kind)(show_broken)
    for part in (signin, home, compare, feedback, consents, ledger, complaints, account):
        part.add_pages(pages, site)
    return pages
