"""The desk of a home that came back from a backup: until two people open it, its page 恢复 and nothing else."""

from __future__ import annotations

from pathlib import Path

from flask import Blueprint, Flask, redirect, request, url_for
from werkzeug import Response as ResponseValue

from gongshi.court import Court
from gongshi.safety.closed import RestoringRefused, is_closed
from gongshi.safety.opening import agree, describe
from gongshi.safety.opening import take_back as take_back_word
from gongshi.safety.restored import Step, read_state
from gongshi.safety.telling import sections
from registry.desk.access import Access
from registry.desk.base import act, acts, current, reads, show
from registry.desk.guard import refuse_page

# What may be done on the desk of a closed home: signing in, looking after one's password, and the page itself.
_OPEN = frozenset(
    {
        "static",
        "desk.sign_in",
        "desk.carry_out_sign_in",
        "desk.sign_out",
        "desk.account",
        "desk.change_password",
        "desk.enrol",
        "desk.confirm_enrolling",
        "restoring.restoring",
        "restoring.restoring_agree",
        "restoring.restoring_take_back",
    }
)


def close_desk(app: Flask, home: Path) -> None:
    """Let the desk show nothing but the restoration while the home is closed. After its own pages: their guard comes first."""

    @app.before_request
    def refuse_while_closed() -> ResponseValue | None:
        if not is_closed(home) or request.endpoint in _OPEN:
            return None
        if request.method == "GET":
            return redirect(url_for("restoring.restoring"), 302)
        return refuse_page("系统正从备份恢复，尚未重新开放，没有办理", 503)


def restoring_pages(court: Court) -> Blueprint:
    """The page 恢复: what a restoration has found, and two people's word."""
    pages = Blueprint("restoring", __name__)

    @reads(pages, "/restoring", Access.SIGNED_IN)
    def restoring() -> str:
        return _show_page(court, None)

    @acts(pages, "/restoring", Access.SIGNED_IN)
    def restoring_agree() -> ResponseValue:
        def carry_out() -> str:
            agree(_own(court), current().name, request.form.get("show") or None)
            return url_for("restoring.restoring" if is_closed(court.settings.home) else "desk.home", done="done")

        return act(lambda problem: _show_page(court, problem), carry_out, also=(RestoringRefused,))

    @acts(pages, "/restoring/take-back", Access.SIGNED_IN)
    def restoring_take_back() -> ResponseValue:
        def carry_out() -> str:
            take_back_word(court, current().name)
            return url_for("restoring.restoring", done="done")

        return act(lambda problem: _show_page(court, problem), carry_out, also=(RestoringRefused,))

    return pages


def _show_page(court: Court, problem: str | None) -> str:
    state = read_state(court.private)
    ready = state is not None and state.step in (Step.WAITING, Step.OPENING)
    own = _own(court)
    try:
        found = describe(own, state) if state is not None and ready else None
    finally:
        own.close()
    agreed = state.agreed.by if state is not None and state.agreed is not None else None
    return show(
        "restoring",
        problem,
        sections=sections(found) if found else (),
        ready=ready,
        blind=bool(found and found.get("blind")),
        agreed=agreed,
        mine=agreed == current().name,
        closed=state is not None,
    )


def _own(court: Court) -> Court:
    """A court for the one step: that of the process holds no store that was made before."""
    return Court(court.settings, court.world)
