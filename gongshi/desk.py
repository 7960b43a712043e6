"""The desk's process: the staff's pages, and those of the notifier behind the same sign-in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from tempfile import SpooledTemporaryFile
from threading import Lock
from types import TracebackType
from typing import IO, TYPE_CHECKING

from flask import Flask, Request, Response
from flask.sansio.blueprints import BlueprintSetupState
from jinja2 import StrictUndefined
from werkzeug.routing import IntegerConverter, Map

from gongshi.channels import Providers, read_providers, read_rules
from gongshi.closed_pages import close_desk, restoring_pages
from gongshi.court import Court
from gongshi.errorlog import log_error
from gongshi.gateway import create_gateway
from gongshi.notices import list_stuck
from gongshi.office import open_office
from gongshi.pump import NotTold, StoreAhead
from gongshi.safety.closed import is_closed
from gongshi.settings import BadSetting, Settings
from notifier.clarifying import count_told
from notifier.context import Notifier
from notifier.desk import desk_pages
from notifier.desk_base import USUAL_PRICE, DeskSettings, Host, Untold
from notifier.desk_line import GatewayLine
from notifier.desk_templates import read_price
from notifier.wechat.settings import WeChatSettings
from notifier.wechat.templates import BadTemplates, RegisteredTemplate, load_templates
from registry.desk import staff_desk
from registry.desk.access import Access
from registry.desk.base import Rules, current, form_token, set_access
from registry.papers import open_scanner

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

STATIC = Path(__file__).resolve().parent.parent / "static"
# Whoever brings another name has been led here by somebody else's page.
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_LARGEST_ROW = 2**31 - 1
_LARGEST_FORM = 512 * 1024  # bytes: the records of a whole list fit
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With none at all a browser would not say where a form comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class RowNumber(IntegerConverter):
    """A number in an address that a database can be asked for: a larger one is the address of nothing."""

    def __init__(self, map: Map, fixed_digits: int = 0, min: int | None = None, max: int | None = _LARGEST_ROW) -> None:
        super().__init__(map, fixed_digits, min, max)


def keep_uploads_in(folder: Path) -> type[Request]:
    """Requests whose files, where they are large, lie in `folder` while they are read, without a name: what is imported
    holds whole identity numbers, and the system's own folder for such things is another disk, with other readers."""

    class PrivateRequest(Request):
        def _get_file_stream(
            self,
            total_content_length: int | None,
            content_type: str | None,
            filename: str | None = None,
            content_length: int | None = None,
        ) -> IO[bytes]:
            return SpooledTemporaryFile(max_size=_LARGEST_FORM, dir=str(folder))

    return PrivateRequest


class DeskApp(Flask):
    """Flask, but an unforeseen error is written without anything the request held."""

    def log_exception(
        self,
        exc_info: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> None:
        if exc_info[1] is not None:
            log_error(exc_info[1])


def create_desk(court: Court) -> DeskApp:
    """The application of `serve desk`. Made before the server forks, with no database left open. Raises BadSetting."""
    if is_closed(court.settings.home):
        return _make_closed_desk(court)
    office = open_office(court)
    providers = read_providers(court, office)
    app = _begin_desk(court, office)
    pushing = desk_pages(
        office,
        clock=court.world.now,
        settings=DeskSettings(
            rules=read_rules(court.settings, training=providers.training),
            wechat_templates=_read_templates(providers.wechat),
            price=_read_price(os.environ.get("GONGSHI_SMS_PRICE", "")),
            list_untold=lambda: _list_untold(court),
            store=court.store,
        ),
        random=court.world.random,
        phone=_open_line(court, providers),
        host=Host(layout="desk/layout.html", who=lambda: current().name, issue=form_token),
    )
    pushing.record(_share_out)
    app.register_blueprint(pushing)
    return _finish_desk(app, court, office)


def _make_closed_desk(court: Court) -> DeskApp:
    """The desk of a home that came back from a backup. Once the home is open, the whole desk takes its place."""
    office = open_office(court)
    app = _finish_desk(_begin_desk(court, office), court, office)
    closed, turn, opened = app.wsgi_app, Lock(), list[DeskApp]()

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if is_closed(court.settings.home):
            return closed(environ, start_response)
        with turn:
            if not opened:
                opened.append(create_desk(Court(court.settings, court.world)))
        return opened[0](environ, start_response)

    app.wsgi_app = answer  # type: ignore[method-assign]  # how Flask documents middleware
    return app


def _begin_desk(court: Court, office: Notifier) -> DeskApp:
    app = DeskApp("gongshi.desk", static_folder=str(STATIC), static_url_path="/static")
    app.config.update(
        TRUSTED_HOSTS=[*_LOOPBACK, *court.settings.desk_host_list],
        MAX_CONTENT_LENGTH=_LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=_LARGEST_FORM,
    )
    app.request_class = keep_uploads_in(court.private)
    app.jinja_env.undefined = StrictUndefined
    app.url_map.converters["int"] = RowNumber
    app.register_blueprint(staff_desk(court, random=court.world.random, rules=_read_rules(court.settings, office)))
    return app


def _finish_desk(app: DeskApp, court: Court, office: Notifier) -> DeskApp:
    app.register_blueprint(restoring_pages(court))
    close_desk(app, court.settings.home)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    # A connection that two processes hold belongs to neither.
    court.engine.dispose()
    office.engine.dispose()
    court.store.close()
    return app


# Whose the notifier's pages are. What is not named here is nobody's.
_PUSHING = {
    Access.READ: (
        "runs", "run", "preview", "run_file", "recalls", "recalls_csv", "recalls_json", "messages", "message", "recipients",
        "printings", "templates", "actions", "inbox", "inbox_parcel", "inbox_file",
        # Training only: nothing of the court is done there.
        "phone", "phone_say", "phone_press", "phone_follow", "phone_leave", "phone_threads", "phone_sms", "phone_reply",
    ),
    Access.WORK: ("settle", "resume", "allow_address", "take_answer", "put_up", "put_down"),
    Access.DECIDE: ("approve", "push_now"),
}  # fmt: skip


def _share_out(state: BlueprintSetupState) -> None:
    for access, endpoints in _PUSHING.items():
        for endpoint in endpoints:
            set_access(state, f"{state.blueprint.name}.{endpoint}", access)


def _read_rules(settings: Settings, office: Notifier) -> Rules:
    return Rules(
        second_factor=settings.desk_second_factor == "required",
        upload_limit=settings.desk_upload_mb * 1024 * 1024,
        scan=open_scanner(settings.scan_command),
        explain=_explain,
        count_told=lambda number: count_told(office.engine, number),
    )


def _explain(error: Exception) -> str | None:
    if isinstance(error, NotTold):
        return (
            "决定已经登记，但公示库没有更新，公众可能仍能查到：请立即请系统管理员排除故障并运行 gongshi publish，"
            "办好以前不要当作已经撤下"
        )
    return str(error) if isinstance(error, StoreAhead) else None


def _open_line(court: Court, providers: Providers) -> GatewayLine | None:
    """The line of the sandbox phone, which only a home for training has."""
    if not providers.training or providers.wechat is None or providers.sms.twilio is None:
        return None
    return GatewayLine(
        gateway=create_gateway(court, providers=providers),
        wechat=providers.wechat,
        twilio_token=providers.sms.twilio.auth_token.get_secret_value(),
        gateway_url=providers.sms.gateway_url,
        clock=court.world.now,
        random=court.world.random,
    )


def _read_templates(wechat: WeChatSettings | None) -> dict[str, RegisteredTemplate]:
    try:
        return load_templates(wechat.templates if wechat is not None else None)
    except BadTemplates as error:
        raise BadSetting(f"设置 GONGSHI_WECHAT_TEMPLATES 无效：{error}") from None


def _read_price(typed: str) -> Decimal:
    if not typed.strip():
        return USUAL_PRICE
    price = read_price(typed.strip())
    if price is None:
        raise BadSetting("设置 GONGSHI_SMS_PRICE 无效：应为每条短信的单价（元），例如 0.05")
    return price


def _list_untold(court: Court) -> Sequence[Untold]:
    """The private notices that no SMS can bring, as the desk shows them."""
    return [
        Untold(what=line.kind.label, record=line.record, since=line.created_at, reason=line.reason or "")
        for line in list_stuck(court)
    ]
