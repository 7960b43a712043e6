"""The desk's process. Until the desk has a sign-in it shows what the notifier does, to this machine only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from types import TracebackType

from flask import Flask, Response
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from gongshi.channels import Providers, read_providers, read_rules
from gongshi.court import Court
from gongshi.errorlog import log_error
from gongshi.gateway import create_gateway
from gongshi.notices import list_stuck
from gongshi.office import open_office
from gongshi.settings import BadSetting
from notifier.desk import desk_pages
from notifier.desk_base import USUAL_PRICE, DeskSettings, Untold, show_error
from notifier.desk_line import GatewayLine
from notifier.desk_templates import read_price
from notifier.wechat.settings import WeChatSettings
from notifier.wechat.templates import BadTemplates, RegisteredTemplate, load_templates

STATIC = Path(__file__).resolve().parent.parent / "static"
# Whoever brings another name has been led here by somebody else's page.
_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
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
    office = open_office(court)
    providers = read_providers(court, office)
    app = DeskApp("gongshi.desk", static_folder=str(STATIC), static_url_path="/static")
    app.config.update(TRUSTED_HOSTS=_HOSTS, MAX_CONTENT_LENGTH=_LARGEST_FORM, MAX_FORM_MEMORY_SIZE=_LARGEST_FORM)
    app.jinja_env.undefined = StrictUndefined
    app.register_blueprint(
        desk_pages(
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
        )
    )
    app.register_error_handler(HTTPException, show_error)

    @app.after_request
    def finish(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    # A connection that two processes hold belongs to neither.
    office.engine.dispose()
    court.store.close()
    return app


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
