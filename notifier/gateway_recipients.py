"""The gateway's addresses for recipients: `/acks` confirms, `/packages` hands over, `/pull` is for machines.

There is no sign-in and no cookie: the address itself, a signature or a token says who asks. Opening a page changes
nothing, since mail scanners open every link; a list is on record as handed over before its first byte goes. Nothing
of a request is ever logged.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from threading import Lock
from typing import Any

import structlog
from flask import Blueprint, Response, redirect, render_template, request
from sqlalchemy.exc import DBAPIError
from werkzeug import Response as ResponseValue

from notifier.acknowledging import (
    BY_PAGE,
    BY_PULL,
    BY_SIGNATURE,
    Acknowledgement,
    Matter,
    UnknownDispatch,
    WrongAcknowledgement,
    apply_answer,
    find_matter,
    find_secret,
    name_answer,
)
from notifier.answers import MOST_BYTES, BadAnswer, check_signature, find_dispatch, read_form, read_json
from notifier.context import Notifier
from notifier.handing_over import (
    Counter,
    NotServed,
    Offer,
    attachment,
    describe_bytes,
    describe_letter,
    describe_ready,
    find_newest_offer,
    find_offer,
    list_letters,
    note_fetched,
    to_body,
)
from notifier.institutions import Links
from notifier.links import Door, LinkBook, open_links
from notifier.package import media_type
from notifier.recipients import Recipient, find_by_token
from search_index.day import SHANGHAI, day_of
from search_index.register import RegisterUnavailable

Clock = Callable[[], datetime]

_HEADERS = {
    "Cache-Control": "no-store, private",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, noarchive, nosnippet",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
}
_TITLES = {
    400: "内容不能读取", 401: "没有权限", 404: "没有这个页面", 410: "已不能使用", 422: "内容有误",
    429: "请求过于频繁", 503: "暂时不能办理",
}  # fmt: skip
_NO_ADDRESS = "没有这个地址，请核对通知中的地址是否完整"
_MOST_GUESSES = 20
_WINDOW = timedelta(minutes=1)
_MOST_CALLERS = 10_000

_log = structlog.get_logger("notifier.gateway")


class Guesses:
    """Wrong tokens by caller, in this process, in a minute. A right one is never held up by the guesses of others behind
    the same address: it is too long to be guessed, and a recall must reach whoever comes for it."""

    def __init__(self, most: int = _MOST_GUESSES) -> None:
        self._most = most
        self._lock = Lock()
        self._counts: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def count(self, caller: str, now: datetime) -> bool:
        """Count a wrong token; whether this caller has tried too many."""
        with self._lock:
            since, count = self._counts.pop(caller, (now, 0))
            since, count = (since, count + 1) if now - since < _WINDOW else (now, 1)
            self._counts[caller] = since, count
            while len(self._counts) > _MOST_CALLERS:
                self._counts.popitem(last=False)
            return count > self._most


@dataclass(frozen=True, slots=True)
class _Site:
    """What every address works with. `base` is the gateway's own address, empty where none is set."""

    notifier: Notifier
    clock: Clock
    links: Links
    counter: Counter
    base: str


def recipient_gateway(
    notifier: Notifier, *, clock: Clock, gateway_url: str | None, name: str = "recipients"
) -> Blueprint:
    """The addresses. `gateway_url` is the address of the gateway as recipients see it. The application gives the style
    sheets under its own `static`."""
    pages = Blueprint(name, __name__, template_folder="templates")
    base = (gateway_url or "").rstrip("/")
    site = _Site(notifier, clock, open_links(notifier.engine, base), Counter(notifier, clock), base)
    pages.context_processor(lambda: {"local_time": _local_time, "local_day": _local_day, "name_answer": name_answer})
    pages.after_request(_keep_private)
    pages.register_error_handler(NotServed, lambda error: _refuse(site, error))
    pages.register_error_handler(BadAnswer, _refuse_answer)
    pages.register_error_handler(RegisterUnavailable, _fail)
    pages.register_error_handler(DBAPIError, _fail)
    _add_acks(pages, notifier, clock)
    _add_packages(pages, site)
    _add_pull(pages, site)
    return pages


def _add_acks(pages: Blueprint, notifier: Notifier, clock: Clock) -> None:
    engine, book = notifier.engine, LinkBook(notifier.engine)

    def find(token: str) -> tuple[str, Matter]:
        dispatch = book.read(Door.ACK, token)
        matter = find_matter(engine, dispatch) if dispatch is not None else None
        if dispatch is None or matter is None:
            raise NotServed(404, _NO_ADDRESS)
        return dispatch, matter

    @pages.get("/acks/<token>")
    def ask(token: str) -> str:
        _, matter = find(token)
        return _render_ack(notifier, matter, clock(), {}, {})

    @pages.post("/acks/<token>")
    def answer(token: str) -> ResponseValue | tuple[str, int]:
        request.max_content_length = MOST_BYTES
        dispatch, matter = find(token)
        try:
            apply_answer(engine, dispatch, read_form(request.form, clock()), noted_by=BY_PAGE, now=clock())
        except BadAnswer as error:
            return _render_ack(notifier, matter, clock(), request.form, error.reasons), 422
        except WrongAcknowledgement as error:
            return _render_ack(notifier, matter, clock(), request.form, {"kind": str(error)}), 422
        return redirect(request.path, 303)

    @pages.post("/acks")
    def take_signed() -> Response:
        body = _read_body()
        dispatch = find_dispatch(body)
        secret = find_secret(engine, dispatch) if dispatch is not None else None
        if not check_signature(secret, dict(request.headers), body, clock()):
            raise NotServed(401, "签名不正确，或者时间相差超过5分钟")
        # Signed, and so there: it is what makes the answer count once.
        return _take(notifier, body, clock(), BY_SIGNATURE, once=request.headers["webhook-id"])


def _add_packages(pages: Blueprint, site: _Site) -> None:
    notifier, book = site.notifier, LinkBook(site.notifier.engine)

    def find(token: str) -> Offer:
        dispatch = book.read(Door.PACKAGE, token)
        offer = find_offer(notifier.engine, dispatch) if dispatch is not None else None
        if offer is None:
            raise NotServed(404, _NO_ADDRESS)
        return offer

    @pages.get("/packages/<token>/")
    def package(token: str) -> Response | str:
        ready = site.counter.prepare(find(token))
        acknowledge = site.links.acknowledge(ready.offer.dispatch)
        if _wants_json():
            return _json(describe_ready(ready, site.base + request.path, acknowledge))
        base, profile = f"r{ready.revision.revision}/", notifier.register.profile(site.clock())
        return render_template(
            "recipient/package.html", ready=ready, base=base, acknowledge=acknowledge, profile=profile
        )

    @pages.get("/packages/<token>/r<int:revision>/<name>")
    def package_file(token: str, revision: int, name: str) -> Response:
        return _hand_over(site.counter, find(token), revision, name)


def _add_pull(pages: Blueprint, site: _Site) -> None:
    notifier, clock, guesses = site.notifier, site.clock, Guesses()

    def authenticate() -> Recipient:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        found = find_by_token(notifier.engine, token.strip()) if scheme.lower() == "bearer" else None
        if found is not None:
            return found
        if guesses.count(request.remote_addr or "", clock()):
            raise NotServed(429, "令牌多次不正确，请稍后再试", retry_after=int(_WINDOW.total_seconds()))
        raise NotServed(401, "令牌不正确：应在 Authorization 中以 Bearer 给出领取令牌")

    @pages.get("/pull")
    def pull() -> Response:
        recipient, now = authenticate(), clock()
        letters, more = list_letters(notifier.engine, recipient.id, now)
        body = {
            "recipient": recipient.slug,
            **_describe_runs(site, recipient),
            "letters": [describe_letter(one, site.links.acknowledge(one.dispatch)) for one in letters],
            "more": more,
        }
        response = _json(body)
        if response.status_code == 200 and request.method == "GET":
            note_fetched(notifier, letters, now)
        return response

    @pages.get("/pull/<period>/r<int:revision>/<name>")
    def pull_file(period: str, revision: int, name: str) -> Response:
        newest = find_newest_offer(notifier.engine, authenticate().id)
        if newest is None:
            raise NotServed(404, "没有可以领取的名单")
        if period != str(newest.period):
            raise NotServed(410, f"只能领取{newest.period.label}的名单")
        return _hand_over(site.counter, newest, revision, name)

    @pages.post("/pull/acks")
    def take_pulled() -> Response:
        recipient = authenticate()
        return _take(notifier, _read_body(), clock(), BY_PULL, slug=recipient.slug)


def _describe_runs(site: _Site, recipient: Recipient) -> dict[str, Any]:
    """The newest list, or why there is none: what has to be taken back must be told even then. Earlier ones may not be
    used any more."""
    offer = find_newest_offer(site.notifier.engine, recipient.id)
    if offer is None:
        return {"runs": [], "reason": "没有可以领取的名单"}
    try:
        ready = site.counter.prepare(offer)
    except NotServed as error:
        return {"runs": [], "reason": str(error)}
    address, acknowledge = f"{site.base}/pull/{offer.period}/", site.links.acknowledge(offer.dispatch)
    return {"runs": [describe_ready(ready, address, acknowledge)], "reason": None}


def _hand_over(counter: Counter, offer: Offer, revision: int, name: str) -> Response:
    content = counter.fetch(offer, revision, name, hand_over=request.method == "GET")
    is_archive = name.endswith(".zip")
    headers = {
        **describe_bytes(content),
        "Content-Type": "application/zip" if is_archive else media_type(name),
        "Content-Disposition": attachment(name, _to_ascii(offer, revision, name)),
    }
    response = Response(content, headers=headers)
    response.make_conditional(request.environ)
    return response


def _take(
    notifier: Notifier, body: bytes, now: datetime, noted_by: str, *, slug: str | None = None, once: str | None = None
) -> Response:
    """Take in the answer of a machine whose right to it is proved."""
    dispatch, answer = read_json(body, now)
    try:
        new = apply_answer(notifier.engine, dispatch, answer, noted_by=noted_by, now=now, slug=slug, once=once)
    except UnknownDispatch as error:
        return _problem(404, str(error))
    except WrongAcknowledgement as error:
        return _problem(422, str(error))
    return _json({"dispatch": dispatch, "kind": answer.kind.value, "noted": new})


def _render_ack(
    notifier: Notifier, matter: Matter, now: datetime, form: Mapping[str, str], reasons: Mapping[str, str]
) -> str:
    given = _unite([one for asked in matter.asked for one in asked.given])
    known = [{one.kind for one in asked.given} for asked in matter.asked]
    kinds = [kind for kind in matter.kinds if not all(kind in kinds for kinds in known)]
    if kinds == [matter.kinds[0]]:
        # The ladder's end is reached: nobody asks for its first step any more.
        kinds = []
    values = {name: form.get(name, "") for name in ("kind", "by", "day", "time", "place")}
    values["day"] = values["day"] or day_of(now).isoformat()
    return render_template(
        "recipient/ack.html",
        matter=matter,
        given=given,
        kinds=kinds,
        values=values,
        reasons=reasons,
        profile=notifier.register.profile(now),
    )


def _unite(given: Sequence[Acknowledgement]) -> list[Acknowledgement]:
    """What one answer said of several letters is shown once."""
    return list(dict.fromkeys(given))


def _refuse(site: _Site, error: NotServed) -> Response:
    headers = {"Retry-After": str(error.retry_after)} if error.retry_after is not None else {}
    if request.path.startswith("/pull") or request.path == "/acks" or _wants_json():
        if error.status == 401 and request.path.startswith("/pull"):
            headers["WWW-Authenticate"] = "Bearer"
        more = {"newest_revision": error.newest.revision} if error.newest else {}
        return _problem(error.status, str(error), headers, **more)
    try:
        profile = site.notifier.register.profile(site.clock())
    except RegisterUnavailable as unavailable:
        return _fail(unavailable)
    page = render_template(
        "recipient/refused.html",
        title=_TITLES[error.status],
        reason=str(error),
        instead="../" if error.newest else None,
        profile=profile,
    )
    return Response(page, error.status, headers)


def _refuse_answer(error: BadAnswer) -> Response:
    return _problem(400 if "body" in error.reasons else 422, str(error), errors=error.reasons)


def _fail(error: Exception) -> Response:
    # The text of an error of a database may hold the values it was given.
    _log.error("recipient_not_answered", error=type(error).__name__)
    return _problem(503, "系统暂时不能办理，请稍后再试", {"Retry-After": "30"})


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: object) -> Response:
    """A problem document (RFC 9457)."""
    body = to_body({"type": "about:blank", "title": _TITLES[status], "status": status, "detail": detail, **more})
    return Response(body, status, dict(headers or {}), content_type="application/problem+json")


def _json(found: Mapping[str, Any]) -> Response:
    body = to_body(found)
    response = Response(body, headers=describe_bytes(body), content_type="application/json")
    response.make_conditional(request.environ)
    return response


def _read_body() -> bytes:
    # A longer body is refused with 413 while it is read.
    request.max_content_length = MOST_BYTES
    return request.get_data(cache=False, parse_form_data=False)


def _wants_json() -> bool:
    best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
    return best == "application/json"


def _to_ascii(offer: Offer, revision: int, name: str) -> str:
    """A name of a file for who reads no other than ASCII."""
    return name if name.isascii() else f"{offer.period}-r{revision}.{name.rpartition('.')[2]}"


def _keep_private(response: Response) -> Response:
    response.headers.update(_HEADERS)
    return response


def _local_time(moment: datetime) -> str:
    # What was given as a day has no time.
    local = moment.astimezone(SHANGHAI)
    return _local_day(local) + (f" {local:%H:%M}" if local.time() != time() else "")


def _local_day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
