"""What every page of the desk works with: the notifier, the clock, the forms, and how a page is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from random import Random
from typing import Any

import structlog
from flask import Response, make_response, redirect, render_template, request, url_for
from sqlalchemy.exc import SQLAlchemyError
from werkzeug import Response as ResponseValue
from werkzeug.exceptions import HTTPException, SecurityError

from notifier.acknowledging import name_answer
from notifier.answers import AckKind
from notifier.calendar import Period
from notifier.context import Notifier
from notifier.desk_forms import FormKeeper, FormRefused, Sent, open_forms, read_by
from notifier.enrolling import CHANNEL_LABEL
from notifier.packages import FileRefused
from notifier.policy import Rules
from notifier.recall import PublicStore
from notifier.recipients import TASKS
from notifier.sending import Clock
from notifier.sms.routing import ABROAD_CHANNEL, MAINLAND_CHANNEL
from notifier.wechat import CHANNEL
from notifier.wechat.templates import RegisteredTemplate
from search_index.day import SHANGHAI
from search_index.register import RegisterUnavailable
from search_index.snapshot import StoreUnavailable

_log = structlog.get_logger("notifier")

# What a page says after something was done; the address carries the word before it.
DONE = {
    "settled": "核实结果已经登记。",
    "resumed": "通道已经恢复，待发送的消息继续发送。",
    "allowed": "该地址已经恢复发送。",
    "approved": "本期推送已经批准，到应推送日自动发送。",
    "pushed": "本期名单已经生成，正在发送。",
    "acknowledged": "回执已经登记。",
    "printed": "张贴已经登记。今后其中任何条目退出公布，都会列出撤下的任务。",
    "taken-down": "撤下已经登记。",
    "sent": "已经送出。",
}


USUAL_PRICE = Decimal("0.05")


@dataclass(frozen=True, slots=True, kw_only=True)
class Untold:
    """A private notice that no SMS can bring: what, of which record, since when, and why. Without a name or a number."""

    what: str
    record: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeskSettings:
    """What pages go by beside the notifier. `wechat_templates` are those registered with the account, `price` that of a
    segment of SMS in yuan; `list_untold` asks the private side, which knows whom it could not tell; `store` knows what of a
    printed list has changed since (None: nobody asks)."""

    rules: Rules = field(default_factory=Rules)
    wechat_templates: Mapping[str, RegisteredTemplate] = field(default_factory=dict)
    price: Decimal = USUAL_PRICE
    list_untold: Callable[[], Sequence[Untold]] = tuple
    store: PublicStore | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The desk that the pages are mounted in, behind its sign-in. `layout` is the template that they extend, `who` says who
    is signed in, and `issue` gives the token of a form for an address; forms are checked there, before a view runs."""

    layout: str
    who: Callable[[], str]
    issue: Callable[[str], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The notifier behind the pages, the clock and the random source, the settings, and the desk around them, if any."""

    notifier: Notifier
    clock: Clock
    random: Random
    settings: DeskSettings
    host: Host | None = None

    @property
    def rules(self) -> Rules:
        return self.settings.rules

    @property
    def now(self) -> datetime:
        return self.clock()

    @property
    def forms(self) -> FormKeeper:
        """Opened when they are needed: pages are made before the database is there to be asked."""
        return open_forms(self.notifier.engine, clock=self.clock, random=self.random)

    def read_by(self) -> str:
        """Who does it: whoever is signed in, or else the name in the form. Raises FormRefused."""
        return self.host.who() if self.host is not None else read_by(request.form)


# What makes a page; the sentence is of what could not be done.
ShowPage = Callable[[str | None], str]


def show(template: str, problem: str | None = None, **values: Any) -> str:
    """A page. `problem` says what could not be done."""
    done = DONE.get(request.args.get("done", "")) if request.method == "GET" else None
    return render_template(f"notifier/{template}.html", problem=problem, done=done, **values)


def act(desk: Desk, show_page: ShowPage, carry_out: Callable[[], str]) -> ResponseValue:
    """Carry out a form of ours and go on to a page that can be loaded again; what is refused is said on `show_page`.
    `carry_out` returns the address to go on to, and raises FormRefused."""
    try:
        if desk.host is None:
            desk.forms.take(_read_sent())
        address = carry_out()
    except FormRefused as error:
        return make_response(show_page(str(error)), error.status)
    except BROKEN as error:
        return make_response(show_page(_tell_broken(error)), 503)
    return redirect(address, 303)


def after(endpoint: str, done: str, **values: Any) -> str:
    """The address of a page that says what was done."""
    return url_for(endpoint, done=done, **values)


def show_error(error: HTTPException) -> ResponseValue:
    """The page of an address that has nothing to show. Redirects pass."""
    if error.code is None or error.code < 400:
        return error.get_response()
    if isinstance(error, SecurityError):
        # Nothing is known of an address under another name.
        return make_response("不接受这个主机名。\n", 400, {"Content-Type": "text/plain; charset=utf-8"})
    said = error.description if error.description and not error.description.isascii() else None
    return make_response(_render_error(said or _SAID.get(error.code, "不能办理这一请求")), error.code)


def show_broken(error: Exception) -> ResponseValue:
    """The page where the disk, a database or the list cannot be read at this moment."""
    return make_response(_render_error(_tell_broken(error)), 503)


def _render_error(reason: str) -> str:
    return render_template("notifier/error.html", reason=reason, problem=None, done=None)


def _tell_broken(error: Exception) -> str:
    # The error's own words may hold what was to be stored, unless they are ours.
    _log.error("desk_failed", error=type(error).__name__)
    return (
        str(error)
        if isinstance(error, FileRefused | RegisterUnavailable)
        else "磁盘或者数据库暂时不能使用，可能没有办完，请稍后核对"
    )


# What is no fault of whoever asked.
BROKEN = (OSError, SQLAlchemyError, FileRefused, RegisterUnavailable, StoreUnavailable)
_SAID = {404: "没有这个页面", 405: "这个页面不能这样打开", 413: "填写的内容过长"}


def keep_private(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["X-Robots-Tag"] = "noindex, noarchive"
    return response


def template_values(desk: Desk, has_phone: bool) -> dict[str, Any]:
    """What every template may call."""

    @cache
    def forms() -> FormKeeper:
        return desk.forms

    issue = desk.host.issue if desk.host is not None else lambda address: forms().issue(address)
    return {
        "frame": desk.host.layout if desk.host is not None else "notifier/frame.html",
        "asks_who": desk.host is None,
        "local_time": local_time,
        "local_day": local_day,
        "local_input": local_input,
        "parcel_label": parcel_label,
        "channel_label": channel_label,
        "field_label": field_label,
        "form_token": issue,
        "typed": request.form if request.method == "POST" else {},
        "right_now": desk.now,
        "name_answer": lambda purpose, kind: name_answer(purpose, AckKind(kind)),
        "has_phone": has_phone,
    }


def local_time(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{local_day(local)} {local:%H:%M}"


def local_day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def local_input(moment: datetime) -> str:
    """A moment as `<input type="datetime-local">` has it, in Beijing time."""
    return moment.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M")


def parcel_label(parcel: str) -> str:
    """What a folder of the inbox is called on the page: `2026Q3-r2` is the second revision of the quarter's list."""
    period, revision = parcel.split("-r")
    return f"{Period.parse(period).label}名单，第{revision}次修订"


_CHANNEL_LABEL = {
    **CHANNEL_LABEL,
    TASKS: "内部待办",
    ABROAD_CHANNEL: "短信（境外）",
    MAINLAND_CHANNEL: "短信（境内）",
    CHANNEL: "微信公众号",
}


def channel_label(name: str) -> str:
    return _CHANNEL_LABEL.get(name, name)


_FIELD_LABEL = {"court": "法院", "list": "名单", "period": "期次", "total": "现有条数", "added": "新增条数"}


def field_label(name: str) -> str:
    """What a field of a WeChat template is called on the page."""
    return _FIELD_LABEL.get(name, name)


def _read_sent() -> Sent:
    return Sent(
        address=request.script_root + request.path,
        host=request.host,
        origin=request.headers.get("Origin"),
        site=request.headers.get("Sec-Fetch-Site"),
        token=request.form.get("token", ""),
    )
