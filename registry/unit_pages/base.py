"""What every page of the units works with: the court, who is signed in, the forms, and how a page is written.

A view is told the unit of whoever is signed in and asks for nothing by another unit's id: what belongs to another does not
exist for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any, cast

import structlog
from flask import Blueprint, Response, current_app, g, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge, SecurityError

from registry.acting import Acting
from registry.desk.base import Court, local_day, local_time
from registry.desk.forms import Refused, Sent, build_token, is_foreign, read_token, take_once
from registry.desk.sessions import UNITS, SessionLine, find_session, needs_touch, touch_session
from registry.matters.states import MatterRefused
from registry.tables import RecordRow, UnitAccountRow, UnitRow
from registry.unit_api.problems import HIDDEN, is_api, problem_of, respond, respond_broken, respond_http
from registry.units.accounts import must_change_password
from registry.units.ledger import UNIT_ACTOR, LedgerKind
from registry.units.words import UnitError
from registry.vault import VaultError
from search_index.day import day_of
from search_index.index import IndexUnavailable
from search_index.snapshot import StoreHidden, StoreUnavailable
from search_index.store import Store, StoreDamaged

_log = structlog.get_logger("registry")
ShowPage = Callable[[str | None], str]
PER_PAGE = 50
SECURE_COOKIE, PLAIN_COOKIE = "__Host-gongshi_units", "gongshi_units"
_SITE = "unit_site"
_SIZES = "unit_sizes"
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
# Who is not signed in may see these.
_OPEN = frozenset({"static", "units.sign_in", "units.carry_out_sign_in"})
# What somebody may do whose password is the court's choice, or soon ends: put another in its place.
_CHANGING = frozenset({"units.account", "units.account_password", "units.sign_out"})
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, noarchive",
    # With none at all a browser would not say where a form comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
# What a page says after something was done; the address carries the word before it.
DONE = {
    "acknowledged": "已经确认收到。",
    "released": "已经登记解除。",
    "retained": "已经登记继续保留的措施。",
    "saved": "已经保存，还没有提交。",
    "submitted": "反馈已经提交。",
    "refused": "已经登记。",
    "refused-late": "已经登记。该条目已经退出公布，不得再据此限制：请立即解除，并告知申请人。",
    "refused-verifying": (
        "已经登记。该条目的异议正在核实，核实期间暂不执行联合惩戒措施：请暂不据此限制，并告知申请人可以向执行法院申请纠正。"
    ),
    "lifted": "已经登记：保留到期的措施已经解除。",
    "reported": "已经报告领导小组，理由已经登记。",
    "to-report": "已经登记。领导小组还没有能够登录的成员单位，由法院转告领导小组。",
    "answered": "答复已经提交法院。",
    "changed": "口令已经更改，请用新口令登录。",
    "signed-out": "已经退出登录。",
}
# What is no fault of whoever asked.
BROKEN = (OSError, SQLAlchemyError, StoreDamaged, StoreUnavailable, IndexUnavailable, VaultError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The court behind the pages, what the public sees, and the random source."""

    court: Court
    store: Store
    random: Random

    @property
    def now(self) -> datetime:
        return self.court.now

    @property
    def acting(self) -> Acting:
        """Whoever is signed in, now."""
        return self.court.acting(actor_of(current().account))


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who is signed in: an account of a unit. `session` is the id of the session, not its cookie."""

    account: str
    account_kind: str
    expires_at: datetime | None
    unit: int
    unit_name: str
    leading: bool
    session: str
    form_key: bytes = field(repr=False)
    must_change: bool


def actor_of(account: str) -> str:
    """How an account of a unit is named in the audit trail and the ledger: no account of the staff has such a name."""
    return f"{UNIT_ACTOR}{account}"


def the_site() -> Site:
    return cast(Site, current_app.extensions[_SITE])


def set_site(state: Any, site: Site) -> None:
    state.app.extensions[_SITE] = site


def find_current() -> SignedIn | None:
    return cast("SignedIn | None", g.get("unit_signed_in"))


def current() -> SignedIn:
    """Who is signed in: the guard runs no other view for anyone else."""
    signed_in = find_current()
    if signed_in is None:
        raise LookupError("nobody is signed in")
    return signed_in


def own_unit(session: Session) -> UnitRow:
    """The unit of whoever is signed in."""
    return session.get_one(UnitRow, current().unit)


def guard() -> ResponseValue | None:
    """Let a request pass (None), or answer it."""
    # Machines come with a key of their own, and with no cookie.
    if request.endpoint == "static" or is_api():
        return None
    g.unit_signed_in = _find_signed_in()
    if request.endpoint is None or request.endpoint in _OPEN:
        return None
    if find_current() is None:
        if request.method == "GET":
            return redirect(url_for("units.sign_in"), 302)
        return refuse_page("登录已经结束，没有办理：请重新登录后再提交", 403)
    if current().must_change and request.endpoint not in _CHANGING:
        return redirect(url_for("units.account"), 303)
    return _check_form(current()) if request.method == "POST" else None


def show(template: str, problem: str | None = None, **values: Any) -> str:
    """A page. `problem` says what could not be done."""
    done = DONE.get(request.args.get("done", "")) if request.method == "GET" else None
    return render_template(f"units/{template}.html", problem=problem, done=done, **values)


def act(show_page: ShowPage, carry_out: Callable[[], str]) -> ResponseValue:
    """Carry out a form of ours and go on to the address that `carry_out` returns; what is refused is said on `show_page`."""
    try:
        return redirect(carry_out(), 303)
    except Refused as error:
        return make_response(show_page(str(error)), error.status)
    except (UnitError, MatterRefused) as error:
        return make_response(show_page(str(error).rstrip("。")), 400)


def after(endpoint: str, done: str, **values: Any) -> str:
    """The address of a page that says what was done."""
    return url_for(f"units.{endpoint}", done=done, **values)


def read_page() -> int:
    """Which page of a list was asked for."""
    typed = request.args.get("page", "1")
    return int(typed) if typed.isascii() and typed.isdigit() and int(typed[:6]) > 0 and len(typed) <= 6 else 1


def find_names(records: list[str]) -> Mapping[str, str]:
    """The names of entries as the public sees them now, by their numbers; none of what has left the list, and none while
    it is hidden."""
    site = the_site()
    with site.store.snapshot(site.now) as snapshot, suppress(StoreHidden):
        return {record: document.name for record, document in snapshot.documents(records).items()}
    return {}


def find_cases(session: Session, records: list[str]) -> Mapping[str, str]:
    """The case numbers by which entries that left the list are named in a recall, too."""
    query = select(RecordRow.number, RecordRow.facts).where(RecordRow.number.in_(records))
    return {number: str(facts.get("case_number", "")) for number, facts in session.execute(query) if number}


def read_sent() -> Sent:
    return Sent(
        address=request.script_root + request.path,
        host=request.host,
        origin=request.headers.get("Origin"),
        site=request.headers.get("Sec-Fetch-Site"),
        token=request.form.get("token", ""),
    )


def take_form(key: bytes) -> None:
    """Raises Refused unless what was sent is a form made with this key, from our own page, and comes once."""
    site, sent = the_site(), read_sent()
    if is_foreign(sent):
        raise Refused("请求来自其他网站，没有办理", 403)
    number = read_token(key, sent.address, sent.token, site.now)
    with site.court.session() as session:
        take_once(session, number, site.now)


def is_secure() -> bool:
    """Whether the browser talks to us encrypted: under any other name than loopback a TLS proxy stands in front."""
    return request.host.rsplit(":", 1)[0] not in _LOOPBACK and request.host not in _LOOPBACK


def cookie_name() -> str:
    return SECURE_COOKIE if is_secure() else PLAIN_COOKIE


def set_cookie(response: ResponseValue, name: str, value: str) -> None:
    response.set_cookie(name, value, path="/", secure=is_secure(), httponly=True, samesite="Strict")


def drop_cookie(response: ResponseValue, name: str) -> None:
    response.delete_cookie(name, path="/", secure=is_secure(), httponly=True, samesite="Strict")


def make_token(key: bytes, address: str) -> str:
    """A token for a form that is sent to `address` (a path)."""
    site = the_site()
    return build_token(key, address, site.now, f"{site.random.getrandbits(96):024x}")


def form_start(address: str, kind: str = "desk-form", *, files: bool = False) -> Markup:
    """The beginning of a form that is sent to `address`, with its token; `files`: it takes files."""
    token = make_token(current().form_key, address)
    encoding = Markup(' enctype="multipart/form-data"') if files else ""
    return Markup('<form method="post" action="{}" class="{}"{}><input type="hidden" name="token" value="{}">').format(
        address, kind, encoding, token
    )


def refuse_page(reason: str, status: int) -> ResponseValue:
    """The page of what is not shown or done."""
    return make_response(show("error", reason=reason), status)


def show_error(error: HTTPException) -> ResponseValue:
    """The page of an error of HTTP. Redirects pass."""
    if error.code is None or error.code < 400:
        return error.get_response()
    if is_api():
        return respond_http(error)
    if isinstance(error, SecurityError):
        # Nothing is known of an address under another name.
        return make_response("不接受这个主机名。\n", 400, {"Content-Type": "text/plain; charset=utf-8"})
    own = error.description if error.description and not error.description.isascii() else None
    return refuse_page(own or _SAID.get(error.code, "不能办理这一请求"), error.code)


def show_broken(error: Exception) -> ResponseValue:
    """The page where a disk or a database cannot be used at this moment."""
    if isinstance(error, StoreHidden):
        return respond(problem_of(503, **HIDDEN)) if is_api() else refuse_page(HIDDEN["detail"], 503)
    # The error's own words may hold what was to be stored.
    _log.error("unit_page_failed", error=type(error).__name__)
    if is_api():
        return respond_broken()
    return refuse_page("磁盘或者数据库暂时不能使用，可能没有办完，请稍后核对", 503)


_SAID = {
    400: "请求不完整，没有办理",
    404: "没有这个页面",
    405: "这个页面不能这样打开",
    413: "填写的内容过长，没有办理",
    500: "程序出错，没有办完：请把时间和正在办理的事项告诉法院",
}


def keep_private(response: Response) -> Response:
    for name, value in _HEADERS.items():
        response.headers[name] = value
    return response


def template_values() -> dict[str, Any]:
    """What every template may call."""
    return {
        "signed_in": find_current(),
        "form_start": form_start,
        "local_time": local_time,
        "local_day": local_day,
        "typed": _read_typed(),
        "today": day_of(the_site().now),
        "ledger_kinds": list(LedgerKind),
        "court_profile": lambda: the_site().court.profile(),
    }


def _read_typed() -> Mapping[str, str]:
    """What was filled in, to be shown again; nothing where it was too much to be read."""
    try:
        return request.form if request.method == "POST" else {}
    except RequestEntityTooLarge:
        return {}


def _check_form(signed_in: SignedIn) -> ResponseValue | None:
    largest = cast("dict[str, int]", current_app.extensions.get(_SIZES, {})).get(request.endpoint or "")
    if largest is not None:
        request.max_content_length = largest
    try:
        take_form(signed_in.form_key)
    except Refused as error:
        return refuse_page(str(error), error.status)
    return None


def _find_signed_in() -> SignedIn | None:
    cookie = request.cookies.get(cookie_name(), "")
    if not cookie:
        return None
    site = the_site()
    now = site.now
    with site.court.reading() as session:
        line = find_session(session, UNITS, cookie, now)
        signed_in = _read_account(session, line, now) if line is not None else None
    if line is not None and signed_in is not None and needs_touch(line, now):
        with site.court.session() as session:
            touch_session(session, line, now)
    return signed_in


def _read_account(session: Session, line: SessionLine, now: datetime) -> SignedIn | None:
    row = session.scalar(select(UnitAccountRow).where(UnitAccountRow.name == line.account))
    unit = session.get(UnitRow, row.unit_id) if row is not None else None
    if row is None or unit is None or not row.active or not unit.active:
        return None
    if row.expires_at is not None and now >= row.expires_at:
        return None
    return SignedIn(
        account=row.name,
        account_kind=row.kind,
        expires_at=row.expires_at,
        unit=unit.id,
        unit_name=unit.name,
        leading=unit.leading,
        session=line.id,
        form_key=line.form_key,
        must_change=must_change_password(row, now),
    )


def reads(pages: Blueprint, rule: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a view that shows a page."""
    return _register(pages, rule, "GET")


def acts(
    pages: Blueprint, rule: str, *, largest: int | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a view that carries out a form; before it runs, the form is known to be this session's and to come once.
    `largest` is how many bytes it may have where that is more than usual."""
    return _register(pages, rule, "POST", largest)


def _register(
    pages: Blueprint, rule: str, method: str, largest: int | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def add(view: Callable[..., Any]) -> Callable[..., Any]:
        if largest is not None:
            sizes = {f"{pages.name}.{view.__name__}": largest}
            pages.record(lambda state: state.app.extensions.setdefault(_SIZES, {}).update(sizes))
        pages.add_url_rule(rule, view.__name__, view, methods=[method])
        return view

    return add
