"""What every page of the desk works with: the court, who is signed in, the forms, and how a page is written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from random import Random
from typing import Any, Protocol, TypeVar, cast

import structlog
from flask import Blueprint, Response, current_app, g, make_response, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from werkzeug import Response as ResponseValue

from registry import audit
from registry.acting import Acting
from registry.approving import BatchNotFound
from registry.attachments import PaperRefused
from registry.audit_chain import Verdict
from registry.clockwork import Clockwork
from registry.correcting import CorrectionRefused
from registry.deadlines import StartOutOfRange
from registry.departing import Departure, NotPermitted
from registry.desk.access import Access, may
from registry.desk.forms import Refused, build_token
from registry.letters import LetterNotFound, LetterRefused
from registry.lifecycle import NotAllowed
from registry.matters.states import MatterRefused
from registry.notices import NoticeRefused
from registry.policy import Policy, PolicyError
from registry.publishing import Publisher
from registry.records import RecordNotFound
from registry.redaction.finding import DetectorDamaged
from registry.resolutions import ResolutionRefused
from registry.staff import Role, StaffError
from registry.turns import Busy, Turns
from registry.vault import Vault, VaultError
from search_index.day import SHANGHAI, day_of
from search_index.index import IndexUnavailable
from search_index.journal import EntryChange
from search_index.profile import Profile
from search_index.snapshot import StoreUnavailable
from search_index.store import StoreDamaged

_log = structlog.get_logger("registry")
View = TypeVar("View", bound=Callable[..., Any])
# What makes a page; the sentence is of what could not be done.
ShowPage = Callable[[str | None], str]


class Pump(Protocol):
    """What brings what was decided to the public (gongshi.pump.Pump)."""

    def feed(self) -> None: ...
    def feed_if_idle(self) -> None: ...


class Court(Protocol):
    """One court, opened for work: what the pages ask of gongshi.court."""

    @property
    def engine(self) -> Engine: ...
    @property
    def vault(self) -> Vault: ...
    @property
    def turns(self) -> Turns: ...
    @property
    def private(self) -> Path: ...
    @property
    def drop(self) -> Path: ...
    @property
    def now(self) -> datetime: ...
    @property
    def today(self) -> date: ...
    @property
    def clockwork(self) -> Clockwork: ...
    def acting(self, actor: str) -> Acting: ...
    @property
    def pump(self) -> Pump: ...
    def session(self) -> AbstractContextManager[Session]: ...
    def reading(self) -> AbstractContextManager[Session]: ...
    def take_down(self, decide: Callable[[Session], Departure]) -> Departure: ...
    def amend(self, decide: Callable[[Session], Sequence[EntryChange]]) -> Sequence[EntryChange]: ...
    def spread(self) -> None: ...
    def policy(self) -> Policy: ...
    def profile(self) -> Profile: ...
    def publisher(self) -> Publisher: ...
    def verify_audit(self) -> Verdict: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How the desk is run. `second_factor`: reviewers and administrators must use one; `upload_limit`: the largest file, in
    bytes; `scan`: what looks at a file that comes from outside (registry.papers.Scanner); `explain` has words for what only
    the wiring knows how to say: None where it knows none; `count_told`: to how many recipients a clarification of an
    entry, by its public number, goes."""

    second_factor: bool = False
    upload_limit: int = 50 * 1024 * 1024
    scan: Any = None
    explain: Callable[[Exception], str | None] = lambda _error: None
    count_told: Callable[[str], int] = lambda _number: 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The court behind the pages, the random source, and how the desk is run."""

    court: Court
    random: Random
    rules: Rules = field(default_factory=Rules)

    @property
    def now(self) -> datetime:
        return self.court.now

    @property
    def today(self) -> date:
        return self.court.today

    @property
    def scan(self) -> Any:
        return self.rules.scan

    @property
    def upload_limit(self) -> int:
        return self.rules.upload_limit

    @property
    def acting(self) -> Acting:
        """Who is signed in, now: what decisions are given."""
        return self.court.acting(current().name)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who is signed in. `name` is the actor of what is done; `deputy_for` are those whose lists and alarms this person sees,
    too, without more rights than the own role has."""

    name: str
    role: Role
    deputy_for: tuple[str, ...]
    session: str
    form_key: bytes = field(repr=False)
    second_factor: bool
    # Whether nobody else has set the password: what somebody else knows does not tell who is at the keyboard.
    owns_password: bool

    def may(self, access: Access) -> bool:
        return may(self.role, access)


_TABLE = "desk_access"
_DESK = "desk"
_SIZES = "desk_sizes"


def reads(pages: Blueprint, rule: str, access: Access, **options: Any) -> Callable[[View], View]:
    """Register a view that shows a page to those whom `access` names. The endpoint is the view's name."""
    return _register(pages, rule, access, "GET", None, options)


def acts(
    pages: Blueprint, rule: str, access: Access, *, largest: int | None = None, **options: Any
) -> Callable[[View], View]:
    """Register a view that carries out a form of ours, for those whom `access` names. Before it runs, the form is known to
    be from this session and to be sent once. `largest` is how many bytes it may have where that is more than usual."""
    return _register(pages, rule, access, "POST", largest, options)


def set_access(state: Any, endpoint: str, access: Access) -> None:
    """Say whose pages an endpoint is for; `state` is what a blueprint records with."""
    state.app.extensions.setdefault(_TABLE, {})[endpoint] = access


def access_of(endpoint: str) -> Access | None:
    """Whose pages an endpoint is for; None: it was never said, and so nobody's."""
    table = cast("dict[str, Access]", current_app.extensions.get(_TABLE, {}))
    return table.get(endpoint)


def largest_form(endpoint: str) -> int | None:
    return cast("dict[str, int]", current_app.extensions.get(_SIZES, {})).get(endpoint)


def _register(
    pages: Blueprint, rule: str, access: Access, method: str, largest: int | None, options: dict[str, Any]
) -> Callable[[View], View]:
    def add(view: View) -> View:
        endpoint = str(options.pop("endpoint", None) or view.__name__)

        def note(state: Any) -> None:
            set_access(state, f"{pages.name}.{endpoint}", access)
            if largest is not None:
                state.app.extensions.setdefault(_SIZES, {})[f"{pages.name}.{endpoint}"] = largest

        pages.record(note)
        pages.add_url_rule(rule, endpoint, view, methods=[method], **options)
        return view

    return add


def the_desk() -> Desk:
    """The desk of this application."""
    return cast(Desk, current_app.extensions[_DESK])


def set_desk(state: Any, desk: Desk) -> None:
    state.app.extensions[_DESK] = desk


def find_current() -> SignedIn | None:
    """Who is signed in, or None."""
    return cast("SignedIn | None", g.get("signed_in"))


def current() -> SignedIn:
    """Who is signed in: a view that is not open to anyone is run for nobody else."""
    signed_in = find_current()
    if signed_in is None:
        raise LookupError("nobody is signed in")
    return signed_in


def show(template: str, problem: str | None = None, **values: Any) -> str:
    """A page. `problem` says what could not be done."""
    done = DONE.get(request.args.get("done", "")) if request.method == "GET" else None
    return render_template(f"desk/{template}.html", problem=problem, done=done, **values)


def act(show_page: ShowPage, carry_out: Callable[[], str], *, also: tuple[type[Exception], ...] = ()) -> ResponseValue:
    """Carry out a form and go on to a page that can be loaded again; what is refused is said on `show_page`. `carry_out`
    returns the address to go on to, and raises Refused or what the registry refuses with; `also` are further refusals whose
    words are for the person."""
    try:
        return redirect(carry_out(), 303)
    except Refused as error:
        return make_response(show_page(str(error)), error.status)
    except (*REFUSALS, *also) as error:
        return make_response(show_page(str(error).rstrip("。")), 400)
    except Exception as error:
        words = tell_broken(error)
        if words is None:
            raise
        return make_response(show_page(words), 503)


def after(endpoint: str, done: str, **values: Any) -> str:
    """The address of a page that says what was done: `done` is a word of DONE."""
    return url_for(endpoint, done=done, **values)


# What the registry refuses with, in words for the person.
REFUSALS: tuple[type[Exception], ...] = (
    BatchNotFound,
    Busy,
    CorrectionRefused,
    LetterNotFound,
    LetterRefused,
    MatterRefused,
    NotAllowed,
    NotPermitted,
    NoticeRefused,
    PaperRefused,
    PolicyError,
    RecordNotFound,
    ResolutionRefused,
    StaffError,
    StartOutOfRange,
)
# What is no fault of whoever asked.
BROKEN = (
    OSError, SQLAlchemyError, StoreDamaged, StoreUnavailable, IndexUnavailable, VaultError, DetectorDamaged,
)  # fmt: skip


def tell_broken(error: Exception) -> str | None:
    """What to say of an error that is nobody's fault; None where it is none of those."""
    words = the_desk().rules.explain(error)
    if words is None and not isinstance(error, BROKEN):
        return None
    # The error's own words may hold what was to be stored.
    _log.error("desk_failed", error=type(error).__name__)
    return words or "磁盘或者数据库暂时不能使用，可能没有办完，请稍后核对"


# What a page says after something was done; the address carries the word before it.
DONE: dict[str, str] = {"done": "已经办理。", "saved": "已经保存。", "signed-out": "已经退出登录。"}


def note_read(session: Session, what: str, *, record: int | None = None, matter: int | None = None) -> None:
    """Write down, in `session`, that whoever is signed in was shown a private record or matter (法释〔2017〕7号 art. 13;
    个人信息保护法 art. 51). `what` names the page and nobody."""
    detail: dict[str, Any] = {"page": what}
    if matter is not None:
        detail["matter"] = matter
    audit.note(session, the_desk().now, current().name, "read", record=record, detail=detail)


def form_token(address: str) -> str:
    """A token for a form of this session that is sent to `address` (a path)."""
    desk = the_desk()
    return build_token(current().form_key, address, desk.now, f"{desk.random.getrandbits(96):024x}")


def token_field(address: str) -> Markup:
    """The hidden field that every form carries."""
    return Markup('<input type="hidden" name="token" value="{}">').format(form_token(address))


def form_start(address: str, *, kind: str = "desk-form", files: bool = False) -> Markup:
    """The beginning of a form that is sent to `address`, with its token; `files`: it takes files."""
    encoding = Markup(' enctype="multipart/form-data"') if files else ""
    start = Markup('<form method="post" action="{}" class="{}"{}>').format(address, kind, encoding)
    return start + token_field(address)


def local_time(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{local_day(local)} {local:%H:%M}"


def local_day(day: date) -> str:
    """A day in words; of a moment the day in Asia/Shanghai."""
    day = day_of(day) if isinstance(day, datetime) else day
    return f"{day.year}年{day.month}月{day.day}日"


def keep_private(response: Response) -> Response:
    """Nothing of the desk is kept by a browser or found by a crawler; its style sheets are nobody's secret."""
    if request.endpoint == "static":
        return response
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex, noarchive"
    return response
